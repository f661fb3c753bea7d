r"""How much of a computed number is rounding: measured, not guessed.

A smooth function on a short line is a polynomial of low degree to the last digit.  What is left
after the best such polynomial is taken away is rounding noise, and its root mean square over the
degrees of freedom left estimates the noise (the idea of ECNoise: More & Wild, Estimating
computational noise, SIAM J. Sci. Comput. 33, 2011; here with a projection instead of difference
tables).  A smooth remainder only adds to the estimate, so it errs on the safe side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]
Values = dict[str, Array]

#: Probability that one right number is refused by chance.
TAIL = 1e-10
EPS = float(np.finfo(np.float64).eps)


def precision(arrays: Iterable[Array]) -> float:
    """The relative spacing of the coarsest floating-point type among the arrays."""
    types = {a.dtype for a in map(np.asarray, arrays) if a.dtype.kind == "f"}
    return max((float(np.finfo(t).eps) for t in types), default=EPS)


@lru_cache(maxsize=16)
def student(freedom: int, tail: float = TAIL) -> float:
    """The two-sided quantile of Student's t for an even number of degrees of freedom.

    An error of scale ``s``, ``s`` estimated from ``freedom`` degrees, exceeds ``student * s``
    with probability ``tail``.  Abramowitz & Stegun, 26.7.4.
    """

    def beyond(t: float) -> float:
        cosine_squared = freedom / (freedom + t * t)
        term, total = 1.0, 1.0
        for k in range(2, freedom, 2):
            term *= cosine_squared * (k - 1) / k
            total += term
        return 1.0 - t / math.sqrt(freedom + t * t) * total

    low, high = 1.0, 1e6
    while high / low > 1.0 + 1e-6:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if beyond(middle) > tail else (low, middle)
    return high


@lru_cache(maxsize=8)
def _points(count: int) -> Array:
    """``count`` numbers around 0, about 1 apart, but not regular: equidistant values of a fast
    oscillation can look like those of a slow one."""
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    numbers = np.arange(count)
    points = numbers + (numbers * golden) % 1.0 / 2.0
    return np.asarray(points - points.mean())


@lru_cache(maxsize=8)
def _remainder(count: int, degree: int) -> Array:
    """The projection of the values at these points off the polynomials of the degree."""
    basis = np.linalg.qr(np.vander(_points(count) / count, degree + 1))[0]
    return np.asarray(np.eye(count) - basis @ basis.T)


def line(arrays: Arrays, moving: frozenset[str], spacing: float, count: int,
         rng: np.random.Generator) -> list[Values]:
    """``count`` neighbours of an instance on a line, each entry moved in proportion to itself.

    Arrays of integers (labels, masks) stay as they are unless they are in ``moving``, and an
    entry that is 0 stays 0 (many functions have a kink there) unless all of the array is.
    """
    slopes: Values = {}
    for name, a in arrays.items():
        if a.dtype.kind != "f" or (name not in moving and np.all(a == np.rint(a))):
            continue
        size = np.abs(a) if np.any(a) else np.ones(a.shape)
        slopes[name] = size * rng.uniform(0.5, 1.0, a.shape) * rng.choice([-1.0, 1.0], a.shape)
    return [
        {name: a + t * slopes[name] if name in slopes else a for name, a in arrays.items()}
        for t in _points(count) * spacing
    ]


def typical(a: Array) -> float:
    """The root mean square of an array; 1 for one of zeros."""
    flat = a.ravel()
    largest = float(np.max(np.abs(flat), initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return 1.0
    return largest * float(np.sqrt(np.mean((flat / largest) ** 2)))


def scatter(samples: list[Array], degree: int) -> Array:
    """Entry by entry, the noise of values at the points of a line."""
    values = np.stack(samples).reshape(len(samples), -1)
    left = _remainder(len(samples), degree) @ (values - values[len(samples) // 2])
    return np.asarray(np.sqrt(np.sum(left * left, axis=0) / (len(samples) - degree - 1)))


def plateau(estimates: list[Array]) -> Array:
    """The smallest estimate that two neighbouring spacings confirm.

    A spacing that is wide for the function, or crosses a kink, finds too much; one that is finer
    than the grid of an intermediate result too little, and is marked by infinity.
    """
    stack = np.stack(estimates)
    stack = np.where(np.isfinite(stack), stack, np.inf)
    return np.asarray(np.min(np.maximum(stack[:-1], stack[1:]), axis=0))


VALUE_DEGREE, VALUE_COUNT = 5, 16
SLOPE_DEGREE, SLOPE_COUNT = 2, 9
VALUE_FREEDOM = VALUE_COUNT - VALUE_DEGREE - 1
SLOPE_FREEDOM = SLOPE_COUNT - SLOPE_DEGREE - 1
# At the widest, spacing to the power degree + 1 is below the precision of double.
VALUE_SPACINGS = tuple(float(s) for s in 2.0 ** -np.arange(9.0, 38.0, 4.0))
SLOPE_SPACINGS = (2.0**-18, 2.0**-26, 2.0**-34)
_WIDE = 0.5


def slope_spacings(eps: float) -> tuple[float, ...]:
    """The spacings for slopes of that precision: the same powers of it as for double."""
    if eps <= EPS:
        return SLOPE_SPACINGS
    return tuple(spacing ** (math.log(eps) / math.log(EPS)) for spacing in SLOPE_SPACINGS)


def value_noise(
    function: Callable[[Arrays], Values], arrays: Arrays, moving: frozenset[str],
    rng: np.random.Generator, eps: float = EPS,
) -> Values:
    """Per named value, the noise of each entry (flat).

    Never below the rounding of the result itself.  Where the result does not move at all its
    noise cannot be seen (``log(1 + e)`` for a tiny ``e``); then it is that of numbers as large as
    the inputs, and as the values taken when these move by their own size.
    """
    found: dict[str, list[Array]] = {}
    sizes: dict[str, Array] = {}
    for spacing in VALUE_SPACINGS:
        runs = [function(point) for point in line(arrays, moving, spacing, VALUE_COUNT, rng)]
        for name in runs[0]:
            values = np.stack([run[name].ravel() for run in runs])
            moves = np.count_nonzero(np.diff(values, axis=0), axis=0) >= VALUE_COUNT // 2
            noise = scatter(list(values), VALUE_DEGREE)
            found.setdefault(name, []).append(np.where(moves, noise, np.inf))
            size = np.max(np.abs(values), axis=0)
            sizes[name] = np.fmax(sizes.get(name, size), size)
    result: Values = {}
    inputs = max((typical(a) for a in arrays.values() if a.size), default=1.0)
    wide = [function(point) for point in line(arrays, moving, _WIDE, 4, rng)]
    for name, estimates in found.items():
        noise = plateau(estimates)
        reach = np.max([_finite_size(run[name]) for run in wide], axis=0)
        quiet = eps * np.maximum(np.fmax(sizes[name], reach), inputs)
        result[name] = np.maximum(np.where(np.isfinite(noise), noise, quiet), eps * sizes[name])
    return result


def _finite_size(a: Array) -> Array:
    flat = np.abs(a.ravel())
    return np.where(np.isfinite(flat), flat, 0.0)
