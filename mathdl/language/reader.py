"""Expressions of the text language: a closed list of node kinds, and what each means."""

from __future__ import annotations

import ast
import difflib
import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sympy import E, Expr, Rational, pi

from mathdl.errors import MathDLError, NamingError, ParseError
from mathdl.ir.tensor import Tensor
from mathdl.language import operators
from mathdl.language.functions import FUNCTIONS
from mathdl.language.indexing import index_tensor
from mathdl.language.names import shown
from mathdl.language.pointwise import as_tensor, constant_value, pointwise
from mathdl.language.raw_text import MAX_DEPTH, check_number, place
from mathdl.scalar.compare import COMPARISONS

CONSTANTS: Mapping[str, Any] = {"pi": pi, "e": E}

_BINARY: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Tensor]]] = {
    ast.Add: ("+", operators.add),
    ast.Sub: ("-", operators.subtract),
    ast.Mult: ("*", operators.multiply),
    ast.Div: ("/", operators.divide),
    ast.Pow: ("**", operators.power),
    ast.MatMult: ("@", operators.matmul),
}
_COMPARE: dict[type[ast.cmpop], tuple[str, Any]] = {
    kind: (sign, head)
    for (kind, sign), head in zip(
        (
            (ast.Gt, ">"), (ast.GtE, ">="), (ast.Lt, "<"), (ast.LtE, "<="),
            (ast.Eq, "=="), (ast.NotEq, "!="),
        ),
        COMPARISONS,
        strict=True,
    )
}
_REFUSED: dict[type[ast.AST], str] = {
    ast.Lambda: "lambda",
    ast.ListComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.IfExp: "if ... else (write where(condition, a, b))",
    ast.BoolOp: "and/or (write a product of comparisons, or where)",
    ast.NamedExpr: "the walrus :=",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.JoinedStr: "an f-string",
    ast.Starred: "unpacking with *",
    ast.AugAssign: "an augmented assignment",
    ast.AnnAssign: "an annotation",
    ast.Import: "import",
    ast.ImportFrom: "import",
}


def position(text: str, line: int, column: int) -> int:
    """The offset in the text of a place in the text with leading blanks removed."""
    lines = text.split("\n")
    if line > len(lines):
        return len(text)
    before = sum(len(one) + 1 for one in lines[: line - 1])
    blanks = len(lines[line - 1]) - len(lines[line - 1].lstrip(" \t\r"))
    return min(before + blanks + max(column, 0), len(text))


