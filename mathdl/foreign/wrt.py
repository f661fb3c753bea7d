"""By what a gradient is, told by the names and shapes of what was returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mathdl.errors import InputError
from mathdl.foreign.subject import Form
from mathdl.ir.tensor import Tensor
from mathdl.verify.noise import Array


def inferred(
    result: Any, real: Sequence[Tensor], arrays: Mapping[str, Any], value: Array, form: Form
) -> tuple[Tensor, ...]:
    """The inputs by which these are the derivatives.

    Of a dict its keys; of as many arrays as there are real inputs all of these; otherwise those
    whose shapes the arrays have, in order.  Raises InputError where that is not one choice.
    """
    if isinstance(result, Mapping):
        found = tuple(t for t in real if t.name in result)
        if not found or len(found) < len(result):
            raise InputError(
                f"the gradient is a dict of {', '.join(map(str, result))}; the inputs are "
                f"{', '.join(t.name or '' for t in real)}"
            )
        return found
    several = isinstance(result, tuple) or (isinstance(result, list) and len(real) > 1)
    parts = list(result) if several else [result]
    if len(parts) == len(real):
        return tuple(t for t, part in zip(real, parts, strict=True) if part is not None)
    front = value.shape if form == "Jacobian" else ()
    shapes = [np.shape(p) for p in parts]
    choices = _choices(shapes, [(t, (*front, *np.shape(arrays[t.name or ""]))) for t in real])
    if len(choices) != 1:
        names = ", ".join(t.name or "" for t in real)
        raise InputError(
            f"the gradient has shapes {', '.join(map(str, shapes))}: say by which of {names} "
            "with wrt="
        )
    return choices[0]


def _choices(
    shapes: Sequence[tuple[int, ...]], inputs: Sequence[tuple[Tensor, tuple[int, ...]]]
) -> list[tuple[Tensor, ...]]:
    """The ways to match the shapes with inputs, in order."""
    if not shapes:
        return [()]
    return [
        (tensor, *rest)
        for k, (tensor, shape) in enumerate(inputs) if shape == shapes[0]
        for rest in _choices(shapes[1:], inputs[k + 1:])
    ]
