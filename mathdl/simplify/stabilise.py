"""Stable forms, whatever form the user wrote: equal in exact arithmetic, safe in floats.

* ``log(sum exp z) = m + log(sum exp(z - m))`` and ``exp(z)/sum exp(z)`` with both shifted, for
  any ``m``; the greatest ``z`` is taken.  As the value does not depend on ``m``, its accesses
  are *held*: constants for differentiation.
* ``log(exp(u) r) = u + log(r)``;
* ``log(1 + exp u) = softplus(u)``, ``log(sigmoid u)``, ``1/(1 + exp(-u)) = sigmoid(u)``,
  ``exp(u) - 1 = expm1(u)``, ``log(1 + u) = log1p(u)`` and their kin;
* ``mean(x**2) - mean(x)**2 = mean((x - mean(x))**2)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sympy import Add, Mul, Pow, S, cosh, exp, log, tanh

from mathdl.ir.build import define, inline, is_regrouped, out_ranges, redefine
from mathdl.ir.index import bound_index, in_range, out_indices, slot, slot_number
from mathdl.ir.system import rewrite
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar import expm1, log1mexp, log1p, log_cosh, log_sigmoid, sigmoid, softplus
from mathdl.simplify.facts import merge
from mathdl.simplify.forms import cost

MAX_BODY = 40


def stabilise(outputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs with every unstable form rewritten."""

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        current = redefine(tensor, operands)
        for transform in (_logarithm_of_product, _shift, _scalar_forms, _variance):
            for _ in range(8):
                after = transform(current)
                if after is None or after is current:
                    break
                current = after
        return current

    return rewrite(outputs, rule)


# -- shifting exponents ----------------------------------------------------------------------


@dataclass(frozen=True)
class _Shifted:
    """A sum of exponentials, the exponential that it reads, and both shifted by ``greatest``."""

    exponential: Tensor
    index: tuple[Any, ...]  # how the sum reads the exponential
    greatest: Tensor
    shifted: Tensor  # exp(u - m)
    total: Tensor  # the sum of the shifted
    axes: tuple[int, ...]  # the sum's output axes on which the shift depends


def _fused(tensor: Tensor) -> Tensor:
    """``sum_k t[k]`` with ``t = a*b`` as ``sum_k a[k] b[k]``: its factors can be looked at."""
    equation = tensor.definition
    if equation is None or equation.reduce != "sum" or equation.body != slot(0):
        return tensor
    inner = equation.operands[0].tensor
    definition = inner.definition
    if (
        len(equation.operands) != 1 or definition is None or definition.reduce != "none"
        or inner.label is not None or inner.requires or not isinstance(definition.body, Mul)
        or not _is_plain(equation.operands[0].index)
    ):
        return tensor
    return _restate(tensor, *inline(slot(0), equation.operands, 0))


def _sum_of_exponentials(tensor: Tensor) -> _Shifted | None:
    tensor = _fused(tensor)
    equation = tensor.definition
    if equation is None or equation.reduce != "sum" or tensor.requires:
        return None
    for factor in Mul.make_args(equation.body):
        k = slot_number(factor)
        if k is None:
            continue
        inner = equation.operands[k].tensor
        definition = inner.definition
        if (
            definition is not None
            and definition.reduce == "none"
            and isinstance(definition.body, exp)
            and inner.label is None
            and _is_plain(equation.operands[k].index)
            and not any(a.held for a in definition.operands)
        ):
            return _shift_sum(tensor, k)
    return None


def _is_plain(index: Sequence[Any]) -> bool:
    """Distinct index symbols, none of them the entry of an integer tensor."""
    return len(set(index)) == len(index) and all(
        e.is_Symbol and slot_number(e) is None for e in index
    )


