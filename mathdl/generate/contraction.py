"""Sums of products: which BLAS call each one is.

Two arrays are multiplied pairwise; their labels are shared by both and the result (batch),
summed (contracted), or in one of them only (free).  Three or more are ordered by opt_einsum.
"""

from __future__ import annotations

import string
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from opt_einsum.paths import auto
from sympy import S

from mathdl.generate.expression import Expression
from mathdl.generate.labelled import Lab, Scaled
from mathdl.generate.scalars import symbol_rank
from mathdl.generate.values import (
    Affine,
    Copy,
    Dot,
    Einsum,
    Fill,
    Input,
    Matmul,
    Reduction,
    Reshape,
    RowDot,
    Value,
)
from mathdl.ir.dim import product

TYPICAL = 48  # a symbolic dim's length when orders of contraction are compared


def contract(
    expression: Expression, arrays: Sequence[Lab], out: Sequence[Any], coefficient: Any = S.One
) -> Scaled:
    """``sum`` over every label that is not in ``out`` of the product of the arrays."""
    keep = set(out)
    arrays = [expression.floating(a) for a in arrays]
    if len(arrays) == 1:
        return _sum_one(expression, arrays[0], keep, coefficient)
    pool = list(arrays)
    for step in _path(expression, pool, out):
        chosen = [pool[k] for k in step]
        pool = [a for k, a in enumerate(pool) if k not in step]
        needed = keep.union(*(a.labels for a in pool))
        pool.append(_chain(expression, chosen, needed, out))
    if keep.issuperset(pool[0].labels):
        return Scaled(coefficient, pool[0])
    return _sum_one(expression, pool[0], keep, coefficient)


def _chain(
    expression: Expression, chosen: list[Lab], needed: Collection[Any], out: Sequence[Any]
) -> Lab:
    result = chosen[0]
    for k, other in enumerate(chosen[1:], 2):
        rest = set(needed).union(*(a.labels for a in chosen[k:]))
        result = pair(expression, result, other, rest, out)
    return result


def _path(expression: Expression, pool: Sequence[Lab], out: Sequence[Any]) -> list[tuple[int, ...]]:
    if len(pool) == 2:
        return [(0, 1)]
    sizes = tuple(
        sorted(
            (str(s), _typical(expression.ranges[s])) for s in {s for a in pool for s in a.labels}
        )
    )
    return _order(
        tuple(tuple(map(str, a.labels)) for a in pool), tuple(map(str, out)), sizes
    )


@lru_cache(maxsize=4096)
def _order(
    arrays: tuple[tuple[str, ...], ...], out: tuple[str, ...], sizes: tuple[tuple[str, int], ...]
) -> list[tuple[int, ...]]:
    path = auto([frozenset(a) for a in arrays], frozenset(out), dict(sizes))
    return [tuple(step) for step in path]


def _typical(dim: Any) -> int:
    return dim if isinstance(dim, int) else TYPICAL


# -- one array --------------------------------------------------------------------------------


def _sum_one(expression: Expression, array: Lab, keep: Collection[Any], scale: Any) -> Scaled:
    """The sum over some axes; with BLAS where they are first, last or all."""
    summed = [s for s in array.labels if s not in keep]
    if not summed:
        return Scaled(scale, array)
    value, labels = array.value, array.labels
    kept = tuple(s for s in labels if s in keep)
    if isinstance(value.op, Fill):
        number = value.op.number * product(expression.shape(summed))
        return Scaled(scale, expression.constant(number, kept))
    flat = value.contiguous
    leading = labels[: len(summed)] == tuple(summed)
    trailing = labels[len(kept) :] == tuple(summed)
    if (leading or trailing) and (flat or value.ndim <= 2):
        length = product(expression.shape(summed))
        weights = expression.graph.make(Fill(scale), (length,))
        shape = tuple(expression.ranges[s] for s in kept)
        if not kept:
            rows = expression.graph.reshape(value, (length,))
            return Scaled(S.One, Lab(expression.graph.make(Dot(rows, weights), ()), ()))
        size = product(shape)
        rows = expression.graph.reshape(value, (length, size) if leading else (size, length))
        op = Dot(weights, rows) if leading else Dot(rows, weights)
        result = expression.graph.make(op, (size,))
        return Scaled(S.One, Lab(expression.graph.reshape(result, shape), kept))
    axes = tuple(k for k, s in enumerate(labels) if s not in keep)
    op_sum = Reduction("np.add", value, axes)
    return Scaled(scale, Lab(expression.graph.make(op_sum, expression.shape(kept)), kept))


