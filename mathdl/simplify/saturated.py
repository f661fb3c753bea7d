"""Softmaxes that are sure: what is left beside the greatest exponential is a number of its own.

With ``e = exp(u - m)`` and ``m = max u`` one entry of ``e`` is 1.  Where the others are small they
are lost in ``s = sum e``, but not in the *excess* ``r = s - 1``, which is summed without that
entry:

* ``log(s) = log1p(r)``, and ``u - m`` is subtracted before it, not ``m + log(s)`` from ``u``;
* ``sum(y u) - m = sum(y (u - m))`` for ``y`` that sum to one;
* ``c e/s - y = ((c e - y) - y r)/s`` for data or a delta ``y``.

This is for what is computed, not for what is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Add, KroneckerDelta, Mul, exp, log

from mathdl.ir.assumptions import UNIT_ROWS
from mathdl.ir.bodies import inline, merge, symbols_read
from mathdl.ir.build import bound_ranges, define, out_ranges, read, redefine, restate
from mathdl.ir.index import bound_index, out_indices, slot, slot_number
from mathdl.ir.system import rewrite, topological
from mathdl.ir.tensor import EXCESS, Access, Call, Tensor, intern_call
from mathdl.scalar import eq, log1p, maximum, where


@dataclass(frozen=True)
class _Total:
    """A sum ``s`` of ``exp(u - m)`` over the last axis of ``u``, and 1 where ``constant``."""

    u: Tensor
    m: Tensor
    e: Tensor
    constant: Tensor | None = None  # the sum without the constant

    def excess(self) -> Tensor:
        """``s - 1``, not rounded as 1 is."""
        others = intern_call(self.e.shape[:-1], Call(EXCESS, (read(self.e),), ()))
        if self.constant is None:
            return others
        parts = [read(self.m), read(self.constant), read(others)]
        body = where(eq(slot(0), 0), slot(1), slot(2) + exp(-slot(0)))
        return define(out_ranges(self.m.shape), body, parts)


def saturated(outputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs with the excess of every softmax whose logarithm or distance is taken."""
    wanted = {t for reader in topological(outputs) for t in _wanted(reader)}
    if not wanted:
        return list(outputs)
    known: dict[Tensor, tuple[_Total, Tensor]] = {}

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        current = redefine(tensor, operands)
        if tensor in wanted:
            total = _total(current)
            if total is not None:
                excess = total.excess()
                current = define(out_ranges(tensor.shape), 1 + slot(0), [read(excess)])
                known[current] = total, excess
            return current
        return _rewritten(current, known)

    return rewrite(outputs, rule)


def _wanted(reader: Tensor) -> list[Tensor]:
    """The sums of which a reader takes the logarithm, or a quotient less data."""
    equation = reader.definition
    if equation is None:
        return []
    body, operands = _quotients_opened(reader, _is_total)
    found = [a.tensor for k, a in enumerate(operands)
             if body.has(log(slot(k))) and _is_total(a.tensor)]
    if equation.reduce == "none":
        found += [a.tensor for k, a in enumerate(operands)
                  if _is_total(a.tensor) and _distances(body, operands, k)]
    return found


def _is_total(tensor: Tensor) -> bool:
    return _total(tensor) is not None


def _total(tensor: Tensor) -> _Total | None:
    """How a sum of shifted exponentials is made, if it is one."""
    equation = tensor.definition
    if equation is None or tensor.requires or not equation.operands:
        return None
    if equation.reduce == "none":
        return _total_with_one(tensor)
    (access, *others) = equation.operands
    whole = (*out_indices(tensor.ndim), bound_index(0))
    if equation.reduce != "sum" or others or equation.body != slot(0) or access.index != whole:
        return None
    e = access.tensor.definition
    if e is None or e.reduce != "none" or len(e.operands) != 2:
        return None
    for u, m in (e.operands, e.operands[::-1]):
        k = e.operands.index(u)
        if e.body == exp(slot(k) - slot(1 - k)) and u.index == out_indices(u.tensor.ndim) and (
                m.index == out_indices(tensor.ndim)) and _is_greatest(m.tensor, u.tensor):
            return _Total(u.tensor, m.tensor, access.tensor)
    return None


