"""Losses of embeddings, and of distributions against each other."""

from __future__ import annotations

from typing import Any

import mathdl as md
from mathdl.catalogue.entry import Instance, entry
from mathdl.catalogue.losses.reduction import FAMILY, reduced
from mathdl.ir.tensor import Tensor


def _embedding(*names: str) -> list[Tensor]:
    n, d = md.dims("n d")
    return [md.tensor(name, n, d) for name in names]


def _label(assume: str) -> Tensor:
    return md.tensor("y", md.dims("n"), assume=assume)


@entry(
    FAMILY,
    law=r"\frac1N \sum_i y_i (\log y_i - \ell_i)",
    reference="Kullback and Leibler, On information and sufficiency, 1951; PyTorch, "
    "torch.nn.functional.kl_div",
    example=lambda loss: Instance(
        loss(*_embedding("log_p"),
             md.tensor("y", *md.dims("n d"), assume="probability_vector"), "batchmean"),
        ("y", "log_p"),
    ),
)
def kl_div(
    input: Any, target: Any, reduction: str = "mean", log_target: bool = False
) -> Tensor:
    """The divergence of log-probabilities ``input`` from the probabilities ``target``.

    A probability of 0 costs nothing.
    ``reduction`` may be ``"batchmean"`` too: the sum divided by the length of the first axis.
    """
    if log_target:
        values = md.exp(target) * (target - input)
    else:
        values = target * (md.log(md.where(target > 0, target, 1)) - input)
    if reduction == "batchmean":
        return md.sum(values) / input.shape[0]
    return reduced(values, reduction)


def cosine_similarity(a: Any, b: Any) -> Tensor:
    """``a.b/(|a| |b|)`` over the last axis."""
    return md.sum(a * b, axis=-1) / (md.norm2(a, axis=-1) * md.norm2(b, axis=-1))


@entry(
    FAMILY,
    law=r"\frac1n \sum_i \begin{cases} 1 - \cos(u_i, v_i) & y_i = 1 \\"
    r" \max(0, \cos(u_i, v_i) - m) & y_i = -1 \end{cases}",
    reference="PyTorch, torch.nn.functional.cosine_embedding_loss (without its epsilon)",
    example=lambda loss: Instance(
        loss(*_embedding("u", "v"), _label("sign_labels")), ("u",), smooth=False
    ),
)
def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: Any = 0, reduction: str = "mean"
) -> Tensor:
    """How far like pairs (1) are from parallel, and unlike ones (-1) within the margin."""
    cosine = cosine_similarity(input1, input2)
    return reduced(md.where(target > 0, 1 - cosine, md.relu(cosine - margin)), reduction)


@entry(
    FAMILY,
    law=r"\frac1n \sum_i \max\bigl(0, \|a_i - p_i + \epsilon\| - \|a_i - q_i + \epsilon\|"
    r" + m\bigr)",
    reference="Schroff, Kalenichenko and Philbin, FaceNet, 2015, section 3.1 (there with squares); "
    "PyTorch, torch.nn.functional.triplet_margin_loss",
    example=lambda loss: Instance(
        loss(*_embedding("a", "p", "q")), ("a", "q"), smooth=False
    ),
)
def triplet_margin_loss(
    anchor: Any, positive: Any, negative: Any, margin: Any = 1, eps: Any = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """By how much the negative is not farther than the positive and the margin.

    Distances are Euclidean.
    """
    near = md.norm2(anchor - positive + eps, axis=-1)
    far = md.norm2(anchor - negative + eps, axis=-1)
    return reduced(md.relu(near - far + margin), reduction)


@entry(
    FAMILY,
    law=r"\frac1n \sum_i \tfrac12 \bigl(y_i d_i^2 + (1 - y_i) \max(0, m - d_i)^2\bigr),"
    r"\quad d_i = \|u_i - v_i\|",
    reference="Hadsell, Chopra and LeCun, Dimensionality reduction by learning an invariant "
    "mapping, 2006, eq. 4 (there with Y = 1 - y)",
    example=lambda loss: Instance(
        loss(*_embedding("u", "v"), _label("binary")), ("u",), smooth=False
    ),
)
def contrastive_loss(
    input1: Any, input2: Any, target: Any, margin: Any = 1, reduction: str = "mean"
) -> Tensor:
    """Draws like pairs (1) together and pushes unlike ones (0) apart, up to the margin."""
    squared = md.sum((input1 - input2) ** 2, axis=-1)
    apart = md.relu(margin - md.sqrt(squared)) ** 2
    return reduced((target * squared + (1 - target) * apart) / 2, reduction)


@entry(
    FAMILY,
    law=r"-\frac1n \sum_i \log \frac{\exp(q_i \cdot k_i/\tau)}{\sum_j \exp(q_i \cdot k_j/\tau)}",
    reference="van den Oord, Li and Vinyals, Representation learning with contrastive predictive "
    "coding, 2018, eq. 4",
    example=lambda loss: Instance(
        loss(*_embedding("q", "k"), md.tensor("tau", assume="positive")), ("q", "k", "tau")
    ),
)
def info_nce(
    query: Any, key: Any, temperature: Any = 1, reduction: str = "mean"
) -> Tensor:
    """The cross-entropy of finding each query's own key among all; give unit vectors."""
    scores = query @ key.T / temperature
    return reduced(md.logsumexp(scores, axis=1) - md.diagonal(scores), reduction)
