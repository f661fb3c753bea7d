"""The modified Bessel functions I0 and I1, scaled so that they do not overflow.

NIST Digital Library of Mathematical Functions, 10.25 to 10.40.  The logarithm of I0 has a head of
its own, with the ratio I1/I0, of which the derivative is computed without cancellation.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from sympy import Abs, Integer, Rational, S, besseli, exp, log

from mathdl.scalar.compare import eq, lt, where
from mathdl.scalar.declare import declare, state_at_zero
from mathdl.scalar.elementary import abs_, log1p, sign
from mathdl.scalar.rectifiers import maximum, minimum

_DLMF = "NIST Digital Library of Mathematical Functions, "


def _over(f: Any, x: Any) -> Any:
    """``f(x)/x`` of a function that is like ``x/2`` near 0."""
    return where(eq(x, 0), Rational(1, 2), f / _clear(x))


def _clear(x: Any) -> Any:
    """``x`` as a divisor where the quotient is not looked at for ``x = 0``."""
    return where(eq(x, 0), 1, x)


i0e: Any = declare(
    "i0e",
    definition=lambda x: exp(-Abs(x)) * besseli(0, x),
    derivative=lambda x: i1e(x) - sign(x) * i0e(x),
    nonnegative=True,
    latex=r"e^{{-\left|{0}\right|}} I_0\left({0}\right)",
    kinks=(0.0,),
    subgradient="0 at 0",
    ufunc="scipy.special.i0e",
    analytic=False,
    reference=_DLMF + "10.25.2 and 10.29.3",
)

i1e: Any = declare(
    "i1e",
    definition=lambda x: exp(-Abs(x)) * besseli(1, x),
    derivative=lambda x: i0e(x) - _over(i1e(x), x) - sign(x) * i1e(x),
    latex=r"e^{{-\left|{0}\right|}} I_1\left({0}\right)",
    domain=((-3.0, 3.0),),
    ufunc="scipy.special.i1e",
    analytic=False,
    reference=_DLMF + "10.25.2 and 10.29.2",
)

_TINY = Rational(1, 10**9)  # below it I1/I0 is x/2 to double precision
_NEAR, _TERMS_NEAR = Integer(1), 9
_FAR, _TERMS_FAR = Integer(30), 18


def _horner(coefficients: list[Any], x: Any) -> Any:
    """The polynomial of these coefficients, the lowest first."""
    return reduce(lambda total, c: total * x + c, reversed(coefficients), S.Zero)


def _stable_log_i0(x: Any) -> Any:
    """``log(i0e) + |x|``, and near 0 by the series ``sum_k (x^2/4)^k/k!^2`` without its 1."""
    q = minimum(abs_(x), _NEAR) ** 2 / 4
    series = [S.One / (S(k) ** 2) for k in range(1, _TERMS_NEAR)]
    tail = reduce(lambda total, c: c * q * (1 + total), reversed(series), S.Zero)
    return where(lt(abs_(x), _NEAR), log1p(tail), log(i0e(x)) + abs_(x))


def _slope_at_infinity() -> list[Any]:
    """The coefficients of ``x^(-k-1)``, k = 1, 2, ..., in the derivative of I1/I0.

    Those of the ratio are such that ``r' = 1 - r^2 - r/x``.
    """
    a = [S.One]
    for k in range(1, _TERMS_FAR + 1):
        a.append(((k - 2) * a[-1] - sum(a[i] * a[k - i] for i in range(1, k))) / 2)
    return [-k * c for k, c in enumerate(a)][1:]


def _stable_slope(x: Any) -> Any:
    """``1 - r^2 - r/x``, and far out, where that cancels, the asymptotic series."""
    r, size = bessel_ratio(x), abs_(x)
    quotient = where(lt(size, _TINY), Rational(1, 2), abs_(r) / maximum(size, _TINY))
    t = 1 / maximum(size, _FAR)
    far = t**2 * _horner(_slope_at_infinity(), t)
    return where(lt(size, _FAR), 1 - r**2 - quotient, far)


def _third(x: Any) -> Any:
    """``r/x^2 - r'/x - 2 r r'``, near 0 with ``r/x = 1 - r^2 - r'``, where less is divided by x."""
    r, slope = bessel_ratio(x), bessel_ratio_slope(x)
    near = (1 - r**2 - 2 * slope) / _clear(x)
    far = r / _clear(x) ** 2 - slope / _clear(x)
    return where(lt(abs_(x), _NEAR), near, far) - 2 * r * slope


log_i0: Any = declare(
    "log_i0",
    definition=lambda x: log(besseli(0, x)),
    derivative=lambda x: bessel_ratio(x),
    nonnegative=True,
    latex=r"\log I_0\left({0}\right)",
    stable=_stable_log_i0,
    analytic=False,
    reference=_DLMF + "10.25.2 and 10.29.3",
)

bessel_ratio: Any = declare(
    "bessel_ratio",
    definition=lambda x: besseli(1, x) / besseli(0, x),
    derivative=lambda x: bessel_ratio_slope(x),
    latex=r"\frac{{I_1}}{{I_0}}\left({0}\right)",
    stable=lambda x: i1e(x) / i0e(x),
    analytic=False,
    reference="Mardia and Jupp, Directional Statistics, eq. 3.5.32",
)

bessel_ratio_slope: Any = declare(
    "bessel_ratio_slope",
    definition=lambda x: (1 + besseli(2, x) / besseli(0, x)) / 2
    - (besseli(1, x) / besseli(0, x)) ** 2,
    derivative=_third,
    nonnegative=True,
    latex=r"\left(\frac{{I_1}}{{I_0}}\right)'\left({0}\right)",
    stable=_stable_slope,
    analytic=False,
    reference="Mardia and Jupp, Directional Statistics, eq. A.14",
)

state_at_zero(S.One, i0e)
state_at_zero(S.Zero, i1e, log_i0, bessel_ratio)
state_at_zero(Rational(1, 2), bessel_ratio_slope)
