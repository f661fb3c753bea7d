"""Losses of scores of classes."""

from __future__ import annotations

from math import prod
from typing import Any

import mathdl as md
from mathdl.catalogue.entry import Instance, entry
from mathdl.catalogue.losses.reduction import FAMILY, reduced
from mathdl.ir.dim import show_shape
from mathdl.ir.tensor import Tensor


def of_classes(values: Tensor, target: Tensor) -> Tensor:
    """Of every row the value at its class: ``values[i, target[i]]``.

    Raises:
        ShapeError: the values are no matrix with a class for every row, and no vector with one.
    """
    if values.shape[:-1] != target.shape or values.ndim not in (1, 2):
        raise md.ShapeError(
            f"class numbers of shape {show_shape(target.shape)} do not fit scores of shape "
            f"{show_shape(values.shape)}; they are (n,) and (n, c)"
        )
    return values[target] if values.ndim == 1 else md.diagonal(values[:, target])


def _hard() -> tuple[Tensor, Tensor]:
    n, c = md.dims("n c")
    return md.tensor("z", n, c), md.tensor("y", n, assume="integer")


def _soft() -> tuple[Tensor, Tensor]:
    n, c = md.dims("n c")
    return md.tensor("z", n, c), md.tensor("y", n, c, assume="probability_vector")


def _two(*assume: str) -> tuple[Tensor, Tensor]:
    n = md.dims("n")
    return md.tensor("z", n), md.tensor("y", n, assume=assume)


@entry(
    FAMILY, name="cross_entropy_smoothed",
    law=r"-\frac1n \sum_i \Bigl((1 - \epsilon) \log p_{i y_i}"
    r" + \frac{\epsilon}{c} \sum_j \log p_{ij}\Bigr),\quad p_i = \operatorname{softmax}(z_i)",
    reference="Szegedy et al., Rethinking the Inception architecture, 2016, section 7; PyTorch, "
    "torch.nn.functional.cross_entropy",
    example=lambda loss: Instance(
        loss(*_hard(), label_smoothing=md.tensor("epsilon", assume="unit_interval")), ("z",)
    ),
)
@entry(
    FAMILY, name="cross_entropy_soft",
    law=r"-\frac1n \sum_{i,j} y_{ij} \log \operatorname{softmax}(z_i)_j",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 4.108; PyTorch, "
    "torch.nn.functional.cross_entropy",
    example=lambda loss: Instance(loss(*_soft()), ("z", "y")),
)
@entry(
    FAMILY,
    law=r"-\frac1n \sum_i \log \operatorname{softmax}(z_i)_{y_i}",
    reference="Goodfellow, Bengio and Courville, Deep Learning, eq. 6.30; PyTorch, "
    "torch.nn.functional.cross_entropy",
    example=lambda loss: Instance(loss(*_hard()), ("z",)),
)
def cross_entropy(
    input: Any, target: Any, reduction: str = "mean", label_smoothing: Any = 0,
    weight: Any = None, ignore_index: int | None = None, mask: Any = None,
) -> Tensor:
    """The cross-entropy of logits with class numbers, or with probabilities of their shape.

    ``weight`` has one for each class; the mean over class numbers is weighted by theirs.  Rows of
    the class ``ignore_index``, a number from 0, and rows where ``mask`` is 0 do not count.

    Raises:
        UnsupportedError: ``ignore_index`` is no class number, or the classes are probabilities.
    """
    scores = md.log_softmax(input)
    scores = scores if weight is None else weight * scores
    hard = target.shape != input.shape
    own = of_classes(scores, target) if hard else md.sum(target * scores, axis=-1)
    smoothed = (1 - label_smoothing) * own + label_smoothing * md.mean(scores, axis=-1)
    counted = _counted(target if hard else None, ignore_index, mask)
    return _weighted(-smoothed, reduction, weight, target if hard else None, counted)


def _counted(target: Any, ignore_index: int | None, mask: Any) -> Any:
    """1 for each row that counts, 0 for the others; None where all do."""
    if ignore_index is None:
        return mask
    if target is None:
        raise md.UnsupportedError("ignore_index is for class numbers, not for probabilities; "
                                  "give a mask of the rows")
    if ignore_index < 0:
        raise md.UnsupportedError(f"ignore_index={ignore_index} is no class number, and labels "
                                  "are read as such; give a mask of the rows")
    own = md.where(md.abs(target - ignore_index) > 0, 1, 0)
    return own if mask is None else mask * own


def _weighted(values: Tensor, reduction: str, weight: Any, target: Any, counted: Any) -> Tensor:
    """Values that have the weights of their classes; a mean is divided by the sum of these.

    Rows that do not count have no part in either.
    """
    if counted is not None:
        values = md.where(counted > 0, values, 0)
    shares = [] if weight is None or target is None else [weight[target]]
    shares += [] if counted is None else [counted]
    if not shares or reduction != "mean":
        return reduced(values, reduction)
    return md.sum(values) / md.sum(prod(shares[1:], start=shares[0]))


