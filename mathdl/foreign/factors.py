"""What a factor is, told by its values at several instances: 2, n, 1/lam, n/(n - 1)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from mathdl.foreign.samples import Sample

#: Constants in the order in which they are tried.
_CONSTANTS = {
    "1": 1.0, "2": 2.0, "1/2": 0.5, "3": 3.0, "1/3": 1 / 3, "4": 4.0, "1/4": 0.25,
    "3/2": 1.5, "2/3": 2 / 3, "6": 6.0, "1/6": 1 / 6, "8": 8.0, "1/8": 1 / 8, "10": 10.0,
    "1/10": 0.1, "100": 100.0, "1/100": 0.01, "pi": math.pi, "1/pi": 1 / math.pi,
    "2*pi": 2 * math.pi, "sqrt(2)": math.sqrt(2), "1/sqrt(2)": math.sqrt(0.5),
    "log(2)": math.log(2), "1/log(2)": 1 / math.log(2), "log(10)": math.log(10),
    "1/log(10)": 1 / math.log(10), "180/pi": 180 / math.pi, "pi/180": math.pi / 180,
}
_POWERS = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)


@dataclass(frozen=True)
class Factor:
    """A number that may depend on the instance: how it is written, and its values."""

    text: str
    values: tuple[float, ...]
    simple: bool = True

    @property
    def inverse(self) -> str:
        """``2/n`` for ``n/2``."""
        above, _, below = self.text.removeprefix("-").partition("/")
        sign = "-" if self.text.startswith("-") else ""
        if above == "1" or not below:
            bare = below[1:-1] if below.startswith("(") and below.endswith(")") else below
            return sign + (bare if below else f"1/{above}")
        return f"{sign}{below}/({above})" if "*" in above else f"{sign}{below}/{above}"


def explain(
    ratios: Sequence[float], samples: Sequence[Sample], tolerance: float
) -> Factor | None:
    """The simplest expression in sizes, scalars and the value that has these values.

    A factor that is the same everywhere is that number; None when nothing is found.  One
    instance does not tell a product of two quantities.
    """
    values = np.asarray(ratios, dtype=float)
    if not np.all(np.isfinite(values)) or np.any(values == 0):
        return None
    features = dict(_features(samples))
    powered = {
        name: {p: v**p for p in _POWERS if p == round(p) or np.all(v > 0)}
        for name, v in features.items()
    }
    for count in range(3 if len(values) > 1 else 2):
        for names in combinations(features, count):
            for powers in product(*(powered[name] for name in names)):
                rest = values
                for name, power in zip(names, powers, strict=True):
                    rest = rest / powered[name][power]
                if (constant := _constant(rest, tolerance)) is not None:
                    text = _written(constant, dict(zip(names, powers, strict=True)))
                    return Factor(text, tuple(map(float, values)))
    spread = np.ptp(values) / np.max(np.abs(values))
    if spread <= tolerance and len(values) > 1:
        return Factor(f"{values[0]:.6g}", tuple(map(float, values)), simple=False)
    return None


def _features(samples: Sequence[Sample]) -> Iterator[tuple[str, np.ndarray]]:
    """Quantities of an instance of which a factor may be made, by name."""
    first = samples[0]
    seen: list[tuple[float, ...]] = []

    def fresh(values: list[float]) -> bool:
        new = all(math.isfinite(v) and v for v in values) and tuple(values) not in seen
        seen.append(tuple(values))
        return new

    symbolic = [n for n in first.dims if len({s.dims[n] for s in samples}) > 1]
    for name in symbolic:
        if fresh(found := [float(s.dims[name]) for s in samples]):
            yield name, np.array(found)
    for t in first.subject.inputs:
        for axis, dim in enumerate(t.shape):
            if str(dim) in symbolic:
                continue
            size = dim if isinstance(dim, int) else first.dims[str(dim)]
            if size > 1 and fresh([float(size)] * len(samples)):
                word = f"{size} (the length of axis {axis} of {t.name})"
                yield word, np.full(len(samples), float(size))
    for name in symbolic:
        if fresh(found := [s.dims[name] - 1.0 for s in samples]):
            yield f"{name} - 1", np.array(found)
    for t in first.subject.inputs:
        if t.ndim == 0 and fresh(found := [float(s.arrays[t.name or ""]) for s in samples]):
            yield t.name or "", np.array(found)
    if first.value.size == 1:
        values = [float(s.value.reshape(-1)[0]) for s in samples]
        if fresh(values) and len(set(values)) > 1:
            yield "f", np.array(values)
    norms = [float(np.linalg.norm(np.nan_to_num(s.truth))) for s in samples]
    if all(bool(np.all(s.known)) for s in samples) and fresh(norms) and len(set(norms)) > 1:
        yield "norm(gradient)", np.array(norms)


def _constant(values: np.ndarray, tolerance: float) -> str | None:
    """The name of the constant that all values are, with its sign."""
    first = float(values[0])
    if np.max(np.abs(values - first)) > 2 * tolerance * abs(first):
        return None
    for name, constant in _CONSTANTS.items():
        if abs(abs(first) - constant) <= tolerance * constant:
            return f"-{name}" if first < 0 else name
    return None


def _written(constant: str, powers: Mapping[str, float]) -> str:
    """``2*n/(n - 1)``."""
    sign = "-" if constant.startswith("-") else ""
    number, _, under = constant.lstrip("-").partition("/")
    above = [number] if number != "1" else []
    below = [under] if under else []
    for name, power in powers.items():
        base = f"({name})" if " - " in name else name
        root = f"sqrt({name})" if abs(power) == 0.5 else base
        (above if power > 0 else below).append(f"{root}**2" if abs(power) == 2 else root)
    text = "*".join(above) or "1"
    if below:
        text += "/" + ("*".join(below) if len(below) == 1 else f"({'*'.join(below)})")
    return sign + text