# -- two arrays -------------------------------------------------------------------------------


def pair(
    expression: Expression, a: Lab, b: Lab, needed: Collection[Any], out: Sequence[Any]
) -> Lab:
    """The product of two arrays summed over the labels that nothing else needs."""
    a = _presum(expression, a, {*needed, *b.labels})
    b = _presum(expression, b, {*needed, *a.labels})
    shared = [s for s in a.labels if s in b.labels]
    summed = [s for s in shared if s not in needed]
    batch = [s for s in shared if s in needed]
    if not summed:
        return expression.times(a, b)
    rank = {s: k for k, s in enumerate(out)}

    def place(s: Any) -> tuple[int, Any]:
        return rank.get(s, len(rank)), symbol_rank(s)

    free_a = [s for s in a.labels if s not in shared]
    free_b = [s for s in b.labels if s not in shared]
    if not batch:
        # the group with the last axis of the result goes last: long runs in memory
        last = (free_a or free_b) and max(free_a + free_b, key=place)
        if (
            (last and last in free_a and free_b)
            or (free_b and not free_a and _tall(b, summed))
            or (free_a and not free_b and not _tall(a, summed))
        ):
            a, b, free_a, free_b = b, a, free_b, free_a
        return _dot(expression, a, b, free_a, summed, free_b)
    if not free_a and not free_b:
        return _row_dot(expression, a, b, batch, summed)
    if min(free_a + free_b, key=place) in free_b:
        a, b, free_a, free_b = b, a, free_b, free_a
    return _matmul(expression, a, b, sorted(batch, key=place), free_a, summed, free_b)


def _tall(matrix: Lab, summed: Sequence[Any]) -> bool:
    """Whether a vector times the matrix is better written as the matrix times the vector."""
    return matrix.labels[0] not in summed


def _presum(expression: Expression, array: Lab, needed: Collection[Any]) -> Lab:
    if all(s in needed for s in array.labels):
        return array
    return expression.resolve(_sum_one(expression, array, needed, S.One))


def grouped(
    expression: Expression, array: Lab, groups: Sequence[Sequence[Any]]
) -> Value:
    """The array with each group of labels as one axis; a view when the memory allows."""
    graph = expression.graph
    order = [s for g in groups for s in g]
    shape = tuple(product(expression.shape(g)) for g in groups)
    if array.labels == tuple(order):
        # an input is contiguous as a rule; a reshape copies it when it is not
        if all(len(g) == 1 for g in groups):
            return array.value
        if array.value.contiguous or isinstance(array.value.op, Input):
            return graph.reshape(array.value, shape)
    if all(len(g) == 1 for g in groups):
        return expression.align(array, order)
    flipped = [s for g in groups[::-1] for s in g]
    turned = len(groups) == 2 and array.labels == tuple(flipped)
    if turned and (array.value.contiguous or isinstance(array.value.op, Input)):
        return graph.transpose(graph.reshape(array.value, shape[::-1]), (1, 0))
    if len(groups) == 2 and _inner_first(array, groups):
        groups, order, shape = groups[::-1], flipped, shape[::-1]
        return graph.transpose(_packed(expression, array, order, shape), (1, 0))
    return _packed(expression, array, order, shape)


def _packed(
    expression: Expression, array: Lab, order: Sequence[Any], shape: tuple[Any, ...]
) -> Value:
    view = expression.align(array, order)
    copied = expression.graph.make(Copy(view), expression.shape(order), view.kind)
    return expression.graph.reshape(copied, shape)


def _inner_first(array: Lab, groups: Sequence[Sequence[Any]]) -> bool:
    """Whether copying with the groups exchanged reads memory in longer runs."""
    value = array.value
    if not isinstance(value.op, Affine) or not value.op.index:
        return False
    inner = [axis for axis, _ in value.op.index[-1][1]]
    return bool(inner) and array.labels[max(inner)] in groups[0]


