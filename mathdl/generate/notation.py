"""Equations as comments: ``Z[i, j] = sum_k X[i, k]*W[k, j] + b[j]``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sympy import Mul, sstr

from mathdl.generate.scalars import INDEX_SYMBOLS
from mathdl.ir.index import out_indices, slot_number
from mathdl.ir.tensor import Tensor

_LETTERS = "ijklmpqrstuvabcdefgh"
_WORD = re.compile(r"\b([xir])(\d+)\b")
WIDTH = 200


@lru_cache(maxsize=16384)
def _template(expr: Any) -> tuple[str, bool]:
    """The text of a body or index, and whether it holds a sum at the top."""
    if isinstance(expr, int):
        return str(expr), False
    # names of dims that look like slots or indices would be mistaken for them
    clash = {
        s: type(s)(s.name + "_", **s.assumptions0)
        for s in expr.free_symbols
        if _WORD.fullmatch(s.name) and s not in INDEX_SYMBOLS and slot_number(s) is None
    }
    text = sstr(expr.xreplace(clash) if clash else expr, order="none")
    return text, bool(expr.is_Add)


def _in_reading_order(tensor: Tensor) -> str:
    """A product of accesses with those of the first axes first: ``X[i, k]*W[k, j]``."""
    numbers = [slot_number(f) for f in Mul.make_args(tensor.equation.body)]
    if len(numbers) < 2 or any(k is None for k in numbers):
        return ""
    place = {s: k for k, s in enumerate(out_indices(tensor.ndim))}

    def first_axis(k: int) -> tuple[int, int]:
        axes = [place[s] for e in tensor.operands[k].index for s in e.free_symbols if s in place]
        return min(axes, default=len(place)), k

    return "*".join(f"x{k}" for k in sorted((k for k in numbers if k is not None),
                                            key=first_axis))


def equation_text(
    tensor: Tensor, names: Mapping[Tensor, str], taken: frozenset[str] = frozenset()
) -> str:
    """The tensor's equation in index notation, shortened when it is very long.

    ``taken`` are names that indices must not have.
    """
    if tensor.call is not None:
        if tensor.recurrence is not None:
            way = "backwards" if tensor.recurrence.reverse else "forwards"
            return f"{names[tensor]}[t] step by step, {way} over t < {tensor.recurrence.length}"
        inside = ", ".join(names[a.tensor] for a in tensor.operands)
        return f"{names[tensor]} = {tensor.call.primitive}({inside})"
    equation = tensor.equation
    letters: dict[str, str] = {}
    free = (c for c in (*_LETTERS, *(f"i{k}" for k in range(10, 99))) if c not in taken)
    for k in range(tensor.ndim):
        letters[f"i{k}"] = next(free)
    for k in range(len(equation.extents)):
        letters[f"r{k}"] = next(free)

    def fill(text: str, depth: int = 0) -> str:
        def word(match: re.Match[str]) -> str:
            kind, number = match.groups()
            if kind != "x":
                return letters.get(match.group(), match.group())
            if int(number) >= len(equation.operands) or depth > 8:
                return match.group()
            access = equation.operands[int(number)]
            name = names[access.tensor]
            if not access.index:
                return name
            index = ", ".join(fill(_template(e)[0], depth + 1) for e in access.index)
            return f"{name}[{index}]"

        return _WORD.sub(word, text)

    text, is_sum = _template(equation.body)
    right = fill(_in_reading_order(tensor) or text)
    if equation.reduce != "none":
        over = ",".join(letters[f"r{k}"] for k in range(len(equation.extents)))
        right = f"{equation.reduce}_{over} " + (f"({right})" if is_sum else right)
    left = names[tensor]
    if tensor.ndim:
        left += f"[{', '.join(letters[f'i{k}'] for k in range(tensor.ndim))}]"
    whole = f"{left} = {right}"
    return whole if len(whole) <= WIDTH else whole[: WIDTH - 4] + " ..."
