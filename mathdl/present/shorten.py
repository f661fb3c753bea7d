"""Shorter trees for the same array: laws of the operators alone, each of which saves one.

They are what a reader would do on paper: ``a*a`` is ``a**2``, ``a/s - b/s`` is ``(a - b)/s``,
``(A.T @ B.T).T`` is ``B @ A``, a transpose inside ``einsum`` is an order of letters.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from itertools import combinations
from typing import Any

from sympy import Integer

from mathdl.present.tree import (
    FULL,
    ONE,
    REDUCERS,
    Add,
    Call,
    Index,
    Matmul,
    Multiply,
    Name,
    Node,
    Number,
    Power,
    Sequence,
    Transpose,
    add,
    insert_axes,
    matmul,
    multiply,
    negative,
)

ENTRYWISE = frozenset({"sqrt", "exp", "log"})


def shorten(node: Node) -> Node:
    """The tree with shorter parts, from the inside out; its shape stays."""
    node = _rebuilt(node)
    match node:
        case Multiply():
            return _outer(_powers(node))
        case Add():
            return _common(_joined(_started(node)))
        case Call(name="einsum" | "outer"):
            return _multilinear(node)
        case Matmul() | Transpose():
            return _chain(node)
        case Index(inner=inner, items=items) if set(items) <= {FULL, None}:
            gaps = (FULL,) * (inner.ndim - items.count(FULL))
            wide = _widened(inner, tuple(i == FULL for i in (*items, *gaps)))
            return wide if wide is not None else node
    return node


def size(node: Any) -> int:
    """The operators of a tree."""
    match node:
        case Number(value=value):
            return int(value.q != 1 or bool(value < 0))
        case Add(terms=terms):
            return len(terms) - (terms[0][0] > 0) + sum(size(t) for _, t in terms)
        case Multiply(factors=factors, divisors=divisors):
            parts = [*factors, *divisors]
            return len(parts) - bool(factors) + sum(map(size, parts))
        case tuple():
            return sum(map(size, node))
        case Name() | str() | int() | None:
            return 0
    return 1 + sum(size(getattr(node, f.name)) for f in fields(node) if _holds_nodes(f.name))


def _holds_nodes(field: str) -> bool:
    return field not in ("ndim", "options", "subscripts", "name", "sign", "brackets")


def _rebuilt(node: Node) -> Node:
    """The tree over shortened parts."""
    match node:
        case Add(terms=terms):
            return add([(s, shorten(t)) for s, t in terms])
        case Multiply(factors=factors, divisors=divisors):
            return multiply(list(map(shorten, factors)) or [ONE], list(map(shorten, divisors)))
        case Power(base=base, exponent=exponent):
            return replace(node, base=shorten(base), exponent=shorten(exponent))
        case Matmul(left=left, right=right):
            return matmul(shorten(left), shorten(right), node.ndim)
        case Transpose(inner=inner):
            positive, sign = _signed(shorten(inner))
            turned = replace(node, inner=positive)
            return negative(turned) if sign < 0 else turned
        case Index(inner=inner):
            return replace(node, inner=shorten(inner))
        case Call(arguments=arguments):
            return replace(node, arguments=tuple(map(shorten, arguments)))
    return node


def _widened(node: Node, pattern: tuple[bool, ...]) -> Node | None:
    """New axes put where reductions kept them out: ``sqrt(sum(x, axis=1, keepdims=True))``."""
    if node.ndim == 0:
        return node
    match node:
        case Call(name=name, arguments=(inner,), options=()) if name not in REDUCERS and (
            name in ENTRYWISE and inner.ndim == node.ndim
        ):
            wide = _widened(inner, pattern)
            return wide and replace(node, arguments=(wide,), ndim=len(pattern))
        case Call(name=name) if name in REDUCERS:
            wide = insert_axes(node, pattern)
            return wide if isinstance(wide, Call) else None
        case Add(terms=terms):
            parts = [_widened(t, pattern) for _, t in terms]
            if None in parts:
                return None
            return add([(s, p) for (s, _), p in zip(terms, parts, strict=True) if p is not None])
    return None


def _powers(node: Multiply) -> Node:
    """Equal factors as one power: ``a*a`` is ``a**2``."""
    tops, bottoms = _merged(node.factors), _merged(node.divisors)
    if (tops, bottoms) == (node.factors, node.divisors):
        return node
    return multiply(list(tops) or [ONE], list(bottoms))


def _merged(factors: tuple[Node, ...]) -> tuple[Node, ...]:
    exponents: dict[Node, Any] = {}
    for f in factors:
        base, exponent = f, Integer(1)
        if isinstance(f, Power) and isinstance(f.exponent, Number):
            base, exponent = f.base, f.exponent.value
        exponents[base] = exponents.get(base, 0) + exponent
    if len(exponents) == len(factors):
        return factors
    return tuple(
        base if n == 1 else Power(base, Number(n), base.ndim) for base, n in exponents.items()
    )


def _outer(node: Node) -> Node:
    """``a[:, None]*b`` is ``outer(a, b)``."""
    if not isinstance(node, Multiply) or node.ndim != 2:
        return node
    columns = [f for f in node.factors if isinstance(f, Index) and f.items == (FULL, None)]
    rows = [f for f in node.factors if f.ndim == 1]
    if len(columns) != 1 or len(rows) != 1 or columns[0].inner.ndim != 1:
        return node
    rest = [f for f in node.factors if f not in (columns[0], rows[0])]
    product = Call("outer", (columns[0].inner, rows[0]), 2)
    return multiply([*rest, product], list(node.divisors))


def _parts(node: Node) -> tuple[list[Node], list[Node]]:
    if isinstance(node, Multiply):
        return list(node.factors), list(node.divisors)
    return [node], []


def _common(node: Node) -> Node:
    """What all terms have as a factor or divisor, in front: ``a/s - b/s`` is ``(a - b)/s``.

    A number alone stays where it is.
    """
    if not isinstance(node, Add) or len(node.terms) < 2:
        return node
    terms = [(sign, *_parts(term)) for sign, term in node.terms]
    tops = _shared([t for _, t, _ in terms])
    bottoms = _shared([b for _, _, b in terms])
    if not bottoms and not any(_varies(f) for f in tops):
        return node
    rest = [
        (sign, multiply(_without(t, tops) or [ONE], _without(b, bottoms)))
        for sign, t, b in terms
    ]
    inner = add(rest)
    product = multiply([*tops, inner], bottoms) if tops else multiply([inner], bottoms)
    return product if size(product) < size(node) and product.ndim == node.ndim else node


def _varies(node: Node) -> bool:
    return not isinstance(node, Number) and not (isinstance(node, Name) and node.kind == "dim")


def _shared(several: list[list[Node]]) -> list[Node]:
    found = Counter(several[0])
    for nodes in several[1:]:
        found &= Counter(nodes)
    return list(found.elements())


def _without(nodes: list[Node], gone: list[Node]) -> list[Node]:
    left = Counter(gone)
    kept = []
    for n in nodes:
        if left[n]:
            left[n] -= 1
        else:
            kept.append(n)
    return kept


def positive(node: Node) -> Node:
    """``b - a`` for ``-(a - b)``, also inside a product: a sign less."""
    if isinstance(node, Add) and len(node.terms) == 1 and node.terms[0][0] < 0:
        turned = _opposite(node.terms[0][1])
        return node if turned is None else turned
    return node


def _opposite(node: Node) -> Node | None:
    """The negative of a tree by a difference in it turned round."""
    match node:
        case Add(terms=terms):
            return add([(-s, t) for s, t in terms]) if len({s for s, _ in terms}) == 2 else None
        case Multiply(factors=factors, divisors=divisors):
            parts = _one_opposite(factors)
            return multiply(parts, list(divisors)) if parts else None
        case Matmul(left=left, right=right):
            parts = _one_opposite((left, right))
            return replace(node, left=parts[0], right=parts[1]) if parts else None
        case Call(name="outer", arguments=arguments):
            parts = _one_opposite(arguments)
            return replace(node, arguments=tuple(parts)) if parts else None
        case Transpose(inner=inner):
            turned = _opposite(inner)
            return replace(node, inner=turned) if turned is not None else None
    return None


def _one_opposite(nodes: tuple[Node, ...]) -> list[Node] | None:
    """The nodes with the first that can be turned round."""
    for k, node in enumerate(nodes):
        turned = _opposite(node)
        if turned is not None:
            return [*nodes[:k], turned, *nodes[k + 1 :]]
    return None


def _started(node: Node) -> Node:
    """``concat([zeros, h])[:T] + outer(e_0, s)`` is ``concat([s, h])[:T]``, also at the end."""
    if not isinstance(node, Add) or len(node.terms) != 2:
        return node
    for (sign, shifted), (other, start) in (node.terms, node.terms[::-1]):
        match shifted, start:
            case (
                Index(inner=Call(name="concat", arguments=(Sequence(items=items),),
                                 options=())) as cut,
                Call(name="outer", arguments=(Index(inner=Call(name="eye"), items=(at,)), s)),
            ) if sign == other == 1 and len(items) == 2 and isinstance(at, Number):
                k = {0: 0, -1: 1}.get(int(at.value))
                if k is None or not _is_zeros(items[k]):
                    continue
                row = insert_axes(s, (False, True))
                parts = (row, items[1]) if k == 0 else (items[0], row)
                whole = Call("concat", (Sequence(parts, "[]"),), cut.ndim)
                return replace(cut, inner=whole)
    return node


def _is_zeros(node: Node) -> bool:
    return isinstance(node, Call) and node.name == "zeros" and node.arguments[:1] == (ONE,)


def _joined(node: Node) -> Node:
    """``A @ x + B @ x`` is ``(A + B) @ x``."""
    if not isinstance(node, Add):
        return node
    terms = list(node.terms)
    for (i, (s, one)), (j, (t, other)) in combinations(enumerate(terms), 2):
        a, rest = _product_in(one)
        b, same = _product_in(other)
        if a is None or b is None or rest != same:
            continue
        if a.right == b.right and a.left.ndim == b.left.ndim:
            product = Matmul(add([(s, a.left), (t, b.left)]), a.right, a.ndim)
        elif a.left == b.left and a.right.ndim == b.right.ndim:
            product = Matmul(a.left, add([(s, a.right), (t, b.right)]), a.ndim)
        else:
            continue
        whole = multiply([*rest[0], product], list(rest[1]))
        left = [term for k, term in enumerate(terms) if k not in (i, j)]
        left.insert(i, (1, whole))
        joined = add(left)
        return _joined(joined) if size(joined) < size(node) else node
    return node


def _product_in(node: Node) -> tuple[Matmul | None, tuple[tuple[Node, ...], tuple[Node, ...]]]:
    """The one matrix product in a term, and what else multiplies and divides it."""
    tops, bottoms = _parts(node)
    products = [f for f in tops if isinstance(f, Matmul)]
    if len(products) != 1:
        return None, ((), ())
    rest = tuple(f for f in tops if f is not products[0])
    return products[0], (rest, tuple(bottoms))


def _multilinear(node: Call) -> Node:
    """Scalars and signs before the product; transposes inside ``einsum`` as an order of letters."""
    inputs, _, target = node.subscripts.partition("->")
    letters = inputs.split(",") if inputs else []
    tops: list[Node] = []
    bottoms: list[Node] = []
    sign = 1
    operands: list[Node] = []
    for k, given in enumerate(node.arguments):
        inner, part_sign = _signed(given)
        sign *= part_sign
        if isinstance(inner, Multiply):
            tops += [f for f in inner.factors if not f.ndim]
            bottoms += [d for d in inner.divisors if not d.ndim]
            inner = multiply([f for f in inner.factors if f.ndim] or [ONE],
                             [d for d in inner.divisors if d.ndim])
        if not inner.ndim:
            return node
        if isinstance(inner, Transpose) and letters:
            inner, letters[k] = inner.inner, letters[k][::-1]
        operands.append(inner)
    subscripts = f"{','.join(letters)}->{target}" if letters else ""
    made = replace(node, arguments=tuple(operands), subscripts=subscripts)
    product = multiply([*tops, made], bottoms)
    return negative(product) if sign < 0 else product


def _signed(node: Node) -> tuple[Node, int]:
    if isinstance(node, Add) and len(node.terms) == 1:
        return node.terms[0][1], node.terms[0][0]
    return node, 1


def _chain(node: Node) -> Node:
    """A product of matrices with fewer transposes, all of it transposed or none."""
    if node.ndim != 2:
        return node
    inner = node.inner if isinstance(node, Transpose) else node
    turned = _turn(inner)
    if _factors(turned) == _factors(inner):
        return inner
    if isinstance(node, Transpose):
        return turned if size(turned) < size(node) else node
    return Transpose(turned, 2) if size(turned) + 1 < size(node) else node


def _factors(node: Node) -> list[Node]:
    """The factors of a product of matrices, without its brackets."""
    if isinstance(node, Matmul):
        return [*_factors(node.left), *_factors(node.right)]
    return [node]


_SYMMETRIC = frozenset({"inv", "pinv", "expm"})  # of a symmetric matrix


def _turn(node: Node) -> Node:
    """The transpose of a matrix, pushed inward."""
    match node:
        case Name(symmetric=True):
            return node
        case Call(name=name, arguments=(inner, *_)) if name in _SYMMETRIC and (
            inner.ndim == 2 and _factors(_turn(inner)) == _factors(inner)
        ):
            return node
        case Transpose(inner=inner):
            return inner
        case Matmul(left=left, right=right) if left.ndim == right.ndim == 2:
            return Matmul(_turn(right), _turn(left), 2)
        case Add(terms=terms) if all(t.ndim in (0, 2) for _, t in terms):
            return add([(s, _turn(t) if t.ndim else t) for s, t in terms])
        case Multiply(factors=factors, divisors=divisors) if all(
            f.ndim in (0, 2) for f in (*factors, *divisors)
        ):
            return multiply([_turn(f) if f.ndim else f for f in factors],
                            [_turn(d) if d.ndim else d for d in divisors])
        case Call(name="outer", arguments=(a, b)):
            return replace(node, arguments=(b, a))
        case Call(name="eye" | "diag"):
            if node.name == "diag" or len(node.arguments) == 1:
                return node
    return Transpose(node, node.ndim)
