"""Products with a condition as choices, so that nothing is read off where it does not hold.

``[c] u = where(c, u, 0)``: the derivative of ``where(z > 0, sqrt(z), 0)`` is the condition times
``1/(2 sqrt z)``, which in floats is 0 times infinity, not 0, where the condition is false.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sympy import Mul, Pow, S, exp, log

from mathdl.ir.build import redefine, restate
from mathdl.ir.index import slot_number
from mathdl.ir.system import rewrite
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.recurrence import rewrite_steps
from mathdl.scalar import (
    COMPARISONS,
    arccos,
    arcsin,
    digamma,
    gammaln,
    log1p,
    polygamma,
    where,
)

_PARTIAL = (arccos, arcsin, digamma, gammaln, log1p, polygamma)  # not finite everywhere


def choose(outputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs with no product of a condition and what may be infinite where it is false."""

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        current = redefine(tensor, operands)
        definition = current.definition
        if definition is None:
            return current
        body = _chosen_body(definition.body)
        return current if body == definition.body else restate(
            current, body, list(definition.operands)
        )

    return rewrite(rewrite_steps(outputs, choose), rule)


@lru_cache(maxsize=8192)
def _chosen_body(body: Any) -> Any:
    if not body.has(where, *COMPARISONS):
        return body
    return body.replace(lambda e: isinstance(e, Mul), _chosen)


def _chosen(product: Any) -> Any:
    factors = Mul.make_args(product)
    masks = [f for f in factors if _reads(f) and (
        isinstance(f, COMPARISONS) or (isinstance(f, where) and f.args[1:] == (1, 0))
    )]
    rest = Mul(*(f for f in factors if f not in masks[:1]))
    if not masks or not _may_be_infinite(rest):
        return product
    condition = masks[0].args[0] if isinstance(masks[0], where) else masks[0]
    return where(condition, rest, S.Zero)


def _may_be_infinite(body: Any) -> bool:
    return any(
        _reads(part) and not isinstance(part, exp) and not (
            isinstance(part, Pow) and part.exp.is_Integer and part.exp.is_nonnegative
        )
        for part in body.atoms(Pow, log, *_PARTIAL)
    )


def _reads(body: Any) -> bool:
    return any(slot_number(s) is not None for s in body.free_symbols)
