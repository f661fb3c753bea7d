"""Faults in source: one node of a function's syntax tree changed, in the functions that live.

A change is planted by giving every live function of the module the code that the changed tree
compiles to, so that registries, imports and closures that hold a function see it as well.
"""

from __future__ import annotations

import ast
import copy
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

OTHER_OPERATOR: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}
OTHER_RELATION: dict[type, type] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}
OTHER_WORD = {"sum": "max", "max": "min", "min": "max", "prod": "sum", "lower": "upper",
              "upper": "lower"}
OTHER_SIGN = {"+": "-", "-": "+", "*": "/", "/": "*", "@": "*", "−": "+", "·": "+", "⊙": "+",
              "<": ">", ">": "<", "(": "", ")": "", "ᵀ": "", "^": "_"}


@dataclass(frozen=True)
class Change:
    """The ``number``-th way to change a node of a module's tree, the ``place``-th of a function."""

    path: str
    function: str
    place: int
    lines: tuple[int, int]
    node: int
    number: int
    what: str

    @property
    def name(self) -> str:
        node = _nodes(self.path)[self.node]
        other = list(alternatives(node))[self.number][1]
        return f"{self.what}: {_shown(node, other)}"


def alternatives(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What may stand in the place of a node, with the fault that it is."""
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            if _is_text(left) or _is_text(right):
                if isinstance(op, ast.Add):
                    yield "term dropped", left
                    yield "term dropped", right
                return
            if type(op) in OTHER_OPERATOR:
                yield "operator", ast.BinOp(left, OTHER_OPERATOR[type(op)](), right)
            if isinstance(op, ast.Add | ast.Sub | ast.Mult | ast.MatMult):
                yield "term dropped", left
                yield "term dropped", right
            if isinstance(op, ast.Sub | ast.Div | ast.Pow | ast.MatMult):
                yield "operands swapped", ast.BinOp(right, op, left)
        case ast.Compare(left=left, ops=[op], comparators=right):
            yield "relation", ast.Compare(left, [OTHER_RELATION[type(op)]()], right)
        case ast.BoolOp(op=op, values=values):
            yield "and/or", ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for kept in (values[1:], values[:-1]):
                yield "condition dropped", kept[0] if len(kept) == 1 else ast.BoolOp(op, kept)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield "sign", operand
        case ast.Constant(value=bool() as value):
            yield "constant", ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield "constant", ast.Constant(value + 1)
            if value > 0:
                yield "constant", ast.Constant(value - 1)
        case ast.Constant(value=str() as value):
            if (other := _other_text(value)) != value:
                yield "text", ast.Constant(other)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield "branch negated", ast.IfExp(test, orelse, body)
        case ast.If(test=test, body=body, orelse=orelse):
            yield "branch negated", ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.comprehension(ifs=[first, *rest]):
            yield "condition dropped", ast.comprehension(
                node.target, node.iter, rest, node.is_async)
        case ast.Attribute(value=value, attr="T", ctx=ast.Load()):
            yield "transpose dropped", value
        case ast.Tuple(elts=[first, second, *rest], ctx=ast.Load()):
            if not isinstance(first, ast.Starred):
                yield "arguments swapped", ast.Tuple([second, first, *rest], ast.Load())
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in OTHER_OPERATOR:
            yield "statement dropped", ast.Pass()
            yield "operator", ast.AugAssign(target, OTHER_OPERATOR[type(op)](), value)
        case ast.Expr(value=ast.Call()):
            yield "statement dropped", ast.Pass()
        case ast.Call(func=function, args=arguments, keywords=keywords):
            if any(isinstance(a, ast.Starred) for a in arguments):
                return
            if len(arguments) > 1:
                first, second, *rest = arguments
                yield "arguments swapped", ast.Call(function, [second, first, *rest], keywords)
            elif len(arguments) == 1 and not keywords and not _is_container(function):
                yield "call left out", arguments[0]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_container(function: ast.AST) -> bool:
    """Calls that only change what holds the values, or ask about them."""
    return isinstance(function, ast.Name) and function.id in {
        "tuple", "list", "set", "frozenset", "dict", "str", "iter", "bool", "any", "all", "len",
        "isinstance", "id", "int", "float", "next", "range", "enumerate", "type", "map", "zip",
    }


def _other_text(text: str) -> str:
    """Another word for a reduction; for punctuation another sign, or none."""
    if text in OTHER_WORD:
        return OTHER_WORD[text]
    if any(c.isalnum() for c in text) and not text.startswith("\\"):
        return text
    for k, c in enumerate(text):
        if c in OTHER_SIGN:
            return text[:k] + OTHER_SIGN[c] + text[k + 1:]
    return "" if text.startswith("\\") else text


# -- where ----------------------------------------------------------------------------------------


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text())


@cache
def _nodes(path: str) -> list[ast.AST]:
    return list(ast.walk(_tree(path)))


def changes(path: str) -> dict[str, list[Change]]:
    """All changes of a module, by the outermost function that they are in."""
    numbers = {id(node): k for k, node in enumerate(_nodes(path))}
    found: dict[str, list[Change]] = {}

    def inside(node: ast.AST, name: str, function: str) -> None:
        if isinstance(node, ast.Raise | ast.Assert):
            return
        if function:
            for k, (what, _) in enumerate(alternatives(node)):
                place = node.iter if isinstance(node, ast.comprehension) else node
                lines = (place.lineno, place.end_lineno or place.lineno)
                if isinstance(node, ast.If):
                    lines = (node.test.lineno, node.test.end_lineno or node.test.lineno)
                known = found.setdefault(function, [])
                known.append(Change(
                    path, function, len(known), lines, numbers[id(node)], k, what))
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if not isinstance(child, ast.AST) or _is_doc(node, child):
                    continue
                inner, outer = name, function
                if isinstance(child, ast.FunctionDef | ast.ClassDef):
                    inner = f"{name}.{child.name}".lstrip(".")
                if isinstance(child, ast.FunctionDef | ast.Lambda) and not function:
                    outer = inner if isinstance(child, ast.FunctionDef) else (
                        f"{name}.lambda_{child.lineno}_{child.col_offset}".lstrip("."))
                inside(child, inner, outer)

    inside(_tree(path), "", "")
    return found


def _is_doc(node: ast.AST, child: ast.AST) -> bool:
    return isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)


def _shown(node: ast.AST, other: ast.AST) -> str:
    def line(part: ast.AST) -> str:
        if isinstance(part, ast.If):
            return f"if {line(part.test)}"
        text = " ".join(ast.unparse(ast.fix_missing_locations(part)).split())
        return text if len(text) < 70 else f"{text[:67]}..."

    return f"{line(copy.deepcopy(node))} -> {line(copy.deepcopy(other))}"


# -- planting -------------------------------------------------------------------------------------


def plant(change: Change) -> bool:
    """Give the live functions the changed code; whether there was one that took it."""
    tree = copy.deepcopy(_tree(change.path))
    target = list(ast.walk(tree))[change.node]
    other = list(alternatives(target))[change.number][1]
    ast.copy_location(other, target)
    _replace(tree, target, other)
    ast.fix_missing_locations(tree)
    filename = str(ROOT / change.path)
    before, after = (
        list(_codes(compile(t, filename, "exec", dont_inherit=True)))
        for t in (_tree(change.path), tree))
    if len(before) != len(after):
        return False
    new = {_key(old): code for old, code in zip(before, after, strict=True)
           if _shape(old) != _shape(code)}
    planted = 0
    for function in live_functions().get(filename, ()):
        code = new.get(_key(function.__code__))
        if code is not None and len(code.co_freevars) == len(function.__code__.co_freevars):
            function.__code__ = code
            planted += 1
    return planted > 0


def _replace(tree: ast.AST, target: ast.AST, other: ast.AST) -> None:
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, field, other)
                return
            if isinstance(value, list):
                for k, child in enumerate(value):
                    if child is target:
                        value[k] = other
                        return


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _key(code: CodeType) -> Any:
    return code.co_qualname, tuple(code.co_positions())


def _shape(code: CodeType) -> Any:
    """What a function does, its nested functions included."""
    constants = tuple(
        _shape(c) if isinstance(c, CodeType) else (type(c), c) for c in code.co_consts)
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars


@cache
def live_functions() -> dict[str, list[FunctionType]]:
    """All functions by the file that they are from, as they were at the first call."""
    found: dict[str, list[FunctionType]] = {}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename.startswith(str(ROOT)):
            found.setdefault(thing.__code__.co_filename, []).append(thing)
    return found
