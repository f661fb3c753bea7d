"""Inputs as variables of their own that satisfy what is assumed of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import sympy

from mathdl.proof.evaluate import Array
from mathdl.verify.numbers.linear import eliminated
from mathdl.verify.numbers.signatures import Signatures

#: Data: entries that count or choose.
_DATA = {"binary", "integer", "one_hot", "causal_mask", "adjacency", "counts", "sign_labels"}


def free_input(numbers: Signatures, values: Any, facts: frozenset[str]) -> Array:
    """An array of variables with the values given, up to what is assumed of them.

    Entries of data and zeros of triangular and diagonal matrices are constants.
    """
    given = np.asarray(values)
    if given.dtype.kind in "iub" or facts & _DATA:
        return np.asarray(numbers.array(np.rint(given).astype(int)))
    if given.ndim >= 2 and facts & {"orthogonal", "positive_definite"} - _plain(facts):
        law = _orthogonal if "orthogonal" in facts else _definite
        return _stack(given, lambda a: law(numbers, a))
    result = np.empty(given.shape, dtype=object)
    sparse = bool(facts & {"lower_triangular", "diagonal"})
    for place in np.ndindex(given.shape):
        mirrored = (*place[:-2], *place[-2:][::-1])
        if "symmetric" in facts and mirrored < place:
            result[place] = result[mirrored]
        elif sparse and given[place] == 0:
            result[place] = numbers.zero
        else:
            result[place] = numbers.variable(mpmath.mpf(float(given[place])))
    if "probability_vector" in facts:
        for row in np.ndindex(given.shape[:-1]):
            rest = numbers.constant(sympy.S.One)
            for entry in result[row][:-1]:
                rest = rest - entry
            result[(*row, -1)] = rest
    return result


def _plain(facts: frozenset[str]) -> set[str]:
    """Of a diagonal matrix the entries say all; a triangular one is not made a product."""
    return {"positive_definite"} if facts & {"diagonal", "lower_triangular"} else set()


def _stack(given: Array, law: Callable[[Array], Array]) -> Array:
    result = np.empty(given.shape, dtype=object)
    for place in np.ndindex(given.shape[:-2]):
        result[place] = law(given[place])
    return result


def _definite(numbers: Signatures, a: Array) -> Array:
    """``L L^T``: the root of each pivot is a variable."""
    factor = np.linalg.cholesky(a)
    free = numbers.array(np.zeros(a.shape, dtype=int))
    for i, j in zip(*np.tril_indices(len(a)), strict=True):
        free[i, j] = numbers.variable(mpmath.mpf(float(factor[i, j])))
    return np.asarray(free @ free.T)


def _orthogonal(numbers: Signatures, a: Array) -> Array:
    """``(I - S)(I + S)^-1`` of a skew matrix of variables (Cayley)."""
    rng = np.random.default_rng(np.abs(a.view(np.uint64)).ravel() % 2**32)
    skew = numbers.array(np.zeros(a.shape, dtype=int))
    for i, j in zip(*np.tril_indices(len(a), -1), strict=True):
        skew[i, j] = numbers.variable(mpmath.mpf(float(rng.standard_normal())))
        skew[j, i] = -skew[i, j]
    eye = numbers.array(np.eye(len(a), dtype=int))
    return np.asarray(eliminated(numbers, eye + skew, eye - skew)[1])
