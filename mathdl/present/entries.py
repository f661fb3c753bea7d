"""Arrays of more than two axes by their entries: ``∂Pᵢⱼ/∂bₖ = Pᵢₖ (δⱼₖ − Pᵢⱼ)``."""

from __future__ import annotations

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
    letters_for,
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
    if node.ndim > len(INDICES) - 4:
        return False
    if isinstance(node, Call) and node.name == "einsum":
        return node.ndim > 0
    if isinstance(node, Index):
        return _spreads(node) and (node.ndim > 2 or by_entries(node.inner))
    return any(map(by_entries, _entered(node)))


def _spreads(node: Index) -> bool:
    return all(i is None or i == FULL for i in node.items)


def _entered(node: Node) -> tuple[Node, ...]:
    """The trees whose entries make up those of a tree."""
    match node:
        case Add(terms=terms):
            return tuple(term for _, term in terms)
        case Multiply(factors=factors, divisors=divisors):
            return (*factors, *divisors)
        case Power(base=base, exponent=exponent):
            return base, exponent
        case Compare(left=left, right=right):
            return left, right
        case Transpose(inner=inner):
            return (inner,)
        case Call(name=name, arguments=arguments) if name in _ENTRYWISE | _REDUCED.keys():
            return arguments
    return ()


def equation_by_entries(node: Node) -> tuple[str, str]:
    """Index letters for a tree and its entry there."""
    free = letters_for(node)
    letters = free[: node.ndim]
    return letters, entry_text(node, letters, free[node.ndim :])


def entry_text(node: Node, letters: str, fresh: str) -> str:
    """The entry of an array at the letters; sums run over fresh ones."""
    return _entry(node, letters, fresh)[0]


def _entry(node: Node, letters: str, fresh: str) -> Shown:
    """As :func:`entry_text`; a part with fewer axes has the last of the letters."""
    letters = letters[len(letters) - node.ndim :]
    if not letters and not by_entries(node):
        return entry_of(node, "")

    def at(part: Node) -> Shown:
        return _entry(part, letters, fresh)

    match node:
        case Add(terms=terms):
            return join_terms([(sign, at(term)) for sign, term in terms]), SUM
        case Multiply(factors=factors, divisors=divisors):
            above = product([at(f) for f in factors], not divisors)
            below = product([at(d) for d in divisors])
            if not divisors:
                return above
            return over(inside(above, PRODUCT), [inside(below, POWER)]), SCALED
        case Power(base=base, exponent=exponent):
            return power(at(base), at(exponent), exponent)
        case Compare(left=left, sign=sign, right=right):
            return compared(at(left), sign, at(right)), RELATION
        case Transpose(inner=inner):
            return _entry(inner, letters[::-1], fresh)
        case Index(inner=inner, items=items) if _spreads(node):
            kept = [c for k, c in enumerate(letters) if k >= len(items) or items[k] is not None]
            return _entry(inner, "".join(kept), fresh)
        case Call():
            return _call(node, letters, fresh)
    return entry_of(node, letters)


def _call(node: Call, letters: str, fresh: str) -> Shown:
    if node.name == "einsum":
        found = einsum_entry(node, letters, fresh, _entry)
        if found is not None:
            return found
    if node.name == "outer":
        left, right = node.arguments
        return product([_entry(left, letters[0], fresh), _entry(right, letters[1], fresh)])
    if node.name == "diag":
        return product([delta(*letters), _entry(node.arguments[0], letters[0], fresh)])
    if node.name in ("ones", "zeros"):
        return "1" if node.name == "ones" else "0", ATOM
    if node.name in _ENTRYWISE:
        return _entrywise(node, [_entry(a, letters, fresh) for a in node.arguments])
    if node.name in _REDUCED:
        return _reduced(node, letters, fresh)
    return entry_of(node, letters)


def _entrywise(node: Call, arguments: list[Shown]) -> Shown:
    if node.name == "where":
        return choice(*arguments)
    if node.name == "sqrt":
        return root(arguments[0])
    if node.name == "abs" and (found := absolute(arguments[0][0])) is not None:
        return found
    return call_text(node, [text for text, _ in arguments]), ATOM


def _reduced(node: Call, letters: str, fresh: str) -> Shown:
    """``∑ₖ (Xᵢₖ − Mⱼₖ)²``; it has the letters of the axes that stay."""
    inner, gone = node.arguments[0], axes_of(node)
    if len(gone) > len(fresh):
        return entry_of(node, letters)
    keeps = dict(node.options).get("keepdims", False)
    kept = iter([c for k, c in enumerate(letters) if not keeps or k not in gone])
    run = iter(fresh)
    whole = "".join(next(run if k in gone else kept) for k in range(inner.ndim))
    body = _entry(inner, whole, fresh[len(gone) :])
    return summed(_REDUCED[node.name], [whole[k] for k in gone], body)


# -- equations -----------------------------------------------------------------------------------


def definition(name: Name, node: Node, deep: bool = True) -> str:
    """``name = tree``, by entries where that reads better and ``deep`` allows it."""
    left = spelled(name.text)
    if isinstance(node, Sequenced):
        return _sequenced(name, node)
    if isinstance(node, Formula):
        return f"{_at(left, node)} = {with_ranges(node)}"
    if deep and by_entries(node):
        letters, right = equation_by_entries(node)
        return f"{entry_of(name, letters)[0]} = {right}"
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
