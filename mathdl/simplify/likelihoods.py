"""``log(prod(p)) = sum(log(p))``: a likelihood underflows long before its logarithm is small."""

from __future__ import annotations

from sympy import log

from mathdl.ir.assumptions import closure
from mathdl.ir.bodies import reads_inside
from mathdl.ir.build import bound_ranges, define, out_ranges, ranges_of, restate
from mathdl.ir.index import slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.simplify.scalar_forms import scalar_forms
from mathdl.simplify.shifting import logarithm_of_product


def logarithm_of_entries(tensor: Tensor) -> Tensor | None:
    """``log(prod(p)) = sum(log(p))`` for entries that are never negative."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none":
        return None
    for k, access in enumerate(equation.operands):
        product = access.tensor.definition
        if (product is None or product.reduce != "prod" or access.tensor.requires
                or not equation.body.has(log(slot(k))) or not _nonnegative(access.tensor)
                or not reads_inside(access, dict(out_ranges(tensor.shape)))):
            continue
        ranges = list(ranges_of(access.tensor).items())
        entries = define(ranges, log(product.body), product.operands)
        for form in (logarithm_of_product, scalar_forms):
            found = form(entries)
            entries = entries if found is None else found
        total = define(
            out_ranges(access.tensor.shape), slot(0),
            [Access(entries, tuple(s for s, _ in ranges))], reduce="sum",
            bound=bound_ranges(product))
        body = equation.body.xreplace({log(slot(k)): slot(len(equation.operands))})
        return restate(tensor, body, [*equation.operands, Access(total, access.index)])
    return None


def _nonnegative(product: Tensor) -> bool:
    """Whether the factors cannot be negative, by what they are or by what is assumed."""
    body, operands = product.equation.body, product.operands
    if body.is_nonnegative:
        return True
    if body != slot(0) or len(operands) != 1:
        return False
    read = operands[0].tensor
    return "nonnegative" in closure(read.assume) if read.is_input else bool(
        read.definition is not None and read.definition.reduce == "none"
        and read.definition.body.is_nonnegative)
