"""Real-valued terms over symbolic dims, and their normal form as linear combinations of sums.

A term is a SymPy expression over index symbols, dims, entries of tensors (:func:`entry`) and
sums (:class:`SUM`).  In normal form what a sum does not bind stands outside of it, sums of sums
are one chain of binders in canonical order, and binders have canonical names: equal
sum-products are the same expression.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import count, groupby, permutations
from itertools import product as cartesian
from typing import Any

from sympy import (
    Add,
    Dummy,
    Function,
    Integer,
    KroneckerDelta,
    Mul,
    Pow,
    Symbol,
    expand_mul,
    expand_multinomial,
    expand_power_exp,
)
from sympy.core.function import AppliedUndef

from mathdl.errors import UnsupportedError
from mathdl.formal.indices import (
    added,
    difference,
    freed,
    in_order,
    matched,
    never,
    solved,
    tidied,
    within,
)
from mathdl.formal.made import Left, Linear, Opened, Part, Turned
from mathdl.ir.dim import Dim
from mathdl.ir.index import in_range

MOST_TERMS = 1000  # into which one equation may open
MOST_ORDERS = 720  # of the binders of one sum that are tried


class SUM(Function):  # type: ignore[misc]
    """``SUM(dim, i, body)``: the sum over ``0 <= i < dim``."""

    nargs = 3
    is_real = True


class Fold(Function):  # type: ignore[misc]
    """``Fold(dim, symbol, body)``: what is made of all entries over ``0 <= i < dim``."""

    nargs = 3
    is_real = True


@cache
def _head(name: str, sign: str) -> Any:
    if sign == "natural":
        return Function(name, integer=True, nonnegative=True)
    return Function(name, real=True, **({sign: True} if sign else {}))


def entry(name: str, index: tuple[Any, ...], sign: str = "") -> Any:
    """The entry of a tensor; ``sign`` is what is known of every entry (``positive``), those
    of a tensor of indices are ``natural``."""
    return _head(name, sign)(*index)


def is_entry(term: Any) -> bool:
    return isinstance(term, AppliedUndef)


_FRESH = count()


def fresh() -> Any:
    """An index symbol that occurs nowhere else."""
    return Symbol(f"r{next(_FRESH)}", integer=True, nonnegative=True)


@cache
def binder(height: int) -> Any:
    """The canonical symbol of a sum with ``height`` sums inside."""
    return Symbol(f"s{height}", integer=True, nonnegative=True)


def entries(term: Any) -> set[Any]:
    """The entries of tensors in a term."""
    return set(term.atoms(AppliedUndef))


def indexed(term: Any) -> set[Any]:
    """The entries of tensors and the deltas in a term."""
    return set(term.atoms(AppliedUndef, KroneckerDelta))


def height(term: Any) -> int:
    """How many sums are nested in a term."""
    if isinstance(term, SUM):
        return 1 + height(term.args[2])
    return max((height(a) for a in term.args), default=0)


def nested(body: Any, binders: Iterable[tuple[Any, Any]]) -> Any:
    """The sum of a term over binders, the first one outermost; that of zero is zero."""
    if body == 0:
        return body
    for symbol, dim in reversed(list(binders)):
        body = SUM(dim, symbol, body)
    return body


def _sums(factor: Any) -> list[Any]:
    """The sums that a factor is the product of, powers of those with deltas among them."""
    if isinstance(factor, SUM):
        return [factor]
    if isinstance(factor, Pow) and isinstance(factor.args[0], SUM):
        base, exponent = factor.args
        if exponent.is_Integer and exponent > 1 and base.has(KroneckerDelta):
            return [base] * int(exponent)
    return []


def terms_in(term: Any) -> int:
    """At most so many terms a product over sums of terms opens into."""
    if isinstance(term, Add):
        return sum(map(terms_in, term.args))
    if isinstance(term, Mul):
        return math.prod(map(terms_in, term.args))
    if isinstance(term, Pow) and term.args[1].is_Integer and term.args[1] > 0:
        return int(terms_in(term.args[0]) ** min(int(term.args[1]), 20))
    return 1


def expanded(term: Any) -> Any:
    """Products over sums of terms multiplied out, and exponentials of sums split.

    Denominators stay as they are: they are known not to vanish in the form that they have.
    """
    if terms_in(term) > MOST_TERMS:
        raise UnsupportedError(f"no certificate: an equation opens into over {MOST_TERMS} terms")
    held: dict[Any, Any] = {}

    def hold(part: Any) -> Any:
        negative = isinstance(part, Pow) and part.args[1].could_extract_minus_sign()
        if negative or isinstance(part, SUM):
            return held.setdefault(part, Dummy(real=True))
        if isinstance(part, (Add, Mul, Pow)):
            return part.func(*(hold(a) for a in part.args))
        return part

    found = expand_mul(expand_multinomial(hold(expand_power_exp(term))))
    return found.xreplace({v: k for k, v in held.items()})


@dataclass
class Normal:
    """Terms in normal form; ``ranges`` has the dim of every index symbol.

    ``facts`` has by the name of a tensor what its entries are, and the lemma that says so.

    Entries of the tensors in ``opened`` are replaced by what :attr:`definition` says of them.
    """

    ranges: dict[Any, Dim] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)  # tensors whose rows sum to 1, and why
    symmetric: dict[str, str] = field(default_factory=dict)  # symmetric matrices, and why
    inside: set[tuple[Any, Dim]] = field(default_factory=set)  # fixed indices that are in range
    labels: set[tuple[str, Dim]] = field(default_factory=set)  # tensors of such indices
    facts: dict[str, tuple[str, Callable[[Any], Any]]] = field(default_factory=dict)
    definition: Callable[[Any], Any] | None = None
    opened: frozenset[str] = frozenset()
    known: dict[Any, Any] = field(default_factory=dict)
    made: dict[Any, Linear | Opened | Turned] = field(default_factory=dict)

    def form(self, term: Any) -> Any:
        """The normal form; the steps for each sum are kept in ``made``."""
        found = self.known.get(term)
        if found is None:
            found = self.known[term] = self._form(term)
        return found

    def opening(self, names: Iterable[str]) -> Normal:
        """The same with the entries of other tensors opened."""
        return Normal(self.ranges, self.units, self.symmetric, self.inside, self.labels,
                      self.facts, self.definition, frozenset(names))

    def redexes(self, term: Any) -> list[Any]:
        """The outermost sums and opened entries of a term, each once, in a fixed order."""
        found: dict[Any, None] = {}

        def look(part: Any) -> None:
            if isinstance(part, SUM) or (isinstance(part, (AppliedUndef, KroneckerDelta)) and (
                    part.func.__name__ in {*self.opened, *self.facts}
                    or self.tidied(part) != part)):
                found[part] = None
            elif not isinstance(part, Fold):
                for arg in part.args:
                    look(arg)

        look(term)
        return list(found)

    def tidied(self, entry: Any) -> Any:
        """The same entry with sums of indices, and indices of symmetric matrices, in order; the
        same delta in canonical form."""
        if isinstance(entry, KroneckerDelta):
            return matched(entry)
        index = [tidied(e) for e in entry.args]
        if entry.func.__name__ in self.symmetric:
            index.sort(key=str)
        return entry.func(*index)

    def turned(self, term: Any) -> Any:
        """A product with its entries and deltas tidied."""
        return term.xreplace({e: t for e in indexed(term) if (t := self.tidied(e)) != e})

    def _form(self, term: Any) -> Any:
        if isinstance(term, (AppliedUndef, KroneckerDelta)) and (
                found := self.tidied(term)) != term:
            self.made[term] = Turned(self.symmetric.get(term.func.__name__, ""), found)
            return self.form(found)
        if is_entry(term) and term.func.__name__ in self.facts:
            why, other = self.facts[term.func.__name__]
            found = other(term)
            self.made[term] = Turned(why, found)
            return self.form(found)
        if is_entry(term) and term.func.__name__ in self.opened:
            assert self.definition is not None
            body = self.definition(term)
            found = self.form(body)
            self.made[term] = Opened(body, found)
            return found
        if not term.args or isinstance(term, (AppliedUndef, KroneckerDelta, Fold)):
            return term
        if isinstance(term, SUM):
            dim, symbol, body = term.args
            self.ranges[symbol] = dim
            made = self._sum(dim, symbol, expanded(self.form(body)))
            self.made[term] = made
            return made.result
        return expanded(term.func(*(self.form(a) for a in term.args)))

    def _sum(self, dim: Dim, symbol: Any, body: Any) -> Linear:
        parts = tuple(self._part(dim, symbol, t) for t in Add.make_args(body))
        return Linear(dim, symbol, body, parts, expanded(Add(*(p.result for p in parts))))

    def _part(self, dim: Dim, symbol: Any, term: Any) -> Part:
        if dim == 1:
            at = Left(term.xreplace({symbol: Integer(0)}), None)
            return Part(term, Integer(1), term, self.form(at.term), left=at)
        factors = Mul.make_args(term)
        bound = [f for f in factors if symbol in f.free_symbols]
        coefficient = Mul(*(f for f in factors if symbol not in f.free_symbols))
        rest = Mul(*bound)
        if not bound:
            return Part(term, coefficient, rest, coefficient * dim)
        if (left := self._left([(symbol, dim)], rest)) is not None:
            result = expanded(coefficient * self.form(left.term))
            return Part(term, coefficient, rest, result, product=rest, left=left)
        if (is_entry(rest) and rest.func.__name__ in self.units and rest.args[-1] == symbol
                and symbol not in Mul(*rest.args[:-1]).free_symbols):
            return Part(term, coefficient, rest, coefficient, fact=self.units[rest.func.__name__])
        inner = tuple(s for f in bound for s in _sums(f))
        product = Mul(*(f for f in bound if not _sums(f)))
        flat: list[tuple[Any, Dim]] = []
        for factor in inner:
            while isinstance(factor, SUM):
                new = fresh()
                self.ranges[new] = factor.args[0]
                flat.append((new, factor.args[0]))
                factor = factor.args[2].xreplace({factor.args[1]: new})
            product = product * factor
        binders = [(symbol, dim), *flat]
        if (left := self._left(binders, product)) is not None:
            result = expanded(coefficient * self.form(left.term))
            return Part(term, coefficient, rest, result, inner, tuple(flat), product, left=left)
        order, chain, turns = self._ordered(binders, product)
        return Part(term, coefficient, rest, coefficient * chain, inner, tuple(flat),
                    product, order, turns=turns)

    def _left(self, binders: list[tuple[Any, Dim]], product: Any) -> Left | None:
        """What is left of a sum by a delta that fixes a binder, or that is never 1."""
        deltas = [f for f in Mul.make_args(product) if isinstance(f, KroneckerDelta)]
        for delta in deltas:
            if never(delta, self.ranges):
                return Left(Integer(0), delta)
            for symbol, dim in binders:
                index = solved(delta, symbol)
                if index is not None and self._inside(index, dim):
                    body = (product / delta).xreplace({symbol: index})
                    others = [b for b in binders if b[0] != symbol]
                    return Left(nested(body, others), delta, symbol, index)
        for delta, other in permutations(deltas, 2):
            for symbol in sorted(difference(delta).free_symbols, key=str):
                if (new := self._traded(delta, other, symbol, binders)) is not None:
                    return Left(nested(product / other * new, binders), other)
        for delta in deltas:
            for symbol, dim in binders:
                if (found := within(solved(delta, symbol), dim, self.ranges)) is not None:
                    new = fresh()
                    self.ranges[new] = found[1]
                    body = product.xreplace({symbol: in_order(found[0] + new)})
                    others = [b for b in binders if b[0] != symbol]
                    return Left(nested(body, [*others, (new, found[1])]), delta, symbol, *found)
        for delta in deltas:
            outside = difference(delta).free_symbols - {s for s, _ in binders}
            for symbol, _ in binders if outside & self.ranges.keys() else ():
                new = freed(product / delta, symbol, solved(delta, symbol))
                if new != product / delta:
                    return Left(nested(delta * new, binders), delta)
        return None

    def _traded(self, delta: Any, other: Any, symbol: Any, binders: list[tuple[Any, Dim]]) -> Any:
        """What another delta is where a delta fixes a symbol, if that fixes a binder."""
        index = solved(delta, symbol)
        if index is None or symbol not in difference(other).free_symbols:
            return None
        new = matched(other.xreplace({symbol: index}))
        if not isinstance(new, KroneckerDelta) or never(new, self.ranges):
            return Integer(isinstance(new, Integer) and new == 1)
        found = ((solved(new, s), dim) for s, dim in binders)
        return new if any(e is not None and self._inside(e, d) for e, d in found) else None

    def _inside(self, index: Any, dim: Dim) -> bool:
        index = added(index)
        if is_entry(index):
            return (index.func.__name__, dim) in self.labels
        return in_range(index, dim, self.ranges) or (index, dim) in self.inside

    def _orders(
        self, binders: list[tuple[Any, Dim]], product: Any
    ) -> Iterator[tuple[tuple[Any, Dim], ...]]:
        """The orders of binders that may be canonical: by where each occurs, and all orders of
        those that cannot be told apart so.

        Raises:
            UnsupportedError: there are too many of these.
        """
        def places(pair: tuple[Any, Dim]) -> tuple[str, list[tuple[str, int]]]:
            symbol, dim = pair
            unordered = {*self.symmetric, "KroneckerDelta"}
            return str(dim), sorted(
                (e.func.__name__, 0 if e.func.__name__ in unordered else k)
                for e in indexed(product) for k, index in enumerate(e.args)
                if symbol in index.free_symbols)

        groups = [list(group) for _, group in groupby(sorted(binders, key=places), key=places)]
        if math.prod(math.factorial(len(g)) for g in groups) > MOST_ORDERS:
            raise UnsupportedError("no certificate: a sum over too many like indices at once")
        for choice in cartesian(*(permutations(g) for g in groups)):
            yield tuple(pair for group in choice for pair in group)

    def _ordered(
        self, binders: list[tuple[Any, Dim]], product: Any
    ) -> tuple[tuple[Any, ...], Any, tuple[tuple[Any, Any], ...]]:
        """The binders' symbols in canonical order, the sum with canonical names, and the entries
        that it has tidied."""
        below = height(product)
        candidates = []
        for order in self._orders(binders, product):
            names = {s: binder(below + len(order) - 1 - k) for k, (s, _) in enumerate(order)}
            renamed = self.turned(product.xreplace(names))
            term = renamed
            for symbol, dim in reversed(order):
                term = SUM(dim, names[symbol], term)
            candidates.append((([str(d) for _, d in order], str(renamed)), order, term, names))
        _, best, term, names = min(candidates, key=lambda c: c[0])
        back = {v: k for k, v in names.items()}
        turns = tuple((e, t) for e in sorted(indexed(product), key=str)
                      if (t := self.tidied(e.xreplace(names)).xreplace(back)) != e)
        return tuple(symbol for symbol, _ in best), term, turns
