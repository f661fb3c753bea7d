"""Modules: layers that declare their own parameters, and know how each starts.

>>> import mathdl as md
>>> n, d = md.dims("n d")
>>> model = md.layers.Sequential(md.layers.Dense("h"), md.tanh, md.layers.Dense(1))
>>> model(md.tensor("X", n, d)).shape
(n, 1)
>>> list(model.parameters)
['W1', 'b1', 'W2', 'b2']
>>> {name: a.shape for name, a in model.initial({"d": 3, "h": 5}, seed=0).items()}
{'W1': (3, 5), 'b1': (5,), 'W2': (5, 1), 'b2': (1,)}
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import sympify

import mathdl as md
from mathdl.catalogue.layers.initial import Array, Initial, zeros
from mathdl.errors import InputError, NamingError, ShapeError
from mathdl.ir.dim import Dim, Shape, as_dim, show_shape
from mathdl.ir.tensor import Tensor


@dataclass(frozen=True)
class Parameter:
    """What is learned: a tensor, the law of its first entries, and the fans that it depends on."""

    tensor: Tensor
    law: Initial
    fans: tuple[Dim, Dim]

    def draw(self, rng: np.random.Generator, sizes: Mapping[str, int]) -> Array:
        """First entries, at these sizes of dims."""
        shape = tuple(_size(d, sizes, self.tensor) for d in self.tensor.shape)
        fan_in, fan_out = (_size(d, sizes, self.tensor) for d in self.fans)
        return self.law(rng, shape, fan_in, fan_out)


def _size(dim: Dim, sizes: Mapping[str, int], tensor: Tensor) -> int:
    symbols = sympify(dim).free_symbols
    unknown = sorted(s.name for s in symbols if s.name not in sizes)
    if unknown:
        raise InputError(f"the size of {', '.join(unknown)} is needed for {tensor.name}")
    return int(sympify(dim).subs({s: sizes[s.name] for s in symbols}))


class Module(ABC):
    """A function of a tensor with parameters, which are declared when it is first called.

    A module inside another one is an attribute of it, alone or in a tuple.  Those inside are
    numbered in their order, and so are their parameters: ``W1``, ``b1``, ``W2``.
    """

    number = ""

    @abstractmethod
    def __call__(self, x: Any) -> Tensor:
        """The output for ``x``."""

    def parameter(
        self, name: str, shape: Shape, law: Initial = zeros, fans: tuple[Dim, Dim] = (1, 1)
    ) -> Tensor:
        """The parameter of that name, declared now or before.

        Raises ShapeError when it was declared with another shape: for an input of other dims.
        """
        own: dict[str, Parameter] = vars(self).setdefault("_own", {})
        shape = tuple(map(as_dim, shape))
        if name not in own:
            tensor = md.tensor(f"{name}{self.number}", *shape)
            own[name] = Parameter(tensor, law, (as_dim(fans[0]), as_dim(fans[1])))
        known = own[name].tensor
        if known.shape != shape:
            raise ShapeError(f"{known.name} has shape {show_shape(known.shape)} from the first "
                             f"call; this input needs {show_shape(shape)}")
        return known

    def parts(self) -> Iterator[Module]:
        """The modules right inside."""
        for value in vars(self).values():
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Module):
                    yield part

    def leaves(self) -> Iterator[Module]:
        """The modules inside, at any depth, that have none inside, in order and once each."""
        found: dict[Module, None] = {}
        for part in self.parts():
            found.update(dict.fromkeys([*part.leaves()] or [part]))
        return iter(found)

    def number_parts(self) -> None:
        """Number the modules inside; what has several calls this when they are made.

        Raises NamingError when one was called already: its parameters have their names.
        """
        for number, leaf in enumerate(self.leaves(), 1):
            if "_own" in vars(leaf):
                raise NamingError(f"{type(leaf).__name__} was called before it became a part of "
                                  f"{type(self).__name__}; make the whole first")
            leaf.number = str(number)

    def _declared(self) -> dict[str, Parameter]:
        found: dict[str, Parameter] = {}
        for module in (self, *self.leaves()):
            for one in vars(module).get("_own", {}).values():
                name = one.tensor.name or ""
                if name in found:
                    raise NamingError(f"two parameters of {type(self).__name__} are called {name};"
                                      " end its __init__ with self.number_parts()")
                found[name] = one
        if not found:
            raise InputError(f"{type(self).__name__} declares its parameters when it is called on "
                             "a tensor; call it first")
        return found

    @property
    def parameters(self) -> dict[str, Tensor]:
        """The parameters by name, in the order of the modules."""
        return {name: one.tensor for name, one in self._declared().items()}

    def initial(self, dims: Mapping[str, int] | None = None, seed: int = 0) -> dict[str, Array]:
        """First values by name, for these sizes of the symbolic dims.

        Raises InputError for a dim without a size.
        """
        rng = np.random.default_rng(seed)
        return {name: one.draw(rng, dims or {}) for name, one in self._declared().items()}


class Sequential(Module):
    """Modules and functions of one tensor, one after another."""

    def __init__(self, *steps: Callable[[Any], Tensor]) -> None:
        self.steps = steps
        self.number_parts()

    def __call__(self, x: Any) -> Tensor:
        for step in self.steps:
            x = step(x)
        result: Tensor = x
        return result


class Residual(Module):
    """A module or function by-passed: ``x + inner(x)``."""

    def __init__(self, inner: Callable[[Any], Tensor]) -> None:
        self.inner = inner
        self.number_parts()

    def __call__(self, x: Any) -> Tensor:
        total: Tensor = x + self.inner(x)
        return total
