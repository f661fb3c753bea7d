"""What a rung of the ladder is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from mathdl.errors import UnsupportedError
from mathdl.ir.system import inputs_of
from mathdl.ir.tensor import Tensor
from mathdl.verify.dims import Dims, choose_dims
from mathdl.verify.report import Check
from mathdl.verify.sampling import concrete
from mathdl.verify.subject import Subject


class NotApplicable(UnsupportedError):
    """A rung has nothing to say about a subject; the message says why."""


@dataclass(frozen=True)
class Effort:
    """How much is tried: instances of different sizes, or of those given, from the seed."""

    seed: int = 0
    points: int = 3
    dims: Mapping[str, int] | None = None


LARGE = 200  # entries of all inputs; smaller instances go first
MORE = 3  # sizes beyond those wanted, where a matrix is singular at some


def some_sizes(
    point: Callable[[int, Dims], str], tensors: Iterable[Tensor], effort: Effort, wanted: int,
    notes: list[str],
) -> list[Dims]:
    """Sizes at which ``point`` succeeds, ``wanted`` of them; else what it said is noted."""
    tensors, wanted = list(tensors), min(wanted, effort.points)
    found = choose_dims(tensors, effort.dims, count=wanted + MORE,
                        rng=np.random.default_rng(effort.seed))

    def beyond(dims: Dims) -> int:
        entries = sum(math.prod(concrete(t.shape, dims)) for t in inputs_of(tensors))
        return max(entries - LARGE, 0)

    sizes = sorted(found, key=beyond)
    done: list[Dims] = []
    reasons: list[str] = []
    for number, dims in enumerate(sizes):
        if len(done) == wanted:
            break
        if dims in sizes[:number] and (reasons or number >= wanted):
            continue
        reason = point(number, dims)
        if reason:
            reasons.append(reason)
        else:
            done.append(dims)
    if len(done) < wanted:
        notes += reasons[:1] if done else reasons
    return done


@dataclass(frozen=True)
class Found:
    """What a rung found: checks, the derivatives that they are about, and notes."""

    checks: tuple[Check, ...]
    quantities: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rung:
    """One kind of evidence.

    name
        The level that asks for it.
    claim
        What it establishes, in a sentence.
    climb
        Does it; raises :class:`NotApplicable` where it has nothing to say.
    """

    name: str
    claim: str
    climb: Callable[[Subject, Effort], Found]
