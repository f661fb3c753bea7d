"""Recurrences in NumPy: one function for a step, and the loop over time that calls it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mathdl.generate.code import dim_code, dim_name
from mathdl.generate.entry import listed
from mathdl.generate.layout import Schedule
from mathdl.generate.numpy_kernels import shape_code
from mathdl.generate.schedule import carried
from mathdl.generate.values import Collected, Loop, Value

if TYPE_CHECKING:
    from mathdl.generate.numpy_printer import Printer

Row = Callable[[str], str]  # the code of the place that is written at a time, given its name


@dataclass
class StepFunction:
    """The lines of a function that plans one step."""

    name: str
    plan: list[str]
    run: list[str]
    arguments: list[str]


@dataclass
class StepFunctions:
    """The step functions of a module, one for equal steps."""

    known: dict[Any, StepFunction] = field(default_factory=dict)

    def __iter__(self) -> Any:
        return iter(self.known.values())

    def of(self, printer: Printer, op: Loop, plan: Schedule) -> StepFunction:
        key = (op.step, op.emits)
        if key not in self.known:
            inner = type(printer)(plan, printer.dims, self, nested=True)
            name = f"_step{len(self.known) + 1}"
            self.known[key] = StepFunction(
                name, inner.plan_lines(), inner.run_lines, inner.arguments
            )
        return self.known[key]


def loop_lines(printer: Printer, value: Value) -> list[str]:
    """The loop over time: states are passed from step to step, sequences read and written."""
    op = value.op
    assert isinstance(op, Loop)
    plan = printer.schedule.loops[value]
    made = printer.steps.of(printer, op, plan)
    sizes = ", ".join([*map(dim_name, printer.dims), "dtype"])
    call = printer._remember(("step", made.name), "step", f"{made.name}({sizes})")
    targets = _targets(printer, value, [v for _, v in plan.outputs])
    count, items = len(op.step.states), len(op.step.items)
    given = [printer.name(a) for a in op.args]
    states = [printer.fresh(printer._numbered("state")) for _ in op.step.states]
    news = [printer.fresh(printer._numbered("new")) if v.shape else "" for _, v in plan.outputs]
    time = printer.fresh("t")
    arguments = [*states, *(f"{name}[{time}]" for name in given[count : count + items]),
                 *given[count + items :], *(new for new in news if new)]
    length = dim_code(op.step.length)
    steps = f"range({length} - 1, -1, -1)" if op.step.reverse else f"range({length})"
    lines = _assigned(states, given[:count])
    lines.append(f"for {time} in {steps}:")
    rows = [target(time) if target else "" for target in targets]
    arrays = {new: row for new, row in zip(news, rows, strict=True) if new}
    inside = _assigned(list(arrays), list(arrays.values()))
    scalars = [k for k, new in enumerate(news) if not new]
    head = f"{call}("
    if scalars:
        found = printer.fresh(printer._numbered("found"))
        head = f"{found} = {head}"
        for k in scalars:
            news[k] = f"{found}[{k}]"
    depth = " "*12  # of the loop's body in the module
    inside += [line[len(depth):] for line in listed(f"{depth}{head}", arguments, ")")]
    inside += [f"{rows[k]} = {news[k]}" for k in scalars if rows[k]]
    wanted = [*op.emits, *carried(op)]
    inside += _assigned(states, [news[wanted.index(t)] for t in op.step.nexts])
    printer.taken.discard(time)
    return [*lines, *(f"    {line}" for line in inside)]


def _assigned(names: Sequence[str], values: Sequence[str]) -> list[str]:
    if not names:
        return []
    line = f"{', '.join(names)} = {', '.join(values)}"
    if len(line) <= 91:
        return [line]
    return [f"{name} = {value}" for name, value in zip(names, values, strict=True)]


def _targets(printer: Printer, loop: Value, results: Sequence[Value]) -> list[Row | None]:
    """Where each result of a step is written: in a sequence, or one of two places by turns."""
    collected = {
        v.op.k: v for v in printer.schedule.steps
        if isinstance(v.op, Collected) and v.op.loop is loop
    }
    targets: list[Row | None] = []
    for k, value in enumerate(results):
        if k in collected:
            targets.append(_entry(printer.name(collected[k])))
        elif value.shape:
            two = f"_empty({shape_code((2, *value.shape))}, dtype)"
            targets.append(_by_turns(printer._remember(("turns", loop, k), "u", two)))
        else:
            targets.append(None)
    return targets


def _entry(array: str) -> Row:
    return lambda time: f"{array}[{time}]"


def _by_turns(array: str) -> Row:
    return lambda time: f"{array}[{time} % 2]"
