"""A claimed derivative, and what is known of it at one instance: values, noise, problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mathdl.verify.finite_difference import Problem
from mathdl.verify.noise import (
    EPS,
    SLOPE_COUNT,
    SLOPE_DEGREE,
    SLOPE_SPACINGS,
    Array,
    Values,
    line,
    plateau,
    scatter,
    value_noise,
)

#: Arrays by name, and the sizes of dims that no array has.
Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """A function, and what is claimed to be its derivative with respect to each name."""

    quantity: str
    names: tuple[str, ...]
    function: Callable[[Arguments], Values]
    derivative: Callable[[Arguments], Values]
    shared: bool  # one value for all names
    symmetric: frozenset[str] = frozenset()  # code reads one triangle: both move together

    def key(self, name: str) -> str:
        return "" if self.shared else name


class Instance:
    """A claim at one instance: values, noise, and the problems that they pose."""

    def __init__(
        self, claim: Claim, arrays: dict[str, Array], sizes: dict[str, int],
        moving: frozenset[str],
    ) -> None:
        self.claim, self.arrays, self.moving = claim, arrays, moving
        self._sizes = sizes
        self.values: Values = {}
        # Code may reuse its buffers.
        self.values = {k: np.array(v, dtype=float) for k, v in self.function(arrays).items()}
        self.claimed = _copied(self.derivative(arrays))
        self.noise: Values = {}
        self.points: list[Values] = []
        self.slopes: list[Values] = []
        self.claimed_noise: Values = {}

    def function(self, arrays: Arguments) -> Values:
        """The values, by key; not numbers where a factorisation does not exist."""
        try:
            return self.claim.function(self._arguments(arrays))
        except np.linalg.LinAlgError:
            if not self.values:
                raise
            return {k: np.full_like(v, np.nan) for k, v in self.values.items()}

    def _arguments(self, arrays: Arguments) -> Arguments:
        found = {**arrays, **self._sizes}
        for name in self.claim.symmetric:
            a = np.asarray(found[name])
            found[name] = (a + np.swapaxes(a, -1, -2)) / 2
        return found

    def derivative(self, arrays: Arguments) -> Values:
        """What is claimed, by name."""
        try:
            found = dict(self.claim.derivative(self._arguments(arrays)))
            for name in self.claim.symmetric & found.keys():
                a = np.asarray(found[name])  # all that a symmetric step sees of it
                found[name] = (a + np.swapaxes(a, -1, -2)) / 2 if a.ndim > 1 else a
            return found
        except np.linalg.LinAlgError:
            if not hasattr(self, "claimed"):
                raise
            return {k: np.full_like(v, np.nan) for k, v in self.claimed.items()}

    def finite_value(self) -> bool:
        return all(bool(np.all(np.isfinite(v))) for v in self.values.values())

    def finite(self) -> bool:
        return all(bool(np.all(np.isfinite(v))) for v in self.claimed.values())

    def misfit(self, name: str, shape: tuple[int, ...]) -> str:
        """What is wrong with the shape of a derivative, in words."""
        if name not in self.claimed:
            return "the code does not give it"
        expected = self.values[self.claim.key(name)].shape + shape
        got = self.claimed[name].shape
        return "" if got == expected else f"expected shape {expected}, got {got}"

    def measure(self, rng: np.random.Generator) -> None:
        """The noise of the values, and of the derivatives pooled over the argument's entries."""
        self.noise = value_noise(
            lambda a: _copied(self.function(a)), self.arrays, self.moving, rng
        )
        pooled: dict[str, list[Array]] = {}
        totals: list[float] = []
        runs: list[tuple[list[Values], list[Values]]] = []
        for spacing in SLOPE_SPACINGS:
            points = line(self.arrays, self.moving, spacing, SLOPE_COUNT, rng)
            slopes = [_copied(self.derivative(p)) for p in points]
            runs.append((points, slopes))
            for name in self.claim.names:
                noise = scatter([s[name] for s in slopes], SLOPE_DEGREE)
                rows = self.values[self.claim.key(name)].size
                pooled.setdefault(name, []).append(np.max(noise.reshape(rows, -1), axis=1))
            totals.append(sum(float(np.sum(found[-1])) for found in pooled.values()))
        for name, found in pooled.items():
            rows = self.values[self.claim.key(name)].size
            largest = np.max(np.abs(self.claimed[name].reshape(rows, -1)), axis=1)
            self.claimed_noise[name] = np.maximum(plateau(found), EPS * largest)
        quietest = int(np.argmin(np.where(np.isfinite(totals), totals, np.inf)))
        self.points, self.slopes = runs[quietest]

    def problem(self, name: str) -> Problem | None:
        """The claim for one name at this instance; None when its noise is not finite."""
        noise = self.noise[self.claim.key(name)]
        if not (np.all(np.isfinite(noise)) and np.all(np.isfinite(self.claimed_noise[name]))):
            return None
        return self._problem(name, self.arrays, self.claimed[name])

    def neighbours(self, name: str) -> list[Problem]:
        """The same claim on a short line of instances."""
        return [
            self._problem(name, point, slopes[name])
            for point, slopes in zip(self.points, self.slopes, strict=True)
        ]

    def _problem(self, name: str, arrays: Values, claimed: Array) -> Problem:
        key = self.claim.key(name)
        value = self.values[key]

        def function(x: Array) -> Array:
            return self.function({**arrays, name: x})[key].reshape(-1).copy()

        return Problem(
            function=function,
            x=arrays[name],
            value=value.reshape(-1),
            claimed=claimed.reshape(value.size, -1),
            noise=self.noise[key],
            claimed_noise=self.claimed_noise[name],
            out_shape=value.shape,
        )


def _copied(values: Values) -> Values:
    return {name: np.array(v) for name, v in values.items()}
