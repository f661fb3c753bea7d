"""Eigenvalues and eigenvectors of symmetric matrices: ``A = V diag(w) V^T``, ``w`` ascending.

``dw = diag(V^T dA V)``; ``dV = V (F * (V^T dA V))`` with ``F[i, j] = 1/(w[j] - w[i])`` off the
diagonal and 0 on it.  Hence ``A_bar = V diag(w_bar) V^T`` and ``A_bar = V (F * V^T V_bar) V^T``,
both made symmetric, as the operand is.  Eigenvectors have no derivative where eigenvalues are
equal: their code raises ``LinAlgError`` there.  The sign of each is that of NumPy.
Source: Giles 2008, Collected matrix derivative results, 3.1; Magnus 1985, theorem 1.
"""

from __future__ import annotations

from sympy import Rational

from mathdl.ir.tensor import Tensor
from mathdl.primitives.gaps import inverse_gaps
from mathdl.primitives.matrices import diagonal_of_product, mT, row, square_shape
from mathdl.primitives.registry import Primitive, apply, declare_primitive

_SOURCE = "Giles 2008, Collected matrix derivative results, 3.1; Magnus 1985, theorem 1"
_HALF = Rational(1, 2)


def _symmetric(a: Tensor) -> Tensor:
    result: Tensor = (a + mT(a)) * _HALF
    return result


def _values_back(w: Tensor, g: Tensor, a: Tensor) -> Tensor:
    v = eigenvectors(a)
    return _symmetric((v * row(g)) @ mT(v))


def _values_forward(w: Tensor, t: Tensor, a: Tensor) -> Tensor:
    v = eigenvectors(a)
    return diagonal_of_product(v, _symmetric(t) @ v)


EIGVALSH = declare_primitive(
    Primitive(
        name="eigvalsh",
        shape=lambda a: square_shape("eigvalsh", a)[:-1],
        vjp=(_values_back,),
        jvp=(_values_forward,),
        reference=_SOURCE,
    )
)


def _vectors_back(v: Tensor, g: Tensor, a: Tensor) -> Tensor:
    inner = (mT(v) @ g) * inverse_gaps(eigenvalues(a))
    return _symmetric(v @ inner @ mT(v))


def _vectors_forward(v: Tensor, t: Tensor, a: Tensor) -> Tensor:
    return v @ ((mT(v) @ _symmetric(t) @ v) * inverse_gaps(eigenvalues(a)))


EIGVECSH = declare_primitive(
    Primitive(
        name="eigvecsh",
        shape=lambda a: square_shape("eigvecsh", a),
        vjp=(_vectors_back,),
        jvp=(_vectors_forward,),
        reference=_SOURCE,
    )
)


def eigenvalues(a: Tensor) -> Tensor:
    """``w``, ascending, of each symmetric matrix of a stack."""
    return apply(EIGVALSH, a)


def eigenvectors(a: Tensor) -> Tensor:
    """``V`` with ``A = V diag(w) V^T``, a column for each eigenvalue."""
    return apply(EIGVECSH, a)
