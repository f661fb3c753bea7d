"""Convolutions and pooling, found by building the candidate and comparing the equation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sympy import Integer, sympify

from mathdl.errors import MathDLError
from mathdl.ir.build import bound_ranges, define, out_ranges
from mathdl.ir.index import bound_index, linear, out_indices, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.indexing import index_tensor
from mathdl.language.operators import transpose as permuted
from mathdl.language.structure import avg_pool, conv2d, max_pool
from mathdl.present.tree import FULL, Call, Index, Node, Number, Slice, multiply, transpose
from mathdl.present.tree import Sequence as Listed

NodeOf = Callable[[Tensor], Node]


def windowed(tensor: Tensor, node_of: NodeOf) -> Node | None:
    """``conv2d``, ``max_pool`` or ``avg_pool`` when the equation is one."""
    equation = tensor.equation
    if equation.reduce in ("sum", "max") and len(equation.operands) == 1:
        return _pool(tensor, node_of) if equation.body == slot(0) else None
    if equation.reduce != "sum" or len(equation.operands) != 2:
        return None
    if equation.body != slot(0) * slot(1) or tensor.ndim not in (2, 4):
        return None
    if not any(len(e.free_symbols) > 1 for a in equation.operands for e in a.index):
        return None
    for image, kernel, back in _arrangements(tensor):
        found = _convolution(tensor, image, kernel, back, node_of)
        if found is not None:
            return found
    return None


def _pool(tensor: Tensor, node_of: NodeOf) -> Node | None:
    equation = tensor.equation
    x = equation.operands[0]
    if len(equation.extents) != 2 or len(x.index) != tensor.ndim or tensor.ndim < 2:
        return None
    sizes = equation.extents
    if not all(isinstance(s, int) for s in sizes):
        return None
    strides = _steps(x.index[-2:], out_indices(tensor.ndim)[-2:])
    apart = _steps(x.index[-2:], (bound_index(0), bound_index(1)))
    if strides is None or apart is None:
        return None
    options = () if strides == tuple(sizes) else (("stride", _pair(strides)),)
    if apart != (1, 1):
        options = (*options, ("dilation", _pair(apart)))
    pool = max_pool if equation.reduce == "max" else avg_pool
    try:
        made = max_pool(x.tensor, sizes, strides, apart) if pool is max_pool else avg_pool(
            x.tensor, sizes, strides)
    except MathDLError:
        return None
    if equation.reduce == "sum":
        made = made.operands[0].tensor if made.operands else made
    if made.shape != tensor.shape or made.definition != equation:
        return None
    node = Call(pool.__name__, (node_of(x.tensor), _size(sizes)), tensor.ndim, options)
    return node if equation.reduce == "max" else multiply(
        [Number(Integer(sizes[0] * sizes[1])), node], []
    )


def _steps(index: Sequence[Any], symbols: Sequence[Any]) -> tuple[int, ...] | None:
    """By how much each entry of an index grows with its symbol, if by natural numbers."""
    parts = [linear(e, s) for e, s in zip(index, symbols, strict=True)]
    steps = [p[0] for p in parts if p is not None and p[0].is_Integer and p[0] > 0]
    return tuple(map(int, steps)) if len(steps) == len(parts) else None


def _size(pair: tuple[Any, ...]) -> Node:
    if pair[0] == pair[1]:
        return Number(sympify(pair[0]))
    return Listed(tuple(Number(sympify(p)) for p in pair), "()")


def _pair(pair: tuple[int, ...]) -> Any:
    return pair[0] if pair[0] == pair[1] else pair


Arranged = tuple[Tensor, tuple[int, ...]]  # a tensor and the permutation of its axes


def _arrangements(tensor: Tensor) -> Iterator[tuple[Arranged, Arranged, tuple[int, ...]]]:
    """Which operand is the image, which the kernel, and how the channels are swapped."""
    a, b = (access.tensor for access in tensor.operands)
    if tensor.ndim == 2:
        plain = (0, 1)
        if a.ndim == b.ndim == 2:
            yield (a, plain), (b, plain), plain
            yield (b, plain), (a, plain), plain
        return
    if a.ndim != 4 or b.ndim != 4:
        return
    orders = ((0, 1, 2, 3), (1, 0, 2, 3))
    for (x, k), one, two, back in itertools.product(((a, b), (b, a)), orders, orders, orders):
        yield (x, one), (k, two), back


def _convolution(
    tensor: Tensor, image: Arranged, kernel: Arranged, back: tuple[int, ...], node_of: NodeOf
) -> Node | None:
    x, k = (permuted(t, list(order)) for t, order in (image, kernel))
    target = _permuted_equation(tensor, back)
    for flipped in (False, True):
        turned = k
        if flipped:
            lead = (slice(None),) * (k.ndim - 2)
            turned = index_tensor(k, (*lead, slice(None, None, -1), slice(None, None, -1)))
        for stride, padding, dilation in _settings(target, x, k):
            try:
                made = conv2d(x, turned, stride, padding, dilation)
            except MathDLError:
                continue
            made = _through(made, x, image)
            if made.shape != target.shape or not _equal(made, target, flipped):
                continue
            nodes = [
                transpose(node_of(t), order) for t, order in (image, kernel)
            ]
            if flipped:
                reverse = Slice(None, None, Number(Integer(-1)))
                nodes[1] = Index(nodes[1], (*((FULL,) * (k.ndim - 2)), reverse, reverse), k.ndim)
            options = tuple(
                (name, _pair(value))
                for name, value, usual in (
                    ("stride", stride, (1, 1)), ("padding", padding, (0, 0)),
                    ("dilation", dilation, (1, 1)),
                )
                if value != usual
            )
            return transpose(Call("conv2d", tuple(nodes), tensor.ndim, options), back)
    return None


def _through(made: Tensor, view: Tensor, image: Arranged) -> Tensor:
    """The image read directly: permuting axes is valid in the zero padding as well."""
    whole, order = image
    if view is whole:
        return made
    operands = []
    for access in made.operands:
        if access.tensor is view:
            index = [access.index[order.index(axis)] for axis in range(whole.ndim)]
            access = Access(whole, tuple(index), access.held)
        operands.append(access)
    equation = made.equation
    return define(
        out_ranges(made.shape), equation.body, operands, reduce="sum",
        bound=bound_ranges(equation),
        requires=made.requires,
    )


def _permuted_equation(tensor: Tensor, order: tuple[int, ...]) -> Tensor:
    """The same quantity with its axes permuted, as an equation rather than a view."""
    if order == tuple(range(tensor.ndim)):
        return tensor
    out = out_indices(tensor.ndim)
    equation = tensor.equation
    return define(
        [(out[a], tensor.shape[a]) for a in order], equation.body, equation.operands,
        reduce=equation.reduce,
        bound=bound_ranges(equation),
        requires=tensor.requires,
    )


def _settings(target: Tensor, x: Tensor, k: Tensor) -> Iterator[tuple[Any, Any, Any]]:
    """Strides, paddings and dilations that the indices and shapes allow."""
    strides, paddings, dilations = [], [], []
    for axis in (-2, -1):
        found = None
        for access in target.operands:
            for e in access.index:
                s = out_indices(target.ndim)[axis]
                parts = linear(e, s) if s in e.free_symbols else None
                if parts is not None and len(e.free_symbols) > 1:
                    found = parts[0], parts[1]
        if found is None or not found[0].is_Integer or found[0] < 1:
            return
        stride, rest = int(found[0]), found[1]
        taps = [r for r in rest.free_symbols if r in map(bound_index, range(4))]
        if len(taps) != 1 or (step := linear(rest, taps[0])) is None or not step[0].is_Integer:
            return
        length, window = x.shape[axis], k.shape[axis]
        dilation = abs(int(step[0]))
        offset = step[1]
        if step[0] < 0:
            # read backwards: G[i - r] K[r] begins at the last tap
            offset = offset - dilation * (sympify(window) - 1)
        if not sympify(offset).is_Integer or offset > 0 or (not isinstance(length, int) and (
            step[0] < 0 and not isinstance(window, int)
        )):
            return
        strides.append(stride)
        paddings.append(-int(offset))
        dilations.append(dilation)
    yield tuple(strides), tuple(paddings), tuple(dilations)


def _equal(made: Tensor, target: Tensor, flipped: bool) -> bool:
    if not flipped:
        return bool(made.definition == target.definition)
    equation = made.equation
    for taps in itertools.combinations(range(len(equation.extents)), 2):
        reverse = {
            bound_index(t): sympify(equation.extents[t]) - 1 - bound_index(t) for t in taps
        }
        turned = define(
            out_ranges(made.shape), equation.body,
            [Access(a.tensor, tuple(sympify(e.xreplace(reverse)).expand() for e in a.index))
             for a in equation.operands],
            reduce="sum", bound=bound_ranges(equation),
        )
        if turned.definition == target.definition:
            return True
    return False
