"""Mistakes entry by entry: a factor of the chain rule left out, a term left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from mathdl.foreign.factors import Factor
from mathdl.foreign.guess import Guess, Part, aligned, said
from mathdl.foreign.samples import Sample
from mathdl.verify.noise import Array


def _sigmoid(u: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(u / 2))


_FACTORS: dict[str, Callable[[Array], Array]] = {
    "{}": lambda u: u,
    "(1 - tanh({})**2), the derivative of tanh,": lambda u: 1 - np.tanh(u) ** 2,
    "sigmoid({0})*(1 - sigmoid({0})), the derivative of sigmoid,":
        lambda u: _sigmoid(u) * (1 - _sigmoid(u)),
    "(1 - {}**2)": lambda u: 1 - u**2,
    "{0}*(1 - {0})": lambda u: u * (1 - u),
    "({} > 0)": lambda u: (u > 0).astype(float),
    "({} < 0)": lambda u: (u < 0).astype(float),
    "sign({})": np.sign,
    "1/{}": lambda u: 1 / u,
    "{}**2": lambda u: u**2,
    "1/{}**2": lambda u: 1 / u**2,
    "{}**3": lambda u: u**3,
    "sqrt({})": np.sqrt,
    "1/sqrt({})": lambda u: 1 / np.sqrt(u),
    "exp({})": np.exp,
    "exp(-{})": lambda u: np.exp(-u),
    "log({})": np.log,
    "sigmoid({})": _sigmoid,
    "(1 - sigmoid({}))": lambda u: 1 - _sigmoid(u),
    "tanh({})": np.tanh,
    "cos({})": np.cos,
    "sin({})": np.sin,
    "1/cos({})**2": lambda u: 1 / np.cos(u) ** 2,
    "cosh({})": np.cosh,
    "sinh({})": np.sinh,
    "1/(1 + {}**2)": lambda u: 1 / (1 + u**2),
    "1/sqrt(1 - {}**2)": lambda u: 1 / np.sqrt(1 - u**2),
    "(1 - {})": lambda u: 1 - u,
    "1/(1 - {})": lambda u: 1 / (1 - u),
    "exp(-{}**2)": lambda u: np.exp(-(u**2)),
    "abs({})": np.abs,
    "1/(1 + abs({}))**2": lambda u: 1 / (1 + np.abs(u)) ** 2,
}
_TERMS: dict[str, Callable[[Array], Array]] = {
    "{}": lambda u: u,
    "sign({})": np.sign,
    "{}**2": lambda u: u**2,
    "{}**3": lambda u: u**3,
    "1/{}": lambda u: 1 / u,
    "log({})": np.log,
    "exp({})": np.exp,
    "tanh({})": np.tanh,
    "sigmoid({})": _sigmoid,
    "cos({})": np.cos,
    "sin({})": np.sin,
    "abs({})": np.abs,
    "({} > 0)": lambda u: (u > 0).astype(float),
}


def quantities(samples: Sequence[Sample]) -> Iterator[tuple[str, Part]]:
    """Every input, and the value where it has axes, as it broadcasts against the derivative."""
    first = samples[0]
    names = [first.tensor, *(n for n in first.subject.names if n != first.tensor)]
    for name in names:
        for part in aligned(samples, partial(_input, name=name)):
            yield name, part
    if first.value.ndim:
        for part in aligned(samples, lambda s: s.value):
            yield "f", part


def _input(s: Sample, name: str) -> Array:
    return np.asarray(s.arrays[name])


def _applied(law: Callable[[Array], Array], part: Part, by_claim: bool, under: bool) -> Part:
    def found(s: Sample) -> Array | None:
        u = part(s)
        if u is None:
            return None
        values = law(u)
        if by_claim:
            if s.claimed.shape != s.truth.shape:
                return None
            return np.asarray(s.claimed / values if under else s.claimed * values)
        return np.broadcast_to(values, s.truth.shape).copy()

    return found


def chain_factors(samples: Sequence[Sample]) -> Iterator[Guess]:
    """A factor, entry by entry, that is missing or stands there once too often."""
    known = list(quantities(samples))
    for law, function in _FACTORS.items():
        for name, part in known:
            yield Guess("chain factor", _applied(function, part, True, False),
                        said("the factor {} is missing, entry by entry", law.format(name)))
    for law, function in _FACTORS.items():
        for name, part in known:
            yield Guess("chain factor", _applied(function, part, True, True), said(
                f"the factor {law.format(name)} is one too many, entry by entry: "
                "the gradient is {} without it", "claimed"))


def missing_terms(samples: Sequence[Sample]) -> Iterator[Guess]:
    """A term that is to be added to the claim."""
    for law, function in _TERMS.items():
        for name, part in quantities(samples):
            said = law.format(name)
            yield Guess("missing term", _applied(function, part, False, False), _lacks(said),
                        adds=True)
    yield Guess("missing term", lambda s: np.ones(s.truth.shape), _lacks("1"), adds=True)
    yield Guess("missing term", lambda s: np.eye(*s.truth.shape[-2:]) if s.truth.ndim == 2
                else None, _lacks("eye"), adds=True)
    for k in range(samples[0].claimed.ndim):
        yield Guess("missing term", partial(_mean, axis=k), _lacks(f"mean(claimed, axis={k})"),
                    adds=True)
    yield Guess("missing term", lambda s: np.full(s.truth.shape, s.claimed.mean()),
                _lacks("mean(claimed)"), adds=True)
    for name, part in quantities(samples):
        for k in range(samples[0].claimed.ndim):
            yield Guess("missing term", _projected(part, k), _lacks(
                f"{name}*sum({name}*claimed, axis={k})"), adds=True)
            yield Guess("missing term", _weighted(part, k), _lacks(
                f"{name}*sum(claimed, axis={k})"), adds=True)
    yield Guess("missing term", lambda s: s.claimed.T if s.claimed.ndim > 1 else None,
                _lacks("claimed.T"), adds=True)


def _lacks(what: str) -> Callable[[Factor], str]:
    return said("the term {} is missing", what)


def _mean(s: Sample, axis: int) -> Array:
    return np.broadcast_to(s.claimed.mean(axis, keepdims=True), s.truth.shape).copy()


def _projected(part: Part, axis: int) -> Part:
    def found(s: Sample) -> Array | None:
        u = part(s)
        return None if u is None else np.asarray(u * np.sum(u * s.claimed, axis, keepdims=True))

    return found


def _weighted(part: Part, axis: int) -> Part:
    def found(s: Sample) -> Array | None:
        u = part(s)
        return None if u is None else np.asarray(u * np.sum(s.claimed, axis, keepdims=True))

    return found
