"""Update rules: how parameters follow their gradients.

The rules are those of the catalogue, derived from the problems that define them and generated as
NumPy code.  All parameters of a model lie in one vector ``theta`` (see
:class:`mathdl.train.loop.Packed`), so a rule is a few operations on whole vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from mathdl.catalogue import entry_named
from mathdl.catalogue.optimizers.legend import applied, argument
from mathdl.derivation import compile_expression
from mathdl.errors import NamingError
from mathdl.ir.system import inputs_of
from mathdl.simplify import simplify
from mathdl.train.data import Floats

if TYPE_CHECKING:
    from mathdl.generate.compiled import Compiled


@dataclass(frozen=True)
class Generated:
    """The code of one step and the names of its states.

    ``added`` says that it computes what is added to ``theta``, which then it does not read.
    """

    code: Compiled
    states: tuple[str, ...]
    added: bool


@lru_cache
def generated(entry: str) -> Generated:
    """The code of an update rule of the catalogue."""
    update = applied(entry_named(entry).function)
    theta = argument("theta")
    (step,) = simplify([update.point - theta])
    added = theta not in inputs_of([step])
    code = compile_expression({"theta": step if added else update.point, **update.states})
    return Generated(code, tuple(update.states), added)


class Rule:
    """An update of ``theta`` in place, with the states that it carries from step to step.

    States start at zero and are computed into arrays that take turns; ``states`` and ``steps``
    are all that a run needs to go on from.
    """

    def __init__(
        self, generated: Generated, constants: Mapping[str, float], like: Floats
    ) -> None:
        self.states = {name: np.zeros_like(like) for name in generated.states}
        self.steps = 0
        self._next = {name: np.zeros_like(like) for name in generated.states}
        self._theta = np.empty_like(like)
        self._inputs = generated.code.inputs
        self._added = generated.added
        self._scalars = {name: like.dtype.type(value) for name, value in constants.items()}
        scalars = {"eta": like.dtype.type(0), "t": like.dtype.type(1), **self._scalars}
        given = {"theta": like, "g": like, **self.states, **scalars}
        self._run = generated.code.plan(*(given[name] for name in self._inputs))

    def step(self, theta: Floats, g: Floats, rate: float) -> None:
        self.steps += 1
        kind = theta.dtype.type
        given = {"theta": theta, "g": g, "eta": kind(rate), "t": kind(self.steps),
                 **self.states, **self._scalars}
        self._run(*[given[name] for name in self._inputs], self._theta, *self._next.values())
        if self._added:
            theta += self._theta
        else:
            theta[...] = self._theta
        self.states, self._next = self._next, self.states

    def restore(self, states: Mapping[str, Floats], steps: int) -> None:
        """Go on from the states that a rule of the same name had after so many steps."""
        for name, state in self.states.items():
            state[...] = states[name]
        self.steps = steps


@dataclass(frozen=True)
class Optimizer:
    """An update rule of the catalogue by name, with the constants that suit it.

    ``rate`` is the learning rate when none is asked for.
    """

    name: str
    entry: str
    rate: float
    constants: Mapping[str, float] = field(default_factory=dict)

    def rule(self, like: Floats) -> Rule:
        """The rule for parameters in a vector of that length and type."""
        return Rule(generated(self.entry), self.constants, like)


OPTIMIZERS = {
    optimizer.name: optimizer
    for optimizer in (
        Optimizer("adam", "adam", 3e-3, {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}),
        Optimizer("sgd", "gradient_descent", 0.3),
        Optimizer("momentum", "momentum", 0.05, {"beta": 0.9}),
        Optimizer("nesterov", "nesterov", 0.05, {"beta": 0.9}),
        Optimizer("adagrad", "adagrad", 0.03, {"epsilon": 1e-8}),
        Optimizer("rmsprop", "rmsprop", 1e-3, {"beta": 0.99, "epsilon": 1e-8}),
        Optimizer("adamw", "adamw", 3e-3,
                  {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "decay": 0.01}),
        Optimizer("ista", "proximal_gradient", 0.3, {"lam": 1e-4}),
        Optimizer("box", "projected_box", 0.3, {"bound": 1.0}),
        Optimizer("ball", "projected_ball", 0.3, {"radius": 20.0}),
    )
}


def optimizer_named(name: str) -> Optimizer:
    """The optimizer called ``name``.

    Raises:
        NamingError: there is none; the message lists those there are.
    """
    if name not in OPTIMIZERS:
        raise NamingError(f"no optimizer {name!r}; there are {', '.join(OPTIMIZERS)}")
    return OPTIMIZERS[name]


def cosine_decay(rate: float, progress: float) -> float:
    """The rate at ``progress`` in 0 .. 1: ``a (1 + cos(pi p)) / 2``.

    Loshchilov and Hutter, SGDR, ICLR 2017, eq. 5, one cycle.
    """
    return float(rate * 0.5 * (1.0 + np.cos(np.pi * progress)))
