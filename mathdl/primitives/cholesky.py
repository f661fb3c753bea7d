"""The Cholesky factor: ``A = L L^T`` with ``L`` lower triangular.

``dL = L Phi(L^-1 dA L^-T)`` with ``Phi`` the lower triangle and half the diagonal; for a
cotangent ``G``, ``A_bar = (S + S^T)/2`` with ``S = L^-T Phi(L^T G) L^-1``: the symmetric
gradient, as ``A`` is symmetric.  Source: Murray 2016, Differentiation of the Cholesky
decomposition, eq. 8 and 10; Smith 1995.
"""

from __future__ import annotations

from sympy import Rational

from mathdl.ir.tensor import Tensor
from mathdl.primitives.inverse import solution
from mathdl.primitives.matrices import lower_half, mT, square_shape
from mathdl.primitives.registry import Primitive, apply, declare_primitive

_HALF = Rational(1, 2)


def _pull_back(l: Tensor, g: Tensor, a: Tensor) -> Tensor:
    left = solution(mT(l), lower_half(mT(l) @ g), "upper")
    s = mT(solution(mT(l), mT(left), "upper"))
    symmetric: Tensor = (s + mT(s)) * _HALF
    return symmetric


def _push_forward(l: Tensor, t: Tensor, a: Tensor) -> Tensor:
    symmetric = (t + mT(t)) * _HALF
    left = solution(l, symmetric, "lower")
    return l @ lower_half(mT(solution(l, mT(left), "lower")))


CHOLESKY = declare_primitive(
    Primitive(
        name="cholesky",
        shape=lambda a: square_shape("cholesky", a),
        vjp=(_pull_back,),
        jvp=(_push_forward,),
        reference="Murray 2016, Differentiation of the Cholesky decomposition, eq. 8, 10",
        one_triangle=True,
    )
)


def cholesky_factor(a: Tensor) -> Tensor:
    """``L`` with ``A = L L^T`` of each matrix of a stack."""
    return apply(CHOLESKY, a)
