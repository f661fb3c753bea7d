"""Recurrences in index notation: ``h[t, j] = tanh(Sum(W[j, k]*h[t - 1, k], k) + x[t, j])``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import expand

from mathdl.errors import NamingError, ShapeError, UnsupportedError
from mathdl.ir.build import define, out_ranges
from mathdl.ir.dim import Dim, show_shape
from mathdl.ir.index import out_index, out_indices, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.equations import own, stated
from mathdl.language.indexing import is_integer_tensor
from mathdl.language.names import shown
from mathdl.language.notation import Entry, as_entries, is_index
from mathdl.language.operators import named
from mathdl.language.pointwise import as_tensor
from mathdl.language.recurrence import recur
from mathdl.language.stand_ins import fresh
from mathdl.language.structure import broadcast_to


def recurrence(
    equations: Mapping[Any, Any], start: Mapping[Any, Any] | None = None
) -> Any:
    """Sequences that are defined by themselves and each other, one step before.

    ``equations`` maps ``h[t, j]``, with ``h`` a declared tensor whose first axis is time, to
    what it equals.  The right sides may read ``h[t - 1, k]``, the same quantity or another one
    at the same ``t`` (``c[t, j]``, in any order that has no circle), and everything else at any
    time.  With ``t + 1`` in place of ``t - 1`` time runs backwards.  ``start`` gives what stands
    for ``h[-1]`` (``h[T]`` backwards), by tensor or name; zero without.

    Returns the sequence, or a tuple of them in the order of the equations.

    >>> import mathdl as md
    >>> n, T = md.dims("n T")
    >>> t, i, j = md.indices("t i j")
    >>> W, x, h = md.tensor("W", n, n), md.tensor("x", T, n), md.tensor("h", T, n)
    >>> H = md.recurrence({h[t, i]: md.tanh(md.Sum(W[i, j]*h[t - 1, j], j) + x[t, i])})
    >>> H.shape
    (T, n)

    Raises NamingError for equations that read themselves at the same time and for a start of
    what has no equation, ShapeError for
    sequences of different lengths, UnsupportedError for a step back of more than one.
    """
    lefts = [_left(key) for key in equations]
    if not lefts:
        raise NamingError("a recurrence needs an equation")
    times = {left.time for left in lefts}
    lengths = {left.tensor.shape[0]: left.tensor for left in lefts}
    if len(times) > 1:
        raise NamingError(f"time is called {' and '.join(sorted(map(str, times)))}; use one index")
    if len(lengths) > 1:
        several = " and ".join(f"{t.name} {show_shape(t.shape)}" for t in lengths.values())
        raise ShapeError(f"the sequences of a recurrence differ in length: {several}")
    for k, left in enumerate(lefts):
        if any(left.tensor is other.tensor for other in lefts[:k]):
            raise NamingError(f"{left.tensor.name} has two equations")
    system = _System({left.tensor: left for left in lefts}, next(iter(times)), next(iter(lengths)))
    rights = {
        left.tensor: _right(left, e) for left, e in zip(lefts, equations.values(), strict=True)
    }
    starts = _starts(start or {}, lefts)
    nexts = system.solve(rights)
    states = {
        state: broadcast_to(starts.get(tensor, as_tensor(0)), tensor.shape[1:])
        for tensor, state in system.states.items()
    }
    loop = recur(
        system.length, states, [nexts[t] for t in system.states], system.items,
        reverse=system.direction > 0,
    )
    found = loop.stacked([nexts[left.tensor] for left in lefts])
    results = tuple(
        named(t, left.tensor.name or "") for t, left in zip(found, lefts, strict=True)
    )
    return results[0] if len(results) == 1 else results


@dataclass(frozen=True)
class _Left:
    """The left side ``h[t, j]`` of an equation."""

    tensor: Tensor
    time: Any
    rest: tuple[Any, ...]


def _left(key: Any) -> _Left:
    if not isinstance(key, Entry) or not key.index or not all(map(is_index, key.index)):
        raise NamingError(
            f"{shown(key)} is not the left side of a recurrence; write h[t, j] with indices"
        )
    if len(set(key.index)) < len(key.index):
        raise NamingError(f"an index is twice in {key}")
    if not key.tensor.is_input:
        raise NamingError(f"{key} is defined already; declare the sequence with tensor()")
    return _Left(key.tensor, key.index[0], key.index[1:])


def _right(left: _Left, expr: Any) -> Any:
    try:
        return own(as_entries(expr))
    except NamingError as error:
        raise error.within(f"the right side of {left.tensor.name}") from None


def _starts(start: Mapping[Any, Any], lefts: Sequence[_Left]) -> dict[Tensor, Tensor]:
    """What the sequences start with."""
    by_key = {key: left.tensor for left in lefts for key in (left.tensor, left.tensor.name)}
    for key in start:
        if key not in by_key:
            names = ", ".join(str(left.tensor.name) for left in lefts)
            raise NamingError(
                f"start is given for {shown(key)}, which has no equation; there are: {names}"
            )
    return {by_key[key]: as_tensor(value) for key, value in start.items()}


class _System:
    """Equations on their way to a step."""

    def __init__(self, lefts: Mapping[Tensor, _Left], time: Any, length: Dim) -> None:
        self.lefts = lefts
        self.time = time
        self.length = length
        self.direction = 0
        self.states: dict[Tensor, Tensor] = {}
        self.items: dict[Tensor, Tensor] = {}
        self.known: dict[Any, Any] = {}
        self.made: dict[Tensor, Tensor] = {}

    def solve(self, rights: Mapping[Tensor, Any]) -> dict[Tensor, Tensor]:
        """Each quantity of a step, those first that others need at the same time."""
        for right in rights.values():
            for entry in sorted(right.atoms(Entry), key=str):
                if entry.tensor in self.lefts:
                    self._offset(entry)
        waiting = dict(rights)
        while waiting:
            ready = [t for t, e in waiting.items() if not any(
                entry.tensor in waiting and self._offset(entry) == 0 for entry in e.atoms(Entry)
            )]
            if not ready:
                names = ", ".join(str(t.name) for t in waiting)
                raise NamingError(
                    f"{names}: each needs itself at the same time; write {self.time} - 1 for the "
                    "step before"
                )
            for tensor in ready:
                left = self.lefts[tensor]
                ranges = dict(zip(left.rest, tensor.shape[1:], strict=True))
                right = self._closed(waiting.pop(tensor))
                self.made[tensor] = stated(tensor.name or "", left.rest, ranges, right)
        return self.made

    def _offset(self, entry: Any) -> int:
        """By how many steps an entry of a sequence is away: 0, or the step before."""
        offset = expand(entry.index[0] - self.time)
        if offset not in (-1, 0, 1) or any(self.time in e.free_symbols for e in entry.index[1:]):
            raise UnsupportedError(
                f"{entry} is not one step from {self.time}; carry what is further away as a "
                "sequence of its own"
            )
        if offset != 0:
            if self.direction not in (0, int(offset)):
                raise UnsupportedError(
                    f"{entry}: a recurrence reads {self.time} - 1 or {self.time} + 1, not both"
                )
            self.direction = int(offset)
            self.states.setdefault(entry.tensor, fresh("state", entry.tensor.shape[1:]))
        return int(offset)

    def _closed(self, expr: Any) -> Any:
        """The right side over states, items and what is made already."""
        if isinstance(expr, Entry):
            return self._entry(expr)
        if expr == self.time:
            return Entry(self._item(_positions(self.length)))
        if not expr.args or self.time not in expr.free_symbols:
            return expr
        return expr.func(*map(self._closed, expr.args))

    def _entry(self, entry: Any) -> Any:
        tensor, index = entry.tensor, tuple(map(self._position, entry.index))
        if tensor in self.lefts:
            found = self.made[tensor] if self._offset(entry) == 0 else self.states[tensor]
            return Entry(found, *index[1:])
        moving = [k for k, e in enumerate(index) if self.time in e.free_symbols]
        if not moving:
            return Entry(tensor, *index)
        axis = moving[0]
        where = index[axis]
        others = where.free_symbols - {self.time}
        if len(moving) > 1 or any(map(is_index, others)) or where.has(Entry):
            raise UnsupportedError(f"{entry} reads more than one time of {tensor.name}")
        symbols = out_indices(tensor.ndim)
        rest = (*symbols[1 : axis + 1], *symbols[axis + 1 :])
        read = (*rest[:axis], where.xreplace({self.time: symbols[0]}), *rest[axis:])
        shape = (self.length, *tensor.shape[:axis], *tensor.shape[axis + 1 :])
        sequence = define(out_ranges(shape), slot(0), [Access(tensor, read)])
        return Entry(self._item(sequence), *index[:axis], *index[axis + 1 :])

    def _position(self, index: Any) -> Any:
        """An index with the integer data in it read at its time."""
        if isinstance(index, Entry):
            return self._entry(index)
        return index.func(*map(self._position, index.args)) if index.has(Entry) else index

    def _item(self, sequence: Tensor) -> Tensor:
        if sequence not in self.known:
            assume = {"integer"} if is_integer_tensor(sequence) else ()
            self.known[sequence] = fresh("item", sequence.shape[1:], assume)
            self.items[self.known[sequence]] = sequence
        found: Tensor = self.known[sequence]
        return found


def _positions(length: Dim) -> Tensor:
    """``0, 1, ...`` along time."""
    return define([(out_index(0), length)], out_index(0))
