"""From index notation to tensors: ranges, conditions and nested sums are worked out here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sympy import (
    Add,
    Expr,
    Idx,
    Indexed,
    Integer,
    KroneckerDelta,
    Mod,
    Mul,
    Piecewise,
    Pow,
    S,
    Symbol,
    Tuple,
    expand,
    floor,
    preorder_traversal,
    sympify,
)
from sympy import Max as SymPyMax
from sympy import Min as SymPyMin
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Boolean, Not, Or

from mathdl.errors import NamingError, ShapeError, UnsupportedError
from mathdl.ir.build import define
from mathdl.ir.dim import Dim, as_dim, nonnegative, normal
from mathdl.ir.index import slot
from mathdl.ir.tensor import Access, Reduce, Requirement, Tensor, input_tensor
from mathdl.language.indexing import is_integer_tensor
from mathdl.language.names import check_name, shown
from mathdl.language.notation import (
    Entry,
    Reduction,
    as_entries,
    as_reduction,
    index_symbols,
    is_index,
)
from mathdl.language.operators import named, require_at_least
from mathdl.scalar import lookup, of_head
from mathdl.scalar.compare import eq, ge, gt, le, lt, ne, where

MAX_ENTRIES = 256
_RELATIONS = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_REDUCES: dict[str, Reduce] = {"sum": "sum", "prod": "prod", "max": "max", "min": "min"}


def equation(name: str, index: Any, expr: Any) -> Tensor:
    """The tensor ``name[index] = expr``.

    ``index`` is one index, a tuple of them (``()`` for a scalar), or ranges ``(i, 0, n - 1)``.
    Index ranges come from the axes on which an index stands alone.

    Raises ShapeError when an index runs over axes of different lengths, NamingError when an
    index is on the right only and not summed over, or a tensor stands there without indices.
    """
    given = (index,) if isinstance(index, (Expr, Idx)) else tuple(index)
    if len(given) == 3 and is_index(given[0]) and not is_index(sympify(given[1])):
        given = (given,)
    left: list[Any] = []
    explicit: dict[Any, Dim] = {}
    for item in given:
        symbol, low, high = _limit(item)
        if symbol in left:
            raise NamingError(f"the index {symbol} is twice on the left of {name}")
        left.append(symbol)
        if high is not None:
            if low != 0:
                raise ShapeError(f"the index {symbol} of {name} starts at 0, not {low}")
            explicit[symbol] = _length(symbol, low, high)
    return named(stated(name, left, explicit, expr), name)


def stated(
    name: str, left: Sequence[Any], explicit: Mapping[Any, Dim], expr: Any, padded: bool = False
) -> Tensor:
    """The tensor without its name; ``explicit`` are ranges that are known.

    With ``padded`` an index may run beyond an axis, where the entries are zero.
    """
    expr = own(as_entries(expr))
    loose = sorted(index_symbols(expr) - set(left), key=str)
    if loose:
        raise NamingError(
            f"the index {loose[0]} is not on the left of {name}[{', '.join(map(str, left))}] "
            f"and not summed over; write Sum(..., {loose[0]})"
        )
    ranges = _ranges(expr, left, dict(explicit))
    return _tensor(expr, [(s, ranges[s]) for s in left], ranges, padded)


def _limit(item: Any) -> tuple[Any, Any, Any]:
    """An index with its least and greatest value, or None for both when not stated."""
    parts = tuple(item) if isinstance(item, (tuple, list, Tuple)) else (item,)
    if len(parts) not in (1, 3) or not is_index(parts[0]):
        raise NamingError(f"{shown(item)} is not an index; make indices with indices('i j')")
    if len(parts) == 3:
        return parts[0], sympify(parts[1]), sympify(parts[2])
    symbol = parts[0]
    if isinstance(symbol, Idx) and symbol.upper is not None:
        return symbol, symbol.lower, symbol.upper
    return symbol, None, None


def _length(symbol: Any, low: Any, high: Any) -> Dim:
    length = normal(sympify(high) - low + 1)
    if nonnegative(-sympify(length)):
        raise ShapeError(f"the range of the index {symbol} from {low} to {high} is empty")
    return as_dim(length)


def own(expr: Any) -> Any:
    """SymPy's ``Sum``, ``Product`` and ``Indexed`` replaced by this module's."""

    def convert(node: Any) -> Any:
        if isinstance(node, Indexed):
            if node.shape is None:
                raise ShapeError(f"{node.base} has no shape; write IndexedBase(name, shape=...)")
            name = check_name(str(node.base.label), "tensor name")
            base = input_tensor(name, tuple(as_dim(d) for d in node.shape))
            return Entry(base, *(convert(e) for e in node.indices))
        if not isinstance(node, Expr | Boolean | Tuple) or not node.args or isinstance(node, Idx):
            return node
        node = as_reduction(node)
        arguments = [convert(a) for a in node.args]
        return node if tuple(arguments) == node.args else node.func(*arguments)

    return convert(expr)


def _ranges(expr: Any, wanted: Sequence[Any], explicit: dict[Any, Dim]) -> dict[Any, Dim]:
    """The range of each wanted index: given, or the length of the axes it stands alone on."""
    found: dict[Any, tuple[Dim, Any]] = {s: (d, "its range") for s, d in explicit.items()}
    for symbol in wanted:
        if symbol in explicit:
            continue
        for node, dim in _axes_of(symbol, expr):
            known = found.setdefault(symbol, (dim, node))
            if known[0] != dim:
                raise ShapeError(
                    f"the index {symbol} runs over axes of different lengths: {known[0]} in "
                    f"{known[1]} and {dim} in {node}"
                )
    for delta in sorted(expr.atoms(KroneckerDelta), key=str):
        for one, other in (delta.args, delta.args[::-1]):
            if one in wanted and other in found:
                found.setdefault(one, found[other])
    for symbol in wanted:
        if symbol not in found:
            raise ShapeError(
                f"the range of the index {symbol} is not known: it stands alone on no axis; "
                f"write ({symbol}, 0, length - 1)"
            )
    return {symbol: dim for symbol, (dim, _) in found.items()}


def _axes_of(symbol: Any, expr: Any) -> list[tuple[Any, Dim]]:
    """The entries, and lengths of their axes, on which a free index stands alone."""
    found: dict[tuple[Any, Dim], None] = {}
    walk = preorder_traversal(expr)
    for node in walk:
        if isinstance(node, Reduction) and any(limit[0] == symbol for limit in node.limits):
            walk.skip()  # another index of the same name
        elif isinstance(node, Entry):
            for e, dim in zip(node.index, node.tensor.shape, strict=True):
                if e == symbol:
                    found[node, dim] = None
    return sorted(found, key=str)


def _tensor(
    expr: Any, out: Sequence[tuple[Any, Dim]], ranges: dict[Any, Dim], padded: bool
) -> Tensor:
    """``T[out] = expr``; a reduction at the top becomes the equation's own."""
    ranges = dict(ranges)
    bound: list[tuple[Any, Dim]] = []
    reduce: Reduce = "none"
    if isinstance(expr, Reduction):
        reduce = _REDUCES[expr.kind]
        while isinstance(expr, Reduction) and _REDUCES[expr.kind] == reduce:
            expr, pairs = _open(expr, ranges)
            bound.extend(pairs)
            ranges.update(pairs)
    lowering = _Lowering(ranges, padded)
    body = lowering.lower(expr)
    return define(
        out, body, lowering.operands, reduce=reduce, bound=bound, requires=lowering.requires
    )


