"""The rewriting engine: local rules applied bottom-up until none fires.

Each rule is an object with a name and its law; it is given one defined tensor and returns an
equal one, or None.  Nothing here knows a layer or a loss by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mathdl.ir.build import redefine
from mathdl.ir.steps import Rewrite, Step
from mathdl.ir.system import topological
from mathdl.ir.tensor import Access, Tensor


@dataclass
class Context:
    """What a rule may know of the system around an equation."""

    uses: dict[int, int] = field(default_factory=dict)
    quotients: dict[tuple[int, int], list[Tensor]] = field(default_factory=dict)
    functions: dict[tuple[Any, int], Tensor] = field(default_factory=dict)
    kept: set[int] = field(default_factory=set)
    multiples: dict[int, tuple[Any, Tensor]] = field(default_factory=dict)
    alive: list[Tensor] = field(default_factory=list)  # so that ids stay those of the tensors
    strict: bool = False

    def single(self, tensor: Tensor) -> bool:
        return self.uses.get(id(tensor), 1) <= 1 and id(tensor) not in self.kept


@dataclass(frozen=True)
class Rule:
    """A rewriting rule: its name, the law that it applies, and the function that does.

    ``of`` says whether it is for equations or for results of primitives.
    """

    name: str
    law: str
    apply: Callable[[Tensor, Context], Tensor | None]
    of: Literal["equations", "calls"] = "equations"
    reference: str = ""


MAX_STEPS_PER_EQUATION = 64


def rewrite_system(
    outputs: Sequence[Tensor],
    rules: Sequence[Rule],
    *,
    kept: Iterable[Tensor] = (),
    strict: bool = False,
    trace: list[Step] | None = None,
    follow: dict[Tensor, str] | None = None,
) -> list[Tensor]:
    """The outputs with the rules applied to every equation, operands first.

    ``kept`` are quantities that exist in any case (the forward pass, named ones): reading them
    is free, inlining them saves nothing.  With ``strict`` a rewrite must shorten the system;
    otherwise equations are also merged when that costs the same.
    """
    context = Context(strict=strict)
    kept = list(kept)
    order = topological([*kept, *outputs])
    for tensor in order:
        for access in tensor.operands:
            context.uses[id(access.tensor)] = context.uses.get(id(access.tensor), 0) + 1
    known: dict[int, Tensor] = {}
    wanted = {id(t) for t in kept}
    for tensor in order:
        if tensor.is_input:
            known[id(tensor)] = tensor
            continue
        operands = tuple(
            a if (new := known[id(a.tensor)]) is a.tensor else Access(new, a.index, a.held)
            for a in tensor.operands
        )
        current = redefine(tensor, operands)
        current = _normalise(current, rules, context, trace)
        _inherit(tensor, current, context, wanted)
        known[id(tensor)] = current
        context.alive.append(current)
        register(current, context)
    if follow is not None:
        names = [(known[id(t)], name) for t, name in follow.items() if id(t) in known]
        follow.clear()
        for tensor, name in names:
            follow.setdefault(tensor, name)
    return [known[id(t)] for t in outputs]


def _normalise(
    tensor: Tensor, rules: Sequence[Rule], context: Context, trace: list[Step] | None,
) -> Tensor:
    for _ in range(MAX_STEPS_PER_EQUATION):
        kind = "equations" if tensor.definition is not None else "calls"
        for rule in rules:
            after = rule.apply(tensor, context) if rule.of == kind else None
            if after is not None and after is not tensor:
                if trace is not None:
                    trace.append(Rewrite(rule, tensor, after))
                context.alive.append(tensor)
                tensor = after
                break
        else:
            return tensor
    return tensor


def _inherit(old: Tensor, new: Tensor, context: Context, wanted: set[int]) -> None:
    """What stands for a tensor is read as often as the tensor was."""
    if new is not old:
        context.uses[id(new)] = context.uses.get(id(new), 0) + context.uses.get(id(old), 0)
    if id(old) in wanted:
        context.kept.add(id(new))


def register(tensor: Tensor, context: Context) -> None:
    """Remember multiples of sums and kept quotients ``a/b``: they are read elsewhere too."""
    from mathdl.simplify.quotients import function_of, quotient_of
    from mathdl.simplify.scaling import remember_multiple

    remember_multiple(tensor, context)

    if id(tensor) not in context.kept:
        return
    function = function_of(tensor)
    if function is not None:
        context.functions.setdefault((function[0], id(function[1])), tensor)
    parts = quotient_of(tensor)
    if parts is not None:
        top, bottom = parts
        context.quotients.setdefault((id(top.tensor), id(bottom.tensor)), []).append(tensor)
