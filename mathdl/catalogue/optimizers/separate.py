"""Sums of sums and of products, with what does not move taken out of each."""

from __future__ import annotations

from typing import Any

import sympy

from mathdl.ir.bodies import inline, reads_inside
from mathdl.ir.build import bound_ranges, define, out_ranges, ranges_of
from mathdl.ir.index import out_indices, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.simplify import Rule, rewrite_system, simplify
from mathdl.simplify.facts import split_product


def scalars(body: Any, operands: Any) -> dict[Any, Any]:
    """For each slot of the body a symbol with what is assumed of the tensor that it reads."""
    return {
        slot(k): sympy.Symbol(f"v{k}", real=True, positive=_positive(access.tensor))
        for k, access in enumerate(operands) if body.has(slot(k))
    }


def _positive(tensor: Tensor) -> bool | None:
    return True if "positive" in tensor.assume else None


def _apart(tensor: Tensor, _: Any) -> Tensor | None:
    equation = tensor.equation
    if equation.reduce != "sum" or tensor.label is not None:
        return None
    body, read = _opened(tensor)
    symbols = scalars(body, read)
    body = sympy.expand(body.xreplace(symbols), power_exp=False, log=False, multinomial=False,
                        basic=False).xreplace({symbol: k for k, symbol in symbols.items()})
    bounds = {s for s, _ in bound_ranges(equation)}
    parts = [split_product(term, bounds, read) for term in sympy.Add.make_args(body)]
    if len(parts) == 1 and not parts[0][0]:
        return None
    operands, total = list(read), sympy.S.Zero
    for fixed, moving in parts:
        one = define(out_ranges(tensor.shape), sympy.Mul(*moving), read, reduce="sum",
                     bound=bound_ranges(equation))
        operands.append(Access(one, out_indices(tensor.ndim)))
        total += sympy.Mul(*fixed) * slot(len(operands) - 1)
    return define(out_ranges(tensor.shape), total, operands, requires=tensor.requires)


def _opened(tensor: Tensor) -> tuple[Any, list[Access]]:
    """The body with what it reads entry by entry put in."""
    body, operands, k = tensor.equation.body, list(tensor.operands), 0
    while k < len(operands):
        inner = operands[k].tensor.definition
        if (
            inner is not None and inner.reduce == "none" and body.has(slot(k))
            and not operands[k].held and not operands[k].tensor.requires
            and reads_inside(operands[k], ranges_of(tensor))
        ):
            body, operands = inline(body, operands, k)
        k += 1
    return body, operands


SEPARATE = Rule("separate", "sum_k (u f(k) + v g(k)) = u sum_k f(k) + v sum_k g(k)", _apart)


def separated(expr: Tensor) -> Tensor:
    """Simplified, with sums term by term: ``sum(1 - x) = n - sum(x)``."""
    return rewrite_system(simplify([expr]), (SEPARATE,))[0]
