"""Eigenvalues and eigenvectors of symmetric matrices: ``A = V diag(w) V^T``, ``w`` ascending.

``dw = diag(V^T dA V)``; ``dV = V (F * (V^T dA V))`` with ``F[i, j] = 1/(w[j] - w[i])`` off the
diagonal and 0 on it.  Hence ``A_bar = V diag(w_bar) V^T`` and ``A_bar = V (F * V^T V_bar) V^T``,
both made symmetric, as the operand is.  Eigenvectors have no derivative where eigenvalues are
equal: their code raises ``LinAlgError`` there.  The sign of each is that of NumPy.
Source: Giles 2008, Collected matrix derivative results, 3.1; Magnus 1985, theorem 1.
"""

from __future__ import annotations

from sympy import Rational

from mathdl.ir.build import define, out_ranges
from mathdl.ir.dim import Shape
from mathdl.ir.index import bound_index, out_indices, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.primitives.matrices import mT, square_shape
from mathdl.primitives.registry import Primitive, apply, declare_primitive

_SOURCE = "Giles 2008, Collected matrix derivative results, 3.1; Magnus 1985, theorem 1"
_HALF = Rational(1, 2)


def _symmetric(a: Tensor) -> Tensor:
    result: Tensor = (a + mT(a)) * _HALF
    return result


def _columns(v: Tensor, w: Tensor) -> Tensor:
    """``V diag(w)``: columns scaled; ``w`` may have more axes in front than ``V``."""
    symbols = out_indices(w.ndim + 1)
    lead, (i, j) = symbols[:-2], symbols[-2:]
    own = lead[len(lead) - (v.ndim - 2) :] if v.ndim > 2 else ()
    return define(
        out_ranges((*w.shape[:-1], *v.shape[-2:])), slot(0) * slot(1),
        [Access(v, (*own, i, j)), Access(w, (*lead, j))],
    )


def _diagonal_of_product(a: Tensor, b: Tensor) -> Tensor:
    """``diag(A^T B)``; ``B`` may have more axes in front than ``A``."""
    symbols = out_indices(b.ndim - 1)
    lead, i = symbols[:-1], symbols[-1]
    own = lead[len(lead) - (a.ndim - 2) :] if a.ndim > 2 else ()
    r = bound_index(0)
    return define(
        out_ranges((*b.shape[:-2], b.shape[-1])), slot(0) * slot(1),
        [Access(a, (*own, r, i)), Access(b, (*lead, r, i))],
        reduce="sum", bound=[(r, a.shape[-2])],
    )


def _over_gaps(m: Tensor, gaps: Tensor) -> Tensor:
    """``F * M``: ``gaps`` may lack axes that ``M`` has in front."""
    symbols = out_indices(m.ndim)
    own = symbols[m.ndim - gaps.ndim :]
    return define(
        out_ranges(m.shape), slot(0) * slot(1), [Access(m, symbols), Access(gaps, own)]
    )


def _inverse_gaps(w: Tensor) -> Tensor:
    """``F``; the code of the gaps is a primitive of its own, as it must refuse equal values."""
    return apply(GAPS, w)


def _gap_shape(w: Shape) -> Shape:
    return (*w, w[-1])


def _gaps_back(f: Tensor, g: Tensor, w: Tensor) -> Tensor:
    """``dF[i, j] = -F[i, j]^2 (dw[j] - dw[i])``."""
    squared = _over_gaps(_over_gaps(g, f), f)
    symbols = out_indices(g.ndim - 1)
    r = bound_index(0)
    lead, i = symbols[:-1], symbols[-1]
    return define(
        out_ranges(g.shape[:-1]), slot(0) - slot(1),
        [Access(squared, (*lead, i, r)), Access(squared, (*lead, r, i))],
        reduce="sum", bound=[(r, w.shape[-1])],
    )


def _gaps_forward(f: Tensor, t: Tensor, w: Tensor) -> Tensor:
    symbols = out_indices(t.ndim + 1)
    lead, (i, j) = symbols[:-2], symbols[-2:]
    moved = define(
        out_ranges((*t.shape, t.shape[-1])), slot(0) - slot(1),
        [Access(t, (*lead, i)), Access(t, (*lead, j))],
    )
    return _over_gaps(_over_gaps(moved, f), f)


GAPS = declare_primitive(
    Primitive(
        name="inverse_gaps",
        shape=_gap_shape,
        vjp=(_gaps_back,),
        jvp=(_gaps_forward,),
        reference=_SOURCE,
    )
)

EIGVALSH = declare_primitive(
    Primitive(
        name="eigvalsh",
        shape=lambda a: square_shape("eigvalsh", a)[:-1],
        vjp=(lambda w, g, a: _symmetric(_columns(eigenvectors(a), g) @ mT(eigenvectors(a))),),
        jvp=(
            lambda w, t, a: _diagonal_of_product(
                eigenvectors(a), _symmetric(t) @ eigenvectors(a)
            ),
        ),
        reference=_SOURCE,
    )
)


def _vectors_back(v: Tensor, g: Tensor, a: Tensor) -> Tensor:
    inner = _over_gaps(mT(v) @ g, _inverse_gaps(eigenvalues(a)))
    return _symmetric(v @ inner @ mT(v))


def _vectors_forward(v: Tensor, t: Tensor, a: Tensor) -> Tensor:
    inner = _over_gaps(mT(v) @ _symmetric(t) @ v, _inverse_gaps(eigenvalues(a)))
    return v @ inner


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
