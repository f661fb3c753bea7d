"""What a verification found: a table per derivative, and what reproduces it.

A report is text, JSON, Markdown or HTML; from its JSON it is read back without evaluating
anything, and what it is about can be derived and verified again (:func:`mathdl.replay`).
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import mpmath
import numpy as np
import scipy
import sympy

from mathdl._version import __version__
from mathdl.errors import InputError


def versions() -> dict[str, str]:
    """The versions on which numbers may depend."""
    return {
        "mathdl": __version__, "python": platform.python_version(), "numpy": np.__version__,
        "scipy": scipy.__version__, "sympy": sympy.__version__, "mpmath": mpmath.__version__,
    }


SHAPES = "shapes"


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
    rung, why
        The rung of the ladder, and why its bound is what it is.
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
    rung: str = "numeric"
    why: str = ""

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
    """All checks of one verification; true when each derivative was checked and none failed.

    times, claims, not_applicable
        By rung of the ladder: seconds, what it establishes, and why it had nothing to say.
    request
        What was derived and verified, as data; None for what is not a derivation.
    """

    checks: tuple[Check, ...]
    quantities: tuple[tuple[str, str], ...]
    level: str
    seed: int
    seconds: float
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=versions)
    times: Mapping[str, float] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict)
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    request: Mapping[str, Any] | None = None

    @property
    def unchecked(self) -> tuple[str, ...]:
        """Derivatives of which nothing could be compared; a right shape is not enough."""
        deciding = [c for c in self.checks if c.rung != SHAPES] if (
            set(self.claims) - {SHAPES}) else self.checks
        seen = {(c.tensor, c.quantity) for c in deciding if c.tried or not c.ok}
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

    def text(self) -> str:
        """As printed, with what each rung establishes and why each bound is what it is."""
        lines = [str(self), "", *self._reasons, "", f"versions: {self._versions}"]
        if self.request is not None:
            lines.append(f"of: {json.dumps(self.request, ensure_ascii=False)}")
        return "\n".join(lines)

    def markdown(self) -> str:
        """For GitHub and notebooks."""
        head, *rows = self._rows()
        lines = [f"**{self._verdict}**: {_escaped(self._summary)}", ""]
        for row in (head, ["---"] * len(head), *rows):
            lines.append(f"| {' | '.join(map(_escaped, row))} |")
        lines += ["", *(f"- {_escaped(item)}" for item in (*self._remarks, *self._reasons))]
        return "\n".join([*lines, "", f"Versions: {self._versions}", ""])

    def html(self) -> str:
        """A page that works offline; it ends with the report as JSON."""
        from html import escape

        from mathdl.present.notebook import verdict_html

        table = verdict_html(
            self._verdict, self._summary, self._rows(), [*self._remarks, *self._reasons])
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f"<title>{escape(self._verdict)}</title><style>{_STYLE}</style></head>\n<body>"
            f"<h1>Verification report</h1>{table}<p>Versions: {escape(self._versions)}</p>"
            f"<details><summary>The report as JSON</summary><pre>{escape(self.to_json())}</pre>"
            "</details></body></html>\n"
        )

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
    def _versions(self) -> str:
        return ", ".join(f"{name} {version}" for name, version in self.versions.items())

    @property
    def _remarks(self) -> list[str]:
        return [
            *(f"refused: {check.failure()}" for check in self.failures),
            *(f"not checked: {name}" for name in self.unchecked),
            *(f"{rung}: not applicable, because {why}"
              for rung, why in self.not_applicable.items()),
            *(f"note: {note}" for note in self.notes),
        ]

    @property
    def _reasons(self) -> list[str]:
        """What the rungs establish, and why the bounds."""
        claims = [f"{rung} ({self.times[rung]:.2f} s): {claim}"
                  for rung, claim in self.claims.items() if rung in self.times]
        whys = dict.fromkeys((c.method, c.why) for c in self.checks if c.why)
        return [*claims, *(f"bound of {method}: {why}" for method, why in whys)]

    def _rows(self) -> list[list[str]]:
        several = len(self.claims) > 1
        rows = [["", "", "method", "points", "tried", "skipped", "worst error", "bound", ""]]
        for c in self.checks:
            rows.append([
                c.quantity, c.tensor, c.method, str(c.points), str(c.tried),
                str(c.kinks + c.unresolved), f"{c.error:.1e}", f"{c.bound:.1e}",
                "ok" if c.ok else "REFUSED",
            ])
        names = ["rung", *(c.rung for c in self.checks)]
        return [[name, *row] for name, row in zip(names, rows, strict=True)] if several else rows

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
            "quantities": [list(q) for q in self.quantities],
            "times": dict(self.times),
            "claims": dict(self.claims),
            "not_applicable": dict(self.not_applicable),
            "request": None if self.request is None else dict(self.request),
        }

    def to_json(self, indent: int | None = 2) -> str:
        """The same as strict JSON: a number that is not finite becomes its name."""
        return json.dumps(_finite(self.to_dict()), indent=indent, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """The report that :meth:`to_json` wrote.

        Raises InputError for text that is none.
        """
        try:
            data = json.loads(text)
            checks = tuple(_check(c) for c in data["checks"])
            return cls(
                checks=checks,
                quantities=tuple((str(key), str(what)) for key, what in data["quantities"]),
                level=str(data["level"]), seed=int(data["seed"]), seconds=float(data["seconds"]),
                notes=tuple(map(str, data["notes"])), versions=dict(data["versions"]),
                times=dict(data["times"]), claims=dict(data["claims"]),
                not_applicable=dict(data["not_applicable"]), request=data["request"],
            )
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InputError(f"this is no report of a verification: {error}") from None


def _check(data: Mapping[str, Any]) -> Check:
    numbers = {name: float(data[name]) for name in ("error", "bound", "expected", "got")}
    entry = None if data["entry"] is None else tuple(map(int, data["entry"]))
    return Check(**{**data, **numbers, "entry": entry})


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


def _escaped(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{padding:.2rem .7rem;border-bottom:1px solid #ccc;"
    "text-align:left;white-space:nowrap}pre{overflow:auto}"
)


def _table(rows: list[list[str]]) -> list[str]:
    """Columns aligned: text to the left, numbers to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    numbers = range(len(widths) - 6, len(widths) - 1)
    return [
        "  ".join(
            cell.rjust(w) if k in numbers else cell.ljust(w)
            for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
