"""Linear algebra over numbers of any kind: elimination and what follows from it.

``numbers`` says what is 0, how large a number is and what its root is; arrays are stacks of
matrices, as in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from mathdl.errors import DomainError
from mathdl.proof.evaluate import Array

_X = sympy.Symbol("x", real=True)
_LOG_SIZE = sympy.Piecewise((sympy.log(_X), _X > 0), (sympy.log(-_X), True))
_SIGN = sympy.Piecewise((1, _X > 0), (-1, True))


def stacked(law: Callable[..., Any], *ranks: int) -> Callable[..., Array]:
    """A law of matrices (``ranks`` axes each) for stacks of them."""

    def over(numbers: Any, *arrays: Array) -> Array:
        lead = np.broadcast_shapes(
            *(a.shape[: a.ndim - r] for a, r in zip(arrays, ranks, strict=True))
        )
        wide = [np.broadcast_to(a, (*lead, *a.shape[a.ndim - r:]))
                for a, r in zip(arrays, ranks, strict=True)]
        found = {p: np.asarray(law(numbers, *(a[p] for a in wide)), dtype=object)
                 for p in np.ndindex(lead)}
        shape = next(iter(found.values())).shape
        result = np.empty((*lead, *shape), dtype=object)
        for place, value in found.items():
            result[place] = value if shape else value.item()
        return result

    return over


def eliminated(numbers: Any, a: Array, b: Array) -> tuple[Any, Array]:
    """The determinant of ``A``, and ``A^-1 B``, by Gauss and Jordan with pivots.

    An array stands on the left of a number, which may not know of arrays.
    """
    a, b = a.copy(), b.copy()
    determinant = numbers.constant(sympy.S.One)
    least = numbers.negligible(max((numbers.size(x) for x in a.flat), default=0))
    for k in range(len(a)):
        pivot = max(range(k, len(a)), key=lambda i: numbers.size(a[i, k]))
        if numbers.size(a[pivot, k]) <= least:
            raise DomainError("a matrix is singular")
        if pivot != k:
            a[[k, pivot]], b[[k, pivot]] = a[[pivot, k]], b[[pivot, k]]
            determinant = -determinant
        determinant = determinant * a[k, k]
        b[k] = b[k] / a[k, k]
        a[k] = a[k] / a[k, k]
        for i in range(len(a)):
            if i != k:
                factor = a[i, k]
                a[i] = a[i] - a[k] * factor
                b[i] = b[i] - b[k] * factor
    return determinant, b


def _identity(numbers: Any, n: int) -> Array:
    return np.asarray(numbers.array(np.eye(n, dtype=int)))


def _inverse(numbers: Any, a: Array) -> Array:
    return eliminated(numbers, a, _identity(numbers, len(a)))[1]


def _determinant(numbers: Any, a: Array) -> Any:
    return eliminated(numbers, a, _identity(numbers, len(a)))[0]


def _of_determinant(form: Any) -> Callable[..., Any]:
    return lambda numbers, a: numbers.scalar(form)[1](_determinant(numbers, a))


def _cholesky(numbers: Any, a: Array) -> Array:
    """Row by row from the lower triangle: Golub & Van Loan, Matrix Computations, 4.2."""
    root = numbers.scalar(sympy.sqrt(_X))[1]
    n = len(a)
    factor = numbers.array(np.zeros((n, n), dtype=int))
    for i in range(n):
        for j in range(i + 1):
            rest = a[i, j]
            for k in range(j):
                rest = rest - factor[i, k] * factor[j, k]
            if i == j and not rest > numbers.zero:
                raise DomainError("a matrix is not positive definite")
            factor[i, j] = root(rest) if i == j else rest / factor[j, j]
    return np.asarray(factor)


def _pseudoinverse(numbers: Any, a: Array) -> Array:
    """Of a matrix of full rank: ``(A^T A)^-1 A^T`` or ``A^T (A A^T)^-1``."""
    if a.shape[0] >= a.shape[1]:
        return eliminated(numbers, a.T @ a, a.T)[1]
    return eliminated(numbers, a @ a.T, a)[1].T


def _reciprocals(sign: int) -> Callable[..., Array]:
    """``1/(w[j] + sign*w[i])`` off the diagonal, 0 on it."""

    def law(numbers: Any, w: Array) -> Array:
        one = numbers.constant(sympy.S.One)
        return np.array([
            [numbers.zero if i == j else one / (w[j] + sign * w[i]) for j in range(len(w))]
            for i in range(len(w))
        ], dtype=object).reshape(len(w), len(w))

    return law


def _inverse_values(numbers: Any, s: Array, u: Array) -> Array:
    """``1/s``; 0 where the columns of ``U`` have no complement."""
    if u.shape[0] == u.shape[1]:
        return np.asarray(numbers.array(np.zeros(len(s), dtype=int)))
    return np.array([numbers.constant(sympy.S.One) / x for x in s], dtype=object)


PRIMITIVES: dict[str, Callable[..., Array]] = {
    "inv": stacked(_inverse, 2),
    "solve": stacked(lambda numbers, a, b: eliminated(numbers, a, b)[1], 2, 2),
    "det": stacked(_determinant, 2),
    "logdet": stacked(_of_determinant(_LOG_SIZE), 2),
    "signdet": stacked(_of_determinant(_SIGN), 2),
    "cholesky": stacked(_cholesky, 2),
    "pinv": stacked(_pseudoinverse, 2),
    "lstsq": stacked(lambda numbers, a, b: _pseudoinverse(numbers, a) @ b, 2, 2),
    "inverse_gaps": stacked(_reciprocals(-1), 1),
    "inverse_sums": stacked(_reciprocals(1), 1),
    "inverse_values": stacked(_inverse_values, 1, 2),
}
