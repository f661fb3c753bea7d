"""Random recurrences: a step is random text over states, entries of sequences and the pool.

The language of text has no loops: a loop's result is a name in the text, and so are the states
and entries in that of its step.  :func:`tensor_of` puts tensors in their places; the meaning is a
loop in Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np
from pieces import Env, Generator, Piece, plain_dims

import mathdl as md
from mathdl.ir.system import inputs_of, rewrite
from mathdl.ir.tensor import Tensor
from mathdl.language.declare import declare_inputs
from mathdl.language.declared import remember

DEEPEST = 2
MAX_STATE = 30


@dataclass(frozen=True)
class Loop:
    """A recurrence; pieces of text with the definitions before them."""

    states: tuple[tuple[str, Piece], ...]  # with what each starts as
    items: tuple[tuple[str, Piece], ...]  # with the sequence
    nexts: tuple[Piece, ...]
    emit: Piece | None  # what is collected; the last of the first state if nothing
    reverse: bool
    outside: tuple[str, ...]
    inside: tuple[str, ...]

    def __str__(self) -> str:
        states = ", ".join(f"{s} = {p.text} -> {n.text}"
                           for (s, p), n in zip(self.states, self.nexts, strict=True))
        items = ", ".join(f"{i} in {p.text}" for i, p in self.items)
        kept = "last" if self.emit is None else self.emit.text
        within = "; ".join(self.inside[len(self.outside):])
        return f"[{'reversed ' * self.reverse}{items}: {within}: {states}: {kept}]"

    def meaning(self, env: Env) -> Any:
        carry = [p.meaning(env) for _, p in self.states]
        sequences = [p.meaning(env) for _, p in self.items]
        count = len(sequences[0])
        made: list[Any] = [None] * count
        for t in reversed(range(count)) if self.reverse else range(count):
            names = {s: value for (s, _), value in zip(self.states, carry, strict=True)}
            names |= {i: x[t] for (i, _), x in zip(self.items, sequences, strict=True)}
            at = {**env, **names}
            carry = [p.meaning(at) for p in self.nexts]
            made[t] = None if self.emit is None else self.emit.meaning(at)
        return carry[0] if self.emit is None else anp.stack(made)


@dataclass
class Reading:
    """How texts become tensors: the declared inputs, and the loops by name."""

    shapes: Mapping[str, Any]
    assume: Mapping[str, str]
    loops: Mapping[str, Loop]
    scoped: Mapping[str, Any]

    def tensor(self, text: str, scope: Mapping[str, Tensor]) -> Tensor:
        expr = md.parse(text, shapes={**self.shapes, **self.scoped}, assume={
            **self.assume, **{name: "integer" for name in self.scoped if name.startswith("k")}})
        places: dict[Tensor, Tensor] = {}
        for given in inputs_of([expr]):
            name = str(given.name)
            if name in scope:
                places[given] = scope[name]
            elif name in self.loops:
                places[given] = self.loop(self.loops[name], scope)
        return rewrite([expr], replace=places)[0]

    def loop(self, loop: Loop, scope: Mapping[str, Tensor]) -> Tensor:
        def outside(piece: Piece) -> Tensor:
            return self.tensor("; ".join([*loop.outside, piece.text]), scope)

        def step(states: tuple[Tensor, ...], items: tuple[Tensor, ...]) -> Any:
            within = {**scope,
                      **{name: s for (name, _), s in zip(loop.states, states, strict=True)},
                      **{name: i for (name, _), i in zip(loop.items, items, strict=True)}}
            *after, kept = (self.tensor("; ".join([*loop.inside, p.text]), within)
                            for p in (*loop.nexts, loop.emit or loop.nexts[0]))
            return tuple(after), kept

        last, kept = md.scan(step, tuple(outside(p) for _, p in loop.states),
                             tuple(outside(p) for _, p in loop.items), reverse=loop.reverse)
        found: Tensor = last[0] if loop.emit is None else kept
        return found


def tensor_of(problem: Any) -> Tensor:
    """The expression of a problem, with its loops."""
    if not problem.loops:
        return md.parse(problem.text, shapes=problem.shapes, assume=problem.assume)
    reading = Reading(problem.shapes, problem.assume, problem.loops, problem.scoped)
    made = reading.tensor(problem.text, {})
    return remember(made, declare_inputs(problem.shapes, problem.assume))


def reached(text: str, loops: Mapping[str, Loop]) -> dict[str, Loop]:
    """The loops named in a text, and in theirs."""
    found: dict[str, Loop] = {}
    for name in re.findall(r"\br\d+\b", text):
        if name in loops and name not in found:
            inner = loops[name]
            outside = "; ".join([*inner.outside, str(inner)])
            found |= {name: inner, **reached(outside, loops)}
    return found


# -- drawing ------------------------------------------------------------------------------------


def scanned(operations: list[Any]) -> Callable[[Generator, Piece], Piece | None]:
    """The operation that folds a random step, of these operations, over a sequence."""
    def scan(g: Generator, p: Piece) -> Piece | None:
        if p.ndim == 0 or g.depth >= DEEPEST or not plain_dims(p.shape):
            return None
        number = len(g.loops)
        starts = [q for q in g.pool if q.ndim <= 2 and plain_dims(q.shape)
                  and np.prod(g.sizes(q)) <= MAX_STATE]
        if not starts:
            return None
        states = [(f"s{number}_{k}", g.pick(starts)) for k in range(g.pick([1, 1, 2]))]
        if g.chance(0.3):
            name, first = states[0]
            zeros = g.sizes(first)
            states[0] = (name, Piece(f"0*{first}", first.shape, lambda env: np.zeros(zeros)))
        long = [q for q in g.pool if q.ndim and q.shape[0] == p.shape[0] and plain_dims(q.shape)]
        items = [(f"x{number}_0", p)]
        if g.chance(0.4):
            items.append((f"x{number}_1", g.pick(long)))
        inner, numbers = _inner(g, number, states, items)
        _grow(inner, operations)
        nexts = tuple(_next(inner, name, start) for name, start in states)
        emit = None if g.chance(0.3) else g.pick(inner.pool)
        loop = Loop(tuple(states), (*items, *numbers), nexts, emit, g.chance(0.4),
                    tuple(g.parts), tuple(inner.parts))
        shape = nexts[0].shape if emit is None else (p.shape[0], *emit.shape)
        if not plain_dims(shape):
            return None
        name = f"r{number}"
        g.loops[name] = loop
        g.scoped[name] = shape
        return Piece(name, shape, loop.meaning, atom=True)

    return scan


def _inner(g: Generator, number: int, states: Any, items: Any) -> tuple[Generator, Any]:
    """The generator of a step's text, at the values of its first time."""
    g.loops[f"r{number}"] = None  # type: ignore[assignment]
    arrays = dict(g.arrays)
    pool = [q for q in g.pool if q.atom][-4:]
    for name, start in states:
        g.scoped[name] = start.shape
        arrays[name] = start.meaning(g.arrays)
        pool.append(Piece(name, start.shape, lambda env, name=name: env[name], atom=True))
    for name, sequence in items:
        g.scoped[name] = sequence.shape[1:]
        arrays[name] = sequence.meaning(g.arrays)[0]
        pool.append(Piece(name, sequence.shape[1:], lambda env, name=name: env[name], atom=True))
    numbers = []
    for name, count, of in g.integers:
        tables = [q for q in pool if q.ndim and q.shape[0] == of]
        if count == items[0][1].shape[0] and tables:
            index = f"k{number}"
            g.scoped[index] = ()
            numbers.append((index, Piece(name, (count,), lambda env, n=name: env[n], True)))
            arrays[index] = g.arrays[name][0]
            table = g.pick(tables)
            pool.append(Piece(
                f"{table}[{index}]", table.shape[1:],
                lambda env, q=table, i=index: q.meaning(env)[int(env[i])], atom=True))
            break
    inner = Generator(g.rng, g.dims, pool, list(g.parts), g.shapes, g.assume, arrays, g.integers,
                      loops=g.loops, scoped=g.scoped, depth=g.depth + 1, stem=f"u{number}_")
    return inner, numbers


def _grow(g: Generator, operations: list[Any]) -> None:
    for _ in range(int(g.rng.integers(2, 6))):
        made = g.grow(operations)
        if made is not None and plain_dims(made.shape):
            with np.errstate(all="ignore"):
                value = made.meaning(g.arrays)
            if np.all(np.isfinite(value)) and np.max(np.abs(value), initial=0) < 1e3:
                g.keep(made)


def _next(g: Generator, name: str, start: Piece) -> Piece:
    """What a state becomes: mostly bounded, sometimes another state or itself."""
    alike = [q for q in g.pool if q.shape == start.shape]
    found = g.pick(alike[len(alike) // 2:])
    if g.chance(0.2):
        return found
    if g.chance(0.5):
        own = next(q for q in alike if q.text == name)
        return Piece(f"tanh({found.text})*0.8 + {name}/2", start.shape,
                     lambda env: anp.tanh(found.meaning(env)) * 0.8 + own.meaning(env) / 2)
    return Piece(f"sin({found.text})", start.shape, lambda env: anp.sin(found.meaning(env)), True)
