"""Instances at which the true derivative is measured, so that guesses can be held against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mathdl.foreign.subject import Foreign
from mathdl.verify.claim import Claim, Instance
from mathdl.verify.dims import choose_dims
from mathdl.verify.finite_difference import MAX_ENTRIES, Problem, chosen_entries
from mathdl.verify.noise import Array, value_noise
from mathdl.verify.numeric import instance
from mathdl.verify.sampling import Manner
from mathdl.verify.steps import Status, slope_at_zero

#: Instances at which a hypothesis must hold.
COUNT = 4
#: How far a hypothesis may be off, in bounds on the measured derivative and relative to it.
_BOUNDS, _RELATIVE, _OF_ERROR = 4.0, 1e-6, 1e-2


@dataclass(frozen=True)
class Sample:
    """One instance, for one derivative.

    truth, bound
        The measured derivative and the bound on its error; not a number where it was not
        measured or has a kink.
    claimed
        What the foreign code gives, of whatever shape.
    slack
        A bound on the rounding of the claimed numbers.
    value
        What the function returns; of several arrays the first.
    kinks
        Where there is a kink.
    noise
        The largest rounding noise of a compared value.
    """

    subject: Foreign
    dims: Mapping[str, int]
    arrays: Mapping[str, Any]
    tensor: str
    truth: Array
    bound: Array
    claimed: Array
    slack: float
    value: Array
    kinks: Array
    noise: float

    @property
    def x(self) -> Array:
        return np.asarray(self.arrays[self.tensor])

    @property
    def known(self) -> Array:
        return np.isfinite(self.truth)

    @property
    def size(self) -> float:
        """The largest entry of the true derivative."""
        return float(np.max(np.abs(self.truth[self.known]), initial=0.0))

    def off(self, guess: Array) -> Array:
        """``guess - truth``, 0 where that is not known."""
        return np.where(self.known, guess - np.where(self.known, self.truth, 0.0), 0.0)

    @property
    def misfit(self) -> float:
        """How far the claim is off; infinite for another shape."""
        if self.claimed.shape != self.truth.shape:
            return np.inf
        return float(np.max(np.abs(self.off(self.claimed)), initial=0.0))

    def room(self, scale: float = 1.0) -> Array:
        """What a right guess may be off, entry by entry, when it is ``scale`` times the claim."""
        extra = min(_RELATIVE * self.size, _OF_ERROR * self.misfit)
        rounding = self.slack * (1.0 + abs(scale))
        return np.where(self.known, _BOUNDS * self.bound, 0.0) + rounding + extra

    def fits(self, guess: Array, scale: float = 1.0) -> bool:
        """Whether a guess is the derivative to within what was measured."""
        if guess.shape != self.truth.shape or not np.all(np.isfinite(guess[self.known])):
            return False
        return bool(np.all(np.abs(self.off(guess)) <= self.room(scale)))

    @property
    def right(self) -> bool:
        return self.fits(self.claimed)

    @property
    def telling(self) -> bool:
        """Whether the claim is right and is not 0, which many wrong ones are too."""
        return bool(np.any(self.known)) and self.size > 0 and self.right

    def again(self, **arrays: Array) -> Array | None:
        """The claimed derivative with other inputs; None where the code fails."""
        try:
            with np.errstate(all="ignore"):
                found = self.subject.claim({**self.arrays, **arrays})
        except Exception:  # somebody's code, on inputs that it was not meant for
            return None
        return None if self.tensor not in found else found[self.tensor].astype(float)


def measured(problem: Problem, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """The derivative by every entry, or a random choice of them: truth, bound, kinks."""
    m, n = problem.claimed.shape
    truth, bound = np.full((m, n), np.nan), np.full((m, n), np.nan)
    zero = np.zeros(m)
    kinks = np.zeros((m, n), dtype=bool)
    for j, _, _ in chosen_entries(problem, rng, MAX_ENTRIES):
        def probe(t: float, j: int = j) -> tuple[Array, Array]:
            moved = problem.x.ravel().copy()
            before = moved[j]
            moved[j] += t * problem.scale
            step = (moved[j] - before) / (t * problem.scale)
            values = problem.function(moved.reshape(problem.x.shape)) - problem.value
            return values / (step if step else 1.0), zero

        with np.errstate(all="ignore"):
            slope = slope_at_zero(probe, problem.value, problem.noise, zero, problem.steps)
        sure = slope.status <= Status.REFUSED
        kinks[:, j] = slope.status == Status.KINK
        truth[sure, j] = slope.error[sure] / problem.scale
        bound[sure, j] = slope.bound[sure] / problem.scale
    return truth, bound, kinks


def measure(
    subject: Foreign, tensor: str, arrays: Mapping[str, Any], rng: np.random.Generator,
    dims: Mapping[str, int],
) -> Sample | None:
    """The derivative by ``tensor`` at these inputs; None where the function has no value."""
    given = {k: v for k, v in arrays.items() if isinstance(v, np.ndarray)}
    sizes = {k: v for k, v in arrays.items() if k not in given}
    claim = Claim("gradient", {tensor: subject.blocks[tensor]},
                  lambda a: subject.value_function()(**a), lambda a: subject.claim(a))
    try:
        at = Instance(claim, given, sizes, frozenset(subject.wrt_names))
    except np.linalg.LinAlgError:
        return None
    if not at.finite_value() or tensor not in at.claimed:
        return None
    value = at.values[""]
    noise = value_noise(
        lambda a: {"": at.function(a)[""].astype(float)}, at.arrays, at.moving, rng, at.eps
    )[""]
    if not np.all(np.isfinite(noise)):
        return None
    x = at.arrays[tensor]
    problem = Problem(
        function=lambda z: at.function({**at.arrays, tensor: z})[""].reshape(-1).astype(float),
        x=x, value=value.reshape(-1), claimed=np.zeros((value.size, x.size)), noise=noise,
        claimed_noise=np.zeros(value.size), out_shape=value.shape, eps=at.eps,
    )
    truth, bound, kinks = measured(problem, rng)
    shape = (*value.shape, *x.shape)
    size = float(np.max(np.abs(at.claimed[tensor]), initial=0.0))
    return Sample(
        subject, dims, {**given, **sizes}, tensor, truth.reshape(shape), bound.reshape(shape),
        at.claimed[tensor], 16 * at.eps * size, subject.results({**given, **sizes})[0],
        kinks.reshape(shape), float(np.max(noise)),
    )


def samples(
    subject: Foreign, tensor: str, seed: int, manner: Manner, dims: Mapping[str, int],
) -> list[Sample]:
    """Instances of several sizes, none of them 1 (where many mistakes hide)."""
    tensors = [*subject.outputs.values(), *subject.inputs]
    rng = np.random.default_rng([seed, 2])
    drawn = [d for d in choose_dims(tensors, dims, count=COUNT + 2, rng=rng)
             if all(size > 1 for name, size in d.items() if name not in dims)]
    found: list[Sample] = []
    for number, sizes in enumerate(drawn[:COUNT]):
        state = int(np.random.SeedSequence([seed, 3, number]).generate_state(1)[0])
        arrays = instance(subject, sizes, state, manner)
        if subject.at is not None and number:
            arrays = _nearby(subject, arrays, rng)
        with np.errstate(all="ignore"):
            one = measure(subject, tensor, arrays, rng, sizes)
        if one is not None and np.any(one.known) and np.all(np.isfinite(one.claimed)):
            found.append(one)
    return found


def _nearby(
    subject: Foreign, arrays: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    """A given point with what is differentiated by moved by some per cent."""
    return {
        n: subject.rounded(a * rng.uniform(0.95, 1.05, a.shape)) if n in subject.wrt_names else a
        for n, a in arrays.items()
    }