class Reader:
    """One text while it is read: the names that mean something, and where each part stands."""

    def __init__(self, text: str, inputs: Mapping[str, Tensor]) -> None:
        self.text = text
        self.names: dict[str, Any] = dict(inputs)
        self.dims: dict[str, Any] = {
            symbol.name: symbol
            for t in inputs.values()
            for dim in t.shape
            if isinstance(dim, Expr)
            for symbol in dim.free_symbols
        }
        self.depth = 0
        lines = text.split("\n")
        self.starts = [position(text, k + 1, 0) for k in range(len(lines))]

    # -- places ------------------------------------------------------------------------------

    def source(self, node: Any) -> str:
        """The fragment of a node, shortened."""
        start = self.starts[node.lineno - 1] + node.col_offset
        end = self.starts[node.end_lineno - 1] + node.end_col_offset
        shown = " ".join(self.text[start:end].split())
        return shown if len(shown) <= 40 else shown[:37] + "..."

    def at(self, node: Any) -> str:
        return place(self.text, self.starts[node.lineno - 1] + node.col_offset)

    def refuse(self, node: Any, message: str) -> ParseError:
        return ParseError(f"{self.at(node)}: {message}")

    def bad_operator(self, node: Any) -> ParseError:
        return self.refuse(node, f"the operator of {self.source(node)!r} is not in the language")

    def apply(self, node: Any, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call a function of the language; its errors learn where they happened."""
        try:
            return function(*arguments, **named)
        except MathDLError as error:
            raise error.within(f"{self.source(node)!r} at {self.at(node)}") from None
        except (RecursionError, MemoryError, OverflowError):
            raise self.refuse(node, f"{self.source(node)!r} is too large") from None

    # -- expressions -------------------------------------------------------------------------

    def kind(self, node: ast.AST) -> str:
        return _REFUSED.get(type(node), f"{type(node).__name__.lower()!r}")

    def number_or_tensor(self, node: ast.expr) -> Any:
        value = self.read(node)
        if not isinstance(value, (Tensor, Expr)):
            raise self.refuse(node, f"{self.source(node)!r} is neither a tensor nor a number")
        return value

    def read(self, node: ast.expr) -> Any:
        reader = _READERS.get(type(node))
        if reader is None:
            raise self.refuse(node, f"{self.kind(node)} is not in the language")
        self.depth += 1
        if self.depth > 3 * MAX_DEPTH:
            raise self.refuse(node, "the text is nested too deeply")
        try:
            return getattr(self, reader)(node)
        finally:
            self.depth -= 1

    def constant(self, node: ast.Constant) -> Any:
        value = node.value
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, (int, float)):
            start = self.starts[node.lineno - 1] + node.col_offset
            end = self.starts[node.lineno - 1] + (node.end_col_offset or 0)
            return Rational(check_number(self.text[start:end], self.at(node)))
        if isinstance(value, str):
            raise self.refuse(node, "a string is only the first argument of einsum")
        raise self.refuse(node, f"{self.source(node)!r} is not in the language")

    def name(self, node: ast.Name) -> Any:
        for table in (self.names, self.dims, CONSTANTS):
            if node.id in table:
                return table[node.id]
        if node.id == "newaxis":
            return None
        if node.id in FUNCTIONS:
            raise self.refuse(node, f"{node.id} is a function; write {node.id}(...)")
        near = difflib.get_close_matches(
            node.id, [*self.names, *self.dims, *CONSTANTS, *FUNCTIONS], n=2
        )
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise NamingError(f"{self.at(node)}: unknown name {node.id[:40]!r}{hint}")

    def binary(self, node: ast.BinOp) -> Any:
        """A chain ``a + b + c`` is read along its left side without recursion."""
        chain: list[ast.BinOp] = []
        first: ast.expr = node
        while isinstance(first, ast.BinOp) and type(first.op) in _BINARY:
            chain.append(first)
            first = first.left
        if isinstance(first, ast.BinOp):
            raise self.bad_operator(first)
        value = self.number_or_tensor(first)
        for step in reversed(chain):
            other = self.number_or_tensor(step.right)
            value = self.operate(step, _BINARY[type(step.op)][1], value, other)
        return value

    def operate(self, node: ast.expr, function: Callable[..., Tensor], *arguments: Any) -> Any:
        """An operation; of numbers and dims alone the result is a number again."""
        result = self.apply(node, function, *arguments)
        if any(isinstance(a, Tensor) for a in arguments):
            return result
        value = constant_value(result)
        return result.equation.body if value is None else value

    def unary(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.UAdd):
            return self.number_or_tensor(node.operand)
        if not isinstance(node.op, ast.USub):
            raise self.bad_operator(node)
        return self.operate(node, operators.negative, self.number_or_tensor(node.operand))

    def compare(self, node: ast.Compare) -> Any:
        if len(node.ops) != 1:
            raise self.refuse(
                node, f"the chained comparison {self.source(node)!r} is not in the language; "
                "multiply two comparisons"
            )
        found = _COMPARE.get(type(node.ops[0]))
        if found is None:
            raise self.bad_operator(node)
        left, right = self.number_or_tensor(node.left), self.number_or_tensor(node.comparators[0])
        return self.relation(node, *found, left, right)

    def relation(self, node: ast.Compare, sign: str, head: Any, left: Any, right: Any) -> Any:
        return self.operate(node, lambda a, b: pointwise(head, a, b, what=sign), left, right)

    def attribute(self, node: ast.Attribute) -> Any:
        if node.attr != "T":
            hint = (
                f"; write {node.attr}({self.source(node.value)})" if node.attr in FUNCTIONS else
                "; the only attribute is .T"
            )
            raise self.refuse(node, f"attribute .{node.attr[:40]} is not in the language{hint}")
        return self.apply(node, operators.transpose_all, self.whole(node.value))

    def whole(self, node: ast.expr) -> Tensor:
        """What an index or ``.T`` applies to."""
        return as_tensor(self.number_or_tensor(node))

    def subscript(self, node: ast.Subscript) -> Any:
        if isinstance(node.value, ast.Call) and isinstance(node.slice, ast.Constant):
            pair = self.read(node.value)  # eigh(A)[0]
            if isinstance(pair, tuple) and isinstance(node.slice.value, int) and (
                node.slice.value in range(len(pair))
            ):
                return pair[node.slice.value]
        return self.apply(node, index_tensor, self.whole(node.value), self.items(node))

    def items(self, node: ast.Subscript) -> tuple[Any, ...]:
        inner = node.slice
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        return tuple(self.item(p) for p in parts)

    def item(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Slice):
            ends = (node.lower, node.upper, node.step)
            return slice(*(None if e is None else self.read(e) for e in ends))
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            return Ellipsis
        return self.read(node)

    def sequence(self, node: ast.List | ast.Tuple) -> Any:
        values = [self.read(e) for e in node.elts]
        return values if isinstance(node, ast.List) else tuple(values)

    def call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Attribute):
            return self.attribute(node.func) if node.func.attr != "T" else self.not_called(node)
        if not isinstance(node.func, ast.Name):
            return self.not_called(node)
        name = node.func.id
        if name not in FUNCTIONS:
            if name in self.names or name in self.dims:
                raise self.refuse(node, f"{name} is not a function; write * for a product")
            near = difflib.get_close_matches(name, FUNCTIONS, n=2)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise NamingError(f"{self.at(node)}: unknown function {name[:40]!r}{hint}")
        positional = [self.argument(name, k, a) for k, a in enumerate(node.args)]
        named: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self.refuse(node, "unpacking with ** is not in the language")
            if keyword.arg in named:
                raise self.refuse(node, f"{keyword.arg}= is given twice")
            named[keyword.arg] = self.argument(name, -1, keyword.value)
        self.check_arguments(node, name, positional, named)
        return self.invoke(node, name, positional, named)

    def invoke(
        self, node: ast.Call, name: str, positional: list[Any], named: Mapping[str, Any]
    ) -> Any:
        return self.apply(node, FUNCTIONS[name], *positional, **named)

    def not_called(self, node: ast.Call) -> Any:
        raise self.refuse(node, f"{self.source(node.func)!r} cannot be called; only functions can")

    def argument(self, function: str, position: int, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if (function, position) == ("einsum", 0):
                return node.value
            raise self.refuse(node, "a string is only the first argument of einsum")
        return self.read(node)

    def check_arguments(
        self, node: ast.Call, name: str, positional: list[Any], named: Mapping[str, Any]
    ) -> None:
        try:
            signature(name).bind(*positional, **named)
        except TypeError as error:
            raise self.refuse(
                node,
                f"{name}{_plain_signature(name)}: {shown(error, 80)}, in {self.source(node)!r}",
            ) from None


@lru_cache(maxsize=256)
def signature(name: str) -> inspect.Signature:
    """What a function of the language takes."""
    return inspect.signature(FUNCTIONS[name])


def _plain_signature(name: str) -> str:
    return "(" + ", ".join(
        str(p.replace(annotation=inspect.Parameter.empty))
        for p in signature(name).parameters.values()
    ) + ")"


_READERS: dict[type[ast.expr], str] = {
    ast.Constant: "constant",
    ast.Name: "name",
    ast.BinOp: "binary",
    ast.UnaryOp: "unary",
    ast.Compare: "compare",
    ast.Attribute: "attribute",
    ast.Subscript: "subscript",
    ast.List: "sequence",
    ast.Tuple: "sequence",
    ast.Call: "call",
}
