"""Normal forms of scalar bodies: the cheapest of a few equal expressions.

Every candidate is equal to the body for all values where the body is defined; the cost counts
the array operations that a reader sees and a machine does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import (
    Add,
    Dummy,
    Integer,
    Mul,
    Pow,
    cancel,
    expand,
    factor,
    factor_terms,
    preorder_traversal,
    together,
)

from mathdl.ir.index import slot_number
from mathdl.scalar.compare import COMPARISONS, OPPOSITE, gt, le, lt, where
from mathdl.scalar.elementary import abs_, sign
from mathdl.scalar.rectifiers import clip, relu
from mathdl.scalar.sigmoidal import log_sigmoid, sigmoid, softplus

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
    if not isinstance(body, (Mul, Pow, Add)):
        return body
    body = _powers(_signs(body))
    if not body.has(Add):
        return body
    size = _expanded_terms(body)
    if size > MAX_TERMS:
        return body
    candidates = [body]
    cases = by_cases(body)
    if cases is not None:
        candidates.append(cases)
    flat = expand(body, deep=False)
    if flat.has(softplus, log_sigmoid):
        met = expand(flat.replace(softplus, upright_softplus).replace(
            log_sigmoid, lambda u: -upright_softplus(-u)))
        if not met.has(softplus):  # a rest would cancel in floats
            candidates.append(met)
            flat = met
    if flat.has(sigmoid):
        reflected = expand(flat.replace(sigmoid, upright_sigmoid))
        candidates.append(reflected)
        flat = reflected if cost(reflected, small) < cost(flat, small) else flat
    expanded = expand(body, power_base=False, power_exp=False, log=False, multinomial=False)
    for form in (flat, expanded):
        candidates += [form, factor_terms(form)]
    if size <= MAX_CANCELLED and len(body.free_symbols) <= 8 and _rational(body):
        candidates += _quotients(body)
    return _powers(_cheapest(candidates, small))


def _quotients(body: Any) -> list[Any]:
    """One quotient in lowest terms, and its forms; functions count as quantities of their own."""
    names: dict[Any, Any] = {}
    plain = body.replace(
        lambda e: e.is_Function, lambda e: names.setdefault(e, Dummy(f"f{len(names)}"))
    )
    lowest = cancel(together(plain))
    forms = [lowest, factor_terms(lowest), factor_terms(expand(lowest)), factor(lowest)]
    back = {dummy: e for e, dummy in names.items()}
    return [_unnamed(form, back) for form in forms]


def _unnamed(form: Any, names: dict[Any, Any]) -> Any:
    """Stand-ins replaced by what they stand for, which may have others inside."""
    while form.atoms(Dummy):
        form = form.xreplace(names)
    return form


def _signs(body: Any) -> Any:
    """``u sign(u) = abs(u)``, ``relu(u) [u > 0] = relu(u)``."""
    if not body.has(sign, relu):
        return body
    return body.replace(lambda e: isinstance(e, Mul), _signed)


def _powers(body: Any) -> Any:
    """``u**a/u = u**(a - 1)``, which has a value at 0."""
    if not any(not p.exp.is_number for p in body.atoms(Pow)):
        return body
    return body.replace(lambda e: isinstance(e, Mul), _powered)


def _powered(product: Any) -> Any:
    exponents: dict[Any, list[Any]] = {}
    for one in product.args:
        base, exponent = one.as_base_exp()
        exponents.setdefault(base, []).append(exponent)
    merged = {
        b: e for b, e in exponents.items()
        if len(e) > 1 and not b.is_number and any(not p.is_number for p in e)
    }
    if not merged:
        return product
    kept = [f for f in product.args if f.as_base_exp()[0] not in merged]
    return Mul(*kept, *(Pow(b, Add(*e)) for b, e in merged.items()))


def _signed(product: Any) -> Any:
    for f in product.args:
        if isinstance(f, sign):
            rest = product / f
            if abs_(f.args[0]) ** -1 in Mul.make_args(rest):
                return rest * abs_(f.args[0]) / f.args[0]
            if f.args[0] in Mul.make_args(rest):
                return rest / f.args[0] * abs_(f.args[0])
        if isinstance(f, gt) and f.args[1] == 0 and any(
            p.as_base_exp()[0] == relu(f.args[0]) for p in product.args
        ):
            return product / f
    return product


def by_cases(body: Any) -> Any:
    """``where(c, f, g)`` when all choices in a body are by one condition or its opposite."""
    conditions: dict[Any, None] = {}
    masks: list[Any] = []
    for e in preorder_traversal(body):
        if isinstance(e, where):
            conditions.setdefault(e.args[0])
        elif isinstance(e, COMPARISONS):
            masks.append(e)
    for m in masks:
        if not any(c.has(m) for c in conditions):
            conditions.setdefault(m)
    if not 1 <= len(conditions) <= 2:
        return None
    first, *others = conditions
    opposite = OPPOSITE[first.func](*first.args) if isinstance(first, COMPARISONS) else None
    if any(c != opposite for c in others):
        return None
    values = [{c: one if c == first else 1 - one for c in conditions} for one in (1, 0)]
    yes, no = (_chosen(body, known) for known in values)
    (a, yes), (b, no) = (normal_form(arm).as_content_primitive() for arm in (yes, no))
    return a * _selected(first, yes, no) if a == b else where(first, a * yes, b * no)


def _selected(condition: Any, yes: Any, no: Any) -> Any:
    """``u`` where ``abs(u) <= c`` and ``c sign(u)`` elsewhere is ``clip(u, -c, c)``."""
    if isinstance(condition, (le, lt)) and condition.args[0] == abs_(yes):
        limit = condition.args[1]
        if limit.is_positive and no == limit * sign(yes):
            return clip(yes, -limit, limit)
    return where(condition, yes, no)


def _chosen(body: Any, known: dict[Any, int]) -> Any:
    """The body where a condition is known."""
    opened = body.replace(
        lambda e: isinstance(e, where) and e.args[0] in known,
        lambda e: e.args[1] if known[e.args[0]] else e.args[2],
    )
    return opened.xreplace({c: Integer(v) for c, v in known.items()})


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


def upright_sigmoid(argument: Any) -> Any:
    """``sigmoid(-z) = 1 - sigmoid(z)``."""
    if argument.could_extract_minus_sign():
        return 1 - sigmoid(-argument)
    return sigmoid(argument)


def upright_softplus(argument: Any) -> Any:
    """``softplus(-z) = softplus(z) - z``, and ``log_sigmoid(z) = -softplus(-z)``."""
    if argument.could_extract_minus_sign():
        return softplus(-argument) + argument
    return softplus(argument)


def _rational(body: Any) -> bool:
    """Whether cancelling could shorten it: something varying divides."""
    return any(p.exp.could_extract_minus_sign() and _varies(p.base) for p in body.atoms(Pow))
