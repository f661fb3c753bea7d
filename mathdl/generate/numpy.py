"""A schedule as a standalone NumPy module.

``_plan`` allocates every buffer once for given dims and returns ``run``; views of buffers,
masks and other constants are made there too.  ``run`` does the arithmetic and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mathdl.errors import NamingError
from mathdl.generate.code import OWN_NAMES, dim_name
from mathdl.generate.compiled import Compiled
from mathdl.generate.module import Module, dims_of, dims_of_shapes, module_text
from mathdl.generate.numpy_printer import Printer
from mathdl.generate.schedule import in_blocks, schedule
from mathdl.ir.tensor import Tensor
from mathdl.language.names import check_name, check_result_name
from mathdl.language.stand_ins import require_closed


def generate_numpy(
    outputs: Sequence[tuple[str, Tensor]],
    *,
    names: Mapping[Tensor, str] | None = None,
    value: str | None = "value",
    single: bool = False,
    function: str = "value_and_grad",
    title: str = "",
    extra_inputs: Iterable[Tensor] = (),
    ignored: Iterable[str] = (),
) -> Compiled:
    """Compile the named outputs to NumPy.

    The result is called with the inputs as arrays and returns ``(value, grads)``: ``value`` is
    the output called so (None: there is no value, the grads alone are returned), ``grads`` a
    dict by name, or the bare array with ``single``; the value alone is returned bare.
    ``extra_inputs`` are asked for and checked although nothing may depend on them; arguments
    called as in ``ignored`` are accepted and not used.

    Raises UnsupportedError for an equation that cannot be computed with NumPy, NamingError for
    inputs that are called as what the module itself has, or that are known inside a step only.
    """
    labels = [name for name, _ in outputs]
    if len(set(labels)) != len(labels):
        raise ValueError(f"outputs have one name twice: {', '.join(labels)}")
    if value is not None and value not in labels:
        value = None
    if single and len(labels) > (1 if value is None else 2):
        raise ValueError("single is for one output besides the value")
    require_closed(tensor for _, tensor in outputs)
    plan = schedule(outputs, names, extra_inputs)
    for label in labels:
        for part in label.split(","):
            check_result_name(part)
    dims = dims_of([*(t for _, t in outputs), *plan.inputs])
    _check_names(plan.inputs, dims)
    printer = Printer(plan, dims)
    blocked = in_blocks(plan)
    in_turn = Printer(blocked, dims, printer.steps) if blocked is not None else None
    module = Module(
        schedule=plan, dims=printer.dims, names=printer.inputs, plan=printer.plan_lines(),
        run=printer.run_lines, arguments=printer.arguments, value=value, single=single,
        function=function, title=title, indexed=printer.indexed,
        broadcasts=printer.broadcasts(),
        blocked=(in_turn.plan_lines(), in_turn.run_lines, in_turn.large, in_turn.broadcasts())
        if in_turn else None,
        steps=list(printer.steps),
    )
    inputs = [t.name or "" for t in plan.inputs]
    return Compiled(module_text(module), function, inputs, ignored)


def _check_names(tensors: Sequence[Tensor], dims: Sequence[Any]) -> None:
    """Names that stand in the code as they are: of arguments, and of dims that are passed."""
    told = dims_of_shapes(tensors)
    inputs = [t.name or "" for t in tensors]
    called = [str(dim) for dim in dims if dim not in told]
    for name in (*inputs, *map(str, dims)):
        check_name(name)
    for name in (*inputs, *called):
        if name in OWN_NAMES:
            raise NamingError(f"the name {name!r} is used by the generated code; choose another")
    shown: dict[str, str] = {}
    for dim in dims:
        other = shown.setdefault(dim_name(dim), str(dim))
        if other != str(dim):
            raise NamingError(f"the dims {other!r} and {str(dim)!r} have one name in the code")
    if len(set(inputs)) < len(inputs) or set(inputs) & set(called):
        twice = next(n for k, n in enumerate(inputs) if n in (*inputs[:k], *called))
        raise NamingError(f"two things are called {twice!r}")
