"""Rewriting a system until it is short and stable."""

from collections.abc import Sequence

from mathdl.ir.steps import Rewrite, Step
from mathdl.ir.tensor import Tensor
from mathdl.language.recurrence import rewrite_steps
from mathdl.simplify.engine import Rule, rewrite_system
from mathdl.simplify.rules import FOLD, RULES
from mathdl.simplify.stabilise import stabilise

MAX_PASSES = 4


def simplify(outputs: Sequence[Tensor], *, kept: Sequence[Tensor] = (), strict: bool = False,
             trace: list[Step] | None = None) -> list[Tensor]:
    """The outputs rewritten with all rules until nothing changes, and the steps of loops too."""
    def inside(step: list[Tensor]) -> list[Tensor]:
        return simplify(step, strict=strict, trace=trace)

    current = rewrite_steps(outputs, inside, kept, trace)
    for _ in range(MAX_PASSES):
        after = rewrite_system(current, RULES, kept=kept, strict=strict, trace=trace)
        if all(a is b for a, b in zip(after, current, strict=True)):
            break
        current = after
    return current


def fold(outputs: Sequence[Tensor], named: Sequence[Tensor],
         trace: list[Step] | None = None) -> list[Tensor]:
    """The outputs with functions that have a name read from what is called so."""
    return rewrite_system(outputs, (FOLD,), kept=named, trace=trace) if named else list(outputs)


__all__ = ["RULES", "Rewrite", "Rule", "Step", "fold", "rewrite_system", "simplify", "stabilise"]
