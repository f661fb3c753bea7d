"""Functions with a kink: relu and its relatives, maximum, minimum and clip.

At a kink each takes the subgradient that PyTorch and JAX agree on, stated with it.
"""

from __future__ import annotations

from typing import Any

from sympy import Piecewise, Rational, S, exp

from mathdl.scalar.compare import eq, ge, gt, le, lt, where
from mathdl.scalar.declare import declare, state_at_zero
from mathdl.scalar.elementary import expm1

_TIE = "1/2 to each argument of a tie, as torch.maximum and jax.numpy.maximum"

maximum: Any = declare(
    "maximum",
    arity=2,
    definition=lambda x, y: Piecewise((x, x >= y), (y, True)),
    derivative=(
        lambda x, y: gt(x, y) + eq(x, y) / 2,
        lambda x, y: lt(x, y) + eq(x, y) / 2,
    ),
    latex=r"\max\left({0}, {1}\right)",
    kinks=(0.0,),
    subgradient=_TIE,
    ufunc="np.maximum",
    analytic=False,
    reference="Boyd & Vandenberghe, Convex Optimization, 3.2.3",
)

minimum: Any = declare(
    "minimum",
    arity=2,
    definition=lambda x, y: Piecewise((x, x <= y), (y, True)),
    derivative=(
        lambda x, y: lt(x, y) + eq(x, y) / 2,
        lambda x, y: gt(x, y) + eq(x, y) / 2,
    ),
    latex=r"\min\left({0}, {1}\right)",
    kinks=(0.0,),
    subgradient=_TIE,
    ufunc="np.minimum",
    analytic=False,
    reference="Boyd & Vandenberghe, Convex Optimization, 3.2.3",
)

relu: Any = declare(
    "relu",
    definition=lambda x: Piecewise((x, x > 0), (0, True)),
    derivative=lambda x: gt(x, 0),
    nonnegative=True,
    kinks=(0.0,),
    subgradient="0 at 0",
    stable=lambda x: maximum(x, 0),
    analytic=False,
    reference="Goodfellow, Bengio & Courville, Deep Learning, eq. 6.37",
)

leaky_relu: Any = declare(
    "leaky_relu",
    arity=2,
    definition=lambda x, a: Piecewise((x, x > 0), (a * x, True)),
    derivative=(lambda x, a: where(gt(x, 0), 1, a), lambda x, a: minimum(x, 0)),
    latex=r"\operatorname{{leaky\_relu}}_{{{1}}}\left({0}\right)",
    domain=((-4.0, 4.0), (0.01, 0.5)),
    kinks=(0.0,),
    subgradient="a at 0",
    stable=lambda x, a: where(gt(x, 0), x, a * x),
    analytic=False,
    reference="Maas, Hannun & Ng, Rectifier Nonlinearities, 2013, eq. 2",
)

elu: Any = declare(
    "elu",
    arity=2,
    definition=lambda x, a: Piecewise((x, x > 0), (a * (exp(x) - 1), True)),
    derivative=(
        lambda x, a: where(gt(x, 0), 1, a * exp(x)),
        lambda x, a: expm1(minimum(x, 0)),
    ),
    latex=r"\operatorname{{elu}}_{{{1}}}\left({0}\right)",
    domain=((-4.0, 4.0), (0.5, 2.0)),
    kinks=(0.0,),
    subgradient="a at 0",
    stable=lambda x, a: maximum(x, 0) + a * expm1(minimum(x, 0)),
    analytic=False,
    reference="Clevert, Unterthiner & Hochreiter, 2016, eq. 15",
)

# The published decimals: scale is lambda_01 and alpha is alpha_01 of the paper.
_ALPHA = Rational("1.6732632423543772848170429916717")
_SCALE = Rational("1.0507009873554804934193349852946")

selu: Any = declare(
    "selu",
    definition=lambda x: Piecewise((_SCALE * x, x > 0), (_SCALE * _ALPHA * (exp(x) - 1), True)),
    derivative=lambda x: where(gt(x, 0), _SCALE, _SCALE * _ALPHA * exp(x)),
    kinks=(0.0,),
    subgradient="scale * alpha at 0",
    stable=lambda x: _SCALE * maximum(x, 0) + _SCALE * _ALPHA * expm1(minimum(x, 0)),
    analytic=False,
    reference="Klambauer, Unterthiner, Mayr & Hochreiter, 2017, eq. 2 and 14",
)

clip: Any = declare(
    "clip",
    arity=3,
    definition=lambda x, lo, hi: Piecewise((hi, (x >= hi) | (lo >= hi)), (lo, x <= lo), (x, True)),
    derivative=(
        lambda x, lo, hi: ge(x, lo) * le(x, hi),
        lambda x, lo, hi: lt(x, lo) * le(lo, hi),
        lambda x, lo, hi: gt(maximum(x, lo), hi),
    ),
    domain=((-4.0, 4.0), (-3.0, -1.0), (1.0, 3.0)),
    kinks=(0.0,),
    subgradient="1 at both ends in the first argument, 0 in the bounds, as torch.clamp",
    stable=lambda x, lo, hi: minimum(maximum(x, lo), hi),
    analytic=False,
    reference="NumPy, numpy.clip",
)

hardtanh: Any = declare(
    "hardtanh",
    definition=lambda x: Piecewise((-1, x <= -1), (1, x >= 1), (x, True)),
    derivative=lambda x: gt(x, -1) * lt(x, 1),
    kinks=(-1.0, 1.0),
    subgradient="0 at -1 and 1",
    stable=lambda x: minimum(maximum(x, -1), 1),
    analytic=False,
    reference="Collobert, Large Scale Machine Learning, 2004, ch. 6",
)


def _greater(cls: Any, x: Any, y: Any) -> Any:
    difference = x - y
    if difference.is_nonnegative:
        return x
    return y if difference.is_nonpositive else None


def _lesser(cls: Any, x: Any, y: Any) -> Any:
    difference = x - y
    if difference.is_nonnegative:
        return y
    return x if difference.is_nonpositive else None


def _rectified(cls: Any, x: Any) -> Any:
    if x.is_nonnegative:
        return x
    return S.Zero if x.is_nonpositive else None


maximum.eval = classmethod(_greater)
minimum.eval = classmethod(_lesser)
relu.eval = classmethod(_rectified)
state_at_zero(S.Zero, leaky_relu, elu, selu, hardtanh)
