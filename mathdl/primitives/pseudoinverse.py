"""The Moore-Penrose inverse of a matrix of constant rank.

``dP = -P dX P + P P^T dX^T (I - X P) + (I - P X) dX^T P^T P``.
Source: Golub & Pereyra 1973, eq. 4.12.
"""

from __future__ import annotations

from mathdl.errors import ShapeError
from mathdl.ir.dim import Shape, show_shape
from mathdl.ir.tensor import Tensor
from mathdl.primitives.matrices import identity, mT
from mathdl.primitives.registry import Primitive, apply, declare_primitive


def _shape(x: Shape) -> Shape:
    if len(x) < 2:
        raise ShapeError(f"pinv needs a matrix, not shape {show_shape(x)}: two axes")
    return (*x[:-2], x[-1], x[-2])


def _pull_back(p: Tensor, g: Tensor, x: Tensor) -> Tensor:
    rows = identity(x.shape[-2]) - x @ p
    columns = identity(x.shape[-1]) - p @ x
    return (
        rows @ mT(g) @ p @ mT(p) + mT(p) @ p @ mT(g) @ columns - mT(p) @ g @ mT(p)
    )


def _push_forward(p: Tensor, t: Tensor, x: Tensor) -> Tensor:
    rows = identity(x.shape[-2]) - x @ p
    columns = identity(x.shape[-1]) - p @ x
    return p @ mT(p) @ mT(t) @ rows + columns @ mT(t) @ mT(p) @ p - p @ t @ p


PINV = declare_primitive(
    Primitive(
        name="pinv",
        shape=_shape,
        vjp=(_pull_back,),
        jvp=(_push_forward,),
        reference="Golub & Pereyra 1973, eq. 4.12",
    )
)


def pseudoinverse(x: Tensor) -> Tensor:
    """``X^+`` of each matrix of a stack."""
    return apply(PINV, x)
