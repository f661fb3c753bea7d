"""Arrays of more than two axes by their entries: ``∂Pᵢⱼ/∂bₖ = Pᵢₖ (δⱼₖ − Pᵢⱼ)``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from mathdl.present.glyphs import spelled, subscripted
from mathdl.present.notation import (
    ATOM,
    POWER,
    PRODUCT,
    RELATION,
    SCALED,
    SUM,
    Shown,
    absolute,
    choice,
    compared,
    delta,
    inside,
    join_terms,
    over,
    power,
    product,
    root,
    summed,
)
from mathdl.present.pretty import (
    INDICES,
    at_time,
    axes_of,
    call_text,
    einsum_entry,
    entry_of,
    ranges,
    show,
)
from mathdl.present.tree import (
    FULL,
    Add,
    Call,
    Compare,
    Formula,
    Index,
    Multiply,
    Name,
    Node,
    Power,
    Sequenced,
    Transpose,
)
from mathdl.scalar import scalar_functions

_ENTRYWISE = frozenset(f.name for f in scalar_functions())
_REDUCED = {"sum": "∑", "prod": "∏", "max": "max", "min": "min"}


def by_entries(node: Node) -> bool:
    """Whether a tree reads better entry by entry: it places the axes of its parts by hand."""
    return node.ndim <= len(INDICES) and any(
        (isinstance(n, Call) and n.name == "einsum" and n.ndim > 0)
        or (isinstance(n, Index) and None in n.items and n.ndim > 2)
        for n in _nodes(node)
    )


def _nodes(node: Any) -> Iterator[Any]:
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting.extend(part)
        elif is_dataclass(part):
            yield part
            waiting.extend(getattr(part, f.name) for f in fields(part))


def names_in(node: Node) -> set[str]:
    """The names that a tree reads."""
    found: set[str] = set()
    for part in _nodes(node):
        if isinstance(part, Name):
            found.add(part.text)
        elif isinstance(part, Formula):
            found.update(re.findall(r"[A-Za-z_]\w*", part.body))
    return found


def entry_text(node: Node, letters: str) -> str:
    """The entry of an array at the indices, one letter for each axis."""
    return _entry(node, letters)[0]


def _entry(node: Node, letters: str) -> Shown:
    """As :func:`entry_text`; a part with fewer axes has the last of the letters."""
    letters = letters[len(letters) - node.ndim :]
    if not letters:
        return entry_of(node, "")
    match node:
        case Add(terms=terms):
            return join_terms([(sign, _entry(term, letters)) for sign, term in terms]), SUM
        case Multiply(factors=factors, divisors=divisors):
            above = product([_entry(f, letters) for f in factors], not divisors)
            below = product([_entry(d, letters) for d in divisors])
            if not divisors:
                return above
            return over(inside(above, PRODUCT), [inside(below, POWER)]), SCALED
        case Power(base=base, exponent=exponent):
            return power(_entry(base, letters), _entry(exponent, letters), exponent)
        case Compare(left=left, sign=sign, right=right):
            return compared(_entry(left, letters), sign, _entry(right, letters)), RELATION
        case Transpose(inner=inner):
            return _entry(inner, letters[::-1])
        case Index(inner=inner, items=items) if all(i is None or i == FULL for i in items):
            kept = [c for k, c in enumerate(letters) if k >= len(items) or items[k] is not None]
            return _entry(inner, "".join(kept))
        case Call():
            return _call(node, letters)
    return entry_of(node, letters)


def _call(node: Call, letters: str) -> Shown:
    if node.name == "einsum":
        found = einsum_entry(node, letters, _entry)
        if found is not None:
            return found
    if node.name == "outer":
        left, right = node.arguments
        return product([_entry(left, letters[0]), _entry(right, letters[1])])
    if node.name == "diag":
        return product([delta(*letters), _entry(node.arguments[0], letters[0])])
    if node.name in ("ones", "zeros"):
        return "1" if node.name == "ones" else "0", ATOM
    if node.name in _ENTRYWISE:
        return _entrywise(node, [_entry(a, letters) for a in node.arguments])
    if node.name in _REDUCED:
        return _reduced(node, letters)
    return entry_of(node, letters)


def _entrywise(node: Call, arguments: list[Shown]) -> Shown:
    if node.name == "where":
        return choice(*arguments)
    if node.name == "sqrt":
        return root(arguments[0])
    if node.name == "abs" and (found := absolute(arguments[0][0])) is not None:
        return found
    return call_text(node, [text for text, _ in arguments]), ATOM


def _reduced(node: Call, letters: str) -> Shown:
    """``∑ₖ (Xᵢₖ − Mⱼₖ)²``; it has the letters of the axes that stay."""
    inner, gone = node.arguments[0], axes_of(node)
    fresh = iter([c for c in INDICES if c not in letters])
    keeps = dict(node.options).get("keepdims", False)
    kept = iter([c for k, c in enumerate(letters) if not keeps or k not in gone])
    whole = "".join(next(fresh if k in gone else kept) for k in range(inner.ndim))
    return summed(_REDUCED[node.name], [whole[k] for k in gone], _entry(inner, whole))


# -- equations -----------------------------------------------------------------------------------


def definition(name: Name, node: Node, deep: bool = True) -> str:
    """``name = tree``, by entries where that reads better and ``deep`` allows it."""
    left = spelled(name.text)
    if isinstance(node, Sequenced):
        return _sequenced(name, node)
    if isinstance(node, Formula):
        return f"{_at(left, node)} = {with_ranges(node)}"
    if deep and by_entries(node):
        letters = INDICES[: node.ndim]
        return f"{entry_of(name, letters)[0]} = {entry_text(node, letters)}"
    return f"{left} = {show(node)}"


def with_ranges(node: Formula, *more: str) -> str:
    """A formula's body with the ranges of its indices and what more is said of them."""
    found = ", ".join([*more, *filter(None, [ranges(node)])])
    return node.shown + (f"   ({found})" if found else "")


def _at(left: str, node: Formula) -> str:
    return subscripted(left, node.indices) if node.indices else left


def _sequenced(name: Name, node: Sequenced) -> str:
    moment = show(Index(name, tuple(i for i, _ in node.indices), node.ndim))
    if moment == f"{spelled(name.text)}[−1]":
        moment = at_time(spelled(name.text), ["−1"])  # what it starts with
    times = [f"{show(i)} < {show(n)}" for i, n in node.indices if n is not None]
    if isinstance(node.body, Formula):
        return f"{_at(moment, node.body)} = {with_ranges(node.body, *times)}"
    over_time = f"   ({', '.join(times)})" if times else ""
    return f"{moment} = {show(node.body)}{over_time}"