def _is_greatest(m: Tensor, u: Tensor) -> bool:
    """Whether ``m`` is the greatest along the last axis, or that and 0."""
    equation = m.definition
    if equation is None:
        return False
    if equation.body == maximum(slot(0), 0) and equation.operands[0].index == out_indices(m.ndim):
        equation = equation.operands[0].tensor.definition
    return (equation is not None and equation.reduce == "max" and equation.body == slot(0)
            and equation.operands[0] == Access(u, (*out_indices(m.ndim), bound_index(0))))


def _total_with_one(tensor: Tensor) -> _Total | None:
    """``1`` shifted beside the exponentials: ``sum e + exp(-m)`` with ``m >= 0``."""
    equation = tensor.equation
    if len(equation.operands) != 2 or any(
            a.index != out_indices(tensor.ndim) for a in equation.operands):
        return None
    for k, access in enumerate(equation.operands):
        m = equation.operands[1 - k].tensor
        if equation.body == slot(k) + exp(-slot(1 - k)) and access.tensor.definition is not None:
            inner = access.tensor.equation.reduce == "sum" and _total(access.tensor)
            if inner and inner.m is m and m.definition is not None and m.equation.body.has(maximum):
                return _Total(inner.u, m, inner.e, constant=access.tensor)
    return None


def _quotients_opened(tensor: Tensor, is_total: Any) -> tuple[Any, list[Access]]:
    """The body with every ``e/s`` that it reads put in."""
    equation = tensor.equation
    body, operands = equation.body, list(equation.operands)
    for k, access in enumerate(equation.operands):
        inner = access.tensor.definition
        if (inner is not None and inner.reduce == "none" and len(inner.operands) == 2
                and body.has(Add) and any(
                    is_total(b.tensor) and inner.body == slot(1 - j) / slot(j)
                    for j, b in enumerate(inner.operands))):
            body, operands = inline(body, operands, k)
    return merge(body, operands)


def _distances(body: Any, operands: Sequence[Access], k: int) -> dict[Any, tuple[Any, Any]]:
    """The sums ``c e/s + y`` in a body with their ``c e`` and ``y``; ``s`` is operand ``k``."""
    found = {}
    for node in body.atoms(Add):
        under = [t for t in node.args if slot(k) ** -1 in Mul.make_args(t)]
        rest = node - Add(*under)
        if len(under) == 1 and not rest.has(slot(k)) and _is_data(rest, operands):
            found[node] = under[0] * slot(k), rest
    return found


def _is_data(term: Any, operands: Sequence[Access]) -> bool:
    """A multiple of an input's entry or of a delta, or a number."""
    rest = Mul(*(f for f in Mul.make_args(term)
                 if any(slot_number(s) is not None for s in f.free_symbols)))
    k = slot_number(rest)
    return term != 0 and (rest == 1 or isinstance(rest, KroneckerDelta) or (
        k is not None and operands[k].tensor.is_input))


def _rewritten(tensor: Tensor, known: dict[Tensor, tuple[_Total, Tensor]]) -> Tensor:
    if tensor.definition is None or not known:
        return tensor
    current = _distance(tensor, known)
    return _rows_apart(_apart(_logarithm(current, known), known))


def _distance(tensor: Tensor, known: dict[Tensor, tuple[_Total, Tensor]]) -> Tensor:
    """``c e/s - y = ((c e - y) - y r)/s``."""
    if tensor.equation.reduce != "none":
        return tensor
    body, operands = _quotients_opened(tensor, known.__contains__)
    ranges = out_ranges(tensor.shape)
    for k, access in enumerate(tuple(operands)):
        if access.tensor not in known:
            continue
        for node, (above, rest) in _distances(body, operands, k).items():
            near = define(ranges, above + rest, operands)
            operands = [*operands, Access(near, out_indices(tensor.ndim)),
                        Access(known[access.tensor][1], access.index)]
            count = len(operands)
            body = body.xreplace({
                node: (slot(count - 2) + rest * slot(count - 1)) / slot(k)})
            return restate(tensor, body, operands)
    return tensor


def _logarithm(tensor: Tensor, known: dict[Tensor, tuple[_Total, Tensor]]) -> Tensor:
    """``log(s) = log1p(r)``, a quantity of its own."""
    body, operands = tensor.equation.body, list(tensor.operands)
    for k, access in enumerate(tensor.operands):
        if access.tensor in known and body.has(log(slot(k))):
            _, excess = known[access.tensor]
            small = define(out_ranges(excess.shape), log1p(slot(0)), [read(excess)])
            body = body.xreplace({log(slot(k)): slot(len(operands))})
            operands.append(Access(small, access.index))
    return tensor if body == tensor.equation.body else restate(tensor, body, operands)


