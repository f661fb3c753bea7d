"""What a rung of the ladder is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mathdl.errors import UnsupportedError
from mathdl.verify.report import Check
from mathdl.verify.subject import Subject


class NotApplicable(UnsupportedError):
    """A rung has nothing to say about a subject; the message says why."""


@dataclass(frozen=True)
class Effort:
    """How much is tried: instances of different sizes, or of those given, from the seed."""

    seed: int = 0
    points: int = 3
    dims: Mapping[str, int] | None = None


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
