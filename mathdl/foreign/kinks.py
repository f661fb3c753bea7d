"""A given point at a kink: what is claimed there lies between the one-sided slopes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mathdl.foreign.samples import measure
from mathdl.foreign.subject import Foreign
from mathdl.verify.dims import Dims
from mathdl.verify.noise import VALUE_FREEDOM, Array, student, typical
from mathdl.verify.numeric import instance
from mathdl.verify.report import Check

METHOD = "one-sided slopes"
_STEP, _ROOM = 2.0**-20, 1e-4


def kink_checks(subject: Foreign, dims: Dims, seed: int) -> list[Check]:
    """One check for each derivative of a scalar with entries that differences cannot tell.

    The subdifferential of a function of one variable at a kink is the interval between its
    one-sided slopes: Clarke, Optimization and Nonsmooth Analysis, 1983, 2.1.
    """
    if subject.form == "Jacobian":
        return []
    arrays = instance(subject, dims, seed)
    checks = []
    for name in subject.wrt_names:
        one = measure(subject, name, arrays, np.random.default_rng([seed, 9]), dims)
        if one is None or not np.any(one.kinks) or one.claimed.shape != one.truth.shape:
            continue
        found = list(_entries(subject, name, arrays, one.kinks, one.noise))
        entry, low, high, room = max(found, key=lambda f: _outside(one.claimed[f[0]], *f[1:]))
        got = float(one.claimed[entry])
        beyond = max(0.0, low - got, got - high)
        place = f"{name}[{', '.join(map(str, entry))}]" if entry else name
        right = beyond <= room
        checks.append(Check(
            name, "gradient", METHOD, 1, len(found), 0, 0, beyond, room, entry,
            float(np.clip(got, low, high)), got, dims, seed, "normal", right,
            "" if right else f"{place} is at a kink with the slopes {low:.6g} and {high:.6g}; "
            f"{got:.6g} is not between them",
        ))
    return checks


def _outside(got: float, low: float, high: float, room: float) -> float:
    return max(low - got, got - high) / room


def _entries(
    subject: Foreign, name: str, arrays: dict[str, Array], kinks: Array, noise: float
) -> Iterator[tuple[tuple[int, ...], float, float, float]]:
    """Of the entries at kinks: the index, the one-sided slopes in order, and room for rounding."""
    value = subject.value_function()
    centre = float(value(**arrays)[""])
    step = _STEP * typical(arrays[name])
    for index in np.argwhere(kinks):
        entry = tuple(int(k) for k in index)
        slopes = []
        for side in (step, -step):
            moved = arrays[name].copy()
            moved[entry] += side
            slopes.append((float(value(**{**arrays, name: moved})[""]) - centre) / side)
        room = _ROOM * (abs(slopes[0]) + abs(slopes[1])) + (
            student(VALUE_FREEDOM) * 2 * noise / step) + np.finfo(float).tiny
        yield entry, min(slopes) + 0.0, max(slopes) + 0.0, float(room)
