"""Rules for sums: what does not move is taken out, what is known is put in, deltas are used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Add, KroneckerDelta, Mul, S, Symbol, expand_mul

from mathdl.ir.bodies import inline, is_structural, merge, reads_inside, symbols_read
from mathdl.ir.build import bound_ranges, define, moved, out_ranges, ranges_of, restate, substitute
from mathdl.ir.index import bound_index, out_indices, slot, slot_number
from mathdl.ir.tensor import Access, Tensor
from mathdl.simplify.engine import Context
from mathdl.simplify.facts import constant_sum, inside, mentions, split_product
from mathdl.simplify.forms import cost, normal_form
from mathdl.simplify.inlining import (
    MAX_BODY,
    inlinable,
    inline_deeply,
    is_contraction,
    is_product,
)
from mathdl.simplify.quotients import fold_quotients


def pull_out(tensor: Tensor, context: Context) -> Tensor | None:
    equation = tensor.equation
    if equation.reduce != "sum" or tensor.label is not None:
        return None
    bounds = {s for s, _ in bound_ranges(equation)}
    fixed, moving = split_product(equation.body, bounds, equation.operands)
    if not fixed or not moving:
        return None
    names = set(ranges_of(tensor))
    varying = any(
        slot_number(s) is not None or s in names for f in fixed for s in f.free_symbols
    )
    contraction = len([f for f in moving if slot_number(f) is not None]) > 1
    if not varying and (contraction or len(moving) > 1 or slot_number(moving[0]) is None):
        return None
    used = symbols_read(Mul(*moving), equation.operands)
    out = [(s, d) for s, d in out_ranges(tensor.shape) if s in used]
    total = define(out, Mul(*moving), equation.operands, reduce="sum", bound=bound_ranges(equation))
    operands = [*equation.operands, Access(total, tuple(s for s, _ in out))]
    return define(
        out_ranges(tensor.shape), Mul(*fixed) * slot(len(operands) - 1), operands,
        requires=tensor.requires,
    )


def known_sum(tensor: Tensor, context: Context) -> Tensor | None:
    equation = tensor.equation
    if equation.reduce != "sum" or tensor.label is not None:
        return None
    found = _drop_known(tensor, equation.body, equation.operands)
    if found is not None or context.strict or is_contraction(tensor):
        return found
    ranges = ranges_of(tensor)
    fresh = [
        k for k, a in enumerate(equation.operands)
        if id(a.tensor) not in context.kept and inlinable(a, ranges)
    ]
    if not fresh or cost(equation.body) > MAX_BODY:
        return None
    body, operands, _ = inline_deeply(tensor, fresh, ranges, context)
    body, operands = merge(body, operands)
    body, operands = fold_quotients(normal_form(body), operands, context, ranges)
    return _drop_known(tensor, expand_mul(body), operands)


def _drop_known(tensor: Tensor, body: Any, operands: Any) -> Tensor | None:
    """The sum without the terms whose sum is a known constant."""
    equation = tensor.equation
    bounds, ranges = dict(bound_ranges(equation)), ranges_of(tensor)
    terms = Add.make_args(body)
    results = [_sum_of_term(t, bounds, ranges, operands) for t in terms]
    if all(r is None for r in results):
        return None
    left = Add(*(t for t, r in zip(terms, results, strict=True) if r is None))
    total: Any = Add(*(r for r in results if r is not None))
    operands = list(operands)
    if left != 0:
        rest = restate(tensor, left, operands)
        operands.append(Access(rest, out_indices(tensor.ndim)))
        total = total + slot(len(operands) - 1)
    return define(out_ranges(tensor.shape), total, operands, requires=tensor.requires)


def _sum_of_term(
    term: Any, bounds: dict[Any, Any], ranges: dict[Any, Any], operands: Any
) -> Any:
    """The term summed, when its moving part is one access with a constant sum."""
    names = set(bounds)
    fixed, moving = split_product(term, names, operands)
    if len(moving) != 1:
        return None
    k = slot_number(moving[0])
    if k is None:
        return None
    access = operands[k]
    axes, found = [], set()
    for position, (e, dim) in enumerate(zip(access.index, access.tensor.shape, strict=True)):
        if e in names and bounds[e] == dim and e not in found:
            axes.append(position)
            found.add(e)
        elif mentions(e, names, operands) or not inside(e, dim, ranges):
            return None
    # the access must run over one bound index at least; the others only multiply
    constant = constant_sum(access.tensor, tuple(axes)) if axes else None
    if constant is None:
        return None
    for s in names - found:
        constant = constant * bounds[s]
    return Mul(*fixed) * constant


def split_delta(tensor: Tensor, context: Context) -> Tensor | None:
    """A sum of terms some of which fix a bound index by a delta is split into its terms."""
    equation = tensor.equation
    if equation.reduce != "sum" or tensor.label is not None:
        return None
    if not equation.body.has(KroneckerDelta):
        return None
    body = equation.body
    if isinstance(body, Mul):
        sums = [f for f in body.args if isinstance(f, Add) and f.has(KroneckerDelta)]
        if not sums:
            return None
        rest = Mul(*(f for f in body.args if f is not sums[0]))
        body = Add(*(rest * term for term in sums[0].args))
    if not isinstance(body, Add):
        return None
    binding = [t for t in body.args if any(isinstance(f, KroneckerDelta)
                                           for f in Mul.make_args(t))]
    if not binding:
        return None
    rest = Add(*(t for t in body.args if t not in binding))
    return _term_by_term(tensor, [*binding, *([rest] if rest != 0 else [])])


def _term_by_term(tensor: Tensor, terms: Sequence[Any]) -> Tensor:
    """The sum of the sums of terms."""
    operands = list(tensor.operands)
    total: Any = S.Zero
    for term in terms:
        operands.append(Access(restate(tensor, term, tensor.operands), out_indices(tensor.ndim)))
        total = total + slot(len(operands) - 1)
    return define(out_ranges(tensor.shape), total, operands, requires=tensor.requires)


def distribute(tensor: Tensor, context: Context) -> Tensor | None:
    """A product over more indices than any of its factors reads is summed term by term.

    So nothing is formed over all indices: ``sum_i R[i,k] (M[k,j] - X[i,j])`` is two products of
    matrices.
    """
    equation = tensor.equation
    if equation.reduce != "sum" or tensor.label is not None or context.strict:
        return None
    if not is_contraction(tensor) or len(ranges_of(tensor)) < 3:
        return None
    sums = [f for f in Mul.make_args(equation.body) if isinstance(f, Add)]
    if len(sums) != 1 or len(sums[0].args) > MAX_DISTRIBUTED:
        return None
    rest = Mul(*(f for f in Mul.make_args(equation.body) if f is not sums[0]))
    terms = [rest * term for term in sums[0].args]
    plain = all(is_product(term) for term in terms)
    wide = symbols_read(sums[0], equation.operands) >= set(ranges_of(tensor))
    return _term_by_term(tensor, terms) if plain and wide else None


MAX_DISTRIBUTED = 3


def contract(tensor: Tensor, context: Context) -> Tensor | None:
    """A factor with a delta on a bound index is put in, and the delta contracted."""
    equation = tensor.equation
    if equation.reduce != "sum" or tensor.label is not None:
        return None
    ranges = ranges_of(tensor)
    for k, access in enumerate(equation.operands):
        if is_structural(access.tensor) and inlinable(access, ranges):
            after = restate(tensor, *inline(equation.body, equation.operands, k))
            kept = after.definition
            if kept is not None and len(kept.extents) < len(equation.extents):
                return after
    return None


def merge_sums(tensor: Tensor, context: Context) -> Tensor | None:
    """A sum of nothing but sums is one sum over all their indices."""
    equation = tensor.equation
    if equation.reduce != "sum" or tensor.label is not None:
        return None
    number, factor = equation.body.as_coeff_Mul()
    k = slot_number(factor)
    inner = equation.operands[k].tensor if k is not None else tensor
    if (
        k is None or inner.definition is None or inner.equation.reduce != "sum"
        or inner.label is not None or inner.requires or not context.single(inner)
        or equation.operands[k].held or not reads_inside(equation.operands[k], ranges_of(tensor))
    ):
        return None
    own = {
        bound_index(j): Symbol(f"q{j}", integer=True, nonnegative=True)
        for j in range(len(inner.equation.extents))
    }
    renamed = {**dict(zip(out_indices(inner.ndim), equation.operands[k].index, strict=True)), **own}
    return define(
        out_ranges(tensor.shape), number * substitute(inner.equation.body, renamed),
        moved(inner.equation.operands, renamed),
        reduce="sum",
        bound=[*bound_ranges(equation),
               *zip(own.values(), inner.equation.extents, strict=True)],
        requires=tensor.requires,
    )
