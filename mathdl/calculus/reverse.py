"""Reverse mode: the one rule that differentiates everything.

For a consumer ``M[o] = sum_s f(..., N[e(o, s)], ...)``

    N_bar[n] += sum_{o, s : e(o, s) = n}  M_bar[o] * df/dN[e]

``df/dN`` is the derivative of a scalar body (:mod:`mathdl.calculus.local`).  The constraint
``e(o, s) = n`` is solved axis by axis: a plain index is renamed, an affine one with a unit
coefficient is solved for, a reshape is inverted, and whatever remains (a fixed position, a
stride, the entry of an integer tensor) stays as a Kronecker delta.  Because an access outside
its tensor's range is zero, solving needs no case distinctions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Integer, KroneckerDelta, Mul, S, Symbol, sympify

from mathdl.calculus.local import OWN, local_derivative
from mathdl.calculus.recurrence import pull_back_loop
from mathdl.ir.bodies import inline, is_structural
from mathdl.ir.build import bound_ranges, define, moved, out_ranges, read, substitute
from mathdl.ir.dim import Dim, Shape
from mathdl.ir.index import (
    Regrouped,
    digits,
    flatten_index,
    in_range,
    linear,
    out_indices,
    regrouped_axes,
    regrouping,
    reshape_index,
    slot,
    slots_in,
)
from mathdl.ir.steps import CHAIN, THROUGH_TIME, TOTAL, Accumulation, PullBack, Step
from mathdl.ir.system import by_loop, depends_on, loop_key, topological
from mathdl.ir.tensor import Access, Equation, Tensor
from mathdl.primitives.registry import pull_back_primitive
from mathdl.scalar.compare import eq, ge, lt, where


def _names(stem: str, count: int) -> tuple[Any, ...]:
    return tuple(Symbol(f"{stem}{k}", integer=True, nonnegative=True) for k in range(count))


@dataclass
class _Solution:
    """Old indices in terms of the argument's, what stays to be summed, and extra factors."""

    values: dict[Any, Any] = field(default_factory=dict)
    factors: list[Any] = field(default_factory=list)
    shifted: bool = False


def solve_indices(
    index: Sequence[Any], target: Sequence[Any], shape: Shape, out: Mapping[Any, Dim],
    bound: Mapping[Any, Dim],
) -> _Solution:
    """Solve ``index(o, s) = target`` for as many of the old indices as possible."""
    solution = _Solution()
    ranges = {**out, **bound}
    waiting: list[tuple[Any, Any, Dim]] = []
    for e, n, dim in zip(index, target, shape, strict=True):
        if e in ranges and e not in solution.values:
            solution.values[e] = n
            if e in bound and bound[e] != dim:
                solution.factors.append(lt(n, sympify(bound[e])))
            if ranges[e] != dim:
                solution.shifted = True
        else:
            waiting.append((e, n, dim))
    for e, n, _ in waiting:
        known = substitute(e, solution.values)
        symbol = _unit_symbol(known, out, bound, solution.values)
        if symbol is None:
            solution.factors.append(KroneckerDelta(n, known))
            solution.shifted = True
            continue
        coefficient, rest = linear(known, symbol) or (S.One, S.Zero)
        value = coefficient * (n - rest)
        solution.values = {
            s: substitute(v, {symbol: value}) for s, v in solution.values.items()
        }
        solution.values[symbol] = value
        solution.shifted = True
        if symbol in bound:
            solution.factors.append(ge(value, 0) * lt(value, sympify(bound[symbol])))
    return solution


def _unit_symbol(
    expr: Any, out: Mapping[Any, Dim], bound: Mapping[Any, Dim], solved: Mapping[Any, Any]
) -> Any:
    """An unsolved index that occurs with coefficient 1 or -1, output indices first."""
    free = expr.free_symbols
    for group in (out, bound):
        for symbol in group:
            if symbol in free and symbol not in solved:
                parts = linear(expr, symbol)
                if parts is not None and parts[0] in (1, -1) and not slots_in(parts[1]):
                    return symbol
    return None


