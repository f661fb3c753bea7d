"""The error function, the normal distribution and the gamma family.

The gamma family has heads of its own: SymPy's ``digamma(x)`` turns into ``polygamma(0, x)``,
which no reader expects.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy import S, erf, erfc, exp, log, pi, sqrt

from mathdl.scalar.compare import gt, where
from mathdl.scalar.declare import declare
from mathdl.scalar.rectifiers import maximum

_DLMF = "NIST Digital Library of Mathematical Functions, "

declare(
    "erf",
    head=erf,
    definition=erf,
    ufunc="scipy.special.erf",
    reference=_DLMF + "7.2.1",
    replaces=(
        (lambda x: 1 - erf(x), lambda x: erfc(x)),
        (lambda x: 1 + erf(x), lambda x: 2 * normal_cdf(sqrt(2) * x)),
    ),
)

declare(
    "erfc",
    head=erfc,
    definition=erfc,
    ufunc="scipy.special.erfc",
    reference=_DLMF + "7.2.2",
    # SymPy turns erfc(-x) into 2 - erfc(x), whose left tail has no digits.
    replaces=(
        (lambda x: 1 - erfc(x), lambda x: erf(x)),
        (lambda x: 2 - erfc(x), lambda x: 2 * normal_cdf(sqrt(2) * x)),
    ),
)

normal_pdf: Any = declare(
    "normal_pdf",
    definition=lambda x: exp(-(x**2) / 2) / sqrt(2 * pi),
    derivative=lambda x: -x * normal_pdf(x),
    nonnegative=True,
    latex=r"\phi\left({0}\right)",
    stable=lambda x: exp(-(x**2) / 2) / sqrt(2 * pi),
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 1.46",
    in_language=False,
)

normal_cdf: Any = declare(
    "normal_cdf",
    definition=lambda x: (1 + erf(x / sqrt(2))) / 2,
    derivative=lambda x: normal_pdf(x),
    nonnegative=True,
    latex=r"\Phi\left({0}\right)",
    ufunc="scipy.special.ndtr",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 4.114",
    in_language=False,
    replaces=((lambda x: 1 - normal_cdf(x), lambda x: normal_cdf(-x)),),
)


def _far_erfcx_slope(x: Any) -> Any:
    """The asymptotic series of the slope of ``erfcx``, where its two terms cancel."""
    t = 1 / maximum(x, 10) ** 2
    series, term = S.One, S.One
    for k in range(1, 7):
        term = -term * (2 * k + 1) * t / 2
        series += term
    return -t * series / sqrt(pi)


erfcx_slope: Any = declare(
    "erfcx_slope",
    definition=lambda x: 2 * x * exp(x**2) * erfc(x) - 2 / sqrt(pi),
    derivative=lambda x: 2 * erfcx(x) + 2 * x * erfcx_slope(x),
    stable=lambda x: where(gt(x, 10), _far_erfcx_slope(x), 2 * x * erfcx(x) - 2 / sqrt(pi)),
    analytic=False,
    domain=((-4.0, 2.0),),
    reference="the derivative of erfcx",
    in_language=False,
)

erfcx: Any = declare(
    "erfcx",
    definition=lambda x: exp(x**2) * erfc(x),
    domain=((-4.0, 2.0),),
    derivative=lambda x: erfcx_slope(x),
    nonnegative=True,
    ufunc="scipy.special.erfcx",
    reference=_DLMF + "7.7.1",
    in_language=False,
)

log_normal_cdf: Any = declare(
    "log_normal_cdf",
    definition=lambda x: log((1 + erf(x / sqrt(2))) / 2),
    derivative=lambda x: inverse_mills(x),
    latex=r"\log \Phi\left({0}\right)",
    ufunc="scipy.special.log_ndtr",
    analytic=False,
    reference="the logarithm of Bishop, Pattern Recognition and Machine Learning, eq. 4.114",
    in_language=False,
    replaces=((lambda x: log(normal_cdf(x)), lambda x: log_normal_cdf(x)),),
)


def _far_mills_gap(x: Any) -> Any:
    """The asymptotic series of ``x + inverse_mills(x)``, where the two cancel."""
    t = 1 / maximum(-x, 15)
    return t * (1 - 2 * t**2 + 10 * t**4 - 74 * t**6 + 706 * t**8)


mills_gap: Any = declare(
    "mills_gap",
    definition=lambda x: x + sqrt(2 / pi) * exp(-(x**2) / 2) / (1 + erf(x / sqrt(2))),
    derivative=lambda x: 1 - inverse_mills(x) * mills_gap(x),
    stable=lambda x: where(gt(-x, 15), _far_mills_gap(x), x + inverse_mills(x)),
    analytic=False,
    reference="Greene, Econometric Analysis, theorem 18.2",
    domain=((-2.0, 4.0),),
    in_language=False,
)

inverse_mills: Any = declare(
    "inverse_mills",
    definition=lambda x: sqrt(2 / pi) * exp(-(x**2) / 2) / (1 + erf(x / sqrt(2))),
    derivative=lambda x: -inverse_mills(x) * mills_gap(x),
    nonnegative=True,
    latex=r"\frac{{\phi}}{{\Phi}}\left({0}\right)",
    stable=lambda x: where(
        gt(x, 0), normal_pdf(x) / normal_cdf(maximum(x, 0)),
        sqrt(2 / pi) / erfcx(where(gt(x, 0), 0, -x / sqrt(2))),
    ),
    analytic=False,
    reference="Greene, Econometric Analysis, theorem 18.2",
    in_language=False,
)

polygamma: Any = declare(
    "polygamma",
    arity=2,
    definition=lambda n, x: sympy.polygamma(n, x),
    derivative=(None, lambda n, x: polygamma(n + 1, x)),
    latex=r"\psi^{{({0})}}\left({1}\right)",
    domain=((0.0, 4.0), (0.1, 4.0)),
    ufunc="scipy.special.polygamma",
    analytic=False,
    reference=_DLMF + "5.15.1",
    aliases=(sympy.polygamma,),
)

digamma: Any = declare(
    "digamma",
    definition=lambda x: sympy.polygamma(0, x),
    derivative=lambda x: polygamma(1, x),
    latex=r"\psi\left({0}\right)",
    domain=((0.1, 4.0),),
    ufunc="scipy.special.digamma",
    reference=_DLMF + "5.2.2",
)

gammaln: Any = declare(
    "gammaln",
    definition=lambda x: sympy.loggamma(x),
    derivative=lambda x: digamma(x),
    latex=r"\log \Gamma\left({0}\right)",
    domain=((0.1, 4.0),),
    ufunc="scipy.special.gammaln",
    analytic=False,
    reference=_DLMF + "5.2.1 and 5.2.2",
    aliases=(sympy.loggamma,),
)


def _digamma_at_order_zero(cls: Any, n: Any, x: Any) -> Any:
    return digamma(x) if n.is_zero else None


def _zero_at_one_and_two(cls: Any, x: Any) -> Any:
    return S.Zero if x in (S.One, S(2)) else None


polygamma.eval = classmethod(_digamma_at_order_zero)
gammaln.eval = classmethod(_zero_at_one_and_two)
