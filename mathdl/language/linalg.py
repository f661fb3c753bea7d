"""Products, diagonals, triangles, constant matrices and ``einsum``, as index equations."""

from __future__ import annotations

import re
from typing import Any

from sympy import Expr, Integer, KroneckerDelta, Mul, sympify

from mathdl.errors import ShapeError, UnsupportedError
from mathdl.ir.build import define, out_ranges, read
from mathdl.ir.dim import MAX_AXES, Dim, Shape, as_dim, nonnegative, product, show_shape
from mathdl.ir.index import bound_index, out_index, out_indices, reshape_index, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.names import shown
from mathdl.language.operators import matmul, multiply, require_at_least
from mathdl.language.pointwise import as_tensor
from mathdl.scalar.compare import ge, le


def dot(a: Any, b: Any) -> Tensor:
    """``sum_k a[..., k] b[..., k, :]``: NumPy's ``dot``; a scalar scales."""
    a, b = as_tensor(a), as_tensor(b)
    if a.ndim == 0 or b.ndim == 0:
        return multiply(a, b)
    if b.ndim <= 2 and a.ndim <= 2:
        return matmul(a, b)
    inner = 0 if b.ndim == 1 else b.ndim - 2
    if a.shape[-1] != b.shape[inner]:
        raise ShapeError(
            f"shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit in dot: lengths "
            f"{a.shape[-1]} and {b.shape[inner]} must be equal"
        )
    r = bound_index(0)
    left = out_indices(a.ndim - 1)
    right = [out_index(a.ndim - 1 + k) for k in range(b.ndim - 1)]
    right.insert(inner, r)
    shape = (*a.shape[:-1], *b.shape[:inner], *b.shape[inner + 1 :])
    return define(
        out_ranges(shape), slot(0) * slot(1), [Access(a, (*left, r)), Access(b, tuple(right))],
        reduce="sum", bound=[(r, a.shape[-1])],
    )


def outer(a: Any, b: Any) -> Tensor:
    """``out[i, j] = a[i] b[j]`` of two vectors."""
    a, b = as_tensor(a), as_tensor(b)
    for t in (a, b):
        if t.ndim != 1:
            raise ShapeError(f"outer needs vectors, not shape {show_shape(t.shape)}")
    i, j = out_indices(2)
    return define(
        [(i, a.shape[0]), (j, b.shape[0])], slot(0) * slot(1), [Access(a, (i,)), Access(b, (j,))]
    )


def kron(a: Any, b: Any) -> Tensor:
    """``out[i*p + k, j*q + l] = a[i, j] b[k, l]`` for ``b`` of shape ``(p, q)``; any rank."""
    a, b = as_tensor(a), as_tensor(b)
    ndim = max(a.ndim, b.ndim)
    wide_a = (1,) * (ndim - a.ndim) + a.shape
    wide_b = (1,) * (ndim - b.ndim) + b.shape
    pairs: Shape = tuple(d for pair in zip(wide_a, wide_b, strict=True) for d in pair)
    of_a = tuple(out_index(2 * k) for k in range(ndim - a.ndim, ndim))
    of_b = tuple(out_index(2 * k + 1) for k in range(ndim - b.ndim, ndim))
    blocks = define(
        out_ranges(pairs), slot(0) * slot(1), [Access(a, of_a), Access(b, of_b)]
    )
    shape = tuple(product(pair) for pair in zip(wide_a, wide_b, strict=True))
    return define(out_ranges(shape), slot(0), [Access(blocks, reshape_index(pairs, shape))])


def square(value: Any, what: str) -> Tensor:
    """``value`` if its last two axes have equal length; ``what`` names who asks."""
    a: Tensor = as_tensor(value)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{what} needs a square matrix, not shape {show_shape(a.shape)}")
    return a


def _one_square(value: Any, what: str) -> Tensor:
    a = square(value, what)
    if a.ndim != 2:
        raise ShapeError(f"{what} needs a square matrix, not shape {show_shape(a.shape)}")
    return a


def trace(a: Any) -> Tensor:
    """``sum_i a[i, i]`` of a square matrix."""
    a = _one_square(a, "trace")
    r = bound_index(0)
    return define([], slot(0), [Access(a, (r, r))], reduce="sum", bound=[(r, a.shape[0])])


def diagonal(a: Any) -> Tensor:
    """``out[i] = a[i, i]`` of a square matrix."""
    a = _one_square(a, "diagonal")
    i = out_index(0)
    return define([(i, a.shape[0])], slot(0), [Access(a, (i, i))])


def diag(a: Any) -> Tensor:
    """``out[i, j] = a[i] delta(i, j)`` of a vector; of a matrix, its diagonal."""
    a = as_tensor(a)
    if a.ndim == 2:
        return diagonal(a)
    if a.ndim != 1:
        raise ShapeError(f"diag needs a vector or a matrix, not shape {show_shape(a.shape)}")
    i, j = out_indices(2)
    n = a.shape[0]
    return define([(i, n), (j, n)], slot(0) * KroneckerDelta(i, j), [Access(a, (i,))])


def _offset(k: Any, what: str) -> Any:
    if isinstance(k, bool) or not isinstance(k, (int, Expr)):
        raise ShapeError(f"k of {what} is an integer, not {shown(k)}")
    if isinstance(k, Expr) and not k.is_integer:
        raise ShapeError(f"k of {what} is an integer, not {shown(k)}")
    return k


def _triangle(a: Any, head: Any, k: Any, what: str) -> Tensor:
    a = as_tensor(a)
    if a.ndim < 2:
        raise ShapeError(f"{what} needs a matrix, not shape {show_shape(a.shape)}")
    row, column = out_index(a.ndim - 2), out_index(a.ndim - 1)
    mask = head(column, row + _offset(k, what))
    return define(out_ranges(a.shape), slot(0) * mask, [read(a)])


