"""Contractions over windows: convolutions and their gradients, of any number of axes.

A window axis is read at ``c + u + s*t``: ``u`` a position, ``t`` a tap.  Copying an operand once
for every tap of every axis (im2col) is a product of windows' lengths; instead the taps of the
last axis are treated apart.  With the taps summed the product is made for each of them and the
results are added where they land; with the taps kept (the gradient by a kernel) they move the
other operand, in the other direction.  Leading axes that are shared are stacked, so that they
can be gone through one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import sympify

from mathdl.generate.access import Reader, affine_in
from mathdl.generate.contraction import TYPICAL, grouped
from mathdl.generate.expression import Expression
from mathdl.generate.labelled import Lab, Scaled
from mathdl.generate.scalars import Slot, symbols_of
from mathdl.generate.terms import Term
from mathdl.generate.values import Dot, Matmul, Overlap, Shift, Shifts, StackedDot, Value
from mathdl.ir.dim import product
from mathdl.ir.tensor import Access

LONGEST = 16  # taps of an axis that are written out


@dataclass(frozen=True)
class Window:
    """An axis read at ``start + position + step*tap``."""

    position: Any
    tap: Any
    start: int
    step: int


@dataclass(frozen=True)
class Windowed:
    """An operand: for each axis its symbol, or its window."""

    value: Value
    axes: tuple[Any, ...]

    @property
    def windows(self) -> list[Window]:
        return [a for a in self.axes if isinstance(a, Window)]

    @property
    def symbols(self) -> list[Any]:
        """The symbols of the axes; a window's position."""
        return [a.position if isinstance(a, Window) else a for a in self.axes]


def windowed(expression: Expression, term: Term, reader: Reader) -> Scaled | None:
    """The value of a term that is a sum over windows; None for any other term."""
    if not term.dense or len(term.factors) != 2 or any(
        not isinstance(f, Slot) or e != 1 for f, e in term.factors
    ):
        return None
    accesses = [term.accesses[f.number] for f, _ in term.factors if isinstance(f, Slot)]
    both = [_operand(a, term, reader) for a in accesses]
    if both[0] is None or both[1] is None or bool(both[0].windows) == bool(both[1].windows):
        return None
    wide, other = (both[0], both[1]) if both[0].windows else (both[1], both[0])
    used = {*wide.symbols, *other.symbols, *(w.tap for w in wide.windows)}
    if used != set(term.ranges):
        return None
    shape = _Shape(expression, term, wide, other)
    found = shape.taps_summed() if shape.summed_taps else shape.taps_kept()
    return Scaled(term.coefficient, found) if found is not None else None


def _operand(access: Access, term: Term, reader: Reader) -> Windowed | None:
    axes: list[Any] = []
    for e, dim in zip(access.index, access.tensor.shape, strict=True):
        if e in term.ranges:
            if term.ranges[e] != dim:
                return None
            axes.append(e)
            continue
        window = _window(sympify(e), term)
        if window is None:
            return None
        axes.append(window)
    found = Windowed(reader.dense(access.tensor), tuple(axes))
    symbols = [*found.symbols, *(w.tap for w in found.windows)]
    return found if len(set(symbols)) == len(symbols) and found.value.kind == "float" else None


def _window(e: Any, term: Term) -> Window | None:
    found = affine_in(e, symbols_of(e))
    if found is None or len(found[1]) != 2 or not found[0].is_Integer:
        return None
    if not all(c.is_Integer for _, c in found[1]):
        return None
    taps = [p for p in found[1] if isinstance(term.ranges[p[0]], int)
            and term.ranges[p[0]] <= LONGEST]
    places = [p for p in found[1] if p not in taps and p[1] == 1]
    if len(taps) == 2:
        # both are short: what runs over the kernel is told by its use
        outputs = set(term.target)
        both = sorted(taps, key=lambda p: (term.ranges[p[0]], p[0] in outputs))
        taps, places = both[:1], [p for p in both[1:] if p[1] == 1]
    if len(taps) != 1 or len(places) != 1:
        return None
    return Window(places[0][0], taps[0][0], int(found[0]), int(taps[0][1]))


