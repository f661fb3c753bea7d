"""Curvature, monotonicity and range of the scalar functions, as data.

A row holds for the function of one argument on an interval.  Each is tested against the signs of
the first two derivatives of the function, and of its logarithm where that is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Integer, Rational, oo, pi

from mathdl.convexity.ranges import ANY, NONNEGATIVE, POSITIVE, SIGNED_UNIT, UNIT, ZERO, Range

CONVEX, CONCAVE, AFFINE, NEITHER = "convex", "concave", "affine", ""
RISES, FALLS = 1, -1


@dataclass(frozen=True)
class Piece:
    """On ``low < x < high``: the curvature, and whether it rises (1), falls (-1) or neither (0).

    ``log`` is the curvature of the logarithm of a positive function.
    """

    low: Any
    high: Any
    curvature: str
    slope: int = 0
    log: str = ""


@dataclass(frozen=True)
class Curve:
    """What is known of a scalar function.

    ``domain`` is where it is looked at, ``bounded`` whether it is not a real number elsewhere;
    ``range`` is where its values lie; ``odd`` says that it has the sign of its argument, ``smooth``
    that its derivative is continuous.
    """

    pieces: tuple[Piece, ...]
    range: Range = ANY
    domain: tuple[Any, Any] = (-oo, oo)
    bounded: bool = False
    odd: bool = False
    smooth: bool = True


def _curve(*pieces: Piece, **facts: Any) -> Curve:
    return Curve(pieces, **facts)


def _everywhere(curvature: str, slope: int = 0, log: str = "", **facts: Any) -> Curve:
    return _curve(Piece(-oo, oo, curvature, slope, log), **facts)


def _s_shaped(log: str = "", **facts: Any) -> Curve:
    """Rising, convex below 0 and concave above."""
    rows = [Piece(-oo, ZERO, CONVEX, RISES), Piece(ZERO, oo, CONCAVE, RISES)]
    return _curve(*rows, *([Piece(-oo, oo, NEITHER, RISES, log)] if log else []), **facts)


_ONE = Integer(1)
_ROOT_TWO = Rational(7, 5)  # below the square root of 2
_SILU = Rational(239, 100)  # below the point where silu'' changes its sign

CURVES: dict[str, Curve] = {
    "abs": _curve(
        Piece(-oo, ZERO, AFFINE, FALLS), Piece(ZERO, oo, AFFINE, RISES), Piece(-oo, oo, CONVEX),
        range=NONNEGATIVE, smooth=False,
    ),
    "sin": _curve(
        Piece(ZERO, pi, CONCAVE), Piece(-pi, ZERO, CONVEX), range=SIGNED_UNIT,
    ),
    "cos": _curve(Piece(-pi / 2, pi / 2, CONCAVE), range=SIGNED_UNIT),
    "tan": _curve(
        Piece(ZERO, pi / 2, CONVEX, RISES), Piece(-pi / 2, ZERO, CONCAVE, RISES),
        domain=(-pi / 2, pi / 2),
    ),
    "sinh": _curve(
        Piece(-oo, ZERO, CONCAVE, RISES), Piece(ZERO, oo, CONVEX, RISES), odd=True
    ),
    "cosh": _curve(
        Piece(-oo, ZERO, CONVEX, FALLS, CONVEX), Piece(ZERO, oo, CONVEX, RISES, CONVEX),
        Piece(-oo, oo, CONVEX, 0, CONVEX), range=Range(Integer(1), oo),
    ),
    "tanh": _s_shaped(range=SIGNED_UNIT, odd=True),
    "arcsin": _curve(
        Piece(-_ONE, ZERO, CONCAVE, RISES), Piece(ZERO, _ONE, CONVEX, RISES),
        range=Range(-Integer(2), Integer(2)), domain=(-_ONE, _ONE), bounded=True, odd=True,
    ),
    "arccos": _curve(
        Piece(-_ONE, ZERO, CONVEX, FALLS), Piece(ZERO, _ONE, CONCAVE, FALLS),
        range=NONNEGATIVE, domain=(-_ONE, _ONE), bounded=True,
    ),
    "arctan": _s_shaped(range=Range(-Integer(2), Integer(2)), odd=True),
    "sigmoid": _s_shaped(CONCAVE, range=UNIT.within(ZERO, oo, nonzero=True)),
    "log_sigmoid": _everywhere(CONCAVE, RISES, range=Range(-oo, ZERO)),
    "softplus": _everywhere(CONVEX, RISES, range=POSITIVE),
    "silu": _curve(Piece(-_SILU, _SILU, CONVEX), Piece(ZERO, _SILU, CONVEX, RISES), odd=True),
    "softsign": _s_shaped(range=SIGNED_UNIT, odd=True),
    "gelu": _curve(
        Piece(-_ROOT_TWO, _ROOT_TWO, CONVEX), Piece(ZERO, _ROOT_TWO, CONVEX, RISES), odd=True
    ),
    "gelu_tanh": _curve(
        Piece(-_ROOT_TWO, _ROOT_TWO, CONVEX), Piece(ZERO, _ROOT_TWO, CONVEX, RISES), odd=True
    ),
    "relu": _curve(
        Piece(-oo, oo, CONVEX, RISES), Piece(ZERO, oo, AFFINE, RISES), range=NONNEGATIVE,
        smooth=False,
    ),
    "selu": _curve(
        Piece(-oo, ZERO, CONVEX, RISES), Piece(ZERO, oo, AFFINE, RISES),
        range=Range(-Integer(2), oo), odd=True, smooth=False,
    ),
    "hardtanh": _curve(
        Piece(-oo, _ONE, CONVEX, RISES), Piece(-_ONE, oo, CONCAVE, RISES),
        range=SIGNED_UNIT, odd=True, smooth=False,
    ),
    "erf": _s_shaped(range=SIGNED_UNIT, odd=True),
    "erfc": _curve(
        Piece(-oo, ZERO, CONCAVE, FALLS), Piece(ZERO, oo, CONVEX, FALLS),
        Piece(-oo, oo, NEITHER, FALLS, CONCAVE), range=POSITIVE,
    ),
    "normal_cdf": _s_shaped(CONCAVE, range=UNIT.within(ZERO, oo, nonzero=True)),
    "normal_pdf": _curve(
        Piece(-oo, -_ONE, CONVEX, RISES), Piece(-_ONE, _ONE, CONCAVE),
        Piece(_ONE, oo, CONVEX, FALLS), Piece(-oo, oo, NEITHER, 0, CONCAVE),
        range=UNIT.within(ZERO, oo, nonzero=True),
    ),
    "log1mexp": _curve(
        Piece(-oo, ZERO, CONCAVE, FALLS), domain=(-oo, ZERO), bounded=True, range=Range(-oo, ZERO)
    ),
    "log_cosh": _curve(
        Piece(-oo, ZERO, CONVEX, FALLS), Piece(ZERO, oo, CONVEX, RISES), Piece(-oo, oo, CONVEX),
        range=NONNEGATIVE,
    ),
    "log_normal_cdf": _everywhere(CONCAVE, RISES, range=Range(-oo, ZERO)),
    # completely monotone: a mixture of falling exponentials [Boyd & Vandenberghe 3.5.2]
    "erfcx": _everywhere(CONVEX, FALLS, CONVEX, range=POSITIVE),
    "erfcx_slope": _everywhere(CONCAVE, RISES, range=Range(-oo, ZERO, True)),
    # Sampford, Some inequalities on Mill's ratio and related functions, 1953
    "inverse_mills": _everywhere(CONVEX, FALLS, CONCAVE, range=POSITIVE),
    "mills_gap": _everywhere(CONVEX, RISES, range=POSITIVE),
    "bessel_ratio_slope": _curve(
        Piece(-oo, ZERO, NEITHER, RISES), Piece(ZERO, oo, NEITHER, FALLS), range=UNIT.within(
            ZERO, Rational(1, 2), nonzero=True), smooth=False,
    ),
    "i1e": _curve(range=Range(-Rational(1, 4), Rational(1, 4)), odd=True, smooth=False),
    "gelu_tanh_slope": _curve(range=Range(-Rational(1, 7), Rational(8, 7))),
    "gammaln": _curve(Piece(ZERO, oo, CONVEX), domain=(ZERO, oo)),
    "digamma": _curve(Piece(ZERO, oo, CONCAVE, RISES), domain=(ZERO, oo)),
    "i0e": _curve(
        Piece(-oo, ZERO, CONVEX, RISES, CONVEX), Piece(ZERO, oo, CONVEX, FALLS, CONVEX),
        range=UNIT.within(ZERO, oo, nonzero=True), smooth=False,
    ),
    "log_i0": _curve(
        Piece(-oo, ZERO, CONVEX, FALLS), Piece(ZERO, oo, CONVEX, RISES), Piece(-oo, oo, CONVEX),
        range=NONNEGATIVE,
    ),
    "bessel_ratio": _s_shaped(range=SIGNED_UNIT, odd=True),
}

#: By primitive and reduction over its last axis: curvature in an affine matrix, least value, law.
SPECTRAL: dict[tuple[str, str], tuple[str, Any, str]] = {
    ("eigvalsh", "max"): (
        CONVEX, -oo, "the greatest eigenvalue [Boyd & Vandenberghe, example 3.10]"),
    ("eigvalsh", "min"): (
        CONCAVE, -oo, "the least eigenvalue [Boyd & Vandenberghe, example 3.10]"),
    ("eigvalsh", "sum"): (AFFINE, -oo, "the sum of eigenvalues is the trace"),
    ("svdvals", "max"): (
        CONVEX, ZERO, "the greatest singular value [Boyd & Vandenberghe, example 3.11]"),
    ("svdvals", "sum"): (
        CONVEX, ZERO, "the nuclear norm [Boyd & Vandenberghe, A.1.6]"),
}
