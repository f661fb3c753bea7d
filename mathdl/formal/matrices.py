"""Inverses, determinants and Cholesky factors in a certificate: what they are there, and what is
known of them.

``inv``, ``det`` and ``cholesky`` are functions of the library: Cramer's rule, Laplace's expansion
and the factor's own equations; a linear system's solution is the inverse applied.  What holds of
their entries are lemmas of the library, and a fact turns one entry into a term by such a lemma.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Integer, KroneckerDelta

from mathdl.errors import UnsupportedError
from mathdl.ir.build import define, out_ranges, redefine
from mathdl.ir.dim import Shape
from mathdl.ir.index import bound_index, out_indices, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.primitives.cholesky import cholesky_factor
from mathdl.primitives.determinant import determinant, log_determinant
from mathdl.primitives.inverse import inverse
from mathdl.primitives.matrices import mT
from mathdl.scalar.compare import lt
from mathdl.simplify.matrices import OF_INVERSE

MADE = {"inv": inverse, "det": determinant, "logdet": log_determinant,
        "cholesky": cholesky_factor}


def elementary(tensor: Tensor, operands: Sequence[Access]) -> Tensor:
    """A primitive's result by inverses, determinants and factors of general matrices."""
    call = tensor.call
    assert call is not None
    if call.primitive not in (*MADE, "solve"):
        return redefine(tensor, operands)
    matrix = operands[0].tensor
    if matrix.ndim != 2:
        raise UnsupportedError(f"no certificate for {call.primitive} of a stack of matrices")
    if any(a.held for a in operands):
        raise UnsupportedError(f"no certificate for {call.primitive} of what is held constant")
    if call.primitive == "solve":
        return _applied(inverse(matrix), operands[1].tensor)
    return MADE[call.primitive](matrix)


def _applied(a: Tensor, b: Tensor) -> Tensor:
    """``A`` times each matrix of a stack, as an equation of its own."""
    *lead, i, j = out_indices(b.ndim)
    r = bound_index(0)
    return define(out_ranges(b.shape), slot(0) * slot(1),
                  [Access(a, (i, r)), Access(b, (*lead, r, j))],
                  reduce="sum", bound=[(r, a.shape[-1])])


def primitive(t: Tensor) -> str:
    """``inv``, ``det``, ``logdet`` or ``cholesky``; empty for what is no such result."""
    return t.call.primitive if t.call is not None and t.call.primitive in MADE else ""


def matrix_of(t: Tensor) -> Tensor:
    """The matrix that a primitive is applied to."""
    return t.operands[0].tensor


def transposed(t: Tensor) -> Tensor | None:
    """The matrix that this one is the transpose of."""
    equation = t.definition
    if equation is None or equation.extents or equation.body != slot(0) or t.ndim != 2:
        return None
    (access,) = equation.operands
    i, j = out_indices(2)
    return access.tensor if access.index == (j, i) and not access.held else None


def column_of(t: Tensor) -> Tensor | None:
    """The vector that this is the column of: the same entries with an axis of length 1 behind."""
    equation = t.definition
    if equation is None or equation.extents or equation.body != slot(0) or t.shape[-1:] != (1,):
        return None
    (access,) = equation.operands
    plain = access.index == out_indices(t.ndim)[:-1] and not access.held
    return access.tensor if plain else None


def squeezed(t: Tensor) -> Tensor:
    """The same entries without the last axis, of length 1."""
    index = out_indices(t.ndim - 1)
    return define(out_ranges(t.shape[:-1]), slot(0), [Access(t, (*index, Integer(0)))])


