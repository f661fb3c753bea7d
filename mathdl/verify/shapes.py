"""The shapes rung: every equation is well formed, and shapes are those that they must be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import sympy

from mathdl.errors import MathDLError
from mathdl.ir.index import bound_index, in_range, out_index, slot_number
from mathdl.ir.system import with_steps
from mathdl.ir.tensor import Tensor
from mathdl.primitives import lookup_primitive
from mathdl.verify.claims import check_wrt, last_quantity
from mathdl.verify.dims import choose_dims
from mathdl.verify.finite_difference import Place, Tally
from mathdl.verify.results import Results, Where
from mathdl.verify.rung import Effort, Found, Rung
from mathdl.verify.sampling import concrete
from mathdl.verify.subject import Subject, graph, instance

SYMBOLIC, CODE = "equations", "arrays of the code"
WHY = "shapes and indices are exact"


def climb(subject: Subject, effort: Effort) -> Found:
    """Shapes as equations for all sizes, and as arrays of the code at some."""
    check_wrt(subject)
    results, quantity = Results("shapes"), last_quantity(subject)
    everything = graph(subject)
    wrt = {t.name or "": t for t in subject.wrt}
    notes: list[str] = []
    for key, block in subject.blocks.items():
        tensors = with_steps([subject.derivatives[key]])
        result = results.of(key, quantity, SYMBOLIC, WHY)
        result.add(Tally(tried=len(tensors), worst=EXACT), _NOWHERE)
        expected = sum((wrt[n].shape for n in block.path), subject.outputs[block.output].shape)
        got = subject.derivatives[key].shape
        if got != expected:
            result.refuse(f"expected shape {expected}, got {got}", _NOWHERE)
        for fault in (f for t in tensors for f in faults(t)):
            result.refuse(fault, _NOWHERE)
        outside = sum(not inside for t in tensors for inside in reads_inside(t))
        if outside:
            notes.append(f"{key}: {outside} accesses may reach outside of their tensor, "
                         "where it is zero (padding, shifts, gathers)")
    code = subject.derivative_function()
    for dims in choose_dims(everything, effort.dims, count=effort.points,
                            rng=np.random.default_rng(effort.seed)):
        where = (dims, effort.seed, "positive")
        with np.errstate(all="ignore"):
            try:
                arrays = code(**instance(subject, dims, effort.seed, "positive"))
            except (np.linalg.LinAlgError, MathDLError) as error:
                notes.append(f"the code refused an instance: {error}")
                continue
        for key, block in subject.blocks.items():
            expected = concrete(
                sum((wrt[n].shape for n in block.path), subject.outputs[block.output].shape), dims)
            result = results.of(key, quantity, CODE, WHY)
            result.add(Tally(tried=1, worst=EXACT), where)
            if key not in arrays:
                result.refuse("the code does not give it", where)
            elif (got := np.shape(arrays[key])) != expected:
                result.refuse(f"expected shape {expected}, got {got}", where)
    return Found(
        results.checks(), tuple((key, quantity) for key in subject.blocks),
        tuple(dict.fromkeys(notes)),
    )


EXACT = Place(None, 0.0, 0.0, 0.0, 0.0, True)
_NOWHERE: Where = ({}, 0, "normal")


def faults(tensor: Tensor) -> Iterator[str]:
    """What is not well formed in the definition of a tensor."""
    shown = tensor.name or tensor.label or f"a quantity of shape {tensor.shape}"
    for access in tensor.operands:
        if tensor.call is None and len(access.index) != access.tensor.ndim:
            yield f"{shown} reads {access.tensor.ndim} axes by {len(access.index)} indices"
    if tensor.call is not None and tensor.recurrence is None:
        shapes = [a.tensor.shape for a in tensor.operands]
        expected = lookup_primitive(tensor.call.primitive).shape(*shapes)
        if tuple(expected) != tuple(tensor.shape):
            yield f"{shown} should have the shape {expected} of {tensor.call.primitive}"
    if tensor.definition is None:
        return
    equation = tensor.equation
    known = {out_index(k) for k in range(tensor.ndim)}
    known |= {bound_index(k) for k in range(len(equation.extents))}
    used = set(equation.body.free_symbols)
    for access in equation.operands:
        for e in access.index:
            used |= sympy.sympify(e).free_symbols
    for symbol in sorted(used, key=str):
        k = slot_number(symbol)
        if k is not None and k >= len(equation.operands):
            yield f"{shown} uses the access {symbol}, which it does not have"
        elif k is None and not symbol.is_positive and symbol not in known:
            yield f"{shown} uses the index {symbol}, which has no range"


def reads_inside(tensor: Tensor) -> Iterator[bool]:
    """For each access of an equation: whether it provably stays inside of its tensor."""
    if tensor.definition is None:
        return
    ranges = {
        **{out_index(k): d for k, d in enumerate(tensor.shape)},
        **{bound_index(k): d for k, d in enumerate(tensor.equation.extents)},
    }
    for access in tensor.operands:
        yield all(
            in_range(sympy.sympify(e), d, ranges)
            for e, d in zip(access.index, access.tensor.shape, strict=False)
        )


RUNG = Rung(
    "shapes", "every equation is well formed and every derivative has the shape that it must", climb
)
