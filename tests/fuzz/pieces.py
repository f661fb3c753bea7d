"""Pieces of text with their shape and meaning, and the pool from which operations draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy

Env = dict[str, Any]
Meaning = Callable[[Env], Any]
MAX_ENTRIES = 400


@dataclass(frozen=True)
class Piece:
    text: str
    shape: tuple[Any, ...]  # int or sympy expression in dims
    meaning: Meaning
    atom: bool = False

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __str__(self) -> str:
        return self.text if self.atom else f"({self.text})"


@dataclass
class Generator:
    """Draws operations for one problem."""

    rng: np.random.Generator
    dims: dict[str, int] = field(default_factory=dict)
    pool: list[Piece] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    shapes: dict[str, str] = field(default_factory=dict)
    assume: dict[str, str] = field(default_factory=dict)
    arrays: Env = field(default_factory=dict)
    integers: list[tuple[str, Any, Any]] = field(default_factory=list)
    loops: dict[str, Any] = field(default_factory=dict)
    scoped: dict[str, Any] = field(default_factory=dict)  # shapes of names within loops
    depth: int = 0
    stem: str = "t"

    def pick(self, items: Sequence[Any]) -> Any:
        return items[int(self.rng.integers(len(items)))]

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def size(self, dim: Any) -> int:
        values = {sympy.Symbol(k, integer=True, positive=True): v for k, v in self.dims.items()}
        return int(sympy.sympify(dim).subs(values))

    def sizes(self, piece: Piece) -> tuple[int, ...]:
        return tuple(self.size(d) for d in piece.shape)

    # -- inputs ------------------------------------------------------------------------------

    def declare(self) -> None:
        names = ["n", "m", "d", "k"]
        values = [int(v) for v in self.rng.permutation([2, 3, 4, 5])]
        if self.chance(0.25):
            values = [int(v) for v in self.rng.integers(1, 5, size=4)]
        self.dims = dict(zip(names, values, strict=True))
        symbols = [sympy.Symbol(s, integer=True, positive=True) for s in names]
        sorts = [*symbols, *symbols, *symbols, 1, 2, 3]
        for name in ["X", "W", "b", "Q", "s", "v"][: int(self.rng.integers(2, 6))]:
            ndim = self.pick([0, 1, 1, 2, 2, 2, 2, 3, 3]) if name != "b" else self.pick([0, 1, 1])
            shape = tuple(self.pick(sorts) for _ in range(ndim))
            if name == "W" and self.pool and self.chance(0.7) and self.pool[0].ndim:
                first = self.pool[0].shape
                shape = self.pick([first, first[::-1], (first[-1], self.pick(sorts)), first[-1:]])
            if name == "v" and self.chance(0.4):
                shape = (2, 2, self.pick(sorts), self.pick([4, 5, *symbols]))
            if name == "Q" and self.chance(0.3):
                shape = (shape or (symbols[0],))[:1] * 2
            self.input(name, shape)
        if self.chance(0.35):
            of = self.pick([p for p in self.pool if p.ndim] or [None])
            if of is not None:
                axis = int(self.rng.integers(of.ndim))
                count = self.pick([2, 3, symbols[0], 6])
                self.shapes["ids"] = str(count)
                self.assume["ids"] = "integer"
                self.arrays["ids"] = self.rng.integers(
                    0, self.size(of.shape[axis]), size=self.size(count))
                self.integers.append(("ids", count, of.shape[axis]))

    def input(self, name: str, shape: tuple[Any, ...]) -> None:
        size = [self.size(d) for d in shape]
        self.shapes[name] = " ".join(str(d) for d in shape)
        value = self.rng.normal(size=size)
        kind = self.rng.random()
        if kind < 0.1:
            self.assume[name] = "positive"
            value = np.abs(value) + 0.2
        self.arrays[name] = np.asarray(value)
        self.pool.append(Piece(name, shape, lambda env: env[name], atom=True))

    # -- operations ----------------------------------------------------------------------------

    def grow(self, operations: Sequence[Any]) -> Piece | None:
        operation = self.pick(operations)
        weights = np.array([1.0 + 1.5 * (i >= len(self.pool) - 3) for i in range(len(self.pool))])
        piece = self.pool[int(self.rng.choice(len(self.pool), p=weights / weights.sum()))]
        made = operation(self, piece)
        if made is None:
            return None
        entries = math.prod(self.sizes(made))
        if entries > MAX_ENTRIES or made.ndim > 5 or len(made.text) > 700:
            return None
        return made

    def keep(self, made: Piece) -> None:
        if self.chance(0.45):
            name = f"{self.stem}{len(self.parts)}"
            self.parts.append(f"{name} = {made.text}")
            made = Piece(name, made.shape, made.meaning, atom=True)
        self.pool.append(made)

    def axes(self, piece: Piece, single: bool = False) -> Any:
        """An axis argument: None, an integer, a tuple, perhaps negative."""
        if single or self.chance(0.55):
            axis = int(self.rng.integers(piece.ndim))
            return axis - piece.ndim if self.chance(0.4) else axis
        if self.chance(0.4):
            return None
        count = int(self.rng.integers(1, piece.ndim + 1))
        chosen = sorted(int(a) for a in self.rng.permutation(piece.ndim)[:count])
        return tuple(chosen)


def reduced(shape: tuple[Any, ...], axis: Any, keep: bool) -> tuple[Any, ...]:
    axes = range(len(shape)) if axis is None else [axis] if isinstance(axis, int) else axis
    gone = {a % len(shape) for a in axes}
    if keep:
        return tuple(1 if k in gone else d for k, d in enumerate(shape))
    return tuple(d for k, d in enumerate(shape) if k not in gone)


def broadcast(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...] | None:
    result: list[Any] = []
    for k in range(1, max(len(a), len(b)) + 1):
        x = a[-k] if k <= len(a) else 1
        y = b[-k] if k <= len(b) else 1
        if x == y or y == 1:
            result.append(x)
        elif x == 1:
            result.append(y)
        else:
            return None
    return tuple(result[::-1])


def plain_dims(shape: Sequence[Any]) -> bool:
    return not any(sympy.sympify(d).has(sympy.floor) for d in shape)
