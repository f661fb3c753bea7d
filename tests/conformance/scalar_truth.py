"""The tools that test_scalar measures declarations with: truth, computation, comparison."""

from __future__ import annotations

import zlib
from functools import cache
from typing import Any

import mpmath
import numpy as np
import scipy.special
import sympy
from sympy import Add, Mul, Pow

from mathdl.scalar import COMPARISONS, ScalarFunction, define, lower, of_head, scalar_functions
from mathdl.scalar.declare import Head

FUNCTIONS = list(scalar_functions())
BY_NAME = {f.name: f for f in FUNCTIONS}
MODULES = {"np": np, "scipy": scipy}
MAGNITUDES = (0.0, 1e-320, 1e-20, 1.0, 20.0, 50.0, 700.0, 1e3, 1e5, 1e300)
STRESS = sorted({s * m for m in MAGNITUDES for s in (-1.0, 1.0)})
# Enough to tell 1 from 1 + exp(-700), and to keep 1e-320.
EXACT = 750
QUIET = {"over": "ignore", "under": "ignore"}
SLOTS = sympy.symbols("u v w", real=True)


def slots(f: ScalarFunction) -> tuple[Any, ...]:
    return SLOTS[: f.arity]


def applied(f: ScalarFunction) -> Any:
    return f.head(*slots(f))


def smooth_arguments(f: ScalarFunction) -> list[int]:
    """Arguments that can be differentiated in (all but integer orders)."""
    return [k for k in range(f.arity) if not f.derivative or f.derivative[k] is not None]


def stated_derivative(f: ScalarFunction, k: int) -> Any:
    law = f.derivative[k] if f.derivative else None
    return law(*slots(f)) if law is not None else applied(f).diff(slots(f)[k])


def samples(f: ScalarFunction, count: int) -> list[tuple[float, ...]]:
    """Random points of the domain; an order is a small integer."""
    rng = np.random.default_rng(zlib.crc32(f.name.encode()))
    smooth = smooth_arguments(f)
    points = []
    for _ in range(count):
        point = [rng.uniform(*interval) for interval in f.domain]
        points.append(tuple(x if k in smooth else float(int(x)) for k, x in enumerate(point)))
    return points


def stress_points(f: ScalarFunction) -> list[tuple[float, ...]]:
    """Each argument at the extremes of floats, on the side of zero where the function is."""
    base = samples(f, 1)[0]
    return [
        (*base[:k], x, *base[k + 1 :])
        for k in smooth_arguments(f)
        for x in STRESS
        if x >= 0 or f.domain[k][0] < 0
    ]


def exact_digits(f: ScalarFunction) -> int:
    """The gamma family does not cancel near 1 and is slow in many digits."""
    gamma = f.definition(*slots(f)).has(sympy.loggamma, sympy.polygamma)
    return 60 if gamma else EXACT


class Truth:
    """An expression at arbitrary precision, through the definitions only."""

    def __init__(self, expression: Any, arguments: tuple[Any, ...], digits: int) -> None:
        self.digits = digits
        self.compiled = sympy.lambdify(arguments, define(expression), "mpmath", cse=True)

    def __call__(self, *point: Any) -> Any:
        """The value, or None where it is not a finite real number."""
        with mpmath.workdps(self.digits):
            try:
                value = self.compiled(*(mpmath.mpf(x) for x in point))
            except (ZeroDivisionError, ValueError, OverflowError):
                return None
            if isinstance(value, mpmath.mpc):
                return None
            value = mpmath.mpf(value)
            return value if mpmath.isfinite(value) else None


@cache
def true_value(name: str, k: int | None, digits: int) -> Truth:
    """The definition of the function, or SymPy's derivative of that in one argument."""
    f = BY_NAME[name]
    defined = define(f.definition(*slots(f)))
    return Truth(defined if k is None else defined.diff(slots(f)[k]), slots(f), digits)


