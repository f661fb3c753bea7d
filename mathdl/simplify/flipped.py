"""Logistic losses of labels 0 and 1: the label flips the sign of the logit.

``softplus(u) - y u = softplus(v)`` and ``sigmoid(u) - y = (1 - 2 y) sigmoid(v)`` with
``v = (1 - 2 y) u``: where the model is sure, the left sides are differences of equal numbers.
In general ``f(y, u)`` is ``f(0, v)`` if ``f(1, u) = f(0, -u)``, and ``(1 - 2 y) f(0, v)`` if
``f(1, u) = -f(0, -u)``.

This is for what is computed, not for what is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sympy import expand

from mathdl.ir.bodies import inline, merge
from mathdl.ir.build import out_ranges, redefine, restate
from mathdl.ir.index import slot, slot_number
from mathdl.ir.system import rewrite
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar import log_sigmoid, sigmoid, softplus
from mathdl.simplify.forms import cost, upright_sigmoid, upright_softplus
from mathdl.simplify.openings import MAX_BODY, can_open

_LOGISTIC = (log_sigmoid, sigmoid, softplus)


def flipped(outputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs with logistic functions of logits whose sign is the label's."""

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        current = redefine(tensor, operands)
        found = _flipped(current)
        return current if found is None else found

    return rewrite(outputs, rule)


def _flipped(tensor: Tensor) -> Tensor | None:
    equation = tensor.definition
    if equation is None or equation.reduce != "none":
        return None
    body, operands = _opened(tensor)
    if not body.has(*_LOGISTIC):
        return None
    for k, access in enumerate(operands):
        if _is_label(access) and body.has(slot(k)):
            found = _by_label(body, slot(k))
            if found is not None:
                return restate(tensor, found, operands)
    return None


def _opened(tensor: Tensor) -> tuple[Any, list[Access]]:
    """The body with what is logistic, or has a label, put in."""
    body, operands = tensor.equation.body, list(tensor.operands)
    ranges = dict(out_ranges(tensor.shape))
    for _ in range(4):
        deeper = [k for k, a in enumerate(operands) if can_open(a, body, k, ranges) and (
            a.tensor.equation.body.has(*_LOGISTIC) or any(map(_is_label, a.tensor.operands)))]
        if not deeper or cost(body) > MAX_BODY:
            break
        for k in deeper:
            body, operands = inline(body, operands, k)
        body, operands = merge(body, operands)
    return body, operands


def _is_label(access: Access) -> bool:
    return access.tensor.is_input and "binary" in access.tensor.assume


@lru_cache(maxsize=4096)
def _by_label(body: Any, y: Any) -> Any:
    """The body with the logit's sign flipped by the label ``y``; or None."""
    arguments = {f.args[0] for f in body.atoms(*_LOGISTIC)}
    logits = {next(iter(a.free_symbols)) for a in arguments if len(a.free_symbols) == 1}
    if len(logits) != 1 or any(a not in (u, -u) for u in logits for a in arguments):
        return None
    (u,) = logits
    if slot_number(u) is None or u == y:
        return None
    no, yes = body.xreplace({y: 0}), body.xreplace({y: 1})
    cases = [(no, yes, 1 - 2 * y), (yes, no, 2 * y - 1)]
    one, other, sign = min(cases, key=lambda case: cost(case[0]))
    mirrored = one.subs(u, -u)
    if no == yes or not one.has(*_LOGISTIC):
        return None
    for factor, value in ((1, mirrored), (sign, -mirrored)):
        if _upright(other - value) == 0:
            return factor * one.subs(u, sign * u)
    return None


def _upright(body: Any) -> Any:
    """In ``softplus(u)`` and ``sigmoid(u)`` alone, multiplied out."""
    body = body.replace(log_sigmoid, lambda v: -upright_softplus(-v))
    return expand(body.replace(softplus, upright_softplus).replace(sigmoid, upright_sigmoid))
