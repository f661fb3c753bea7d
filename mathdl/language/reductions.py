"""Reductions over axes and what is made of them, stated plainly.

Nothing here is shifted or rescaled for floating point: ``softmax`` is ``exp(z)/sum(exp(z))``.
Stable forms are chosen when code is generated.
"""

from __future__ import annotations

from typing import Any

from mathdl.errors import ShapeError
from mathdl.ir.build import define, out_ranges
from mathdl.ir.dim import product, show_shape
from mathdl.ir.index import bound_index, out_index, slot
from mathdl.ir.tensor import Access, Reduce, Tensor
from mathdl.language.elementwise import absolute, exp, log, sqrt
from mathdl.language.names import shown
from mathdl.language.operators import check_power, divide, normalise_axis, power, subtract
from mathdl.language.pointwise import as_tensor
from mathdl.scalar.compare import le

Axis = int | tuple[int, ...] | None


def normalise_axes(axis: Any, ndim: int, what: str) -> tuple[int, ...]:
    """The axes meant by ``axis=``, ascending; None is all of them, duplicates are refused."""
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = [normalise_axis(a, ndim, what) for a in given]
    if len(set(axes)) != len(axes):
        raise ShapeError(f"axis {shown(tuple(given))} of {what} names one axis twice")
    return tuple(sorted(axes))


def _reduce(kind: Reduce, a: Any, axis: Any, keepdims: Any, what: str) -> Tensor:
    if not isinstance(keepdims, bool):
        raise ShapeError(f"keepdims of {what} is True or False, not {shown(keepdims)}")
    a = as_tensor(a)
    axes = normalise_axes(axis, a.ndim, what)
    index: list[Any] = []
    shape: list[Any] = []
    bound: list[Any] = []
    for k, dim in enumerate(a.shape):
        if k in axes:
            index.append(bound_index(len(bound)))
            bound.append((index[-1], dim))
            if keepdims:
                shape.append(1)
        else:
            index.append(out_index(len(shape)))
            shape.append(dim)
    access = Access(a, tuple(index))
    return define(out_ranges(tuple(shape)), slot(0), [access], reduce=kind, bound=bound)


def _count(a: Tensor, axis: Any, what: str) -> Any:
    return product(a.shape[k] for k in normalise_axes(axis, a.ndim, what))


def sum(a: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """``sum_k a[..., k, ...]`` over the axes."""
    return _reduce("sum", a, axis, keepdims, "sum")


def prod(a: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """``prod_k a[..., k, ...]`` over the axes."""
    a = as_tensor(a)
    if not a.operands and not a.is_input:
        check_power(a, _count(a, axis, "prod"))
    return _reduce("prod", a, axis, keepdims, "prod")


def max(a: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The greatest entry over the axes; a tie shares the gradient evenly."""
    return _reduce("max", a, axis, keepdims, "max")


def min(a: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The least entry over the axes; a tie shares the gradient evenly."""
    return _reduce("min", a, axis, keepdims, "min")


def mean(a: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """``sum(a)/count`` over the axes."""
    a = as_tensor(a)
    return divide(_reduce("sum", a, axis, keepdims, "mean"), _count(a, axis, "mean"))


def var(a: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """``mean((a - mean(a))**2)``: division by the count (ddof 0)."""
    a = as_tensor(a)
    axes = normalise_axes(axis, a.ndim, "var")
    return mean(power(subtract(a, mean(a, axes, True)), 2), axes, keepdims)


def std(a: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """``sqrt(var(a))``."""
    return _tensor(sqrt(var(a, axis, keepdims)))


def logsumexp(a: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """``log(sum(exp(a)))`` over the axes."""
    return _tensor(log(_reduce("sum", exp(as_tensor(a)), axis, keepdims, "logsumexp")))


def norm1(a: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """``sum(abs(a))`` over the axes."""
    return _reduce("sum", absolute(as_tensor(a)), axis, keepdims, "norm1")


def norm2(a: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """``sqrt(sum(a**2))`` over the axes: Euclidean on a vector, Frobenius on a matrix."""
    return _tensor(sqrt(_reduce("sum", power(as_tensor(a), 2), axis, keepdims, "norm2")))


def norm_inf(a: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """``max(abs(a))`` over the axes."""
    return _reduce("max", absolute(as_tensor(a)), axis, keepdims, "norm_inf")


def softmax(a: Any, axis: int | tuple[int, ...] = -1) -> Tensor:
    """``E/S`` with ``E = exp(a)`` and ``S = sum(E)`` over the axis (the last by default).

    Goodfellow, Bengio & Courville, Deep Learning, eq. 6.29.
    """
    weights = exp(as_tensor(a))
    return divide(weights, _reduce("sum", weights, axis, True, "softmax"))


def log_softmax(a: Any, axis: int | tuple[int, ...] = -1) -> Tensor:
    """``a - log(sum(exp(a)))`` over the axis (the last by default).

    Goodfellow, Bengio & Courville, Deep Learning, eq. 6.30.
    """
    a = as_tensor(a)
    return subtract(a, log(_reduce("sum", exp(a), axis, True, "log_softmax")))


def cumsum(a: Any, axis: int | None = None) -> Tensor:
    """``out[i] = sum_r a[r] [r <= i]`` along the axis; a vector needs no axis."""
    a = as_tensor(a)
    if axis is None and a.ndim != 1:
        raise ShapeError(
            f"cumsum of shape {show_shape(a.shape)} needs an axis; only a vector does without"
        )
    axis = normalise_axis(0 if axis is None else axis, a.ndim, "cumsum")
    r, i = bound_index(0), out_index(axis)
    index = [r if k == axis else out_index(k) for k in range(a.ndim)]
    return define(
        out_ranges(a.shape),
        slot(0) * le(r, i),
        [Access(a, tuple(index))],
        reduce="sum",
        bound=[(r, a.shape[axis])],
    )


def _tensor(value: Any) -> Tensor:
    return as_tensor(value)


__all__ = [
    "cumsum", "log_softmax", "logsumexp", "max", "mean", "min", "norm1", "norm2",
    "norm_inf", "normalise_axes", "prod", "softmax", "std", "sum", "var",
]
