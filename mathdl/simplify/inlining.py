"""Definitions put in where that is shorter, and read from again where they are left over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sympy import Add, KroneckerDelta, Mul, S, Tuple, nan, zoo

from mathdl.ir.assumptions import closure
from mathdl.ir.bodies import inline, is_regrouped, merge, reads_inside
from mathdl.ir.build import bound_ranges, ranges_of, restate
from mathdl.ir.index import slot, slot_number
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar import COMPARISONS, abs_, sign
from mathdl.simplify.engine import Context
from mathdl.simplify.facts import split_product
from mathdl.simplify.forms import cost, normal_form
from mathdl.simplify.quotients import fold_quotients, small_slots

MAX_BODY = 24
MAX_OPENED = 12
NEGLIGIBLE = 1 / 16  # of an operation on all entries: a few on numbers or rows


def normalise(tensor: Tensor, context: Context) -> Tensor | None:
    equation = tensor.equation
    if equation.reduce not in ("none", "sum"):
        return None
    body = equation.body
    ranges = ranges_of(tensor)
    small = small_slots(ranges, tensor.operands)
    known = _with_known_signs(body, tensor.operands, ranges)
    shorter, operands = fold_quotients(normal_form(known, small), tensor.operands, context, ranges)
    if shorter == body or cost(shorter, small_slots(ranges, operands)) > cost(body, small):
        return None
    return restate(tensor, shorter, operands)


def _with_known_signs(body: Any, operands: Sequence[Access], ranges: dict[Any, Any]) -> Any:
    """``abs(x) = x`` and ``sign(x) = 1`` of inputs that are assumed positive."""
    known: dict[Any, Any] = {}
    for k, access in enumerate(operands if body.has(abs_, sign) else ()):
        facts = closure(access.tensor.assume) if access.tensor.is_input else frozenset()
        if "nonnegative" in facts and reads_inside(access, ranges):
            known[abs_(slot(k))] = slot(k)
            if "positive" in facts:
                known[sign(slot(k))] = S.One
    return body.xreplace(known) if known else body


def two_values(tensor: Tensor, context: Context) -> Tensor | None:
    """What is not linear in data of zeros and ones is put together from its two cases."""
    equation = tensor.equation
    if equation.reduce != "none" or tensor.label is not None or cost(equation.body) > MAX_BODY:
        return None
    ranges = ranges_of(tensor)
    eligible = [k for k, a in enumerate(equation.operands) if inlinable(a, ranges)]
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
            rise = normal_form(yes - no, small)
            if not rise.has(Add):  # large cases must not cancel in floats
                found = body = normal_form(normal_form(no, small) + slot(k) * rise, small)
    return found


def inlinable(access: Access, ranges: dict[Any, Any]) -> bool:
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
        and reads_inside(access, ranges)
    )


def put_in(tensor: Tensor, context: Context) -> Tensor | None:
    equation = tensor.equation
    if equation.reduce not in ("none", "sum") or tensor.label is not None:
        return None
    if cost(equation.body) > MAX_BODY:
        return None
    ranges = ranges_of(tensor)
    eligible = [k for k, a in enumerate(equation.operands) if inlinable(a, ranges)]
    if not eligible:
        return None
    if equation.reduce == "sum" and is_contraction(tensor):
        eligible = [k for k in eligible if _cancels(equation.operands, k)]
    fresh = [k for k in eligible if id(equation.operands[k].tensor) not in context.kept]
    if fresh and not context.strict:
        opened = inline_deeply(tensor, fresh, ranges, context)
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


Form = Callable[[Any, Sequence[Access], frozenset[Any]], Any]
_known: WeakKeyDictionary[Tensor, dict[Form, Tensor | None]] = WeakKeyDictionary()


def _reopened(
    tensor: Tensor, eligible: Sequence[int], ranges: dict[Any, Any], form: Form
) -> Tensor | None:
    """All that exists put in; what is left of each definition is read from it again."""
    known = _known.setdefault(tensor, {})
    if form not in known:
        known[form] = _reopen(tensor, eligible, ranges, form)
    return known[form]


def _reopen(
    tensor: Tensor, eligible: Sequence[int], ranges: dict[Any, Any], form: Form
) -> Tensor | None:
    equation = tensor.equation
    parts, operands = Tuple(equation.body), list(equation.operands)
    opened: list[int] = []
    waiting = list(eligible)
    while waiting and len(opened) < MAX_OPENED and cost(parts[0]) <= 2 * MAX_BODY:
        k = waiting.pop(0)
        before = len(operands)
        parts, operands = inline(Tuple(*parts, slot(k)), operands, k)
        opened.append(k)
        waiting += [j for j in range(before, len(operands)) if inlinable(operands[j], ranges)]
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
        if not part.args or not body.has(part) or isinstance(part, COMPARISONS):
            continue  # a condition stays in sight of what it guards
        back = normal_form(body.subs(part, slot(k) / number), small)
        if (weight := _weight(tensor, back, operands, ranges)) < least:
            body, least = back, weight
    shorter = least < _weight(tensor, equation.body, equation.operands, ranges)
    return restate(tensor, body, operands) if shorter else None


def inline_deeply(
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
            if id(operands[j].tensor) not in context.kept and inlinable(operands[j], ranges)
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
    body = normal_form(body, _small(ranges, body, operands))
    body, operands = fold_quotients(body, operands, context, ranges)
    new = _weight(tensor, body, operands, ranges)
    gain = 0.0
    if not (equation.reduce == "sum" and is_contraction(tensor)):
        gain = sum(cost(t.equation.body) for t in saved)
    contracted = equation.reduce == "sum" and is_product(body)
    less = old + gain - new
    even = less == 0 or (equation.reduce == "none" and less > -NEGLIGIBLE)
    if less > 0 or (even and (derived or (saved and contracted))):
        return restate(tensor, body, operands)
    return None


def is_product(body: Any) -> bool:
    """Whether a summand is a product of accesses: then the sum is one contraction."""
    return all(slot_number(f.as_base_exp()[0]) is not None for f in Mul.make_args(body)
               if not f.is_number)


def _small(ranges: dict[Any, Any], body: Any, operands: Sequence[Access]) -> frozenset[Any]:
    """The slots with fewer axes than the equation, where what the body reads has one with all."""
    used = body.free_symbols
    read = [a for k, a in enumerate(operands) if slot(k) in used]
    return small_slots(ranges, operands) if small_slots(ranges, read) else frozenset()


def _weight(tensor: Tensor, body: Any, operands: Any, ranges: dict[Any, Any]) -> float:
    """The cost of a body; a factor that will be pulled out of the sum is free."""
    small = _small(ranges, body, operands)
    if tensor.equation.reduce == "sum" and isinstance(body, Mul):
        bounds = {s for s, _ in bound_ranges(tensor.equation)}
        fixed, moving = split_product(body, bounds, operands)
        number = Mul(*(f for f in fixed if not any(
            slot_number(s) is not None for s in f.free_symbols
        )))
        return cost(Mul(*moving), small) + (0.0 if number in (1, -1) else 1.0)
    return cost(body, small)


def is_contraction(tensor: Tensor) -> bool:
    """Whether no access runs over all indices: a matrix product rather than a reduction."""
    every = set(ranges_of(tensor))
    return not any(set(a.index) >= every for a in tensor.operands)


def _cancels(operands: Any, k: int) -> bool:
    """Whether the definition shares a quantity with the rest of the body, or has a delta."""
    inner = operands[k].tensor
    others = {id(a.tensor) for j, a in enumerate(operands) if j != k}
    return any(id(a.tensor) in others for a in inner.operands) or inner.equation.body.has(
        KroneckerDelta
    )


