"""Which tensors are integer data that indexes others."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import KroneckerDelta

from mathdl.ir.index import slots_in
from mathdl.ir.system import topological
from mathdl.ir.tensor import Tensor


def step_order(results: Sequence[Tensor]) -> list[Tensor]:
    """What one step computes for these results of a loop, operands first."""
    step = results[0].recurrence
    assert step is not None
    return topological([*step.nexts, *(t.emitted for t in results)])


def index_tensors(order: Sequence[Tensor]) -> set[Tensor]:
    """Tensors whose entries are used as indices, and the integer data these come from."""
    found: set[Tensor] = set()
    for tensor in reversed(order):
        if tensor in found:
            found.update(a.tensor for a in tensor.operands)
        if tensor.recurrence is not None:
            inner = index_tensors(step_order([tensor]))
            pairs = zip(tensor.recurrence.inputs, tensor.operands, strict=True)
            found.update(access.tensor for given, access in pairs if given in inner)
        if tensor.definition is None:
            continue
        slots: set[int] = set()
        for a in tensor.operands:
            for e in a.index:
                if getattr(e, "free_symbols", None):
                    slots.update(slots_in(e))
        if tensor.equation.body.has(KroneckerDelta):
            for delta in tensor.equation.body.atoms(KroneckerDelta):
                slots.update(slots_in(delta))
        found.update(tensor.operands[k].tensor for k in slots)
    return found
