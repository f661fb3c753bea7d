r"""A proof as a theorem and rows of LaTeX: what the HTML and the Markdown view lay out.

The theorem states the expressions as they were written and then the results, in which a named
quantity of the expressions keeps its name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mathdl.ir.assumptions import Assumption
from mathdl.ir.steps import Law
from mathdl.ir.system import with_steps
from mathdl.ir.tensor import Tensor
from mathdl.present import text as text_view
from mathdl.present.declared import facts, space
from mathdl.present.document import Document
from mathdl.present.latex import Row, definition, derivative
from mathdl.present.latex_document import both_sides
from mathdl.present.latex_tree import show
from mathdl.present.latex_words import conventions
from mathdl.present.layout import layout
from mathdl.present.letters import letter
from mathdl.present.statements import Statement, said, value_name
from mathdl.present.tree import Name


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
    premises: tuple[Row, ...]
    definitions: tuple[Row, ...]
    results: tuple[Row, ...]
    texts: tuple[tuple[str, str], ...]
    declared: str
    assumed: str
    title: str


@dataclass(frozen=True)
class Step:
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
    """Steps that belong together."""

    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Written:
    """A proof: its parts, and the relations under which its steps hold."""

    parts: tuple[Part, ...] = ()
    conditions: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(len(part.steps) for part in self.parts)

    @property
    def laws(self) -> tuple[Law, ...]:
        """The laws that the steps cite, each once."""
        return tuple(dict.fromkeys(
            law for part in self.parts for step in part.steps for law in step.laws))


# -- the theorem ---------------------------------------------------------------------------------


def theorem(proof: Any) -> Theorem:
    """What a proof proves."""
    values = {claim.output: claim.value for claim in proof.claims}
    called = {output: value_name(output, tensor.ndim) for output, tensor in values.items()}
    written, found = documents(proof)
    inputs = proof.inputs(values.values())
    ranks = {t.name: t.ndim for t in inputs}
    sought = [(called[c.output], [(name, ranks.get(name, 0), k) for name, k in c.powers],
               len(c.path)) for c in proof.claims]
    letters = {name: letter(Name(name, values[output].ndim)) for output, name in called.items()}
    labels = [text_view.derivative(*each) for each in sought]
    return Theorem(
        given=tuple(Given(letter(Name(t.name or "", t.ndim)), space(t), facts(t)) for t in inputs),
        premises=(
            *(definition(*pair) for pair in written.definitions),
            *((letters[called[output]], show(node))
              for output, node in zip(values, written.values, strict=True)),
        ),
        definitions=tuple(definition(*pair) for pair in found.definitions),
        results=tuple(
            (derivative(letters[value], variables, order), show(node))
            for (value, variables, order), node in zip(sought, found.values, strict=True)
        ),
        texts=(
            *((called[output], text_view.to_text(tensor)) for output, tensor in values.items()),
            *((label, text_view.to_text(claim.result, proof.names))
              for label, claim in zip(labels, proof.claims, strict=True)),
        ),
        declared="; ".join(f"{t.name}: {' '.join(map(_spaceless, t.shape))}".strip()
                           for t in inputs),
        assumed="; ".join(f"{t.name}: {', '.join(a.name for a in facts(t))}"
                          for t in inputs if facts(t)),
        title=", ".join(labels),
    )


def documents(proof: Any) -> tuple[Document, Document]:
    """The expressions as they were written, and the results over the names of their quantities."""
    values = list({claim.output: claim.value for claim in proof.claims}.values())
    written = layout(values, None, text_view.measure)
    named = {name.text for name, _ in written.definitions}
    found = layout([claim.result for claim in proof.claims], _kept(values, proof.names),
                   text_view.measure, named, hints=proof.hints)
    new = tuple(pair for pair in found.definitions if pair[0].text not in named)
    return written, Document(new, found.values)


def _kept(values: Sequence[Tensor], names: Mapping[Tensor, str]) -> dict[Tensor, str]:
    """The named quantities whose name means them alone, however the expressions are printed."""
    below = with_steps(values)
    labels = Counter(t.label for t in below)
    once = Counter(names.values())
    stems = {t.name if t.is_input else t.label for t in below}
    return {
        t: name for t, name in names.items()
        if labels[name] == once[name] == 1 and name.rpartition("_")[0] not in stems
        and not re.fullmatch(r"t\d+", name)
    }


def _spaceless(dim: Any) -> str:
    return str(dim).replace(" ", "")


# -- the proof -----------------------------------------------------------------------------------


def written_proof(proof: Any, detail: str) -> Written:
    """The lines of the proof; as a lecturer writes them, forwards and backwards apart."""
    spoken = said(proof, proof.names, detail)
    found = spoken.statements
    seeds = [k for k, s in enumerate(found) if s.reason == "seed"]
    steps = [k for k, s in enumerate(found) if s.laws and not s.result]
    first = min(seeds or steps, default=0)
    last = max([*seeds, *steps], default=-1) + 1
    cut = [("The expression", found[:first]),
           ("Backwards by the chain rule" if seeds else "Steps", found[first:last]),
           ("Results", found[last:])]
    parts = tuple(Part(title, tuple(map(_step, part))) for title, part in cut if part)
    conditions = tuple(f"{show(node)} {_RELATIONS[kind]}" for kind, node in spoken.conditions)
    return Written(parts, conditions)


def notation(stated: Theorem, written: Written) -> str:
    """What the notation means that occurs in the theorem or the proof."""
    rows = (*stated.premises, *stated.definitions, *stated.results)
    steps = ((step.left, *step.right) for part in written.parts for step in part.steps)
    shown = "\n".join(side for sides in (*rows, *steps) for side in sides)
    return " ".join(conventions(shown).split("\n"))


_RELATIONS = {"nonzero": r"\ne 0", "positive": "> 0"}


def _step(statement: Statement) -> Step:
    left, right = both_sides(statement)
    return Step(statement.number, left, tuple(right), statement.reason, statement.premises,
                statement.laws, statement.result)
