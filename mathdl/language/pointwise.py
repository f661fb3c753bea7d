"""Elementwise operations with NumPy's broadcasting, checked when written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Number
from typing import Any

from sympy import Expr, Integer

from mathdl.errors import DomainError, ShapeError, UnsupportedError
from mathdl.ir.build import constant, define, exact, out_ranges
from mathdl.ir.dim import Dim, Shape, show_shape
from mathdl.ir.index import out_indices, slot
from mathdl.ir.tensor import Access, Tensor


def as_tensor(value: Any) -> Tensor:
    """A tensor as it is; a number or an expression in dims as a scalar constant."""
    if isinstance(value, Tensor):
        return value
    return constant(as_scalar(value))


def as_scalar(value: Any) -> Any:
    """A number or an expression in dims, exact; anything else is refused."""
    if isinstance(value, bool) or not isinstance(value, (Number, Expr)):
        raise UnsupportedError(
            f"cannot compute with {type(value).__name__} {value!r}; "
            "write a tensor, a number or a dim (arrays are given to the compiled function)"
        )
    if isinstance(value, complex):
        raise UnsupportedError(f"complex number {value} in a real expression")
    result = exact(value)
    if result.has(*_BAD):
        raise DomainError(f"{value} is not a real number: a division by zero?")
    return result


def _bad() -> tuple[Any, ...]:
    from sympy import I, S

    return (S.NaN, S.Infinity, S.NegativeInfinity, S.ComplexInfinity, I)


_BAD = _bad()


def broadcast_shapes(shapes: Sequence[Shape], what: str) -> Shape:
    """NumPy's rule: axes match from the right when equal, literally 1, or missing."""
    ndim = max((len(s) for s in shapes), default=0)
    result: list[Dim] = []
    for axis in range(-ndim, 0):
        dim: Dim = 1
        for shape in shapes:
            if len(shape) < -axis or shape[axis] == 1 or shape[axis] == dim:
                continue
            if dim != 1:
                listed = " and ".join(show_shape(s) for s in shapes if s)
                raise ShapeError(
                    f"shapes {listed} do not broadcast in {what}: axis {axis} has length "
                    f"{dim} in one and {shape[axis]} in another; they must be equal or 1"
                )
            dim = shape[axis]
        result.append(dim)
    return tuple(result)


def broadcast_access(tensor: Tensor, shape: Shape) -> Access:
    """How a tensor is read when it is broadcast to ``shape``."""
    indices = out_indices(len(shape))[len(shape) - tensor.ndim :]
    target = shape[len(shape) - tensor.ndim :]
    return Access(
        tensor,
        tuple(
            Integer(0) if own == 1 and wide != 1 else i
            for i, own, wide in zip(indices, tensor.shape, target, strict=True)
        ),
    )


def pointwise(law: Callable[..., Any], *arguments: Any, what: str) -> Tensor:
    """``law`` applied entry by entry; ``what`` names the operation in error messages."""
    tensors = [a if isinstance(a, Tensor) else None for a in arguments]
    shape = broadcast_shapes([t.shape for t in tensors if t is not None], what)
    operands: list[Access] = []
    scalars: list[Any] = []
    for argument, tensor in zip(arguments, tensors, strict=True):
        if tensor is None:
            scalars.append(as_scalar(argument))
            continue
        scalars.append(slot(len(operands)))
        operands.append(broadcast_access(tensor, shape))
    body = exact(law(*scalars))
    if body.has(*_BAD):
        shown = ", ".join(str(a) for a in arguments if not isinstance(a, Tensor))
        raise DomainError(
            f"{what} is not a real number at the constant {shown}: "
            "a division by zero or an argument outside the domain"
        )
    return define(out_ranges(shape), body, operands)
