"""Recurrences as equations between times: ``h[t<T] = tanh(h[t - 1] @ W.T + X[t] @ U.T)``.

What the engine computes outside a loop is written inside again where nothing else reads it, so
that the recurrence reads as a book has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from mathdl.ir.build import bound_ranges, define
from mathdl.ir.dim import Dim, Shape
from mathdl.ir.index import out_index, out_indices, slot
from mathdl.ir.system import rewrite, topological
from mathdl.ir.tensor import Access, Tensor, input_tensor
from mathdl.language.operators import transpose
from mathdl.language.recurrence import Loop
from mathdl.present.tree import Index, Name, Node, Number


@dataclass(frozen=True)
class StepView:
    """One step of a loop with what it reads: sequences at the time, and what is fixed."""

    loop: Loop
    nexts: tuple[Tensor, ...]
    emits: tuple[Tensor, ...]
    items: Mapping[Tensor, Tensor]
    fixed: Mapping[Tensor, Tensor]

    @property
    def reads(self) -> list[Tensor]:
        """What stands outside the step and is written in it, and what the states start with."""
        return [*self.loop.starts, *self.items.values(), *self.fixed.values()]


def step_view(members: Sequence[Tensor], uses: Mapping[int, int]) -> StepView:
    """The step that computes ``members``; ``uses`` counts by id how often tensors are read."""
    loop = Loop.of(members[0])
    items, fixed = dict(loop.scope.items), dict(loop.scope.fixed)
    inside: dict[Tensor, Tensor] = {}
    waiting = list(items)
    while waiting:
        item = waiting.pop()
        opened = _at_one_time(items[item]) if uses.get(id(items[item]), 0) <= 1 else None
        if opened is None:
            continue
        inside[item], moving, constant = opened
        del items[item]
        items |= moving
        fixed |= constant
        waiting.extend(moving)
    nexts, emits = loop.step.nexts, [t.emitted for t in members]
    found = [*nexts, *emits]
    while inside.keys() & set(topological(found)):
        found = rewrite(found, replace=inside)
    used = set(topological(found))
    return StepView(
        loop, tuple(found[: len(nexts)]), tuple(found[len(nexts):]),
        {k: v for k, v in items.items() if k in used},
        {k: v for k, v in fixed.items() if k in used},
    )


def _at_one_time(
    sequence: Tensor,
) -> tuple[Tensor, dict[Tensor, Tensor], dict[Tensor, Tensor]] | None:
    """A sequence's equation at one time, with the sequences and other tensors that it reads."""
    equation = sequence.definition
    if equation is None or sequence.label is not None or sequence.requires:
        return None
    time = out_index(0)
    if time in equation.body.free_symbols or not equation.operands or equation.body == slot(0):
        return None
    items: dict[Tensor, Tensor] = {}
    fixed: dict[Tensor, Tensor] = {}
    operands: list[Access] = []
    for access in equation.operands:
        places = [k for k, e in enumerate(access.index) if time in e.free_symbols]
        if len(places) > 1 or any(access.index[k] != time for k in places):
            return None
        if not places:
            stand_in = _stand_in("fixed", access.tensor, access.tensor.shape)
            fixed[stand_in] = access.tensor
            operands.append(Access(stand_in, access.index, access.held))
            continue
        (k,) = places
        if access.tensor.shape[k] != sequence.shape[0]:
            return None
        order = [k, *(j for j in range(access.tensor.ndim) if j != k)]
        whole = transpose(access.tensor, order)
        stand_in = _stand_in("item", whole, whole.shape[1:])
        items[stand_in] = whole
        rest = (*access.index[:k], *access.index[k + 1 :])
        operands.append(Access(stand_in, rest, access.held))
    symbols: tuple[Any, ...] = out_indices(sequence.ndim)
    made = define(
        list(zip(symbols[1:], sequence.shape[1:], strict=True)), equation.body, operands,
        reduce=equation.reduce,
        bound=bound_ranges(equation),
    )
    return made, items, fixed


def _stand_in(kind: str, outside: Tensor, shape: Shape) -> Tensor:
    """An input that stands for a tensor inside a step, in an order that follows from it alone."""
    return input_tensor(f"_{kind} {' '.join(map(str, outside.rank))}", shape, outside.assume)


@dataclass(frozen=True)
class Started:
    """An axis of a printed sequence that has a start: ``h[-1] = ...``, or ``h[T]`` backwards."""

    length: Dim
    last: Node  # T - 1
    backwards: bool
    zero: bool


def with_lasts(node: Any, lasts: Mapping[str, Mapping[int, Node]]) -> Any:
    """The tree with ``h[T - 1]`` for the last entry where ``h[-1]`` is what ``h`` starts with."""
    if not lasts:
        return node
    if isinstance(node, tuple):
        return tuple(with_lasts(part, lasts) for part in node)
    if not is_dataclass(node) or isinstance(node, Name | Number):
        return node
    changed = {f.name: with_lasts(getattr(node, f.name), lasts) for f in fields(node)}
    made: Any = replace(node, **changed)  # type: ignore[type-var]
    return _last(made, lasts) if isinstance(made, Index) else made


def _last(node: Index, lasts: Mapping[str, Mapping[int, Node]]) -> Index:
    before = 0
    inner: Any = node.inner
    while isinstance(inner, Index) and not any(i is None for i in inner.items):
        before += len(inner.items)
        inner = inner.inner
    axes = lasts.get(inner.text, {}) if isinstance(inner, Name) else {}
    items = list(node.items)
    for k, item in enumerate(items):
        if item is None:
            break
        if isinstance(item, Number) and item.value == -1 and before + k in axes:
            items[k] = axes[before + k]
    return replace(node, items=tuple(items))
