"""What is said of activations, checked on a wide grid: derivative, range, Lipschitz constant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mathdl as md
from mathdl.catalogue import activations, families
from mathdl.catalogue.activations import FACTS, A, C, Function
from mathdl.scalar import scalar_functions

FAR = np.geomspace(12, 1e4, 400)
BESIDE = [kink + side for one in FACTS.values() for kink in one.kinks for side in (-1e-7, 1e-7)]
GRID = np.unique(np.concatenate([-FAR, np.linspace(-12, 12, 4801), BESIDE, FAR]))
ROWWISE = {"softmax", "log_softmax"}
SLOPES = (0.25, 1.75)
#: Functions of one real variable, or of one and a slope, that are not taught as activations.
OTHERS = {"logaddexp",
    "abs", "sign", "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tan", "sinh", "cosh",
    "arcsin", "arccos", "erf", "erfc", "gammaln", "digamma", "polygamma", "maximum", "minimum",
    "i0e", "i1e", "log_i0", "bessel_ratio", "bessel_ratio_slope",
}


def function(name: str) -> Function:
    found: Function = getattr(activations, name)
    return found


def cases() -> list[tuple[str, float | None]]:
    """Each elementwise activation, with slopes where it has one."""
    found: list[tuple[str, float | None]] = []
    for name in FACTS:
        if name not in ROWWISE:
            sloped = name in ("leaky_relu", "elu")
            found += [(name, a) for a in SLOPES] if sloped else [(name, None)]
    return found


def computed(name: str, slope: float | None, x: Any) -> tuple[Any, Any]:
    """The values and the derived slopes at points."""
    a = () if slope is None else (md.tensor("a"),)
    value = function(name)(md.tensor("x", md.dims("n")), *a)
    given = {"x": x} if slope is None else {"x": x, "a": slope}
    return md.compile(value)(**given), md.derive(md.sum(value), "x").compile("grad")(**given)


def number(value: Any, slope: float | None) -> float:
    return float(value.subs(A, slope) if slope is not None and hasattr(value, "subs") else value)


@pytest.mark.parametrize(("name", "slope"), cases())
def test_the_derivative_is_that_stated(name: str, slope: float | None) -> None:
    stated = md.compile(md.parse(FACTS[name].derivative, shapes="x: n; a:"))
    given = {"x": GRID} if slope is None else {"x": GRID, "a": slope}
    away = ~np.isin(GRID, FACTS[name].kinks)
    expected = np.asarray(stated(**given))
    got = np.broadcast_to(computed(name, slope, GRID)[1], GRID.shape)
    np.testing.assert_allclose(got[away], expected[away], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "slope"), cases())
def test_the_range_is_that_stated(name: str, slope: float | None) -> None:
    """No value is outside, and an end is come near to; infinite ends are grown towards."""
    values = computed(name, slope, GRID)[0]
    stated = FACTS[name].values
    low, high = (number(end, slope) for end in (stated.start, stated.end))
    assert np.all(values >= low - 1e-9 * abs(low))
    assert np.all(values <= high + 1e-9 * abs(high))
    near = 2e-4 * max(1, abs(low) if np.isfinite(low) else 1)
    assert values.min() < (low + near if np.isfinite(low) else -1e3)
    assert values.max() > (high - near if np.isfinite(high) else 1e3)


@pytest.mark.parametrize(("name", "slope"), cases())
def test_an_open_end_is_not_reached(name: str, slope: float | None) -> None:
    """Within the region where floats tell the difference."""
    stated = FACTS[name].values
    values = computed(name, slope, np.linspace(-8, 8, 1601))[0]
    low, high = (number(end, slope) for end in (stated.start, stated.end))
    assert np.all(values > low) if stated.left_open else values.min() <= low + 1e-5
    assert np.all(values < high) if stated.right_open else values.max() >= high - 1e-5


@pytest.mark.parametrize(("name", "slope"), cases())
def test_the_lipschitz_constant_is_the_greatest_slope(name: str, slope: float | None) -> None:
    steepest = np.abs(computed(name, slope, GRID)[1]).max()
    stated = number(FACTS[name].lipschitz, slope)
    assert steepest <= stated * (1 + 1e-9)
    assert steepest >= stated * (1 - 1e-5)


@pytest.mark.parametrize("name", sorted(ROWWISE))
def test_functions_of_rows(name: str, rng: np.random.Generator) -> None:
    x = md.tensor("x", "c")
    jacobian = md.derive(function(name)(x), "x").compile("grad")
    stated = md.compile(md.parse(FACTS[name].derivative, shapes="x: c"))
    for size in (1, 2, 5):
        bound, steepest = float(FACTS[name].lipschitz.subs(C, size)), 0.0
        for scale in (0.0, 1.0, 50.0):
            for row in (scale * rng.normal(size=size), scale * np.eye(size)[0],
                        scale * np.eye(size)[:2].sum(axis=0)):
                J = jacobian(x=row)
                np.testing.assert_allclose(J, np.reshape(stated(x=row), J.shape), atol=1e-12)
                steepest = max(steepest, np.linalg.norm(J, 2))
        assert steepest <= bound * (1 + 1e-9)
        assert size == 1 or steepest >= bound * (1 - 1e-9)


def test_all_of_the_language_are_there() -> None:
    declared = {f.name for f in scalar_functions() if f.in_language and f.arity <= 2}
    assert declared - OTHERS - set(FACTS) == set()
    assert {one.name for one in families()["activations"]} == set(FACTS)