@entry(
    FAMILY,
    law=r"-\frac1n \sum_i \ell_{i y_i}",
    reference="PyTorch, torch.nn.functional.nll_loss",
    example=lambda loss: Instance(loss(*_hard()), ("z",), smooth=False),
)
def nll_loss(
    input: Any, target: Any, reduction: str = "mean", weight: Any = None,
    ignore_index: int | None = None, mask: Any = None,
) -> Tensor:
    """The negative of the given log-probability of every row's class.

    Weights, and rows that do not count, as in :func:`cross_entropy`.
    """
    scores = input if weight is None else weight * input
    counted = _counted(target, ignore_index, mask)
    return _weighted(-of_classes(scores, target), reduction, weight, target, counted)


@entry(
    FAMILY,
    law=r"\frac1N \sum_i \bigl(\log(1 + e^{z_i}) - y_i z_i\bigr)",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 4.90; PyTorch, "
    "torch.nn.functional.binary_cross_entropy_with_logits",
    example=lambda loss: Instance(loss(*_two("unit_interval")), ("z", "y")),
)
def binary_cross_entropy_with_logits(
    input: Any, target: Any, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """The cross-entropy of logits of one of two classes with its probability.

    ``pos_weight`` multiplies what the probability of the first costs.
    """
    if pos_weight is None:
        return reduced(md.softplus(input) - target * input, reduction)
    positive = pos_weight * target * md.softplus(-input)
    return reduced(positive + (1 - target) * md.softplus(input), reduction)


@entry(
    FAMILY,
    law=r"\frac1N \sum_i \max(0, 1 - y_i z_i)",
    reference="Cortes and Vapnik, Support-vector networks, Machine Learning 20, 1995",
    example=lambda loss: Instance(loss(*_two("sign_labels")), ("z",), smooth=False),
)
def hinge_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """What misses a margin of 1 on the side of the label, which is -1 or 1."""
    return reduced(md.relu(1 - target * input), reduction)


@entry(
    FAMILY,
    law=r"\frac1N \sum_i \max(0, 1 - y_i z_i)^2",
    reference="Murphy, Probabilistic Machine Learning: An Introduction, section 17.3",
    example=lambda loss: Instance(loss(*_two("sign_labels")), ("z",)),
)
def squared_hinge_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """The square of what misses a margin of 1: differentiable."""
    return reduced(md.relu(1 - target * input) ** 2, reduction)


@entry(
    FAMILY,
    law=r"\frac1N \sum_i \log(1 + e^{-y_i z_i})",
    reference="PyTorch, torch.nn.functional.soft_margin_loss",
    example=lambda loss: Instance(loss(*_two("sign_labels")), ("z",)),
)
def soft_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """The logistic loss of labels that are -1 or 1."""
    return reduced(md.softplus(-target * input), reduction)


@entry(
    FAMILY,
    law=r"\frac1n \sum_i \frac1c \sum_{j \ne y_i} \max(0, m - z_{i y_i} + z_{ij})^p",
    reference="Crammer and Singer, On the algorithmic implementation of multiclass kernel-based "
    "vector machines, 2001; PyTorch, torch.nn.functional.multi_margin_loss",
    example=lambda loss: Instance(loss(*_hard()), ("z",), smooth=False),
)
def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: Any = 1, reduction: str = "mean"
) -> Tensor:
    """The multi-class hinge: by how much each other class comes within the margin."""
    within = md.relu(margin - of_classes(input, target)[..., None] + input) ** p
    others = md.sum(within, axis=-1) - md.relu(margin) ** p
    return reduced(others / input.shape[-1], reduction)


@entry(
    FAMILY,
    law=r"-\frac1N \sum_i \alpha_i (1 - p_i)^\gamma \log p_i,\quad"
    r" p_i = \sigma((2 y_i - 1) z_i),\ \alpha_i = \alpha y_i + (1 - \alpha)(1 - y_i)",
    reference="Lin et al., Focal loss for dense object detection, 2017, eq. 5; "
    "torchvision.ops.sigmoid_focal_loss",
    example=lambda loss: Instance(loss(*_two("binary"), reduction="mean"), ("z",)),
)
def sigmoid_focal_loss(
    inputs: Any, targets: Any, alpha: Any = 0.25, gamma: Any = 2, reduction: str = "none"
) -> Tensor:
    """Binary cross-entropy of labels 0 and 1 that counts less what is well predicted."""
    against = (1 - 2 * targets) * inputs
    weight = alpha * targets + (1 - alpha) * (1 - targets)
    return reduced(weight * md.sigmoid(against) ** gamma * md.softplus(against), reduction)


@entry(
    FAMILY,
    law=r"1 - \frac{2 \sum_i p_i y_i + s}{\sum_i p_i + \sum_i y_i + s}",
    reference="Milletari, Navab and Ahmadi, V-Net, 2016, section 3 (with the sums of the "
    "entries, as Sudre et al., Generalised Dice overlap, 2017, eq. 1)",
    example=lambda loss: Instance(
        loss(md.tensor("p", md.dims("n"), assume="unit_interval"),
             md.tensor("y", md.dims("n"), assume="binary")),
        ("p",),
    ),
)
def dice_loss(input: Any, target: Any, smooth: Any = 1) -> Tensor:
    """One less the overlap of probabilities and labels relative to their sizes."""
    overlap = 2 * md.sum(input * target) + smooth
    return 1 - overlap / (md.sum(input) + md.sum(target) + smooth)