def _open(node: Any, ranges: dict[Any, Dim]) -> tuple[Any, list[tuple[Any, Dim]]]:
    """A reduction's body over fresh indices that start at 0, and their ranges."""
    body = node.body
    pairs: list[tuple[Any, Dim]] = []
    for limit in reversed(node.limits):
        symbol, low, high = _limit(limit)
        fresh = Symbol(f"{symbol}_{len(ranges) + len(pairs)}", integer=True, nonnegative=True)
        condition: Any = S.One
        if high is None:
            length = _ranges(body, [symbol], {})[symbol]
            low = Integer(0)
        elif index_symbols(low) | index_symbols(high):
            if node.kind != "sum":
                raise UnsupportedError(f"a {node.kind} over a range that depends on an index")
            length = _ranges(body, [symbol], {})[symbol]
            condition = ge(fresh, low) * le(fresh, high)
            low = Integer(0)
        else:
            length = _length(symbol, low, high)
        body = body.xreplace({symbol: fresh + low}) * condition
        pairs.append((fresh, length))
    return body, pairs


class _Lowering:
    """A scalar of index notation as a body over slots."""

    def __init__(self, ranges: dict[Any, Dim], padded: bool) -> None:
        self.ranges = ranges
        self.padded = padded
        self.operands: list[Access] = []
        self.requires: list[Requirement] = []
        self._done: dict[Any, Any] = {}

    def lower(self, node: Any) -> Any:
        if node not in self._done:
            self._done[node] = self._lower(node)
        return self._done[node]

    def _lower(self, node: Any) -> Any:
        if isinstance(node, Entry):
            return self._entry(node)
        if isinstance(node, Reduction):
            return self._nested(node)
        special = _SPECIAL.get(node.func) if node.args else None
        if special is not None:
            return special(self, node)
        if isinstance(node, Relational):
            return _RELATIONS[node.rel_op](*map(self.lower, node.args))
        if not node.args or isinstance(node, Idx):
            return self._leaf(node)
        if not isinstance(node, Add | Mul | Pow) and of_head(node.func) is None:
            raise UnsupportedError(f"the function {node.func} is not in the language")
        head = node.func if isinstance(node, Add | Mul | Pow) else _head(node.func)
        return head(*map(self.lower, node.args))

    def _leaf(self, node: Any) -> Any:
        if node in (S.true, S.false):
            return Integer(1) if node == S.true else Integer(0)
        if node.is_number or node in self.ranges:
            return node
        if isinstance(node, Symbol) and node.is_integer and node.is_positive:
            return node
        raise NamingError(f"{node} is neither an index, a dim nor an entry of a tensor")

    def _slot(self, access: Access) -> Any:
        if access not in self.operands:
            if len(self.operands) == MAX_ENTRIES:
                raise UnsupportedError(f"an equation with more than {MAX_ENTRIES} entries")
            self.operands.append(access)
        return slot(self.operands.index(access))

    def _entry(self, node: Any) -> Any:
        index = []
        for e, dim in zip(node.index, node.tensor.shape, strict=True):
            for inner in e.atoms(Entry):
                if not is_integer_tensor(inner.tensor):
                    raise ShapeError(f"the index {inner} in {node} is not assumed to be integer")
            if not e.has(Entry) and not index_symbols(e):
                self.requires += require_at_least(e, f"{node} needs {e} >= 0")
                self.requires += require_at_least(dim - 1 - e, f"{node} needs {dim} > {e}")
            elif e in self.ranges and self.ranges[e] != dim and not self.padded:
                short = dim - sympify(self.ranges[e])
                self.requires += require_at_least(
                    short, f"{node}: {e} runs to {self.ranges[e]}, the axis to {dim}"
                )
            index.append(expand(self.lower(e)))
        return self._slot(Access(node.tensor, tuple(index)))

    def _nested(self, node: Any) -> Any:
        """A reduction inside an expression is an equation of its own over its free indices."""
        free = sorted(node.free_symbols & set(self.ranges), key=list(self.ranges).index)
        inner = _tensor(node, [(s, self.ranges[s]) for s in free], self.ranges, self.padded)
        return self._slot(Access(inner, tuple(free)))

    def delta(self, node: Any) -> Any:
        """A delta of indices stays; one of data is a comparison."""
        left, right = map(self.lower, node.args)
        if node.has(Entry):
            return eq(left, right)
        return KroneckerDelta(left, right)

    def piecewise(self, node: Any) -> Any:
        result: Any = None
        for value, condition in reversed(node.args):
            if result is None:
                if condition != S.true:
                    raise UnsupportedError(f"the last case of {node} is not (value, True)")
                result = self.lower(value)
            else:
                result = where(self.lower(condition), self.lower(value), result)
        return result

    def extremum(self, node: Any) -> Any:
        head = lookup("maximum" if isinstance(node, SymPyMax) else "minimum").head
        first, *rest = map(self.lower, node.args)
        for other in rest:
            first = head(first, other)
        return first

    def conjunction(self, node: Any) -> Any:
        return Mul(*map(self.lower, node.args))

    def disjunction(self, node: Any) -> Any:
        return 1 - Mul(*(1 - self.lower(a) for a in node.args))

    def negation(self, node: Any) -> Any:
        return 1 - self.lower(node.args[0])

    def digit(self, node: Any) -> Any:
        return node.func(*map(self.lower, node.args))


def _head(func: Any) -> Any:
    declared = of_head(func)
    return func if declared is None else declared.head


_SPECIAL: dict[Any, Callable[[_Lowering, Any], Any]] = {
    KroneckerDelta: _Lowering.delta,
    Piecewise: _Lowering.piecewise,
    SymPyMax: _Lowering.extremum,
    SymPyMin: _Lowering.extremum,
    And: _Lowering.conjunction,
    Or: _Lowering.disjunction,
    Not: _Lowering.negation,
    floor: _Lowering.digit,
    Mod: _Lowering.digit,
}
