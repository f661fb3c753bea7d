"""Bodies and their accesses taken together: opened, merged, asked what they depend on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import KroneckerDelta, Mod, Mul, floor

from mathdl.ir.build import moved, out_ranges, substitute
from mathdl.ir.index import Ranges, in_range, out_indices, regrouped_axes, slot, slot_number
from mathdl.ir.tensor import Access, Tensor


def inline(body: Any, operands: Sequence[Access], k: int) -> tuple[Any, list[Access]]:
    """The body with access ``k`` replaced by the elementwise equation that defines it.

    The caller sees to it that the access is in range, or that zero stays zero there.
    """
    access = operands[k]
    equation = access.tensor.equation
    shift = len(operands)
    mapping: dict[Any, Any] = dict(
        zip(out_indices(access.tensor.ndim), access.index, strict=True)
    )
    for j in range(len(equation.operands)):
        mapping[slot(j)] = slot(shift + j)
    inner = [
        Access(a.tensor, a.index, access.held or a.held)
        for a in moved(equation.operands, mapping)
    ]
    opened = substitute(body, {slot(k): substitute(equation.body, mapping)})
    return opened, [*operands, *inner]


def reads_inside(access: Access, ranges: Ranges) -> bool:
    """Whether an access never leaves its tensor: only then may a definition stand for it."""
    shape = access.tensor.shape
    return all(in_range(e, d, ranges) for e, d in zip(access.index, shape, strict=True))


def is_regrouped(tensor: Tensor) -> bool:
    """Whether a tensor reads by positions over axes or their digits: a reshape, kept as a node."""
    if any(e.args and e.has(Mod, floor) for a in tensor.operands for e in a.index):
        return True
    if len(tensor.operands) != 1 or tensor.definition is None:
        return False
    (access,) = tensor.operands
    return any(e.args for e in access.index) and regrouped_axes(
        access.index, access.tensor.shape, dict(out_ranges(tensor.shape))
    ) is not None


def is_structural(tensor: Tensor) -> bool:
    """Whether a tensor is an elementwise product with a Kronecker delta on its own indices."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none" or not equation.body.has(KroneckerDelta):
        return False
    return any(isinstance(f, KroneckerDelta) for f in Mul.make_args(equation.body))


def merge(body: Any, operands: list[Access]) -> tuple[Any, list[Access]]:
    """Equal accesses on one slot; the places of the others stay, unread."""
    first: dict[tuple[Any, ...], int] = {}
    mapping = {}
    for k, access in enumerate(operands):
        j = first.setdefault(access.key, k)
        if j != k:
            mapping[slot(k)] = slot(j)
    if not mapping:
        return body, operands
    return substitute(body, mapping), moved(operands, mapping)


def symbols_read(body: Any, operands: Sequence[Access]) -> set[Any]:
    """The symbols on which a body depends, itself or through the indices of its accesses."""
    symbols: set[Any] = set()
    waiting = list(body.free_symbols)
    while waiting:
        s = waiting.pop()
        k = slot_number(s)
        if k is None:
            symbols.add(s)
        else:
            waiting += [t for e in operands[k].index for t in e.free_symbols]
    return symbols
