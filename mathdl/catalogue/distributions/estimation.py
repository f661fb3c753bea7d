"""Maximum likelihood in exponential families: the score is derived and solved for zero.

The mean log-likelihood of observations is ``eta . mean(T(x)) - A(eta)``, but for what the
parameters do not change, so that it is solved once, for any mean of the statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sympy import Add, Pow

import mathdl as md
from mathdl.catalogue.distributions.natural import declared
from mathdl.catalogue.optimizers.stationary import in_turn, replaced
from mathdl.ir.build import define, out_ranges, read, restate
from mathdl.ir.dim import Shape
from mathdl.ir.index import slot
from mathdl.ir.tensor import Tensor

if TYPE_CHECKING:
    from mathdl.catalogue.distributions.base import ExponentialFamily

Family = type["ExponentialFamily"]


def maximum_likelihood(family: Family, x: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters at which the score of independent observations ``x`` is zero, by name.

    Raises:
        UnsupportedError: it has no zero in closed form, or observations are no single tensor.
    """
    if not isinstance(x, Tensor):
        raise md.UnsupportedError("observations of several parts")
    axes = next(iter(declared(family).values())).ndim
    shape = x.shape[x.ndim - axes:]
    statistics, numbers, found = _solved(family, shape, tuple(known))
    over = tuple(range(x.ndim - axes))
    given = {number: known[str(number.name)] for number in numbers}
    # statistics read the observations alone
    made = family(**dict.fromkeys((f.name for f in fields(family)), 0))
    values = zip(statistics, made.statistic(x), strict=True)
    means = {s: md.mean(value, axis=over) for s, value in values}
    return {name: _apart(replaced(at, {**means, **given})) for name, at in found.items()}


@lru_cache
def _solved(
    family: Family, shape: Shape, known: tuple[str, ...]
) -> tuple[list[Tensor], list[Tensor], dict[str, Tensor]]:
    """Means of statistics, known numbers, and the estimates as expressions of both."""
    parameters = [md.tensor(name, *shape, assume=p.assume)
                  for name, p in declared(family).items()]
    numbers = [md.tensor(name) for name in known]
    made = family(**{str(t.name): t for t in (*parameters, *numbers)})
    eta = made.natural
    means = [md.tensor(f"mean{k}", *shape) for k in range(len(eta))]
    pairs = zip(eta, means, strict=True)
    likelihood = sum(md.sum(e * mean) for e, mean in pairs) - made.log_partition(*eta)
    score = md.derive(likelihood, parameters)
    found = in_turn([score[p] for p in parameters], parameters)
    return means, numbers, {str(p.name): found[p] for p in parameters}


def _apart(estimate: Tensor) -> Tensor:
    """Sums under powers as tensors of their own: there a variance is computed by deviations."""
    if estimate.definition is None:
        return estimate
    body, operands = estimate.equation.body, list(estimate.operands)
    for power in body.atoms(Pow):
        if isinstance(power.base, Add):
            inner = define(out_ranges(estimate.shape), power.base, operands)
            body = body.xreplace({power.base: slot(len(operands))})
            operands.append(read(inner))
    return restate(estimate, body, operands)
