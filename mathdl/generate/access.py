"""Reading a tensor at an equation's indices: views where possible, gathers where not.

An index affine in the index symbols is a strided view (transposes, slices, diagonals and
windows alike); reads outside the tensor's range are reads of a zero border; the digits of a
reshape are a reshape; integer data and anything else index by arrays.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Integer, Max, Mod, S, floor, sympify

from mathdl.errors import UnsupportedError
from mathdl.generate.expression import Expression
from mathdl.generate.graph import Graph
from mathdl.generate.labelled import Lab, Ranges
from mathdl.generate.scalars import INDEX_SYMBOLS, symbol_rank, symbols_of
from mathdl.generate.values import Copy, Fill, Gather, Offset, Pad, Take, Value
from mathdl.ir.dim import Dim, nonnegative, normal
from mathdl.ir.index import (
    bounds,
    in_range,
    linear,
    out_indices,
    regrouped_axes,
    regrouping,
    slot_number,
    slots_in,
)
from mathdl.ir.tensor import Access, Tensor


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a tensor's entries are: tensor axis ``k`` is value axis ``axes[k]``.

    None marks an axis along which the tensor is constant.
    """

    value: Value
    axes: tuple[int | None, ...]


def affine_in(expr: Any, symbols: Sequence[Any]) -> tuple[Any, tuple[tuple[Any, Any], ...]] | None:
    """``(constant, ((symbol, step), ...))`` when ``expr`` is affine in index symbols only."""
    rest = expr
    steps: list[tuple[Any, Any]] = []
    for symbol in symbols:
        found = linear(rest, symbol)
        if found is None or found[0].free_symbols & INDEX_SYMBOLS:
            return None
        steps.append((symbol, found[0]))
        rest = found[1]
    if rest.free_symbols & INDEX_SYMBOLS or slots_in(rest):
        return None
    return rest, tuple(steps)


