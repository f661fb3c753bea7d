"""The structure of derivatives: terms with their Kronecker deltas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Add, KroneckerDelta, Mul

from mathdl.ir.bodies import inline, is_structural, symbols_read
from mathdl.ir.build import define, read
from mathdl.ir.index import out_indices, slot
from mathdl.ir.tensor import Access, Tensor


@dataclass(frozen=True)
class Factor:
    """One term of a structured tensor.

    ``deltas`` are pairs of axes that must be equal for the entry not to be zero; ``value`` is
    the rest, over the remaining ``axes``:
    ``T[i] = sum over terms of prod_(a, b) delta(i[a], i[b]) * value[i[axes]]``.
    """

    deltas: tuple[tuple[int, int], ...]
    value: Tensor
    axes: tuple[int, ...]


def factors(tensor: Tensor) -> tuple[Factor, ...]:
    """The terms of which a derivative is the sum; a dense one is a single term.

    ``2 delta_ij (V'V)_kl`` for the Hessian of a matrix factorisation, ``diag(p) - p p'`` for
    softmax's Jacobian.  No dense array is formed.
    """
    symbols = out_indices(tensor.ndim)
    dims = dict(zip(symbols, tensor.shape, strict=True))
    body, operands = _opened(tensor)
    found: list[Factor] = []
    for term in Add.make_args(body.expand() if body.has(KroneckerDelta) else body):
        deltas: list[tuple[int, int]] = []
        rest: list[Any] = []
        for factor in Mul.make_args(term):
            if isinstance(factor, KroneckerDelta) and set(factor.args) <= set(symbols):
                a, b = sorted(symbols.index(s) for s in factor.args)
                deltas.append((a, b))
            else:
                rest.append(factor)
        used = symbols_read(Mul(*rest), operands)
        axes = tuple(k for k, s in enumerate(symbols) if s in used)
        value = define([(symbols[k], dims[symbols[k]]) for k in axes], Mul(*rest), operands)
        found.append(Factor(tuple(sorted(deltas)), value, axes))
    return tuple(found)


def _opened(tensor: Tensor) -> tuple[Any, list[Access]]:
    """An elementwise definition, with the structured tensors that it adds up opened."""
    if tensor.definition is None or tensor.definition.reduce != "none":
        return slot(0), [read(tensor)]
    body, operands = tensor.definition.body, list(tensor.definition.operands)
    for k, access in enumerate(tensor.definition.operands):
        if is_structural(access.tensor):
            body, operands = inline(body, operands, k)
    return body, operands
