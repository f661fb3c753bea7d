"""Shifted copies, overlapping sums and stacked products in NumPy's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import sympify

from mathdl.generate.access import positive_part, smaller
from mathdl.generate.code import dim_code
from mathdl.generate.values import Overlap, Shift, Shifts, StackedDot, Value
from mathdl.ir.dim import Dim, nonnegative

Name = Callable[[Any], str]


def shifts_lines(op: Shifts, value: Value, out: str, name: Name) -> list[str]:
    """One copy for each combination of taps; what is outside stays zero."""
    lines: list[str] = []
    source = name(op.base)

    def add(taps: list[int]) -> None:
        if len(taps) < len(op.shifts):
            for t in range(op.shifts[len(taps)].count):
                add([*taps, t])
            return
        target, read = ([":"] * op.base.ndim for _ in range(2))
        for shift, t in zip(op.shifts, taps, strict=True):
            length = value.shape[shift.axis + len(op.shifts)]
            target[shift.axis], read[shift.axis] = _overlap(
                shift, t, length, op.base.shape[shift.axis]
            )
        target[op.at : op.at] = [str(t) for t in taps]
        lines.append(f"{out}{_inside(target)} = {source}{_inside(read)}")

    add([])
    return lines


def overlap_lines(op: Overlap, value: Value, out: str, name: Name) -> list[str]:
    """The tap that covers everything is copied, the others are added."""
    shift = op.shift
    length, dim = value.shape[shift.axis], op.base.shape[shift.axis + 1]
    source = name(op.base)
    lines: list[str] = []
    first = next((t for t in range(shift.count) if _covers(shift, t, length, dim)), None)
    if first is None:
        lines.append(f"{out}.fill(0.0)")
    order = [t for t in range(shift.count) if t != first]
    for t in [first, *order] if first is not None else order:
        target, read = ([":"] * value.ndim for _ in range(2))
        target[shift.axis], read[shift.axis] = _overlap(shift, t, length, dim)
        read[op.at : op.at] = [str(t)]
        sign = "=" if t == first else "+="
        lines.append(f"{out}{_inside(target)} {sign} {source}{_inside(read)}")
    return lines


def stacked_lines(op: StackedDot, out: str, name: Name, part: str = "") -> list[str]:
    """Products added up one by one, in ``part`` before they are added."""
    loop = f"for _a, _b in zip({name(op.a)}, {name(op.b)}):"
    if not part:
        return [f"{out}.fill(0.0)", loop, f"    np.add({out}, np.dot(_a, _b), out={out})"]
    return [loop, f"    np.dot(_a, _b, out={part})", f"    np.add({out}, {part}, out={out})"]


def _inside(pieces: list[str]) -> str:
    kept = list(pieces)
    while kept and kept[-1] == ":":
        kept.pop()
    return f"[{', '.join(kept) or '...'}]"


def _covers(shift: Shift, tap: int, length: Dim, dim: Dim) -> bool:
    offset = shift.start + shift.step * tap
    return offset >= 0 and nonnegative(sympify(dim) - offset - length)


def _overlap(shift: Shift, tap: int, length: Dim, dim: Dim) -> tuple[str, str]:
    """Where a tap lands and what it reads: ``target[k] = source[k + offset]``."""
    offset = shift.start + shift.step * tap
    stop = smaller(length, sympify(dim) - offset)
    low, high = max(0, -offset), positive_part(stop)
    read = positive_part(sympify(stop) + offset)
    return _slice(low, high, length), _slice(max(0, offset), read, dim)


def _slice(low: int, high: Dim, length: Dim) -> str:
    first = str(low) if low else ""
    return f"{first}:" if high == length else f"{first}:{dim_code(high)}"
