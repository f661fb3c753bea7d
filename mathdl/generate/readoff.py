"""A scalar product with a matrix product, read off from a gradient that is computed anyway.

``<G, P R> = <P^T G, R> = <G R^T, P>``: when ``P^T G`` or ``G R^T`` is needed and ``P R`` is not,
the larger product is never formed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mathdl.generate.graph import Graph
from mathdl.generate.values import Affine, Dot, Reshape, Value
from mathdl.ir.dim import product


def read_off(graph: Graph, needed: Sequence[Value]) -> None:
    """Rewrite the scalar products among the needed values that can be read off."""
    among = set(needed)
    readers: dict[Value, int] = {}
    for value in needed:
        for operand in set(value.operands()):
            readers[operand] = readers.get(operand, 0) + 1
    for value in needed:
        if not isinstance(value.op, Dot) or value.shape != ():
            continue
        for given, made in ((value.op.a, value.op.b), (value.op.b, value.op.a)):
            matrix = _flattened(made)
            if (
                matrix is None or not isinstance(matrix.op, Dot) or matrix.ndim != 2
                or readers.get(made) != 1 or readers.get(matrix) != 1
            ):
                continue
            found = next(_equal(graph, matrix, given, among), None)
            if found is not None:
                value.op = Dot(*(graph.reshape(v, (product(v.shape),)) for v in found))
                break


def _flattened(value: Value) -> Value | None:
    return value.op.base if isinstance(value.op, Reshape) else None


def _equal(
    graph: Graph, matrix: Value, given: Value, among: set[Value]
) -> Iterator[tuple[Value, Value]]:
    """Pairs of arrays with the same scalar product, the first of them needed elsewhere."""
    base = _flattened(given)
    if base is None or not isinstance(matrix.op, Dot):
        return
    g, left, right = graph.reshape(base, matrix.shape), matrix.op.a, matrix.op.b
    if left.ndim != 2 or right.ndim != 2:
        return

    def turned(v: Value) -> Value:
        return graph.transpose(v, (1, 0))

    for op, other in (
        (Dot(turned(left), g), right),
        (Dot(turned(g), left), turned(right)),
        (Dot(g, turned(right)), left),
        (Dot(right, turned(g)), turned(left)),
    ):
        found = graph.find(op, other.shape)
        if found is not None and found in among and not isinstance(other.op, Affine):
            yield found, other
