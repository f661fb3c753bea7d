"""Least squares: the shortest ``X`` with the least ``|A X - B|``, for ``A`` of full rank.

With ``P`` the Moore-Penrose inverse of ``A``, ``X = P B`` and ``Z = P^T X``:

    dX = P (dB - dA X) + P P^T dA^T (B - A X) + (I - P A) dA^T Z

and with ``Y = P^T G``: ``B_bar = Y``, ``A_bar = -Y X^T + (B - A X) (P Y)^T + Z (G - A^T Y)^T``.
The second term is 0 unless there are more rows than columns, the third unless there are fewer;
each product with ``P`` or ``P^T`` is a least-squares solution of ``A`` or ``A^T``.  Where ``A`` is
not of full rank the code raises ``LinAlgError``.
Source: Golub & Pereyra 1973, eq. 4.12.
"""

from __future__ import annotations

from mathdl.errors import ShapeError
from mathdl.ir.dim import Shape, nonnegative, show_shape
from mathdl.ir.tensor import Tensor
from mathdl.primitives.matrices import matrix_shape, mT
from mathdl.primitives.registry import Primitive, apply, declare_primitive


def _shape(a: Shape, b: Shape) -> Shape:
    matrix_shape("lstsq", a)
    lead, other = sorted((a[:-2], b[:-2]), key=len, reverse=True)
    if len(b) < 2 or b[-2] != a[-2] or other != lead[len(lead) - len(other) :]:
        raise ShapeError(
            f"lstsq: shapes {show_shape(a)} and {show_shape(b)} do not fit: both need {a[-2]} "
            "rows, and leading axes that are equal or missing in one"
        )
    return (*lead, a[-1], b[-1])


def _tall(a: Tensor) -> bool:
    """Whether there are surely no more columns than rows."""
    return nonnegative(a.shape[-2] - a.shape[-1])


def _matrix_back(x: Tensor, g: Tensor, a: Tensor, b: Tensor) -> Tensor:
    y = nearest(mT(a), g)
    result = -(y @ mT(x))
    if not _tall(mT(a)):
        result = result + (b - a @ x) @ mT(nearest(a, y))
    if not _tall(a):
        result = result + nearest(mT(a), x) @ mT(g - mT(a) @ y)
    return result


def _matrix_forward(x: Tensor, t: Tensor, a: Tensor, b: Tensor) -> Tensor:
    right = -(t @ x)
    if not _tall(mT(a)):
        right = right + nearest(mT(a), mT(t) @ (b - a @ x))
    result = nearest(a, right)
    if not _tall(a):
        moved = mT(t) @ nearest(mT(a), x)
        result = result + (moved - nearest(a, a @ moved))
    return result


LSTSQ = declare_primitive(
    Primitive(
        name="lstsq",
        shape=_shape,
        vjp=(_matrix_back, lambda x, g, a, b: nearest(mT(a), g)),
        jvp=(_matrix_forward, lambda x, t, a, b: nearest(a, t)),
        reference="Golub & Pereyra 1973, eq. 4.12",
    )
)


def nearest(a: Tensor, b: Tensor) -> Tensor:
    """``P B``; ``B`` is a matrix (of columns) or a stack of them."""
    return apply(LSTSQ, a, b)
