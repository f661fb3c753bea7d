"""Conditions on the indices of an equation, such as those of a stride, as sums of deltas."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from sympy import KroneckerDelta, Mul, expand

from mathdl.formal.indices import added, in_order, matched, solved
from mathdl.formal.terms import fresh, nested
from mathdl.ir.dim import Dim, nonnegative
from mathdl.ir.index import Ranges, bounds, linear
from mathdl.scalar.declare import of_head

#: What is at least 0 where a comparison holds.
SURPLUS = {"ge": lambda a, b: a - b, "gt": lambda a, b: a - b - 1,
           "le": lambda a, b: b - a, "lt": lambda a, b: b - a - 1}


def chosen(body: Any, ranges: Ranges) -> tuple[Any, dict[Any, Dim]]:
    """A body with its conditions on indices as sums of deltas, and the ranges of what they bind.

    ``[0 <= e] [e < d]`` is the sum of ``delta(k, e)`` over ``k < d``; what holds for all indices
    in range, or where a delta beside it is 1, is left out.
    """
    inside: dict[Any, Dim] = {}

    def product(term: Any) -> Any:
        factors = list(Mul.make_args(term))
        surplus = {f: s for f in factors if (s := _surplus(f, ranges)) is not None}
        deltas = [f for f in factors if isinstance(f, KroneckerDelta)]
        for f in [f for f, s in surplus.items() if _holds(s, deltas, ranges)]:
            factors.remove(f)
            del surplus[f]
        for (f, a), (g, b) in combinations(surplus.items(), 2):
            dim = expand(a + b + 1)
            if f in factors and g in factors and not dim.free_symbols & ranges.keys():
                factors.remove(f)
                factors.remove(g)
                factors.append(within(a if _is_lower(f) else b, dim))
        for f, s in surplus.items():
            if f in factors and (found := _alone(s, ranges)) is not None:
                factors.remove(f)
                factors.append(within(*found))
        return Mul(*factors)

    def within(index: Any, dim: Dim) -> Any:
        symbol = fresh()
        inside[symbol] = dim
        return nested(matched(KroneckerDelta(symbol, in_order(expand(index)))), [(symbol, dim)])

    found = body.replace(lambda e: e.is_Mul and any(_surplus(f, ranges) is not None
                                                    for f in e.args), product)
    return found, inside


def _is_lower(comparison: Any) -> bool:
    declared = of_head(type(comparison))
    return declared is not None and declared.name in ("ge", "gt")


def _surplus(factor: Any, ranges: Ranges) -> Any:
    """What is at least 0 where a comparison of indices holds; None for anything else."""
    declared = of_head(type(factor))
    if declared is None or declared.name not in SURPLUS:
        return None
    symbols = factor.free_symbols
    if not symbols & ranges.keys() or not all(s.is_integer for s in symbols):
        return None
    return expand(SURPLUS[declared.name](*factor.args))


def _alone(surplus: Any, ranges: Ranges) -> tuple[Any, Dim] | None:
    """The index and the dim it is below where a condition on one index alone holds."""
    symbols = surplus.free_symbols & ranges.keys()
    if len(symbols) != 1:
        return None
    (symbol,) = symbols
    found, limits = linear(surplus, symbol), bounds(surplus, ranges)
    if found is not None and found[0] == -1:
        return symbol, expand(found[1] + 1)
    if found is not None and found[0] == 1 and limits is not None:
        return surplus, expand(limits[1] + 1)
    return None


def _holds(surplus: Any, deltas: list[Any], ranges: Mapping[Any, Dim]) -> bool:
    """Whether it is at least 0 for all indices in range where the deltas are 1."""
    pairs = ((s, solved(d, s)) for d in deltas for s in d.free_symbols & ranges.keys())
    forms = [surplus, *(surplus.xreplace({s: added(e)}) for s, e in pairs if e is not None)]
    limits = (bounds(expand(f), ranges) for f in forms)
    return any(found is not None and nonnegative(found[0]) for found in limits)
