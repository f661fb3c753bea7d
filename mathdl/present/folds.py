"""Reading compound functions back: ``exp(z)/sum(exp(z))`` is ``softmax(z)``, and its kin.

A fold says that a tensor *is* a function of the language applied to another tensor.  Rewriting
splits bodies so that what can be folded is a tensor of its own; values never change, except that
the shift of a stable softmax, which the value does not depend on, is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import S

from mathdl.ir.build import redefine, restate
from mathdl.ir.index import slot
from mathdl.ir.system import rewrite
from mathdl.ir.tensor import Access, Tensor
from mathdl.present.moments import mean, norm, variance
from mathdl.present.parts import Fold, Folder
from mathdl.present.softmax import log_softmax, logsumexp, softmax
from mathdl.scalar import maximum

RULES = (softmax, logsumexp, log_softmax, mean, norm)


def fold(outputs: Sequence[Tensor]) -> tuple[list[Tensor], dict[Tensor, Fold]]:
    """The outputs with foldable parts as tensors of their own, and what those are."""
    folder = Folder()

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        current = redefine(tensor, operands)
        if current.definition is None or current.label is not None:
            return current
        if current.equation.reduce == "sum":
            variance(folder, current)
        for attempt in RULES:
            for _ in range(8):
                if current.definition is None or current in folder.folds:
                    return current
                after = attempt(folder, current)
                if after is None or after is current:
                    break
                current = after
        return current

    return rewrite(unshifted(outputs), rule), folder.folds


def unshifted(outputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs with 0 for every shift that is at least 0: no value depends on one."""

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        current = redefine(tensor, operands)
        shifts = {slot(k): S.Zero for k, a in enumerate(operands) if a.held and _floored(a.tensor)}
        if not shifts or current.definition is None:
            return current
        body = current.definition.body.xreplace(shifts)
        return restate(current, body, list(operands))

    return rewrite(outputs, rule)


def _floored(tensor: Tensor) -> bool:
    definition = tensor.definition
    return definition is not None and definition.body == maximum(slot(0), 0)


__all__ = ["Fold", "fold"]
