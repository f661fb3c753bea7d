"""Forms whose intermediate numbers stay in the range of floats where the result does.

* ``log(c u**n) = log(c) + n log|u|`` for even ``n``, also under a root;
* ``log(sum(u**2)) = 2 log(sqrt(sum(u**2)))``, as roots of sums of squares are scaled;
* ``sinh(u)/cosh(u)**n = tanh(u)/cosh(u)**(n - 1)``.

This is for what is computed, not for what is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sympy import S, cosh, log, sinh, sqrt, tanh

from mathdl.ir.bodies import inline, merge, reads_inside
from mathdl.ir.build import define, out_ranges, read, redefine, restate
from mathdl.ir.index import out_indices, slot
from mathdl.ir.system import rewrite
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar import abs_


class _Power(NamedTuple):
    """``factor * |entry|**exponent``."""

    factor: Any
    entry: Access
    exponent: Any


def in_range(outputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs with what over- or underflows on the way to a float in other forms."""

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        current = redefine(tensor, operands)
        if current.definition is None or current.definition.reduce != "none":
            return current
        return _hyperbolic(_logarithms(current))

    return rewrite(outputs, rule)


def _logarithms(tensor: Tensor) -> Tensor:
    body, operands = tensor.equation.body, list(tensor.operands)
    ranges = dict(out_ranges(tensor.shape))
    for k, access in enumerate(tensor.operands):
        if not body.has(log(slot(k))) or not reads_inside(access, ranges):
            continue
        power = _power(access)
        if power is not None:
            found = log(power.factor) + power.exponent * log(abs_(slot(len(operands))))
            operands.append(power.entry)
        elif _sums_squares(access.tensor):
            root = define(out_ranges(access.tensor.shape), sqrt(slot(0)), [read(access.tensor)])
            found = 2 * log(slot(len(operands)))
            operands.append(Access(root, access.index))
        else:
            continue
        body = body.xreplace({log(slot(k)): found})
    return tensor if body == tensor.equation.body else restate(tensor, body, operands)


def _power(access: Access) -> _Power | None:
    """What is read as an even power of something else, or as a root of that."""
    equation = access.tensor.definition
    if equation is None or equation.reduce != "none" or len(equation.operands) != 1:
        return None
    body, operands = inline(slot(0), [access], 0)
    factor, rest = body.as_independent(slot(1), as_Add=False)
    base, exponent = rest.as_base_exp()
    if base != slot(1) or not exponent.is_Rational or not factor.is_positive:
        return None
    if exponent.is_Integer and exponent % 2 == 0:
        return _Power(factor, operands[1], exponent)
    inner = _power(operands[1])
    return None if inner is None else _Power(
        factor * inner.factor**exponent, inner.entry, exponent * inner.exponent)


def _sums_squares(tensor: Tensor) -> bool:
    equation = tensor.definition
    if equation is None or equation.reduce != "sum" or len(equation.operands) != 1:
        return False
    square = equation.operands[0].tensor.definition
    return equation.body == slot(0) ** 2 or (
        equation.body == slot(0) and square is not None and square.body == slot(0) ** 2)


def _hyperbolic(tensor: Tensor) -> Tensor:
    body, operands = tensor.equation.body, list(tensor.operands)
    if not body.has(sinh):
        return tensor
    for k, access in enumerate(tensor.operands):
        inner = access.tensor.definition
        factor, rest = inner.body.as_coeff_Mul() if inner is not None else (0, S.Zero)
        base, power = rest.as_base_exp()
        if not isinstance(base, cosh) or power not in (1, -1) or (
                access.index != out_indices(tensor.ndim)):
            continue
        opened, read_too = merge(*inline(slot(k), operands, k))
        u = ((opened / factor) ** power).args[0]
        over = slot(k) ** -power
        factor = factor**power
        after = body.replace(
            lambda e, k=k, power=power: e.is_Mul and any(
                b == slot(k) and n.is_Integer and n * power < 0
                for b, n in (f.as_base_exp() for f in e.args)),
            lambda e, u=u, over=over, c=factor: (
                e / (sinh(u) * over) * tanh(u) / c if sinh(u) in e.args else e))
        if after != body:
            return restate(tensor, after, read_too)
    return tensor
