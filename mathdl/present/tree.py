"""The matrix view as a tree: the operators and calls of the language, nothing else.

Each node knows its number of axes, which the LaTeX view needs to tell a product of scalars from
one of matrices.  :mod:`mathdl.present.text` and :mod:`mathdl.present.latex` print the same tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Integer, Rational


@dataclass(frozen=True)
class Name:
    """An input, a defined quantity, or a dim."""

    text: str
    ndim: int
    kind: str = "tensor"  # or "auxiliary" (not named by the user), "dim", "constant", "time"
    latex: str = ""  # how it prints where it is no name but stands for one
    symmetric: bool = False  # a matrix that is its own transpose


@dataclass(frozen=True)
class Number:
    """An exact rational."""

    value: Any
    ndim: int = 0


@dataclass(frozen=True)
class Last(Number):
    """The last position of an axis, -1 in the language; ``place`` counts from the start."""

    place: Any = None


@dataclass(frozen=True)
class Add:
    """Terms with their signs, in the order in which they are printed."""

    terms: tuple[tuple[int, Node], ...]
    ndim: int


@dataclass(frozen=True)
class Multiply:
    """An elementwise product of factors, divided by divisors; ``sign`` is 1 or -1."""

    factors: tuple[Node, ...]
    divisors: tuple[Node, ...]
    ndim: int


@dataclass(frozen=True)
class Power:
    base: Node
    exponent: Node
    ndim: int


@dataclass(frozen=True)
class Matmul:
    left: Node
    right: Node
    ndim: int


@dataclass(frozen=True)
class Transpose:
    inner: Node
    ndim: int


@dataclass(frozen=True)
class Index:
    """``inner[items]``: each item a slice as three optional nodes, a node, or None (a new axis)."""

    inner: Node
    items: tuple[Slice | Node | None, ...]
    ndim: int


@dataclass(frozen=True)
class Slice:
    start: Node | None = None
    stop: Node | None = None
    step: Node | None = None


FULL = Slice()


@dataclass(frozen=True)
class Call:
    """A function of the language; ``options`` are printed as keywords."""

    name: str
    arguments: tuple[Node, ...]
    ndim: int
    options: tuple[tuple[str, Any], ...] = ()
    subscripts: str = ""  # einsum's


@dataclass(frozen=True)
class Compare:
    left: Node
    sign: str
    right: Node
    ndim: int


@dataclass(frozen=True)
class Sequence:
    """``[a, b]`` or ``(n, m)``: an argument only."""

    items: tuple[Node, ...]
    brackets: str
    ndim: int = 0


@dataclass(frozen=True)
class Formula:
    """An equation without a matrix form, in index notation: ``name[i,j] = body``.

    ``latex`` is the body, ``over`` the ranges of the indices in LaTeX.
    """

    indices: tuple[str, ...]
    ranges: tuple[str, ...]
    body: str
    latex: str
    ndim: int
    over: tuple[str, ...] = ()  # the ranges of its free indices, in LaTeX
    shown: str = ""  # the body in Unicode
    ranged: tuple[tuple[str, str], ...] = ()  # all its indices with their lengths, in Unicode


@dataclass(frozen=True)
class Sequenced:
    """A definition of a sequence: at each index, any below its length or, without one, at that."""

    indices: tuple[tuple[Node, Node | None], ...]
    body: Node
    ndim: int


def at_time(name: Name, times: tuple[str, ...], shift: int = 0) -> Index:
    """``h[t]``, ``h[t - 1]`` or ``h[t + 1]``; the last time is shifted."""
    moments: list[Node] = [Name(time, 0, "time") for time in times]
    if shift:
        moments[-1] = Add(((1, moments[-1]), (shift, ONE)), 0)
    return Index(name, tuple(moments), name.ndim - len(times))


Node = (
    Name | Number | Add | Multiply | Power | Matmul | Transpose | Index | Call | Compare
    | Sequence | Formula | Sequenced
)

ONE, ZERO = Number(Integer(1)), Number(Integer(0))
REDUCERS = frozenset({"sum", "mean", "prod", "max", "min", "var", "logsumexp", "norm2"})


def is_one(node: Node) -> bool:
    return isinstance(node, Number) and node.value == 1


def multiply(factors: list[Node], divisors: list[Node]) -> Node:
    """The product without factors of 1, with nested products opened.

    Factors stand as people write them: numbers and dims, scalars, then the rest as given.
    """
    sign = 1
    tops: list[Node] = []
    bottoms: list[Node] = []
    for source, same, other in ((factors, tops, bottoms), (divisors, bottoms, tops)):
        for given in source:
            node = given
            while isinstance(node, Add) and len(node.terms) == 1:
                sign *= node.terms[0][0]
                node = node.terms[0][1]
            if isinstance(node, Multiply):
                same.extend(node.factors)
                other.extend(node.divisors)
            else:
                same.append(node)
    tops = [f for f in tops if not is_one(f)]
    bottoms = [f for f in bottoms if not is_one(f)]
    tops, bottoms = _merge_numbers(tops, bottoms)
    if not bottoms and len(tops) <= 1:
        single = tops[0] if tops else ONE
        return single if sign > 0 else negative(single)
    ndim = max(node.ndim for node in (*tops, *bottoms))
    tops.sort(key=_rank)
    bottoms.sort(key=_rank)
    result = Multiply(tuple(tops), tuple(bottoms), ndim)
    return result if sign > 0 else negative(result)


def _merge_numbers(tops: list[Node], bottoms: list[Node]) -> tuple[list[Node], list[Node]]:
    """The numbers above and below the line as one fraction in lowest terms."""
    value: Any = Integer(1)
    for n in tops:
        value = value * n.value if isinstance(n, Number) else value
    for n in bottoms:
        value = value / n.value if isinstance(n, Number) else value
    above: list[Node] = [n for n in tops if not isinstance(n, Number)]
    below: list[Node] = [n for n in bottoms if not isinstance(n, Number)]
    if as_decimal(value) is not None:
        return [Number(value), *above], below
    if value.p != 1:
        above.insert(0, Number(Integer(value.p)))
    if value.q != 1:
        below.insert(0, Number(Integer(value.q)))
    return above, below


def as_decimal(value: Any) -> str | None:
    """The decimal that a fine fraction is exactly, when a float's digits state it."""
    if value.q < 100:
        return None
    text = repr(float(value))
    return text.replace("e-0", "e-") if Rational(text) == value else None


