"""The text around the arithmetic: what the inputs must be, and how results are handed over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sympy import sympify

from mathdl.generate.code import dim_code
from mathdl.generate.numpy_kernels import shape_code
from mathdl.generate.scalars import INDEX_SYMBOLS
from mathdl.generate.schedule import Schedule
from mathdl.generate.values import Select
from mathdl.ir.dim import show_shape
from mathdl.ir.index import linear, slot_number
from mathdl.ir.system import topological
from mathdl.ir.tensor import Tensor


@dataclass
class Module:
    """The pieces of a module."""

    schedule: Schedule
    dims: list[Any]
    names: dict[Tensor, str]
    plan: list[str]
    run: list[str]
    arguments: list[str]
    value: str | None
    single: bool
    function: str
    title: str
    indexed: list[tuple[str, str]]


def dims_of(outputs: Iterable[Tensor]) -> list[Any]:
    """Every symbolic dim below the outputs, by name."""
    found: set[Any] = set()
    seen: set[Any] = set()

    def scan(expr: Any) -> None:
        if expr not in seen:
            seen.add(expr)
            if not isinstance(expr, int):
                found.update(expr.free_symbols)

    for tensor in topological(outputs):
        for dim in tensor.shape:
            scan(dim)
        for requirement in tensor.requires:
            scan(requirement.expr)
        if tensor.definition is None:
            continue
        for dim in tensor.equation.extents:
            scan(dim)
        scan(tensor.equation.body)
        for access in tensor.operands:
            for e in access.index:
                scan(e)
    return sorted(
        (s for s in found if s not in INDEX_SYMBOLS and slot_number(s) is None), key=str
    )


_HELPERS = '''
_local = threading.local()


def _array(name, value, axes, integer=False):
    """The argument as an array with so many axes, of integers or of numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in ("iu" if integer else "fciub"):
        kind = "integers" if integer else "numbers"
        raise TypeError(f"{name} must be an array of {kind}, not of {array.dtype}")
    if array.ndim != axes:
        raise ValueError(f"{name} has shape {array.shape}, expected {axes} axes")
    return array


def _misfit(name, array, expected, dims):
    """The error for a shape that does not fit, with where each dim comes from."""
    known = ", ".join(f"{d} = {size} from {source}" for d, size, source in dims)
    return ValueError(
        f"{name} has shape {array.shape}, expected {expected}" + (f" with {known}" if known else "")
    )


def _dtype(*pairs):
    """float32 when every array is; Python numbers adapt; integers count as float64."""
    found = [
        array.dtype if array.dtype.kind in "fc" else np.dtype(np.float64)
        for value, array in pairs
        if type(value) not in (int, float, bool, complex) or isinstance(value, complex)
    ]
    return np.result_type(np.float32, *found) if found else np.dtype(np.float64)


def _outputs(out, shapes, dtype, inputs):
    """The arrays to write results into, and the copies to make afterwards."""
    given = dict(out or {})
    arrays, later = [], []
    for name, shape in shapes.items():
        target = given.pop(name, None)
        if target is None:
            arrays.append(np.empty(shape, dtype))
            continue
        if not isinstance(target, np.ndarray) or target.shape != shape or target.dtype != dtype:
            raise ValueError(f"out[{name!r}] must be an array of shape {shape} and dtype {dtype}")
        if not target.flags.writeable:
            raise ValueError(f"out[{name!r}] is read-only")
        others = [*inputs, *arrays, *(wanted for wanted, _ in later)]
        if not target.flags.c_contiguous or any(np.may_share_memory(target, a) for a in others):
            arrays.append(np.empty(shape, dtype))
            later.append((target, arrays[-1]))
        else:
            arrays.append(target)
    if given:
        raise ValueError(f"out has no result called {', '.join(map(repr, given))}")
    return arrays, later
'''

_INDICES = '''

def _indices(name, array, length):
    """Integer data used as an index must be in range."""
    if array.size and (array.min() < 0 or array.max() >= length):
        raise IndexError(f"{name} has an index out of range for an axis of length {length}")
'''

_STRIDED = '''

def _strided(array, start, shape, steps):
    """The view whose entry k is array[start + steps @ k]."""
    corner = array[tuple(slice(s, None) for s in start)]
    strides = [sum(row[k] * s for row, s in zip(steps, array.strides)) for k in range(len(shape))]
    return np.lib.stride_tricks.as_strided(corner, shape, strides)
'''

_ROWDOT = '''

def _rowdot(a, b, out=None):
    """Inner products along the last axis, without conjugation."""
    return np.einsum("...i,...i->...", a, b, out=out)
'''

_LOGDET = '''

def _logdet(a):
    """log|det a|; along a complex step the analytic continuation of it."""
    sign, log = np.linalg.slogdet(a)
    return log + np.log(sign*np.sign(sign.real)) if a.dtype.kind == "c" else log
