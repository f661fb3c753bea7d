"""A schedule in NumPy's words: a name for every value, and the lines that compute it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mathdl.generate.blocks import Run
from mathdl.generate.code import (
    RESERVED,
    dim_code,
    dim_name,
    float_code,
    number_text,
    own_name,
    position_code,
)
from mathdl.generate.labelled import axis
from mathdl.generate.layout import Buffer, Schedule, root
from mathdl.generate.numpy_blocks import BlockPrinter
from mathdl.generate.numpy_kernels import Kernels, shape_code
from mathdl.generate.numpy_loops import StepFunctions, loop_lines
from mathdl.generate.products import factors_of, joined_products
from mathdl.generate.values import (
    Affine,
    Assemble,
    Collected,
    Fill,
    Gather,
    Input,
    Loop,
    Pad,
    Positions,
    Reshape,
    Scatter,
    Take,
    Value,
)
from mathdl.ir.tensor import Tensor

_DTYPE = {"float": "dtype", "int": "np.intp", "bool": "bool"}


def _shows_memory(view: Value) -> bool:
    """Whether it surely is a view for NumPy: what is not contiguous is copied by a reshape."""
    while isinstance(view.op, (Affine, Reshape)):
        if isinstance(view.op, Reshape) and not view.op.base.contiguous:
            return False
        view = view.op.base
    return True


class Printer:
    """Names every value and collects the lines of the plan and of the run."""

    def __init__(
        self, plan: Schedule, dims: Sequence[Any], steps: StepFunctions | None = None,
        nested: bool = False,
    ) -> None:
        self.schedule = plan
        self.steps = StepFunctions() if steps is None else steps
        self.nested = nested  # its inputs come from a loop and are not checked before
        self.taken = set(RESERVED)
        self.inputs: dict[Tensor, str] = {}
        for tensor in plan.inputs:
            self.inputs[tensor] = self.fresh(tensor.name or "x")
        # a dim is written by its own name everywhere; a tensor gives way
        self.dims = list(dims)
        clash = {dim_name(d) for d in dims}
        for tensor, text in self.inputs.items():
            if text in clash:
                self.inputs[tensor] = self.fresh(f"{text}_")
        self.taken |= clash
        self.kernels = Kernels(self.name, self.function, self.shown)
        self.functions: dict[str, str] = {}
        self.joined: dict[Value, Value] = {}  # a product, and that before it computed with it
        self.block: BlockPrinter | None = None
        self.counts: dict[str, int] = {}
        self.buffers: dict[Buffer, str] = {}
        self.known: dict[Any, str] = {}
        self.allocated: list[str] = []
        self.hoisted: list[str] = []
        self.run_lines: list[str] = []
        self.opening: list[str] = []
        self.arguments: list[str] = list(self.inputs.values())
        self.indexed: list[tuple[str, str]] = []
        self.large: list[str] = []  # conditions under which working in blocks pays
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
        name = own_name(name)
        candidate, k = name, 1
        while candidate in self.taken:
            k += 1
            candidate = f"{name.rstrip('_')}_{k}"
        self.taken.add(candidate)
        return candidate

    # -- names ----------------------------------------------------------------------------

    def name(self, value: Any) -> str:
        if isinstance(value, Value):
            if self.block is not None and value in self.block.known:
                return self.block.known[value]
            if isinstance(value.op, Input):
                return self.inputs[value.op.tensor]
            if isinstance(value.op, (Fill, Positions)):
                return self._constant(value)
            if value.is_view:
                return self._view(value)
            place = self.schedule.place.get(value)
            if place is not None:
                return self._buffer(place)
            return self.known[value] if value in self.known else self.kernels.number(value)
        if isinstance(value, tuple):
            match value[0]:
                case "scalar":
                    return self._scalar(value[1])
                case "times":
                    return self._times(*value[1:])
            return self._inner(*value)
        return self._plan_number(value)

    def shown(self, value: Value) -> str:
        """How a value is called in messages: as the caller named it, or its equation."""
        base = root(value)
        if isinstance(base.op, Input):
            return base.op.tensor.name or "an argument"
        plan = self.schedule
        return plan.unnamed.get(base) or plan.holds.get(value) or plan.holds.get(base, "a matrix")

    def function(self, name: str) -> str:
        """A function of NumPy under its own name, bound in the plan: ``add`` for ``np.add``."""
        short = name.rpartition(".")[2]
        if name not in self.functions and name.startswith("np.") and short not in self.taken:
            self.functions[name] = self.fresh(short)
        return self.functions.get(name, name)

    def _times(self, a: Value, b: Value) -> str:
        """The product of whole matrices of these shapes, the second one transposed."""
        if self.block is not None:
            return ""
        dims = ", ".join(map(dim_code, (*a.shape, b.shape[1])))
        return self._remember(("times", dims), "dot", f"_times_transposed({dims}, dtype)")

    def _buffer(self, buffer: Buffer) -> str:
        if buffer.output is not None and not buffer.reshaped:
            return self.results[buffer.output]
        if buffer.output is not None and buffer not in self.buffers:
            result = self.results[buffer.output]
            text = self.buffers[buffer] = self.fresh(self._numbered("u"))
            shape = "-1" if len(buffer.shape) == 1 else shape_code(buffer.shape)
            self.opening.append(f"{text} = {result}.reshape({shape})")
        if buffer not in self.buffers:
            wanted = buffer.name if buffer.name.isidentifier() else ""
            text = self.buffers[buffer] = self.fresh(wanted or self._numbered("u"))
            shape = shape_code(buffer.shape)
            if buffer.block:
                assert self.block is not None
                shape = self.block.shape(buffer.shape)
            kind = _DTYPE[buffer.kind]
            self.allocated.append(f"{text} = _full({shape}, 0, {kind})" if buffer.zeroed
                                  else f"{text} = _empty({shape}, {kind})")
        return self.buffers[buffer]

    def _numbered(self, stem: str) -> str:
        k = self.counts[stem] = self.counts.get(stem, 0) + 1
        while f"{stem}{k}" in self.taken:
            k = self.counts[stem] = k + 1
        return f"{stem}{k}"

    def _remember(self, key: Any, stem: str, text: str) -> str:
        """A line of the plan, once for equal texts."""
        if key not in self.known:
            self.known[key] = self.fresh(self._numbered(stem))
            self.hoisted.append(f"{self.known[key]} = {text}")
        return self.known[key]

    def _plan_number(self, expr: Any) -> str:
        text = float_code(expr)
        return self._remember(("number", text), "c", text)

    def _scalar(self, number: Any) -> str:
        """A constant as an array without axes."""
        text = number_text(number) or float_code(number)
        key = ("scalar", text)
        if key not in self.known:
            wanted = {"1.0": "one", "2.0": "two", "0.5": "half"}.get(text)
            self.known[key] = self.fresh(wanted or self._numbered("c"))
            self.hoisted.append(f"{self.known[key]} = np.array({text}, dtype)")
        return self.known[key]

    def _constant(self, value: Value) -> str:
        if isinstance(value.op, Fill):
            number = value.op.number
            text = number_text(number) or self._plan_number(number)
            if value.shape == ():
                return text
            full = f"_full({shape_code(value.shape)}, {text}, {_DTYPE[value.kind]})"
            return self._remember(value, "c", full)
        assert isinstance(value.op, Positions)
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
        fixed = base.is_constant or (place is not None and place.output is None)
        if fixed and _shows_memory(value):
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
        self.joined = joined_products(self.schedule.items, self.uses)
        for item in self.schedule.items:
            if isinstance(item, Run):
                self.run_lines.extend(BlockPrinter(self, item).lines())
            elif item not in self.joined.values():
                self._print_step(item)
        returned: list[str] = []
        for k, (_, value) in enumerate(self.schedule.outputs):
            returned.append(self._result(k, value))
        self.run_lines[:0] = self.opening
        self.run_lines.append(f"return {', '.join(returned)}{',' if len(returned) == 1 else ''}")

    def _print_step(self, step: Value) -> None:
        if step.is_view or self._inline(step) or isinstance(step.op, Collected):
            return
        self._check_indices(step)
        place = self.schedule.place.get(step)
        lines = self._statement(step, place)
        comment = self.schedule.comments.get(self.joined.get(step, step))
        if comment is not None:
            self.run_lines.append(f"# {comment}")
        self.run_lines.extend(lines)

    def _joined(self, step: Value, out: str) -> list[str]:
        """A product with a row and a column, by their outer product."""
        factors = factors_of(self.joined[step], step)
        row, column = self.name(factors["row"]), self.name(factors["column"])
        place = self.schedule.place.get(factors["row"])
        if factors["row"].ndim == 1:
            fixed = place is not None and place.output is None
            row = self._remember(("row", row), "v", f"{row}[None]") if fixed else f"{row}[None]"
        shape = shape_code(step.shape)
        outer = self._remember(("outer", shape), "u", f"_empty({shape}, dtype)")
        times = self.function("np.multiply")
        return [f"{column}.dot({row}, {outer})",
                f"{times}({self.name(factors['whole'])}, {outer}, {out})"]

    def _inline(self, step: Value) -> bool:
        """An entry of an input is written where it is used."""
        return isinstance(step.op, Affine) and step.shape == () and isinstance(
            step.op.base.op, Input
        )

    def _statement(self, step: Value, place: Buffer | None) -> list[str]:
        """The lines of one step, with those of the views that it needs before them."""
        if isinstance(step.op, Loop):
            return loop_lines(self, step)
        if step.shape == ():
            text = self.kernels.number(step)
            wanted = self.schedule.holds.get(step, "")
            if not wanted.isidentifier() or own_name(wanted) in self.taken:
                wanted = self._numbered("f" if step.kind == "object" else "s")
            self.known[step] = self.fresh(wanted)
            return [f"{self.known[step]} = {text}"]
        assert place is not None
        if step in self.joined:
            return self._joined(step, self._buffer(place))
        return self.kernels.lines(step, self._buffer(place))

    def _result(self, k: int, value: Value) -> str:
        place = self.schedule.place.get(root(value))
        reshaped = value.shape != () and not isinstance(value.op, Affine)
        if place is not None and place.output == k and reshaped:
            return self.results[k]
        if value.shape == ():
            text = self.name(value)
            return f"number({text})" if value.is_constant else text
        if isinstance(value.op, Fill):
            number = number_text(value.op.number) or self._plan_number(value.op.number)
            self.run_lines.append(f"{self.results[k]}.fill({number})")
        elif isinstance(value.op, Reshape) and value.op.base.shape == ():
            self.run_lines.append(f"{self.results[k]}.fill({self.name(value.op.base)})")
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
            case Assemble(parts=parts):
                for part in parts:
                    if isinstance(part, Scatter):
                        pairs += list(zip(part.where, step.shape, strict=True))
        for where, dim in pairs:
            if isinstance(where, Value) and not where.is_constant:
                base = root(where)
                if isinstance(base.op, Input) and not self.nested:
                    pair = (self.inputs[base.op.tensor], dim_code(dim))
                    if pair not in self.indexed:
                        self.indexed.append(pair)
                else:
                    self.run_lines.append(
                        f"_indices('an index', {self.name(where)}, {dim_code(dim)})"
                    )

    def plan_lines(self) -> list[str]:
        bound = [f"{short} = {name}" for name, short in self.functions.items()]
        return bound + self.allocated + self.hoisted

    def broadcasts(self) -> str:
        """How many entries are computed with rows or columns broadcast, as code; may be empty."""
        return " + ".join(f"{count}*({size})" if " " in size else f"{count}*{size}"
                          for size, count in self.kernels.broadcasts.items())
