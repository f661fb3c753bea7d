"""Facts: what a quantity sums to along some of its axes.

They come from assumptions (rows of ``Y`` sum to one) and from definitions, by summing the
definition and keeping what comes out constant: ``sum_j P[i,j] = 1`` for a softmax,
``sum_j (x[i,j] - mu[i]) = 0``, ``sum_j x_hat[i,j] = 0``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sympy import Add, Mul, S, expand_mul, sympify

from mathdl.ir.assumptions import UNIT_ROWS
from mathdl.ir.bodies import inline, merge
from mathdl.ir.build import define, out_ranges
from mathdl.ir.dim import Dim
from mathdl.ir.index import (
    Ranges,
    bound_index,
    in_range,
    out_indices,
    slot,
    slot_number,
    slots_in,
)
from mathdl.ir.tensor import Access, Tensor

_MAX_DEPTH = 4
_cache: WeakKeyDictionary[Tensor, dict[tuple[int, ...], Any]] = WeakKeyDictionary()


def constant_sum(tensor: Tensor, axes: tuple[int, ...], depth: int = 0) -> Any:
    """The number (or expression in dims) that ``tensor`` sums to over ``axes``, or None."""
    axes = tuple(sorted(axes))
    known = _cache.setdefault(tensor, {})
    if axes not in known:
        known[axes] = _constant_sum(tensor, axes, depth)
    return known[axes]


def _constant_sum(tensor: Tensor, axes: tuple[int, ...], depth: int) -> Any:
    if tensor.is_input:
        if axes == (tensor.ndim - 1,) and tensor.assume & UNIT_ROWS:
            return S.One
        return None
    if tensor.definition is None:
        return None
    if tensor.equation.reduce != "none" or depth >= _MAX_DEPTH:
        return None
    found = _by_terms(tensor, axes, depth)
    opened = _opened(tensor) if found is None else tensor
    return found if opened is tensor else constant_sum(opened, axes, depth + 1)


def _opened(tensor: Tensor) -> Tensor:
    """The equation with entrywise definitions put in, as a sum of products."""
    ranges = dict(out_ranges(tensor.shape))
    body, operands = tensor.equation.body, list(tensor.operands)
    for k, access in enumerate(tensor.operands):
        inner = access.tensor.definition
        if inner is not None and inner.reduce == "none" and not access.held and all(
            inside(e, d, ranges) for e, d in zip(access.index, access.tensor.shape, strict=True)
        ):
            body, operands = inline(body, operands, k)
    return define(out_ranges(tensor.shape), expand_mul(body), operands, requires=tensor.requires)


def _by_terms(tensor: Tensor, axes: tuple[int, ...], depth: int) -> Any:
    equation = tensor.equation
    total: Any = S.Zero
    operands: list[Access] = []
    for term in Add.make_args(equation.body):
        piece = _sum_term(tensor, term, axes, operands, depth)
        if piece is None:
            return None
        total = total + piece
    found = _constant(total, operands, dict(out_ranges(tensor.shape)))
    varies = found is not None and found.free_symbols & set(out_indices(tensor.ndim))
    return None if varies else found


def _sum_term(
    tensor: Tensor, term: Any, axes: tuple[int, ...], operands: list[Access], depth: int
) -> Any:
    """One term summed over the axes, as a body over the growing list of operands."""
    own = tensor.operands
    if any(slots_in(e) for a in own for e in a.index):
        return None  # a gather: its index would have to be carried along
    symbols = out_indices(tensor.ndim)
    summed = {symbols[a] for a in axes}
    fixed, moving = split_product(term, summed, own)
    value: Any = S.One
    for axis in axes:
        if not moving:
            value = value * tensor.shape[axis]
    if moving:
        inner = Mul(*moving)
        k = slot_number(inner)
        ranges = dict(out_ranges(tensor.shape))
        constant = _plain_sum(own[k], summed, ranges, depth) if k is not None else None
        if constant is not None:
            value = constant
        else:
            bound = [(bound_index(j), tensor.shape[a]) for j, a in enumerate(axes)]
            kept = [a for a in range(tensor.ndim) if a not in axes]
            rename = {symbols[a]: bound_index(j) for j, a in enumerate(axes)}
            total = define(
                [(symbols[a], tensor.shape[a]) for a in kept],
                inner.xreplace(rename),
                [Access(o.tensor, tuple(e.xreplace(rename) for e in o.index), o.held)
                 for o in own],
                reduce="sum",
                bound=bound,
            )
            operands.append(Access(total, tuple(symbols[a] for a in kept)))
            value = slot(len(operands) - 1)
    mapping: dict[Any, Any] = {}
    for factor in fixed:
        for s in factor.free_symbols:
            k = slot_number(s)
            if k is not None and s not in mapping:
                operands.append(own[k])
                mapping[s] = slot(len(operands) - 1)
    return value * Mul(*fixed).xreplace(mapping)


def _plain_sum(access: Access, summed: set[Any], ranges: Ranges, depth: int) -> Any:
    """The constant that a bare access sums to when it runs over whole axes."""
    axes = []
    for position, (e, dim) in enumerate(zip(access.index, access.tensor.shape, strict=True)):
        if e in summed and ranges[e] == dim:
            axes.append(position)
        elif e.free_symbols & summed or not inside(e, dim, ranges):
            return None
    if len(axes) != len(summed):
        return None
    return constant_sum(access.tensor, tuple(axes), depth + 1)


def inside(index: Any, dim: Dim, ranges: Ranges) -> bool:
    """Whether an index is in range, where alone an entry is not zero; integer data is."""
    return bool(slots_in(index)) or in_range(index, dim, ranges)


def split_product(
    product: Any, symbols: Collection[Any], operands: Sequence[Access]
) -> tuple[list[Any], list[Any]]:
    """The factors that do not depend on the index symbols, and those that do."""
    fixed: list[Any] = []
    moving: list[Any] = []
    for factor in Mul.make_args(product):
        (moving if mentions(factor, symbols, operands) else fixed).append(factor)
    return fixed, moving


def mentions(factor: Any, symbols: Collection[Any], operands: Sequence[Access]) -> bool:
    """Whether a factor depends on one of the index symbols, itself or through an access.

    The index of an access may be an entry of an integer tensor, which has an index in turn.
    """
    for s in factor.free_symbols:
        if s in symbols:
            return True
        k = slot_number(s)
        if k is not None and any(mentions(e, symbols, operands) for e in operands[k].index):
            return True
    return False


def _constant(total: Any, operands: list[Access], ranges: Ranges) -> Any:
    """``total`` if it is constant once definitions of its accesses are put in."""
    from mathdl.simplify.forms import normal_form

    seen = 0
    while True:
        total, operands = merge(total, operands)
        total = normal_form(total)
        if not any(slot_number(s) is not None for s in total.free_symbols):
            return sympify(total)
        candidates = [
            k for s in total.free_symbols
            if (k := slot_number(s)) is not None
            and operands[k].tensor.definition is not None
            and operands[k].tensor.equation.reduce == "none"
            and all(inside(e, dim, ranges) for e, dim in zip(
                operands[k].index, operands[k].tensor.shape, strict=True))
        ]
        if not candidates or seen >= _MAX_DEPTH:
            return None
        seen += 1
        for k in sorted(candidates):
            total, operands = inline(total, operands, k)
