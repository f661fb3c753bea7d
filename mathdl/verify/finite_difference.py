r"""Claimed derivatives against central differences: random directions, and entry by entry.

A direction mixes all entries, so a few of them touch every entry of a large array at the price
of a handful of evaluations; single entries say *where* a wrong derivative is wrong.  How the
slope and its bound are found is told in :mod:`mathdl.verify.steps`; to it comes the rounding of
the claimed numbers themselves: their measured noise, and ``n eps`` for a sum of ``n`` products.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mathdl.verify.noise import EPS, SLOPE_FREEDOM, VALUE_FREEDOM, Array, student, typical
from mathdl.verify.steps import SLOPE_GAIN, Slope, Status, ladder, slope_at_zero

# What a difference over the argument's whole size makes of the noise of a value.
SLOPE_ROUNDING = student(VALUE_FREEDOM) * SLOPE_GAIN
#: At most so many entries of a tensor are tried one by one at an instance.
MAX_ENTRIES = 200


@dataclass(frozen=True)
class Problem:
    """One claimed derivative at one instance.

    function
        ``x`` to the values, flat (``m`` of them); the other inputs are held.
    x
        The argument, of any shape (``n`` entries).
    value
        ``function(x)``.
    claimed
        The derivative, ``m`` by ``n``.
    noise, claimed_noise
        Per value: the rounding noise of the value, and of one entry of its derivative.
    out_shape
        The shape of the values before they were flattened.
    eps
        The relative spacing of the floating-point numbers that the code computes with.
    """

    function: Callable[[Array], Array]
    x: Array
    value: Array
    claimed: Array
    noise: Array
    claimed_noise: Array
    out_shape: tuple[int, ...] = ()
    eps: float = EPS

    @cached_property
    def scale(self) -> float:
        """The size of the argument, in which step sizes are measured."""
        return typical(self.x)

    @cached_property
    def steps(self) -> tuple[float, ...]:
        """The step sizes, in units of the argument's."""
        return ladder(self.eps)

    def slack(self, direction: Array) -> Array:
        """A bound on the rounding of the claimed slope along ``direction`` (flat)."""
        length = float(np.sum(np.abs(direction)))
        count = int(np.count_nonzero(direction))
        products = np.abs(self.claimed) @ np.abs(direction)
        noise = student(SLOPE_FREEDOM) * self.claimed_noise * length
        return np.asarray(noise + count * EPS * products)


@dataclass(frozen=True)
class Place:
    """One compared number: its entry (None for a direction), both values, error and bound."""

    entry: tuple[int, ...] | None
    expected: float
    got: float
    error: float
    bound: float
    ok: bool

    @property
    def ratio(self) -> float:
        """How much of the bound the error uses up; a refusal is above 1."""
        if math.isnan(self.error):
            return math.inf
        return self.error / self.bound if self.bound > 0 else math.inf if self.error else 0.0


@dataclass
class Tally:
    """What a method found at one or more instances."""

    tried: int = 0
    kinks: int = 0
    unresolved: int = 0
    worst: Place | None = None
    telling: bool = False
    refused: int = field(default=0)

    def add(self, place: Place) -> None:
        self.refused += not place.ok
        if self.worst is None or (not place.ok, place.ratio) > (
            not self.worst.ok, self.worst.ratio
        ):
            self.worst = place


def directions(problem: Problem, rng: np.random.Generator, count: int) -> Tally:
    """Compare along random directions whose entries are all of the argument's size."""
    tally = Tally()
    for _ in range(count):
        v = random_direction(problem, rng)
        slack = problem.slack(v)
        record(tally, problem, along(problem, v, slack), v, slack, None)
    return tally


def random_direction(problem: Problem, rng: np.random.Generator) -> Array:
    """A flat direction with no small entry, in units of the argument."""
    size = problem.x.size
    return np.asarray(
        problem.scale * rng.uniform(0.5, 1.0, size) * rng.choice([-1.0, 1.0], size)
    )


