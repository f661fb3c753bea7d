"""How one access ``T[e_0, e_1, ...]`` is written: slices, integers, gathers, ``.T``, new axes.

A view is right for every value of the dims or it is refused (:class:`Unprintable`); the caller
then falls back on index notation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Integer, Symbol, floor, sympify

from mathdl.ir.dim import Dim, nonnegative, normal
from mathdl.ir.index import bounds, in_range, linear, out_index, regrouping, slot_number
from mathdl.ir.tensor import Access, Requirement, Tensor
from mathdl.present.tree import (
    FULL,
    Call,
    Index,
    Last,
    Name,
    Node,
    Number,
    Slice,
    insert_axes,
    transpose,
)
from mathdl.present.tree import Sequence as Listed

Axes = tuple[Any, ...]  # index symbols, in the order of a node's axes


class Unprintable(Exception):
    """No matrix form is known."""


@dataclass(frozen=True)
class Scope:
    """Where a body stands: the ranges of its indices, its accesses, and how tensors print."""

    ranges: Mapping[Any, Dim]
    operands: Sequence[Access]
    node_of: Callable[[Tensor], Node]
    scalar: Callable[[Any], Node]  # numbers and dim expressions
    requires: Sequence[Requirement] = ()

    def axes(self, access: Access) -> set[Any]:
        """The indices on which an access depends, through gathers as well."""
        found: set[Any] = set()
        for e in access.index:
            for s in e.free_symbols:
                if s in self.ranges:
                    found.add(s)
                elif (k := slot_number(s)) is not None:
                    found |= self.axes(self.operands[k])
        return found


def align(node: Node, own: Axes, context: Axes) -> Node:
    """A node with axes ``own`` (a subsequence of ``context``) so that it broadcasts there."""
    if not own or own == context[len(context) - len(own):]:
        return node
    tail = context[context.index(own[0]):]
    return insert_axes(node, tuple(s in own for s in tail))


def view(access: Access, context: Axes, scope: Scope) -> Node:
    """The access over ``context`` axes, or broadcasting to them."""
    tensor = access.tensor
    node = scope.node_of(tensor)
    if _broadcasts(access, context, scope):
        return node
    own = tuple(s for s in context if s in scope.axes(access))
    reshaped = _reshaped(access, own, scope, node)
    if reshaped is not None:
        return align(reshaped, own, context)
    return align(positions(node, tensor.shape, access.index, own, scope), own, context)


def _broadcasts(access: Access, context: Axes, scope: Scope) -> bool:
    """Whether NumPy's own broadcasting reads the access as it should be."""
    shape = access.tensor.shape
    if len(shape) > len(context):
        return False
    tail = context[len(context) - len(shape):]
    return all(
        (e == s and dim == scope.ranges[s]) or (dim == 1 and e == 0)
        for e, dim, s in zip(access.index, shape, tail, strict=True)
    )


def _reshaped(access: Access, own: Axes, scope: Scope, node: Node) -> Node | None:
    if all(e.is_Symbol or e.is_Integer for e in access.index):
        return None
    target = tuple(scope.ranges[s] for s in own)
    law = regrouping(access.tensor.shape, target)
    if law is None:
        return None
    renamed = {out_index(k): s for k, s in enumerate(own)}
    if tuple(e.xreplace(renamed) for e in law) != access.index:
        return None
    sizes = tuple(scope.scalar(sympify(d)) for d in target)
    return Call("reshape", (node, Listed(sizes, "()")), len(own))


def positions(
    node: Node, shape: Sequence[Dim], index: Sequence[Any], own: Axes, scope: Scope
) -> Node:
    """``node[index]`` with axes ``own`` in that order."""
    node, shape, index = _padded(node, shape, index, scope)
    items: list[Slice | Node | None] = []
    axes: list[Any] = []
    gathers: list[tuple[int, int]] = []  # position among the kept axes, slot
    for e, dim in zip(index, shape, strict=True):
        k = slot_number(e)
        if k is not None:
            gathers.append((len(axes), k))
            axes.append(e)
            items.append(FULL)
        elif e.free_symbols & set(scope.ranges):
            symbol, item = _slice(e, dim, scope)
            axes.append(symbol)
            items.append(item)
        else:
            items.append(_fixed(e, dim, scope))
    while items and items[-1] == FULL:
        items.pop()
    if items:
        node = _vector_solution(node, items) or Index(node, tuple(items), len(axes))
    for at, k in reversed(gathers):
        node, axes = _gather(node, axes, at, k, scope)
    return _order(node, axes, own)


