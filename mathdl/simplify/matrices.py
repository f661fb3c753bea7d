"""Facts about matrices at work: symmetric ones read one way, orthogonal and inverse ones cancelled.

What is symmetric follows from assumptions and definitions: ``X.T @ X``, a sum of symmetric
matrices, the inverse of one.  ``Q.T @ Q = I`` and ``A @ inv(A) = I``, also inside a longer
product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import KroneckerDelta, Mul, Symbol

from mathdl.ir.build import (
    bound_ranges,
    define,
    moved,
    out_ranges,
    read,
    redefine,
    restate,
    substitute,
)
from mathdl.ir.index import bound_index, out_indices, slot, slot_number
from mathdl.ir.tensor import Access, Tensor
from mathdl.simplify.engine import Context
from mathdl.simplify.networks import is_symmetric
from mathdl.simplify.scaling import unscaled


def one_way(tensor: Tensor, context: Context) -> Tensor | None:
    """Entries of symmetric matrices with their last two indices in one order.

    A row's index stands first and a column's last, so that no transpose is needed.
    """
    changed = False
    operands: list[Access] = []
    for access in tensor.operands:
        *lead, i, j = access.index if len(access.index) > 1 else (None, None)
        if j is not None and _rank(j, tensor) < _rank(i, tensor) and is_symmetric(access.tensor):
            access, changed = Access(access.tensor, (*lead, j, i), access.held), True
        operands.append(access)
    return restate(tensor, tensor.equation.body, operands) if changed else None


def _rank(index: Any, tensor: Tensor) -> tuple[int, str]:
    """Rows, then what is summed over and everything else, then columns."""
    symbols = out_indices(tensor.ndim)
    if index not in symbols:
        return 1, str(index)
    return 0 if symbols.index(index) < max(1, tensor.ndim - 1) else 2, str(index)


def of_inverse(tensor: Tensor, context: Context) -> Tensor | None:
    """The inverse of an inverse, and the determinant of one."""
    call = tensor.call
    inner = call.operands[0].tensor.call if call is not None and call.operands else None
    if call is None or inner is None or inner.primitive != "inv":
        return None
    matrix = inner.operands[0]
    if call.primitive == "inv":
        return define(out_ranges(tensor.shape), slot(0), [matrix], requires=tensor.requires)
    if call.primitive in OF_INVERSE:
        plain = redefine(tensor, [matrix])
        body = OF_INVERSE[call.primitive](slot(0))
        return define(out_ranges(tensor.shape), body, [read(plain)], requires=tensor.requires)
    return None


#: What a determinant of an inverse is, from that of the matrix.
OF_INVERSE = {"det": lambda d: 1 / d, "logdet": lambda d: -d}


def cancel(tensor: Tensor, context: Context) -> Tensor | None:
    """``sum_k U[i,k] V[k,j] = delta_ij`` for inverse ``U`` and ``V``, in any longer product."""
    equation = tensor.equation
    if equation.reduce != "sum" or tensor.label is not None:
        return None
    operands = equation.operands
    factors = [k for f in Mul.make_args(equation.body) if (k := slot_number(f)) is not None]
    for r in range(len(equation.extents)):
        symbol = bound_index(r)
        reading = [k for k in range(len(operands))
                   if any(symbol in e.free_symbols for e in operands[k].index)]
        if len(reading) != 2 or not set(reading) <= set(factors):
            continue
        if symbol in substitute(equation.body, {slot(k): 1 for k in reading}).free_symbols:
            continue
        for a, b in (reading, reading[::-1]):
            ends = _inverse_ends(operands[a], operands[b], symbol)
            if ends is not None:
                body = substitute(equation.body, {slot(a): KroneckerDelta(*ends), slot(b): 1})
                return _without(tensor, r, body, operands)
            v = operands[b]
            for number, base in [(1, v.tensor), *unscaled(v.tensor)]:
                found = _inner(operands[a], Access(base, v.index, v.held), symbol)
                if found is not None:
                    last = {slot(a): number, slot(b): slot(len(operands))}
                    body = substitute(equation.body, last)
                    return _without(tensor, r, body, [*operands, found])
    return None


def _without(tensor: Tensor, r: int, body: Any, operands: Sequence[Access]) -> Tensor:
    """The equation over another body that no longer mentions the bound index ``r``."""
    equation = tensor.equation
    return define(
        out_ranges(tensor.shape), body, operands, reduce="sum",
        bound=[pair for k, pair in enumerate(bound_ranges(equation)) if k != r],
        requires=tensor.requires,
    )


def _inverse_ends(u: Access, v: Access, symbol: Any) -> tuple[Any, Any] | None:
    """The outer indices of two matrices that cancel along ``symbol``, their stacking equal."""
    a, b = _place(u, symbol), _place(v, symbol)
    if a is None or b is None or u.index[:-2] != v.index[:-2]:
        return None
    same_side = a == b
    if (u.tensor is v.tensor and same_side and "orthogonal" in u.tensor.assume) or (
        (_inverts(u.tensor, v.tensor) or _inverts(v.tensor, u.tensor))
        and (not same_side or is_symmetric(u.tensor))
    ):
        return u.index[-3 - a], v.index[-3 - b]
    return None


def _place(access: Access, symbol: Any) -> int | None:
    """-1 or -2: which of the last two axes the symbol alone runs over."""
    found = [k for k, e in enumerate(access.index) if symbol in e.free_symbols]
    if len(found) != 1 or access.index[found[0]] != symbol:
        return None
    place = found[0] - len(access.index)
    return place if place >= -2 and len(access.index) >= 2 else None


def _inverts(a: Tensor, b: Tensor) -> bool:
    call = a.call
    return call is not None and call.primitive == "inv" and call.operands[0].tensor is b


def _inner(u: Access, v: Access, symbol: Any) -> Access | None:
    """``V[k, ...] = sum_l W[k, l] X[l, ...]`` with ``W`` inverse to ``U``: what is left of it."""
    equation = v.tensor.definition
    places = [k for k, e in enumerate(v.index) if symbol in e.free_symbols]
    if (
        equation is None or equation.reduce != "sum" or v.tensor.label is not None
        or len(places) != 1 or v.index[places[0]] != symbol or len(equation.extents) != 1
        or not _is_product(equation.body)
    ):
        return None
    renamed = {**dict(zip(out_indices(v.tensor.ndim), v.index, strict=True)),
               bound_index(0): _L}
    factors = moved(equation.operands, renamed)
    for k, w in enumerate(factors):
        rest = [a for j, a in enumerate(factors) if j != k]
        if any(symbol in e.free_symbols for a in rest for e in a.index) or len(rest) != 1:
            continue
        ends = _inverse_ends(u, w, symbol)
        if ends is None or ends[1] != _L or rest[0].held:
            continue
        left = tuple(substitute(e, {_L: ends[0]}) for e in rest[0].index)
        return Access(rest[0].tensor, left)
    return None


_L = Symbol("l", integer=True, nonnegative=True)


def _is_product(body: Any) -> bool:
    factors: Sequence[Any] = Mul.make_args(body)
    return len(factors) == 2 and all(slot_number(f) is not None for f in factors)