def along(problem: Problem, direction: Array, slack: Array) -> Slope:
    """The error of the claimed slope along a flat direction, per value, and its bound."""
    shaped = direction.reshape(problem.x.shape)

    def probe(t: float) -> tuple[Array, Array]:
        moved = problem.x + t * shaped
        step = (moved - problem.x).ravel()
        return problem.function(moved) - problem.value, problem.claimed @ step

    with np.errstate(all="ignore"):
        return slope_at_zero(probe, problem.value, problem.noise, slack, problem.steps)


def entries(problem: Problem, rng: np.random.Generator, limit: int = MAX_ENTRIES) -> Tally:
    """Compare entry by entry: all of them, or a random ``limit`` of a larger argument."""
    tally = Tally()
    for j, unit, slack in chosen_entries(problem, rng, limit):
        record(tally, problem, _along_entry(problem, j, slack), unit, slack, j)
    return tally


def chosen_entries(
    problem: Problem, rng: np.random.Generator, limit: int
) -> Iterator[tuple[int, Array, Array]]:
    """The entries to try: the flat number of each, the step along it, and its slack."""
    size = problem.x.size
    chosen = np.arange(size) if size <= limit else np.sort(rng.choice(size, limit, replace=False))
    for j in chosen:
        unit = np.zeros(size)
        unit[j] = problem.scale
        yield int(j), unit, problem.slack(unit)


def _along_entry(problem: Problem, j: int, slack: Array) -> Slope:
    flat = problem.x.ravel()
    column = problem.claimed[:, j]

    def probe(t: float) -> tuple[Array, Array]:
        moved = flat.copy()
        moved[j] += t * problem.scale
        values = problem.function(moved.reshape(problem.x.shape))
        return values - problem.value, column * (moved[j] - flat[j])

    with np.errstate(all="ignore"):
        return slope_at_zero(probe, problem.value, problem.noise, slack, problem.steps)


def record(
    tally: Tally, problem: Problem, slope: Slope, direction: Array, slack: Array, j: int | None
) -> None:
    """Count the numbers of one slope and keep the worst, in units of the derivative."""
    unit = problem.scale
    claimed = problem.claimed @ direction
    status = slope.status
    tally.kinks += int(np.any(status == Status.KINK))
    tally.unresolved += int(np.any(status == Status.UNRESOLVED))
    compared = status <= Status.REFUSED
    if not np.any(compared):
        return
    tally.tried += 1
    nothing = np.minimum(slack, SLOPE_ROUNDING * problem.noise)
    tally.telling |= tells(claimed[compared], slope.bound[compared], nothing[compared])
    error = np.abs(slope.error)
    with np.errstate(all="ignore"):
        ratio = np.where(slope.bound > 0, error / slope.bound, np.where(error > 0, np.inf, 0.0))
    for accepted in (False, True):
        candidates = np.where(
            status == (Status.AGREES if accepted else Status.REFUSED), ratio, -1.0
        )
        o = int(np.argmax(candidates))
        if candidates[o] < 0:
            continue
        tally.add(Place(
            entry=None if j is None else entry_name(problem, o, j),
            expected=float((claimed[o] + slope.error[o]) / unit),
            got=float(claimed[o] / unit),
            error=float(error[o] / unit),
            bound=float(slope.bound[o] / unit),
            ok=accepted,
        ))


def tells(claimed: Array, bound: Array, nothing: Array) -> bool:
    """Whether the comparison tells the claim from zero, or the claim is zero.

    A function that is noise compared with its derivative would accept any claim; to have
    compared it there is worth nothing.  A claim is zero when it is within its own noise and,
    over the size of the argument, within that of the value: ``nothing`` is the lesser.
    """
    return bool(np.any(np.abs(claimed) > bound) or np.all(np.abs(claimed) <= nothing))


def entry_name(problem: Problem, o: int, j: int) -> tuple[int, ...]:
    """The index of an entry of the derivative: output axes, then the argument's."""
    return (*entry_of(o, problem.out_shape), *entry_of(j, problem.x.shape))


def entry_of(k: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of the ``k``-th entry of an array of the shape."""
    return tuple(int(i) for i in np.unravel_index(k, shape)) if shape else ()
