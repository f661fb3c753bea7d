"""The proof of every worked example is accepted, those with primitives included."""

from __future__ import annotations

from typing import Any

import pytest
from test_gradients import CASES

import mathdl as md
from mathdl.ir.assumptions import ASSUMPTIONS


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["id"])
def test_the_proof_of_a_worked_example(case: dict[str, Any]) -> None:
    assume = {
        name: " ".join(word for word in (given.split() if isinstance(given, str) else given)
                       if word in ASSUMPTIONS)
        for name, given in case["constraints"].items()
    }
    expr = md.parse(case["expr"], case["shapes"], assume)
    checked = md.derive(expr, case["wrt"], case["order"]).proof.check(instances=1)
    assert checked, str(checked)
