"""The matrix exponential.

``exp([[A, E], [0, A]])`` has ``exp(A)`` on its diagonal and the derivative of ``exp`` at ``A``
along ``E`` above it; the reverse rule is the derivative at ``A^T`` along the cotangent.
Source: Higham 2008, Functions of Matrices, eq. 3.16 and 3.24; Mathias 1996, theorem 2.1.
"""

from __future__ import annotations

from mathdl.ir.build import define, out_ranges
from mathdl.ir.index import out_indices, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.primitives.matrices import mT, square_shape
from mathdl.primitives.registry import Primitive, apply, declare_primitive


def _along(a: Tensor, direction: Tensor) -> Tensor:
    """The derivative of ``exp`` at ``A``; the direction may have more axes in front."""
    n = a.shape[-1]
    wide = direction if direction.ndim >= a.ndim else a
    symbols = out_indices(wide.ndim)
    lead, (i, j) = symbols[:-2], symbols[-2:]

    def at(t: Tensor, row: object, column: object) -> Access:
        return Access(t, (*lead[len(lead) - (t.ndim - 2) :], row, column))

    blocks = define(
        out_ranges((*wide.shape[:-2], 2 * n, 2 * n)),
        slot(0) + slot(1) + slot(2),  # each is 0 outside of its block
        [at(a, i, j), at(a, i - n, j - n), at(direction, i, j - n)],
    )
    return define(
        out_ranges(wide.shape), slot(0), [Access(exponential(blocks), (*lead, i, j + n))]
    )


EXPM = declare_primitive(
    Primitive(
        name="expm",
        shape=lambda a: square_shape("expm", a),
        vjp=(lambda e, g, a: _along(mT(a), g),),
        jvp=(lambda e, t, a: _along(a, t),),
        reference="Higham 2008, Functions of Matrices, eq. 3.16, 3.24",
        analytic=True,
    )
)


def exponential(a: Tensor) -> Tensor:
    """``exp(A)`` of each matrix of a stack."""
    return apply(EXPM, a)