class Reader:
    """Reads stored tensors."""

    def __init__(self, graph: Graph, assumed: Sequence[Any] = ()) -> None:
        self.graph = graph
        self.stored: dict[int, Stored] = {}
        self.assumed = tuple(assumed)  # expressions in dims that are checked to be >= 0

    def inside(self, expr: Any, dim: Dim, ranges: Ranges) -> bool:
        """Whether the index stays inside the axis, given what is checked at run time."""
        if in_range(expr, dim, ranges):
            return True
        limits = bounds(expr, ranges) if self.assumed else None
        return limits is not None and all(
            nonnegative(e) or any(nonnegative(e - known) for known in self.assumed)
            for e in (limits[0], dim - 1 - limits[1])
        )

    def store(self, tensor: Tensor, value: Value, axes: tuple[int | None, ...]) -> None:
        self.stored[id(tensor)] = Stored(value, axes)

    def dense(self, tensor: Tensor) -> Value:
        """The tensor as one array with its own axes in order."""
        found = self.stored[id(tensor)]
        if found.axes == tuple(range(tensor.ndim)):
            return found.value
        value = found.value
        if isinstance(value.op, Fill):
            return self.graph.make(value.op, tensor.shape, value.kind)
        present = [a for a in found.axes if a is not None]
        if value.contiguous and present == sorted(present) and all(
            d == 1 for a, d in zip(found.axes, tensor.shape, strict=True) if a is None
        ):
            return self.graph.reshape(value, tensor.shape)
        view = self.graph.transpose(value, found.axes)
        if None not in found.axes:
            return view
        return self.graph.make(Copy(view), tensor.shape, value.kind)

    def read(
        self, access: Access, expression: Expression, ranges: Ranges, certain: Collection[Any] = ()
    ) -> Lab:
        """The access as an array labelled by index symbols.

        ``certain`` holds pairs (index, dim) known to stay inside.
        """
        tensor, index = access.tensor, access.index
        found = self.stored[id(tensor)]
        if _plain(index, tensor.shape, ranges):
            labels = [s for s, a in zip(index, found.axes, strict=True) if a is not None]
            places = [a for a in found.axes if a is not None]
            order = sorted(range(len(places)), key=places.__getitem__)
            return Lab(found.value, tuple(labels[k] for k in order))
        index = tuple(sympify(e) for e in index)
        steps = [affine_in(e, symbols_of(e)) for e in index]
        if all(s is not None for s in steps):
            return self._strided(tensor, index, steps, ranges, certain)
        reshaped = self._reshaped(tensor, index, ranges)
        if reshaped is not None:
            return reshaped
        return self._gathered(tensor, index, expression, ranges)

    # -- strided views --------------------------------------------------------------------

    def _strided(
        self, tensor: Tensor, index: tuple[Any, ...], steps: list[Any], ranges: Ranges,
        certain: Collection[Any],
    ) -> Lab:
        found = self.stored[id(tensor)]
        base, axes = found.value, found.axes
        inside = [
            (e, d) in certain or self.inside(e, d, ranges)
            for e, d in zip(index, tensor.shape, strict=True)
        ]
        constants = [s[0] for s in steps]
        if not all(inside):
            if None in axes:
                base, axes = self.dense(tensor), tuple(range(tensor.ndim))
            before: dict[int, Dim] = {}
            shape = list(base.shape)
            for k, ok in enumerate(inside):
                if ok:
                    continue
                low, high = border(index[k], tensor.shape[k], ranges)
                place = axes[k]
                assert place is not None
                before[place] = low
                constants[k] = constants[k] + low
                shape[place] = normal(sympify(shape[place] + low + high))
            base = self.graph.make(
                Pad(base, tuple(before.get(k, 0) for k in range(base.ndim))),
                tuple(shape), base.kind,
            )
        kept = [(a, k) for k, a in enumerate(axes) if a is not None]
        order: list[Any] = []
        for _, k in sorted(kept):
            own = taps_first([s for s, _ in steps[k][1]], ranges)
            order.extend(s for s in own if s not in order)
        place_of = {s: n for n, s in enumerate(order)}
        offsets: list[Offset] = [
            (constants[k], tuple((place_of[s], c) for s, c in steps[k][1]))
            for _, k in sorted(kept)
        ]
        shape_out = tuple(ranges[s] for s in order)
        return Lab(self.graph.affine(base, tuple(offsets), shape_out), tuple(order))

    # -- reshapes -------------------------------------------------------------------------

    def _reshaped(self, tensor: Tensor, index: tuple[Any, ...], ranges: Ranges) -> Lab | None:
        if not any(e.has(floor, Mod) for e in index):
            return None
        own = {s: ranges[s] for e in index for s in symbols_of(e)}
        pairs = regrouped_axes(index, tensor.shape, own)
        if pairs is not None and all(len(symbols) == 1 for _, symbols in pairs):
            axes = [a for own_axes, _ in pairs for a in own_axes]
            ones = [a for a in range(tensor.ndim) if a not in axes]
            labels = tuple(symbols[0] for _, symbols in pairs)
            view = self.graph.transpose(self.dense(tensor), (*ones, *axes))
            return Lab(self.graph.reshape(view, tuple(ranges[s] for s in labels)), labels)
        lead = 0
        tail_symbols: set[Any] = set()
        for e in index:
            tail_symbols |= e.free_symbols & INDEX_SYMBOLS
        while (
            index[lead] in INDEX_SYMBOLS
            and ranges[index[lead]] == tensor.shape[lead]
            and not any(index[lead] in e.free_symbols for e in index[lead + 1 :])
        ):
            tail_symbols.discard(index[lead])
            lead += 1
        source, digits = tensor.shape[lead:], index[lead:]
        symbols = sorted(tail_symbols, key=symbol_rank)
        if len(symbols) > 5:
            return None
        for order in itertools.permutations(symbols):
            target = tuple(ranges[s] for s in order)
            law = regrouping(source, target)
            if law is None:
                continue
            renamed = dict(zip(out_indices(len(target)), order, strict=True))
            if all(sympify(a).xreplace(renamed) == b for a, b in zip(law, digits, strict=True)):
                value = self.graph.reshape(self.dense(tensor), tensor.shape[:lead] + target)
                return Lab(value, index[:lead] + order)
        return None

    # -- gathers --------------------------------------------------------------------------

    def _gathered(
        self, tensor: Tensor, index: tuple[Any, ...], expression: Expression, ranges: Ranges
    ) -> Lab:
        base = self.dense(tensor)
        taken = self._taken(base, index, expression, ranges)
        if taken is not None:
            return taken
        places: list[Any] = []
        valid: list[Lab] = []
        for e, dim in zip(index, tensor.shape, strict=True):
            place = expression.integer(e)
            # entries of integer data are in range or an error; anything else reads zero outside
            if slot_number(e) is None and not self.inside(e, dim, ranges):
                inside = self._clip(expression, place, dim)
                place = inside[0]
                valid.extend(inside[1])
            places.append(place)
        arrays = [p for p in places if isinstance(p, Lab)]
        order = tuple(sorted({s for a in arrays for s in a.labels}, key=symbol_rank))
        where = tuple(expression.align(p, order) if isinstance(p, Lab) else p for p in places)
        shape = expression.shape(order)
        result = Lab(self.graph.make(Gather(base, where), shape, base.kind), order)
        for mask in valid:
            zero = S.Zero
            result = expression.select(mask, result, zero)
        return result

    def _clip(self, expression: Expression, place: Any, dim: Dim) -> tuple[Any, list[Lab]]:
        if not isinstance(place, Lab):
            raise UnsupportedError(f"cannot tell whether the index {place} is below {dim}")
        last = sympify(dim) - 1
        masks = [
            expression.apply("np.greater_equal", (place, S.Zero)),
            expression.apply("np.less_equal", (place, last)),
        ]
        low = expression.apply("np.maximum", (place, S.Zero))
        return expression.apply("np.minimum", (low, last)), masks

    def _taken(
        self, base: Value, index: tuple[Any, ...], expression: Expression, ranges: Ranges
    ) -> Lab | None:
        """One axis by integer data and the others whole: rows are taken."""
        data = [k for k, e in enumerate(index) if slot_number(e) is not None]
        others = [k for k in range(len(index)) if k not in data]
        if len(data) != 1 or not _plain(
            [index[k] for k in others], [base.shape[k] for k in others], ranges
        ):
            return None
        where = expression.integer(index[data[0]])
        plain = [index[k] for k in others]
        if set(where.labels) & set(plain):
            return None
        k = data[0]
        labels = (*index[:k], *where.labels, *index[k + 1 :])
        shape = tuple(ranges[s] for s in labels)
        return Lab(self.graph.make(Take(base, k, where.value), shape, base.kind), labels)


