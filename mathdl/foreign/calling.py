"""Calling somebody's function with arrays by name, and reading what it returns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mathdl.errors import InputError, UnsupportedError
from mathdl.verify.noise import Array

Function = Callable[..., Any]
#: The arguments by name, and the sizes of the dims by name.
Given = Mapping[str, Any]


def name_of_function(function: Any) -> str:
    """What a message calls a function."""
    return str(getattr(function, "__name__", None) or type(function).__name__)


def caller(
    function: Function, names: Sequence[str], sizes: Sequence[str], leading: int = 0
) -> Callable[..., Any]:
    """``call(given, *first)``: the function with ``first``, then its arguments from ``given``.

    By name where every parameter is an input or a dim; otherwise in the order of ``names``.
    ``leading`` parameters in front are not inputs.

    Raises InputError when neither fits its signature.
    """
    keywords = _keywords(function, [*names, *sizes], names, leading)

    def call(given: Given, *first: Any) -> Any:
        if keywords is None:
            return function(*first, *(passed(given[n]) for n in names))
        return function(*first, **{n: passed(given[n]) for n in keywords})

    return call


def passed(value: Any) -> Any:
    """A copy, since functions write into what they are given; a scalar as a NumPy number."""
    if not isinstance(value, np.ndarray):
        return value
    return value[()] if value.ndim == 0 else value.copy()


def _keywords(
    function: Function, known: Sequence[str], names: Sequence[str], leading: int
) -> list[str] | None:
    """The parameters to pass by name; None to pass all inputs by position."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    kinds = {p.kind for p in found}
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return None
    named = [p for p in found[leading:] if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    open_ended = inspect.Parameter.VAR_KEYWORD in kinds
    positional = [p for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p.name for p in found[leading:] if p.default is p.empty
                and p.kind is not p.VAR_KEYWORD]
    if len(named) == len(found) - leading - open_ended and set(required) <= set(known):
        wanted = [n for n in known if n in {p.name for p in named}]
        return list(names) if open_ended and not wanted else wanted
    if len(required) <= len(names) <= len(positional) - leading:
        return None
    takes = ", ".join(p.name for p in found[leading:])
    raise InputError(
        f"{name_of_function(function)} takes ({takes}), the inputs are {', '.join(names)}: "
        "the names or their number must agree"
    )


def real_array(value: Any, what: str) -> Array:
    """A result as an array of real numbers; its precision stays as it is."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise InputError(f"{what} is not an array: its rows differ in length") from None
    if array.dtype.kind == "c":
        raise UnsupportedError(f"{what} is complex; only real functions are checked")
    if array.dtype.kind in "iub":
        return array.astype(float)
    if array.dtype.kind != "f":
        raise InputError(f"{what} is {type(value).__name__}, not an array of numbers")
    return array


def by_name(
    result: Any, wrt: Sequence[str], names: Sequence[str], what: str
) -> dict[str, Array]:
    """The derivatives by argument: of a dict, of a tuple in the order of ``wrt``, or a lone one.

    A tuple with one entry for every input is read in the order of the inputs; a ``None`` in it
    stands for a derivative that is not given.
    """
    if isinstance(result, Mapping):
        found = {n: result[n] for n in wrt if n in result}
    elif isinstance(result, tuple) or (isinstance(result, list) and len(wrt) > 1):
        order = wrt if len(result) == len(wrt) else names
        if len(result) != len(order):
            raise InputError(
                f"{what} returns {len(result)} arrays; there are {len(wrt)} in wrt: "
                f"{', '.join(wrt)}"
            )
        found = {n: g for n, g in zip(order, result, strict=True) if n in wrt}
    elif len(wrt) == 1:
        found = {wrt[0]: result}
    else:
        raise InputError(
            f"{what} returns {type(result).__name__}; for {', '.join(wrt)} it is a tuple in this "
            "order or a dict by name"
        )
    return {n: real_array(g, f"the derivative by {n}") for n, g in found.items() if g is not None}
