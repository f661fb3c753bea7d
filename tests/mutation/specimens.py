"""The expressions by which mutants are judged: the ladder's cases, those on which every rule
fires, entries of the book, every scalar function and every primitive of the registries, reverse and
forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ladder_cases import CASES, SPECTRAL, derived
from primitive_cases import CASES as PRIMITIVE_CASES
from primitive_cases import Case
from sympy import Integer, KroneckerDelta, Rational
from test_gradients import CASES as WORKED
from test_read_back import FORMULAS
from test_rewriting import ASSUME, SHAPES, TEXTS

import mathdl as md
from mathdl.book import load_book
from mathdl.book.checking import derivation_of
from mathdl.derivation import Derivation
from mathdl.ir.build import redefine
from mathdl.ir.system import inputs_of, topological
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.pointwise import pointwise
from mathdl.scalar import ScalarFunction, scalar_functions
from mathdl.simplify import simplify

Derive = Callable[[], Derivation]
BOOK = 3  # every third entry of the book
REWRITTEN = [*((text, wrt, 1) for text, wrt in TEXTS),
             ("sum(diag(x) @ A @ x)", "x", 2), ("log(mean(exp(x)))", "x", 1),
             ("log(det(S))", "S", 1), ("sum(exp(x)**2*y)", "x", 1),
             ("sum(x[::2]**3)", "x", 1), ("sum((x + sqrt(x**2 + 4))*y)", "x", 1),
             ("sum((sqrt(exp(x) + 1) - sqrt(exp(x)))*y)", "x", 1)]
FORWARD = ("squares", "cross-entropy", "largest", "window", "recurrence", "powers")
ORDER = 2  # of a function that has an integer order


def specimens() -> dict[str, Derive]:
    """By name, what derives an expression; nothing is derived yet."""
    return dict(_all())


def _all() -> Iterator[tuple[str, Derive]]:
    for name in (*CASES, *SPECTRAL):
        yield f"case {name}", lambda name=name: derived(name)
    for text, wrt, order in REWRITTEN:
        yield f"rewritten {text} by {wrt}", (
            lambda text=text, wrt=wrt, order=order: md.derive(
                md.parse(text, SHAPES, ASSUME), wrt, order))
    yield "delta in a sum", _of_delta
    yield "names of code", lambda: md.derive(
        md.parse("sum(out*np**2)", {"out": "dtype run", "np": "dtype run"}), ["out", "np"])
    yield "Greek letters", lambda: md.derive(
        md.parse("sum(beta**2*gamma)", {"beta": "n", "gamma": "n"}), "beta")
    for entry in load_book()[::BOOK]:
        yield f"book {entry.name}", lambda entry=entry: derivation_of(entry)
    for function in scalar_functions():
        yield f"scalar {function.name}", (
            lambda function=function: _of_scalar(function))
    for case in PRIMITIVE_CASES:
        yield f"primitive {case.id}", lambda case=case: md.derive(*_of_primitive(case))
        yield f"forward {case.id}", lambda case=case: forward(*_of_primitive(case))
    for case in WORKED:
        if case["id"] in FORMULAS:
            yield f"worked {case['id']}", lambda case=case: md.derive(
                md.parse(case["expr"], case["shapes"], case["constraints"]), case["wrt"], 2)
    for name in FORWARD:
        yield f"forward {name}", lambda name=name: forward(*_of_case(name))


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


def _of_delta() -> Derivation:
    """``Z[i] = sum_k x[k]*(A[i,k] + delta[i,k]*y[k])``."""
    A, x, y = md.tensor("A", "n n"), md.tensor("x", "n"), md.tensor("y", "n")
    i, k = md.indices("i k")
    entry = md.Sum(x[k]*(A[i, k] + KroneckerDelta(i, k)*y[k]), k)
    return md.derive(md.sum(md.equation("Z", (i,), entry)**3), "x")


def _of_primitive(case: Case) -> tuple[Tensor, list[str]]:
    """``sum(G*f(A, B))``, and its operands."""
    value = case.expr()
    cotangent = md.tensor("G", *value.shape) if value.ndim else md.tensor("G", "")
    return md.sum(cotangent*value), [name for name, _ in case.operands()]


def _of_case(name: str) -> tuple[Tensor, list[str]]:
    text, shapes, assume, wrt, _ = CASES[name]
    return md.parse(text, shapes, assume), [wrt] if isinstance(wrt, str) else wrt


def forward(expr: Tensor, wrt: list[str]) -> Derivation:
    """The gradients by forward mode: of the tangent by its direction, and what it is without one.

    As the tangent is linear, that is nothing, and its derivative is the same in any direction.
    """
    right = md.derive(expr, wrt)
    found = {}
    for variable in right.wrt:
        zero, direction = md.zeros(*variable.shape), md.tensor("along", *variable.shape)
        tangent = md.jvp(expr, {variable: direction})
        moving = direction in inputs_of([tangent])
        gradient = md.derive(tangent, direction).derivatives["along"] if moving else zero
        (rest,) = simplify([_put(tangent, direction, zero)])
        found[variable.name] = _put(gradient, direction, zero) + (0 if rest is md.zeros() else rest)
    return replace(right, derivatives=found)


def _put(tensor: Tensor, variable: Tensor, value: Tensor) -> Tensor:
    """The tensor with a value for a variable."""
    known: dict[int, Tensor] = {id(variable): value}
    for t in topological([tensor]):
        if id(t) not in known:
            known[id(t)] = t if t.is_input else redefine(t, tuple(
                Access(known[id(a.tensor)], a.index, a.held) for a in t.operands))
    return known[id(tensor)]
