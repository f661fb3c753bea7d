"""The likely mistake in a refused derivative: hypotheses, each held against the measured one.

A hypothesis says what the claim becomes without one mistake; it is believed when that is the
measured derivative at every instance, and any factor in it is one that has a name at all of
them.  They are tried in the order below, the specific before the general.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from mathdl.foreign import patterns, structure, terms
from mathdl.foreign.guess import Guess, Guesses, diagnosed, fitted, simplest
from mathdl.foreign.jacobians import jacobian_mistakes
from mathdl.foreign.report import Diagnosis
from mathdl.foreign.samples import Sample, samples
from mathdl.foreign.subject import Foreign
from mathdl.verify.sampling import Manner


def diagnose(
    subject: Foreign, tensor: str, seed: int, manner: Manner, dims: Mapping[str, int],
    known_terms: Iterable[Guess] = (),
) -> Diagnosis | None:
    """The most likely mistake in the derivative by ``tensor``; None where nothing is measured.

    ``known_terms`` are guesses that are made from an exact gradient.
    """
    found = samples(subject, tensor, seed, manner, dims)
    with np.errstate(all="ignore"):
        wrong = [s for s in found if not s.right]
        if not wrong:
            return None
        for hypothesis in _hypotheses(seed, manner, list(known_terms)):
            for diagnosis in hypothesis(found):
                return diagnosis
    return None


_Hypothesis = Callable[[Sequence[Sample]], Iterator[Diagnosis]]


def _hypotheses(
    seed: int, manner: Manner, known_terms: Sequence[Guess]
) -> Iterator[_Hypothesis]:
    rng = np.random.default_rng([seed, 5])
    yield patterns.zero
    yield _each(structure.plain)
    yield _each(lambda samples: iter(known_terms))
    yield lambda found: jacobian_mistakes(found, rng)
    yield _each(structure.shapes)
    yield structure.of_another
    yield _each(structure.swapped)
    yield _each(structure.axes)
    yield _each(structure.inputs)
    yield _simplest(terms.chain_factors)
    yield _simplest(terms.missing_terms)
    yield _each(structure.laws)
    yield patterns.precision
    yield patterns.proportional
    yield lambda found: patterns.sizes(found, seed, manner)
    yield patterns.entries
    yield lambda found: patterns.switched_off(found, rng)
    yield patterns.unknown


def _each(guesses: Guesses) -> _Hypothesis:
    def tried(found: Sequence[Sample]) -> Iterator[Diagnosis]:
        for guess in guesses(found):
            if (factor := fitted(guess, found)) is not None:
                yield diagnosed(guess, factor, found)

    return tried


def _simplest(guesses: Guesses) -> _Hypothesis:
    def tried(found: Sequence[Sample]) -> Iterator[Diagnosis]:
        if (best := simplest(guesses(found), found)) is not None:
            yield diagnosed(*best, found)

    return tried
