"""How long a result is: the operators of its text.

The measure is the number of inner nodes of the syntax tree of the text: each ``+ - * / ** @``,
each unary minus, each call, each ``.T``, each comparison, and each index with a slice or a new
axis counts one.  Names, numbers, dims and an access ``A[i, k]`` are leaves and count nothing; the
arithmetic in an index counts.  The bodies of definitions count once, except of names that are
given: those that the derivation's own expression defines.

It is applied to the text itself, that which mathdl prints and that which the book's file has, so
both are measured alike and neither is rewritten first.
"""

from __future__ import annotations

import ast
from collections.abc import Collection

from mathdl.errors import ParseError


def statements(text: str) -> list[tuple[str, str]]:
    """The name that each part of a text defines, or ``""``, and the part as written.

    Raises:
        ParseError: the text has not the form of the language.
    """
    lined = "\n".join(line.strip() for line in text.strip().split("\n"))
    return [
        (_defined(node), ast.get_source_segment(lined, node) or "") for node in _tree(lined).body
    ]


def operators(text: str, given: Collection[str] = ()) -> int:
    """The operators of a text, without the definitions of the names that are given."""
    count = 0
    for name, part in statements(text):
        if name not in given:
            statement = _tree(part).body[0]
            count += _count(statement.value if isinstance(statement, ast.Assign) else statement)
    return count


def _tree(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise ParseError(f"not text of the language: {error.msg}, in {text!r}") from None


def _defined(node: ast.stmt) -> str:
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return ""
    target = node.targets[0]
    target = target.value if isinstance(target, ast.Subscript) else target
    return target.id if isinstance(target, ast.Name) else ""


def _count(node: ast.AST) -> int:
    below = ast.iter_child_nodes(node)
    match node:
        case ast.UnaryOp(operand=ast.Constant()):
            return 0  # a negative number
        case ast.BinOp() | ast.UnaryOp() | ast.Call() | ast.Attribute() | ast.Compare():
            return 1 + sum(map(_count, below))
        case ast.Subscript(value=value, slice=index):
            items = index.elts if isinstance(index, ast.Tuple) else [index]
            cuts = any(isinstance(i, ast.Slice) or _is_new_axis(i) for i in items)
            computed = not isinstance(value, ast.Name)
            return (cuts or computed) + _count(value) + sum(map(_count_item, items))
        case _:
            return sum(map(_count, below))


def _count_item(item: ast.AST) -> int:
    """What an index computes; a range ``k<d`` of a reduction or a sequence is none of it."""
    if isinstance(item, ast.Compare) and isinstance(item.ops[0], ast.Lt):
        return sum(map(_count, item.comparators))
    return _count(item)


def _is_new_axis(node: ast.AST) -> bool:
    constant = isinstance(node, ast.Constant) and node.value is None
    return constant or (isinstance(node, ast.Name) and node.id == "newaxis")
