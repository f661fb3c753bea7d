"""Unicode of the same tree, one line a formula: ``∂L/∂W = Xᵀ(P − Y)/n``.

Matrix products stand side by side, ``⊙`` is the entrywise product.  A vector beside a matrix
stands in every row; ``v 1ᵀ`` has it in every column.  A letter under a function is the axis that
it runs over, ``sumⱼ(A)`` the sum over the second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from mathdl.present.glyphs import lowered, spelled, subscripted
from mathdl.present.notation import (
    ATOM,
    CALLED,
    POWER,
    PRODUCT,
    RELATION,
    SCALED,
    SUM,
    Shown,
    absolute,
    beside,
    choice,
    compared,
    delta,
    inside,
    join_terms,
    number,
    over,
    power,
    product,
    root,
    side_by_side,
    summed,
)
from mathdl.present.tree import (
    FULL,
    Add,
    Call,
    Compare,
    Formula,
    Index,
    Matmul,
    Multiply,
    Name,
    Node,
    Number,
    Power,
    Sequence,
    Sequenced,
    Slice,
    Transpose,
)

AXES = "ijkl"  # letters of the first axes
INDICES = "ijklrsuvpmno"


def show(node: Node) -> str:
    return _show(node)[0]


def _show(node: Node) -> Shown:
    match node:
        case Name(text=text):
            return spelled(text), ATOM
        case Number(value=value):
            return number(value)
        case Add(terms=terms):
            return join_terms([(sign, _show(term)) for sign, term in terms]), SUM
        case Multiply():
            return _multiply(node)
        case Power(base=base, exponent=exponent):
            mark = "°" if base.ndim > 1 else ""  # of entries, where matrices have powers
            return power(_show(base), _show(exponent), exponent, mark)
        case Matmul():
            return _matmul(node)
        case Transpose(inner=inner):
            return _transpose(inner)
        case Index():
            return _index(node)
        case Call():
            return _call(node)
        case Compare(left=left, sign=sign, right=right):
            return compared(_show(left), sign, _show(right)), RELATION
        case Sequence(items=items, brackets=brackets):
            return f"{brackets[0]}{', '.join(map(_listed, items))}{brackets[1]}", ATOM
        case Formula():
            index = f"[{','.join(node.indices)}]" if node.indices else ""
            return f"({node.shown} : {ranges(node)}){index}", ATOM
        case Sequenced(body=body):
            return _show(body)


def _in(node: Node, least: int) -> str:
    return inside(_show(node), least)


# -- products ------------------------------------------------------------------------------------


def _multiply(node: Multiply) -> Shown:
    wide = any(d.ndim for d in node.divisors)
    above = _factors(list(node.factors), POWER if wide else PRODUCT) if node.factors else "1"
    if len(node.divisors) == 1:
        return over(above, [_in(node.divisors[0], POWER)]), SCALED
    below = _factors(list(node.divisors), POWER) if node.divisors else ""
    return over(above, [f"({below})"] if below else []), SCALED


def _factors(nodes: list[Node], least: int) -> str:
    """Scalars, then the entrywise product of the rest; one alone may be a matrix product."""
    scalars = [n for n in nodes if not n.ndim]
    arrays = [n for n in nodes if n.ndim]
    parts = [_in(n, POWER) for n in scalars]
    if not arrays:
        parts[-1] = _in(scalars[-1], PRODUCT)
    elif len(arrays) == 1:
        parts.append(_in(arrays[0], least))
    else:
        parts.append(" ⊙ ".join(_in(n, POWER) for n in arrays))
    return side_by_side(parts)


# -- matrices ------------------------------------------------------------------------------------


def _matmul(node: Matmul) -> Shown:
    left, right = node.left, node.right
    row = isinstance(left, Matmul) and left.left.ndim == 1 and left.right.ndim == 2
    if left.ndim == 1 and not row:
        first = _in(left, ATOM) + "ᵀ"
    else:
        first = _in(left, PRODUCT if isinstance(left, Matmul) else POWER)
    open_right = isinstance(right, Matmul) and left.ndim == 1 and right.left.ndim == 2
    return beside(first, _in(right, PRODUCT if open_right else POWER)), PRODUCT


def _transpose(inner: Node) -> Shown:
    if inner.ndim > 2:
        return f"transpose({show(inner)})", ATOM
    if isinstance(inner, Call) and inner.name == "inv":
        return _in(inner.arguments[0], ATOM) + "⁻ᵀ", POWER
    return _in(inner, ATOM) + "ᵀ", POWER


def _index(node: Index) -> Shown:
    """A vector spread over columns or rows as a product with ones, a time as a subscript."""
    inner = node.inner
    items = list(node.items)
    if all(i is None or i == FULL for i in items):
        items += [FULL] * (node.ndim - len(items))
    if inner.ndim == 1 and items == [FULL, None]:
        return f"{_in(inner, PRODUCT)} 1ᵀ", PRODUCT
    if inner.ndim == 1 and items == [None, FULL]:
        return f"1 {_in(inner, ATOM)}ᵀ", PRODUCT
    if isinstance(inner, Name) and all(map(_is_time, items)):
        return at_time(spelled(inner.text), [_item(i) for i in items]), ATOM
    return _bracketed(Index(inner, tuple(items), node.ndim)), ATOM


def _listed(node: Node) -> str:
    """One of several arrays, which nothing spreads."""
    if isinstance(node, Index) and node.inner.ndim < node.ndim:
        return _bracketed(node)
    return show(node)


def _bracketed(node: Index) -> str:
    return f"{_in(node.inner, ATOM)}[{', '.join(map(_item, node.items))}]"


def at_time(name: str, times: list[str]) -> str:
    low = lowered(times[0].replace("−", "-")) if len(times) == 1 else None
    if low is not None and name[-1].isalpha() and "_" not in name:
        return name + low
    return subscripted(name, times)


def _is_time(item: Slice | Node | None) -> bool:
    if isinstance(item, Add):
        return any(_is_time(term) for _, term in item.terms)
    return isinstance(item, Name) and item.kind == "time"


def _item(item: Slice | Node | None) -> str:
    if item is None:
        return "·"
    if not isinstance(item, Slice):
        return show(item).replace(" + ", "+").replace(" − ", "−")
    start, stop = ("" if e is None else _item(e) for e in (item.start, item.stop))
    return f"{start}:{stop}" + (f":{_item(item.step)}" if item.step is not None else "")


# -- calls ---------------------------------------------------------------------------------------


def _call(node: Call) -> Shown:
    options = dict(node.options)
    if options.pop("keepdims", False):
        return _index(_spread(node))
    form = _FORMS.get(node.name)
    found = form(node) if form is not None and not options else None
    if found is not None:
        return found
    return call_text(node, [show(a) for a in node.arguments]), ATOM


def _spread(node: Call) -> Index:
    """A reduction that keeps its axes, as one that does not with new axes."""
    options = tuple(o for o in node.options if o[0] != "keepdims")
    gone = axes_of(node)
    narrow = Call(node.name, node.arguments, node.ndim - len(gone), options)
    return Index(narrow, tuple(None if k in gone else FULL for k in range(node.ndim)), node.ndim)


def axes_of(node: Call) -> tuple[int, ...]:
    """The axes over which a reduction runs, all of them without an option."""
    axis = dict(node.options).get("axis")
    ndim = node.arguments[0].ndim
    if axis is None:
        return tuple(range(ndim))
    return tuple(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,)))


def call_text(node: Call, arguments: list[str]) -> str:
    """A function with its arguments; axes as letters below its name."""
    name, options = CALLED.get(node.name, node.name), dict(node.options)
    if "axis" in options and node.name != "concat" and max(axes_of(node)) < len(AXES):
        options.pop("axis")
        low = lowered("".join(AXES[a] for a in axes_of(node)))
        name = f"{name}{low}" if name[-1].isalpha() else f"{name}_{low}"
    quoted = [f'"{node.subscripts}"'] if node.subscripts else []
    named = [f"{key}={value}" for key, value in options.items()]
    return f"{name}({', '.join([*quoted, *arguments, *named])})"


def _root(node: Call) -> Shown:
    return root(_show(node.arguments[0]))


def _norm(node: Call) -> Shown | None:
    inner = show(node.arguments[0])
    return (f"‖{inner}‖" + ("_F" if node.arguments[0].ndim > 1 else ""), ATOM)\
        if "‖" not in inner else None


def _outer(node: Call) -> Shown:
    left, right = node.arguments
    return beside(_in(left, POWER), _in(right, ATOM) + "ᵀ"), PRODUCT


def _kron(node: Call) -> Shown:
    return " ⊗ ".join(_in(a, POWER) for a in node.arguments), SCALED


def _solve(node: Call) -> Shown | None:
    a, b = node.arguments
    return beside(_in(a, ATOM) + "⁻¹", _in(b, POWER)), PRODUCT


def _eye(node: Call) -> Shown | None:
    return _sized("I", node)


def _ones(node: Call) -> Shown | None:
    if len(node.arguments) == 2:
        n, m = (_size(a) for a in node.arguments)
        return (f"1{n} 1{m}ᵀ", PRODUCT) if n and m else None
    return _sized("1", node)


def _zeros(node: Call) -> Shown | None:
    return _sized("0", node)


def _sized(base: str, node: Call) -> Shown | None:
    """``Iₙ``, ``0ₙₓₘ``, when every size has a subscript."""
    sizes = [_size(a) for a in node.arguments]
    return (base + "ₓ".join(s for s in sizes if s), ATOM) if all(sizes) and sizes else None


def _size(node: Node) -> str | None:
    text = show(node)
    return lowered(text) if text.isdigit() or (len(text) == 1 and text != "x") else None


def _swapped(node: Call) -> Shown | None:
    """The last two axes of a stack of matrices exchanged."""
    inner, order = node.arguments
    assert isinstance(order, Sequence)
    axes = [int(i.value) for i in order.items if isinstance(i, Number)]
    last = [*range(len(axes) - 2), len(axes) - 1, len(axes) - 2]
    return (_in(inner, ATOM) + "ᵀ", POWER) if axes == last else None


def _after(suffix: str) -> Callable[[Call], Shown]:
    return lambda node: (_in(node.arguments[0], ATOM) + suffix, POWER)


def _einsum(node: Call) -> Shown | None:
    """An array by its entries, ``[∑ₖ Aₖᵢ xₖ]ᵢ``."""
    free = letters_for(node)
    letters, fresh = free[: node.ndim], free[node.ndim :]
    found = einsum_entry(node, letters, fresh, lambda inner, at, _: entry_of(inner, at))
    if found is None or not node.ndim:
        return found
    return f"[{found[0]}]{lowered(letters)}", ATOM


_FORMS: dict[str, Callable[[Call], Shown | None]] = {
    "where": lambda node: choice(*map(_show, node.arguments)),
    "abs": lambda node: absolute(show(node.arguments[0])),
    "logdet": lambda node: (f"log|det({show(node.arguments[0])})|", ATOM),
    "inv": _after("⁻¹"), "pinv": _after("⁺"), "solve": _solve, "norm2": _norm, "sqrt": _root,
    "outer": _outer, "kron": _kron, "transpose": _swapped, "einsum": _einsum,
    "eye": _eye, "ones": _ones, "zeros": _zeros,
}


# -- entries -------------------------------------------------------------------------------------


def entry_of(node: Node, letters: str) -> Shown:
    """One entry of an array: ``Aᵢₖ``, ``δᵢⱼ``, ``(A B)ᵢⱼ``."""
    if not letters:
        return _show(node)
    if isinstance(node, Call) and node.name == "eye" and len(node.arguments) == 1:
        return delta(*letters)
    if isinstance(node, Name) and spelled(node.text) != "δ":
        return subscripted(spelled(node.text), letters), ATOM
    text = show(node)
    called = isinstance(node, Call) and text[0].isalpha() and text[-1] == ")"
    return subscripted(text if called else f"({text})", letters), ATOM


#: Prints an entry of a tree at letters, with fresh letters to sum over.
Entry = Callable[[Node, str, str], Shown]


def einsum_entry(node: Call, letters: str, fresh: str, entry: Entry) -> Shown | None:
    """The entry of an ``einsum`` at the letters: ``∑ₖ Aᵢₖ Bₖⱼ``."""
    source, arrow, target = node.subscripts.partition("->")
    bound = [c for c in dict.fromkeys(source.replace(",", "")) if c not in target]
    if not arrow or "." in source or len(bound) > len(fresh):
        return None
    over, left = fresh[: len(bound)], fresh[len(bound) :]
    renamed = dict(zip(target, letters, strict=True)) | dict(zip(bound, over, strict=True))
    factors = product([
        entry(argument, "".join(renamed[c] for c in term), left)
        for argument, term in zip(node.arguments, source.split(","), strict=True)
    ])
    return summed("∑", over, factors) if bound else factors


def letters_for(node: Node) -> str:
    """The index letters that mean nothing else in a tree."""
    read = names_in(node)
    return "".join(c for c in INDICES if c not in read)


def parts_of(node: Any) -> Iterator[Any]:
    """A tree and all trees in it."""
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
    for part in parts_of(node):
        if isinstance(part, Name):
            found.add(part.text)
        elif isinstance(part, Formula):
            found.update(re.findall(r"[A-Za-z_]\w*", part.body))
    return found


def ranges(node: Formula) -> str:
    """``i < n, k < m``: of the indices and of what is summed over."""
    return ", ".join(f"{i} < {n}" for i, n in node.ranged)
