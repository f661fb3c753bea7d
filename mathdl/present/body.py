"""A scalar body over index symbols as a tree of elementwise operators with broadcasting."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Add as SymPyAdd
from sympy import KroneckerDelta, Mul, Pow, S, sympify

from mathdl.ir.index import linear, slot_number
from mathdl.present.constants import constant, denominator, power, split_sign
from mathdl.present.tree import (
    ONE,
    ZERO,
    Add,
    Call,
    Compare,
    Node,
    Number,
    add,
    multiply,
    negative,
)
from mathdl.present.views import (
    Axes,
    Scope,
    Unprintable,
    align,
    identity,
    view,
)
from mathdl.scalar import COMPARISONS, eq, ge, gt, le, lt, ne, of_head, where

SIGNS = {gt: ">", ge: ">=", lt: "<", le: "<=", eq: "==", ne: "!="}
ORDERED = (gt, ge, lt, le)
Piece = tuple[Any, Axes, Node | None]  # a factor, its axes, and its tree where already known
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Body:
    """Prints the scalars of one equation."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._axes: dict[Any, frozenset[Any]] = {}

    def axes(self, expr: Any) -> frozenset[Any]:
        """The indices on which a scalar depends."""
        found = self._axes.get(expr)
        if found is None:
            symbols: set[Any] = set()
            for s in expr.free_symbols:
                k = slot_number(s)
                if k is not None:
                    symbols |= self.scope.axes(self.scope.operands[k])
                elif s in self.scope.ranges:
                    symbols.add(s)
            found = self._axes[expr] = frozenset(symbols)
        return found

    def over(self, expr: Any, context: Axes) -> Axes:
        own = self.axes(expr)
        return tuple(s for s in context if s in own)

    def tree(self, expr: Any, context: Axes) -> Node:
        """The scalar as an array that broadcasts to the context's axes."""
        k = slot_number(expr)
        if k is not None:
            return view(self.scope.operands[k], context, self.scope)
        own = self.over(expr, context)
        return align(self._raw(expr, own), own, context)

    def _raw(self, expr: Any, own: Axes) -> Node:
        if not own and not any(slot_number(s) is not None for s in expr.free_symbols):
            return constant(expr)
        if expr in self.scope.ranges:
            return self._index(expr)
        if isinstance(expr, SymPyAdd):
            return self._sum(expr, own)
        if isinstance(expr, Mul):
            opened = _delta_terms(expr, own)
            if opened is not None:
                return self._sum(opened, own)
            return self.product([(f, self.over(f, own), None) for f in expr.args], own)
        if isinstance(expr, Pow):
            return power(expr, lambda e: self.tree(e, own))
        if isinstance(expr, KroneckerDelta):
            left, right = expr.args
            return identity(left, right, own, self.scope)
        if isinstance(expr, COMPARISONS):
            mask = self._triangle(expr, own)
            return mask if mask is not None else self._where(expr, S.One, S.Zero, own)
        if isinstance(expr, where):
            condition, yes, no = expr.args
            return self._where(condition, yes, no, own)
        return self._call(expr, own)

    def _index(self, symbol: Any) -> Node:
        """0, 1, 2, ... along an axis."""
        length = constant(sympify(self.scope.ranges[symbol]))
        counted = Call("cumsum", (Call("ones", (length,), 1),), 1)
        return add([(1, counted), (-1, ONE)])

    def _call(self, expr: Any, own: Axes) -> Node:
        declared = of_head(expr.func)
        if declared is None:
            raise Unprintable(f"the function {expr.func}")
        arguments = expr.args
        if declared.name == "polygamma":
            return Call("polygamma", tuple(self.tree(a, own) for a in arguments), len(own))
        if not declared.in_language:
            definition = declared.definition(*arguments)
            if definition == expr or definition.has(sympy.Piecewise, sympy.polygamma):
                raise Unprintable(f"the function {declared.name}")
            return self._raw(definition, own)
        if declared.name == "digamma" or declared.head is not expr.func:
            expr = declared.head(*arguments)
        ndim = len(own)
        return Call(declared.name, tuple(self.tree(a, own) for a in expr.args), ndim)

    # -- sums ---------------------------------------------------------------------------------

    def _sum(self, expr: Any, own: Axes) -> Node:
        terms = []
        for term in expr.args:
            sign, positive = split_sign(term)
            terms.append((self._order(term, sign), sign, positive))
        terms.sort(key=lambda t: t[0])
        return add([(sign, self.tree(positive, own)) for _, sign, positive in terms])

    def _order(self, term: Any, sign: int) -> tuple[Any, ...]:
        """Positive before negative, wide before narrow, computed before given, constants last."""
        slots = [k for s in term.free_symbols if (k := slot_number(s)) is not None]
        given = all(self.scope.operands[k].tensor.is_input for k in slots)
        turned = any(
            list(a.index) != sorted(a.index, key=str)
            for k in slots for a in (self.scope.operands[k],)
        )
        return (
            -sign, not slots, -len(self.axes(term)), given,
            sorted(self.scope.operands[k].tensor.rank for k in slots), turned, sorted(slots),
            term.sort_key(),
        )

    # -- products -----------------------------------------------------------------------------

    def product(self, pieces: list[Piece], own: Axes) -> Node:
        """The product of factors and of ready-made trees, over the axes ``own``."""
        sign = 1
        plain: list[Piece] = []
        moving: list[Piece] = []
        for factor, axes, node in pieces:
            if node is None and factor.is_Rational and factor < 0:
                sign, factor = -sign, -factor
            (moving if axes else plain).append((factor, axes, node))
        moving.sort(key=self._factor_order)
        tops, bottoms = self._split(plain, own)
        up, down = self._joined(moving, own)
        result = multiply(tops + up, bottoms + down)
        return negative(result) if sign < 0 else result

    def _factor_order(self, piece: Piece) -> tuple[Any, ...]:
        factor, _, node = piece
        if node is not None:
            return (0, False, False, [], ())
        slots = sorted(k for s in factor.free_symbols if (k := slot_number(s)) is not None)
        called = bool(factor.args) and not isinstance(factor, Pow)
        return (1, isinstance(factor, SymPyAdd), called, slots, factor.sort_key())

    def _split(self, pieces: list[Piece], context: Axes) -> tuple[list[Node], list[Node]]:
        tops: list[Node] = []
        bottoms: list[Node] = []
        for factor, axes, node in pieces:
            if node is not None:
                tops.append(align(node, axes, context))
                continue
            if factor.is_Rational:
                tops.append(Number(factor))
                continue
            below = denominator(factor)
            if below is not None:
                bottoms.append(self.tree(below, context))
            else:
                tops.append(self.tree(factor, context))
        return tops, bottoms

    def _joined(self, moving: list[Piece], own: Axes) -> tuple[list[Node], list[Node]]:
        """Factors and divisors, or one form for all: outer product, diagonal, mask, selection."""
        if moving:
            for form in (self._diagonal, self._selected, self._triangular, self._outer):
                node = form(moving, own)
                if node is not None:
                    return [node], []
        return self._split(moving, own)

    def _all(self, pieces: list[Piece], own: Axes) -> Node:
        """The product of pieces alone, over exactly ``own``."""
        tops, bottoms = self._split(pieces, own)
        return multiply(tops, bottoms)

    def _selected(self, moving: list[Piece], own: Axes) -> Node | None:
        """``[a > b] c`` is ``where(a > b, c, 0)``."""
        for p in moving:
            condition = self._indicator(p[0], own) if p[2] is None else None
            if condition is None:
                continue
            rest = [q for q in moving if q is not p]
            if not rest:
                return None
            chosen = self.product(rest, own)
            if isinstance(chosen, Add) and len(chosen.terms) == 1:
                inner = Call("where", (condition, chosen.terms[0][1], ZERO), len(own))
                return negative(inner)
            return Call("where", (condition, chosen, ZERO), len(own))
        return None

    def _indicator(self, factor: Any, own: Axes) -> Node | None:
        """The condition of a factor that is 1 where it holds and 0 elsewhere."""
        if isinstance(factor, COMPARISONS):
            return self._compare(factor, own) if self._data(factor) else None
        if isinstance(factor, where) and factor.args[1:] == (1, 0):
            return self._condition(factor.args[0], own)
        if slot_number(factor) is not None:
            return _condition_of(self.tree(factor, own))
        return None

    def _data(self, expr: Any) -> bool:
        return any(slot_number(s) is not None for s in expr.free_symbols)

    def _diagonal(self, moving: list[Piece], own: Axes) -> Node | None:
        """``delta(i, j) v[i]`` is ``diag(v)``."""
        if len(own) != 2 or len(moving) < 2:
            return None
        deltas = [
            p for p in moving if isinstance(p[0], KroneckerDelta) and set(p[0].args) == {*own}
        ]
        if len(deltas) != 1 or self.scope.ranges[own[0]] != self.scope.ranges[own[1]]:
            return None
        rest = [p for p in moving if p is not deltas[0]]
        axes = {p[1] for p in rest}
        if len(axes) != 1 or len(first := axes.pop()) != 1:
            return None
        return Call("diag", (self._all(rest, first),), 2)

    def _triangular(self, moving: list[Piece], own: Axes) -> Node | None:
        """A triangle of ones times a matrix is the triangle of the matrix."""
        if len(own) != 2 or len(moving) < 2:
            return None
        for p in moving:
            if isinstance(p[0], COMPARISONS) and p[2] is None and not self._data(p[0]):
                mask = self._triangle(p[0], own)
                rest = [q for q in moving if q is not p]
                if not isinstance(mask, Call) or not any(q[1] == own for q in rest):
                    return None
                inner = self._all(rest, own)
                return Call(mask.name, (inner, *mask.arguments[1:]), 2)
        return None

    def _outer(self, moving: list[Piece], own: Axes) -> Node | None:
        """Factors over disjoint axes: ``outer(a, b)``, or einsum above two axes.

        Above two axes also factors that share some, where none has all of them.
        """
        groups: dict[Axes, list[Piece]] = {}
        for p in moving:
            groups.setdefault(p[1], []).append(p)
        reads = sorted((s for axes in groups for s in axes), key=own.index)
        spread = len(own) > 2 and set(reads) == {*own} and all(
            len(p[1]) < len(own) and (p[0] is None or denominator(p[0]) is None) for p in moving
        )
        if len(groups) < 2 or not (reads == [*own] or spread):
            return None
        ordered = sorted(groups.items(), key=lambda item: own.index(item[0][0]))
        nodes = tuple(self._all(pieces, axes) for axes, pieces in ordered)
        if len(own) == 2:
            return Call("outer", nodes, 2)
        if len(own) > len(LETTERS):
            return None
        letters = dict(zip(own, LETTERS, strict=False))
        terms = ",".join("".join(letters[s] for s in axes) for axes, _ in ordered)
        target = "".join(letters[s] for s in own)
        return Call("einsum", nodes, len(own), subscripts=f"{terms}->{target}")

    # -- conditions ---------------------------------------------------------------------------

    def _where(self, condition: Any, yes: Any, no: Any, own: Axes) -> Node:
        arms = tuple(self.tree(arm, own) for arm in (yes, no))
        return Call("where", (self._condition(condition, own), *arms), len(own))

    def _condition(self, condition: Any, own: Axes) -> Node:
        """As the first argument of ``where``; any number but zero counts as true."""
        if isinstance(condition, COMPARISONS):
            return self._compare(condition, own)
        if condition.func is where and condition.args[1:] == (1, 0):
            return self._condition(condition.args[0], own)
        node = self.tree(condition, own)
        found = _condition_of(node)
        return found if found is not None else Compare(node, "!=", ZERO, len(own))

    def _compare(self, condition: Any, own: Axes) -> Node:
        left, right = (self.tree(a, own) for a in condition.args)
        return Compare(left, SIGNS[condition.func], right, len(own))

    def _triangle(self, relation: Any, own: Axes) -> Node | None:
        """``[j <= i + k]`` as a triangle of ones."""
        if len(own) != 2 or self._data(relation) or not isinstance(relation, ORDERED):
            return None
        row, column = own
        parts = linear(relation.args[0] - relation.args[1], column)
        if parts is None or parts[0] not in (1, -1):
            return None
        rest = linear(parts[1], row)
        if rest is None or rest[0] != -parts[0]:
            return None
        # c*(column - row) + offset REL 0
        c, offset = parts[0], rest[1]
        head = relation.func
        if c == -1:
            head = {le: ge, ge: le, lt: gt, gt: lt}[head]
            offset = -offset
        k = -offset + {le: 0, ge: 0, lt: -1, gt: 1}[head]
        sizes = tuple(constant(sympify(self.scope.ranges[s])) for s in own)
        name = "tril" if head in (le, lt) else "triu"
        options = () if k == 0 else (constant(k),)
        return Call(name, (Call("ones", sizes, 2), *options), 2)


def _condition_of(node: Node) -> Node | None:
    """``c`` when the tree is ``where(c, 1, 0)``."""
    if isinstance(node, Call) and node.name == "where" and node.arguments[1:] == (ONE, ZERO):
        return node.arguments[0]
    return None


def _delta_terms(product: Any, own: Axes) -> Any | None:
    """``p[i] (delta(i, j) - p[j])`` as ``delta(i, j) p[i] - p[i] p[j]``, over a matrix's axes."""
    if len(own) != 2:
        return None
    for factor in product.args:
        if isinstance(factor, SymPyAdd) and any(
            isinstance(f, KroneckerDelta) and set(f.args) == set(own)
            for term in factor.args for f in Mul.make_args(term)
        ):
            rest = Mul(*(f for f in product.args if f is not factor))
            opened = SymPyAdd(*(rest * term for term in factor.args))
            return opened if isinstance(opened, SymPyAdd) else None
    return None