def shown(before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
    """What an equality of a transpose or a column says of the matrix or vector that it shows:
    equations read through such views, so they are nowhere."""
    if (inner := transposed(before)) is not None:
        return inner, mT(after)
    if (inner := column_of(before)) is not None:
        return inner, squeezed(after)
    return before, after


def invertible(t: Tensor) -> list[tuple[Tensor, Tensor, str]]:
    """This matrix and those inside of it that are invertible because of another one, with that
    one and the lemma that says so, from the inside."""
    if (inner := transposed(t)) is not None:
        return [*invertible(inner), (t, inner, "det_turned_nonzero")]
    if primitive(t) == "inv":
        return [*invertible(matrix_of(t)), (t, matrix_of(t), "det_inv_nonzero")]
    return [(t, matrix_of(t), "det_cholesky_nonzero")] if primitive(t) == "cholesky" else []


def need(t: Tensor) -> tuple[str, Tensor]:
    """What a primitive's result needs: a matrix that is ``invertible``, or ``definite``: all
    pivots of its symmetric part are positive."""
    if primitive(t) == "cholesky":
        return "definite", matrix_of(t)
    outer, inner, _ = next(iter(invertible(matrix_of(t))), (t, matrix_of(t), ""))
    return "definite" if primitive(outer) == "cholesky" else "invertible", inner


def inverse_in(t: Tensor) -> Tensor:
    """The inverse that the derivative of a primitive's result reads."""
    return inverse(t if primitive(t) == "cholesky" else matrix_of(t))


def extents(t: Tensor) -> Shape:
    """The dims over which the derivative of a primitive's result is a sum."""
    shape = matrix_of(t).shape
    return (*shape, shape[0]) if primitive(t) == "cholesky" else shape


def differential(t: Tensor, index: Sequence[Any], entry: Callable[[Tensor, Sequence[Any]], Any],
          dot: Callable[[Tensor, Sequence[Any]], Any], bound: Sequence[Any]) -> Any:
    """One term of the derivative along a curve, summed over bound indices.

    ``dV = -V dA V``, ``d logdet A = tr(V dA)``, Jacobi's ``d det A = det A tr(V dA)``, and
    ``dL = L Phi(V dA V^T)`` with ``Phi`` the lower triangle and half the diagonal.
    """
    matrix, v, (k, l, *others) = matrix_of(t), inverse_in(t), bound
    if primitive(t) == "cholesky":
        (i, j), (m,) = index, others
        half = lt(j, k) + KroneckerDelta(j, k) / 2
        even = (dot(matrix, (l, m)) + dot(matrix, (m, l))) / 2
        return entry(t, (i, k)) * half * entry(v, (k, l)) * entry(v, (j, m)) * even
    if primitive(t) == "inv":
        i, j = index
        return -(entry(v, (i, k)) * dot(matrix, (k, l)) * entry(v, (l, j)))
    term = entry(v, (l, k)) * dot(matrix, (k, l))
    return term if primitive(t) == "logdet" else entry(t, ()) * term


MOVES = {"inv": "D_inverse", "det": "D_det", "logdet": "D_logdet",
         "cholesky": "D_cholesky"}


@dataclass(frozen=True)
class Fact:
    """An entry of a primitive's result is that of another tensor, by a lemma of the library.

    ``matrix`` is what the lemma is about; ``index`` and ``change`` make the term from ``other``.
    """

    lemma: str
    matrix: Tensor
    other: Tensor
    index: Callable[[Sequence[Any]], Sequence[Any]] = tuple
    change: Callable[[Any], Any] = lambda term: term


def fact(t: Tensor) -> Fact | None:
    """What is known of the inverse or determinant of a transpose or of an inverse."""
    name, matrix = primitive(t), matrix_of(t)
    if name == "cholesky":
        return None
    if (inner := transposed(matrix)) is not None:
        return Fact(f"{name}_turned", inner, MADE[name](inner), lambda index: tuple(index)[::-1])
    if primitive(matrix) != "inv":
        return None
    inner = matrix_of(matrix)
    if name == "inv":
        return Fact("inv_inv", inner, inner)
    return Fact(f"{name}_inv", inner, MADE[name](inner), change=OF_INVERSE[name])
