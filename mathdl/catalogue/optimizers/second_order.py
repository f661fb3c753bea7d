"""Rules that solve a linear system: a quadratic model of the loss, or a metric on models."""

from __future__ import annotations

from typing import Any

import mathdl as md
from mathdl.catalogue.optimizers.legend import next_like, rule, squares
from mathdl.catalogue.optimizers.stationary import Update, replaced, root, stationary
from mathdl.ir.tensor import Tensor
from mathdl.simplify import simplify


@rule(
    law=r"\arg\min_u\ g^\top (u - \theta) + \tfrac12 (u - \theta)^\top H (u - \theta)"
    r" = \theta - H^{-1} g",
    reference="Nocedal and Wright, Numerical Optimization, eq. 2.15",
)
def newton(theta: Tensor, g: Tensor, H: Tensor) -> Update:
    """Newton's method: the second-order model of the loss."""
    u = next_like(theta)
    problem = g @ (u - theta) + (u - theta) @ H @ (u - theta) / 2
    return Update(problem, u, stationary(problem, u, theta))


@rule(
    law=r"\arg\min_u\ \tfrac12 \lVert r + J (u - \theta) \rVert^2"
    r" = \theta - (J^\top J)^{-1} J^\top r",
    reference="Nocedal and Wright, Numerical Optimization, eq. 10.23",
)
def gauss_newton(theta: Tensor, r: Tensor, J: Tensor) -> Update:
    """Gauss-Newton: least squares of the linearised residuals ``r``, with Jacobian ``J``."""
    u = next_like(theta)
    problem = squares(r + J @ (u - theta)) / 2
    return Update(problem, u, stationary(problem, u, theta))


@rule(
    law=r"\arg\min_u\ \tfrac12 \lVert r + J (u - \theta) \rVert^2"
    r" + \tfrac{\lambda}{2} \lVert u - \theta \rVert^2"
    r" = \theta - (J^\top J + \lambda I)^{-1} J^\top r",
    reference="Nocedal and Wright, Numerical Optimization, eq. 10.32",
)
def levenberg_marquardt(theta: Tensor, r: Tensor, J: Tensor, damping: Any) -> Update:
    """Levenberg-Marquardt: Gauss-Newton with a price for distance."""
    u = next_like(theta)
    problem = squares(r + J @ (u - theta)) / 2 + damping * squares(u - theta) / 2
    return Update(problem, u, stationary(problem, u, theta))


@rule(
    law=r"\arg\min_u\ \eta g^\top (u - \theta) + \tfrac12 (u - \theta)^\top F (u - \theta)"
    r" = \theta - \eta F^{-1} g",
    reference="Amari, Natural Gradient Works Efficiently in Learning, Neural Comp. 10 (1998)",
)
def natural_gradient(theta: Tensor, g: Tensor, F: Tensor, eta: Any) -> Update:
    """The natural gradient: distance is the second-order KL divergence, by the Fisher metric."""
    u = next_like(theta)
    problem = eta * g @ (u - theta) + (u - theta) @ F @ (u - theta) / 2
    return Update(problem, u, stationary(problem, u, theta))


@rule(
    law=r"\arg\min_u\ g^\top (u - \theta)\ \text{where}\ \tfrac12 (u - \theta)^\top F (u - \theta)"
    r" \le \rho\ =\ \theta - \sqrt{\frac{2\rho}{g^\top F^{-1} g}}\, F^{-1} g",
    reference="Schulman et al., Trust Region Policy Optimization, ICML 2015, appendix C",
)
def natural_gradient_ball(theta: Tensor, g: Tensor, F: Tensor, radius: Any) -> Update:
    """The natural gradient step to the edge of a KL ball, by the multiplier of its constraint.

    The Lagrangian, divided by its multiplier ``1/eta``, is the problem of the natural gradient,
    so the step is ``eta`` times that at rate 1; on the edge half its squared length is the radius.
    """
    eta, square, rho = (md.tensor(name, assume="positive") for name in ("eta", "square", "rho"))
    (step,) = simplify([natural_gradient(theta, g, F, 1).point - theta])
    edge = root(eta**2 * square / 2 - rho, eta, eta)
    rate = replaced(edge, {square: step @ F @ step, rho: radius})
    relaxed = natural_gradient(theta, g, F, rate)
    return Update(relaxed.problem - radius, relaxed.unknown, theta + rate * step)


def fisher(divergence: Tensor, parameter: Tensor, at: Tensor) -> Tensor:
    """The Fisher matrix: the Hessian of ``KL(p_at || p_parameter)`` where both are equal."""
    hessian = md.derive(divergence, parameter, order=2)[parameter]
    return replaced(hessian, {parameter: at})
