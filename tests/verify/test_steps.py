"""Slopes of known functions: within their bound, and the bound not idle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mathdl.verify.noise import EPS, line, plateau, scatter, student, value_noise
from mathdl.verify.steps import Slope, Status, slope_at_zero


def _slope(f: Callable[[float], float], claimed: float, noise: float = EPS) -> Slope:
    def probe(t: float) -> tuple[np.ndarray, np.ndarray]:
        return np.array([f(t) - f(0.0)]), np.array([claimed * t])

    with np.errstate(all="ignore"):
        return slope_at_zero(probe, np.array([f(0.0)]), np.array([noise]), np.zeros(1))


@pytest.mark.parametrize(("f", "slope"), [
    (np.sin, 1.0),
    (lambda t: np.exp(20 * t), 20.0),
    (lambda t: 1 / (1 + t), -1.0),
    (lambda t: np.tanh(1e6 * t), 1e6),
    (lambda t: np.log(1e-4 + t), 1e4),
    (lambda t: t**3, 0.0),
    (lambda t: t + t**7, 1.0),
    (lambda t: 3.0, 0.0),
    (lambda t: abs(t - 1e-5), -1.0),
])
def test_known_slopes(f: Callable[[float], float], slope: float) -> None:
    right = _slope(f, slope)
    assert right.status[0] == Status.AGREES
    assert right.bound[0] <= 1e-6 * max(slope, 1.0)
    wrong = _slope(f, slope + 1e-3 * max(abs(slope), 1.0))
    assert wrong.status[0] == Status.REFUSED


def test_a_kink_at_the_point_is_told_from_an_error() -> None:
    for claimed in (0.0, 1.0):
        assert _slope(lambda t: max(t, 0.0), claimed).status[0] == Status.KINK
    assert _slope(lambda t: max(t, 0.0), 0.5).status[0] == Status.AGREES
    assert _slope(lambda t: 1e-3 * t * t, 0.5).status[0] == Status.REFUSED


def test_a_jump_and_a_pole_are_not_resolved() -> None:
    assert _slope(lambda t: float(t > 0), 0.0).status[0] == Status.UNRESOLVED
    assert _slope(lambda t: 1 / t if t else 0.0, 1.0).status[0] == Status.UNRESOLVED
    assert _slope(lambda t: np.nan, 1.0).status[0] == Status.UNRESOLVED


def test_a_spike_is_not_a_flat_function() -> None:
    assert _slope(lambda t: 1e-9 * float(t == 0), 5.0).status[0] == Status.UNRESOLVED


def test_students_quantile() -> None:
    # scipy.special.stdtrit(nu, 1 - p/2)
    assert student(10, 0.05) == pytest.approx(2.2281388519649385, rel=1e-5)
    assert student(6, 1e-3) == pytest.approx(5.958816178818675, rel=1e-5)
    assert student(2, 1e-4) == pytest.approx(99.99249981246486, rel=1e-5)


def test_noise_is_measured() -> None:
    rng = np.random.default_rng(0)
    arrays = {"x": rng.standard_normal(5)}

    def noisy(offset: float) -> float:
        def f(a: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {"": np.asarray((np.sum(np.sin(a["x"])) + offset) - offset)}

        return float(value_noise(f, arrays, frozenset("x"), rng)[""][0])

    assert noisy(0.0) < 20 * EPS
    for offset in (1e4, 1e8):
        assert 0.05 < noisy(offset) / (offset * EPS) < 5


def test_a_smooth_line_has_no_noise_and_a_plateau_needs_two() -> None:
    points = line({"x": np.array([1.5])}, frozenset("x"), 1e-3, 16, np.random.default_rng(0))
    assert scatter([p["x"] ** 3 for p in points], 5)[0] < 10 * EPS
    assert scatter([p["x"] ** 3 for p in points], 2)[0] > 1e4 * EPS
    found = plateau([np.array([x]) for x in (1.0, 1e-3, 1e-9, 2e-9, np.inf)])
    assert found[0] == 2e-9
