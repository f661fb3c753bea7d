"""Operations that move entries: joining, reshaping, and windows (convolution, pooling).

Joining is a sum of shifted accesses and zero padding a shifted access, because an access
outside a tensor's range is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Add, Expr, Integer, cancel, floor, sympify

from mathdl.errors import ShapeError
from mathdl.ir.build import define, out_ranges
from mathdl.ir.dim import Dim, nonnegative, normal, product, show_shape
from mathdl.ir.index import bound_index, out_index, out_indices, reshape_index, slot
from mathdl.ir.tensor import Access, Reduce, Requirement, Tensor
from mathdl.language import operators
from mathdl.language.linalg import as_shape
from mathdl.language.names import shown
from mathdl.language.operators import divide, normalise_axis, require_at_least
from mathdl.language.pointwise import as_tensor, broadcast_access, broadcast_shapes

MAX_JOINED = 64


def _list_of_tensors(tensors: Any, what: str) -> list[Tensor]:
    if not isinstance(tensors, (list, tuple)) or not tensors:
        raise ShapeError(f"{what} takes a list of tensors: {what}([a, b])")
    return [as_tensor(t) for t in tensors]


def _same_but(tensors: list[Tensor], axis: int | None, what: str) -> None:
    first = tensors[0].shape
    for t in tensors[1:]:
        same = len(t.shape) == len(first) and all(
            k == axis or d == e for k, (d, e) in enumerate(zip(t.shape, first, strict=False))
        )
        if not same:
            where = "" if axis is None else f" other than axis {axis}"
            raise ShapeError(
                f"shapes {show_shape(first)} and {show_shape(t.shape)} do not fit in {what}: "
                f"all axes{where} must be equal"
            )


def concat(tensors: Any, axis: int = 0) -> Tensor:
    """The tensors one after another along an existing axis: ``out[i] = a[i] + b[i - n_a]``."""
    parts = _list_of_tensors(tensors, "concat")
    axis = normalise_axis(axis, parts[0].ndim, "concat")
    _same_but(parts, axis, "concat")
    if len(parts) > MAX_JOINED:  # in groups, so that no equation gets very long
        groups = [parts[k : k + MAX_JOINED] for k in range(0, len(parts), MAX_JOINED)]
        return concat([concat(group, axis) for group in groups], axis)
    index = list(out_indices(parts[0].ndim))
    offset: Any = Integer(0)
    accesses: list[Access] = []
    for part in parts:
        accesses.append(
            Access(part, tuple(e - offset if k == axis else e for k, e in enumerate(index)))
        )
        offset = offset + part.shape[axis]
    shape = list(parts[0].shape)
    shape[axis] = normal(offset)
    return define(out_ranges(tuple(shape)), Add(*map(slot, range(len(parts)))), accesses)


def stack(tensors: Any, axis: int = 0) -> Tensor:
    """The tensors, of equal shape, along a new axis."""
    parts = _list_of_tensors(tensors, "stack")
    _same_but(parts, None, "stack")
    at = normalise_axis(axis, parts[0].ndim + 1, "stack")
    return concat([expand_dims(p, at) for p in parts], at)


def expand_dims(a: Any, axis: int) -> Tensor:
    """A new axis of length 1 at ``axis`` of the result."""
    a = as_tensor(a)
    at = normalise_axis(axis, a.ndim + 1, "expand_dims")
    index = [i for k, i in enumerate(out_indices(a.ndim + 1)) if k != at]
    shape = (*a.shape[:at], 1, *a.shape[at:])
    return define(out_ranges(shape), slot(0), [Access(a, tuple(index))])


def reshape(a: Any, *shape: Any) -> Tensor:
    """The entries in row-major order under another shape; one dim may be -1.

    Raises ShapeError unless the numbers of entries are equal for all dims.
    """
    a = as_tensor(a)
    dims = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    unknown = [k for k, d in enumerate(dims) if isinstance(d, (int, Expr)) and d == -1]
    if len(unknown) > 1:
        raise ShapeError("reshape has more than one -1")
    known = as_shape(tuple(d for k, d in enumerate(dims) if k not in unknown), "reshape")
    total = product(a.shape)
    if unknown:
        rest = cancel(sympify(total) / product(known))
        whole = rest == sympify(total)
        if not rest.is_integer or not (whole or nonnegative(rest - 1)):
            raise ShapeError(
                f"reshape of {show_shape(a.shape)}: {total}/({product(known)}), the length meant "
                "by -1, is not an integer for all dims"
            )
        known = (*known[: unknown[0]], normal(rest), *known[unknown[0] :])
    if product(known) != total:
        raise ShapeError(
            f"reshape from {show_shape(a.shape)} to {show_shape(known)}: the sizes {total} and "
            f"{product(known)} are not equal"
        )
    return define(out_ranges(known), slot(0), [Access(a, reshape_index(a.shape, known))])


def transpose(a: Any, axes: Any = None) -> Tensor:
    """Axis ``k`` of the result is axis ``axes[k]`` of ``a``; reversed without ``axes``."""
    a = as_tensor(a)
    if axes is None:
        return operators.transpose_all(a)
    if not isinstance(axes, (tuple, list)):
        raise ShapeError(f"axes of transpose is a tuple of axes, not {shown(axes)}")
    order = [normalise_axis(k, a.ndim, "transpose") for k in axes]
    if sorted(order) != list(range(a.ndim)):
        raise ShapeError(
            f"axes {tuple(axes)} of transpose are not a permutation of the {a.ndim} axes"
        )
    return operators.transpose(a, order)


def broadcast_to(a: Any, shape: Any) -> Tensor:
    """``a`` repeated along missing axes and axes of length 1."""
    a = as_tensor(a)
    target = as_shape((shape,), "broadcast_to")
    if a.ndim > len(target) or broadcast_shapes([a.shape, target], "broadcast_to") != target:
        raise ShapeError(f"shape {show_shape(a.shape)} does not broadcast to {show_shape(target)}")
    return define(out_ranges(target), slot(0), [broadcast_access(a, target)])


# -- windows -----------------------------------------------------------------------------------


def _pair(value: Any, what: str, least: int) -> tuple[int, int]:
    """An integer for both axes, or one for each."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(values) == 2 and all(
        isinstance(v, (int, Integer)) and not isinstance(v, bool) and v >= least for v in values
    ):
        return int(values[0]), int(values[1])
    raise ShapeError(f"{what} is an integer >= {least} or a pair of them, not {shown(value)}")


