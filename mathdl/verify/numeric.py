"""The numeric rung: a derivative's generated code against differences of the function's.

Each point has its own sizes and random inputs.  At each, the rounding noise of the function and
of the claimed derivative is measured; then come random directions, single entries and, for
analytic functions, complex steps.  An instance that is not finite, lies on a kink or tells
nothing is replaced by another one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mathdl.verify.claim import Claim, Instance
from mathdl.verify.claims import by_code, claims_of
from mathdl.verify.complex_step import complex_steps, is_analytic
from mathdl.verify.dims import Dims, choose_dims, shown_sizes
from mathdl.verify.finite_difference import (
    MAX_ENTRIES,
    Problem,
    Tally,
    directions,
    entries,
)
from mathdl.verify.results import Results
from mathdl.verify.rung import Effort, Found, Rung
from mathdl.verify.sampling import Manner, concrete
from mathdl.verify.subject import Subject, graph, instance

__all__ = ["COMPLEX", "DIRECTION", "ENTRY", "RUNG", "Subject", "climb", "instance"]

DIRECTIONS = 2
# Inputs with an undeclared domain, log(x) of a plain x, are found by drawing otherwise.
ATTEMPTS: tuple[Manner, ...] = ("normal", "normal", "positive", "unit", "normal", "positive")

DIRECTION, ENTRY, COMPLEX = "random directions", "entry by entry", "complex steps"


WHY = {
    DIRECTION: "truncation by the fall of Richardson's differences, rounding by the noise "
    "measured in the values, times the quantile of Student's t that chance exceeds once in 1e10",
    COMPLEX: "no subtraction, so rounding alone: the noise measured on neighbouring instances, "
    "times the quantile of Student's t that chance exceeds once in 1e10",
}
WHY[ENTRY] = WHY[DIRECTION]


def climb(subject: Subject, effort: Effort) -> Found:
    """Compare the derivatives' code with differences of the function's, at random instances.

    At order 2 the first derivatives are checked too, since the second are checked as theirs; a
    higher order is checked against the order below only, and a note says so.  The derivative by
    ``W`` and ``b`` is checked as that of the derivative by ``W``.  Derivatives in a space of
    symmetric matrices are checked along symmetric steps.
    """
    run = _Run(subject, effort.seed)
    with np.errstate(all="ignore"):
        for number, sizes in enumerate(
            choose_dims(run.tensors, effort.dims, count=effort.points,
                        rng=np.random.default_rng(effort.seed))
        ):
            run.point(number, sizes)
    return Found(
        run.results.checks(), tuple((key, c.quantity) for c in run.claims for key in c.blocks),
        tuple(dict.fromkeys(run.notes)),
    )


RUNG = Rung(
    "numeric",
    "the generated code agrees with finite differences and complex steps of the generated value",
    climb,
)


class _Run:
    """One verification: its claims, and what has been found so far."""

    def __init__(self, subject: Subject, seed: int) -> None:
        self.seed = seed
        self.subject = subject
        self.tensors = graph(subject)
        self.wrt = {t.name or "": t for t in subject.wrt}
        self.notes: list[str] = []
        self.claims = claims_of(subject, by_code(subject), self.notes)
        self.results = Results("numeric")
        self.analytic = is_analytic(self.tensors, subject.wrt)

    def point(self, number: int, dims: Dims) -> None:
        """Find an instance of these sizes at which every derivative can be compared."""
        reasons: dict[str, int] = {}
        for attempt, manner in enumerate(ATTEMPTS):
            state = np.random.SeedSequence([self.seed, number, attempt]).generate_state(1)
            where = (dims, int(state[0]), manner)
            reason = self._attempt(where)
            if not reason:
                return
            reasons[reason] = reasons.get(reason, 0) + 1
        why = ", ".join(f"{reason} ({count})" for reason, count in reasons.items())
        self.notes.append(f"not everything could be compared at {shown_sizes(dims)}: {why}")

    def _attempt(self, where: tuple[Dims, int, Manner]) -> str:
        """Compare at one instance; the reason to draw another one, or nothing."""
        dims, seed, manner = where
        arguments = instance(self.subject, dims, seed, manner)
        rng = np.random.default_rng([seed, 1])
        reason = ""
        for claim in self.claims:
            reason = self._compare(claim, arguments, where, rng) or reason
        return reason

    def _compare(
        self, claim: Claim, arguments: dict[str, Any], where: tuple[Dims, int, str],
        rng: np.random.Generator,
    ) -> str:
        arrays = {k: v for k, v in arguments.items() if isinstance(v, np.ndarray)}
        sizes = {k: v for k, v in arguments.items() if k not in arrays}
        try:
            at = Instance(claim, arrays, sizes, frozenset(self.wrt))
        except np.linalg.LinAlgError:
            return "a factorisation does not exist"
        if not at.finite_value():
            return "values not finite"
        wrong = False
        for key in claim.blocks:
            shape = concrete(self.wrt[claim.argument(key)].shape, where[0])
            if detail := at.misfit(key, shape):
                self.results.of(key, claim.quantity, "shape").refuse(detail, where)
                wrong = True
        if wrong:
            return ""
        if not at.finite():
            return "derivatives not finite"
        at.measure(rng)
        reason = ""
        for key in claim.blocks:
            problem = at.problem(key)
            if problem is None:
                reason = "noise not finite"
                continue
            found = self._methods(key, at, problem, rng)
            compared = [t for t in found.values() if t.tried]
            refused = any(t.refused for t in compared)
            if compared and not refused and not any(t.telling for t in compared):
                reason = "rounding hides the derivative"
                continue
            for method, tally in found.items():
                self.results.of(key, claim.quantity, method, WHY[method]).add(tally, where)
            if not compared:
                reason = "kinks" if any(t.kinks for t in found.values()) else "no step resolves it"
        return reason

    def _methods(
        self, key: str, at: Instance, problem: Problem, rng: np.random.Generator
    ) -> dict[str, Tally]:
        found = {
            DIRECTION: directions(problem, rng, DIRECTIONS),
            ENTRY: entries(problem, rng),
        }
        if self.analytic:
            tally = complex_steps(problem, at.neighbours(key), rng, DIRECTIONS, MAX_ENTRIES)
            if tally is None:
                self.notes.append(f"no complex steps for {key}: its code is for real arrays")
            else:
                found[COMPLEX] = tally
        return found
