"""Update rules against the formulas of their papers, one scalar step at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from mathdl.errors import NamingError
from mathdl.train.optimizers import OPTIMIZERS, cosine_decay, optimizer_named

GRADIENTS = [0.5, -1.25, 3.0, 0.0, -0.125]
RATE = 0.1


def sgd(theta: float) -> float:
    for g in GRADIENTS:
        theta = theta - RATE * g
    return theta


def momentum(theta: float) -> float:
    v = 0.0
    for g in GRADIENTS:
        v = 0.9 * v + g
        theta = theta - RATE * v
    return theta


def adam(theta: float) -> float:
    """Kingma and Ba, algorithm 1, line by line."""
    m = v = 0.0
    for t, g in enumerate(GRADIENTS, start=1):
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.999 * v + (1 - 0.999) * g**2
        m_hat = m / (1 - 0.9**t)
        v_hat = v / (1 - 0.999**t)
        theta = theta - RATE * m_hat / (math.sqrt(v_hat) + 1e-8)
    return theta


REFERENCES = {"sgd": sgd, "momentum": momentum, "adam": adam}


def test_every_optimizer_has_a_reference() -> None:
    assert set(REFERENCES) == set(OPTIMIZERS)


@pytest.mark.parametrize(("name", "reference"), REFERENCES.items())
def test_follows_its_formula(name: str, reference: Callable[[float], float]) -> None:
    theta = np.array([2.0, -1.0, 0.0])
    expected = [reference(start) for start in theta]
    rule = OPTIMIZERS[name].rule(theta)
    for g in GRADIENTS:
        rule.step(theta, np.full(3, g), RATE)
    np.testing.assert_allclose(theta, expected, rtol=1e-14)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_in_place_and_leaves_the_gradient_alone(name: str) -> None:
    theta, g = np.ones(4), np.arange(4.0)
    before, gradient = theta, g.copy()
    OPTIMIZERS[name].rule(theta).step(theta, g, 0.1)
    assert before is theta
    np.testing.assert_array_equal(g, gradient)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_keeps_single_precision(name: str) -> None:
    theta = np.ones(4, dtype=np.float32)
    OPTIMIZERS[name].rule(theta).step(theta, np.ones(4, dtype=np.float32), 0.1)
    assert theta.dtype == np.float32


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_finds_the_minimum_of_a_quadratic(name: str) -> None:
    theta = np.array([3.0, -2.0])
    rule = OPTIMIZERS[name].rule(theta)
    for k in range(600):
        rule.step(theta, 2 * (theta - [1.0, 0.5]), cosine_decay(0.05, k / 600))
    np.testing.assert_allclose(theta, [1.0, 0.5], atol=1e-3)


def test_cosine_decay_falls_from_the_rate_to_zero() -> None:
    assert cosine_decay(0.2, 0.0) == 0.2
    assert cosine_decay(0.2, 0.5) == pytest.approx(0.1)
    assert cosine_decay(0.2, 1.0) == pytest.approx(0.0)


def test_an_unknown_optimizer_is_refused_with_the_list() -> None:
    with pytest.raises(NamingError, match=r"no optimizer 'adma'; there are adam, sgd, momentum"):
        optimizer_named("adma")
