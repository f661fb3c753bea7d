"""Differences of roots that vanish far from 0, by their conjugates.

``a + r = (a**2 - r**2)/(a - r)`` for a root ``r``: where ``a**2 - r**2`` has a number for its
numerator, as in ``sqrt(x**2 + 1) - x``, ``sqrt(x + 1) - sqrt(x)`` and ``1 - x/sqrt(x**2 + 1)``, the
right side loses no digits where ``a`` and ``r`` have other signs, and the left none where they have
the same.  Terms whose sum has a number for its numerator over their roots need no cases:
``1/sqrt(x**2 + 1) - x**2/sqrt(x**2 + 1)**3 = 1/sqrt(x**2 + 1)**3``.

This is for what is computed, not for what is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sympy import Add, Mul, Pow, Rational, S, cancel, fraction

from mathdl.ir.build import redefine
from mathdl.ir.system import rewrite
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar import lt, where
from mathdl.simplify.openings import opened


def conjugates(outputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs with such differences in two cases."""

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        return opened(redefine(tensor, operands), conjugated)

    return rewrite(outputs, rule)


@lru_cache(maxsize=8192)
def conjugated(body: Any) -> Any:
    """The body with its sums of two terms without cancellation far from 0."""
    if not body.has(Pow) or not body.has(Add):
        return body
    if isinstance(body, Add) and len(body.args) == 2:
        found = _over_roots(body) or _by_conjugate(body)
        if found is not None:
            return found
    return body.func(*map(conjugated, body.args))


def _over_roots(total: Add) -> Any:
    """A term times a quotient, if that has a number for its numerator; or None."""
    one, other = total.args
    ratio = other / one
    if not ratio.free_symbols or not ratio.is_rational_function():
        return None
    quotient = cancel(1 + ratio)
    above, _ = fraction(quotient)
    return one * quotient if above.is_number and above != 0 else None


def _by_conjugate(total: Add) -> Any:
    """The sum of two terms in two cases, if it is such a difference; or None."""
    (a, under), (b, below) = map(_parts, total.args)
    if under == below or not (under * below).free_symbols:
        return None
    squares = cancel(a**2 * under - b**2 * below)
    above, _ = fraction(squares)
    if not above.is_number or above == 0:
        return None
    one, other = total.args
    apart = squares / (one - other)
    sign = a * b
    if sign.is_number:
        return apart if sign < 0 else None
    return where(lt(sign, 0), apart, total)


def _parts(term: Any) -> tuple[Any, Any]:
    """A term as ``c*sqrt(q)``: ``c`` and ``q``."""
    roots = [f for f in Mul.make_args(term)
             if isinstance(f, Pow) and f.exp in (S.Half, Rational(-1, 2)) and f.free_symbols]
    root = Mul(*roots)
    return term / root, root**2
