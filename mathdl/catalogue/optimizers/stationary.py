"""Where a derived gradient is zero: how a subproblem becomes an update.

A condition ``e(u) = 0`` that is affine in ``u`` is solved by its Jacobian, which then does not
read ``u``; one that holds entry by entry is solved as a scalar equation; one that reads the inverse
of a matrix is solved for the inverse, or multiplied by the matrix.  Everything else is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy

import mathdl as md
from mathdl.calculus.structure import factors
from mathdl.catalogue.optimizers.separate import scalars as symbols_of
from mathdl.catalogue.optimizers.separate import separated
from mathdl.errors import UnsupportedError
from mathdl.ir.bodies import inline, merge
from mathdl.ir.build import define, out_ranges, read, restate
from mathdl.ir.index import out_indices, slot
from mathdl.ir.system import depends_on, inputs_of, rewrite, topological
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
        inverse = _inverse(equation, unknown)
        if inverse is not None:
            return _through_inverse(equation, unknown, inverse)
        return _entry_by_entry(equation, unknown)
    residual = replaced(equation, {unknown: at})
    if isinstance(at, int) and at == 0:
        return put(_quotient(slope, put(-residual, {})), {})
    return put(at - _quotient(slope, residual), {})


def in_turn(
    conditions: Sequence[Tensor], unknowns: Sequence[Tensor]
) -> dict[Tensor, Tensor]:
    """The unknowns at which all conditions are zero, in the order in which they were solved for.

    Each is solved for given the others and put into what is left, the condition with the fewest
    unknowns first.

    Raises:
        UnsupportedError: none of the conditions left can be solved for one of the unknowns left.
    """
    found: dict[Tensor, Tensor] = {}
    left = list(conditions)
    while len(found) < len(unknowns):
        number, unknown, at = _next(left, [u for u in unknowns if u not in found])
        del left[number]
        left = [put(one, {unknown: at}) for one in left]
        found = {u: put(value, {unknown: at}) for u, value in found.items()} | {unknown: at}
    return found


def _next(
    conditions: Sequence[Tensor], unknowns: Sequence[Tensor]
) -> tuple[int, Tensor, Tensor]:
    """The condition to use next, the unknown that it is solved for, and the solution."""
    reading = [[u for u in unknowns if u in inputs_of([one])] for one in conditions]
    for number in sorted(range(len(conditions)), key=lambda k: len(reading[k])):
        for unknown in reading[number]:
            if unknown.shape == conditions[number].shape:
                try:
                    return number, unknown, root(conditions[number], unknown, 0)
                except UnsupportedError:
                    continue
    raise UnsupportedError(
        f"no condition can be solved for {' or '.join(str(u.name) for u in unknowns)}"
    )


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


def put(expr: Tensor, values: Mapping[Tensor, Any]) -> Tensor:
    """The expression with inputs replaced, simplified."""
    return simplify([replaced(expr, values)])[0]


def _quotient(slope: Tensor, residual: Tensor) -> Tensor:
    """``J^-1 e``: by entries where the Jacobian is diagonal, else by a linear system."""
    rank = residual.ndim
    number, matrix = _inverted(slope)
    if matrix is not None:
        return matrix @ residual / number
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


def _inverted(matrix: Tensor) -> tuple[Any, Tensor | None]:
    """``c`` and ``A`` of a matrix that is stated as ``c inv(A)``; none of another."""
    if matrix.call is not None and matrix.call.primitive == "inv":
        return 1, matrix.call.operands[0].tensor
    equation = matrix.definition
    if equation is None or equation.reduce != "none" or len(equation.operands) != 1:
        return 1, None
    (access,) = equation.operands
    factor = equation.body / slot(0)
    if factor.has(slot(0)) or access.index != out_indices(matrix.ndim):
        return 1, None
    number, inner = _inverted(access.tensor)
    return number * factor, inner


def _inverse(equation: Tensor, unknown: Tensor) -> Tensor | None:
    """The inverse of the unknown matrix, where the equation reads it."""
    for tensor in topological([equation]):
        if _inverted(tensor) == (1, unknown):
            return tensor
    return None


def _through_inverse(equation: Tensor, unknown: Tensor, inverse: Tensor) -> Tensor:
    """Where ``e(U)``, which reads ``inv(U)``, is zero.

    ``inv(V)`` with the root ``V`` of ``e`` if that reads nothing but the inverse and is affine in
    it; else the root of ``U e(U) U``, which is zero where ``e(U)`` is.
    """
    free = md.tensor(f"{unknown.name}_inverse", *unknown.shape, assume=unknown.assume)
    (stated,) = rewrite([equation], replace={inverse: free})
    slope = md.derive(stated, free)[free]
    if not {free, unknown} & set(inputs_of([slope])) and unknown not in inputs_of([stated]):
        return put(md.inv(root(stated, free, 0)), {})
    zero = md.zeros(*unknown.shape)
    around = put(sum((unknown @ term @ unknown for term in _terms(equation)), zero), {})
    if _inverse(around, unknown) is not None:
        raise UnsupportedError(f"the condition on {unknown.name} reads its inverse throughout")
    return root(around, unknown, 0)


def _terms(tensor: Tensor) -> list[Tensor]:
    """Tensors with that sum, in which no entry is a sum at the surface."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none":
        return [tensor]
    terms = sympy.Add.make_args(sympy.expand_mul(equation.body))
    return [restate(tensor, term, equation.operands) for term in terms]


def _entry_by_entry(equation: Tensor, unknown: Tensor) -> Tensor:
    body, operands = entry(separated(equation), [unknown])
    scalars = symbols_of(body, operands)
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
    if symbol.is_positive:
        found = [one for one in found if not _never_positive(one)]
    if len(found) != 1:
        raise UnsupportedError(
            f"the condition on {unknown.name} has {len(found)} solutions that SymPy finds; "
            "one is needed"
        )
    solution = found[0].xreplace({s: k for k, s in scalars.items()})
    return simplify([define(out_ranges(equation.shape), solution, operands)])[0]


def _never_positive(number: Any) -> bool:
    """Whether it is a root, or a product of roots, times a negative number."""
    factor, roots = number.as_coeff_Mul()
    return bool(factor < 0) and all(
        f.is_nonnegative or (f.is_Pow and f.exp.is_Rational and f.exp.q == 2)
        for f in sympy.Mul.make_args(roots)
    )


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
