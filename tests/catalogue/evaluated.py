"""Functions of the catalogue as functions of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import mathdl as md


def declared(arrays: dict[str, Any], assume: dict[str, str] | None = None) -> dict[str, Any]:
    """A tensor for every array, integer where that is."""
    assume = assume or {}
    made = {}
    for name, array in arrays.items():
        array = np.asarray(array)
        kind = "integer" if array.dtype.kind == "i" else ()
        made[name] = md.tensor(name, *array.shape, assume=assume.get(name, kind))
    return made


def compiled(expr: Any) -> Callable[[dict[str, Any]], Any]:
    """An expression as a function of arrays by name; those that it does not read are ignored."""
    code = md.compile(expr)
    return lambda arrays: np.asarray(code(**{k: arrays[k] for k in code.inputs}))[()]


def value(expr: Any, arrays: dict[str, Any]) -> Any:
    """The value of an expression at arrays."""
    return compiled(expr)(arrays)


def applied(function: Callable[..., Any], options: dict[str, Any] | None = None,
            **arrays: Any) -> Any:
    """The value of a function of tensors at arrays, in their order."""
    return value(function(*declared(arrays).values(), **(options or {})), arrays)
