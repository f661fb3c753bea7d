"""The likely mistake in a refused derivative: hypotheses, each held against the measured one.

A hypothesis says what the claim becomes without one mistake; it is believed when that is the
measured derivative at every instance, and any factor in it is one that has a name at all of
them.  They are tried in the order below, the specific before the general.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mathdl.foreign import patterns, structure, terms
from mathdl.foreign.factors import Factor
from mathdl.foreign.guess import Guess, Guesses, diagnosed, evidence, fitted, simplest
from mathdl.foreign.jacobians import jacobian_mistakes
from mathdl.foreign.report import Diagnosis
from mathdl.foreign.samples import Sample, measure, samples
from mathdl.foreign.subject import Foreign
from mathdl.verify.numeric import instance
from mathdl.verify.report import Check
from mathdl.verify.sampling import Manner

Hypothesis = Callable[[Sequence[Sample]], Iterator[Diagnosis]]


def diagnose(
    subject: Foreign, check: Check, seed: int, dims: Mapping[str, int],
    known_terms: Iterable[Guess] = (), more: Iterable[Hypothesis] = (),
) -> Diagnosis | None:
    """The most likely mistake in a derivative that a check refused; None if nothing is measured.

    ``known_terms`` are guesses that are made from an exact gradient, ``more`` hypotheses of
    other kinds.
    """
    manner: Any = check.manner
    found = samples(subject, check.tensor, seed, manner, dims)
    with np.errstate(all="ignore"):
        if all(s.right for s in found):
            return _at_the_refusal(subject, check, found)
        for hypothesis in _hypotheses(seed, manner, list(known_terms), list(more)):
            for diagnosis in hypothesis(found):
                return diagnosis
    return None


def _at_the_refusal(
    subject: Foreign, check: Check, right: Sequence[Sample]
) -> Diagnosis | None:
    """A derivative that is right elsewhere: are sizes of 1 to blame, or these entries?"""
    manner: Any = check.manner
    arrays = instance(subject, check.dims, check.seed, manner)
    rng = np.random.default_rng([check.seed, 10])
    one = measure(subject, check.tensor, arrays, rng, check.dims)
    if one is None or one.right:
        return None
    ones = [name for name, size in check.dims.items() if size == 1]
    if ones and right:
        return Diagnosis(
            check.tensor, "size 1", f"wrong where {' and '.join(f'{n} = 1' for n in ones)}, "
            "right at the larger sizes that were tried", evidence(right))
    for hypothesis in (patterns.precision, patterns.entries, patterns.unknown):
        for diagnosis in hypothesis([one]):
            return diagnosis
    return None


def _hypotheses(
    seed: int, manner: Manner, known_terms: Sequence[Guess], more: Sequence[Hypothesis]
) -> Iterator[Hypothesis]:
    rng = np.random.default_rng([seed, 5])
    yield patterns.zero
    yield _each(structure.plain)
    yield _each(lambda samples: iter(known_terms))
    yield from more
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


def _each(guesses: Guesses) -> Hypothesis:
    def tried(found: Sequence[Sample]) -> Iterator[Diagnosis]:
        for guess in guesses(found):
            if (factor := fitted(guess, found)) is not None and not _slight(factor, found):
                yield diagnosed(guess, factor, found)

    return tried


def _simplest(guesses: Guesses) -> Hypothesis:
    def tried(found: Sequence[Sample]) -> Iterator[Diagnosis]:
        best = simplest(guesses(found), found)
        if best is not None and not _slight(best[1], found):
            yield diagnosed(*best, found)

    return tried


def _slight(factor: Factor, found: Sequence[Sample]) -> bool:
    """A number without a name that explains next to nothing explains nothing."""
    return not factor.simple and patterns.nearly_right(found)
