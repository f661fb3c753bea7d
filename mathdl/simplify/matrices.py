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
    plain = [_plain(a) for a in equation.operands]
    operands = [access for _, access in plain]
    whole = substitute(equation.body, {slot(k): n * slot(k) for k, (n, _) in enumerate(plain)})
    factors = [k for f in Mul.make_args(equation.body) if (k := slot_number(f)) is not None]
    for r in range(len(equation.extents)):
        symbol = bound_index(r)
        reading = [k for k in range(len(operands))
                   if any(symbol in e.free_symbols for e in operands[k].index)]
        if len(reading) != 2 or not set(reading) <= set(factors):
            continue
        if symbol in substitute(whole, {slot(k): 1 for k in reading}).free_symbols:
            continue
        for a, b in (reading, reading[::-1]):
            ends = _inverse_ends(operands[a], operands[b], symbol)
            if ends is not None:
                body = substitute(whole, {slot(a): KroneckerDelta(*ends), slot(b): 1})
                return _without(tensor, r, body, operands)
            v = operands[b]
            for number, base in [(1, v.tensor), *unscaled(v.tensor)]:
                found = _inner(operands[a], Access(base, v.index, v.held), symbol)
                if found is not None:
                    last = {slot(a): number, slot(b): slot(len(operands))}
                    body = substitute(whole, last)
                    return _without(tensor, r, body, [*operands, found])
    return None


def _plain(access: Access) -> tuple[Any, Access]:
    """A number and an access that it multiplies: ``c`` and ``A[i, j]`` of ``(c A)[i, j]``."""
    tensor = access.tensor
    equation = tensor.definition
    if (
        equation is None or equation.reduce != "none" or len(equation.operands) != 1
        or tensor.label is not None or tensor.requires or access.held
    ):
        return 1, access
    number = equation.body / slot(0)
    if number.has(slot(0), *out_indices(tensor.ndim)):
        return 1, access
    renamed = dict(zip(out_indices(tensor.ndim), access.index, strict=True))
    return number, *moved(equation.operands, renamed)


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
    """What is left of ``U V`` along ``symbol`` when ``V`` is a product that begins with ``W``.

    ``V[k, ...] = sum_l W[k, l] X[l, ...]`` with ``W`` inverse to ``U``.
    """
    places = [k for k, e in enumerate(v.index) if symbol in e.free_symbols]
    if len(places) != 1 or v.index[places[0]] != symbol or v.held:
        return None
    own = {e: s for e, s in zip(v.index, out_indices(v.tensor.ndim), strict=True) if e.is_Symbol}
    end = next((e for e in u.index[-2:] if e != symbol), None)
    inside = Access(u.tensor, tuple(_OUTER if e == end else own.get(e) for e in u.index))
    if end is None or None in inside.index:
        return None
    rest = _rest(inside, v.tensor, places[0])
    if rest is None:
        return None
    index = tuple(end if k == places[0] else e for k, e in enumerate(v.index))
    return Access(rest, index)


def _rest(u: Access, product: Tensor, axis: int) -> Tensor | None:
    """The tensor of which the product is ``inv(U)`` times, along one of its axes.

    ``u`` reads ``U`` at that axis' index and one other; a factor may be a product itself.
    """
    equation, symbol = product.definition, out_indices(product.ndim)[axis]
    if (
        equation is None or equation.reduce != "sum" or product.label is not None
        or product.requires or not _is_product(equation.body)
    ):
        return None
    bounds = dict(bound_ranges(equation))
    reading = [k for k, a in enumerate(equation.operands)
               if any(symbol in e.free_symbols for e in a.index)]
    if len(reading) != 1:
        return None
    w = equation.operands[reading[0]]
    ends = _inverse_ends(u, w, symbol)
    operands = list(equation.operands)
    if ends is None:
        if w.held or symbol not in w.index:
            return None
        inner = _rest(_renamed(u, w, symbol), w.tensor, w.index.index(symbol))
        if inner is None:
            return None
        operands[reading[0]] = Access(inner, w.index)
        return restate(product, equation.body, operands)
    if ends[1] not in bounds or any(a.held for a in operands):
        return None
    del operands[reading[0]]
    del bounds[ends[1]]
    left = moved(operands, {ends[1]: symbol})
    body = Mul(*(slot(k) for k in range(len(left))))
    return define(out_ranges(product.shape), body, left, reduce="sum",
                  bound=list(bounds.items()))


def _renamed(u: Access, w: Access, symbol: Any) -> Access:
    """The access in the indices of what ``w`` reads; an index that ``w`` has not is no other's."""
    own = dict(zip(w.index, out_indices(w.tensor.ndim), strict=True))
    return Access(u.tensor, tuple(own.get(e, e if e == _OUTER else _NONE) for e in u.index))


_OUTER, _NONE = (Symbol(f"outer{k}", integer=True, nonnegative=True) for k in range(2))


def _is_product(body: Any) -> bool:
    factors: Sequence[Any] = Mul.make_args(body)
    return len(factors) == 2 and all(slot_number(f) is not None for f in factors)
