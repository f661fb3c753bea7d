"""What a primitive is: its shape rule and derivative rules, from which derivation is free.

The rules are written as tensor expressions.  A cotangent may carry further axes in front (the
output axes of a Jacobian, a batch); ``@`` broadcasts over them, so one rule serves all.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mathdl.errors import NamingError
from mathdl.ir.build import define, read
from mathdl.ir.dim import Shape
from mathdl.ir.index import out_indices, slot
from mathdl.ir.tensor import Access, Call, Tensor, intern_call

PullBack = Callable[..., Tensor]
PushForward = Callable[..., Tensor]


@dataclass(frozen=True)
class Primitive:
    """One operator that no finite index formula states.

    name
        What the language calls it.
    shape
        The result's shape from the operands' shapes.
    vjp
        Per operand, ``(out, cotangent, *operands) -> cotangent of that operand``.
    jvp
        Per operand, ``(out, tangent, *operands) -> contribution to the result's tangent``.
    reference
        Where the rules come from.
    analytic
        Whether its numeric code is analytic on complex arrays.
    one_triangle
        Whether its numeric code reads one triangle of a symmetric operand only.
    """

    name: str
    shape: Callable[..., Shape]
    vjp: tuple[PullBack, ...]
    jvp: tuple[PushForward, ...]
    reference: str
    analytic: bool = False
    one_triangle: bool = False


_REGISTRY: dict[str, Primitive] = {}


def declare_primitive(primitive: Primitive) -> Primitive:
    """Register a primitive; a second one of the name is refused."""
    if primitive.name in _REGISTRY:
        raise NamingError(f"primitive {primitive.name!r} is declared twice")
    _REGISTRY[primitive.name] = primitive
    return primitive


def primitives() -> list[Primitive]:
    """Every primitive, by name."""
    return sorted(_REGISTRY.values(), key=lambda p: p.name)


def lookup_primitive(name: str) -> Primitive:
    try:
        return _REGISTRY[name]
    except KeyError:
        near = difflib.get_close_matches(name, _REGISTRY, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise NamingError(f"unknown primitive {name!r}{hint}") from None


def apply(primitive: Primitive, *operands: Tensor, **params: Any) -> Tensor:
    """The result of a primitive on whole tensors."""
    shape = primitive.shape(*(t.shape for t in operands))
    accesses = tuple(map(read, operands))
    return intern_call(shape, Call(primitive.name, accesses, tuple(sorted(params.items()))))


def _parts(tensor: Tensor) -> tuple[Primitive, Sequence[Tensor], dict[str, Any]]:
    call = tensor.call
    if call is None:
        raise TypeError("not the result of a primitive")
    return lookup_primitive(call.primitive), [a.tensor for a in call.operands], dict(call.params)


def pull_back_primitive(tensor: Tensor, cotangent: Tensor, k: int) -> Tensor:
    """The cotangent of the ``k``-th operand, axes in front of the cotangent kept."""
    primitive, operands, params = _parts(tensor)
    found = primitive.vjp[k](tensor, cotangent, *operands, **params)
    front = cotangent.ndim - tensor.ndim
    return summed(found, front, found.ndim - front - operands[k].ndim)


def summed(tensor: Tensor, front: int, count: int) -> Tensor:
    """The sum over ``count`` axes after the first ``front``."""
    if count <= 0:
        return tensor
    symbols = out_indices(tensor.ndim)
    gone = range(front, front + count)
    return define(
        [(symbols[a], d) for a, d in enumerate(tensor.shape) if a not in gone],
        slot(0), [Access(tensor, symbols)], reduce="sum",
        bound=[(symbols[a], tensor.shape[a]) for a in gone],
    )


def push_forward_primitive(tensor: Tensor, tangent: Tensor, k: int) -> Tensor:
    """The ``k``-th operand's contribution to the result's tangent."""
    primitive, operands, params = _parts(tensor)
    return primitive.jvp[k](tensor, tangent, *operands, **params)
