"""The rules, each with its law.  Values and shapes never change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sympy import Add, KroneckerDelta, Mul, S, Symbol, Tuple, expand_mul, nan, zoo

from mathdl.ir.bodies import inline, is_regrouped, is_structural, merge, symbols_read
from mathdl.ir.build import define, out_ranges, restate, substitute
from mathdl.ir.index import bound_index, in_range, out_indices, slot, slot_number
from mathdl.ir.tensor import Access, Equation, Tensor
from mathdl.simplify.engine import Context, Rule
from mathdl.simplify.facts import constant_sum, inside, mentions, split_product
from mathdl.simplify.forms import cost, normal_form
from mathdl.simplify.matrices import cancel, of_inverse, one_way
from mathdl.simplify.products import collect, take_out
from mathdl.simplify.quotients import fold_functions, fold_quotients, small_slots
from mathdl.simplify.scaling import scale_after, share_scaled


def _bounds(equation: Equation) -> list[tuple[Any, Any]]:
    return [(bound_index(k), d) for k, d in enumerate(equation.extents)]


def _ranges(tensor: Tensor) -> dict[Any, Any]:
    return {**dict(out_ranges(tensor.shape)), **dict(_bounds(tensor.equation))}


# -- normal form --------------------------------------------------------------------------


def _normalise(tensor: Tensor, context: Context) -> Tensor | None:
    equation = tensor.equation
    if equation.reduce not in ("none", "sum"):
        return None
    body = equation.body
    ranges = _ranges(tensor)
    small = small_slots(ranges, tensor.operands)
    shorter, operands = fold_quotients(normal_form(body, small), tensor.operands, context, ranges)
    if shorter == body or cost(shorter, small_slots(ranges, operands)) > cost(body, small):
        return None
    return restate(tensor, shorter, operands)


def _two_values(tensor: Tensor, context: Context) -> Tensor | None:
    """What is not linear in data of zeros and ones is put together from its two cases."""
    equation = tensor.equation
    if equation.reduce != "none" or tensor.label is not None or cost(equation.body) > MAX_BODY:
        return None
    ranges = _ranges(tensor)
    eligible = [k for k, a in enumerate(equation.operands) if _inlinable(a, ranges)]
    return _reopened(tensor, eligible, ranges, _from_cases)


def _from_cases(body: Any, operands: Sequence[Access], small: frozenset[Any]) -> Any:
    """``(1 - y) f(0) + y f(1)`` for each operand ``y`` of zeros and ones, or None without one."""
    found = None
    for k, access in enumerate(operands):
        read = access.tensor
        if not read.is_input or "binary" not in read.assume or not body.has(slot(k)):
            continue
        no, yes = (body.subs(slot(k), value) for value in (0, 1))
        if not (no.has(nan, zoo) or yes.has(nan, zoo)):
            no, yes = normal_form(no, small), normal_form(yes, small)
            found = body = normal_form(no + slot(k) * (yes - no), small)
    return found


# -- inline ---------------------------------------------------------------------------------


def _inlinable(access: Access, ranges: dict[Any, Any]) -> bool:
    inner = access.tensor
    definition = inner.definition
    return (
        definition is not None
        and definition.reduce == "none"
        and bool(definition.operands)
        and not inner.requires
        and inner.label is None
        and not is_regrouped(inner)
        and cost(definition.body) <= MAX_BODY
        and all(in_range(e, d, ranges) for e, d in zip(access.index, inner.shape, strict=True))
    )


MAX_BODY = 20
MAX_OPENED = 12


def _inline(tensor: Tensor, context: Context) -> Tensor | None:
    equation = tensor.equation
    if equation.reduce not in ("none", "sum") or tensor.label is not None:
        return None
    if cost(equation.body) > MAX_BODY:
        return None
    ranges = _ranges(tensor)
    eligible = [k for k, a in enumerate(equation.operands) if _inlinable(a, ranges)]
    if not eligible:
        return None
    if equation.reduce == "sum" and _is_contraction(tensor):
        eligible = [k for k in eligible if _cancels(equation.operands, k)]
    fresh = [k for k in eligible if id(equation.operands[k].tensor) not in context.kept]
    if fresh and not context.strict:
        opened = _inline_deeply(tensor, fresh, ranges, context)
        found = _accept(tensor, *opened, ranges, context, True)
        if found is not None:
            return found
    for k in eligible:
        body, operands = inline(equation.body, equation.operands, k)
        inner = equation.operands[k].tensor
        alone = context.single(inner) and len(equation.operands[k].index) == len(ranges)
        free = cost(inner.equation.body) == 0  # a sign
        found = _accept(tensor, body, operands, [inner] if alone else [], ranges, context,
                        free or (not context.strict and (alone or k in fresh)))
        if found is not None:
            return found
    return _reopened(tensor, eligible, ranges, _plain) if equation.reduce == "none" else None


def _plain(body: Any, operands: Sequence[Access], small: frozenset[Any]) -> Any:
    return normal_form(body, small)


def _reopened(
    tensor: Tensor, eligible: Sequence[int], ranges: dict[Any, Any],
    form: Callable[[Any, Sequence[Access], frozenset[Any]], Any],
) -> Tensor | None:
    """All that exists put in; what is left of each definition is read from it again."""
    equation = tensor.equation
    parts, operands = Tuple(equation.body), list(equation.operands)
    opened: list[int] = []
    waiting = list(eligible)
    while waiting and len(opened) < MAX_OPENED and cost(parts[0]) <= 2 * MAX_BODY:
        k = waiting.pop(0)
        before = len(operands)
        parts, operands = inline(Tuple(*parts, slot(k)), operands, k)
        opened.append(k)
        waiting += [j for j in range(before, len(operands)) if _inlinable(operands[j], ranges)]
    parts, operands = merge(parts, operands)
    if cost(parts[0]) > 2 * MAX_BODY:
        return None
    small = small_slots(ranges, operands)
    body = form(parts[0], operands, small)
    if body is None:
        return None
    least = _weight(tensor, body, operands, ranges)
    definitions = sorted(zip(opened, parts[1:], strict=True), key=lambda d: -cost(d[1]))
    for k, definition in definitions:
        number, part = definition.as_content_primitive()
        if not part.args or not body.has(part):
            continue
        back = normal_form(body.subs(part, slot(k) / number), small)
        if (weight := _weight(tensor, back, operands, ranges)) < least:
            body, least = back, weight
    shorter = least < _weight(tensor, equation.body, equation.operands, ranges)
    return restate(tensor, body, operands) if shorter else None


def _inline_deeply(
    tensor: Tensor, eligible: list[int], ranges: dict[Any, Any], context: Context
) -> tuple[Any, list[Access], list[Tensor]]:
    """Put in the definitions of all derived quantities, down to what exists in any case."""
    body: Any = tensor.equation.body
    operands = list(tensor.equation.operands)
    saved: list[Tensor] = []
    waiting = list(eligible)
    while waiting and cost(body) <= MAX_BODY:
        k = waiting.pop(0)
        access = operands[k]
        before = len(operands)
        body, operands = inline(body, operands, k)
        if context.single(access.tensor) and len(access.index) == len(ranges):
            saved.append(access.tensor)
        waiting += [
            j for j in range(before, len(operands))
            if id(operands[j].tensor) not in context.kept and _inlinable(operands[j], ranges)
        ]
    return body, operands, saved


def _accept(
    tensor: Tensor, body: Any, operands: list[Access], saved: list[Tensor],
    ranges: dict[Any, Any], context: Context, derived: bool,
) -> Tensor | None:
    """The equation over inlined operands when that costs no more."""
    equation = tensor.equation
    old = _weight(tensor, equation.body, equation.operands, ranges)
    body, operands = merge(body, operands)
    if cost(body, small_slots(ranges, operands)) > old + MAX_BODY:
        return None
    body = normal_form(body, small_slots(ranges, operands))
    body, operands = fold_quotients(body, operands, context, ranges)
    new = _weight(tensor, body, operands, ranges)
    gain = 0.0
    if not (equation.reduce == "sum" and _is_contraction(tensor)):
        gain = sum(cost(t.equation.body) for t in saved)
    contracted = equation.reduce == "sum" and _is_product(body)
    if new < old + gain or (new == old + gain and (derived or (saved and contracted))):
        return restate(tensor, body, operands)
    return None


def _is_product(body: Any) -> bool:
    """Whether a summand is a product of accesses: then the sum is one contraction."""
    return all(slot_number(f.as_base_exp()[0]) is not None for f in Mul.make_args(body)
               if not f.is_number)


def _weight(tensor: Tensor, body: Any, operands: Any, ranges: dict[Any, Any]) -> float:
    """The cost of a body; a factor that will be pulled out of the sum is free."""
    small = small_slots(ranges, operands)
    if tensor.equation.reduce == "sum" and isinstance(body, Mul):
        bounds = {s for s, _ in _bounds(tensor.equation)}
        fixed, moving = split_product(body, bounds, operands)
        number = Mul(*(f for f in fixed if not any(
            slot_number(s) is not None for s in f.free_symbols
        )))
        return cost(Mul(*moving), small) + (0.0 if number in (1, -1) else 1.0)
    return cost(body, small)


def _is_contraction(tensor: Tensor) -> bool:
    """Whether no access runs over all indices: a matrix product rather than a reduction."""
    every = set(_ranges(tensor))
    return not any(set(a.index) >= every for a in tensor.operands)


def _cancels(operands: Any, k: int) -> bool:
    """Whether the definition shares a quantity with the rest of the body, or has a delta."""
    inner = operands[k].tensor
    others = {id(a.tensor) for j, a in enumerate(operands) if j != k}
    return any(id(a.tensor) in others for a in inner.operands) or inner.equation.body.has(
        KroneckerDelta
    )


# -- sums -------------------------------------------------------------------------------------


def _pull_out(tensor: Tensor, context: Context) -> Tensor | None:
    equation = tensor.equation
    if equation.reduce != "sum" or tensor.label is not None:
        return None
    bounds = {s for s, _ in _bounds(equation)}
    fixed, moving = split_product(equation.body, bounds, equation.operands)
    if not fixed or not moving:
        return None
    names = set(_ranges(tensor))
    varying = any(
        slot_number(s) is not None or s in names for f in fixed for s in f.free_symbols
    )
    contraction = len([f for f in moving if slot_number(f) is not None]) > 1
    if not varying and (contraction or len(moving) > 1 or slot_number(moving[0]) is None):
        return None
    used = symbols_read(Mul(*moving), equation.operands)
    out = [(s, d) for s, d in out_ranges(tensor.shape) if s in used]
    total = define(out, Mul(*moving), equation.operands, reduce="sum", bound=_bounds(equation))
    operands = [*equation.operands, Access(total, tuple(s for s, _ in out))]
    return define(
        out_ranges(tensor.shape), Mul(*fixed) * slot(len(operands) - 1), operands,
        requires=tensor.requires,
    )


def _known_sum(tensor: Tensor, context: Context) -> Tensor | None:
    equation = tensor.equation
    if equation.reduce != "sum" or tensor.label is not None:
        return None
    found = _drop_known(tensor, equation.body, equation.operands)
    if found is not None or context.strict or _is_contraction(tensor):
        return found
    ranges = _ranges(tensor)
    fresh = [
        k for k, a in enumerate(equation.operands)
        if id(a.tensor) not in context.kept and _inlinable(a, ranges)
    ]
    if not fresh or cost(equation.body) > MAX_BODY:
        return None
    body, operands, _ = _inline_deeply(tensor, fresh, ranges, context)
    body, operands = merge(body, operands)
    body, operands = fold_quotients(normal_form(body), operands, context, ranges)
    return _drop_known(tensor, expand_mul(body), operands)


def _drop_known(tensor: Tensor, body: Any, operands: Any) -> Tensor | None:
    """The sum without the terms whose sum is a known constant."""
    equation = tensor.equation
    bounds, ranges = dict(_bounds(equation)), _ranges(tensor)
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


def _split_delta(tensor: Tensor, context: Context) -> Tensor | None:
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
    operands = list(equation.operands)
    total: Any = S.Zero
    for term in [*binding, *([rest] if rest != 0 else [])]:
        operands.append(
            Access(restate(tensor, term, equation.operands), out_indices(tensor.ndim))
        )
        total = total + slot(len(operands) - 1)
    return define(out_ranges(tensor.shape), total, operands, requires=tensor.requires)


def _contract(tensor: Tensor, context: Context) -> Tensor | None:
    """A factor with a delta on a bound index is put in, and the delta contracted."""
    equation = tensor.equation
    if equation.reduce != "sum" or tensor.label is not None:
        return None
    ranges = _ranges(tensor)
    for k, access in enumerate(equation.operands):
        if is_structural(access.tensor) and _inlinable(access, ranges):
            after = restate(tensor, *inline(equation.body, equation.operands, k))
            kept = after.definition
            if kept is not None and len(kept.extents) < len(equation.extents):
                return after
    return None


def _merge_sums(tensor: Tensor, context: Context) -> Tensor | None:
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
        or equation.operands[k].held or not _inlinable_index(tensor, equation.operands[k])
    ):
        return None
    own = {
        bound_index(j): Symbol(f"q{j}", integer=True, nonnegative=True)
        for j in range(len(inner.equation.extents))
    }
    renamed = {**dict(zip(out_indices(inner.ndim), equation.operands[k].index, strict=True)), **own}
    return define(
        out_ranges(tensor.shape), number * substitute(inner.equation.body, renamed),
        [Access(a.tensor, tuple(substitute(e, renamed) for e in a.index), a.held)
         for a in inner.equation.operands],
        reduce="sum",
        bound=[*_bounds(equation),
               *zip(own.values(), inner.equation.extents, strict=True)],
        requires=tensor.requires,
    )


def _inlinable_index(tensor: Tensor, access: Access) -> bool:
    ranges = _ranges(tensor)
    return all(
        in_range(e, d, ranges) for e, d in zip(access.index, access.tensor.shape, strict=True)
    )


NORMAL_FORM = Rule("normal form", "a(b + c) = ab + ac; ab/a = b, the cheapest form", _normalise)
TWO_VALUES = Rule("two values", "f(y) = (1 - y) f(0) + y f(1) for y in {0, 1}", _two_values)
INLINE = Rule("inline", "replace a quantity by its definition where that is shorter", _inline)
PULL_OUT = Rule("factor out of a sum", "sum_k c f(k) = c sum_k f(k)", _pull_out)
KNOWN_SUM = Rule("known sum", "sum_k Y[i,k] = 1, and what follows from definitions", _known_sum)
CONTRACT = Rule("contract", "sum_k delta[i,k] f(k) = f(i)", _contract)
MERGE_SUMS = Rule("merge sums", "sum_i sum_k f = sum_ik f", _merge_sums)
SPLIT_DELTA = Rule("split", "sum_k (f + delta g) = sum_k f + sum_k delta g", _split_delta)

ONE_WAY = Rule("symmetric", "S[i,j] = S[j,i]", one_way)
SHARE_SCALED = Rule("share", "sum_k c f(k) = c sum_k f(k), where that exists", share_scaled)
SCALE_AFTER = Rule("scale after", "solve(A, c b) = c solve(A, b)", scale_after, "calls")
OF_INVERSE = Rule("inverse", "inv(inv(A)) = A; det(inv(A)) = 1/det(A)", of_inverse, "calls")
COLLECT = Rule("collect", "A (B C) + (A B) C = 2 A B C, whatever the brackets", collect)
TAKE_OUT = Rule("take out", "sum_k f g + sum_k f h = sum_k f (g + h)", take_out)
CANCEL = Rule("cancel inverses", "sum_k A[i,k] inv(A)[k,j] = delta[i,j]; Q.T @ Q = I", cancel)

RULES = (
    ONE_WAY, CANCEL, OF_INVERSE, SPLIT_DELTA, KNOWN_SUM, NORMAL_FORM, TWO_VALUES, PULL_OUT, CONTRACT, SHARE_SCALED,
    MERGE_SUMS, INLINE, SCALE_AFTER, COLLECT, TAKE_OUT,
)

FOLD = Rule("fold", "f(a) is read from the quantity that it is", fold_functions)
"""Applied when all else is done: what is folded no longer cancels."""
