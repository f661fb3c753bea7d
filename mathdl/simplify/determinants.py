"""``log(det A) = logdet(A)``: a determinant overflows long before its logarithm is large."""

from __future__ import annotations

from typing import Any

from sympy import Add, Mul, log

from mathdl.ir.bodies import inline
from mathdl.ir.build import out_ranges, restate
from mathdl.ir.index import out_indices, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.primitives.determinant import log_determinant
from mathdl.scalar import abs_
from mathdl.simplify.openings import can_open


def logarithm_of_determinant(tensor: Tensor) -> Tensor | None:
    """``log(c det(A)^p r) = p logdet(A) + log(c r)``; the logarithm is real, so ``c r > 0``."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none" or not equation.body.has(log):
        return None
    body, operands = equation.body, list(equation.operands)
    ranges = dict(out_ranges(tensor.shape))
    for _ in range(3):
        found = {k: _of(a) for k, a in enumerate(operands) if slot(k) in body.free_symbols}
        logs = {slot(k): new for k, new in found.items() if new is not None}
        split = body.replace(log, lambda x, logs=logs: _split(x, set(logs)))
        if split != body:
            return _placed(tensor, split, operands, logs)
        deeper = [k for k, a in enumerate(operands)
                  if any(slot(k) in e.free_symbols for e in body.atoms(log))
                  and can_open(a, body, k, ranges)]
        if not deeper:
            return None
        for k in deeper:
            body, operands = inline(body, operands, k)
    return None


def _of(access: Access) -> Access | None:
    """The access to the logarithm of the determinant that is read."""
    call = access.tensor.call
    if call is None or call.primitive != "det":
        return None
    (matrix,) = call.operands
    if matrix.index != out_indices(matrix.tensor.ndim):
        return None
    kind = str(dict(call.params)["kind"])
    return Access(log_determinant(matrix.tensor, kind), access.index, access.held)


def _split(argument: Any, determinants: set[Any]) -> Any:
    terms, rest = [], []
    for factor in Mul.make_args(argument):
        base, power = factor.as_base_exp()
        base = base.args[0] if isinstance(base, abs_) else base
        if base in determinants and power.is_number:
            terms.append(power * _mark(base))
        else:
            rest.append(factor)
    remainder = Mul(*rest)
    if not terms or (rest and not remainder.is_positive):
        return log(argument)
    return Add(*terms, log(remainder))


def _mark(base: Any) -> Any:
    return log(abs_(base))


def _placed(tensor: Tensor, body: Any, operands: list[Access], logs: dict[Any, Access]) -> Tensor:
    for at, access in logs.items():
        body = body.xreplace({_mark(at): slot(len(operands))})
        operands.append(access)
    return restate(tensor, body, operands)
