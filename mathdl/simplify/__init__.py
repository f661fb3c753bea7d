"""Rewriting a system until it is short and stable."""

from collections import Counter
from collections.abc import Sequence

from mathdl.ir.steps import Rewrite, Step
from mathdl.ir.system import reads, topological
from mathdl.ir.tensor import Tensor
from mathdl.language.recurrence import rewrite_steps
from mathdl.simplify.engine import Rule, rewrite_system
from mathdl.simplify.rules import FOLD, RULES
from mathdl.simplify.stabilise import stabilise

MAX_PASSES = 4
Names = dict[Tensor, str]


def simplify(outputs: Sequence[Tensor], *, kept: Sequence[Tensor] = (), strict: bool = False,
             trace: list[Step] | None = None, follow: Names | None = None) -> list[Tensor]:
    """The outputs rewritten with all rules until nothing changes, and the steps of loops too.

    ``follow`` names quantities below the outputs; it is left naming what stands for them.  Those
    that are read more than once stay quantities of their own.
    """
    def inside(step: list[Tensor]) -> list[Tensor]:
        read = {id(t) for reader in topological(step) for t in reads(reader)}
        between = [t for t in step if id(t) in read and not t.is_input]  # results read by others
        return simplify(step, kept=between, strict=strict, trace=trace)

    current = rewrite_steps(outputs, inside, kept, trace)
    for _ in range(MAX_PASSES):
        stated = [*kept, *_shared(current, follow or {})]
        after = rewrite_system(current, RULES, kept=stated, strict=strict, trace=trace,
                               follow=follow)
        if all(a is b for a, b in zip(after, current, strict=True)):
            break
        current = after
    return current


def _shared(outputs: Sequence[Tensor], names: Names) -> list[Tensor]:
    """The named quantities that are read more than once below the outputs."""
    if not names:
        return []
    uses = Counter(t for reader in topological(outputs) for t in reads(reader))
    return [t for t in names if uses[t] > 1]


def fold(outputs: Sequence[Tensor], named: Sequence[Tensor],
         trace: list[Step] | None = None, follow: Names | None = None) -> list[Tensor]:
    """The outputs with functions that have a name read from what is called so."""
    if not named:
        return list(outputs)
    return rewrite_system(outputs, (FOLD,), kept=named, trace=trace, follow=follow)


__all__ = ["RULES", "Rewrite", "Rule", "Step", "fold", "rewrite_system", "simplify", "stabilise"]