def _plain(index: Sequence[Any], shape: Sequence[Dim], ranges: Ranges) -> bool:
    """Whether the index is distinct symbols that each run over the whole axis."""
    for e, d in zip(index, shape, strict=True):
        if e not in ranges or ranges[e] != d:
            return False
    return len(set(index)) == len(index)


def taps_first(symbols: Sequence[Any], ranges: Ranges) -> list[Any]:
    """The symbols of one axis with the longest last."""
    if len(symbols) < 2:
        return list(symbols)

    def length(s: Any) -> tuple[int, int]:
        d = ranges[s]
        return (0, d) if isinstance(d, int) else (1, len(sympify(d).args))

    longest = max(symbols, key=length)
    for s in symbols:
        if nonnegative(sympify(ranges[s]) - sympify(ranges[longest]) - 1):
            longest = s
    return [s for s in symbols if s is not longest] + [longest]


def border(expr: Any, dim: Dim, ranges: Ranges) -> tuple[Dim, Dim]:
    """How many zeros must stand before and after an axis so that the index stays inside."""
    limits = bounds(expr, ranges)
    if limits is None:
        raise UnsupportedError(f"the range of the index {expr} is not known")
    return positive_part(-limits[0]), positive_part(limits[1] - dim + 1)


def positive_part(value: Any) -> Dim:
    """``max(0, value)``, decided now where it can be."""
    value = sympify(value).expand()
    if nonnegative(value):
        return normal(value) if value.is_number is False else int(value)
    if nonnegative(-value):
        return 0
    return Max(Integer(0), value)


def smaller(a: Any, b: Any) -> Dim:
    """``min(a, b)``, decided now where it can be."""
    difference = sympify(b) - sympify(a)
    return normal(sympify(sympify(b) - positive_part(difference)))


__all__ = ["Reader", "Stored", "affine_in", "border", "positive_part", "smaller", "taps_first"]
