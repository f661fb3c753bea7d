"""Losses against their definitions in NumPy, entry by entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from evaluated import applied, declared
from scipy import special

import mathdl as md

RNG = np.random.default_rng(7)
A, B = RNG.normal(size=(2, 5, 4)) * 2
UNIT = special.softmax(RNG.normal(size=(5, 4)), axis=1)
LABELS = np.array([0, 3, 2, 3, 1])
SIGNS = np.array([1.0, -1.0, 1.0, -1.0, -1.0])
BITS = np.array([[1.0, 0.0, 1.0, 0.0]] * 5)
ROWS = np.arange(5)
LOG_P = special.log_softmax(A, axis=1)


def cosines(a: Any, b: Any) -> Any:
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def margins(p: int, margin: float) -> Any:
    """Over the other classes, one at a time."""
    return np.array([
        sum(max(0.0, margin - row[y] + row[j]) ** p for j in range(4) if j != y) / 4
        for row, y in zip(A, LABELS, strict=True)
    ])


def quadratic_then_linear(delta: float) -> Any:
    r = np.abs(A - B)
    return np.where(r <= delta, r**2 / 2, delta * (r - delta / 2))


Case = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], Any]
CASES: dict[str, Case] = {
    "mse": (md.losses.mse_loss, (A, B), {}, (A - B) ** 2),
    "l1": (md.losses.l1_loss, (A, B), {}, np.abs(A - B)),
    "huber": (md.losses.huber_loss, (A, B), {}, special.huber(1, A - B)),
    "huber_wide": (md.losses.huber_loss, (A, B), {"delta": 2}, quadratic_then_linear(2)),
    "smooth_l1": (md.losses.smooth_l1_loss, (A, B), {"beta": 0.5}, special.huber(.5, A - B) / .5),
    "log_cosh": (md.losses.log_cosh_loss, (A, B), {}, np.log(np.cosh(A - B))),
    "quantile": (md.losses.quantile_loss, (A, B), {"q": 0.2},
                 np.where(B > A, 0.2 * (B - A), 0.8 * (A - B))),
    "poisson": (md.losses.poisson_nll_loss, (A, BITS), {}, np.exp(A) - BITS * A),
    "poisson_rate": (md.losses.poisson_nll_loss, (UNIT, BITS), {"log_input": False},
                     UNIT - BITS * np.log(UNIT)),
    "cross_entropy": (md.losses.cross_entropy, (A, LABELS), {}, -LOG_P[ROWS, LABELS]),
    "cross_entropy_soft": (md.losses.cross_entropy, (A, UNIT), {}, -(UNIT * LOG_P).sum(1)),
    "cross_entropy_smooth": (md.losses.cross_entropy, (A, LABELS), {"label_smoothing": 0.1},
                             -0.9 * LOG_P[ROWS, LABELS] - 0.1 * LOG_P.mean(1)),
    "nll": (md.losses.nll_loss, (LOG_P, LABELS), {}, -LOG_P[ROWS, LABELS]),
    "binary": (md.losses.binary_cross_entropy_with_logits, (A, UNIT), {},
               special.entr(UNIT) + special.entr(1 - UNIT)
               + special.rel_entr(UNIT, special.expit(A))
               + special.rel_entr(1 - UNIT, special.expit(-A))),
    "hinge": (md.losses.hinge_loss, (A[:, 0], SIGNS), {}, np.maximum(0, 1 - SIGNS * A[:, 0])),
    "squared_hinge": (md.losses.squared_hinge_loss, (A[:, 0], SIGNS), {},
                      np.maximum(0, 1 - SIGNS * A[:, 0]) ** 2),
    "soft_margin": (md.losses.soft_margin_loss, (A[:, 0], SIGNS), {},
                    -np.log(special.expit(SIGNS * A[:, 0]))),
    "multi_margin": (md.losses.multi_margin_loss, (A, LABELS), {}, margins(1, 1.0)),
    "multi_margin_2": (md.losses.multi_margin_loss, (A, LABELS), {"p": 2, "margin": 3},
                       margins(2, 3.0)),
    "focal": (md.losses.sigmoid_focal_loss, (A, BITS), {},
              -np.where(BITS == 1, 0.25, 0.75)
              * (1 - special.expit(A * (2 * BITS - 1))) ** 2
              * np.log(special.expit(A * (2 * BITS - 1)))),
    "kl": (md.losses.kl_div, (LOG_P, UNIT), {}, special.rel_entr(UNIT, np.exp(LOG_P))),
    "kl_of_logs": (md.losses.kl_div, (LOG_P, np.log(UNIT)), {"log_target": True},
                   special.rel_entr(UNIT, np.exp(LOG_P))),
    "cosine": (md.losses.cosine_embedding_loss, (A, B, SIGNS), {"margin": 0.1},
               np.where(SIGNS == 1, 1 - cosines(A, B), np.maximum(0, cosines(A, B) - 0.1))),
    "triplet": (md.losses.triplet_margin_loss, (A, B, UNIT), {},
                np.maximum(0, np.linalg.norm(A - B + 1e-6, axis=1)
                           - np.linalg.norm(A - UNIT + 1e-6, axis=1) + 1)),
    "contrastive": (md.losses.contrastive_loss, (A, B, (SIGNS + 1) / 2), {"margin": 4},
                    np.where(SIGNS == 1, ((A - B) ** 2).sum(1),
                             np.maximum(0, 4 - np.linalg.norm(A - B, axis=1)) ** 2) / 2),
    "info_nce": (md.losses.info_nce, (A, B), {"temperature": 0.5},
                 -np.diag(special.log_softmax(A @ B.T / 0.5, axis=1))),
}
REDUCED = {"none": lambda v: v, "mean": np.mean, "sum": np.sum}


@pytest.mark.parametrize("reduction", REDUCED)
@pytest.mark.parametrize("name", CASES)
def test_values(name: str, reduction: str) -> None:
    function, arrays, options, expected = CASES[name]
    named = dict(zip("abc", arrays, strict=False))
    found = applied(function, {**options, "reduction": reduction}, **named)
    np.testing.assert_allclose(found, REDUCED[reduction](expected), rtol=1e-12, atol=1e-14)


def test_the_others() -> None:
    expected = 1 - (2 * (UNIT * BITS).sum() + 1) / (UNIT.sum() + BITS.sum() + 1)
    assert applied(md.losses.dice_loss, a=UNIT, b=BITS) == pytest.approx(expected, rel=1e-13)
    batch = applied(md.losses.kl_div, {"reduction": "batchmean"}, a=LOG_P, b=UNIT)
    assert batch == pytest.approx(special.rel_entr(UNIT, np.exp(LOG_P)).sum() / 5)
    assert applied(md.losses.l1_penalty, a=A) == pytest.approx(np.abs(A).sum())
    assert applied(md.losses.l2_penalty, a=A) == pytest.approx((A**2).sum() / 2)
    elastic = applied(md.losses.elastic_net, {"alpha": 3, "l1_ratio": 0.25}, a=A)
    assert elastic == pytest.approx(0.75 * np.abs(A).sum() + 3 * 0.75 / 2 * (A**2).sum())


def test_a_probability_of_zero_costs_nothing() -> None:
    certain = np.eye(4)[LABELS]
    found = applied(md.losses.kl_div, {"reduction": "none"}, a=LOG_P, b=certain)
    np.testing.assert_allclose(found, np.where(certain == 1, -LOG_P, 0), atol=1e-15)


def test_what_is_refused() -> None:
    a, y = declared({"a": A, "y": LABELS}).values()
    with pytest.raises(md.NamingError, match="mean, sum, none"):
        md.losses.mse_loss(a, a, reduction="average")
    with pytest.raises(md.ShapeError, match="class numbers"):
        md.losses.cross_entropy(a.T, y)
    with pytest.raises(md.UnsupportedError, match=r"-100 is no class number.* mask"):
        md.losses.nll_loss(a, y, ignore_index=-100)
    with pytest.raises(md.UnsupportedError, match="not for probabilities"):
        md.losses.cross_entropy(a, a, ignore_index=0)


def test_probabilities_are_masked_by_rows() -> None:
    mask = np.arange(len(A)) % 2 * 1.0
    z, y, m = declared({"z": A, "y": UNIT, "m": mask}).values()
    found = md.compile(md.losses.cross_entropy(z, y, mask=m))(z=A, y=UNIT, m=mask)
    assert found == pytest.approx(-(UNIT * LOG_P).sum(1)[mask > 0].mean())


def test_gradients_read_as_in_the_books() -> None:
    n, c = md.dims("n c")
    z, y = md.tensor("z", n, c), md.tensor("y", n, assume="integer")
    derived = md.derive(md.losses.cross_entropy(z, y), "z")
    assert derived.text() == "dL/dz = (softmax(z) - eye(c)[y])/n"
