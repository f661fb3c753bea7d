"""The meaning of equations that the proof checker has, at arrays and dims given by name.

It is apart from all that derives and generates: only the representation is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mathdl.ir.dim import dim_symbol
from mathdl.ir.system import with_steps
from mathdl.ir.tensor import Tensor
from mathdl.proof.evaluate import Evaluator


def evaluate(
    outputs: Sequence[Tensor], arrays: Mapping[str, Any], dims: Mapping[str, int]
) -> list[np.ndarray]:
    """The values of tensors at inputs and dims given by name."""
    sizes = {dim_symbol(name): size for name, size in dims.items()}
    at = Evaluator(lambda t: np.asarray(arrays[t.name or ""], dtype=float), sizes)
    for requirement in (r for t in with_steps(outputs) for r in t.requires):
        assert at.size(requirement.expr) >= 0, f"needed: {requirement.reason}"
    found = [at.value(t) for t in outputs]
    for tensor, value in at.known.items():
        assert value.shape == at.shape(tensor), f"shape {value.shape}, declared {tensor.shape}"
    return found
