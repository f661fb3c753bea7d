"""Exponentials, logarithms, roots, circular and hyperbolic functions.

What SymPy has stands for itself, with SymPy's derivative.  ``abs`` and ``sign`` have heads of
their own, because SymPy differentiates ``sign`` to a Dirac delta, and ``Abs`` of what it cannot
show to be real to real and imaginary parts.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Piecewise, S, cosh, exp, log, tanh

from mathdl.scalar.declare import declare, state_at_zero

_DLMF = "NIST Digital Library of Mathematical Functions, "


def _sympy(name: str, head: Any, ufunc: str, latex: str, reference: str, **fields: Any) -> Any:
    """Declare a function that SymPy has."""
    return declare(
        name,
        head=head,
        definition=head,
        ufunc=ufunc,
        latex=latex,
        reference=_DLMF + reference,
        **fields,
    )




def _logistic(x: Any) -> Any:
    return 1 / (1 + exp(-x))


_POSITIVE = ((0.1, 4.0),)
_UNIT = ((-0.95, 0.95),)

_sympy("exp", exp, "np.exp", r"e^{{{0}}}", "4.2.19")
_sympy("log", log, "np.log", r"\log\left({0}\right)", "4.2.2", domain=_POSITIVE)
sqrt = _sympy("sqrt", sympy.sqrt, "np.sqrt", r"\sqrt{{{0}}}", "4.2(iv)", domain=_POSITIVE)
_sympy("sin", sympy.sin, "np.sin", r"\sin\left({0}\right)", "4.14.1")
_sympy(
    "cos",
    sympy.cos,
    "np.cos",
    r"\cos\left({0}\right)",
    "4.14.2",
    replaces=((lambda x: 1 - sympy.cos(x), lambda x: 2 * sympy.sin(x / 2) ** 2),),
)
_sympy("tan", sympy.tan, "np.tan", r"\tan\left({0}\right)", "4.14.4", domain=((-1.4, 1.4),))
_sympy("sinh", sympy.sinh, "np.sinh", r"\sinh\left({0}\right)", "4.28.1")
_sympy("cosh", cosh, "np.cosh", r"\cosh\left({0}\right)", "4.28.2")
_sympy(
    "tanh",
    tanh,
    "np.tanh",
    r"\tanh\left({0}\right)",
    "4.28.4, derivative 4.34.3",
    replaces=(
        (lambda x: 1 - tanh(x) ** 2, lambda x: 4 * _logistic(2 * x) * _logistic(-2 * x)),
        (lambda x: 1 + tanh(x), lambda x: 2 * _logistic(2 * x)),
        (lambda x: 1 - tanh(x), lambda x: 2 * _logistic(-2 * x)),
    ),
)
arcsin = _sympy(
    "arcsin", sympy.asin, "np.arcsin", r"\arcsin\left({0}\right)", "4.23(ii)", domain=_UNIT
)
arccos = _sympy(
    "arccos", sympy.acos, "np.arccos", r"\arccos\left({0}\right)", "4.23(ii)", domain=_UNIT
)
arctan = _sympy("arctan", sympy.atan, "np.arctan", r"\arctan\left({0}\right)", "4.23(ii)")


sign: Any = declare(
    "sign",
    definition=lambda x: Piecewise((1, x > 0), (-1, x < 0), (0, True)),
    derivative=lambda x: S.Zero,
    latex=r"\operatorname{{sign}}\left({0}\right)",
    kinks=(0.0,),
    subgradient="zero: the jump carries no gradient",
    ufunc="np.sign",
    analytic=False,
    reference=_DLMF + "front matter, notation sign x",
    aliases=(sympy.sign,),
)

abs_: Any = declare(
    "abs",
    definition=lambda x: Piecewise((x, x > 0), (-x, x < 0), (0, True)),
    derivative=lambda x: sign(x),
    nonnegative=True,
    latex=r"\left|{0}\right|",
    kinks=(0.0,),
    subgradient="sign(0) = 0",
    ufunc="np.abs",
    analytic=False,
    reference="Boyd & Vandenberghe, Convex Optimization, 3.1; subgradient 0 at 0",
    aliases=(sympy.Abs,),
)

expm1: Any = declare(
    "expm1",
    definition=lambda x: exp(x) - 1,
    derivative=lambda x: exp(x),
    latex=r"\left(e^{{{0}}} - 1\right)",
    ufunc="np.expm1",
    reference=_DLMF + "4.2.19; Higham, Accuracy and Stability, 1.14.1",
    replaces=((lambda x: exp(x) - 1, lambda x: expm1(x)),),
)

log1p: Any = declare(
    "log1p",
    definition=lambda x: log(1 + x),
    derivative=lambda x: 1 / (1 + x),
    latex=r"\log\left(1 + {0}\right)",
    domain=((-0.9, 4.0),),
    ufunc="np.log1p",
    reference=_DLMF + "4.6.1; Higham, Accuracy and Stability, 1.14.1",
)


def _sign_of(cls: Any, x: Any) -> Any:
    if x.is_zero:
        return S.Zero
    if x.is_positive:
        return S.One
    if x.is_negative:
        return S.NegativeOne
    return -cls(-x) if x.could_extract_minus_sign() else None


def _absolute(cls: Any, x: Any) -> Any:
    if x.is_nonnegative:
        return x
    if x.is_nonpositive:
        return -x
    return cls(-x) if x.could_extract_minus_sign() else None


sign.eval = classmethod(_sign_of)
abs_.eval = classmethod(_absolute)
abs_._eval_power = lambda self, n: self.args[0] ** n if n.is_even else None
state_at_zero(S.Zero, expm1, log1p)
