r"""The numbers of printed LaTeX: rows of definitions, values and derivatives, read at arrays.

Vectors are columns and ``\mathbf{1}`` has the length that fits, as the documents say; what does
not fit together in matrix algebra is refused rather than broadcast.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from latex_functions import FUNCTIONS
from latex_parser import Parser
from latex_tokens import Tree, Unreadable, plain

SHORT = {"lam": "lambda", "eps": "epsilon", "gam": "gamma", "th": "theta", "sig": "sigma"}
DERIVATIVE = re.compile(r"\\frac\{\\partial(\^\d+)? (.*?)\}\{\\partial (.*)\}")


def name_of(text: str) -> str:
    """How a name of the language is called in print, without fonts."""
    stem, digits, tail = re.fullmatch(r"([A-Za-z]*?)_?(\d*)((?:_[A-Za-z0-9]+)*)_*", text).groups()
    words = [w for w in tail.split("_") if w]
    accents = [w for w in words if w in ("hat", "bar", "tilde")]
    stem = SHORT.get(stem, stem)
    return "".join([*reversed(accents), stem, digits, *(w for w in words if w not in accents)])


@dataclass
class Value:
    """An array; ``row`` is a vector turned, ``free`` axes have the length that fits."""

    array: Any
    row: bool = False
    free: frozenset[int] = frozenset()

    @property
    def ndim(self) -> int:
        return int(np.ndim(self.array))


ONES = Value(np.ones(1), free=frozenset({0}))


@dataclass
class Definition:
    """Equations of the entries of a name: each index is a letter with its range, or a place."""

    letters: tuple[str | None, ...]
    ends: tuple[Tree, ...]
    body: Tree


class Reader:
    """The rows of a printed block at arrays and sizes by name."""

    def __init__(self, latex: str, arrays: Mapping[str, Any], dims: Mapping[str, int]) -> None:
        self.known: dict[str, Value] = {
            name_of(n): Value(np.asarray(a, dtype=float)) for n, a in arrays.items()}
        self.known |= {name_of(n): Value(float(size)) for n, size in dims.items()}
        self.definitions: dict[str, list[Definition]] = {}
        self.entries: dict[Any, Value] = {}
        self.values: list[Value] = []
        self.derivatives: list[Value] = []
        rows = [self._row(row) for row in _rows(latex)]
        self.names = {*self.known, *(self._base(left, over) for left, _, over in rows
                                     if not DERIVATIVE.match(left)), "pi"}
        self.known.setdefault("pi", Value(np.pi))
        self.known.setdefault("e", Value(np.e))
        for left, right, over in rows:
            self._define(left, right, over)

    def _row(self, row: str) -> tuple[str, str, list[str]]:
        left, _, right = row.partition("&=")
        body, *over = re.split(r", \\quad ", right)
        return left.strip(), body.strip(), over

    def _base(self, left: str, over: list[str]) -> str:
        base, _ = self._split(left, over)
        return plain(base)

    def _split(self, left: str, over: list[str]) -> tuple[str, str]:
        """A left side as its name and its index, if it has one."""
        inner, below = left, ""
        while found := re.fullmatch(r"\\left\((.*)\\right\)_\{([^{}]*)\}", inner):
            inner, below = found[1], f"{found[2]},{below}".rstrip(",")
        found = re.fullmatch(r"(.*)_\{([^{}]*)\}", inner)
        dims = {n for n in self.known if self.known[n].ndim == 0}
        indexed = found and not below and (over or found[2] == "-1" or found[2] in dims)
        if indexed or (found and below and over and not re.fullmatch(r"\d.*", found[2])
                       and not found[2].startswith("\\")):
            return found[1], f"{found[2]},{below}".rstrip(",")
        return inner, below

    def _define(self, left: str, right: str, over: list[str]) -> None:
        body = Parser(right, self.names | {_letter(o) for o in over}).whole()
        if DERIVATIVE.match(left):
            self.derivatives.append(self.read(body))
            return
        base, below = self._split(left, over)
        if below:
            ends = {_letter(o): Parser(o.split("<")[1], self.names).whole() for o in over}
            items = below.split(",")
            self.definitions.setdefault(plain(base), []).append(Definition(
                tuple(i if i in ends else None for i in items),
                tuple(ends.get(i) or Parser(i, self.names).whole() for i in items), body))
        else:
            value = self.read(body)
            if plain(base) in ("L", "f", "F") and plain(base) not in self.known:
                self.values.append(value)
            self.known[plain(base)] = value

    # -- definitions by index ------------------------------------------------------------------

    def stacked(self, name: str, before: tuple[int, ...] = ()) -> Value:
        """The entries that start with some indices, as an array."""
        made = next(d for d in self.definitions[name] if None not in d.letters)
        if len(before) == len(made.letters):
            return self.entry(name, before)
        size = self.integer(made.ends[len(before)], {})
        parts = [self.stacked(name, (*before, k)) for k in range(size)]
        return Value(np.stack(np.broadcast_arrays(*(p.array for p in parts))))

    def entry(self, name: str, at: tuple[int, ...]) -> Value:
        if (name, at) not in self.entries:
            found = [d for d in self.definitions[name] if self._is_at(d, at)]
            if not found and len(at) < len(self.definitions[name][-1].letters):
                return self.stacked(name, at)
            value = Value(0.0)  # outside of the array
            for made in found[:1]:
                bound = {c: k for c, k in zip(made.letters, at, strict=False) if c is not None}
                value = self.read(made.body, bound)
            self.entries[name, at] = value
        return self.entries[name, at]

    def _is_at(self, made: Definition, at: tuple[int, ...]) -> bool:
        """Whether an equation is of this entry."""
        ends = [self.integer(end, {}) for end in made.ends]
        return len(ends) == len(at) and all(
            0 <= k < n if letter is not None else k == n
            for letter, n, k in zip(made.letters, ends, at, strict=True))

    # -- formulas ------------------------------------------------------------------------------

    def integer(self, tree: Tree, bound: Mapping[str, int]) -> int:
        value = self.read(tree, bound)
        if value.ndim or float(value.array) != int(value.array):
            raise Unreadable("a position is no integer")
        return int(value.array)

    def read(self, tree: Tree, bound: Mapping[str, int] | None = None) -> Value:
        kind, *parts = tree
        return getattr(self, "_" + kind.replace(" ", "_"))(*parts, bound=bound or {})

    def _number(self, value: float, bound: Any) -> Value:
        return Value(value)

    def _name(self, name: str, bound: Any) -> Value:
        if name in bound:
            return Value(float(bound[name]))
        if name in self.definitions:
            return self.stacked(name)
        if name not in self.known:
            raise Unreadable(f"{name} has no meaning")
        return self.known[name]

    def _bracket(self, inner: Tree, bound: Any) -> Value:
        return self.read(inner, bound)

    def _filled(self, digit: str, sizes: list[Tree] | None, bound: Any) -> Value:
        if sizes is None:
            if digit != "1":
                raise Unreadable(f"{digit} without a size")
            return ONES
        shape = [self.integer(s, bound) for s in sizes]
        return Value({"0": np.zeros, "1": np.ones, "I": lambda s: np.eye(*s)}[digit](shape))

    def _add(self, terms: list[tuple[int, Tree]], bound: Any) -> Value:
        total = None
        for sign, term in terms:
            value = self.read(term, bound)
            value = Value(sign * value.array, value.row, value.free)
            total = value if total is None else combined(np.add, total, value)
        return total

    def _times(self, left: Tree, right: Tree, bound: Any) -> Value:
        return product(self.read(left, bound), self.read(right, bound))

    def _entrywise(self, left: Tree, right: Tree, bound: Any) -> Value:
        return combined(np.multiply, self.read(left, bound), self.read(right, bound))

    def _fraction(self, above: Tree, below: Tree, bound: Any) -> Value:
        return combined(np.divide, self.read(above, bound), self.read(below, bound))

    def _mod(self, left: Tree, right: Tree, bound: Any) -> Value:
        return combined(np.mod, self.read(left, bound), self.read(right, bound))

    def _kron(self, left: Tree, right: Tree, bound: Any) -> Value:
        return Value(np.kron(self.read(left, bound).array, self.read(right, bound).array))

    def _power(self, base: Tree, exponent: Tree, bound: Any) -> Value:
        value = self.read(base, bound)
        if value.ndim:
            raise Unreadable("a power of an array that is not entrywise")
        return combined(np.power, value, self.read(exponent, bound))

    def _entrywise_power(self, base: Tree, exponent: Tree, bound: Any) -> Value:
        return combined(np.power, self.read(base, bound), self.read(exponent, bound))

    def _inverse(self, base: Tree, bound: Any) -> Value:
        value = self.read(base, bound)
        if value.ndim == 0:
            return Value(1 / value.array)
        if value.ndim < 2:
            raise Unreadable("the inverse of a vector")
        return Value(np.linalg.inv(value.array))

    def _transpose(self, base: Tree, bound: Any) -> Value:
        value = self.read(base, bound)
        free = frozenset(value.ndim - 1 - k for k in value.free)
        if value.ndim == 1:
            return Value(value.array, not value.row, value.free)
        return Value(np.transpose(value.array), free=free)

    def _compare(self, sign: str, left: Tree, right: Tree, bound: Any) -> Value:
        signs = {"<": np.less, ">": np.greater, "<=": np.less_equal, ">=": np.greater_equal,
                 "==": np.equal, "!=": np.not_equal}
        found = combined(signs[sign], self.read(left, bound), self.read(right, bound))
        return Value(np.asarray(found.array, dtype=float), found.row, found.free)

    def _both(self, left: Tree, right: Tree, bound: Any) -> Value:
        return combined(np.multiply, self.read(left, bound), self.read(right, bound))

    def _indicator(self, condition: Tree, bound: Any) -> Value:
        return self.read(condition, bound)

    def _cases(self, rows: list[list[Tree]], bound: Any) -> Value:
        (yes, condition), (no, _) = rows
        where, first, second = (self.read(t, bound) for t in (condition, yes, no))
        shape = combined(np.add, combined(np.add, where, first), second)
        spread = [np.broadcast_to(v.array, np.shape(shape.array)) for v in (where, first, second)]
        return Value(np.where(spread[0] > 0, spread[1], spread[2]), shape.row, shape.free)

    def _blocks(self, rows: list[list[Tree]], bound: Any) -> Value:
        read = [[np.atleast_1d(self.read(part, bound).array) for part in row] for row in rows]
        return Value(np.concatenate([np.concatenate(row, axis=-1) for row in read], axis=0))

    def _reduce(
        self, kind: str, letter: str, start: Tree, until: Tree, body: Tree, bound: Any
    ) -> Value:
        first, last = self.integer(start, bound), self.integer(until, bound)
        terms = [self.read(body, {**bound, letter: k}).array for k in range(first, last + 1)]
        if not terms:
            return Value(0.0 if kind == "sum" else 1.0)
        return Value(getattr(np, kind)(np.stack(terms), axis=0))

    def _array(self, body: Tree, letters: list[str], bound: Any) -> Value:
        operands: list[Any] = []

        def collect(tree: Tree) -> None:
            match tree:
                case ("contract", _, inner):
                    collect(inner)
                case ("times", left, right):
                    collect(left)
                    collect(right)
                case ("index", base, items):
                    operands.append((self.read(base, bound).array, [i[1][1] for i in items]))
                case _:
                    operands.append((self.read(tree, bound).array, []))

        collect(body)
        where = {c: k for k, c in enumerate(sorted({c for _, own in operands for c in own}))}
        parts = [part for a, own in operands for part in (a, [where[c] for c in own])]
        if not where.keys() >= set(letters):
            raise Unreadable("an index that no factor has")
        return Value(np.einsum(*parts, [where[c] for c in letters]))

    def _contract(self, letters: list[str], body: Tree, bound: Any) -> Value:
        return self._array(("contract", letters, body), [], bound)

    def _axes(self, base: Tree, items: list[Tree], bound: Any) -> Value:
        value = self.read(base, bound)
        kept = [i for i in items if i == ("all",)]
        if len(kept) != value.ndim or value.free:
            raise Unreadable("new axes of another array")
        index = tuple(None if i == ("new",) else slice(None) for i in items)
        return Value(value.array[index], free=frozenset(
            k for k, i in enumerate(items) if i == ("new",)))

    def _index(self, base: Tree, items: list[Tree], bound: Any) -> Value:
        at: list[Any] = []
        for item in items:
            if item[0] == "slice":
                at.append(slice(*(None if p is None else self.integer(p, bound)
                                  for p in item[1:])))
            else:
                place = self.read(item[1], bound).array
                at.append(int(place) if np.ndim(place) == 0 else np.asarray(place, dtype=int))
        simple = all(isinstance(k, int) for k in at)
        if simple and _bare(base)[0] == "name" and _bare(base)[1] in self.definitions:
            name = _bare(base)[1]
            own = len(self.definitions[name][-1].letters)
            inner, at = self.entry(name, tuple(at[:own])), at[own:]
        else:
            inner = self.read(base, bound)
        if inner.row:
            raise Unreadable("an entry of a row")
        sizes = np.shape(inner.array)
        if not at:
            return inner
        if simple and any(not 0 <= k < n for k, n in zip(at, sizes, strict=False)):
            return Value(np.zeros(sizes[len(at):]))
        return Value(inner.array[tuple(at)])

    def _call(self, name: str, option: Any, arguments: list[Tree], bound: Any) -> Value:
        if name not in FUNCTIONS:
            raise Unreadable(f"the function {name}")
        keywords = {t[1]: t[2][1] for t in arguments if t[0] == "keyword"}
        given = [
            t[1] if t[0] == "list" else
            Value([self.read(part, bound).array for part in t[1]]) if t[0] == "series" else
            self.read(t, bound) for t in arguments if t[0] != "keyword"
        ]
        if isinstance(option, list):
            keywords["axis"] = tuple(option) if len(option) > 1 else option[0]
        elif option is not None:
            keywords["option"] = self.read(option, bound).array
        arrays = [g.array if isinstance(g, Value) else g for g in given]
        found = FUNCTIONS[name](*arrays, **keywords)
        first = given[0]
        if not isinstance(first.array, list) and np.shape(found) == np.shape(first.array):
            return Value(found, first.row, first.free)
        return Value(found)


def _bare(tree: Tree) -> Tree:
    while tree[0] == "bracket":
        tree = tree[1]
    return tree


def _letter(over: str) -> str:
    return plain(over.split(r"\le")[1].split("<")[0])


def _rows(latex: str) -> list[str]:
    inner = re.sub(r"\$\$|\\begin\{aligned\}|\\end\{aligned\}", "", latex).strip()
    return [row.strip() for row in re.split(r"\\\\\n", inner)]


def combined(function: Any, left: Value, right: Value) -> Value:
    """Entry by entry, of arrays of the same shape or with a scalar."""
    a, b = left.array, right.array
    if left.ndim == 0 or right.ndim == 0:
        value = right if left.ndim == 0 else left
        return Value(function(a, b), value.row, value.free)
    small = min(left.ndim, right.ndim)
    if left.ndim != right.ndim and max(left.ndim, right.ndim) < 3:
        raise Unreadable("a vector beside a matrix")
    if left.ndim == right.ndim == 1 and left.row != right.row:
        raise Unreadable("a row beside a column")
    for k in range(1, small + 1):
        n, m = np.shape(a)[-k], np.shape(b)[-k]
        free = left.ndim - k in left.free, right.ndim - k in right.free
        if n != m and not ((n == 1 and free[0]) or (m == 1 and free[1])) and 1 not in (n, m):
            raise Unreadable(f"axes of the lengths {n} and {m}")
    both = left.free & right.free if left.ndim == right.ndim else frozenset()
    return Value(function(a, b), left.row and right.row, both)


def product(left: Value, right: Value) -> Value:
    """The product of scalars, rows, columns and matrices."""
    if left.ndim == 0 or right.ndim == 0:
        return combined(np.multiply, left, right)
    if left.ndim == 1 and not left.row:
        if not right.row or right.ndim != 1:
            raise Unreadable("a column times what is no row")
        return Value(np.multiply.outer(left.array, right.array),
                     free=frozenset(left.free) | frozenset(k + 1 for k in right.free))
    if right.row:
        raise Unreadable("a product with a row on the right")
    inner = left.ndim - 1
    other = max(right.ndim - 2, 0)
    a, b = left.array, right.array
    if inner in left.free and other in right.free:
        raise Unreadable("a sum over an axis of no known length")
    if inner in left.free:
        a = np.repeat(a, np.shape(b)[other], axis=-1)
    elif other in right.free:
        b = np.repeat(b, np.shape(a)[-1], axis=other)
    free = frozenset(k for k in left.free if k != inner) | frozenset(
        k - other - 1 + inner for k in right.free if k > other)
    found = a @ b
    return Value(found, left.ndim == 1 and np.ndim(found) == 1, free)

