"""The primitives as users call them: NumPy's argument conventions and checks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from sympy import Integer, KroneckerDelta

from mathdl.errors import InputError, ShapeError
from mathdl.ir.build import define, out_ranges
from mathdl.ir.dim import show_shape
from mathdl.ir.index import out_indices, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.pointwise import as_tensor
from mathdl.primitives import (
    cholesky_factor,
    determinant,
    eigenvalues,
    eigenvectors,
    exponential,
    inverse,
    inverse_gaps,
    inverse_sums,
    inverse_values,
    kind_of,
    left_vectors,
    log_determinant,
    nearest,
    pseudoinverse,
    right_vectors,
    sign_of_determinant,
    singular_values,
    solution,
)
from mathdl.primitives.matrices import square_shape


def det(a: Any) -> Tensor:
    """``det A`` of a square matrix, or of each of a stack ``(..., n, n)``."""
    a = as_tensor(a)
    return determinant(a, kind_of(a))


def logdet(a: Any) -> Tensor:
    """``log|det A|``; for a positive definite ``A`` computed by Cholesky."""
    a = as_tensor(a)
    return log_determinant(a, kind_of(a))


def signdet(a: Any) -> Tensor:
    """The sign of ``det A``: -1, 0 or 1."""
    a = as_tensor(a)
    return sign_of_determinant(a, kind_of(a))


def slogdet(a: Any) -> tuple[Tensor, Tensor]:
    """The sign of ``det A`` and ``log|det A|``, which do not overflow."""
    return signdet(a), logdet(a)


def inv(a: Any) -> Tensor:
    """``A^-1``; a singular matrix raises ``LinAlgError`` when the code runs."""
    a = as_tensor(a)
    return inverse(a, kind_of(a))


def pinv(a: Any) -> Tensor:
    """The Moore-Penrose inverse; its derivative assumes constant rank."""
    return pseudoinverse(as_tensor(a))


def solve(a: Any, b: Any) -> Tensor:
    """``x`` with ``A x = b``, for a vector ``b`` or a matrix of columns."""
    a, b = as_tensor(a), _right_hand_side("solve", b)
    if b.ndim > 1:
        return solution(a, b, kind_of(a))
    if a.ndim != 2:
        raise ShapeError(
            f"solve: a vector right-hand side goes with one matrix, not shape "
            f"{show_shape(a.shape)}"
        )
    return _first_column(solution(a, _as_column(b), kind_of(a)))


def _right_hand_side(name: str, b: Any) -> Tensor:
    found: Tensor = as_tensor(b)
    if found.ndim == 0:
        raise ShapeError(f"{name} needs a vector or matrix right-hand side, not shape ()")
    return found


def _as_column(b: Tensor) -> Tensor:
    i, j = out_indices(2)
    return define([(i, b.shape[0]), (j, 1)], slot(0), [Access(b, (i,))])


def _first_column(x: Tensor) -> Tensor:
    symbols = out_indices(x.ndim - 1)
    return define(out_ranges(x.shape[:-1]), slot(0), [Access(x, (*symbols, Integer(0)))])


def cholesky(a: Any) -> Tensor:
    """The lower triangular ``L`` with ``A = L L^T`` of a positive definite ``A``."""
    return cholesky_factor(as_tensor(a))


def matrix_power(a: Any, k: int) -> Tensor:
    """``A^k`` by repeated squaring; a negative ``k`` powers the inverse."""
    if isinstance(k, Integer):
        k = int(k)
    if isinstance(k, bool) or not isinstance(k, int):
        raise InputError(f"matrix_power needs a literal integer as its exponent, not {k!r}")
    base = as_tensor(a)
    square_shape("matrix_power", base.shape)
    if k == 0:
        i, j = out_indices(base.ndim)[-2:]
        return define(out_ranges(base.shape), KroneckerDelta(i, j))
    if k < 0:
        base, k = inv(base), -k
    result: Tensor | None = None
    while True:
        if k & 1:
            result = base if result is None else result @ base
        k >>= 1
        if not k:
            assert result is not None
            return result
        base = base @ base


def expm(a: Any) -> Tensor:
    """The matrix exponential ``sum_k A^k/k!`` of a square matrix, or of each of a stack."""
    return exponential(as_tensor(a))


def eigvalsh(a: Any) -> Tensor:
    """The eigenvalues, ascending, of a symmetric matrix: of ``(A + A^T)/2`` in general."""
    return eigenvalues(as_tensor(a))


def eigvecsh(a: Any) -> Tensor:
    """The eigenvectors that ``eigh`` gives, as columns."""
    return eigenvectors(as_tensor(a))


def eigh(a: Any) -> tuple[Tensor, Tensor]:
    """``w, V`` with ``A = V diag(w) V^T`` of a symmetric matrix, ``w`` ascending.

    Where eigenvalues are equal the derivative of ``V`` raises ``LinAlgError``.
    """
    return eigvalsh(a), eigvecsh(a)


def svdvals(a: Any) -> Tensor:
    """The singular values, descending, of a matrix ``(m, n)``: ``min(m, n)`` of them."""
    return singular_values(as_tensor(a))


def svd_u(a: Any) -> Tensor:
    """The left singular vectors that ``svd`` gives, as columns."""
    return left_vectors(as_tensor(a))


def svd_vh(a: Any) -> Tensor:
    """The right singular vectors that ``svd`` gives, as rows."""
    return right_vectors(as_tensor(a))


def svd(a: Any) -> tuple[Tensor, Tensor, Tensor]:
    """``U, s, Vh`` with ``A = U diag(s) Vh``: the thin decomposition, ``s`` descending.

    For ``A (m, n)`` and ``k = min(m, n)``: ``U (m, k)``, ``s (k,)``, ``Vh (k, n)``.  The derivative
    of ``U`` and ``Vh`` raises ``LinAlgError`` where singular values are equal, or, unless they are
    square, one is 0.  It is meant for what does not depend on the signs of their columns and rows.
    Source: Townsend 2016, Differentiating the singular value decomposition.
    """
    return svd_u(a), svdvals(a), svd_vh(a)


def lstsq(a: Any, b: Any) -> Tensor:
    """The ``x`` with the least ``|A x - b|``, the shortest where ``A`` has more columns than rows.

    A matrix that is not of full rank raises ``LinAlgError`` when the code runs.
    Source: Golub & Pereyra 1973, eq. 4.12.
    """
    a, b = as_tensor(a), _right_hand_side("lstsq", b)
    return nearest(a, b) if b.ndim > 1 else _first_column(nearest(a, _as_column(b)))


def _of_tensors(primitive: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The primitive also of numbers and dims, which are refused by their shape."""

    @wraps(primitive)
    def function(*operands: Any, **named: Any) -> Tensor:
        return primitive(*map(as_tensor, operands), **{k: as_tensor(v) for k, v in named.items()})

    return function


PRIMITIVES: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        det, logdet, signdet, slogdet, inv, pinv, solve, cholesky, matrix_power, expm, eigvalsh,
        eigvecsh, eigh, svdvals, svd_u, svd_vh, svd, lstsq,
        _of_tensors(inverse_gaps), _of_tensors(inverse_sums), _of_tensors(inverse_values),
    )
}
