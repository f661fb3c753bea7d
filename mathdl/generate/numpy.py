"""A schedule as a standalone NumPy module.

``_plan`` allocates every buffer once for given dims and returns ``run``; views of buffers,
masks and other constants are made there too.  ``run`` does the arithmetic and nothing else.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mathdl.generate.code import dim_code, float_code, number_text, position_code
from mathdl.generate.compiled import Compiled
from mathdl.generate.module import Module, dims_of, module_text
from mathdl.generate.numpy_kernels import Kernels, shape_code
from mathdl.generate.schedule import Buffer, Schedule, root, schedule
from mathdl.generate.values import (
    Affine,
    Fill,
    Gather,
    Input,
    Pad,
    Positions,
    Reshape,
    Scatter,
    Take,
    Value,
)
from mathdl.ir.tensor import Tensor

_DTYPE = {"float": "dtype", "int": "np.intp", "bool": "bool"}
_RESERVED = {"np", "math", "scipy", "dtype", "run", "out", "number", "rowdot", "threading",
             "plan", "OrderedDict", *keyword.kwlist, *dir(builtins)}


def generate_numpy(
    outputs: Sequence[tuple[str, Tensor]],
    *,
    names: Mapping[Tensor, str] | None = None,
    value: str | None = "value",
    single: bool = False,
    function: str = "value_and_grad",
    title: str = "",
    extra_inputs: Iterable[Tensor] = (),
) -> Compiled:
    """Compile the named outputs to NumPy.

    The result is called with the inputs as arrays and returns ``(value, grads)``: ``value`` is
    the output called so (None: there is no value, the grads alone are returned), ``grads`` a
    dict by name, or the bare array with ``single``.  ``extra_inputs`` are asked for and checked
    although nothing may depend on them.

    Raises UnsupportedError for an equation that cannot be computed with NumPy.
    """
    labels = [name for name, _ in outputs]
    if len(set(labels)) != len(labels):
        raise ValueError(f"outputs have one name twice: {', '.join(labels)}")
    if value is not None and value not in labels:
        value = None
    if single and len(labels) != (1 if value is None else 2):
        raise ValueError("single is for one output besides the value")
    plan = schedule(outputs, names, extra_inputs)
    printer = _Printer(plan, dims_of([*(t for _, t in outputs), *plan.inputs]))
    module = Module(
        schedule=plan, dims=printer.dims, names=printer.inputs, plan=printer.plan_lines(),
        run=printer.run_lines, arguments=printer.arguments, value=value, single=single,
        function=function, title=title, indexed=printer.indexed,
    )
    return Compiled(module_text(module), function, [t.name or "" for t in plan.inputs])


class _Printer:
    """Names every value and collects the lines of the plan and of the run."""

    def __init__(self, plan: Schedule, dims: Sequence[Any]) -> None:
        self.schedule = plan
        self.taken = set(_RESERVED) | {plan_name for plan_name in ("_local", "_plan", "_array")}
        self.inputs: dict[Tensor, str] = {}
        for tensor in plan.inputs:
            self.inputs[tensor] = self.fresh(tensor.name or "x")
        # a dim is written by its own name everywhere; a tensor gives way
        self.dims = list(dims)
        clash = {str(d) for d in dims}
        for tensor, text in self.inputs.items():
            if text in clash:
                self.inputs[tensor] = self.fresh(f"{text}_")
        self.taken |= clash
        self.kernels = Kernels(self.name)
        self.buffers: dict[Buffer, str] = {}
        self.known: dict[Any, str] = {}
        self.allocated: list[str] = []
        self.hoisted: list[str] = []
        self.run_lines: list[str] = []
        self.arguments: list[str] = list(self.inputs.values())
        self.indexed: list[tuple[str, str]] = []
        self.results: list[str] = []
        for k, (label, v) in enumerate(plan.outputs):
            self.results.append(self.fresh(f"out_{label}" if label.isidentifier() else f"out_{k}"))
            if v.shape != ():
                self.arguments.append(self.results[-1])
        self.uses: dict[Value, int] = {}
        for step in plan.steps:
            for used in step.operands():
                self.uses[used] = self.uses.get(used, 0) + 1
        for _, v in plan.outputs:
            self.uses[v] = self.uses.get(v, 0) + 1
        self._print()

    def fresh(self, name: str) -> str:
        candidate, k = name, 1
        while candidate in self.taken:
            k += 1
            candidate = f"{name.rstrip('_')}_{k}"
        self.taken.add(candidate)
        return candidate

    # -- names ----------------------------------------------------------------------------

    def name(self, value: Any) -> str:
        if isinstance(value, Value):
            if isinstance(value.op, Input):
                return self.inputs[value.op.tensor]
            if value.is_constant and not value.is_view:
                return self._constant(value)
            if value.is_view:
                return self._view(value)
            place = self.schedule.place.get(value)
            return self._buffer(place) if place is not None else self.known[value]
        if isinstance(value, tuple):
            return self._inner(*value)
        return self._plan_number(value)

    def _buffer(self, buffer: Buffer) -> str:
        if buffer.output is not None:
            return self.results[buffer.output]
        if buffer not in self.buffers:
            wanted = buffer.name if buffer.name.isidentifier() else ""
            text = self.buffers[buffer] = self.fresh(wanted or self._numbered("u"))
            make = "zeros" if buffer.zeroed else "empty"
            self.allocated.append(
                f"{text} = np.{make}({shape_code(buffer.shape)}, {_DTYPE[buffer.kind]})"
            )
        return self.buffers[buffer]

    def _numbered(self, stem: str) -> str:
        k = self.counts[stem] = self.counts.get(stem, 0) + 1
        while f"{stem}{k}" in self.taken:
            k = self.counts[stem] = k + 1
        return f"{stem}{k}"

    counts: dict[str, int]

    def _remember(self, key: Any, stem: str, text: str) -> str:
        """A line of the plan, once for equal texts."""
        if key not in self.known:
            self.known[key] = self.fresh(self._numbered(stem))
            self.hoisted.append(f"{self.known[key]} = {text}")
        return self.known[key]

    def _plan_number(self, expr: Any) -> str:
        text = float_code(expr)
        return self._remember(("number", text), "c", text)

    def _constant(self, value: Value) -> str:
        if isinstance(value.op, Fill):
            number = value.op.number
            text = number_text(number) or self._plan_number(number)
            if value.shape == ():
                return text
            dtype = _DTYPE[value.kind]
            make = {"1.0": f"np.ones({shape_code(value.shape)}, {dtype})",
                    "0.0": f"np.zeros({shape_code(value.shape)}, {dtype})"}.get(
                text, f"np.full({shape_code(value.shape)}, {text}, {dtype})")
            return self._remember(value, "c", make)
        assert isinstance(value.op, Positions)
        from mathdl.generate.labelled import axis

        axes = {}
        for k, dim in enumerate(value.shape):
            tail = "".join(", None" for _ in value.shape[k + 1 :])
            axes[axis(k)] = f"np.arange({dim_code(dim)})" + (f"[:{tail}]" if tail else "")
        text = position_code(value.op.expr, axes)
        shown = f"np.ascontiguousarray(np.broadcast_to({text}, {shape_code(value.shape)}))"
        kind = f".astype({_DTYPE[value.kind]})"
        return self._remember(value, "c", (shown if value.ndim > 1 else f"({text})") + kind)

    def _view(self, value: Value) -> str:
        base = root(value)
        place = self.schedule.place.get(base)
        if base.is_constant or (place is not None and place.output is None):
            text = self.kernels.view(value)
            if text.isidentifier():
                return text
            return self._remember(("view", text), "v", text)
        if value in self.known:
            return self.known[value]
        text = self.kernels.view(value)
        if self.uses.get(value, 0) > 1 and not text.isidentifier():
            self.known[value] = self.fresh(self._numbered("v"))
            self.run_lines.append(f"{self.known[value]} = {text}")
            return self.known[value]
        return text

    def _inner(self, value: Value, _: str) -> str:
        """The part of a padded buffer inside the border."""
        assert isinstance(value.op, Pad)
        inside = []
        for low, dim in zip(value.op.before, value.op.base.shape, strict=True):
            whole = low == 0
            stop = dim_code(dim) if whole else f"{dim_code(low)} + {dim_code(dim)}"
            inside.append(f":{stop}" if whole else f"{dim_code(low)}:{stop}")
        text = f"{self.name(value)}[{', '.join(inside)}]"
        return self._remember(("view", text), "v", text)

    # -- lines ----------------------------------------------------------------------------

    def _print(self) -> None:
        self.counts = {}
        for step in self.schedule.steps:
            if step.is_view:
                continue
            self._check_indices(step)
            place = self.schedule.place.get(step)
            lines = self._statement(step, place)
            comment = self.schedule.comments.get(step)
            if comment is not None:
                self.run_lines.append(f"# {comment}")
            self.run_lines.extend(lines)
        returned = []
        for k, (_, value) in enumerate(self.schedule.outputs):
            returned.append(self._result(k, value))
        self.run_lines.append(f"return {', '.join(returned)}{',' if len(returned) == 1 else ''}")

    def _statement(self, step: Value, place: Buffer | None) -> list[str]:
        """The lines of one step, with those of the views that it needs before them."""
        if step.shape == ():
            text = self.kernels.number(step)
            wanted = self.schedule.holds.get(step, "")
            if not wanted.isidentifier() or wanted in self.taken:
                wanted = self._numbered("s")
            self.known[step] = self.fresh(wanted)
            return [f"{self.known[step]} = {text}"]
        assert place is not None
        return self.kernels.lines(step, self._buffer(place))

    def _result(self, k: int, value: Value) -> str:
        place = self.schedule.place.get(value)
        if place is not None and place.output == k:
            return self.results[k]
        if value.shape == ():
            text = self.name(value)
            return f"number({text})"
        if isinstance(value.op, Fill):
            number = number_text(value.op.number) or self._plan_number(value.op.number)
            self.run_lines.append(f"{self.results[k]}.fill({number})")
        else:
            source = self.name(value)
            self.run_lines.append(f"np.copyto({self.results[k]}, {source})")
        return self.results[k]

    def _check_indices(self, step: Value) -> None:
        """Remember which integer inputs must stay below which length."""
        pairs: list[tuple[Any, Any]] = []
        match step.op:
            case Take(base=base, axis=axis, where=where):
                pairs = [(where, base.shape[axis])]
            case Gather(base=base, where=places):
                pairs = list(zip(places, base.shape, strict=True))
            case _:
                for part in getattr(step.op, "parts", ()):
                    if isinstance(part, Scatter):
                        pairs += list(zip(part.where, step.shape, strict=True))
        for where, dim in pairs:
            if isinstance(where, Value) and not where.is_constant:
                base = root(where)
                if isinstance(base.op, Input):
                    pair = (self.inputs[base.op.tensor], dim_code(dim))
                    if pair not in self.indexed:
                        self.indexed.append(pair)
                else:
                    self.run_lines.append(
                        f"_indices('an index', {self.name(where)}, {dim_code(dim)})"
                    )

    def plan_lines(self) -> list[str]:
        return self.allocated + self.hoisted


__all__ = ["Affine", "Reshape", "generate_numpy"]
