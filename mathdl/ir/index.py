"""Index algebra: the symbols that range over axes, their bounds, and solving for them.

An equation's output axes are ``i0, i1, ...`` and its bound (reduced) axes ``r0, r1, ...``; both
count from 0.  An access index is affine in them, a mixed-radix digit of them (reshape), or the
entry of an integer tensor (gather).  **An access outside a tensor's range is zero**, so a
shifted access states zero padding, a slice's adjoint and one part of a concatenation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import permutations
from typing import Any

from sympy import Add, Expr, Integer, Mod, Mul, Symbol, floor, sympify

from mathdl.ir.dim import Dim, Shape, nonnegative, product


@lru_cache(maxsize=256)
def out_index(k: int) -> Any:
    """The symbol of output axis ``k``."""
    return Symbol(f"i{k}", integer=True, nonnegative=True)


@lru_cache(maxsize=256)
def bound_index(k: int) -> Any:
    """The symbol of bound axis ``k``."""
    return Symbol(f"r{k}", integer=True, nonnegative=True)


_SLOTS: list[Any] = []
_SLOT_NUMBER: dict[Any, int] = {}


def slot(k: int) -> Any:
    """The symbol that stands in a body for the ``k``-th access."""
    while len(_SLOTS) <= k:
        symbol = Symbol(f"x{len(_SLOTS)}", real=True)
        _SLOT_NUMBER[symbol] = len(_SLOTS)
        _SLOTS.append(symbol)
    return _SLOTS[k]


def slot_number(symbol: Any) -> int | None:
    """``k`` when the symbol is ``slot(k)``, otherwise None."""
    return _SLOT_NUMBER.get(symbol)


def out_indices(count: int) -> tuple[Any, ...]:
    """The symbols of the first ``count`` output axes."""
    return tuple(out_index(k) for k in range(count))


def slots_in(expr: Any) -> list[int]:
    """Numbers of the slots that occur in a body or index, ascending."""
    return sorted(k for s in expr.free_symbols if (k := _SLOT_NUMBER.get(s)) is not None)


Ranges = Mapping[Any, Dim]


def linear(expr: Any, symbol: Any) -> tuple[Any, Any] | None:
    """``(c, rest)`` with ``expr = c*symbol + rest`` and both free of it, or None."""
    if expr == symbol:
        return Integer(1), Integer(0)
    if symbol not in expr.free_symbols:
        return Integer(0), expr
    coefficient: Any = Integer(0)
    rest: list[Any] = []
    for term in Add.make_args(expr):
        if symbol not in term.free_symbols:
            rest.append(term)
            continue
        c = term / symbol
        if symbol in c.free_symbols:
            return None
        coefficient = coefficient + c
    return coefficient, Add(*rest)


def bounds(expr: Any, ranges: Ranges) -> tuple[Any, Any] | None:
    """The least and greatest value of an index over its symbols' ranges, or None if unknown."""
    expr = sympify(expr)
    if expr in ranges:
        return Integer(0), sympify(ranges[expr]) - 1
    if not any(s in ranges for s in expr.free_symbols):
        if any(s in _SLOT_NUMBER for s in expr.free_symbols):
            return None
        return expr, expr
    if isinstance(expr, Add):
        parts = [bounds(a, ranges) for a in expr.args]
        if any(p is None for p in parts):
            return None
        return Add(*(p[0] for p in parts if p)), Add(*(p[1] for p in parts if p))
    if isinstance(expr, Mul):
        fixed = [a for a in expr.args if not any(s in ranges for s in a.free_symbols)]
        moving = [a for a in expr.args if a not in fixed]
        inner = bounds(moving[0], ranges) if len(moving) == 1 else None
        if inner is None:
            return None
        scale = Mul(*fixed)
        if nonnegative(scale):
            return scale * inner[0], scale * inner[1]
        if nonnegative(-scale):
            return scale * inner[1], scale * inner[0]
        return None
    if isinstance(expr, Mod):
        return Integer(0), expr.args[1] - 1
    if isinstance(expr, floor):
        inner = bounds(expr.args[0], ranges)
        return None if inner is None else (floor(inner[0]), floor(inner[1]))
    return None


def in_range(expr: Any, dim: Dim, ranges: Ranges) -> bool:
    """Whether ``0 <= expr < dim`` provably holds over the symbols' ranges."""
    if expr in ranges and ranges[expr] == dim:
        return True
    limits = bounds(expr, ranges)
    if limits is None:
        # a digit of a flattened index: floor(e/m) < d when e < d*m
        return False
    low, high = limits
    if nonnegative(low) and nonnegative(dim - 1 - high):
        return True
    if isinstance(expr, floor):
        # floor(e/m) < dim follows from e < dim*m
        inside = bounds(expr.args[0], ranges)
        return (
            inside is not None and nonnegative(inside[0]) and _strictly_below(inside[1], dim)
        )
    return False


