"""Scalar expressions as functions of numbers of any kind, from the definitions alone.

A function that mathdl declares is replaced by its definition in SymPy's own functions, so that
neither a stated derivative nor a stable form is used.  Cases are decided before a branch is
entered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Protocol

import sympy
from sympy.logic.boolalg import BooleanFalse, BooleanTrue

from mathdl.errors import UnsupportedError
from mathdl.ir.index import slot_number
from mathdl.scalar.lower import define

Values = Sequence[Any]
Scalar = Callable[[Values], Any]


class Field(Protocol):
    """Numbers of a kind: they have ``+ - * /`` and are ordered; the rest is told here."""

    functions: dict[str, Callable[..., Any]]

    def constant(self, value: Any) -> Any:
        """A rational number, ``pi`` or ``E``."""

    def power(self, base: Any, exponent: Any) -> Any:
        """A rational power; the exponent is a SymPy number."""


_RELATIONS: dict[Any, Callable[[Any, Any], bool]] = {
    sympy.Gt: lambda a, b: a > b, sympy.Ge: lambda a, b: a >= b,
    sympy.Lt: lambda a, b: a < b, sympy.Le: lambda a, b: a <= b,
    sympy.Eq: lambda a, b: a == b, sympy.Ne: lambda a, b: a != b,
}


def scalar_law(expr: Any, field: Field) -> tuple[tuple[Any, ...], Callable[..., Any]]:
    """The symbols of a scalar expression, and the function of their values."""
    defined = define(sympy.sympify(expr))
    symbols = symbols_of(defined)
    law = _Compiler(field, symbols).law(defined)
    return symbols, lambda *values: law(values)


def symbols_of(expr: Any) -> tuple[Any, ...]:
    """The symbols of an expression: accesses by number, then the others by name."""

    def order(symbol: Any) -> tuple[bool, int, str]:
        k = slot_number(symbol)
        return k is None, k or 0, symbol.name

    return tuple(sorted(expr.free_symbols, key=order))


class _Compiler:
    """Each node of an expression as a function of the symbols' values."""

    def __init__(self, field: Field, symbols: Sequence[Any]) -> None:
        self.field = field
        self.place = {s: k for k, s in enumerate(symbols)}
        self.known: dict[Any, Scalar] = {}

    def law(self, node: Any) -> Scalar:
        if node not in self.known:
            self.known[node] = self._law(node)
        return self.known[node]

    def _law(self, node: Any) -> Scalar:
        field = self.field
        if node in self.place:
            k = self.place[node]
            return lambda values: values[k]
        if node.is_Rational or node in (sympy.pi, sympy.E):
            number = field.constant(node)
            return lambda _: number
        if isinstance(node, sympy.Piecewise):
            return self._cases(node)
        if isinstance(node, sympy.Pow):
            return self._power(node)
        parts = [self.law(a) for a in node.args]
        if isinstance(node, sympy.Add):
            return lambda values: reduce(lambda a, b: a + b, [p(values) for p in parts])
        if isinstance(node, sympy.Mul):
            return lambda values: reduce(lambda a, b: a * b, [p(values) for p in parts])
        if isinstance(node, (sympy.Max, sympy.Min)):
            pick = max if isinstance(node, sympy.Max) else min
            return lambda values: pick(p(values) for p in parts)
        if isinstance(node, sympy.KroneckerDelta):
            a, b = parts
            one, zero = field.constant(sympy.S.One), field.constant(sympy.S.Zero)
            return lambda values: one if a(values) == b(values) else zero
        function = field.functions.get(node.func.__name__)
        if function is None:
            raise UnsupportedError(f"{node.func.__name__} has no meaning in such numbers")
        return lambda values: function(*(p(values) for p in parts))

    def _power(self, node: Any) -> Scalar:
        field, (base, exponent) = self.field, node.args
        if exponent.is_Rational:
            inner = self.law(base)
            return lambda values: field.power(inner(values), exponent)
        general = self.law(sympy.exp(exponent * sympy.log(base), evaluate=False))
        if not exponent.is_integer:
            return general
        # a symbolic integer, such as a dim, also has a meaning for a base that is not positive
        inner, power = self.law(base), self.law(exponent)
        return lambda values: field.power(inner(values), sympy.Integer(int(power(values))))

    def _cases(self, node: Any) -> Scalar:
        cases = [(self.condition(c), self.law(e)) for e, c in node.args]

        def choose(values: Values) -> Any:
            for holds, law in cases:
                if holds(values):
                    return law(values)
            raise UnsupportedError(f"no case of {node} applies")

        return choose

    def condition(self, node: Any) -> Callable[[Values], bool]:
        if isinstance(node, (BooleanTrue, BooleanFalse)):
            truth = bool(node)
            return lambda _: truth
        if isinstance(node, (sympy.And, sympy.Or, sympy.Not)):
            parts = [self.condition(a) for a in node.args]
            if isinstance(node, sympy.Not):
                return lambda values: not parts[0](values)
            join = all if isinstance(node, sympy.And) else any
            return lambda values: join(p(values) for p in parts)
        if isinstance(node, sympy.ITE):
            test, yes, no = (self.condition(a) for a in node.args)
            return lambda values: yes(values) if test(values) else no(values)
        relation = _RELATIONS.get(node.func)
        if relation is None:
            raise UnsupportedError(f"the condition {node} has no meaning in such numbers")
        a, b = (self.law(x) for x in node.args)
        return lambda values: relation(a(values), b(values))
