r"""The slope of a computed function along a line, with a bound on its error.

For ``psi(t)`` with values on both sides of 0 the odd part ``(psi(t) - psi(-t))/2`` is
``a_1 t + a_3 t^3 + ...``.  At one step size ``h`` it is taken at four points up to ``h``, and
``D_p`` is the slope at 0 of the odd polynomial through the outer ``p`` of them, so that ``D_4``
is of order ``h^8``.  Two errors remain:

* **rounding**: each odd part is off by at most the noise ``s`` of a value, so ``D_4`` by at most
  ``s * sum |w_i| / t_i``, with ``s`` taken at the quantile of Student's t at which a chance
  refusal has probability ``TAIL``;
* **truncation**: where the differences ``E_p = |D_p - D_(p-1)|`` fall by a ratio ``r`` of at
  most 1/2 they bound what is left by a geometric series, ``E_4 (r + r^2 + ...) <= E_4``.  A
  chance zero of ``E_4`` is guarded against by ``E_3^2/E_2``, the value that the ratio predicts,
  and a chance fall by asking for 1/8: a step that resolves the function is a rung away from one
  at which ``r`` is ``16^-2``.

Where they do not fall, or the centre is off the curve of its neighbours, the step is too wide
for the function (or crosses a kink) and says nothing.  Step sizes fall by 16 from ``2^-7`` of the
argument's size until truncation is below rounding: then a smaller step could only be worse.  A
slope is refused only when two step sizes refuse it and agree with each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from mathdl.verify.noise import EPS, VALUE_FREEDOM, Array, student

# Not in simple ratios: equidistant values of a fast oscillation can look like a slow one.
NODES = np.array([0.2361, 0.5176, 0.7808, 1.0])
LADDER = tuple(float(h) for h in 2.0 ** -np.arange(7.0, 40.0, 4.0))


def ladder(eps: float) -> tuple[float, ...]:
    """The step sizes for values of that precision: the widest is the same power of it."""
    wider = LADDER[0] ** (math.log(eps) / math.log(EPS) - 1.0) if eps > EPS else 1.0
    return tuple(h * wider for h in LADDER)


def _slope_weights() -> Array:
    """Row ``p - 1``: weights on ``odd(t_i)/t_i`` of ``D_p``: Lagrange in ``t^2`` at 0."""
    weights = np.zeros((4, 4))
    squares = NODES**2
    for p in range(1, 5):
        used = range(4 - p, 4)
        for i in used:
            others = [squares[j] for j in used if j != i]
            weights[p - 1, i] = np.prod([s / (s - squares[i]) for s in others])
    return weights


def _jump_weights() -> Array:
    """Weights on ``even(t_i)/t_i`` of ``b_0`` in ``b_0 + b_1 t + b_3 t^3 + ...``.

    ``2 b_0`` is the difference of the one-sided slopes: first from three nodes, then from four.
    """
    return _constant_weights([0, 1, 3, 5])


def _gap_weights() -> Array:
    """Weights on ``even(t_i)`` of ``c`` in ``c + b_0 t + b_2 t^2 + b_4 t^4``, with and without
    the last term: ``c`` is 0 where the centre lies on the curve of its neighbours."""
    return _constant_weights([0, 1, 2, 4])


def _constant_weights(powers: list[int]) -> Array:
    """Weights of the constant term of a sum of powers: without the last one, and with it."""
    weights = np.zeros((2, 4))
    weights[0, 1:] = np.linalg.inv(NODES[1:, None] ** np.array(powers[:3]))[0]
    weights[1] = np.linalg.inv(NODES[:, None] ** np.array(powers))[0]
    return weights


_SLOPE, _JUMP, _GAP = _slope_weights(), _jump_weights(), _gap_weights()
# sum |w_i| / t_i at h = 1: how much D_4 (and b_0) enlarge the noise of a value
SLOPE_GAIN = float(np.sum(np.abs(_SLOPE[3]) / NODES))
JUMP_GAIN = 2 * float(np.sum(np.abs(_JUMP[1]) / NODES))
GAP_GAIN = 2 * float(np.sum(np.abs(_GAP[1])))


class Status(IntEnum):
    """What became of one number."""

    AGREES = 0
    REFUSED = 1
    KINK = 2
    UNRESOLVED = 3


@dataclass(frozen=True)
class Slope:
    """Per output: the slope found (of ``psi``, so its error against 0), bound and status."""

    error: Array
    bound: Array
    status: Array


@dataclass(frozen=True)
class _Level:
    slope: Array
    bound: Array
    sharp: Array
    jump: Array  # b_0, 0 where insignificant


Probe = Callable[[float], tuple[Array, Array]]


def slope_at_zero(
    probe: Probe, value: Array, noise: Array, slack: Array, steps: Sequence[float] = LADDER
) -> Slope:
    """The slope of ``psi(t) = f(x(t)) - f(x) - J (x(t) - x)``, which is 0 for the right ``J``.

    ``probe(t)`` gives ``f(x(t)) - f(x)`` and ``J (x(t) - x)``, with ``x(t)`` as rounded, so that
    the rounding of the argument costs nothing; values that are not finite are allowed.
    ``value`` is ``f(x)``, ``noise`` that of ``f`` and ``slack`` a bound on the error of ``J``
    itself along the line.
    """
    levels: list[_Level] = []
    moved = np.zeros(value.shape, dtype=bool)
    verdict: Slope | None = None
    for h in steps:
        level, moves = _at_step(probe, h, value, noise, slack, moved)
        moved |= moves
        levels.append(level)
        verdict, settled = _judge(levels)
        if np.all(settled):
            break
    assert verdict is not None
    return verdict


def _at_step(
    probe: Probe, h: float, value: Array, noise: Array, slack: Array, moved: Array
) -> tuple[_Level, Array]:
    steps = h * NODES
    differences = np.empty((2, 4, value.size))
    linear = np.empty((2, 4, value.size))
    for side, sign in enumerate((1.0, -1.0)):
        for i, t in enumerate(steps):
            differences[side, i], linear[side, i] = probe(sign * float(t))
    psi = differences - linear
    finite = np.all(np.isfinite(psi), axis=(0, 1))
    psi = np.where(finite, psi, 0.0)
    largest = np.max(np.abs(differences), axis=(0, 1)) + np.abs(value)
    scale = np.maximum(noise, EPS * np.maximum(largest, np.max(np.abs(linear), axis=(0, 1))))
    unit = student(VALUE_FREEDOM) * scale / h
    odd = (psi[0] - psi[1]) / (2 * steps[:, None])
    estimates = _SLOPE @ odd
    e2, e3, e4 = np.abs(np.diff(estimates, axis=0))
    rounding = SLOPE_GAIN * unit
    truncation = np.maximum(e4, e3 * np.minimum(1.0, e3 / np.where(e2 > 0, e2, 1.0)))
    falls = (8 * e4 <= e3) & (8 * e3 <= e2)
    slope = estimates[3]
    bound = truncation + rounding + slack
    even = (psi[0] + psi[1]) / 2
    fewer, gap = _GAP @ even
    spike = np.abs(gap) > GAP_GAIN * h * unit + np.abs(gap - fewer)
    fewer, jump = _JUMP @ (even / steps[:, None])
    certain = np.abs(jump) > JUMP_GAIN * unit + np.abs(jump - fewer)
    moves = np.any(differences != 0, axis=(0, 1))
    # Values that moved further out and stand still here are coarser than the step.
    coarse = moved & ~moves & (np.abs(slope) > bound)
    usable = finite & ((e4 <= rounding) | falls) & ~coarse & ~spike & np.isfinite(bound)
    return _Level(
        slope=slope,
        bound=np.where(usable, bound, np.inf),
        sharp=usable & (truncation <= rounding + slack),
        jump=np.where(certain, jump, 0.0),
    ), moves


def _judge(levels: list[_Level]) -> tuple[Slope, Array]:
    """The verdict of the two sharpest levels, and where it needs no further level."""
    bounds = np.stack([level.bound for level in levels])
    slopes = np.stack([level.slope for level in levels])
    jumps = np.stack([level.jump for level in levels])
    sharps = np.stack([level.sharp for level in levels])
    order = np.argsort(bounds, axis=0, kind="stable")
    columns = np.arange(bounds.shape[1])
    one, two = order[0], order[min(1, len(levels) - 1)]
    first, second = bounds[one, columns], bounds[two, columns]
    if len(levels) == 1:
        second = np.full_like(first, np.inf)
    d1, d2 = slopes[one, columns], slopes[two, columns]
    usable, both = np.isfinite(first), np.isfinite(second)
    accepts = usable & (np.abs(d1) <= first)
    # The sharpest level refuses and the next does not: the next one's bound is what holds.
    fallback = usable & ~accepts & both & (np.abs(d2) <= second)
    refuses = usable & ~accepts & both & ~fallback
    agree = np.abs(d1 - d2) <= first + second
    kink = refuses & agree & (jumps[one, columns] * jumps[two, columns] > 0)
    status = np.full(first.shape, int(Status.UNRESOLVED))
    status[accepts | fallback] = Status.AGREES
    status[refuses & agree] = Status.REFUSED
    status[kink] = Status.KINK
    settled = (accepts & sharps[one, columns]) | (refuses & agree)
    slope = Slope(
        error=np.where(fallback, d2, d1),
        bound=np.where(fallback, second, first),
        status=status,
    )
    return slope, settled