def _invert_reshape(tensor: Tensor, access: Access, target: Sequence[Any]) -> _Solution | None:
    """A node that is a reshape as a whole, its axes in any order, is undone by the one back."""
    if not any(e.args for e in access.index):
        return None
    source = access.tensor.shape
    pairs = regrouped_axes(access.index, source, dict(out_ranges(tensor.shape)))
    if pairs is not None:
        return _Solution(_ungrouped(pairs, tensor.shape, source, target), [], False)
    if access.index != regrouping(source, tensor.shape):
        return None
    back = reshape_index(tensor.shape, source)
    mapping = dict(zip(out_indices(len(source)), target, strict=True))
    values = [substitute(e, mapping) for e in back]
    return _Solution(dict(zip(out_indices(tensor.ndim), values, strict=True)), [], False)


def _ungrouped(
    pairs: Regrouped, shape: Sequence[Dim], source: Sequence[Dim], target: Sequence[Any]
) -> dict[Any, Any]:
    """The symbols of a view, over its shape, that reads the entry ``target`` of its source."""
    lengths = dict(out_ranges(tuple(shape)))
    solved: dict[Any, Any] = {s: Integer(0) for s in lengths}
    for axes, symbols in pairs:
        if len(symbols) == 1:
            dims = tuple(source[a] for a in axes)
            solved[symbols[0]] = flatten_index([target[a] for a in axes], dims)
        else:
            within = digits(target[axes[0]], tuple(lengths[s] for s in symbols))
            solved.update(zip(symbols, within, strict=True))
    return solved


def weights(tensor: Tensor) -> tuple[Any, list[Access]]:
    """By what the derivative of the body is multiplied under the equation's reduction.

    The product over ``s`` of everything else for ``prod``; an even share among the ties for
    ``max`` and ``min``; 1 for a sum.  Accesses are appended after the equation's own.
    """
    equation = tensor.equation
    count = len(equation.operands)
    bound = bound_ranges(equation)
    bounds = tuple(symbol for symbol, _ in bound)
    if equation.reduce in ("none", "sum"):
        return S.One, []
    if equation.reduce == "prod":
        others = _names("s", len(bounds))
        same = Mul(*(eq(o, r) for o, r in zip(others, bounds, strict=True)))
        renamed = dict(zip(bounds, others, strict=True))
        rest = define(
            [*out_ranges(tensor.shape), *bound],
            where(same, 1, substitute(equation.body, renamed)),
            moved(equation.operands, renamed),
            reduce="prod",
            bound=list(zip(others, equation.extents, strict=True)),
        )
        return slot(count), [Access(rest, (*out_indices(tensor.ndim), *bounds))]
    best = read(tensor)
    tied = eq(equation.body, slot(count))
    ties = define(
        out_ranges(tensor.shape), tied, [*equation.operands, best], reduce="sum", bound=bound
    )
    return tied / slot(count + 1), [best, read(ties)]


def derivative_factor(tensor: Tensor, k: int) -> tuple[Any, list[Access]]:
    """By what a tangent of the ``k``-th operand is multiplied under the sum, with its accesses.

    The derivative of the body, stated in the tensor's own value where that is shorter, times
    the weight of the reduction.
    """
    equation = tensor.equation
    derivative = local_derivative(equation.body, k, equation.reduce == "none")
    if derivative == 0:
        return derivative, []
    weight, extra = weights(tensor)
    operands = [*equation.operands, *extra]
    if derivative.has(OWN):
        derivative = derivative.xreplace({OWN: slot(len(operands))})
        operands.append(read(tensor))
    return derivative * weight, operands


