"""Folding back: a quotient that is a quantity of its own is read from it.

``exp(z)/s`` is ``P``, ``(x - mu)/sigma`` is ``x_hat``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sympy import Function, Mul, Pow, S, expand_mul, sqrt

from mathdl.ir.build import ranges_of, restate
from mathdl.ir.index import out_indices, slot, slot_number
from mathdl.ir.tensor import Access, Tensor
from mathdl.simplify.forms import cost, normal_form

if TYPE_CHECKING:
    from mathdl.simplify.engine import Context


def small_slots(ranges: dict[Any, Any], operands: Any) -> frozenset[Any]:
    """Slots of accesses with fewer axes than the equation, when some have them all."""
    every = set(ranges)
    small = []
    large = False
    for k, access in enumerate(operands):
        symbols: set[Any] = set()
        for e in access.index:
            symbols |= e.free_symbols
        if symbols >= every:
            large = True
        else:
            small.append(slot(k))
    return frozenset(small) if large else frozenset()


def quotient_of(tensor: Tensor) -> tuple[Access, Access] | None:
    """``(a, b)`` when the tensor is ``a/b`` with ``a`` read at the tensor's own indices."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none" or len(equation.operands) != 2:
        return None
    for top, bottom in ((0, 1), (1, 0)):
        if equation.body == slot(top) / slot(bottom):
            a, b = equation.operands[top], equation.operands[bottom]
            if a.index == out_indices(tensor.ndim) and not a.held and not b.held:
                return a, b
    return None


def fold_quotients(
    body: Any, operands: Any, context: Context, ranges: dict[Any, Any]
) -> tuple[Any, list[Access]]:
    """Read ``a/b`` from the tensor that is defined as ``a/b``."""
    operands = list(operands)
    if not context.quotients or not body.has(Pow):
        return body, operands
    for i, top in enumerate(operands):
        for j, bottom in enumerate(operands):
            for quotient in context.quotients.get((id(top.tensor), id(bottom.tensor)), ()):
                parts = quotient_of(quotient)
                if parts is None or i == j:
                    continue
                mapping = dict(zip(out_indices(quotient.ndim), top.index, strict=True))
                if tuple(e.xreplace(mapping) for e in parts[1].index) != bottom.index:
                    continue
                access = Access(quotient, top.index, top.held and bottom.held)
                keys = [a.key for a in operands]
                at = keys.index(access.key) if access.key in keys else len(operands)
                trial = operands if at < len(operands) else [*operands, access]
                old, new = small_slots(ranges, operands), small_slots(ranges, trial)
                for form in dict.fromkeys((body, expand_mul(body))):
                    folded = replace_quotient(form, slot(i), slot(j), slot(at))
                    if folded == form:
                        continue
                    folded = normal_form(folded, new)
                    if cost(folded, new) <= cost(body, old):
                        body, operands = folded, trial
                        break
    return _fold_roots(body, operands, context, ranges)


def function_of(tensor: Tensor) -> tuple[Any, Tensor] | None:
    """``(f, a)`` when the tensor is ``f(a)``, entry by entry."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none" or len(equation.operands) != 1:
        return None
    (access,) = equation.operands
    plain = access.index == out_indices(tensor.ndim) and not access.held
    if not plain or equation.body.args != (slot(0),) or not equation.body.is_Function:
        return None
    return equation.body.func, access.tensor


def fold_functions(tensor: Tensor, context: Context) -> Tensor | None:
    """``f(a)`` is read from the quantity that it is."""
    equation = tensor.definition
    if equation is None or tensor.label is not None or not context.functions:
        return None
    body, operands = equation.body, list(equation.operands)
    for part in sorted(body.atoms(Function), key=str):
        k = slot_number(part.args[0]) if len(part.args) == 1 else None
        if k is None or operands[k].held or part == body:
            continue
        found = context.functions.get((part.func, id(operands[k].tensor)))
        if found is not None and found is not tensor:
            operands.append(Access(found, operands[k].index))
            body = body.xreplace({part: slot(len(operands) - 1)})
    if body == equation.body:
        return None
    ranges = ranges_of(tensor)
    return restate(tensor, normal_form(body, small_slots(ranges, operands)), operands)


def _fold_roots(
    body: Any, operands: list[Access], context: Context, ranges: dict[Any, Any]
) -> tuple[Any, list[Access]]:
    """``a/q`` with ``s = sqrt(q)`` and ``x_hat = a/s`` is ``x_hat/s``."""
    for quotient in [q for found in context.quotients.values() for q in found]:
        parts = quotient_of(quotient)
        if parts is None:
            continue
        top, root = parts
        below = root.tensor.definition
        if below is None or below.body != sqrt(slot(0)) or len(below.operands) != 1:
            continue
        for i, read in enumerate(operands):
            if read.tensor is not top.tensor or read.held:
                continue
            mapping = dict(zip(out_indices(quotient.ndim), read.index, strict=True))
            at = tuple(e.xreplace(mapping) for e in root.index)
            inner = dict(zip(out_indices(root.tensor.ndim), at, strict=True))
            square = below.operands[0]
            index = tuple(e.xreplace(inner) for e in square.index)
            for j, other in enumerate(operands):
                if other.tensor is not square.tensor or other.index != index:
                    continue
                trial = list(operands)
                places = []
                for access in (Access(root.tensor, at), Access(quotient, read.index)):
                    keys = [a.key for a in trial]
                    if access.key not in keys:
                        trial.append(access)
                    places.append([a.key for a in trial].index(access.key))
                rooted = body.xreplace({slot(j): slot(places[0]) ** 2})
                folded = replace_quotient(rooted, slot(i), slot(places[0]), slot(places[1]))
                old, new = small_slots(ranges, operands), small_slots(ranges, trial)
                folded = normal_form(folded, new)
                if folded != rooted and cost(folded, new) <= cost(body, old):
                    return folded, trial
    return body, operands


def replace_quotient(
    body: Any, top: Any, bottom: Any, quotient: Any, balanced: bool = False
) -> Any:
    """In every product, ``top**p * bottom**-q`` with ``p, q > 0`` becomes the quotient.

    With ``balanced`` only where ``p = q``, so that nothing of either is left over.
    """

    def in_product(product: Any) -> Any:
        powers: dict[Any, Any] = product.as_powers_dict()
        p, q = powers.get(top, S.Zero), powers.get(bottom, S.Zero)
        if not (p.is_Integer and q.is_Integer and p > 0 and q < 0):
            return product
        if balanced and p != -q:
            return product
        count = min(p, -q)
        return product * (bottom / top) ** count * quotient**count

    return body.replace(lambda e: isinstance(e, Mul), in_product)
