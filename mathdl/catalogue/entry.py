"""Entries: functions of tensors with their law, source and an instance over symbolic dims."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeVar

import mathdl as md
from mathdl.errors import NamingError
from mathdl.ir.tensor import Tensor

Made = TypeVar("Made", bound=Callable[..., Any])


@dataclass(frozen=True)
class Instance:
    """An expression over declared tensors of symbolic dims, and what it is differentiated by.

    A scalar, or a tensor, of which the derivative is the Jacobian.  ``smooth`` says whether the
    second derivative is worth checking too.
    """

    expr: Tensor
    wrt: tuple[str, ...]
    smooth: bool = True

    @classmethod
    def backward(cls, output: Tensor, *wrt: str, smooth: bool = True) -> Instance:
        """The entries weighted by ``G`` and summed: its gradients are the backward pass."""
        weights = md.tensor("G", output.shape)
        return cls(md.sum(weights * output), wrt, smooth)


@dataclass(frozen=True)
class Entry:
    """One entry of the catalogue.

    law
        What it computes, in LaTeX.
    reference
        Where it is found: author, title, section or equation.
    example
        Makes, from the function, the instance that is derived, verified, listed and tested.
    about
        What it is; by default what the function says of itself.
    facts
        What else is known of it, by what that is: a range, a constant.
    """

    name: str
    family: str
    law: str
    reference: str
    example: Callable[[Any], Instance]
    function: Callable[..., Any]
    about: str
    facts: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __reduce__(self) -> Any:
        return entry_named, (self.name,)

    def instance(self) -> Instance:
        """The function applied to tensors of symbolic dims."""
        return self.example(self.function)

    @property
    def summary(self) -> str:
        """The first line of what it is."""
        return self.about.split("\n")[0]


_REGISTRY: dict[str, Entry] = {}
_loaded = False


def entry(
    family: str, *, law: str, reference: str, example: Callable[[Any], Instance],
    name: str | None = None, about: str | None = None, facts: Mapping[str, str] | None = None,
) -> Callable[[Made], Made]:
    """Register a function as an entry, called as the function is.

    Raises:
        NamingError: there is another entry of that name.
    """

    def register(function: Made) -> Made:
        called = name or function.__name__
        if called in _REGISTRY:
            raise NamingError(f"there are two entries called {called!r}")
        _REGISTRY[called] = Entry(
            called, family, law, reference, example, function,
            about or inspect.getdoc(function) or "", facts or {},
        )
        return function

    return register


def entries() -> Mapping[str, Entry]:
    """All entries by name, in the order of their modules."""
    global _loaded
    if not _loaded:
        package = importlib.import_module("mathdl.catalogue")
        for module in pkgutil.walk_packages(package.__path__, "mathdl.catalogue."):
            importlib.import_module(module.name)
        _loaded = True
    return _REGISTRY


def entry_named(name: str) -> Entry:
    """The entry of that name.

    Raises:
        NamingError: there is none; near names are suggested.
    """
    found = entries().get(name)
    if found is None:
        near = get_close_matches(name, entries(), n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise NamingError(f"no entry {name!r} in the catalogue{hint}")
    return found


def families() -> dict[str, list[Entry]]:
    """The entries by family."""
    found: dict[str, list[Entry]] = {}
    for one in entries().values():
        found.setdefault(one.family, []).append(one)
    return found
