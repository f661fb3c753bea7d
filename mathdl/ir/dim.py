"""Dims: axis lengths that are positive integers, symbolic or concrete.

A concrete dim is an ``int``; a symbolic one is a SymPy expression in positive integer symbols
(``n``, ``n - 2``, ``n*m``).  Two dims match only when they are equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sympy import Expr, Integer, Mod, Symbol, expand, floor, sympify

from mathdl.errors import ShapeError

Dim = Any  # int | sympy.Expr; SymPy is untyped
Shape = tuple[Dim, ...]

MAX_AXES = 32  # NumPy stops at 64; generated einsum labels at 52


@lru_cache(maxsize=4096)
def dim_symbol(name: str) -> Any:
    """The symbolic dim called ``name``."""
    return Symbol(name, integer=True, positive=True)


def as_dim(value: Any) -> Dim:
    """``value`` as a dim: a positive int, or an expression in dim symbols."""
    if isinstance(value, bool):
        raise ShapeError(f"a dim is a positive integer or a symbol, not {value}")
    if isinstance(value, int):
        if value < 1:
            raise ShapeError(f"a dim is a positive integer or a symbol, not {value}")
        return value
    if isinstance(value, str):
        return dim_symbol(value)
    if isinstance(value, Expr):
        return normal(value)
    raise ShapeError(f"a dim is a positive integer or a symbol, not {value!r}")


@lru_cache(maxsize=65536)
def _normal(value: Any) -> Dim:
    value = expand(value)
    if value.is_Integer:
        return int(value)
    if value.is_number:
        raise ShapeError(f"a dim is a positive integer or a symbol, not {value}")
    return value


def normal(value: Any) -> Dim:
    """The one way a dim is stored: an int when concrete, an expanded expression otherwise."""
    if isinstance(value, int):
        return value
    if isinstance(value, Symbol):
        return value
    return _normal(value)


def product(dims: Iterable[Dim]) -> Dim:
    """The number of entries of a shape."""
    result: Any = 1
    for dim in dims:
        result = result * dim
    return normal(sympify(result)) if not isinstance(result, int) else result


@lru_cache(maxsize=65536)
def nonnegative(value: Any) -> bool:
    """Whether ``value`` is provably at least 0 for all dims (dims are at least 1)."""
    value = expand(sympify(value))
    if value.is_number:
        return bool(value >= 0)
    if value.is_nonnegative:
        return True
    shifted: dict[Any, Any] = {}
    for symbol in value.free_symbols:
        if symbol.is_positive:
            shifted[symbol] = symbol + 1
        elif not symbol.is_nonnegative:
            return False
    # floor(a) >= 0 when a >= 0, and Mod(a, k) >= 0 when k > 0
    inner = [a for a in value.atoms(floor, Mod)
             if (nonnegative(a.args[0]) if isinstance(a, floor) else a.args[1].is_positive)]
    value = value.xreplace({a: Symbol(f"part_{k}", nonnegative=True, integer=True)
                            for k, a in enumerate(sorted(inner, key=str))})
    if not value.is_polynomial(*value.free_symbols):
        return False
    value = expand(value.xreplace(shifted))
    return all(term.as_coeff_Mul()[0] >= 0 for term in value.as_ordered_terms())


def show_shape(shape: Shape) -> str:
    """``(n, d)`` as a reader writes it; a scalar is ``()``."""
    if len(shape) == 1:
        return f"({shape[0]},)"
    return "(" + ", ".join(str(dim) for dim in shape) + ")"


ONE = Integer(1)
