"""The expressions by which mutants are judged: the ladder's cases, those on which every rule
fires, entries of the book, every scalar function and every primitive of the registries."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), *(
    str(TESTS / name) for name in ("verify", "present", "primitives", "cases", "fuzz", "simplify"))]

from ladder_cases import CASES, SPECTRAL, derived  # noqa: E402
from primitive_cases import CASES as PRIMITIVE_CASES  # noqa: E402
from primitive_cases import Case  # noqa: E402
from sympy import Integer, Rational  # noqa: E402
from test_rewriting import ASSUME, SHAPES, TEXTS  # noqa: E402

import mathdl as md  # noqa: E402
from mathdl.book import load_book  # noqa: E402
from mathdl.book.checking import derivation_of  # noqa: E402
from mathdl.derivation import Derivation  # noqa: E402
from mathdl.language.pointwise import pointwise  # noqa: E402
from mathdl.scalar import ScalarFunction, scalar_functions  # noqa: E402

Derive = Callable[[], Derivation]
BOOK = 3  # every third entry of the book
REWRITTEN = [*((text, wrt, 1) for text, wrt in TEXTS),
             ("sum(diag(x) @ A @ x)", "x", 2), ("log(mean(exp(x)))", "x", 1)]
ORDER = 2  # of a function that has an integer order


def corpus() -> dict[str, Derive]:
    """By name, what derives an expression; nothing is derived yet."""
    return dict(_all())


def _all() -> Iterator[tuple[str, Derive]]:
    for name in (*CASES, *SPECTRAL):
        yield f"case {name}", lambda name=name: derived(name)
    for text, wrt, order in REWRITTEN:
        yield f"rewritten {text} by {wrt}", (
            lambda text=text, wrt=wrt, order=order: md.derive(
                md.parse(text, SHAPES, ASSUME), wrt, order))
    for entry in load_book()[::BOOK]:
        yield f"book {entry.name}", lambda entry=entry: derivation_of(entry)
    for function in scalar_functions():
        yield f"scalar {function.name}", (
            lambda function=function: _of_scalar(function))
    for case in PRIMITIVE_CASES:
        yield f"primitive {case.id}", lambda case=case: _of_primitive(case)


def _of_scalar(function: ScalarFunction) -> Derivation:
    """``sum(g*f(x, ...))`` with arguments inside of the domain."""
    arguments, wrt = [], []
    for k, (low, high) in enumerate(function.domain):
        if function.derivative and function.derivative[k] is None:
            arguments.append(Integer(ORDER))
            continue
        inside = md.tensor(f"x{k}", "n", assume="unit_interval")
        wrt.append(inside)
        low, high = Rational(str(low)), Rational(str(high))
        arguments.append(low + (high - low)*inside)
    value = pointwise(function.head, *arguments, what=function.name)
    return md.derive(md.sum(md.tensor("g", "n")*value), wrt)


def _of_primitive(case: Case) -> Derivation:
    """``sum(G*f(A, B))`` by every operand."""
    value = case.expr()
    cotangent = md.tensor("G", *value.shape) if value.ndim else md.tensor("G", "")
    return md.derive(md.sum(cotangent*value), [name for name, _ in case.operands()])
