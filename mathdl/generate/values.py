"""Array values: what a kernel computes, an operation on other values.

A value is an operation on other values; shapes are dims.  Nothing here knows NumPy: the
operations are the vocabulary of the schedule, and every target prints them in its own words.
Views (:class:`Affine`, :class:`Reshape`) own no memory; :class:`Fill` and :class:`Positions`
depend on dims only and are computed once, when buffers are allocated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mathdl.ir.dim import Dim, Shape
from mathdl.ir.tensor import Recurrence, Tensor

Kind = Literal["float", "int", "bool", "object"]  # an object: a factorisation, a loop
Arg = Any  # a Value, or a constant: a SymPy expression in dims and numbers
Offset = tuple[Any, tuple[tuple[int, Any], ...]]  # constant, ((result axis, step), ...)


@dataclass(frozen=True, slots=True)
class Input:
    """An array given by the caller."""

    tensor: Tensor


@dataclass(frozen=True, slots=True)
class Fill:
    """Every entry the same number, an expression in dims."""

    number: Any


@dataclass(frozen=True, slots=True)
class Positions:
    """An expression in the value's own axis positions (``axis(k)``): a mask, an arange, eye."""

    expr: Any


@dataclass(frozen=True, slots=True)
class Ufunc:
    """An elementwise function with broadcasting."""

    name: str
    args: tuple[Arg, ...]


@dataclass(frozen=True, slots=True)
class Select:
    """``chosen`` where ``condition`` holds, ``other`` elsewhere."""

    condition: Value
    chosen: Arg
    other: Arg


@dataclass(frozen=True, slots=True)
class Cast:
    """The same numbers in another kind."""

    base: Value


@dataclass(frozen=True, slots=True)
class Affine:
    """A strided view: entry ``k`` is ``base[c + sum(step * k[axis])]`` on each base axis.

    A result axis that no base axis mentions has length 1 (a new axis).
    """

    base: Value
    index: tuple[Offset, ...]


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same entries in row-major order under another shape."""

    base: Value


@dataclass(frozen=True, slots=True)
class Copy:
    """A contiguous copy, broadcast to the value's shape."""

    base: Value


@dataclass(frozen=True, slots=True)
class Pad:
    """``base`` inside a border of zeros; ``before[k]`` zeros precede axis ``k``."""

    base: Value
    before: tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """``count`` taps: tap ``t`` reads ``axis`` at ``position + start + step*t``, 0 outside."""

    axis: int
    start: int
    step: int
    count: int


@dataclass(frozen=True, slots=True)
class Shifts(Pad):
    """Shifted copies: after ``at`` axes of the base one axis of taps for each shift.

    The axes of a shift are counted in the base.
    """

    at: int
    shifts: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """The sum over the taps, axis ``at`` of the base, each shifted; axes as in the result."""

    base: Value
    at: int
    shift: Shift


@dataclass(frozen=True, slots=True)
class Take:
    """Rows of ``base`` along ``axis`` chosen by integers."""

    base: Value
    axis: int
    where: Value


