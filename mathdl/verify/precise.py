r"""The precise rung: against numbers of many digits.

Three comparisons, each with a truth from the equations in mpmath numbers:

* the derived equations against difference quotients of the expression as written, which use no
  calculus: with 110 digits and a step of 1e-30 the quotient is off by its truncation, estimated
  from two steps (Richardson), and agrees to 40 digits or the derivative is refused;
* the generated code against the derived equations at the same floats: the error is rounding,
  bounded by the noise that is measured in the code;
* the generated code at extremes of floats, as far as the truth is a float: how often it has 6
  digits is reported, not judged, as a derivative does not become wrong by overflowing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import mpmath
import numpy as np

from mathdl.errors import DomainError
from mathdl.ir.assumptions import closure
from mathdl.ir.system import inputs_of
from mathdl.ir.tensor import Tensor
from mathdl.proof.evaluate import Array
from mathdl.verify.claim import Claim, Instance
from mathdl.verify.claims import by_code, by_equations, check_wrt, claims_of
from mathdl.verify.dims import Dims, shown_sizes
from mathdl.verify.extremes import extreme_checks
from mathdl.verify.finite_difference import Place, Tally, entry_of
from mathdl.verify.noise import EPS, SLOPE_FREEDOM, VALUE_FREEDOM, student
from mathdl.verify.numbers.digits import Digits
from mathdl.verify.results import Results, Where
from mathdl.verify.rung import Effort, Found, NotApplicable, Rung, some_sizes
from mathdl.verify.sampling import Manner
from mathdl.verify.subject import Derived, Subject, graph, instance

QUOTIENT, ROUNDING = "quotients, 110 digits", "code to 50 digits"
WORK, SHOWN = 110, 50
STEP = mpmath.mpf(10) ** -30
#: What the two steps cannot resolve, of the size of what was added up.
FLOOR = mpmath.mpf(10) ** -40
#: And at the least, whatever cancelled.
LEAST = mpmath.mpf(10) ** -70
KINK = mpmath.mpf(10) ** -12
#: What 50 digits leave of the truth where everything cancels.
TRUTH = 1e-40
ENTRIES, POINTS = 6, 2
LARGE, FEW = 60, 2  # entries of an argument beyond which only so many are tried one by one
ATTEMPTS: tuple[Manner, ...] = ("normal", "normal", "positive", "unit")
WHY = {
    QUOTIENT: "quotients at two steps differ by three times the truncation of the finer one "
    "(Richardson); to it come 1e-40 of the size of the terms, for 110 digits at a step of 1e-30",
    ROUNDING: "the code rounds: the noise measured on neighbouring instances, times the quantile "
    "of Student's t that chance exceeds once in 1e10, and four units in the last place",
}


def climb(subject: Subject, effort: Effort) -> Found:
    """Compare at instances of small sizes."""
    check_wrt(subject)
    if not isinstance(subject, Derived):
        raise NotApplicable("there are no equations of the derivatives, only code")
    run = _Run(subject, effort.seed)
    with np.errstate(all="ignore"):
        done = some_sizes(run.point, run.everything, effort, POINTS, run.notes)
        for dims in done[:1]:
            run.notes += extreme_checks(subject, dims, effort.seed, run.results)
    return Found(run.results.checks(), tuple(run.quantities), tuple(dict.fromkeys(run.notes)))


class _Run:
    def __init__(self, subject: Derived, seed: int) -> None:
        self.subject, self.seed = subject, seed
        self.everything: list[Tensor] = [
            *graph(subject), *subject.written, *subject.lower.values()]
        self.facts = {t.name or "": closure(t.assume) for t in inputs_of(self.everything)}
        self.results = Results("precise")
        self.quantities: dict[tuple[str, str], None] = {}
        self.notes: list[str] = []
        self.code = claims_of(subject, by_code(subject), [])

    def point(self, number: int, dims: Dims) -> str:
        """Compare every derivative at an instance of these sizes, or say why not."""
        reason = ""
        for attempt, manner in enumerate(ATTEMPTS):
            state = np.random.SeedSequence([self.seed, 4, number, attempt]).generate_state(1)
            where = (dims, int(state[0]), manner)
            try:
                if not (reason := self._attempt(where)):
                    return ""
            except (DomainError, np.linalg.LinAlgError) as error:
                reason = str(error)
        return f"precise: not everything could be compared at {shown_sizes(dims)}: {reason}"

    def _attempt(self, where: Where) -> str:
        dims, seed, manner = where
        given = instance(self.subject, dims, seed, manner)  # type: ignore[arg-type]
        arrays = {k: v for k, v in given.items() if isinstance(v, np.ndarray)}
        rest = {k: v for k, v in given.items() if k not in arrays}
        numbers = Digits(WORK)
        notes: list[str] = []
        reason = ""
        with numbers.at_work():
            claims = claims_of(self.subject, by_equations(self.subject, dims, numbers), notes)
            self.notes += notes
            precise = {k: tightened(numbers, v, self.facts[k]) for k, v in arrays.items()}
            for claim, code in zip(claims, self.code, strict=True):
                start = claim.preimages(precise)
                arguments = {**claim.images(start), **rest}
                value, claimed = claim.function(arguments), claim.derivative(arguments)
                for key in claim.blocks:
                    self.quantities.setdefault((key, claim.quantity))
                    tally = quotients(
                        claim, key, start, rest, value, claimed[key],
                        np.random.default_rng([seed, 3]))
                    self.results.of(key, claim.quantity, QUOTIENT, WHY[QUOTIENT]).add(tally, where)
                    if not tally.tried:
                        reason = "a kink" if tally.kinks else "nothing was compared"
                self._rounding(code, arrays, rest, where)
        return reason

    def _rounding(
        self, code: Claim, arrays: Mapping[str, Array], rest: dict[str, Any], where: Where
    ) -> None:
        """The code against the equations at the floats that the code is given."""
        dims, seed, _ = where
        wrt = frozenset(t.name or "" for t in self.subject.wrt)
        at = Instance(code, dict(arrays), rest, wrt)
        if not (at.finite_value() and at.finite()):
            return
        at.measure(np.random.default_rng([seed, 1]))
        numbers = Digits(SHOWN)
        with numbers.at_work():
            truth = next(
                c for c in claims_of(self.subject, by_equations(self.subject, dims, numbers), [])
                if c.quantity == code.quantity)
            arguments = code.images({**at.arrays, **rest})
            values, slopes = truth.function(arguments), truth.derivative(arguments)
            for name in dict.fromkeys(code.source(key) for key in code.blocks):
                if "," not in name:
                    noise = student(VALUE_FREEDOM) * at.noise[name]
                    self._record(name or "value", "value", values[name], at.values[name],
                                 noise, where)
            for key in code.blocks:
                rows = at.claimed_noise[key] * student(SLOPE_FREEDOM)
                noise = np.repeat(rows, at.claimed[key].size // max(rows.size, 1))
                self._record(key, code.quantity, slopes[key], at.claimed[key], noise, where)

    def _record(
        self, key: str, quantity: str, truth: Array, got: Array, noise: Array, where: Where
    ) -> None:
        result = self.results.of(key, quantity, ROUNDING, WHY[ROUNDING])
        if truth.shape != got.shape:
            result.refuse(f"expected shape {truth.shape}, got {got.shape}", where)
            return
        if not np.all(np.isfinite(noise)):
            return
        tally = Tally()
        for k, (x, y) in enumerate(zip(truth.reshape(-1), got.reshape(-1), strict=True)):
            error, bound = abs(x - float(y)), float(noise[k]) + 4 * EPS * abs(float(x)) + TRUTH
            tally.tried += 1
            tally.add(Place(entry_of(k, got.shape), float(x), float(y), float(error), bound,
                            bool(error <= bound)))
        result.add(tally, where)


def tightened(numbers: Digits, values: Array, facts: frozenset[str]) -> Array:
    """An array of floats that has its assumptions to all digits: sums of 1, orthogonality."""
    result = numbers.array(values)
    if "probability_vector" in facts and "one_hot" not in facts:
        result = result / result.sum(axis=-1, keepdims=True)
    if "orthogonal" in facts:
        eye = numbers.array(np.eye(values.shape[-1], dtype=int))
        for _ in range(4):  # Newton's iteration for the polar factor doubles the digits
            result = result @ (3 * eye - np.swapaxes(result, -1, -2) @ result) / 2
    return np.asarray(result)


def quotients(
    claim: Claim, key: str, start: Mapping[str, Any], rest: Mapping[str, Any],
    value: Mapping[str, Array], claimed: Array, rng: np.random.Generator,
) -> Tally:
    """The claimed derivative against difference quotients: one direction, and some entries."""
    name, source = claim.argument(key), claim.source(key)
    x, here = start[name], value[source].reshape(-1)
    tally = Tally()
    if claimed.shape != value[source].shape + x.shape:
        tally.tried = 1
        tally.add(Place(None, np.nan, np.nan, np.nan, 0.0, False))
        return tally
    rows = claimed.reshape(here.size, x.size)

    def at(step: Any, direction: Array) -> Array:
        moved = {**start, name: x + step * direction.reshape(x.shape)}
        return np.asarray(claim.function({**claim.images(moved), **rest})[source].reshape(-1))

    for j, direction in _directions(x.size, rng):
        ours = rows @ direction
        size = np.abs(rows) @ np.abs(direction)
        up, down = at(STEP, direction), at(-STEP, direction)
        coarse = (at(2 * STEP, direction) - at(-2 * STEP, direction)) / (4 * STEP)
        fine = (up - down) / (2 * STEP)
        jump = np.abs(up + down - 2 * here) / STEP
        for o in range(here.size):
            scale = max(size[o], abs(fine[o]), abs(here[o]))
            if jump[o] > KINK * max(scale, KINK):
                tally.kinks += 1
                continue
            error, bound = abs(fine[o] - ours[o]), abs(fine[o] - coarse[o]) + FLOOR * scale + LEAST
            tally.tried += 1
            entry = None if j is None else (
                *entry_of(o, value[source].shape), *entry_of(j, x.shape))
            tally.add(Place(entry, float(fine[o]), float(ours[o]), float(error), float(bound),
                            bool(error <= bound)))
    return tally


def _directions(size: int, rng: np.random.Generator) -> Iterator[tuple[int | None, Array]]:
    """A random direction, then single entries: all of a few, or a random choice of them."""
    signs = rng.uniform(0.5, 1.0, size) * rng.choice([-1.0, 1.0], size)
    yield None, np.array([mpmath.mpf(float(s)) for s in signs], dtype=object)
    count = min(size, ENTRIES if size <= LARGE else FEW)
    chosen = np.sort(rng.choice(size, count, replace=False))
    for j in chosen:
        unit = np.array([mpmath.mpf(0)] * size, dtype=object)
        unit[j] = mpmath.mpf(1)
        yield int(j), unit


RUNG = Rung(
    "precise",
    "the derivative agrees with difference quotients to 40 digits, the code with it to rounding",
    climb,
)
