"""What ``+ - * / ** @ [] .T`` and comparisons on tensors mean: NumPy's rules, symbolic dims."""

from __future__ import annotations

from typing import Any

from sympy import Integer, KroneckerDelta, Rational, sympify

from mathdl.errors import DomainError, ShapeError
from mathdl.ir.build import define, out_ranges, read
from mathdl.ir.dim import Dim, nonnegative, normal, show_shape
from mathdl.ir.index import bound_index, out_index, out_indices, slot
from mathdl.ir.tensor import OPERATORS, Access, Requirement, Tensor
from mathdl.language.names import check_name, shown
from mathdl.language.pointwise import (
    MAX_BITS,
    as_scalar,
    as_tensor,
    broadcast_shapes,
    pointwise,
    rational_bits,
)
from mathdl.scalar.compare import COMPARISONS, ge, gt, le, lt
from mathdl.scalar.elementary import abs_


def add(a: Any, b: Any) -> Tensor:
    return pointwise(lambda x, y: x + y, a, b, what="+")


def subtract(a: Any, b: Any) -> Tensor:
    return pointwise(lambda x, y: x - y, a, b, what="-")


def multiply(a: Any, b: Any) -> Tensor:
    return pointwise(lambda x, y: x * y, a, b, what="*")


def divide(a: Any, b: Any) -> Tensor:
    if not isinstance(b, Tensor) and as_scalar(b) == 0:
        raise DomainError("division by zero")
    if isinstance(b, Tensor) and b.definition is not None and b.equation.body == 0:
        raise DomainError("division by zero: the denominator is identically zero")
    return pointwise(lambda x, y: x / y, a, b, what="/")


MAX_EXPONENT = 10_000


def power(a: Any, b: Any) -> Tensor:
    """``a**b`` entry by entry; what exact arithmetic could not hold is refused beforehand."""
    check_power(a, b)
    return pointwise(lambda x, y: x**y, a, b, what="**")


def check_power(a: Any, b: Any) -> None:
    """Refuse a power of constants that has too many digits; DomainError."""
    for exponent in _values(b):
        if abs(exponent) > MAX_EXPONENT:
            raise DomainError(f"an exponent is beyond {MAX_EXPONENT}")
        for base in _values(a):
            bits = sum(rational_bits(r) for r in base.atoms(Rational))
            if bits * abs(exponent) > MAX_BITS:
                raise DomainError(f"a constant power has more than {MAX_BITS} binary digits")


def _values(a: Any) -> list[Any]:
    """The numbers that a constant, or a mask of deltas and comparisons, can be."""
    body = a
    if isinstance(a, Tensor):
        if a.definition is None or a.operands or a.label is not None:
            return []
        body = a.equation.body
    body = as_scalar(body) if not isinstance(a, Tensor) else body
    if body.is_number:
        return [body]
    brackets = body.atoms(KroneckerDelta, *COMPARISONS)
    corners = (body.xreplace(dict.fromkeys(brackets, Integer(bit))) for bit in (0, 1))
    return [corner for corner in corners if corner.is_number]


def negative(a: Any) -> Tensor:
    return pointwise(lambda x: -x, a, what="unary -")


def absolute(a: Any) -> Tensor:
    return pointwise(abs_, a, what="abs")


def transpose_all(a: Tensor) -> Tensor:
    axes = list(range(a.ndim))[::-1]
    return transpose(a, axes)


def transpose(a: Tensor, axes: list[int]) -> Tensor:
    """Axis ``k`` of the result is axis ``axes[k]`` of ``a``."""
    index: list[Any] = [None] * a.ndim
    for k, axis in enumerate(axes):
        index[axis] = out_index(k)
    return define(out_ranges(tuple(a.shape[x] for x in axes)), slot(0), [Access(a, tuple(index))])


def matmul(a: Any, b: Any) -> Tensor:
    """NumPy's ``@``: vectors, matrices, and stacks of matrices with leading axes broadcast."""
    a, b = as_tensor(a), as_tensor(b)
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError(
            f"@ needs vectors or matrices, not a scalar: shapes {show_shape(a.shape)} and "
            f"{show_shape(b.shape)}; use * to scale"
        )
    inner_a, inner_b = a.shape[-1], b.shape[0 if b.ndim == 1 else -2]
    if inner_a != inner_b:
        raise ShapeError(
            f"shapes {show_shape(a.shape)} and {show_shape(b.shape)} do not fit in @: the last "
            f"axis of the left has length {inner_a}, "
            f"axis {0 if b.ndim == 1 else -2} of the right {inner_b}; they must be equal"
        )
    batch = broadcast_shapes([a.shape[:-2], b.shape[:-2]], "@ (leading axes)")
    rows = a.shape[-2:-1] if a.ndim > 1 else ()
    columns = b.shape[-1:] if b.ndim > 1 else ()
    r = bound_index(0)
    row, column = out_index(len(batch)), out_index(len(batch) + len(rows))

    def leading(t: Tensor) -> tuple[Any, ...]:
        own = t.shape[:-2]
        indices = out_indices(len(batch))[len(batch) - len(own) :]
        wide = batch[len(batch) - len(own) :]
        return tuple(
            Integer(0) if d == 1 and w != 1 else i
            for i, d, w in zip(indices, own, wide, strict=True)
        )

    return define(
        out_ranges((*batch, *rows, *columns)),
        slot(0) * slot(1),
        [
            Access(a, (*leading(a), row, r) if a.ndim > 1 else (r,)),
            Access(b, (*leading(b), r, column) if b.ndim > 1 else (r,)),
        ],
        reduce="sum",
        bound=[(r, inner_a)],
    )


def named(a: Tensor, name: str) -> Tensor:
    check_name(name)
    return define(out_ranges(a.shape), slot(0), [read(a)], label=name)


def normalise_axis(axis: Any, ndim: int, what: str) -> int:
    """An axis in ``range(ndim)``; negative counts from the end."""
    if isinstance(axis, bool) or not isinstance(axis, (int, Integer)):
        raise ShapeError(f"axis of {what} is an integer, not {shown(axis)}")
    number = int(axis)
    if not -ndim <= number < ndim:
        raise ShapeError(f"axis {shown(axis)} of {what} is out of range for {ndim} axes")
    return number % ndim


def require_at_least(value: Any, reason: str) -> tuple[Requirement, ...]:
    """The run-time check ``value >= 0``; nothing when it holds for all dims."""
    value = sympify(value)
    if nonnegative(value):
        return ()
    if nonnegative(-value - 1):
        raise ShapeError(f"never holds: {reason}")
    return (Requirement(value, reason),)


def compare(head: Any, symbol: str) -> Any:
    def comparison(a: Any, b: Any) -> Tensor:
        return pointwise(head, a, b, what=symbol)

    return comparison


OPERATORS.update(
    {
        "add": add,
        "subtract": subtract,
        "multiply": multiply,
        "divide": divide,
        "power": power,
        "negative": negative,
        "abs": absolute,
        "matmul": matmul,
        "T": transpose_all,
        "named": named,
        "gt": compare(gt, ">"),
        "ge": compare(ge, ">="),
        "lt": compare(lt, "<"),
        "le": compare(le, "<="),
    }
)

__all__ = ["Dim", "matmul", "normal", "normalise_axis", "require_at_least", "transpose"]