@dataclass(frozen=True, slots=True)
class Gather:
    """``base[where[0], where[1], ...]``, one integer array per axis, broadcast together."""

    base: Value
    where: tuple[Arg, ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """Matrix or vector product: last axis of ``a`` with the first of ``b`` (each 1-D or 2-D)."""

    a: Value
    b: Value


@dataclass(frozen=True, slots=True)
class Matmul:
    """Stacked matrix products: leading axes are shared."""

    a: Value
    b: Value


@dataclass(frozen=True, slots=True)
class StackedDot:
    """The sum over the first axis of the products of matrices."""

    a: Value
    b: Value


@dataclass(frozen=True, slots=True)
class RowDot:
    """Inner products along the last axis."""

    a: Value
    b: Value


@dataclass(frozen=True, slots=True)
class Einsum:
    """What no other contraction states; subscripts as NumPy spells them."""

    subscripts: str
    args: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Reduction:
    """A binary ufunc folded over axes."""

    name: str
    base: Value
    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Root:
    """The root of ``squares``, the sum of the squares of ``bases`` times ``scale`` plus ``shift``.

    It is summed over an axis of the one base, over all axes (None), or over the bases (no axis).
    Where squares over- or underflow, the bases say what it is.
    """

    squares: Value
    bases: tuple[Arg, ...]
    axis: int | tuple[()] | None
    scale: Any
    shift: Any


@dataclass(frozen=True, slots=True)
class Centred:
    """``base`` less its mean along the first axis (0), the last (-1) or over a vector (None)."""

    base: Value
    mean: Value  # as it is broadcast
    axis: int | None


@dataclass(frozen=True, slots=True)
class Cumulate:
    """Running sums along an axis, from its end when ``backwards``."""

    base: Value
    axis: int
    backwards: bool


@dataclass(frozen=True, slots=True)
class Linalg:
    """A primitive of linear algebra on whole arrays: ``inv``, ``solve``, ``det`` ..."""

    name: str
    args: tuple[Value, ...]
    params: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """The steps of a recurrence; ``emits`` are tensors of the step, collected at every time."""

    step: Recurrence
    args: tuple[Value, ...]
    emits: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Collected:
    """The ``k``-th thing that a loop collects, written while it runs."""

    loop: Value
    k: int


@dataclass(frozen=True, slots=True)
class Write:
    """Add ``value`` to the part of a target that ``index`` states (as in :class:`Affine`).

    ``taps`` are axes of the value to loop over, because several entries along them may fall on
    the same target entry.
    """

    index: tuple[Offset, ...]
    value: Arg
    shape: Shape
    taps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Scatter:
    """Add ``value`` at ``where``, one integer array or slice (None) per target axis."""

    where: tuple[Arg, ...]
    value: Arg
    shape: Shape


@dataclass(frozen=True, slots=True)
class Assemble:
    """``start`` (zeros when None) with parts added; ``partition``: the parts tile the target."""

    start: Value | None
    parts: tuple[Write | Scatter, ...]
    partition: bool = False


Op = (
    Input | Fill | Positions | Ufunc | Select | Cast | Affine | Reshape | Copy | Pad | Overlap
    | Take | Gather | Dot | Matmul | StackedDot | RowDot | Einsum | Reduction | Root | Centred
    | Cumulate | Linalg | Assemble | Loop | Collected
)


class Value:
    """One array (or number, when the shape is empty)."""

    __slots__ = ("kind", "number", "op", "owner", "shape")

    def __init__(self, number: int, op: Op, shape: Shape, kind: Kind, owner: Tensor | None):
        self.number, self.op, self.shape, self.kind = number, op, shape, kind
        self.owner = owner  # the tensor whose equation first needed it

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def is_view(self) -> bool:
        return isinstance(self.op, (Affine, Reshape)) and self.shape != ()

    @property
    def is_constant(self) -> bool:
        """Known from the dims alone."""
        if isinstance(self.op, (Affine, Reshape)):
            return self.op.base.is_constant
        return isinstance(self.op, (Fill, Positions))

    @property
    def contiguous(self) -> bool:
        """Row-major in memory whatever the caller gives."""
        match self.op:
            case Reshape(base=base):
                return base.contiguous
            case Affine(base=base, index=index):  # whole entries of the first axis, in a row
                return self.ndim == base.ndim > 0 and base.contiguous and all(
                    steps == ((k, 1),) and (k == 0 or (start == 0 and dim == own))
                    for k, ((start, steps), dim, own) in enumerate(
                        zip(index, base.shape, self.shape, strict=True)
                    )
                )
        return not isinstance(self.op, Input)

    def operands(self) -> list[Value]:
        """The values it is computed from."""
        return [a for a in _arguments(self.op) if isinstance(a, Value)]

    def __repr__(self) -> str:
        return f"v{self.number}{self.shape}"


def _arguments(op: Op) -> tuple[Arg, ...]:
    match op:
        case Ufunc(args=args) | Einsum(args=args) | Linalg(args=args) | Loop(args=args):
            return args
        case Collected(loop=loop):
            return (loop,)
        case Affine(base=base) | Reshape(base=base) | Copy(base=base) | Pad(base=base):
            return (base,)
        case Cast(base=base) | Reduction(base=base) | Cumulate(base=base) | Overlap(base=base):
            return (base,)
        case Dot(a=a, b=b) | Matmul(a=a, b=b) | RowDot(a=a, b=b) | StackedDot(a=a, b=b):
            return (a, b)
        case Root(squares=squares, bases=bases):
            return (squares, *bases)
        case Centred(base=base, mean=mean):
            return (base, mean)
        case Select(condition=c, chosen=a, other=b):
            return (c, a, b)
        case Take(base=base, where=where):
            return (base, where)
        case Gather(base=base, where=places):
            return (base, *places)
        case Assemble(start=start, parts=parts):
            found: list[Arg] = [start]
            for part in parts:
                found.append(part.value)
                if isinstance(part, Scatter):
                    found.extend(part.where)
            return tuple(found)
        case Input() | Fill() | Positions():
            return ()
