"""Extreme values and conditions: no overflow, nothing read off where it does not hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logsumexp, softmax

import mathdl as md

LARGE = np.array([1e3, -1e3, 0.0, 995.0, 700.0])


@pytest.mark.parametrize("text", ["log(mean(exp(z)))", "log(sum(exp(z))/n)", "log(sum(exp(z)/n))"])
def test_log_mean_exp_does_not_overflow(text: str) -> None:
    value, gradient = md.derive(md.parse(text, shapes="z: n"), wrt="z").compile()(z=LARGE)
    np.testing.assert_allclose(value, logsumexp(LARGE) - np.log(LARGE.size), rtol=1e-12)
    np.testing.assert_allclose(gradient, softmax(LARGE), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("text", ["log(sum(exp(z)))", "logsumexp(z)", "log(mean(exp(z)))"])
def test_the_logarithm_of_a_sum_of_zeros_is_minus_infinity(text: str, dtype: type) -> None:
    """No entry is above minus infinity: the one subtracted is the least number."""
    f = md.compile(md.parse(text, shapes="z: n"))
    nothing, low = np.full(3, -np.inf, dtype), np.finfo(dtype).min
    with np.errstate(divide="ignore"):
        assert f(z=nothing) == -np.inf
        rows = md.compile(md.parse("logsumexp(Z, axis=1)", shapes="Z: n m"))
        assert rows(Z=np.stack([nothing, np.zeros(3, dtype)]))[0] == -np.inf
    assert f(z=np.array([-np.inf, 0.5, -np.inf], dtype)) == pytest.approx(
        0.5 - np.log(3)*("mean" in text))
    assert f(z=np.full(3, low)) == pytest.approx(low)


def test_the_greatest_entry_of_nothing_but_minus_infinity_is_that() -> None:
    assert md.compile(md.parse("max(z)", shapes="z: n"))(z=np.full(3, -np.inf)) == -np.inf


def test_log1p_exp_does_not_overflow() -> None:
    value, gradient = md.derive(
        md.parse("sum(log1p(exp(z)))", shapes="z: n"), wrt="z"
    ).compile()(z=LARGE)
    np.testing.assert_allclose(value, np.logaddexp(0, LARGE).sum(), rtol=1e-12)
    np.testing.assert_allclose(gradient, expit(LARGE), atol=1e-12)


POINTS = np.array([0.0, 1.0, -1.0, 4.0])


@pytest.mark.parametrize(("text", "expected"), [
    ("sum(where(z > 0, sqrt(z), 0))", [0, 0.5, 0, 0.25]),
    ("sum(where(z > 0, 1/z, 1))", [0, -1, 0, -1 / 16]),
    ("sum(where(z > 0, log(z), z))", [1, 1, 1, 0.25]),
    ("sum(where(z > 0, sqrt(z), -z)**2)", [0, 1, -2, 1]),
    ("sum(where(z != 0, sin(z)/z, 1))",
     [0, *(np.cos(POINTS[1:]) / POINTS[1:] - np.sin(POINTS[1:]) / POINTS[1:] ** 2)]),
])
def test_a_case_not_chosen_leaves_no_trace(text: str, expected: list[float]) -> None:
    """0 times infinity is not 0: what was not chosen must not be multiplied away."""
    derivation = md.derive(md.parse(text, shapes="z: n"), wrt="z")
    with np.errstate(all="ignore"):
        value, gradient = derivation.compile()(z=POINTS)
        alone = md.compile(derivation["z"])(z=POINTS)
    assert np.isfinite(value)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)
    np.testing.assert_allclose(alone, expected, rtol=1e-12)


def test_a_declaration_does_not_leak_into_the_next() -> None:
    """Equal texts are one object; what was declared with an earlier one is forgotten."""
    first = md.parse("sum(x*y)", shapes="x: n; y: n; q: m k")
    assert md.derive(first, wrt="q")["q"].ndim == 2
    second = md.parse("sum(x*y)", shapes="y: n; x: n")
    with pytest.raises(md.NamingError, match="'q' is not a variable"):
        md.derive(second, wrt="q")
    _, gradient = md.derive(second, wrt="x").compile()(np.ones(2), np.zeros(2))
    np.testing.assert_array_equal(gradient, np.ones(2))
    third = md.parse("sum(x*y)", shapes="x: n; y: n; q: m")
    assert md.derive(third, wrt="q")["q"].ndim == 1


@pytest.mark.parametrize("pool", ["max_pool", "avg_pool"])
def test_windows_of_a_block_of_rows(pool: str) -> None:
    """A batch large enough for blocks gives the sum of what its parts give."""
    text = f"sum({pool}(relu(conv2d(X, K, padding=1) + b[:, None, None]), 2)*G)"
    f = md.derive(md.parse(text, "X: n 1 8 8; K: c 1 3 3; b: c; G: n c 4 4"), ["K", "b"]).compile()
    rng = np.random.default_rng(3)
    n, c = 64, 16
    X, G = rng.normal(size=(n, 1, 8, 8)), rng.normal(size=(n, c, 4, 4))
    K, b = rng.normal(size=(c, 1, 3, 3)), rng.normal(size=c)
    value, found = f(X=X, K=K, b=b, G=G)
    parts = [f(X=X[k : k + 8], K=K, b=b, G=G[k : k + 8]) for k in range(0, n, 8)]
    np.testing.assert_allclose(value, sum(v for v, _ in parts), rtol=1e-10)
    for name in ("K", "b"):
        np.testing.assert_allclose(found[name], sum(g[name] for _, g in parts), rtol=1e-9)
