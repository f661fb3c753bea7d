"""Reciprocals of the differences and sums of values, which the rules of their vectors need.

``F[i, j] = 1/(w[j] - w[i])`` and ``H[i, j] = 1/(w[j] + w[i])`` off the diagonal, 0 on it;
``dF[i, j] = -F[i, j]^2 (dw[j] - dw[i])`` and likewise for ``H``.  Their code raises
``LinAlgError`` where a denominator is 0 to rounding.
Source: Giles 2008, Collected matrix derivative results, 3.1; Townsend 2016, Differentiating the
singular value decomposition, eq. 15.
"""

from __future__ import annotations

from mathdl.errors import ShapeError
from mathdl.ir.build import define, out_ranges
from mathdl.ir.dim import Shape
from mathdl.ir.index import bound_index, out_indices, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.primitives.matrices import column, row
from mathdl.primitives.registry import Primitive, apply, declare_primitive


def _declare(name: str, sign: int) -> Primitive:
    """The reciprocals of ``w[j] + sign w[i]``."""

    def shape(w: Shape) -> Shape:
        if not w:
            raise ShapeError(f"{name} needs a vector, not shape (): one axis")
        return (*w, w[-1])

    def back(f: Tensor, g: Tensor, w: Tensor) -> Tensor:
        moved = g * f * f
        symbols = out_indices(g.ndim - 1)
        lead, i, r = symbols[:-1], symbols[-1], bound_index(0)
        return define(
            out_ranges(g.shape[:-1]), -slot(0) - sign * slot(1),
            [Access(moved, (*lead, r, i)), Access(moved, (*lead, i, r))],
            reduce="sum", bound=[(r, w.shape[-1])],
        )

    def forward(f: Tensor, t: Tensor, w: Tensor) -> Tensor:
        return -(row(t) + sign * column(t)) * f * f

    return declare_primitive(
        Primitive(
            name=name,
            shape=shape,
            vjp=(back,),
            jvp=(forward,),
            reference="Giles 2008, Collected matrix derivative results, 3.1; Townsend 2016, eq. 15",
        )
    )


GAPS = _declare("inverse_gaps", -1)
SUMS = _declare("inverse_sums", 1)


def inverse_gaps(w: Tensor) -> Tensor:
    """``1/(w[j] - w[i])`` off the diagonal and 0 on it."""
    return apply(GAPS, w)


def inverse_sums(w: Tensor) -> Tensor:
    """``1/(w[j] + w[i])`` off the diagonal and 0 on it."""
    return apply(SUMS, w)
