"""Unstable patterns that have a function made for them: ``log(1 + exp u) = softplus(u)``."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import Add, Mul, Pow, S, cosh, erf, erfc, exp, log, sqrt, tanh

from mathdl.ir.bodies import inline, merge
from mathdl.ir.build import out_ranges, restate
from mathdl.ir.index import bound_index, slot
from mathdl.ir.tensor import Tensor
from mathdl.scalar import (
    expm1,
    log1p,
    log_cosh,
    log_normal_cdf,
    log_sigmoid,
    sigmoid,
    softplus,
)
from mathdl.simplify.exponential_pairs import (
    logarithm_of_pair,
    logarithm_of_sum,
    quotient_of_pairs,
    sum_of_pair,
)
from mathdl.simplify.forms import cost
from mathdl.simplify.openings import MAX_BODY, can_open


def scalar_forms(tensor: Tensor) -> Tensor | None:
    """Look a few definitions deep for a form that has a stable function."""
    equation = tensor.definition
    if equation is None or equation.reduce not in ("none", "sum") or not equation.operands:
        return None
    if tensor.label is not None or equation.body == slot(0):
        return None
    body, operands = equation.body, list(equation.operands)
    ranges = {
        **dict(out_ranges(tensor.shape)),
        **{bound_index(j): d for j, d in enumerate(equation.extents)},
    }
    if not _promising(body):
        return None
    for _ in range(4):
        stable = stable_form(body)
        if stable != body:
            return restate(tensor, stable, operands)
        deeper = [k for k, a in enumerate(operands) if can_open(a, body, k, ranges)]
        if equation.reduce != "none" or not deeper or cost(body) > MAX_BODY:
            break
        for k in deeper:
            body, operands = inline(body, operands, k)
        body, operands = merge(body, operands)
    return _shallow_log1p(tensor)


def _shallow_log1p(tensor: Tensor) -> Tensor | None:
    """``log(1 + u) = log1p(u)``, looking one definition deep."""
    equation = tensor.equation
    body, operands = equation.body, list(equation.operands)
    if not body.has(log):
        return None
    for k in range(len(operands)):
        if body.has(log(slot(k))) and can_open(operands[k], body, k, dict(
            out_ranges(tensor.shape)
        )):
            inner = operands[k].tensor.equation.body
            if isinstance(inner, Add) and S.One in inner.args:
                body, operands = inline(body, operands, k)
    after = body.replace(
        lambda e: isinstance(e, log) and isinstance(e.args[0], Add) and S.One in e.args[0].args,
        lambda e: log1p(e.args[0] - 1),
    )
    return restate(tensor, after, operands) if after != body else None


def _promising(body: Any) -> bool:
    return (
        isinstance(body, Add) or body.has(log, log1p)
        or (isinstance(body, Mul) and body.has(sigmoid) and body.has(exp, expm1))
        or any(p.exp.is_negative for p in body.atoms(Pow))
    )


@lru_cache(maxsize=8192)
def stable_form(body: Any) -> Any:
    """The body with each unstable pattern replaced by the function made for it."""
    body = body.replace(log, _stable_log)
    body = body.replace(lambda e: isinstance(e, log1p) and isinstance(e.args[0], exp),
                        lambda e: softplus(e.args[0].args[0]))
    body = body.replace(lambda e: isinstance(e, (Mul, Pow)), quotient_of_pairs)
    return body.replace(lambda e: isinstance(e, Add), sum_of_pair)


def _stable_log(argument: Any) -> Any:
    if isinstance(argument, sigmoid):
        return log_sigmoid(argument.args[0])
    if isinstance(argument, cosh):
        return log_cosh(argument.args[0])
    if isinstance(argument, erfc):
        return log(S(2)) + log_normal_cdf(-sqrt(2) * argument.args[0])
    found = logarithm_of_pair(argument)
    if found is None:
        found = logarithm_of_sum(argument)
    if found is not None:
        return found
    coefficient, inner = argument.as_content_primitive() if argument.is_Add else (
        argument.as_coeff_Mul()
    )
    found = logarithm_of_pair(inner)
    if found is None and isinstance(inner, Add) and len(inner.args) == 2:
        found = _log_of_pair(*inner.args) or _log_of_pair(*inner.args[::-1])
    if found is not None:
        return found + (log(coefficient) if coefficient != 1 else 0)
    return log(argument)


def _log_of_pair(a: Any, b: Any) -> Any:
    """``log(1 + b)`` for what has a stable function."""
    sign, inner = b.as_coeff_Mul()
    if a != 1:
        return None
    if isinstance(inner, sigmoid) and sign == -1:
        return -softplus(inner.args[0])
    if isinstance(inner, tanh) and sign == 1:
        return log(S(2)) + log_sigmoid(2 * inner.args[0])
    if isinstance(inner, tanh) and sign == -1:
        return log(S(2)) - softplus(2 * inner.args[0])
    if isinstance(inner, erf) and abs(sign) == 1:
        return log(S(2)) + log_normal_cdf(sign * sqrt(2) * inner.args[0])
    if sign == -1 and isinstance(inner, Pow) and isinstance(inner.base, tanh) and inner.exp == 2:
        return -2 * log_cosh(inner.base.args[0])
    return None
