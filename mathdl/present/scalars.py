"""Unicode of a scalar body over index symbols: ``Kₖₗ Y[i−k,j−l]``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy
from sympy import KroneckerDelta, Mod, Mul, Pow, floor

from mathdl.present.glyphs import spelled, subscripted
from mathdl.present.notation import (
    ATOM,
    CALLED,
    POWER,
    SCALED,
    SUM,
    Shown,
    absolute,
    choice,
    compared,
    delta,
    inside,
    join_terms,
    number,
    over,
    root,
    side_by_side,
    summed,
)
from mathdl.present.notation import power as raised_to
from mathdl.present.tree import Number
from mathdl.scalar import COMPARISONS, of_head

SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "==", "ne": "!="}
_CONSTANTS = {sympy.pi: "π", sympy.E: "e"}
_EXTREMES = {sympy.Max: "max", sympy.Min: "min"}

#: The accesses of a body, which stand in it as symbols.
Entries = Mapping[Any, Shown]


def access_text(
    name: str, index: Sequence[Any], conditions: Sequence[tuple[Any, str]], entries: Entries
) -> Shown:
    """``Aᵢₖ``, times a bracket for every condition ``index >= 0`` or ``index < n``."""
    base, places = spelled(name), [_index(e, entries) for e in index]
    if not index:
        text = base
    elif base == "δ":  # Kronecker's
        text = f"{base}[{','.join(places)}]"
    else:
        text = subscripted(base, places)
    if not conditions:
        return text, ATOM
    held = [f"[{_index(e, entries)} {sign.replace('>=', '≥')}]" for e, sign in conditions]
    return side_by_side([*held, text]), SCALED


def _index(expr: Any, entries: Entries) -> str:
    return scalar_text(expr, entries).replace(" + ", "+").replace(" − ", "−")


def scalar_text(expr: Any, entries: Entries) -> str:
    return _scalar(expr, entries)[0]


def reduced_text(kind: str, bound: Sequence[str], body: Any, entries: Entries) -> str:
    """``∑ₖₗ body``."""
    sign = {"sum": "∑", "prod": "∏"}.get(kind, kind)
    return (summed(sign, bound, _scalar(body, entries)) if bound else _scalar(body, entries))[0]


def _scalar(expr: Any, entries: Entries) -> Shown:
    def shown(e: Any) -> Shown:
        return _scalar(e, entries)

    if expr in entries:
        return entries[expr]
    if expr in _CONSTANTS:
        return _CONSTANTS[expr], ATOM
    if expr.is_Symbol:
        return spelled(expr.name), ATOM
    if expr.is_Rational:
        return number(expr)
    if expr.is_Add:
        terms = [_signed(term) for term in expr.as_ordered_terms()]
        terms.sort(key=lambda term: -term[0])
        return join_terms([(sign, shown(term)) for sign, term in terms]), SUM
    if expr.is_Mul:
        return _product(expr, entries)
    if expr.is_Pow and expr.base != sympy.E:
        if expr.exp.is_Rational and expr.exp < 0:
            return _product(expr, entries)
        if expr.exp == sympy.Rational(1, 2):
            return root(shown(expr.base))
        return raised_to(shown(expr.base), shown(expr.exp), Number(expr.exp)
                         if expr.exp.is_Integer else None)
    return _function(expr, [shown(a) for a in expr.args])


def _signed(term: Any) -> tuple[int, Any]:
    negative = term.as_coeff_Mul()[0].is_negative
    return (-1, -term) if negative else (1, term)


def _product(expr: Any, entries: Entries) -> Shown:
    sign, positive = _signed(expr)
    above: list[Any] = []
    below: list[Any] = []
    for f in Mul.make_args(positive):
        if f.is_Rational:
            above += [f.p] if f.p != 1 else []
            below += [f.q] if f.q != 1 else []
        elif f.is_Pow and f.exp.is_Rational and f.exp < 0:
            below.append(Pow(f.base, -f.exp))
        else:
            above.append(f)
    tops, bottoms = (
        [inside(_scalar(sympy.sympify(f), entries), POWER) for f in side]
        for side in (above, below)
    )
    text = over(side_by_side(tops or ["1"]),
                bottoms if len(bottoms) < 2 else [f"({side_by_side(bottoms)})"])
    return (text, SCALED) if sign > 0 else (f"−{text}", SUM)


def _function(expr: Any, arguments: list[Shown]) -> Shown:
    texts = [text for text, _ in arguments]
    if isinstance(expr, KroneckerDelta):
        return delta(*texts)
    if isinstance(expr, COMPARISONS):
        left, right = arguments
        return f"[{compared(left, SIGNS[type(expr).__name__], right)}]", ATOM
    if isinstance(expr, Mod):
        return f"({' mod '.join(inside(a, ATOM) for a in arguments)})", ATOM
    if isinstance(expr, floor):
        return f"⌊{texts[0]}⌋", ATOM
    declared = of_head(expr.func)
    name = declared.name if declared is not None else (
        _EXTREMES.get(expr.func) or type(expr).__name__)
    if name == "abs" and (found := absolute(texts[0])) is not None:
        return found
    if name == "where":
        (condition, _), yes, no = arguments
        return choice((condition.removeprefix("[").removesuffix("]"), ATOM), yes, no)
    return f"{CALLED.get(name, name)}({', '.join(texts)})", ATOM

