"""Normal forms of scalar bodies: the cheapest of a few equal expressions.

Every candidate is equal to the body for all values where the body is defined; the cost counts
the array operations that a reader sees and a machine does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import Add, Mul, Pow, cancel, expand, factor_terms, fraction, together

from mathdl.ir.index import slot_number
from mathdl.scalar.sigmoidal import sigmoid

MAX_OPERATIONS = 60
MAX_TERMS = 24  # beyond this a body is factored but not multiplied out
MAX_CANCELLED = 12  # beyond this no common factor of numerator and denominator is sought
FUNCTION_COST = 6


@lru_cache(maxsize=65536)
def cost(body: Any, small: frozenset[Any] = frozenset()) -> float:
    """Array operations in a body.

    ``small`` are the slots of quantities with fewer axes than the equation: together with
    numbers and dims they count as one factor or term, as they are combined first.
    """
    if not body.args:
        return 0.0
    if not _varies(body, small):
        return SMALL * _operations(body)
    if isinstance(body, (Add, Mul)):
        large = [a for a in body.args if _varies(a, small)]
        rest = [a for a in body.args if not _varies(a, small)]
        extra = 0.0 if not rest or (isinstance(body, Mul) and rest == [-1]) else 1.0
        return (
            len(large) - 1 + extra + sum(_inside(a, small) for a in large)
            + SMALL * sum(_operations(a) + len(a.free_symbols & small) for a in rest)
        )
    return _inside(body, small)


SMALL = 1 / 64


@lru_cache(maxsize=65536)
def _operations(body: Any) -> int:
    return len(body.args) - 1 + sum(_operations(a) for a in body.args) if body.args else 0


def _inside(body: Any, small: frozenset[Any]) -> float:
    """The cost of one factor or term; dividing by it costs no more than multiplying."""
    if isinstance(body, Pow):
        base, exponent = body.args
        if exponent.is_Integer:
            return cost(base, small) + max(abs(int(exponent)) - 1, 0).bit_length()
        return cost(base, small) + cost(exponent, small) + FUNCTION_COST
    if body.is_Function:
        return FUNCTION_COST + sum(cost(a, small) for a in body.args)
    return cost(body, small)


@lru_cache(maxsize=65536)
def _varies(body: Any, small: frozenset[Any] = frozenset()) -> bool:
    """Whether a body depends on slots with all axes, or on index symbols."""
    return any(
        (slot_number(s) is not None and s not in small)
        or (s.is_nonnegative and not s.is_positive)
        for s in body.free_symbols
    )


@lru_cache(maxsize=65536)
def normal_form(body: Any, small: frozenset[Any] = frozenset()) -> Any:
    """The cheapest equal form of a body, in a few bounded attempts."""
    if not body.args or cost(body) > MAX_OPERATIONS:
        return body
    if not isinstance(body, (Mul, Pow, Add)) or not body.has(Add):
        return body
    size = _expanded_terms(body)
    if size > MAX_TERMS:
        return body
    candidates = [body]
    flat = expand(body, deep=False)
    if flat.has(sigmoid):
        reflected = expand(flat.replace(sigmoid, _upright))
        candidates.append(reflected)
        flat = reflected if cost(reflected, small) < cost(flat, small) else flat
    expanded = expand(body, power_base=False, power_exp=False, log=False, multinomial=False)
    for form in (flat, expanded):
        candidates += [form, factor_terms(form)]
    if size <= MAX_CANCELLED and len(body.free_symbols) <= 8 and _rational(body):
        cancelled = cancel(together(body))
        candidates += [cancelled, factor_terms(cancelled)]
        candidates += [factor_terms(expand(cancelled))]
    return _cheapest(candidates, small)


@lru_cache(maxsize=65536)
def _expanded_terms(body: Any) -> int:
    """About how many terms a body has when it is multiplied out, denominators included."""
    if isinstance(body, Add):
        return sum(_expanded_terms(a) for a in body.args)
    if isinstance(body, Mul):
        size = 1
        for factor in body.args:
            size = min(size * _expanded_terms(factor), 10**6)
        return size
    if isinstance(body, Pow) and body.exp.is_Integer:
        return int(min(_expanded_terms(body.base) ** abs(int(body.exp)), 10**6))
    return max((_expanded_terms(a) for a in body.args), default=1)


def _cheapest(candidates: list[Any], small: frozenset[Any]) -> Any:
    """The least cost, then the fewest reads, then the shortest text: printing is slow."""
    ranked = {c: (cost(c, small), _leaves(c)) for c in candidates}
    least = min(ranked.values())
    best = [c for c, rank in ranked.items() if rank == least]
    return best[0] if len(best) == 1 else min(best, key=lambda c: (len(t := str(c)), t))


@lru_cache(maxsize=65536)
def _leaves(body: Any) -> int:
    """How often quantities are read."""
    return sum(_leaves(a) for a in body.args) if body.args else int(bool(body.free_symbols))


def _upright(argument: Any) -> Any:
    """``sigmoid(-z) = 1 - sigmoid(z)``."""
    if argument.could_extract_minus_sign():
        return 1 - sigmoid(-argument)
    return sigmoid(argument)


def _rational(body: Any) -> bool:
    """Whether cancelling could shorten it: there is a denominator with something varying."""
    return _varies(fraction(together(body))[1]) if body.has(Pow) else False
