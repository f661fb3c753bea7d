"""Which definitions a stabilising rewrite may look into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sympy import Add, Function, Pow

from mathdl.ir.bodies import inline, is_regrouped, merge, reads_inside
from mathdl.ir.build import out_ranges, restate
from mathdl.ir.index import slot, slot_number
from mathdl.ir.tensor import Access, Tensor
from mathdl.simplify.forms import cost

MAX_BODY = 40


def is_plain(index: Sequence[Any]) -> bool:
    """Distinct index symbols, none of them the entry of an integer tensor."""
    return len(set(index)) == len(index) and all(
        e.is_Symbol and slot_number(e) is None for e in index
    )


def can_open(access: Access, body: Any, k: int, ranges: dict[Any, Any]) -> bool:
    inner = access.tensor
    definition = inner.definition
    return (
        definition is not None
        and definition.reduce == "none"
        and not inner.requires
        and inner.label is None
        and not is_regrouped(inner)
        and slot(k) in body.free_symbols
        and cost(definition.body) <= MAX_BODY
        and len(definition.operands) <= 3
        and bool(definition.body.args)
        and reads_inside(access, ranges)
    )


def opened(tensor: Tensor, law: Callable[[Any], Any]) -> Tensor:
    """The tensor with a law applied to its body, as soon as enough of what it reads is put in."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none" or not equation.operands:
        return tensor
    body, operands = equation.body, list(equation.operands)
    ranges = dict(out_ranges(tensor.shape))
    for _ in range(6):
        if cost(body) > MAX_BODY or not body.has(Add, Function, Pow):
            return tensor
        found = law(body)
        if found != body:
            return restate(tensor, found, operands)
        deeper = [k for k, a in enumerate(operands) if can_open(a, body, k, ranges)]
        if not deeper:
            break
        for k in deeper:
            body, operands = inline(body, operands, k)
        body, operands = merge(body, operands)
    return tensor