def _shift_sum(tensor: Tensor, k: int) -> _Shifted:
    equation = tensor.equation
    access = equation.operands[k]
    exponential = access.tensor
    definition = exponential.equation
    exponent = define(
        out_ranges(exponential.shape), definition.body.args[0], definition.operands
    )
    symbols = out_indices(tensor.ndim)
    axes = tuple(a for a, s in enumerate(symbols) if s in access.index)
    bound = [
        (bound_index(j), d) for j, d in enumerate(equation.extents)
        if bound_index(j) in access.index
    ]
    greatest = define(
        [(symbols[a], tensor.shape[a]) for a in axes], slot(0), [Access(exponent, access.index)],
        reduce="max", bound=bound,
    )
    own = out_indices(exponential.ndim)
    where = tuple(own[access.index.index(symbols[a])] for a in axes)
    shifted = define(
        out_ranges(exponential.shape), exp(slot(0) - slot(1)),
        [Access(exponent, own), Access(greatest, where, held=True)],
    )
    operands = [
        Access(shifted, a.index, a.held) if j == k else a
        for j, a in enumerate(equation.operands)
    ]
    total = redefine(tensor, operands)
    return _Shifted(exponential, access.index, greatest, shifted, total, axes)


def _shift(tensor: Tensor) -> Tensor | None:
    equation = tensor.definition
    if equation is None or equation.reduce != "none" or tensor.label is not None:
        return None
    body = equation.body
    if not body.args:
        return None
    for k, access in enumerate(equation.operands):
        needs_log = body.has(log(slot(k)))
        if not needs_log and not _divides(body, slot(k)):
            continue
        found = _sum_of_exponentials(access.tensor)
        if found is None:
            continue
        after = _shift_log(tensor, k, found) if needs_log else _shift_ratio(tensor, k, found)
        if after is not None:
            return after
    return None


def _divides(body: Any, symbol: Any) -> bool:
    return any(
        isinstance(p, Pow) and p.base == symbol and p.exp.is_Integer and p.exp < 0
        for p in body.atoms(Pow)
    )


def _shift_log(tensor: Tensor, k: int, found: _Shifted) -> Tensor:
    equation = tensor.equation
    access = equation.operands[k]
    count = len(equation.operands)
    operands = [
        *equation.operands,
        Access(found.total, access.index, access.held),
        Access(found.greatest, tuple(access.index[a] for a in found.axes), held=True),
    ]
    body = equation.body.xreplace({log(slot(k)): slot(count + 1) + log(slot(count))})
    return define(out_ranges(tensor.shape), body, operands, requires=tensor.requires)


def _shift_ratio(tensor: Tensor, k: int, found: _Shifted) -> Tensor | None:
    """``e/s`` and ``(sum e v)/s`` with both shifted alike."""
    equation = tensor.equation
    bottom = equation.operands[k]
    shift_at = tuple(bottom.index[a] for a in found.axes)
    for j, top in enumerate(equation.operands):
        shifted = _shifted_numerator(top, found, shift_at)
        if shifted is None:
            continue
        count = len(equation.operands)
        ratio = slot(count) / slot(count + 1)
        body = _replace_ratio(equation.body, slot(j), slot(k), ratio)
        if body == equation.body:
            continue
        operands = [
            *equation.operands,
            Access(shifted, top.index, top.held),
            Access(found.total, bottom.index, bottom.held),
        ]
        return define(out_ranges(tensor.shape), body, operands, requires=tensor.requires)
    return None


def _shifted_numerator(
    top: Access, found: _Shifted, shift_at: tuple[Any, ...]
) -> Tensor | None:
    """The numerator shifted, when its shift is the denominator's."""
    symbols = [found.index.index(out_indices(99)[a]) for a in found.axes]
    if top.tensor is found.exponential:
        here = tuple(top.index[p] for p in symbols)
        return found.shifted if here == shift_at else None
    tensor = _fused(top.tensor)
    equation = tensor.definition
    if equation is None or equation.reduce != "sum":
        return None
    factors = Mul.make_args(equation.body)
    for j, access in enumerate(equation.operands):
        if access.tensor is not found.exponential or slot(j) not in factors:
            continue
        inner = tuple(access.index[p] for p in symbols)
        own = dict(zip(out_indices(tensor.ndim), top.index, strict=True))
        if any(e not in own for e in inner):
            continue
        if tuple(own[e] for e in inner) != shift_at:
            continue
        operands = [
            Access(found.shifted, a.index, a.held) if i == j else a
            for i, a in enumerate(equation.operands)
        ]
        return redefine(tensor, operands)
    return None


