"""Samples by rejection as expressions: the first of several tries that is accepted.

Noise has a last axis of tries.  A try fails with a small probability, which is stated; where all
fail the sample is not a number.  The derivatives by what decides about acceptance miss that the
choice moves: they are not those of an expectation.
"""

from __future__ import annotations

from typing import Any

from sympy import Rational, pi

import mathdl as md
from mathdl.ir.tensor import Tensor


def wide(parameter: Any) -> Any:
    """A parameter beside a last axis of tries."""
    return parameter[..., None] if isinstance(parameter, Tensor) and parameter.ndim else parameter


def first(accepted: Tensor, values: Tensor) -> Tensor:
    """Of the values on the last axis, that at the first 1 of ``accepted``."""
    chosen = md.where(md.cumsum(accepted, axis=-1) * accepted > 1, 0, accepted)
    return md.sum(chosen * values, axis=-1) / md.sum(chosen, axis=-1)


def log_gamma_sample(alpha: Any, normal: Tensor, uniform: Tensor) -> Tensor:
    """The logarithm of a sample of the gamma distribution of shape ``alpha`` and rate 1.

    By a sample of shape ``alpha + 1``, and the first uniform number, of which the root makes up
    for the 1.  A try fails with a probability of at most 5 %.  Marsaglia and Tsang, A simple
    method for generating gamma variables, ACM TOMS 26 (2000), sections 2 and 6.
    """
    d = wide(alpha) + Rational(2, 3)
    z, u = normal[..., 1:], uniform[..., 1:]
    root = 1 + z / (3 * md.sqrt(d))
    v = md.where(root > 0, root, 1) ** 3
    bound = z**2 / 2 + d * (1 - v + md.log(v))
    accepted = md.where(root > 0, 1, 0) * md.where(md.log(u) < bound, 1, 0)
    return first(accepted, md.log(d * v)) + md.log(uniform[..., 0]) / alpha


def von_mises_sample(kappa: Any, uniform: Tensor) -> Tensor:
    """A sample of von Mises' distribution about 0, of noise with axes of 3 and of tries.

    From a wrapped Cauchy distribution; a try fails with a probability of at most 35 %.  Best and
    Fisher, Efficient simulation of the von Mises distribution, Applied Statistics 28 (1979).
    """
    turn, decide, side = (uniform[..., k, :] for k in range(3))
    kappa = wide(kappa)
    root = md.sqrt(1 + 4 * kappa**2)
    tau = 1 + root
    scale = (md.sqrt(tau) + md.sqrt(2)) * tau / (2 * md.sqrt(tau))  # kappa/rho
    rho = kappa / scale
    z = md.cos(pi * turn)
    f = (2 * rho + (1 + rho**2) * z) / (1 + rho**2 + 2 * rho * z)
    c = scale * (1 + rho**2) / 2 - kappa * f
    accepted = md.where(md.log(decide) < md.log(c) + 1 - c, 1, 0)
    angle = md.arccos(md.clip(f, -1, 1))
    return first(accepted, md.where(side < Rational(1, 2), -angle, angle))
