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
from mathdl.generate.module import dims_of_shapes
from mathdl.ir.system import inputs_of, with_steps
from mathdl.ir.tensor import Tensor
from mathdl.primitives import lookup_primitive
from mathdl.request import PROJECTED, Block, Space, is_inside
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


_Code = Callable[..., Mapping[str, Any]]


class Subject(Protocol):
    """What can be verified: expressions, and code for them and for their derivatives.

    Functions take every one of the inputs as an array by name, and every dim that no input has
    as an axis as an int by name; they ignore what they do not need.
    """

    @property
    def inputs(self) -> tuple[Tensor, ...]: ...
    @property
    def outputs(self) -> Mapping[str, Tensor]: ...
    @property
    def wrt(self) -> tuple[Tensor, ...]: ...
    @property
    def order(self) -> int: ...
    @property
    def space(self) -> Space | None: ...
    @property
    def blocks(self) -> Mapping[str, Block]: ...
    @property
    def derivatives(self) -> Mapping[str, Tensor]: ...

    def value_function(self) -> Callable[..., Mapping[str, Any]]:
        """Keyword arrays to the values by name; ``""`` for a lone expression."""

    def derivative_function(self) -> Callable[..., Mapping[str, Any]]:
        """Keyword arrays to the derivatives by key."""

    def gradient_function(self) -> Callable[..., Mapping[str, Any]]:
        """Keyword arrays to the derivatives of one order less by key; for order 2 or more."""


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
    derivative by ``W`` and ``b`` is checked as that of the derivative by ``W``.  Derivatives in
    a space of symmetric matrices are checked along symmetric steps.  The report is true when
    each derivative was compared somewhere and none refused.

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
        quantities=tuple((key, c.quantity) for c in run.claims for key in c.blocks),
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
    draw = getattr(subject, "draw", None)  # a subject may know its instances
    drawn = draw(dims, rng, manner) if draw else sample(
        inputs, dims, rng, outputs=tensors, manner=manner
    )
    arrays: dict[str, Any] = dict(drawn)
    told = set(map(str, dims_of_shapes(inputs)))
    return {**arrays, **{name: size for name, size in dims.items() if name not in told}}


def _graph(subject: Subject) -> list[Tensor]:
    """All tensors of a subject, with inputs that its code takes for nothing."""
    tensors = (*subject.outputs.values(), *subject.derivatives.values())
    return [*tensors, *subject.wrt, *subject.inputs]


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
        blocks = subject.blocks
        unknown = sorted({n for b in blocks.values() for n in b.path} - self.wrt.keys())
        if unknown or not blocks:
            raise NamingError(
                f"derivatives by {', '.join(unknown)}, which are not in wrt" if unknown
                else "there is no derivative to verify"
            )
        moving = self._moving()

        def claim(quantity: str, of: Mapping[str, Block], function: _Code, code: _Code) -> Claim:
            derivative = self._seen(_named(code), of, moving)
            return Claim(quantity, of, _named(function), derivative, moving)

        tensors = any(t.shape for t in subject.outputs.values())
        first = "Jacobian" if tensors else "gradient"
        values, derivatives = subject.value_function(), subject.derivative_function()
        if subject.order == 1:
            return [claim(first, blocks, values, derivatives)]
        if subject.order < 1:
            raise OrderError(f"derivatives of order 1 or more are verified, not {subject.order}")
        lower = subject.gradient_function()
        if subject.order == 2:
            below = {b.below.key: b.below for b in blocks.values()}
            return [
                claim(first, below, values, lower), claim("Hessian", blocks, lower, derivatives)
            ]
        order = subject.order
        self.notes.append(f"order {order} is checked as the derivative of order {order - 1}")
        return [claim(f"order {order}", blocks, lower, derivatives)]

    def _moving(self) -> dict[str, Space]:
        """Symmetric arguments that must stay so, each with the space in which it moves.

        Those of the space that was asked for; and every one of an expression with a
        factorisation that reads one triangle.
        """
        space = self.subject.space
        if space is None and any(
            t.call is not None and t.recurrence is None
            and lookup_primitive(t.call.primitive).one_triangle
            for t in with_steps(self.tensors)
        ):
            space = PROJECTED
        found = {n: space for n, t in self.wrt.items() if space and is_inside(t, space)}
        if found:
            self.notes.append(f"{', '.join(sorted(found))} moves symmetrically")
        return found

    def _seen(
        self, derivative: Callable[[Arguments], Values], blocks: Mapping[str, Block],
        moving: Mapping[str, Space],
    ) -> Callable[[Arguments], Values]:
        """Of ambient derivatives what a symmetric step sees."""
        if self.subject.space is not None or not moving:
            return derivative

        def projected(arrays: Arguments) -> Values:
            found = dict(derivative(arrays))
            for key in blocks.keys() & found.keys():
                a = found[key]
                if blocks[key].path[-1] in moving and a.ndim > 1:
                    found[key] = PROJECTED.map(a, np.swapaxes(a, -1, -2), 0)
            return found

        return projected

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
        for key in claim.blocks:
            shape = concrete(self.wrt[claim.argument(key)].shape, where[0])
            if detail := at.misfit(key, shape):
                result = self._result(key, claim, "shape")
                result.detail, result.where = detail, where
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
                self._result(key, claim, method).add(tally, where)
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

    def _result(self, key: str, claim: Claim, method: str) -> _Result:
        return self.results.setdefault((key, claim.quantity, method), _Result())

    def checks(self) -> list[Check]:
        return [
            result.check(key, quantity, method)
            for (key, quantity, method), result in self.results.items()
        ]


def _named(function: Callable[..., Mapping[str, Any]]) -> Callable[[Arguments], Values]:
    def call(arrays: Arguments) -> Values:
        return {name: np.asarray(a) for name, a in function(**arrays).items()}

    return call
