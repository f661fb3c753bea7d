"""Hostile requests: only results or errors of mathdl, in bounded time, with nothing executed.

``mutated(Random(seed))`` makes the request of a finding again.
"""

from __future__ import annotations

import os
import resource
from collections import Counter
from random import Random
from typing import Any

import numpy as np
import pytest
import sympy
from corpus import FURTHER, Case, corpus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutation import mutated, mutated_text
from outcomes import attempt, outcome

import mathdl as md
from mathdl.errors import MathDLError, NamingError, ShapeError

SAMPLE = 3_000
EXHAUSTIVE = 100_000
BATCH = 10_000
DERIVED = 10  # of so many requests that are read one is derived, compiled and run
GROWTH = 1_000  # MB


def check(seeds: range, every: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    findings = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in seeds:
        case = mutated(Random(seed))
        kind, detail = outcome(case, deep=seed % every == 0)
        counts[kind] += 1
        if kind.startswith("FINDING"):
            findings.append(f"{seed} {kind}: {case!r:.600}\n{detail!s:.1500}")
    assert not findings, "\n".join(findings)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH * 1024
    return counts


def test_sample() -> None:
    counts = check(range(SAMPLE), every=5 * DERIVED)
    assert counts["read"] > 0.1 * SAMPLE
    assert counts["ran"] >= 5
    assert {"ParseError", "NamingError", "ShapeError", "AssumptionError"} <= counts.keys()


@pytest.mark.exhaustive
@pytest.mark.parametrize("start", range(SAMPLE, SAMPLE + EXHAUSTIVE, BATCH))
def test_many(start: int) -> None:
    print(dict(check(range(start, start + BATCH), every=DERIVED)))


@pytest.mark.parametrize("case", FURTHER, ids=lambda c: c.text)
def test_what_is_mutated_is_valid(case: Case) -> None:
    assert outcome(case, deep=True) == ("ran", None)


@settings(max_examples=200, derandomize=True, database=None, deadline=None,
          suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60) | st.text(st.characters(max_codepoint=127), max_size=60))
def test_any_text(text: str) -> None:
    for case in (Case(text, "x: n"), Case("x", text), Case("x", "x: n", text),
                 Case("sum(x)", "x: n", None, text)):
        kind, detail = outcome(case, deep=True)
        assert not kind.startswith("FINDING"), detail


@pytest.mark.parametrize("start", range(0, 40, 10))
def test_printed_results_mutated(start: int) -> None:
    """What ``text`` prints of a derivative is read again, whole and mutated."""
    rng = Random(start)
    for case in corpus()[start + 20 : start + 30]:
        try:
            D = md.derive(md.parse(case.text, case.shapes, case.assume), case.wrt)
        except MathDLError:
            continue
        shapes = {t.name: " ".join(map(str, t.shape)) for t in D.inputs}
        for key in D:
            for text in (str(D[key]), *(mutated_text(rng, str(D[key])) for _ in range(10))):
                kind, detail = outcome(Case(text, shapes, wrt=list(shapes)[:1]), deep=False)
                assert not kind.startswith("FINDING"), detail


def test_findings_are_seen() -> None:
    """The harness can fail: what is slow, opened, executed or another error is a finding."""
    def forever() -> None:
        while True:
            pass

    def loud() -> None:
        raise ShapeError("two\nlines")

    assert attempt(forever, 0.1)[0] == "FINDING slow"
    assert attempt(lambda: os.system("true"), 1, True)[0] == "FINDING executed"
    assert attempt(lambda: eval("1 + 1"), 1, True)[0] == "FINDING executed"
    assert attempt(lambda: 1 / 0, 1)[0] == "FINDING ZeroDivisionError"
    assert attempt(loud, 1)[0] == "FINDING message"
    assert attempt(lambda: 1, 1, True) == ("ok", 1)


# -- what was found ----------------------------------------------------------------------------

EVIL = "n): __import__('os'); (n"

SHAPES: list[Any] = [
    {"x": None}, {"x": 1.5}, {"x": {"n"}}, {"x": b"n"}, {"x": {}}, {"x": Ellipsis}, {"x": [[1]]},
    {"x": sympy.Symbol("n")}, {"x": sympy.Symbol("n", integer=True)}, {"x": sympy.Rational(1, 2)},
    {"x": (sympy.Symbol(EVIL, integer=True, positive=True),)},
    {"x": sympy.Symbol("for", integer=True, positive=True)},
]


@pytest.mark.parametrize("shapes", SHAPES, ids=repr)
def test_shapes_that_are_none(shapes: Any) -> None:
    with pytest.raises((ShapeError, NamingError)):
        md.parse("x", shapes)


def test_dims_of_sympy_are_the_same_as_by_name() -> None:
    n = sympy.Symbol("n", integer=True, positive=True)
    assert md.tensor("x", n + 1, 2 * n).shape == (md.dims("n") + 1, 2 * md.dims("n"))


@pytest.mark.parametrize("text", [
    "inverse_gaps(n)", "inverse_sums(2)", "inverse_values(2, n)", "inverse_values(s=x, u=n)",
    "mean(X, axis=10**300)", "Z[10**300]", "mean(X, " + "axis" * 100 + "=1)",
    "X[" + "1, " * 300 + "1]",
])
def test_refused_with_a_short_message(text: str) -> None:
    with pytest.raises(MathDLError) as caught:
        md.parse(text, "X: n n; x: n; Z: 3")
    assert len(str(caught.value)) < 300


def test_an_assumption_that_is_an_array() -> None:
    with pytest.raises(NamingError, match="assumptions are text"):
        md.parse("x", "x: n", np.zeros(2))  # type: ignore[arg-type]


def test_conditions_are_factored_as_numbers() -> None:
    """A matrix of comparisons reaches LAPACK as numbers."""
    code = md.compile(md.parse("logdet((X > 0) + eye(n)) + det(X < 1)", "X: n n"))
    X = np.array([[0.5, -1.0], [2.0, 0.25]])
    mask = (X > 0).astype(float)
    expected = np.log(abs(np.linalg.det(mask + np.eye(2)))) + np.linalg.det((X < 1).astype(float))
    np.testing.assert_allclose(code(X), expected)
    np.testing.assert_allclose(md.compile(md.parse("inv(X > 0)", "X: n n"))(X),
                               np.linalg.inv(mask))
