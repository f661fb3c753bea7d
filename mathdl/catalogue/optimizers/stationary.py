"""Where a derived gradient is zero: how a subproblem becomes an update.

A condition ``e(u) = 0`` that is affine in ``u`` is solved by its Jacobian, which then does not
read ``u``; one that holds entry by entry is solved as a scalar equation.  Everything else is
refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy

import mathdl as md
from mathdl.calculus.structure import factors
from mathdl.errors import UnsupportedError
from mathdl.ir.bodies import inline, merge
from mathdl.ir.build import define, out_ranges, read
from mathdl.ir.index import out_indices, slot
from mathdl.ir.system import depends_on, inputs_of, rewrite
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar.lower import define as opened
from mathdl.simplify import simplify


@dataclass(frozen=True)
class Update:
    """One step of an optimizer, solved from the problem that defines it.

    problem, unknown
        The scalar that is minimised, and by what.
    point
        The next iterate, an expression of the data of the problem.
    states
        What the next step needs besides, by name.
    """

    problem: Tensor
    unknown: Tensor
    point: Tensor
    states: Mapping[str, Tensor] = field(default_factory=dict)


def stationary(problem: Tensor, unknown: Tensor, at: Any) -> Tensor:
    """Where the gradient of ``problem`` by ``unknown`` is zero; see :func:`root`."""
    return root(md.derive(problem, unknown)[unknown], unknown, at)


def root(equation: Tensor, unknown: Tensor, at: Any) -> Tensor:
    """The ``unknown`` at which ``equation``, of its shape, is zero.

    An affine one is stated from the point ``at``: ``u = a - J^-1 e(a)``, whatever ``a``.

    Raises:
        UnsupportedError: it is not affine, and no scalar equation with one solution.
    """
    slope = md.derive(equation, unknown)[unknown]
    if unknown in inputs_of([slope]):
        return _entry_by_entry(equation, unknown)
    residual = replaced(equation, {unknown: at})
    return simplify([at - _quotient(slope, residual)])[0]


def kinked(below: Tensor, above: Tensor, kink: Any) -> Tensor:
    """The minimiser, by entries, of a convex function that is smooth on each side of a kink.

    ``below`` and ``above`` minimise the two pieces.  Where neither lies on the side of its piece,
    zero is a subgradient at the kink.
    """
    return simplify([kink + md.minimum(below - kink, 0) + md.maximum(above - kink, 0)])[0]


def within(point: Tensor, low: Any, high: Any) -> Tensor:
    """The minimiser over ``low <= u <= high``, by entries, of what is least at ``point``.

    Convex in each entry, it falls towards ``point``; a bound in between is the nearest.
    """
    return md.minimum(md.maximum(point, low), high)


def replaced(expr: Tensor, values: Mapping[Tensor, Any]) -> Tensor:
    """The expression with inputs replaced, each by a tensor of its shape."""
    tensors = {t: md.zeros(*t.shape) + value for t, value in values.items()}
    return rewrite([expr], replace=tensors)[0]


def _quotient(slope: Tensor, residual: Tensor) -> Tensor:
    """``J^-1 e``: by entries where the Jacobian is diagonal, else by a linear system."""
    rank = residual.ndim
    diagonal = tuple((k, rank + k) for k in range(rank))
    terms = factors(slope)
    if all(term.deltas == diagonal for term in terms):
        symbols = out_indices(rank)
        entries = [read(t.value, [symbols[a % rank] for a in t.axes]) for t in terms]
        total = sympy.Add(*(slot(k + 1) for k in range(len(entries))))
        return define(
            out_ranges(residual.shape), slot(0) / total, [read(residual), *entries],
            requires=residual.requires,
        )
    if rank != 1:
        raise UnsupportedError(f"a linear system over {rank} axes; write the unknown as a vector")
    return md.solve(slope, residual)


def _entry_by_entry(equation: Tensor, unknown: Tensor) -> Tensor:
    body, operands = entry(equation, [unknown])
    scalars = _scalars(body, operands)
    wanted = [k for k, a in enumerate(operands) if a.tensor is unknown and slot(k) in scalars]
    if len(wanted) != 1:
        raise UnsupportedError(
            f"entries of the condition on {unknown.name} read more than one of its entries"
        )
    symbol = scalars[slot(wanted[0])]
    try:
        found = sympy.solve(opened(body.xreplace(scalars)), symbol)
    except NotImplementedError:
        found = []
    if len(found) != 1:
        raise UnsupportedError(
            f"the condition on {unknown.name} has {len(found)} solutions that SymPy finds; "
            "one is needed"
        )
    solution = found[0].xreplace({s: k for k, s in scalars.items()})
    return simplify([define(out_ranges(equation.shape), solution, operands)])[0]


def _scalars(body: Any, operands: list[Access]) -> dict[Any, Any]:
    """For each slot of the body a symbol with what is assumed of the tensor that it reads."""
    return {
        slot(k): sympy.Symbol(f"v{k}", real=True, positive=_positive(access.tensor))
        for k, access in enumerate(operands) if body.has(slot(k))
    }


def _positive(tensor: Tensor) -> bool | None:
    return True if "positive" in tensor.assume else None


def entry(tensor: Tensor, variables: list[Tensor]) -> tuple[Any, list[Access]]:
    """An entry of the tensor as a scalar, opened until it reads the variables themselves.

    Raises:
        UnsupportedError: an entry depends on several entries of a variable.
    """
    carrying = depends_on([tensor], variables, held=True)
    body, operands, k = slot(0), [read(tensor)], 0
    while k < len(operands):
        inner = operands[k].tensor
        if id(inner) in carrying and inner not in variables:
            if inner.definition is None or inner.definition.reduce != "none":
                names = ", ".join(str(v.name) for v in variables)
                raise UnsupportedError(f"an entry depends on {names} through {inner!r}")
            body, operands = inline(body, operands, k)
        k += 1
    return merge(body, operands)
