"""The contestants of the benchmarks agree; times are for the benchmarks themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreement import disagreement
from contestants import PROBLEMS, Problem
from expressions import derivation

by_name = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)


def complex_step(problem: Problem, arrays: dict[str, Any], name: str, direction: Any) -> float:
    """The directional derivative ``Im f(x + i h v)/h`` of the naive loss."""
    moved = dict(arrays) | {name: arrays[name] + 1e-30j * direction}
    return float(np.imag(problem.value(**moved)) / 1e-30)


@by_name
def test_hand_written_code_has_the_value_and_gradients_of_the_naive_loss(problem: Problem) -> None:
    dims, rng = problem.small, np.random.default_rng(1)
    arrays = problem.inputs(dims, np.float64)
    for make in (problem.hand, *problem.others.values()):
        run = make(dims, np.float64)
        for _ in range(2):  # the second call reuses the buffers
            value, grads = run(**arrays)
        assert float(value) == pytest.approx(float(problem.value(**arrays)), rel=1e-12)
        assert sorted(grads) == sorted(problem.wrt(dims))
        for name, gradient in grads.items():
            assert np.shape(gradient) == arrays[name].shape
            direction = rng.standard_normal(arrays[name].shape)
            expected = complex_step(problem, arrays, name, direction)
            assert float(np.sum(gradient * direction)) == pytest.approx(expected, rel=1e-11)


@by_name
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_generated_code_agrees_with_hand_written_code(problem: Problem, dtype: str) -> None:
    dims = problem.small
    arrays = problem.inputs(dims, dtype)
    value, grads = problem.hand(dims, np.dtype(dtype))(**arrays)
    compiled = derivation(problem.name, problem.wrt(dims)).compile()
    assert not disagreement(compiled(**arrays), (value, grads), dtype)
    assert all(np.asarray(g).dtype == dtype for g in grads.values())


def test_a_wrong_gradient_is_refused() -> None:
    right = (1.0, {"w": np.ones(3)})
    assert not disagreement((1.0 + 1e-12, {"w": np.ones(3)}), right, "float64")
    assert "w is off by 1.0e-03" in disagreement((1.0, {"w": 1.001 * np.ones(3)}), right, "float64")
    assert "shape (3, 1)" in disagreement((1.0, {"w": np.ones((3, 1))}), right, "float64")
    assert "gradients" in disagreement((1.0, {}), right, "float64")
    assert "off by nan" in disagreement((np.nan, {"w": np.ones(3)}), right, "float64")
