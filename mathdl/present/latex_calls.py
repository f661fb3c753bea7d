r"""Functions in LaTeX: those with notation of their own, ``\operatorname`` for the rest.

``put(node, least)`` writes an argument, in brackets unless it binds at least so tightly.
"""

from __future__ import annotations

from collections.abc import Callable

from mathdl.present.tree import ONE, ZERO, Call, Sequence, Transpose, add
from mathdl.scalar import lookup, scalar_functions

Put = Callable[..., str]
Shown = tuple[str, int]

SUM, PRODUCT, POWER, ATOM = range(1, 5)
LONG = 48  # characters beyond which an exponent is an argument of exp


def named(node: Call, put: Put) -> str:
    r"""``\operatorname{name}``, the axis as a subscript, options as keywords."""
    name = node.name.replace("_", r"\_")
    arguments = [put(a) for a in node.arguments]
    options = dict(node.options)
    axis = options.pop("axis", None)
    below = ""
    if axis is not None:
        shown = ",".join(map(str, axis)) if isinstance(axis, tuple) else axis
        below = rf"_{{\mathrm{{axis}}\,{shown}}}"
    arguments += [rf"\mathrm{{{key}}}={value}" for key, value in options.items()]
    return rf"\operatorname{{{name}}}{below}\left({', '.join(arguments)}\right)"


def scalar(node: Call, put: Put) -> Shown | None:
    """A scalar function, as it is declared."""
    if node.name not in _SCALAR:
        return None
    arguments = [put(a) for a in node.arguments]
    if node.name == "exp" and len(arguments[0]) > LONG:
        return rf"\exp\left({arguments[0]}\right)", ATOM
    return lookup(node.name).latex.format(*arguments), POWER if node.name == "exp" else ATOM


def _where(node: Call, put: Put) -> Shown:
    condition, yes, no = node.arguments
    if (yes, no) == (ONE, ZERO):
        return rf"\left[{put(condition)}\right]", ATOM
    return lookup("where").latex.format(put(condition), put(yes), put(no)), ATOM


def _norm(node: Call, put: Put) -> Shown | None:
    if node.options:
        return None
    below = "F" if node.arguments[0].ndim > 1 else "2"
    return rf"\left\lVert {put(node.arguments[0])} \right\rVert_{below}", ATOM


def _sum(node: Call, put: Put) -> Shown | None:
    inner = node.arguments[0]
    axis = dict(node.options).get("axis")
    if axis is None and inner.ndim in (1, 2):
        once = rf"\mathbf{{1}}^\top {put(inner, POWER)}"
        return (rf"{once} \mathbf{{1}}" if inner.ndim == 2 else once), PRODUCT
    if inner.ndim == 2 and axis == 0:
        return rf"{put(inner, ATOM)}^\top \mathbf{{1}}", PRODUCT
    if inner.ndim == 2 and axis == 1:
        return rf"{put(inner, POWER)} \mathbf{{1}}", PRODUCT
    return None


def _outer(node: Call, put: Put) -> Shown:
    left, right = node.arguments
    return rf"{put(left, POWER)} {put(right, ATOM)}^\top", PRODUCT


def _eye(node: Call, put: Put) -> Shown | None:
    if len(node.arguments) != 1:
        return None
    return rf"\mathbf{{I}}_{{{put(node.arguments[0])}}}", ATOM


def _filled(digit: str) -> Callable[[Call, Put], Shown]:
    def form(node: Call, put: Put) -> Shown:
        if digit == "1" and node.ndim == 2:
            n, m = map(put, node.arguments)
            return rf"\mathbf{{1}}_{{{n}}} \mathbf{{1}}_{{{m}}}^\top", PRODUCT
        sizes = r" \times ".join(put(a, PRODUCT) for a in node.arguments)
        return rf"\mathbf{{{digit}}}_{{{sizes}}}", ATOM

    return form


def _inverse(node: Call, put: Put) -> Shown:
    return f"{put(node.arguments[0], ATOM)}^{{-1}}", POWER


def _solve(node: Call, put: Put) -> Shown:
    a, b = node.arguments
    power = "-1"
    if isinstance(a, Transpose):
        a, power = a.inner, r"-\top"
    return f"{put(a, ATOM)}^{{{power}}} {put(b, POWER)}", PRODUCT


def _operator(name: str) -> Callable[[Call, Put], Shown | None]:
    def form(node: Call, put: Put) -> Shown | None:
        if node.options or len(node.arguments) != 1:
            return None
        return rf"{name}\left({put(node.arguments[0])}\right)", ATOM

    return form


def _kron(node: Call, put: Put) -> Shown:
    a, b = node.arguments
    return rf"{put(a, POWER)} \otimes {put(b, POWER)}", PRODUCT


def _concat(node: Call, put: Put) -> Shown | None:
    """Blocks below or beside each other."""
    axis, (parts,) = dict(node.options).get("axis", 0), node.arguments
    if node.ndim > 2 or not isinstance(parts, Sequence):
        return None
    blocks = (r" \\ " if axis == 0 else " & ").join(map(put, parts.items))
    return rf"\begin{{bmatrix}} {blocks} \end{{bmatrix}}", ATOM


def _einsum(node: Call, put: Put) -> Shown:
    """The array with these entries: the indices of the entries outside."""
    before, after = node.subscripts.split("->")
    indices = before.split(",")
    summed = sorted(set(before) - set(after) - {","})
    entries = " ".join(
        rf"\left({put(a)}\right)_{{{','.join(own)}}}" if own else put(a, POWER)
        for a, own in zip(node.arguments, indices, strict=True)
    )
    total = rf"\sum_{{{','.join(summed)}}} {entries}" if summed else entries
    if not after:
        return total, PRODUCT
    return rf"\left[{total}\right]_{{{','.join(after)}}}", ATOM


def _log1p(node: Call, put: Put) -> Shown:
    return rf"\log\left({put(add([(1, ONE), (1, node.arguments[0])]))}\right)", ATOM


def _expm1(node: Call, put: Put) -> Shown:
    return put(add([(1, Call("exp", node.arguments, node.ndim)), (-1, ONE)])), SUM


FORMS: dict[str, Callable[[Call, Put], Shown | None]] = {
    "where": _where, "norm2": _norm, "sum": _sum, "outer": _outer, "eye": _eye,
    "ones": _filled("1"), "zeros": _filled("0"), "inv": _inverse, "solve": _solve,
    "trace": _operator(r"\operatorname{tr}"), "det": _operator(r"\det"),
    "logdet": _operator(r"\log \det"), "log_softmax": _operator(r"\log \operatorname{softmax}"),
    "kron": _kron, "concat": _concat, "einsum": _einsum, "log1p": _log1p,
    "expm1": _expm1,
}
_SCALAR = frozenset(f.name for f in scalar_functions()) - {"where"}
