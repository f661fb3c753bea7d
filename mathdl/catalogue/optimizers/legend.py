"""What the arguments of optimizers are, and how these are registered.

Legend: ``theta`` the iterate and ``u`` the next one, ``g`` the gradient at ``theta``, ``eta`` the
learning rate, ``t = 1, 2, ...`` the step; ``H`` a Hessian, ``F`` a Fisher matrix, ``J`` the
Jacobian of the residuals ``r``.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, TypeVar

import mathdl as md
from mathdl.catalogue.entry import Instance, entry
from mathdl.catalogue.optimizers.stationary import Update
from mathdl.ir.tensor import Tensor

FAMILY = "optimizers"
Made = TypeVar("Made", bound=Callable[..., Any])

VECTORS = ("theta", "g", "m", "v", "b", "p", "x")
SAMPLES = ("r", "column")
METRICS = ("H", "F", "A")
POSITIVE = (
    "eta", "epsilon", "t", "lam", "damping", "radius", "beta", "beta1", "beta2", "decay", "bound",
)


def argument(name: str) -> Tensor:
    """An argument of that name, its dims symbolic: ``d`` parameters, ``n`` samples."""
    if name in VECTORS:
        return md.tensor(name, "d")
    if name == "probabilities":
        return md.tensor(name, "d", assume="positive")
    if name in SAMPLES:
        return md.tensor(name, "n")
    if name in METRICS:
        return md.tensor(name, "d", "d", assume="positive_definite")
    if name == "J":
        return md.tensor(name, "n", "d")
    return md.tensor(name, assume="positive" if name in POSITIVE else ())


def applied(function: Callable[..., Update]) -> Update:
    """The update over arguments of symbolic dims."""
    return function(**{name: argument(name) for name in signature(function).parameters})


def _example(function: Callable[..., Update]) -> Instance:
    update = applied(function)
    return Instance(update.problem, (update.unknown.name or "",))


def rule(*, law: str, reference: str) -> Callable[[Made], Made]:
    """Registers a rule; the problem that it minimises is its instance."""
    return entry(FAMILY, law=law, reference=reference, example=_example)


def next_like(theta: Tensor, **options: Any) -> Tensor:
    """The unknown ``u``, of the shape of the iterate."""
    return md.tensor("u", *theta.shape, **options)


def squares(difference: Tensor) -> Tensor:
    """The sum of the squares of all entries."""
    return md.sum(difference**2)
