"""Differences of roots are computed by their conjugates, and no other sums."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Symbol, sqrt

import mathdl as md
from mathdl.ir.index import slot
from mathdl.scalar import where
from mathdl.simplify.conjugates import conjugated

X, Y = slot(0), slot(1)


@pytest.mark.parametrize("body", [
    sqrt(X**2 + 1) - X, X + sqrt(X**2 + 4), sqrt(X + 1) - sqrt(X), 3*sqrt(X) - 3*sqrt(X + 2),
    1 - X/sqrt(X**2 + 1), 1/sqrt(X + 1) - 1/sqrt(X), sqrt(X**2 + Y**2 + 1) - sqrt(X**2 + Y**2),
    1/sqrt(1 + X**2) - X**2/sqrt(1 + X**2)**3, 1 - X/(1 + X),
])
def test_a_difference_far_from_0_is_equal_in_another_form(body: object) -> None:
    found = conjugated(body)
    assert found != body
    apart = found.args[1] if isinstance(found, where) else found
    positive = {X: Symbol("x", positive=True), Y: Symbol("y", positive=True)}
    for x in (0.3, 2.0, 70.0):
        at = {positive[X]: x, positive[Y]: 1.7}
        one, other = (e.xreplace(positive).evalf(30, subs=at) for e in (body, apart))
        assert abs(one - other) < 1e-20


@pytest.mark.parametrize("body", [
    X + 1, X**2 + X, sqrt(X) + 1e-8, sqrt(X**2 + 1) - 1, sqrt(X) + sqrt(X + 1), X - Y, 1 + X**2,
    sqrt(X)/Y - Y,
])
def test_other_sums_are_left_as_they_are(body: object) -> None:
    assert conjugated(body) == body


@pytest.mark.parametrize("x", [-1e8, -3.0, 0.0, 3.0, 1e8])
def test_code_keeps_the_digits_of_both_sides(x: float) -> None:
    D = md.derive(md.parse("sum((x + sqrt(x**2 + 4))/2)", shapes="x: n"), "x")
    value, slope = D.compile()(x=np.array([x]))
    root = np.hypot(x, 2.0)
    expected = (x + root)/2 if x >= 0 else 2/(root - x)
    np.testing.assert_allclose([value, slope[0]], [expected, expected/root], rtol=1e-14)
    assert "where" not in D.text()