def _strictly_below(value: Any, dim: Dim) -> bool:
    """``value < dim`` for a quotient ``(d*m - 1)/m``: multiply through by the denominator."""
    from sympy import fraction, together

    top, bottom = fraction(together(dim - value))
    return nonnegative(bottom - 1) and nonnegative(top - 1)


def flatten_index(index: Sequence[Any], shape: Shape) -> Any:
    """The row-major position of an entry; an axis of length 1 has no say in it."""
    flat: Any = Integer(0)
    for position, dim in zip(index, shape, strict=True):
        flat = flat * dim + position if dim != 1 else flat
    return flat.expand() if isinstance(flat, Expr) else sympify(flat)


def digits(flat: Any, shape: Shape) -> tuple[Any, ...]:
    """The index at a row-major position: the mixed-radix digits of ``flat``."""
    result: list[Any] = []
    for axis, dim in enumerate(shape):
        below = product(shape[axis + 1 :])
        if dim == 1:
            result.append(Integer(0))
            continue
        digit = flat if below == 1 else floor(flat / sympify(below))
        if any(d != 1 for d in shape[:axis]):
            digit = Mod(digit, dim)
        result.append(digit)
    return tuple(result)


@lru_cache(maxsize=1024)
def reshape_index(source: Shape, target: Shape) -> tuple[Any, ...]:
    """How ``target``'s entry ``i0, i1, ...`` is found in ``source``: the law of ``reshape``.

    Axes that both shapes have alike, and any others of equal product at one place, are regrouped
    by themselves.
    """
    index = out_indices(len(target))
    result: list[Any] = []
    for own, other in _blocks(source, target):
        result.extend(digits(flatten_index(index[other], target[other]), source[own]))
    return tuple(result)


def _blocks(source: Shape, target: Shape) -> Iterator[tuple[slice, slice]]:
    """The shortest runs of axes of two shapes, in order, that have equal products."""
    before = [sympify(product(target[:k])).expand() for k in range(len(target) + 1)]
    own = other = 0
    for end in range(1, len(source) + 1):
        count = sympify(product(source[:end])).expand()
        if count in before[other:] or end == len(source):
            last = before.index(count, other) if count in before[other:] else len(target)
            yield slice(own, end), slice(other, last)
            own, other = end, last


def regrouping(source: Shape, target: Shape) -> tuple[Any, ...] | None:
    """The law of a reshape of all entries; None for shapes of different counts."""
    if sympify(product(source)).expand() != sympify(product(target)).expand():
        return None
    return reshape_index(source, target)


Regrouped = tuple[tuple[tuple[int, ...], tuple[Any, ...]], ...]


def regrouped_axes(index: Sequence[Any], shape: Shape, ranges: Ranges) -> Regrouped | None:
    """Which axes go with which symbols in a view that reads every entry once, in any order.

    Each pair has one symbol, that is the position over its axes, or one axis, that is the
    position over its symbols.  None for any other access.
    """
    return _regrouped_axes(tuple(map(sympify, index)), shape, tuple(ranges.items()))


@lru_cache(maxsize=1024)
def _regrouped_axes(
    index: tuple[Any, ...], shape: Shape, ranges: tuple[tuple[Any, Dim], ...]
) -> Regrouped | None:
    lengths = dict(ranges)
    axes_of: dict[Any, list[int]] = {}
    pairs: list[tuple[tuple[int, ...], tuple[Any, ...]]] = []
    for axis, e in enumerate(index):
        symbols = sorted(e.free_symbols & lengths.keys(), key=str)
        if len(symbols) == 1:
            axes_of.setdefault(symbols[0], []).append(axis)
        elif symbols:
            orders = (k for k in permutations(symbols) if _position(e, shape[axis], k, lengths))
            pairs.append(((axis,), next(orders, ())))
        elif e != 0 or shape[axis] != 1:
            return None
    for symbol, axes in axes_of.items():
        found = (k for k in permutations(axes) if _digits_of(symbol, index, shape, k, lengths))
        pairs.append((next(found, ()), (symbol,)))
    used = [s for _, symbols in pairs for s in symbols]
    whole = all(axes and symbols for axes, symbols in pairs)
    left = [s for s, d in ranges if s not in used and d != 1]
    return tuple(pairs) if whole and not left and len(set(used)) == len(used) else None


def _position(e: Any, dim: Dim, symbols: Sequence[Any], lengths: Ranges) -> bool:
    dims = tuple(lengths[s] for s in symbols)
    return e == flatten_index(symbols, dims) and _same(product(dims), dim)


def _digits_of(
    symbol: Any, index: Sequence[Any], shape: Shape, axes: Sequence[int], lengths: Ranges
) -> bool:
    dims = tuple(shape[a] for a in axes)
    return _same(product(dims), lengths[symbol]) and all(
        e == index[a] for e, a in zip(digits(symbol, dims), axes, strict=True)
    )


def _same(a: Dim, b: Dim) -> bool:
    return bool(a == b or sympify(a).expand() == sympify(b).expand())