def compute(expression: Any, point: dict[Any, Any], dtype: Any = np.float64) -> Any:
    """A lowered expression by the declared ufuncs.  Constants are Python numbers; a comparison
    is a number of the working type."""
    if expression in point:
        return point[expression]
    if expression.is_number and not isinstance(expression, Head):
        return float(expression)
    values = [compute(a, point, dtype) for a in expression.args]
    if isinstance(expression, Add):
        return sum(values[1:], start=values[0])
    if isinstance(expression, Mul):
        result = values[0]
        for value in values[1:]:
            result = result * value
        return result
    if isinstance(expression, Pow):
        return power(values[0], expression.exp)
    f = of_head(expression.func)
    assert f is not None
    assert f.ufunc, f"{expression} is not lowered"
    path = f.ufunc.split(".")
    call = MODULES[path[0]]
    for attribute in path[1:]:
        call = getattr(call, attribute)
    result = call(*values)
    return result.astype(dtype) if isinstance(expression, COMPARISONS) else result


def power(base: Any, n: Any) -> Any:
    """Integer powers are products and half a power is a root, as the generator has them."""
    if n == sympy.Rational(1, 2):
        return np.sqrt(base)
    if n == sympy.Rational(-1, 2):
        return 1 / np.sqrt(base)
    assert n.is_Integer
    result = base
    for _ in range(abs(int(n)) - 1):
        result = result * base
    return result if n > 0 else 1 / result


def numeric(f: ScalarFunction, expression: Any, points: list[Any], dtype: Any) -> np.ndarray:
    columns = [np.array(column, dtype=dtype) for column in zip(*points, strict=True)]
    for k in set(range(f.arity)) - set(smooth_arguments(f)):
        columns[k] = columns[k].astype(int)
    with np.errstate(**QUIET):
        result = compute(lower(expression), dict(zip(slots(f), columns, strict=True)), dtype)
        return np.broadcast_to(np.asarray(result).astype(dtype), columns[0].shape)


def assert_close(
    f: ScalarFunction,
    what: tuple[Any, int | None],
    points: list[tuple[float, ...]],
    dtype: Any,
    relative: float,
    digits: int = 50,
) -> None:
    """The numeric form against the truth: within ``relative``, a few ulps of the inputs, or the
    precision of subnormal numbers; where the truth overflows, infinite or as large."""
    expression, k = what
    limits = np.finfo(dtype)
    truth = true_value(f.name, k, digits)
    points = [tuple(float(x) for x in np.array(p, dtype=dtype)) for p in points]
    points = [p for p in points if truth(*p) is not None]
    assert points
    got = numeric(f, expression, points, dtype)
    for value, point in zip(got.tolist(), points, strict=True):
        exact = truth(*point)
        if abs(exact) > float(limits.max):
            assert abs(value) > 0.9 * float(limits.max), (f.name, point, value, exact)
            continue
        assert np.isfinite(value), (f.name, point, value, float(exact))
        slack = relative * abs(exact) + 4 * float(limits.smallest_subnormal)
        if abs(exact) < float(limits.tiny):
            slack += float(limits.tiny)
        slack += 4 * float(limits.eps) * input_sensitivity(f, truth, point)
        assert abs(value - exact) <= slack, (f.name, k, point, value, float(exact))


def input_sensitivity(f: ScalarFunction, truth: Truth, point: tuple[float, ...]) -> Any:
    """``sum |x_k df/dx_k|``: what one relative rounding of the inputs does to the value."""
    total = mpmath.mpf(0)
    with mpmath.workdps(truth.digits):
        for k in smooth_arguments(f):
            if not point[k]:
                continue
            x = mpmath.mpf(point[k])
            step = abs(x) * mpmath.mpf(10) ** -18
            left, right = (truth(*point[:k], x + s, *point[k + 1 :]) for s in (-step, step))
            if left is not None and right is not None:
                total += abs(x * (right - left) / (2 * step))
    return total
