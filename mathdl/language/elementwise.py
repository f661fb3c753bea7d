"""Elementwise functions on tensors and numbers, one for each declared scalar function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Expr, Max, Min

from mathdl.errors import DomainError, ShapeError
from mathdl.ir.tensor import Tensor
from mathdl.language.pointwise import apply_to_numbers, as_scalar, pointwise
from mathdl.scalar import ScalarFunction, lookup, scalar_functions


def _is_dim_expression(value: Any) -> bool:
    return not isinstance(value, Expr) or all(
        s.is_integer and s.is_positive for s in value.free_symbols
    )


# Evaluating these at a large exact number expands a factorial or a harmonic number.
_EXPANDING = frozenset({"gammaln", "digamma"})
_MAX_EXPANDED = 2000


# Of dims these are dims again.
_OF_DIMS: dict[str, Callable[..., Any]] = {"maximum": Max, "minimum": Min}


def _law(declared: ScalarFunction) -> Callable[..., Any]:
    """The scalar function, refusing constants at which its exact value is too large."""
    if declared.name not in _EXPANDING:
        head: Callable[..., Any] = declared.head
        return head

    def bounded(argument: Any) -> Any:
        if argument.is_number and abs(argument) > _MAX_EXPANDED:
            raise DomainError(f"{declared.name} of a constant beyond {_MAX_EXPANDED}")
        return declared.head(argument)

    return bounded


def _function(declared: ScalarFunction) -> Callable[..., Any]:
    """``f(a, ...)`` entry by entry with broadcasting.

    On numbers and dims alone it is the exact number; on entries of index notation the scalar
    function itself.
    """
    law = _law(declared)

    def function(*arguments: Any) -> Any:
        if len(arguments) != declared.arity:
            raise ShapeError(
                f"{declared.name} takes {declared.arity} "
                f"argument{'s' if declared.arity > 1 else ''}, not {len(arguments)}"
            )
        if any(isinstance(a, Tensor) for a in arguments):
            return pointwise(law, *arguments, what=declared.name)
        if not all(_is_dim_expression(a) for a in arguments):
            return declared.head(*arguments)
        exact = _OF_DIMS.get(declared.name, law)
        return apply_to_numbers(exact, [as_scalar(a) for a in arguments], declared.name)

    function.__name__ = function.__qualname__ = declared.name
    function.__doc__ = (
        f"{declared.name}, entry by entry: {declared.latex}.\n\n"
        f"Kinks: {declared.subgradient or 'none'}.  Source: {declared.reference}."
    )
    return function


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    declared.name: _function(declared) for declared in scalar_functions() if declared.in_language
}
where = _function(lookup("where"))
ELEMENTWISE["where"] = where

exp = ELEMENTWISE["exp"]
log = ELEMENTWISE["log"]
sqrt = ELEMENTWISE["sqrt"]
absolute = ELEMENTWISE["abs"]
