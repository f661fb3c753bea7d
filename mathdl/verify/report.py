"""What a verification found: a table per gradient, and on failure what reproduces it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import sympy

from mathdl._version import __version__


def versions() -> dict[str, str]:
    """The versions on which numbers may depend."""
    return {"mathdl": __version__, "numpy": np.__version__, "sympy": sympy.__version__}


@dataclass(frozen=True)
class Check:
    """One method on one derivative, over all instances.

    tensor, quantity, method
        What was checked (``W`` or, of a mixed block, ``W,b``; ``gradient``) and how.
    points, tried
        How many instances, and how many directions or entries in all.
    kinks, unresolved
        Places that were not compared: a kink of the function, or no step size that resolves it.
    error, bound
        At the place where the error used up most of its bound.
    entry, expected, got
        That entry of the derivative (None for a direction, whose slopes are then given): what
        the differences say, and what was claimed.
    dims, seed, manner
        The instance: ``mathdl.verify.instance(subject, dims, seed, manner)`` draws it again.
    detail
        What was wrong when no number could be compared.
    """

    tensor: str
    quantity: str
    method: str
    points: int
    tried: int
    kinks: int
    unresolved: int
    error: float
    bound: float
    entry: tuple[int, ...] | None
    expected: float
    got: float
    dims: Mapping[str, int]
    seed: int
    manner: str
    ok: bool
    detail: str = ""

    @property
    def place(self) -> str:
        """``W[2, 1]``, or ``W along a random direction``."""
        if self.entry is None:
            return f"{self.tensor} along a random direction"
        return f"{self.tensor}[{', '.join(map(str, self.entry))}]" if self.entry else self.tensor

    def failure(self) -> str:
        """One line: the tensor, the entry, both numbers, and the inputs' seed."""
        sizes = ", ".join(f"{k}={v}" for k, v in self.dims.items()) or "no dims"
        inputs = f"at {sizes}; inputs of seed {self.seed}, {self.manner}"
        if self.detail:
            return f"{self.quantity} {self.tensor}: {self.detail}, {inputs}"
        return (
            f"{self.quantity} {self.place}: expected {self.expected:.15g}, got {self.got:.15g} "
            f"({self.method}: error {self.error:.2g}, bound {self.bound:.2g}), {inputs}"
        )


@dataclass(frozen=True)
class Report:
    """All checks of one verification; true when each derivative was checked and none failed."""

    checks: tuple[Check, ...]
    quantities: tuple[tuple[str, str], ...]
    level: str
    seed: int
    seconds: float
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=versions)

    @property
    def unchecked(self) -> tuple[str, ...]:
        """Derivatives of which nothing could be compared."""
        seen = {(c.tensor, c.quantity) for c in self.checks if c.tried or not c.ok}
        return tuple(f"{quantity} {name}" for name, quantity in self.quantities
                     if (name, quantity) not in seen)

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(c for c in self.checks if not c.ok)

    def __bool__(self) -> bool:
        return bool(self.quantities) and not self.failures and not self.unchecked

    def __str__(self) -> str:
        lines = [f"{self._verdict}: {self._summary}", *_table(self._rows()), *self._remarks]
        return "\n  ".join(lines)

    def _repr_html_(self) -> str:
        from mathdl.present.notebook import verdict_html

        return verdict_html(self._verdict, self._summary, self._rows(), self._remarks)

    @property
    def _verdict(self) -> str:
        return "verified" if self else "REFUSED" if self.failures else "NOT VERIFIED"

    @property
    def _summary(self) -> str:
        return f"{self.level}, seed {self.seed}, {self.seconds:.2f} s"

    @property
    def _remarks(self) -> list[str]:
        return [
            *(f"refused: {check.failure()}" for check in self.failures),
            *(f"not checked: {name}" for name in self.unchecked),
            *(f"note: {note}" for note in self.notes),
        ]

    def _rows(self) -> list[list[str]]:
        rows = [["", "", "method", "points", "tried", "skipped", "worst error", "bound", ""]]
        for c in self.checks:
            rows.append([
                c.quantity, c.tensor, c.method, str(c.points), str(c.tried),
                str(c.kinks + c.unresolved), f"{c.error:.1e}", f"{c.bound:.1e}",
                "ok" if c.ok else "REFUSED",
            ])
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values, for JSON."""
        return {
            "verified": bool(self),
            "level": self.level,
            "seed": self.seed,
            "seconds": self.seconds,
            "checks": [{**asdict(c), "entry": None if c.entry is None else list(c.entry)}
                       for c in self.checks],
            "unchecked": list(self.unchecked),
            "notes": list(self.notes),
            "versions": dict(self.versions),
        }

    def to_json(self, indent: int | None = 2) -> str:
        """The same as strict JSON: a number that is not finite becomes its name."""
        return json.dumps(_finite(self.to_dict()), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


def _table(rows: list[list[str]]) -> list[str]:
    """Columns aligned: text to the left, numbers to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    numbers = range(3, 8)
    return [
        "  ".join(
            cell.rjust(w) if k in numbers else cell.ljust(w)
            for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
