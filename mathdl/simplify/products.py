"""Sums of products of tensors: equal ones are one, and what all have in common is taken out.

Equal means whatever the brackets, the order and the way a symmetric matrix is read:
``(A @ B) @ x + A @ (B @ x) = 2 A @ B @ x``; and ``A.T @ x + A @ x = (A + A.T) @ x``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from sympy import Add, Mul, Symbol

from mathdl.ir.bodies import reads_inside
from mathdl.ir.build import bound_ranges, define, moved, out_ranges, restate
from mathdl.ir.index import bound_index, out_indices, slot, slot_number
from mathdl.ir.tensor import Access, Tensor
from mathdl.simplify.engine import Context
from mathdl.simplify.networks import Network, key, network_of

MAX_TERMS = 12


def collect(tensor: Tensor, context: Context) -> Tensor | None:
    """Terms that are the same product of tensors are added up."""
    terms = _terms(tensor)
    if sum(any(_is_sum(a) for a in reads) for _, reads in terms) < 2:
        return None
    ranges = dict(out_ranges(tensor.shape))
    found = [network_of(term, tensor.operands, ranges, {}) for term, _ in terms]
    groups: dict[Any, list[int]] = {}
    for k, network in enumerate(found):
        if network is not None and any(
            other is not None and other.kinds == network.kinds
            for j, other in enumerate(found) if j != k
        ):
            groups.setdefault(key(network), []).append(k)
    if all(len(group) < 2 for group in groups.values()):
        return None
    left = {k: term for k, (term, _) in enumerate(terms)}
    for group in groups.values():
        first = min(group, key=lambda k: _burden(terms[k], context))
        numbers = [_number(found[k]) for k in group]
        whole = Add(*numbers) / numbers[group.index(first)]
        for k in group:
            left[k] = whole * left[k] if k == first else 0
    return restate(tensor, Add(*left.values()), tensor.operands)


def _number(network: Network | None) -> Any:
    assert network is not None
    return network.number


def _terms(tensor: Tensor) -> list[tuple[Any, list[Access]]]:
    """The terms of an entrywise sum, each with what it reads."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none" or tensor.label is not None:
        return []
    if not equation.body.is_Add or len(equation.body.args) > MAX_TERMS:
        return []
    return [
        (term, [equation.operands[k] for s in term.free_symbols
                if (k := slot_number(s)) is not None])
        for term in equation.body.args
    ]


def _is_sum(access: Access) -> bool:
    definition = access.tensor.definition
    return definition is not None and definition.reduce == "sum" and not access.held


def _burden(term: tuple[Any, list[Access]], context: Context) -> tuple[Any, ...]:
    """What exists in any case is the cheapest to read, then what reads little."""
    expr, reads = term
    fresh = [a for a in reads if id(a.tensor) not in context.kept and a.tensor.operands]
    turned = sum(list(a.index) != sorted(a.index, key=str) for a in reads)
    return len(fresh), len(reads), turned, sorted(a.tensor.rank for a in reads), str(expr)


def take_out(tensor: Tensor, context: Context) -> Tensor | None:
    """``sum_k f g + sum_k f h = sum_k f (g + h)`` of sums that nothing else reads."""
    terms = [(term, *_alone(term, reads, context)) for term, reads in _terms(tensor)]
    ranges = dict(out_ranges(tensor.shape))
    for (one, a, first), (other, b, second) in combinations(terms, 2):
        if first is None or second is None or not (
            reads_inside(first, ranges) and reads_inside(second, ranges)
        ):
            continue
        joined = _joined(tensor, (a, first), (b, second))
        if joined is not None:
            operands = [*tensor.operands, Access(joined, out_indices(tensor.ndim))]
            body = tensor.equation.body - one - other + slot(len(operands) - 1)
            return restate(tensor, body, operands)
    return None


def _alone(
    term: Any, reads: Sequence[Access], context: Context
) -> tuple[Any, Access | None]:
    """The number and the sum of a product that a term is, when only it reads the sum."""
    number, factor = term.as_coeff_Mul()
    if slot_number(factor) is None or not _is_sum(reads[0]):
        return number, None
    inner = reads[0].tensor
    product = Mul.make_args(inner.equation.body)
    plain = (
        len(product) == len(inner.operands) > 1
        and set(product) == {slot(k) for k in range(len(inner.operands))}
        and context.single(inner) and not inner.requires and inner.label is None
    )
    return number, reads[0] if plain else None


def _joined(
    tensor: Tensor, one: tuple[Any, Access], other: tuple[Any, Access]
) -> Tensor | None:
    """The sum over both with what they share as one factor."""
    a, first = _placed(one[1], "p")
    b, second = _placed(other[1], "q")
    for shared in a:
        for like in b:
            match = _matched(shared, like, first, second)
            if match is None:
                continue
            rest = [x for x in a if x is not shared]
            added = moved([x for x in b if x is not like], match)
            extent = {**dict(out_ranges(tensor.shape)), **dict(first)}
            over = [s for s in extent if s in _symbols(rest)]
            if _symbols(rest) != _symbols(added) or set(over) != _symbols(rest):
                continue
            if any(x.held for x in (*rest, *added)):
                continue
            count = len(rest)
            total = define(
                [(s, extent[s]) for s in over],
                one[0] * Mul(*map(slot, range(count)))
                + other[0] * Mul(*map(slot, range(count, count + len(added)))),
                [*rest, *added],
            )
            return define(
                out_ranges(tensor.shape), slot(0) * slot(1), [shared, Access(total, tuple(over))],
                reduce="sum", bound=first,
            )
    return None


def _symbols(accesses: Sequence[Access]) -> set[Any]:
    return {s for a in accesses for e in a.index for s in e.free_symbols}


def _placed(access: Access, letter: str) -> tuple[list[Access], list[tuple[Any, Any]]]:
    """The factors of a sum at the indices where it is read, its bound indices renamed."""
    equation = access.tensor.equation
    fresh = {
        bound_index(k): Symbol(f"{letter}{k}", integer=True, nonnegative=True)
        for k in range(len(equation.extents))
    }
    names = {**dict(zip(out_indices(access.tensor.ndim), access.index, strict=True)), **fresh}
    bound = [(fresh[s], d) for s, d in bound_ranges(equation)]
    return moved(equation.operands, names), bound


def _matched(
    one: Access, other: Access, first: Sequence[tuple[Any, Any]],
    second: Sequence[tuple[Any, Any]],
) -> dict[Any, Any] | None:
    """How the other's summed indices are called, when both read the same entry."""
    if one.tensor is not other.tensor or one.held or other.held or len(first) != len(second):
        return None
    extents = dict(first)
    names: dict[Any, Any] = {}
    for e, o in zip(one.index, other.index, strict=True):
        if o in dict(second):
            if e not in extents or extents[e] != dict(second)[o] or names.setdefault(o, e) != e:
                return None
        elif e != o:
            return None
    return names if len(names) == len(second) == len(set(names.values())) else None
