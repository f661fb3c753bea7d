"""Numbers with a slope: SymPy's derivative of every scalar body, entry by entry.

Bodies are differentiated by SymPy after their functions are replaced by definitions, and put
together by the chain rule; no derivative that mathdl states or derives is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy

from mathdl.scalar.lower import define
from mathdl.verify.numbers.objects import ObjectNumbers
from mathdl.verify.numbers.scalars import scalar_law, symbols_of


class Dual:
    """``value + slope*t`` to first order; a slope of None is 0.  Ordered by the value."""

    __slots__ = ("slope", "value")

    def __init__(self, value: Any, slope: Any = None) -> None:
        self.value, self.slope = value, slope

    def __add__(self, other: Any) -> Dual:
        a, b = self.slope, _slope(other)
        return Dual(self.value + _value(other), b if a is None else a if b is None else a + b)

    def __neg__(self) -> Dual:
        return self * -1

    def __sub__(self, other: Any) -> Dual:
        return self + (-other if isinstance(other, Dual) else Dual(other * -1))

    def __rsub__(self, other: Any) -> Dual:
        result: Dual = -self + other
        return result

    def __mul__(self, other: Any) -> Dual:
        value, slope = _value(other), _slope(other)
        terms = [None if self.slope is None else self.slope * value,
                 None if slope is None else self.value * slope]
        return Dual(self.value * value, _sum(terms))

    def __truediv__(self, other: Any) -> Dual:
        value, slope = _value(other), _slope(other)
        quotient = self.value / value
        terms = [None if self.slope is None else self.slope / value,
                 None if slope is None else quotient * slope / value * -1]
        return Dual(quotient, _sum(terms))

    __radd__, __rmul__ = __add__, __mul__

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < _value(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > _value(other))

    def __int__(self) -> int:
        return int(self.value)


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Dual) else x


def _slope(x: Any) -> Any:
    return x.slope if isinstance(x, Dual) else None


def _sum(terms: list[Any]) -> Any:
    found = [t for t in terms if t is not None]
    return None if not found else found[0] if len(found) == 1 else found[0] + found[1]


class Duals(ObjectNumbers):
    """Dual numbers over another kind."""

    kind = Dual
    def __init__(self, base: Any) -> None:
        super().__init__()
        self.base = base

    def constant(self, value: Any) -> Dual:
        return Dual(self.base.constant(value))

    def lift(self, value: Any) -> Dual:
        return value if isinstance(value, Dual) else Dual(self.base.lift(value))

    def size(self, value: Dual) -> Any:
        return self.base.size(value.value)

    def scalar(self, expr: Any) -> tuple[tuple[Any, ...], Callable[..., Any]]:
        defined = define(sympy.sympify(expr))
        symbols = symbols_of(defined)
        of_value = scalar_law(defined, self.base)[1]
        partials: dict[int, Callable[..., Any]] = {}

        def partial(k: int) -> Callable[..., Any]:
            if k not in partials:
                used, law = scalar_law(sympy.diff(defined, symbols[k]), self.base)
                places = [symbols.index(s) for s in used]
                partials[k] = lambda values: law(*(values[p] for p in places))
            return partials[k]

        def law(*arguments: Dual) -> Dual:
            values = [a.value for a in arguments]
            slope = None
            for k, a in enumerate(arguments):
                if a.slope is not None:
                    slope = _sum([slope, partial(k)(values) * a.slope])
            return Dual(of_value(*values), slope)

        return symbols, law
