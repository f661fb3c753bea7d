"""The one way an equation becomes a tensor: put into canonical form, then interned.

Canonical form, each part valid for every value of the dims:

* views (equations that only move axes) and index-only equations (``eye``, masks, constants) are
  read through, never kept as a node;
* a Kronecker delta that fixes a bound index is contracted;
* a bound index that nothing mentions is replaced by its length;
* equal accesses share a slot, operands stand in order of rank, bound indices in order of
  appearance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sympy import Integer, KroneckerDelta, Mul, Pow, Rational, Symbol, sympify

from mathdl.errors import DomainError
from mathdl.ir.dim import Dim, Shape
from mathdl.ir.index import (
    bound_index,
    in_range,
    linear,
    out_index,
    out_indices,
    slot,
    slot_number,
    slots_in,
)
from mathdl.ir.tensor import Access, Equation, Reduce, Requirement, Tensor, intern, intern_call
from mathdl.scalar.compare import ge, lt, where
from mathdl.scalar.declare import declared_heads

Range = tuple[Any, Dim]


def substitute(expr: Any, mapping: dict[Any, Any]) -> Any:
    """``expr`` with symbols replaced simultaneously."""
    if not mapping:
        return expr
    if isinstance(expr, Symbol):
        return mapping.get(expr, expr)
    if not expr.args:
        return expr
    return expr.xreplace(mapping)


def moved(operands: Sequence[Access], mapping: dict[Any, Any]) -> list[Access]:
    """The accesses with the symbols in their indices replaced."""
    return [
        Access(a.tensor, tuple(substitute(e, mapping) for e in a.index), a.held)
        for a in operands
    ]


def define(
    out: Sequence[Range],
    body: Any,
    operands: Sequence[Access] = (),
    *,
    reduce: Reduce = "none",
    bound: Sequence[Range] = (),
    requires: Iterable[Requirement] = (),
    label: str | None = None,
) -> Tensor:
    """The tensor ``T[out] = reduce_{bound} body``.

    ``out`` and ``bound`` pair index symbols (any distinct ones) with dims; ``body`` is over
    ``slot(k)`` for the ``k``-th of ``operands``.
    """
    body = declared_heads(sympify(body))
    operands = list(operands)
    bounds = list(bound)
    requirements = dict.fromkeys(requires)
    # An operand used only as an index of another is integer data and not part of the body.
    body, operands = _read_through(out, bounds, body, operands, requirements)
    if reduce == "sum":
        body, operands, bounds = _contract_deltas(out, bounds, body, operands)
    body, operands = _tidy_slots(body, operands)
    if reduce != "none":
        body, bounds = _drop_unused(reduce, bounds, body, operands)
        if not bounds:
            reduce = "none"
    if reduce in ("max", "min") and not _bare(body, operands):
        # ties are found by comparing with the result: both must read the same numbers
        entries = define([*out, *bounds], body, operands)
        body, operands = _X0, [Access(entries, tuple(s for s, _ in [*out, *bounds]))]
    view = reduce == "none" and _bare(body, operands)
    if not view and label is None and any(dim == 1 for _, dim in out):
        return _squeeze(out, body, operands, reduce, bounds, requirements)
    shape = tuple(dim for _, dim in out)
    body, operands, bounds = _rename(out, bounds, body, operands)
    if label is None and reduce == "none" and len(operands) == 1 and body == slot(0):
        access = operands[0]
        if (
            access.index == out_indices(len(shape))
            and access.tensor.shape == shape
            and not requirements
            and not access.held
        ):
            return access.tensor
    equation = Equation(reduce, tuple(dim for _, dim in bounds), body, tuple(operands))
    return intern(shape, equation, tuple(requirements), label)


def _bare(body: Any, operands: list[Access]) -> bool:
    """Whether a body only reads one access, or none."""
    return not operands or (len(operands) == 1 and body == _X0)


def _squeeze(
    out: Sequence[Range], body: Any, operands: list[Access], reduce: Reduce,
    bound: list[Range], requires: Iterable[Requirement],
) -> Tensor:
    """An axis of length 1 is left out of the equation and put back by a view.

    So ``sum(x, axis=1, keepdims=True)`` and ``sum(x, axis=1)`` are one quantity.
    """
    units = {symbol: Integer(0) for symbol, dim in out if dim == 1}
    inner = define(
        [(symbol, dim) for symbol, dim in out if dim != 1],
        substitute(body, units),
        moved(operands, units),
        reduce=reduce, bound=bound, requires=requires,
    )
    kept = tuple(symbol for symbol, dim in out if dim != 1)
    return define(out, _X0, [Access(inner, kept)])


def _is_view(tensor: Tensor) -> bool:
    equation = tensor.definition
    return (
        equation is not None
        and tensor.label is None
        and equation.reduce == "none"
        and len(equation.operands) <= 1
        and (not equation.operands or equation.body == _X0)
        and not any(e.has(Pow) or not e.is_polynomial() if e.args else False
                    for a in equation.operands for e in a.index)
    )


_X0 = slot(0)


def _read_through(
    out: Sequence[Range],
    bound: Sequence[Range],
    body: Any,
    operands: list[Access],
    requirements: dict[Requirement, None],
) -> tuple[Any, list[Access]]:
    """Replace accesses of views and of index-only equations by what they stand for."""
    ranges: dict[Any, Dim] | None = None
    replaced: dict[Any, Any] = {}
    for k, access in enumerate(operands):
        tensor = access.tensor
        if not _is_view(tensor):
            continue
        ranges = ranges or dict([*out, *bound])
        if not all(
            in_range(e, d, ranges) for e, d in zip(access.index, tensor.shape, strict=True)
        ):
            continue
        equation = tensor.equation
        mapping = dict(zip(out_indices(tensor.ndim), access.index, strict=True))
        requirements.update(dict.fromkeys(tensor.requires))
        if not equation.operands:
            replaced[slot(k)] = substitute(equation.body, mapping)
            continue
        inner = equation.operands[0]
        operands[k] = Access(
            inner.tensor,
            tuple(substitute(e, mapping) for e in inner.index),
            access.held or inner.held,
        )
    return (substitute(body, replaced) if replaced else body), operands


def _contract_deltas(
    out: Sequence[Range], bound: list[Range], body: Any, operands: list[Access]
) -> tuple[Any, list[Access], list[Range]]:
    """``sum_r delta(r, e) f(r) = f(e)``, and ``[0 <= e < R]`` unless it surely holds."""
    while True:
        found = _binding_delta(bound, body)
        if found is None:
            return body, operands, bound
        delta, symbol, value = found
        extent = dict(bound)[symbol]
        bound = [pair for pair in bound if pair[0] != symbol]
        rest = Mul(*(f for f in Mul.make_args(body) if f != delta))
        ranges = dict([*out, *bound])
        # integer data is in range, or an error where it is used
        guarded = bool(slots_in(value)) or any(
            e == symbol and d == extent
            for k in _factor_slots(rest)
            for e, d in zip(operands[k].index, operands[k].tensor.shape, strict=True)
        )
        body = rest.xreplace({symbol: value})
        operands = moved(operands, {symbol: value})
        if not guarded and not in_range(value, extent, ranges):
            inside = ge(value, 0) * lt(value, sympify(extent))
            product = body.is_polynomial(*map(slot, range(len(operands))))
            body = body * inside if product else where(inside, body, 0)


def _factor_slots(body: Any) -> list[int]:
    """Slots that are factors of a product: where one is zero the body is zero."""
    return [k for f in Mul.make_args(body) if (k := slot_number(f)) is not None]


def _binding_delta(bound: list[Range], body: Any) -> tuple[Any, Any, Any] | None:
    """A delta factor that fixes a bound index, the index, and its value."""
    if not bound or not body.has(KroneckerDelta):
        return None
    symbols = {s for s, _ in bound}
    for factor in Mul.make_args(body):
        if not isinstance(factor, KroneckerDelta):
            continue
        left, right = factor.args
        for symbol in sorted((left.free_symbols | right.free_symbols) & symbols, key=str):
            solved = linear(left - right, symbol)
            if solved is None or solved[0] not in (1, -1):
                continue
            value = -solved[1] * solved[0]
            return factor, symbol, value
    return None


def _tidy_slots(body: Any, operands: list[Access]) -> tuple[Any, list[Access]]:
    """Share equal accesses, drop unused ones, order by rank."""
    count = len(operands)
    free = body.free_symbols
    used = {k for k in range(count) if slot(k) in free}
    todo = list(used)
    while todo:
        k = todo.pop()
        for e in operands[k].index:
            if e.args or isinstance(e, Symbol):
                for s in slots_in(e):
                    if s not in used:
                        used.add(s)
                        todo.append(s)
    order = sorted(used, key=lambda k: (operands[k].tensor.rank, k))
    if order == list(range(count)) and len({a.key for a in operands}) == count:
        return body, operands
    # Index slots first refer to old numbers; rename after merging.
    position: dict[tuple[Any, ...], int] = {}
    mapping: dict[Any, Any] = {}
    kept: list[Access] = []
    for k in order:
        access = operands[k]
        at = position.setdefault(access.key, len(kept))
        if at == len(kept):
            kept.append(access)
        if at != k:
            mapping[slot(k)] = slot(at)
    if not mapping:
        return body, kept
    kept = moved(kept, mapping)
    merged = substitute(body, mapping)
    # what was read under two slots may cancel once they are one
    return _tidy_slots(merged, kept) if len(kept) < len(order) else (merged, kept)


def _drop_unused(
    reduce: Reduce, bound: list[Range], body: Any, operands: list[Access]
) -> tuple[Any, list[Range]]:
    """``sum_r c = R c``, ``prod_r c = c**R``, ``max_r c = c``."""
    used = set(body.free_symbols)
    for access in operands:
        for e in access.index:
            used |= e.free_symbols
    kept = []
    for symbol, dim in bound:
        if symbol in used:
            kept.append((symbol, dim))
        elif reduce == "sum":
            body = body * dim
        elif reduce == "prod":
            body = body**dim
    return body, kept


def _rename(
    out: Sequence[Range], bound: list[Range], body: Any, operands: list[Access]
) -> tuple[Any, list[Access], list[Range]]:
    """Canonical index names: outputs by axis, bound ones by first appearance."""
    mapping: dict[Any, Any] = {}
    for k, (symbol, _) in enumerate(out):
        if symbol is not out_index(k):
            mapping[symbol] = out_index(k)
    if bound:
        names = {symbol for symbol, _ in bound}
        seen: dict[Any, None] = {}
        for access in operands:
            for e in access.index:
                if e in names:
                    seen.setdefault(e)
                elif e.args:
                    for s in sorted(e.free_symbols & names, key=str):
                        seen.setdefault(s)
        for s in sorted(body.free_symbols & names, key=str):
            seen.setdefault(s)
        extent = dict(bound)
        bound = [(s, extent[s]) for s in seen]
        for k, (symbol, _) in enumerate(bound):
            if symbol is not bound_index(k):
                mapping[symbol] = bound_index(k)
        bound = [(bound_index(k), dim) for k, (_, dim) in enumerate(bound)]
    if not mapping:
        return body, operands, bound
    if body.args or isinstance(body, Symbol):
        body = substitute(body, mapping)
    operands = moved(operands, mapping)
    return body, operands, bound


# -- conveniences that state the commonest equations ---------------------------------------


def ranges_of(tensor: Tensor) -> dict[Any, Dim]:
    """The index symbols of a tensor's equation and their lengths."""
    return dict([*out_ranges(tensor.shape), *bound_ranges(tensor.equation)])


