"""Reductions over axes: the order of axes that reads best, ``axis=``, and what is a mean."""

from __future__ import annotations

from typing import Any

from sympy import Mul, Pow, sympify

from mathdl.ir.dim import Dim, normal
from mathdl.ir.index import slot_number
from mathdl.present.body import Body, Piece
from mathdl.present.tree import Call, Node
from mathdl.present.views import Axes, Unprintable


def natural_order(body: Body, axes: Axes, expr: Any, own: Axes | None) -> Axes:
    """The axes in the order in which a factor has them, when the out axes stay in order."""
    wanted = set(axes)
    best: Axes | None = None
    for s in sorted(expr.free_symbols, key=lambda s: (slot_number(s) is None, slot_number(s) or 0)):
        k = slot_number(s)
        if k is None:
            continue
        index = [
            next(iter(e.free_symbols & wanted)) if len(e.free_symbols & wanted) == 1 else None
            for e in body.scope.operands[k].index
        ]
        found = tuple(dict.fromkeys(e for e in index if e is not None))
        if set(found) != wanted:
            continue
        if own is None or tuple(s for s in found if s in own) == own:
            best = found
            break
    return best if best is not None else axes


def reduction(name: str, inner: Node, order: Axes, gone: Axes) -> Node:
    """``name(inner, axis=...)`` over the axes that are gone."""
    if inner.ndim != len(order):
        raise Unprintable("a reduction of what is broadcast")
    ndim = len(order) - len(gone)
    if not ndim:
        return Call(name, (inner,), 0)
    axes = tuple(order.index(s) for s in gone)
    axis: Any = axes[0] if len(axes) == 1 else tuple(sorted(axes))
    return Call(name, (inner,), ndim, (("axis", axis),))


def divide_count(fixed: list[Piece], count: Dim) -> list[Piece] | None:
    """The factors without ``1/count``, or None when they do not have it."""
    numbers = [f for f, axes, node in fixed if node is None and not axes and _countable(f)]
    others = [p for p in fixed if p[0] is None or p[0] not in numbers or p[1] or p[2] is not None]
    before = Mul(*numbers)
    after = before * count
    if before == 1:
        return None
    if isinstance(normal(sympify(count)), int):
        if after not in (1, -1):
            return None
    elif not _divides(before, after, count):
        return None
    return [*((f, (), None) for f in Mul.make_args(after)), *others]


def _countable(f: Any) -> bool:
    return bool(f.is_Rational) or all(
        s.is_integer and s.is_positive and slot_number(s) is None for s in f.free_symbols
    )


def _divides(before: Any, after: Any, count: Any) -> bool:
    """Whether every dim of the count was in the denominator."""
    below = {p.base: -p.exp for p in Mul.make_args(before) if isinstance(p, Pow)}
    for f in Mul.make_args(sympify(count)):
        base, exponent = f.as_base_exp()
        if f.is_Integer:
            if sympify(before).as_coeff_Mul()[0].q % f.p:
                return False
        elif not (base in below and (below[base] - exponent).is_nonnegative):
            return False
    return True
