"""Sums and differences of two exponentials, and the functions that are made of them.

``e^p + e^q`` under a logarithm is ``logaddexp(p, q)``, as a denominator ``sigmoid``, and
``(e^p - e^q)/(e^p + e^q) = tanh((p - q)/2)``: none of them overflows, or loses digits.
"""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

from sympy import Add, Integer, Mul, S, cosh, exp, log, sinh, tanh

from mathdl.scalar import expm1, log1mexp, log_cosh, logaddexp, sigmoid, softplus


class Pair(NamedTuple):
    """``scale*(e^p + sign*e^q)``; the exponent of a number is 0."""

    scale: Any
    p: Any
    q: Any
    sign: int


def pair_of(body: Any) -> Pair | None:
    """A sum of two exponentials of equal weight, if the body is one; its scale is a number."""
    if isinstance(body, expm1):
        return Pair(S.One, body.args[0], S.Zero, -1)
    if isinstance(body, (cosh, sinh)):
        return Pair(S.Half, body.args[0], -body.args[0], 1 if isinstance(body, cosh) else -1)
    if not isinstance(body, Add) or len(body.args) != 2:
        return None
    (a, p), (b, q) = sorted(map(_weighted, body.args), key=lambda t: bool(t[0] < 0))
    if p is None or q is None or p == q or a not in (b, -b) or not a.is_positive:
        return None
    return Pair(a, p, q, 1 if a == b else -1)


def _weighted(term: Any) -> tuple[Any, Any]:
    """``c e^u`` as ``c`` and ``u``."""
    c, rest = term.as_coeff_Mul()
    if rest == 1:
        return c, S.Zero
    return c, rest.args[0] if isinstance(rest, exp) else None


def logarithm_of_pair(body: Any) -> Any:
    """``log(e^p + e^q)`` and ``log(e^p - e^q)``, where ``p > q`` as it is real; or None."""
    flipped = pair_of(-body) if isinstance(-body, expm1) else None
    pair = Pair(S.One, flipped.q, flipped.p, -1) if flipped else pair_of(body)
    if pair is None:
        return None
    scale, p, q, sign = pair
    if sign < 0:
        return log(scale) + p + log1mexp(q - p)
    if S.Zero in (p, q):
        return log(scale) + softplus(p + q)
    if p == -q:
        return log(2 * scale) + log_cosh(_unsigned(p))
    return log(scale) + logaddexp(p, q)


def logarithm_of_sum(body: Any) -> Any:
    """``log(e^p + e^q + e^r) = logaddexp(logaddexp(p, q), r)`` of any terms; or None."""
    terms = [_weighted(t) for t in Add.make_args(body)]
    if len(terms) < 3 or any(u is None or not c.is_positive for c, u in terms):
        return None
    return reduce(logaddexp, (u + log(c) for c, u in terms))


def _unsigned(u: Any) -> Any:
    return -u if u.could_extract_minus_sign() else u


def quotient_of_pairs(product: Any) -> Any:
    """A product with a sum of two exponentials in its denominator, in stable functions."""
    powers = dict(product.as_powers_dict())
    for base, power in powers.items():
        if isinstance(base, sigmoid) and power.is_Integer and power > 0:
            found = _beside_sigmoid(product, base, power, powers)
            if found is not None:
                return found
        below = pair_of(base)
        if below is None or below.sign < 0 or not (power.is_Integer and power < 0):
            continue
        rest = product / base**power
        for other, upper in powers.items():
            above = pair_of(other)
            if above is None or above.sign > 0 or not (upper.is_Integer and 0 < upper <= -power):
                continue
            if {above.p - above.q, above.q - above.p} == {below.p - below.q, below.q - below.p}:
                ratio = above.scale / below.scale * tanh((above.p - above.q) / 2)
                ratio *= exp((above.p + above.q - below.p - below.q) / 2)
                return rest / other**upper * ratio**upper * base ** (power + upper)
        found = _divided(rest, below, -power, powers.get(S.Exp1, S.Zero))
        if found is not None:
            return found / below.scale**-power
    return product


def _beside_sigmoid(product: Any, base: Any, power: Any, powers: dict[Any, Any]) -> Any:
    """``e^-u sigmoid(u) = sigmoid(-u)`` and ``(e^-u - 1) sigmoid(u) = tanh(-u/2)``, or None.

    SymPy reads ``exp(u)`` as ``E**u``.
    """
    u = base.args[0]
    k = (-powers.get(S.Exp1, S.Zero) / u).expand() if u != 0 else S.Zero
    if k.is_Integer and 0 < k <= power:
        rest = product / (base**power * exp(-k * u))
        return rest * base ** (power - k) * sigmoid(-u) ** k
    if powers.get(expm1(-u)) == 1:
        return product / (base * expm1(-u)) * tanh(-u / 2)
    return None


def _divided(rest: Any, pair: Pair, n: Any, exponent: Any) -> Any:
    """``rest/(e^p + e^q)^n`` without exponentials that overflow together; or None."""
    _, p, q, _ = pair
    options = [(n * p, sigmoid(p - q) ** n), (n * q, sigmoid(q - p) ** n)]
    if n == 2:
        options.append((p + q, sigmoid(p - q) * sigmoid(q - p)))
    for taken, factor in options:
        if (exponent - taken).expand() == 0:
            return Mul(rest, exp(-exponent)) * factor
    if p == -q:
        return rest * (2 * cosh(_unsigned(p))) ** -n
    if S.Zero in (p, q):
        return rest * sigmoid(-p - q) ** n
    return None


def sum_of_pair(total: Any) -> Any:
    """``c e^u - c e^-u = 2 c sinh(u)`` and ``c sigmoid(u) - c/2 = c/2 tanh(u/2)`` within a sum."""
    constant, rest = total.as_coeff_Add()
    terms = Add.make_args(rest)
    if constant != 0:
        for term in terms:
            c, inner = term.as_coeff_Mul()
            if isinstance(inner, exp) and c == -constant:
                return total - term - constant + c * expm1(inner.args[0])
            if isinstance(inner, sigmoid) and c == -2 * constant:
                return total - term - constant + c / 2 * tanh(inner.args[0] / 2)
        return total
    pair = pair_of(total / total.as_content_primitive()[0])
    if pair is None or pair.p != -pair.q:
        return total
    u, scale = _unsigned(pair.p), Integer(2) * pair.scale * total.as_content_primitive()[0]
    if pair.sign > 0:
        return scale * cosh(u)
    return scale * (sinh(u) if u == pair.p else -sinh(u))
