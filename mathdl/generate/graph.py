"""The graph of array values, in which equal ones are one node."""

from __future__ import annotations

from typing import Any

from mathdl.generate.values import Affine, Fill, Kind, Offset, Op, Reshape, Value
from mathdl.ir.dim import Shape
from mathdl.ir.tensor import Tensor


class Graph:
    """Makes values; asking twice for the same operation gives the same value."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.owner: Tensor | None = None
        self._table: dict[Any, Value] = {}

    def make(self, op: Op, shape: Shape, kind: Kind = "float") -> Value:
        key = (op, shape, kind)
        found = self._table.get(key)
        if found is None:
            found = Value(len(self.values), op, shape, kind, self.owner)
            self.values.append(found)
            self._table[key] = found
        return found

    def affine(self, base: Value, index: tuple[Offset, ...], shape: Shape) -> Value:
        """A strided view; the identity is the base itself."""
        index = tuple((c, tuple(sorted(p for p in steps if p[1] != 0))) for c, steps in index)
        if base.shape == shape and all(
            c == 0 and steps == ((k, 1),) for k, (c, steps) in enumerate(index)
        ):
            return base
        if isinstance(base.op, Affine):
            return self.affine(base.op.base, _composed(base.op.index, index), shape)
        return self.make(Affine(base, index), shape, base.kind)

    def find(self, op: Op, shape: Shape) -> Value | None:
        """The value of an operation that was asked for before."""
        return self._table.get((op, shape, "float"))

    def transpose(self, base: Value, axes: tuple[int | None, ...]) -> Value:
        """Axis ``k`` of the result is axis ``axes[k]`` of the base, or a new one (None)."""
        place = {axis: k for k, axis in enumerate(axes) if axis is not None}
        shape = tuple(1 if axis is None else base.shape[axis] for axis in axes)
        return self.affine(base, tuple((0, ((place[k], 1),)) for k in range(base.ndim)), shape)

    def reshape(self, base: Value, shape: Shape) -> Value:
        if base.shape == shape:
            return base
        if isinstance(base.op, Fill):
            return self.make(base.op, shape, base.kind)
        if isinstance(base.op, Reshape):
            return self.reshape(base.op.base, shape)
        return self.make(Reshape(base), shape, base.kind)


def _composed(first: tuple[Offset, ...], then: tuple[Offset, ...]) -> tuple[Offset, ...]:
    """The index of a view of a view in terms of the base."""
    result: list[Offset] = []
    for constant, steps in first:
        total: dict[int, Any] = {}
        for axis, step in steps:
            start, inner = then[axis]
            constant = constant + step * start
            for k, c in inner:
                total[k] = total.get(k, 0) + step * c
        result.append((constant, tuple(total.items())))
    return tuple(result)
