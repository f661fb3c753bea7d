"""Differences from a mean, which keep their digits where the mean is rounded.

``x - mean(x)`` is wrong by the rounding of the mean, which is all there is where ``x`` are far
from 0 and close to each other.  There the mean of the differences is subtracted once more
(Chan, Golub & LeVeque 1983, the corrected two-pass algorithm).
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import sympify

from mathdl.generate.values import Affine, Centred, Dot, Fill, Reduction, Ufunc, Value


def centre_twice(needed: Sequence[Value]) -> None:
    """Let every difference of an array from its mean be looked at again."""
    for value in needed:
        op = value.op
        if isinstance(op, Ufunc) and op.name == "np.subtract" and value.ndim in (1, 2):
            base, mean = op.args
            if isinstance(base, Value) and isinstance(mean, Value) and (
                    base.shape == value.shape and base.kind == value.kind == "float"):
                axis = _axis_of_mean(base, mean)
                if axis is not None:
                    value.op = Centred(base, mean, axis if base.ndim > 1 else None)


def _axis_of_mean(base: Value, mean: Value) -> int | None:
    """The axis along which the mean is that of the base; None if it is not."""
    column = isinstance(mean.op, Affine) and mean.shape == (base.shape[0], 1)
    vector = mean.op.base if isinstance(mean.op, Affine) and column else mean
    op = vector.op
    if not isinstance(op, Ufunc) or op.name not in ("np.multiply", "np.divide"):
        return None
    totals = [a for a in op.args if isinstance(a, Value)]
    numbers = [sympify(a) for a in op.args if not isinstance(a, Value)]
    if len(totals) != 1 or len(numbers) != 1:
        return None
    axis = _axis_of_sum(base, totals[0])
    if axis is None or (base.ndim > 1 and column != (axis == -1)):
        return None
    count = numbers[0] if op.name == "np.divide" else 1 / numbers[0]
    return axis if count == base.shape[axis] else None


def _axis_of_sum(base: Value, total: Value) -> int | None:
    op = total.op
    if isinstance(op, Reduction) and op.name == "np.add" and op.base is base and len(op.axes) == 1:
        return 0 if op.axes == (0,) else -1
    if isinstance(op, Dot):
        for ones, other, axis in ((op.a, op.b, 0), (op.b, op.a, -1)):
            if other is base and isinstance(ones.op, Fill) and ones.op.number == 1:
                return axis
    return None
