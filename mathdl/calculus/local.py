"""Derivatives of scalar bodies, memoised: equal layers have equal bodies.

``local_derivative(body, k)`` is SymPy's derivative with every access held as one symbol.  Where
the body itself occurs in it, the symbol ``OWN`` stands for the value that the equation has
already computed: ``1 - tanh(x)**2`` is ``1 - OWN**2``, ``exp(x)`` is ``OWN``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import Mul, Pow, Symbol, cancel, fraction

from mathdl.errors import UnsupportedError
from mathdl.ir.index import slot

OWN = Symbol("own", real=True)


@lru_cache(maxsize=16384)
def local_derivative(body: Any, k: int, fold: bool = True) -> Any:
    """``d body / d x_k``; with ``fold``, stated in the body's own value where that is shorter."""
    derivative = body.diff(slot(k))
    if derivative.has(*_unevaluated()):
        raise UnsupportedError(f"no derivative of {body} is known")
    if not fold or not body.args or derivative.is_number:
        return derivative
    return _fold(body, derivative, slot(k))


def _unevaluated() -> tuple[Any, ...]:
    from sympy import Derivative, Subs

    return (Derivative, Subs)


def _fold(body: Any, derivative: Any, symbol: Any) -> Any:
    if isinstance(body, Pow):
        base, exponent = body.args
        if not exponent.is_number and symbol in base.free_symbols:
            return derivative  # a*u**a/u has no value at u = 0, a*u**(a - 1) may
        if not (exponent.is_Integer and exponent.is_positive):
            return derivative.replace(
                lambda e: isinstance(e, Pow) and e.base == base
                and (e.exp / exponent).is_Integer,
                lambda e: OWN ** (e.exp / exponent),
            )
        return derivative
    if isinstance(body, Mul):
        return _fold_quotient(body, derivative, symbol)
    if body.func.is_Function or not body.is_polynomial():
        return derivative.xreplace({body: OWN})
    return derivative


def _fold_quotient(body: Any, derivative: Any, symbol: Any) -> Any:
    """``d(a/b)/db = -OWN/b``: only where this divides by nothing new."""
    if symbol not in fraction(body)[1].free_symbols:
        return derivative
    ratio = cancel(derivative / body) if len(derivative.free_symbols) < 6 else derivative / body
    denominator = fraction(ratio)[1]
    if ratio.has(body) or not set(Mul.make_args(denominator)) <= _powers(derivative):
        return derivative
    return OWN * ratio


def _powers(expr: Any) -> set[Any]:
    """Factors by which an expression already divides."""
    found: set[Any] = {fraction(expr)[1]}
    for factor in Mul.make_args(fraction(expr)[1]):
        found.add(factor)
        if isinstance(factor, Pow):
            found.add(factor.base)
        elif factor.is_number:
            found.add(factor)
    return found
