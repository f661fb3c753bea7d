"""One step of a recurrence backwards, quantity by quantity.

The sweep through a step is made again with its record: each cotangent at each step, and what each
contributes.  One lemma for each quantity says that what it gets is what it gives; their sum is
that of the whole step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from sympy import Integer

from mathdl.calculus.reverse import sweep as sweep_step
from mathdl.errors import UnsupportedError
from mathdl.formal.context import Lemma
from mathdl.formal.coq import nat
from mathdl.formal.indices import in_order
from mathdl.formal.loops import Unrolled, at_all_times
from mathdl.formal.system import plain
from mathdl.formal.terms import nested
from mathdl.ir.build import is_zero
from mathdl.ir.steps import PullBack, Step
from mathdl.ir.tensor import Tensor
from mathdl.language.stand_ins import fresh

if TYPE_CHECKING:
    from mathdl.formal.sweep import Sweep


@dataclass(frozen=True)
class Seed:
    """What flows into a quantity of a step: its cotangent over (time, prefix, own axes), and the
    sum of that times the quantity's derivative."""

    target: Tensor
    cotangent: Tensor
    term: Any


@dataclass(frozen=True)
class Leaf:
    """What a step's operands get: the quantities of the step that stand for one of them, and the
    sum of what it gets times its derivative."""

    targets: tuple[Tensor, ...]
    term: Any


class OneStep:
    """The lemmas of a step ``t`` of a loop, ``pieces`` being named functions of ``t``."""

    def __init__(self, sweep: Sweep, loop: Unrolled, t: Any, seeds: Sequence[Seed],
                 leaves: Sequence[Leaf]) -> None:
        self.sweep, self.context, self.loop, self.t = sweep, sweep.context, loop, t
        self.numbers = count(1)
        self.lines: list[str] = []
        self.terms: dict[str, Any] = {}
        self.gets: dict[Tensor, list[str]] = {}
        self.gives: dict[Tensor, list[str]] = {}
        pulls = self._pulls(seeds, [q for leaf in leaves for q in leaf.targets])
        self._lift(seeds, pulls)
        self.seeds = [self._piece(s.term, self.gets.setdefault(s.target, [])) for s in seeds]
        for p in pulls:
            term = self._contribution(p)
            if term != 0:
                name = self._piece(term, self.gets.setdefault(p.target, []))
                self.gives.setdefault(p.consumers[0][0], []).append(name)
        self.names = [
            *(self._through(q) for q in self.gets if q not in self.slopes),
            *(self._leaf(k, leaf) for k, leaf in enumerate(leaves, 1)),
        ]

    def _pulls(self, seeds: Sequence[Seed], targets: Sequence[Tensor]) -> list[PullBack]:
        """What the engine does in one step, with stand-ins for the cotangents that flow in."""
        prefix = self.context.value.shape
        self.flows = {s.cotangent: fresh("flow", (*prefix, *s.target.shape)) for s in seeds}
        trace: list[Step] = []
        sweep_step([(s.target, self.flows[s.cotangent]) for s in seeds], targets, prefix, trace)
        return [s for s in trace if isinstance(s, PullBack)]

    def _lift(self, seeds: Sequence[Seed], pulls: Sequence[PullBack]) -> None:
        """All quantities and contributions at every time."""
        step = self.loop.step
        own = (*step.states, *step.items, *step.fixed)
        inner = list(dict.fromkeys(
            [s.target for s in seeds] + [q for p in pulls for q in (p.consumers[0][0], p.target)]))
        inner = [q for q in inner if q not in own]
        afters = [p.after for p in pulls]
        more = {stand_in: cotangent for cotangent, stand_in in self.flows.items()}
        lifted = plain(at_all_times(step, self.loop.operands, [*inner, *afters], more), {})
        self.whole = dict(zip(inner, lifted, strict=False))
        self.after = dict(zip(afters, lifted[len(inner):], strict=True))
        self.context.add(lifted)
        before = in_order(self.loop.before(self.t))
        self.slopes = {
            **{q: (s, (before,)) for q, s in zip(step.states, self.loop.states, strict=True)},
            **{q: (s, (self.t,)) for q, s in zip(step.items, self.loop.sequences, strict=True)},
            **{q: (s, ()) for q, s in zip(step.fixed, self.loop.constants, strict=True)},
        }

    def _contribution(self, p: PullBack) -> Any:
        whole, time = self.slopes.get(p.target) or (self.whole[p.target], (self.t,))
        after = self.after[p.after]
        moves = self.context.system.moving[whole] and whole not in self.sweep.still
        if not moves or is_zero(after):
            return Integer(0)
        index = self.context.fresh_index(p.target)
        weight = self.context.system.entry(after, (self.t, *self.context.prefix, *index))
        term = weight * self.context.dot(whole, (*time, *index))
        return nested(term, zip(index, p.target.shape, strict=True))

    def _piece(self, term: Any, gets: list[str]) -> str:
        name = f"p{next(self.numbers)}_{self.context.name(self.loop.states[0])}"
        self.terms[name] = term
        self.lines.append(
            f"Definition {name} ({self.t} : nat) : R := {self.context.text.real(term)}.")
        gets.append(name)
        return name

    def _through(self, q: Tensor) -> str:
        """A quantity gives what it gets."""
        name = self.context.name(self.whole[q])
        if f"{name}_dot" not in self.sweep.prover.dots:
            raise UnsupportedError(f"no certificate: {name} of a step has no derivative")
        gives = self.gives.get(q, [])
        return self._lemma(f"step_{name}", self.gets[q], gives, self._sum(gives),
                           f"a step through {name}", [f"{name}_dot"])

    def _leaf(self, k: int, leaf: Leaf) -> str:
        gets = [name for q in leaf.targets for name in self.gets.get(q, [])]
        return self._lemma(f"leaf{k}_{self.context.name(self.loop.states[0])}", gets, [],
                           leaf.term, "what a step gives to what it reads")

    def _sum(self, pieces: Sequence[str]) -> Any:
        return sum((self.terms[p] for p in pieces), Integer(0))

    def _lemma(self, label: str, gets: Sequence[str], gives: Sequence[str], right: Any,
               what: str, opening: Sequence[str] = ()) -> str:
        t = self.t
        proof = self.sweep.prover.equal(self._sum(gets), right, (*self.context.prefix, t), what,
                                        opening)
        shown = self.at(gives) if gives else self.context.text.real(right)
        pieces = [*gets, *gives]
        unfolded = [f"unfold {', '.join(pieces)}."] if pieces else []
        self.lines.append(Lemma(
            label, f"forall {t} : nat, ({t} < {nat(self.loop.length)})%nat -> "
            f"{self.at(gets)} = {shown}", ["intros.", *unfolded, *proof], note=what,
        ).text())
        return label

    def at(self, pieces: Sequence[str]) -> str:
        return " + ".join(f"{p} {self.t}" for p in pieces) or "0"

    def proof(self) -> list[str]:
        """Tactics for the whole step."""
        t = self.t
        seeds = f"unfold {', '.join(self.seeds)}; " if self.seeds else ""
        return [
            f"intros {t} {t}_lt.", f"transitivity ({self.at(self.seeds)}); [{seeds}ring|].",
            *(f"pose proof ({name} {t} {t}_lt)." for name in self.names), "real_eq; lra.",
        ]