'''


def module_text(m: Module) -> str:
    """The whole source."""
    body = [*_plan(m), *_prepare(m), *_public(m)]
    text = "\n".join(body)
    helpers = _HELPERS
    for marker, helper in (("_indices(", _INDICES), ("_strided(", _STRIDED),
                           ("rowdot(", _ROWDOT), ("_logdet(", _LOGDET)):
        if marker in text:
            helpers += helper
    imports = ["import math"] if "math." in text else []
    imports += ["import threading", "from collections import OrderedDict", "", "import numpy as np"]
    if "scipy." in text:
        imports.append("import scipy.special")
    return "\n".join([_docstring(m), *imports, helpers, *body]) + "\n"


def _shape_text(tensor: Tensor) -> str:
    return show_shape(tuple(dim_code(d) for d in tensor.shape))


def _docstring(m: Module) -> str:
    inputs = ", ".join(f"{t.name} {_shape_text(t)}" for t in m.schedule.inputs)
    lines = [f'"""{_quoted(m.title) or "Generated by mathdl."}', "", f"Inputs: {inputs or 'none'}."]
    lines.append("Results: " + ", ".join(
        f"{name} {show_shape(tuple(dim_code(d) for d in v.shape))}"
        for name, v in m.schedule.outputs) + ".")
    return "\n".join([*lines, '"""', ""])


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', "'''").strip()


def _plan(m: Module) -> list[str]:
    dims = ", ".join([*map(str, m.dims), "dtype"])
    lines = [f"\ndef _plan({dims}):",
             '    """Buffers, views and constants for these dims; returns the computation."""']
    text = "\n".join((*m.plan, *m.run))
    if "number(" in text:
        lines.append("    number = dtype.type")
    if "rowdot(" in text:
        lines.append('    rowdot = _rowdot if dtype.kind == "c" else np.vecdot')
    lines += [f"    {line}" for line in m.plan]
    lines += ["", f"    def run({', '.join(m.arguments)}):"]
    lines += [f"        {line}" for line in m.run]
    return [*lines, "", "    return run", ""]


def _prepare(m: Module) -> list[str]:
    """Check the arguments and find dims and dtype."""
    names = [m.names[t] for t in m.schedule.inputs]
    free, checks = _dim_checks(m)
    arguments = ", ".join([*names, *free])
    lines = [f"\ndef _prepare({arguments}):",
             '    """The arguments checked, their dims and their dtype; and the plan for these."""']
    floats = []
    for tensor in m.schedule.inputs:
        name = m.names[tensor]
        integer = tensor in m.schedule.indices
        if not integer:
            floats.append(name)
            lines.append(f"    given_{name} = {name}")
        lines.append(f"    {name} = _array({tensor.name!r}, {name}, {tensor.ndim}"
                     + (", integer=True)" if integer else ")"))
    lines += [f"    {line}" for line in checks]
    pairs = ", ".join(f"(given_{n}, {n})" for n in floats)
    lines.append(f"    dtype = _dtype({pairs})")
    for tensor in m.schedule.inputs:
        name = m.names[tensor]
        if tensor in m.schedule.indices:
            if tensor.ndim == 0:
                lines.append(f"    {name} = {name}[()]")
        elif tensor.ndim:
            lines.append(f"    {name} = {name}.astype(dtype, copy=False)")
        else:
            lines.append(f"    {name} = dtype.type({name})")
    for name, length in m.indexed:
        lines.append(f"    _indices({name!r}, {name}, {length})")
    dims = ", ".join([*map(str, m.dims), "dtype"])
    lines += [
        f"    key = ({dims},)",
        '    plans = _local.__dict__.setdefault("plans", OrderedDict())',
        "    run = plans.get(key)",
        "    if run is None:",
        "        run = plans[key] = _plan(*key)",
        "        if len(plans) > 4:",
        "            plans.popitem(last=False)",
        "    else:",
        "        plans.move_to_end(key)",
        f"    return run, ({''.join(n + ', ' for n in names)}), key",
        "",
    ]
    return lines


