"""What a proof says, line by line, as trees: the views print these.

``full`` is the trace, a line for every step; ``lecture`` merges what is routine: the forward
equations, one line for each cotangent, and each result with what it follows from.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import sympify

from mathdl.errors import NamingError
from mathdl.ir.steps import (
    Accumulation,
    Derivative,
    Law,
    Projection,
    PullBack,
    Restriction,
    Rewrite,
    tensors_of,
)
from mathdl.ir.system import topological
from mathdl.ir.tensor import Tensor
from mathdl.present import text as text_view
from mathdl.present.index import formula
from mathdl.present.layout import Document, layout
from mathdl.present.matrix import matrix_view
from mathdl.present.tree import Add, Name, Node
from mathdl.present.views import Unprintable, input_name

DETAILS = ("full", "lecture")


@dataclass(frozen=True)
class Statement:
    """``left = sides[0] = sides[1] ...`` with its reason and the numbers that it follows from.

    ``laws`` are the rules that were used, each with what it states and where that is found.
    """

    number: int
    left: Name | None
    sides: tuple[Node, ...]
    reason: str
    premises: tuple[int, ...] = ()
    laws: tuple[Law, ...] = ()
    result: bool = False



def statements(proof: Any, names: Mapping[Tensor, str], detail: str) -> list[Statement]:
    """What is printed, in order."""
    if detail not in DETAILS:
        raise NamingError(f"unknown detail {detail!r}; there are: {', '.join(DETAILS)}")
    writer = _Writer(proof, names)
    found: list[Statement] = []
    for statement in writer.full() if detail == "full" else writer.lecture():
        found.append(statement)
        if statement.left is not None and not statement.result:
            writer.stated.add(statement.left.text)
    return found


class _Writer:
    def __init__(self, proof: Any, names: Mapping[Tensor, str]) -> None:
        self.proof = proof
        self.names: dict[Tensor, Name] = {}
        self.taken: set[str] = set()
        self.stated: set[str] = set()  # names that have been given a meaning
        self.number = 0
        for t in topological([t for line in proof.lines for t in tensors_of(line.step)]):
            if t.is_input:
                self.names[t] = input_name(t)
                self.taken.add(t.name or "")
            for dim in t.shape:
                self.taken |= {s.name for s in sympify(dim).free_symbols}
        for t, name in names.items():
            self.give(t, name)
        self.values = list(dict.fromkeys(
            line.step.value for line in proof.lines if isinstance(line.step, Derivative)
        ))

    def give(self, tensor: Tensor, wanted: str) -> Name:
        """Name a tensor, unlike all others."""
        if tensor not in self.names:
            self.names[tensor] = self.fresh(wanted, tensor)
        return self.names[tensor]

    def fresh(self, wanted: str, tensor: Tensor) -> Name:
        tries = itertools.chain([wanted], (f"{wanted}{k}" for k in itertools.count(2)))
        text = next(t for t in tries if t not in self.taken)
        self.taken.add(text)
        return Name(text, tensor.ndim)

    def state(
        self, left: Name | None, sides: tuple[Node, ...], reason: str,
        premises: tuple[int, ...] = (), laws: tuple[Law, ...] = (), result: bool = False,
    ) -> Statement:
        """The next statement."""
        self.number += 1
        return Statement(self.number, left, sides, reason, premises, laws, result)

    def node(self, tensor: Tensor, opened: bool = False) -> Node:
        """A tensor by its name, or its equation over what has names."""
        if tensor in self.names and (not opened or tensor.is_input):
            return self.names[tensor]
        if tensor.recurrence is not None:
            return self.give(tensor, "s")  # its equations between times are stated apart
        if tensor.definition is not None and tensor.label is not None:
            return self.node(tensor.operands[0].tensor)
        try:
            return matrix_view(tensor, self.node, {})
        except Unprintable:
            return formula(tensor, self._word)

    def _word(self, tensor: Tensor) -> Name:
        return self.give(tensor, "t")

    # -- the full trace ------------------------------------------------------------------------

    def full(self) -> Iterator[Statement]:
        for line in self.proof.lines:
            yield self._traced(line)
        yield from self._results()

    def _traced(self, line: Any) -> Statement:
        step = line.step
        left: Name | None = None
        sides: tuple[Node, ...]
        reason = step.rule.name
        match step:
            case Rewrite(before=before, after=after):
                sides = (self.node(before, True), self.node(after, True))
            case PullBack(target=target, after=after):
                left = self.give(after, f"{self.give(target, 't').text}_part")
                sides = (self.node(after, True),)
            case Accumulation(target=target, terms=terms, after=after):
                left = self.give(after, f"{self.give(target, 't').text}_bar")
                parts = [self.node(t) for t in terms]
                sides = (parts[0] if len(parts) == 1 else Add(
                    tuple((1, part) for part in parts), after.ndim),)
            case Derivative(variable=variable, after=after):
                sides = (self.node(after),)
                reason = f"the derivative by {variable.name}"
            case Restriction(after=after) | Projection(after=after):
                sides = (self.node(after, True),)
        return self.state(left, sides, reason, line.premises, (law_of(step.rule),))

    # -- as a lecturer writes it ------------------------------------------------------------------

    def lecture(self) -> Iterator[Statement]:
        steps = [line.step for line in self.proof.lines]
        last: dict[Tensor, int] = {}
        through: dict[Tensor, list[PullBack]] = {}
        for step in steps:
            if isinstance(step, PullBack):
                through.setdefault(step.target, []).append(step)
        gathered = [step for step in steps if isinstance(step, Accumulation)]
        carrying = {step.target for step in gathered}
        wanted = {step.after for step in steps if isinstance(step, Derivative)}
        for value in self.values:
            for tensor in topological([value]):
                if tensor not in carrying or tensor.is_input or tensor in last:
                    continue
                if tensor.recurrence is not None:
                    yield from self._recurrence(tensor)
                else:
                    name = self.give(tensor, "L" if tensor.ndim == 0 and tensor is value else "a")
                    yield self.state(name, (self.node(tensor, True),), "definition")
                last[tensor] = self.number
        for step in gathered:
            if step.after in last or (step.target.is_input and step.after not in wanted):
                continue
            for t in topological([step.after]):
                if t.recurrence is not None and t not in self.names:
                    yield from self._recurrence(t)
            passed = through.get(step.target, ())
            used = sorted({last[t] for p in passed for pair in p.consumers for t in pair
                           if t in last})
            tree = self.node(step.after, True)
            called = f"{self.give(step.target, 't').text}_bar"
            name = self.fresh(called, step.after) if step.after.is_input else self.give(
                step.after, called)
            laws = tuple(dict.fromkeys(law_of(p.rule) for p in passed))
            yield self.state(
                name, (tree,), "chain rule" if used else "seed", tuple(used), laws if used else ())
            last[step.after] = self.number
        yield from self._results()

    def _laid_out(self, tensors: Sequence[Tensor]) -> Document:
        """Tensors over what has names; new names are unlike all others."""
        texts = {t: n.text for t, n in self.names.items() if not t.is_input}
        return layout(tensors, texts, text_view.measure, self.taken)

    def _recurrence(self, tensor: Tensor) -> Iterator[Statement]:
        """The equations between times that compute a tensor, which gets its name."""
        document = self._laid_out([tensor])
        yield from self._definitions(document, "recurrence")
        (value,) = document.values
        if isinstance(value, Name):
            self.names[tensor] = value
        self.taken |= {name.text for name, _ in document.definitions}

    def _definitions(self, document: Document, reason: str) -> Iterator[Statement]:
        known = set(self.stated)
        for name, node in document.definitions:
            if name.text not in known:
                yield self.state(name, (node,), reason)

    def _results(self) -> Iterator[Statement]:
        laws = tuple(dict.fromkeys(law_of(line.step.rule) for line in self.proof.lines
                                   if isinstance(line.step, Rewrite)))
        names = ", ".join(law.name for law in laws)
        document = self._laid_out([claim.result for claim in self.proof.claims])
        yield from self._definitions(document, "definition")
        for claim, value in zip(self.proof.claims, document.values, strict=True):
            left = Name(claim.key, claim.result.ndim, "differential")
            yield self.state(left, (value,), f"simplified: {names}" if laws else "read off",
                             laws=laws, result=True)


def law_of(rule: Any) -> Law:
    """The law of a rule: what it is called, what it states and where that is found."""
    return Law(rule.name, rule.law, rule.reference)
