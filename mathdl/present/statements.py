"""What a proof says, line by line, as trees: the views print these.

``full`` is the trace, a line for every step; ``lecture`` merges what is routine: the forward
equations, one line for each cotangent, and each result with what it follows from.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

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
    Step,
    tensors_of,
)
from mathdl.ir.system import loop_key, topological
from mathdl.ir.tensor import Tensor
from mathdl.present import text as text_view
from mathdl.present.conditions import is_positive, unspread
from mathdl.present.document import Document
from mathdl.present.index import formula
from mathdl.present.latex_tree import show
from mathdl.present.layout import layout
from mathdl.present.matrix import matrix_view
from mathdl.present.tree import Add, Name, Node
from mathdl.present.views import Unprintable, input_name

DETAILS = ("full", "lecture")
GENERIC = ("z", "t")  # what quantities without a name are called, with a number
COTANGENTS = ("_bar", "_part")

T = TypeVar("T")
Stating = Generator["Statement", None, T]


@dataclass(frozen=True)
class Differential:
    """The derivative of a value by variables, each with its rank and how often in a row."""

    value: Name
    variables: tuple[tuple[str, int, int], ...]

    @property
    def order(self) -> int:
        return sum(power for *_, power in self.variables)


@dataclass(frozen=True)
class Statement:
    """``left = sides[0] = sides[1] ...`` with its reason and the numbers that it follows from.

    ``laws`` are the rules that were used, each with what it states and where that is found.  Of a
    derivative the left is a name of kind ``differential``, and ``of`` says of what by what.
    """

    number: int
    left: Name | None
    sides: tuple[Node, ...]
    reason: str
    premises: tuple[int, ...] = ()
    laws: tuple[Law, ...] = ()
    result: bool = False
    of: Differential | None = None


@dataclass(frozen=True)
class Said:
    """All that a proof says: the statements, and what must be nonzero or positive in them."""

    statements: tuple[Statement, ...]
    conditions: tuple[tuple[str, Node], ...]


def statements(proof: Any, names: Mapping[Tensor, str], detail: str) -> list[Statement]:
    """What is printed, in order."""
    return list(said(proof, names, detail).statements)


def said(proof: Any, names: Mapping[Tensor, str], detail: str) -> Said:
    """The statements and the side conditions."""
    if detail not in DETAILS:
        raise NamingError(f"unknown detail {detail!r}; there are: {', '.join(DETAILS)}")
    writer = _Writer(proof, names)
    found: list[Statement] = []
    for statement in writer.full() if detail == "full" else writer.lecture():
        found.append(statement)
        if statement.left is not None and statement.of is None:
            writer.stated.add(statement.left.text)
    return Said(tuple(found), writer.conditions)


class _Writer:
    def __init__(self, proof: Any, names: Mapping[Tensor, str]) -> None:
        self.proof = proof
        self.names: dict[Tensor, Name] = {}
        self.shown: dict[Tensor, Node] = {}  # what prints as no name: an entry of a sequence
        self.taken: set[str] = set()
        self.auxiliary: set[str] = set()
        self.stated: set[str] = set()  # names that have been given a meaning
        self.unstated: list[Tensor] = []  # names that have been used and not yet been given one
        self.last: dict[Tensor, int] = {}  # the statement that gave it
        self.number = 0
        self.conditions: tuple[tuple[str, Node], ...] = ()
        self.recurrent: list[Tensor] = []
        for t in topological([t for line in proof.lines for t in tensors_of(line.step)]):
            if t.recurrence is not None:
                self.recurrent.append(t)
            if t.is_input:
                self.names[t] = input_name(t)
                self.taken.add(t.name or "")
            for dim in t.shape:
                self.taken |= {s.name for s in sympify(dim).free_symbols}
        for t, name in names.items():
            self.give(t, name)
        for claim in proof.claims:
            self.give(claim.value, value_name(claim.output, claim.value.ndim))
        self.values = list(dict.fromkeys(
            line.step.value for line in proof.lines if isinstance(line.step, Derivative)
        ))
        firsts = self.values[: len({claim.value for claim in proof.claims})]
        written = dict.fromkeys(claim.value for claim in proof.claims)
        for t, value in zip(firsts, written, strict=False):  # as differentiated: simplified
            self.names.setdefault(t, self.names[value])
        self.between: dict[Tensor, Differential] = {}  # derivatives that are differentiated again
        self.ranks = {line.step.variable.name: line.step.variable.ndim for line in proof.lines
                      if isinstance(line.step, Derivative)}
        again = [v for v in self.values if v not in firsts]
        below = dict.fromkeys(
            (claim.value, claim.path[:k]) for k in range(1, max(len(c.path) for c in proof.claims))
            for claim in proof.claims if k < len(claim.path)
        )
        if len(again) == len(below):
            for t, (value, path) in zip(again, below, strict=True):
                self.between[t] = Differential(self.names[value], self.powers(path))

    def powers(self, path: Sequence[str]) -> tuple[tuple[str, int, int], ...]:
        """Variables with their ranks, each with how often it comes in a row."""
        return tuple((name, self.ranks.get(name, 0), len(list(run)))
                     for name, run in itertools.groupby(path))

    def give(self, tensor: Tensor, wanted: str) -> Name:
        """Name a tensor, unlike all others."""
        if tensor not in self.names:
            self.names[tensor] = self.fresh(wanted, tensor)
        return self.names[tensor]

    def fresh(self, wanted: str, tensor: Tensor) -> Name:
        """A name that is free; one without meaning has a number, and a capital if a matrix."""
        own = wanted not in GENERIC and wanted.rpartition("_")[0] not in self.auxiliary
        start = 1 if wanted in GENERIC else 2
        between = "_" if wanted.endswith(COTANGENTS) else ""
        tries = itertools.chain(
            [wanted] * (start - 1), (f"{wanted}{between}{k}" for k in itertools.count(start)))
        text = next(t for t in tries if t not in self.taken and (
            own or t[0].upper() + t[1:] not in self.taken))
        self.taken.add(text)
        if not own:
            self.auxiliary.add(text)
        return Name(text, tensor.ndim, "tensor" if own else "auxiliary")

    def state(
        self, left: Name | None, sides: tuple[Node, ...], reason: str,
        premises: tuple[int, ...] = (), laws: tuple[Law, ...] = (), result: bool = False,
        of: Differential | None = None,
    ) -> Statement:
        """The next statement."""
        self.number += 1
        return Statement(self.number, left, sides, reason, premises, laws, result, of)

    def node(self, tensor: Tensor, opened: bool = False) -> Node:
        """A tensor by its name, or its equation over what has names."""
        if tensor in self.shown:
            return self.shown[tensor]
        if tensor in self.names and (not opened or tensor.is_input):
            return self.names[tensor]
        if tensor.recurrence is not None:
            return self._word(tensor)
        if tensor.definition is not None and tensor.label is not None:
            return self.node(tensor.operands[0].tensor)
        try:
            return matrix_view(tensor, self.node, {})
        except Unprintable:
            return formula(tensor, self._word)

    def _word(self, tensor: Tensor) -> Name:
        """A name for what stands in a formula, to be stated before it."""
        if tensor not in self.names:
            self.unstated.append(tensor)
            return Name("t", tensor.ndim)
        return self.names[tensor]

    def ready(self, build: Callable[[], T]) -> Stating[T]:
        """What ``build`` gives, after the definitions of all that it reads."""
        while True:
            self.unstated = []
            made = build()
            waiting = list(dict.fromkeys(self.unstated))
            if not waiting:
                return made
            for tensor in waiting:
                yield from self.define(tensor, "t")

    def define(self, tensor: Tensor, wanted: str) -> Stating[None]:
        """State the equation of a tensor, which gets a name."""
        if tensor.recurrence is not None:
            yield from self._recurrence(tensor)
        else:
            sides = yield from self.ready(lambda: (self.node(tensor, True),))
            yield self.state(self.give(tensor, wanted), sides, "definition")
        self.last[tensor] = self.number

    # -- the full trace ------------------------------------------------------------------------

    def full(self) -> Stating[None]:
        placed: dict[int, int] = {}
        for value in self.values:
            yield from self._forward(value)
        for line in self.proof.lines:
            yield from self._traced(line, placed)
        yield from self._results()

    def _traced(self, line: Any, placed: dict[int, int]) -> Stating[None]:
        step = line.step
        left, reason, of = None, step.rule.name, None
        premises = tuple(sorted({placed[n] for n in line.premises}))
        sides: tuple[Node, ...]
        match step:
            case Rewrite(before=before, after=after):
                sides = yield from self.ready(
                    lambda: (self.node(before, True), self.node(after, True)))
                if sides[0] == sides[1]:
                    sides, reason = sides[:1], f"{reason}, printed alike"
            case PullBack(target=target, after=after):
                sides = yield from self.ready(lambda: (self.node(after, after not in self.names),))
                left = self._called(f"{self.give(target, 't').text}_part", after)
            case Accumulation(target=target, terms=terms, after=after):
                parts = yield from self.ready(lambda: tuple(
                    (1, self.node(t)) for t in terms) or ((1, self.node(after, True)),))
                sides = (parts[0][1] if len(parts) == 1 else Add(parts, after.ndim),)
                left = self._called(f"{self.give(target, 't').text}_bar", after)
            case Derivative(value=value, variable=variable, after=after):
                sides = yield from self.ready(lambda: (self.node(after),))
                by = variable.name or ""
                left = Name(by, after.ndim, "differential")
                of = Differential(self.give(value, "t"), ((by, variable.ndim, 1),))
            case Restriction(after=after) | Projection(after=after):
                sides = yield from self.ready(lambda: (self.node(after, True),))
        yield self.state(left, sides, reason, premises, (law_of(step.rule),), of=of)
        placed[line.number] = self.number

    def _called(self, wanted: str, tensor: Tensor) -> Name:
        """What a cotangent is called, also where the same array has a name already."""
        if tensor in self.names or tensor in self.shown:
            return self.fresh(wanted, tensor)
        return self.give(tensor, wanted)

    # -- as a lecturer writes it ------------------------------------------------------------------

    def _forward(self, value: Tensor) -> Stating[None]:
        """The equations of a value; of a derivative, what it is the derivative of by what."""
        carrying = {line.step.target for line in self.proof.lines
                    if isinstance(line.step, Accumulation)}
        for tensor in topological([value]):
            if tensor in carrying and not tensor.is_input and tensor not in self.last:
                yield from self.define(tensor, "z")
        if value in self.between:
            sides = yield from self.ready(lambda: (self.node(value),))
            of = self.between[value]
            left = Name(",".join(name for name, *_ in of.variables), value.ndim, "differential")
            yield self.state(left, sides, "derivative, simplified", of=of)

    def lecture(self) -> Stating[None]:
        steps = [line.step for line in self.proof.lines]
        through: dict[Tensor, list[PullBack]] = {}
        for step in steps:
            if isinstance(step, PullBack):
                through.setdefault(step.target, []).append(step)
        wanted = {step.after for step in steps if isinstance(step, Derivative)}
        for value, gathered in self._sweeps(steps).items():
            yield from self._forward(value)
            for step in gathered:
                if step.after not in self.last and (
                    not step.target.is_input or step.after in wanted
                ):
                    yield from self._cotangent(step, through.get(step.target, ()))
        yield from self._results()

    def _sweeps(self, steps: Sequence[Step]) -> dict[Tensor, list[Accumulation]]:
        """The cotangents of each value that is differentiated, in order."""
        found: dict[Tensor, list[Accumulation]] = {value: [] for value in self.values}
        waiting: list[Accumulation] = []
        for step in steps:
            if isinstance(step, Accumulation):
                waiting.append(step)
            elif isinstance(step, Derivative):
                found[step.value] += waiting
                waiting = []
        return found

    def _cotangent(self, step: Accumulation, passed: Sequence[PullBack]) -> Stating[None]:
        for t in topological([step.after]):
            if t.recurrence is not None and t not in self.names and t not in self.shown:
                yield from self._recurrence(t)
        used = sorted({self.last[t] for p in passed for pair in p.consumers for t in pair
                       if t in self.last})
        sides = yield from self.ready(lambda: (self.node(step.after, True),))
        called = f"{self.give(step.target, 't').text}_bar"
        name = self.fresh(called, step.after) if step.after.is_input else self.give(
            step.after, called)
        laws = tuple(dict.fromkeys(law_of(p.rule) for p in passed))
        yield self.state(name, sides, "chain rule" if used else "seed", tuple(used),
                         laws if used else ())
        self.last[step.after] = self.number

    def _laid_out(self, tensors: Sequence[Tensor]) -> Document:
        """Tensors over what has names; new names are unlike all others."""
        texts = {t: n.text for t, n in self.names.items() if not t.is_input}
        return layout(tensors, texts, text_view.measure, self.taken, self.auxiliary,
                      self.proof.hints)

    def _recurrence(self, tensor: Tensor) -> Stating[None]:
        """The equations between times that compute a tensor; what they compute is named."""
        members = [t for t in self.recurrent if loop_key(t) == loop_key(tensor)]
        document = self._laid_out(members)
        yield from self._definitions(document, "recurrence")
        self.taken |= {name.text for name, _ in document.definitions}
        for t, value in zip(members, document.values, strict=True):
            if isinstance(value, Name):
                self.names[t] = value
            else:
                self.shown[t] = value
                self.names[t] = Name(text_view.show(value), value.ndim, latex=show(value))

    def _definitions(self, document: Document, reason: str) -> Stating[None]:
        known = set(self.stated)
        for name, node in document.definitions:
            if name.text not in known:
                yield self.state(name, (node,), reason)

    def _results(self) -> Stating[None]:
        laws = tuple(dict.fromkeys(law_of(line.step.rule) for line in self.proof.lines
                                   if isinstance(line.step, Rewrite)))
        names = ", ".join(law.name for law in laws)
        self.conditions = yield from self.ready(self._conditions)
        document = self._laid_out([claim.result for claim in self.proof.claims])
        yield from self._definitions(document, "definition")
        for claim, value in zip(self.proof.claims, document.values, strict=True):
            left = Name(claim.key, claim.result.ndim, "differential")
            yield self.state(left, (value,), f"simplified: {names}" if laws else "read off",
                             laws=laws, result=True,
                             of=Differential(self.names[claim.value], self.powers(claim.path)))

    def _conditions(self) -> tuple[tuple[str, Node], ...]:
        """What must be nonzero or positive, each once; assumptions stand in the theorem."""
        found = dict.fromkeys(
            (c.kind, unspread(c.tensor)) for line in self.proof.lines for c in line.conditions
            if c.kind in ("nonzero", "positive")
        )
        needed = [(kind, t) for kind, t in found if not is_positive(t)]
        return tuple(dict.fromkeys((kind, self.node(t)) for kind, t in needed))


def value_name(output: str, ndim: int = 0) -> str:
    """What is differentiated: its name, of a list by number, a lone one ``L``, an array ``f``."""
    lone = {0: "L", 1: "f"}.get(ndim, "F")
    return output if output.isidentifier() else f"L{output}" if output else lone


def laws_of(proof: Any) -> tuple[Law, ...]:
    """The laws that a proof uses, each once."""
    return tuple(dict.fromkeys(law_of(line.step.rule) for line in proof.lines))


def law_of(rule: Any) -> Law:
    """The law of a rule: what it is called, what it states and where that is found."""
    return Law(rule.name, rule.law, rule.reference)
