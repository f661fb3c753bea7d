r"""Numbers as signatures: residues modulo large primes, beside a real value of many digits.

An expression that is identically zero has the residue 0 at any point; one that is not has it at a
random point with a tiny probability.  For rational functions that is the lemma of Schwartz and
Zippel: at most ``degree/|S|`` when the variables are drawn from a set ``S``.

* Logarithms, ``erf``, gamma functions and angles stand for variables of their own, one for each
  argument (up to its sign): nothing but what is algebraic is used of them.
* Exponentials turn sums into products: ``exp(u)`` modulo ``p`` is ``g^u`` with ``u`` modulo the
  prime order of ``g``, a divisor of ``p - 1`` (Gonnet, Determining equivalence of expressions in
  random polynomial time, STOC 1984).  So primes come in a chain, each order a prime in turn, as
  deep as exponentials are nested.
* Roots are those among squares: of the primes half the residues, a group of odd order, in which
  every root is unique.  A radicand that is no square asks for another point.

Comparisons are decided by the real value: a proof is about the region of the real point, in which
no case distinction changes.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import sympy

from mathdl.errors import DomainError

DIGITS = 60
#: Real numbers nearer than this, relative to their size, are the same or on a kink.
NEAR = mpmath.mpf(10) ** -30
#: Variables are drawn from at least so many residues.
CHOICES = 2**149
MAX_LEVELS = 12
_BOTTOM = 2**150 + 23767
COFACTORS = (8978, 22802, 3050, 9770, 19538, 1130, 18338, 4562, 10442, 5930, 2810)


@cache
def primes() -> tuple[int, ...]:
    """``p[k+1] = c*p[k] + 1``; each is 7 modulo 8, and 2, 3, 5, 7, 11 are squares modulo it."""
    chain = [_BOTTOM]
    for c in COFACTORS:
        chain.append(c * chain[-1] + 1)
    return tuple(chain)


class Unlucky(Exception):
    """Something has no signature at this point; another one may do."""


class Deeper(Exception):
    """More levels are needed."""


class Residue:
    """A number: a residue for each level (None where there is none), and its real value.

    ``degree`` bounds those of numerator and denominator; ``parts`` are factors with exponents, if
    it is known as a product; ``exponent`` is what it is the exponential of.
    """

    __slots__ = ("degree", "exponent", "levels", "parts", "real")

    def __init__(
        self, levels: tuple[int | None, ...], real: Any, degree: tuple[int, int] = (0, 0),
        parts: tuple[tuple[Residue, Fraction], ...] = (), exponent: Residue | None = None,
    ) -> None:
        self.levels, self.real, self.degree = levels, real, degree
        self.parts, self.exponent = parts, exponent

    @property
    def top(self) -> int | None:
        return self.levels[-1]

    def factors(self) -> tuple[tuple[Residue, Fraction], ...]:
        return self.parts or ((self, Fraction(1)),)

    def powers(self) -> list[tuple[Residue, Fraction]]:
        """Its factors, each once."""
        found: dict[tuple[int | None, ...], tuple[Residue, Fraction]] = {}
        for number, (factor, q) in enumerate(self.factors()):
            key = factor.levels if factor.top is not None else (number,)
            found[key] = (factor, q + (found[key][1] if key in found else 0))
        return [(factor, q) for factor, q in found.values() if q]

    # -- arithmetic --------------------------------------------------------------------------

    def __add__(self, other: Any) -> Residue:
        other = _lifted(other, self)
        (n, d), (m, e) = self.degree, other.degree
        return Residue(
            _levelwise(lambda a, b, p: (a + b) % p, self, other), self.real + other.real,
            (max(n + e, m + d), d + e),
        )

    def __neg__(self) -> Residue:
        return self * -1

    def __sub__(self, other: Any) -> Residue:
        return self + -_lifted(other, self)

    def __rsub__(self, other: Any) -> Residue:
        return _lifted(other, self) - self

    def __mul__(self, other: Any) -> Residue:
        other = _lifted(other, self)
        (n, d), (m, e) = self.degree, other.degree
        parts = (*self.factors(), *other.factors())
        return Residue(
            _levelwise(lambda a, b, p: a * b % p, self, other), self.real * other.real,
            (n + m, d + e), parts if len(parts) <= MANY else (),
        )

    def __truediv__(self, other: Any) -> Residue:
        other = _lifted(other, self)
        if other.real == 0:
            raise DomainError("a division by zero")
        (n, d), (m, e) = self.degree, other.degree
        parts = (*self.factors(), *((f, -q) for f, q in other.factors()))
        return Residue(
            _levelwise(_quotient, self, other), self.real / other.real, (n + e, d + m),
            parts if len(parts) <= MANY else (),
        )

    def __rtruediv__(self, other: Any) -> Residue:
        return _lifted(other, self) / self

    __radd__, __rmul__ = __add__, __mul__

    # -- order -------------------------------------------------------------------------------

    def _sign(self, other: Any) -> int:
        """Of the difference."""
        other = _lifted(other, self)
        if self.top is not None and self.levels == other.levels:
            return 0
        difference = self.real - other.real
        if abs(difference) > NEAR * (abs(self.real) + abs(other.real)):
            return 1 if difference > 0 else -1
        raise DomainError("a kink")

    def __lt__(self, other: Any) -> bool:
        return self._sign(other) < 0

    def __le__(self, other: Any) -> bool:
        return self._sign(other) <= 0

    def __gt__(self, other: Any) -> bool:
        return self._sign(other) > 0

    def __ge__(self, other: Any) -> bool:
        return self._sign(other) >= 0

    def __eq__(self, other: object) -> bool:
        return self._sign(other) == 0

    __hash__ = None  # type: ignore[assignment]

    def __abs__(self) -> Residue:
        return self if self.real >= 0 else -self

    def __int__(self) -> int:
        return int(mpmath.nint(self.real))


FACTORED = 10**9  # constants below are known by their prime factors
MANY = 16  # factors beyond which a product is a number like any other


def _levelwise(
    law: Callable[[int, int, int], int], a: Residue, b: Residue
) -> tuple[int | None, ...]:
    return tuple(
        None if x is None or y is None else law(x, y, p)
        for x, y, p in zip(a.levels, b.levels, primes(), strict=False)
    )


def _quotient(a: int, b: int, p: int) -> int:
    if b == 0:
        raise DomainError("a denominator vanishes")
    return a * pow(b, -1, p) % p


def _lifted(value: Any, like: Residue) -> Residue:
    if isinstance(value, Residue):
        return value
    return rational(Fraction(value), len(like.levels))


@cache
def rational(value: Fraction, count: int) -> Residue:
    levels = tuple(value.numerator * pow(value.denominator, -1, p) % p
                   for p in primes()[:count])
    real = mpmath.mpf(value.numerator) / value.denominator
    parts: tuple[tuple[Residue, Fraction], ...] = ()
    if 0 < abs(value.numerator) < FACTORED and value.denominator < FACTORED:
        found = sympy.factorrat(sympy.Rational(value.numerator, value.denominator))
        if value not in found:  # neither a prime nor -1
            parts = tuple((rational(Fraction(int(f)), count), Fraction(int(q)))
                          for f, q in found.items())
    return Residue(levels, real, (0, 0), parts)
