"""Expressions in dims, numbers and index positions as Python source."""

from __future__ import annotations

import builtins
import keyword
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sympy import (
    Add,
    Integer,
    KroneckerDelta,
    Max,
    Min,
    Mod,
    Mul,
    Number,
    Pow,
    Rational,
    Symbol,
    floor,
    fraction,
    pycode,
    sympify,
    together,
)

from mathdl.errors import UnsupportedError
from mathdl.scalar.compare import eq, ge, gt, le, lt, ne, where
from mathdl.scalar.declare import of_head

_RELATION = {gt: ">", ge: ">=", lt: "<", le: "<=", eq: "==", ne: "!="}

# comparisons of dims inside numbers
_CONDITIONS = {
    head.__name__: [(lambda *_: True, lambda a, b, sign=sign: f"(({a}) {sign} ({b}))")]
    for head, sign in _RELATION.items()
}


RESERVED = frozenset((
    "np", "math", "scipy", "dtype", "run", "out", "number", "rowdot", "threading", "plan",
    "OrderedDict", "key", "known", "array", "sizes", "given", *keyword.kwlist, *dir(builtins),
))

# what the functions use that take arguments by the names of the user, who would hide it
OWN_NAMES = frozenset((
    "TypeError", "AttributeError", "_key", "_found", "_inputs", "_compute", "_prepare", "_local",
    "_ndarray", "_in_range", "_plan",
))


def own_name(name: str) -> str:
    """A name of the user inside of generated code, where names with ``_`` in front are its own."""
    return f"x{name}" if name.startswith("_") else name


def dim_name(dim: Any) -> str:
    """How a dim is called in generated code; a counter ``_p0`` of the code's own is no dim."""
    name = str(dim)
    private = name.startswith("_") and dim.is_positive
    return f"{own_name(name)}_dim" if name in RESERVED or private else name


@lru_cache(maxsize=16384)
def dim_code(expr: Any) -> str:
    """An integer expression in dims as integer arithmetic."""
    if isinstance(expr, int):
        return str(expr)
    return _integer(sympify(expr), dim_name)


def _integer(expr: Any, name: Callable[[Any], str]) -> str:
    if isinstance(expr, Integer):
        return str(expr)
    if isinstance(expr, Symbol):
        return name(expr)
    if isinstance(expr, floor):
        top, bottom = fraction(together(expr.args[0]))
        return f"({_integer(top, name)})//{_atom(bottom, name)}"
    top, bottom = fraction(together(expr)) if _has_quotient(expr) else (expr, Integer(1))
    if bottom != 1:
        return f"({_integer(top, name)})//{_atom(bottom, name)}"
    if isinstance(expr, Add):
        text = ""
        # the positive terms first: n - 1, not -1 + n
        ordered = sorted(expr.args, key=lambda a: (a.could_extract_minus_sign(), a.is_number,
                                                   str(a)))
        for term in ordered:
            if term.could_extract_minus_sign():
                text += f" - {_factor(-term, name)}" if text else f"-{_factor(-term, name)}"
            else:
                text += f" + {_factor(term, name)}" if text else _factor(term, name)
        return text
    if isinstance(expr, Mul):
        return "*".join(_atom(a, name) for a in expr.args)
    if isinstance(expr, Pow) and expr.exp.is_Integer and expr.exp.is_positive:
        return f"{_atom(expr.base, name)}**{expr.exp}"
    if isinstance(expr, (Max, Min)):
        inside = ", ".join(_integer(a, name) for a in sorted(expr.args, key=str))
        return f"{'max' if isinstance(expr, Max) else 'min'}({inside})"
    if isinstance(expr, Mod):
        return f"{_atom(expr.args[0], name)} % {_atom(expr.args[1], name)}"
    raise UnsupportedError(f"{expr} is not an integer expression in dims")


def _has_quotient(expr: Any) -> bool:
    return isinstance(expr, (Add, Mul, Rational)) and any(
        (isinstance(a, Rational) and not a.is_Integer)
        or (isinstance(a, Pow) and a.exp.could_extract_minus_sign())
        for term in Add.make_args(expr) for a in Mul.make_args(term)
    )


def _factor(expr: Any, name: Callable[[Any], str]) -> str:
    text = _integer(expr, name)
    return f"({text})" if isinstance(expr, (Add, Mod)) else text


def _atom(expr: Any, name: Callable[[Any], str]) -> str:
    text = _integer(expr, name)
    return text if isinstance(expr, (Symbol, Max, Min)) or text.isdigit() else f"({text})"


@lru_cache(maxsize=16384)
def number_text(value: Any) -> str | None:
    """A number as the shortest Python float; None when dims are in it."""
    if not isinstance(value, Number) and not value.is_number:
        return None
    try:
        number = float(value)
    except (TypeError, OverflowError):
        raise UnsupportedError(f"the constant {value} is not a finite real number") from None
    if not math.isfinite(number):
        raise UnsupportedError(f"the constant {value} is beyond the range of floats")
    return repr(number)


@lru_cache(maxsize=4096)
def float_code(value: Any) -> str:
    """A real expression in dims as Python floats; uses ``math``."""
    known = number_text(value)
    if known is not None:
        return known
    named = {
        s: Symbol(dim_name(s), integer=True, positive=True)
        for s in value.free_symbols if dim_name(s) != str(s)
    }
    text = pycode(value.xreplace(named), strict=True, user_functions=_CONDITIONS)
    return f"float({text})"


def position_code(expr: Any, axes: Mapping[Any, str]) -> str:
    """An expression in axis positions as NumPy; ``axes`` are the codes of the aranges."""
    if isinstance(expr, Symbol):
        return axes.get(expr, dim_name(expr))
    if not expr.free_symbols & set(axes):
        return dim_code(expr) if expr.is_integer else float_code(expr)
    if isinstance(expr, (floor, Mod)) or (expr.is_integer and isinstance(expr, (Add, Mul))):
        return _integer(expr, lambda s: axes.get(s, dim_name(s)))
    if isinstance(expr, KroneckerDelta):
        return " == ".join(f"({position_code(a, axes)})" for a in expr.args)
    if type(expr) in _RELATION:
        sign = f" {_RELATION[type(expr)]} "
        return sign.join(f"({position_code(a, axes)})" for a in expr.args)
    if isinstance(expr, Add):
        return " + ".join(f"({position_code(a, axes)})" for a in expr.args)
    if isinstance(expr, Mul):
        return "*".join(f"({position_code(a, axes)})" for a in expr.args)
    if isinstance(expr, Pow):
        base, exponent = (position_code(a, axes) for a in expr.args)
        return f"np.power({base} + 0.0, {exponent})"
    inside = ", ".join(position_code(a, axes) for a in expr.args)
    if isinstance(expr, where):
        return f"np.where({inside})"
    declared = of_head(expr.func)
    if declared is not None and declared.ufunc:
        return f"{declared.ufunc}({inside})"
    raise UnsupportedError(f"{expr.func.__name__} of index positions")
