"""The primitives as users call them: NumPy's argument conventions and checks."""

from __future__ import annotations

from typing import Any

from mathdl.errors import ShapeError
from mathdl.ir.build import define, out_ranges
from mathdl.ir.dim import show_shape
from mathdl.ir.index import out_indices, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.pointwise import as_tensor
from mathdl.primitives import (
    cholesky_factor,
    determinant,
    inverse,
    kind_of,
    log_determinant,
    pseudoinverse,
    solution,
)


def det(a: Any) -> Tensor:
    """``det A`` of a square matrix, or of each of a stack ``(..., n, n)``."""
    a = as_tensor(a)
    return determinant(a, kind_of(a))


def logdet(a: Any) -> Tensor:
    """``log|det A|``; for a positive definite ``A`` computed by Cholesky."""
    a = as_tensor(a)
    return log_determinant(a, kind_of(a))


def inv(a: Any) -> Tensor:
    """``A^-1``; a singular matrix raises ``LinAlgError`` when the code runs."""
    a = as_tensor(a)
    return inverse(a, kind_of(a))


def pinv(a: Any) -> Tensor:
    """The Moore-Penrose inverse; its derivative assumes constant rank."""
    return pseudoinverse(as_tensor(a))


def solve(a: Any, b: Any) -> Tensor:
    """``x`` with ``A x = b``, for a vector ``b`` or a matrix of columns."""
    a, b = as_tensor(a), as_tensor(b)
    if b.ndim == 0:
        raise ShapeError(f"solve needs a vector or matrix right-hand side, not shape {b.shape}")
    if b.ndim > 1:
        return solution(a, b, kind_of(a))
    if a.ndim != 2:
        raise ShapeError(
            f"solve: a vector right-hand side goes with one matrix, not shape "
            f"{show_shape(a.shape)}"
        )
    i, j = out_indices(2)
    column = define([(i, b.shape[0]), (j, 1)], slot(0), [Access(b, (i,))])
    x = solution(a, column, kind_of(a))
    return define(out_ranges(b.shape), slot(0), [Access(x, (i, 0 * i))])


def cholesky(a: Any) -> Tensor:
    """The lower triangular ``L`` with ``A = L L^T`` of a positive definite ``A``."""
    return cholesky_factor(as_tensor(a))


PRIMITIVES = {f.__name__: f for f in (det, logdet, inv, pinv, solve, cholesky)}
