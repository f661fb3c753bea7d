"""Claims of curvature held against values: between two points a convex function lies below."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from mathdl.ir.assumptions import closure
from mathdl.ir.dim import dim_symbol
from mathdl.ir.system import inputs_of
from mathdl.ir.tensor import Tensor
from mathdl.proof.evaluate import Evaluator
from mathdl.verify.sampling import sample

SIZES = {"k": 2, "c": 2, "h": 2, "n": 3, "d": 3, "m": 4}
BOUNDED = {
    "unit_interval", "probability_vector", "one_hot", "binary", "orthogonal", "minus_one_one",
    "greater_than_one",
}


class Values:
    """An expression's entries at random instances; the variables are drawn anew for each point."""

    def __init__(self, expr: Tensor, wrt: Sequence[str], rng: np.random.Generator) -> None:
        self.expr, self.wrt, self.rng = expr, wrt, rng
        self.inputs = inputs_of([expr])

    def instance(self, manner: Any = "normal") -> dict[str, Any]:
        return sample(self.inputs, SIZES, self.rng, outputs=[self.expr], manner=manner)

    def point(self) -> dict[str, Any]:
        """A point of the domain of the variables, at one of several scales."""
        scale = self.rng.choice([0.3, 1.0, 4.0])
        drawn = self.instance(self.rng.choice(["normal", "normal", "positive", "unit"]))
        return {
            t.name or "": drawn[t.name or ""] * (1 if closure(t.assume) & BOUNDED else scale)
            for t in self.inputs if t.name in self.wrt
        }

    def at(self, arrays: dict[str, Any]) -> Any:
        sizes = {dim_symbol(name): size for name, size in SIZES.items()}
        with np.errstate(all="ignore"):
            return Evaluator(lambda t: arrays[t.name or ""], sizes).value(self.expr)


def refuted(expr: Tensor, wrt: Sequence[str], kind: str, seed: int, tries: int = 40) -> str:
    """What contradicts the claim; empty where nothing does, ``no point`` where nothing was tried.

    A midpoint at which the function is not a number, between points where it is one, contradicts
    too: the domain must be convex.
    """
    values = Values(expr, wrt, np.random.default_rng(seed))
    tried = 0
    for _ in range(tries):
        fixed = values.instance()
        a, b = values.point(), values.point()
        weight = values.rng.uniform(0.1, 0.9)
        between = {name: weight * a[name] + (1 - weight) * b[name] for name in a}
        ends = [values.at({**fixed, **p}) for p in (a, b)]
        middle = values.at({**fixed, **between})
        finite = np.isfinite(ends[0]) & np.isfinite(ends[1]) & (abs(ends[0]) < 1e100) & (
            abs(ends[1]) < 1e100)
        if not finite.any():
            continue
        tried += 1
        with np.errstate(all="ignore"):
            chord = weight * ends[0] + (1 - weight) * ends[1]
            room = 1e-8 * (1 + abs(ends[0]) + abs(ends[1]) + abs(middle))
            apart = abs(ends[0] - ends[1]) if kind == "constant" else middle - chord
            gap = np.where(finite, apart, 0.0)
        outside = finite & np.isnan(middle)
        above = (gap > room) & (kind in ("convex", "affine", "constant"))
        below = (gap < -room) & (kind in ("concave", "affine"))
        if (outside | above | below).any():
            return f"{gap} at {a} and {b}, weight {weight}, given {fixed}"
    return "" if tried else "no point"


def seed_of(text: str) -> int:
    return zlib.crc32(text.encode())