def tril(a: Any, k: Any = 0) -> Tensor:
    """``a[i, j] [j <= i + k]`` over the last two axes."""
    return _triangle(a, le, k, "tril")


def triu(a: Any, k: Any = 0) -> Tensor:
    """``a[i, j] [j >= i + k]`` over the last two axes."""
    return _triangle(a, ge, k, "triu")


def as_shape(dims: tuple[Any, ...], what: str) -> Shape:
    """Dims given one by one or as one tuple."""
    if len(dims) == 1 and isinstance(dims[0], (tuple, list)):
        dims = tuple(dims[0])
    if len(dims) > MAX_AXES:
        raise ShapeError(f"{what} has more than {MAX_AXES} axes")
    shape = []
    for given in dims:
        if not isinstance(given, int) and not (isinstance(given, Expr) and given.is_integer):
            raise ShapeError(
                f"a dim of {what} is a positive integer or a dim, not {shown(given)}"
            )
        dim = as_dim(given)
        if nonnegative(-sympify(dim)):
            raise ShapeError(f"a dim of {what} is a positive integer or a dim, not {dim}")
        shape.append(dim)
    return tuple(shape)


def _filled(shape: Shape, body: Any, what: str) -> Tensor:
    """A tensor of which every entry is stated; dims such as ``n - 1`` must be positive."""
    requires = [
        requirement
        for dim in shape
        for requirement in require_at_least(sympify(dim) - 1, f"{what} needs {dim} >= 1")
    ]
    return define(out_ranges(shape), body, requires=requires)


def eye(n: Any, m: Any = None) -> Tensor:
    """``delta(i, j)``: the identity, or its first ``m`` columns."""
    return _filled(as_shape((n, n if m is None else m), "eye"), KroneckerDelta(*out_indices(2)),
                   "eye")


def ones(*dims: Any) -> Tensor:
    """Every entry is 1."""
    return _filled(as_shape(dims, "ones"), Integer(1), "ones")


def zeros(*dims: Any) -> Tensor:
    """Every entry is 0."""
    return _filled(as_shape(dims, "zeros"), Integer(0), "zeros")


MAX_OPERANDS = 32
_SUBSCRIPTS = re.compile(r"[A-Za-z]*(,[A-Za-z]*)*(->[A-Za-z]*)?")


def einsum(subscripts: str, *operands: Any) -> Tensor:
    """``out[...] = sum`` over the letters that are not in the output of the operands' product.

    NumPy's explicit form ``"ij,jk->ik"``, and the implicit one, whose output is the letters that
    occur once, in alphabetical order.

    Raises ShapeError for a wrong number of subscripts, unequal lengths or an unknown letter,
    UnsupportedError for ``...``.
    """
    if not isinstance(subscripts, str):
        raise ShapeError(f"einsum begins with a string of subscripts, not {shown(subscripts)}")
    if "." in subscripts:
        raise UnsupportedError("einsum with '...': write every axis as a letter")
    text = subscripts.replace(" ", "")
    if not _SUBSCRIPTS.fullmatch(text):
        raise ShapeError(f"einsum subscripts {subscripts[:40]!r} are not like 'ij,jk->ik'")
    tensors = [as_tensor(t) for t in operands]
    terms, arrow, target = text.partition("->")
    inputs = terms.split(",")
    if len(inputs) != len(tensors):
        raise ShapeError(
            f"einsum {text[:60]!r} has subscripts for {len(inputs)} operands, "
            f"not {len(tensors)}"
        )
    if len(tensors) > MAX_OPERANDS:
        raise ShapeError(f"einsum of {len(tensors)} operands; at most {MAX_OPERANDS} are allowed")
    lengths = _letter_lengths(inputs, tensors, text)
    if not arrow:
        target = "".join(sorted(c for c in lengths if terms.count(c) == 1))
    for letter in target:
        if letter not in lengths:
            raise ShapeError(f"einsum {text[:60]!r}: output index {letter!r} is in no operand")
        if target.count(letter) > 1:
            raise ShapeError(f"einsum {text[:60]!r}: output index {letter!r} occurs twice")
    if len(lengths) > MAX_AXES:
        raise ShapeError(f"einsum {text[:60]!r} has more than {MAX_AXES} indices")
    symbol: dict[str, Any] = {letter: out_index(k) for k, letter in enumerate(target)}
    summed = [letter for letter in lengths if letter not in target]
    symbol.update({letter: bound_index(k) for k, letter in enumerate(summed)})
    return define(
        [(symbol[c], lengths[c]) for c in target],
        Mul(*map(slot, range(len(tensors)))),
        [
            Access(t, tuple(symbol[c] for c in term))
            for t, term in zip(tensors, inputs, strict=True)
        ],
        reduce="sum",
        bound=[(symbol[c], lengths[c]) for c in summed],
    )


def _letter_lengths(inputs: list[str], tensors: list[Tensor], text: str) -> dict[str, Dim]:
    lengths: dict[str, Dim] = {}
    for term, tensor in zip(inputs, tensors, strict=True):
        if len(term) != tensor.ndim:
            raise ShapeError(
                f"einsum {text[:60]!r}: subscripts {term[:40]!r} do not fit shape "
                f"{show_shape(tensor.shape)}"
            )
        for letter, dim in zip(term, tensor.shape, strict=True):
            known = lengths.setdefault(letter, dim)
            if known != dim:
                raise ShapeError(
                    f"einsum {text[:60]!r}: index {letter!r} has length {known} in one place "
                    f"and {dim} in another"
                )
    return lengths
