"""The subgradient of a norm where it is 0: ``x/norm(x)`` there is 0, not 0/0.

0 is the subgradient of least norm, of the subdifferential that is the unit ball (Boyd &
Vandenberghe, Subgradients, 2.3).  This is for derivatives alone: the value of ``x/norm(x)`` that
somebody asks for has no meaning at 0, and stays NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Pow, S, sqrt

from mathdl.ir.build import define, out_ranges, redefine, restate
from mathdl.ir.index import out_indices, slot
from mathdl.ir.system import rewrite
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.recurrence import rewrite_steps
from mathdl.scalar import eq, where


def at_zero(derivatives: Sequence[Tensor]) -> list[Tensor]:
    """The derivatives with norms that are 0 replaced by 1 where they divide what they are of."""

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        current = redefine(tensor, operands)
        definition = current.definition
        if definition is None or definition.reduce != "none":
            return current
        for k, access in enumerate(definition.operands):
            if _divides_its_own(definition.body, definition.operands, k):
                norm = access.tensor
                apart = define(
                    out_ranges(norm.shape), where(eq(slot(0), 0), 1, slot(0)),
                    [Access(norm, out_indices(norm.ndim))],
                )
                body = definition.body.xreplace({slot(k): slot(len(definition.operands))})
                return restate(current, body, [
                    *definition.operands, Access(apart, access.index, access.held)])
        return current

    return rewrite(rewrite_steps(derivatives, at_zero), rule)


def _divides_its_own(body: Any, operands: Sequence[Access], k: int) -> bool:
    """Whether a body has a norm, access ``k``, only in terms ``x/norm(x)``."""
    powers = [p for p in body.atoms(Pow) if p.has(slot(k))]
    found = _normed(operands[k].tensor)
    if found is None or not powers or any(p != Pow(slot(k), found[1]) for p in powers):
        return False
    if body.xreplace({powers[0]: S.Zero}).has(slot(k)):
        return False
    return any(
        _is_of(operands[k], access) and not body.xreplace({slot(j): S.Zero}).has(slot(k))
        for j, access in enumerate(operands)
    )


def _is_of(norm: Access, entry: Access) -> bool:
    """Whether the norm that is read is of a row in which the entry is."""
    found = _normed(norm.tensor)
    if found is None or found[0].tensor is not entry.tensor:
        return False
    at = dict(zip(out_indices(norm.tensor.ndim), norm.index, strict=True))
    return all(e not in at or at[e] == there
               for e, there in zip(found[0].index, entry.index, strict=True))


def _normed(tensor: Tensor) -> tuple[Access, Any] | None:
    """How ``x`` is read where the tensor is a sum of its squares or the root of one.

    And the power of the tensor that is the reciprocal of the norm.
    """
    total, power = tensor.definition, -S.Half
    if total is not None and total.reduce == "none" and total.body == sqrt(slot(0)):
        (under,) = total.operands
        if under.index != out_indices(tensor.ndim):
            return None
        total, power = under.tensor.definition, S.NegativeOne
    if total is None or total.reduce != "sum" or len(total.operands) != 1:
        return None
    (entry,) = total.operands
    if total.body == slot(0) ** 2:
        return entry, power
    square = entry.tensor.definition
    if total.body != slot(0) or square is None or square.body != slot(0) ** 2 or (
            square.operands[0].index != out_indices(entry.tensor.ndim)):
        return None
    return Access(square.operands[0].tensor, entry.index), power
