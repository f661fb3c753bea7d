"""From equations to a list of kernels with the memory that each writes.

The schedule names no target: it is the values that the outputs need, in an order in which they
can be computed, and for each the buffer that holds it.  Buffers are reused as soon as what
they hold is dead, elementwise kernels run in place, and results are written where they are
returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mathdl.errors import UnsupportedError
from mathdl.generate.blocks import Run, split
from mathdl.generate.centred import centre_twice
from mathdl.generate.equations import Lowering
from mathdl.generate.factors import solve_products
from mathdl.generate.indices import index_tensors
from mathdl.generate.layout import Schedule, lay_out
from mathdl.generate.notation import equation_text
from mathdl.generate.peephole import Peephole
from mathdl.generate.readoff import read_off
from mathdl.generate.roots import scale_roots
from mathdl.generate.values import (
    Affine,
    Cast,
    Input,
    Kind,
    Loop,
    Reshape,
    Ufunc,
    Value,
)
from mathdl.ir.system import by_loop, inputs_of, rewrite, topological
from mathdl.ir.tensor import Tensor, input_tensor


def schedule(
    outputs: Sequence[tuple[str, Tensor]],
    names: Mapping[Tensor, str] | None = None,
    extra_inputs: Iterable[Tensor] = (),
) -> Schedule:
    """Lower the equations below the outputs and lay them out."""
    order = topological(t for _, t in outputs)
    requires = list(dict.fromkeys(r for t in order for r in t.requires))
    free = {a.tensor for t in order for a in t.operands if not a.held} | {t for _, t in outputs}
    shifts = {a.tensor for t in order for a in t.operands} - free
    lowering = Lowering([r.expr for r in requires], by_loop(order), shifts)
    graph, reader = lowering.graph, lowering.reader
    shown = display_names(order, outputs, names or {})
    texts: dict[int, str] = {}
    taken = frozenset(shown.values()) | {
        str(s) for t in order for d in t.shape if not isinstance(d, int) for s in d.free_symbols
    }
    indices = index_tensors(order)
    for tensor in order:
        if tensor.is_input:
            kind: Kind = "int" if tensor in indices else "float"
            value = graph.make(Input(tensor), tensor.shape, kind)
            reader.store(tensor, value, tuple(range(tensor.ndim)))
            continue
        try:
            texts[id(tensor)] = equation_text(tensor, shown, taken)
            lowering.lower(tensor)
        except UnsupportedError as error:
            raise error.within(texts.get(id(tensor), shown[tensor])) from None
    results: list[tuple[str, Value]] = []
    for name, tensor in outputs:
        graph.owner = tensor if not tensor.is_input else None
        value = reader.dense(tensor)
        if value.kind != "float":
            value = graph.make(Cast(value), value.shape)
        results.append((name, value))
    holds = {
        reader.stored[id(t)].value: shown[t] for t in reversed(order) if not t.is_input
    }
    solve_products(graph, _needed(v for _, v in results), [v for _, v in results])
    unnamed = {
        reader.stored[i].value: texts[i] for t in reversed(order)
        if (i := id(t)) in texts and not t.label and t not in (names or {})
    }
    read_off(graph, _needed(v for _, v in results))
    Peephole(graph, _needed(v for _, v in results), [v for _, v in results]).run()
    scale_roots(_needed(v for _, v in results))
    centre_twice(_needed(v for _, v in results))
    needed = _needed(v for _, v in results)
    steps = _ordered([v for v in needed if not v.is_constant and not isinstance(v.op, Input)])
    constants = [v for v in needed if v.is_constant]
    inputs = list(dict.fromkeys([*extra_inputs, *inputs_of(t for _, t in outputs)]))
    result = Schedule(inputs, results, steps, constants, indices, requires=requires, holds=holds,
                      unnamed=unnamed)
    for value in steps:
        if isinstance(value.op, Loop):
            assert value.owner is not None
            names_of = [shown[a.tensor] for a in value.owner.operands]
            result.loops[value] = step_schedule(value.op, names_of)
    _comment(result, texts)
    lay_out(result, list(steps))
    return result


def step_schedule(loop: Loop, operands: Sequence[str]) -> Schedule:
    """What one step of a loop computes: what is collected, and the other next states.

    Its inputs are called as the loop's operands are: an entry of ``x`` is ``x_t``.
    """
    step = loop.step
    count = len(step.states)
    stems = ["state"]*count + [f"{name}_t" for name in operands[count:]]
    stems[count + len(step.items):] = operands[count + len(step.items):]
    called: dict[Tensor, Tensor] = {}
    for tensor, stem in zip(step.inputs, stems, strict=True):
        taken = {t.name for t in called.values()}
        name = next(n for k in range(len(stems) + 1) if (n := f"{stem}{k or ''}") not in taken)
        called[tensor] = input_tensor(name, tensor.shape, tensor.assume)
    wanted = [*loop.emits, *carried(loop)]
    outputs = [(f"new{k}", t) for k, t in enumerate(rewrite(wanted, replace=called))]
    return schedule(outputs, extra_inputs=called.values())


def carried(loop: Loop) -> list[Tensor]:
    """The next states of a loop that it does not collect."""
    return [t for t in dict.fromkeys(loop.step.nexts) if t not in loop.emits]


def in_blocks(plan: Schedule) -> Schedule | None:
    """The same schedule with its long elementwise runs done block by block; None without any."""
    items = split(plan.steps)
    if not any(isinstance(item, Run) for item in items):
        return None
    steps = [v for item in items for v in (item.steps if isinstance(item, Run) else [item])]
    result = replace(plan, steps=steps, buffers=[], place={}, items=[])
    lay_out(result, items)
    return result


def display_names(
    order: Sequence[Tensor], outputs: Sequence[tuple[str, Tensor]], names: Mapping[Tensor, str]
) -> dict[Tensor, str]:
    """A distinct name for every tensor: given, declared, or ``t1``, ``t2`` ..."""
    shown: dict[Tensor, str] = {t: t.name for t in order if t.name is not None}
    taken = set(shown.values())
    wanted = {**{t: t.label for t in order if t.label}, **names}
    count = 0
    for tensor in order:
        if tensor in shown:
            continue
        name = wanted.get(tensor)
        if name is None or name in taken:
            stem, k = name or "t", 1
            if name is None:
                count += 1
                k = count
            while f"{stem}{k}" in taken:
                k += 1
                count = max(count, k) if name is None else count
            name = f"{stem}{k}"
        taken.add(name)
        shown[tensor] = name
    return shown


def _needed(outputs: Any) -> list[Value]:
    found: set[Value] = set()
    stack = list(outputs)
    while stack:
        value = stack.pop()
        if value in found:
            continue
        found.add(value)
        stack.extend(value.operands())
    # by number, but what a rewritten value needs goes before it
    order: dict[Value, None] = {}
    for last in sorted(found, key=lambda v: v.number):
        stack = [last]
        while stack:
            value = stack[-1]
            missing = [v for v in value.operands() if v not in order]
            if missing and value not in order:
                stack.extend(missing)
            else:
                order[stack.pop()] = None
    return list(order)


def _ordered(steps: list[Value]) -> list[Value]:
    """The steps with what only results depend on as early as it can be.

    A gradient is computed as soon as its factors are there, so that these can be forgotten.
    """
    among = set(steps)
    readers: dict[Value, list[Value]] = {v: [] for v in steps}
    waiting: dict[Value, int] = {}
    for v in steps:
        operands = {a for a in v.operands() if a in among}
        waiting[v] = len(operands)
        for a in operands:
            readers[a].append(v)
    # a reader stands once for each distinct operand
    eager: set[Value] = set()
    for v in reversed(steps):
        if not readers[v] or (
            len(readers[v]) == 1
            and readers[v][0] in eager
            and isinstance(readers[v][0].op, (Ufunc, Affine, Reshape, Cast))
            and len([a for a in readers[v][0].operands() if not a.is_constant]) == 1
        ):
            eager.add(v)
    order: list[Value] = []
    at = {v: k for k, v in enumerate(steps)}
    for position, first in enumerate(steps):
        todo = [first] if not waiting[first] else []
        while todo:
            v = todo.pop()
            waiting[v] = -1
            order.append(v)
            for r in readers[v]:
                waiting[r] -= 1
            todo.extend(
                r for r in reversed(dict.fromkeys(readers[v]))
                if not waiting[r] and (r in eager or at[r] < position)
            )
    return order


def _comment(schedule: Schedule, texts: dict[int, str]) -> None:
    """Put each equation before the first step that was made for it."""
    last: Tensor | None = None
    seen: set[int] = set()
    for value in schedule.steps:
        owner = value.owner
        if owner is None or owner is last or value.is_view:
            continue
        last = owner
        if id(owner) in texts and id(owner) not in seen:
            seen.add(id(owner))
            schedule.comments[value] = texts[id(owner)]
