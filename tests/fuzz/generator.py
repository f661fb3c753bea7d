"""Random well-typed text of the language, each piece with an independent meaning in autograd.

A piece is text, its symbolic shape and a function of the inputs written in ``autograd.numpy``.
Operations draw their operands from a pool, so subexpressions are shared, by definitions or by
being written twice.  Arguments are kept inside domains and away from overflow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import autograd.numpy as anp
import numpy as np
import sympy
from elementary import (
    binary,
    dim_number,
    einsum,
    matmul,
    none_broadcast,
    normalised,
    pairwise,
    reduction,
    structured,
    unary,
)
from loops import Loop, reached, scanned
from meanings import logsumexp
from pieces import Env, Generator, Meaning, Piece
from structural import gathered, joined, picked, reshaped, sliced, windowed


@dataclass
class Problem:
    """An expression, its declarations, concrete sizes and its meaning."""

    text: str
    shapes: dict[str, str]
    assume: dict[str, str]
    dims: dict[str, int]
    meaning: Meaning
    shape: tuple[int, ...]
    wrt: tuple[str, ...]
    arrays: Env
    seed: int
    loops: dict[str, Loop] = field(default_factory=dict)
    scoped: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        loops = "".join(f" {name} = {loop}," for name, loop in self.loops.items())
        return (f"seed {self.seed}: {self.text!r},{loops} shapes={self.shapes}, "
                f"assume={self.assume}, dims={self.dims}, wrt={self.wrt}")


OPERATIONS = [
    *[unary] * 6, *[binary] * 6, dim_number, none_broadcast, pairwise, *[reduction] * 4,
    *[normalised] * 2, *[matmul] * 4, *[structured] * 2, *[einsum] * 2, *[reshaped] * 2,
    *[sliced] * 3, *[gathered] * 2, picked, *[joined] * 2, *[windowed] * 2,
]
LOOPED = list(OPERATIONS)
LOOPED += [scanned(LOOPED)] * 20


def problem(seed: int, scalar: bool = True, loops: bool = False) -> Problem | None:
    """A random problem whose value and gradients are finite and moderate, or None.

    With ``loops`` there is a recurrence in it.
    """
    rng = np.random.default_rng([20_240, seed])
    operations = LOOPED if loops else OPERATIONS
    g = Generator(rng)
    g.declare()
    for _ in range(int(rng.integers(3, 9))):
        made = None
        for _ in range(6):
            made = g.grow(operations)
            if made is not None:
                break
        if made is not None:
            with np.errstate(all="ignore"):
                try:
                    value = made.meaning(g.arrays)
                except (ValueError, IndexError, TypeError) as error:
                    raise AssertionError(f"the generator is wrong at {made.text}") from error
            assert np.shape(value) == g.sizes(made), (made.text, np.shape(value), g.sizes(made))
            if np.all(np.isfinite(value)) and np.max(np.abs(value), initial=0) < 1e3:
                g.keep(made)
    last = g.pool[-1]
    if scalar and last.ndim:
        last = _to_scalar(g, last)
    if scalar and g.chance(0.35):
        other = g.pick(g.pool)
        extra = _to_scalar(g, other)
        final = last
        last = Piece(f"{final} + {extra}*{final}", (),
                     lambda env: final.meaning(env) + extra.meaning(env) * final.meaning(env))
    text = "; ".join([*g.parts, last.text])
    names = [name for name in g.arrays if name not in ("ids",)]
    order = [names[int(k)] for k in rng.permutation(len(names))]
    if not np.all(np.isfinite(last.meaning(g.arrays))) or len(text) > 3000:
        return None
    used = reached(text, g.loops)
    if loops and not used:
        return None
    return Problem(text, g.shapes, g.assume, g.dims, last.meaning, g.sizes(last),
                   tuple(order[: int(rng.integers(1, len(order) + 1))]), g.arrays, seed,
                   used, g.scoped)


def _to_scalar(g: Generator, p: Piece) -> Piece:
    if p.ndim == 0:
        return p
    kind = g.pick(["weighted", "square", "mean", "sum", "logsumexp"])
    if kind == "weighted" and "G" not in g.arrays:
        names = {str(s) for d in p.shape for s in sympy.sympify(d).free_symbols}
        plain = all(isinstance(d, int) or sympy.sympify(d).is_Symbol for d in p.shape)
        if plain and names <= set(g.dims):
            g.shapes["G"] = " ".join(str(d) for d in p.shape)
            g.arrays["G"] = g.rng.normal(size=g.sizes(p))
            return Piece(f"sum(G*{p})", (), lambda env: anp.sum(env["G"] * p.meaning(env)), True)
    if kind == "square":
        return Piece(f"sum({p}**2)/2", (), lambda env: anp.sum(p.meaning(env) ** 2) / 2)
    if kind == "mean":
        return Piece(f"mean({p}*sin({p}))", (),
                     lambda env: anp.mean(p.meaning(env) * anp.sin(p.meaning(env))), True)
    if kind == "logsumexp":
        return Piece(f"logsumexp({p.text})", (), lambda env: logsumexp(p.meaning(env), None), True)
    return Piece(f"sum({p.text})", (), lambda env: anp.sum(p.meaning(env)), True)
