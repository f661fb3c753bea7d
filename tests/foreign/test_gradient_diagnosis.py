"""Every planted mistake is refused, and called by its name; every right gradient passes."""

from __future__ import annotations

from typing import Any

import pytest
from gradient_cases import CASES, Case

import mathdl as md

PLANTED = [(case, kind) for case in CASES for kind in case.wrong]


def check(case: Case, derivative: Any, **more: Any) -> Any:
    options: dict[str, Any] = {**case.options, case.form: derivative, **more}
    return md.check_gradient(case.f, shapes=case.shapes, **options)


def as_expected(report: Any, kind: str) -> bool:
    """Whether the one diagnosis is of one of the kinds, by the tensor and with the words told."""
    kinds, _, tensor = kind.partition("@")
    if len(report.diagnoses) != 1 or tensor not in ("", report.diagnoses[0].tensor):
        return False
    found = report.diagnoses[0]
    return any(
        found.mistake.startswith(name) and words in found.text
        for name, _, words in (one.partition(":") for one in kinds.split("|"))
    )


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_right_gradients_pass(case: Case) -> None:
    report = check(case, case.right)
    assert report, str(report)
    assert not report.diagnoses


@pytest.mark.parametrize(("case", "kind"), PLANTED, ids=[f"{c.name}: {k}" for c, k in PLANTED])
def test_planted_mistakes_are_refused_and_named(case: Case, kind: str) -> None:
    report = check(case, case.wrong[kind])
    assert report.failures, str(report)
    assert as_expected(report, kind), "\n".join(map(str, report.diagnoses)) or str(report)
