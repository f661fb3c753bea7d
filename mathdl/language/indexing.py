"""NumPy indexing with symbolic lengths: integers, slices, ``None``, ``...``, integer tensors.

A slice is a shifted access and a gather ``E[ids]`` an access at another tensor's entry.  What
holds for some lengths only becomes a requirement that the generated code checks.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Symbol, floor, sympify

from mathdl.errors import ShapeError, UnsupportedError
from mathdl.ir.build import define, out_ranges
from mathdl.ir.dim import MAX_AXES, Dim, nonnegative, normal, show_shape
from mathdl.ir.index import out_index, slot
from mathdl.ir.system import topological
from mathdl.ir.tensor import OPERATORS, Access, Requirement, Tensor
from mathdl.language.names import shown
from mathdl.language.notation import entry, is_index_notation
from mathdl.language.operators import require_at_least
from mathdl.language.pointwise import broadcast_access, broadcast_shapes, constant_value


def index_tensor(a: Tensor, item: Any) -> Any:
    """``a[item]``: NumPy's basic and advanced indexing.

    With symbols of :func:`mathdl.indices` it is an entry of index notation instead.

    Raises ShapeError for an index out of range and for a zero step, UnsupportedError for
    advanced indices that are not next to each other.
    """
    items = item if isinstance(item, tuple) else (item,)
    if any(is_index_notation(i) for i in items):
        return entry(a, items)
    return _Indexing(a, _expand(items, a)).result()


def show_item(a: Tensor, items: tuple[Any, ...]) -> str:
    """``X[1, :3]`` as the user wrote it."""
    inside = ", ".join(_show(i) for i in items[:MAX_AXES])
    more = ", ..." if len(items) > MAX_AXES else ""
    return f"{a.name or a.label or 'a tensor'}[{inside}{more}]"


def _show(item: Any) -> str:
    if isinstance(item, slice):
        ends = ["" if e is None else shown(e) for e in (item.start, item.stop, item.step)]
        return ":".join(ends if ends[2] else ends[:2])
    return "..." if item is Ellipsis else shown(item)


def _expand(items: tuple[Any, ...], a: Tensor) -> tuple[Any, ...]:
    """The items with ``...`` written out and missing trailing axes filled."""
    dots = [k for k, i in enumerate(items) if i is Ellipsis]
    if len(dots) > 1:
        raise ShapeError("an index has at most one '...'")
    used = len([i for i in items if i is not None and i is not Ellipsis])
    if used > a.ndim:
        raise ShapeError(
            f"{show_item(a, items)} has {used} indices for the {a.ndim} axes of shape "
            f"{show_shape(a.shape)}"
        )
    fill = (slice(None),) * (a.ndim - used)
    at = dots[0] if dots else len(items)
    return (*items[:at], *fill, *items[at + 1 :])


@dataclass
class _Indexing:
    """One indexing expression while it is read from left to right."""

    tensor: Tensor
    items: tuple[Any, ...]

    def result(self) -> Tensor:
        self.shown = show_item(self.tensor, self.items)
        self.requires: list[Requirement] = []
        self.operands: list[Access] = []
        self.index: list[Any] = []
        self.shape: list[Dim] = []
        gathers = [i for i in self.items if isinstance(i, Tensor) and constant_value(i) is None]
        self.gathered = broadcast_shapes([g.shape for g in gathers], f"the index {self.shown}")
        self.first: int | None = None  # output axis where the gathered axes begin
        if gathers:
            self._check_adjacent()
        axis = 0
        for item in self.items:
            if item is None:
                self.shape.append(1)
                continue
            self._axis(axis, item, gathering=bool(gathers))
            axis += 1
        access = Access(self.tensor, tuple(self.index))
        if self.first is not None:
            self._place_gathers(gathers)
        return define(
            out_ranges(tuple(self.shape)), slot(0), [access, *self.operands],
            requires=self.requires,
        )

    def _check_adjacent(self) -> None:
        """With integer tensors, integers are advanced indices too, as in NumPy."""
        advanced = [
            k for k, i in enumerate(self.items) if i is not None and not isinstance(i, slice)
        ]
        if advanced[-1] - advanced[0] + 1 != len(advanced):
            raise UnsupportedError(
                f"the integer indices of {self.shown} are not next to each other; "
                "transpose first so that they are"
            )

    def _axis(self, axis: int, item: Any, gathering: bool) -> None:
        dim = self.tensor.shape[axis]
        if isinstance(item, Tensor):
            value = constant_value(item)
            if value is not None and item.ndim == 0:
                item = value
        if gathering and not isinstance(item, slice) and self.first is None:
            self.first = len(self.shape)
            self.shape.extend(self.gathered)
        if isinstance(item, slice):
            start, step, length = self._slice(item, dim)
            self.index.append(start + step * out_index(len(self.shape)))
            self.shape.append(length)
        elif isinstance(item, Tensor):
            self._gather(item)
        else:
            self.index.append(self._integer(item, dim, axis))

    def _gather(self, item: Tensor) -> None:
        if not is_integer_tensor(item):
            raise ShapeError(
                f"{_show(item)} in {self.shown} is not an integer index; "
                "assume it to be integer, or use where() for a choice by condition"
            )
        if not item.operands and item.definition is not None:
            raise UnsupportedError(f"a constant tensor as an integer index in {self.shown}")
        # operand 0 is the indexed tensor
        self.index.append(slot(1 + len(self.operands)))
        self.operands.append(Access(item, ()))

    def _place_gathers(self, gathers: list[Tensor]) -> None:
        """Read each integer tensor at the output axes that the gathered entries take."""
        assert self.first is not None
        shift = {
            out_index(k): out_index(k + self.first) for k in range(len(self.gathered))
        }
        self.operands = [
            Access(g, tuple(e.xreplace(shift) for e in broadcast_access(g, self.gathered).index))
            for g in gathers
        ]

    def _integer(self, item: Any, dim: Dim, axis: int) -> Any:
        value = as_index(item, self.shown)
        never = nonnegative(value - dim) or nonnegative(-value - 1 - dim)
        if never:
            raise ShapeError(
                f"index {shown(value)} is out of range for axis {axis} of length {dim} "
                f"in {self.shown}"
            )
        if nonnegative(-value - 1):
            self._require(dim + value, f"{self.shown} needs {dim} >= {-value}")
            return dim + value
        self._require(value, f"{self.shown} needs {value} >= 0")
        self._require(dim - 1 - value, f"{self.shown} needs {dim} > {value}")
        return value

    def _require(self, value: Any, reason: str) -> None:
        self.requires.extend(require_at_least(value, reason))

    def _slice(self, item: slice, dim: Dim) -> tuple[Any, int, Dim]:
        """Start, step and length of a slice of an axis."""
        step = 1 if item.step is None else _plain_int(item.step, self.shown)
        if step == 0:
            raise ShapeError(f"the step of the slice in {self.shown} is zero")
        ends = [
            None if e is None else as_index(e, self.shown) for e in (item.start, item.stop)
        ]
        if isinstance(dim, int) and all(e is None or e.is_Integer for e in ends):
            start, stop = (None if e is None else int(e) for e in ends)
            chosen = range(*slice(start, stop, step).indices(dim))
            if not chosen:
                raise ShapeError(f"the slice in {self.shown} is empty for length {dim}")
            return Integer(chosen.start), step, len(chosen)
        return self._symbolic_slice(ends[0], ends[1], step, dim)

    def _symbolic_slice(self, start: Any, stop: Any, step: int, dim: Dim) -> tuple[Any, int, Dim]:
        """Ends count from the end when negative; they must lie inside, nothing is clamped."""
        note = "a slice of a symbolic length is not clamped"
        first, last = (0, dim) if step > 0 else (dim - 1, -1)

        def resolve(end: Any, default: Any, low: int, high: Any) -> Any:
            if end is None:
                return sympify(default)
            if nonnegative(-end - 1):
                end = dim + end
            self._require(end - low, f"{self.shown} needs {end} >= {low} ({note})")
            self._require(high - end, f"{self.shown} needs {high} >= {end} ({note})")
            return sympify(end)

        begin = resolve(start, first, 0, dim if step > 0 else dim - 1)
        end = resolve(stop, last, 0 if step > 0 else -1, dim if step > 0 else dim - 1)
        span = normal((end - begin) if step > 0 else (begin - end))
        try:
            self._require(span - 1, f"{self.shown} needs {span} >= 1 (it must not be empty)")
        except ShapeError:
            raise ShapeError(f"the slice in {self.shown} is always empty") from None
        size = abs(step)
        length = span if size == 1 else normal(floor((sympify(span) + size - 1) / size))
        return begin, step, length


def as_index(value: Any, where: str) -> Any:
    """An integer or a dim expression as SymPy; anything else is not an index."""
    if isinstance(value, Expr):
        if value.is_integer:
            return value
    elif not isinstance(value, bool):
        try:
            return Integer(operator.index(value))
        except TypeError:
            pass
    raise ShapeError(f"the index {shown(value)} in {where} is not an integer or a slice")


def _plain_int(value: Any, where: str) -> int:
    step = as_index(value, where)
    if not step.is_Integer:
        raise UnsupportedError(f"the step {step} of the slice in {where} is not a number")
    return int(step)


_INTEGERS = frozenset({"integer", "binary", "one_hot", "counts", "sign_labels", "adjacency",
                       "causal_mask"})


def is_integer_tensor(tensor: Tensor) -> bool:
    """Whether every entry is provably an integer."""
    known: dict[int, bool] = {}
    for t in topological([tensor]):
        if t.definition is None:
            known[id(t)] = bool(_INTEGERS & t.assume)
            continue
        integral = {
            slot(k): Symbol(f"integer_{k}", integer=True)
            for k, access in enumerate(t.operands)
            if known[id(access.tensor)]
        }
        known[id(t)] = t.equation.body.xreplace(integral).is_integer is True
    return known[id(tensor)]


OPERATORS["getitem"] = index_tensor
