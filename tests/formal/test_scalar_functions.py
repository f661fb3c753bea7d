"""Every declared scalar function in Coq: its definition is the declared one, and so is its law.

A function that is declared later is found here without further ado: it has a definition that
agrees with its declaration and a law that Coq proves, or the law is plainly assumed.
"""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import pytest
from scalar_reader import COQ, Environment, definitions, value
from sympy import lambdify, symbols

from mathdl.formal import coqc
from mathdl.formal.coq import function_name
from mathdl.formal.functions import definition_of, is_assumed, law_of, moving
from mathdl.scalar import ScalarFunction, define, lookup, scalar_functions

FUNCTIONS = list(scalar_functions())
SLOTS = symbols("u v w", real=True)
POINTS = (0.13, 0.37, 0.61, 0.92)
ASSUMED = {"gammaln", "digamma", "polygamma", "i0e", "i1e", "log_i0", "bessel_ratio",
           "bessel_ratio_slope"}
each = pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.name)
needs_coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")


@cache
def library() -> Environment:
    """The library's own functions as the reader understands them."""
    files = coqc.sources()
    return definitions(files["Primitives"] + "\n" + files["Functions"])


def arguments(f: ScalarFunction) -> list[tuple[Any, ...]]:
    """Points of the domain, those of an order whole numbers."""
    return [
        tuple(mpmath.mpf(low + (high - low) * ((t + 0.31 * k) % 1))
              if not f.derivative or f.derivative[k] is not None else mpmath.mpf(1 + int(2 * t))
              for k, (low, high) in enumerate(f.domain))
        for t in POINTS
    ]


def declared(f: ScalarFunction) -> Any:
    slots = SLOTS[: f.arity]
    return lambdify(slots, define(f.definition(*slots)), "mpmath")


def slope(f: ScalarFunction, k: int) -> Any:
    slots = SLOTS[: f.arity]
    law = f.derivative[k] if f.derivative else None
    found = f.head(*slots).diff(slots[k]) if law is None else law(*slots)
    return lambdify(slots, define(found), "mpmath")


def close(a: Any, b: Any) -> bool:
    return bool(abs(a - b) <= mpmath.mpf(10) ** -12 * max(abs(b), 1))


def curried(function: Any, arity: int) -> Any:
    if arity == 1:
        return function
    return lambda x: curried(lambda *rest: function(x, *rest), arity - 1)


@each
def test_the_definition_is_the_declared_one(f: ScalarFunction) -> None:
    if is_assumed(f):
        assert f.name in ASSUMED
        return
    for point in arguments(f):
        found = {**COQ, **library()}[function_name(f)]
        for x in point:
            found = found(x)
        assert close(found, declared(f)(*point)), (f.name, point)


@each
def test_the_law_is_the_declared_one(f: ScalarFunction) -> None:
    """The derivative that the lemma, or the hypothesis, states: along a curve, times directions."""
    statement = law_of(f).statement
    lacking = {function_name(g): curried(declared(g), g.arity) for g in FUNCTIONS if is_assumed(g)}
    alone = moving(f) == [f.arity - 1]
    tail = statement[statement.rindex("is_derive "):]
    match = re.match(r"is_derive (\([^()]*(?:\([^()]*\)[^()]*)*\)|\w+) (\w+) (.*)$", tail, re.S)
    assert match is not None, tail
    assert function_name(f) in match[1]
    for point in arguments(f):
        names = dict(zip("xyz", point, strict=False))
        names |= {"t": None, "df": mpmath.mpf("0.7"), "dg": mpmath.mpf("-1.3"),
                  "dh": mpmath.mpf("2.1")}
        for name, x in zip("fgh", point, strict=False):
            names[name] = lambda _, x=x: x
        found = value(match[3], {**library(), **lacking, **names})
        weights = [names["d" + "fgh"[k]] if not alone else 1 for k in moving(f)]
        wanted = sum(d * slope(f, k)(*point) for k, d in zip(moving(f), weights, strict=True))
        assert close(found, wanted), (f.name, point, found, wanted)


@each
def test_the_law_is_proved_or_assumed(f: ScalarFunction) -> None:
    law = law_of(f)
    proved = f"Lemma {law.name} : {law.statement}.\nProof." in coqc.sources()["Laws"]
    assert proved is not is_assumed(f)


def test_nothing_in_the_library_is_admitted() -> None:
    for name, text in coqc.sources().items():
        assert not re.search(r"\b(Admitted|admit|Axiom|Parameter|Conjecture)\b", text), name


def test_a_wrong_definition_is_seen() -> None:
    sigmoid = definition_of(lookup("sigmoid"))
    wrong = definitions(sigmoid.replace("1 + (exp", "2 + (exp"))["sigmoid"]
    assert not close(wrong(mpmath.mpf("0.3")), declared(lookup("sigmoid"))(mpmath.mpf("0.3")))


@needs_coq
def test_a_wrong_law_is_refused(tmp_path: Path) -> None:
    files = coqc.sources()
    law = law_of(lookup("softplus"))
    wrong = law.statement.replace("(sigmoid x)", "(sigmoid (- x))")
    assert wrong != law.statement
    head = files["Laws"].split("\n\n")[0]
    proof = "Proof. intros; eapply D_eq; [unfold softplus; D | close]. Qed."
    (tmp_path / "W.v").write_text(f"{head}\nLemma law : {wrong}.\n{proof}\n")
    done = coqc.run(coqc.library(), "W.v", tmp_path)
    assert "W.v" in done.stderr
