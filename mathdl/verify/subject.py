"""What can be verified, and instances of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from mathdl.generate.module import dims_of_shapes
from mathdl.ir.system import inputs_of
from mathdl.ir.tensor import Tensor
from mathdl.request import Block, Space
from mathdl.verify.sampling import Manner, sample

if TYPE_CHECKING:
    from mathdl.proof import Proof


class Subject(Protocol):
    """What can be verified: expressions, and code for them and for their derivatives.

    Functions take every one of the inputs as an array by name, and every dim that no input has
    as an axis as an int by name; they ignore what they do not need.
    """

    @property
    def inputs(self) -> tuple[Tensor, ...]: ...
    @property
    def outputs(self) -> Mapping[str, Tensor]: ...
    @property
    def wrt(self) -> tuple[Tensor, ...]: ...
    @property
    def order(self) -> int: ...
    @property
    def space(self) -> Space | None: ...
    @property
    def blocks(self) -> Mapping[str, Block]: ...
    @property
    def derivatives(self) -> Mapping[str, Tensor]: ...

    def value_function(self) -> Callable[..., Mapping[str, Any]]:
        """Keyword arrays to the values by name; ``""`` for a lone expression."""

    def derivative_function(self) -> Callable[..., Mapping[str, Any]]:
        """Keyword arrays to the derivatives by key."""

    def gradient_function(self) -> Callable[..., Mapping[str, Any]]:
        """Keyword arrays to the derivatives of one order less by key; for order 2 or more."""


@runtime_checkable
class Derived(Subject, Protocol):
    """A subject that states its derivatives as equations."""

    @property
    def written(self) -> tuple[Tensor, ...]:
        """The expressions as they were written, in the order of the outputs."""

    @property
    def lower(self) -> Mapping[str, Tensor]:
        """The derivatives of one order less, by key."""


@runtime_checkable
class Proved(Subject, Protocol):
    """A subject that has a proof of its derivatives."""

    @property
    def proof(self) -> Proof:
        """The steps from the expressions to the derivatives."""


def graph(subject: Subject) -> list[Tensor]:
    """All tensors of a subject, with inputs that its code takes for nothing."""
    tensors = (*subject.outputs.values(), *subject.derivatives.values())
    return [*tensors, *subject.wrt, *subject.inputs]


def instance(
    subject: Subject, dims: Mapping[str, int], seed: int, manner: Manner = "normal"
) -> dict[str, Any]:
    """The keyword arguments of an instance that a report names: arrays, and dims of no input."""
    tensors = graph(subject)
    inputs = inputs_of(tensors)
    rng = np.random.default_rng(seed)
    draw = getattr(subject, "draw", None)  # a subject may know its instances
    drawn = draw(dims, rng, manner) if draw else sample(
        inputs, dims, rng, outputs=tensors, manner=manner
    )
    arrays: dict[str, Any] = dict(drawn)
    told = set(map(str, dims_of_shapes(inputs)))
    return {**arrays, **{name: size for name, size in dims.items() if name not in told}}
