"""The logistic sigmoid and what is made of it: softplus, silu, gelu, softsign."""

from __future__ import annotations

from typing import Any

from sympy import Integer, Rational, S, erf, exp, log, pi, sqrt, tanh

from mathdl.scalar.declare import declare, state_at_zero
from mathdl.scalar.elementary import abs_, log1p
from mathdl.scalar.rectifiers import maximum, minimum
from mathdl.scalar.special import normal_cdf, normal_pdf

_GOODFELLOW = "Goodfellow, Bengio & Courville, Deep Learning, "

sigmoid: Any = declare(
    "sigmoid",
    definition=lambda x: 1 / (1 + exp(-x)),
    derivative=lambda x: sigmoid(x) * (1 - sigmoid(x)),
    nonnegative=True,
    latex=r"\sigma\left({0}\right)",
    stable=lambda x: 1 / (1 + exp(-x)),
    reference=_GOODFELLOW + "eq. 3.30, derivative eq. 3.35",
    replaces=(
        (lambda x: 1 - sigmoid(x), lambda x: sigmoid(-x)),
        (lambda x: sigmoid(x) - sigmoid(x) ** 2, lambda x: sigmoid(x) * sigmoid(-x)),
        (lambda x: 1 - 2 * sigmoid(x), lambda x: -tanh(x / 2)),
    ),
)

log_sigmoid: Any = declare(
    "log_sigmoid",
    definition=lambda x: -log(1 + exp(-x)),
    derivative=lambda x: sigmoid(-x),
    latex=r"\log \sigma\left({0}\right)",
    stable=lambda x: minimum(x, 0) - log1p(exp(-abs_(x))),
    analytic=False,
    reference=_GOODFELLOW + "eq. 3.37",
    replaces=(
        (lambda x: log(sigmoid(x)), lambda x: log_sigmoid(x)),
        (lambda x: log(1 - sigmoid(x)), lambda x: log_sigmoid(-x)),
    ),
)

softplus: Any = declare(
    "softplus",
    definition=lambda x: log(1 + exp(x)),
    derivative=lambda x: sigmoid(x),
    nonnegative=True,
    stable=lambda x: maximum(x, 0) + log1p(exp(-abs_(x))),
    analytic=False,
    reference=_GOODFELLOW + "eq. 3.31, derivative eq. 3.38",
    replaces=((lambda x: log(1 + exp(x)), lambda x: softplus(x)),),
)

logaddexp: Any = declare(
    "logaddexp",
    arity=2,
    definition=lambda x, y: log(exp(x) + exp(y)),
    derivative=(lambda x, y: sigmoid(x - y), lambda x, y: sigmoid(y - x)),
    latex=r"\log\left(e^{{{0}}} + e^{{{1}}}\right)",
    ufunc="np.logaddexp",
    analytic=False,
    reference="Boyd & Vandenberghe, Convex Optimization, 3.1.5, of two",
)

silu: Any = declare(
    "silu",
    definition=lambda x: x / (1 + exp(-x)),
    derivative=lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))),
    stable=lambda x: x * sigmoid(x),
    reference="Elfwing, Uchibe & Doya, 2018, eq. 3, derivative eq. 5",
)

softsign: Any = declare(
    "softsign",
    definition=lambda x: x / (1 + abs_(x)),
    derivative=lambda x: 1 / (1 + abs_(x)) ** 2,
    stable=lambda x: x / (1 + abs_(x)),
    analytic=False,
    reference="Bergstra, Desjardins, Lamblin & Bengio, 2009, eq. 4",
)

gelu: Any = declare(
    "gelu",
    definition=lambda x: x * (1 + erf(x / sqrt(2))) / 2,
    derivative=lambda x: normal_cdf(x) + x * normal_pdf(x),
    stable=lambda x: x * normal_cdf(x),
    reference="Hendrycks & Gimpel, 2016, sec. 2: x * Phi(x)",
)

# Twice the argument of tanh in gelu_tanh is _ROOT * x * (1 + _CUBIC * x^2).
_ROOT = sqrt(8 / pi)
_CUBIC = Rational(44715, 10**6)
# There the sigmoid is 0 or 1 in double precision, and remains so if the square stops growing.
_SATURATED = Integer(500)


def _twice(x: Any, square: Any) -> Any:
    return _ROOT * x * (1 + _CUBIC * square)


def _slope(x: Any, square: Any) -> Any:
    """The derivative, with ``s - s^2`` that need not be relatively accurate beside ``s``."""
    s = sigmoid(_twice(x, square))
    return s + x * (_ROOT * (1 + 3 * _CUBIC * square)) * (s - s**2)


def _curvature(x: Any) -> Any:
    s = sigmoid(_twice(x, x**2))
    slope = _ROOT * (1 + 3 * _CUBIC * x**2)
    return s * (1 - s) * (2 * slope + 6 * _ROOT * _CUBIC * x**2 + x * slope**2 * (1 - 2 * s))


gelu_tanh_slope: Any = declare(
    "gelu_tanh_slope",
    definition=lambda x: _slope_by_definition(x),
    derivative=_curvature,
    latex=r"\operatorname{{gelu}}_{{\tanh}}'\left({0}\right)",
    stable=lambda x: _slope(x, minimum(x**2, _SATURATED)),
    reference="the derivative of gelu_tanh",
    in_language=False,
)

gelu_tanh: Any = declare(
    "gelu_tanh",
    definition=lambda x: x * (1 + tanh(_twice(x, x**2) / 2)) / 2,
    derivative=lambda x: gelu_tanh_slope(x),
    latex=r"\operatorname{{gelu}}_{{\tanh}}\left({0}\right)",
    stable=lambda x: x * sigmoid(_twice(x, minimum(x**2, _SATURATED))),
    reference="Hendrycks & Gimpel, 2016, sec. 2: the tanh approximation",
)


def _slope_by_definition(x: Any) -> Any:
    t = tanh(_twice(x, x**2) / 2)
    return (1 + t) / 2 + x * (1 - t**2) * (_ROOT * (1 + 3 * _CUBIC * x**2)) / 4


state_at_zero(Rational(1, 2), sigmoid)
state_at_zero(-log(2), log_sigmoid)
state_at_zero(log(2), softplus)
state_at_zero(S.Zero, silu, softsign, gelu, gelu_tanh)
