"""Differences that lose their digits, computed from the argument of a function instead.

``1 - s`` with ``s = sigmoid(u)`` is 0 in floats where ``s`` is 1 to rounding; ``sigmoid(-u)`` is
not.  A formula reads better with ``s``, so this is for what is computed, not for what is printed.

It costs a function more for each entry.  What a product of matrices reads, and what a recurrence
computes at every step, is the activation of a network, whose value is at hand and whose slope is
wanted to rounding of 1: there ``1 - s`` stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Add, Pow, log

from mathdl.ir.bodies import inline, reads_inside
from mathdl.ir.build import out_ranges, redefine, restate
from mathdl.ir.index import bound_index, slot, slot_number
from mathdl.ir.system import rewrite, topological
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar.lower import cancelling, uncancelled_form
from mathdl.simplify.forms import cost
from mathdl.simplify.openings import MAX_BODY


def uncancelled(outputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs with every difference that has a declared form without cancellation in it."""

    activations = {a.tensor for t in topological(outputs) if contracts(t) for a in t.operands}

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        current = redefine(tensor, operands)
        if any(a.tensor in activations for a in tensor.operands):
            return current
        for _ in range(4):
            after = _uncancelled(current)
            if after is None:
                break
            current = after
        return current

    return rewrite(outputs, rule)


def contracts(tensor: Tensor) -> bool:
    """Whether it is a product of matrices, or another sum of products over some of the axes."""
    equation = tensor.definition
    return equation is not None and equation.reduce == "sum" and any(
        set(a.index) - set(b.index) and set(b.index) - set(a.index)
        for a in equation.operands for b in equation.operands
    )


def _uncancelled(tensor: Tensor) -> Tensor | None:
    equation = tensor.definition
    if equation is None or not equation.body.has(Add, log) or cost(equation.body) > MAX_BODY:
        return None
    ranges = {
        **dict(out_ranges(tensor.shape)),
        **{bound_index(j): d for j, d in enumerate(equation.extents)},
    }
    body, operands = equation.body, list(equation.operands)
    named: dict[Any, Any] = {}
    for k, access in enumerate(equation.operands):
        if not reads_inside(access, ranges):
            continue
        value, opened = _opened(slot(k), operands, k)
        if isinstance(value, Pow) and (j := slot_number(value.base)) is not None:
            value, opened = _opened(value, opened, j)
        if cancelling(value.as_base_exp()[0]):
            named[slot(k)], operands = value, opened
    if not named:
        return None
    known = {value: name for name, value in named.items()}
    after = body.replace(
        lambda e: isinstance(e, (Add, log)),
        lambda e: _form(e, named) or e,
    ).xreplace(known)
    return restate(tensor, after, operands) if after != body else None


def _opened(body: Any, operands: list[Access], k: int) -> tuple[Any, list[Access]]:
    """The body with what defines an access put in, where that is a plain equation."""
    tensor = operands[k].tensor
    if tensor.definition is None or tensor.definition.reduce != "none" or tensor.requires:
        return body, operands
    found, read = inline(body, operands, k)
    plain = all(e.is_Symbol or e.is_Integer for a in read for e in a.index)
    return (found, read) if plain else (body, operands)  # entries would be gathered again


def _form(node: Any, named: dict[Any, Any]) -> Any:
    """A sum, or a logarithm, of named functions without cancellation; or None."""
    if not node.free_symbols & named.keys():
        return None
    opened = node.xreplace(named)
    better = uncancelled_form(opened)
    return None if better is None or better == opened else better
