"""Mistakes with the Jacobian of an array-valued function, found by measuring all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from mathdl.foreign.guess import evidence
from mathdl.foreign.report import Diagnosis
from mathdl.foreign.samples import Sample, measure
from mathdl.verify.noise import Array

#: From the measured Jacobian, the cotangent and the output's shape: what would be claimed.
_Mistaken = Callable[[Array, Array, tuple[int, ...]], Array | None]


def _flat(jacobian: Array, out: tuple[int, ...]) -> Array:
    return jacobian.reshape(int(np.prod(out)), -1)


def _inside(jacobian: Array, out: tuple[int, ...]) -> tuple[int, ...]:
    return jacobian.shape[len(out):]


def _diagonal(jacobian: Array, out: tuple[int, ...]) -> Array | None:
    if _inside(jacobian, out) != out:
        return None
    return np.diagonal(_flat(jacobian, out)).reshape(out)


def _ignored(jacobian: Array, cotangent: Array, out: tuple[int, ...]) -> Array:
    return np.asarray(jacobian.sum(axis=tuple(range(len(out)))))


def _diagonal_times(jacobian: Array, cotangent: Array, out: tuple[int, ...]) -> Array | None:
    found = _diagonal(jacobian, out)
    return None if found is None else found * cotangent


def _forward(jacobian: Array, cotangent: Array, out: tuple[int, ...]) -> Array | None:
    flat = _flat(jacobian, out)
    if flat.shape[0] != flat.shape[1]:
        return None
    return np.asarray(flat @ cotangent.ravel()).reshape(_inside(jacobian, out))


def _only_diagonal(jacobian: Array, cotangent: Array, out: tuple[int, ...]) -> Array | None:
    flat = _flat(jacobian, out)
    if flat.shape[0] != flat.shape[1]:
        return None
    return np.diag(np.diag(flat)).reshape(jacobian.shape)


_OF_VJP: Mapping[str, tuple[_Mistaken, str]] = {
    "cotangent ignored": (
        _ignored, "the cotangent is not used: the claim is the derivative of sum(f)"),
    "diagonal": (
        _diagonal_times, "only the diagonal of the Jacobian is taken: entries of f depend on "
        "other entries of {0} too"),
    "transposed": (
        _forward, "the claim is J @ cotangent, the gradient is J.T @ cotangent"),
}
_OF_JACOBIAN: Mapping[str, tuple[_Mistaken, str]] = {
    "sum": (
        _ignored, "the claim is the gradient of sum(f), not the Jacobian of f: "
        "check the sum, or give the cotangent form as vjp="),
    "elementwise": (
        lambda j, c, out: _diagonal(j, out), "the claim is the elementwise derivative, the "
        "diagonal of the Jacobian: give the cotangent form as vjp="),
    "diagonal": (
        _only_diagonal, "only the diagonal of the Jacobian is taken: entries of f depend on "
        "other entries of {0} too"),
}


def jacobian_mistakes(samples: Sequence[Sample], rng: np.random.Generator) -> Iterator[Diagnosis]:
    """What the claim is made of instead of the whole Jacobian."""
    first = samples[0]
    form = first.subject.form
    if form == "gradient" or (form == "vjp" and len(first.subject.cotangents(first.arrays)) > 1):
        return
    measured = []
    for s in samples:
        jacobian, room = (s.truth, s.bound) if form == "Jacobian" else _measured(s, rng)
        if jacobian is None or not np.all(np.isfinite(jacobian)):
            return
        cotangent = s.subject.cotangents(s.arrays)[0] if form == "vjp" else np.ones(())
        measured.append((s, jacobian, float(np.max(room)), cotangent))
    for mistake, (law, text) in (_OF_VJP if form == "vjp" else _OF_JACOBIAN).items():
        if all(_claims(s, law(j, c, s.value.shape), room) for s, j, room, c in measured):
            yield Diagnosis(first.tensor, mistake, text.format(first.tensor), evidence(samples))


def _measured(s: Sample, rng: np.random.Generator) -> tuple[Array | None, Array]:
    whole = s.subject.but(form="Jacobian", claimed=lambda given: {s.tensor: s.claimed})
    found = measure(whole, s.tensor, s.arrays, rng, s.dims)
    return (None, np.zeros(1)) if found is None else (found.truth, found.bound)


def _claims(s: Sample, expected: Array | None, room: float) -> bool:
    if expected is None or expected.shape != s.claimed.shape:
        return False
    size = float(np.max(np.abs(expected), initial=0.0))
    allowed = 4 * room * max(1.0, float(s.value.size)) + s.slack + 1e-6 * size
    return bool(np.all(np.abs(expected - s.claimed) <= allowed))
