"""``a sum(x**2) - (a/n) sum(x)**2 = a sum((x - mean(x))**2)``, whichever way it was written."""

from __future__ import annotations

from typing import Any

from sympy import Add, S

from mathdl.ir.bodies import inline
from mathdl.ir.build import define, out_ranges
from mathdl.ir.index import bound_index, out_indices, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.simplify.openings import can_open, is_plain


def variance(tensor: Tensor) -> Tensor | None:
    """``a sum(x**2) - (a/n) sum(x)**2 = a sum((x - sum(x)/n)**2)``."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none" or not isinstance(equation.body, Add):
        return None
    body, operands = equation.body, list(equation.operands)
    if len(body.args) != 2 or tensor.label is not None:
        return None
    ranges = dict(out_ranges(tensor.shape))
    for _ in range(3):
        opened = [k for k, a in enumerate(operands) if can_open(a, body, k, ranges)]
        for k in opened:
            body, operands = inline(body, operands, k)
    if not isinstance(body, Add) or len(body.args) != 2:
        return None
    for positive, negative in (body.args, body.args[::-1]):
        found = _matchvariance(positive, negative, operands)
        if found is not None:
            value, access = found
            return define(
                out_ranges(tensor.shape), slot(0) * value, [access], requires=tensor.requires
            )
    return None


def _matchvariance(positive: Any, negative: Any, operands: list[Access]) -> Any:
    for k, squares in enumerate(operands):
        for j, plain in enumerate(operands):
            if plain.index != squares.index or j == k:
                continue
            scale, weight = positive / slot(k), -negative / slot(j) ** 2
            if (scale.free_symbols | weight.free_symbols) & {slot(i) for i in range(len(operands))}:
                continue
            centred = _centred_squares(squares.tensor, plain.tensor, scale / weight)
            if centred is not None:
                return scale, Access(centred, squares.index)
    return None


def _centred_squares(squares: Tensor, plain: Tensor, count: Any) -> Tensor | None:
    a, b = squares.definition, plain.definition
    if a is None or b is None or a.reduce != "sum" or b.reduce != "sum":
        return None
    if b.body != slot(0) or len(b.operands) != 1 or a.extents != b.extents:
        return None
    read = b.operands[0]
    squared = a.operands[0]
    inner = squared.tensor.definition
    if len(a.operands) != 1 or squared.index != read.index:
        return None
    direct = a.body == slot(0) ** 2 and squared.tensor is read.tensor
    through = (
        a.body == slot(0)
        and inner is not None
        and inner.reduce == "none"
        and inner.body == slot(0) ** 2
        and inner.operands[0] == Access(read.tensor, out_indices(read.tensor.ndim))
    )
    extent: Any = S.One
    for d in b.extents:
        extent = extent * d
    if not (direct or through) or extent != count or not is_plain(read.index):
        return None
    symbols = out_indices(plain.ndim)
    if any(s not in read.index for s in symbols):
        return None
    own = out_indices(read.tensor.ndim)
    where = tuple(own[read.index.index(s)] for s in symbols)
    mean = define(out_ranges(plain.shape), slot(0) / count, [Access(plain, symbols)])
    centred = define(
        out_ranges(read.tensor.shape), slot(0) - slot(1),
        [Access(read.tensor, own), Access(mean, where)],
    )
    square = define(out_ranges(read.tensor.shape), slot(0) ** 2, [Access(centred, own)])
    return define(
        out_ranges(plain.shape), slot(0), [Access(square, read.index)], reduce="sum",
        bound=[(bound_index(j), d) for j, d in enumerate(b.extents)],
    )
