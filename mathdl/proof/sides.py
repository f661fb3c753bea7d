"""The two sides of every kind of step at an instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from mathdl.ir.steps import (
    Accumulation,
    Derivative,
    Projection,
    PullBack,
    Restriction,
    Rewrite,
    Step,
)
from mathdl.ir.system import with_steps
from mathdl.ir.tensor import Tensor
from mathdl.primitives.registry import lookup_primitive
from mathdl.proof.evaluate import Array, Evaluator

EQUAL = 1e-9  # of two sides of an equation, relative to their size
SLOPE = 1e-7  # of a slope by differences, where they are better than that
LOOSE = 1e-3  # from where on differences decide nothing


def sides(
    step: Step, at: Evaluator, rng: np.random.Generator
) -> Iterator[tuple[Array, Array, float]]:
    """Pairs of arrays that a step says are equal, with how near they must be."""
    match step:
        case Rewrite(before=a, after=b) | Restriction(before=a, after=b):
            yield at.value(a), at.value(b), EQUAL
        case Accumulation(terms=terms, after=after):
            total: Array = np.zeros(at.shape(after))
            for term in terms:
                total = total + at.value(term)
            yield total, at.value(after), EQUAL
        case Projection(before=before, after=after, axes=axes, rule=rule):
            array = at.value(before)
            for p, q in axes:
                turned = np.swapaxes(array, p, q)
                if rule.name == "projected":
                    array = (array + turned) / 2
                else:
                    n = array.shape[p]
                    shape = [1] * array.ndim
                    shape[p] = shape[q] = n
                    array = array + turned - np.eye(n).reshape(shape) * array
            yield array, at.value(after), EQUAL
        case PullBack():
            yield from _slopes(step, at, rng)
        case Derivative(value=value, variable=variable, after=after):
            slope = _direction(variable, at, rng)
            if slope.ndim > 1 and any(map(_one_triangle, with_steps([value]))):
                slope = _symmetric(slope)
            rise, apart = _difference(value, variable, slope, at)
            yield np.tensordot(at.value(after), slope, axes=slope.ndim), rise, _bound(apart, rise)


def _direction(tensor: Tensor, at: Evaluator, rng: np.random.Generator) -> Array:
    return np.asarray(rng.normal(0, 1, at.value(tensor).shape))


def _one_triangle(tensor: Tensor) -> bool:
    """Whether it is of a symmetric matrix of which one triangle is read."""
    call = tensor.call
    return call is not None and tensor.recurrence is None and (
        lookup_primitive(call.primitive).one_triangle
    )


def _symmetric(slope: Array) -> Array:
    square = slope.shape[-1] == slope.shape[-2]
    return np.asarray((slope + np.swapaxes(slope, -1, -2)) / 2) if square else slope


def _four(function: Callable[[float], Array]) -> tuple[Array, float]:
    """A derivative at 0 by differences of order four, and how far two steps are apart.

    Of several steps the two neighbours that agree best are taken.
    """
    found = []
    for h in (1e-2, 1e-3, 1e-4, 1e-5):
        near, far = function(h) - function(-h), function(2 * h) - function(-2 * h)
        found.append((8 * near - far) / (12 * h))
    apart = [float(np.abs(a - b).max(initial=0.0)) for a, b in pairwise(found)]
    best = int(np.nanargmin(apart)) if not np.isnan(apart).all() else 0
    return np.asarray(found[best + 1]), apart[best]


def _difference(
    value: Tensor, variable: Tensor, slope: Array, at: Evaluator
) -> tuple[Array, float]:
    """The slope of ``value`` along a direction of an input, everything else as it is."""

    def moved(h: float) -> Array:
        def inputs(tensor: Tensor) -> Array:
            base = at.inputs(tensor)
            return base + h * slope if tensor is variable else base

        return Evaluator(inputs, at.sizes).value(value)

    return _four(moved)


def _slopes(
    step: PullBack, at: Evaluator, rng: np.random.Generator
) -> Iterator[tuple[Array, Array, float]]:
    """``<contribution, v> = sum over consumers of <M_bar, dM[v]>`` for a random ``v``."""
    slope = _direction(step.target, at, rng)
    total: Array = np.zeros(tuple(at.size(d) for d in step.prefix))
    worst = 0.0
    for consumer, cotangent in step.consumers:
        at.value(consumer)
        if slope.ndim > 1 and _one_triangle(consumer):
            slope = _symmetric(slope)
        slots = [step.slot] if step.slot is not None else [
            k for k, a in enumerate(consumer.operands) if a.tensor is step.target
        ]

        def moved(
            h: float, m: Tensor = consumer, own: Sequence[int] = slots, v: Array = slope
        ) -> Array:
            return at.again(m, {k: at.known[m.operands[k].tensor] + h * v for k in own})

        rise, apart = _four(moved)
        worst = max(worst, apart)
        total = total + np.tensordot(at.value(cotangent), rise, axes=rise.ndim)
    found = np.tensordot(at.value(step.after), slope, axes=slope.ndim)
    yield found, total, _bound(worst * _size(step, at), total)


def _size(step: PullBack, at: Evaluator) -> float:
    """By how much an error of a slope is multiplied at most."""
    return max((float(np.abs(at.value(c)).sum()) for _, c in step.consumers), default=1.0)


def _bound(apart: float, found: Array) -> float:
    """The error that differences can have; infinite when they decide nothing."""
    size = max(1.0, float(np.abs(found).max(initial=0.0)))
    own = 20 * apart / size
    return max(SLOPE, own) if own < LOOSE else float("inf")
