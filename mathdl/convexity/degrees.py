"""Degrees: which powers of a function are convex or concave, and how operations change them.

A degree is a SymPy number, infinity, an expression in dims and parameters, or None where there is
none: see :mod:`mathdl.convexity.nature`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sympy import Add, Dummy, Integer, Symbol, expand, fraction, oo, together

ZERO, ONE = Integer(0), Integer(1)
Degree = Any


def parameter(name: str, assumed: Iterable[str]) -> Any | None:
    """A symbol for a scalar parameter: ``1 + q`` where it is at least 1, ``1/(1 + q)`` within
    (0, 1]; None where its sign is not known.
    """
    assumed = set(assumed)
    q = Symbol(name, positive=True)
    if "greater_than_one" in assumed:
        return 1 + q
    if "unit_interval" in assumed:
        return 1 / (1 + q)
    return q if "positive" in assumed else None


# -- comparisons --------------------------------------------------------------------------------


def at_least(degree: Degree, least: Any) -> bool:
    """Whether a degree is provably that or more, whatever its dims and parameters."""
    if degree.is_infinite or degree.is_number:
        return bool(degree >= least)
    top, bottom = fraction(together(degree - least))
    return any(_has_no_minus(s * top) and _has_no_minus(s * bottom) for s in (1, -1))


def _has_no_minus(value: Any) -> bool:
    """Whether a polynomial in dims, from 1 on, and positive parameters is at least 0."""
    if not value.is_number and not value.is_polynomial(*value.free_symbols):
        return False
    moved = {s: 1 + Dummy(positive=True) for s in value.free_symbols if s.is_integer}
    if not all(s.is_positive for s in value.free_symbols):
        return False
    return all(t.as_coeff_Mul()[0] >= 0 for t in Add.make_args(expand(value.xreplace(moved))))


def at_most_one(degree: Degree) -> bool:
    return degree != oo and at_least(-degree, -1)


def at_most_zero(degree: Degree) -> bool:
    return degree != oo and at_least(-degree, 0)


def is_log_convex(up: Degree) -> bool:
    """Whether what has this degree is log-convex, or constant."""
    return up is not None and (up == oo or at_most_zero(up))


def covers(up: Degree, down: Degree) -> bool:
    """Whether ``h**(1/down)`` is convex for ``h`` of degree ``up``, and ``down`` at least 1.

    For infinity, whether ``log h`` is convex.
    """
    if up is None or down is None or not at_least(down, 1):
        return False
    return is_log_convex(up) or (down != oo and at_least(up - down, 0))


def is_parametric(exponent: Any) -> bool:
    """Whether an exponent has parameters other than dims."""
    return any(not s.is_integer for s in exponent.free_symbols)


# -- sums, products, powers -----------------------------------------------------------------------


def weakest_up(degrees: Sequence[Degree]) -> Degree:
    """That of a sum or a maximum: the greatest order ``1/degree`` of a power mean."""
    if any(d is None for d in degrees):
        return None
    grown = [d for d in degrees if not is_log_convex(d)]
    if grown:
        return _one_of(grown, min, ONE)
    moving = [d for d in degrees if d != 0]
    return _one_of(moving, min, oo) if moving and oo not in moving else oo if moving else ZERO


def weakest_down(degrees: Sequence[Degree]) -> Degree:
    if any(d is None for d in degrees):
        return None
    return _one_of(degrees, max, oo)


def _one_of(degrees: Sequence[Degree], choice: Any, otherwise: Degree) -> Degree:
    if all(d.is_number for d in degrees):
        return choice(degrees)
    return degrees[0] if len(set(degrees)) == 1 else otherwise


def product_up(degrees: Sequence[Degree]) -> Degree:
    """Hoelder's inequality reversed: one power of a convex function at most."""
    if any(d is None for d in degrees):
        return None
    grown = [d for d in degrees if not is_log_convex(d)]
    if oo in degrees:
        return None if grown else oo
    total = sum(degrees, ZERO)
    return None if len(grown) > 1 or (grown and not at_least(total, 1)) else total


def product_down(degrees: Sequence[Degree]) -> Degree:
    """Hoelder's inequality."""
    return None if any(d is None for d in degrees) else sum(degrees, ZERO)


def product_up_many(up: Degree, count: Any) -> Degree:
    """The degree of a product of ``count`` functions of one degree."""
    if up is None or up == oo or up == 0 or count == 1:
        return up
    return up * count if at_most_zero(up) else None


def times_count(down: Degree, count: Any) -> Degree:
    return down if down in (None, oo, 0) else down * count


def powered(up: Degree, down: Degree, exponent: Any) -> tuple[Degree, Degree]:
    """The degrees of ``f**exponent``."""
    if exponent == 0:
        return ZERO, ZERO

    def times(degree: Degree) -> Degree:
        return degree if degree in (None, oo, 0) else (degree * exponent).cancel()

    if at_least(exponent, 0):
        grown = times(up)
        if grown is not None and not is_log_convex(grown) and not at_least(grown, 1):
            grown = None
        return grown, times(down)
    if at_most_zero(exponent):
        return times(down), times(up) if is_log_convex(up) else None
    return None, None
