"""Losses against PyTorch, with its options and reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special
from torch_agreement import Case, disagreement

import mathdl as md
from mathdl.catalogue import losses

torch: Any = pytest.importorskip("torch")
F = torch.nn.functional
RNG = np.random.default_rng(5)
A, B, C = RNG.normal(size=(3, 5, 4)) * 2
UNIT = special.softmax(RNG.normal(size=(5, 4)), axis=1)
LABELS = np.array([0, 3, 2, 3, 1])
WEIGHT = np.abs(RNG.normal(size=4))
MASK = np.array([1.0, 1.0, 0.0, 1.0, 0.0])
SIGNS = np.array([1.0, -1.0, 1.0, -1.0, -1.0])
BITS = RNG.integers(0, 2, size=(5, 4)).astype(float)
COUNTS = RNG.poisson(2, size=(5, 4)).astype(float)
LOG_P = special.log_softmax(A, axis=1)

Row = tuple[str, dict[str, Any], tuple[Any, ...], tuple[Any, ...]]
#: Name in both, options, arrays to differentiate by and others.
SAME: list[Row] = [
    ("mse_loss", {}, (A, B), ()),
    ("l1_loss", {}, (A, B), ()),
    ("l1_loss", {}, (A, A.copy()), ()),
    ("huber_loss", {}, (A, B), ()),
    ("huber_loss", {"delta": 2.5}, (A, B), ()),
    ("smooth_l1_loss", {}, (A, B), ()),
    ("smooth_l1_loss", {"beta": 0.3}, (A, B), ()),
    ("poisson_nll_loss", {}, (A,), (COUNTS,)),
    ("cross_entropy", {}, (A,), (LABELS,)),
    ("cross_entropy", {"label_smoothing": 0.2}, (A,), (LABELS,)),
    ("cross_entropy", {}, (A, UNIT), ()),
    ("cross_entropy", {"label_smoothing": 0.2}, (A,), (UNIT,)),
    ("nll_loss", {}, (LOG_P,), (LABELS,)),
    ("binary_cross_entropy_with_logits", {}, (A, UNIT), ()),
    ("soft_margin_loss", {}, (A[:, 0],), (SIGNS,)),
    ("multi_margin_loss", {}, (A,), (LABELS,)),
    ("multi_margin_loss", {"p": 2, "margin": 1.5}, (A,), (LABELS,)),
    ("kl_div", {}, (LOG_P, UNIT), ()),
    ("kl_div", {"log_target": True}, (LOG_P, np.log(UNIT)), ()),
    ("cosine_embedding_loss", {}, (A, B), (SIGNS,)),
    ("cosine_embedding_loss", {"margin": 0.2}, (A, B), (SIGNS,)),
    ("triplet_margin_loss", {}, (A, B, C), ()),
    ("triplet_margin_loss", {"margin": 0.1, "eps": 1e-3}, (A, B, C), ()),
]
Both = Callable[..., Any]
#: What is called in another way there: ours, theirs, arrays to differentiate by and others.
OTHER: dict[str, tuple[Both, Both, tuple[Any, ...], tuple[Any, ...]]] = {
    "weighted classes": (
        lambda z, y, w, **o: losses.cross_entropy(z, y, weight=w, **o),
        lambda z, y, w, **o: F.cross_entropy(z, y, w, **o), (A,), (LABELS, WEIGHT)),
    "weighted and smoothed": (
        lambda z, y, w, **o: losses.cross_entropy(z, y, weight=w, label_smoothing=0.1, **o),
        lambda z, y, w, **o: F.cross_entropy(z, y, w, label_smoothing=0.1, **o),
        (A,), (LABELS, WEIGHT)),
    "weighted probabilities": (
        lambda z, y, w, **o: losses.cross_entropy(z, y, weight=w, **o),
        lambda z, y, w, **o: F.cross_entropy(z, y, w, **o), (A,), (UNIT, WEIGHT)),
    "a class that is ignored": (
        lambda z, y, w, **o: losses.cross_entropy(z, y, weight=w, **o),
        lambda z, y, w, **o: F.cross_entropy(z, y, ignore_index=3, **o),
        (A,), (LABELS, np.array([1.0, 1, 1, 0]))),
    "an ignored index": (
        lambda z, y, **o: losses.cross_entropy(z, y, ignore_index=2, **o),
        lambda z, y, **o: F.cross_entropy(z, y, ignore_index=2, **o), (A,), (LABELS,)),
    "an ignored index, weighted and smoothed": (
        lambda z, y, w, **o: losses.cross_entropy(
            z, y, weight=w, ignore_index=2, label_smoothing=0.1, **o),
        lambda z, y, w, **o: F.cross_entropy(z, y, w, ignore_index=2, label_smoothing=0.1, **o),
        (A,), (LABELS, WEIGHT)),
    "masked rows": (
        lambda z, y, m, **o: losses.cross_entropy(z, y, mask=m, **o),
        lambda z, y, m, **o: F.cross_entropy(
            z, torch.where(m > 0, y, -100), **o), (A,), (LABELS, MASK)),
    "masked rows and an ignored index": (
        lambda z, y, m, **o: losses.nll_loss(z, y, mask=m, ignore_index=2, **o),
        lambda z, y, m, **o: F.nll_loss(
            z, torch.where(m > 0, y, 2), ignore_index=2, **o), (LOG_P,), (LABELS, MASK)),
    "weighted nll": (
        lambda z, y, w, **o: losses.nll_loss(z, y, weight=w, **o),
        lambda z, y, w, **o: F.nll_loss(z, y, w, **o), (LOG_P,), (LABELS, WEIGHT)),
    "pos_weight": (
        lambda z, y, w, **o: losses.binary_cross_entropy_with_logits(z, y, pos_weight=w, **o),
        lambda z, y, w, **o: F.binary_cross_entropy_with_logits(z, y, pos_weight=w, **o),
        (A,), (UNIT, WEIGHT)),
    "rates": (
        lambda r, y, **o: losses.poisson_nll_loss(r, y, log_input=False, **o),
        lambda r, y, **o: F.poisson_nll_loss(r, y, log_input=False, eps=0, **o),
        (UNIT,), (COUNTS,)),
    "hinge": (
        lambda z, y, **o: losses.hinge_loss(z, y, **o),
        lambda z, y, **o: reduced((1 - y * z).clamp(min=0), **o), (A[:, 0],), (SIGNS,)),
    "squared hinge": (
        lambda z, y, **o: losses.squared_hinge_loss(z, y, **o),
        lambda z, y, **o: reduced((1 - y * z).relu() ** 2, **o), (A[:, 0],), (SIGNS,)),
    "log cosh": (
        lambda a, b, **o: losses.log_cosh_loss(a, b, **o),
        lambda a, b, **o: reduced(torch.log(torch.cosh(a - b)), **o), (A, B), ()),
    "quantile": (
        lambda a, b, **o: losses.quantile_loss(a, b, 0.3, **o),
        lambda a, b, **o: reduced(torch.maximum(0.3 * (b - a), -0.7 * (b - a)), **o), (A, B), ()),
    "focal": (
        lambda z, y, **o: losses.sigmoid_focal_loss(z, y, 0.3, 1.5, **o),
        lambda z, y, **o: focal(z, y, 0.3, 1.5, **o), (A,), (BITS,)),
    "contrastive": (
        lambda a, b, y, **o: losses.contrastive_loss(a, b, y, 3, **o),
        lambda a, b, y, **o: contrastive(a, b, y, 3, **o), (A, B), (BITS[:, 0],)),
    "info_nce": (
        lambda q, k, **o: losses.info_nce(q, k, 0.5, **o),
        lambda q, k, **o: F.cross_entropy(q @ k.T / 0.5, torch.arange(5), **o), (A, B), ()),
}


REDUCTIONS = pytest.mark.parametrize("reduction", [
    "mean", pytest.param("sum", marks=pytest.mark.exhaustive),
    pytest.param("none", marks=pytest.mark.exhaustive),
])


def reduced(values: Any, reduction: str) -> Any:
    return {"none": values, "mean": values.mean(), "sum": values.sum()}[reduction]


def focal(z: Any, y: Any, alpha: float, gamma: float, reduction: str) -> Any:
    p = torch.sigmoid(z)
    missed = 1 - (p * y + (1 - p) * (1 - y))
    each = F.binary_cross_entropy_with_logits(z, y, reduction="none")
    return reduced((alpha * y + (1 - alpha) * (1 - y)) * missed**gamma * each, reduction)


def contrastive(a: Any, b: Any, y: Any, margin: float, reduction: str) -> Any:
    d = F.pairwise_distance(a, b, eps=0)
    return reduced((y * d**2 + (1 - y) * (margin - d).relu() ** 2) / 2, reduction)


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@REDUCTIONS
@pytest.mark.parametrize("row", SAME, ids=lambda row: f"{row[0]} {row[1]}")
def test_the_same_call(row: Row, reduction: str, rng: np.random.Generator) -> None:
    name, options, arrays, fixed = row
    both = {**options, "reduction": reduction}
    case = Case(name, lambda *a: getattr(losses, name)(*a, **both),
                lambda *a: getattr(F, name)(*a, **both), arrays, fixed)
    assert disagreement(case, torch, rng) == ""


@REDUCTIONS
@pytest.mark.parametrize("name", OTHER)
def test_another_call(name: str, reduction: str, rng: np.random.Generator) -> None:
    ours, theirs, arrays, fixed = OTHER[name]
    case = Case(name, lambda *a: ours(*a, reduction=reduction),
                lambda *a: theirs(*a, reduction=reduction), arrays, fixed)
    assert disagreement(case, torch, rng) == ""


def test_batchmean_and_dice(rng: np.random.Generator) -> None:
    case = Case("kl", lambda p, y: losses.kl_div(p, y, "batchmean"),
                lambda p, y: F.kl_div(p, y, reduction="batchmean"), (LOG_P, UNIT))
    assert disagreement(case, torch, rng) == ""
    dice = Case("dice", losses.dice_loss, lambda p, y: 1 - (2 * (p * y).sum() + 1) / (
        p.sum() + y.sum() + 1), (UNIT,), (BITS,))
    assert disagreement(dice, torch, rng) == ""


def test_every_loss_is_compared() -> None:
    """But for the plain sums of squares and absolute values, which are checked elsewhere."""
    compared = {row[0] for row in SAME} | {
        "hinge_loss", "squared_hinge_loss", "log_cosh_loss", "quantile_loss", "contrastive_loss",
        "sigmoid_focal_loss", "info_nce", "dice_loss",
    }
    plain = {"squared_error", "l1_penalty", "l2_penalty", "elastic_net"}
    assert compared | plain == set(losses.__all__)
    assert md.losses is losses
