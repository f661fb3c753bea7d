"""Generated code against the truth, over all sizes of its inputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np

from mathdl.accuracy.points import MAGNITUDES, instances, is_free, magnitudes
from mathdl.accuracy.report import (
    BEYOND,
    KINK,
    UNDEFINED,
    Point,
    Stability,
    bits_of,
    worst_of,
)
from mathdl.accuracy.truth import LEVELS, Truth, Values
from mathdl.derivation import Derivation, derive
from mathdl.errors import DomainError, InputError, NamingError
from mathdl.ir.tensor import Tensor
from mathdl.language.parser import parse
from mathdl.present.text import to_text
from mathdl.proof.evaluate import Array
from mathdl.proof.instances import dims_of
from mathdl.verify.dims import choose_dims
from mathdl.verify.subject import graph, instance

LIMITS = {"float64": 1e-6, "float32": 1e-5}


def stability(
    expr: Tensor | str, wrt: str | Sequence[str] | None = None, *, shapes: Any = "",
    assume: Any = "", dtype: str = "float64", at: Iterable[float] | None = None,
    sizes: Mapping[str, int] | None = None, seed: int = 0,
) -> Stability:
    """How many bits of the generated value and derivatives are right, over all sizes of inputs.

    expr
        An expression, or text with ``shapes`` and ``assume`` as for ``parse``.
    wrt
        The inputs to move and to differentiate by; by default all that are real and of any size.
    dtype
        ``float64`` or ``float32``.
    at
        The sizes of each input, one after the other; by default 0 and 1e-320 to 1e300 of both
        signs, and what float32 has in place of them.  A tensor of that size is tried scaled to
        it, with equal entries, shifted by it, and with one such entry.
    sizes
        The lengths of dims.

    The truth is the expression as written, with its definitions differentiated by SymPy, in as
    many digits as it takes.  The result is true if every error is within 1e-6 (1e-5 in float32)
    of the largest entry of the value or derivative, wherever that is a normal float.

    Raises:
        NamingError: an unknown name or precision.
        InputError: no input can be moved.
    """
    if dtype not in MAGNITUDES:
        raise NamingError(f"unknown dtype {dtype!r}; there are: {', '.join(MAGNITUDES)}")
    value = parse(expr, shapes=shapes, assume=assume) if isinstance(expr, str) else expr
    names = _names(value, wrt)
    return measure(derive(value, wrt=names), dtype=dtype, at=at, sizes=sizes, seed=seed)


def _names(value: Tensor, wrt: str | Sequence[str] | None) -> list[str]:
    if wrt is not None:
        return [wrt] if isinstance(wrt, str) else list(wrt)
    from mathdl.ir.system import inputs_of

    found = [t.name or "" for t in inputs_of([value])
             if is_free(np.zeros(()), t.assume)]
    if not found:
        raise InputError("the expression has no real input of any size to move")
    return found


def measure(
    derivation: Derivation, *, dtype: str = "float64", at: Iterable[float] | None = None,
    sizes: Mapping[str, int] | None = None, seed: int = 0, levels: tuple[int, ...] = LEVELS,
) -> Stability:
    """The stability of a derivation of first order of one expression."""
    run = _Run(derivation, dtype, sizes, seed, levels)
    points = [
        point for name in run.moving
        for size in (magnitudes(dtype) if at is None else at)
        for point in run.points(name, float(size))
    ]
    if not points:
        raise InputError("none of the inputs by which it is derived can be of any size")
    return Stability(to_text(derivation.written[0]), dtype, LIMITS[dtype], tuple(points))


class _Run:
    def __init__(
        self, derivation: Derivation, dtype: str, sizes: Mapping[str, int] | None, seed: int,
        levels: tuple[int, ...],
    ) -> None:
        (written,) = derivation.written
        self.names = [t.name or "" for t in derivation.wrt]
        self.dtype = np.dtype(dtype)
        self.codes = derivation.compile("value"), derivation.derivative_function()
        dims = choose_dims([*graph(derivation), written], sizes, count=1,
                           rng=np.random.default_rng(seed))[0]
        symbols = dims_of([*graph(derivation), written])[0]
        self.truth = Truth(written, self.names, {s: dims[s.name] for s in symbols}, levels)
        self.assumed = {t.name or "": t.assume for t in derivation.inputs}
        given = instance(derivation, dims, seed, "positive")
        self.given = {
            k: a.astype(self.dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a
            for k, a in given.items()
        }
        self.moving = [n for n in self.names if is_free(self.given[n], self.assumed[n])]

    def points(self, moved: str, at: float) -> list[Point]:
        """Of each quantity, what is worst over the manners in which an input is of a size."""
        found: dict[str, list[Point]] = {}
        for manner, arguments in instances(self.given, moved, self.assumed[moved], at):
            for quantity, point in self._compared(arguments, moved, at, manner):
                found.setdefault(quantity, []).append(point)
        return [worst_of(points) for points in found.values()]

    def _compared(
        self, arguments: dict[str, Any], moved: str, at: float, manner: str
    ) -> list[tuple[str, Point]]:
        truth = self.truth.at(arguments)
        quantities = ["value", *self.names]
        if truth is None:
            return [(q, Point(q, moved, at, None, why=UNDEFINED)) for q in quantities]
        value, slopes = self._code(arguments)
        made = [("value", self._point("value", truth, truth.value, value, arguments))]
        made += [(n, self._point(n, truth, truth.slopes[n], slopes.get(n), arguments))
                 for n in self.names]
        return [
            (q, Point(q, moved, at, p.bits, p.error, p.truth, p.got, manner, p.why))
            for q, p in made
        ]

    def _code(self, arguments: dict[str, Any]) -> tuple[Any, Mapping[str, Any]]:
        """What the code computes; nothing where it refuses."""
        value, slopes = self.codes
        with np.errstate(all="ignore"):
            try:
                return np.array(value(**arguments)), {
                    k: np.array(a) for k, a in slopes(**arguments).items()}
            except (DomainError, np.linalg.LinAlgError):
                return None, {}

    def _point(
        self, quantity: str, truth: Values, expected: Array, got: Any, arguments: dict[str, Any]
    ) -> Point:
        """The worst entry that has a float for its truth and is not at a kink."""
        limits = np.finfo(self.dtype)
        flat = np.full(expected.size, np.nan) if got is None else np.asarray(got).reshape(-1)
        worst = Point(quantity, "", 0.0, None, why=BEYOND)
        floats = [abs(x) for x in expected.flat if abs(x) <= mpmath.mpf(float(limits.max))]
        size = max(floats, default=mpmath.mpf(0))
        columns = expected.shape[-1] if expected.ndim > 1 else 1
        for k, (x, y) in enumerate(zip(expected.reshape(-1), flat, strict=True)):
            if abs(x) > mpmath.mpf(float(limits.max)):
                continue
            error = _relative(x, float(y), size, float(limits.tiny))
            if error is None or (worst.bits is not None and error <= worst.error):
                continue
            if (quantity != "value" and error > LIMITS[self.dtype.name]
                    and self.truth.is_kink(arguments, quantity, k // columns, k % columns)):
                if worst.bits is None:
                    worst = Point(quantity, "", 0.0, None, why=KINK)
                continue
            worst = Point(quantity, "", 0.0, bits_of(error, self.dtype.name), error,
                          float(x), float(y))
        return worst


def _relative(truth: Any, got: float, size: Any, tiny: float) -> float | None:
    """The error relative to the size; None where that is below the least normal number."""
    if not math.isfinite(got):
        return math.inf
    error = abs(truth - mpmath.mpf(got))
    if error <= tiny:
        return None if size < tiny else 0.0
    return float(error / size) if size else math.inf
