"""The truth of an expression as it was written, with its derivatives, to as many digits as needed.

Numbers of many digits carry a slope (dual numbers): SymPy differentiates each scalar body, after
functions are replaced by their definitions.  Neither a rule of simplification, nor a stable form,
nor a derivative that mathdl states is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from mathdl.errors import DomainError
from mathdl.ir.tensor import Tensor
from mathdl.proof.evaluate import Array, Evaluator
from mathdl.verify.numbers.digits import Digits, FarDigits
from mathdl.verify.numbers.duals import Dual, Duals

#: Where 1400 digits say 0, what was cancelled is no float: 1e300 squared has 600 digits before
#: the point, and 1e-320 squared 640 zeros after it.
LEVELS, SURE = (60, 400, 1400, 2400), 2
AGREE = mpmath.mpf(10) ** -15
KINK = mpmath.mpf(10) ** -9
#: How far to the side slopes are looked at, relatively, and from 0.
ASIDE, FROM_ZERO = mpmath.mpf(10) ** -30, mpmath.mpf(10) ** -360

Slot = tuple[str, int]  # an input and the number of its entry


@dataclass(frozen=True)
class Values:
    """Entries of the expression, and of its derivative by each entry of each variable."""

    value: Array
    slopes: Mapping[str, Array]  # the expression's entries, then the variable's


class Truth:
    """Evaluates an expression and its derivatives at floats."""

    def __init__(self, written: Tensor, wrt: list[str], sizes: Mapping[Any, int],
                 levels: tuple[int, ...] = LEVELS) -> None:
        self.written, self.wrt, self.sizes = written, wrt, dict(sizes)
        self.levels: list[tuple[Digits, Any]] = [
            (FarDigits(d), Duals(FarDigits(d))) for d in levels]

    def at(self, arguments: Mapping[str, Any]) -> Values | None:
        """What two numbers of digits agree on; None where nothing is defined or sure."""
        before: Values | None = None
        for level in range(len(self.levels)):
            now = self._values(arguments, level)
            if now is None:
                return None
            if before is not None and _agree(before, now, level >= SURE):
                return now
            before = now
        return None

    def is_kink(self, arguments: Mapping[str, Any], name: str, output: int, entry: int) -> bool:
        """Whether the slopes on the two sides of an entry differ, or there is none on one side."""
        base, duals = self.levels[1]
        found = []
        with base.at_work():
            for sign in (-1, 1):
                exact = {k: duals.base.array(a) for k, a in arguments.items()
                         if isinstance(a, np.ndarray)}
                x = exact[name].reshape(-1)[entry]
                exact[name].reshape(-1)[entry] = x + sign * (abs(x) * ASIDE or FROM_ZERO)
                try:
                    found.append(self._slope({**arguments, **exact}, 1, (name, entry))[output])
                except (DomainError, ZeroDivisionError, np.linalg.LinAlgError):
                    return True
            low, high = (d.slope if d.slope is not None else mpmath.mpf(0) for d in found)
            return bool(abs(low - high) > KINK * max(abs(low), abs(high)))

    def _values(self, arguments: Mapping[str, Any], level: int) -> Values | None:
        base, _ = self.levels[level]
        with base.at_work():
            try:
                value: Array | None = None
                slopes: dict[str, Array] = {}
                for name in self.wrt:
                    columns = []
                    for entry in range(np.size(arguments[name])):
                        found = self._slope(arguments, level, (name, entry))
                        columns.append([d.slope or mpmath.mpf(0) for d in found])
                        value = np.array([d.value for d in found], dtype=object)
                    slopes[name] = np.array(columns, dtype=object).T
                if value is None:
                    found = self._slope(arguments, level, None)
                    value = np.array([d.value for d in found], dtype=object)
            except (DomainError, ZeroDivisionError, np.linalg.LinAlgError):
                return None
        return Values(value, slopes)

    def _slope(self, arguments: Mapping[str, Any], level: int, slot: Slot | None) -> list[Dual]:
        """The entries as dual numbers that move with one entry of an input."""
        _, duals = self.levels[level]

        def read(tensor: Tensor) -> Array:
            array: Array = duals.array(np.asarray(arguments[tensor.name or ""]))
            if slot is not None and tensor.name == slot[0]:
                moving = array.reshape(-1)
                moving[slot[1]] = Dual(moving[slot[1]].value, mpmath.mpf(1))
            return array

        return list(Evaluator(read, self.sizes, duals).value(self.written).reshape(-1))


def _agree(few: Values, many: Values, sure: bool) -> bool:
    """To 15 digits; that something is no float is believed of many digits only."""
    pairs = [(few.value, many.value), *((few.slopes[k], many.slopes[k]) for k in many.slopes)]
    return all(
        (abs(a - b) <= AGREE * abs(b) and b != 0) or a is b
        or (sure and max(abs(a), abs(b)) <= FROM_ZERO)
        for x, y in pairs for a, b in zip(x.flat, y.flat, strict=True)
    )
