"""Lifting over a new leading axis: one law for each entry of a stack."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sympy import Symbol

from mathdl.errors import ShapeError
from mathdl.ir.build import define, out_ranges
from mathdl.ir.dim import Dim, show_shape
from mathdl.ir.index import bound_index, out_indices, slot
from mathdl.ir.system import depends_on, topological
from mathdl.ir.tensor import Access, Tensor, input_tensor
from mathdl.language.operators import normalise_axis, transpose
from mathdl.language.pointwise import as_tensor
from mathdl.primitives.registry import apply, lookup_primitive

_COUNT = itertools.count()


def lift(output: Tensor, stacked: Mapping[Tensor, Tensor], dim: Dim) -> Tensor:
    """``output`` for every entry of a stack of ``dim``.

    ``stacked`` gives for each input that varies the tensor of shape ``(dim, *shape)`` of its
    entries; everything that depends on one gets the axis in front.
    """
    carrying = depends_on([output], stacked)
    known: dict[int, Tensor] = {id(t): s for t, s in stacked.items()}
    for tensor in topological([output]):
        if id(tensor) in carrying and id(tensor) not in known:
            known[id(tensor)] = _lifted(tensor, known, dim)
    if id(output) in known:
        return known[id(output)]
    symbols = out_indices(output.ndim)
    b = Symbol("b", integer=True, nonnegative=True)
    return define(
        [(b, dim), *zip(symbols, output.shape, strict=True)], slot(0), [Access(output, symbols)]
    )


def _lifted(tensor: Tensor, known: Mapping[int, Tensor], dim: Dim) -> Tensor:
    if tensor.call is not None:
        operands = [known.get(id(a.tensor), a.tensor) for a in tensor.operands]
        return apply(
            lookup_primitive(tensor.call.primitive), *operands, **dict(tensor.call.params)
        )
    b = Symbol("b", integer=True, nonnegative=True)
    equation = tensor.equation
    return define(
        [(b, dim), *out_ranges(tensor.shape)],
        equation.body,
        [
            Access(known[id(a.tensor)], (b, *a.index), a.held) if id(a.tensor) in known else a
            for a in equation.operands
        ],
        reduce=equation.reduce,
        bound=[(bound_index(k), d) for k, d in enumerate(equation.extents)],
        requires=tensor.requires,
        label=tensor.label,
    )


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
        given: list[Tensor] = []
        lengths: dict[Dim, str] = {}
        for tensor, axis in zip(tensors, axes, strict=True):
            if axis is None:
                given.append(tensor)
                continue
            at = normalise_axis(axis, tensor.ndim, "vmap")
            lengths[tensor.shape[at]] = show_shape(tensor.shape)
            front = transpose(tensor, [at, *(k for k in range(tensor.ndim) if k != at)])
            one = input_tensor(f"_instance{next(_COUNT)}", front.shape[1:], tensor.assume)
            stacked[one] = front
            given.append(one)
        if len(lengths) != 1:
            found = " and ".join(lengths.values()) or "no stacked argument"
            raise ShapeError(f"vmap needs one length for the mapped axis, found {found}")
        (dim,) = lengths
        result = function(*given)
        if isinstance(result, (tuple, list)):
            return type(result)(_moved(lift(as_tensor(r), stacked, dim), out_axes) for r in result)
        return _moved(lift(as_tensor(result), stacked, dim), out_axes)

    return mapped


def _moved(tensor: Tensor, axis: int) -> Tensor:
    at = normalise_axis(axis, tensor.ndim, "vmap")
    order = list(range(1, tensor.ndim))
    order.insert(at, 0)
    return transpose(tensor, order)