def _vector_solution(node: Node, items: list[Slice | Node | None]) -> Node | None:
    """``solve(A, b[:, None])[:, 0]`` is ``solve(A, b)``."""
    if not isinstance(node, Call) or node.name != "solve" or node.ndim != 2:
        return None
    right = node.arguments[1]
    column = isinstance(right, Index) and right.items == (FULL, None)
    if not column or items != [FULL, Number(Integer(0))]:
        return None
    assert isinstance(right, Index)
    return Call("solve", (node.arguments[0], right.inner), 1)


def _padded(
    node: Node, shape: Sequence[Dim], index: Sequence[Any], scope: Scope
) -> tuple[Node, Sequence[Dim], Sequence[Any]]:
    """Zeros joined on where an affine index surely leaves its axis: there an access is zero."""
    sizes, places = list(shape), list(index)
    for k, e in enumerate(index):
        if not e.free_symbols & set(scope.ranges) or _is_slice(e, sizes[k], scope):
            continue
        if _inside(e, sizes[k], scope):
            continue
        limits = bounds(e, scope.ranges)
        if limits is None:
            continue
        before, after = -limits[0], limits[1] - sympify(sizes[k]) + 1
        parts = [node]
        for amount, at in ((before, 0), (after, len(parts))):
            if nonnegative(-amount):
                continue
            if not nonnegative(amount - 1):
                raise Unprintable("an index that may leave its axis")
            pad = tuple(scope.scalar(sympify(d if j != k else amount))
                        for j, d in enumerate(sizes))
            parts.insert(at if at == 0 else len(parts), Call("zeros", pad, len(sizes)))
            sizes[k] = normal(sympify(sizes[k]) + amount)
            if at == 0:
                places[k] = (places[k] + amount).expand()
        options = () if k == 0 else (("axis", k),)
        node = Call("concat", (Listed(tuple(parts), "[]"),), len(sizes), options)
    return node, sizes, places


def _gather(
    node: Node, axes: list[Any], at: int, k: int, scope: Scope
) -> tuple[Node, list[Any]]:
    picked = scope.operands[k]
    inner = [s for e in picked.index for s in sorted(e.free_symbols, key=str) if s in scope.ranges]
    if len(set(inner)) != len(inner):
        raise Unprintable("a diagonal of integers as an index")
    ids = positions(
        scope.node_of(picked.tensor), picked.tensor.shape, picked.index, tuple(inner), scope
    )
    items: list[Slice | Node | None] = [*([FULL] * at), ids]
    return Index(node, tuple(items), len(axes) - 1 + len(inner)), [
        *axes[:at], *inner, *axes[at + 1 :]
    ]


def _order(node: Node, axes: list[Any], own: Axes) -> Node:
    """Diagonals taken where an index repeats, then the axes put into order."""
    if len(set(axes)) != len(axes):
        if len(axes) == 2:
            return Call("diagonal", (node,), 1)
        letters = {s: "abcdefghijklmnopqrstuvwxyz"[k] for k, s in enumerate(dict.fromkeys(axes))}
        subscripts = "".join(letters[s] for s in axes) + "->" + "".join(letters[s] for s in own)
        return Call("einsum", (node,), len(own), subscripts=subscripts)
    if set(axes) != set(own):
        raise Unprintable("an access over other indices")
    return transpose(node, tuple(axes.index(s) for s in own))


def _fixed(e: Any, dim: Dim, scope: Scope) -> Node:
    """A constant position; the language itself requires it to be below the length."""
    if any(slot_number(s) is not None for s in e.free_symbols):
        raise Unprintable("a computed position")
    if not nonnegative(e) and not any(nonnegative(e - r.expr) for r in scope.requires):
        raise Unprintable("a position that may be negative")
    if nonnegative(e - dim):
        raise Unprintable("a position out of range")
    if not e.is_Integer and normal(e - dim) == -1:
        return Last(Integer(-1), 0, scope.scalar(e))
    return scope.scalar(e)


