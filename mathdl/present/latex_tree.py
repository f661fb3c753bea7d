r"""The tree in LaTeX for math mode: bold letters, ``^\top``, ``\odot``, fractions.

Vectors are columns; one that is repeated in the rows of a matrix is ``\mathbf 1 \mathbf b^\top``.
"""

from __future__ import annotations

from typing import Any

from mathdl.present.latex_calls import FORMS, named, scalar
from mathdl.present.letters import letter
from mathdl.present.tree import (
    FULL,
    Add,
    Call,
    Compare,
    Formula,
    Index,
    Last,
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

SUM, PRODUCT, POWER, ATOM = range(1, 5)
SIGNS = {">=": r"\ge", "<=": r"\le", "==": "=", "!=": r"\ne"}
SCALES = (Name, Number)  # scalars that need no bracket in front of what they multiply


def show(node: Node) -> str:
    """The node as LaTeX."""
    return _show(node)[0]


def put(node: Node, least: int = 0) -> str:
    """The node, in brackets unless it binds at least so tightly."""
    text, binding = _show(node)
    return text if binding >= least else rf"\left({text}\right)"


def _show(node: Node) -> tuple[str, int]:
    match node:
        case Name():
            return letter(node), ATOM
        case Last(place=place):
            return _show(place)
        case Number(value=value):
            return _number(value)
        case Add():
            return _add(node), SUM
        case Multiply():
            return _multiply(node)
        case Power():
            return _power(node)
        case Matmul():
            return _matmul(node), PRODUCT
        case Transpose(inner=inner):
            return _transposed(inner), POWER
        case Index():
            return _index(node)
        case Call():
            return _call(node)
        case Compare(left=left, sign=sign, right=right):
            return f"{put(left, SUM)} {SIGNS.get(sign, sign)} {put(right, SUM)}", 0
        case Sequence(items=items, brackets=brackets):
            inside = ", ".join(map(show, items))
            return rf"\left{brackets[0]}{inside}\right{brackets[1]}", ATOM
        case Formula(latex=latex):
            return latex, SUM
        case Sequenced(body=body):
            return _show(body)


def _number(value: Any) -> tuple[str, int]:
    if value.q == 1:
        return str(value.p), ATOM if value.p >= 0 else SUM
    decimal = as_decimal(value)
    if decimal is not None:
        if "e" in decimal:
            digits, exponent = decimal.split("e")
            lead = "" if digits == "1" else rf"{digits} \cdot "
            return f"{lead}10^{{{int(exponent)}}}", PRODUCT if lead else POWER
        return decimal, ATOM
    return rf"\frac{{{value.p}}}{{{value.q}}}", PRODUCT


def _add(node: Add) -> str:
    text = ""
    for k, (sign, term) in enumerate(node.terms):
        shown = _row(term) if node.ndim == 2 and term.ndim == 1 else put(term, PRODUCT)
        if k == 0:
            text = shown if sign > 0 else f"-{shown}"
        else:
            text += f" {'+' if sign > 0 else '-'} {shown}"
    return text


def _row(vector: Node) -> str:
    """A vector in every row of a matrix."""
    return rf"\mathbf{{1}} {_transposed(vector)}"


def _transposed(node: Node) -> str:
    if isinstance(node, Call) and node.name == "inv":
        return rf"{put(node.arguments[0], ATOM)}^{{-\top}}"
    return rf"{put(node, ATOM)}^\top"


# -- products ----------------------------------------------------------------------------------


def _multiply(node: Multiply) -> tuple[str, int]:
    tops = list(node.factors)
    above = _factors(tops, node.ndim)
    if not node.divisors:
        return above, PRODUCT
    wide = [d for d in node.divisors if d.ndim]
    narrow = [d for d in node.divisors if not d.ndim]
    if not wide and tops and max(t.ndim for t in tops) > 0:
        scalars = [t for t in tops if not t.ndim]
        arrays = [t for t in tops if t.ndim]
        top = _factors(scalars, 0) if scalars else "1"
        fraction = rf"\frac{{{top}}}{{{_factors(narrow, 0)}}}"
        return f"{fraction} {_factors(arrays, node.ndim)}", PRODUCT
    below = _factors([*narrow, *wide], node.ndim)
    if len(node.divisors) == 1:
        below = show(node.divisors[0]) if not wide or wide[0].ndim == node.ndim else below
    if len(tops) == 1 and tops[0].ndim in (0, node.ndim):
        above = show(tops[0])
    return rf"\frac{{{above or '1'}}}{{{below}}}", PRODUCT


def _factors(nodes: list[Node], ndim: int) -> str:
    """Scalars, then arrays; matrix products and inner products in brackets among them."""
    scalars = [n for n in nodes if not n.ndim]
    arrays = [n for n in nodes if n.ndim]
    texts: list[str] = []
    for k, n in enumerate(scalars):
        last = k == len(scalars) - 1 and not arrays
        text = put(n, PRODUCT if last or _is_scale(n) else POWER)
        if texts and (text[0].isdigit() or (texts[-1][-1:].isdigit() and text.startswith("10^"))):
            text = rf"\cdot {text}"
        texts.append(text)
    shown = []
    for n in arrays:
        row = ndim == 2 and n.ndim == 1
        if len(arrays) == 1:
            shown.append(_row(n) if row else put(n, PRODUCT))
        else:
            shown.append(rf"\left({_row(n)}\right)" if row else put(n, POWER))
    if shown:
        texts.append(r" \odot ".join(shown))
    return r" \, ".join(texts) if len(texts) > 1 else "".join(texts)


def _is_scale(node: Node) -> bool:
    """A quotient or a power of names and numbers, which reads as a coefficient."""
    if isinstance(node, Multiply):
        return all(isinstance(part, SCALES) for part in (*node.factors, *node.divisors))
    return isinstance(node, SCALES)


def _power(node: Power) -> tuple[str, int]:
    exponent = show(node.exponent)
    if isinstance(node.exponent, Number) and node.exponent.value.q != 1:
        exponent = f"{node.exponent.value.p}/{node.exponent.value.q}"
    if isinstance(node.base, Call) and node.base.name == "norm2" and not node.base.options:
        return f"{show(node.base)}^{{{exponent}}}", POWER
    mark = r"\circ " if node.base.ndim else ""
    base, binding = _show(node.base)
    if binding < ATOM:
        base = rf"\left({base}\right)"
    elif "^" in base:
        base = f"{{{base}}}"
    return f"{base}^{{{mark}{exponent}}}", POWER


def _matmul(node: Matmul) -> str:
    left, right = node.left, node.right
    if left.ndim == 1 and right.ndim == 2:
        return rf"{_transposed(right)} {put(left, POWER)}"
    if left.ndim == 1:
        row = isinstance(left, Matmul) and left.left.ndim == 1 and left.right.ndim == 2
        if row and isinstance(left, Matmul):  # x^T A y
            first = f"{_transposed(left.left)} {put(left.right, POWER)}"
        else:
            first = _transposed(left)
    else:
        first = put(left, POWER if not isinstance(left, Matmul) else PRODUCT)
    second = put(right, PRODUCT if isinstance(right, Matmul) else POWER)
    return f"{first} {second}"


# -- indices -----------------------------------------------------------------------------------


def _index(node: Index) -> tuple[str, int]:
    """New axes as outer products with ones, everything else as a subscript."""
    items = list(node.items)
    while len(items) < node.ndim:
        items.append(FULL)
    if node.inner.ndim == 1 and items == [FULL, None]:
        chained = isinstance(node.inner, Matmul) or getattr(node.inner, "name", "") == "sum"
        return rf"{put(node.inner, PRODUCT if chained else ATOM)} \mathbf{{1}}^\top", PRODUCT
    if node.inner.ndim == 1 and items == [None, FULL]:
        return _row(node.inner), PRODUCT
    if all(i is None or i == FULL for i in items):
        if node.inner.ndim == 0:
            return show(node.inner), ATOM
        marks = ", ".join(":" if i else r"\cdot" for i in items)
        return f"{_subscripted(node.inner)}_{{[{marks}]}}", ATOM
    inside = ",".join(map(_item, node.items))
    inner = node.inner
    if isinstance(inner, Name) and inner.kind == "tensor" and _is_time(node.items[0]):
        inner = Name(inner.text, inner.ndim - len(node.items), inner.kind)
    fixed = any(type(i) is Number and i.value >= 0 for i in node.items)
    base = rf"\left({show(inner)}\right)" if fixed else _subscripted(inner)
    return f"{base}_{{{inside}}}", ATOM


def _subscripted(node: Node) -> str:
    """A node that can bear a subscript: in brackets when it has one."""
    text = put(node, ATOM)
    return rf"\left({text}\right)" if text.endswith("}") and "_{" in text else text


def _is_time(item: Slice | Node | None) -> bool:
    if isinstance(item, Add):
        return any(_is_time(term) for _, term in item.terms)
    return isinstance(item, Name) and item.kind == "time"


def _item(item: Slice | Node | None) -> str:
    if item is None:
        return r"\cdot"
    if not isinstance(item, Slice):
        return show(item)
    start, stop = ("" if e is None else show(e) for e in (item.start, item.stop))
    return f"{start}:{stop}" + (f":{show(item.step)}" if item.step is not None else "")


def _call(node: Call) -> tuple[str, int]:
    options = dict(node.options)
    if options.pop("keepdims", False):
        axis = options.get("axis")
        gaps = range(node.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        left = Call(node.name, node.arguments, node.ndim - len(gaps), tuple(options.items()))
        items = tuple(None if k in gaps else FULL for k in range(node.ndim))
        return _show(Index(left, items, node.ndim))
    form = FORMS.get(node.name)
    found = form(node, put) if form is not None else None
    return found or scalar(node, put) or (named(node, put), ATOM)
