"""Update rules: how parameters follow their gradients.

The rules are those of the catalogue, derived from the problems that define them and generated as
NumPy code.  All parameters of a model lie in one vector ``theta`` (see
:class:`mathdl.train.loop.Packed`), so a rule is a few operations on whole vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

from mathdl.catalogue import entry_named
from mathdl.catalogue.optimizers.legend import applied, argument
from mathdl.derivation import compile_expression
from mathdl.errors import InputError, NamingError
from mathdl.ir.system import inputs_of
from mathdl.simplify import simplify
from mathdl.train.data import Floats

if TYPE_CHECKING:
    from mathdl.generate.compiled import Compiled


@dataclass(frozen=True)
class Generated:
    """The code of one step, what it calls the iterate, and the names of its states.

    ``added`` says that it computes what is added to the iterate, which then it does not read.
    """

    code: Compiled
    theta: str
    states: tuple[str, ...]
    added: bool


@lru_cache
def generated(entry: str) -> Generated:
    """The code of an update rule of the catalogue.

    Where what is solved for is a number, but the iterate is none, it is the size of a step along
    ``p``.
    """
    function = entry_named(entry).function
    update = applied(function)
    theta = argument(next(iter(signature(function).parameters)))
    along = update.point.ndim < theta.ndim
    point = theta + update.point * argument("p") if along else update.point
    (step,) = simplify([point - theta])
    added = theta not in inputs_of([step])
    code = compile_expression({"theta": step if added else point, **update.states})
    return Generated(code, str(theta.name), tuple(update.states), added)


class Rule:
    """An update of ``theta`` in place, with the states that it carries from step to step.

    States start at zero, or down the gradient where the optimizer says so, and are computed into
    arrays that take turns; ``states`` and ``steps`` are all that a run needs to go on from.
    ``needs`` are the names of what each step is given.
    """

    def __init__(self, generated: Generated, optimizer: Optimizer, like: Floats) -> None:
        self.states = {name: np.zeros_like(like) for name in generated.states}
        self.steps = 0
        self._next = {name: np.zeros_like(like) for name in generated.states}
        self._theta = np.empty_like(like)
        self._generated, self._optimizer = generated, optimizer
        self._scalars = {n: like.dtype.type(v) for n, v in optimizer.constants.items()}
        known = {generated.theta, optimizer.paced, "t", *self.states, *self._scalars}
        self.needs = tuple(n for n in generated.code.inputs if n not in known)
        self._shapes: tuple[tuple[int, ...], ...] = ()
        self._run: Callable[..., object] = generated.code.plan

    def step(self, theta: Floats, rate: float, **given: Floats) -> None:
        """One step at that rate; ``g`` is the gradient, the rest as the catalogue calls it."""
        if not self.steps:
            for name in self._optimizer.downhill:
                np.negative(given["g"], out=self.states[name])
        self.steps += 1
        kind = theta.dtype.type
        known: dict[str, Any] = {
            **self._scalars, **given, self._generated.theta: theta,
            self._optimizer.paced: kind(rate), "t": kind(self.steps), **self.states,
        }
        arrays = [known[name] for name in self._generated.code.inputs]
        shapes = tuple(array.shape for array in arrays)
        if shapes != self._shapes:
            self._run, self._shapes = self._generated.code.plan(*arrays), shapes
        self._run(*arrays, self._theta, *self._next.values())
        if self._generated.added:
            theta += self._theta
        else:
            theta[...] = self._theta
        self.states, self._next = self._next, self.states

    def restore(self, states: Mapping[str, Floats], steps: int) -> None:
        """Go on from the states that a rule of the same name had after so many steps."""
        for name, state in self.states.items():
            state[...] = states[name]
        self.steps = steps


class Sweep:
    """An update of ``theta`` in place, one entry after the other, each given those before it.

    The rule is for one entry; it reads the residuals and, but for the sign, its column of their
    Jacobian.
    """

    needs = ("r", "J")

    def __init__(self, generated: Generated, optimizer: Optimizer) -> None:
        self.states: dict[str, Floats] = {}
        self.steps = 0
        self._code, self._lam = generated.code, optimizer.constants["lam"]

    def step(self, theta: Floats, rate: float, **given: Any) -> None:
        """Every entry once; the rule has no rate."""
        self.steps += 1
        r, lam = given["r"], theta.dtype.type(given.get("lam", self._lam))
        for j, column in enumerate(np.ascontiguousarray(-given["J"].T)):
            found = self._code(weight=theta[j], r=r, column=column, lam=lam)
            theta[j], r = found["theta"], found["r"]

    def restore(self, states: Mapping[str, Floats], steps: int) -> None:
        """Go on after so many sweeps; nothing else is carried over."""
        self.steps = steps


@dataclass(frozen=True)
class Optimizer:
    """An update rule of the catalogue by name, with the constants that suit it.

    rate
        The learning rate when none is asked for; None where the rule has none.
    paced
        What the rule calls that which falls in the course of a run.
    downhill
        The states that start down the gradient.
    domain
        The assumption about parameters that its steps keep; none where they may go anywhere.
    """

    name: str
    entry: str
    rate: float | None
    constants: Mapping[str, float] = field(default_factory=dict)
    paced: str = "eta"
    downhill: tuple[str, ...] = ()
    domain: str = ""

    def rule(self, like: Floats) -> Rule | Sweep:
        """The rule for parameters in a vector of that length and type."""
        code = generated(self.entry)
        return Sweep(code, self) if code.theta == "weight" else Rule(code, self, like)

    @property
    def shrinks(self) -> bool:
        """Whether its problem has the penalty ``lam sum(abs(theta))``, beside a smooth loss."""
        return "lam" in self.constants

    def with_constants(self, chosen: Sequence[str]) -> Optimizer:
        """The same rule with constants written as ``beta1=0.8``.

        Raises:
            NamingError: the rule has no such constant; the message lists those that it has.
            InputError: what is written is no such thing, or outside of where the constant lies.
        """
        constants = dict(self.constants)
        for text in chosen:
            name, equals, number = (part.strip() for part in text.partition("="))
            if not equals:
                raise InputError(f"{text!r} does not set a constant; write it as name=number")
            if name not in constants:
                known = ", ".join(f"{k}={v:g}" for k, v in self.constants.items())
                raise NamingError(f"{self.name} has no constant {name!r}; "
                                  f"it has {known or 'none'}")
            constants[name] = _constant(name, number)
        return replace(self, constants=constants)

    def starting(self, rate: float | None) -> float:
        """The learning rate at the start, where so much is asked for.

        Raises:
            InputError: the rule has none.
        """
        if rate is not None and self.rate is None:
            raise InputError(f"{self.name} has no learning rate, its steps are exact; "
                             "leave --learning-rate out")
        return rate if rate is not None else self.rate or 0.0


#: Where constants lie: from the first number to below the second, with the first or without it.
LIMITS = {
    **dict.fromkeys(("beta", "beta1", "beta2"), (0.0, 1.0, True)),
    **dict.fromkeys(("decay", "lam"), (0.0, np.inf, True)),
    **dict.fromkeys(("epsilon", "bound", "radius", "damping"), (0.0, np.inf, False)),
}


def _constant(name: str, text: str) -> float:
    low, high, included = LIMITS[name]
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{name} is a number, not {text!r}") from None
    if not (low < value < high or (included and value == low)):
        least = "at least" if included else "above"
        below = f" and below {high:g}" if high < np.inf else ""
        raise InputError(f"{name} must be {least} {low:g}{below}, not {value:g}")
    return value


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
        Optimizer("ista", "proximal_gradient", 0.1, {"lam": 1e-4}),
        Optimizer("coordinates", "lasso_coordinate", None, {"lam": 1e-4}),
        Optimizer("mirror", "mirror_descent", 0.3, domain="probability_vector"),
        Optimizer("exponentiated", "exponentiated_gradient", 0.3, domain="positive"),
        Optimizer("box", "projected_box", 0.3, {"bound": 1.0}),
        Optimizer("ball", "projected_ball", 0.3, {"radius": 20.0}),
        Optimizer("newton", "newton", None),
        Optimizer("gauss_newton", "gauss_newton", None),
        Optimizer("levenberg_marquardt", "levenberg_marquardt", None, {"damping": 1e-3}),
        Optimizer("natural", "natural_gradient", 1.0),
        Optimizer("natural_ball", "natural_gradient_ball", 0.01, paced="radius"),
        Optimizer("line_search", "exact_line_search", None),
        Optimizer("conjugate", "conjugate_gradient", None, downhill=("p",)),
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
