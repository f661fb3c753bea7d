"""What derivatives of primitives print is read back and computes the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from primitive_cases import CASES, Case, matrix

import mathdl as md
from mathdl.language.functions import FUNCTIONS
from mathdl.present import to_text
from mathdl.primitives import primitives

SIZES = {"n": 4, "m": 3, "k": 2}


def at_sizes(dim: Any) -> int:
    if isinstance(dim, int):
        return dim
    return int(dim.subs({s: SIZES[s.name] for s in dim.free_symbols}))


def same_numbers(tensor: md.Tensor, text: str, derivation: md.Derivation, case: Case) -> None:
    inputs = {t.name: t for t in derivation.inputs}
    again = md.parse(text, {k: t.shape for k, t in inputs.items()},
                     {k: tuple(t.assume) for k, t in inputs.items() if t.assume})
    rng = np.random.default_rng(7)
    assert again.shape == tensor.shape
    arrays: dict[str, Any] = {
        k: matrix(rng, tuple(map(at_sizes, t.shape)), case.assume if k == "A" else "-")
        for k, t in inputs.items()
    }
    found = []
    for t in (tensor, again):
        code = md.compile(t)
        given = {k: arrays[k] for k in code.inputs}
        found.append(code(**given or {str(d): at_sizes(d) for d in t.shape}))
    scale = np.abs(found[0]).max()
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9, atol=1e-10 * scale, err_msg=text)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_are_read_back(case: Case, order: int) -> None:
    if (case.primitive, order) == ("expm", 2):
        pytest.skip("written in index notation")
    out = case.expr()
    derivation = md.derive(md.sum(md.tensor("C", *out.shape) * out * out), wrt="A", order=order)
    same_numbers(derivation["A"], to_text(derivation["A"], derivation.names), derivation, case)


@pytest.mark.parametrize("text", [
    "mean(svdvals(A))", "var(svdvals(A))", "sum(cumsum(svdvals(A))**2)",
    "sum(tril(outer(svdvals(A), svdvals(A))))",
])
def test_the_lesser_dim_is_read_back(text: str) -> None:
    case = Case("svdvals", text, np.sum, "A: n m")
    derivation = md.derive(case.expr(), wrt="A", order=2)
    printed = to_text(derivation["A"], derivation.names)
    assert "minimum(m, n)" in printed
    same_numbers(derivation["A"], printed, derivation, case)


def test_every_primitive_is_a_function_of_the_language() -> None:
    read = {p.name for p in primitives() if p.name in FUNCTIONS}
    assert read >= {c.primitive for c in CASES}