def _slice(e: Any, dim: Dim, scope: Scope) -> tuple[Any, Slice]:
    symbols = [s for s in e.free_symbols if s in scope.ranges]
    if len(symbols) != 1:
        raise Unprintable("an index over two axes")
    symbol = symbols[0]
    count = sympify(scope.ranges[symbol])
    if e == symbol and scope.ranges[symbol] == dim:
        return symbol, FULL
    parts = linear(e, symbol)
    if parts is None or not parts[0].is_Integer or any(
        slot_number(s) is not None for s in e.free_symbols
    ):
        raise Unprintable("an index that is not affine")
    step, start = int(parts[0]), parts[1]
    to_the_end = _reaches(start, step, count, dim)
    if step == 0 or not (to_the_end or _inside(e, dim, scope)):
        raise Unprintable("an index that leaves its axis")
    last = start + step * (count - 1)
    if step > 0:
        begin = None if start == 0 else scope.scalar(start)
        # x[a::s] ends where the axis does when no further entry fits
        ends = to_the_end or nonnegative(last + step - dim)
        stop = None if ends else scope.scalar(normal_expr(last + 1))
    else:
        begin = None if normal(start - dim) == -1 else scope.scalar(start)
        ends = to_the_end or nonnegative(-(last + step) - 1)
        stop = None if ends else scope.scalar(normal_expr(last - 1))
    return symbol, Slice(begin, stop, None if step == 1 else Number(Integer(step)))


def _is_slice(e: Any, dim: Dim, scope: Scope) -> bool:
    symbols = [s for s in e.free_symbols if s in scope.ranges]
    parts = linear(e, symbols[0]) if len(symbols) == 1 else None
    return parts is not None and parts[0].is_Integer and _reaches(
        parts[1], int(parts[0]), sympify(scope.ranges[symbols[0]]), dim
    )


def _reaches(start: Any, step: int, count: Any, dim: Dim) -> bool:
    """Whether the count is what a slice without an end has, of whatever parity the length is."""
    if abs(step) < 2 or not nonnegative(start) or not nonnegative(dim - 1 - start):
        return False
    span = sympify(dim) - start if step > 0 else start + 1
    return bool(normal(floor((span + abs(step) - 1) / abs(step))) == normal(count))


def normal_expr(value: Any) -> Any:
    return sympify(normal(value)) if value.free_symbols else value


def _inside(e: Any, dim: Dim, scope: Scope) -> bool:
    if in_range(e, dim, scope.ranges):
        return True
    limits = bounds(e, scope.ranges)
    if limits is None:
        return False

    def holds(value: Any) -> bool:
        return nonnegative(value) or any(nonnegative(value - r.expr) for r in scope.requires)

    return holds(limits[0]) and holds(sympify(dim) - 1 - limits[1])


def identity(left: Any, right: Any, own: Axes, scope: Scope) -> Node:
    """``delta(left, right)`` as a view of an identity matrix."""
    for e, other in ((left, right), (right, left)):
        if isinstance(other, Symbol) and other in scope.ranges:
            size = scope.ranges[other]
            if isinstance(e, Symbol) and e in scope.ranges and scope.ranges[e] != size:
                sizes = (scope.ranges[own[0]], scope.ranges[own[1]])
                return Call("eye", tuple(scope.scalar(sympify(d)) for d in sizes), 2)
            eye = Call("eye", (scope.scalar(sympify(size)),), 2)
            moving = e.free_symbols & set(scope.ranges) and not e.is_Symbol
            if moving and not _is_slice(e, size, scope) and not _inside(e, size, scope):
                continue
            if other in e.free_symbols:
                continue
            return positions(eye, (size, size), (e, other), own, scope)
    raise Unprintable("a delta of indices")


def input_name(tensor: Tensor) -> Name:
    return Name(tensor.name or "", tensor.ndim, symmetric="symmetric" in tensor.assume)


def constant_name(text: str) -> Name:
    return Name(text, 0, "constant")
