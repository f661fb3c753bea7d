"""Numbers and expressions in dims as trees, and powers, which they share with scalar bodies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Add as SymPyAdd
from sympy import Integer, Mul, Pow, Rational, S, Symbol, sympify

from mathdl.present.tree import (
    ONE,
    Call,
    Name,
    Node,
    Number,
    Power,
    add,
    as_decimal,
    multiply,
    negative,
)
from mathdl.present.views import Unprintable, constant_name
from mathdl.scalar import of_head

_OF_DIMS = {sympy.Max: "maximum", sympy.Min: "minimum"}


def split_sign(term: Any) -> tuple[int, Any]:
    coefficient, _ = term.as_coeff_Mul()
    return (-1, -term) if coefficient.is_negative else (1, term)


def denominator(factor: Any) -> Any:
    """``d`` when the factor is ``1/d``."""
    if isinstance(factor, Pow):
        exponent = factor.exp
        if exponent.is_Rational and exponent < 0:
            return Pow(factor.base, -exponent)
    return None


def power(expr: Any, tree: Callable[[Any], Node]) -> Node:
    base, exponent = expr.base, expr.exp
    below = denominator(expr)
    if below is not None:
        return multiply([ONE], [tree(below)])
    inner = tree(base)
    if exponent == Rational(1, 2):
        return Call("sqrt", (inner,), inner.ndim)
    if exponent.is_Rational and exponent.q == 2:
        root = Call("sqrt", (inner,), inner.ndim)
        return Power(root, Number(Integer(exponent.p)), inner.ndim)
    top = tree(exponent)
    return Power(inner, top, max(inner.ndim, top.ndim))


def constant(expr: Any) -> Node:
    """A number or an expression in dims."""
    expr = sympify(expr)
    if expr.is_Rational:
        if expr < 0:
            return negative(constant(-expr))
        if expr.q == 1 or as_decimal(expr) is not None:
            return Number(expr)
        return multiply([Number(Integer(expr.p))], [Number(Integer(expr.q))])
    if isinstance(expr, Symbol):
        return Name(expr.name, 0, "dim")
    if expr == S.Pi:
        return constant_name("pi")
    if expr == S.Exp1:
        return constant_name("e")
    if isinstance(expr, SymPyAdd):
        terms = [split_sign(t) for t in expr.args]
        terms.sort(key=lambda t: (-t[0], t[1].is_number, t[1].sort_key()))
        return add([(s, constant(t)) for s, t in terms])
    if isinstance(expr, Mul):
        sign, positive = split_sign(expr)
        tops: list[Node] = []
        bottoms: list[Node] = []
        for factor in positive.args if isinstance(positive, Mul) else (positive,):
            if factor.is_Rational:
                tops.append(Number(factor))
            elif (below := denominator(factor)) is not None:
                bottoms.append(constant(below))
            else:
                tops.append(constant(factor))
        result = multiply(tops, bottoms)
        return negative(result) if sign < 0 else result
    if isinstance(expr, Pow):
        return power(expr, constant)
    if expr.func in _OF_DIMS:
        first, *others = sorted(expr.args, key=str)
        rest = constant(expr.func(*others))
        return Call(_OF_DIMS[expr.func], (constant(first), rest), 0)
    declared = of_head(expr.func)
    if declared is not None and declared.in_language:
        return Call(declared.name, tuple(constant(a) for a in expr.args), 0)
    raise Unprintable(f"the constant {expr}")