def pull_back(tensor: Tensor, cotangent: Tensor, k: int, prefix: Shape = ()) -> Tensor | None:
    """What ``tensor``'s cotangent contributes to the cotangent of its ``k``-th operand.

    The cotangent has the axes ``prefix`` (of a Jacobian's output) before the tensor's own.
    None when the contribution is identically zero.
    """
    if tensor.call is not None:
        return pull_back_primitive(tensor, cotangent, k)
    equation = tensor.equation
    access = equation.operands[k]
    factor, operands = derivative_factor(tensor, k)
    if factor == 0:
        return None
    heads = _names("u", len(prefix))
    tails = _names("n", access.tensor.ndim)
    out, bound = dict(out_ranges(tensor.shape)), dict(bound_ranges(equation))
    solution = _invert_reshape(tensor, access, tails) or solve_indices(
        access.index, tails, access.tensor.shape, out, bound
    )
    operands.append(Access(cotangent, (*heads, *out_indices(tensor.ndim))))
    body = slot(len(operands) - 1) * factor
    if is_structural(cotangent):
        body, operands = inline(body, operands, len(operands) - 1)
        new = {**dict(zip(heads, prefix, strict=True)),
               **dict(zip(tails, access.tensor.shape, strict=True)), **out, **bound}
        solution.factors += _outside(solution, out, new)
    if solution.shifted and not body.is_polynomial(*map(slot, range(len(operands)))):
        return _pull_through_product(
            body, operands, access, prefix, heads, {**out, **bound}, solution
        )
    return _collect(prefix, heads, access, tails, body, operands, {**out, **bound}, solution)


def _outside(
    solution: _Solution, out: Mapping[Any, Dim], ranges: Mapping[Any, Dim]
) -> list[Any]:
    """Zero where a solved output index leaves its axis: an inlined cotangent is not read there."""
    factors: list[Any] = []
    for symbol, dim in out.items():
        value = solution.values.get(symbol, symbol)
        if not in_range(value, dim, ranges):
            factors.append(ge(value, 0) * lt(value, sympify(dim)))
    return factors


def _pull_through_product(
    body: Any, operands: Sequence[Access], access: Access, prefix: Shape,
    heads: Sequence[Any], axes: Mapping[Any, Dim], solution: _Solution,
) -> Tensor:
    """First ``M_bar * df/dN`` on the consumer's own indices, then moved to the argument's.

    Zero extension is exact for products only; elsewhere it could divide by an outside zero.
    """
    tails = _names("n", access.tensor.ndim)
    product = define([*zip(heads, prefix, strict=True), *axes.items()], body, operands)
    reads = [Access(product, (*heads, *axes))]
    renamed: dict[Any, Any] = {}
    for s in sorted({s for e in access.index for s in slots_in(e)}):
        renamed[slot(s)] = slot(len(reads))
        reads.append(operands[s])
    solution.factors = [substitute(f, renamed) for f in solution.factors]
    return _collect(prefix, heads, access, tails, slot(0), reads, axes, solution)


def _collect(
    prefix: Shape, heads: Sequence[Any], access: Access, tails: Sequence[Any], body: Any,
    operands: Sequence[Access], ranges: Mapping[Any, Dim], solution: _Solution,
) -> Tensor:
    """The contribution as an equation over the argument's indices."""
    values = solution.values
    new_out = [
        *zip(heads, prefix, strict=True), *zip(tails, access.tensor.shape, strict=True)
    ]
    body = Mul(substitute(body, values), *(substitute(f, values) for f in solution.factors))
    return define(
        new_out,
        body,
        moved(operands, values),
        reduce="sum",
        bound=[(s, d) for s, d in ranges.items() if s not in values],
    )


def accumulate(terms: Sequence[Tensor], shape: Shape) -> Tensor:
    """The sum of contributions, one equation; equal ones are counted."""
    if not terms:
        return define(out_ranges(shape), S.Zero)
    body: Any = S.Zero
    operands: list[Access] = []
    out = out_indices(len(shape))
    for term in terms:
        operands.append(Access(term, out))
        if is_structural(term):
            piece, operands = inline(slot(len(operands) - 1), operands, len(operands) - 1)
        else:
            piece = slot(len(operands) - 1)
        body = body + piece
    return define(out_ranges(shape), body, operands)


