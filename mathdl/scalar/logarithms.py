"""Logarithms that lose digits or overflow as written; internal, the generator's own words."""

from __future__ import annotations

from typing import Any

from sympy import Eq, Integer, Piecewise, S, cosh, exp, log, tanh

from mathdl.scalar.compare import eq, gt, where
from mathdl.scalar.declare import declare, state_at_zero
from mathdl.scalar.elementary import abs_, expm1, log1p
from mathdl.scalar.rectifiers import maximum, minimum


def _stable_log1mexp(x: Any) -> Any:
    """Above -log 2 from expm1, below it from log1p, which is kept away from log(0)."""
    half = -log(2)
    return where(gt(x, half), log(-expm1(x)), log1p(-exp(minimum(x, half))))


log1mexp: Any = declare(
    "log1mexp",
    definition=lambda x: log(1 - exp(x)),
    derivative=lambda x: -1 / expm1(-x),
    domain=((-4.0, -0.1),),
    stable=_stable_log1mexp,
    reference="Maechler, Accurately computing log(1 - exp(-|a|)), 2012, eq. 7",
    in_language=False,
    replaces=((lambda x: log(1 - exp(x)), lambda x: log1mexp(x)),),
)

xlogy: Any = declare(
    "xlogy",
    arity=2,
    definition=lambda x, y: Piecewise((0, Eq(x, 0) & Eq(y, 0)), (x * log(y), True)),
    derivative=(lambda x, y: log(y), lambda x, y: x / y),
    latex=r"{0} \log\left({1}\right)",
    domain=((-4.0, 4.0), (0.1, 4.0)),
    stable=lambda x, y: x * log(where(eq(x, 0), 1, y)),
    reference="Cover & Thomas, Elements of Information Theory, 2.1: 0 log 0 = 0",
    in_language=False,
)

# Beyond it log(cosh(x)) is |x| - log(2) to double precision.
_FAR = Integer(20)


def _stable_log_cosh(x: Any) -> Any:
    """``cosh(x) - 1 = expm1(|x|)^2 / (2 exp(|x|))``, and linear beyond the far point."""
    t = expm1(minimum(abs_(x), _FAR))
    return log1p(t**2 / (2 * (1 + t))) + maximum(abs_(x) - _FAR, 0)


log_cosh: Any = declare(
    "log_cosh",
    definition=lambda x: log(cosh(x)),
    derivative=lambda x: tanh(x),
    nonnegative=True,
    latex=r"\log \cosh\left({0}\right)",
    stable=_stable_log_cosh,
    analytic=False,
    reference="NIST Digital Library of Mathematical Functions, 4.28.2 and 4.34.7",
    in_language=False,
    replaces=((lambda x: log(cosh(x)), lambda x: log_cosh(x)),),
)

state_at_zero(S.Zero, xlogy, log_cosh)
