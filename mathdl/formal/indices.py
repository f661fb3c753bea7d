"""Indices of entries, and deltas between them: an order that stays, canonical forms, solutions."""

from __future__ import annotations

from typing import Any

from sympy import Add, Function, Integer, KroneckerDelta, expand
from sympy.core.function import AppliedUndef

from mathdl.ir.dim import Dim, nonnegative
from mathdl.ir.index import Ranges, bounds, linear


class PLUS(Function):  # type: ignore[misc]
    """The sum of indices, in an order that stays as it is when they are renamed."""

    is_integer = True
    is_nonnegative = True

    @classmethod
    def eval(cls, *terms: Any) -> Any:
        flat = [part for t in terms for part in (t.args if isinstance(t, PLUS) else (t,))]
        if all(t.is_Integer for t in flat):
            return Add(*flat)
        return None if len(flat) == len(terms) else cls(*flat)


def in_order(index: Any) -> Any:
    """An index with its terms in a fixed order."""
    terms = Add.make_args(index)
    return index if len(terms) == 1 else PLUS(*sorted(terms, key=str))


def added(index: Any) -> Any:
    """The same index as a plain sum."""
    return Add(*index.args) if isinstance(index, PLUS) else index


def tidied(index: Any) -> Any:
    """The same index with equal terms collected and the others in order."""
    return in_order(expand(added(index))) if isinstance(index, PLUS) else index


def difference(delta: Any) -> Any:
    """What is 0 where a delta is 1."""
    return expand(added(delta.args[0]) - added(delta.args[1]))


def sides(delta: Any) -> tuple[Any, Any]:
    """Two indices without differences that are equal where a delta is 1."""
    terms = Add.make_args(difference(delta))
    negative = [t for t in terms if t.could_extract_minus_sign()]
    return Add(*(t for t in terms if t not in negative)), -Add(*negative)


def compared(delta: Any) -> tuple[Any, Any]:
    """The indices that a delta compares, moved so that neither can be negative."""
    a, b = delta.args
    return (a, b) if added(a).is_nonnegative and added(b).is_nonnegative else sides(delta)


def matched(delta: Any) -> Any:
    """A delta in canonical form."""
    return KroneckerDelta(*sorted((in_order(s) for s in sides(delta)), key=str))


def solved(delta: Any, symbol: Any) -> Any:
    """The value of an index where a delta is 1; None where it is not told by the others."""
    found = linear(difference(delta), symbol)
    if found is None or found[0] not in (1, -1):
        return None
    return in_order(expand(-found[0] * found[1]))


def freed(term: Any, symbol: Any, value: Any) -> Any:
    """A term with the value of an index put into its entries, where nothing is taken away."""
    if value is None:
        return term
    changed: dict[Any, Any] = {}
    for entry in term.atoms(AppliedUndef):
        for index in entry.args:
            if symbol in index.free_symbols and not index.atoms(AppliedUndef):
                new = expand(added(index).xreplace({symbol: added(value)}))
                if not any(t.could_extract_minus_sign() for t in Add.make_args(new)):
                    changed[entry] = changed.get(entry, entry).xreplace({index: in_order(new)})
    return term.xreplace(changed)


def within(value: Any, dim: Dim, ranges: Ranges) -> tuple[Any, Dim] | None:
    """The least value of an index and how many there may be, where those are fewer than the
    dim."""
    limits = None if value is None else bounds(expand(added(value)), ranges)
    if limits is None:
        return None
    low = limits[0] if nonnegative(limits[0]) else Integer(0)
    high = limits[1] if nonnegative(dim - 1 - limits[1]) else dim - 1
    count = expand(high - low + 1)
    return (low, count) if expand(count - dim) != 0 and nonnegative(count) else None


def never(delta: Any, ranges: Ranges) -> bool:
    """Whether a delta is 0 for all indices in range."""
    limits = bounds(difference(delta), ranges)
    return limits is not None and any(nonnegative(e - Integer(1)) for e in (limits[0], -limits[1]))
