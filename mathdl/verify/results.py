"""What methods found over the instances, put together into checks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mathdl.verify.dims import Dims
from mathdl.verify.finite_difference import Place, Tally
from mathdl.verify.report import Check

#: The sizes, the seed and the manner of an instance.
Where = tuple[Dims, int, str]


@dataclass
class Result:
    """What one method found for one tensor over the instances."""

    points: int = 0
    tally: Tally = field(default_factory=Tally)
    where: Where = field(default_factory=lambda: ({}, 0, "normal"))
    detail: str = ""
    why: str = ""

    def add(self, tally: Tally, where: Where) -> None:
        self.points += tally.tried > 0
        self.tally.tried += tally.tried
        self.tally.kinks += tally.kinks
        self.tally.unresolved += tally.unresolved
        before = self.tally.worst
        if tally.worst is not None:
            self.tally.add(tally.worst)
            if self.tally.worst is not before:
                self.where = where

    def refuse(self, detail: str, where: Where) -> None:
        """What is wrong where no number can be compared."""
        self.detail, self.where = detail, where

    def check(self, rung: str, name: str, quantity: str, method: str) -> Check:
        worst = self.tally.worst or Place(None, np.nan, np.nan, np.nan, np.nan, True)
        dims, seed, manner = self.where
        return Check(
            name, quantity, method, self.points, self.tally.tried, self.tally.kinks,
            self.tally.unresolved, worst.error, worst.bound, worst.entry, worst.expected,
            worst.got, dims, seed, manner, worst.ok and not self.detail, self.detail, rung,
            self.why,
        )


class Results:
    """The results of a rung by derivative, quantity and method."""

    def __init__(self, rung: str) -> None:
        self.rung = rung
        self.found: dict[tuple[str, str, str], Result] = {}

    def of(self, key: str, quantity: str, method: str, why: str = "") -> Result:
        result = self.found.setdefault((key, quantity, method), Result())
        result.why = why or result.why
        return result

    def checks(self) -> tuple[Check, ...]:
        return tuple(result.check(self.rung, *about) for about, result in self.found.items())
