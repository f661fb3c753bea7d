"""Determinants.

``d det A = det(A) tr(A^-1 dA)``; ``d log|det A| = tr(A^-1 dA)``.
Source: Giles 2008, 2.2.4; Petersen & Pedersen, The Matrix Cookbook, eq. 46-51.
"""

from __future__ import annotations

from mathdl.ir.tensor import Tensor
from mathdl.primitives.inverse import inverse
from mathdl.primitives.matrices import inner, mT, scale, square_shape
from mathdl.primitives.registry import Primitive, apply, declare_primitive

_SOURCE = "Giles 2008, 2.2.4; The Matrix Cookbook, eq. 46-51"

DET = declare_primitive(
    Primitive(
        name="det",
        shape=lambda a: square_shape("det", a)[:-2],
        vjp=(lambda d, g, a, kind: scale(mT(inverse(a, kind)), g * d),),
        jvp=(lambda d, t, a, kind: d * inner(mT(inverse(a, kind)), t),),
        reference=_SOURCE,
        analytic=True,
    )
)

LOGDET = declare_primitive(
    Primitive(
        name="logdet",
        shape=lambda a: square_shape("logdet", a)[:-2],
        vjp=(lambda d, g, a, kind: scale(mT(inverse(a, kind)), g),),
        jvp=(lambda d, t, a, kind: inner(mT(inverse(a, kind)), t),),
        reference=_SOURCE,
    )
)

SIGNDET = declare_primitive(
    Primitive(
        name="signdet",
        shape=lambda a: square_shape("slogdet", a)[:-2],
        vjp=(lambda s, g, a, kind: scale(a, g) * 0,),
        jvp=(lambda s, t, a, kind: inner(a, t) * 0,),
        reference="constant where det A is not 0",
    )
)


def determinant(a: Tensor, kind: str = "general") -> Tensor:
    """``det A`` of each matrix of a stack."""
    return apply(DET, a, kind=kind)


def log_determinant(a: Tensor, kind: str = "general") -> Tensor:
    """``log|det A|`` of each matrix of a stack."""
    return apply(LOGDET, a, kind=kind)


def sign_of_determinant(a: Tensor, kind: str = "general") -> Tensor:
    """The sign of ``det A`` of each matrix of a stack."""
    return apply(SIGNDET, a, kind=kind)
