"""Tensors and scalars at indices, while a definition of index notation is read.

A tensor read at all its axes is a scalar of index notation.  Read at some of them it is a tensor
for each value of the indices: a stand-in, whose entries are stacked when the definition ends.
Inside a loop over time, what is read at the time is an item of the loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Add, Expr, KroneckerDelta, Mod, Mul, Pow, expand, floor, sympify

from mathdl.errors import ShapeError, UnsupportedError
from mathdl.ir.build import define, is_zero
from mathdl.ir.dim import MAX_AXES, Dim, nonnegative, show_shape
from mathdl.ir.index import out_index
from mathdl.ir.system import inputs_of
from mathdl.ir.tensor import Tensor
from mathdl.language.equations import own, stated
from mathdl.language.indexing import index_tensor, is_integer_tensor
from mathdl.language.notation import Entry, Index, index_symbols, is_index_notation
from mathdl.language.recurrence import lift
from mathdl.language.stand_ins import fresh

MAX_INDEX = 200  # terms of an index when it is multiplied out


@dataclass
class Time:
    """A loop over time while its step is read: ``items`` are the sequences that it reads."""

    symbol: Any
    length: Dim
    step: int  # where the state before is: t - 1, or t + 1 when time runs backwards
    items: dict[Tensor, Tensor] = field(default_factory=dict)

    def item(self, sequence: Tensor) -> Tensor:
        """What stands in the step for the entry of a sequence at the time."""
        found = next((i for i, s in self.items.items() if s is sequence), None)
        if found is None:
            found = fresh("item", sequence.shape[1:], _kept(sequence))
            self.items[found] = sequence
        return found


@dataclass(frozen=True)
class Started:
    """A sequence with what stands just outside of some axes: ``axis: (place, start)``."""

    tensor: Tensor
    starts: Mapping[int, tuple[Any, Tensor]]


@dataclass(frozen=True)
class Now:
    """A sequence inside loops: what it was one step before in each, and what it is now."""

    levels: tuple[tuple[Time, Tensor | None], ...]
    value: Tensor | Started | None = None


class Letter(Index):
    """An index of the text, unlike others that are called the same."""

    def _sympystr(self, printer: Any) -> str:
        return str(self.name).split()[0]


def new_index(letter: str, number: int) -> Letter:
    return Letter(f"{letter} {number}", integer=True, nonnegative=True)


def plain(value: Any) -> Any:
    return value.tensor if isinstance(value, Started) else value


def _kept(sequence: Tensor) -> set[str]:
    return {*sequence.assume, *(("integer",) if is_integer_tensor(sequence) else ())}


class Scope:
    """The indices and loops around what is being read."""

    def __init__(self) -> None:
        self.free: dict[Any, Dim] = {}  # the indices of the definition, in order
        self.bound: dict[Any, Dim] = {}  # those of the reductions around
        self.times: list[Time] = []  # the loops around, outermost first
        self.pending: dict[Tensor, tuple[Tensor, tuple[Any, ...]]] = {}

    @property
    def ranges(self) -> dict[Any, Dim]:
        return {**self.free, **self.bound, **{time.symbol: time.length for time in self.times}}

    def closed(self, expr: Any) -> Any:
        """The scalar with the times in it read as items."""
        positions = {
            time.symbol: Entry(time.item(define([(out_index(0), time.length)], out_index(0))))
            for time in self.times if time.symbol in expr.free_symbols
        }
        return expr.xreplace(positions) if positions else expr

    def state(self, symbols: Sequence[Any], expr: Any, more: Mapping[Any, Dim]) -> Tensor:
        """``T[symbols] = expr`` with the ranges that are known."""
        return stated("", symbols, {**self.ranges, **more}, expr, padded=True)

    def tensor(self, value: Any) -> Tensor:
        """A scalar of index notation as a tensor for each value of the indices."""
        if isinstance(value, Tensor):
            return value
        expr = own(self.closed(sympify(value)))
        symbols = self.ordered(index_symbols(expr))
        made = self.state(symbols, expr, {})
        return self.stand_in(made, symbols) if symbols else made

    def ordered(self, symbols: Iterable[Any]) -> tuple[Any, ...]:
        found = set(symbols)
        inside = found & self.bound.keys()
        if inside:
            letter = min(inside, key=_name)
            raise UnsupportedError(
                f"a tensor at the index {letter} of a sum; inside sum[{letter}<...](...) tensors "
                "are read entry by entry"
            )
        return tuple(s for s in self.free if s in found)

    def stand_in(self, stacked: Tensor, symbols: tuple[Any, ...]) -> Tensor:
        for item, known in self.pending.items():
            if known == (stacked, symbols):
                return item
        item = fresh("item", stacked.shape[len(symbols):], _kept(stacked))
        self.pending[item] = (stacked, symbols)
        return item

    def over(
        self, value: Tensor, wanted: Iterable[Any] = ()
    ) -> tuple[Tensor, tuple[Any, ...]]:
        """A tensor stacked over the indices that it varies with, and over those wanted."""
        items = {t: self.pending[t] for t in (inputs_of([value]) if self.pending else ())
                 if t in self.pending}
        symbols = self.ordered({*wanted, *(s for _, at in items.values() for s in at)})
        if value.ndim + len(symbols) > MAX_AXES:
            raise ShapeError(f"more than {MAX_AXES} axes")
        for symbol in reversed(symbols):
            stacked: dict[Tensor, Tensor] = {}
            left: dict[Tensor, tuple[Tensor, tuple[Any, ...]]] = {}
            for item, (whole, at) in items.items():
                if at[-1:] != (symbol,):
                    left[item] = whole, at
                elif len(at) == 1:
                    stacked[item] = whole
                else:
                    stacked[item] = fresh("item", whole.shape[len(at) - 1 :], item.assume)
                    left[stacked[item]] = whole, at[:-1]
            (value,) = lift([value], stacked, self.free[symbol])
            items = left
        return value, symbols

    def scalar(self, value: Any) -> Any:
        """A number, or a tensor without axes, in index notation."""
        if not isinstance(value, Tensor):
            return value
        if value.ndim:
            name = value.name or value.label or "a tensor"
            raise ShapeError(f"{name} of shape {show_shape(value.shape)} is not a scalar here; "
                             "write its indices")
        made, symbols = self.over(value)
        return Entry(made, *symbols)

    # -- reading tensors at an index ----------------------------------------------------------

    def take(self, value: Tensor | Started, items: tuple[Any, ...]) -> Any:
        """``value[items]``, where items may be indices."""
        if not items:
            return value
        if any(isinstance(i, slice) and any(map(is_index_notation, _ends(i))) for i in items):
            raise UnsupportedError("a slice whose ends depend on an index")
        whole: Tensor = plain(value)
        if not any(map(is_index_notation, items)):
            _not_a_start(value, items)
            return index_tensor(whole, items)
        axes = len(items) - sum(i is None or i is Ellipsis for i in items)
        if axes > whole.ndim:
            raise ShapeError(f"{axes} indices for the {whole.ndim} axes of shape "
                             f"{show_shape(whole.shape)}")
        for k in [k for k, i in enumerate(items) if i is Ellipsis]:
            items = (*items[:k], *(slice(None),) * (whole.ndim - axes), *items[k + 1 :])
        picks: dict[int, Any] = {}
        rest: list[Any] = []
        axis = -1
        for item in items:
            axis += item is not None
            if is_item(item) or (isinstance(item, Tensor) and not item.ndim):
                picks[axis] = _index(self.scalar(item), whole.shape[axis])
            else:
                rest.append(item)
        found = self.pick(value, picks)
        return index_tensor(self.tensor(plain(found)), tuple(rest)) if rest else found

    def pick(self, value: Tensor | Started, picks: Mapping[int, Any]) -> Any:
        """The value at indices of some axes: a scalar of index notation, or a stand-in."""
        whole: Tensor = plain(value)
        kept = [axis for axis in range(whole.ndim) if axis not in picks]
        axes = {axis: new_index("axis", -1 - axis) for axis in kept}
        lengths = {axes[axis]: whole.shape[axis] for axis in kept}
        starts = value.starts if isinstance(value, Started) else {}
        expr = self._entry(whole, starts, {**picks, **axes})
        symbols = tuple(axes.values())
        for time in self.times:
            if time.symbol in expr.free_symbols:
                others = sorted(index_symbols(expr) - {time.symbol, *symbols}, key=_name)
                along = self.state((time.symbol, *others, *symbols), expr, lengths)
                expr = Entry(time.item(along), *others, *symbols)
        if not symbols:
            return expr.tensor if isinstance(expr, Entry) and not expr.index else expr
        varying = self.ordered(index_symbols(expr) - set(symbols))
        left = {
            kept.index(axis): (place, self.tensor(self.pick(start, {
                k - (k > axis): e for k, e in picks.items()
            })))
            for axis, (place, start) in starts.items() if axis in axes
        }
        made = self.state((*varying, *symbols), expr, lengths)
        found = self.stand_in(made, varying) if varying else made
        return Started(found, left) if left else found

    def _entry(
        self, whole: Tensor, starts: Mapping[int, tuple[Any, Tensor]], index: Mapping[int, Any]
    ) -> Any:
        """One entry, where an index may leave the range: what it starts with, or zero."""
        made, at = self.over(whole)
        result: Any = Entry(made, *at, *(index[axis] for axis in range(whole.ndim)))
        for axis, (place, start) in starts.items():
            if not is_zero(start) and self.ranges.get(index[axis], None) != whole.shape[axis]:
                rest = {k - (k > axis): e for k, e in index.items() if k != axis}
                outside = self._entry(start, {}, rest)
                result = result + _equal(index[axis], place) * outside
        return result


def _name(symbol: Any) -> str:
    return str(symbol.name)


def _ends(item: slice) -> tuple[Any, ...]:
    return item.start, item.stop, item.step


def _equal(index: Any, place: Any) -> Any:
    """``index == place``, solved for a symbol where that is simple."""
    short = expand(index - place)
    for symbol in sorted(index_symbols(short), key=_name):
        if not (symbol - short).has(symbol):
            return KroneckerDelta(symbol, symbol - short)
    return KroneckerDelta(index, sympify(place))


def is_item(item: Any) -> bool:
    return isinstance(item, (int, Expr)) and not isinstance(item, bool)


def _index(item: Any, dim: Dim) -> Any:
    """One index; a negative number counts from the end."""
    expr = sympify(item)
    check_index(expr)
    if not expr.has(Entry) and not expr.is_integer:
        raise ShapeError(f"an index is {expr}, which is not always an integer")
    return dim + expr if not is_index_notation(expr) and nonnegative(-expr - 1) else expr


def _not_a_start(value: Tensor | Started, items: tuple[Any, ...]) -> None:
    starts = value.starts if isinstance(value, Started) else {}
    for axis, (place, _) in starts.items():
        if place == -1 and axis < len(items) and items[axis] == -1:
            length = plain(value).shape[axis]
            raise ShapeError(
                f"[-1] of a sequence that starts there may mean its start or its last entry; "
                f"write {sympify(length) - 1} for the last"
            )


def check_index(expr: Any) -> None:
    """Refuse an index that is not made of whole numbers, or that is long multiplied out."""
    if _terms(expr) > MAX_INDEX:
        raise UnsupportedError(
            "an index that is not a short sum of indices and dims times whole numbers, and of "
            "floor and mod of such"
        )


def _terms(expr: Any) -> int:
    """How many terms an index has when it is multiplied out; too many for what is none."""
    if isinstance(expr, Add):
        return sum(map(_terms, expr.args))
    if isinstance(expr, Mul):
        product: int = 1
        for factor in expr.args:
            product = min(product * _terms(factor), MAX_INDEX + 1)
        return product
    if isinstance(expr, Pow):
        base, exponent = expr.args
        if not exponent.is_Integer or abs(exponent) > 20:
            return MAX_INDEX + 1
        power: int = _terms(base) ** abs(int(exponent))
        return min(power, MAX_INDEX + 1)
    if isinstance(expr, floor | Mod):
        return max(map(_terms, expr.args))
    if expr.is_Symbol or expr.is_Rational or isinstance(expr, Entry):
        return 1
    return MAX_INDEX + 1
