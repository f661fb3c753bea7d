"""Where code is tried: each input from 0 to where floats end, the others of moderate size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mathdl.ir.assumptions import closure
from mathdl.proof.evaluate import Array

MAGNITUDES = {
    "float64": (1e-320, 1e-20, 1.0, 20.0, 50.0, 700.0, 1e3, 1e5, 1e300),
    "float32": (1e-40, 1e-20, 1.0, 20.0, 50.0, 88.0, 1e3, 1e5, 1e38),
}
#: Assumptions under which entries are not free to be of any size.
BOUND = frozenset({
    "probability_vector", "integer", "binary", "one_hot",
    "orthogonal", "causal_mask", "adjacency", "counts", "sign_labels",
})
#: Assumptions under which entries are of any size within an interval.
INTERVALS = {"unit_interval": (0.0, 1.0), "minus_one_one": (-1.0, 1.0)}
_MATRIX = frozenset({"symmetric", "lower_triangular", "diagonal", "invertible"})


def magnitudes(dtype: str) -> list[float]:
    """All points of an axis, in order."""
    sizes = MAGNITUDES[dtype]
    return [*(-s for s in reversed(sizes)), 0.0, *sizes]


def is_free(array: Any, assumed: frozenset[str]) -> bool:
    """Whether the entries may be of any size."""
    return (isinstance(array, np.ndarray) and array.dtype.kind == "f"
            and not closure(assumed) & BOUND)


def instances(
    given: Mapping[str, Any], name: str, assumed: frozenset[str], at: float
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The arguments with an input of one size: in which manner, and the arguments."""
    facts = closure(assumed)
    if (at <= 0 and facts & {"positive", "positive_definite"}) or (
            at < 0 and "nonnegative" in facts) or (at == 0 and "invertible" in facts):
        return
    ends = [INTERVALS[fact] for fact in facts & INTERVALS.keys()]
    if any(not low <= at <= high for low, high in ends):
        return
    array = given[name]
    for manner, made in _manners(array, at, bool(facts & _MATRIX)):
        if at > 0 and facts & {"positive", "nonnegative"}:
            made = np.abs(made)
        if any(np.any((made < low) | (made > high)) for low, high in ends):
            continue
        yield manner, {**given, name: np.asarray(made, array.dtype)}


def _manners(array: Array, at: float, matrix: bool) -> Iterator[tuple[str, Array]]:
    if array.ndim == 0:
        yield "", np.asarray(at)
        return
    largest = float(np.max(np.abs(array), initial=0.0)) or 1.0
    yield "scaled", array / largest * at
    if matrix:
        return
    yield "equal", np.full(array.shape, at)
    yield "shifted", at + array
    spike = array.copy()
    spike.reshape(-1)[0] = at
    yield "one entry", spike
