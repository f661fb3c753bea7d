"""The inverse of a square matrix, and the solution of a linear system.

With ``Y = A^-1``: ``dY = -Y dA Y``, hence ``A_bar = -Y^T G Y^T``.
With ``A X = B``: ``dX = A^-1 (dB - dA X)``, hence ``B_bar = A^-T G``, ``A_bar = -B_bar X^T``.
Source: Giles 2008, Collected matrix derivative results, 2.2.3 and 2.3.1.
"""

from __future__ import annotations

from typing import Any

from mathdl.errors import ShapeError
from mathdl.ir.dim import Shape, show_shape
from mathdl.ir.tensor import Tensor
from mathdl.primitives.matrices import mT, square_shape
from mathdl.primitives.registry import Primitive, apply, declare_primitive

_SOURCE = "Giles 2008, Collected matrix derivative results, 2.2.3, 2.3.1"
TRANSPOSED = {
    "general": "general", "positive": "positive", "lower": "upper", "upper": "lower",
}

INV = declare_primitive(
    Primitive(
        name="inv",
        shape=lambda a: square_shape("inv", a),
        vjp=(lambda y, g, a, **p: -(mT(y) @ g @ mT(y)),),
        jvp=(lambda y, t, a, **p: -(y @ t @ y),),
        reference=_SOURCE,
        analytic=True,
    )
)


def inverse(a: Tensor, kind: str = "general") -> Tensor:
    """``A^-1`` of each matrix of a stack."""
    return apply(INV, a, kind=kind)


def _solve_shape(a: Shape, b: Shape) -> Shape:
    square_shape("solve", a)
    if len(b) < 2 or b[-2] != a[-1]:
        raise ShapeError(
            f"solve: shapes {show_shape(a)} and {show_shape(b)} do not fit: the right-hand "
            f"side needs {a[-1]} rows"
        )
    lead, other = sorted((a[:-2], b[:-2]), key=len, reverse=True)
    if other != lead[len(lead) - len(other) :]:
        raise ShapeError(
            f"solve: shapes {show_shape(a)} and {show_shape(b)} do not fit: the leading axes "
            "must be equal, or missing in one"
        )
    return (*lead, *b[-2:])


def _solve_matrix(x: Tensor, g: Tensor, a: Tensor, b: Tensor, *, kind: str) -> Tensor:
    """``A_bar = -(A^-T G) X^T``."""
    return -(solution(mT(a), g, TRANSPOSED[kind]) @ mT(x))


SOLVE = declare_primitive(
    Primitive(
        name="solve",
        shape=_solve_shape,
        vjp=(
            _solve_matrix,
            lambda x, g, a, b, kind: solution(mT(a), g, TRANSPOSED[kind]),
        ),
        jvp=(
            lambda x, t, a, b, kind: -solution(a, t @ x, kind),
            lambda x, t, a, b, kind: solution(a, t, kind),
        ),
        reference=_SOURCE,
        analytic=True,
    )
)


def solution(a: Tensor, b: Tensor, kind: str = "general") -> Tensor:
    """``X`` with ``A X = B``; ``B`` is a matrix (of columns) or a stack of them."""
    return apply(SOLVE, a, b, kind=kind)


def kind_of(a: Tensor) -> str:
    """How a matrix may be factored, from what is assumed of it."""
    found: Any = a.assume
    if "positive_definite" in found:
        return "positive"
    if "lower_triangular" in found:
        return "lower"
    return "general"
