"""Update rules against the formulas of their papers, one scalar step at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from mathdl.errors import InputError, MathDLError, NamingError
from mathdl.train.optimizers import LIMITS, OPTIMIZERS, cosine_decay, optimizer_named

GRADIENTS = [0.5, -1.25, 3.0, 0.0, -0.125]
RATE = 0.1
EPS = 1e-8


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


def nesterov(theta: float) -> float:
    """In PyTorch's form, where the iterate is the point ahead."""
    v = 0.0
    for g in GRADIENTS:
        v = 0.9 * v + g
        theta = theta - RATE * (g + 0.9 * v)
    return theta


def adagrad(theta: float) -> float:
    v = 0.0
    for g in GRADIENTS:
        v = v + g**2
        theta = theta - RATE * g / (math.sqrt(v) + EPS)
    return theta


def rmsprop(theta: float) -> float:
    v = 0.0
    for g in GRADIENTS:
        v = 0.99 * v + (1 - 0.99) * g**2
        theta = theta - RATE * g / (math.sqrt(v) + EPS)
    return theta


def adam(theta: float, decay: float = 0.0) -> float:
    """Kingma and Ba, algorithm 1, line by line."""
    m = v = 0.0
    for t, g in enumerate(GRADIENTS, start=1):
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.999 * v + (1 - 0.999) * g**2
        m_hat = m / (1 - 0.9**t)
        v_hat = v / (1 - 0.999**t)
        theta = theta - RATE * (m_hat / (math.sqrt(v_hat) + EPS) + decay * theta)
    return theta


def adamw(theta: float) -> float:
    return adam(theta, 0.01)


def ista(theta: float) -> float:
    for g in GRADIENTS:
        z = theta - RATE * g
        theta = math.copysign(max(abs(z) - RATE * 1e-4, 0), z)
    return theta


def box(theta: float) -> float:
    for g in GRADIENTS:
        theta = min(max(theta - RATE * g, -1.0), 1.0)
    return theta


REFERENCES = {
    f.__name__: f
    for f in (sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw, ista, box)
}


#: Those that read the gradient alone; the others are in ``test_curved``.
GRADIENT = [name for name, one in OPTIMIZERS.items() if one.rule(np.zeros(2)).needs == ("g",)]
FREE = [name for name in GRADIENT if not OPTIMIZERS[name].domain]


def test_every_optimizer_has_a_reference() -> None:
    assert set(REFERENCES) | {"ball", "mirror", "exponentiated"} == set(GRADIENT)


def test_exponents_of_the_gradient(rng: np.random.Generator) -> None:
    """Kivinen and Warmuth's rules, without and with the sum of the weights kept."""
    start = rng.dirichlet(np.ones(5))
    gradients = rng.normal(size=(4, 5))
    product = start * np.exp(-RATE * gradients.sum(axis=0))
    for name, expected in (("exponentiated", product), ("mirror", product / product.sum())):
        theta = start.copy()
        rule = OPTIMIZERS[name].rule(theta)
        for g in gradients:
            rule.step(theta, RATE, g=g)
        np.testing.assert_allclose(theta, expected, rtol=1e-13)


def test_mirror_descent_finds_the_nearest_point_of_the_simplex() -> None:
    target = np.array([0.9, 0.5, -0.2])
    theta = np.full(3, 1 / 3)
    rule = OPTIMIZERS["mirror"].rule(theta)
    for _ in range(3000):
        rule.step(theta, 0.3, g=theta - target)
    np.testing.assert_allclose(theta, [0.7, 0.3, 0.0], atol=1e-9)


def test_the_ball_is_not_left() -> None:
    theta = np.array([3.0, 4.0])
    rule = OPTIMIZERS["ball"].rule(theta)
    rule.step(theta, RATE, g=np.array([-300.0, -400.0]))
    np.testing.assert_allclose(theta, 20 * np.array([0.6, 0.8]), rtol=1e-14)
    rule.step(theta, RATE, g=np.array([30.0, 40.0]))
    np.testing.assert_allclose(theta, 15 * np.array([0.6, 0.8]), rtol=1e-14)


@pytest.mark.parametrize(("name", "reference"), REFERENCES.items())
def test_follows_its_formula(name: str, reference: Callable[[float], float]) -> None:
    theta = np.array([2.0, -1.0, 0.0])
    expected = [reference(start) for start in theta]
    rule = OPTIMIZERS[name].rule(theta)
    for g in GRADIENTS:
        rule.step(theta, RATE, g=np.full(3, g))
    np.testing.assert_allclose(theta, expected, rtol=1e-14)


