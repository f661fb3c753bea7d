"""Bits that are right against the size of the input, as a picture."""

from __future__ import annotations

from pathlib import Path

from mathdl.accuracy.report import Point, Stability
from mathdl.errors import InputError
from mathdl.extra import extra

SUFFIXES = (".png", ".svg", ".pdf")
PRECISION = {"float64": 53, "float32": 24}


def draw(found: Stability, path: Path) -> Path:
    """One panel for each input that moved, one line for each quantity.

    Raises:
        InputError: the suffix names no format of pictures.
        MissingExtraError: matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"a picture ends in {', '.join(SUFFIXES)}, not {path.name!r}")
    moved = list(dict.fromkeys(p.moved for p in found.points))
    figure = extra("matplotlib.figure", "the picture of stability", "plot").Figure(
        figsize=(7.5, 0.8 + 2.8 * len(moved)), dpi=140, layout="constrained"
    )
    most = PRECISION[found.dtype]
    for axes, name in zip(figure.subplots(len(moved), squeeze=False)[:, 0], moved, strict=True):
        ticks: list[float] = []
        for quantity, by in found.quantities():
            if by != name:
                continue
            points = found.series(quantity, by)
            ticks = [p.at for p in points]
            label = "value" if quantity == "value" else f"derivative by {quantity}"
            axes.plot(range(len(points)), [_height(p) for p in points], "o-", ms=4, label=label,
                      alpha=0.8)
        axes.axhline(most, color="0.8", lw=0.8, zorder=0)
        axes.set(ylabel="bits that are right", xlabel=name, ylim=(-1.5, most * 1.06))
        axes.set_xticks(range(len(ticks)), [f"{t:.3g}" for t in ticks], rotation=60)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.25)
        axes.legend(frameon=False, loc="lower left")
    figure.suptitle(_title(found.expression, found.dtype), parse_math=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    return path


def _height(p: Point) -> float:
    return float("nan") if p.bits is None else p.bits


def _title(expression: str, dtype: str) -> str:
    text = " ".join(expression.split())
    return f"{text if len(text) <= 70 else text[:67] + '...'}   ({dtype})"
