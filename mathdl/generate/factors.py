"""Calls of primitives as array values: one factorisation of a matrix serves all that reads it.

``det``, ``logdet``, ``inv``, ``solve`` and ``cholesky`` of a matrix are methods of its factor,
and so are those of its transpose.  ``inv(A) @ b`` is a solution where no inverse is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mathdl.generate.values import Affine, Dot, Graph, Linalg, Matmul, Reshape, Value
from mathdl.ir.tensor import Tensor
from mathdl.primitives.inverse import TRANSPOSED

FACTORED = ("inv", "solve", "det", "logdet", "signdet", "cholesky")
EIGEN = {"eigvalsh": 0, "eigvecsh": 1}  # their places in what ``eigh`` gives


def lower_call(graph: Graph, tensor: Tensor, args: Sequence[Value]) -> Value:
    """The value of a primitive's call on these arrays."""
    call = tensor.call
    assert call is not None
    params = dict(call.params)
    if call.primitive in EIGEN:
        pair = graph.make(Linalg("eigh", tuple(args), ()), (), "object")
        return graph.make(Linalg(call.primitive, (pair,), ()), tensor.shape)
    if call.primitive not in FACTORED:
        return graph.make(Linalg(call.primitive, tuple(args), call.params), tensor.shape)
    matrix, *others = args
    kind = "positive" if call.primitive == "cholesky" else params["kind"]
    turned = _turned(matrix) if call.primitive != "cholesky" else None
    if turned is not None:
        matrix, kind = turned, TRANSPOSED[kind]
    made = _factor(graph, matrix, kind)
    how = (("transposed", turned is not None),) if call.primitive == "solve" else ()
    if call.primitive == "inv" and turned is not None:
        return _swapped(graph, graph.make(Linalg("inv", (made,), ()), matrix.shape))
    return graph.make(Linalg(call.primitive, (made, *others), how), tensor.shape)


def _factor(graph: Graph, matrix: Value, kind: str) -> Value:
    """The factorisation; a Cholesky factor is triangular and needs no look at its zeros."""
    certain = isinstance(matrix.op, Linalg) and matrix.op.name == "cholesky"
    params = (("kind", kind), ("certain", certain))
    return graph.make(Linalg("factor", (matrix,), params), (), "object")


def _turned(value: Value) -> Value | None:
    """The matrix (or stack) that this is the transpose of."""
    if not isinstance(value.op, Affine) or value.op.base.ndim != value.ndim:
        return None
    *lead, i, j = range(value.ndim)
    wanted = tuple((0, ((k, 1),)) for k in (*lead, j, i))
    base = value.op.base
    same = (*base.shape[:-2], base.shape[-1], base.shape[-2]) == value.shape
    return base if value.op.index == wanted and same else None


def _swapped(graph: Graph, value: Value) -> Value:
    *lead, i, j = range(value.ndim)
    return graph.transpose(value, (*lead, j, i))


def solve_products(graph: Graph, needed: Sequence[Value], results: Sequence[Value]) -> None:
    """Products with an inverse that nothing else reads become solutions.

    Of a matrix whose eigenvalues alone are read no eigenvectors are computed.
    """
    readers: dict[Value, list[Value]] = {}
    for value in needed:
        for operand in dict.fromkeys(value.operands()):
            readers.setdefault(operand, []).append(value)
    kept = set(results)
    for pair in needed:
        if isinstance(pair.op, Linalg) and pair.op.name == "eigh" and not any(
            isinstance(r.op, Linalg) and r.op.name == "eigvecsh" for r in readers[pair]
        ):
            pair.op = Linalg("eigvalsh_alone", pair.op.args, ())
    for inverse in needed:
        if not isinstance(inverse.op, Linalg) or inverse.op.name != "inv" or inverse in kept:
            continue
        found = _products(graph, inverse, readers, kept)
        for product, side, transposed in found or ():
            graph.owner = product.owner
            product.op = _solution(graph, inverse.op.args[0], product, side, transposed)


def _products(
    graph: Graph, inverse: Value, readers: dict[Value, list[Value]], kept: set[Value]
) -> list[tuple[Value, int, bool]] | None:
    """Every product with the inverse or its transpose; None when something else reads it."""
    result: list[tuple[Value, int, bool]] = []
    views = [(inverse, False)]
    for reader in readers.get(inverse, ()):
        if _turned(reader) is inverse:
            views.append((reader, True))
    known = {v for v, _ in views}
    for view, transposed in views:
        if view in kept:
            return None
        for reader in readers.get(view, ()):
            if reader in known:
                continue
            if not isinstance(reader.op, (Dot, Matmul)):
                return None
            pair = (reader.op.a, reader.op.b)
            mine = [k for k, v in enumerate(pair) if v in known]
            other = pair[1 - mine[0]]
            if len(mine) != 1 or (
                isinstance(reader.op, Matmul) and other.shape[:-2] != view.shape[:-2]
            ):
                return None
            if reader.shape == () or (view.ndim != 2 and isinstance(reader.op, Dot)):
                return None
            result.append((reader, mine[0], transposed))
    return result


def _solution(
    graph: Graph, factor: Value, product: Value, side: int, transposed: bool
) -> Any:
    """``inv @ b`` (side 0) or ``b @ inv`` (side 1) as an operation on the factor."""
    assert isinstance(product.op, (Dot, Matmul))
    other = product.op.b if side == 0 else product.op.a
    how = (("transposed", transposed != (side == 1)),)
    if other.ndim == 1:
        column = graph.reshape(other, (other.shape[0], 1))
        return Reshape(graph.make(Linalg("solve", (factor, column), how), column.shape))
    if side == 0:
        return Linalg("solve", (factor, other), how)
    turned = _swapped(graph, other)
    solved = graph.make(Linalg("solve", (factor, turned), how), turned.shape)
    return _swapped(graph, solved).op
