"""Rows whose squares overflow, whose mean is rounded or whose softmax is sure, among others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mathdl as md

ROWS = np.array([[3.0, 4.0], [3e300, 4e300], [3e-300, -4e-300], [0.0, 0.0], [3e-320, 4e-320]])
NORMS = np.array([5.0, 5e300, 5e-300, 0.0, 5e-320])


@pytest.mark.parametrize(("text", "x", "factor"), [
    ("norm2(x, axis=1)", ROWS, 1.0), ("norm2(x, axis=0)", ROWS.T, 1.0),
    ("sqrt(mean(x**2, axis=1))", ROWS, 2**-0.5), ("sqrt(x[:, 0]**2 + x[:, 1]**2)", ROWS, 1.0),
])
def test_each_norm_is_that_of_its_row(text: str, x: Any, factor: float) -> None:
    f = md.compile(md.parse(text, shapes="x: n m"))
    np.testing.assert_allclose(f(x=x), NORMS*factor, rtol=1e-3 if factor != 1 else 1e-9)


def test_a_whole_norm_and_its_gradient_are_scaled() -> None:
    D = md.derive(md.parse("norm2(x)", shapes="x: n m"), wrt="x")
    for size in (1.0, 1e200, 1e-200):
        value, slope = D.compile()(x=size*ROWS[:1])
        np.testing.assert_allclose(value, 5*size, rtol=1e-12)
        np.testing.assert_allclose(slope, [[0.6, 0.8]], rtol=1e-12)


@pytest.mark.parametrize(("axis", "dtype"), [
    (0, "float32"), (1, "float32"), (0, "float64"), (1, "float64")])
def test_differences_from_a_rounded_mean_keep_their_digits(axis: int, dtype: str) -> None:
    """The mean of numbers near 1e5 (1e13) is rounded by more than 1e-9 of their spread."""
    x = np.array([[0.0, 1.0, 3.0], [-1.0, 0.5, 7.0], [2.0, 2.0, 4.0]], dtype)
    x += np.array([[1e5 if dtype == "float32" else 1e13], [0], [0]], dtype)
    x = x if axis == 1 else np.ascontiguousarray(x.T)
    found = md.compile(md.parse(f"var(x, axis={axis})", shapes="x: n m"))(x=x)
    exact = x.astype(np.longdouble).var(axis=axis)
    np.testing.assert_allclose(found, exact.astype(float), rtol=1e-6)


@pytest.mark.parametrize("rows", [3, 30_000])
def test_a_sure_softmax_leaves_its_gradient_digits_also_in_blocks(rows: int) -> None:
    D = md.derive(md.parse("-sum(Y*log(softmax(Z)))", shapes="Z: n c; Y: n c",
                           assume="Y: one_hot"), wrt="Z")
    Z = np.zeros((rows, 3))
    Z[:, 1] = np.linspace(0, 700, rows)
    Y = np.zeros((rows, 3))
    Y[:, 1] = 1
    value, slope = D.compile()(Z=Z, Y=Y)
    excess = 2*np.exp(-Z[:, 1])
    np.testing.assert_allclose(value, np.log1p(excess).sum(), rtol=1e-12)
    np.testing.assert_allclose(slope[:, 1], -excess/(1 + excess), rtol=1e-11)
    np.testing.assert_allclose(slope[:, 0], excess/2/(1 + excess), rtol=1e-12)


def test_two_greatest_entries_are_no_excess_of_0() -> None:
    f = md.compile(md.parse("logsumexp(x)", shapes="x: n"))
    np.testing.assert_allclose(f(x=np.array([7.0, 7.0, -50.0])), 7 + np.log(2), rtol=1e-15)
    np.testing.assert_allclose(f(x=np.array([0.0])), 0.0, atol=0)
    np.testing.assert_allclose(f(x=np.array([0.0, -50.0])), np.exp(-50.0), rtol=1e-12)