@pytest.mark.parametrize("name", GRADIENT)
def test_updates_in_place_and_leaves_the_gradient_alone(name: str) -> None:
    theta, g = np.ones(4), np.arange(4.0)
    before, gradient = theta, g.copy()
    OPTIMIZERS[name].rule(theta).step(theta, 0.1, g=g)
    assert before is theta
    np.testing.assert_array_equal(g, gradient)


@pytest.mark.parametrize("name", GRADIENT)
def test_keeps_single_precision(name: str) -> None:
    theta = np.ones(4, dtype=np.float32)
    OPTIMIZERS[name].rule(theta).step(theta, 0.1, g=np.ones(4, dtype=np.float32))
    assert theta.dtype == np.float32


@pytest.mark.parametrize("name", FREE)
def test_finds_the_minimum_of_a_quadratic(name: str) -> None:
    theta = np.array([3.0, -2.0])
    rule = OPTIMIZERS[name].rule(theta)
    for k in range(600):
        rate = 1.0 if name == "adagrad" else 0.05
        rule.step(theta, cosine_decay(rate, k / 600), g=2 * (theta - [1.0, 0.5]))
    atol = 1e-2 if name == "adamw" else 1e-3  # what decay leaves of the way
    np.testing.assert_allclose(theta, [1.0, 0.5], atol=atol)


def test_an_interrupted_rule_goes_on_from_its_states() -> None:
    whole, first = OPTIMIZERS["adam"].rule(np.zeros(2)), OPTIMIZERS["adam"].rule(np.zeros(2))
    a, b = np.ones(2), np.ones(2)
    gradients = [np.array([g, -2 * g]) for g in GRADIENTS]
    for g in gradients:
        whole.step(a, RATE, g=g)
    for g in gradients[:2]:
        first.step(b, RATE, g=g)
    second = OPTIMIZERS["adam"].rule(b)
    second.restore({k: s.copy() for k, s in first.states.items()}, first.steps)
    for g in gradients[2:]:
        second.step(b, RATE, g=g)
    np.testing.assert_array_equal(a, b)


def test_cosine_decay_falls_from_the_rate_to_zero() -> None:
    assert cosine_decay(0.2, 0.0) == 0.2
    assert cosine_decay(0.2, 0.5) == pytest.approx(0.1)
    assert cosine_decay(0.2, 1.0) == pytest.approx(0.0)


def test_an_unknown_optimizer_is_refused_with_the_list() -> None:
    with pytest.raises(NamingError, match=r"no optimizer 'adma'; there are adam, sgd, momentum, "):
        optimizer_named("adma")


def steps(name: str, *constants: str) -> float:
    rule = OPTIMIZERS[name].with_constants(constants).rule(np.zeros(1))
    theta = np.array([2.0])
    for g in GRADIENTS:
        rule.step(theta, RATE, g=np.array([g]))
    return float(theta[0])


def test_constants_that_are_chosen() -> None:
    """Without memory momentum is gradient descent, and Adam's step the sign of the gradient."""
    assert steps("momentum", "beta=0") == pytest.approx(sgd(2.0), rel=1e-14)
    assert steps("momentum") == pytest.approx(momentum(2.0), rel=1e-14)
    signs = sum(np.sign(GRADIENTS))
    assert steps("adam", "beta1=0", " beta2 = 0") == pytest.approx(2.0 - RATE * signs, rel=1e-6)


def test_every_constant_has_limits_and_is_within_them() -> None:
    for optimizer in OPTIMIZERS.values():
        assert set(optimizer.constants) <= set(LIMITS)
        texts = [f"{name}={value!r}" for name, value in optimizer.constants.items()]
        assert optimizer.with_constants(texts) == optimizer


@pytest.mark.parametrize(("name", "text", "kind", "message"), [
    ("adam", "beta=0.5", NamingError, "no constant 'beta'; it has beta1=0.9, beta2=0.999, eps"),
    ("sgd", "beta=0.5", NamingError, "it has none"),
    ("adam", "beta1", InputError, "write it as name=number"),
    ("adam", "beta1=high", InputError, "beta1 is a number, not 'high'"),
    ("adam", "beta1=1", InputError, "at least 0 and below 1, not 1"),
    ("adam", "beta1=nan", InputError, "at least 0 and below 1, not nan"),
    ("adam", "epsilon=0", InputError, "epsilon must be above 0, not 0"),
    ("box", "bound=inf", InputError, "bound must be above 0, not inf"),
])
def test_constants_that_are_refused(
    name: str, text: str, kind: type[MathDLError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        OPTIMIZERS[name].with_constants([text])
