"""Faults in generated modules: what a wrong NumPy generator would write."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from mathdl.generate.compiled import Compiled

BUFFER = ("t", "out_")


def sites(source: str) -> dict[str, list[int]]:
    """By fault, the numbers of the places in a module where it can be planted."""
    found: dict[str, list[int]] = {}
    for k, (what, _) in enumerate(_everywhere(ast.parse(source))):
        found.setdefault(what, []).append(k)
    return found


def spoilt(source: str, number: int) -> str:
    """The module with the fault of that number."""
    tree = ast.parse(source)
    _, plant = list(_everywhere(tree))[number]
    plant()
    return ast.unparse(ast.fix_missing_locations(tree))


def _everywhere(tree: ast.AST) -> Iterator[tuple[str, Any]]:
    for node in ast.walk(tree):
        yield from _faults(node)


def _faults(node: ast.AST) -> Iterator[tuple[str, Any]]:
    if isinstance(node, ast.FunctionDef) and node.name == "run":
        names = sorted({n.id for n in ast.walk(node) if isinstance(n, ast.Name)
                        and n.id.startswith(BUFFER)})
        for k in range(len(node.body) - 1):
            if _depends(*node.body[k:k + 2]):
                yield "statements swapped", lambda k=k: node.body.__setitem__(
                    slice(k, k + 2), node.body[k:k + 2][::-1])
        for statement in node.body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                yield from _of_call(statement.value, names)


def _depends(first: ast.stmt, second: ast.stmt) -> bool:
    """Whether a statement reads what the one before it writes last."""
    if not all(isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)
               for s in (first, second)):
        return False
    result = _result(first.value)
    return result is not None and any(
        isinstance(n, ast.Name) and n.id == result for n in ast.walk(second))


def _result(call: ast.Call) -> str | None:
    """The name of the array that a call writes."""
    places = [*call.args[-1:], *(k.value for k in call.keywords if k.arg == "out")]
    return places[-1].id if places and isinstance(places[-1], ast.Name) else None


def _of_call(call: ast.Call, buffers: list[str]) -> Iterator[tuple[str, Any]]:
    arguments, keywords = call.args, {k.arg: k for k in call.keywords}
    axis = keywords["axis"].value if "axis" in keywords else None
    if isinstance(axis, ast.Constant) and isinstance(axis.value, int):
        yield "wrong axis", lambda: setattr(axis, "value", 0 if axis.value else 1)
    places: list[tuple[Any, Any]] = [(arguments, len(arguments) - 1)] if arguments else []
    if "out" in keywords:
        places = [(keywords["out"], "value")]
    for holder, key in places:
        old = holder[key] if isinstance(holder, list) else getattr(holder, key)
        for other in buffers:
            if isinstance(old, ast.Name) and old.id in buffers and other != old.id:
                yield "wrong buffer", lambda h=holder, k=key, o=other: _put(h, k, o)
                break
    for k, argument in enumerate(arguments[:-1]):
        other = next((b for b in buffers if isinstance(argument, ast.Name)
                      and argument.id in buffers and b != argument.id), None)
        if other is not None:
            yield "wrong operand", lambda k=k, other=other: _put(arguments, k, other)
    function = call.func
    commutes = isinstance(function, ast.Name) and function.id in COMMUTATIVE
    if not commutes and (len(arguments) > 2 or (len(arguments) == 2 and "out" in keywords)):
        yield "operands swapped", lambda: arguments.__setitem__(
            slice(0, 2), arguments[:2][::-1])
    for k, argument in enumerate(arguments):
        if isinstance(argument, ast.Attribute) and argument.attr == "T":
            yield "transpose dropped", lambda k=k, a=argument: arguments.__setitem__(k, a.value)
        if isinstance(argument, ast.Constant) and "->" in str(argument.value):
            yield "wrong subscripts", lambda a=argument: setattr(a, "value", _mixed(a.value))
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Attribute) and (
            function.value.attr == "T"):
        yield "transpose dropped", lambda: setattr(function, "value", function.value.value)
    if isinstance(function, ast.Name) and function.id in OTHER:
        yield "wrong function", lambda: setattr(function, "id", OTHER[function.id])


COMMUTATIVE = ("add", "multiply", "maximum", "minimum")
OTHER = {"add": "subtract", "subtract": "add", "multiply": "add", "divide": "multiply",
         "maximum": "minimum", "minimum": "maximum"}


def _put(holder: Any, key: Any, name: str) -> None:
    new = ast.Name(name, ast.Load())
    if isinstance(holder, list):
        holder[key] = new
    else:
        setattr(holder, key, new)


def _mixed(subscripts: str) -> str:
    """The first operand's letters in another order."""
    first = subscripts.split(",")[0].split("->")[0]
    return first[1:] + first[:1] + subscripts[len(first):]


def install(before: str, after: str) -> None:
    """Wherever the one module is generated, the other one is loaded."""
    own = Compiled.__init__

    def load(self: Compiled, source: str, *rest: Any, **named: Any) -> None:
        own(self, after if source == before else source, *rest, **named)

    Compiled.__init__ = load
