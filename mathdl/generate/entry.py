"""The functions of a generated module that are called from outside."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mathdl.generate.code import dim_name
from mathdl.generate.numpy_kernels import shape_code

if TYPE_CHECKING:
    from mathdl.generate.module import Module


def listed(
    head: str, items: Iterable[str], tail: str, between: str = ", ", enclose: bool = False
) -> list[str]:
    """``head item, item tail`` on one line or, when that is long, on several.

    ``head`` ends with a bracket, or ``enclose`` puts one around what is long.
    """
    items = list(items)
    line = f"{head}{between.join(items)}{tail}"
    if len(line) <= 99 or not items:
        return [line]
    depth = " "*(len(head) - len(head.lstrip()))
    # items stay whole: the blanks inside them do not break
    joined = between.join(item.replace(" ", "\0") for item in items)
    inner = textwrap.wrap(joined, 99 - len(depth) - 5, break_long_words=False,
                          break_on_hyphens=False)
    body = [f"{depth}    {line}".replace("\0", " ") for line in inner]
    if tail.startswith(","):
        body[-1], tail = body[-1] + ",", tail[1:]
    if enclose:
        return [f"{head}(", *body, f"{depth}){tail}"]
    return [head, *body, f"{depth}{tail}"]


def row(items: Sequence[str], head: str, depth: str = "    ") -> list[str]:
    """A tuple of items, assigned or returned."""
    return listed(f"{depth}{head}(", items, ",)" if len(items) == 1 else ")")


def entry(m: Module, free: Sequence[Any]) -> list[str]:
    """``plan`` and the public function; ``free`` dims are passed by name."""
    names = [t.name or "" for t in m.schedule.inputs]
    loose = [f"{d}=None" for d in free]
    passed = [*names, *map(str, free)]
    results = [(k, name, v) for k, (name, v) in enumerate(m.schedule.outputs) if v.shape]
    sizes = ", ".join([*map(dim_name, m.dims), "dtype"])
    lines = [
        "",
        *row([repr(name) for _, name, _ in results], "_RESULTS = ", ""),
        *row([str(k) for k, _, _ in results], "_AT = ", ""),
        "",
        f"\ndef _shapes({sizes}):",
        '    """Shapes of the results that are arrays."""',
        *row([shape_code(v.shape) for _, _, v in results], "return "),
        "",
        *_in_range(m, sizes),
        "",
        *listed("def plan(", [*names, *(["*"] if free else []), *loose], "):"),
        '    """The bare computation for arguments of these dims and dtype.',
        "",
        *textwrap.wrap(f"Call it with {', '.join(m.arguments) or 'nothing'} in this order; nothing "
                       "is checked, and buffers are shared between calls.", 95,
                       initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False),
        '    """',
        *listed("    _found = _prepare(", ["None", *passed], ")[0]"),
        "    return _plan(*_found[2])",
        "",
    ]
    return [*lines, *_public(m, names, [str(d) for d in free], bool(results))]


def _in_range(m: Module, sizes: str) -> list[str]:
    if not m.indexed:
        return []
    names = list(dict.fromkeys(name for name, _ in m.indexed))
    return [
        f"\ndef _in_range({', '.join(names)}, {sizes}):",
        '    """Integers that index arrays are within them."""',
        *(f"    _indices({name!r}, {name}, {length})" for name, length in m.indexed),
        "",
    ]


def _public(m: Module, names: list[str], free: list[str], arrays: bool) -> list[str]:
    out = "out"
    while out in (*names, *free):
        out += "_"
    lines = ["", *listed(f"def {m.function}(",
                         [*names, "*", f"{out}=None", *(f"{d}=None" for d in free)], "):")]
    lines += [*textwrap.wrap(f'"""{_returns(m)}', 95, initial_indent="    ",
                             subsequent_indent="    ", break_on_hyphens=False), ""]
    if arrays:
        lines.append(f"    ``{out}`` maps names of results to arrays to write them into.")
    else:
        lines.append(f"    ``{out}`` is for results that are arrays; there are none here.")
    lines.append('    """')
    key: list[str] = []
    numbers: list[str] = []
    for tensor, name in zip(m.schedule.inputs, names, strict=True):
        if tensor.ndim:
            key += [f"{name}.__class__", f"{name}.shape", f"{name}.dtype"]
            continue
        lines += [f"    if {name}.__class__ is _ndarray:", f"        {name} = {name}[()]"]
        key.append(f"{name}.__class__")
        if tensor not in m.schedule.indices:
            numbers.append(f"        {name} = _found[2][-1].type({name})")
    key += free
    passed = ["_key", *names, *free]
    prepare = [*listed("        _found, *_inputs = _prepare(", passed, ")"),
               *listed("        (", names, ",) = _inputs" if len(names) == 1 else ") = _inputs")]
    lines += [
        "    _key = _found = None",
        "    try:",
        *row(key, "_key = ", "        "),
        "        _found = _local.known.get(_key)",
        "    except (AttributeError, TypeError):  # nothing is known yet, or these are no arrays",
        "        pass",
        "    if _found is None:",
        *prepare,
    ]
    if numbers:
        lines += ["    else:", *numbers]
    if m.indexed:
        indexed = list(dict.fromkeys(name for name, _ in m.indexed))
        public = [t.name or "" for name in indexed for t in m.schedule.inputs
                  if m.names[t] == name]
        lines.append(f"    _in_range({', '.join(public)}, *_found[2])")
    lines += listed("    _found = _compute(_found, (", names,
                    f"{',' if len(names) == 1 else ''}), {out})")
    return [*lines, *_structure(m)]


def _structure(m: Module) -> list[str]:
    """The results as they are handed over."""
    grads = [(k, name) for k, (name, _) in enumerate(m.schedule.outputs) if name != m.value]
    labels = [name for name, _ in m.schedule.outputs]
    value = f"_found[{labels.index(m.value)}]" if m.value is not None else ""
    if not grads:
        return [f"    return {value or '{}'}"]
    lead = f"    return {value}, " if value else "    return "
    if m.single:
        return [f"{lead}_found[{grads[0][0]}]"]
    return listed(lead + "{", (f"{name!r}: _found[{k}]" for k, name in grads), "}")


def _returns(m: Module) -> str:
    rest = [name for name, _ in m.schedule.outputs if name != m.value]
    what = rest[0] if m.single and rest else "{" + ", ".join(map(repr, rest)) + "}"
    if not rest:
        return f"Returns {m.value}."
    return f"Returns {what}." if m.value is None else f"Returns {m.value}, {what}."
