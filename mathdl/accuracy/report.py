"""Bits that are right, point by point, as a table, as data and as a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: What a point says in place of bits.
UNDEFINED, KINK, BEYOND = "undefined", "kink", "no float"
_MARKS = {UNDEFINED: "-", KINK: "kink", BEYOND: "."}


@dataclass(frozen=True)
class Point:
    """What the code computes of one quantity with one input at one size.

    quantity
        ``value``, or the variable by which the derivative is.
    at
        The size of the input ``moved``; tensors are tried in several manners.
    bits
        ``-log2`` of the error, within those of the precision; None where there is nothing to
        compare, and then ``why`` says so.
    error
        The worst error of an entry, relative to the largest.
    """

    quantity: str
    moved: str
    at: float
    bits: float | None
    error: float = math.nan
    truth: float = math.nan
    got: float = math.nan
    manner: str = ""
    why: str = ""


@dataclass(frozen=True)
class Stability:
    """The points of an expression; true where every error is within ``limit``."""

    expression: str
    dtype: str
    limit: float
    points: tuple[Point, ...]

    def __bool__(self) -> bool:
        return not self.failures

    @property
    def compared(self) -> list[Point]:
        return [p for p in self.points if p.bits is not None]

    @property
    def failures(self) -> list[Point]:
        return [p for p in self.compared if not p.error <= self.limit]

    @property
    def worst(self) -> Point | None:
        """The point of the largest error; None where nothing is compared."""
        return max(self.compared, key=lambda p: p.error, default=None)

    def quantities(self) -> list[tuple[str, str]]:
        """What was measured, and which input moved."""
        return list(dict.fromkeys((p.quantity, p.moved) for p in self.points))

    def series(self, quantity: str, moved: str) -> list[Point]:
        """Of one quantity, the points in order."""
        return [p for p in self.points if (p.quantity, p.moved) == (quantity, moved)]

    def text(self) -> str:
        """A table: a line for each size of an input, a column for each quantity."""
        lines = [self._summary()]
        for moved in dict.fromkeys(p.moved for p in self.points):
            columns = [q for q, m in self.quantities() if m == moved]
            heads = [q if q == "value" else f"d/d{q}" for q in columns]
            series = [{p.at: p for p in self.series(q, moved)} for q in columns]
            rows = [[moved, *heads]]
            rows += [[f"{at:.3g}", *(_shown(s[at]) for s in series)] for at in series[0]]
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            lines += ["  " + "  ".join(c.rjust(w) for c, w in zip(r, widths, strict=True))
                      for r in rows]
        return "\n".join([*lines, *self._legend(), *map(self._lost, self.failures)])

    def _summary(self) -> str:
        worst = self.worst
        if worst is None:
            return f"nothing to compare in {self.dtype}"
        word = "stable" if self else "unstable"
        return (f"{word} in {self.dtype}: bits of {_precision(self.dtype)} that are right, "
                f"{worst.bits:.0f} at the least")

    def _legend(self) -> list[str]:
        said = {KINK: "kink: the slopes on its sides differ",
                UNDEFINED: "-: the expression or its slope is not defined, or too long to compute",
                BEYOND: ". the truth is no float: 0 or infinity is right"}
        seen = {p.why for p in self.points if p.bits is None}
        return [f"  {text}" for why, text in said.items() if why in seen]

    def _lost(self, p: Point) -> str:
        name = p.quantity if p.quantity == "value" else f"d/d{p.quantity}"
        how = f" ({p.manner})" if p.manner else ""
        return f"  {name} at {p.moved} = {p.at:.3g}{how}: {p.got:.6g}, the truth is {p.truth:.6g}"

    def __str__(self) -> str:
        return self.text()

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON; what is not finite is a string."""
        return {
            "expression": self.expression, "dtype": self.dtype, "limit": self.limit,
            "stable": bool(self),
            "points": [{k: v if not isinstance(v, float) or math.isfinite(v) else str(v)
                        for k, v in asdict(p).items()} for p in self.points],
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2)

    def plot(self, path: str | Path) -> Path:
        """Bits against size, as PNG, SVG or PDF by the suffix (the extra ``plot``)."""
        from mathdl.accuracy.plot import draw

        return draw(self, Path(path))


def _precision(dtype: str) -> int:
    return {"float64": 53, "float32": 24}[dtype]


def bits_of(error: float, dtype: str) -> float:
    """The bits that a relative error leaves."""
    most = _precision(dtype)
    if not math.isfinite(error):
        return 0.0
    return float(most) if error == 0 else min(max(0.0, -math.log2(error)), float(most))


def _shown(p: Point) -> str:
    return _MARKS[p.why] if p.bits is None else f"{p.bits:.0f}"


def worst_of(points: Sequence[Point]) -> Point:
    """Of the manners at one size the one with the largest error, or why there is none."""
    compared = [p for p in points if p.bits is not None]
    if compared:
        return max(compared, key=lambda p: p.error)
    order = [KINK, BEYOND, UNDEFINED]
    return min(points, key=lambda p: order.index(p.why))