def _apart(tensor: Tensor, known: dict[Tensor, tuple[_Total, Tensor]]) -> Tensor:
    """``u - m`` taken before anything else, also where ``m + log(s)`` is subtracted.

    And ``m - sum(y u) = -sum(y (u - m))`` where ``y`` sum to one.
    """
    totals = list(dict.fromkeys(total for total, _ in known.values()))
    body, operands = tensor.equation.body, list(tensor.operands)
    for k, access in enumerate(tensor.operands):
        inner = access.tensor.definition
        if inner is not None and inner.reduce == "none" and isinstance(inner.body, Add) and any(
                a.tensor is total.m for a in inner.operands for total in totals):
            body, operands = inline(body, operands, k)
    body, operands = merge(body, operands)
    before = body
    for total in totals:
        shifts = [k for k, m in enumerate(operands) if m.tensor is total.m]
        for k in shifts:
            for j, u in enumerate(tuple(operands)):
                apart = _shifted(u, operands[k], total)
                if apart is not None:
                    body = _replaced(body, j, k, slot(len(operands)))
                    operands.append(apart)
    return tensor if body == before else restate(tensor, body, operands)


def _shifted(u: Access, m: Access, total: _Total) -> Access | None:
    """What ``u - m`` is, of the exponent or of a mean of its entries."""
    if u.tensor is total.u and u.index[:-1] == m.index:
        parts = [read(total.u), Access(total.m, out_indices(total.m.ndim))]
        apart = define(out_ranges(u.tensor.shape), slot(0) - slot(1), parts)
        return Access(apart, u.index)
    product = _shifted_product(u.tensor, total) if u.index == m.index else None
    return None if product is None else Access(product, u.index)


def _replaced(body: Any, j: int, k: int, apart: Any) -> Any:
    """``c x_j - c x_k`` in sums as ``c`` times what stands for their difference."""

    def replace(total: Any) -> Any:
        c, d = total.coeff(slot(j)), total.coeff(slot(k))
        return total if c == 0 or c != -d else total - c * (slot(j) - slot(k)) + c * apart

    return body.replace(lambda e: isinstance(e, Add), replace)


def _rows_apart(tensor: Tensor) -> Tensor:
    """``sum_ij y_ij (a_ij - l_i) = sum_ij y_ij a_ij - sum_i l_i`` where ``y`` sum to one."""
    equation = tensor.equation
    factors = Mul.make_args(equation.body)
    ranges = dict(bound_ranges(equation))
    for k, y in enumerate(equation.operands):
        rest = equation.body / slot(k)
        if equation.reduce != "sum" or len(factors) != 2 or not isinstance(rest, Add) or not (
                slot(k) in factors and y.tensor.assume & UNIT_ROWS and y.index[-1] in ranges):
            continue
        row = [t for t in rest.args
               if y.index[-1] not in symbols_read(t, equation.operands)]
        if not row or len(row) == len(rest.args) or not set(ranges) <= set(y.index):
            return tensor
        bound = [(r, d) for r, d in ranges.items() if r != y.index[-1]]
        parts = [
            restate(tensor, slot(k) * (rest - Add(*row)), equation.operands),
            define(out_ranges(tensor.shape), Add(*row), equation.operands,
                   reduce="sum" if bound else "none", bound=bound),
        ]
        return define(out_ranges(tensor.shape), slot(0) + slot(1), list(map(read, parts)),
                      requires=tensor.requires, label=tensor.label)
    return tensor


def _shifted_product(tensor: Tensor, total: _Total) -> Tensor | None:
    """``sum_j y_j (u_j - m)`` for ``sum_j y_j u_j``, if that is what the tensor is."""
    equation = tensor.definition
    whole = (*out_indices(tensor.ndim), bound_index(0))
    if equation is None or equation.reduce != "sum" or len(equation.operands) != 2 or (
            equation.body != slot(0) * slot(1)) or any(a.index != whole for a in equation.operands):
        return None
    for y, u in (equation.operands, equation.operands[::-1]):
        if u.tensor is total.u and y.tensor.assume & UNIT_ROWS:
            return define(
                out_ranges(tensor.shape), slot(0) * (slot(1) - slot(2)),
                [y, u, Access(total.m, out_indices(tensor.ndim))], reduce="sum",
                bound=[(bound_index(0), equation.extents[0])])
    return None
