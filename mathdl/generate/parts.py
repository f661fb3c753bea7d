"""Outputs put together from parts: diagonals, rows, shifted copies, scattered entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sympy import S, sympify

from mathdl.errors import UnsupportedError
from mathdl.generate.access import affine_in, positive_part, taps_first
from mathdl.generate.expression import Expression
from mathdl.generate.labelled import Lab, Scaled
from mathdl.generate.scalars import symbols_of
from mathdl.generate.terms import Term
from mathdl.generate.values import Assemble, Offset, Scatter, Write
from mathdl.ir.dim import Dim, normal
from mathdl.ir.index import bounds, in_range
from mathdl.ir.tensor import Tensor

ValueOf = Callable[[Expression, Term, Sequence[Any]], Scaled]


def part(expression: Expression, term: Term, value_of: ValueOf) -> Write | Scatter:
    """What a term that covers part of the output adds to it."""
    if term.scatter is not None:
        return _scatter(expression, term, value_of)
    keep = term.kept
    value = expression.resolve(value_of(expression, term, keep))
    # along axes that it lacks the value is broadcast
    order = tuple(s for s in keep if s not in value.labels) + value.labels
    place = {s: k for k, s in enumerate(order)}
    index: list[Offset] = []
    taps: set[int] = set()
    for t in term.target:
        found = affine_in(sympify(t), symbols_of(sympify(t)))
        if found is None:
            raise UnsupportedError(f"writing at {t}")
        index.append((found[0], tuple((place[s], c) for s, c in found[1])))
        own = taps_first([s for s, _ in found[1]], term.ranges)
        taps.update(place[s] for s in own[:-1])
    if taps:
        value = expression.spread(value, order)
    shape = expression.shape(order)
    return Write(tuple(index), value.value, shape, tuple(sorted(taps)))


def _scatter(expression: Expression, term: Term, value_of: ValueOf) -> Scatter:
    assert term.scatter is not None
    axis, place = term.scatter
    where = expression.integer(place)
    own = where.labels if isinstance(where, Lab) else ()
    others = term.kept
    keep = tuple(dict.fromkeys((*own, *others)))
    value = expression.resolve(value_of(expression, term, keep))
    shape = expression.shape(keep)
    places: list[Any] = []
    for k, t in enumerate(term.target):
        if k == axis:
            places.append(expression.align(where, keep) if isinstance(where, Lab) else where)
        else:
            spot = expression.integer(sympify(t))
            places.append(expression.align(spot, keep) if isinstance(spot, Lab) else spot)
    if axis == 0 and not set(own) & set(others) and tuple(term.target[1:]) == tuple(others):
        whole = all(term.ranges[s] == d for s, d in zip(others, term.shape[1:], strict=True))
        if whole and isinstance(where, Lab):
            places = [where.value] + [None] * len(others)
    return Scatter(tuple(places), expression.align(value, keep), shape)


def assemble(
    plain: Expression, total: Lab | None, parts: Sequence[tuple[Term, Write | Scatter]],
    tensor: Tensor, out: Sequence[Any],
) -> Lab:
    """The dense terms (or zeros) with the parts added; a border catches stray taps."""
    low: list[Dim] = [0] * tensor.ndim
    high: list[Dim] = [0] * tensor.ndim
    writes: list[Write | Scatter] = []
    for term, piece in parts:
        writes.append(piece)
        for k, t in enumerate(term.target):
            if term.scatter is not None and k == term.scatter[0]:
                continue
            if in_range(sympify(t), tensor.shape[k], term.ranges) or _narrowed(t, term, k):
                continue
            limits = bounds(sympify(t), term.ranges)
            if limits is None:
                raise UnsupportedError(f"writing at {t}, whose range is not known")
            low[k] = _larger(low[k], positive_part(-limits[0]))
            high[k] = _larger(high[k], positive_part(limits[1] - tensor.shape[k] + 1))
    start = None
    if total is not None:
        start = plain.spread(total, out).value
        start = start if start.kind == "float" else plain.floating(Lab(start, tuple(out))).value
    if all(d == 0 for d in (*low, *high)):
        tiles = start is None and _tiles([p for p in writes if isinstance(p, Write)],
                                         tensor.shape, len(parts))
        op = Assemble(start, tuple(writes), tiles)
        return Lab(plain.graph.make(op, tensor.shape), tuple(out))
    if any(isinstance(p, Scatter) for p in writes):
        raise UnsupportedError("a scatter together with writes that leave the range")
    shifted = tuple(
        Write(tuple((c + low[k], s) for k, (c, s) in enumerate(p.index)), p.value, p.shape,
              p.taps)
        for p in writes if isinstance(p, Write)
    )
    wide = tuple(
        normal(sympify(d + a + b)) for d, a, b in zip(tensor.shape, low, high, strict=True)
    )
    value = plain.graph.make(Assemble(None, shifted), wide)
    inner = plain.graph.affine(
        value, tuple((low[k], ((k, 1),)) for k in range(tensor.ndim)), tensor.shape
    )
    result = Lab(inner, tuple(out))
    return result if start is None else plain.apply("np.add", (result, Lab(start, tuple(out))))


def _narrowed(t: Any, term: Term, axis: int) -> bool:
    """A range that was shrunk stays inside: ``start + i`` with ``i < stop - start``."""
    found = symbols_of(sympify(t))
    return len(found) == 1 and (found[0], axis) in term.shrunk


def _larger(a: Dim, b: Dim) -> Dim:
    return a if a == b else normal(sympify(a + positive_part(sympify(b) - sympify(a))))


def _tiles(parts: list[Write], shape: tuple[Dim, ...], count: int) -> bool:
    """Whether the parts cover the output exactly once: consecutive blocks along one axis."""
    if len(parts) != count or any(p.taps for p in parts):
        return False
    blocks = []
    for p in parts:
        if len({axis for _, steps in p.index for axis, _ in steps}) < len(shape):
            return False  # a diagonal leaves entries out
        cut = None
        for k, (c, steps) in enumerate(p.index):
            if len(steps) != 1 or steps[0][1] != 1:
                return False
            if c == 0 and p.shape[steps[0][0]] == shape[k]:
                continue
            if cut is not None:
                return False
            cut = (k, sympify(c), p.shape[steps[0][0]])
        if cut is None:
            return False
        blocks.append(cut)
    if len({k for k, _, _ in blocks}) != 1:
        return False
    position: Any = S.Zero
    left = list(blocks)
    while left:
        found = next((b for b in left if b[1] == position), None)
        if found is None:
            return False
        left.remove(found)
        position = (position + found[2]).expand()
    return bool(position == sympify(shape[blocks[0][0]]))
