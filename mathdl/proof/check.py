"""The checker: it shares nothing with the engine but the representation.

Each line is held against its law (what it may change, and what it must keep) and evaluated at
random instances by :mod:`mathdl.proof.evaluate`; then the lines are put together: the sweep is
complete, no reader is left out, and the claims follow by substitution.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mathdl.errors import MathDLError
from mathdl.ir.assumptions import OF_INSTANCES
from mathdl.ir.build import is_zero
from mathdl.ir.steps import (
    Accumulation,
    Derivative,
    Projection,
    PullBack,
    Restriction,
    Rewrite,
    tensors_of,
)
from mathdl.ir.system import inputs_of, topological
from mathdl.ir.tensor import Tensor
from mathdl.proof.equalities import Equalities
from mathdl.proof.evaluate import Array, Evaluator
from mathdl.proof.instances import MANNERS, instance
from mathdl.proof.laws import LAWS, broken
from mathdl.proof.proof import Line, Proof, numbered
from mathdl.proof.sides import sides

MORE = 12  # instances for lines that those before decided nothing about


@dataclass(frozen=True)
class Problem:
    """What is wrong with a line; line 0 is the proof as a whole."""

    line: int
    what: str


@dataclass(frozen=True)
class Checked:
    """What checking a proof found; true when nothing is wrong."""

    lines: int
    instances: int
    worst: float
    problems: tuple[Problem, ...]

    def __bool__(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        return "\n  ".join([f"{self._verdict}: {self._summary}", *self._remarks])

    def _repr_html_(self) -> str:
        from mathdl.present.notebook import verdict_html

        return verdict_html(self._verdict, self._summary, remarks=self._remarks)

    @property
    def _verdict(self) -> str:
        return "proof checked" if self else "proof refused"

    @property
    def _summary(self) -> str:
        if not self:
            return f"{len(self.problems)} problems"
        return f"{self.lines} steps at {self.instances} instances, worst error {self.worst:.1e}"

    @property
    def _remarks(self) -> list[str]:
        return [f"step {p.line}: {p.what}" for p in self.problems[:12]]


def check(proof: Proof, *, instances: int = 3, seed: int = 0) -> Checked:
    """Check every line of a proof and that the claims follow from them."""
    checker = _Checker(proof)
    checker.numbers()
    checker.laws()
    with np.errstate(all="ignore"):  # outside its domain a side is not finite
        tried = checker.values(instances, seed)
    checker.sweeps()
    checker.claims()
    return Checked(len(proof.lines), tried, checker.worst, tuple(checker.problems))


class _Checker:
    def __init__(self, proof: Proof) -> None:
        self.proof = proof
        self.problems: list[Problem] = []
        self.worst = 0.0
        self.lawful: list[Line] = []  # those that are instances of their laws
        self.certain: set[int] = set()  # lines compared at some instance

    def refuse(self, line: int, what: str) -> None:
        self.problems.append(Problem(line, what))

    # -- each line ---------------------------------------------------------------------------

    def numbers(self) -> None:
        """Numbers, premises and conditions are those that the steps need."""
        again = numbered(line.step for line in self.proof.lines)
        for line, own in zip(self.proof.lines, again, strict=True):
            if line.number != own.number:
                self.refuse(own.number, f"it is numbered {line.number}")
            if line.premises != own.premises:
                self.refuse(own.number, f"its premises are {own.premises}, not {line.premises}")
            if line.conditions != own.conditions:
                self.refuse(own.number, "its conditions are not those that it needs")

    def laws(self) -> None:
        for line in self.proof.lines:
            step = line.step
            if step.rule.name not in LAWS.get(type(step), ()):
                self.refuse(line.number, f"there is no rule {step.rule.name!r} for such a step")
                continue
            reason = broken(step)
            if reason:
                self.refuse(line.number, f"{step.rule.name}: {reason}")
            else:
                self.lawful.append(line)

    def values(self, instances: int, seed: int) -> int:
        """Both sides of every line at random instances; how many there were."""
        tensors = [t for line in self.proof.lines for t in tensors_of(line.step)]
        tensors += [t for claim in self.proof.claims for t in (claim.value, claim.result)]
        tried = 0
        for number in range(instances + MORE):
            undecided = [line for line in self.lawful if line.number not in self.certain]
            if number >= instances and not undecided:
                break
            for manner in MANNERS:
                at = instance(tensors, seed + number, manner, 3 + number % 2)
                rng = np.random.default_rng([seed, number])
                for line in self.lawful if number < instances else undecided:
                    self._line(line, at, rng)
                if number < instances:
                    self._held(at, rng)
                tried += 1
        for line in self.lawful:
            if line.number not in self.certain:
                self.refuse(line.number, "no instance was found at which both sides are finite")
        return tried

    def _line(self, line: Line, at: Evaluator, rng: np.random.Generator) -> None:
        try:
            for left, right, bound in sides(line.step, at, rng):
                self._compare(line, left, right, bound)
        except (MathDLError, np.linalg.LinAlgError) as error:
            if isinstance(error, MathDLError):
                self.refuse(line.number, str(error))

    def _compare(self, line: Line, left: Array, right: Array, bound: float) -> None:
        if left.shape != right.shape:
            self.refuse(line.number, f"shapes {left.shape} and {right.shape}")
            return
        both = np.isfinite(left) & np.isfinite(right)
        if not both.all() or bound == np.inf:
            return  # outside the domain, or too steep for differences
        self.certain.add(line.number)
        size = max(1.0, float(np.abs(right).max(initial=0.0)))
        error = float(np.abs(left - right).max(initial=0.0)) / size
        self.worst = max(self.worst, error)
        if error > bound:
            self.refuse(line.number, f"{line.step.rule.name}: the sides differ by {error:.1e}")

    def _held(self, at: Evaluator, rng: np.random.Generator) -> None:
        """What is differentiated does not depend on what is held constant."""
        for value in {line.step.value for line in self.lawful if isinstance(line.step, Derivative)}:
            order = topological([value])
            if not any(a.held for t in order for a in t.operands):
                continue
            moved = Evaluator(at.inputs, at.sizes)
            held: dict[Tensor, Array] = {}
            for t in order:
                changed = {}
                for k, access in enumerate(t.operands):
                    if access.held:
                        base = moved.known[access.tensor]
                        held.setdefault(access.tensor, base + rng.normal(0, 0.3, base.shape))
                        changed[k] = held[access.tensor]
                moved.known[t] = moved.again(t, changed)
            left, right = moved.known[value], at.value(value)
            if np.isfinite(left).all() and np.isfinite(right).all() and not np.allclose(
                left, right, rtol=1e-8, atol=1e-9
            ):
                self.refuse(0, "what is differentiated depends on what is held constant")

    # -- all together ------------------------------------------------------------------------

    def sweeps(self) -> None:
        """Every reader of every quantity has contributed to its cotangent."""
        run: list[Line] = []
        done: list[Line] = []
        for line in [*self.proof.lines, None]:
            step = line.step if line is not None else None
            if isinstance(step, Derivative) and line is not None:
                done.append(line)
                continue
            if done:
                self._sweep(run, done)
                run, done = [], []
            if isinstance(step, (PullBack, Accumulation)) and line is not None:
                run.append(line)
            else:
                if run:
                    self.refuse(run[0].number, "contributions of which no derivative is read off")
                run = []

    def _sweep(self, run: Sequence[Line], done: Sequence[Line]) -> None:
        derivatives = [line.step for line in done if isinstance(line.step, Derivative)]
        value = derivatives[0].value
        first = done[0].number
        if any(d.value is not value for d in derivatives):
            self.refuse(first, "derivatives of different quantities from one sweep")
        targets = [d.variable for d in derivatives]
        for variable in targets:
            if variable.assume & OF_INSTANCES:
                self.refuse(first, f"{variable.name} is not free to move: it has assumptions")
        pulls = [line.step for line in run if isinstance(line.step, PullBack)]
        sums = [line.step for line in run if isinstance(line.step, Accumulation)]
        carrying = _carrying(value, targets)
        given: dict[Tensor, list[Tensor]] = {}
        for pull in pulls:
            if not is_zero(pull.after):
                given.setdefault(pull.target, []).append(pull.after)
        groups: dict[Tensor, list[Accumulation]] = {}
        for total in sums:
            groups.setdefault(total.target, []).append(total)
        made = {(p.target, p.slot, *p.consumers[0]) for p in pulls if len(p.consumers) == 1}
        for tensor in topological([value]):
            if tensor not in carrying:
                continue
            own = groups.get(tensor, [])
            if tensor in targets:
                own = [g for g in own if any(d.variable is tensor and d.after is g.after
                                             for d in derivatives)][-1:]
            terms = Counter(t for g in own for t in g.terms if not is_zero(t))
            wanted = Counter(given.get(tensor, ()))
            seeds = terms - wanted
            if tensor is value:
                if sum(seeds.values()) != 1 or wanted - terms:
                    self.refuse(first, "what is differentiated has other cotangents than its seed")
            elif terms != wanted:
                self.refuse(first, f"the cotangent of {_shown(tensor)} leaves a contribution out")
            if tensor.is_input:
                continue
            for k, access in enumerate(tensor.operands):
                if access.tensor not in carrying or access.held:
                    continue
                if tensor.recurrence is not None:
                    if own and not any(
                        p.slot is None and p.target is access.tensor
                        and any(m is tensor for m, _ in p.consumers) for p in pulls
                    ):
                        self.refuse(first, "a recurrence was not pulled back")
                elif any((access.tensor, k, tensor, g.after) not in made for g in own):
                    self.refuse(first, f"{_shown(tensor)} is a reader that was left out")

    def claims(self) -> None:
        """Each claim: its value, through derivatives and rewrites, is its result."""
        steps = [line.step for line in self.proof.lines]
        pairs = [(s.before, s.after) for s in steps if isinstance(s, Rewrite)]
        free, exact = Equalities(pairs, free=True), Equalities(pairs)
        if not self.proof.claims:
            self.refuse(0, "nothing is claimed")
        for claim in self.proof.claims:
            current: list[Tensor] | None = None
            for name in claim.path:
                current = [
                    exact.canonical(s.after) for s in steps
                    if isinstance(s, Derivative) and s.variable.name == name
                    and (free.same(s.value, claim.value) if current is None
                         else exact.canonical(s.value) in current)
                    and (s.variable in inputs_of([s.value]) or is_zero(s.after))
                ]
            found = current or []
            for s in steps:
                if isinstance(s, (Restriction, Projection)) and exact.canonical(s.before) in found:
                    found.append(exact.canonical(s.after))
            if exact.canonical(claim.result) not in found:
                self.refuse(0, f"the derivative {claim.key!r} does not follow from the steps")


def _shown(tensor: Tensor) -> str:
    return tensor.name or tensor.label or f"a quantity of shape {tensor.shape}"


def _carrying(value: Tensor, targets: Sequence[Tensor]) -> set[Tensor]:
    found: set[Tensor] = set()
    for tensor in topological([value]):
        reads = any(a.tensor in found and not a.held for a in tensor.operands)
        if (tensor in targets or reads) and "integer" not in tensor.assume:
            found.add(tensor)
    return found