def _dim_checks(m: Module) -> tuple[list[str], list[str]]:
    """Dims that must be passed by name, and the lines that find and check the others."""
    source: dict[Any, str] = {}
    lines: list[str] = []
    late: list[tuple[Tensor, int, Any]] = []
    for tensor in m.schedule.inputs:
        for axis, dim in enumerate(tensor.shape):
            if isinstance(dim, int):
                continue
            if dim in m.dims:
                if dim not in source:
                    source[dim] = tensor.name or ""
                    lines.append(f"{dim} = {m.names[tensor]}.shape[{axis}]")
            else:
                late.append((tensor, axis, dim))
    progress = True
    while progress:
        progress = False
        for tensor, axis, dim in late:
            unknown = [s for s in dim.free_symbols if s not in source]
            found = linear(sympify(dim), unknown[0]) if len(unknown) == 1 else None
            if found is None or not found[0].is_number or not found[0].is_Integer:
                continue
            c, rest = found
            size = f"{m.names[tensor]}.shape[{axis}]"
            top = f"({size} - ({dim_code(rest)}))" if rest != 0 else size
            lines.append(f"{unknown[0]} = {top}" + (f"//{c}" if c != 1 else ""))
            source[unknown[0]] = tensor.name or ""
            progress = True
    free = [str(d) for d in m.dims if d not in source]
    for name in free:
        lines += [f"if {name} is None:",
                  f'    raise TypeError("the dim {name} is in no input\'s shape: pass {name}=")']
    for dim in m.dims:
        lines += [f"if {dim} < 1:", f'    raise ValueError(f"the dim {dim} must be at least 1, '
                  f'not {{{dim}}}")']
    for tensor in m.schedule.inputs:
        if tensor.ndim:
            name = m.names[tensor]
            own = sorted({s for d in tensor.shape if not isinstance(d, int)
                          for s in d.free_symbols}, key=str)
            dims = "".join(f'("{s}", {s}, {source.get(s, "the call")!r}), ' for s in own
                           if source.get(s) != tensor.name)
            lines += [
                f"if {name}.shape != {shape_code(tensor.shape)}:",
                f"    raise _misfit({tensor.name!r}, {name}, {_shape_text(tensor)!r}, ({dims}))",
            ]
    for requirement in m.schedule.requires:
        used = sorted(requirement.expr.free_symbols, key=str)
        sizes = ", ".join(f"{s} = {{{s}}}" for s in used)
        reason = requirement.reason.replace("{", "{{").replace("}", "}}")
        text = f"{reason}; here {sizes}" if used else reason
        lines += [f"if {dim_code(requirement.expr)} < 0:", f"    raise ValueError(f{text!r})"]
    return free, lines


def _public(m: Module) -> list[str]:
    names = [t.name or "" for t in m.schedule.inputs]
    free, _ = _dim_checks(m)
    out = "out" if "out" not in names else "out_"
    options = [f"{out}=None", *(f"{d}=None" for d in free)]
    signature = ", ".join([*names, "*", *options])
    passed = ", ".join([*names, *free])
    grads = [(k, name) for k, (name, _) in enumerate(m.schedule.outputs) if name != m.value]
    lines = [f"\ndef plan({', '.join([*names, *(['*'] if free else []), *(f'{d}=None' for d in free)])}):",
             '    """The bare computation for arguments of these dims and dtype.',
             "",
             f"    Call it with {', '.join(m.arguments) or 'nothing'} in this order; nothing is checked.",
             '    """',
             f"    return _plan(*_prepare({passed})[2])",
             "",
             f"\ndef {m.function}({signature}):",
             f'    """{_returns(m)}',
             "",
             f"    ``{out}`` maps names of results to arrays to write them into.",
             '    """',
             f"    _run, _inputs, _key = _prepare({passed})"]
    if any(v.shape for _, v in m.schedule.outputs):
        shapes = ", ".join(
            f"{name!r}: {shape_code(v.shape)}" for name, v in m.schedule.outputs if v.shape)
        lines.append(f"    _results, _later = _outputs({out}, _shapes(*_key[:-1]), _key[-1], "
                     "_inputs)")
        arrays = ", *_results"
    else:
        shapes, arrays = "", ""
        lines += [f"    if {out}:",
                  f'        raise ValueError("{out} is for results that are arrays")']
    call = f"_found = _run(*_inputs{arrays})"
    if any(isinstance(s.op, Select) for s in m.schedule.steps):
        lines += ["    # both branches of a choice are computed: what is not chosen may be inf or nan",
                  '    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):',
                  f"        {call}"]
    else:
        lines.append(f"    {call}")
    if arrays:
        lines += ["    for _target, _result in _later:", "        np.copyto(_target, _result)"]
    lines.append(f"    return {_structure(m, grads, bool(arrays), out)}")
    if shapes:
        lines = [f"\ndef _shapes({', '.join(map(str, m.dims))}):",
                 '    """Shapes of the results that are arrays."""',
                 f"    return {{{shapes}}}", "", *lines]
    return lines


def _structure(m: Module, grads: list[tuple[int, str]], arrays: bool, out: str) -> str:
    def item(k: int) -> str:
        name, v = m.schedule.outputs[k]
        if v.shape and arrays:
            return f"(({out} or {{}}).get({name!r}, _found[{k}]))"
        return f"_found[{k}]"

    if m.single:
        result = item(grads[0][0])
    else:
        result = "{" + ", ".join(f"{name!r}: {item(k)}" for k, name in grads) + "}"
    if m.value is None:
        return result
    at = [name for name, _ in m.schedule.outputs].index(m.value)
    return f"{item(at)}, {result}"


def _returns(m: Module) -> str:
    rest = [name for name, _ in m.schedule.outputs if name != m.value]
    what = rest[0] if m.single else "{" + ", ".join(map(repr, rest)) + "}"
    return f"Returns {what}." if m.value is None else f"Returns {m.value}, {what}."
