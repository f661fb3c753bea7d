"""What a derivation does, step by step: data that a checker can replay.

Every step is a claim about tensors that holds for all dims:

* :class:`Rewrite`: two tensors are equal;
* :class:`PullBack`: what a cotangent contributes through one consumer;
* :class:`Accumulation`: a cotangent is the sum of its contributions;
* :class:`Derivative`: a tensor is the derivative of another by a variable;
* :class:`Restriction`: inputs get assumptions back that were not used while differentiating;
* :class:`Projection`: a derivative is mapped into the space that its argument lives in.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from mathdl.ir.dim import Shape
from mathdl.ir.tensor import Tensor


@dataclass(frozen=True)
class Law:
    """The name of a rule, what it states, and where that is found."""

    name: str
    law: str
    reference: str = ""


@dataclass(frozen=True)
class Rewrite:
    """``before = after`` by a rule."""

    rule: Any  # a Law, or a rule of the simplifier, which has one's fields
    before: Tensor
    after: Tensor


@dataclass(frozen=True)
class PullBack:
    """What the cotangents of ``consumers`` contribute to that of ``target``.

    A consumer reads the target as its ``slot``-th operand; without a slot, as any of them.
    Cotangents have the axes ``prefix`` of what is differentiated in front.
    """

    rule: Law
    consumers: tuple[tuple[Tensor, Tensor], ...]
    target: Tensor
    slot: int | None
    prefix: Shape
    after: Tensor


@dataclass(frozen=True)
class Accumulation:
    """``after``, the cotangent of ``target``, is the sum of the contributions ``terms``."""

    rule: Law
    target: Tensor
    terms: tuple[Tensor, ...]
    prefix: Shape
    after: Tensor


@dataclass(frozen=True)
class Derivative:
    """``after`` is the derivative of ``value`` by ``variable``: its axes, then the variable's."""

    rule: Law
    value: Tensor
    variable: Tensor
    after: Tensor


@dataclass(frozen=True)
class Restriction:
    """``after`` is ``before`` with its inputs replaced: ``replaced`` has (old, new) pairs."""

    rule: Law
    before: Tensor
    after: Tensor
    replaced: tuple[tuple[Tensor, Tensor], ...]


@dataclass(frozen=True)
class Projection:
    """``after`` is ``before`` mapped into a space of symmetric matrices on these pairs of axes."""

    rule: Law
    before: Tensor
    after: Tensor
    axes: tuple[tuple[int, int], ...]


Step = Rewrite | PullBack | Accumulation | Derivative | Restriction | Projection


def tensors_of(step: Step) -> list[Tensor]:
    """What a step is about: every tensor in its fields."""
    found: list[Tensor] = []

    def look(value: Any) -> None:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, tuple):
            for part in value:
                look(part)

    for entry in fields(step):
        look(getattr(step, entry.name))
    return found


CHAIN = Law(
    "chain rule", "N_bar[n] += sum over reads e(o, s) = n of M_bar[o] df/dN",
    "Griewank and Walther 2008, Evaluating Derivatives, section 3.2",
)
THROUGH_TIME = Law(
    "back-propagation through time", "k[t] = (dF/ds)[t]^T (s_bar[t] + k[t+1])",
    "Werbos 1990; Goodfellow et al. 2016, section 10.2.2",
)
TOTAL = Law("total derivative", "a cotangent is the sum of what all readers contribute")
READ_OFF = Law("derivative", "the cotangent of a variable is the derivative, transposed")
INSTANCE = Law("assumptions", "what was derived for free variables holds for assumed ones")
STEPWISE = Law("step by step", "recurrences with equal starts and equal steps are equal")
"""Rules of the engine that are no rewriting rules of the simplifier."""
