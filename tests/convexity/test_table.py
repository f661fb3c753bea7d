"""The table of scalar functions against the signs of differences, and the laws it leaves out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

from mathdl.convexity.body import _SEVERAL
from mathdl.convexity.table import AFFINE, CONCAVE, CONVEX, CURVES, Piece
from mathdl.scalar import lookup, scalar_functions
from mathdl.scalar.lower import define

FAR = 12.0
ROWS = [(name, piece) for name, curve in CURVES.items() for piece in curve.pieces]


def function(name: str) -> Callable[[float], Any]:
    """The definition in arbitrary precision."""
    x = sympy.Dummy("x", real=True)
    law = sympy.lambdify(x, define(lookup(name).head(x)), "mpmath")
    return lambda value: mpmath.re(law(mpmath.mpf(value)))


def points(low: Any, high: Any, count: int = 41) -> list[float]:
    """Points inside, dense about 0 and the ends."""
    ends = np.array([float(max(low, -FAR)), float(min(high, FAR))])
    middle, half = ends.mean(), (ends[1] - ends[0]) / 2
    return [middle + half * t for t in np.linspace(-0.999, 0.999, count)] + [
        middle + half * t**5 for t in np.linspace(-0.9, 0.9, count) if t
    ]


def signs(name: str, piece: Piece, log: bool = False) -> tuple[set[int], set[int]]:
    """The signs of the first and of the second difference, where they are not rounding."""
    law = function(name)
    f = (lambda v: mpmath.log(law(v))) if log else law
    first, second = set(), set()
    with mpmath.workdps(150):
        for p in points(piece.low, piece.high):
            room = min(p - max(float(piece.low), -FAR), min(float(piece.high), FAR) - p)
            h = mpmath.mpf(min(1e-6, room / 2))
            below, here, above = f(p - h), f(p), f(p + h)
            noise = mpmath.mpf(10) ** -45 * (abs(below) + abs(here) + abs(above))
            for found, value in ((first, above - below), (second, above - 2 * here + below)):
                if abs(value) > noise:
                    found.add(int(mpmath.sign(value)))
    return first, second


ALLOWED = {CONVEX: {1}, CONCAVE: {-1}, AFFINE: set(), "": {1, -1}}


@pytest.mark.parametrize(("name", "piece"), ROWS, ids=lambda v: str(v))
def test_row(name: str, piece: Piece) -> None:
    first, second = signs(name, piece)
    assert second <= ALLOWED[piece.curvature]
    if piece.slope:
        assert first <= {piece.slope}
    if piece.log:
        assert signs(name, piece, log=True)[1] <= ALLOWED[piece.log]


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "gelu", "softplus"])
def test_a_wrong_row_is_seen(name: str) -> None:
    whole = Piece(-sympy.oo, sympy.oo, CONCAVE, -1)
    first, second = signs(name, whole)
    assert not second <= ALLOWED[whole.curvature]
    assert not first <= {whole.slope}


@pytest.mark.parametrize("name", CURVES)
def test_range_and_oddness(name: str) -> None:
    curve, law = CURVES[name], function(name)
    low, high = curve.domain
    for p in points(low, high):
        with mpmath.workdps(150):
            value = law(p)
        assert curve.range.low <= value <= curve.range.high
        assert value != 0 or not curve.range.nonzero
        assert not curve.odd or mpmath.sign(value) in (0, mpmath.sign(p))


@pytest.mark.parametrize("name", [n for n, c in CURVES.items() if c.bounded])
def test_bounded_functions_have_no_value_outside(name: str) -> None:
    x = sympy.Dummy("x", real=True)
    law = sympy.lambdify(x, define(lookup(name).head(x)), "mpmath")
    for end in CURVES[name].domain:
        if end.is_finite:
            outside = mpmath.mpf(float(end)) + (0.5 if end == max(CURVES[name].domain) else -0.5)
            assert abs(mpmath.im(law(outside))) > 1e-9


def test_every_function_is_known() -> None:
    """A new scalar function needs a row, a law, or to be left out on purpose."""
    elsewhere = {lookup(n).head for n in ("exp", "log")} | set(_SEVERAL)
    left = {
        f.name for f in scalar_functions()
        if f.name not in CURVES and f.head not in elsewhere and f.name != "sqrt"
    }
    assert left == set()
