"""Where every value of a schedule is kept.

Buffers are reused as soon as what they hold is dead, elementwise kernels run in place, and
results are computed where they are returned.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mathdl.generate.blocks import Run
from mathdl.generate.values import (
    Affine,
    Assemble,
    Collected,
    Input,
    Kind,
    Loop,
    Pad,
    Reshape,
    Select,
    Ufunc,
    Value,
)
from mathdl.ir.dim import Shape
from mathdl.ir.tensor import Requirement, Tensor


@dataclass(eq=False)
class Buffer:
    """Memory for one array at a time; ``output`` is its place among the results, if it is one."""

    name: str
    shape: Shape
    kind: Kind
    zeroed: bool = False
    output: int | None = None
    reshaped: bool = False  # it is the output under another shape
    block: bool = False  # it holds a block of rows only


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
    unnamed: dict[Value, str] = field(default_factory=dict)  # the equation where none was given
    loops: dict[Value, Schedule] = field(default_factory=dict)  # what one step of each computes
    items: list[Value | Run] = field(default_factory=list)  # the steps, some grouped into runs


def lay_out(plan: Schedule, items: list[Value | Run]) -> None:
    """Give every step of the schedule its buffer."""
    plan.items = items
    _Layout(plan).run()


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
        self.run_of: dict[Value, Run] = {}
        self.partial: set[Value] = set()  # needed within their run only, a block at a time
        self.final = {root(v) for _, v in schedule.outputs}
        self.dies: dict[Value, int] = {}
        self.pool: dict[tuple[Shape, Kind, bool], list[Buffer]] = {}
        self.names: set[str] = set()

    def run(self) -> None:
        steps = self.schedule.steps
        for at, value in enumerate(steps):
            for used in value.operands():
                self.dies[root(used)] = at
                if used.is_view:
                    self._keep_alive(used, at)
                if used.kind == "object":  # a factorisation refers to its matrix
                    self.dies.update((root(matrix), at) for matrix in used.operands())
        for at, value in enumerate(steps):
            if value.is_view:
                self.dies[root(value)] = max(self.dies.get(root(value), at), at)
        for _, value in self.schedule.outputs:
            self.dies[root(value)] = len(steps)
        self._divide()
        self._place_outputs()
        dead: dict[int, list[Value]] = {}
        for value, at in self.dies.items():
            dead.setdefault(at, []).append(value)
        at = 0
        for item in self.schedule.items:
            inner = item.steps if isinstance(item, Run) else [item]
            if isinstance(item, Run):
                # sums are set to zero before the first block
                for value in item.sums:
                    self._place(value, at)
            held: list[Value] = []
            for value in inner:
                self._place(value, at)
                if isinstance(value.op, Loop):  # it writes while it runs what it collects
                    for collected in steps:
                        if isinstance(collected.op, Collected) and collected.op.loop is value:
                            self._place(collected, at)
                for gone in dead.get(at, ()):
                    # what a run reads whole or fills up is not reused while it runs
                    if isinstance(item, Run) and gone not in self.partial:
                        held.append(gone)
                    else:
                        self._release(gone)
                at += 1
            for gone in held:
                self._release(gone)
            if isinstance(item, Run):  # another run has blocks of another length
                self.pool = {key: free for key, free in self.pool.items() if not key[-1]}

    def _place(self, value: Value, at: int) -> None:
        place = self.schedule.place
        if not value.is_view and value.shape != () and value not in place:
            place[value] = self._buffer(value, at)

    def _divide(self) -> None:
        """Find what is needed in its run only."""
        for item in self.schedule.items:
            if isinstance(item, Run):
                self.run_of.update(dict.fromkeys(item.steps, item))
                self.partial.update(item.rows)
        self.partial -= self.final
        for value in self.schedule.steps:
            for used in value.operands():
                if self.run_of.get(root(used)) is not self.run_of.get(value):
                    self.partial.discard(root(used))

    def _keep_alive(self, view: Value, at: int) -> None:
        self.dies[root(view)] = max(self.dies.get(root(view), at), at)

    def _place_outputs(self) -> None:
        """Results are computed where they are returned, and so is what becomes them in place."""
        taken: set[Value] = set()
        for k, (_, value) in enumerate(self.schedule.outputs):
            made = value
            while isinstance(made.op, Reshape) and made.shape != ():
                made = made.op.base
            if made.shape == () or made.is_constant or made.is_view or made in taken:
                continue
            if isinstance(made.op, (Input, Pad)) or made.kind != "float":
                continue
            taken.add(made)
            buffer = Buffer(f"out{k}", made.shape, "float", output=k, reshaped=made is not value)
            self.schedule.place[made] = buffer
            self.dies[made] = len(self.schedule.steps)
        at = {v: k for k, v in enumerate(self.schedule.steps)}
        for value in list(taken):
            current: Value | None = value
            while current is not None:
                source = self._in_place(current, at[current])
                if source is not None and source not in self.schedule.place:
                    self.schedule.place[source] = self.schedule.place[value]
                    current = source
                else:
                    current = None

    def _in_place(self, value: Value, at: int) -> Value | None:
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
                and self.dies.get(a) == at and a not in self.final
                and self.run_of.get(a) is self.run_of.get(value)
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
        source = self._in_place(value, at)
        partial = value in self.partial
        if (
            source is not None and self.schedule.place[source].output is None
            and partial == self.schedule.place[source].block
        ):
            self.dies[source] = -1
            return self.schedule.place[source]
        free = self.pool.get((value.shape, value.kind, partial))
        return free.pop() if free else self._new(value)

    def _new(self, value: Value, zeroed: bool = False) -> Buffer:
        name = self.schedule.holds.get(value, "")
        if not name or name in self.names:
            name = ""
        self.names.add(name)
        buffer = Buffer(name, value.shape, value.kind, zeroed, block=value in self.partial)
        self.schedule.buffers.append(buffer)
        return buffer

    def _release(self, value: Value) -> None:
        buffer = self.schedule.place.get(value)
        if (
            buffer is None or buffer.output is not None or buffer.zeroed
            or self.dies.get(value) == -1
        ):
            return
        self.pool.setdefault((buffer.shape, buffer.kind, buffer.block), []).append(buffer)
