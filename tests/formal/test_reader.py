"""What certificates state, read back from their Coq text, is what the engine computes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import coq_reader
import numpy as np
import pytest
from certified import CERTIFIED, SAMPLE, derivation
from coq_reader import Reading

import mathdl as md
from mathdl.formal.coq import Text
from mathdl.ir.system import inputs_of
from mathdl.verify import choose_dims, sample
from mathdl.verify.sampling import Manner

TOLERANCE = 1e-8
MANNERS: tuple[Manner, ...] = ("normal", "positive", "unit")
WORKED = [c for c in map(json.loads, (Path(__file__).parents[1] / "cases" / "gradients.jsonl")
                         .read_text("utf-8").splitlines()) if c["order"] == 1]


def instance(derived: md.Derivation, reading: Reading, seed: int) -> tuple[Any, Any]:
    """Arrays by name at which all hypotheses hold, and the values of all variables."""
    outputs = [*derived.outputs.values(), *derived.derivatives.values()]
    inputs = inputs_of(outputs)
    several = choose_dims(outputs, rng=np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    for attempt in range(12 * len(several)):
        dims = several[(2 * seed + attempt // 12) % len(several)]
        arrays = sample(inputs, dims, rng, outputs=outputs, manner=MANNERS[attempt % 3])
        values = {**dims, **{f"{n}_" if f"{n}_" in _declared(reading) else n: a
                             for n, a in arrays.items()}}
        if all(coq_reader.holds(reading, t, values) for t in reading.theorems):
            return arrays, values
    raise AssertionError("no instance satisfies the hypotheses")


def _declared(reading: Reading) -> set[str]:
    return {*reading.variables, *(n for t in reading.theorems for n, _ in t.points)}


def agrees(derived: md.Derivation, text: str, seed: int = 0) -> None:
    """The value and every gradient in the statement are the engine's."""
    reading = Reading(text)
    assert reading.theorems
    arrays, values = instance(derived, reading, seed)
    value = np.asarray(derived.value_function()(**arrays)[""])
    grads = list(derived.derivative_function()(**arrays).values())
    assert len(grads) == len(reading.theorems)
    for about, expected in zip(reading.theorems, grads, strict=True):
        loss, gradient = coq_reader.claim(reading, about, values, value.shape)
        for got, wanted in ((loss, value), (gradient, np.asarray(expected))):
            assert got.shape == wanted.shape, about.name
            scale = max(float(np.max(np.abs(wanted), initial=0)), 1e-3)
            assert np.max(np.abs(got - wanted), initial=0) <= TOLERANCE * scale, about.name


@pytest.mark.parametrize("name", SAMPLE)
def test_the_statement_is_the_derivation(name: str) -> None:
    certificate = derivation(name).certificate()
    agrees(derivation(name), certificate.source)
    agrees(derivation(name), str(certificate.statement), seed=1)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "name", [n for n, case in CERTIFIED.items() if n not in SAMPLE and case.order == 1])
def test_every_statement_is_its_derivation(name: str) -> None:
    certificate = derivation(name).certificate()
    agrees(derivation(name), certificate.source)
    agrees(derivation(name), str(certificate.statement), seed=1)


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", WORKED, ids=lambda c: c["id"])
def test_the_statements_of_worked_cases(case: dict[str, Any]) -> None:
    expression = md.parse(case["expr"], case["shapes"], case["constraints"])
    derived = md.derive(expression, case["wrt"])
    try:
        source = derived.certificate().source
    except md.UnsupportedError as error:
        pytest.skip(str(error))
    agrees(derived, source)


def _broken(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break the printer."""
    real = Text.real

    def dropped(self: Text, term: Any, level: int = 0) -> str:
        return real(self, term.func(*term.args[1:]) if term.is_Mul and len(term.args) > 2
                    else term, level)

    def swapped(self: Text, term: Any, level: int = 0) -> str:
        if term.is_Function and len(term.args) == 2 and all(a.is_Symbol for a in term.args):
            term = term.func(*reversed(term.args))
        return real(self, term, level)

    def negated(self: Text, term: Any, level: int = 0) -> str:
        text = real(self, term, level)
        return text.replace(" - ", " + ") if term.is_Add else text

    monkeypatch.setattr(Text, "real", {"dropped": dropped, "swapped": swapped,
                                       "negated": negated}[broken])


@pytest.mark.parametrize("broken", ["dropped", "swapped", "negated"])
def test_a_broken_printer_is_found(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    derived = derivation("matrix factorization" if broken == "swapped" else "least squares")
    agrees(derived, md.derive(derived.outputs[""], list(derived.derivatives)).certificate().source)
    with monkeypatch.context() as patch:
        _broken(broken, patch)
        source = md.derive(derived.outputs[""], list(derived.derivatives)).certificate().source
    with pytest.raises((AssertionError, IndexError)):
        agrees(derived, source)


def test_the_reader_has_the_precedence_and_the_naturals_of_coq() -> None:
    scope = {**coq_reader.LIBRARY, "n": 2}

    def read(text: str) -> Any:
        return coq_reader.value(coq_reader.Parser(text).whole(), scope)

    assert read("- 2 ^ 2") == -4
    assert read("2 * 3 - 4 - 1") == 1
    assert read("1 / 2 / 2") == 0.25
    assert read("2 ^ 3 ^ 2") == 512
    assert read("INR (n - 3)%nat") == 0
    assert read("INR (7 / n)%nat") == 3
    assert read("sumf n (fun i => INR i + 1)") == 3
    assert read("forall i : nat, (i < n)%nat -> 0 <= INR i")
    assert not read("forall i : nat, (i < n)%nat -> 0 < INR i \\/ 1 < 0")
    assert read("sigmoid 0") == 0.5
    assert read("normal_cdf 0") == 0.5
    with pytest.raises(coq_reader.NotRead):
        read("sumf n (fun i => unknown i)")
    with pytest.raises(coq_reader.NotRead):
        read("1 + ")
