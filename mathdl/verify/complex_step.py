r"""Claimed derivatives against complex steps, for analytic functions.

``Im f(x + i h v)/h = f'(x) v + O(h^2)`` has no subtraction, so ``h`` can be so small (``2^-100``)
that truncation is nil and what remains is rounding, like that of the claim itself: the noise of
their difference, measured on a line of neighbouring instances, at the quantile of Student's t.
Squire & Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review
40, 1998.

Code that is not analytic on complex arrays (``np.abs`` inside, say) contradicts the central
differences of the same code and is no evidence; a claim that both refuse is refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
from sympy import Function, KroneckerDelta

from mathdl.errors import MathDLError
from mathdl.ir.index import slot_number
from mathdl.ir.system import depends_on, topological
from mathdl.ir.tensor import Tensor
from mathdl.primitives import lookup_primitive
from mathdl.scalar.declare import of_head
from mathdl.verify.finite_difference import (
    MAX_ENTRIES,
    Problem,
    Tally,
    along,
    chosen_entries,
    random_direction,
    record,
)
from mathdl.verify.noise import (
    EPS,
    SLOPE_DEGREE,
    SLOPE_FREEDOM,
    Array,
    scatter,
    student,
)
from mathdl.verify.steps import Slope, Status

STEP = 2.0**-100


def is_analytic(outputs: Iterable[Tensor], wrt: Iterable[Tensor]) -> bool:
    """Whether every scalar function that ``wrt`` reaches is analytic.

    A maximum that is only read as a constant (the shift of a softmax) does not matter.
    """
    outputs = list(outputs)
    carrying = depends_on(outputs, wrt)
    for tensor in topological(outputs):
        if tensor.is_input or id(tensor) not in carrying:
            continue
        if tensor.recurrence is not None:
            step = tensor.recurrence
            moving = [given for given, a in zip(step.inputs, tensor.operands, strict=True)
                      if id(a.tensor) in carrying]
            if not is_analytic([*step.nexts, tensor.emitted], [*moving, *step.states]):
                return False
            continue
        if tensor.call is not None:
            if not lookup_primitive(tensor.call.primitive).analytic:
                return False
            continue
        if tensor.equation.reduce in ("max", "min"):
            if _read_as_value(tensor, outputs):
                return False
            continue
        live = {
            k for k, a in enumerate(tensor.operands) if id(a.tensor) in carrying and not a.held
        }
        for node in tensor.equation.body.atoms(Function) - tensor.equation.body.atoms(
            KroneckerDelta
        ):
            if not any(slot_number(s) in live for s in node.free_symbols):
                continue
            declared = of_head(node.func)
            if declared is None or not declared.analytic:
                return False
    return True


def _read_as_value(tensor: Tensor, outputs: list[Tensor]) -> bool:
    return any(t is tensor for t in outputs) or any(
        a.tensor is tensor and not a.held for t in topological(outputs) for a in t.operands
    )


def complex_slope(problem: Problem, direction: Array) -> Array | None:
    """``Im f(x + i h v)/h``, or None when the code does not take complex arrays."""
    point = problem.x + 1j * STEP * direction.reshape(problem.x.shape)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            values = np.asarray(problem.function(point))
    except (MathDLError, TypeError, ValueError, np.exceptions.ComplexWarning):
        return None
    if values.dtype.kind != "c" or not np.all(np.isfinite(values)):
        return None
    return np.asarray(values.imag / STEP)


def complex_noise(neighbours: list[Problem], direction: Array) -> Array | None:
    """The noise of the complex step's difference from the claim, per value."""
    differences: list[Array] = []
    for problem in neighbours:
        slope = complex_slope(problem, direction)
        if slope is None:
            return None
        differences.append(slope - problem.claimed @ direction)
    return scatter(differences, SLOPE_DEGREE)


def complex_steps(
    problem: Problem,
    neighbours: list[Problem],
    rng: np.random.Generator,
    count: int,
    limit: int = MAX_ENTRIES,
) -> Tally | None:
    """Compare along ``count`` random directions and entry by entry.

    ``neighbours`` are the same claim on a short line of instances.  None when the
    code does not take complex arrays, or is not analytic on them.
    """
    tally = Tally()
    v = random_direction(problem, rng)
    noise = complex_noise(neighbours, v)
    if noise is None:
        return None
    for _ in range(count):
        slack = problem.slack(v)
        found = _compare(problem, v, noise, slack)
        if found is None or _contradicts(found, along(problem, v, slack)):
            return None
        record(tally, problem, found, v, slack, None)
        v = random_direction(problem, rng)
    for j, unit, slack in chosen_entries(problem, rng, limit):
        found = _compare(problem, unit, noise, slack)
        if found is None:
            return None
        record(tally, problem, found, unit, slack, j)
    return tally


def _compare(
    problem: Problem, direction: Array, noise: Array, slack: Array
) -> Slope | None:
    slope = complex_slope(problem, direction)
    if slope is None:
        return None
    error = slope - problem.claimed @ direction
    # Along a direction of the argument's size slopes are of the value's size; where they cancel
    # or underflow, the noise of the value is the least that theirs can be.
    unit = np.maximum(noise, EPS * (np.abs(problem.claimed) @ np.abs(direction)))
    unit = np.maximum(unit, problem.noise)
    bound = student(SLOPE_FREEDOM) * unit + slack
    status = np.where(np.abs(error) <= bound, int(Status.AGREES), int(Status.REFUSED))
    return Slope(error=error, bound=bound, status=status)


def _contradicts(found: Slope, differences: Slope) -> bool:
    """Whether real differences of the same code exclude the complex step's slope."""
    sure = differences.status <= Status.REFUSED
    apart = np.abs(found.error - differences.error) > found.bound + differences.bound
    return bool(np.any(sure & apart))