class _Shape:
    """How the symbols of a product of a windowed operand with another are used."""

    def __init__(
        self, expression: Expression, term: Term, wide: Windowed, other: Windowed
    ) -> None:
        self.expression, self.graph = expression, expression.graph
        self.ranges = term.ranges
        self.out = set(term.target)
        self.wide, self.other = wide, other
        self.windows = wide.windows
        self.taps = [w.tap for w in self.windows]
        self.summed_taps = self.out.isdisjoint(self.taps)

    def taps_summed(self) -> Lab | None:
        """``out[b, f, u] = sum_(c, t) wide[b, c, u + t] other[c, t, f]``."""
        wide, other, out = self.wide, self.other, self.out
        places = [w.position for w in self.windows]
        plain = [s for s in wide.axes if not isinstance(s, Window)]
        common = [s for s in plain if s in other.axes]
        alone = [s for s in plain if s not in other.axes]
        free = [s for s in other.axes if s not in common and s not in self.taps]
        if (
            not set(self.taps).issubset(other.axes) or not set(other.axes).isdisjoint(places)
            or not out.isdisjoint(common) or not out.issuperset([*alone, *free, *places])
            or len(common) + len(self.taps) < 2
        ):
            return None
        batch = self._leading(wide, alone)
        space = [s for s in wide.symbols if s not in batch and s not in common]
        packed = self.windows[:-1]
        last = self.windows[-1]
        apart = 2 * self._size([last.tap, *free]) + self._size([w.tap for w in packed] + common)
        if apart > self._size([*self.taps, *common]):
            packed = self.windows
        columns = self._shifted(wide, batch, common, space, packed)
        inner = [w.tap for w in packed] + common
        moved = [] if packed == self.windows else [last.tap]
        matrix = grouped(self.expression, Lab(other.value, other.axes), [[*moved, *free], inner])
        stack = self._shape(batch)
        length = columns.shape[len(batch) + len(inner) :]
        flat = self.graph.reshape(columns, (*stack, self._count(inner), product(length)))
        whole = (*stack, self._count([*moved, *free]), product(length))
        op = Matmul(matrix, flat) if batch else Dot(matrix, flat)
        result = self.graph.make(op, whole)
        result = self.graph.reshape(result, (*stack, *self._shape([*moved, *free]), *length))
        labels = (*batch, *free, *space)
        if moved:
            axis = len(labels) - len(space) + space.index(last.position)
            shift = Shift(axis, last.start, last.step, self.ranges[last.tap])
            result = self.graph.make(
                Overlap(result, len(batch), shift), self.expression.shape(labels)
            )
        return Lab(result, labels)

    def taps_kept(self) -> Lab | None:
        """``out[t, f, g] = sum_(b, u) wide[b, f, u + t] other[b, g, u]``."""
        wide, other, out = self.wide, self.other, self.out
        places = [w.position for w in self.windows]
        common = [s for s in wide.symbols if s in other.axes]
        mine = [s for s in wide.symbols if s not in common]
        theirs = [s for s in other.axes if s not in common]
        if (
            not out.issuperset([*self.taps, *mine, *theirs]) or not out.isdisjoint(common)
            or not set(common).issuperset(places) or not set(other.axes).isdisjoint(self.taps)
        ):
            return None
        batch = self._leading(wide, [s for s in common if s not in places])
        space = [s for s in common if s not in batch]
        moved = self.windows[:-1]
        apart = self._size([w.tap for w in moved] + theirs) + self._size(
            [self.windows[-1].tap, *mine]
        )
        if apart > self._size([*self.taps, *mine]):
            moved = []
        kept = [w for w in self.windows if w not in moved]
        turned = Windowed(other.value, tuple(
            next((Window(s, w.tap, -w.start, -w.step) for w in moved if w.position == s), s)
            for s in other.axes
        ))
        lengths = {
            w.position: wide.value.shape[wide.axes.index(w)] for w in moved
        }
        left = self._shifted(turned, batch, theirs, space, turned.windows, lengths)
        right = self._shifted(wide, batch, mine, space, kept, lengths)
        rows = [w.tap for w in turned.windows] + theirs
        columns = [w.tap for w in kept] + mine
        stack, n = self._shape(batch), len(batch)
        length = product(left.shape[n + len(rows) :])
        a = self.graph.reshape(left, (*stack, self._count(rows), length))
        b = self.graph.reshape(right, (*stack, self._count(columns), length))
        b = self.graph.transpose(b, (*range(n), n + 1, n))
        op = StackedDot(a, b) if batch else Dot(a, b)
        result = self.graph.make(op, (self._count(rows), self._count(columns)))
        labels = (*rows, *columns)
        return Lab(self.graph.reshape(result, self._shape(labels)), labels)

    def _shifted(
        self, operand: Windowed, batch: Sequence[Any], channels: Sequence[Any],
        space: Sequence[Any], windows: Sequence[Window], lengths: Any = None,
    ) -> Value:
        """The operand's axes in this order, after ``batch`` one for the taps of each window."""
        order = [*batch, *channels, *space]
        value = self.expression.align(Lab(operand.value, tuple(operand.symbols)), order)
        if not windows:
            return value
        shifts = []
        shape = list(value.shape)
        for w in windows:
            axis = order.index(w.position)
            shifts.append(Shift(axis, w.start, w.step, self.ranges[w.tap]))
            shape[axis] = (lengths or {}).get(w.position, self.ranges[w.position])
        shape[len(batch) : len(batch)] = [s.count for s in shifts]
        return self.graph.make(Shifts(value, (), len(batch), tuple(shifts)), tuple(shape))

    def _leading(self, operand: Windowed, among: Collection[Any]) -> list[Any]:
        """The leading axes that no window or contraction comes before."""
        found: list[Any] = []
        for s in operand.axes:
            if s not in among:
                break
            found.append(s)
        return found[:1]

    def _shape(self, symbols: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(self.ranges[s] for s in symbols)

    def _count(self, symbols: Sequence[Any]) -> Any:
        return product(self._shape(symbols))

    def _size(self, symbols: Sequence[Any]) -> int:
        size = 1
        for d in self._shape(symbols):
            size *= d if isinstance(d, int) else TYPICAL
        return size
