"""Exponents shifted by their greatest value, and logarithms of products with an exponential.

``log(sum exp z) = m + log(sum exp(z - m))`` and ``exp(z)/sum exp(z)`` with both shifted, for any
``m``; the accesses of ``m`` are held, as the value does not depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from sympy import Add, Mul, Pow, S, exp, log

from mathdl.ir.bodies import inline, reads_inside
from mathdl.ir.build import define, out_ranges, redefine, restate
from mathdl.ir.index import bound_index, out_indices, slot, slot_number
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar import maximum
from mathdl.simplify.openings import is_plain
from mathdl.simplify.quotients import replace_quotient


@dataclass(frozen=True)
class _Shifted:
    """A sum of exponentials, the exponential that it reads, and both shifted by ``greatest``."""

    exponential: Tensor
    index: tuple[Any, ...]  # how the sum reads the exponential
    greatest: Tensor
    shifted: Tensor  # exp(u - m)
    total: Tensor  # the sum of the shifted
    axes: tuple[int, ...]  # the sum's output axes on which the shift depends
    reads: int  # which operand of the sum is the exponential


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
        or not is_plain(equation.operands[0].index)
    ):
        return tensor
    return restate(tensor, *inline(slot(0), equation.operands, 0))


def _sum_of_exponentials(tensor: Tensor) -> _Shifted | None:
    tensor = _fused(tensor)
    equation = tensor.definition
    if equation is None or tensor.requires:
        return None
    if equation.reduce == "none":
        return _with_constant(tensor)
    if equation.reduce != "sum":
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
            and is_plain(equation.operands[k].index)
            and not any(a.held for a in definition.operands)
        ):
            return _shift_sum(tensor, k)
    return None


def _with_constant(tensor: Tensor) -> _Shifted | None:
    """``c + sum exp u``, where the constant counts as an exponential too: ``m`` is at least 0."""
    equation = tensor.equation
    constant = equation.body - slot(0)
    if len(equation.operands) != 1 or not (constant.is_number and constant.is_positive):
        return None
    (access,) = equation.operands
    if access.tensor.definition is None or access.tensor.equation.reduce != "sum" or (
            access.index != out_indices(tensor.ndim)):
        return None
    found = _sum_of_exponentials(access.tensor)
    return None if found is None else _shift_sum(
        _fused(access.tensor), found.reads, constant)


def _shift_sum(tensor: Tensor, k: int, constant: Any = S.Zero) -> _Shifted:
    """The sum shifted, and with it a constant beside it."""
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
    if constant != 0:
        greatest = define(out_ranges(greatest.shape), maximum(slot(0), 0),
                          [Access(greatest, out_indices(greatest.ndim))])
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
    if constant != 0:
        total = define(
            out_ranges(total.shape), slot(0) + constant * exp(-slot(1)),
            [Access(total, symbols), Access(greatest, tuple(symbols[a] for a in axes), held=True)],
        )
    return _Shifted(exponential, access.index, greatest, shifted, total, axes, k)


def shift(tensor: Tensor) -> Tensor | None:
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
        body = replace_quotient(equation.body, slot(j), slot(k), ratio, balanced=True)
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
    if equation is None or equation.reduce not in ("sum", "none"):
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


def power_of_exponential(tensor: Tensor) -> Tensor | None:
    """``exp(u)**c = exp(c u)``."""
    equation = tensor.definition
    if equation is None or tensor.label is not None or not isinstance(equation.body, Pow):
        return None
    (base, power), k = equation.body.args, slot_number(equation.body.base)
    if k is None or not power.is_number or not _in_range(tensor, equation.operands[k]):
        return None
    inner = equation.operands[k].tensor
    if inner.label is not None or inner.requires or inner.definition is None or (
            inner.equation.reduce != "none" or not isinstance(inner.equation.body, exp)):
        return None
    body, operands = inline(base, equation.operands, k)
    return restate(tensor, exp(power * body.args[0]), operands)


def logarithm_of_product(tensor: Tensor) -> Tensor | None:
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
        first = len(equation.operands)
        for _ in range(3):  # a factor that is a softmax is a quotient itself
            last = len(operands)
            for j in range(first, last):
                if _has_exponential(operands[j].tensor) and _in_range(tensor, operands[j]):
                    body, operands = inline(body, operands, j)
            first = last
        split = body.replace(log, partial(_split_log, operands=operands))
        if split != body:
            return define(
                out_ranges(tensor.shape), split, operands, requires=tensor.requires
            )
    return None


def _has_exponential(tensor: Tensor) -> bool:
    """Whether a tensor is an exponential, or a quotient of one and a sum of exponentials."""
    definition = tensor.definition
    if definition is None or definition.reduce != "none" or tensor.requires:
        return False
    return isinstance(definition.body, exp) or any(
        definition.body == slot(1 - k) / slot(k) and _sums_exponentials(a.tensor)
        for k, a in enumerate(definition.operands) if len(definition.operands) == 2)


def _sums_exponentials(tensor: Tensor) -> bool:
    """Whether a tensor is a sum of exponentials, shifted or not."""
    definition = tensor.definition
    if definition is None or definition.reduce != "sum" or definition.body != slot(0):
        return False
    inner = definition.operands[0].tensor.definition
    return inner is not None and inner.reduce == "none" and isinstance(inner.body, exp)


def logarithm_of_mean(tensor: Tensor) -> Tensor | None:
    """``log(c s) = log(c) + log(s)`` for ``c > 0`` and ``s`` a sum of exponentials."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none" or tensor.label is not None:
        return None
    for k, access in enumerate(equation.operands):
        if not equation.body.has(log):
            return None
        body, operands = equation.body, list(equation.operands)
        inner = access.tensor.definition
        if inner is not None and inner.reduce == "none" and body.has(log(slot(k))):
            scaled = isinstance(inner.body, Mul) and len(inner.operands) == 1
            if not scaled or access.tensor.requires or not _in_range(tensor, access):
                continue
            body, operands = inline(body, operands, k)
        split = body.replace(log, partial(_split_scale, operands=operands))
        if split != body:
            return define(out_ranges(tensor.shape), split, operands, requires=tensor.requires)
    return None


def _split_scale(argument: Any, operands: list[Access]) -> Any:
    scale, rest = argument.as_independent(*map(slot, range(len(operands))), as_Add=False)
    k = slot_number(rest)
    if k is None or scale == 1 or not scale.is_positive:
        return log(argument)
    if _sum_of_exponentials(operands[k].tensor) is None:
        return log(argument)
    return log(scale) + log(rest)


def _split_log(argument: Any, operands: list[Access]) -> Any:
    """``log(exp(u) s r) = u + log(s) + log(r)`` for sums ``s`` of exponentials.

    ``r > 0`` as the logarithm is real.
    """
    exponents, rest = [], []
    for factor in Mul.make_args(argument):
        base, power = factor.as_base_exp()
        k = slot_number(base)
        if k is not None and argument.has(exp) and _sums_exponentials(operands[k].tensor):
            exponents.append(power * log(base))
            continue
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
    return reads_inside(access, dict(out_ranges(tensor.shape)))
