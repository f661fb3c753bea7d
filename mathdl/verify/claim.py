"""A claimed derivative, and what is known of it at one instance: values, noise, problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mathdl.request import Block, Space
from mathdl.verify.finite_difference import Problem
from mathdl.verify.noise import (
    SLOPE_COUNT,
    SLOPE_DEGREE,
    Array,
    Values,
    line,
    plateau,
    precision,
    scatter,
    slope_spacings,
    value_noise,
)

#: Arrays by name, and the sizes of dims that no array has.
Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """Values by key, and what is claimed to be the derivatives of some of them, by key.

    A claim by an argument in ``moving`` is about ``f(M(x))``, ``M`` being the map of the space.
    """

    quantity: str
    blocks: Mapping[str, Block]
    function: Callable[[Arguments], Values]
    derivative: Callable[[Arguments], Values]
    moving: Mapping[str, Space] = field(default_factory=dict)

    def source(self, key: str) -> str:
        """The key of the value that a block is the derivative of."""
        return self.blocks[key].below.key

    def argument(self, key: str) -> str:
        """The name of the argument by which it is the derivative."""
        return self.blocks[key].path[-1]

    def preimages(self, arrays: Values) -> Values:
        """Arguments as they move: ``x`` with ``M(x)`` what is given."""
        return {**arrays, **{
            name: space.preimage(arrays[name], _diagonal(arrays[name]))
            for name, space in self.moving.items()
        }}

    def images(self, arguments: Arguments) -> dict[str, Any]:
        """What the functions are given where the arguments have moved to."""
        found = dict(arguments)
        for name, space in self.moving.items():
            x = np.asarray(found[name])
            found[name] = space.map(x, np.swapaxes(x, -1, -2), _diagonal(x))
        return found


class Instance:
    """A claim at one instance: values, noise, and the problems that they pose."""

    def __init__(
        self, claim: Claim, arrays: dict[str, Array], sizes: dict[str, int],
        moving: frozenset[str],
    ) -> None:
        self.claim, self.moving = claim, moving
        self.arrays = claim.preimages(arrays)
        self._sizes = sizes
        self.values: Values = {}
        # Code may reuse its buffers.
        values = self.function(self.arrays)
        self.values = {k: np.array(v, dtype=float) for k, v in values.items()}
        claimed = self.derivative(self.arrays)
        self.eps = precision([*values.values(), *claimed.values()])
        self.claimed = _copied(claimed)
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
        return self.claim.images({**arrays, **self._sizes})

    def derivative(self, arrays: Arguments) -> Values:
        """What is claimed, by key."""
        try:
            return self.claim.derivative(self._arguments(arrays))
        except np.linalg.LinAlgError:
            if not hasattr(self, "claimed"):
                raise
            return {k: np.full_like(v, np.nan) for k, v in self.claimed.items()}

    def finite_value(self) -> bool:
        return all(bool(np.all(np.isfinite(v))) for v in self.values.values())

    def finite(self) -> bool:
        return all(bool(np.all(np.isfinite(v))) for v in self.claimed.values())

    def misfit(self, key: str, shape: tuple[int, ...]) -> str:
        """What is wrong with the shape of a derivative, in words."""
        if key not in self.claimed:
            return "the code does not give it"
        expected = self.values[self.claim.source(key)].shape + shape
        got = self.claimed[key].shape
        return "" if got == expected else f"expected shape {expected}, got {got}"

    def measure(self, rng: np.random.Generator) -> None:
        """The noise of the values, and of the derivatives pooled over the argument's entries."""
        self.noise = value_noise(
            lambda a: _copied(self.function(a)), self.arrays, self.moving, rng, self.eps
        )
        pooled: dict[str, list[Array]] = {}
        totals: list[float] = []
        runs: list[tuple[list[Values], list[Values]]] = []
        for spacing in slope_spacings(self.eps):
            points = line(self.arrays, self.moving, spacing, SLOPE_COUNT, rng)
            slopes = [_copied(self.derivative(p)) for p in points]
            runs.append((points, slopes))
            for key in self.claim.blocks:
                noise = scatter([s[key] for s in slopes], SLOPE_DEGREE)
                rows = self.values[self.claim.source(key)].size
                pooled.setdefault(key, []).append(np.max(noise.reshape(rows, -1), axis=1))
            totals.append(sum(float(np.sum(found[-1])) for found in pooled.values()))
        for key, found in pooled.items():
            rows = self.values[self.claim.source(key)].size
            largest = np.max(np.abs(self.claimed[key].reshape(rows, -1)), axis=1)
            self.claimed_noise[key] = np.maximum(plateau(found), self.eps * largest)
        quietest = int(np.argmin(np.where(np.isfinite(totals), totals, np.inf)))
        self.points, self.slopes = runs[quietest]

    def problem(self, key: str) -> Problem | None:
        """The claim for one key at this instance; None when its noise is not finite."""
        noise = self.noise[self.claim.source(key)]
        if not (np.all(np.isfinite(noise)) and np.all(np.isfinite(self.claimed_noise[key]))):
            return None
        return self._problem(key, self.arrays, self.claimed[key])

    def neighbours(self, key: str) -> list[Problem]:
        """The same claim on a short line of instances."""
        return [
            self._problem(key, point, slopes[key])
            for point, slopes in zip(self.points, self.slopes, strict=True)
        ]

    def _problem(self, key: str, arrays: Values, claimed: Array) -> Problem:
        source, name = self.claim.source(key), self.claim.argument(key)
        value = self.values[source]

        def function(x: Array) -> Array:
            return self.function({**arrays, name: x})[source].reshape(-1).copy()

        return Problem(
            function=function,
            x=arrays[name],
            value=value.reshape(-1),
            claimed=claimed.reshape(value.size, -1),
            noise=self.noise[source],
            claimed_noise=self.claimed_noise[key],
            out_shape=value.shape,
            eps=self.eps,
        )


def _diagonal(matrix: Array) -> Array:
    return np.eye(np.shape(matrix)[-1])


def _copied(values: Values) -> Values:
    return {name: np.array(v, dtype=float) for name, v in values.items()}
