"""Recurrences: closed steps, and the sequences of what they compute.

A step reads states, items (entries of sequences at the time) and what is fixed.  It is closed
when built: whatever in it does not depend on a state is computed outside, for all times at once,
and read as an item or as fixed.  So a time-independent product is never inside a loop, and equal
recurrences are one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sympy import KroneckerDelta, S, Symbol, sympify

from mathdl.ir.assumptions import UNIT_ROWS
from mathdl.ir.build import bound_ranges, define, is_zero, out_ranges, read, redefine
from mathdl.ir.dim import Dim
from mathdl.ir.index import out_indices, slot
from mathdl.ir.steps import STEPWISE, Rewrite, Step
from mathdl.ir.system import (
    by_loop,
    depends_on,
    inputs_of,
    loop_key,
    reading,
    reads,
    rewrite,
    topological,
)
from mathdl.ir.tensor import (
    SCAN,
    Access,
    Call,
    Recurrence,
    Requirement,
    Tensor,
    input_tensor,
    intern_call,
)
from mathdl.language.indexing import is_integer_tensor
from mathdl.language.operators import transpose
from mathdl.language.stand_ins import fresh
from mathdl.primitives.registry import apply, lookup_primitive


def lift(
    outputs: Sequence[Tensor], stacked: Mapping[Tensor, Tensor], dim: Dim,
    shared: Mapping[Tensor, Tensor] | None = None,
) -> list[Tensor]:
    """Each output for every entry of a stack of ``dim``.

    ``stacked`` gives for each quantity that varies the tensor of shape ``(dim, *shape)`` of its
    entries, ``shared`` what stands for some that do not.  Everything has the axis in front.
    """
    known: dict[int, Tensor] = {id(t): s for t, s in stacked.items()}
    same: dict[int, Tensor] = {id(t): s for t, s in (shared or {}).items()}
    carrying = depends_on(outputs, stacked, held=True)
    for tensor in topological(outputs, known.keys() | same.keys()):
        if id(tensor) in carrying:
            known[id(tensor)] = _lifted(tensor, known, same, dim)
        elif not tensor.is_input:
            same[id(tensor)] = redefine(tensor, reading(tensor.operands, same))
    return [
        known[id(t)] if id(t) in known else repeated(same.get(id(t), t), dim) for t in outputs
    ]


def repeated(tensor: Tensor, dim: Dim) -> Tensor:
    """The tensor for every entry of a new leading axis."""
    return define([(_B, dim), *out_ranges(tensor.shape)], slot(0), [read(tensor)])


_B = Symbol("b", integer=True, nonnegative=True)


def _lifted(
    tensor: Tensor, known: Mapping[int, Tensor], same: Mapping[int, Tensor], dim: Dim
) -> Tensor:
    if tensor.call is not None:
        if tensor.recurrence is not None:
            return _lifted_scan(tensor, tensor.recurrence, known, same, dim)
        operands = [
            known.get(id(a.tensor), same.get(id(a.tensor), a.tensor)) for a in tensor.operands
        ]
        return apply(
            lookup_primitive(tensor.call.primitive), *operands, **dict(tensor.call.params)
        )
    equation = tensor.equation
    return define(
        [(_B, dim), *out_ranges(tensor.shape)],
        equation.body,
        [
            Access(known[id(a.tensor)], (_B, *a.index), a.held) if id(a.tensor) in known
            else Access(same.get(id(a.tensor), a.tensor), a.index, a.held)
            for a in equation.operands
        ],
        reduce=equation.reduce,
        bound=bound_ranges(equation),
        requires=tensor.requires,
        label=tensor.label,
    )


def _lifted_scan(
    tensor: Tensor, step: Recurrence, known: Mapping[int, Tensor], same: Mapping[int, Tensor],
    dim: Dim,
) -> Tensor:
    """A recurrence over stacks: every state has the new axis."""
    loop = Loop.of(tensor)
    stacked: dict[Tensor, Tensor] = {}
    states: dict[Tensor, Tensor] = {}
    for state, start in zip(step.states, loop.starts, strict=True):
        stacked[state] = fresh("state", (dim, *state.shape))
        states[stacked[state]] = (
            known[id(start)] if id(start) in known
            else repeated(same.get(id(start), start), dim)
        )
    items: dict[Tensor, Tensor] = {}
    for item, sequence in zip(step.items, loop.sequences, strict=True):
        if id(sequence) in known:
            stacked[item] = fresh("item", (dim, *item.shape), item.assume)
            items[stacked[item]] = _swapped(known[id(sequence)])
        else:
            items[item] = same.get(id(sequence), sequence)
    fixed: dict[Tensor, Tensor] = {}
    for given, value in zip(step.fixed, loop.constants, strict=True):
        if id(value) in known:
            stacked[given] = fresh("fixed", (dim, *given.shape), given.assume)
            fixed[stacked[given]] = known[id(value)]
        else:
            fixed[given] = same.get(id(value), value)
    *nexts, wanted = lift([*step.nexts, tensor.emitted], stacked, dim)
    made = recur(step.length, states, nexts, items, fixed, step.reverse)
    return _swapped(made.stacked([wanted])[0])


def _swapped(tensor: Tensor) -> Tensor:
    return transpose(tensor, [1, 0, *range(2, tensor.ndim)])


# -- building ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scope:
    """The quantities in which a step was stated, before it was closed."""

    states: Mapping[Tensor, Tensor]  # what each starts with
    items: Mapping[Tensor, Tensor]  # the sequence of which it is an entry
    fixed: Mapping[Tensor, Tensor]  # what stands for it outside
    nexts: Sequence[Tensor]
    closed: Mapping[Tensor, Tensor]  # the input of the closed step for what that reads


@dataclass(frozen=True)
class Loop:
    """A recurrence with what it is given."""

    step: Recurrence
    starts: tuple[Tensor, ...]
    sequences: tuple[Tensor, ...]
    constants: tuple[Tensor, ...]
    scope: Scope

    @staticmethod
    def of(tensor: Tensor) -> Loop:
        """The loop by which a tensor is computed; its scope is the closed step's own."""
        step = tensor.recurrence
        assert step is not None
        given = reads(tensor)
        m, n = len(step.states), len(step.states) + len(step.items)
        states, items, fixed = given[:m], given[m:n], given[n:]
        scope = Scope(
            dict(zip(step.states, states, strict=True)), dict(zip(step.items, items, strict=True)),
            dict(zip(step.fixed, fixed, strict=True)), step.nexts, {},
        )
        return Loop(step, tuple(states), tuple(items), tuple(fixed), scope)

    @property
    def operands(self) -> tuple[Tensor, ...]:
        return (*self.starts, *self.sequences, *self.constants)

    def collect(self, tensor: Tensor) -> Tensor:
        """A tensor of the step's scope at every time, collected in the loop."""
        closed = rewrite([tensor], replace=self.scope.closed)[0]
        accesses = tuple(map(read, self.operands))
        call = Call(SCAN, accesses, (("recurrence", self.step), ("emit", closed)))
        requires: dict[Requirement, None] = {}
        for t in topological([*self.step.nexts, closed]):
            requires.update(dict.fromkeys(t.requires))
        return intern_call((self.step.length, *closed.shape), call, tuple(requires))

    @cached_property
    def inside(self) -> set[int]:
        """Ids of what the loop computes anyway: it depends on a state and leads to the next."""
        return depends_on(self.scope.nexts, self.scope.states, held=True)

    @cached_property
    def before(self) -> dict[Tensor, Tensor]:
        """Every state before each step: the start, then what the step before left."""
        return {
            state: self._shifted(state, start, after)
            for (state, start), after in zip(
                self.scope.states.items(), self.scope.nexts, strict=True
            )
        }

    def _shifted(self, state: Tensor, start: Tensor, after: Tensor) -> Tensor:
        length = self.step.length
        if after is state:
            return repeated(start, length)
        symbols = out_indices(1 + state.ndim)
        t, rest = symbols[0], symbols[1:]
        first = length - 1 if self.step.reverse else 0
        there = t + 1 if self.step.reverse else t - 1
        whole = (
            self.collect(after) if id(after) in self.inside
            else lift([after], self.scope.items, length, self.scope.fixed)[0]
        )
        body, operands = slot(0), [Access(whole, (there, *rest))]
        if not is_zero(start):
            body = body + KroneckerDelta(t, first) * slot(1)
            operands.append(Access(start, rest))
        return define(out_ranges((length, *state.shape)), body, operands)

    def stacked(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Quantities of the step's scope at every time.

        What leads to the next state is collected in the loop, all else is computed outside.
        """
        known = {**self.scope.items, **self.before}
        given = {id(t) for t in (*known, *self.scope.fixed)}
        for tensor in topological(tensors, given):
            if id(tensor) in self.inside:
                known[tensor] = self.collect(tensor)
        return lift(tensors, known, self.step.length, self.scope.fixed)


def last_of(sequence: Tensor, reverse: bool) -> Tensor:
    """The entry of a sequence at the last step made."""
    length, *shape = sequence.shape
    last = S.Zero if reverse else sympify(length) - 1
    access = Access(sequence, (last, *out_indices(len(shape))))
    return define(out_ranges(tuple(shape)), slot(0), [access])


def recur(
    length: Dim,
    states: Mapping[Tensor, Tensor],
    nexts: Sequence[Tensor],
    items: Mapping[Tensor, Tensor],
    fixed: Mapping[Tensor, Tensor] | None = None,
    reverse: bool = False,
) -> Loop:
    """The loop in which each state, from what it starts with, becomes the next one.

    ``items`` gives for quantities of the step, inputs or not, the sequences of which they are
    the entries; ``fixed`` what stands outside for an input of the step.  Everything else that
    the step reads is fixed as it is.
    """
    fixed = fixed or {}
    states, nexts, zeros = _without_zeros(dict(states), list(nexts), length)
    carrying = depends_on(nexts, states, held=True)
    needed: dict[Tensor, None] = {}
    for tensor in topological(nexts, {id(t) for t in (*states, *items)}):
        if id(tensor) in carrying:
            needed.update(dict.fromkeys(reads(tensor)))
    needed.update(dict.fromkeys(nexts))
    outer = [t for t in needed if t in items or id(t) not in carrying]
    moving = depends_on(outer, items, held=True)
    varying = [t for t in outer if id(t) in moving]
    sequences = dict(zip(varying, lift(varying, items, length, fixed), strict=True))
    constants = {
        t: lift_nothing(t, fixed) for t in outer
        if t not in sequences and (t.is_input or inputs_of([t]))  # numbers stay in the step
    }
    closed = {state: input_tensor(f"state{k}", state.shape) for k, state in enumerate(states)}
    of_items = _named(sequences, "item", 1, closed)
    of_fixed = _named(constants, "fixed", 0, closed)
    step = Recurrence(
        length, reverse, tuple(closed[s] for s in states),
        tuple(closed[t] for t in of_items), tuple(closed[t] for t in of_fixed),
        tuple(rewrite(nexts, replace=closed)),
    )
    scope = Scope(states, {**items, **zeros}, fixed, nexts, closed)
    return Loop(
        step, tuple(states.values()), tuple(sequences[t] for t in of_items),
        tuple(constants[t] for t in of_fixed), scope,
    )


def lift_nothing(tensor: Tensor, shared: Mapping[Tensor, Tensor]) -> Tensor:
    """The tensor with inputs replaced by what stands for them."""
    if tensor in shared:
        return shared[tensor]
    return rewrite([tensor], replace=shared)[0] if shared else tensor


def _named(
    outside: Mapping[Tensor, Tensor], stem: str, axes: int, known: dict[Tensor, Tensor]
) -> list[Tensor]:
    """One input of the step for each distinct operand, in order of rank."""
    chosen: dict[Tensor, Tensor] = {}
    order: list[Tensor] = []
    for inner, operand in sorted(outside.items(), key=lambda pair: pair[1].rank):
        if operand not in chosen:
            assume = {"integer"} if is_integer_tensor(operand) else inner.assume - UNIT_ROWS
            shape = operand.shape[axes:]
            chosen[operand] = input_tensor(f"{stem}{len(chosen)}", shape, assume)
            order.append(inner)
        known[inner] = chosen[operand]
    return order


def _without_zeros(
    states: dict[Tensor, Tensor], nexts: list[Tensor], length: Dim
) -> tuple[dict[Tensor, Tensor], list[Tensor], dict[Tensor, Tensor]]:
    """States that start at zero and stay there are not kept; what stands for them comes third."""
    gone: dict[Tensor, Tensor] = {}
    while True:
        idle = {
            s for s, n in zip(states, nexts, strict=True) if is_zero(n) and is_zero(states[s])
        }
        if not idle:
            return states, nexts, gone
        nexts = [n for s, n in zip(states, nexts, strict=True) if s not in idle]
        nexts = rewrite(nexts, replace={s: states[s] for s in idle})
        gone |= {s: repeated(states[s], length) for s in idle}
        states = {s: start for s, start in states.items() if s not in idle}


def rewrite_steps(
    outputs: Sequence[Tensor], transform: Callable[[list[Tensor]], list[Tensor]],
    kept: Iterable[Tensor] = (), trace: list[Step] | None = None,
) -> list[Tensor]:
    """The outputs with the steps of their recurrences transformed, and closed again.

    ``transform`` gets all that is computed in one step and returns what equals it.  The loops
    that compute something in ``kept`` stay as they are.
    """
    results = by_loop(topological(outputs))
    if not results:
        return list(outputs)
    settled = by_loop(kept).keys()
    known: dict[Tensor, Tensor] = {}

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        key = loop_key(tensor)
        if tensor.recurrence is None or key in settled:
            return redefine(tensor, operands)
        if tensor not in known:
            loop = Loop.of(redefine(tensor, operands))
            step, scope = loop.step, loop.scope
            emits = [t.emitted for t in results[key]]
            found = transform([*step.nexts, *emits])
            nexts, made = found[: len(step.nexts)], found[len(step.nexts):]
            again = recur(
                step.length, scope.states, nexts, scope.items, scope.fixed, step.reverse
            )
            known.update(zip(results[key], again.stacked(made), strict=True))
            if trace is not None:
                pairs = [(loop.collect(old.emitted), known[old]) for old in results[key]]
                trace.extend(Rewrite(STEPWISE, a, b) for a, b in pairs if a is not b)
        return known[tensor]

    return rewrite(outputs, rule)


def named_in_steps(tensors: Iterable[Tensor]) -> dict[Tensor, str]:
    """What is named in the steps of recurrences, at every time, with its name."""
    found: dict[Tensor, str] = {}
    for tensor in tensors:
        if tensor.recurrence is None:
            continue
        loop = Loop.of(tensor)
        inner = [t for t in topological([*loop.step.nexts, tensor.emitted]) if t.label]
        found |= dict(zip(loop.stacked(inner), [t.label or "" for t in inner], strict=True))
    return found
