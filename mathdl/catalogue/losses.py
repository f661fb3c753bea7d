"""Losses and regularisers: scalars of predictions and targets, means over the first axis."""

from __future__ import annotations

from typing import Any

import mathdl as md
from mathdl.catalogue.entry import Instance, entry
from mathdl.ir.tensor import Tensor

FAMILY = "losses"


def _regression() -> tuple[Tensor, Tensor]:
    n, d = md.dims("n d")
    return md.tensor("prediction", n, d), md.tensor("target", n, d)


@entry(
    FAMILY,
    law=r"\frac1n \sum_{i,j} (\hat y_{ij} - y_{ij})^2",
    reference="Goodfellow, Bengio and Courville, Deep Learning, eq. 5.4",
    example=lambda loss: Instance(loss(*_regression()), ("prediction",)),
)
def squared_error(prediction: Any, target: Any) -> Tensor:
    """The squared error, summed over all but the first axis and averaged over that."""
    return md.sum((prediction - target) ** 2) / prediction.shape[0]
