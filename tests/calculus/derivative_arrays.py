"""Random arrays for the tests of derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

DIMS = {"n": 4, "m": 3, "d": 2, "k": 5}


def arrays_of(shapes: dict[str, str], seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in shapes.items():
        size = [DIMS[t] if t in DIMS else int(t) for t in shape.split()]
        found[name] = np.asarray(rng.integers(0, 3, size) if name == "ids" else
                                 rng.normal(size=size))
    return found
