"""``sum(x)/count`` is ``mean(x)``; from it ``var(x)``; ``sqrt(sum(x**2))`` is ``norm2(x)``."""

from __future__ import annotations

from sympy import Add, Mul, Pow, Rational

from mathdl.ir.bodies import inline, reads_inside
from mathdl.ir.build import bound_ranges, define, out_ranges, ranges_of
from mathdl.ir.dim import product
from mathdl.ir.index import bound_index, out_indices, slot, slot_number
from mathdl.ir.tensor import Access, Tensor
from mathdl.present.parts import (
    MARK,
    Fold,
    Folder,
    Scalar,
    definition_at,
    equation_of,
)
from mathdl.present.reduction import divide_count


def mean(folder: Folder, tensor: Tensor) -> Tensor | None:
    """``sum(x)/count``."""
    equation = tensor.equation
    for term in sorted(equation.body.atoms(Mul), key=lambda m: m.sort_key()):
        factors = Mul.make_args(term)
        for f in factors:
            k = slot_number(f)
            if k is None or equation.operands[k].held:
                continue
            found = equation_of(equation.operands[k].tensor, "sum")
            if found is None or not _plain(equation.operands[k].tensor):
                continue
            count = product(found.extents)
            rest = divide_count([(g, (), None) for g in factors if g != f], count)
            if rest is None:
                continue
            inner = equation.operands[k].tensor
            bound = bound_ranges(found)
            made = define(
                out_ranges(inner.shape), found.body / count, found.operands, reduce="sum",
                bound=bound,
            )
            variance(folder, made)
            operands = [*equation.operands, Access(made, equation.operands[k].index)]
            new = Mul(*(g for g, _, _ in rest)) * slot(len(equation.operands))
            return define(
                out_ranges(tensor.shape), equation.body.xreplace({term: new}), operands,
                reduce=equation.reduce,
                bound=bound_ranges(equation),
                requires=tensor.requires,
            )
    return None


def _plain(total: Tensor) -> bool:
    """A sum of one thing, not of a product that reads better with ``@``."""
    body = total.equation.body
    factors = [f for f in Mul.make_args(body) if not f.is_number]
    if len(factors) != 1:
        bound = map(bound_index, range(len(total.equation.extents)))
        every = {*out_indices(total.ndim), *bound}
        return total.ndim > 0 and all(
            (k := slot_number(f)) is not None and set(total.operands[k].index) == every
            for f in factors
        )
    return all(
        len(set(a.index)) == len(a.index)
        or factors[0] != slot(k) for k, a in enumerate(total.operands)
    )


def variance(folder: Folder, total: Tensor) -> None:
    """``mean((x - mean(x))**2)``."""
    equation = total.equation
    count = product(equation.extents)
    body = equation.body * count
    operands = list(equation.operands)
    scalar = _opened(Scalar(body, operands), total)
    square = scalar.body
    if not (isinstance(square, Pow) and square.exp == 2 and isinstance(square.base, Add)):
        return
    terms = square.base.args
    if len(terms) != 2:
        return
    for plus, minus in (terms, terms[::-1]):
        k, j = slot_number(plus), slot_number(-minus)
        if k is None or j is None:
            k, j = slot_number(-plus), slot_number(minus)
        if k is None or j is None:
            continue
        x, mu = scalar.operands[k], scalar.operands[j]
        centre = mu.tensor.definition
        if centre is None or centre.reduce != "sum" or len(centre.operands) != 1:
            continue
        reads = centre.operands[0]
        n = product(centre.extents)
        if reads.tensor is not x.tensor or centre.body != slot(0) / n or n != count:
            continue
        if not all(e.is_Symbol for e in (*x.index, *reads.index)):
            continue
        # the mean runs over the axes that the sum runs over, and is read at the others
        bound = {bound_index(a) for a in range(len(equation.extents))}
        own = {bound_index(a) for a in range(len(centre.extents))}
        axes = tuple(p for p, e in enumerate(x.index) if e in bound)
        at = {e: mu.index[out_indices(99).index(e)] for e in reads.index if e not in own}
        same = all(
            (e in own) if p in axes else (at.get(e) == x.index[p])
            for p, e in enumerate(reads.index)
        )
        kept = tuple(e for p, e in enumerate(x.index) if p not in axes)
        if same and len(axes) == len(bound) == len(own) and kept == out_indices(len(kept)) and (
            x.tensor.shape == tuple(ranges_of(total)[e] for e in x.index)
        ):
            folder.folds.setdefault(total, Fold("var", x.tensor, axes))
            return


def _opened(scalar: Scalar, tensor: Tensor) -> Scalar:
    """The body with unnamed elementwise definitions written out, two deep."""
    ranges = ranges_of(tensor)
    body, operands = scalar.body, list(scalar.operands)
    for _ in range(2):
        for k in range(len(operands)):
            access = operands[k]
            definition = equation_of(access.tensor, "none")
            if definition is None or slot(k) not in body.free_symbols or access.held:
                continue
            if len(definition.operands) > 2 or not definition.body.args:
                continue
            if reads_inside(access, ranges):
                body, operands = inline(body, operands, k)
    return Scalar(body, operands)


def norm(folder: Folder, tensor: Tensor) -> Tensor | None:
    """``sqrt(sum(x**2))``."""
    equation = tensor.equation
    roots = [p for p in equation.body.atoms(Pow) if p.exp.is_Rational and p.exp.q == 2]
    for root in sorted(roots, key=lambda p: p.sort_key()):
        k = slot_number(root.base)
        if k is None or equation.operands[k].held:
            continue
        access = equation.operands[k]
        found = equation_of(access.tensor, "sum")
        if found is None or not reads_inside(access, ranges_of(tensor)):
            continue
        extents = found.extents
        square = _opened(Scalar(found.body, list(found.operands)), access.tensor)
        if isinstance(found.body, Pow):
            square = Scalar(found.body, list(found.operands))
        if not (isinstance(square.body, Pow) and square.body.exp == 2):
            continue
        argument, fresh = definition_at(
            access, Scalar(square.body.base, square.operands), len(found.extents)
        )
        after = folder.split(
            tensor, Scalar(Pow(slot(k), Rational(1, 2)), list(equation.operands)), "norm2",
            argument, fresh,
            Scalar(equation.body.xreplace({root: MARK ** (2 * root.exp)}), list(equation.operands)),
            lengths=dict(zip(fresh, extents, strict=True)),
        )
        if after is not None and after is not tensor:
            return after
    return None
