"""Fewer kernels over whole arrays, seen only once all values are known."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import S

from mathdl.generate.graph import Graph
from mathdl.generate.values import Affine, Dot, Fill, Reshape, RowDot, Ufunc, Value
from mathdl.ir.dim import product


class Peephole:
    """Rewrites some of the needed values; the results keep their places."""

    def __init__(self, graph: Graph, needed: Sequence[Value], results: Sequence[Value]) -> None:
        self.graph = graph
        self.needed = list(needed)
        self.results = set(results)
        self.readers: dict[Value, list[Value]] = {}
        for value in needed:
            for operand in dict.fromkeys(value.operands()):
                self.readers.setdefault(operand, []).append(value)

    def run(self) -> None:
        for value in self.needed:
            self.graph.owner = value.owner
            self._share_reciprocal(value)
        for value in self.needed:
            self.graph.owner = value.owner
            self._scale_later(value)
        for value in self.needed:
            self.graph.owner = value.owner
            self._sum_of_products(value)

    def _share_reciprocal(self, value: Value) -> None:
        """``a/b`` is ``a*(1/b)`` when ``1/b`` is needed too, and cannot overflow."""
        op = value.op
        if not isinstance(op, Ufunc) or op.name != "np.divide" or value.kind != "float":
            return
        top, bottom = op.args
        if not (isinstance(top, Value) and isinstance(bottom, Value)):
            return
        if bottom.shape == value.shape and _at_least_one(bottom):
            inverse = self.graph.find(Ufunc("np.divide", (S.One, bottom)), value.shape)
            if inverse is not None and inverse in self.readers and value.shape:
                value.op = Ufunc("np.multiply", (top, inverse))
                self.readers[inverse].append(value)

    def _sum_of_products(self, value: Value) -> None:
        """``dot(a*b, 1)`` is ``dot(a, b)`` when the products are not needed otherwise."""
        op = value.op
        if not isinstance(op, Dot) or value.shape != ():
            return
        terms, ones = (op.b, op.a) if isinstance(op.a.op, Fill) else (op.a, op.b)
        made = terms.op.base if isinstance(terms.op, Reshape) else terms
        if (
            not isinstance(ones.op, Fill) or ones.op.number != 1 or not self._once(made)
            or not self._once(terms) or not isinstance(made.op, Ufunc) or made.kind != "float"
        ):
            return
        args = made.op.args * (2 if made.op.name == "np.square" else 1)
        if made.op.name in ("np.multiply", "np.square") and all(
            isinstance(a, Value) and a.shape == made.shape and a.kind == "float"
            and not (made.ndim > 1 and isinstance(a.op, Affine)) for a in args
        ):
            flat = (product(made.shape),)
            value.op = Dot(*(self.graph.reshape(a, flat) for a in args))

    def _once(self, value: Value) -> bool:
        return len(self.readers.get(value, ())) == 1 and value not in self.results

    def _scale_later(self, value: Value) -> None:
        """Rows scaled only to be summed are not scaled, their sums are."""
        found = _scaled_rows(value)
        readers = self.readers.get(value, [])
        if found is None or value in self.results or not readers:
            return
        matrix, scale = found
        if not all(self._takes_scale(r, value) for r in readers):
            return
        for reader in readers:
            self.graph.owner = reader.owner
            op = reader.op
            if isinstance(op, RowDot):
                other = op.b if op.a is value else op.a
                dots = self.graph.make(RowDot(matrix, other), reader.shape)
                reader.op = Ufunc("np.multiply", (dots, scale))
            elif isinstance(op, Dot):
                dots = self.graph.make(Dot(matrix, op.b), reader.shape)
                reader.op = Ufunc("np.multiply", (dots, scale))
            elif isinstance(op, Ufunc):
                reader.op = Ufunc(op.name, tuple(matrix if a is value else a for a in op.args))
                for total in self.readers[reader]:
                    assert isinstance(total.op, Dot)
                    total.op = Dot(scale, reader)
        self.readers[value] = []

    def _takes_scale(self, reader: Value, value: Value) -> bool:
        op = reader.op
        if isinstance(op, RowDot):
            return reader.ndim == 1 and (op.a is value) != (op.b is value)
        if isinstance(op, Dot):
            return op.a is value and op.b.ndim == 1
        if not isinstance(op, Ufunc) or op.name != "np.multiply" or reader in self.results:
            return False
        totals = self.readers.get(reader, [])
        return op.args.count(value) == 1 and reader.shape == value.shape and bool(totals) and all(
            isinstance(t.op, Dot) and t.op.b is reader and isinstance(t.op.a.op, Fill)
            and t.op.a.ndim == 1 and t.op.a.op.number == 1 for t in totals
        )


def _at_least_one(value: Value) -> bool:
    """Whether a value is one plus something that is never negative."""
    op = value.op
    if not isinstance(op, Ufunc) or op.name != "np.add":
        return False
    numbers = [a for a in op.args if not isinstance(a, Value)]
    others = [a for a in op.args if isinstance(a, Value)]
    return len(numbers) == 1 and bool(numbers[0] >= 1) and all(
        isinstance(a.op, Ufunc) and a.op.name in ("np.exp", "np.square", "np.abs") for a in others
    )


def _scaled_rows(value: Value) -> tuple[Value, Value] | None:
    """A matrix and a vector when the value is the product of the first's rows with the second."""
    op = value.op
    if not isinstance(op, Ufunc) or op.name != "np.multiply" or value.ndim != 2:
        return None
    for matrix, column in (op.args, op.args[::-1]):
        if (
            isinstance(matrix, Value) and isinstance(column, Value)
            and matrix.shape == value.shape and matrix.kind == "float"
            and isinstance(column.op, Affine) and column.shape == (value.shape[0], 1)
            and column.op.base.shape == (value.shape[0],) and column.op.base.kind == "float"
            and column.op.index == ((0, ((0, 1),)),) and value.shape[1] != 1
        ):
            return matrix, column.op.base
    return None
