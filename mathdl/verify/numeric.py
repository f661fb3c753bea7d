"""The numeric rung: a derivative's generated code against differences of the function's.

Each point has its own sizes and random inputs.  At each, the rounding noise of the function and
of the claimed derivative is measured; then come random directions, single entries and, for
analytic functions, complex steps.  An instance that is not finite, lies on a kink or tells
nothing is replaced by another one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from mathdl.errors import AssumptionError, InputError, NamingError, OrderError, UnsupportedError
from mathdl.ir.system import inputs_of, topological
from mathdl.ir.tensor import Tensor
from mathdl.primitives import lookup_primitive
from mathdl.verify.claim import Arguments, Claim, Instance
from mathdl.verify.complex_step import complex_steps, is_analytic
from mathdl.verify.dims import Dims, choose_dims
from mathdl.verify.finite_difference import (
    MAX_ENTRIES,
    Place,
    Problem,
    Tally,
    directions,
    entries,
)
from mathdl.verify.noise import Values
from mathdl.verify.report import Check, Report
from mathdl.verify.sampling import Manner, concrete, sample

DIRECTIONS = 2
# Inputs with an undeclared domain, log(x) of a plain x, are found by drawing otherwise.
ATTEMPTS: tuple[Manner, ...] = ("normal", "normal", "positive", "unit", "normal", "positive")

DIRECTION, ENTRY, COMPLEX = "random directions", "entry by entry", "complex steps"


class Subject(Protocol):
    """What can be verified: an expression, and code for it and for its derivatives.

    Functions take every input below the expression and its derivatives as an array by name, and
    every dim that no input has as an axis as an int by name; they ignore what they do not need.
    """

    @property
    def expr(self) -> Tensor: ...
    @property
    def wrt(self) -> tuple[Tensor, ...]: ...
    @property
    def order(self) -> int: ...
    @property
    def derivatives(self) -> Mapping[str, Tensor]: ...

    def value_function(self) -> Callable[..., Any]:
        """Keyword arrays to the value of ``expr``."""

    def derivative_function(self) -> Callable[..., Mapping[str, Any]]:
        """Keyword arrays to the derivatives by name."""

    def gradient_function(self) -> Callable[..., Mapping[str, Any]]:
        """Keyword arrays to the derivatives of one order less by name; for order 2 or more."""


def verify(
    subject: Subject,
    *,
    seed: int = 0,
    points: int = 3,
    level: str = "numeric",
    dims: Mapping[str, int] | None = None,
) -> Report:
    """Compare the derivatives' code with differences of the function's, at random instances.

    ``points`` instances of different sizes, or of the ``dims`` that are given, are drawn from
    ``seed``.  At order 2 the first derivatives are checked too, since the second are checked as
    theirs; a higher order is checked against the order below only, and a note says so.  The
    report is true when each derivative was compared somewhere and none refused.

    Raises UnsupportedError for another level, OrderError for an order below 1, AssumptionError
    for a derivative with respect to integers, InputError for sizes that do not fit.
    """
    if level != "numeric":
        raise UnsupportedError(f"unknown level of verification {level!r}; there is 'numeric'")
    if points < 1:
        raise InputError(f"points is at least 1, not {points}")
    started = time.perf_counter()
    run = _Run(subject, seed)
    with np.errstate(all="ignore"):
        for number, sizes in enumerate(
            choose_dims(run.tensors, dims, count=points, rng=np.random.default_rng(seed))
        ):
            run.point(number, sizes)
    return Report(
        checks=tuple(run.checks()),
        quantities=tuple((n, c.quantity) for c in run.claims for n in c.names),
        level=level,
        seed=seed,
        seconds=time.perf_counter() - started,
        notes=tuple(dict.fromkeys(run.notes)),
    )


def instance(
    subject: Subject, dims: Mapping[str, int], seed: int, manner: Manner = "normal"
) -> dict[str, Any]:
    """The keyword arguments of an instance that a report names: arrays, and dims of no input."""
    tensors = _graph(subject)
    inputs = inputs_of(tensors)
    rng = np.random.default_rng(seed)
    arrays: dict[str, Any] = dict(
        sample(inputs, dims, rng, outputs=tensors, manner=manner)
    )
    bare = {str(d) for tensor in inputs for d in tensor.shape}
    return {**arrays, **{name: size for name, size in dims.items() if name not in bare}}


def _graph(subject: Subject) -> list[Tensor]:
    return [subject.expr, *subject.derivatives.values(), *subject.wrt]


@dataclass
class _Result:
    """What one method found for one tensor over the instances."""

    points: int = 0
    tally: Tally = field(default_factory=Tally)
    where: tuple[Dims, int, str] = field(default_factory=lambda: ({}, 0, "normal"))
    detail: str = ""

    def add(self, tally: Tally, where: tuple[Dims, int, str]) -> None:
        self.points += tally.tried > 0
        self.tally.tried += tally.tried
        self.tally.kinks += tally.kinks
        self.tally.unresolved += tally.unresolved
        before = self.tally.worst
        if tally.worst is not None:
            self.tally.add(tally.worst)
            if self.tally.worst is not before:
                self.where = where

    def check(self, name: str, quantity: str, method: str) -> Check:
        worst = self.tally.worst or Place(None, np.nan, np.nan, np.nan, np.nan, True)
        dims, seed, manner = self.where
        return Check(
            name, quantity, method, self.points, self.tally.tried, self.tally.kinks,
            self.tally.unresolved, worst.error, worst.bound, worst.entry, worst.expected,
            worst.got, dims, seed, manner, worst.ok and not self.detail, self.detail,
        )


class _Run:
    """One verification: its claims, and what has been found so far."""

    def __init__(self, subject: Subject, seed: int) -> None:
        self.seed = seed
        self.subject = subject
        self.tensors = _graph(subject)
        self.wrt = {t.name or "": t for t in subject.wrt}
        self.notes: list[str] = []
        self.claims = self._claims()
        self.results: dict[tuple[str, str, str], _Result] = {}
        self.analytic = is_analytic(self.tensors, subject.wrt)
        for name, tensor in self.wrt.items():
            if not tensor.is_input:
                raise UnsupportedError(f"only derivatives by inputs are verified, not by {name}")
            if "integer" in tensor.assume:
                raise AssumptionError(f"{name} is integer: there is no derivative to verify")

    def _claims(self) -> list[Claim]:
        subject = self.subject
        names = tuple(subject.derivatives)
        unknown = [n for n in names if n not in self.wrt]
        if unknown or not names:
            raise NamingError(
                f"derivatives by {', '.join(unknown)}, which are not in wrt" if unknown
                else "there is no derivative to verify"
            )
        first = "Jacobian" if subject.expr.shape else "gradient"
        value = subject.value_function()
        by_name = _named(subject.derivative_function())

        def shared(arrays: Arguments) -> Values:
            return {"": np.asarray(value(**arrays))}

        halves = self._one_triangle()
        if subject.order == 1:
            return [Claim(first, names, shared, by_name, True, halves)]
        if subject.order < 1:
            raise OrderError(f"derivatives of order 1 or more are verified, not {subject.order}")
        lower = _named(subject.gradient_function())
        if subject.order == 2:
            return [
                Claim(first, names, shared, lower, True, halves),
                Claim("Hessian", names, lower, by_name, False, halves),
            ]
        order = subject.order
        self.notes.append(f"order {order} is checked as the derivative of order {order - 1}")
        return [Claim(f"order {order}", names, lower, by_name, False, halves)]

    def _one_triangle(self) -> frozenset[str]:
        """Symmetric arguments of an expression with a factorisation that reads one triangle."""
        if not any(
            t.call is not None and lookup_primitive(t.call.primitive).one_triangle
            for t in topological(self.tensors)
        ):
            return frozenset()
        found = frozenset(n for n, t in self.wrt.items() if "symmetric" in t.assume)
        if found:
            self.notes.append(f"{', '.join(sorted(found))} moves symmetrically")
        return found

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
        sizes = ", ".join(f"{k}={v}" for k, v in dims.items()) or "no dims"
        why = ", ".join(f"{reason} ({count})" for reason, count in reasons.items())
        self.notes.append(f"not everything could be compared at {sizes}: {why}")

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
        for name in claim.names:
            detail = at.misfit(name, concrete(self.wrt[name].shape, where[0]))
            if detail:
                result = self._result(name, claim, "shape")
                result.detail, result.where = detail, where
                wrong = True
        if wrong:
            return ""
        if not at.finite():
            return "derivatives not finite"
        at.measure(rng)
        reason = ""
        for name in claim.names:
            problem = at.problem(name)
            if problem is None:
                reason = "noise not finite"
                continue
            found = self._methods(claim, name, at, problem, rng)
            compared = [t for t in found.values() if t.tried]
            refused = any(t.refused for t in compared)
            if compared and not refused and not any(t.telling for t in compared):
                reason = "rounding hides the derivative"
                continue
            for method, tally in found.items():
                self._result(name, claim, method).add(tally, where)
            if not compared:
                reason = "kinks" if any(t.kinks for t in found.values()) else "no step resolves it"
        return reason

    def _methods(
        self, claim: Claim, name: str, at: Instance, problem: Problem,
        rng: np.random.Generator,
    ) -> dict[str, Tally]:
        found = {
            DIRECTION: directions(problem, rng, DIRECTIONS),
            ENTRY: entries(problem, rng),
        }
        if self.analytic:
            tally = complex_steps(problem, at.neighbours(name), rng, DIRECTIONS, MAX_ENTRIES)
            if tally is None:
                self.notes.append(f"no complex steps for {name}: its code is for real arrays")
            else:
                found[COMPLEX] = tally
        return found

    def _result(self, name: str, claim: Claim, method: str) -> _Result:
        return self.results.setdefault((name, claim.quantity, method), _Result())

    def checks(self) -> list[Check]:
        return [
            result.check(name, quantity, method)
            for (name, quantity, method), result in self.results.items()
        ]


def _named(function: Callable[..., Mapping[str, Any]]) -> Callable[[Arguments], Values]:
    def call(arrays: Arguments) -> Values:
        return {name: np.asarray(a) for name, a in function(**arrays).items()}

    return call
