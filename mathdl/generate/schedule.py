"""From equations to a list of kernels with the memory that each writes.

The schedule names no target: it is the values that the outputs need, in an order in which they
can be computed, and for each the buffer that holds it.  Buffers are reused as soon as what
they hold is dead, elementwise kernels run in place, and results are written where they are
returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import KroneckerDelta

from mathdl.errors import UnsupportedError
from mathdl.generate.equations import Lowering
from mathdl.generate.notation import equation_text
from mathdl.generate.values import (
    Affine,
    Assemble,
    Cast,
    Copy,
    Fill,
    Input,
    Kind,
    Pad,
    Positions,
    Reshape,
    Select,
    Ufunc,
    Value,
)
from mathdl.ir.dim import Shape
from mathdl.ir.index import slots_in
from mathdl.ir.system import topological
from mathdl.ir.tensor import Requirement, Tensor


@dataclass(eq=False)
class Buffer:
    """Memory for one array at a time; ``output`` is its place among the results, if it is one."""

    name: str
    shape: Shape
    kind: Kind
    zeroed: bool = False
    output: int | None = None


@dataclass
class Schedule:
    """What to compute, in order, and where it is kept."""

    inputs: list[Tensor]
    outputs: list[tuple[str, Value]]
    steps: list[Value]
    constants: list[Value]
    indices: set[Tensor]  # inputs (and what is computed from them) that index others
    buffers: list[Buffer] = field(default_factory=list)
    place: dict[Value, Buffer] = field(default_factory=dict)
    requires: list[Requirement] = field(default_factory=list)
    comments: dict[Value, str] = field(default_factory=dict)  # the equation a step begins
    holds: dict[Value, str] = field(default_factory=dict)  # the name of what a value is


def schedule(
    outputs: Sequence[tuple[str, Tensor]],
    names: Mapping[Tensor, str] | None = None,
    extra_inputs: Iterable[Tensor] = (),
) -> Schedule:
    """Lower the equations below the outputs and lay them out."""
    order = topological(t for _, t in outputs)
    requires = list(dict.fromkeys(r for t in order for r in t.requires))
    lowering = Lowering([r.expr for r in requires])
    graph, reader = lowering.graph, lowering.reader
    shown = display_names(order, outputs, names or {})
    texts: dict[int, str] = {}
    indices = index_tensors(order)
    for tensor in order:
        if tensor.is_input:
            kind: Kind = "int" if tensor in indices else "float"
            value = graph.make(Input(tensor), tensor.shape, kind)
            reader.store(tensor, value, tuple(range(tensor.ndim)))
            continue
        try:
            texts[id(tensor)] = equation_text(tensor, shown)
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
    needed = _needed(v for _, v in results)
    steps = [v for v in needed if not v.is_constant and not isinstance(v.op, Input)]
    constants = [v for v in needed if v.is_constant]
    given = dict.fromkeys([*(t for t in order if t.is_input), *extra_inputs])
    inputs = sorted(given, key=lambda t: t.serial)
    result = Schedule(inputs, results, steps, constants, indices, requires=requires, holds=holds)
    _comment(result, texts)
    _Layout(result).run()
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


def index_tensors(order: Sequence[Tensor]) -> set[Tensor]:
    """Tensors whose entries are used as indices, and the integer data these come from."""
    found: set[Tensor] = set()
    for tensor in reversed(order):
        if tensor in found:
            found.update(a.tensor for a in tensor.operands)
        if tensor.definition is None:
            continue
        slots: set[int] = set()
        for a in tensor.operands:
            for e in a.index:
                if getattr(e, "free_symbols", None):
                    slots.update(slots_in(e))
        if tensor.equation.body.has(KroneckerDelta):
            for delta in tensor.equation.body.atoms(KroneckerDelta):
                slots.update(slots_in(delta))
        found.update(tensor.operands[k].tensor for k in slots)
    return found


def _needed(outputs: Any) -> list[Value]:
    found: set[Value] = set()
    stack = list(outputs)
    while stack:
        value = stack.pop()
        if value in found:
            continue
        found.add(value)
        stack.extend(value.operands())
    return sorted(found, key=lambda v: v.number)


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


def root(value: Value) -> Value:
    """The value whose memory a view shows."""
    while value.is_view:
        assert isinstance(value.op, (Affine, Reshape))
        value = value.op.base
    return value


class _Layout:
    """Assigns buffers to the steps of a schedule."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.dies: dict[Value, int] = {}
        self.pool: dict[tuple[Shape, Kind], list[Buffer]] = {}
        self.names: set[str] = set()

    def run(self) -> None:
        steps = self.schedule.steps
        for at, value in enumerate(steps):
            for used in value.operands():
                self.dies[root(used)] = at
                if used.is_view:
                    self._keep_alive(used, at)
        for at, value in enumerate(steps):
            if value.is_view:
                self.dies[root(value)] = max(self.dies.get(root(value), at), at)
        self._place_outputs()
        dead: dict[int, list[Value]] = {}
        for value, at in self.dies.items():
            dead.setdefault(at, []).append(value)
        place = self.schedule.place
        for at, value in enumerate(steps):
            if not value.is_view and value.shape != () and value not in place:
                place[value] = self._buffer(value, at)
            for gone in dead.get(at, ()):
                self._release(gone)

    def _keep_alive(self, view: Value, at: int) -> None:
        self.dies[root(view)] = max(self.dies.get(root(view), at), at)

    def _place_outputs(self) -> None:
        """Results are computed where they are returned, and so is what becomes them in place."""
        taken: set[Value] = set()
        for k, (_, value) in enumerate(self.schedule.outputs):
            if value.shape == () or value.is_constant or value.is_view or value in taken:
                continue
            if isinstance(value.op, Input):
                continue
            taken.add(value)
            buffer = Buffer(f"out{k}", value.shape, "float", output=k)
            self.schedule.place[value] = buffer
            self.dies[value] = len(self.schedule.steps)
        at = {v: k for k, v in enumerate(self.schedule.steps)}
        final = {root(v) for _, v in self.schedule.outputs}
        for value in list(taken):
            current: Value | None = value
            while current is not None:
                source = self._in_place(current, at[current], final)
                if source is not None and source not in self.schedule.place:
                    self.schedule.place[source] = self.schedule.place[value]
                    current = source
                else:
                    current = None

    def _in_place(self, value: Value, at: int, avoid: set[Value]) -> Value | None:
        """An operand that dies here and whose memory the result may take."""
        match value.op:
            case Ufunc(args=args):
                candidates = [a for a in args if isinstance(a, Value)]
            case Select(other=other):
                candidates = [other] if isinstance(other, Value) else []
            case Assemble(start=start):
                candidates = [start] if start is not None else []
            case _:
                return None
        for a in candidates:
            if (
                a.shape == value.shape and a.kind == value.kind and not a.is_view
                and not a.is_constant and not isinstance(a.op, (Input, Pad))
                and self.dies.get(a) == at and a not in avoid
                and sum(root(b) is a for b in value.operands()) == sum(
                    b is a for b in value.operands()
                )
                and (isinstance(value.op, Ufunc)
                     or sum(root(b) is a for b in value.operands()) == 1)
            ):
                return a
        return None

    def _buffer(self, value: Value, at: int) -> Buffer:
        if isinstance(value.op, Pad):
            return self._new(value, zeroed=True)
        final = {root(v) for _, v in self.schedule.outputs}
        source = self._in_place(value, at, final)
        if source is not None and self.schedule.place[source].output is None:
            self.dies[source] = -1
            return self.schedule.place[source]
        free = self.pool.get((value.shape, value.kind))
        return free.pop() if free else self._new(value)

    def _new(self, value: Value, zeroed: bool = False) -> Buffer:
        name = self.schedule.holds.get(value, "")
        if not name or name in self.names:
            name = ""
        self.names.add(name)
        buffer = Buffer(name, value.shape, value.kind, zeroed)
        self.schedule.buffers.append(buffer)
        return buffer

    def _release(self, value: Value) -> None:
        buffer = self.schedule.place.get(value)
        if (
            buffer is None or buffer.output is not None or buffer.zeroed
            or self.dies.get(value) == -1
        ):
            return
        self.pool.setdefault((buffer.shape, buffer.kind), []).append(buffer)


__all__ = ["Buffer", "Copy", "Fill", "Positions", "Schedule", "root", "schedule"]
