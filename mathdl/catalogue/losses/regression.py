"""Losses of real-valued predictions."""

from __future__ import annotations

from typing import Any

import mathdl as md
from mathdl.catalogue.entry import Instance, entry
from mathdl.catalogue.losses.reduction import FAMILY, reduced
from mathdl.ir.tensor import Tensor


def _pair(*assume: str) -> tuple[Tensor, Tensor]:
    n, d = md.dims("n d")
    return md.tensor("y_hat", n, d), md.tensor("y", n, d, assume=assume)


@entry(
    FAMILY,
    law=r"\frac1n \sum_{i,j} (\hat y_{ij} - y_{ij})^2",
    reference="Goodfellow, Bengio and Courville, Deep Learning, eq. 5.4",
    example=lambda loss: Instance(loss(*_pair()), ("y_hat",)),
)
def squared_error(prediction: Any, target: Any) -> Tensor:
    """The squared error, summed over all but the first axis and averaged over that."""
    return md.sum((prediction - target) ** 2) / prediction.shape[0]


@entry(
    FAMILY,
    law=r"\frac1N \sum_{i} (\hat y_i - y_i)^2",
    reference="PyTorch, torch.nn.functional.mse_loss",
    example=lambda loss: Instance(loss(*_pair()), ("y_hat",)),
)
def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """The squared error, averaged over all entries."""
    return reduced((input - target) ** 2, reduction)


@entry(
    FAMILY,
    law=r"\frac1N \sum_{i} |\hat y_i - y_i|",
    reference="PyTorch, torch.nn.functional.l1_loss",
    example=lambda loss: Instance(loss(*_pair()), ("y_hat",), smooth=False),
)
def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """The absolute error, averaged over all entries; its subgradient at 0 is 0."""
    return reduced(md.abs(input - target), reduction)


@entry(
    FAMILY,
    law=r"\frac1N \sum_i \begin{cases} \frac12 r_i^2 & |r_i| \le \delta \\"
    r" \delta (|r_i| - \frac12 \delta) & \text{otherwise} \end{cases},\quad r = \hat y - y",
    reference="Huber, Robust estimation of a location parameter, Annals of Mathematical "
    "Statistics 35, 1964; PyTorch, torch.nn.functional.huber_loss",
    example=lambda loss: Instance(loss(*_pair()), ("y_hat",)),
)
def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: Any = 1) -> Tensor:
    """Quadratic for errors up to ``delta``, linear beyond."""
    error = input - target
    size = md.abs(error)
    return reduced(md.where(size <= delta, error**2 / 2, delta * (size - delta / 2)), reduction)


@entry(
    FAMILY,
    law=r"\frac1N \sum_i \begin{cases} r_i^2/(2\beta) & |r_i| < \beta \\"
    r" |r_i| - \frac12 \beta & \text{otherwise} \end{cases},\quad r = \hat y - y",
    reference="Girshick, Fast R-CNN, 2015, eq. 3; PyTorch, torch.nn.functional.smooth_l1_loss",
    example=lambda loss: Instance(loss(*_pair()), ("y_hat",)),
)
def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: Any = 1) -> Tensor:
    """The Huber loss divided by ``beta``: its slope is 1 beyond."""
    return reduced(huber_loss(input, target, "none", beta) / beta, reduction)


@entry(
    FAMILY,
    law=r"\frac1N \sum_{i} \log \cosh(\hat y_i - y_i)",
    reference="Green, Bayesian reconstructions from emission tomography data using a modified "
    "EM algorithm, IEEE Transactions on Medical Imaging 9, 1990",
    example=lambda loss: Instance(loss(*_pair()), ("y_hat",)),
)
def log_cosh_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """The logarithm of the hyperbolic cosine of the error: its gradient is the tanh."""
    return reduced(md.log(md.cosh(input - target)), reduction)


@entry(
    FAMILY,
    law=r"\frac1N \sum_{i} \max\bigl(q (y_i - \hat y_i), (q - 1)(y_i - \hat y_i)\bigr)",
    reference="Koenker and Bassett, Regression quantiles, Econometrica 46, 1978",
    example=lambda loss: Instance(
        loss(*_pair(), md.tensor("q", assume="unit_interval")), ("y_hat", "q"), smooth=False
    ),
)
def quantile_loss(input: Any, target: Any, q: Any, reduction: str = "mean") -> Tensor:
    """The pinball loss, of which the ``q`` quantile is the minimiser."""
    missing = target - input
    return reduced(md.maximum(q * missing, (q - 1) * missing), reduction)


@entry(
    FAMILY,
    law=r"\frac1N \sum_{i} \bigl(e^{s_i} - y_i s_i\bigr)",
    reference="PyTorch, torch.nn.functional.poisson_nll_loss",
    example=lambda loss: Instance(loss(*_pair("counts")), ("y_hat",)),
)
def poisson_nll_loss(
    input: Any, target: Any, log_input: bool = True, reduction: str = "mean"
) -> Tensor:
    """The Poisson likelihood's negative logarithm, less what the rate does not change.

    ``input`` is the logarithm of the rate, or the rate unless ``log_input``, to which PyTorch
    adds 1e-8.
    """
    values = md.exp(input) - target * input if log_input else input - target * md.log(input)
    return reduced(values, reduction)
