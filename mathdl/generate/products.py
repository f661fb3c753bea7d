"""Products with a row, then with a column: one with their outer product costs less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from mathdl.generate.blocks import Run
from mathdl.generate.values import Ufunc, Value


def joined_products(items: Sequence[Value | Run], uses: Mapping[Value, int]) -> dict[Value, Value]:
    """Products that are computed together with the product just before them, with that one."""
    joined: dict[Value, Value] = {}
    shown = [v for v in items if isinstance(v, Run) or not v.is_view]
    for first, second in pairwise(shown):
        if isinstance(first, Run) or isinstance(second, Run) or first in joined:
            continue
        match first.op, second.op:
            case Ufunc("np.multiply", (_, _)), Ufunc("np.multiply", (a, b)):
                if (
                    first.ndim == 2 and first.shape == second.shape and uses[first] == 1
                    and (a is first) != (b is first)
                    and sorted(factors_of(first, second)) == ["column", "row", "whole"]
                ):
                    joined[second] = first
    return joined


def factors_of(first: Value, second: Value) -> dict[str, Value]:
    """The factors of a product of three by their form."""
    n, m = second.shape
    forms = {(n, m): "whole", (n, 1): "column", (1, m): "row", (m,): "row"}
    factors = [a for a in (*first.operands(), *second.operands()) if a is not first]
    return {forms.get(a.shape, ""): a for a in factors if a.kind == "float"}
