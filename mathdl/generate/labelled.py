"""Values whose axes carry index symbols, and elementwise operations between them.

An operation's result has the union of its operands' labels, so ``1/s[i]`` inside a body over
``i, j`` is computed for each ``i`` only; what has fewer axes is combined first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import S

from mathdl.generate.graph import Graph
from mathdl.generate.scalars import symbol_rank, symbols_of
from mathdl.generate.values import Cast, Copy, Fill, Kind, Positions, Select, Ufunc, Value
from mathdl.ir.dim import Dim
from mathdl.ir.index import out_index

Ranges = Mapping[Any, Dim]


@dataclass(frozen=True, slots=True)
class Lab:
    """A value and the index symbol of each of its axes."""

    value: Value
    labels: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Scaled:
    """``coefficient * array``; with no array, the coefficient alone."""

    coefficient: Any
    array: Lab | None


def axis(k: int) -> Any:
    """The symbol for the position along a value's own axis ``k``."""
    return out_index(k)


_COMPARE = frozenset(
    f"np.{n}" for n in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")
)


class Elementwise:
    """Elementwise operations over the index symbols in ``ranges``."""

    def __init__(self, graph: Graph, ranges: Ranges) -> None:
        self.graph = graph
        self.ranges = ranges

    def shape(self, labels: Iterable[Any]) -> tuple[Dim, ...]:
        return tuple(self.ranges[s] for s in labels)

    def order(self, arrays: Sequence[Lab]) -> tuple[Any, ...]:
        """The labels of a result: an operand's own layout where one has them all."""
        first = max(arrays, key=lambda a: len(a.labels))
        union = set(first.labels)
        natural: tuple[Any, ...] | None = None
        for a in arrays:
            union.update(a.labels)
        if len(union) > len(first.labels):
            return tuple(sorted(union, key=symbol_rank))
        for a in arrays:
            if len(a.labels) == len(union) and a.labels != first.labels:
                natural = natural or tuple(sorted(union, key=symbol_rank))
                if a.labels == natural:
                    return natural
        return first.labels

    def align(self, array: Lab, order: Sequence[Any]) -> Value:
        """A view that NumPy broadcasts to axes ``order``."""
        if array.labels == tuple(order) or not array.labels:
            return array.value
        axes: list[int | None] = [
            array.labels.index(s) if s in array.labels else None for s in order
        ]
        while axes and axes[0] is None:
            axes.pop(0)
        return self.graph.transpose(array.value, tuple(axes))

    def spread(self, array: Lab, order: Sequence[Any]) -> Lab:
        """The array with exactly the axes ``order``, copied only if axes are missing."""
        order = tuple(order)
        if array.labels == order:
            return array
        value = self.align(array, order)
        if set(array.labels) != set(order):
            shape = self.shape(order)
            if isinstance(value.op, Fill):
                value = self.graph.make(value.op, shape, value.kind)
            else:
                value = self.graph.make(Copy(value), shape, value.kind)
        return Lab(value, order)

    def constant(self, number: Any, labels: Sequence[Any] = ()) -> Lab:
        value = self.graph.make(Fill(number), self.shape(labels))
        return Lab(value, tuple(labels))

    def positions(self, expr: Any, kind: Kind) -> Lab:
        """An index expression as an array over the index symbols in it."""
        labels = tuple(symbols_of(expr))
        own = {s: axis(k) for k, s in enumerate(labels) if s is not axis(k)}
        value = self.graph.make(
            Positions(expr.xreplace(own) if own else expr), self.shape(labels), kind
        )
        return Lab(value, labels)

    def floating(self, array: Lab) -> Lab:
        if array.value.kind == "float":
            return array
        value = array.value
        if isinstance(value.op, Positions):
            return Lab(self.graph.make(value.op, value.shape), array.labels)
        return Lab(self.graph.make(Cast(value), value.shape), array.labels)

    def apply(self, name: str, args: Sequence[Lab | Any]) -> Lab:
        """A ufunc on arrays and constants; at least one is an array."""
        arrays = [a for a in args if isinstance(a, Lab)]
        kind: Kind = "bool" if name in _COMPARE else "float"
        if kind == "float":
            args, kind = self._arithmetic(name, args)
            arrays = [a for a in args if isinstance(a, Lab)]
        order = self.order(arrays)
        if order and name in ("np.maximum", "np.minimum") and kind == "float":
            # against an array: three times as fast as against a number
            args = [a if isinstance(a, Lab) else self.constant(a, order) for a in args]
        operands = tuple(self.align(a, order) if isinstance(a, Lab) else a for a in args)
        return Lab(self.graph.make(Ufunc(name, operands), self.shape(order), kind), order)

    def _arithmetic(self, name: str, args: Sequence[Any]) -> tuple[list[Any], Kind]:
        """Operands cast so that the result is a float (an integer when all are integers)."""
        kinds = {a.value.kind for a in args if isinstance(a, Lab)}
        whole = all(isinstance(a, Lab) or getattr(a, "is_integer", False) for a in args)
        if kinds == {"int"} and whole and name in _CLOSED:
            return list(args), "int"
        masks = name == "np.multiply" and "float" in kinds
        return [
            self.floating(a)
            if isinstance(a, Lab) and not (masks and a.value.kind == "bool")
            else a
            for a in args
        ], "float"

    def select(self, condition: Lab, chosen: Any, other: Any) -> Lab:
        """``where``: no arithmetic on what is not chosen."""
        if condition.value.kind != "bool":
            condition = self.apply("np.not_equal", (condition, S.Zero))
        parts = [self.floating(a) if isinstance(a, Lab) else a for a in (chosen, other)]
        order = self.order([condition, *(a for a in parts if isinstance(a, Lab))])
        first, second = (self.align(a, order) if isinstance(a, Lab) else a for a in parts)
        op = Select(self.align(condition, order), first, second)
        return Lab(self.graph.make(op, self.shape(order)), order)

    def resolve(self, scaled: Scaled) -> Lab:
        """One array (a constant becomes a zero-dimensional one)."""
        if scaled.array is None:
            return self.constant(scaled.coefficient)
        return self.scale(scaled.array, scaled.coefficient)

    def scale(self, array: Lab, coefficient: Any) -> Lab:
        if coefficient == 1:
            return array
        value = array.value
        if isinstance(value.op, Fill) and value.kind == "float":
            return Lab(self.graph.make(Fill(value.op.number * coefficient), value.shape),
                       array.labels)
        if coefficient == -1 and value.kind != "bool":
            return self.apply("np.negative", (array,))
        return self.apply("np.multiply", (array, coefficient))

    def merge(self, arrays: Sequence[Lab], join: Callable[[Lab, Lab], Lab]) -> list[Lab]:
        """Combine what can be combined without making anything larger than it is.

        Equal axes first, then the smallest into the smallest that has all its axes.
        """
        groups: dict[frozenset[Any], Lab] = {}
        for a in arrays:
            key = frozenset(a.labels)
            groups[key] = join(groups[key], a) if key in groups else a
        # the order of equals is that of the arrays given
        for key in sorted(groups, key=len):
            above = [k for k in groups if key < k]
            if above:
                target = min(above, key=len)
                groups[target] = join(groups[target], groups.pop(key))
        return list(groups.values())

    def fold(self, arrays: Sequence[Lab], join: Callable[[Lab, Lab], Lab]) -> Lab:
        """All arrays combined into one."""
        merged = sorted(self.merge(arrays, join), key=lambda a: len(a.labels))
        result = merged[0]
        for a in merged[1:]:
            result = join(result, a)
        return result


_CLOSED = frozenset(("np.add", "np.subtract", "np.multiply", "np.negative", "np.floor_divide",
                     "np.remainder", "np.maximum", "np.minimum"))
