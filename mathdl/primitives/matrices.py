"""Small matrix expressions that the rules of primitives share."""

from __future__ import annotations

from typing import Any

from sympy import Integer, KroneckerDelta, Rational

from mathdl.errors import ShapeError
from mathdl.ir.build import define, out_ranges
from mathdl.ir.dim import Dim, Shape, show_shape
from mathdl.ir.index import bound_index, out_indices, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar.compare import lt


def mT(a: Tensor) -> Tensor:
    """The transpose of the last two axes."""
    symbols = list(out_indices(a.ndim))
    swapped = [*symbols[:-2], symbols[-1], symbols[-2]]
    shape = (*a.shape[:-2], a.shape[-1], a.shape[-2])
    return define(out_ranges(shape), slot(0), [Access(a, tuple(swapped))])


def identity(n: Dim) -> Tensor:
    """The ``n`` by ``n`` identity."""
    i, j = out_indices(2)
    return define(out_ranges((n, n)), KroneckerDelta(i, j))


def lower_half(a: Tensor) -> Tensor:
    """``Phi(A)``: the lower triangle with half the diagonal."""
    symbols = out_indices(a.ndim)
    i, j = symbols[-2:]
    body = slot(0) * (lt(j, i) + KroneckerDelta(i, j) * Rational(1, 2))
    return define(out_ranges(a.shape), body, [Access(a, symbols)])


def scale(a: Tensor, factor: Tensor, extra: int = 2) -> Tensor:
    """``factor[..., None, None] * A``: a scalar of each stack entry times its matrix.

    ``factor`` may have more leading axes than ``A``: those of a cotangent.
    """
    lead = factor.shape
    shape = (*lead, *a.shape[a.ndim - extra :])
    symbols = out_indices(len(shape))
    own = a.ndim - extra
    a_index = (*symbols[len(lead) - own : len(lead)], *symbols[len(lead) :])
    return define(
        out_ranges(shape), slot(0) * slot(1),
        [Access(factor, symbols[: len(lead)]), Access(a, a_index)],
    )


def inner(a: Tensor, b: Tensor) -> Tensor:
    """``sum_ij A[..., i, j] B[..., i, j]``, leading axes broadcast."""
    lead = max(a.ndim, b.ndim) - 2
    longer = a if a.ndim >= b.ndim else b
    symbols = out_indices(lead)
    r, s = bound_index(0), bound_index(1)

    def read(t: Tensor) -> Access:
        own = t.ndim - 2
        return Access(t, (*_lead(t, symbols[lead - own :], longer.shape[lead - own :]), r, s))

    return define(
        out_ranges(longer.shape[:lead]), slot(0) * slot(1), [read(a), read(b)], reduce="sum",
        bound=[(r, a.shape[-2]), (s, a.shape[-1])],
    )


def _lead(t: Tensor, symbols: Any, wide: Shape) -> tuple[Any, ...]:
    return tuple(
        Integer(0) if d == 1 and w != 1 else i
        for i, d, w in zip(symbols, t.shape[:-2], wide, strict=False)
    )


def row(w: Tensor) -> Tensor:
    """``w[..., None, :]``: a vector for each row of a matrix."""
    symbols = out_indices(w.ndim + 1)
    shape = (*w.shape[:-1], 1, w.shape[-1])
    return define(out_ranges(shape), slot(0), [Access(w, (*symbols[:-2], symbols[-1]))])


def column(w: Tensor) -> Tensor:
    """``w[..., :, None]``: a vector for each column of a matrix."""
    return mT(row(w))


def diagonal_of_product(a: Tensor, b: Tensor) -> Tensor:
    """``diag(A^T B)``; ``B`` may have more axes in front than ``A``."""
    symbols = out_indices(b.ndim - 1)
    lead, i, r = symbols[:-1], symbols[-1], bound_index(0)
    own = lead[len(lead) - (a.ndim - 2) :]
    return define(
        out_ranges((*b.shape[:-2], b.shape[-1])), slot(0) * slot(1),
        [Access(a, (*own, r, i)), Access(b, (*lead, r, i))],
        reduce="sum", bound=[(r, a.shape[-2])],
    )


def matrix_shape(name: str, shape: Shape) -> Shape:
    """The shape of a stack of matrices, or an error that says what is wrong."""
    if len(shape) < 2:
        raise ShapeError(f"{name} needs a matrix, not shape {show_shape(shape)}: two axes")
    return shape


def square_shape(name: str, shape: Shape) -> Shape:
    """The shape of a stack of square matrices, or an error that says what is wrong."""
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(
            f"{name} needs a square matrix, not shape {show_shape(shape)}: "
            "the last two axes must be equal"
        )
    return shape
