"""A matrix times its inverse, wherever in a product the two stand."""

from __future__ import annotations

import numpy as np
import pytest
from interpreter import evaluate

import mathdl as md
from mathdl.simplify import simplify

SHAPES = {"A": "m m", "B": "m m", "C": "m k", "S": "m m", "X": "n m"}
ASSUME = {"A": "invertible", "S": "positive_definite"}
DIMS = {"m": 3, "k": 2, "n": 4}

CANCELLED = [
    ("A @ (inv(A) @ C)", "C: (m, k)"),
    ("A @ ((inv(A) @ B) @ C)", "B @ C"),
    ("A @ (((inv(A) @ B) @ A) @ C)", "B @ A @ C"),
    ("S @ ((inv(S) @ B) @ inv(S)) @ S", "B: (m, m)"),
    ("A.T @ (inv(A).T @ B @ C)", "B @ C"),
    ("S @ (inv(S) @ sum(X, axis=0))", "sum(X, axis=0)"),
    ("S @ (n*inv(S)) @ S", "n*S"),
    ("A @ (-2*inv(A)/n) @ C", "-2*C/n"),
    ("A.T @ (n*(2*inv(A)/3).T) @ C", "2*n*C/3"),
]
KEPT = ["A @ (inv(A).T @ C)", "A @ (B @ inv(A) @ C)", "A @ ((B @ inv(A)) @ C)",
        "A @ ((inv(A) + B) @ C)", "A.T @ ((inv(A) @ B) @ C)", "A @ (inv(A)*B) @ C",
        "A @ einsum('ij,ji->i', inv(A), inv(B))"]


@pytest.mark.parametrize("text", [*(text for text, _ in CANCELLED), *KEPT])
def test_values_stay(text: str, rng: np.random.Generator) -> None:
    expr = md.parse(text, SHAPES, ASSUME)
    arrays = {name: rng.normal(size=[DIMS[d] for d in shape.split()])
              for name, shape in SHAPES.items()}
    arrays["S"] = arrays["S"] @ arrays["S"].T + np.eye(3)
    before, after = evaluate([expr, *simplify([expr])], arrays, DIMS)
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("text", "expected"), CANCELLED)
def test_inverses_cancel_inside_products(text: str, expected: str) -> None:
    (found,) = simplify([md.parse(text, SHAPES, ASSUME)])
    assert str(found) == expected


def test_a_sum_that_reads_nothing() -> None:
    (found,) = simplify([md.parse("sum(tril(ones(m, m)), axis=1)", SHAPES)])
    np.testing.assert_array_equal(evaluate([found], {}, {"m": 3})[0], [1, 2, 3])


@pytest.mark.parametrize("text", KEPT)
def test_what_is_no_inverse_there_stays(text: str) -> None:
    (found,) = simplify([md.parse(text, SHAPES, ASSUME)])
    assert "inv(A)" in str(found)
