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

import math
import random
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache
from hashlib import blake2b
from typing import Any

import mpmath
import sympy

from mathdl.errors import DomainError, UnsupportedError
from mathdl.verify.numbers.digits import FUNCTIONS
from mathdl.verify.numbers.objects import ObjectNumbers

DIGITS = 60
#: Real numbers nearer than this, relative to their size, are the same or on a kink.
NEAR = mpmath.mpf(10) ** -30
#: Variables are drawn from at least so many residues.
CHOICES = 2**149
MAX_LEVELS = 12
_BOTTOM = 2**150 + 23767
_COFACTORS = (8978, 22802, 3050, 9770, 19538, 1130, 18338, 4562, 10442, 5930, 2810)


@cache
def primes() -> tuple[int, ...]:
    """``p[k+1] = c*p[k] + 1``; each is 7 modulo 8, and 2, 3, 5, 7, 11 are squares modulo it."""
    chain = [_BOTTOM]
    for c in _COFACTORS:
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
    return _rational(Fraction(value), len(like.levels))


@cache
def _rational(value: Fraction, count: int) -> Residue:
    levels = tuple(value.numerator * pow(value.denominator, -1, p) % p
                   for p in primes()[:count])
    real = mpmath.mpf(value.numerator) / value.denominator
    parts: tuple[tuple[Residue, Fraction], ...] = ()
    if 0 < abs(value.numerator) < FACTORED and value.denominator < FACTORED:
        found = sympy.factorrat(sympy.Rational(value.numerator, value.denominator))
        if value not in found:  # neither a prime nor -1
            parts = tuple((_rational(Fraction(int(f)), count), Fraction(int(q)))
                          for f, q in found.items())
    return Residue(levels, real, (0, 0), parts)


