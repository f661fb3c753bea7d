"""How scalars are written on one line of Unicode: what every view of it shares.

Each piece of text comes with how tightly it binds, so that brackets stand where they must.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mathdl.present.glyphs import lowered, raised
from mathdl.present.tree import Node, Number, as_decimal

CHOICE, RELATION, SUM, SCALED, PRODUCT, POWER, ATOM = range(-1, 6)
SIGNS = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}
CALLED = {"trace": "tr", "maximum": "max", "minimum": "min", "gammaln": "logΓ", "norm2": "norm"}

_NUMBER = re.compile(r"(^|[ ·])[0-9.]+$")

#: Text and how tightly it binds.
Shown = tuple[str, int]


def inside(shown: Shown, least: int) -> str:
    """The text, in brackets when it binds less tightly than its place asks."""
    text, binding = shown
    return text if binding >= least else f"({text})"


def number(value: Any) -> Shown:
    """An exact rational."""
    decimal = as_decimal(value)
    if decimal is None:
        text = str(value.p) if value.q == 1 else f"{value.p}/{value.q}"
        binding = ATOM if value.q == 1 else SCALED
    elif "e" in decimal:
        digits, exponent = decimal.split("e")
        text, binding = f"10{raised(int(exponent))}", POWER
        if digits != "1":
            text, binding = f"{digits}·{text}", SCALED
    else:
        text, binding = decimal, ATOM
    return text.replace("-", "−"), binding if value.p >= 0 else SUM


def join_terms(terms: list[tuple[int, Shown]]) -> str:
    """A sum of terms with their signs."""
    text = ""
    for k, (sign, term) in enumerate(terms):
        inner = inside(term, SUM if k == 0 and sign > 0 else SCALED)
        if k == 0:
            text = inner if sign > 0 else f"−{inner}"
        else:
            text += f" {'+' if sign > 0 else '−'} {inner}"
    return text


def power(base: Shown, exponent: Shown, node: Node | None, mark: str = "") -> Shown:
    raising = inside(base, ATOM) + mark
    if isinstance(node, Number) and node.value.q == 1:
        return raising + raised(node.value.p), POWER
    return f"{raising}^{inside(exponent, ATOM)}", POWER


def compared(left: Shown, sign: str, right: Shown) -> str:
    return f"{inside(left, SUM)} {SIGNS.get(sign, sign)} {inside(right, SUM)}"


def beside(left: str, right: str) -> str:
    """Two factors side by side, so that no name grows and nothing looks like a call."""
    if right[0].isdecimal() and left[-1].isdecimal():
        return f"{left}·{right}"
    close = left[-1] in ")ᵀ⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹" or _NUMBER.search(left)
    return left + right if close and right[0] == "(" else f"{left} {right}"


def side_by_side(factors: list[str]) -> str:
    text = factors[0]
    for factor in factors[1:]:
        text = beside(text, factor)
    return text


def over(above: str, below: list[str], sign: str = " ") -> str:
    """A fraction on one line."""
    if not below:
        return above
    return f"{above}/{below[0]}" if len(below) == 1 else f"{above}/({sign.join(below)})"


def choice(condition: Shown, yes: Shown, no: Shown) -> Shown:
    """``a if x > 0 else b``, or Iverson's bracket."""
    test = inside(condition, RELATION)
    if (yes[0], no[0]) == ("1", "0"):
        return f"[{test}]", ATOM
    return f"{inside(yes, SUM)} if {test} else {inside(no, SUM)}", CHOICE


def root(inner: Shown) -> Shown:
    """``√x``; what is longer than one letter has brackets."""
    least = ATOM if not re.match("[A-Za-z]{2}[^(]*$", inner[0]) else ATOM + 1
    return f"√{inside(inner, least)}", POWER


def absolute(inner: str) -> Shown | None:
    return (f"|{inner}|", ATOM) if "|" not in inner else None


def delta(left: str, right: str) -> Shown:
    """Kronecker's delta."""
    if len(left) == len(right) == 1 and (low := lowered(left + right)):
        return f"δ{low}", ATOM
    return f"[{left} = {right}]", ATOM


def product(factors: list[Shown], last: bool = False) -> Shown:
    """Numbers side by side; where they end the term, the ``last`` may be a sum over an index."""
    factors = [f for f in factors if f[0] != "1"] or factors[:1]
    if len(factors) < 2:
        return factors[0] if factors else ("1", ATOM)
    parts = [inside(f, PRODUCT) for f in factors]
    if last and factors[-1][0][0] == "∑":
        return side_by_side([*parts[:-1], factors[-1][0]]), SCALED
    return side_by_side(parts), PRODUCT


def summed(sign: str, bound: Sequence[str], body: Shown) -> Shown:
    """``∑ₖₗ body``, which reaches to the end of a product."""
    letters = lowered("".join(bound)) if all(len(c) == 1 for c in bound) else None
    below = f"[{','.join(bound)}]" if letters is None else letters
    return f"{sign}{below} {inside(body, SCALED)}", SCALED