def _window_count(
    length: Dim, window: Any, stride: int, what: str
) -> tuple[Dim, tuple[Requirement, ...]]:
    """``floor((length - window)/stride) + 1``, at least 1."""
    room = normal(sympify(length) - window)
    try:
        requires = require_at_least(room, f"{what}: the window {window} must fit into {length}")
    except ShapeError:
        raise ShapeError(
            f"{what}: the window of length {window} is longer than the axis of length {length}"
        ) from None
    return normal(floor(sympify(room) / stride) + 1), requires


def conv2d(x: Any, k: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> Tensor:
    """Cross-correlation over the last two axes, ``H W`` image and ``P Q`` kernel.

    ``out[n, o, i, j] = sum_{c, p, q} x[n, c, s i + l p - b, s j + l q - b] k[o, c, p, q]`` with
    stride ``s``, dilation ``l`` and ``b`` zeros of padding, for ``x: N C H W`` and ``k: O C P Q``;
    or without the first two axes for a matrix with a matrix.  Goodfellow et al., Deep Learning,
    eq. 9.6.
    """
    x, k = as_tensor(x), as_tensor(k)
    if (x.ndim, k.ndim) not in ((2, 2), (4, 4)):
        raise ShapeError(
            "conv2d takes a matrix with a matrix, or shapes (N, C, H, W) with (O, C, P, Q), not "
            f"{show_shape(x.shape)} with {show_shape(k.shape)}"
        )
    batched = x.ndim == 4
    if batched and x.shape[1] != k.shape[1]:
        raise ShapeError(
            f"conv2d: axis 1 (channels) has length {x.shape[1]} in the image "
            f"{show_shape(x.shape)} and {k.shape[1]} in the kernel {show_shape(k.shape)}"
        )
    strides = _pair(stride, "stride of conv2d", 1)
    pads = _pair(padding, "padding of conv2d", 0)
    steps = _pair(dilation, "dilation of conv2d", 1)
    lead = 2 if batched else 0
    bound = [(bound_index(0), k.shape[1])] if batched else []
    requires: list[Requirement] = []
    shape: list[Dim] = [x.shape[0], k.shape[0]] if batched else []
    places: list[Any] = []
    taps: list[Any] = []
    for a in (0, 1):
        tap = bound_index(len(bound))
        length, window = x.shape[lead + a] + 2 * pads[a], k.shape[lead + a]
        reach = normal(sympify(steps[a] * (window - 1) + 1))
        count, needed = _window_count(length, reach, strides[a], "conv2d")
        requires.extend(needed)
        places.append(out_index(lead + a) * strides[a] + tap * steps[a] - pads[a])
        taps.append(tap)
        bound.append((tap, window))
        shape.append(count)
    left = (out_index(0), bound_index(0)) if batched else ()
    right = (out_index(1), bound_index(0)) if batched else ()
    return define(
        out_ranges(tuple(shape)),
        slot(0) * slot(1),
        [Access(x, (*left, *places)), Access(k, (*right, *taps))],
        reduce="sum", bound=bound, requires=requires,
    )


def _pool(
    kind: Reduce, x: Tensor, windows: Sequence[int], stride: Any, what: str,
    apart: Sequence[int] = (1, 1),
) -> Tensor:
    if x.ndim < 2:
        raise ShapeError(f"{what} needs at least two axes, not shape {show_shape(x.shape)}")
    strides = _pair(windows if stride is None else stride, f"stride of {what}", 1)
    shape: list[Dim] = list(x.shape)
    index: list[Any] = list(out_indices(x.ndim))
    bound: list[Any] = []
    requires: list[Requirement] = []
    for a in (0, 1):
        axis = x.ndim - 2 + a
        tap = bound_index(a)
        reach = apart[a] * (windows[a] - 1) + 1
        shape[axis], needed = _window_count(x.shape[axis], reach, strides[a], what)
        requires.extend(needed)
        index[axis] = index[axis] * strides[a] + apart[a] * tap
        bound.append((tap, windows[a]))
    return define(
        out_ranges(tuple(shape)), slot(0), [Access(x, tuple(index))],
        reduce=kind, bound=bound, requires=requires,
    )


def max_pool(x: Any, size: Any, stride: Any = None, dilation: Any = 1) -> Tensor:
    """The greatest entry of each window of the last two axes; windows side by side by default.

    ``out[i, j] = max_{p, q} x[s i + l p, s j + l q]``, of length ``floor((H - l (P - 1) - 1)/s)
    + 1`` for a window of size ``P``, stride ``s`` and dilation ``l``.
    """
    windows, apart = _pair(size, "size of max_pool", 1), _pair(dilation, "dilation of max_pool", 1)
    return _pool("max", as_tensor(x), windows, stride, "max_pool", apart)


def avg_pool(x: Any, size: Any, stride: Any = None) -> Tensor:
    """The mean of each window of the last two axes; windows side by side by default."""
    windows = _pair(size, "size of avg_pool", 1)
    total = _pool("sum", as_tensor(x), windows, stride, "avg_pool")
    return divide(total, windows[0] * windows[1])


__all__ = [
    "avg_pool", "broadcast_to", "concat", "conv2d", "expand_dims",
    "max_pool", "reshape", "stack", "transpose",
]
