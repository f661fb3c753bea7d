"""Differences that vanish at 0, by their Taylor polynomial there.

``(e^x - 1)/x`` has the derivative ``(x e^x - e^x + 1)/x**2``, in floats 0/0 next to 0; so have
``(1 - cos x)/x**2``, ``x - log(1 + x)``, ``sqrt(1 + x) - 1`` and ``log(x + sqrt(1 + x**2))``.  Near
0 they are computed as polynomials (quotients of polynomials in lowest terms), whose coefficients
are Cauchy's integrals
``c_k = 1/(2 pi i) \\oint f(z)/z**(k + 1) dz`` on a circle within which the function is analytic.

This is for what is computed, not for what is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import mpmath
from sympy import (
    Add,
    Function,
    Pow,
    Rational,
    cancel,
    lambdify,
    log,
    nan,
    oo,
    preorder_traversal,
    zoo,
)

from mathdl.ir.build import redefine
from mathdl.ir.index import slot_number
from mathdl.ir.system import rewrite, topological
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar import abs_, lt, where
from mathdl.scalar.lower import define, lower
from mathdl.simplify.conjugates import conjugated
from mathdl.simplify.openings import opened
from mathdl.simplify.uncancelled import contracts

NEAR = (4, 8, 16)  # within 1 over one of these the polynomial is used
CIRCLE, SAMPLES, DIGITS = mpmath.mpf(1) / 2, 128, 60
MOST = 22  # of its powers
PRECISE = mpmath.mpf(10) ** -16  # what is left out, beside the leading term
NOTHING = mpmath.mpf(10) ** -25  # beside the largest term: what the sums leave of 0
PROBE, LOST = mpmath.mpf(10) ** -9, mpmath.mpf(10) ** -5


def near_zero(outputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs with differences of one quantity that vanish at 0 in two cases."""
    activations = {a.tensor for t in topological(outputs) if contracts(t) for a in t.operands}

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        current = redefine(tensor, operands)
        if tensor in activations or any(a.tensor in activations for a in tensor.operands):
            return current
        return opened(current, _in_cases)

    return rewrite(outputs, rule)


@lru_cache(maxsize=8192)
def _in_cases(body: Any) -> Any:
    """The body with its largest parts of one variable that lose digits at 0 by cases."""
    if not body.args:
        return body
    if len(body.free_symbols) == 1 and slot_number(u := next(iter(body.free_symbols))) is not None:
        if not _loses(lower(body), u):
            return body
        if body.is_rational_function(u):
            return cancel(body)
        polynomial = _polynomial(body, u)
        if polynomial is not None:
            near = lt(abs_(u), Rational(1, polynomial[0]))
            return where(near, polynomial[1], conjugated(body))
    if isinstance(body, (where, abs_)):
        return body
    return body.func(*map(_in_cases, body.args))


def _loses(body: Any, u: Any) -> bool:
    """Whether a sum, or a logarithm of one, is next to 0 small beside its terms."""
    if not body.has(Function) and all(
            p.exp.is_Integer and p.exp > 0 for p in body.atoms(Pow)):
        return False
    return any(_lossy(node, u) for node in preorder_traversal(body) if node.has(u))


def _lossy(node: Any, u: Any) -> bool:
    if isinstance(node, Add):
        terms = [_at_probe(t, u) for t in node.args]
        total = _at_probe(node, u)
        return None not in terms and total is not None and (
            abs(total) < LOST * max(map(abs, terms)))
    if isinstance(node, log) and node.has(Add):
        value = _at_probe(node, u)
        return value is not None and abs(value) < LOST
    return False


@lru_cache(maxsize=8192)
def _function(body: Any, u: Any) -> Callable[[Any], Any] | None:
    """The body in numbers of many digits; None where its definition has a case without a value."""
    defined = define(body)
    return None if defined.has(zoo, oo, nan) else lambdify(u, defined, modules="mpmath")


def _at_probe(body: Any, u: Any) -> Any:
    with mpmath.workdps(DIGITS):
        return _value(body, u, PROBE)


def _value(body: Any, u: Any, at: Any) -> Any:
    """The value there; None where it has none, or is no analytic function."""
    function = _function(body, u)
    if function is None:
        return None
    try:
        found = mpmath.mpmathify(function(at))
    except (ZeroDivisionError, ValueError, TypeError, NameError, NotImplementedError):
        return None
    return found if mpmath.isfinite(found) else None


@lru_cache(maxsize=1024)
def _polynomial(body: Any, u: Any) -> tuple[int, Any] | None:
    """The Taylor polynomial at 0 of what is analytic around it, and within 1 over what; or None."""
    if body.has(where, abs_):
        return None
    with mpmath.workdps(DIGITS):
        found = _coefficients(body, u)
        for near in NEAR if found else ():
            sizes = {k: abs(c) / mpmath.mpf(near) ** k for k, c in found.items()}
            first = min(k for k, size in sizes.items() if size > NOTHING * max(sizes.values()))
            last = max(k for k, size in sizes.items() if size > PRECISE * sizes[first])
            if first < 0:
                return None
            if last <= first + MOST:
                return near, _horner({k: _rational(c) for k, c in found.items()
                                      if first <= k <= last and sizes[k]
                                      > NOTHING * sizes[first]}, u)
    return None


def _coefficients(body: Any, u: Any) -> dict[int, Any]:
    """Those of the Laurent series, by sums over points on a circle; none without values there."""
    points = [mpmath.expjpi(mpmath.mpf(2 * j) / SAMPLES) for j in range(SAMPLES)]
    values = [_value(body, u, CIRCLE * z) for z in points]
    if None in values:
        return {}
    return {
        k: mpmath.fsum(v * points[-j * k % SAMPLES] for j, v in enumerate(values)).real
        / SAMPLES / CIRCLE**k
        for k in range(-4, SAMPLES // 2)
    }


def _rational(c: Any) -> Any:
    """The number as a short fraction where it is one to 20 digits."""
    exact = Rational(mpmath.nstr(c, 25))
    short = exact.limit_denominator(10**9)
    return short if abs(short - exact) < abs(exact) / 10**20 else Rational(mpmath.nstr(c, 18))


def _horner(coefficients: dict[int, Any], u: Any) -> Any:
    """``u**a (c_a + u**s (c_b + ...))``, in the powers that occur."""
    powers = sorted(coefficients)
    result = coefficients[powers[-1]]
    for below, above in zip(powers[-2::-1], powers[:0:-1], strict=True):
        result = coefficients[below] + u ** (above - below) * result
    return u ** powers[0] * result