def _rank(node: Node) -> int:
    if isinstance(node, Number):
        return 0
    if isinstance(node, Name) and node.kind not in ("tensor", "auxiliary"):
        return 1
    if node.ndim == 0:
        return 2
    return 3


def add(terms: list[tuple[int, Node]]) -> Node:
    """The sum, with the signs of terms taken out of them and added sums opened."""
    flat: list[tuple[int, Node]] = []
    for sign, node in terms:
        if isinstance(node, Add) and (len(node.terms) == 1 or sign > 0):
            flat.extend((sign * s, n) for s, n in node.terms)
        else:
            flat.append((sign, node))
    flat.sort(key=lambda t: -t[0])
    if len(flat) == 1 and flat[0][0] == 1:
        return flat[0][1]
    return Add(tuple(flat), max(node.ndim for _, node in flat))


def matmul(left: Node, right: Node, ndim: int) -> Node:
    """``left @ right`` with signs and scalars put in front."""
    tops: list[Node] = []
    bottoms: list[Node] = []
    operands: list[Node] = []
    for given in (left, right):
        node = given
        while isinstance(node, Add) and len(node.terms) == 1:
            if node.terms[0][0] < 0:
                tops.append(negative(ONE))
            node = node.terms[0][1]
        if isinstance(node, Multiply):
            tops.extend(f for f in node.factors if f.ndim == 0)
            bottoms.extend(d for d in node.divisors if d.ndim == 0)
            inner = [f for f in node.factors if f.ndim]
            below = [d for d in node.divisors if d.ndim]
            node = multiply(inner or [ONE], below)
        operands.append(node)
    product = Matmul(operands[0], operands[1], ndim)
    return multiply([*tops, product], bottoms) if tops or bottoms else product


def negative(node: Node) -> Node:
    if isinstance(node, Add) and len(node.terms) == 1:
        sign, inner = node.terms[0]
        return inner if sign < 0 else Add(((-1, inner),), inner.ndim)
    return Add(((-1, node),), node.ndim)


def transpose(node: Node, axes: tuple[int, ...]) -> Node:
    """Axis ``k`` of the result is axis ``axes[k]`` of the node."""
    if axes == tuple(range(len(axes))):
        return node
    if axes == tuple(reversed(range(len(axes)))):
        return turned(node)
    order = Sequence(tuple(Number(Integer(a)) for a in axes), "()")
    return Call("transpose", (node, order), node.ndim)


def turned(node: Node) -> Node:
    """All axes reversed; ``(A.T @ B).T`` is ``B.T @ A``."""
    if isinstance(node, Transpose):
        return node.inner
    if isinstance(node, Matmul) and node.left.ndim == node.right.ndim == 2 and (
        isinstance(node.left, Transpose) or isinstance(node.right, Transpose)
    ):
        return Matmul(turned(node.right), turned(node.left), 2)
    return Transpose(node, node.ndim)


def _one_bracket(
    items: tuple[Slice | Node | None, ...], pattern: tuple[bool, ...]
) -> tuple[Slice | Node | None, ...]:
    """The items of an index and the new axes of a pattern over its result, as one index."""
    kept = list(items)
    merged: list[Slice | Node | None] = []
    for own in pattern:
        if own:
            while not isinstance(kept[0], Slice):
                merged.append(kept.pop(0))
            merged.append(kept.pop(0))
        else:
            merged.append(None)
    return (*merged, *kept)


def insert_axes(node: Node, pattern: tuple[bool, ...]) -> Node:
    """A new axis of length 1 wherever the pattern is False."""
    if all(pattern):
        return node
    if node in (ZERO, ONE):
        return Call("zeros" if node == ZERO else "ones", (ONE,) * len(pattern), len(pattern))
    if isinstance(node, Call) and node.name in REDUCERS:
        options = dict(node.options)
        axis = options.get("axis")
        gaps = tuple(k for k, own in enumerate(pattern) if not own)
        axes = axis if isinstance(axis, tuple) else (axis,)
        if axes == gaps and "keepdims" not in options:
            return Call(
                node.name, node.arguments, len(pattern), (*node.options, ("keepdims", True))
            )
    items: list[Slice | Node | None] = [FULL if own else None for own in pattern]
    if isinstance(node, Index) and None not in node.items and (
        sum(isinstance(i, Slice) for i in node.items) == node.ndim
    ):
        return Index(node.inner, _one_bracket(node.items, pattern), len(pattern))
    while items and items[-1] == FULL:
        items.pop()
    return Index(node, tuple(items), len(pattern))
