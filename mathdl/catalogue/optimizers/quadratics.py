"""Exact steps on a quadratic ``x @ A @ x/2 - b @ x`` with ``A`` positive definite."""

from __future__ import annotations

import mathdl as md
from mathdl.catalogue.optimizers.legend import rule
from mathdl.catalogue.optimizers.stationary import Update, replaced, root, stationary
from mathdl.ir.tensor import Tensor


@rule(
    law=r"\arg\min_\alpha\ \tfrac12 s^\top A s - b^\top s,\ s = x + \alpha p"
    r"\ =\ \frac{p^\top (b - A x)}{p^\top A p}",
    reference="Nocedal and Wright, Numerical Optimization, eq. 3.55",
)
def exact_line_search(x: Tensor, p: Tensor, A: Tensor, b: Tensor) -> Update:
    """The step along ``p`` after which the gradient is orthogonal to it; ``point`` is its size."""
    alpha = md.tensor("alpha")
    s = x + alpha * p
    problem = s @ A @ s / 2 - b @ s
    return Update(problem, alpha, stationary(problem, alpha, 0))


@rule(
    law=r"x' = x + \alpha p,\quad r' = b - A x',\quad p' = r' + \beta p\ \text{with}\ "
    r"p'^\top A p = 0",
    reference="Nocedal and Wright, Numerical Optimization, algorithm 5.1",
)
def conjugate_gradient(x: Tensor, p: Tensor, A: Tensor, b: Tensor) -> Update:
    """Conjugate gradients: an exact line search, then a direction conjugate to the last."""
    search = exact_line_search(x, p, A, b)
    point = x + search.point * p
    r, beta = md.tensor("r", *x.shape), md.tensor("beta")
    mixed = root((r + beta * p) @ A @ p, beta, 0)
    return Update(search.problem, search.unknown, point,
                  {"p": replaced(r + mixed * p, {r: b - A @ point})})