def _replace_ratio(body: Any, top: Any, bottom: Any, ratio: Any) -> Any:
    def in_product(product: Any) -> Any:
        powers = product.as_powers_dict()
        p, q = powers.get(top, S.Zero), powers.get(bottom, S.Zero)
        if not (p.is_Integer and q.is_Integer and p == -q and p > 0):
            return product
        return product * (bottom / top) ** p * ratio**p

    return body.replace(lambda e: isinstance(e, Mul), in_product)


# -- logarithms of products with an exponential -------------------------------------------------


def _logarithm_of_product(tensor: Tensor) -> Tensor | None:
    equation = tensor.definition
    if equation is None or equation.reduce != "none" or tensor.label is not None:
        return None
    for k, access in enumerate(equation.operands):
        if not equation.body.has(log(slot(k))):
            continue
        inner = access.tensor.definition
        if inner is None or inner.reduce != "none" or not _in_range(tensor, access):
            continue
        body, operands = equation.body, list(equation.operands)
        body, operands = inline(body, operands, k)
        count = len(operands)
        for j in range(len(equation.operands), count):
            definition = operands[j].tensor.definition
            if (
                definition is not None
                and definition.reduce == "none"
                and isinstance(definition.body, exp)
                and _in_range(tensor, operands[j])
            ):
                body, operands = inline(body, operands, j)
        split = body.replace(log, _split_log)
        if split != body:
            return define(
                out_ranges(tensor.shape), split, operands, requires=tensor.requires
            )
    return None


def _split_log(argument: Any) -> Any:
    """``log(exp(u) r) = u + log(r)``; ``r > 0`` as the logarithm is real."""
    exponents, rest = [], []
    for factor in Mul.make_args(argument):
        base, power = factor.as_base_exp()
        if isinstance(factor, exp):
            exponents.append(factor.args[0])
        elif isinstance(base, exp):
            exponents.append(base.args[0] * power)
        else:
            rest.append(factor)
    if not exponents:
        return log(argument)
    remainder = Mul(*rest)
    if isinstance(remainder, Pow) and remainder.exp.is_Integer and remainder.exp.is_odd:
        return Add(*exponents) + remainder.exp * log(remainder.base)
    return Add(*exponents) + log(remainder)


def _in_range(tensor: Tensor, access: Access) -> bool:
    ranges = dict(out_ranges(tensor.shape))
    return all(
        in_range(e, d, ranges)
        for e, d in zip(access.index, access.tensor.shape, strict=True)
    )


# -- scalar forms ---------------------------------------------------------------------------------


def _scalar_forms(tensor: Tensor) -> Tensor | None:
    """Look a few definitions deep for a form that has a stable function."""
    equation = tensor.definition
    if equation is None or equation.reduce not in ("none", "sum") or not equation.operands:
        return None
    if tensor.label is not None or equation.body == slot(0):
        return None
    body, operands = equation.body, list(equation.operands)
    ranges = {
        **dict(out_ranges(tensor.shape)),
        **{bound_index(j): d for j, d in enumerate(equation.extents)},
    }
    if not _promising(body):
        return None
    for _ in range(4):
        stable = stable_form(body)
        if stable != body:
            return _restate(tensor, stable, operands)
        deeper = [k for k, a in enumerate(operands) if _can_open(a, body, k, ranges)]
        if equation.reduce != "none" or not deeper or cost(body) > MAX_BODY:
            break
        for k in deeper:
            body, operands = inline(body, operands, k)
        body, operands = merge(body, operands)
    return _shallow_log1p(tensor)


def _restate(tensor: Tensor, body: Any, operands: Sequence[Access]) -> Tensor:
    equation = tensor.equation
    return define(
        out_ranges(tensor.shape), body, operands, reduce=equation.reduce,
        bound=[(bound_index(j), d) for j, d in enumerate(equation.extents)],
        requires=tensor.requires,
    )


