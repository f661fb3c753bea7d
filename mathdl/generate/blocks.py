"""Runs of kernels that can be computed a block of rows at a time, so that the block stays in cache.

Within a run every array has the same first axis, and entry ``i`` of each result needs entry
``i`` of its operands only: elementwise kernels, reductions of the other axes, products with a
vector.  Sums over the first axis are accumulated from block to block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mathdl.generate.values import (
    Affine,
    Cast,
    Centred,
    Copy,
    Dot,
    Fill,
    Input,
    Matmul,
    Overlap,
    Reduction,
    Reshape,
    Root,
    RowDot,
    Select,
    Shifts,
    StackedDot,
    Ufunc,
    Value,
)
from mathdl.ir.dim import Dim

LEAST = 6  # kernels on arrays that make a loop worth it
WINDOW = 120  # steps looked at from the start of a run


@dataclass(eq=False)
class Run:
    """Steps evaluated block by block along a first axis of length ``lead``."""

    lead: Dim
    rows: list[Value] = field(default_factory=list)  # one entry a row
    steps: list[Value] = field(default_factory=list)
    sums: list[Value] = field(default_factory=list)  # accumulated over the blocks

    def sliced(self, step: Value) -> list[Value]:
        """The operands of a step of which a block is read."""
        op = step.op
        match op:
            case Dot(a=a, b=b):
                return [a, b] if step in self.sums else [a]
            case Matmul(b=b):
                return [b]
            case RowDot() | Reduction() | Root() | Shifts() | Overlap() | StackedDot():
                return step.operands()
            case _:
                return [
                    v for v in step.operands()
                    if v.ndim == step.ndim and v.shape[0] == self.lead and v.ndim
                ]


def split(steps: Sequence[Value]) -> list[Value | Run]:
    """The steps with runs where they are worth it, in an order that works."""
    result: list[Value | Run] = []
    left = list(steps)
    barren: set[Value] = set()
    while left:
        first = left[0]
        found, done = None, 0
        if first not in barren and _lead(first) is not None:
            done = next((k for k, r in enumerate(result[::-1]) if isinstance(r, Run)), len(result))
            recent = [v for v in result[len(result) - done :] if isinstance(v, Value)]
            found = _grow(recent, left[:WINDOW])
            if found is None:
                barren.update(left[: LEAST // 2])
        if found is None:
            result.append(left.pop(0))
            continue
        before, run, after = found
        result[len(result) - done :] = before
        result.append(run)
        left = after + left[WINDOW:]
    return result


def _lead(step: Value) -> Dim | None:
    starts = isinstance(step.op, (Ufunc, Select, Centred, RowDot, Reduction, Shifts)) or (
        isinstance(step.op, Dot) and step.op.a.ndim == 2 and step.op.b.ndim == 1
    )
    if step.ndim and starts and step.shape[0] != 1:
        lead: Dim = step.shape[0]
        return lead
    return None


def _grow(
    recent: list[Value], steps: list[Value]
) -> tuple[list[Value], Run, list[Value]] | None:
    """A run from the first of the steps on, what stays before it and what comes after."""
    run = Run(_lead(steps[0]))
    inside: set[Value] = set()
    late: set[Value] = set()
    before = list(recent)
    after: list[Value] = []
    for step in steps:
        operands = step.operands()
        if any(v in late for v in operands):
            late.add(step)
            after.append(step)
            continue
        role = _role(step, run, inside)
        if role == "row":
            inside.add(step)
            run.rows.append(step)
            run.steps.append(step)
        elif role == "view":
            inside.add(step)
            run.steps.append(step)
        elif role == "sum":
            late.add(step)
            run.sums.append(step)
            run.steps.append(step)
        elif any(v in inside for v in operands):
            late.add(step)
            after.append(step)
        else:
            before.append(step)
    _adopt_sums(run, before, after)
    arrays = [v for v in run.rows if v.ndim == max(r.ndim for r in run.rows)]
    windows = any(isinstance(v.op, Shifts) for v in run.rows)
    return (before, run, after) if windows or len(arrays) >= LEAST else None


def _adopt_sums(run: Run, before: list[Value], after: list[Value]) -> None:
    """Column sums of what the run reads anyway are taken along, what needs them moves behind."""
    inner = {v for step in run.steps for v in step.operands()}
    read = {v for step in run.steps if not step.is_view for v in run.sliced(step)}
    for step in [*before, *after]:
        op = step.op
        if not (
            isinstance(op, Dot) and isinstance(op.a.op, Fill) and op.b in read
            and op.a.ndim == 1 and op.b.ndim == 2 and op.b.shape[0] == run.lead
        ):
            continue
        behind: set[Value] = {step}
        if step in before:
            for later in before:
                if not behind.isdisjoint(later.operands()):
                    behind.add(later)
            if not behind.isdisjoint(inner):
                continue
            moved = [v for v in before if v in behind and v is not step]
            before[:] = [v for v in before if v not in behind]
            after[:0] = moved
        else:
            after.remove(step)
        run.sums.append(step)
        run.steps.append(step)


def _role(step: Value, run: Run, inside: set[Value]) -> str:
    """``row``, ``sum`` or ``view`` when the step fits into the run, otherwise nothing."""
    lead, op = run.lead, step.op
    if step.is_view:
        base = step.operands()[0]
        return "view" if base in inside and _keeps_rows(step, lead) else ""
    if isinstance(op, StackedDot):
        fits = all(_rowwise(v, lead, inside) for v in (op.a, op.b))
        return "sum" if fits and (op.a in inside or op.b in inside) else ""
    if isinstance(op, Matmul):
        fits = op.a.ndim == 2 and op.a not in inside and step.shape[0] == lead
        return "row" if fits and _rowwise(op.b, lead, inside) else ""
    if isinstance(op, (Shifts, Overlap)):
        fits = op.at > 0 and step.shape[0] == lead
        return "row" if fits and _rowwise(op.base, lead, inside) else ""
    if isinstance(op, Dot):
        return _dot_role(op, step, lead, inside)
    if isinstance(op, RowDot):
        fits = step.ndim >= 1 and step.shape[0] == lead
        return "row" if fits and all(_rowwise(v, lead, inside) for v in (op.a, op.b)) else ""
    if isinstance(op, Reduction):
        fits = 0 not in op.axes and step.ndim >= 1 and step.shape[0] == lead
        return "row" if fits and _rowwise(op.base, lead, inside) else ""
    if isinstance(op, Root) and op.axis == -1:
        fits = step.ndim >= 1 and step.shape[0] == lead and op.bases[0].ndim == step.ndim + 1
        return "row" if fits and all(_rowwise(v, lead, inside) for v in step.operands()) else ""
    if isinstance(op, Centred) and op.axis == 0:
        return ""
    if isinstance(op, (Ufunc, Select, Cast, Centred, Copy)) and step.ndim and step.shape[0] == lead:
        for v in step.operands():
            if v.ndim == step.ndim and v.shape[0] == lead:
                if not _rowwise(v, lead, inside):
                    return ""
            elif v in inside:
                return ""
        return "row"
    return ""


def _dot_role(op: Dot, step: Value, lead: Dim, inside: set[Value]) -> str:
    a, b = op.a, op.b
    if step.shape == ():
        flat = all(_flat(v, lead, inside) for v in (a, b))
        # two flattened arrays must be flattened alike
        shapes = {_unflat(v).shape for v in (a, b) if not isinstance(v.op, Fill)}
        return "sum" if flat and len(shapes) <= 1 and (a in inside or b in inside) else ""
    if a.ndim == 2 and b.ndim == 1 and b not in inside:
        return "row" if a.shape[0] == lead and _rowwise(a, lead, inside) else ""
    if a.ndim == 1 and b.ndim == 2 and b.shape[0] == lead:
        fits = _rowwise(a, lead, inside) and _rowwise(b, lead, inside)
        return "sum" if fits and (a in inside or b in inside) else ""
    return ""


def _rowwise(value: Value, lead: Dim, inside: set[Value]) -> bool:
    """Whether a block of the value's rows can be had in the block's turn."""
    if not value.ndim or value.shape[0] != lead:
        return False
    if value in inside:
        return True
    if not value.is_view:
        return True
    base: Value = value
    while base.is_view:
        base = base.operands()[0]
        if base in inside:
            return _keeps_rows(value, lead) and not base.is_view
    return True


def _keeps_rows(view: Value, lead: Dim) -> bool:
    """Whether row ``i`` of the view is made of row ``i`` of its base."""
    match view.op:
        case Affine(base=base, index=index):
            return (
                base.ndim > 0 and base.shape[0] == lead and view.shape[0] == lead
                and index[0] == (0, ((0, 1),))
                and all(axis != 0 for _, steps in index[1:] for axis, _ in steps)
            )
        case Reshape(base=base):
            return bool(base.ndim and base.shape[0] == lead and (
                view.ndim == 1 or view.shape[0] == lead))
    return False


def _unflat(value: Value) -> Value:
    return value.op.base if isinstance(value.op, Reshape) and value.ndim == 1 else value


def _flat(value: Value, lead: Dim, inside: set[Value]) -> bool:
    if isinstance(value.op, Fill):
        return True
    base = _unflat(value)
    return base.ndim > 0 and base.shape[0] == lead and (base in inside or (
        not base.is_view or isinstance(base.op, Input)))
