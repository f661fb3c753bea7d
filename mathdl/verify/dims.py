"""Concrete sizes for symbolic dims: distinct, so that a lost transpose shows, and ones.

Axes of length 1 are where broadcasting goes wrong, equal lengths where a transposition hides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sympy import Integer

from mathdl.errors import InputError
from mathdl.ir.system import with_steps
from mathdl.ir.tensor import Tensor

Dims = dict[str, int]
_TRIES = 80


def dim_names(outputs: Iterable[Tensor]) -> list[str]:
    """Names of the dim symbols in shapes, reductions and requirements, in order of appearance."""
    found: dict[str, None] = {}
    for constraint in _Constraints(outputs).all:
        for symbol in sorted(constraint.free_symbols, key=str):
            found.setdefault(symbol.name)
    return list(found)


def choose_dims(
    outputs: Iterable[Tensor],
    sizes: Mapping[str, int] | None = None,
    *,
    count: int = 3,
    rng: np.random.Generator | None = None,
) -> list[Dims]:
    """``count`` assignments of sizes to every dim symbol below the outputs.

    The first has distinct sizes of 2 or more; then come two in which every symbol that may be 1
    is so in one of them (the others stay distinct); then further distinct ones.  ``sizes`` fixes
    some symbols.  Every shape and requirement of the graph is respected.

    Raises InputError when no sizes are found, or those given do not fit.
    """
    rng = rng if rng is not None else np.random.default_rng(0)
    constraints = _Constraints(outputs)
    fixed = {k: int(v) for k, v in (sizes or {}).items()}
    names = list(dict.fromkeys(s.name for e in constraints.all for s in _ordered(e)))
    free = [name for name in names if name not in fixed]
    first = constraints.search(free, fixed, rng)
    if first is None:
        raise InputError(_no_sizes(constraints, names, fixed))
    chosen = [first]
    if count > 1 and free:
        halves = _ones(constraints, free, fixed, rng)
        chosen += [d for d in halves if d not in chosen]
    for _ in range(_TRIES):
        if len(chosen) >= count or not free:
            break
        other = constraints.search(free, fixed, rng)
        if other is not None and other not in chosen:
            chosen.append(other)
    while len(chosen) < count:
        chosen.append(chosen[0])
    return chosen[:count]


def _ordered(expr: Any) -> list[Any]:
    return sorted(expr.free_symbols, key=str)


def _ones(
    constraints: _Constraints, free: Sequence[str], fixed: Dims, rng: np.random.Generator
) -> list[Dims]:
    """Assignments in which symbols are 1: every second one, then the rest."""
    able = [n for n in free if constraints.search(free, {**fixed, n: 1}, rng)]
    found: list[Dims] = []
    for half in (able[::2], able[1::2]):
        together: Dims = {}
        best: Dims | None = None
        for name in half:
            attempt = constraints.search(free, {**fixed, **together, name: 1}, rng)
            if attempt is not None:
                together[name], best = 1, attempt
        if best is not None:
            found.append(best)
    return found


def _no_sizes(constraints: _Constraints, names: Sequence[str], fixed: Dims) -> str:
    if all(name in fixed for name in names):
        broken = next(r for r in constraints.all if not constraints.holds(r, fixed))
        shown = ", ".join(f"{k}={fixed[k]}" for k in names)
        return f"the sizes {shown} do not fit: {constraints.reasons.get(broken, broken)}"
    return f"no sizes found for the dims {', '.join(names)} that fit the shapes"


def shown_sizes(dims: Mapping[str, int]) -> str:
    """``n=3, d=2``, for messages."""
    return ", ".join(f"{k}={v}" for k, v in dims.items()) or "no dims"


class _Constraints:
    """What sizes must satisfy: lengths are positive integers, requirements are at least 0."""

    def __init__(self, outputs: Iterable[Tensor]) -> None:
        lengths: dict[Any, None] = {}
        self.reasons: dict[Any, str] = {}
        least: dict[Any, None] = {}
        for tensor in with_steps(outputs):
            extents = tensor.definition.extents if tensor.definition is not None else ()
            for dim in (*tensor.shape, *extents):
                if not isinstance(dim, int):
                    lengths.setdefault(dim)
            for requirement in tensor.requires:
                least.setdefault(requirement.expr)
                self.reasons.setdefault(requirement.expr, requirement.reason)
            if tensor.definition is not None:
                for symbol in sorted(tensor.definition.body.free_symbols, key=str):
                    if symbol.is_positive and symbol.is_integer:
                        lengths.setdefault(symbol)
        self._lengths = list(lengths)
        self._least = list(least)
        self.all = [*self._lengths, *self._least]

    def holds(self, expr: Any, dims: Mapping[str, int]) -> bool:
        value = expr.xreplace({s: Integer(dims[s.name]) for s in expr.free_symbols})
        if expr in self.reasons:
            return bool(value >= 0)
        return bool(value.is_Integer and value >= 1)

    def allows(self, dims: Mapping[str, int]) -> bool:
        return all(self.holds(expr, dims) for expr in self.all)

    def search(
        self, free: Sequence[str], fixed: Dims, rng: np.random.Generator
    ) -> Dims | None:
        """Distinct sizes of at least 2 for the free symbols, small ones first."""
        todo = [name for name in free if name not in fixed]
        if not todo:
            return dict(fixed) if self.allows(fixed) else None
        taken = set(fixed.values())
        for reach in (len(todo) + 2, 2 * len(todo) + 6, 4 * len(todo) + 24, 160):
            pool = [k for k in range(2, 2 + reach + len(taken)) if k not in taken]
            for _ in range(_TRIES):
                drawn = rng.choice(pool, len(todo), replace=False)
                dims = {**fixed, **{n: int(k) for n, k in zip(todo, drawn, strict=True)}}
                if self.allows(dims):
                    return dims
        return None
