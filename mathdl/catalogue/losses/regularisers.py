"""Regularisers: what large parameters cost."""

from __future__ import annotations

from typing import Any

import mathdl as md
from mathdl.catalogue.entry import Instance, entry
from mathdl.ir.tensor import Tensor

FAMILY = "regularisers"


def _weights() -> Tensor:
    return md.tensor("W", *md.dims("n d"))


@entry(
    FAMILY,
    law=r"\sum_i |w_i|",
    reference="Tibshirani, Regression shrinkage and selection via the lasso, Journal of the "
    "Royal Statistical Society B 58, 1996",
    example=lambda penalty: Instance(penalty(_weights()), ("W",), smooth=False),
)
def l1_penalty(w: Any) -> Tensor:
    """The sum of the absolute values: the lasso's."""
    return md.norm1(w)


@entry(
    FAMILY,
    law=r"\frac12 \sum_i w_i^2",
    reference="Goodfellow, Bengio and Courville, Deep Learning, section 7.1.1",
    example=lambda penalty: Instance(penalty(_weights()), ("W",)),
)
def l2_penalty(w: Any) -> Tensor:
    """Half the sum of the squares: weight decay, ridge."""
    return md.sum(w**2) / 2


@entry(
    FAMILY,
    law=r"\alpha \bigl(\rho \sum_i |w_i| + \tfrac{1 - \rho}{2} \sum_i w_i^2\bigr)",
    reference="Zou and Hastie, Regularization and variable selection via the elastic net, "
    "Journal of the Royal Statistical Society B 67, 2005; scikit-learn, ElasticNet",
    example=lambda penalty: Instance(
        penalty(_weights(), md.tensor("alpha", assume="positive"),
                md.tensor("rho", assume="unit_interval")),
        ("W",),
    ),
)
def elastic_net(w: Any, alpha: Any = 1, l1_ratio: Any = 0.5) -> Tensor:
    """The mixture of the two in proportion ``l1_ratio``, times ``alpha``."""
    return alpha * (l1_ratio * l1_penalty(w) + (1 - l1_ratio) * l2_penalty(w))
