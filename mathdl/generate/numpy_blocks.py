"""A run of kernels as a loop over blocks of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sympy import cancel, fraction, sympify

from mathdl.generate.blocks import Run
from mathdl.generate.code import dim_code, number_text
from mathdl.generate.layout import root
from mathdl.generate.numpy_kernels import view_code
from mathdl.generate.numpy_windows import stacked_lines
from mathdl.generate.values import Affine, Fill, Reshape, StackedDot, Value
from mathdl.ir.dim import Dim, Shape, product

if TYPE_CHECKING:
    from mathdl.generate.numpy_printer import Printer

CACHE = 1_300_000  # bytes that the arrays of a block take together, well within an L2 cache
LARGE = 262_144  # entries from which on blocks pay


class BlockPrinter:
    """Prints one run; while it does, names stand for blocks."""

    def __init__(self, printer: Printer, run: Run) -> None:
        self.printer = printer
        self.run = run
        self.known: dict[Value, str] = {}
        self.slices: list[str] = []
        self.sliced: dict[Any, str] = {}
        self.low, self.high = printer.fresh("low"), printer.fresh("high")
        lead = dim_code(run.lead)
        lead = lead if lead.isalnum() else f"({lead})"
        self.rows = printer.fresh("rows")
        self.width, self.place = f"({dim_code(self._entries())})", len(printer.allocated)
        printer.allocated += ["", ""]
        printer.large.append(f"{lead}*{self.width} >= {LARGE}")

    def _entries(self) -> Any:
        """How many entries of all arrays belong to one row."""
        run, place = self.run, self.printer.schedule.place
        read = [root(v) for step in run.steps if not step.is_view for v in run.sliced(step)]
        arrays = {
            place.get(v, v): v.shape[1:] for v in (*run.rows, *read) if v.shape[:1] == (run.lead,)
        }
        return sum((sympify(product(rest)) for rest in arrays.values()), sympify(0))

    def shape(self, shape: Shape) -> str:
        """The shape of a block buffer."""
        rest = "".join(f", {dim_code(d)}" for d in shape[1:])
        return f"({self.rows}{rest or ','})"

    def lines(self) -> list[str]:
        printer, run = self.printer, self.run
        opening: list[str] = []
        body: list[str] = []
        for value in run.sums:
            if value.shape == ():
                wanted = printer.schedule.holds.get(value, "")
                free = wanted.isidentifier() and wanted not in printer.taken
                printer.known[value] = printer.fresh(wanted if free else printer._numbered("s"))
                opening.append(f"{printer.known[value]} = number(0.0)")
            else:
                opening.append(f"{printer.name(value)}.fill(0.0)")
        printer.block = self
        for step in run.steps:
            if not step.is_view:
                body += self._step(step)
        printer.block = None
        lead = dim_code(run.lead)
        rows = self.rows
        printer.allocated[self.place : self.place + 2] = [
            f"{rows} = {CACHE}//({self.width}*dtype.itemsize)",
            # whole cache lines
            f"{rows} = max(1, min({lead}, {rows} if {rows} < 256 else {rows}//16*16))",
        ]
        return [
            *opening,
            f"for {self.low} in range(0, {lead}, {self.rows}):",
            f"    {self.high} = min({self.low} + {self.rows}, {lead})",
            *(f"    {line}" for line in self.slices),
            *(f"    {line}" for line in body),
        ]

    def _step(self, step: Value) -> list[str]:
        printer = self.printer
        comment = printer.schedule.comments.get(step)
        lines = [f"# {comment}"] if comment else []
        self.known = {}
        names = {v: self._block(v) for v in self.run.sliced(step)}
        self.known = names
        if step in self.run.sums:
            return lines + self._sum(step)
        self.known = {**names, step: self._block(step)}
        return lines + printer.kernels.lines(step, self.known[step])

    def _sum(self, step: Value) -> list[str]:
        printer = self.printer
        stacked = isinstance(step.op, StackedDot)
        text = "" if stacked else printer.kernels.number(step)
        names, self.known = self.known, {}
        total = printer.name(step)
        if step.shape == ():
            return [f"{total} += {text}"]
        part = printer.fresh(printer._numbered("part"))
        shape = ", ".join(map(dim_code, step.shape)) + ("," if step.ndim == 1 else "")
        printer.allocated.append(f"{part} = np.empty(({shape}), dtype)")
        if isinstance(step.op, StackedDot):
            return stacked_lines(step.op, total, names.__getitem__, part)
        return [f"{text[:-1]}, out={part})", f"np.add({total}, {part}, out={total})"]

    def _block(self, value: Value) -> str:
        """The name of the block of a value that has a row for each step of the loop."""
        if value.is_view and root(value) in self.run.rows:
            return self._view(value)
        if isinstance(value.op, Fill):
            return self._constant(value)
        if isinstance(value.op, Reshape) and value.shape[0] != self.run.lead:
            return f"{self._block(value.op.base)}.reshape(-1)"
        place = self.printer.schedule.place.get(value)
        if place is not None and place.block:
            whole = self.printer._buffer(place)
            return self._slice(whole, f"{whole}[:{self.high} - {self.low}]")
        whole = self.printer.name(value)
        return self._slice(whole, f"{whole}[{self.low}:{self.high}]")

    def _slice(self, whole: str, text: str) -> str:
        if text not in self.sliced:
            stem = whole if whole.isidentifier() else self.printer._numbered("v")
            self.sliced[text] = self.printer.fresh(f"{stem}_")
            self.slices.append(f"{self.sliced[text]} = {text}")
        return self.sliced[text]

    def _view(self, value: Value) -> str:
        base = value.operands()[0]
        name = self._block(base)
        if isinstance(value.op, Affine):
            return view_code(value.op.index, name, base.shape, value.shape)
        if value.ndim == 1:
            return f"{name}.reshape(-1)"
        rest = ", ".join(map(dim_code, value.shape[1:]))
        return f"{name}.reshape(-1, {rest})"

    def _constant(self, value: Value) -> str:
        assert isinstance(value.op, Fill)
        printer = self.printer
        number = sympify(value.op.number)
        text = number_text(number) or printer._plan_number(number)
        if value.shape[0] == self.run.lead:
            shape = self.shape(value.shape)
            size = f"{self.high} - {self.low}"
        else:
            per_row = _per_row(value.shape, self.run.lead)
            shape = f"({self.rows}*({per_row}),)"
            size = f"({self.high} - {self.low})*({per_row})"
        key = ("block", self.rows, shape, text)
        if key not in printer.known:
            printer.known[key] = printer.fresh(printer._numbered("c"))
            printer.hoisted.append(f"{printer.known[key]} = np.full({shape}, {text}, dtype)")
        whole = printer.known[key]
        return self._slice(whole, f"{whole}[:{size}]")


def _per_row(shape: Shape, lead: Dim) -> str:
    """How many entries of an array belong to one row."""
    entries = cancel(sympify(product(shape)) / sympify(lead))
    if fraction(entries)[1] == 1:
        return dim_code(entries)
    return f"({dim_code(product(shape))})//({dim_code(lead)})"
