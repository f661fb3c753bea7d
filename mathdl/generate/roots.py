"""Roots of sums of squares, which are right also where the squares over- or underflow.

As in BLAS, ``sqrt(sum(x**2)) = m sqrt(sum((x/m)**2))`` with ``m = max |x|``; that is computed only
where the plain sum is out of range.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import S, sympify

from mathdl.generate.values import Dot, Fill, Reduction, Root, RowDot, Ufunc, Value


def scale_roots(needed: Sequence[Value]) -> None:
    """Let every root of a sum of squares know what is squared."""
    for value in needed:
        if isinstance(value.op, Ufunc) and value.op.name == "np.sqrt" and value.kind == "float":
            squares = value.op.args[0]
            found = _sum_of_squares(squares) if isinstance(squares, Value) else None
            if found is not None:
                value.op = Root(squares, *found)


def _sum_of_squares(value: Value) -> tuple[tuple[Any, ...], Any, Any, Any] | None:
    """The bases, the axis, the factor and the number added; or None."""
    core, scale, shift = value, S.One, S.Zero
    if (found := _with_number(core, "np.add")) is not None:
        core, shift = found
    while (found := _with_number(core, "np.multiply", "np.divide")) is not None:
        core, c = found
        scale *= c
    if not (sympify(scale).is_positive and sympify(shift).is_nonnegative):
        return None
    terms = _terms(core)
    if terms is not None and (len(terms) > 1 or shift != 0):  # sqrt(x**2) is abs(x)
        return terms, (), scale, shift
    found = _reduced(core)
    if found is not None and shift != 0 and found[1] is not None:
        return None  # a look at every row costs more than squares beyond the range are worth
    return None if found is None else ((found[0],), found[1], scale, shift)


def _with_number(value: Value, *names: str) -> tuple[Value, Any] | None:
    """A value and the number that is added to it, or by which it is multiplied."""
    op = value.op
    if not isinstance(op, Ufunc) or op.name not in names:
        return None
    arrays = [a for a in op.args if isinstance(a, Value)]
    numbers = [sympify(a) for a in op.args if not isinstance(a, Value)]
    if len(arrays) != 1 or len(numbers) != 1 or arrays[0].shape != value.shape or (
            op.name == "np.divide" and op.args[0] is not arrays[0]):
        return None
    return arrays[0], 1 / numbers[0] if op.name == "np.divide" else numbers[0]


def _terms(value: Value) -> tuple[Value, ...] | None:
    """What is squared in an elementwise sum of squares."""
    op = value.op
    if not isinstance(op, Ufunc) or value.kind != "float":
        return None
    if op.name == "np.square" or (op.name == "np.multiply" and op.args[0] is op.args[-1]):
        return (op.args[0],) if op.args[0].kind == "float" else None
    if op.name != "np.add" or not all(isinstance(a, Value) for a in op.args):
        return None
    parts = [_terms(a) for a in op.args]
    return None if None in parts else tuple(b for part in parts for b in part or ())


def _reduced(value: Value) -> tuple[Value, int | None] | None:
    """The array whose squares are summed, and along which axis."""
    op = value.op
    if isinstance(op, RowDot):
        return (op.a, -1) if op.a is op.b else None
    if isinstance(op, Reduction):
        terms = _terms(op.base) if op.name == "np.add" else None
        if terms is None or len(terms) != 1 or terms[0].shape != op.base.shape:
            return None
        every = len(op.axes) == op.base.ndim
        return (terms[0], None if every else op.axes[0]) if every or len(op.axes) == 1 else None
    if not isinstance(op, Dot):
        return None
    if op.a is op.b and op.a.ndim == 1:
        return op.a, None
    for ones, squares, axis in ((op.a, op.b, 0), (op.b, op.a, -1)):
        terms = _terms(squares)
        if (isinstance(ones.op, Fill) and ones.op.number == 1 and terms is not None
                and len(terms) == 1 and terms[0].shape == squares.shape and ones.ndim == 1
                and squares.ndim <= 2):
            return terms[0], None if squares.ndim == 1 else axis
    return None
