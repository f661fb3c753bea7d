"""LaTeX of expressions and derivatives: definitions first, then the values.

Matrices are bold capitals, vectors bold lower case, scalars italic.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Several

from mathdl.ir.tensor import Tensor
from mathdl.present.document import Document
from mathdl.present.latex_tree import show
from mathdl.present.layout import layout
from mathdl.present.letters import entry, letter
from mathdl.present.text import measure
from mathdl.present.tree import Formula, Index, Name, Node, Sequenced

#: A variable's name, rank and power.
Variable = tuple[str, int, int]
Row = tuple[str, str]  # left and right of the equals sign


def to_latex(tensor: Tensor, names: Mapping[Tensor, str] | None = None) -> str:
    """The expression as LaTeX for math mode: an ``aligned`` block when it needs definitions."""
    document = layout([tensor], names, measure)
    return _block(document, [show(v) for v in document.values])


def derivation_latex(
    values: Mapping[str, Tensor], results: Several[tuple[str, Several[Variable], Tensor]],
    order: int = 1, names: Mapping[Tensor, str] | None = None,
    hints: Mapping[Tensor, str] | None = None,
) -> str:
    """The expressions and their derivatives, with shared definitions stated once; display math.

    A result is what is differentiated, the variables with rank and power in turn, the derivative.
    """
    rows = derivation_rows(values, results, order, names, hints)
    body = " \\\\\n".join(f"{left} &= {right}" for left, right in rows)
    return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$"


def derivation_rows(
    values: Mapping[str, Tensor], results: Several[tuple[str, Several[Variable], Tensor]],
    order: int = 1, names: Mapping[Tensor, str] | None = None,
    hints: Mapping[Tensor, str] | None = None,
) -> list[Row]:
    """The equations of :func:`derivation_latex`."""
    tensors = [*values.values(), *(tensor for *_, tensor in results)]
    document = layout(tensors, names, measure, hints=hints)
    rows = [definition(name, node) for name, node in document.definitions]
    called = {}
    for name, node in zip(values, document.values, strict=False):
        called[name] = letter(node) if isinstance(node, Name) else value_letter(name, node.ndim)
        if not isinstance(node, Name):
            rows.append((called[name], show(node)))
    for (name, variables, _), node in zip(results, document.values[len(values):], strict=True):
        rows.append((derivative(called[name], variables, order), show(node)))
    return rows


def derivative(value: str, variables: Several[Variable], order: int) -> str:
    r"""``\partial^2 L/(\partial W \partial b)`` as a fraction."""
    total = "" if order == 1 else f"^{order}"
    below = r" \, ".join(
        rf"\partial {letter(Name(v, rank))}{f'^{power}' if power > 1 else ''}"
        for v, rank, power in variables
    )
    return rf"\frac{{\partial{total} {value}}}{{{below}}}"


def value_letter(name: str, ndim: int) -> str:
    """What is differentiated: ``L`` unless it has a name, an array ``f``."""
    lone = {0: "L", 1: "f"}.get(ndim, "F")
    return letter(Name(lone if name == "L" else name, ndim))


def definition(name: Name, node: Node) -> Row:
    """Both sides of a definition; a formula and a sequence state where their indices lie."""
    if isinstance(node, Sequenced):
        return sequenced(name, node)
    if isinstance(node, Formula):
        left = entry(name, node.indices) if node.indices else letter(name)
        return left, _ranged(node.latex, node.over)
    return letter(name), show(node)


def sequenced(name: Name, node: Sequenced) -> Row:
    """An equation of a recurrence."""
    left = show(Index(name, tuple(i for i, _ in node.indices), node.ndim))
    over = [rf"0 \le {show(i)} < {show(n)}" for i, n in node.indices if n is not None]
    if isinstance(node.body, Formula) and node.body.indices:
        left = rf"\left({left}\right)_{{{','.join(node.body.indices)}}}"
        over += node.body.over
    return left, _ranged(show(node.body), over)


def _ranged(text: str, over: Several[str]) -> str:
    return text + "".join(rf", \quad {r}" for r in over)


def _block(document: Document, values: list[str]) -> str:
    if not document.definitions:
        return values[0]
    lines = [" &= ".join(definition(name, node)) for name, node in document.definitions]
    body = " \\\\\n".join([*lines, *(f"& {v}" for v in values)])
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
