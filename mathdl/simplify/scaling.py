"""Numbers taken out of what is linear, so that what differs by a number is computed once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sympy import Mul, S

from mathdl.ir.build import bound_ranges, define, out_ranges, redefine
from mathdl.ir.index import out_indices, slot, slot_number
from mathdl.ir.tensor import Access, Tensor
from mathdl.simplify.engine import Context

LINEAR = {"solve": 1, "lstsq": 1}  # primitives with the operand in which they are linear


def share_scaled(tensor: Tensor, context: Context) -> Tensor | None:
    """A number times a sum that exists, itself or another multiple of it, is read from that.

    A number that cancels against those of the factors goes with them.
    """
    totals = _totals(tensor)
    signs = [(number, total) for number, total in totals if number in (1, -1)]
    if signs and tensor.equation.body.as_coeff_Mul()[0] not in (1, -1):
        return _times(*signs[0], tensor)
    for number, total in totals:
        if number != 1 and _exists(total, context):
            return _times(number, total, tensor)
        scale, other = context.multiples.get(id(total), (None, tensor))
        if other is not tensor and scale is not None:
            return _times(number / scale, other, tensor)
    return None


def remember_multiple(tensor: Tensor, context: Context) -> None:
    """Note of which sum a tensor is a multiple."""
    for number, total in _totals(tensor):
        context.alive.append(total)
        context.multiples.setdefault(id(total), (number, tensor))


def _totals(tensor: Tensor) -> list[tuple[Any, Tensor]]:
    """Numbers with the sums that they multiply to give this one, of factors without numbers."""
    equation = tensor.definition
    if equation is None or equation.reduce != "sum" or tensor.label is not None:
        return []
    number, rest = equation.body.as_coeff_Mul()
    if tensor.requires or not all(slot_number(f) is not None for f in Mul.make_args(rest)):
        return []
    found = [(number, list(equation.operands))]
    for k, access in enumerate(equation.operands):
        if any(slot(k) in e.free_symbols for a in equation.operands for e in a.index):
            return []
        choices = list(unscaled(access.tensor)) or [(S.One, access.tensor)]
        found = [
            (c * scale,
             [*operands[:k], Access(base, access.index, access.held), *operands[k + 1 :]])
            for c, operands in found for scale, base in choices
        ]
        if len(found) > 16:
            return []
    return [
        (c, define(out_ranges(tensor.shape), rest, operands, reduce="sum",
                   bound=bound_ranges(equation)))
        for c, operands in found
    ]


def scale_after(tensor: Tensor, context: Context) -> Tensor | None:
    """A number is multiplied after a primitive that is linear in what it scales."""
    call = tensor.call
    if call is None or call.primitive not in LINEAR:
        return None
    k = LINEAR[call.primitive]
    for number, base in unscaled(call.operands[k].tensor):
        operands = list(call.operands)
        operands[k] = Access(base, operands[k].index)
        if number == 1:
            continue
        result = redefine(tensor, operands)
        if number.is_Rational and (number > 0 or _exists(result, context)):
            return _times(number, result, tensor)
    return None


def _times(number: Any, total: Tensor, like: Tensor) -> Tensor:
    return define(
        out_ranges(like.shape), number * slot(0), [Access(total, out_indices(like.ndim))],
        requires=like.requires,
    )


def _exists(tensor: Tensor, context: Context) -> bool:
    return tensor.is_input or id(tensor) in context.kept or bool(context.uses.get(id(tensor)))


def unscaled(tensor: Tensor) -> Iterator[tuple[Any, Tensor]]:
    """Numbers with the tensors that they multiply to give this one, through a view of it."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none" or tensor.label is not None:
        return
    if tensor.requires or not equation.operands:
        return
    if equation.body == slot(0) and len(equation.operands) == 1:
        (access,) = equation.operands
        for number, base in unscaled(access.tensor):
            yield number, define(
                out_ranges(tensor.shape), slot(0), [Access(base, access.index, access.held)]
            )
        return
    content, primitive = equation.body.as_content_primitive()
    for number, body in ((content, primitive), (-content, (S.NegativeOne * primitive).expand())):
        yield number, define(out_ranges(tensor.shape), body, equation.operands)
