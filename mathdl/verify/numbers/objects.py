"""Arrays whose entries are numbers of a kind: what the evaluator of equations needs of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
from sympy import Integer

from mathdl.errors import UnsupportedError
from mathdl.proof.evaluate import Array
from mathdl.verify.numbers.linear import PRIMITIVES
from mathdl.verify.numbers.scalars import scalar_law

_FOLDS: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda a, b: a + b,
    "prod": lambda a, b: a * b,
    "max": lambda a, b: b if b > a else a,
    "min": lambda a, b: b if b < a else a,
}


class ObjectNumbers:
    """Object arrays; a kind of numbers says what constants, powers and functions are."""

    functions: dict[str, Callable[..., Any]]
    kind: type

    def __init__(self) -> None:
        self._laws: dict[Any, tuple[tuple[Any, ...], Callable[..., Any]]] = {}

    @property
    def zero(self) -> Any:
        return self.constant(Integer(0))

    def constant(self, value: Any) -> Any:
        """A rational number, ``pi`` or ``E``."""
        raise UnsupportedError(f"{type(self).__name__} has no constants")

    def power(self, base: Any, exponent: Any) -> Any:
        """A rational power."""
        raise UnsupportedError(f"{type(self).__name__} has no powers")

    def lift(self, value: Any) -> Any:
        """A Python or NumPy number as one of this kind."""
        return value if isinstance(value, self.kind) else self.constant(Integer(int(value)))

    def size(self, value: Any) -> Any:
        """How large a number is: by it pivots are chosen."""
        return abs(value)

    def negligible(self, size: Any) -> Any:
        """What is zero to rounding beside a number of this size: nothing but 0."""
        return 0

    def array(self, values: Any) -> Array:
        given = np.asarray(values, dtype=object)
        result = np.empty(given.shape, dtype=object)
        for place in np.ndindex(given.shape):
            result[place] = self.lift(given[place])
        return result

    def integers(self, values: Any) -> Array:
        return np.asarray(np.vectorize(int, otypes=[int])(values))

    def law(self, expr: Any) -> tuple[tuple[Any, ...], Callable[..., Any]]:
        if expr not in self._laws:
            symbols, law = self.scalar(expr)
            self._laws[expr] = symbols, _over_arrays(law, len(symbols))
        return self._laws[expr]

    def scalar(self, expr: Any) -> tuple[tuple[Any, ...], Callable[..., Any]]:
        """The symbols of a scalar expression and the function of single values."""
        return scalar_law(expr, self)

    def fold(self, name: str, values: Array, axes: tuple[int, ...]) -> Any:
        if name == "none":
            return values
        kept = values.shape[: values.ndim - len(axes)]
        rows = values.reshape(*kept, math.prod(values.shape[len(kept):]))
        result = np.empty(kept, dtype=object)
        for place in np.ndindex(kept):
            result[place] = reduce(_FOLDS[name], rows[place])
        return result

    def primitive(self, name: str) -> Callable[..., Any] | None:
        law = PRIMITIVES.get(name)
        return None if law is None else lambda *given: law(self, *given)


def _over_arrays(law: Callable[..., Any], count: int) -> Callable[..., Any]:
    if count == 0:
        return law
    elementwise: Callable[..., Any] = np.frompyfunc(law, count, 1)
    return elementwise
