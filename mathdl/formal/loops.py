"""Recurrences as equations over all times: the states before and after every step.

The states of a loop of ``T`` steps are one tensor each, with an axis of ``T + 1`` times in front;
step ``t`` leads from time ``t`` to ``t + 1``, in a reversed loop from ``t + 1`` to ``t``.  What a
step computes is an equation like all others, with the axis of steps in front.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sympy import Integer, KroneckerDelta, expand_mul

from mathdl.errors import UnsupportedError
from mathdl.formal.system import plain
from mathdl.ir.build import bound_ranges, define, is_zero, out_ranges, redefine
from mathdl.ir.dim import Dim
from mathdl.ir.index import in_range, out_indices, slot
from mathdl.ir.system import loop_key, rewrite, topological
from mathdl.ir.tensor import Access, Call, Recurrence, Tensor, intern_call
from mathdl.language.recurrence import lift

STATES = "states"


@dataclass(frozen=True)
class Unrolled:
    """A loop: its ``states`` at all times, their ``nexts`` after every step, and all that the
    steps compute, in order."""

    step: Recurrence
    states: tuple[Tensor, ...]
    nexts: tuple[Tensor, ...]
    inside: tuple[Tensor, ...]

    @property
    def length(self) -> Dim:
        return self.step.length

    def before(self, t: Any) -> Any:
        """The time before step ``t``."""
        return t + 1 if self.step.reverse else t

    def after(self, t: Any) -> Any:
        """The time after step ``t``."""
        return t if self.step.reverse else t + 1

    @property
    def first(self) -> Any:
        """The time before all steps."""
        return self.length if self.step.reverse else Integer(0)

    @property
    def last(self) -> Any:
        """The time after all steps."""
        return Integer(0) if self.step.reverse else self.length

    @property
    def final(self) -> Any:
        """The last step made."""
        return Integer(0) if self.step.reverse else self.length - 1

    @property
    def operands(self) -> tuple[Access, ...]:
        return self.states[0].operands

    @property
    def starts(self) -> tuple[Tensor, ...]:
        return tuple(a.tensor for a in self.operands[:len(self.states)])

    @property
    def sequences(self) -> tuple[Tensor, ...]:
        m = len(self.states)
        return tuple(a.tensor for a in self.operands[m:m + len(self.step.items)])

    @property
    def constants(self) -> tuple[Tensor, ...]:
        return tuple(a.tensor for a in self.operands[len(self.states) + len(self.step.items):])


def is_states(tensor: Tensor) -> bool:
    return tensor.call is not None and tensor.call.primitive == STATES


def unrolled(tensors: Iterable[Tensor]) -> list[Tensor]:
    """The tensors with what recurrences compute by equations over all times."""

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        if tensor.recurrence is not None:
            given[loop_key(tensor)] = operands
            return at_all_times(tensor.recurrence, operands, [tensor.emitted])[0]
        if tensor.definition is None:
            return redefine(tensor, operands)
        return _shifted(tensor, operands)

    def _shifted(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        """Reads of the state that the step before left, zero at the first: of the states, less
        the start there."""
        ranges = [*out_ranges(tensor.shape), *bound_ranges(tensor.equation)]
        body, accesses = tensor.equation.body, list(operands)
        for k, (old, new) in enumerate(zip(tensor.operands, operands, strict=True)):
            step = old.tensor.recurrence
            if step is None or step.nexts.count(old.tensor.emitted) != 1:
                continue
            time, *rest = new.index
            t = time - 1 if step.reverse else time + 1
            if in_range(time, step.length, dict(ranges)) or not in_range(
                    t, step.length, dict(ranges)):
                continue
            state = step.nexts.index(old.tensor.emitted)
            reads = given[loop_key(old.tensor)]
            states, start = _states(step, reads)[state], reads[state].tensor
            accesses[k] = Access(states, (time if step.reverse else t, *rest), new.held)
            if not is_zero(start):
                first = KroneckerDelta(t, step.length - 1 if step.reverse else 0)
                body = body.xreplace({slot(k): slot(k) - first * slot(len(accesses))})
                accesses.append(Access(start, tuple(rest), new.held))
        if accesses == list(operands):
            return redefine(tensor, operands)
        return define(out_ranges(tensor.shape), expand_mul(body), accesses,
                      reduce=tensor.equation.reduce, bound=bound_ranges(tensor.equation),
                      label=tensor.label)

    given: dict[Any, tuple[Access, ...]] = {}
    return rewrite(tensors, rule)


@lru_cache(maxsize=256)
def loop_of(states: Tensor) -> Unrolled:
    """The loop that has these states."""
    assert states.call is not None
    step: Recurrence = dict(states.call.params)["recurrence"]
    every = _states(step, states.operands)
    nexts = plain(at_all_times(step, states.operands, step.nexts), {})
    given = {id(t) for t in topological([a.tensor for a in states.operands])}
    inside = topological(nexts, given | {id(s) for s in every})
    return Unrolled(step, every, tuple(nexts), tuple(inside))


def of_result(result: Tensor, step: Recurrence) -> Tensor:
    """A state of the loop with this step that a result of it reads."""
    found = [t for t in topological([result]) if is_states(t)
             and dict(t.call.params)["recurrence"] == step]  # type: ignore[union-attr]
    return found[-1]


def with_loops(tensors: Iterable[Tensor]) -> list[Tensor]:
    """All below the tensors, with what the steps of their loops compute."""
    outputs = list(tensors)
    while True:
        found = topological(outputs)
        known = set(found)
        more = [n for t in found if is_states(t) for n in loop_of(t).nexts if n not in known]
        if not more:
            return found
        outputs = [*dict.fromkeys(more), *outputs]


def _states(step: Recurrence, operands: tuple[Access, ...]) -> tuple[Tensor, ...]:
    return tuple(
        intern_call((step.length + 1, *s.shape),
                    Call(STATES, tuple(operands), (("recurrence", step), ("state", k))))
        for k, s in enumerate(step.states)
    )


def at_all_times(
    step: Recurrence, operands: tuple[Access, ...], wanted: Iterable[Tensor],
    more: Mapping[Tensor, Tensor] | None = None,
) -> list[Tensor]:
    """Quantities of a step at every time; ``more`` says what else varies with it."""
    stacked: dict[Tensor, Tensor] = {}
    for state, states in zip(step.states, _states(step, operands), strict=True):
        shape = (step.length, *state.shape)
        t, *rest = out_indices(len(shape))
        access = Access(states, (t + 1 if step.reverse else t, *rest))
        stacked[state] = define(out_ranges(shape), slot(0), [access])
    m, n = len(step.states), len(step.states) + len(step.items)
    values = [a.tensor for a in operands]
    stacked |= dict(zip(step.items, values[m:n], strict=True)) | dict(more or {})
    wanted = list(wanted)
    if any(t.recurrence is not None for t in topological(wanted)):
        raise UnsupportedError("no certificate through a recurrence inside of a recurrence yet")
    return lift(wanted, stacked, step.length, dict(zip(step.fixed, values[n:], strict=True)))

