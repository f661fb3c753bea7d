"""Elementwise operations with NumPy's broadcasting, checked when written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from numbers import Number
from typing import Any

from sympy import Expr, I, Integer, N, Rational, S, preorder_traversal

from mathdl.errors import DomainError, NamingError, ShapeError, UnsupportedError
from mathdl.ir.build import constant, define, exact, out_ranges
from mathdl.ir.dim import Dim, Shape, show_shape
from mathdl.ir.index import out_indices, slot
from mathdl.ir.serial import serial
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.names import check_name, shown
from mathdl.language.notation import as_entries, is_index_notation


def as_tensor(value: Any) -> Tensor:
    """A tensor as it is; a number or an expression in dims as a scalar constant."""
    if isinstance(value, Tensor):
        return value
    return constant(as_scalar(value))


def as_scalar(value: Any) -> Any:
    """A number or an expression in dims, exact; anything else is refused."""
    if isinstance(value, bool) or not isinstance(value, (Number, Expr)):
        raise UnsupportedError(
            f"cannot compute with {type(value).__name__} {shown(value)}; "
            "write a tensor, a number or a dim (arrays are given to the compiled function)"
        )
    if isinstance(value, complex):
        raise UnsupportedError(f"complex number {value} in a real expression")
    result = exact(value)
    if result.has(*_BAD):
        raise DomainError(f"{value} is not a real number: a division by zero?")
    for symbol in result.free_symbols:
        if not (symbol.is_integer and symbol.is_positive):
            raise NamingError(
                f"{symbol} is neither a tensor nor a dim; declare it with tensor() or dims(), "
                "and state index notation with equation()"
            )
        check_name(symbol.name, "dim name")
    return result


_BAD = (S.NaN, S.Infinity, S.NegativeInfinity, S.ComplexInfinity, I)
MAX_BITS = 20_000  # of the exact rationals in a constant
MAX_PARTS = 120  # of a constant that stays symbolic, as a sum of roots does
MAX_CONSTANT = 2**1024  # what a float64 can hold
_EXACT_BELOW = 1000


def constant_value(tensor: Tensor) -> Any | None:
    """The number that every entry of a tensor is, when its equation says so."""
    equation = tensor.definition
    if equation is None or tensor.label is not None or tensor.requires or equation.operands:
        return None
    return equation.body if equation.reduce == "none" and equation.body.is_number else None


@serial
def apply_to_numbers(law: Callable[..., Any], scalars: Sequence[Any], what: str) -> Any:
    """``law`` of numbers and dim expressions; outside the domain or range is a DomainError."""
    if sum(map(_size, scalars)) > MAX_PARTS:
        raise DomainError(f"a constant in {what} has more than {MAX_PARTS} parts")
    given = ", ".join(map(shown, scalars))
    value = exact(law(*scalars))
    if value.has(*_BAD) or value.is_real is False:
        raise DomainError(
            f"{what} is not a real number at the constant {given}: "
            "a division by zero or an argument outside the domain"
        )
    if not value.is_number or (value.is_Rational and abs(value) <= _EXACT_BELOW):
        return value
    # A function of a large exact integer may expand it without end; of its decimal it does not.
    size = N(law(*(a if abs(a) <= _EXACT_BELOW else N(a, 30) for a in scalars)), 30)
    if size.has(*_BAD) or size.is_real is False:
        raise DomainError(f"{what} is not a real number at the constant {given}")
    if abs(size) >= MAX_CONSTANT:
        raise DomainError(f"{what} of the constant {given} is beyond the range of floats")
    if sum(rational_bits(r) for r in value.atoms(Rational)) > MAX_BITS:
        raise DomainError(f"{what} of the constant {given} has too many digits")
    return value


def _size(scalar: Any) -> int:
    """The nodes of a number that is not rational, counted no further than there may be."""
    if not isinstance(scalar, Expr) or scalar.is_Rational:
        return 0
    return sum(1 for _ in islice(preorder_traversal(scalar), MAX_PARTS + 1))


def rational_bits(value: Any) -> int:
    """How many bits an exact rational takes."""
    return max(int(value.p).bit_length(), int(value.q).bit_length())


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


def _of_entries(law: Callable[..., Any], arguments: Sequence[Any]) -> Tensor:
    """``lam*x[i]``: with entries of index notation a scalar tensor is an entry too."""
    scalar: Tensor = law(*(exact(as_entries(a)) for a in arguments))
    return scalar


def pointwise(law: Callable[..., Any], *arguments: Any, what: str) -> Tensor:
    """``law`` applied entry by entry; ``what`` names the operation in error messages.

    With entries of index notation among the arguments it is the SymPy scalar ``law`` makes.
    """
    if any(is_index_notation(a) for a in arguments):
        return _of_entries(law, arguments)
    tensors = [a if isinstance(a, Tensor) else None for a in arguments]
    shape = broadcast_shapes([t.shape for t in tensors if t is not None], what)
    operands: list[Access] = []
    scalars: list[Any] = []
    for argument, tensor in zip(arguments, tensors, strict=True):
        value = as_scalar(argument) if tensor is None else constant_value(tensor)
        if tensor is not None and value is None:
            access = broadcast_access(tensor, shape)
            if access not in operands:
                operands.append(access)
            value = slot(operands.index(access))
        scalars.append(value)
    if not operands:
        return define(out_ranges(shape), apply_to_numbers(law, scalars, what))
    body = exact(law(*scalars))
    if body.has(*_BAD):
        given = ", ".join(shown(s) for s in scalars if s.is_number) or "these arguments"
        raise DomainError(
            f"{what} is not a real number at {given}: "
            "a division by zero or an argument outside the domain"
        )
    return define(out_ranges(shape), body, operands)
