"""A guess at the true derivative, made from what is claimed, and whether it holds everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from mathdl.foreign.factors import Factor, explain
from mathdl.foreign.report import Diagnosis
from mathdl.foreign.samples import Sample
from mathdl.verify.noise import Array

#: What a sample gives, of the shape of the derivative; None where it has none.
Part = Callable[[Sample], Array | None]
_FINEST, _COARSEST = 1e-6, 1e-2


@dataclass(frozen=True)
class Guess:
    """A mistake, what the claim becomes without it, and how that is said.

    The derivative is guessed to be ``factor * part``, or ``claimed + factor * part`` where
    ``adds``; the factor is found.  ``text`` is told the factor.  A mistake
    whose factor is -1 is called ``sign`` where that is given.
    """

    mistake: str
    part: Part
    text: Callable[[Factor], str]
    adds: bool = False
    sign: str = ""


Guesses = Callable[[Sequence[Sample]], Iterator[Guess]]


def fitted(guess: Guess, samples: Sequence[Sample]) -> Factor | None:
    """The factor with which the guess holds in every sample, where it is one with a name."""
    found = ratios_of(guess, samples)
    return None if found is None else explain(found.values, found.samples, found.tolerance)


@dataclass(frozen=True)
class Ratios:
    """The factors found, at which samples, and how precise they are."""

    values: list[float]
    samples: list[Sample]
    tolerance: float


def simplest(guesses: Iterable[Guess], samples: Sequence[Sample]) -> tuple[Guess, Factor] | None:
    """Of the guesses that hold, the one that is said in the fewest words."""
    held = [(g, f) for g in guesses if (f := fitted(g, samples)) is not None]
    return min(held, key=lambda pair: len(pair[0].text(pair[1])), default=None)


def ratios_of(guess: Guess, samples: Sequence[Sample]) -> Ratios | None:
    """The factor in each sample by least squares; None if one misfits.

    A sample in which the part is 0, as it should be, says nothing of the factor.
    """
    ratios: list[float] = []
    used: list[Sample] = []
    tolerance = _FINEST
    for s in samples:
        with np.errstate(all="ignore"):
            found = guess.part(s)
        if found is None or found.shape != s.truth.shape:
            return None
        known = s.known
        if guess.adds and s.claimed.shape != s.truth.shape:
            return None
        base = s.claimed if guess.adds else np.zeros(s.truth.shape)
        part, wanted = found[known], (s.truth - base)[known]
        largest = float(np.max(np.abs(part), initial=0.0))
        if not np.isfinite(largest):
            return None
        if largest == 0.0:
            if not s.fits(base):
                return None
            continue
        unit = part / largest
        ratio = float(unit @ wanted / (unit @ unit)) / largest
        if not s.fits(base + ratio * np.where(known, found, 0.0), 1.0 if guess.adds else ratio):
            return None
        room = float(np.max(s.room(), initial=0.0))
        tolerance = max(tolerance, 4 * room / (abs(ratio) * largest) if ratio else 0.0)
        ratios.append(ratio)
        used.append(s)
    return Ratios(ratios, used, min(tolerance, _COARSEST)) if ratios else None


def diagnosed(guess: Guess, factor: Factor, samples: Sequence[Sample]) -> Diagnosis:
    mistake = guess.sign if guess.sign and factor.text == "-1" else guess.mistake
    return Diagnosis(samples[0].tensor, mistake, guess.text(factor), evidence(samples))


def evidence(samples: Sequence[Sample]) -> str:
    """Where a guess was tried: ``at n=3, d=2; n=5, d=4``."""
    sizes = [", ".join(f"{k}={v}" for k, v in s.dims.items()) for s in samples]
    told = "; ".join(dict.fromkeys(s for s in sizes if s))
    return f"at {told}" if told else f"at {len(samples)} points"


def times(factor: Factor, what: str) -> str:
    """``2*what/n``."""
    above, _, below = re.sub(r" \(the length[^)]*\)", "", factor.text).partition("/")
    over, _, under = what.partition("/") if what.startswith("1/") else (what, "", "")
    if over == "1":
        product = above
    else:
        product = above.replace("1", over) if above in ("1", "-1") else f"{above}*{over}"
    divisors = [d.strip("()") if "*" in d and " " not in d else d for d in (below, under) if d]
    if not divisors:
        return product
    return f"{product}/{divisors[0]}" if divisors in ([below], [under]) \
        else f"{product}/({'*'.join(divisors)})"


def said(template: str, what: str) -> Callable[[Factor], str]:
    """The template with ``factor * what`` in its place."""
    return lambda factor: template.format(times(factor, what))


def aligned(samples: Sequence[Sample], get: Callable[[Sample], Any]) -> list[Part]:
    """The ways in which an array broadcasts against the derivative, axis by axis in order.

    A trailing match, as NumPy's, comes first; axes of equal length in every sample only.
    """
    first = np.asarray(get(samples[0]))
    target = samples[0].truth.ndim
    if first.ndim > target:
        return []
    found: list[Part] = []
    for axes in reversed(list(combinations(range(target), first.ndim))):
        if all(
            np.asarray(get(s)).shape == tuple(s.truth.shape[a] for a in axes) for s in samples
        ):
            def part(s: Sample, axes: tuple[int, ...] = axes) -> Array:
                shape = [1] * s.truth.ndim
                for a in axes:
                    shape[a] = s.truth.shape[a]
                return np.asarray(get(s), dtype=float).reshape(shape)

            found.append(part)
    return found
