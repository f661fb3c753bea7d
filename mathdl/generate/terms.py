"""One additive term of an equation: its deltas, its range and where it lands in the output.

A Kronecker delta is not computed.  One that fixes a bound index renames it; one that fixes an
output index makes the term a write to part of the output: a diagonal, a row, every second
entry, the places that integer data name.  A factor that reads zeros outside its tensor, or a
mask ``[a <= i]``, narrows the range of its index instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Max, S, sympify

from mathdl.generate.access import affine_in, positive_part, smaller, taps_first
from mathdl.generate.scalars import (
    INDEX_SYMBOLS,
    Const,
    Delta,
    Index,
    Node,
    Prod,
    Slot,
    Sum,
    children,
    has_delta,
    product,
    scaled,
    symbols_of,
)
from mathdl.ir.build import substitute
from mathdl.ir.dim import Dim, nonnegative, normal
from mathdl.ir.index import bound_index, in_range, linear, slots_in
from mathdl.ir.tensor import Access
from mathdl.scalar.compare import ge, gt, le, lt


@dataclass
class Term:
    """``target[...] += sum over the ranges not in target of coefficient * prod(factors)``."""

    coefficient: Any
    factors: list[tuple[Node, Any]]
    accesses: list[Access]
    ranges: dict[Any, Dim]
    target: list[Any]
    shape: tuple[Dim, ...]
    certain: set[Any] = field(default_factory=set)  # (index, dim) known to stay inside
    scatter: tuple[int, Any] | None = None  # output axis, integer index expression
    shrunk: set[Any] = field(default_factory=set)  # (symbol, output axis) narrowed in place

    def replace(self, symbol: Any, value: Any, keep: bool = False) -> None:
        """Put ``value`` for an index symbol everywhere."""
        mapping = {symbol: value}
        self.accesses = [
            Access(a.tensor, tuple(substitute(sympify(e), mapping) for e in a.index), a.held)
            for a in self.accesses
        ]
        self.factors = [(replaced(f, mapping), e) for f, e in self.factors]
        self.target = [substitute(sympify(t), mapping) for t in self.target]
        self.certain = {(substitute(sympify(e), mapping), d) for e, d in self.certain}
        if not keep:
            del self.ranges[symbol]

    def fresh(self, extent: Dim) -> Any:
        symbol = bound_index(next(k for k in range(200, 256) if bound_index(k) not in self.ranges))
        self.ranges[symbol] = extent
        return symbol

    @property
    def dense(self) -> bool:
        """Whether it covers the whole output, entry by entry."""
        return (
            self.scatter is None
            and len(set(self.target)) == len(self.target)
            and all(
                t in self.ranges and self.ranges[t] == d
                for t, d in zip(self.target, self.shape, strict=True)
            )
        )

    @property
    def kept(self) -> list[Any]:
        """Symbols that stay axes: those the target mentions."""
        found: dict[Any, None] = {}
        for k, t in enumerate(self.target):
            if self.scatter is None or k != self.scatter[0]:
                found.update(dict.fromkeys(taps_first(symbols_of(sympify(t)), self.ranges)))
        return list(found)


def replaced(node: Node, mapping: dict[Any, Any]) -> Node:
    """The tree with index symbols replaced (slots keep their numbers)."""
    match node:
        case Const() | Slot():
            return node
        case Index(expr=expr):
            new = substitute(expr, mapping)
            return Index(new) if new.free_symbols & INDEX_SYMBOLS else Const(new)
        case Delta(left=left, right=right):
            return Delta(substitute(left, mapping), substitute(right, mapping))
        case Sum(constant=c, terms=terms):
            return Sum(c, tuple((k, replaced(t, mapping)) for k, t in terms))
        case Prod(coefficient=c, factors=factors):
            return Prod(c, tuple((replaced(f, mapping), e) for f, e in factors))
        case _:
            return type(node)(node.ufunc, tuple(replaced(a, mapping) for a in node.args))


def additive(node: Node) -> Iterator[tuple[Any, Node]]:
    """The terms of a body, products distributed over the sums that hold deltas."""
    match node:
        case Sum(constant=constant, terms=terms):
            for c, inner in terms:
                for k, part in additive(inner) if has_delta(inner) else [(S.One, inner)]:
                    yield c * k, part
            if constant != 0:
                yield S.One, Const(constant)
        case Prod(coefficient=c, factors=factors) if has_delta(node):
            for k, (f, e) in enumerate(factors):
                if isinstance(f, Sum) and e == 1 and has_delta(f):
                    rest = factors[:k] + factors[k + 1 :]
                    for inner_c, inner in additive(f):
                        yield from additive(_times(c * inner_c, inner, rest))
                    return
            yield S.One, node
        case _:
            yield S.One, node


def _times(c: Any, inner: Node, rest: tuple[tuple[Node, Any], ...]) -> Node:
    if isinstance(inner, Const):
        return product(c * inner.expr, rest)
    if isinstance(inner, Prod):
        return product(c * inner.coefficient, inner.factors + rest)
    return scaled(c, product(S.One, ((inner, S.One), *rest)))


def factors_of(node: Node) -> tuple[Any, list[tuple[Node, Any]]]:
    if isinstance(node, Const):
        return node.expr, []
    if isinstance(node, Prod):
        return node.coefficient, list(node.factors)
    return S.One, [(node, S.One)]


# -- deltas ---------------------------------------------------------------------------------


def contract_deltas(term: Term) -> None:
    """Use up the deltas that name an index; what is left is evaluated as a mask."""
    progress = True
    while progress:
        progress = False
        for k, (factor, exponent) in enumerate(term.factors):
            if isinstance(factor, Delta) and exponent.is_positive:
                rest = term.factors[:k] + term.factors[k + 1 :]
                if _use(term, factor, rest):
                    progress = True
                    break


def _use(term: Term, delta: Delta, rest: list[tuple[Node, Any]]) -> bool:
    difference = sympify(delta.left) - sympify(delta.right)
    if difference == 0:
        term.factors = rest
        return True
    outputs = set(symbols_of(sum(map(sympify, term.target), S.Zero)))
    if slots_in(difference):
        return _use_data(term, difference, rest)
    present = symbols_of(difference)
    for symbol in [s for s in present if s not in outputs] + [s for s in present if s in outputs]:
        solved = linear(difference, symbol)
        if solved is None or solved[0] not in (1, -1):
            continue
        value = -solved[1] * solved[0]
        extent = term.ranges[symbol]
        others = {s: d for s, d in term.ranges.items() if s != symbol}
        if symbol in outputs and not _places_well(term, symbol, value, outputs):
            continue
        term.factors = list(rest)
        if not in_range(value, extent, others) and symbol not in term.target:
            guards = (ge(value, S.Zero), lt(value, sympify(extent)))
            term.factors += [(Index(g), S.One) for g in guards if not g.is_number]
            if any(g == 0 for g in guards):
                term.coefficient = S.Zero
        term.replace(symbol, value)
        return True
    return False


def _places_well(term: Term, symbol: Any, value: Any, outputs: set[Any]) -> bool:
    """An output index may become an expression where it is written, if that can be looped."""
    if term.scatter is not None or symbol not in term.target:
        return False
    found = affine_in(sympify(value), symbols_of(sympify(value)))
    if found is None:
        return False
    if any(s in outputs for s, _ in found[1]):
        return len(found[1]) == 1 and found[0] == 0 and found[1][0][1] == 1
    return not any(c.has(Max) or not c.is_Integer for _, c in found[1])


def _use_data(term: Term, difference: Any, rest: list[tuple[Node, Any]]) -> bool:
    """``delta(i, data)`` with an output index writes where the data say."""
    if term.scatter is not None:
        return False
    for axis, symbol in enumerate(term.target):
        if symbol not in term.ranges:
            continue
        solved = linear(difference, symbol)
        if solved is None or solved[0] not in (1, -1):
            continue
        place = -solved[1] * solved[0]
        if any(symbol in sympify(e).free_symbols for s in slots_in(place)
               for e in term.accesses[s].index):
            continue
        if _mentions(term, rest, symbol) or term.ranges[symbol] != term.shape[axis]:
            continue
        del term.ranges[symbol]
        term.factors = list(rest)
        term.scatter = (axis, place)
        return True
    return False


def _mentions(term: Term, factors: Sequence[tuple[Node, Any]], symbol: Any) -> bool:
    """Whether factors, their accesses or another axis of the target use an index symbol."""
    used: set[int] = set()
    if sum(t == symbol for t in term.target) > 1:
        return True
    for f, _ in factors:
        for inner in walk(f):
            match inner:
                case Slot(number=k):
                    used.add(k)
                case Index(expr=expr):
                    if symbol in expr.free_symbols:
                        return True
                case Delta(left=left, right=right):
                    if symbol in (left - right).free_symbols:
                        return True
                    used.update(slots_in(left - right))
                case _:
                    pass
    return any(symbol in sympify(e).free_symbols for k in used for e in term.accesses[k].index)


def walk(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(children(top))


# -- ranges ---------------------------------------------------------------------------------


def narrow(term: Term) -> None:
    """Shrink ranges to where masks and zero-extended factors are not zero."""
    for k in reversed(range(len(term.factors))):
        factor, exponent = term.factors[k]
        if isinstance(factor, Index) and exponent.is_positive:
            limits = _mask_limits(factor.expr)
            if limits is not None and limits[0] in term.ranges:
                del term.factors[k]
                _restrict(term, *limits)
    for factor, exponent in list(term.factors):
        if not isinstance(factor, Slot) or not exponent.is_positive:
            continue
        access = term.accesses[factor.number]
        for axis in range(len(access.index)):
            e, dim = sympify(term.accesses[factor.number].index[axis]), access.tensor.shape[axis]
            if (e, dim) in term.certain or in_range(e, dim, term.ranges):
                continue
            found = affine_in(e, symbols_of(e))
            if found is None or len(found[1]) != 1 or found[1][0][1] not in (1, -1):
                continue
            symbol, step = found[1][0]
            start = found[0]
            term.certain.add((e, dim))
            if step == 1:
                _restrict(term, symbol, -start, sympify(dim) - start)
            else:
                _restrict(term, symbol, start - dim + 1, start + 1)


def transpose_windows(term: Term) -> None:
    """``G[i - p, ...]`` with zeros outside: run over G and add each tap where it lands.

    The output index is replaced by ``u + p`` where ``u`` runs over G's axis.
    """
    drop_implied_masks(term)
    for factor, exponent in list(term.factors):
        if not isinstance(factor, Slot) or exponent != 1:
            continue
        k = factor.number
        for axis in range(len(term.accesses[k].index)):
            access = term.accesses[k]
            e, dim = sympify(access.index[axis]), access.tensor.shape[axis]
            symbol = _window_output(term, e, dim)
            if symbol is None or _elsewhere(term, symbol, k, axis):
                continue
            u = term.fresh(dim)
            term.certain.add((e, dim))
            term.replace(symbol, u - (e - symbol))


def drop_implied_masks(term: Term) -> None:
    """``G[e] * [0 <= e] * [e < d]`` is ``G[e]``, which is zero outside its range."""
    read = {
        (sympify(e), sympify(d))
        for f, exponent in term.factors
        if isinstance(f, Slot) and exponent.is_positive
        for e, d in zip(
            term.accesses[f.number].index, term.accesses[f.number].tensor.shape, strict=True
        )
    }
    inside = {ge(e, S.Zero) for e, _ in read} | {lt(e, d) for e, d in read}
    term.factors = [
        (f, e) for f, e in term.factors if not (isinstance(f, Index) and f.expr in inside)
    ]


def _window_output(term: Term, e: Any, dim: Dim) -> Any | None:
    found = affine_in(e, symbols_of(e))
    if found is None or len(found[1]) < 2 or in_range(e, dim, term.ranges):
        return None
    outputs = [s for s, c in found[1] if s in term.target and c == 1]
    taps = [c for s, c in found[1] if s not in term.target]
    backwards = all(c.is_Integer and c < 0 for c in taps)
    if len(outputs) != 1 or len(taps) != len(found[1]) - 1 or not backwards:
        return None
    axis = term.target.index(outputs[0])
    return outputs[0] if term.ranges[outputs[0]] == term.shape[axis] else None


def _elsewhere(term: Term, symbol: Any, slot: int, axis: int) -> bool:
    """Whether an output index is used anywhere but in one place of one access."""
    if sum(symbol in sympify(t).free_symbols for t in term.target) > 1:
        return True
    used = [n for f, _ in term.factors for n in walk(f)]
    if any(isinstance(n, Index) and symbol in n.expr.free_symbols for n in used):
        return True
    return any(
        symbol in sympify(e).free_symbols and (n.number, a) != (slot, axis)
        for n in used
        if isinstance(n, Slot)
        for a, e in enumerate(term.accesses[n.number].index)
    ) or sum(isinstance(n, Slot) and n.number == slot for n in used) > 1


def _mask_limits(expr: Any) -> tuple[Any, Any, Any] | None:
    """``(symbol, low, high)``: the mask is 1 for ``low <= symbol < high`` (None: no limit)."""
    if not isinstance(expr, (ge, gt, le, lt)):
        return None
    left, right = expr.args
    if isinstance(expr, (ge, gt)):
        left, right = right, left
    symbols = symbols_of(left - right)
    if len(symbols) != 1:
        return None
    solved = linear(left - right, symbols[0])
    if solved is None or solved[0] not in (1, -1):
        return None
    strict = isinstance(expr, (gt, lt))
    if solved[0] == 1:  # symbol + rest <= 0
        return symbols[0], None, -solved[1] + (0 if strict else 1)
    return symbols[0], solved[1] + (1 if strict else 0), None


def _restrict(term: Term, symbol: Any, low: Any, high: Any) -> None:
    """Keep ``low <= symbol < high`` only; the symbol then counts from the new start."""
    extent = term.ranges[symbol]
    start = positive_part(low) if low is not None else 0
    stop = smaller(extent, high) if high is not None else extent
    length = normal(sympify(stop) - start)
    if length == extent and start == 0:
        return
    if not nonnegative(sympify(length)):
        length = positive_part(length)
    term.ranges[symbol] = length
    term.shrunk.update((symbol, k) for k, t in enumerate(term.target) if t == symbol)
    if start != 0:
        whole = [
            (e, d) for a in term.accesses for e, d in zip(a.index, a.tensor.shape, strict=True)
            if in_range(sympify(e), d, {**term.ranges, symbol: extent})
        ]
        term.certain.update((sympify(e), d) for e, d in whole)
        term.replace(symbol, symbol + start, keep=True)
