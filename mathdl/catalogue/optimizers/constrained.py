"""Rules for kinks and constraints: penalties, boxes, balls and the simplex."""

from __future__ import annotations

from typing import Any

import sympy

import mathdl as md
from mathdl.catalogue.optimizers.legend import next_like, rule, squares
from mathdl.catalogue.optimizers.stationary import (
    Update,
    entry,
    kinked,
    replaced,
    root,
    stationary,
    within,
)
from mathdl.errors import UnsupportedError
from mathdl.ir.index import slot
from mathdl.ir.tensor import Tensor


def _entropic(theta: Tensor, g: Tensor, eta: Any, price: Any) -> Update:
    """The linear model plus the KL divergence, with a price for the sum of the entries."""
    u = next_like(theta, assume="positive")
    divergence = md.sum(u * md.log(u / theta) - u + theta)
    problem = md.sum(g * (u - theta)) + divergence / eta + price * (md.sum(u) - 1)
    return Update(problem, u, stationary(problem, u, theta))


@rule(
    law=r"\arg\min_{u > 0}\ g^\top (u - \theta) + \tfrac1\eta \sum_i (u_i \log\frac{u_i}{\theta_i}"
    r" - u_i + \theta_i) = \theta \odot e^{-\eta g}",
    reference="Kivinen and Warmuth, Exponentiated Gradient, Information and Comp. 132 (1997)",
)
def exponentiated_gradient(probabilities: Tensor, g: Tensor, eta: Any) -> Update:
    """Exponentiated gradient: distance is the unnormalised KL divergence of positive weights."""
    return _entropic(probabilities, g, eta, 0)


@rule(
    law=r"\arg\min_{u \in \Delta}\ g^\top (u - \theta) + \tfrac1\eta \sum_i u_i"
    r" \log\frac{u_i}{\theta_i} = \frac{\theta \odot e^{-\eta g}}{\theta^\top e^{-\eta g}}",
    reference="Beck and Teboulle, Mirror Descent, Operations Research Letters 31 (2003), "
    "section 5",
)
def mirror_descent(probabilities: Tensor, g: Tensor, eta: Any) -> Update:
    """Mirror descent on the simplex: the multiplier of ``sum(u) = 1`` scales all entries alike.

    From the multiplier ``-min(g)``, at which none overflows, they are scaled to it.
    """
    price = md.tensor("nu")
    lagrangian = _entropic(probabilities, g, eta, price)
    free = _at_price(lagrangian.point, price, -md.min(g))
    return Update(lagrangian.problem, lagrangian.unknown, free / md.sum(free))


def _at_price(point: Tensor, price: Tensor, value: Tensor) -> Tensor:
    """The point at that price, which must be a common factor of all entries.

    Raises:
        UnsupportedError: the price changes the ratio of two entries.
    """
    body, operands = entry(point, [price])
    where = next(slot(k) for k, a in enumerate(operands) if a.tensor is price)
    factor = sympy.simplify(body / body.subs(where, 0))
    if any(a.index for k, a in enumerate(operands) if factor.has(slot(k))):
        raise UnsupportedError(f"{price.name} is no common factor of the entries")
    return replaced(point, {price: value})


@rule(
    law=r"\arg\min_u\ g^\top (u - \theta) + \tfrac{1}{2\eta} \lVert u - \theta \rVert^2"
    r" + \lambda \lVert u \rVert_1 = S_{\eta\lambda}(\theta - \eta g)",
    reference="Beck and Teboulle, FISTA, SIAM J. Imaging Sciences 2 (2009), eq. 1.4",
)
def proximal_gradient(theta: Tensor, g: Tensor, eta: Any, lam: Any) -> Update:
    """ISTA: gradient descent with an exact penalty ``lam |u|``, which gives the soft threshold."""
    u = next_like(theta)
    smooth = md.sum(g * (u - theta)) + squares(u - theta) / (2 * eta)
    below, above = (stationary(smooth + side * lam * md.sum(u), u, theta) for side in (-1, 1))
    return Update(smooth + lam * md.sum(md.abs(u)), u, kinked(below, above, 0))


@rule(
    law=r"\arg\min_{-b \le u \le b}\ g^\top (u - \theta) + \tfrac{1}{2\eta}"
    r" \lVert u - \theta \rVert^2 = \min(\max(\theta - \eta g, -b), b)",
    reference="Bertsekas, Nonlinear Programming, section 3.3",
)
def projected_box(theta: Tensor, g: Tensor, eta: Any, bound: Any) -> Update:
    """Projected gradient descent in a box: separate entries, each at a bound or stationary."""
    u = next_like(theta)
    problem = md.sum(g * (u - theta)) + squares(u - theta) / (2 * eta)
    return Update(problem, u, within(stationary(problem, u, theta), -bound, bound))


@rule(
    law=r"\arg\min_{\lVert u \rVert \le \rho}\ g^\top (u - \theta) + \tfrac{1}{2\eta}"
    r" \lVert u - \theta \rVert^2 = \frac{z}{\max(1, \lVert z \rVert/\rho)},\ z = \theta - \eta g",
    reference="Bertsekas, Nonlinear Programming, section 3.3",
)
def projected_ball(theta: Tensor, g: Tensor, eta: Any, radius: Any) -> Update:
    """Projected gradient descent in a ball, by the multiplier of its constraint.

    The Lagrangian of the nearest point to ``z`` is least at ``z/(1 + nu)``; the multiplier is
    zero inside of the ball, and outside makes the norm the radius.
    """
    z, nu = md.tensor("z", *theta.shape), md.tensor("nu", assume="positive")
    u = next_like(theta)
    rho, norm = (md.tensor(name, assume="positive") for name in ("rho", "norm"))
    lagrangian = squares(u - z) / 2 + nu * (squares(u) - rho**2) / 2
    nearest = stationary(lagrangian, u, 0)
    outside = root(norm / (1 + nu) - rho, nu, nu)
    descent = stationary(md.sum(g * (u - theta)) + squares(u - theta) / (2 * eta), u, theta)
    active = replaced(outside, {norm: md.sqrt(squares(descent)), rho: radius})
    known = {z: descent, nu: md.maximum(active, 0), rho: radius}
    return Update(replaced(lagrangian, known), u, replaced(nearest, known))


@rule(
    law=r"\arg\min_u\ \tfrac12 \lVert r - x_j (u - w_j) \rVert^2 + \lambda |u|"
    r" = \frac{S_\lambda(x_j^\top r + x_j^\top x_j w_j)}{x_j^\top x_j}",
    reference="Friedman, Hastie and Tibshirani, J. Statistical Software 33 (2010), eq. 5",
)
def lasso_coordinate(weight: Tensor, r: Tensor, column: Tensor, lam: Any) -> Update:
    """One coordinate of the lasso: residuals ``r``, the column of the design, a kink at zero."""
    u = next_like(weight)
    smooth = squares(r - column * (u - weight)) / 2
    below, above = (stationary(smooth + side * lam * u, u, weight) for side in (-1, 1))
    return Update(smooth + lam * md.abs(u), u, kinked(below, above, 0),
                  {"r": r - column * (kinked(below, above, 0) - weight)})
