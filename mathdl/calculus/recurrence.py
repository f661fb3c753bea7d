"""Derivatives of recurrences, by the same rules applied to one step.

Reverse: with ``s[t] = F(s[t-1], x[t], c)`` and cotangents ``s_bar`` of what it computes, what
flows back into the state before step ``t`` is a recurrence in the other direction,

    k[t] = (dF/ds)[t]^T (s_bar[t] + k[t+1]),

back-propagation through time; then ``x_bar[t] = (dF/dx)[t]^T (s_bar[t] + k[t+1])`` and
``c_bar = sum_t (dF/dc)[t]^T (s_bar[t] + k[t+1])``.  Forward: ``s_dot[t] = (dF/ds)[t] s_dot[t-1] +
(dF/dx)[t] x_dot[t] + (dF/dc)[t] c_dot``.  (Werbos 1990, *Backpropagation through time*;
Goodfellow et al. 2016, section 10.2.2.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mathdl.ir.build import constant
from mathdl.ir.dim import Shape
from mathdl.ir.system import depends_on, topological
from mathdl.ir.tensor import Tensor
from mathdl.language.operators import transpose
from mathdl.language.recurrence import Loop, last_of, recur
from mathdl.language.stand_ins import fresh
from mathdl.primitives.registry import summed

Seeds = Sequence[tuple[Tensor, Tensor]]
Sweep = Callable[[Seeds, Sequence[Tensor], Shape], Mapping[Tensor, Tensor]]


def _inside(loop: Loop, tensors: Sequence[Tensor]) -> dict[Tensor, Tensor]:
    """What a step computes from its states, at every time."""
    carrying = depends_on(tensors, loop.scope.states, held=True)
    made = [t for t in topological(tensors) if id(t) in carrying and not t.is_input]
    return dict(zip(made, loop.stacked(made), strict=True))


def pull_back_loop(
    seeds: Seeds, wanted: set[int], sweep: Sweep, prefix: Shape
) -> list[tuple[Tensor, Tensor]]:
    """Operands of a loop with what its results' cotangents contribute to theirs.

    ``seeds`` are results of one loop, each with its cotangent; ``wanted`` are ids of operands;
    ``sweep`` is reverse mode for the step.
    """
    loop = Loop.of(seeds[0][0])
    step, axes = loop.step, len(prefix)
    items: dict[Tensor, Tensor] = {**loop.scope.items, **loop.before}
    starts: list[tuple[Tensor, Tensor]] = []  # the step's results with their cotangents
    for result, cotangent in seeds:
        given = fresh("cotangent", (*prefix, *result.shape[1:]))
        order = [axes, *range(axes), *range(axes + 1, cotangent.ndim)]
        items[given] = transpose(cotangent, order)
        starts.append((result.emitted, given))
    flows = {s: fresh("flow", (*prefix, *s.shape)) for s in step.states}
    starts += [(after, flows[s]) for s, after in zip(step.states, step.nexts, strict=True)]
    given_to = [*zip((*step.items, *step.fixed), (*loop.sequences, *loop.constants), strict=True)]
    targets = [inner for inner, operand in given_to if id(operand) in wanted]
    found = sweep(starts, [*step.states, *targets], prefix)
    items |= _inside(loop, [*step.nexts, *(result for result, _ in starts)])
    back = recur(
        step.length, {flows[s]: constant(0, (*prefix, *s.shape)) for s in step.states},
        [found[s] for s in step.states], items, loop.scope.fixed, not step.reverse,
    )
    states = [s for s, start in loop.scope.states.items() if id(start) in wanted]
    stacked = dict(zip(
        [*states, *targets], back.stacked([found[t] for t in [*states, *targets]]), strict=True
    ))
    terms = [(loop.scope.states[s], last_of(stacked[s], not step.reverse)) for s in states]
    for inner in targets:
        whole = stacked[inner]
        if inner in loop.scope.items:
            order = [*range(1, axes + 1), 0, *range(axes + 1, whole.ndim)]
            terms.append((loop.scope.items[inner], transpose(whole, order)))
        else:
            terms.append((loop.scope.fixed[inner], summed(whole, 0, 1)))
    return terms


def push_forward_loop(
    result: Tensor, known: Mapping[int, Tensor],
    tangents: Callable[[Sequence[Tensor], Mapping[Tensor, Tensor]], list[Tensor]],
) -> Tensor:
    """The tangent of what a loop computes, from those of its operands (by id)."""
    loop = Loop.of(result)
    step = loop.step
    items: dict[Tensor, Tensor] = {**loop.scope.items, **loop.before}
    fixed = dict(loop.scope.fixed)
    along: dict[Tensor, Tensor] = {}
    for outside, inside, stem in (
        (loop.sequences, step.items, "item"), (loop.constants, step.fixed, "fixed"),
    ):
        for operand, inner in zip(outside, inside, strict=True):
            if id(operand) in known:
                along[inner] = fresh(stem, inner.shape)
                (items if stem == "item" else fixed)[along[inner]] = known[id(operand)]
    starts = {
        s: known.get(id(start), constant(0, s.shape))
        for s, start in zip(step.states, loop.starts, strict=True)
    }
    moving = {s for s, start in zip(step.states, loop.starts, strict=True) if id(start) in known}
    while True:
        carrying = depends_on(step.nexts, [*along, *moving])
        more = {s for s, n in zip(step.states, step.nexts, strict=True) if id(n) in carrying}
        if more <= moving:
            break
        moving |= more
    flows = {s: fresh("state", s.shape) for s in step.states if s in moving}
    pairs = [(s, n) for s, n in zip(step.states, step.nexts, strict=True) if s in moving]
    *nexts, wanted = tangents([*(n for _, n in pairs), result.emitted], {**along, **flows})
    items |= _inside(loop, [*step.nexts, result.emitted])
    forward = recur(
        step.length, {flows[s]: starts[s] for s, _ in pairs}, nexts, items, fixed, step.reverse
    )
    return forward.stacked([wanted])[0]


__all__ = ["pull_back_loop", "push_forward_loop"]
