"""Losses and regularisers.

They are named and called as in PyTorch where it has them.  ``reduction`` is ``"mean"``,
``"sum"`` or ``"none"``; classes are on the last axis.
"""

from mathdl.catalogue.losses.classification import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    dice_loss,
    hinge_loss,
    multi_margin_loss,
    nll_loss,
    sigmoid_focal_loss,
    soft_margin_loss,
    squared_hinge_loss,
)
from mathdl.catalogue.losses.regression import (
    huber_loss,
    l1_loss,
    log_cosh_loss,
    mse_loss,
    poisson_nll_loss,
    quantile_loss,
    smooth_l1_loss,
    squared_error,
)
from mathdl.catalogue.losses.regularisers import elastic_net, l1_penalty, l2_penalty
from mathdl.catalogue.losses.similarity import (
    contrastive_loss,
    cosine_embedding_loss,
    info_nce,
    kl_div,
    triplet_margin_loss,
)

__all__ = [
    "binary_cross_entropy_with_logits",
    "contrastive_loss",
    "cosine_embedding_loss",
    "cross_entropy",
    "dice_loss",
    "elastic_net",
    "hinge_loss",
    "huber_loss",
    "info_nce",
    "kl_div",
    "l1_loss",
    "l1_penalty",
    "l2_penalty",
    "log_cosh_loss",
    "mse_loss",
    "multi_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "quantile_loss",
    "sigmoid_focal_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "squared_error",
    "squared_hinge_loss",
    "triplet_margin_loss",
]
