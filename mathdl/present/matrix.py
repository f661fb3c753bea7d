"""The matrix view of an equation: the language's operators that compute the same numbers.

What has no such form raises :class:`~mathdl.present.views.Unprintable`; it is never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sympy import Integer, KroneckerDelta, Mul, sympify

from mathdl.ir.build import ranges_of
from mathdl.ir.dim import Shape, product
from mathdl.ir.index import bound_index, out_indices, reshape_index, slot, slot_number
from mathdl.ir.tensor import Access, Equation, Tensor
from mathdl.language.linalg import kron
from mathdl.language.structure import concat
from mathdl.present.body import Body
from mathdl.present.constants import constant
from mathdl.present.contraction import Contraction
from mathdl.present.parts import Fold
from mathdl.present.reduction import natural_order, reduction
from mathdl.present.shorten import shorten
from mathdl.present.tree import (
    Call,
    Name,
    Node,
    Number,
    Sequence,
    insert_axes,
    multiply,
)
from mathdl.present.views import Axes, Scope, Unprintable
from mathdl.present.windows import windowed

NodeOf = Callable[[Tensor], Node]


def matrix_view(tensor: Tensor, node_of: NodeOf, folds: Mapping[Tensor, Fold]) -> Node:
    """The tensor's definition in the language; ``node_of`` says how other tensors are written.

    The result has exactly the tensor's shape.
    """
    return shorten(_view(tensor, node_of, folds))


def _view(tensor: Tensor, node_of: NodeOf, folds: Mapping[Tensor, Fold]) -> Node:
    if tensor.call is not None:
        return _primitive(tensor, node_of)
    if tensor in folds:
        return _fold(folds[tensor], node_of)
    special = _special(tensor, node_of)
    if special is not None:
        return special
    equation = tensor.equation
    ranges = ranges_of(tensor)
    scope = Scope(ranges, equation.operands, node_of, constant, tensor.requires)
    body = Body(scope)
    out = out_indices(tensor.ndim)
    wide = tuple(s for s, d in zip(out, tensor.shape, strict=True) if d != 1)
    if equation.reduce == "none":
        node = body.tree(equation.body, wide)
        used = body.axes(equation.body)
    else:
        node, used = _reduced(equation, body, wide)
    return _shaped(node, tensor, wide, used)


def _reduced(equation: Equation, body: Body, wide: Axes) -> tuple[Node, frozenset[Any]]:
    bound = tuple(bound_index(k) for k in range(len(equation.extents)))
    used = body.axes(equation.body)
    own = tuple(s for s in wide if s in used)
    if equation.reduce == "sum":
        return Contraction(body, wide, bound).tree(equation.body), used
    if not set(bound) <= used:
        raise Unprintable("a bound index without a factor")
    order = natural_order(body, (*own, *bound), equation.body, own)
    inner = body.tree(equation.body, order)
    node = reduction(equation.reduce, inner, order, bound)
    if own != wide[len(wide) - len(own):]:
        raise Unprintable("a reduction that is broadcast")
    return node, used


def _shaped(node: Node, tensor: Tensor, wide: Axes, used: frozenset[Any]) -> Node:
    """Axes that the body does not mention, and axes of length 1, put in."""
    out = out_indices(tensor.ndim)
    if any(s not in used for s in wide):
        sizes = tuple(
            constant(sympify(d)) for s, d in zip(out, tensor.shape, strict=True) if s in wide
        )
        name, ndim = "ones", len(sizes)
        if isinstance(node, Number) and node.value == 0:
            name, node = "zeros", Number(Integer(1))
        node = multiply([node, Call(name, sizes, ndim)], [])
    if len(wide) != tensor.ndim:
        node = insert_axes(node, tuple(s in wide for s in out))
    return node


def _primitive(tensor: Tensor, node_of: NodeOf) -> Node:
    call = tensor.call
    assert call is not None
    nodes = tuple(node_of(a.tensor) for a in call.operands)
    plain = all(
        a.index == out_indices(a.tensor.ndim) for a in call.operands
    )
    if not plain:
        raise Unprintable("a primitive of a view")
    return Call(call.primitive, nodes, tensor.ndim)


_LAST = frozenset({"softmax", "log_softmax"})


def _fold(fold: Fold, node_of: NodeOf) -> Node:
    inner = node_of(fold.argument)
    ndim = fold.argument.ndim
    gone = 0 if fold.name in _LAST else len(fold.axes)
    options: tuple[tuple[str, Any], ...] = ()
    every = len(fold.axes) == ndim
    default = fold.axes == (ndim - 1,) if fold.name in _LAST else every
    if not default:
        axes = tuple(sorted(fold.axes))
        options = (("axis", axes[0] if len(axes) == 1 else axes),)
    return Call(fold.name, (inner,), ndim - gone, options)


# -- forms found by trying: built from the language and compared with the equation ---------------


def _special(tensor: Tensor, node_of: NodeOf) -> Node | None:
    for form in (_concat, _kron, _refilled, windowed):
        node = form(tensor, node_of)
        if node is not None:
            return node
    return None


def same_equation(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.definition == other.definition


def _concat(tensor: Tensor, node_of: NodeOf) -> Node | None:
    """``a[i] + b[i - n]`` is ``concat([a, b])``."""
    equation = tensor.equation
    count = len(equation.operands)
    if equation.reduce != "none" or count < 2 or not tensor.ndim:
        return None
    if equation.body != sum((slot(k) for k in range(count)), Integer(0)):
        return None
    out = out_indices(tensor.ndim)
    for axis in range(tensor.ndim):
        for parts in _in_sequence(equation.operands, out, axis):
            views = []
            for access in parts:
                whole = _whole(access, out, tensor.shape, axis)
                if whole is None:
                    break
                views.append(whole)
            else:
                if same_equation(concat(views, axis), tensor):
                    nodes = tuple(_view_node(v, node_of) for v in views)
                    options = () if axis == 0 else (("axis", axis),)
                    return Call("concat", (Sequence(nodes, "[]"),), tensor.ndim, options)
    return None


def _in_sequence(
    operands: tuple[Access, ...], out: Axes, axis: int
) -> Iterator[list[Access]]:
    """The accesses by their offset along the axis, when their offsets are numbers or sums."""
    offsets = []
    for access in operands:
        if len(access.index) == len(out):
            offsets.append(out[axis] - access.index[axis])
        else:
            return
    if all(o.is_Integer for o in offsets):
        yield [a for _, _, a in sorted(
            (int(o), k, a) for k, (o, a) in enumerate(zip(offsets, operands, strict=True))
        )]
        return
    placed: list[Access] = []
    total: Any = Integer(0)
    left = list(zip(offsets, operands, strict=True))
    while left:
        found = [p for p in left if (p[0] - total).expand() == 0]
        if not found:
            return
        placed.append(found[0][1])
        left = [p for p in left if p is not found[0]]
        total = total + placed[-1].tensor.shape[axis]
    yield placed


def _whole(access: Access, out: Axes, shape: Shape, axis: int) -> Tensor | None:
    others = [k for k in range(len(out)) if k != axis]
    same = all(
        access.index[k] == out[k] and access.tensor.shape[k] == shape[k] for k in others
    )
    return access.tensor if same else None


def _view_node(view: Tensor, node_of: NodeOf) -> Node:
    return node_of(view)


def _refilled(tensor: Tensor, node_of: NodeOf) -> Node | None:
    """``sum_r g[r] delta(i, digits of r)`` puts ``g`` into another shape."""
    equation = tensor.equation
    if equation.reduce != "sum" or len(equation.operands) != 1:
        return None
    access = equation.operands[0]
    factors = Mul.make_args(equation.body)
    deltas = [f for f in factors if isinstance(f, KroneckerDelta)]
    bound = [bound_index(k) for k in range(len(equation.extents))]
    if len(deltas) != tensor.ndim or len(factors) != tensor.ndim + 1 or slot(0) not in factors:
        return None
    ranges = ranges_of(tensor)
    full = tuple(ranges.get(s) for s in access.index) == access.tensor.shape
    if sorted(access.index, key=str) != sorted(bound, key=str) or not full:
        return None
    if sympify(product(tensor.shape)) != sympify(product(access.tensor.shape)):
        return None
    law = reshape_index(tensor.shape, access.tensor.shape)
    renamed = {out_indices(len(bound))[k]: s for k, s in enumerate(access.index)}
    wanted = {
        KroneckerDelta(i, e.xreplace(renamed))
        for i, e in zip(out_indices(tensor.ndim), law, strict=True)
    }
    if wanted != set(deltas):
        return None
    sizes = tuple(constant(sympify(d)) for d in tensor.shape)
    return Call("reshape", (node_of(access.tensor), Sequence(sizes, "()")), tensor.ndim)


def _kron(tensor: Tensor, node_of: NodeOf) -> Node | None:
    equation = tensor.equation
    if equation.reduce != "none" or len(equation.operands) != 1 or equation.body != slot(0):
        return None
    blocks = equation.operands[0].tensor
    if blocks.definition is None or blocks.equation.reduce != "none" or blocks.label is not None:
        return None
    if all(e.is_Symbol or e.is_Integer for e in equation.operands[0].index):
        return None
    factors = [slot_number(f) for f in Mul.make_args(blocks.equation.body)]
    if None in factors or not 1 <= len(factors) <= 2 or len(blocks.operands) not in (1, 2):
        return None
    a, b = blocks.operands[0].tensor, blocks.operands[-1].tensor
    for one, other in ((a, b), (b, a)):
        if one.ndim and other.ndim and same_equation(kron(one, other), tensor):
            return Call("kron", (node_of(one), node_of(other)), tensor.ndim)
    return None


__all__ = ["Name", "matrix_view", "same_equation"]
