"""How parameters start: laws for their entries, with the variances that keep signals alive.

A sum of ``f`` products of independent centred weights of variance ``v`` with inputs of mean square
``q`` has the variance ``f v q``; the book derives that, and that a rectifier passes half of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shape = tuple[int, ...]
#: Entries of a shape, for so many inputs to a unit and so many units to an input.
Initial = Callable[[np.random.Generator, Shape, int, int], Array]
#: The variance of an entry for so many inputs and outputs.
Variance = Callable[[int, int], float]


def lecun_variance(fan_in: int, fan_out: int) -> float:
    """Sums as large as their inputs.  LeCun et al., Efficient BackProp (1998), eq. 16."""
    return 1 / fan_in


def he_variance(fan_in: int, fan_out: int) -> float:
    """The same after a rectifier.  He et al., Delving Deep into Rectifiers (2015), eq. 10."""
    return 2 / fan_in


def glorot_variance(fan_in: int, fan_out: int) -> float:
    """Between what the forward and the backward pass ask for.

    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks
    (2010), eq. 12.
    """
    return 2 / (fan_in + fan_out)


def normal(variance: Variance) -> Initial:
    """Centred normal entries of that variance."""

    def initial(rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        return np.sqrt(variance(fan_in, fan_out)) * rng.standard_normal(shape)

    return initial


lecun, he, glorot = normal(lecun_variance), normal(he_variance), normal(glorot_variance)


def orthogonal(rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """Matrices, on the last two axes, whose shorter side is orthonormal; uniformly distributed.

    They keep lengths.  Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks (2014), section 3; made by Mezzadri, How to generate
    random matrices from the classical compact groups (2007), section 5.
    """
    *stack, rows, columns = shape
    long, short = max(rows, columns), min(rows, columns)
    q, r = np.linalg.qr(rng.standard_normal((*stack, long, short)))
    q = q * np.sign(np.einsum("...ii->...i", r))[..., None, :]
    return q if rows >= columns else np.swapaxes(q, -1, -2)


def zeros(rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """Zeros."""
    return np.zeros(shape)


def ones(rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """Ones."""
    return np.ones(shape)


#: The law for weights before each activation: rectifiers pass half of their input's mean square,
#: tanh and the like are linear at 0, selu keeps the variance 1.
WEIGHTS: dict[str, Any] = {
    **dict.fromkeys(("relu", "gelu", "gelu_tanh", "silu", "softplus", "leaky_relu", "elu"), he),
    "selu": lecun,
}


def weights_before(activation: Any) -> Initial:
    """The law that suits an activation of the language; Glorot's where none is known to."""
    found: Initial = WEIGHTS.get(getattr(activation, "__name__", ""), glorot)
    return found
