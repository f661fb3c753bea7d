"""From the loss of every entry to the loss of all."""

from __future__ import annotations

from typing import Any

import mathdl as md
from mathdl.ir.tensor import Tensor

FAMILY = "losses"

REDUCTIONS = {"mean": md.mean, "sum": md.sum, "none": lambda values: values}


def reduced(values: Tensor, reduction: str) -> Tensor:
    """The mean or the sum of the values, or the values.

    Raises:
        NamingError: there is no reduction of that name.
    """
    if reduction not in REDUCTIONS:
        raise md.NamingError(f"unknown reduction {reduction!r}; there are: {', '.join(REDUCTIONS)}")
    found: Any = REDUCTIONS[reduction]
    return found(values)