def _shallow_log1p(tensor: Tensor) -> Tensor | None:
    """``log(1 + u) = log1p(u)``, looking one definition deep."""
    equation = tensor.equation
    body, operands = equation.body, list(equation.operands)
    if not body.has(log):
        return None
    for k in range(len(operands)):
        if body.has(log(slot(k))) and _can_open(operands[k], body, k, dict(
            out_ranges(tensor.shape)
        )):
            inner = operands[k].tensor.equation.body
            if isinstance(inner, Add) and S.One in inner.args:
                body, operands = inline(body, operands, k)
    after = body.replace(
        lambda e: isinstance(e, log) and isinstance(e.args[0], Add) and S.One in e.args[0].args,
        lambda e: log1p(e.args[0] - 1),
    )
    return _restate(tensor, after, operands) if after != body else None


def _promising(body: Any) -> bool:
    return isinstance(body, Add) or body.has(log) or any(
        p.exp.is_negative for p in body.atoms(Pow)
    )


def _can_open(access: Access, body: Any, k: int, ranges: dict[Any, Any]) -> bool:
    inner = access.tensor
    definition = inner.definition
    return (
        definition is not None
        and definition.reduce == "none"
        and not inner.requires
        and inner.label is None
        and not is_regrouped(inner)
        and slot(k) in body.free_symbols
        and cost(definition.body) <= MAX_BODY
        and len(definition.operands) <= 3
        and bool(definition.body.args)
        and all(in_range(e, d, ranges) for e, d in zip(access.index, inner.shape, strict=True))
    )


@lru_cache(maxsize=8192)
def stable_form(body: Any) -> Any:
    """The body with each unstable pattern replaced by the function made for it."""
    body = body.replace(log, _stable_log)
    body = body.replace(lambda e: isinstance(e, (Mul, Pow)), _stable_product)
    return body.replace(lambda e: isinstance(e, Add), _stable_sum)


def _stable_log(argument: Any) -> Any:
    if isinstance(argument, sigmoid):
        return log_sigmoid(argument.args[0])
    if isinstance(argument, cosh):
        return log_cosh(argument.args[0])
    coefficient, inner = argument.as_content_primitive() if argument.is_Add else (
        argument.as_coeff_Mul()
    )
    if isinstance(inner, Add) and len(inner.args) == 2:
        found = _log_of_pair(*inner.args) or _log_of_pair(*inner.args[::-1])
        if found is not None:
            return found + (log(coefficient) if coefficient != 1 else 0)
    return log(argument)


def _log_of_pair(a: Any, b: Any) -> Any:
    """``log(a + b)`` for the sums of two that have a stable function."""
    sign, inner = b.as_coeff_Mul()
    if a == 1 and isinstance(inner, exp) and sign == 1:
        return softplus(inner.args[0])
    if a == 1 and isinstance(inner, exp) and sign == -1:
        return log1mexp(inner.args[0])
    if a == 1 and isinstance(inner, sigmoid) and sign == -1:
        return -softplus(inner.args[0])
    if a == 1 and isinstance(inner, tanh) and sign == 1:
        return log(S(2)) + log_sigmoid(2 * inner.args[0])
    if a == 1 and isinstance(inner, tanh) and sign == -1:
        return log(S(2)) - softplus(2 * inner.args[0])
    if isinstance(a, exp) and isinstance(b, exp):
        return a.args[0] + softplus(b.args[0] - a.args[0])
    return None


def _stable_product(product: Any) -> Any:
    """``1/(1 + exp(u)) = sigmoid(-u)`` and ``exp(u)/(1 + exp(u)) = sigmoid(u)``."""
    powers = dict(product.as_powers_dict())
    for base, power in powers.items():
        if isinstance(base, sigmoid) and power.is_Integer and power > 0:
            u = base.args[0]
            # the denominator has become sigmoid(-u); SymPy reads exp(u) as E**u
            if powers.get(S.Exp1, S.Zero) == -power * u:
                return product / (base**power * exp(-power * u)) * sigmoid(-u) ** power
        if not (isinstance(base, Add) and power.is_Integer and power < 0):
            continue
        if len(base.args) != 2 or S.One not in base.args:
            continue
        other = base - 1
        if not isinstance(other, exp):
            continue
        u = other.args[0]
        return product / base**power * sigmoid(-u) ** -power
    return product