def bound_ranges(equation: Equation) -> list[Range]:
    """The bound indices of an equation and their lengths."""
    return [(bound_index(k), dim) for k, dim in enumerate(equation.extents)]


def out_ranges(shape: Shape) -> list[Range]:
    return list(zip(out_indices(len(shape)), shape, strict=True))


def read(tensor: Tensor, index: Sequence[Any] | None = None, held: bool = False) -> Access:
    """The access ``tensor[index]``, by default at the output indices."""
    return Access(
        tensor, tuple(index) if index is not None else out_indices(tensor.ndim), held
    )


def constant(value: Any, shape: Shape = ()) -> Tensor:
    """A tensor whose every entry is ``value`` (a number, or an expression in dims)."""
    return define(out_ranges(shape), value)


def is_zero(tensor: Tensor) -> bool:
    """Whether a tensor is stated to be zero everywhere."""
    return tensor.definition is not None and tensor.definition.body == 0


def restate(tensor: Tensor, body: Any, operands: Sequence[Access]) -> Tensor:
    """The same ranges and reduction over another body."""
    equation = tensor.equation
    return define(
        out_ranges(tensor.shape), body, operands, reduce=equation.reduce,
        bound=bound_ranges(equation),
        requires=tensor.requires, label=tensor.label,
    )


def redefine(tensor: Tensor, operands: Sequence[Access]) -> Tensor:
    """The same equation, or the same primitive, over other operands."""
    if tensor.call is not None:
        call = replace(tensor.call, operands=tuple(operands))
        return intern_call(tensor.shape, call, tensor.requires)
    if tuple(operands) == tensor.operands:
        return tensor
    return restate(tensor, tensor.equation.body, operands)


def exact(value: Any) -> Any:
    """A number or dim expression as SymPy: floats become the decimal that they print as."""
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise DomainError(f"{value} is not a number of the language")
        return Rational(repr(value))
    return sympify(value)
