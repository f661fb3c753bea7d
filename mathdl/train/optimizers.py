"""Update rules: how parameters follow their gradients.

All parameters of a model lie in one vector ``theta`` (see :class:`mathdl.train.loop.Packed`),
so a rule is a few operations on whole vectors, done in place.  Legend: ``g`` the gradient at
step ``t = 1, 2, ...``, ``a`` the learning rate of that step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mathdl.errors import NamingError
from mathdl.train.data import Floats


class Rule(Protocol):
    """One update of ``theta`` in place."""

    def step(self, theta: Floats, g: Floats, rate: float) -> None: ...


class GradientDescent:
    """``theta <- theta - a g``.  Robbins and Monro, Ann. Math. Stat. 22, 1951."""

    def __init__(self, like: Floats) -> None:
        self._scaled = np.empty_like(like)

    def step(self, theta: Floats, g: Floats, rate: float) -> None:
        np.multiply(g, rate, out=self._scaled)
        theta -= self._scaled


class Momentum:
    """``v <- m v + g;  theta <- theta - a v``, with ``m = 0.9``.

    Polyak 1964 in the form of Sutskever et al., ICML 2013, eq. 1-2, with the rate outside of
    the velocity as PyTorch has it.
    """

    def __init__(self, like: Floats, momentum: float = 0.9) -> None:
        self._momentum = momentum
        self._velocity = np.zeros_like(like)
        self._scaled = np.empty_like(like)

    def step(self, theta: Floats, g: Floats, rate: float) -> None:
        self._velocity *= self._momentum
        self._velocity += g
        np.multiply(self._velocity, rate, out=self._scaled)
        theta -= self._scaled


class Adam:
    """Kingma and Ba, Adam, ICLR 2015, algorithm 1::

        m <- b1 m + (1 - b1) g          mh = m / (1 - b1**t)
        v <- b2 v + (1 - b2) g**2       vh = v / (1 - b2**t)
        theta <- theta - a mh / (sqrt(vh) + eps)
    """

    def __init__(
        self, like: Floats, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        self._beta1, self._beta2, self._epsilon = beta1, beta2, epsilon
        self._m, self._v = np.zeros_like(like), np.zeros_like(like)
        self._a, self._b = np.empty_like(like), np.empty_like(like)
        self._t = 0

    def step(self, theta: Floats, g: Floats, rate: float) -> None:
        self._t += 1
        m, v, a, b = self._m, self._v, self._a, self._b
        m *= self._beta1
        np.multiply(g, 1 - self._beta1, out=a)
        m += a
        v *= self._beta2
        np.multiply(g, g, out=a)
        a *= 1 - self._beta2
        v += a
        np.multiply(v, 1 / (1 - self._beta2**self._t), out=b)
        np.sqrt(b, out=b)
        b += self._epsilon
        np.multiply(m, rate / (1 - self._beta1**self._t), out=a)
        a /= b
        theta -= a


@dataclass(frozen=True)
class Optimizer:
    """An update rule by name, with the learning rate that suits it when none is asked for."""

    name: str
    rule: Callable[[Floats], Rule]
    rate: float


OPTIMIZERS = {
    optimizer.name: optimizer
    for optimizer in (
        Optimizer("adam", Adam, 3e-3),
        Optimizer("sgd", GradientDescent, 0.3),
        Optimizer("momentum", Momentum, 0.05),
    )
}


def optimizer_named(name: str) -> Optimizer:
    """The optimizer called ``name``.

    Raises:
        NamingError: there is none; the message lists those there are.
    """
    if name not in OPTIMIZERS:
        raise NamingError(f"no optimizer {name!r}; there are {', '.join(OPTIMIZERS)}")
    return OPTIMIZERS[name]


def cosine_decay(rate: float, progress: float) -> float:
    """The rate at ``progress`` in 0 .. 1: ``a (1 + cos(pi p)) / 2``.

    Loshchilov and Hutter, SGDR, ICLR 2017, eq. 5, one cycle.
    """
    return float(rate * 0.5 * (1.0 + np.cos(np.pi * progress)))