def _stable_sum(total: Any) -> Any:
    """``c exp(u) - c = c expm1(u)``."""
    constant, rest = total.as_coeff_Add()
    if constant == 0:
        return total
    for term in Add.make_args(rest):
        c, inner = term.as_coeff_Mul()
        if isinstance(inner, exp) and c == -constant:
            return total - term - constant + c * expm1(inner.args[0])
    return total


# -- variance -------------------------------------------------------------------------------------


def _variance(tensor: Tensor) -> Tensor | None:
    """``sum(x**2)/n - (sum(x)/n)**2 = sum((x - sum(x)/n)**2)/n``."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none" or not isinstance(equation.body, Add):
        return None
    body, operands = equation.body, list(equation.operands)
    if len(body.args) != 2 or tensor.label is not None:
        return None
    ranges = dict(out_ranges(tensor.shape))
    for _ in range(2):
        opened = [k for k, a in enumerate(operands) if _can_open(a, body, k, ranges)]
        for k in opened:
            body, operands = inline(body, operands, k)
    if not isinstance(body, Add) or len(body.args) != 2:
        return None
    for positive, negative in (body.args, body.args[::-1]):
        found = _match_variance(positive, negative, operands)
        if found is not None:
            value, access = found
            return define(
                out_ranges(tensor.shape), slot(0) / value, [access], requires=tensor.requires
            )
    return None


def _match_variance(positive: Any, negative: Any, operands: list[Access]) -> Any:
    for k, squares in enumerate(operands):
        for j, plain in enumerate(operands):
            if plain.index != squares.index or j == k:
                continue
            count = slot(k) / positive
            if count.free_symbols & {slot(i) for i in range(len(operands))}:
                continue
            if negative != -((slot(j) / count) ** 2):
                continue
            centred = _centred_squares(squares.tensor, plain.tensor, count)
            if centred is not None:
                return count, Access(centred, squares.index)
    return None


def _centred_squares(squares: Tensor, plain: Tensor, count: Any) -> Tensor | None:
    a, b = squares.definition, plain.definition
    if a is None or b is None or a.reduce != "sum" or b.reduce != "sum":
        return None
    if b.body != slot(0) or len(b.operands) != 1 or a.extents != b.extents:
        return None
    read = b.operands[0]
    squared = a.operands[0]
    inner = squared.tensor.definition
    if len(a.operands) != 1 or squared.index != read.index:
        return None
    direct = a.body == slot(0) ** 2 and squared.tensor is read.tensor
    through = (
        a.body == slot(0)
        and inner is not None
        and inner.reduce == "none"
        and inner.body == slot(0) ** 2
        and inner.operands[0] == Access(read.tensor, out_indices(read.tensor.ndim))
    )
    extent: Any = S.One
    for d in b.extents:
        extent = extent * d
    if not (direct or through) or extent != count or not _is_plain(read.index):
        return None
    symbols = out_indices(plain.ndim)
    if any(s not in read.index for s in symbols):
        return None
    own = out_indices(read.tensor.ndim)
    where = tuple(own[read.index.index(s)] for s in symbols)
    mean = define(out_ranges(plain.shape), slot(0) / count, [Access(plain, symbols)])
    centred = define(
        out_ranges(read.tensor.shape), slot(0) - slot(1),
        [Access(read.tensor, own), Access(mean, where)],
    )
    square = define(out_ranges(read.tensor.shape), slot(0) ** 2, [Access(centred, own)])
    return define(
        out_ranges(plain.shape), slot(0), [Access(square, read.index)], reduce="sum",
        bound=[(bound_index(j), d) for j, d in enumerate(b.extents)],
    )
