"""The table of stability: the worst error of each formula, in both precisions.

``python tests/stability/table.py [WORD ...]`` prints it, of the formulas with a word in them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence

import formulas
from formulas import FORMULAS, Formula

from mathdl.accuracy import Stability, stability

SIZES = {"n": 2, "c": 3, "m": 3}
#: One of each kind of trouble: overflow, underflow, cancellation, saturation.
FEW = (-1e300, -1e3, -50.0, 0.0, 1e-20, 20.0, 700.0, 1e300)


def measured(
    formula: Formula, dtype: str = "float64", at: Sequence[float] | None = None
) -> Stability:
    """The bits of a formula."""
    names = formula.wrt.split(",") if formula.wrt else None
    return stability(
        formula.text, names, shapes=formula.shapes, assume=formula.assume, dtype=dtype, at=at,
        sizes={k: n for k, n in SIZES.items() if k in formula.shapes.replace(";", " ").split()},
    )


def cell(found: Stability) -> str:
    """The worst error, and how many points lose digits."""
    if found.worst is None:
        return "-"
    error = found.worst.error
    shown = f"{error:.0e}" if math.isfinite(error) else "inf"
    return shown if found else f"{shown} at {len(found.failures)}/{len(found.compared)}"


def rows(chosen: Iterable[Formula]) -> Iterable[str]:
    for formula in chosen:
        cells = [cell(measured(formula, dtype)) for dtype in ("float64", "float32")]
        reason = formula.limit.reason if formula.limit is not None else ""
        yield f"{formula.text:62}{cells[0]:>18}{cells[1]:>18}  {reason}"


if __name__ == "__main__":
    print(f"{'formula':62}{'float64':>18}{'float32':>18}")
    words = sys.argv[1:]
    groups = {name: getattr(formulas, name) for name in words if name.isupper()}
    picked = [f for group in groups.values() for f in group] or FORMULAS
    texts = [w for w in words if w not in groups]
    for line in rows(f for f in picked if not texts or any(w in f.text for w in texts)):
        print(line, flush=True)
