"""Extremes of a function of one number: exact where its slope has known roots, else enclosed.

A function that is piecewise is taken apart.  If the slope of a piece is a polynomial times what
has no root, the extremes are at its roots or at the ends.  Otherwise, where the function is a
quotient of polynomials in ``X = |x|``, ``q = exp(-u(X))`` and ``log(1 + q)``, all of which are
positive and monotone, values over small cells lie between those of its monomials at their ends:
cells are halved until the bound is close to a value that is taken, and beyond the last cell the
powers of ``q`` outweigh those of ``X``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sympy import (
    Dummy,
    Integer,
    Poly,
    PolynomialError,
    Pow,
    Rational,
    ceiling,
    exp,
    expand,
    fraction,
    limit,
    log,
    oo,
    radsimp,
    real_roots,
    solveset,
    together,
)
from sympy import S as Sets

from mathdl.scalar import COMPARISONS, abs_, maximum, minimum, relu, sign, where
from mathdl.scalar.lower import define as defined

FAR = 60  # where the tail begins, in multiples of the least rate
CLOSE = 1e-7  # how close a bound comes to a value
ROUND = 10**5  # bounds are multiples of its inverse
ROUNDOFF = 1e-11
MAX_CELLS = 200_000

Bounds = tuple[Any, Any]


def over_line(expr: Any, x: Any) -> Bounds | None:
    """The least and the greatest value for real ``x``, exact or bounds from outside."""
    try:
        found = [_of_piece(*piece, x) for piece in _pieces(expr, x)]
    except (NotImplementedError, PolynomialError, ValueError):
        return None
    known = [f for f in found if f is not None]
    if not known or len(known) < len(found):
        return None
    return min(low for low, _ in known), max(high for _, high in known)


# -- pieces -------------------------------------------------------------------------------------


_CHOOSING = (*COMPARISONS, sign, abs_, relu, maximum, minimum, where)


def _pieces(expr: Any, x: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Smooth pieces, each with its ends."""
    points: set[Any] = set()
    for node in expr.atoms(*_CHOOSING):
        for part in _switches(node):
            if x in part.free_symbols:
                points |= {r for r in solveset(part, x, Sets.Reals) if r.is_real}
    ends = [-oo, *sorted(points), oo]
    for low, high in pairwise(ends):
        inner = _between(low, high)
        yield expr.replace(
            lambda n: isinstance(n, _CHOOSING), lambda n, at=inner: _chosen(n, x, at)), low, high


def _switches(node: Any) -> list[Any]:
    """What is 0 where the choice changes."""
    if isinstance(node, (*COMPARISONS, maximum, minimum)):
        return [node.args[0] - node.args[1]]
    return [] if isinstance(node, where) else [node.args[0]]


def _between(low: Any, high: Any) -> Any:
    if low == -oo:
        return Integer(0) if high == oo else high - 1
    return low + 1 if high == oo else (low + high) / 2


def _chosen(node: Any, x: Any, at: Any) -> Any:
    """What a choice is about the point ``at``."""
    args = node.args
    if isinstance(node, where):
        return args[1] if args[0].subs(x, at) != 0 else args[2]
    if isinstance(node, COMPARISONS):
        return Integer(bool(defined(node.subs(x, at)) != 0))
    if isinstance(node, (maximum, minimum)):
        first = (args[0] - args[1]).subs(x, at) > 0
        return args[0] if bool(first) == isinstance(node, maximum) else args[1]
    positive = bool(args[0].subs(x, at) > 0)
    if isinstance(node, sign):
        return Integer(1 if positive else -1)
    return args[0] if positive else -args[0] if isinstance(node, abs_) else Integer(0)


def _of_piece(expr: Any, low: Any, high: Any, x: Any) -> Bounds | None:
    expr = defined(expr)
    exact = _at_roots(expr, low, high, x)
    if exact is not None:
        return exact
    return _enclosed(expr, x) if (low, high) == (-oo, oo) else None


def _at_roots(expr: Any, low: Any, high: Any, x: Any) -> Bounds | None:
    """By the roots of the slope, a polynomial times exponentials."""
    if any(p.exp.is_negative and p.base.has(exp) for p in expr.atoms(Pow)):
        return None
    slope = together(expr.diff(x)).factor()
    roots: list[Any] = []
    for factor in slope.as_ordered_factors():
        base = factor.base if factor.is_Pow and factor.exp.is_Integer else factor
        if x not in base.free_symbols or isinstance(base, exp):
            continue
        if not base.is_polynomial(x):
            return None
        roots += [r for r in real_roots(Poly(base, x)) if low < r < high]
    ends = [limit(expr, x, low, "+"), limit(expr, x, high, "-")]
    values = [*(expr.subs(x, r) for r in roots), *ends]
    if not all(v.is_extended_real for v in values):
        return None
    return min(values), max(values)


