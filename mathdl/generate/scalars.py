"""Equation bodies as light trees: sums and products with their constants pulled out.

Translating walks a SymPy expression once; equal bodies (they are canonical in slots and index
symbols) are translated once per process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sympy import (
    Abs,
    Add,
    Dummy,
    Integer,
    KroneckerDelta,
    Max,
    Min,
    Mul,
    Pow,
    Rational,
    S,
    cos,
    cosh,
    erf,
    exp,
    floor,
    log,
    sign,
    sin,
    sinh,
    tan,
    tanh,
)
from sympy import Mod as SymMod

from mathdl.errors import UnsupportedError
from mathdl.ir.index import bound_index, out_index, slot_number
from mathdl.scalar.compare import COMPARISONS, where
from mathdl.scalar.declare import of_head
from mathdl.scalar.lower import lower


@dataclass(frozen=True, slots=True)
class Const:
    """A number, or an expression in dims."""

    expr: Any


@dataclass(frozen=True, slots=True)
class Slot:
    """The value of one access."""

    number: int


@dataclass(frozen=True, slots=True)
class Index:
    """An expression in index symbols and dims only: a mask, a position."""

    expr: Any


@dataclass(frozen=True, slots=True)
class Delta:
    """1 where ``left - right`` is zero; slots in it are integer data."""

    left: Any
    right: Any


@dataclass(frozen=True, slots=True)
class Apply:
    """An elementwise function."""

    ufunc: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """``constant + sum(coefficient * node)``."""

    constant: Any
    terms: tuple[tuple[Any, Node], ...]


@dataclass(frozen=True, slots=True)
class Prod:
    """``coefficient * prod(node ** exponent)``, exponents rational."""

    coefficient: Any
    factors: tuple[tuple[Node, Any], ...]


Node = Const | Slot | Index | Delta | Apply | Sum | Prod

_PLAIN = {
    exp: "np.exp", log: "np.log", sin: "np.sin", cos: "np.cos", tan: "np.tan", tanh: "np.tanh",
    sinh: "np.sinh", cosh: "np.cosh", Abs: "np.abs", sign: "np.sign",
    erf: "scipy.special.erf", Max: "np.maximum", Min: "np.minimum", floor: "np.floor",
    SymMod: "np.mod",
}

INDEX_SYMBOLS = frozenset(s(k) for s in (out_index, bound_index) for k in range(256))


@lru_cache(maxsize=16384)
def translate(body: Any) -> Node:
    """The tree of a body, its functions in forms that arrays can be computed with."""
    digits = body.atoms(floor, SymMod)
    if not digits:
        return _walk(lower(body), {})
    # positions are not scalar functions: lowering does not see them
    hidden = {digit: Dummy(integer=True) for digit in digits}
    lowered = lower(body.xreplace(hidden))
    return _walk(lowered.xreplace({dummy: digit for digit, dummy in hidden.items()}), {})


@lru_cache(maxsize=16384)
def translate_index(expr: Any) -> Node:
    """The tree of an index expression: integer arithmetic, never rewritten."""
    return _walk(expr, {})


def _walk(expr: Any, done: dict[Any, Node]) -> Node:
    found = done.get(expr)
    if found is None:
        found = done[expr] = _translate(expr, done)
    return found


def _translate(expr: Any, done: dict[Any, Node]) -> Node:
    if not expr.args:
        number = slot_number(expr)
        if number is not None:
            return Slot(number)
        return Index(expr) if expr in INDEX_SYMBOLS else Const(expr)
    args = tuple(_walk(a, done) for a in expr.args)
    if all(isinstance(a, Const) for a in args):
        return Const(expr)
    if isinstance(expr, KroneckerDelta):
        return Delta(*expr.args)
    if all(map(_positional, args)) and not (isinstance(expr, Mul) and any(map(_mask, args))):
        return Index(expr)
    if isinstance(expr, Add):
        return _sum(args)
    if isinstance(expr, Mul):
        return _product(args)
    if isinstance(expr, Pow):
        base, exponent = args
        if isinstance(exponent, Const) and isinstance(exponent.expr, Rational):
            return power(base, exponent.expr)
        return Apply("np.power", args)
    return _function(expr, args)


def _positional(node: Node) -> bool:
    """Whether only index symbols and dims occur."""
    match node:
        case Const() | Index():
            return True
        case Prod(factors=factors):
            return all(_positional(f) for f, _ in factors)
        case Sum(terms=terms):
            return all(_positional(t) for _, t in terms)
        case Slot() | Delta() | Apply():
            return False


def _mask(node: Node) -> bool:
    """A mask on positions stays a factor of its own: it narrows ranges."""
    return isinstance(node, Prod) or (isinstance(node, Index) and isinstance(
        node.expr, COMPARISONS
    ))


def _function(expr: Any, args: tuple[Node, ...]) -> Node:
    if isinstance(expr, where):
        return Apply("where", args)
    declared = of_head(expr.func)
    name = declared.ufunc if declared is not None and declared.ufunc else _PLAIN.get(expr.func)
    if not name:
        raise UnsupportedError(f"no numeric form is known for {expr.func.__name__}")
    if len(args) > 2 and name in ("np.maximum", "np.minimum"):
        nested = args[0]
        for a in args[1:]:
            nested = Apply(name, (nested, a))
        return nested
    return Apply(name, args)


def _sum(args: tuple[Node, ...]) -> Node:
    constant: Any = S.Zero
    terms: list[tuple[Any, Node]] = []
    for a in args:
        if isinstance(a, Const):
            constant = constant + a.expr
        elif isinstance(a, Prod) and a.coefficient != 1:
            terms.append((a.coefficient, product(S.One, a.factors)))
        elif isinstance(a, Sum):
            constant = constant + a.constant
            terms.extend(a.terms)
        else:
            terms.append((S.One, a))
    if constant == 0 and len(terms) == 1:
        return scaled(*terms[0])
    return Sum(constant, tuple(terms))


def _product(args: tuple[Node, ...]) -> Node:
    coefficient: Any = S.One
    factors: list[tuple[Node, Any]] = []
    for a in args:
        if isinstance(a, Const):
            coefficient = coefficient * a.expr
        elif isinstance(a, Prod):
            coefficient = coefficient * a.coefficient
            factors.extend(a.factors)
        else:
            factors.append((a, S.One))
    return product(coefficient, tuple(factors))


def product(coefficient: Any, factors: tuple[tuple[Node, Any], ...]) -> Node:
    """The product, as simple a node as it can be."""
    if not factors or coefficient == 0:
        return Const(coefficient)
    if coefficient == 1 and len(factors) == 1 and factors[0][1] == 1:
        return factors[0][0]
    return Prod(coefficient, factors)


def scaled(coefficient: Any, node: Node) -> Node:
    """``coefficient * node``."""
    if coefficient == 1:
        return node
    if isinstance(node, Const):
        return Const(coefficient * node.expr)
    if isinstance(node, Prod):
        return product(coefficient * node.coefficient, node.factors)
    return Prod(coefficient, ((node, S.One),))


def power(base: Node, exponent: Any) -> Node:
    """``base ** exponent``; merged with an inner power only where that is exact."""
    if isinstance(base, Prod) and exponent.is_Integer:
        return product(
            base.coefficient**exponent, tuple((f, e * exponent) for f, e in base.factors)
        )
    return product(S.One, ((base, exponent),))


def children(node: Node) -> Iterator[Node]:
    match node:
        case Apply(args=args):
            yield from args
        case Sum(terms=terms):
            for _, inner in terms:
                yield inner
        case Prod(factors=factors):
            for inner, _ in factors:
                yield inner
        case Const() | Slot() | Index() | Delta():
            return


@lru_cache(maxsize=16384)
def has_delta(node: Node) -> bool:
    """Whether a Kronecker delta occurs."""
    return isinstance(node, Delta) or any(has_delta(c) for c in children(node))


def symbols_of(expr: Any) -> list[Any]:
    """Index symbols of an index expression: output ones first, each by number."""
    return sorted(
        (s for s in Integer(0).free_symbols | expr.free_symbols if s in INDEX_SYMBOLS),
        key=symbol_rank,
    )


@lru_cache(maxsize=1024)
def symbol_rank(symbol: Any) -> tuple[str, int]:
    """Natural order of index symbols."""
    return symbol.name[0], int(symbol.name[1:])
