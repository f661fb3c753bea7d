"""The thin singular value decomposition: ``A = U diag(s) V^T``, ``s`` descending.

Of a matrix ``(m, n)`` with ``k = min(m, n)``: ``U (m, k)``, ``s (k,)`` and ``V^T (k, n)``.  With
``P = U^T dA V``, ``F[i, j] = 1/(s[j] - s[i])`` and ``H[i, j] = 1/(s[j] + s[i])`` off the diagonal
and 0 on it:

    ds = diag(P)
    dU = U (F*(P + P^T) + H*(P - P^T))/2 + (I - U U^T) dA V diag(s)^-1

and ``V`` as ``U`` of ``A^T``.  The last term is that of the complement of the columns; a square
``U`` has none.  Hence ``A_bar = U diag(s_bar) V^T`` and, with ``M = U^T U_bar``,

    A_bar = (U (F*M + (F*M)^T + H*M - (H*M)^T)/2 + (I - U U^T) U_bar diag(s)^-1) V^T

The signs are those of NumPy: ``U`` and ``V`` change theirs together, so that what depends on them
should not depend on it.  Singular vectors have no derivative where singular values are equal, and
those with a complement none where one is 0: their code raises ``LinAlgError`` there.  Singular
values have a kink at 0, where the formula gives a subgradient, as in PyTorch.
Source: Giles 2008, Collected matrix derivative results, 3.2; Townsend 2016, Differentiating the
singular value decomposition, eq. 8 to 19.
"""

from __future__ import annotations

from sympy import Min, Rational

from mathdl.errors import ShapeError
from mathdl.ir.dim import Dim, Shape, normal, show_shape
from mathdl.ir.tensor import Tensor
from mathdl.primitives.gaps import inverse_gaps, inverse_sums
from mathdl.primitives.matrices import diagonal_of_product, matrix_shape, mT, row
from mathdl.primitives.registry import Primitive, apply, declare_primitive

_SOURCE = "Giles 2008, Collected matrix derivative results, 3.2; Townsend 2016, eq. 8 to 19"
_HALF = Rational(1, 2)


def _rank(a: Shape) -> Dim:
    return normal(Min(a[-2], a[-1]))


def _square(a: Tensor) -> bool:
    same: bool = a.shape[-2] == a.shape[-1]
    return same


# -- singular values --------------------------------------------------------------------------

def _values_back(s: Tensor, g: Tensor, a: Tensor) -> Tensor:
    result: Tensor = (left_vectors(a) * row(g)) @ right_vectors(a)
    return result


def _values_forward(s: Tensor, t: Tensor, a: Tensor) -> Tensor:
    return diagonal_of_product(left_vectors(a), t @ mT(right_vectors(a)))


SVDVALS = declare_primitive(
    Primitive(
        name="svdvals",
        shape=lambda a: (*matrix_shape("svdvals", a)[:-2], _rank(a)),
        vjp=(_values_back,),
        jvp=(_values_forward,),
        reference=_SOURCE,
    )
)

# -- their reciprocals ------------------------------------------------------------------------

def _inverse_shape(s: Shape, u: Shape) -> Shape:
    if matrix_shape("inverse_values", u)[:-2] + u[-1:] != s:
        raise ShapeError(
            f"inverse_values: shapes {show_shape(s)} and {show_shape(u)} do not fit: one value "
            "for each column"
        )
    return s


INVERSE_VALUES = declare_primitive(
    Primitive(
        name="inverse_values",
        shape=_inverse_shape,
        vjp=(lambda r, g, s, u: -g * r * r, lambda r, g, s, u: u * row(g) * 0),
        jvp=(lambda r, t, s, u: -t * r * r, lambda r, t, s, u: diagonal_of_product(u, t) * 0),
        reference=_SOURCE,
    )
)


def inverse_values(s: Tensor, u: Tensor) -> Tensor:
    """``1/s``; 0 where ``U`` is square, so that its columns have no complement."""
    return apply(INVERSE_VALUES, s, u)


# -- singular vectors: the rules of U, and of V as U of the transpose ---------------------------

def _back(u: Tensor, g: Tensor, s: Tensor, v: Tensor) -> Tensor:
    m = mT(u) @ g
    f, h = m * inverse_gaps(s), m * inverse_sums(s)
    inner = u @ ((f + mT(f) + h - mT(h)) * _HALF)
    if not _square(u):
        inner = inner + (g - u @ m) * row(inverse_values(s, u))
    result: Tensor = inner @ mT(v)
    return result


def _forward(u: Tensor, t: Tensor, s: Tensor, v: Tensor) -> Tensor:
    moved = t @ v
    p = mT(u) @ moved
    inner = (inverse_gaps(s) * (p + mT(p)) + inverse_sums(s) * (p - mT(p))) * _HALF
    result: Tensor = u @ inner
    if not _square(u):
        result = result + (moved - u @ p) * row(inverse_values(s, u))
    return result


def _left_back(u: Tensor, g: Tensor, a: Tensor) -> Tensor:
    return _back(u, g, singular_values(a), mT(right_vectors(a)))


def _left_forward(u: Tensor, t: Tensor, a: Tensor) -> Tensor:
    return _forward(u, t, singular_values(a), mT(right_vectors(a)))


def _right_back(vh: Tensor, g: Tensor, a: Tensor) -> Tensor:
    return mT(_back(mT(vh), mT(g), singular_values(a), left_vectors(a)))


def _right_forward(vh: Tensor, t: Tensor, a: Tensor) -> Tensor:
    return mT(_forward(mT(vh), mT(t), singular_values(a), left_vectors(a)))


SVD_U = declare_primitive(
    Primitive(
        name="svd_u",
        shape=lambda a: (*matrix_shape("svd_u", a)[:-1], _rank(a)),
        vjp=(_left_back,),
        jvp=(_left_forward,),
        reference=_SOURCE,
    )
)

SVD_VH = declare_primitive(
    Primitive(
        name="svd_vh",
        shape=lambda a: (*matrix_shape("svd_vh", a)[:-2], _rank(a), a[-1]),
        vjp=(_right_back,),
        jvp=(_right_forward,),
        reference=_SOURCE,
    )
)


def singular_values(a: Tensor) -> Tensor:
    """``s``, descending, of each matrix of a stack."""
    return apply(SVDVALS, a)


def left_vectors(a: Tensor) -> Tensor:
    """``U`` with ``A = U diag(s) V^T``, a column for each singular value."""
    return apply(SVD_U, a)


def right_vectors(a: Tensor) -> Tensor:
    """``V^T`` with ``A = U diag(s) V^T``, a row for each singular value."""
    return apply(SVD_VH, a)