# -- enclosures ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Monomials:
    """A polynomial in ``X``, ``q`` and ``log(1 + q)``: exponents, and coefficients as floats."""

    powers: Any
    weights: Any

    @classmethod
    def of(cls, expr: Any, *symbols: Any) -> Monomials:
        terms = Poly(expr, *symbols).terms()
        return cls(np.array([p for p, _ in terms]), np.array([float(c) for _, c in terms]))

    def between(self, low: Any, high: Any) -> tuple[Any, Any]:
        """Bounds over cells, of which the corners are columns."""
        least, most = (np.prod(c[:, None, :] ** self.powers.T[:, :, None], axis=0)
                       for c in (low, high))
        plus, minus = self.weights.clip(0), (-self.weights).clip(0)
        return plus @ least - minus @ most, plus @ most - minus @ least

    def tail(self, far: float, rate: float) -> tuple[float, float] | None:
        """Its limit, and how far from it, for ``X >= far`` and ``q <= exp(-rate X)``."""
        still = (self.powers == 0).all(axis=1)
        falling = self.powers[:, 1:].sum(axis=1)
        if ((falling == 0) & ~still).any() or (
            self.powers[:, 0] > falling * rate * far
        ).any():
            return None
        sizes = far ** self.powers[:, 0] * np.exp(-rate * far * falling)
        return float(self.weights[still].sum()), float(abs(self.weights[~still]) @ sizes[~still])


def _enclosed(expr: Any, x: Any) -> Bounds | None:
    """Over both halves of the line."""
    found = [_half(expr.subs(x, side * x), x) for side in (1, -1)]
    if None in found:
        return None
    low = min(f[0] for f in found if f)
    high = max(f[1] for f in found if f)
    return Rational(-ceiling(-low * ROUND), ROUND), Rational(ceiling(high * ROUND), ROUND)


def _half(expr: Any, x: Any) -> tuple[float, float] | None:
    """Over ``x >= 0``."""
    form = _in_falling(expr, x)
    if form is None:
        return None
    top, bottom, rate, decay = form
    far = FAR / rate
    tails = [p.tail(far, rate) for p in (top, bottom)]
    if tails[0] is None or tails[1] is None or abs(tails[1][0]) <= 2 * tails[1][1]:
        return None
    (limit_, apart), (over, slack) = tails[0], tails[1]
    spread = (apart + abs(limit_ / over) * slack) / (abs(over) - slack)

    def quotient(a: Any, b: Any) -> tuple[Any, Any]:
        least, most = decay(b), decay(a)
        low = np.stack([a, least, np.log1p(least)])
        high = np.stack([b, most, np.log1p(most)])
        return _divided(top.between(low, high), bottom.between(low, high))

    ends = []
    for side in (1, -1):
        bound = _greatest(quotient, side, far)
        if bound is None:
            return None
        ends.append(side * max(bound, side * limit_ / over + spread))
    return ends[1], ends[0]


def _in_falling(
    expr: Any, x: Any
) -> tuple[Monomials, Monomials, float, Callable[[Any], Any]] | None:
    """Numerator and denominator by ``X``, ``q`` and ``log(1 + q)``, the rate and ``q`` of ``X``."""
    q, soft = Dummy("q", positive=True), Dummy("l", positive=True)
    expr = expr.rewrite(exp)
    powers = sorted((e.args[0] for e in expr.atoms(exp)), key=lambda e: len(str(e)))
    if not powers:
        return None
    u = expand(powers[0])
    poly = Poly(u, x)
    u = u if poly.LC() > 0 else -u
    rates = Poly(u, x).all_coeffs()
    if any(r < 0 for r in rates) or rates[-1] != 0 or len(rates) < 2 or rates[-2] <= 0:
        return None
    ratios = {p: radsimp(Poly(expand(p), x).LC() / Poly(u, x).LC()) for p in powers}
    if any(not r.is_Integer or expand(p - r * u) != 0 for p, r in ratios.items()):
        return None
    plain = expr.xreplace({exp(p): q**-r for p, r in ratios.items()})
    for inner in set(plain.atoms(log)):
        rest = (inner.args[0] * q).expand()
        if expand(inner.args[0] - 1 - q) == 0:
            plain = plain.xreplace({inner: soft})
        elif expand(rest - 1 - q) == 0:
            plain = plain.xreplace({inner: u + soft})
    top, bottom = fraction(together(plain.evalf(30)))
    if (top.free_symbols | bottom.free_symbols) - {x, q, soft}:
        return None
    at = [float(r) for r in rates]
    return (Monomials.of(top, x, q, soft), Monomials.of(bottom, x, q, soft), at[-2],
            lambda value: np.exp(-np.polyval(at, value)))


def _divided(top: tuple[Any, Any], bottom: tuple[Any, Any]) -> tuple[Any, Any]:
    """Bounds of a quotient; infinite where the denominator may be 0."""
    ends = [a / b for a in top for b in bottom]
    low, high = np.minimum.reduce(ends), np.maximum.reduce(ends)
    clear = bottom[0] * bottom[1] > 0
    return np.where(clear, low, -np.inf), np.where(clear, high, np.inf)


def _greatest(quotient: Any, side: int, far: float) -> float | None:
    """A bound from above of ``side`` times a function, close to a value, by halving cells."""
    edges = np.linspace(0, far, 2001)
    low, high = edges[:-1], edges[1:]
    best = -np.inf
    while len(low) < MAX_CELLS:
        with np.errstate(all="ignore"):
            bounds = quotient(low, high)
            middle = (low + high) / 2
            value = quotient(middle, middle)
        most = bounds[1] if side == 1 else -bounds[0]
        best = max(best, float(np.nanmax(value[0] if side == 1 else -value[1])))
        room = CLOSE + ROUNDOFF * (1 + abs(best))
        active = ~(most <= best + room)
        if not active.any():
            return best + 2 * room
        low, high, middle = low[active], high[active], middle[active]
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
    return None
