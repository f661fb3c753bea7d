"""Functions of PyTorch tensors and JAX arrays, and the derivatives that these give themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mathdl.errors import InputError
from mathdl.foreign.calling import Function, Given

NAMES = ("torch", "jax")


@dataclass(frozen=True)
class Own:
    """A function of a framework as one of arrays, with the framework's derivative of it.

    value, claimed
        Arrays by name, and cotangents, to arrays.
    converted
        Makes a function of the framework's arrays one of NumPy's.
    """

    value: Callable[[Given], Any]
    claimed: Callable[..., Any]
    converted: Callable[[Callable[..., Any]], Callable[..., Any]]
    versions: Mapping[str, str]


def framework_of(function: Function) -> str | None:
    """The framework of an ``autograd.Function``'s apply, a module, a ``custom_vjp``, a jit."""
    owner = getattr(function, "__self__", None)
    classes = [*type(function).__mro__, *(owner.__mro__ if isinstance(owner, type) else ())]
    roots = {c.__module__.partition(".")[0] for c in classes}
    if "torch" in roots:
        return "torch"
    return "jax" if roots & {"jax", "jaxlib"} else None


def own_derivative(
    name: str, call: Callable[..., Any], function: Function, wrt: Sequence[str]
) -> Own:
    """``call`` takes the framework's arrays; the result takes and gives NumPy's."""
    if name == "torch":
        from mathdl.foreign.torch import torch_derivative

        return torch_derivative(call, wrt)
    if name == "jax":
        from mathdl.foreign.jax import jax_derivative

        return jax_derivative(call, wrt)
    raise InputError(f"unknown framework {name!r}; there are: {', '.join(NAMES)}")
