r"""LaTeX of the same tree: bold letters, ``^\top``, ``\odot``, fractions, definitions first.

Matrices are bold capitals, vectors bold lower case, scalars italic.  A vector that is broadcast
over the rows of a matrix is written ``\mathbf 1 \mathbf b^\top``, as the algebra has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Several
from typing import Any

from mathdl.ir.tensor import Tensor
from mathdl.present.layout import Document, layout
from mathdl.present.letters import letter
from mathdl.present.text import measure
from mathdl.present.tree import (
    FULL,
    ONE,
    ZERO,
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
from mathdl.scalar import lookup, scalar_functions

SUM, PRODUCT, POWER, ATOM = range(1, 5)

#: A variable's name, rank and power.
Variable = tuple[str, int, int]



def to_latex(tensor: Tensor, names: Mapping[Tensor, str] | None = None) -> str:
    """The expression as LaTeX for math mode: an ``aligned`` block when it needs definitions."""
    document = layout([tensor], names, measure)
    return _block(document, [show(v) for v in document.values])


def derivation_latex(
    values: Mapping[str, Tensor], results: Several[tuple[str, Several[Variable], Tensor]],
    order: int = 1, names: Mapping[Tensor, str] | None = None,
) -> str:
    """The expressions and their derivatives, with shared definitions stated once; display math.

    A result is what is differentiated, the variables with rank and power in turn, the derivative.
    """
    document = layout([*values.values(), *(tensor for *_, tensor in results)], names, measure)
    left = {name: name if name == "L" else letter(Name(name, t.ndim)) for name, t in values.items()}
    total = "" if order == 1 else f"^{order}"
    nodes = iter(document.values)
    lines = [f"{left[name]} &= {show(next(nodes))}" for name in values]
    for name, variables, _ in results:
        below = r" \, ".join(
            rf"\partial {letter(Name(v, ndim))}{f'^{power}' if power > 1 else ''}"
            for v, ndim, power in variables
        )
        lines.append(
            rf"\frac{{\partial{total} {left[name]}}}{{{below}}} &= {show(next(nodes))}"
        )
    body = " \\\\\n".join([*_definitions(document), *lines])
    return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$"


def _definitions(document: Document) -> list[str]:
    lines = []
    for name, node in document.definitions:
        left = letter(name)
        if isinstance(node, Sequenced):
            lines.append(sequenced(name, node))
            continue
        if isinstance(node, Formula):
            if node.indices:
                left = f"{{{letter(Name(name.text, 0))}}}_{{{','.join(node.indices)}}}"
            lines.append(f"{left} &= {node.latex}")
        else:
            lines.append(f"{left} &= {show(node)}")
    return lines


def sequenced(name: Name, node: Sequenced) -> str:
    moment = show(Index(name, tuple(i for i, _ in node.indices), node.ndim))
    body = node.body
    right = body.latex if isinstance(body, Formula) else show(body)
    if isinstance(body, Formula) and body.indices:
        moment = rf"\left({moment}\right)_{{{','.join(body.indices)}}}"
    times = "".join(
        rf" \quad {show(i)} = 0, \dots, {show(n)} - 1" for i, n in node.indices if n is not None
    )
    return f"{moment} &= {right}{times}"


def _block(document: Document, values: list[str]) -> str:
    if not document.definitions:
        return values[0]
    lines = [*_definitions(document), *(f"& {v}" for v in values)]
    body = " \\\\\n".join(lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


# -- trees -------------------------------------------------------------------------------------


def show(node: Node) -> str:
    return _show(node)[0]


def _in(node: Node, least: int) -> str:
    text, binding = _show(node)
    return text if binding >= least else rf"\left({text}\right)"


def _show(node: Node) -> tuple[str, int]:
    match node:
        case Name():
            return letter(node), ATOM
        case Number(value=value):
            return _number(value)
        case Add():
            return _add(node), SUM
        case Multiply():
            return _multiply(node)
        case Power():
            return _power(node)
        case Matmul():
            return _matmul(node)
        case Transpose(inner=inner):
            return f"{_in(inner, ATOM)}^\\top", POWER
        case Index():
            return _index(node)
        case Call():
            return _call(node)
        case Compare(left=left, sign=sign, right=right):
            shown = {">=": r"\ge", "<=": r"\le", "==": "=", "!=": r"\ne"}.get(sign, sign)
            return f"{_in(left, SUM)} {shown} {_in(right, SUM)}", 0
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
        shown = _spread(term, node.ndim)
        if k == 0:
            text = shown if sign > 0 else f"-{shown}"
        else:
            text += f" {'+' if sign > 0 else '-'} {shown}"
    return text


def _spread(term: Node, ndim: int) -> str:
    """A term of a sum; a vector beside matrices stands in every row."""
    text = _in(term, PRODUCT)
    if ndim == 2 and term.ndim == 1:
        return rf"\mathbf{{1}} {_in(term, ATOM)}^\top"
    return text


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
    scalars = [n for n in nodes if not n.ndim]
    arrays = [n for n in nodes if n.ndim]
    texts: list[str] = []
    for n in scalars:
        text = _in(n, PRODUCT)
        if texts and (text[0].isdigit() or (texts[-1][-1:].isdigit() and text.startswith("10^"))):
            text = rf"\cdot {text}"
        texts.append(text)
    shown = []
    for n in arrays:
        single = len(arrays) == 1 and n.ndim == ndim
        if ndim == 2 and n.ndim == 1:
            shown.append(rf"\mathbf{{1}} {_in(n, ATOM)}^\top")
        elif single:
            shown.append(_in(n, PRODUCT))
        else:
            shown.append(_in(n, POWER))
    if shown:
        texts.append(r" \odot ".join(shown))
    return r" \, ".join(texts) if len(texts) > 1 else "".join(texts)


def _power(node: Power) -> tuple[str, int]:
    exponent = show(node.exponent)
    if isinstance(node.exponent, Number) and node.exponent.value.q != 1:
        exponent = f"{node.exponent.value.p}/{node.exponent.value.q}"
    if isinstance(node.base, Call) and node.base.name == "norm2" and not node.base.options:
        return f"{show(node.base)}^{{{exponent}}}", POWER
    mark = r"\circ " if node.base.ndim else ""
    return f"{{{_in(node.base, ATOM)}}}^{{{mark}{exponent}}}", POWER


def _matmul(node: Matmul) -> tuple[str, int]:
    left, right = node.left, node.right
    if left.ndim == 1:
        first = _in(left, ATOM) + r"^\top"
        if right.ndim == 2:
            return f"{first} {_in(right, POWER)}", PRODUCT
    else:
        first = _in(left, POWER) if not isinstance(left, Matmul) else _in(left, PRODUCT)
    if isinstance(right, Matmul):
        return f"{first} {_in(right, PRODUCT)}", PRODUCT
    return f"{first} {_in(right, POWER)}", PRODUCT


def _index(node: Index) -> tuple[str, int]:
    """New axes as outer products with ones, everything else as a subscript."""
    items = list(node.items)
    while len(items) < node.ndim:
        items.append(FULL)
    if node.inner.ndim == 1 and items == [FULL, None]:
        return rf"{_in(node.inner, ATOM)} \mathbf{{1}}^\top", PRODUCT
    if node.inner.ndim == 1 and items == [None, FULL]:
        return rf"\mathbf{{1}} {_in(node.inner, ATOM)}^\top", PRODUCT
    if all(i is None or i == FULL for i in items):
        if node.inner.ndim == 0:
            return show(node.inner), ATOM
        marks = ", ".join(":" if i else r"\cdot" for i in items)
        return f"{_subscripted(node.inner)}_{{[{marks}]}}", ATOM
    inside = ",".join(map(_item, node.items))
    inner = node.inner
    if isinstance(inner, Name) and _is_time(node.items[0]):
        inner = Name(inner.text, inner.ndim - len(node.items), inner.kind)
    return f"{_subscripted(inner)}_{{{inside}}}", ATOM


def _subscripted(node: Node) -> str:
    """A node that can bear a subscript: in brackets when it has one."""
    text = _in(node, ATOM)
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


# -- calls -------------------------------------------------------------------------------------


def _call(node: Call) -> tuple[str, int]:
    form = _FORMS.get(node.name)
    if form is not None:
        found: tuple[str, int] | None = form(node)
        if found is not None:
            return found
    if node.name in _SCALAR:
        return _scalar(node)
    return _named(node), ATOM


def _named(node: Call) -> str:
    name = node.name.replace("_", r"\_")
    arguments = [show(a) for a in node.arguments]
    below = ""
    if node.subscripts:
        below = "_{" + node.subscripts.replace("->", r" \to ") + "}"
    options = dict(node.options)
    axis = options.pop("axis", None)
    options.pop("keepdims", None)
    if axis is not None:
        shown = ",".join(map(str, axis)) if isinstance(axis, tuple) else axis
        below = rf"_{{\mathrm{{axis}}\,{shown}}}"
    arguments += [rf"\mathrm{{{key}}}={value}" for key, value in options.items()]
    return rf"\operatorname{{{name}}}{below}\left({', '.join(arguments)}\right)"


def _scalar(node: Call) -> tuple[str, int]:
    declared = lookup(node.name)
    arguments = [show(a) for a in node.arguments]
    text = declared.latex.format(*arguments)
    return text, POWER if node.name == "exp" else ATOM


def _where(node: Call) -> tuple[str, int]:
    condition, yes, no = node.arguments
    if (yes, no) == (ONE, ZERO):
        return rf"\left[{show(condition)}\right]", ATOM
    shown = lookup("where").latex.format(show(condition), show(yes), show(no))
    return shown, ATOM


def _norm(node: Call) -> tuple[str, int] | None:
    if node.options:
        return None
    below = "F" if node.arguments[0].ndim > 1 else "2"
    return rf"\left\lVert {show(node.arguments[0])} \right\rVert_{below}", ATOM


def _sum(node: Call) -> tuple[str, int] | None:
    inner = node.arguments[0]
    options = dict(node.options)
    if not options:
        if inner.ndim == 1:
            return rf"\mathbf{{1}}^\top {_in(inner, POWER)}", PRODUCT
        if inner.ndim == 2:
            return rf"\mathbf{{1}}^\top {_in(inner, POWER)} \mathbf{{1}}", PRODUCT
        return None
    if inner.ndim == 2 and options.get("axis") == 0 and "keepdims" not in options:
        return rf"{_in(inner, ATOM)}^\top \mathbf{{1}}", PRODUCT
    if inner.ndim == 2 and options.get("axis") == 1:
        once = rf"{_in(inner, POWER)} \mathbf{{1}}"
        return (once + r" \mathbf{1}^\top" if "keepdims" in options else once), PRODUCT
    return None


def _outer(node: Call) -> tuple[str, int]:
    left, right = node.arguments
    return rf"{_in(left, POWER)} {_in(right, ATOM)}^\top", PRODUCT


def _eye(node: Call) -> tuple[str, int] | None:
    if len(node.arguments) != 1:
        return None
    return rf"\mathbf{{I}}_{{{show(node.arguments[0])}}}", ATOM


def _ones(node: Call) -> tuple[str, int] | None:
    if node.ndim == 1:
        return rf"\mathbf{{1}}_{{{show(node.arguments[0])}}}", ATOM
    if node.ndim == 2:
        n, m = map(show, node.arguments)
        return rf"\mathbf{{1}}_{{{n}}} \mathbf{{1}}_{{{m}}}^\top", PRODUCT
    return None


def _zeros(node: Call) -> tuple[str, int]:
    return r"\mathbf{0}", ATOM


def _inverse(node: Call) -> tuple[str, int]:
    return f"{_in(node.arguments[0], ATOM)}^{{-1}}", POWER


def _solve(node: Call) -> tuple[str, int]:
    a, b = node.arguments
    return f"{_in(a, ATOM)}^{{-1}} {_in(b, POWER)}", PRODUCT


def _trace(node: Call) -> tuple[str, int]:
    return rf"\operatorname{{tr}}\left({show(node.arguments[0])}\right)", ATOM


def _kron(node: Call) -> tuple[str, int]:
    a, b = node.arguments
    return rf"{_in(a, POWER)} \otimes {_in(b, POWER)}", PRODUCT


_FORMS: dict[str, Any] = {
    "where": _where, "norm2": _norm, "sum": _sum, "outer": _outer, "eye": _eye, "ones": _ones,
    "zeros": _zeros, "inv": _inverse, "solve": _solve, "trace": _trace, "kron": _kron,
}
_SCALAR = frozenset(f.name for f in scalar_functions()) - {"where"}
