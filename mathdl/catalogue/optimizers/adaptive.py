"""Rules with a metric of their own for every parameter, estimated from the gradients seen."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy

import mathdl as md
from mathdl.catalogue.optimizers.legend import next_like, rule, squares
from mathdl.catalogue.optimizers.stationary import Update, entry, replaced, stationary
from mathdl.ir.build import define, read
from mathdl.ir.dim import Shape
from mathdl.ir.index import slot
from mathdl.ir.tensor import Tensor


def exponential_average(average: Tensor, sample: Tensor, beta: Any) -> Tensor:
    """``beta a + (1 - beta) x``: the point nearest to ``a`` and ``x``, by squares so weighted."""
    (a, x, rate), found = _average(average.shape)
    return replaced(found, {a: average, x: sample, rate: beta})


@lru_cache
def _average(shape: Shape) -> tuple[tuple[Tensor, ...], Tensor]:
    w, a, x = (md.tensor(name, *shape) for name in ("w", "a", "x"))
    rate = md.tensor("rate")
    problem = rate * squares(w - a) + (1 - rate) * squares(w - x)
    return (a, x, rate), stationary(problem, w, 0)


def bias(beta: Any, t: Any) -> Tensor:
    """``1 - beta**t``: the share of its expectation that an average started at zero has reached.

    The expectation of the average follows the same recurrence as the average of a constant 1,
    which is solved by SymPy.  Kingma and Ba, Adam, ICLR 2015, section 3.
    """
    (rate, time), found = _share()
    return replaced(found, {rate: beta, time: t})


@lru_cache
def _share() -> tuple[tuple[Tensor, Tensor], Tensor]:
    (a, x, rate), following = _average(())
    body, operands = entry(following, [a, x, rate])
    at = {access.tensor: slot(k) for k, access in enumerate(operands)}
    steps = sympy.Symbol("t", integer=True, nonnegative=True)
    factor, share = sympy.Symbol("beta", positive=True), sympy.Function("a")
    one_step = body.xreplace({at[a]: share(steps), at[x]: sympy.Integer(1), at[rate]: factor})
    found = sympy.rsolve(share(steps + 1) - one_step, share(steps), {share(0): 0})
    closed = found.xreplace({factor: slot(0), steps: slot(1)})
    time = md.tensor("time")
    return (rate, time), define([], closed, [read(rate), read(time)])


def root_metric(moment: Tensor) -> Tensor:
    """``sqrt(q)``: the diagonal metric ``h`` of least ``sum(q/h) + sum(h)``.

    The first sum bounds the regret of steps ``g/h`` with squares summing to ``q``, the second is
    the price of the metric.  Duchi, Hazan and Singer, JMLR 12 (2011), section 1.2.
    """
    q, h = (md.tensor(name, *moment.shape, assume="positive") for name in ("q", "h"))
    found = stationary(md.sum(q / h) + md.sum(h), h, q)
    return replaced(found, {q: moment})


def _in_metric(
    theta: Tensor, slope: Tensor, metric: Tensor, eta: Any, decay: Any = 0
) -> Update:
    """The linear model plus the squared distance in a diagonal metric, which prices decay too."""
    u = next_like(theta)
    s, h = (md.tensor(name, *theta.shape) for name in ("s", "h"))
    model = md.sum((s + decay * h * theta) * (u - theta))
    problem = model + md.sum(h * (u - theta) ** 2) / (2 * eta)
    point = stationary(problem, u, theta)
    known = {s: slope, h: metric}
    return Update(replaced(problem, known), u, replaced(point, known))


@rule(
    law=r"\arg\min_u\ g^\top (u - \theta) + \tfrac{1}{2\eta} \sum_i (\sqrt{v'_i} + \epsilon)"
    r" (u_i - \theta_i)^2,\quad v' = v + g^2",
    reference="Duchi, Hazan and Singer, Adaptive Subgradient Methods, JMLR 12 (2011), eq. 1",
)
def adagrad(theta: Tensor, g: Tensor, v: Tensor, eta: Any, epsilon: Any) -> Update:
    """AdaGrad: the metric is the root of the sum of the squared gradients."""
    total = v + g**2
    step = _in_metric(theta, g, root_metric(total) + epsilon, eta)
    return Update(step.problem, step.unknown, step.point, {"v": total})


@rule(
    law=r"\arg\min_u\ g^\top (u - \theta) + \tfrac{1}{2\eta} \sum_i (\sqrt{v'_i} + \epsilon)"
    r" (u_i - \theta_i)^2,\quad v' = \beta v + (1 - \beta) g^2",
    reference="Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5 (2012)",
)
def rmsprop(theta: Tensor, g: Tensor, v: Tensor, eta: Any, beta: Any, epsilon: Any) -> Update:
    """RMSProp: the metric is the root of an exponential average of the squared gradients."""
    average = exponential_average(v, g**2, beta)
    step = _in_metric(theta, g, root_metric(average) + epsilon, eta)
    return Update(step.problem, step.unknown, step.point, {"v": average})


@rule(
    law=r"\arg\min_u\ \hat m^\top (u - \theta) + \tfrac{1}{2\eta} \sum_i (\sqrt{\hat v_i}"
    r" + \epsilon) (u_i - \theta_i)^2,\quad \hat m = \frac{m'}{1 - \beta_1^t},\ "
    r"\hat v = \frac{v'}{1 - \beta_2^t}",
    reference="Kingma and Ba, Adam, ICLR 2015, algorithm 1",
)
def adam(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, t: Tensor, eta: Any, beta1: Any, beta2: Any,
    epsilon: Any,
) -> Update:
    """Adam: averages of the gradient and of its square, both without their bias."""
    return adamw(theta, g, m, v, t, eta, beta1, beta2, epsilon, 0)


@rule(
    law=r"\arg\min_u\ (\hat m + \lambda h \theta)^\top (u - \theta) + \tfrac{1}{2\eta} \sum_i h_i"
    r" (u_i - \theta_i)^2,\quad h = \sqrt{\hat v} + \epsilon",
    reference="Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019, "
    "algorithm 2",
)
def adamw(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, t: Tensor, eta: Any, beta1: Any, beta2: Any,
    epsilon: Any, decay: Any,
) -> Update:
    """AdamW: Adam whose weight decay is measured in the same metric as the step."""
    first = exponential_average(m, g, beta1)
    second = exponential_average(v, g**2, beta2)
    h = root_metric(second / bias(beta2, t)) + epsilon
    step = _in_metric(theta, first / bias(beta1, t), h, eta, decay)
    return Update(step.problem, step.unknown, step.point, {"m": first, "v": second})