def _summed_order(a: Lab, b: Lab, summed: Sequence[Any]) -> list[Any]:
    """The summed labels in the order of the array that is harder to copy."""
    hard = [isinstance(x.value.op, Affine) for x in (a, b)]
    made = [isinstance(x.value.op, Reshape) for x in (a, b)]
    if hard[0] == hard[1]:
        # the result of another contraction stays; what is given is packed, once for all uses
        source = b if made[1] and not made[0] else a
    else:
        source = a if hard[0] else b
    return [s for s in source.labels if s in summed]


def _dot(
    expression: Expression, a: Lab, b: Lab, free_a: Sequence[Any], summed: Sequence[Any],
    free_b: Sequence[Any],
) -> Lab:
    summed = _summed_order(a, b, summed)
    left = [g for g in (free_a, summed) if g]
    right = [g for g in (summed, free_b) if g]
    op = Dot(grouped(expression, a, left), grouped(expression, b, right))
    flat = tuple(product(expression.shape(g)) for g in (free_a, free_b) if g)
    result = expression.graph.make(op, flat)
    labels = (*free_a, *free_b)
    return Lab(expression.graph.reshape(result, expression.shape(labels)), labels)


def _row_dot(
    expression: Expression, a: Lab, b: Lab, batch: Sequence[Any], summed: Sequence[Any]
) -> Lab:
    graph = expression.graph
    order = expression.order([a, b])
    order = tuple(s for s in order if s in batch) + tuple(s for s in order if s in summed)
    shape = expression.shape(batch_order := order[: len(batch)])
    if len(summed) > 1 and all(
        x.labels == order and not isinstance(x.value.op, Affine) for x in (a, b)
    ):
        flat = (*shape, product(expression.shape(summed)))
        op: Any = RowDot(graph.reshape(a.value, flat), graph.reshape(b.value, flat))
        return Lab(graph.make(op, shape), batch_order)
    if len(summed) == 1 and a.labels[-1] == summed[0] and b.labels[-1] == summed[0]:
        op = RowDot(expression.align(a, order), expression.align(b, order))
        return Lab(graph.make(op, shape), batch_order)
    if a.labels == b.labels and a.labels[: len(summed)] == tuple(summed):
        product_of_both = expression.times(a, b)  # column sums are faster than einsum
        return expression.resolve(_sum_one(expression, product_of_both, batch, S.One))
    return _einsum(expression, a, b, batch_order)


def _einsum(expression: Expression, a: Lab, b: Lab, out: tuple[Any, ...]) -> Lab:
    letters: dict[Any, str] = {}
    for s in (*a.labels, *b.labels):
        letters.setdefault(s, string.ascii_letters[len(letters)])
    text = "{},{}->{}".format(
        *("".join(letters[s] for s in labels) for labels in (a.labels, b.labels, out))
    )
    value = expression.graph.make(Einsum(text, (a.value, b.value)), expression.shape(out))
    return Lab(value, out)


def _matmul(
    expression: Expression, a: Lab, b: Lab, batch: Sequence[Any], free_a: Sequence[Any],
    summed: Sequence[Any], free_b: Sequence[Any],
) -> Lab:
    graph = expression.graph
    summed = _summed_order(a, b, summed)
    out = (*batch, *free_a, *free_b)
    singles = [[s] for s in batch]
    if len(free_a) > 1 or len(free_b) > 1 or len(summed) > 1:
        left = _stacked(expression, a, singles, free_a, summed)
        right = _stacked(expression, b, singles, summed, free_b)
    else:
        left = expression.align(a, (*batch, *free_a, *summed))
        right = expression.align(b, (*batch, *summed, *free_b))
    n = len(batch)
    stack = expression.shape(batch)
    rows, columns = (product(expression.shape(g)) for g in (free_a, free_b))
    if not free_a:
        left = graph.transpose(left, (*range(n), None, n))
    if not free_b:
        right = graph.transpose(right, (*range(n), n, None))
    result = graph.make(Matmul(left, right), (*stack, rows, columns))
    return Lab(graph.reshape(result, expression.shape(out)), out)


def _stacked(
    expression: Expression, array: Lab, batch: list[list[Any]], first: Sequence[Any],
    second: Sequence[Any],
) -> Value:
    groups = [*batch, *(g for g in (first, second) if g)]
    return grouped(expression, array, groups)
