"""Rules that follow the gradient: a linear model of the loss and a price for distance."""

from __future__ import annotations

from typing import Any

import mathdl as md
from mathdl.catalogue.optimizers.legend import next_like, rule, squares
from mathdl.catalogue.optimizers.stationary import Update, stationary
from mathdl.ir.tensor import Tensor


@rule(
    law=r"\arg\min_u\ g^\top (u - \theta) + \tfrac{1}{2\eta} \lVert u - \theta \rVert^2"
    r" = \theta - \eta g",
    reference="Boyd and Vandenberghe, Convex Optimization, section 9.3",
)
def gradient_descent(theta: Tensor, g: Tensor, eta: Any) -> Update:
    """Gradient descent: the linear model of the loss plus the squared distance."""
    u = next_like(theta)
    problem = md.sum(g * (u - theta)) + squares(u - theta) / (2 * eta)
    return Update(problem, u, stationary(problem, u, theta))


def velocity(g: Tensor, v: Tensor, beta: Any) -> Update:
    """``v' = beta v + g``: the linear model of the loss along ``-v'``, and inertia."""
    w = md.tensor("w", *v.shape)
    problem = squares(w - beta * v) / 2 - md.sum(g * w)
    return Update(problem, w, stationary(problem, w, 0))


@rule(
    law=r"\arg\min_u\ g^\top (u - \theta) + \tfrac{1}{2\eta}"
    r" \lVert u - \theta + \eta \beta v \rVert^2 = \theta - \eta v',\quad v' = \beta v + g",
    reference="Polyak, Some methods of speeding up the convergence of iteration methods (1964)",
)
def momentum(theta: Tensor, g: Tensor, v: Tensor, eta: Any, beta: Any) -> Update:
    """The heavy ball: distance is measured from where the last velocity leads."""
    u = next_like(theta)
    problem = md.sum(g * (u - theta)) + squares(u - theta + eta * beta * v) / (2 * eta)
    return Update(problem, u, stationary(problem, u, theta), {"v": velocity(g, v, beta).point})


@rule(
    law=r"x = \arg\min_u\ g^\top (u - \theta) + \tfrac{1}{2\eta} \lVert u - \theta \rVert^2,"
    r"\quad \theta' = x - \eta \beta v',\quad v' = \beta v + g",
    reference="Nesterov (1983); Sutskever et al., ICML 2013, eq. 3-4",
)
def nesterov(theta: Tensor, g: Tensor, v: Tensor, eta: Any, beta: Any) -> Update:
    """Nesterov's method: ``theta`` is the point ahead, where the gradient is taken."""
    descent = gradient_descent(theta, g, eta)
    after = velocity(g, v, beta).point
    return Update(descent.problem, descent.unknown, descent.point - eta * beta * after,
                  {"v": after})