def differentiable(tensor: Tensor) -> bool:
    """Integer data carries no gradient."""
    return "integer" not in tensor.assume


def cotangents(
    output: Tensor, seed: Tensor, targets: Sequence[Tensor], prefix: Shape = (),
    trace: list[Step] | None = None,
) -> dict[Tensor, Tensor]:
    """The cotangent of every target, ``seed`` being the output's own.

    With a ``prefix`` the seed has those axes first, and so have the results: with the identity
    as seed they are Jacobians.
    """
    return sweep([(output, seed)], targets, prefix, trace)


def sweep(
    seeds: Sequence[tuple[Tensor, Tensor]], targets: Sequence[Tensor], prefix: Shape = (),
    trace: list[Step] | None = None,
) -> dict[Tensor, Tensor]:
    """The cotangent of every target, from those of some outputs; several of one are added.

    Contributions with delta structure are pulled back one by one, so that structure survives to
    the end.  What is done is appended to ``trace``.
    """
    trace = [] if trace is None else trace
    outputs = [output for output, _ in seeds]
    carrying = depends_on(outputs, targets)
    terms: dict[int, list[Tensor]] = {}
    for output, seed in seeds:
        terms.setdefault(id(output), []).append(seed)
    wanted = {id(t) for t in targets}
    order = [t for t in topological(outputs) if id(t) in carrying and not t.is_input]
    loops = by_loop(order)
    for tensor in reversed(order):
        if tensor.recurrence is not None:
            # what one loop computes is pulled back at once, when all of it has its cotangent
            results = loops[loop_key(tensor)]
            if tensor is results[0]:
                given = [(t, accumulate(terms[id(t)], (*prefix, *t.shape)))
                         for t in results if id(t) in terms]
                if given:
                    trace += [
                        Accumulation(TOTAL, t, tuple(terms[id(t)]), prefix, c) for t, c in given
                    ]
                    for operand, part in pull_back_loop(given, carrying, sweep, prefix):
                        terms.setdefault(id(operand), []).append(part)
                        trace.append(
                            PullBack(THROUGH_TIME, tuple(given), operand, None, prefix, part)
                        )
            continue
        if id(tensor) not in terms:
            continue
        shape = (*prefix, *tensor.shape)
        groups = _grouped(terms[id(tensor)], shape)
        for group, parts in groups:
            trace.append(Accumulation(TOTAL, tensor, tuple(parts), prefix, group))
        for cotangent, _ in groups:
            for k, access in enumerate(tensor.operands):
                if (
                    id(access.tensor) not in carrying
                    or access.held
                    or not differentiable(access.tensor)
                ):
                    continue
                term = pull_back(tensor, cotangent, k, prefix)
                if term is not None:
                    terms.setdefault(id(access.tensor), []).append(term)
                part = accumulate([], (*prefix, *access.tensor.shape)) if term is None else term
                trace.append(
                    PullBack(CHAIN, ((tensor, cotangent),), access.tensor, k, prefix, part)
                )
        if id(tensor) not in wanted:
            del terms[id(tensor)]
    found = {t: accumulate(terms.get(id(t), []), (*prefix, *t.shape)) for t in targets}
    trace += [
        Accumulation(TOTAL, t, tuple(terms.get(id(t), ())), prefix, c) for t, c in found.items()
    ]
    return found


def _grouped(terms: Sequence[Tensor], shape: Shape) -> list[tuple[Tensor, list[Tensor]]]:
    """Structured contributions each alone, all others as one sum; with what each adds up."""
    groups = [(t, [t]) for t in terms if is_structural(t)]
    dense = [t for t in terms if not is_structural(t)]
    if dense:
        groups.append((dense[0] if len(dense) == 1 else accumulate(dense, shape), dense))
    return groups


__all__ = [
    "Equation", "accumulate", "cotangents", "in_range", "pull_back", "solve_indices", "sweep",
]