class Signatures(ObjectNumbers):
    """Numbers with ``count`` levels at the random point ``seed``.

    ``used`` names the functions that stand for variables of their own, or ``exp``; ``roots`` are
    the degrees of the roots that were taken; ``unlucky`` says that some level had none.
    """

    kind = Residue

    def __init__(self, count: int, seed: int) -> None:
        super().__init__()
        self.count, self.seed = count, seed
        self.moduli = primes()[:count]
        self.random = random.Random(seed)
        self.used: set[str] = set()
        self.unlucky = False
        self.roots: dict[tuple[int | None, int], int] = {}
        self.generators = [1] + [
            self._generator(p, c) for p, c in zip(self.moduli[1:], _COFACTORS, strict=False)
        ]
        self.functions = {
            "exp": self.exp, "log": self.log, "sinh": lambda x: self._hyperbolic(x, -1) / 2,
            "cosh": lambda x: self._hyperbolic(x, 1) / 2, "tanh": self._tanh,
            "sin": lambda x: self._angle(x)[0], "cos": lambda x: self._angle(x)[1],
            "tan": self._tan, "asin": self._odd("asin"), "atan": self._odd("atan"),
            "acos": lambda x: self.constant(sympy.pi) / 2 - self._odd("asin")(x),
            "erf": self._odd("erf"), "erfc": lambda x: 1 - self._odd("erf")(x),
            "loggamma": lambda x: self._variable("loggamma", x),
            "polygamma": lambda n, x: self._variable("polygamma", x, int(n)),
            "Abs": abs, "floor": lambda x: self.constant(sympy.Integer(int(FUNCTIONS["floor"](
                x.real)))),
            "Mod": lambda a, b: a - b * self.functions["floor"](a / b),
        }

    def _generator(self, p: int, cofactor: int) -> int:
        """A random element of the subgroup of prime order ``(p - 1)/cofactor``."""
        return pow(self.random.randrange(2, p), cofactor, p)

    def at_work(self) -> Any:
        return mpmath.workdps(DIGITS)

    # -- what numbers there are ----------------------------------------------------------------

    def constant(self, value: Any) -> Residue:
        if value == sympy.E:
            return self.exp(self.constant(sympy.Integer(1)))
        with self.at_work():
            if value == sympy.pi:
                return self._variable("pi", self.constant(sympy.Integer(1)), positive=True)
            return _rational(Fraction(int(value.p), int(value.q)), self.count)

    def variable(self, real: Any) -> Residue:
        """A variable of its own with this real value; a positive one has a logarithm."""
        if real > 0:
            return self.exp(self._free(mpmath.log(real)), bottom=True, degree=1)
        return self._free(real)

    def _free(self, real: Any) -> Residue:
        levels = tuple(self.random.randrange(p) for p in self.moduli)
        return Residue(levels, mpmath.mpf(real), (1, 0))

    def lift(self, value: Any) -> Residue:
        return value if isinstance(value, Residue) else _rational(Fraction(value), self.count)

    def size(self, value: Residue) -> Any:
        return 0 if value == 0 else abs(value.real)

    # -- functions ---------------------------------------------------------------------------

    def power(self, base: Residue, exponent: Any) -> Residue:
        q = Fraction(int(exponent.p), int(exponent.q))
        if q.denominator == 1:
            return self._whole(base, q.numerator)
        if not base > 0:
            if base == 0 and q > 0:
                return base
            raise DomainError("a root of a negative number, or a pole")
        result = self.constant(sympy.Integer(1))
        for factor, e in base.powers():
            size = abs(factor)
            if factor.exponent is not None:
                result = result * self.exp(factor.exponent * (e * q))
            elif (e * q).denominator == 1:
                result = result * self._whole(size, (e * q).numerator)
            else:
                result = result * self._root(size, e * q)
        return result

    def _whole(self, base: Residue, n: int) -> Residue:
        if n < 0 and base.real == 0:
            raise DomainError("a division by zero")
        if n < 0 and any(r == 0 for r in base.levels):
            raise DomainError("a denominator vanishes")
        a, b = (abs(n) * d for d in base.degree)
        return Residue(
            tuple(None if r is None else pow(r, n, p)
                  for r, p in zip(base.levels, self.moduli, strict=True)),
            base.real**n, (a, b) if n >= 0 else (b, a),
            tuple((f, q * n) for f, q in base.factors()) if n else (),
        )

    def _root(self, base: Residue, q: Fraction) -> Residue:
        levels: list[int | None] = []
        for r, p in zip(base.levels, self.moduli, strict=True):
            order = (p - 1) // 2
            square = r is not None and pow(r, order, p) == 1
            if r is None or not square or math.gcd(q.denominator, order) != 1:
                levels.append(None)
                self.unlucky |= r is not None
            else:
                power = q.numerator * pow(q.denominator, -1, order) % order
                levels.append(pow(r, power, p))
        if base.top is None:
            raise Deeper
        if levels[-1] is None and base.degree == (0, 0):
            raise UnsupportedError(f"{mpmath.nstr(base.real, 8)} has no root among the residues")
        if levels[-1] is None:
            raise Unlucky("a radicand is no square")
        self.roots[base.top, q.denominator] = q.denominator
        n, d = (-int(-abs(q) * x // 1) for x in base.degree)
        return Residue(
            tuple(levels), mpmath.power(base.real, mpmath.mpf(q.numerator) / q.denominator),
            (n, d) if q > 0 else (d, n), ((base, q),),
        )

    def exp(self, u: Residue, *, bottom: bool = False, degree: int = 0) -> Residue:
        """``g^u``; what is free at the ``bottom`` is a random square there."""
        if not degree:
            if u == 0:
                return self.constant(sympy.Integer(1))
            self.used.add("exp")
        levels: list[int | None] = [
            pow(self.random.randrange(2, self.moduli[0]), 2, self.moduli[0]) if bottom else None
        ]
        for below, g, p in zip(u.levels, self.generators[1:], self.moduli[1:], strict=False):
            levels.append(None if below is None else pow(g, below, p))
        real = FUNCTIONS["exp"](u.real)
        return Residue(tuple(levels), real, (1, 0), exponent=u)

    def log(self, x: Residue) -> Residue:
        """The logarithm of the size, of a product by its factors."""
        if not x > 0:
            raise DomainError("a logarithm of a number that is not positive")
        result = self.lift(0)
        for factor, e in x.powers():
            if factor.exponent is not None:
                result = result + factor.exponent * e
            elif (size := abs(factor)) != 1:
                result = result + self._variable("log", size) * e
        return result

    def _variable(
        self, name: str, x: Residue, order: int = 0, positive: bool = False
    ) -> Residue:
        """What stands for a function of ``x``: a residue drawn by name and argument."""
        if name != "pi":
            self.used.add(name)
        levels: list[int | None] = []
        for k, (r, p) in enumerate(zip(x.levels, self.moduli, strict=True)):
            text = f"{self.seed} {name} {order} {k} {r}".encode()
            drawn = int.from_bytes(blake2b(text, digest_size=48).digest()) % p
            levels.append(None if r is None else pow(drawn, 2, p) if positive else drawn)
        others: dict[str, Callable[[Any], Any]] = {
            "pi": lambda _: +mpmath.pi, "polygamma": lambda y: mpmath.psi(order, y),
            "half angle": lambda y: mpmath.tan(y / 2),
        }
        real = (others.get(name) or FUNCTIONS[name])(x.real)
        return Residue(tuple(levels), real, (0 if name == "pi" else 1, 0))

    def _odd(self, name: str) -> Callable[[Residue], Residue]:
        def call(x: Residue) -> Residue:
            if x == 0:
                return self.lift(0)
            return self._variable(name, x) if x > 0 else -self._variable(name, -x)

        return call

    def _hyperbolic(self, x: Residue, sign: int) -> Residue:
        return self.exp(x) + self.exp(-x) * sign

    def _tanh(self, x: Residue) -> Residue:
        return self.lift(1) - self.lift(2) / (self.exp(x * 2) + 1)

    def _angle(self, x: Residue) -> tuple[Residue, Residue]:
        """Sine and cosine by the tangent of half the angle."""
        t = self._odd("half angle")(x)
        square = t * t
        return t * 2 / (square + 1), (-square + 1) / (square + 1)

    def _tan(self, x: Residue) -> Residue:
        sine, cosine = self._angle(x)
        return sine / cosine

    # -- error probability ----------------------------------------------------------------------

    def degree(self, numbers: Iterable[Residue]) -> int:
        """Of the largest numerator, over all conjugates of the roots."""
        conjugates = 1
        for q in self.roots.values():
            conjugates *= q
        return max((sum(x.degree) for x in numbers), default=0) * conjugates
