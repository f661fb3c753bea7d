"""Whether an expression in a few quantities is nonnegative wherever they may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sympy import (
    Add,
    Dummy,
    Mul,
    PoleError,
    Pow,
    Rational,
    cancel,
    cosh,
    exp,
    expand,
    factor_terms,
    factorial,
    limit,
    log,
    nan,
    preorder_traversal,
    sinh,
    tanh,
)

from mathdl.convexity.body import Body
from mathdl.convexity.nature import constant
from mathdl.convexity.ranges import Range
from mathdl.scalar.special import digamma, polygamma

MAX_SIZE = 40  # of what is differentiated, and of what has a limit taken
MAX_DEPTH = 3
_SAMPLES = (Rational(1, 50), Rational(1, 3), Rational(3, 4), Rational(2), Rational(7))

def _digamma_bounds(x: Any) -> tuple[Any, Any]:
    return log(x) - 1 / x, log(x) - 1 / (2 * x)


def _polygamma_bounds(order: Any, x: Any) -> tuple[Any, Any] | None:
    """Of ``|psi^(n)|``, that is ``(-1)**(n + 1) psi^(n)``, turned over for even orders."""
    if not order.is_Integer or order < 1:
        return None
    first, second = factorial(order - 1) / x**order, factorial(order) / x ** (order + 1)
    ends = first + second / 2, first + second
    return ends if order % 2 else (-ends[1], -ends[0])


#: Below and above, for positive arguments: Qi and Guo, Refinements of lower bounds for polygamma
#: functions, 2013, eqs. 1.1 and 1.2.
BOUNDS: dict[Any, Any] = {digamma: _digamma_bounds, polygamma: _polygamma_bounds}


def is_nonnegative(expr: Any, walk: Body, depth: int = MAX_DEPTH) -> bool:
    """By its range in one of several forms, by bounds, or as it rises from an end or falls to one.
    """
    forms = list(_forms(expr))
    if any(walk(form).range.nonnegative for form in forms):
        return True
    plain = forms[-1]
    if not depth or _size(plain) > MAX_SIZE:
        return False
    return any(law(plain, walk, depth - 1) for law in (_by_factors, _by_bounds, _by_slope))


def is_positive(expr: Any, walk: Body) -> bool:
    """By its range, or as it rises from 0."""
    if walk(expr).range.positive:
        return True
    moving = _moving(expr, walk)
    if len(moving) != 1 or expr.free_symbols != moving or _size(expr) > MAX_SIZE:
        return False
    (x,) = moving
    slope = expr.diff(x)
    return any(
        any(walk(form).range.positive for form in _forms(sign * slope))
        and _at_end(expr, x, end, sign)
        for sign, end in ((1, walk(x).range.low), (-1, walk(x).range.high))
    )


def _forms(expr: Any) -> Iterator[Any]:
    """Equal forms of an expression, one of which may show its sign."""
    yield expr
    yield expand(expr)
    yield factor_terms(expr)
    yield cancel(expr).factor()


def _size(expr: Any) -> int:
    return sum(1 for _ in preorder_traversal(expr))


def _moving(expr: Any, walk: Body) -> set[Any]:
    return {s for s in expr.free_symbols if not walk(s).constant or s in walk.free}


def _by_factors(expr: Any, walk: Body, depth: int) -> bool:
    """A product of which all factors but one have known signs."""
    if not isinstance(expr, Mul):
        return False
    known = [a for a in expr.args if walk(a).range.signed]
    other = [a for a in expr.args if a not in known]
    if len(other) != 1 or not known:
        return False
    sign = -1 if sum(walk(a).range.nonpositive for a in known) % 2 else 1
    return is_nonnegative(sign * other[0], walk, depth)


def _by_bounds(expr: Any, walk: Body, depth: int) -> bool:
    """With a special function, of which it is a linear function, bounded."""
    for node in expr.atoms(*BOUNDS):
        factor = expand(expr).coeff(node)
        rest = expand(expr - factor * node)
        if factor.has(node.func) or rest.has(node) or not walk(node.args[-1]).range.positive:
            continue
        weight = walk(factor.factor()).range
        ends = BOUNDS[node.func](*node.args)
        if ends is not None and weight.signed:
            bound = ends[0 if weight.nonnegative else 1]
            if is_nonnegative(factor * bound + rest, walk, depth):
                return True
    return False


def _by_slope(expr: Any, walk: Body, depth: int) -> bool:
    """A function of one quantity that rises from an end where it is not negative."""
    moving = _moving(expr, walk)
    if len(moving) != 1 or expr.free_symbols != moving:
        return False
    (x,) = moving
    for inner in (exp(x), log(x)):
        q = Dummy("q", real=True)
        plain = expr.subs(inner, q)
        if plain.free_symbols == {q}:
            part = walk(inner)
            local = Body({**walk.parts, q: constant(part.range)}, free=walk.free | {q})
            return _rises(plain, q, local, depth)
    return _rises(expr, x, walk, depth)


def _rises(expr: Any, x: Any, walk: Body, depth: int) -> bool:
    slope = expr.diff(x)
    range = walk(x).range
    return _is_seen(expr, x, range) and any(
        _is_seen(sign * slope, x, range) and _at_end(expr, x, end, sign)
        and is_nonnegative(sign * slope, walk, depth)
        for sign, end in ((1, range.low), (-1, range.high))
    )


def _is_seen(expr: Any, x: Any, range: Range) -> bool:
    """Whether some values are not negative: to try nothing in vain."""
    points = [p for s in _SAMPLES for p in (s, -s, range.low + s, range.high - s)
              if p.is_finite and range.low < p < range.high]
    values = [expr.xreplace({x: p}).evalf() for p in points]
    return all(v.is_extended_real and v >= 0 for v in values)


_ELEMENTARY = (Add, Mul, Pow, exp, log, sinh, cosh, tanh)


def _at_end(expr: Any, x: Any, end: Any, sign: int) -> bool:
    """Whether an elementary function is not negative at an end of its interval."""
    if not all(isinstance(n, _ELEMENTARY) or not n.args for n in preorder_traversal(expr)):
        return False
    value = expr.subs(x, end) if end.is_finite else nan
    if not value.is_finite:
        try:
            value = limit(expr, x, end, "+" if sign == 1 else "-")
        except (NotImplementedError, PoleError, ValueError):
            return False
    return bool(value.is_extended_nonnegative)
