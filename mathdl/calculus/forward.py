"""Forward mode: the same rule read left to right.

``M_dot[o] = sum_s  df/dN * N_dot[e(o, s)]``, summed over the operands ``N``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mathdl.calculus.recurrence import push_forward_loop
from mathdl.calculus.reverse import accumulate, derivative_factor, differentiable
from mathdl.errors import ShapeError
from mathdl.ir.build import bound_ranges, define, out_ranges
from mathdl.ir.dim import show_shape
from mathdl.ir.index import slot
from mathdl.ir.system import topological
from mathdl.ir.tensor import Access, Tensor
from mathdl.primitives.registry import push_forward_primitive


def tangents(outputs: Sequence[Tensor], directions: Mapping[Tensor, Tensor]) -> list[Tensor]:
    """The derivative of each output along ``directions`` (one per tensor, of its shape)."""
    for tensor, direction in directions.items():
        if tensor.shape != direction.shape:
            raise ShapeError(
                f"the direction for {tensor!r} has shape {show_shape(direction.shape)}, "
                f"it must be {show_shape(tensor.shape)}"
            )
    return _tangents(outputs, directions)


def _tangents(outputs: Sequence[Tensor], directions: Mapping[Tensor, Tensor]) -> list[Tensor]:
    known: dict[int, Tensor] = {id(t): d for t, d in directions.items()}
    for tensor in topological(outputs):
        if id(tensor) in known or tensor.is_input:
            continue
        if tensor.recurrence is not None:
            if any(id(a.tensor) in known for a in tensor.operands):
                known[id(tensor)] = push_forward_loop(tensor, known, _tangents)
            continue
        terms = [
            push_forward(tensor, known[id(a.tensor)], k)
            for k, a in enumerate(tensor.operands)
            if id(a.tensor) in known and not a.held and differentiable(a.tensor)
        ]
        present = [t for t in terms if t is not None]
        if present:
            known[id(tensor)] = accumulate(present, tensor.shape)
    return [known[id(t)] if id(t) in known else accumulate([], t.shape) for t in outputs]


def push_forward(tensor: Tensor, tangent: Tensor, k: int) -> Tensor | None:
    """What the ``k``-th operand's tangent contributes to the tensor's."""
    if tensor.call is not None:
        return push_forward_primitive(tensor, tangent, k)
    equation = tensor.equation
    factor, operands = derivative_factor(tensor, k)
    if factor == 0:
        return None
    access = equation.operands[k]
    operands.append(Access(tangent, access.index))
    return define(
        out_ranges(tensor.shape),
        factor * slot(len(operands) - 1),
        operands,
        reduce="sum",
        bound=bound_ranges(equation),
    )
