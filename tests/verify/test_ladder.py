"""The ladder: every rung accepts what is right, refuses what is not, or says why it is silent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ladder_cases import CASES, FAULTS, SPECTRAL, derived, planted

import mathdl as md
from mathdl.errors import UnsupportedError
from mathdl.verify import RUNGS

NAMES = [rung.name for rung in RUNGS]
#: In the default suite; all of them are behind ``exhaustive``.
SAMPLE = ("squares", "gather", "Cholesky", "mixed", "Jacobian")

#: Some derivative of these equals its transpose.
SYMMETRIC = ("log-determinant", "Cholesky", "mixed", "Jacobian", "eigenvalues")


def _verify(subject: Any, level: str) -> Any:
    return subject.verify(level=level)


@pytest.mark.parametrize("name", SAMPLE)
def test_every_rung_accepts_a_derivation(name: str) -> None:
    report = _verify(derived(name), "all")
    assert report, str(report)
    assert set(report.not_applicable) <= {"formal"}
    assert {c.rung for c in report.checks} >= set(NAMES) - {"formal"}


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", CASES)
def test_every_rung_accepts_all(name: str) -> None:
    report = _verify(derived(name), "all")
    assert report, str(report)
    assert set(report.not_applicable) <= {"formal"}


def test_a_rung_that_has_nothing_to_say_gives_the_reason() -> None:
    report = _verify(derived("eigenvalues"), "proof,exact")
    assert report, str(report)
    assert "roots of a polynomial" in report.not_applicable["exact"]
    assert "exact: not applicable, because" in str(report)
    with pytest.raises(UnsupportedError, match="no finite expression"):
        _verify(derived("exponential"), "exact")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("level", ["proof", "numeric", "precise", "exact"])
def test_every_rung_refuses_planted_faults(level: str, fault: str) -> None:
    report = _verify(planted(derived("squares" if fault != "turned" else "inverse"), fault), level)
    assert report.failures, str(report)
    assert not report


@pytest.mark.exhaustive
@pytest.mark.parametrize("level", ["proof", "numeric", "precise", "exact"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", [*CASES, *SPECTRAL])
def test_every_fault_is_refused(name: str, fault: str, level: str) -> None:
    if level == "exact" and name in SPECTRAL:
        pytest.skip("the rung does not apply")
    right = derived(name)
    wrong = planted(right, fault)
    same = all(wrong.derivatives[k] is d for k, d in right.derivatives.items())
    if same or (fault == "turned" and name in SYMMETRIC):
        pytest.skip("this is no fault here")
    assert _verify(wrong, level).failures


@pytest.mark.parametrize("name", ["squares", "cross-entropy"])
def test_wrong_shapes_are_refused(name: str) -> None:
    right = derived(name)
    wrong = replace(right, derivatives={
        key: d[None] for key, d in right.derivatives.items()})
    report = _verify(wrong, "shapes")
    assert {c.tensor for c in report.failures} == set(right.derivatives)


def test_a_constant_beyond_double_precision_is_refused() -> None:
    """1 + 1e-25 is 1 in the code, but not in the equations."""
    right = derived("squares")
    tiny = md.parse("1/10**25", shapes="")
    wrong = replace(right, derivatives={k: d + d * tiny for k, d in right.derivatives.items()})
    assert _verify(wrong, "numeric")
    assert _verify(wrong, "precise").failures
    assert _verify(wrong, "exact").failures


def test_levels_are_named() -> None:
    subject = derived("squares")
    with pytest.raises(UnsupportedError, match=r"unknown level .*'exac'.* did you mean exact\?"):
        _verify(subject, "exac")
    with pytest.raises(UnsupportedError, match="certificate"):
        _verify(derived("eigenvalues"), "formal")
    report = _verify(subject, "exact, shapes")
    assert {c.rung for c in report.checks} == {"shapes", "exact"}
    assert not any(c.rung == "proof" for c in report.checks)


def test_a_right_shape_alone_decides_nothing() -> None:
    """What only its shape was checked of is not verified when more was asked for."""
    report = _verify(derived("squares"), "shapes,numeric")
    alone = replace(report, checks=tuple(c for c in report.checks if c.rung == "shapes"))
    assert alone.unchecked == ("gradient w",)
    assert not alone


def test_code_of_bessel_functions_is_compared_with_many_digits() -> None:
    """Without it a wrong value with the derivative of that value was accepted."""
    derivation = md.derive(md.parse("sum(i0e(x))", "x: n"), "x")
    report = derivation.verify(level="precise", points=1)
    assert report, str(report)
    assert {c.tensor for c in report.checks if c.method == "code to 50 digits"} == {"value", "x"}
