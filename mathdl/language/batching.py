"""Lifting over a new leading axis: one law for each entry of a stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mathdl.errors import ShapeError
from mathdl.ir.dim import Dim, show_shape
from mathdl.ir.tensor import Tensor
from mathdl.language.operators import normalise_axis, transpose
from mathdl.language.pointwise import as_tensor
from mathdl.language.recurrence import lift
from mathdl.language.stand_ins import fresh, given


def vmap(
    function: Callable[..., Any], in_axes: int | Sequence[int | None] | None = 0,
    out_axes: int = 0,
) -> Callable[..., Any]:
    """``function``, written for one instance, over a stack of instances.

    ``vmap(f)(X)[b] = f(X[b])``.  ``in_axes`` says along which axis each argument is stacked
    (None: it is shared), ``out_axes`` where the axis goes in the results, as in JAX.

    Raises ShapeError when no argument is stacked or their lengths differ.
    """

    def mapped(*arguments: Any) -> Any:
        tensors = [as_tensor(a) for a in arguments]
        axes = list(in_axes) if isinstance(in_axes, Sequence) else [in_axes] * len(tensors)
        if len(axes) != len(tensors):
            raise ShapeError(f"in_axes has {len(axes)} entries for {len(tensors)} arguments")
        stacked: dict[Tensor, Tensor] = {}
        inside: list[Tensor] = []
        lengths: dict[Dim, str] = {}
        for tensor, axis in zip(tensors, axes, strict=True):
            if axis is None:
                inside.append(tensor)
                continue
            at = normalise_axis(axis, tensor.ndim, "vmap")
            lengths[tensor.shape[at]] = show_shape(tensor.shape)
            front = transpose(tensor, [at, *(k for k in range(tensor.ndim) if k != at)])
            one = fresh("instance", front.shape[1:], tensor.assume)
            stacked[one] = front
            inside.append(one)
        if len(lengths) != 1:
            found = " and ".join(lengths.values()) or "no stacked argument"
            raise ShapeError(f"vmap needs one length for the mapped axis, found {found}")
        (dim,) = lengths
        with given(stacked):
            result = function(*inside)
        several = isinstance(result, (tuple, list))
        given_back = [as_tensor(r) for r in (result if several else [result])]
        moved = [_moved(r, out_axes) for r in lift(given_back, stacked, dim)]
        return type(result)(moved) if several else moved[0]

    return mapped


def _moved(tensor: Tensor, axis: int) -> Tensor:
    at = normalise_axis(axis, tensor.ndim, "vmap")
    order = list(range(1, tensor.ndim))
    order.insert(at, 0)
    return transpose(tensor, order)
