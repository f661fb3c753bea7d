"""Declaring dims, tensors and assumptions, in Python or as text (``"X: n d; w: d; lam:"``)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sympy import Expr

from mathdl.errors import AssumptionError, NamingError, ShapeError
from mathdl.ir.assumptions import check_assumption, closure
from mathdl.ir.dim import MAX_AXES, Dim, Shape, as_dim, dim_symbol
from mathdl.ir.tensor import Tensor, input_tensor
from mathdl.language.functions import FUNCTIONS
from mathdl.language.names import check_name, shown

MAX_TEXT = 20_000
MAX_LENGTH = 10**12  # of one axis
RESERVED = frozenset({"newaxis"})
Declared = str | Mapping[str, Any]


def dims(names: str) -> Any:
    """Symbolic dims, one for each name: ``n, d = dims("n d")``; a single one alone."""
    found = [dim_symbol(_dim_name(name)) for name in names.replace(",", " ").split()]
    if not found:
        raise NamingError("dims() needs a name, such as dims('n d')")
    return found[0] if len(found) == 1 else tuple(found)


def tensor(name: str, *dims: Any, assume: str | Iterable[str] = ()) -> Tensor:
    """The input called ``name``: ``tensor("X", n, d)``, ``tensor("X", (n, d))`` or
    ``tensor("X", "n d")``.

    Raises NamingError for a name that is not an identifier or is a function of the language,
    ShapeError for what is not a dim, AssumptionError for an assumption that does not fit.
    """
    if len(dims) == 1 and isinstance(dims[0], (tuple, list)):
        dims = tuple(dims[0])
    shape = _as_shape(dims, check_tensor_name(name))
    for dim in shape:
        if str(dim) == name:
            raise NamingError(f"{name!r} is both a tensor and a dim of it")
    return declared_input(name, shape, _words(assume, name))


def declared_input(name: str, shape: Shape, assume: Iterable[str]) -> Tensor:
    """The input with its assumptions checked and with all that they imply."""
    names = list(assume)
    for assumption in names:
        check_assumption(assumption, name, shape)
    return input_tensor(name, shape, closure(names))


def check_tensor_name(name: object) -> str:
    """``name`` if a tensor or definition may have it."""
    checked = check_name(name, "tensor name")
    if checked in FUNCTIONS or checked in RESERVED:
        raise NamingError(f"{checked!r} is a function of the language; choose another name")
    return checked


def _dim_name(name: str) -> str:
    checked = check_name(name, "dim name")
    if checked in FUNCTIONS or checked in RESERVED:
        raise NamingError(f"dim name {checked!r} is a function of the language")
    return checked


_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)


def _as_dim(token: Any, name: str) -> Dim:
    if isinstance(token, str):
        if _NUMBER.fullmatch(token):
            token = int(token)
        elif token[:1].isalpha() or token[:1] == "_":
            return dim_symbol(_dim_name(token))
        else:
            raise ShapeError(
                f"dim {token[:40]!r} of {name} is not a positive integer or a name"
            )
    if isinstance(token, Expr):
        for symbol in sorted(token.free_symbols, key=str):
            if symbol != dim_symbol(_dim_name(str(symbol))):
                raise ShapeError(
                    f"{shown(symbol)} in dim {shown(token)} of {name} is not known as a positive "
                    f"integer; write dims({shown(symbol)!r})"
                )
        if not token.is_integer:
            raise ShapeError(f"dim {shown(token)} of {name} is not a positive integer or a dim")
    elif not isinstance(token, int):
        raise ShapeError(f"dim {shown(token)} of {name} is not a positive integer or a name")
    dim = as_dim(token)
    if isinstance(dim, int) and not 1 <= dim <= MAX_LENGTH:
        raise ShapeError(f"dim {dim} of {name} is not between 1 and {MAX_LENGTH}")
    return dim


def _as_shape(value: Any, name: str) -> Shape:
    if not isinstance(value, (str, int, Expr, Sequence)) or isinstance(value, bytes):
        raise ShapeError(f"the shape of {name} is like 'n d' or (n, d), not {shown(value)}")
    parts = [value] if isinstance(value, (str, int, Expr)) else list(value)
    tokens: list[Any] = []
    for part in parts:
        if isinstance(part, str):
            tokens.extend(part.replace(",", " ").split())
        else:
            tokens.append(part)
    if len(tokens) > MAX_AXES:
        raise ShapeError(f"{name} has {len(tokens)} axes; at most {MAX_AXES} are allowed")
    return tuple(_as_dim(token, name) for token in tokens)


def parse_shapes(shapes: Declared) -> dict[str, Shape]:
    """``"X: n d; w: d; lam:"`` or ``{"X": "n d", "w": (d,), "lam": ""}`` as shapes by name.

    Raises NamingError for a duplicate or forbidden name and for a name that is both a tensor
    and a dim, ShapeError for what is not a dim.
    """
    found: dict[str, Shape] = {}
    for name, value in _pairs(shapes, "shapes", "X: n d"):
        if check_tensor_name(name) in found:
            raise NamingError(f"{name!r} is declared twice")
        found[name] = _as_shape(value, name)
    used = {s.name for shape in found.values() for d in shape for s in _symbols(d)}
    both = sorted(used & set(found))
    if both:
        raise NamingError(f"{both[0]!r} is both a tensor and a dim")
    return found


def _symbols(dim: Dim) -> set[Any]:
    return set() if isinstance(dim, int) else set(dim.free_symbols)


def parse_assumptions(assume: Declared | None) -> dict[str, tuple[str, ...]]:
    """``"S: positive_definite; Y: one_hot"`` or a dict as assumptions by tensor."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in _pairs({} if assume is None else assume, "assumptions", "S: symmetric"):
        if name in found:
            raise NamingError(f"{name!r} has its assumptions stated twice")
        found[name] = _words(value, name)
    return found


def _words(value: Any, name: str) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)
    if not all(isinstance(w, str) for w in words):
        raise AssumptionError(f"assumptions of {shown(name)} are words, not {shown(value)}")
    return tuple(w for word in words for w in word.replace(",", " ").split())


def _pairs(declared: Any, what: str, example: str) -> list[tuple[str, Any]]:
    """The names and values of a declaration in text or as a mapping."""
    if isinstance(declared, Mapping):
        return list(declared.items())
    if not isinstance(declared, str):
        raise NamingError(f"{what} are text like {example!r} or a dict, not {shown(declared)}")
    if len(declared) > MAX_TEXT:
        raise NamingError(f"{what} of {len(declared)} characters; at most {MAX_TEXT} are read")
    pairs = []
    for part in re.split(r"[;\n]", declared):
        if part.strip():
            name, colon, value = part.partition(":")
            if not colon:
                raise NamingError(f"{part.strip()[:40]!r} in {what} is not like {example!r}")
            pairs.append((name.strip(), value))
    return pairs


def declare_inputs(shapes: Declared, assume: Declared | None = None) -> dict[str, Tensor]:
    """The inputs of a text, by name.

    Raises NamingError when an assumption is about a name without a shape.
    """
    known = parse_shapes(shapes)
    assumptions = parse_assumptions(assume)
    for name in assumptions:
        if name not in known:
            raise NamingError(f"an assumption about {shown(name)}, which has no declared shape")
    return {
        name: declared_input(name, shape, assumptions.get(name, ()))
        for name, shape in known.items()
    }
