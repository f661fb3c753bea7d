"""Text in the language's own syntax: ``P = softmax(X @ W + b); X.T @ (P - Y)/n``.

It can be pasted back.  What no matrix form states is written in index notation,
``t1[i<n, j<d] = sum[k<m](A[i,k]*B[k,j])``, and a recurrence as a sequence with its start,
``h[-1] = zeros(n); h[t<T] = tanh(W @ h[t - 1] + X[t])``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Several
from typing import Any

from mathdl.ir.tensor import Tensor
from mathdl.present.document import Document
from mathdl.present.layout import layout
from mathdl.present.tree import (
    Add,
    Call,
    Compare,
    Formula,
    Index,
    Matmul,
    Multiply,
    Name,
    Node,
    Number,
    Power,
    Sequence,
    Sequenced,
    Slice,
    Transpose,
    as_decimal,
)

SUM, PRODUCT, UNARY, POWER, ATOM = range(1, 6)


def to_text(tensor: Tensor, names: Mapping[Tensor, str] | None = None) -> str:
    """The expression as one line of the language, definitions first.

    ``names`` says what quantities below it are called, besides their own labels; what is shared
    or long and has no name is called ``t1``, ``t2``, ...
    """
    return document_text(layout([tensor], names, measure))


def derivation_text(
    lines: Iterable[tuple[str, Several[tuple[str, int, int]], Tensor]], order: int,
    names: Mapping[Tensor, str] | None = None, hints: Mapping[Tensor, str] | None = None,
) -> str:
    """The definitions that the derivatives share, then ``d2L/(dW db) = ...`` for each.

    A line is what is differentiated, the variables with rank and power in turn, the derivative.
    """
    lines = list(lines)
    document = layout([tensor for *_, tensor in lines], names, measure, hints=hints)
    shown = [definition(name, node) for name, node in document.definitions]
    for (output, variables, _), value in zip(lines, document.values, strict=True):
        shown.append(f"{derivative(output, variables, order)} = {show(value)}")
    return "\n".join(shown)


def derivative(output: str, variables: Several[tuple[str, int, int]], order: int) -> str:
    """``d2L/(dW db)``."""
    total = "" if order == 1 else str(order)
    below = " ".join(f"d{name}{power if power > 1 else ''}" for name, _, power in variables)
    return f"d{total}{output}/{f'({below})' if len(variables) > 1 else below}"


def measure(node: Node) -> int:
    """The length of a printed tree."""
    return len(show(node))


def document_text(document: Document, separator: str = "; ") -> str:
    lines = [definition(name, node) for name, node in document.definitions]
    return separator.join([*lines, *(show(v) for v in document.values)])


def definition(name: Name, node: Node) -> str:
    if isinstance(node, Sequenced):
        below = [show(i) + (f"<{show(n)}" if n is not None else "") for i, n in node.indices]
        body = show(node.body)
        if isinstance(node.body, Formula):
            pairs = zip(node.body.indices, node.body.ranges, strict=True)
            below += [f"{i}<{n}" for i, n in pairs]
        return f"{name.text}[{', '.join(below)}] = {body}"
    if isinstance(node, Formula):
        ranges = ", ".join(f"{i}<{n}" for i, n in zip(node.indices, node.ranges, strict=True))
        return f"{name.text}[{ranges}] = {node.body}" if ranges else f"{name.text} = {node.body}"
    return f"{name.text} = {show(node)}"


def show(node: Node) -> str:
    return _show(node)[0]


def _show(node: Node) -> tuple[str, int]:
    """The text and how tightly it binds."""
    match node:
        case Name(text=text):
            return text, ATOM
        case Number(value=value):
            return _number(value)
        case Add(terms=terms):
            return _add(terms), SUM if len(terms) > 1 or terms[0][0] > 0 else UNARY
        case Multiply():
            return _multiply(node), PRODUCT
        case Power(base=base, exponent=exponent):
            return f"{_in(base, ATOM)}**{_in(exponent, ATOM)}", POWER
        case Matmul():
            return _matmul(node), PRODUCT
        case Transpose(inner=inner):
            return f"{_in(inner, ATOM)}.T", ATOM
        case Index(inner=inner, items=items):
            return f"{_in(inner, ATOM)}[{', '.join(map(_item, items))}]", ATOM
        case Call(name=name, arguments=arguments, options=options, subscripts=subscripts):
            parts = [f'"{subscripts}"'] if subscripts else []
            parts += [show(a) for a in arguments]
            parts += [f"{key}={value}" for key, value in options]
            return f"{name}({', '.join(parts)})", ATOM
        case Compare(left=left, sign=sign, right=right):
            return f"{_in(left, SUM)} {sign} {_in(right, SUM)}", 0
        case Sequence(items=entries, brackets=brackets):
            inside = ", ".join(show(i) for i in entries)
            if brackets == "()" and len(entries) == 1:
                inside += ","
            return f"{brackets[0]}{inside}{brackets[1]}", ATOM
        case Formula(body=body):
            return body, ATOM
        case Sequenced(body=inside):
            return _show(inside)


def _in(node: Node, least: int) -> str:
    text, binding = _show(node)
    return text if binding >= least else f"({text})"


def _number(value: Any) -> tuple[str, int]:
    if value.q == 1:
        return str(value.p), ATOM if value.p >= 0 else UNARY
    decimal = as_decimal(value)
    if decimal is not None:
        return decimal, ATOM if value.p >= 0 else UNARY
    return f"{value.p}/{value.q}", PRODUCT


def _add(terms: tuple[tuple[int, Node], ...]) -> str:
    text = ""
    for k, (sign, node) in enumerate(terms):
        inner = _in(node, SUM if k == 0 and sign > 0 else PRODUCT)
        if k == 0:
            text = inner if sign > 0 else f"-{inner}"
        else:
            text += f" {'+' if sign > 0 else '-'} {inner}"
    return text


def _multiply(node: Multiply) -> str:
    tops = list(node.factors)
    text = ""
    scalar = True  # so far only scalars: s*A @ B is s*(A @ B)
    for k, factor in enumerate(tops):
        if isinstance(factor, Matmul):
            last = k == len(tops) - 1
            bare = (scalar and last and factor.left.ndim <= 2) or (k == 0 and last)
            inner = show(factor) if bare else f"({show(factor)})"
        else:
            inner = _in(factor, UNARY if k == 0 else POWER)
        if k == 0 and isinstance(factor, Multiply):
            inner = show(factor)
        text += inner if k == 0 else f"*{inner}"
        scalar = scalar and factor.ndim == 0
    if not tops:
        text = "1"
    if not node.divisors:
        return text
    below = [_in(d, POWER) for d in node.divisors]
    return f"{text}/{below[0]}" if len(below) == 1 else f"{text}/({'*'.join(below)})"


def _matmul(node: Matmul) -> str:
    left = _show(node.left)
    first = left[0] if left[1] >= UNARY or isinstance(node.left, Matmul) else f"({left[0]})"
    right = node.right
    loose = isinstance(right, Matmul) and node.left.ndim == 1 and right.left.ndim <= 2
    if loose:
        assert isinstance(right, Matmul)
        inner = _in(right.left, POWER if not isinstance(right.left, Matmul) else PRODUCT)
        return f"{first} @ {inner} @ {_in(right.right, POWER)}"
    return f"{first} @ {_in(right, POWER)}"


def _item(item: Slice | Node | None) -> str:
    if item is None:
        return "None"
    if not isinstance(item, Slice):
        return show(item)
    start, stop = ("" if e is None else show(e) for e in (item.start, item.stop))
    return f"{start}:{stop}" + (f":{show(item.step)}" if item.step is not None else "")
