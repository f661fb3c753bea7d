"""Sums of products as ``@``, ``.T``, ``sum``, ``trace``, ``outer`` and, in general, ``einsum``."""

from __future__ import annotations

from typing import Any

from sympy import Mul, sympify

from mathdl.ir.dim import product
from mathdl.ir.index import slot_number
from mathdl.present.body import LETTERS, Body, Piece
from mathdl.present.constants import constant
from mathdl.present.reduction import divide_count, natural_order, reduction
from mathdl.present.tree import Call, Matmul, Multiply, Node, Transpose, matmul, multiply, turned
from mathdl.present.views import Axes, Unprintable, align
from mathdl.scalar import le

Group = tuple[Axes, list[Piece]]


class Contraction:
    """``sum over bound of body`` where the body is a product of factors."""

    def __init__(self, body: Body, out: Axes, bound: Axes) -> None:
        self.body, self.out, self.bound = body, out, bound
        self.ranges = body.scope.ranges

    def tree(self, expr: Any) -> Node:
        """The sum over exactly the out axes that it depends on, broadcast to them all."""
        factors = Mul.make_args(expr)
        fixed: list[Piece] = []
        moving: list[Any] = []
        for f in factors:
            if self.body.axes(f) & set(self.bound):
                moving.append(f)
            else:
                fixed.append((f, self.body.over(f, self.out), None))
        if not moving or set().union(*(self.body.axes(f) for f in moving)) < set(self.bound):
            raise Unprintable("a bound index without a factor")
        pieces, scale = self._sum(moving, fixed)
        own = tuple(s for s in self.out if any(s in axes for _, axes, _ in [*scale, *pieces]))
        return align(self.body.product([*scale, *pieces], own), own, self.out)

    def _sum(self, moving: list[Any], fixed: list[Piece]) -> tuple[list[Piece], list[Piece]]:
        """Trees whose product is the sum of the moving factors' product, and what scales it."""
        if len(self._groups(moving)) == 1:
            axes, _ = self._groups(moving)[0]
            plain = not self._is_dot(moving, axes)
            count = product(self.ranges[s] for s in self.bound)
            rest = divide_count(fixed, count) if plain and set(axes) >= set(self.bound) else None
            name = "sum" if rest is None else "mean"
            node, own = self._reduced(axes, moving, name)
            return [(None, own, node)], fixed if rest is None else rest
        cumulative = self._cumulative(moving)
        if cumulative is not None:
            return [cumulative], fixed
        groups = self._absorbed(self._presummed(self._groups(moving)))
        if any(len(axes) == 0 for axes, _ in groups):
            scalars = [p for axes, ps in groups if not axes for p in ps]
            groups = [g for g in groups if g[0]]
            return [*scalars, *self._components(groups)], fixed
        return self._components(groups), fixed

    def _groups(self, moving: list[Any]) -> list[Group]:
        """Factors of equal axes belong together."""
        found: dict[frozenset[Any], Group] = {}
        everything = (*self.out, *self.bound)
        for f in moving:
            own = self.body.axes(f)
            axes = tuple(s for s in everything if s in own)
            found.setdefault(own, (axes, []))[1].append((f, axes, None))
        return list(found.values())

    # -- one group --------------------------------------------------------------------------------

    def _is_dot(self, moving: list[Any], axes: Axes) -> bool:
        return len(axes) == 1 and len(moving) == 2 and axes[0] in self.bound

    def _reduced(self, axes: Axes, moving: list[Any], name: str) -> tuple[Node, Axes]:
        """``sum(f*g, axis=...)`` of factors over the same axes."""
        own = tuple(s for s in axes if s in self.out)
        if self._is_dot(moving, axes):
            left, right = (self.body.tree(f, axes) for f in moving)
            if {left.ndim, right.ndim} == {1}:
                return _inner(left, right), ()
        trace = self._trace(axes, moving)
        if trace is not None:
            return (trace if name == "sum" else multiply([trace], [self._size(axes)])), ()
        order = self._natural(axes, moving, own)
        inner = self.body.product([(f, self.body.over(f, order), None) for f in moving], order)
        gone = tuple(s for s in order if s not in own)
        count = self._size(gone)
        if name == "sum" and isinstance(inner, Multiply) and count in inner.divisors:
            below = list(inner.divisors)  # a sum of what is divided by the count is a mean
            below.remove(count)
            return reduction("mean", multiply(list(inner.factors), below), order, gone), own
        return reduction(name, inner, order, gone), own

    def _size(self, axes: Axes) -> Node:
        return constant(sympify(product(self.ranges[s] for s in axes)))

    def _trace(self, axes: Axes, moving: list[Any]) -> Node | None:
        if len(moving) != 1 or len(axes) != 1:
            return None
        k = slot_number(moving[0])
        if k is None:
            return None
        access = self.body.scope.operands[k]
        full = all(d == self.ranges[axes[0]] for d in access.tensor.shape)
        if access.index != (axes[0], axes[0]) or not full or axes[0] not in self.bound:
            return None
        return Call("trace", (self.body.scope.node_of(access.tensor),), 0)

    def _natural(self, axes: Axes, moving: list[Any], own: Axes) -> Axes:
        return natural_order(self.body, axes, Mul(*moving), own)

    # -- several groups -------------------------------------------------------------------------

    def _cumulative(self, moving: list[Any]) -> Piece | None:
        """``sum_r x[r] [r <= i]`` is ``cumsum(x)``."""
        if len(self.bound) != 1:
            return None
        r = self.bound[0]
        steps = [f for f in moving if f.func is le and f.args[0] == r and f.args[1] in self.out]
        rest = [f for f in moving if f not in steps]
        if len(steps) != 1 or not rest:
            return None
        i = steps[0].args[1]
        inner = set().union(*(self.body.axes(f) for f in rest))
        if i in inner or self.ranges[i] != self.ranges[r]:
            return None
        own = tuple(s for s in self.out if s in inner or s == i)
        order = tuple(r if s == i else s for s in own)
        node = self.body.product([(f, self.body.over(f, order), None) for f in rest], order)
        options = () if len(order) == 1 else (("axis", order.index(r)),)
        return None, own, Call("cumsum", (node,), len(order), options)

    def _presummed(self, groups: list[Group]) -> list[Group]:
        """A bound index of one group only is summed there first."""
        result = []
        for axes, pieces in groups:
            private = [
                s for s in axes if s in self.bound and sum(s in other for other, _ in groups) == 1
            ]
            if private:
                inner = Contraction(
                    self.body, tuple(s for s in axes if s not in private), tuple(private)
                )
                kept = tuple(s for s in axes if s not in private)
                node, own = inner._reduced(axes, [f for f, _, _ in pieces], "sum")
                axes, pieces = kept, [(None, own, node)]
            result.append((axes, pieces))
        return self._merged(result)

    def _merged(self, groups: list[Group]) -> list[Group]:
        found: dict[frozenset[Any], Group] = {}
        for axes, pieces in groups:
            found.setdefault(frozenset(axes), (axes, []))[1].extend(pieces)
        return list(found.values())

    def _absorbed(self, groups: list[Group]) -> list[Group]:
        """A factor over some axes of another joins it when ``@`` could not take it."""
        changed = True
        while changed and len(groups) > 1:
            changed = False
            for small in sorted(groups, key=lambda g: len(g[0])):
                if not any(self._blocked(s, groups) for s in small[0]):
                    continue
                wider = [g for g in groups if set(g[0]) > set(small[0])]
                if wider:
                    target = min(wider, key=lambda g: len(g[0]))
                    target[1].extend(small[1])
                    groups = [g for g in groups if g is not small]
                    changed = True
                    break
        return groups

    def _blocked(self, s: Any, groups: list[Group]) -> bool:
        return sum(s in axes for axes, _ in groups) > (1 if s in self.out else 2)

    def _components(self, groups: list[Group]) -> list[Piece]:
        """Each part that shares no bound index with the others, contracted alone."""
        waiting = list(groups)
        result: list[Piece] = []
        while waiting:
            part = [waiting.pop(0)]
            reach = set(part[0][0]) & set(self.bound)
            grew = True
            while grew:
                grew = False
                for g in list(waiting):
                    if set(g[0]) & reach:
                        part.append(g)
                        waiting = [w for w in waiting if w is not g]
                        reach |= set(g[0]) & set(self.bound)
                        grew = True
            own = tuple(s for s in self.out if any(s in axes for axes, _ in part))
            result.append((None, own, self._component(part, own)))
        return result

    def _component(self, part: list[Group], own: Axes) -> Node:
        if not set(part[0][0]) & set(self.bound):
            return self._node(part[0], own)
        if len(part) == 1:
            axes, _ = part[0]
            order = (*own, *(s for s in axes if s not in own))
            inner = self._node(part[0], order)
            return reduction("sum", inner, order, order[len(own):])
        path = self._path(part, own)
        if path is not None:
            return self._chain(*path)
        batched = self._batched(part, own)
        return batched if batched is not None else self._einsum(part, own)

    def _node(self, group: Group, order: Axes) -> Node:
        """The group's product over exactly these axes."""
        pieces = [
            (f, self.body.over(f, order) if node is None else axes, node)
            for f, axes, node in group[1]
        ]
        if len(pieces) == 1 and pieces[0][2] is not None:
            _, axes, single = pieces[0]
            assert single is not None
            if axes == order:
                return single
            if len(order) == 2:
                return turned(single)
            raise Unprintable("a permuted part")
        if any(node is not None and axes != tuple(s for s in order if s in axes)
               for _, axes, node in pieces):
            raise Unprintable("a permuted part")
        return self.body.product(pieces, order)

    def _path(self, part: list[Group], own: Axes) -> tuple[list[Group], list[Any]] | None:
        """The groups in the order of a chain of products, and the indices between them."""
        if any(len(axes) > 2 for axes, _ in part) or len(own) > 2:
            return None
        bound = {s for axes, _ in part for s in axes if s in self.bound}
        if any(sum(s in axes for axes, _ in part) != 2 for s in bound):
            return None
        if any(sum(s in axes for axes, _ in part) != 1 for s in own):
            return None
        ends = [g for g in part if len(g[0]) == 1 or any(s in own for s in g[0])]
        if len(ends) != 2 or any(len(g[0]) == 2 and set(g[0]) <= set(own) for g in ends):
            return None
        if own:
            start = next(g for g in ends if own[0] in g[0])
        else:
            start = min(ends, key=lambda g: [str(f) for f, _, _ in g[1]])
            start = ends[0] if self._turned(ends[0], part) <= self._turned(ends[1], part) else (
                ends[1]
            )
        chain, between = [start], []
        left: list[Group] = [g for g in part if g is not start]
        entry = own[0] if own else None
        while left:
            link = [s for s in chain[-1][0] if s != entry]
            if len(link) != 1:
                return None
            entry = link[0]
            between.append(entry)
            following = [g for g in left if entry in g[0]]
            if len(following) != 1:
                return None
            chain.append(following[0])
            left = [g for g in left if g is not following[0]]
        return chain, [own[0] if own else None, *between, own[1] if len(own) == 2 else None]

    def _turned(self, start: Group, part: list[Group]) -> int:
        """How many matrices a chain that begins with ``start`` would transpose."""
        count, entry, left = 0, start[0][0], [g for g in part if g is not start]
        while left:
            found = [g for g in left if entry in g[0]]
            if not found:
                break
            group = found[0]
            left = [g for g in left if g is not group]
            rest = [s for s in group[0] if s != entry]
            if not rest:
                break
            k = slot_number(group[1][0][0]) if group[1][0][2] is None else None
            if k is not None:
                count += self.body.scope.operands[k].index[:1] != (entry,)
            entry = rest[0]
        return count

    def _chain(self, chain: list[Group], between: list[Any]) -> Node:
        nodes = []
        for k, group in enumerate(chain):
            order = tuple(s for s in (between[k], between[k + 1]) if s is not None)
            nodes.append(self._node(group, order))
        while len(nodes) > 1:
            if nodes[-1].ndim == 1:
                right, left = nodes.pop(), nodes.pop()
                nodes.append(matmul(left, right, left.ndim - 1))
            else:
                left, right = nodes.pop(0), nodes.pop(0)
                nodes.insert(0, matmul(left, right, left.ndim + right.ndim - 2))
        return nodes[0]

    def _batched(self, part: list[Group], own: Axes) -> Node | None:
        """``a @ b`` of two stacks of matrices."""
        if len(part) != 2:
            return None
        (p, _), (q, _) = part
        both = [s for s in own if s in p and s in q]
        inner = [s for s in self.bound if s in p and s in q]
        if not both or len(inner) != 1 or len(p) != len(both) + 2 or len(q) != len(both) + 2:
            return None
        row = [s for s in own if s in p and s not in both]
        column = [s for s in own if s in q and s not in both]
        if len(row) != 1 or len(column) != 1:
            return None
        first, second = (part[0], part[1]) if own.index(row[0]) < own.index(column[0]) else (
            part[1], part[0]
        )
        if first is part[1]:
            row, column = column, row
        if own != (*both, *row, *column):
            return None
        left = self._node(first, (*both, row[0], inner[0]))
        right = self._node(second, (*both, inner[0], column[0]))
        return matmul(left, right, len(own))

    def _einsum(self, part: list[Group], own: Axes) -> Node:
        letters: dict[Any, str] = {}
        for s in (*own, *self.bound):
            letters[s] = (LETTERS[8:] + LETTERS[:8])[len(letters)]
        terms, nodes = [], []
        for axes, pieces in part:
            factors = Mul(*(f for f, _, n in pieces if n is None))
            order = natural_order(self.body, axes, factors, None)
            nodes.append(self._node((axes, pieces), order))
            terms.append("".join(letters[s] for s in order))
        target = "".join(letters[s] for s in own)
        return Call(
            "einsum", tuple(nodes), len(own), subscripts=f"{','.join(terms)}->{target}"
        )


def _inner(left: Node, right: Node) -> Node:
    """``x @ y`` of two vectors; ``(A.T @ x) @ y`` reads better as ``x @ A @ y``."""
    for one, other in ((right, left), (left, right)):
        if isinstance(one, Matmul) and one.left.ndim == 2 and not isinstance(other, Matmul):
            if isinstance(one.left, Transpose):
                return matmul(one.right, matmul(one.left.inner, other, 1), 0)
            return matmul(other, one, 0)
    return matmul(left, right, 0)
