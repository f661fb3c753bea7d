r"""A proof as a theorem and rows of LaTeX: what the HTML and the Markdown view lay out.

The theorem states the expressions as they were written and then the results, in which a named
quantity of the expressions keeps its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sympy import latex as sympy_latex
from sympy import sympify

from mathdl.ir.assumptions import ASSUMPTIONS, Assumption, closure
from mathdl.ir.steps import Law
from mathdl.ir.system import inputs_of, topological
from mathdl.ir.tensor import Tensor
from mathdl.present import latex as latex_view
from mathdl.present import text as text_view
from mathdl.present.layout import Document, layout
from mathdl.present.letters import letter
from mathdl.present.statements import Statement, statements
from mathdl.present.tree import Formula, Name, Node, Sequenced

CONVENTIONS = (
    r"Bold capitals are matrices, bold lower-case letters vectors. $\odot$ is the product entry "
    r"by entry, $\mathbf{1}$ a vector of ones. The gradient of a scalar has the shape of its "
    r"argument; in other derivatives the axes of the value come first. $\bar{\mathbf{A}}$ is the "
    r"derivative of the value by $\mathbf{A}$. Axes, and times, are counted from 0."
)

Equation = tuple[str, str]  # the left side and the right


@dataclass(frozen=True)
class Given:
    """An input: its letter, the space it is in, and what is assumed of it."""

    letter: str
    space: str
    facts: tuple[Assumption, ...]


@dataclass(frozen=True)
class Theorem:
    """For the inputs ``given`` and what ``premises`` define, the ``results`` hold.

    ``definitions`` are those that only the results use; ``texts`` is the language's own text of
    each expression and each result, by what it is called there.
    """

    given: tuple[Given, ...]
    premises: tuple[Equation, ...]
    definitions: tuple[Equation, ...]
    results: tuple[Equation, ...]
    texts: tuple[tuple[str, str], ...]
    declared: str
    assumed: str
    title: str


@dataclass(frozen=True)
class Row:
    """A numbered line of a proof: ``left = right[0] = right[1] ...`` with its reason."""

    number: int
    left: str
    right: tuple[str, ...]
    reason: str
    premises: tuple[int, ...]
    laws: tuple[Law, ...]
    result: bool


@dataclass(frozen=True)
class Part:
    """Rows of a proof that belong together."""

    title: str
    rows: tuple[Row, ...]


# -- the theorem ---------------------------------------------------------------------------------


def theorem(proof: Any) -> Theorem:
    """What a proof proves."""
    values = {_output(claim): claim.value for claim in proof.claims}
    written = layout(list(values.values()), None, text_view.measure)
    named = {name.text for name, _ in written.definitions}
    found = layout([c.result for c in proof.claims], proof.names, text_view.measure, named)
    inputs = sorted(inputs_of(list(values.values())), key=lambda t: t.created)
    return Theorem(
        given=tuple(Given(_letter(t), space(t), facts(t)) for t in inputs),
        premises=(
            *(equation(name, node) for name, node in written.definitions),
            *((letter(Name(_called(output), tensor.ndim)), latex_view.show(node))
              for (output, tensor), node in zip(values.items(), written.values, strict=True)),
        ),
        definitions=tuple(equation(*pair) for pair in _needed(found, named)),
        results=tuple(
            (differential(claim), latex_view.show(node))
            for claim, node in zip(proof.claims, found.values, strict=True)
        ),
        texts=(
            *((_called(output), text_view.to_text(tensor)) for output, tensor in values.items()),
            *((_below(claim), text_view.to_text(claim.result, proof.names))
              for claim in proof.claims),
        ),
        declared="; ".join(f"{t.name}: {' '.join(map(_spaceless, t.shape))}".strip()
                           for t in inputs),
        assumed="; ".join(f"{t.name}: {', '.join(a.name for a in facts(t))}"
                          for t in inputs if facts(t)),
        title=", ".join(_below(claim) for claim in proof.claims),
    )


def _needed(document: Document, stated: set[str]) -> Iterator[tuple[Name, Node]]:
    """The definitions that the values use, without those of names that are stated."""
    written = [(name, node, _words(text_view.definition(name, node)))
               for name, node in document.definitions if name.text not in stated]
    wanted = {word for value in document.values for word in _words(text_view.show(value))}
    while more := {w for name, _, words in written if name.text in wanted for w in words} - wanted:
        wanted |= more
    return ((name, node) for name, node, _ in written if name.text in wanted)


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d]\w*", text))


def space(tensor: Tensor) -> str:
    r"""``\mathbb{R}^{n \times d}``."""
    sizes = r" \times ".join(sympy_latex(sympify(d)) for d in tensor.shape)
    return rf"\mathbb{{R}}^{{{sizes}}}" if sizes else r"\mathbb{R}"


def facts(tensor: Tensor) -> tuple[Assumption, ...]:
    """What is assumed of an input, without what follows from the rest or only guides sampling."""
    held = {name for name in tensor.assume if not ASSUMPTIONS[name].hint}
    implied = {other for name in held for other in closure([name]) - {name}}
    return tuple(ASSUMPTIONS[name] for name in sorted(held - implied))


def _letter(tensor: Tensor) -> str:
    return letter(Name(tensor.name or "", tensor.ndim))


def _spaceless(dim: Any) -> str:
    return str(dim).replace(" ", "")


def _output(claim: Any) -> str:
    """The name of what is differentiated, empty where there is one only."""
    names = claim.path[:1] if len(set(claim.path)) == 1 else claim.path
    return str(claim.key.removesuffix(",".join(names)).removesuffix(","))


def _called(output: str) -> str:
    """A lone expression is ``L``, those of a list are ``L0``, ``L1``."""
    return output if output.isidentifier() else f"L{output}"


def _powers(claim: Any) -> list[tuple[str, int]]:
    """The variables in turn, each with how often it comes in a row."""
    found: list[tuple[str, int]] = []
    for name in claim.path:
        if found and found[-1][0] == name:
            found[-1] = (name, found[-1][1] + 1)
        else:
            found.append((name, 1))
    return found


def _below(claim: Any) -> str:
    """``d2L/(dW db)``."""
    order = len(claim.path)
    below = " ".join(f"d{name}{power if power > 1 else ''}" for name, power in _powers(claim))
    below = f"({below})" if " " in below else below
    return f"d{order if order > 1 else ''}{_called(_output(claim))}/{below}"


def differential(claim: Any) -> str:
    r"""``\frac{\partial^2 L}{\partial W \, \partial b}``."""
    ranks = {t.name: t.ndim for t in topological([claim.value]) if t.is_input}
    order = f"^{len(claim.path)}" if len(claim.path) > 1 else ""
    below = r" \, ".join(
        rf"\partial {_powered(letter(Name(name, ranks.get(name, 0))), power)}"
        for name, power in _powers(claim)
    )
    above = letter(Name(_called(_output(claim)), claim.value.ndim))
    return rf"\frac{{\partial{order} {above}}}{{{below}}}"


def _powered(shown: str, power: int) -> str:
    return shown if power == 1 else f"{{{shown}}}^{power}"


def equation(name: Name, node: Node) -> Equation:
    """Both sides of a definition."""
    if isinstance(node, Sequenced):
        left, _, right = latex_view.sequenced(name, node).partition(" &= ")
        return left, right
    if isinstance(node, Formula):
        below = f"_{{{','.join(node.indices)}}}" if node.indices else ""
        return (f"{{{letter(Name(name.text, 0))}}}{below}" if below else letter(name)), node.latex
    return letter(name), latex_view.show(node)


# -- the proof -----------------------------------------------------------------------------------


def proof_parts(proof: Any, detail: str) -> tuple[Part, ...]:
    """The lines of the proof; as a lecturer writes them, forwards and backwards apart."""
    claims = {claim.key: claim for claim in proof.claims}
    found = statements(proof, proof.names, detail)
    seeds = [k for k, s in enumerate(found) if s.reason == "seed"]
    steps = [k for k, s in enumerate(found) if s.laws and not s.result]
    first = min(seeds, default=0)
    last = max([*seeds, *steps], default=-1) + 1
    cut = [("The expression", found[:first]),
           ("Backwards by the chain rule" if seeds else "Steps", found[first:last]),
           ("Results", found[last:])]
    return tuple(Part(title, tuple(row(s, claims) for s in part)) for title, part in cut if part)


def row(statement: Statement, claims: dict[str, Any]) -> Row:
    """A statement in LaTeX."""
    left, sides = statement.left, statement.sides
    if left is None:
        first, *right = (latex_view.show(side) for side in sides)
    elif left.kind == "differential":
        first, right = differential(claims[left.text]), [latex_view.show(s) for s in sides]
    else:
        pairs = [equation(left, side) for side in sides]
        first, right = pairs[0][0], [side for _, side in pairs]
    shown = tuple(side for side in dict.fromkeys(right) if side != first)
    return Row(statement.number, first, shown, statement.reason, statement.premises,
               statement.laws, statement.result)


def laws_of(parts: Iterable[Part]) -> tuple[Law, ...]:
    """The laws that the rows cite, each once."""
    return tuple(dict.fromkeys(law for part in parts for r in part.rows for law in r.laws))
