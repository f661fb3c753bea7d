"""Where a derivative is wrong, when how is not known: entries, sizes, inputs, precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mathdl.foreign.guess import Guess, evidence, fitted, ratios_of
from mathdl.foreign.report import Diagnosis
from mathdl.foreign.samples import Sample, measure
from mathdl.foreign.structure import plain
from mathdl.foreign.terms import quantities
from mathdl.verify.dims import choose_dims
from mathdl.verify.noise import Array
from mathdl.verify.numeric import instance
from mathdl.verify.sampling import Manner

_NEARLY = 2e-3
_TRIES = 5


def zero(samples: Sequence[Sample]) -> Iterator[Diagnosis]:
    """The claim is 0 where the derivative is not, or the other way about."""
    tensor = samples[0].tensor
    if all(not np.any(s.claimed) for s in samples):
        yield Diagnosis(tensor, "zero", "the claim is 0, the gradient is not: the dependence on "
                        f"{tensor} is lost", evidence(samples))
    elif all(s.fits(np.zeros(s.truth.shape)) for s in samples):
        yield Diagnosis(tensor, "not zero", f"the function does not change with {tensor} here "
                        "(piecewise constant, or it is not used), the claim does",
                        evidence(samples))


def nearly_right(samples: Sequence[Sample]) -> bool:
    return all(s.size > 0 and s.misfit <= _NEARLY * s.size for s in samples)


def precision(samples: Sequence[Sample]) -> Iterator[Diagnosis]:
    """Nearly right everywhere."""
    if not nearly_right(samples):
        return
    worst = max(s.misfit / s.size for s in samples)
    tensor = samples[0].tensor
    for dtype in (np.float16, np.float32):
        with np.errstate(over="ignore"):
            rounded = [np.array_equal(s.claimed.astype(dtype).astype(float), s.claimed)
                       for s in samples]
        if all(rounded):
            yield Diagnosis(tensor, "precision", f"the claim has the precision of "
                            f"{np.dtype(dtype).name}: it is off by {worst:.1g} of the largest "
                            "entry", evidence(samples))
            return
    yield Diagnosis(tensor, "precision", f"nearly right: off by {worst:.1g} of the largest entry; "
                    "low precision inside, a difference quotient, an epsilon or an approximation",
                    evidence(samples))


def proportional(samples: Sequence[Sample]) -> Iterator[Diagnosis]:
    """A factor without a name."""
    (guess,) = plain(samples)
    found = ratios_of(guess, samples)
    if found and all(s.truth.size > 1 for s in samples):
        ratios = ", ".join(f"{r:.4g}" for r in found.values)
        yield Diagnosis(samples[0].tensor, "factor", "the direction is right, the length is not: "
                        f"the gradient is {ratios} times the claim", evidence(samples))


def sizes(samples: Sequence[Sample], seed: int, manner: Manner) -> Iterator[Diagnosis]:
    """The claim is right where one size is 1: a sum, mean or factor over that axis."""
    first = samples[0]
    subject = first.subject
    tensors = [*subject.outputs.values(), *subject.inputs]
    symbolic = [n for n in first.dims if len({s.dims[n] for s in samples}) > 1]
    for name in symbolic:
        rng = np.random.default_rng([seed, 4])
        (dims,) = choose_dims(tensors, {name: 1}, count=1, rng=rng)
        alone: list[Sample | None] = []
        for number in range(_TRIES):
            try:
                arrays = instance(subject, dims, seed + number, manner)
            except Exception:  # somebody's code, at a size that it was not meant for
                break
            alone.append(measure(subject, first.tensor, arrays, rng, dims))
        if len(alone) == _TRIES and all(one is not None and one.telling for one in alone):
            yield Diagnosis(first.tensor, "sum", f"right where {name} = 1 and wrong otherwise: "
                            f"a sum or mean over the axis of length {name} is missing or wrong",
                            evidence(samples))


def switched_off(samples: Sequence[Sample], rng: np.random.Generator) -> Iterator[Diagnosis]:
    """The claim is right where one other input is 0, or 1."""
    first = samples[0]
    for name in first.subject.names:
        if name == first.tensor or np.asarray(first.arrays[name]).dtype.kind != "f":
            continue
        for constant in (0.0, 1.0):
            changed = [measure(s.subject, s.tensor, {**s.arrays, name: np.full_like(
                s.arrays[name], constant)}, rng, s.dims) for s in samples[:2]]
            if all(c is not None and c.telling for c in changed):
                what = "term" if constant == 0 else "factor or power"
                yield Diagnosis(
                    first.tensor, f"missing {what.split()[0]}", f"right where {name} is "
                    f"{constant:g} and wrong otherwise: a {what} with {name} is missing or wrong",
                    evidence(samples))


def entries(samples: Sequence[Sample]) -> Iterator[Diagnosis]:
    """Which entries are wrong, by a rule, and what would be right there."""
    if any(s.claimed.shape != s.truth.shape for s in samples):
        return
    wrong = [_wrong(s) for s in samples]
    best: tuple[float, str, list[Array]] | None = None
    for text, masks in _places(samples):
        told = [bool(np.all(m | ~w)) for m, w in zip(masks, wrong, strict=True)]
        hit = sum(int(np.sum(m & w)) for m, w in zip(masks, wrong, strict=True))
        held = sum(int(np.sum(m & s.known)) for m, s in zip(masks, samples, strict=True))
        share = sum(int(m.sum()) for m in masks) / sum(m.size for m in masks)
        if all(told) and share < 1 and 2 * hit >= held and (best is None or share < best[0]):
            best = share, text, masks
    if best is not None:
        _, text, masks = best
        yield Diagnosis(samples[0].tensor, "entries",
                        f"wrong only {text}{_there(samples, masks)}", evidence(samples))


def unknown(samples: Sequence[Sample]) -> Iterator[Diagnosis]:
    """How many entries are wrong."""
    first = samples[0]
    where = f"{len(samples)} instances"
    if any(s.claimed.shape != s.truth.shape for s in samples):
        yield Diagnosis(first.tensor, "shape", f"expected shape {first.truth.shape}, got "
                        f"{first.claimed.shape}; no rule that was tried makes it right", where)
        return
    count = sum(int(_wrong(s).sum()) for s in samples)
    total = sum(int(s.known.sum()) for s in samples)
    if count:
        said = "every entry is" if count == total else f"{count} of {total} entries are"
        yield Diagnosis(first.tensor, "unknown", f"{said} wrong, by no rule that was tried", where)


def _wrong(s: Sample) -> Array:
    return s.known & (np.abs(s.off(s.claimed)) > s.room())


def _there(samples: Sequence[Sample], masks: Sequence[Array]) -> str:
    """What the claim should be there, if that has a name."""
    if all(not np.any(s.claimed[m]) for s, m in zip(samples, masks, strict=True)):
        return ", where the claim is 0"
    inside = {id(s): m for s, m in zip(samples, masks, strict=True)}
    guess = Guess("entries", lambda s: np.where(inside[id(s)], s.claimed, 0.0),
                  lambda f: f.text, adds=True)
    factor = fitted(guess, samples)
    if factor is None:
        return ""
    added = factor.values[0]
    if np.ptp(factor.values) < 1e-3:
        return f"; the gradient is {1 + added:.6g} times the claim there"
    return f"; {factor.text} times the claim is missing there"


def _places(samples: Sequence[Sample]) -> Iterator[tuple[str, list[Array]]]:
    first = samples[0]
    for name, part in quantities(samples):
        values = [np.broadcast_to(_of(part(s)), s.truth.shape) for s in samples]
        for text, law in (
            ("< 0", np.less), ("> 0", np.greater), ("= 0", np.equal),
        ):
            yield f"where {name} {text}", [law(v, 0.0) for v in values]
        yield f"where abs({name}) > 1", [np.abs(v) > 1 for v in values]
        yield f"where abs({name}) < 1", [np.abs(v) < 1 for v in values]
        yield f"at the largest {name}", [v == v.max() for v in values]
        yield f"at the smallest {name}", [v == v.min() for v in values]
    rank = first.truth.ndim
    grids = [np.indices(s.truth.shape) for s in samples]
    for k in range(rank):
        yield f"at the first index of axis {k}", [g[k] == 0 for g in grids]
        yield f"at the last index of axis {k}", [
            g[k] == s.truth.shape[k] - 1 for g, s in zip(grids, samples, strict=True)]
    for k in range(rank - 1):
        yield f"on the diagonal of axes {k} and {k + 1}", [g[k] == g[k + 1] for g in grids]
        yield f"off the diagonal of axes {k} and {k + 1}", [g[k] != g[k + 1] for g in grids]
        yield f"above the diagonal of axes {k} and {k + 1}", [g[k] < g[k + 1] for g in grids]
        yield f"below the diagonal of axes {k} and {k + 1}", [g[k] > g[k + 1] for g in grids]


def _of(a: Array | None) -> Array:
    assert a is not None
    return a

