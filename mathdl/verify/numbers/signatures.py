"""Signatures of all numbers: constants, variables, roots and functions as residues."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from fractions import Fraction
from hashlib import blake2b
from typing import Any

import mpmath
import sympy

from mathdl.errors import DomainError, UnsupportedError
from mathdl.verify.numbers.digits import FUNCTIONS
from mathdl.verify.numbers.objects import ObjectNumbers
from mathdl.verify.numbers.residues import (
    COFACTORS,
    DIGITS,
    Deeper,
    Residue,
    Unlucky,
    primes,
    rational,
)


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
            self._generator(p, c) for p, c in zip(self.moduli[1:], COFACTORS, strict=False)
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
            "besseli": lambda n, x: self._variable("besseli", x, int(n)),
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
            return rational(Fraction(int(value.p), int(value.q)), self.count)

    def variable(self, real: Any) -> Residue:
        """A variable of its own with this real value; a positive one has a logarithm."""
        if real > 0:
            return self.exp(self._free(mpmath.log(real)), bottom=True, degree=1)
        return self._free(real)

    def _free(self, real: Any) -> Residue:
        levels = tuple(self.random.randrange(p) for p in self.moduli)
        return Residue(levels, mpmath.mpf(real), (1, 0))

    def lift(self, value: Any) -> Residue:
        return value if isinstance(value, Residue) else rational(Fraction(value), self.count)

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
            "besseli": lambda y: mpmath.besseli(order, y),
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
