"""Where values lie: closed intervals with exact ends, and whether 0 is left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sympy import Integer, N, Rational, floor, oo

ZERO, ONE = Integer(0), Integer(1)
FINE = 10**9  # how finely irrational ends are rounded


@dataclass(frozen=True)
class Range:
    """``low <= value <= high``, ends rational or infinite; ``nonzero`` leaves out 0."""

    low: Any = -oo
    high: Any = oo
    nonzero: bool = False

    @property
    def nonnegative(self) -> bool:
        return bool(self.low >= 0)

    @property
    def nonpositive(self) -> bool:
        return bool(self.high <= 0)

    @property
    def positive(self) -> bool:
        return bool(self.low > 0) or (self.nonnegative and self.nonzero)

    @property
    def negative(self) -> bool:
        return (-self).positive

    @property
    def signed(self) -> bool:
        return self.nonnegative or self.nonpositive

    @property
    def cone(self) -> Range:
        """The range of all positive multiples."""
        low = ZERO if self.nonnegative else -oo
        return Range(low, ZERO if self.nonpositive else oo, self.clear)

    def inside(self, low: Any, high: Any) -> bool:
        return bool(self.low >= low and self.high <= high)

    def __neg__(self) -> Range:
        return Range(-self.high, -self.low, self.nonzero)

    def __add__(self, other: Range) -> Range:
        low, high = self.low + other.low, self.high + other.high
        both = self.nonnegative and other.nonnegative
        below = self.nonpositive and other.nonpositive
        apart = (both or below) and (self.clear or other.clear)
        return Range(low, high, apart or bool(low > 0) or bool(high < 0))

    def __mul__(self, other: Range) -> Range:
        ends = [_times(a, b) for a in (self.low, self.high) for b in (other.low, other.high)]
        return Range(min(ends), max(ends), self.clear and other.clear)

    @property
    def clear(self) -> bool:
        """Whether the value is never 0."""
        return self.nonzero or bool(self.low > 0) or bool(self.high < 0)

    def hull(self, other: Range) -> Range:
        return Range(
            min(self.low, other.low), max(self.high, other.high), self.clear and other.clear
        )

    def within(self, low: Any, high: Any, nonzero: bool = False) -> Range:
        """What also lies between these."""
        return Range(max(self.low, low), min(self.high, high), self.nonzero or nonzero)

    def power(self, exponent: Any) -> Range:
        """The range of ``value**exponent``, where that is a real number."""
        if exponent.is_Integer and exponent % 2 == 0 and not self.nonnegative:
            size = Range(ZERO, max(-self.low, self.high), self.clear)
            return size.power(exponent)
        if not self.nonnegative:
            if exponent.is_Integer and exponent > 0:
                return Range(_raised(self.low, exponent), _raised(self.high, exponent), self.clear)
            whole = exponent.is_Integer or not exponent.is_number
            if whole:
                return -(-self).power(exponent) if self.nonpositive else Range(nonzero=True)
            return Range(ZERO, oo, bool(exponent.is_negative) or self.clear)
        if exponent.is_Rational and exponent > 0:
            return Range(
                _between(_raised(self.low, exponent))[0],
                _between(_raised(self.high, exponent))[1],
                self.clear,
            )
        low: Any = ZERO
        if exponent.is_Rational and self.high != 0:
            low = _between(_raised(self.high, exponent))[0] if self.high != oo else ZERO
        high = oo
        if exponent.is_Rational and exponent < 0 and self.low > 0:
            high = _between(_raised(self.low, exponent))[1]
        return Range(low, high, self.clear or bool(exponent.is_negative))


def _times(a: Any, b: Any) -> Any:
    return ZERO if a == 0 or b == 0 else a * b


def _raised(a: Any, exponent: Any) -> Any:
    if a in (oo, -oo):
        return oo if a == oo or exponent % 2 == 0 else -oo
    return a**exponent


def _between(value: Any) -> tuple[Any, Any]:
    """Rational numbers about a real number."""
    if value in (oo, -oo) or value.is_Rational:
        return value, value
    size = N(value, 30)
    if not size.is_Float:
        return -oo, oo
    scaled = floor(size * FINE)
    return Rational(scaled - 1, FINE), Rational(scaled + 2, FINE)


def of_number(value: Any) -> Range:
    """The range of an exact number."""
    low, high = _between(value)
    return Range(low, high, bool(low > 0) or bool(high < 0))


ANY = Range()
POSITIVE = Range(ZERO, oo, True)
NONNEGATIVE = Range(ZERO, oo)
UNIT = Range(ZERO, ONE)
SIGNED_UNIT = Range(-ONE, ONE)

#: What an assumption says of the entries.
ASSUMED = {
    "positive": POSITIVE,
    "nonnegative": NONNEGATIVE,
    "unit_interval": UNIT,
    "binary": UNIT,
    "greater_than_one": Range(ONE, oo, True),
}


def of_assumptions(names: Iterable[str]) -> Range:
    """The range of the entries of an input."""
    found = Range()
    for name in names:
        known = ASSUMED.get(name, Range())
        found = found.within(known.low, known.high, known.nonzero)
    return found


