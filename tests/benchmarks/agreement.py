"""Whether two contestants computed the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

TOLERANCE = {"float64": 1e-10, "float32": 2e-4}
Result = tuple[Any, Mapping[str, Any]]


def disagreement(found: Result, expected: Result, dtype: str) -> str:
    """The first value or gradient that differs, with both shapes or the error; else nothing.

    The error is the largest absolute difference over the largest entry, or over 1.
    """
    if set(found[1]) != set(expected[1]):
        return f"gradients {sorted(found[1])} instead of {sorted(expected[1])}"
    pairs = {"the value": (found[0], expected[0])}
    pairs |= {name: (found[1][name], expected[1][name]) for name in expected[1]}
    for name, (got, wanted) in pairs.items():
        a, b = np.asarray(got, float), np.asarray(wanted, float)
        if a.shape != b.shape:
            return f"{name} has shape {a.shape}, not {b.shape}"
        error = float(np.max(np.abs(a - b)) / max(1.0, float(np.max(np.abs(b)))))
        if not error <= TOLERANCE[dtype]:
            return f"{name} is off by {error:.1e}"
    return ""
