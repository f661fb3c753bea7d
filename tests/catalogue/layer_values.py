"""Evaluating functions of the catalogue at arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import mathdl as md

Array = Any


def value(function: Callable[..., Any], *arrays: Array, integer: tuple[int, ...] = ()) -> Array:
    """The function of tensors of these sizes, compiled, at these arrays."""
    names = [f"x{k}" for k in range(len(arrays))]
    tensors = [
        md.tensor(name, *map(int, np.shape(a)), assume="integer" if k in integer else ())
        for k, (name, a) in enumerate(zip(names, arrays, strict=True))
    ]
    code = md.compile(function(*tensors))
    given = dict(zip(names, arrays, strict=True))
    return code(**{name: given[name] for name in code.inputs})


def agree(got: Array, wanted: Array) -> None:
    """Equal in shape, and in value but for rounding."""
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)
