"""Bodies of a few affine quantities: the Hessian in them, and pieces that are put together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sympy import (
    Add,
    Dummy,
    Expr,
    Matrix,
    Mul,
    Pow,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    expand,
    log,
    oo,
    preorder_traversal,
    sin,
    sinh,
    tanh,
)

from mathdl.convexity.analysis import Analysis
from mathdl.convexity.body import Body
from mathdl.convexity.nature import Nature, constant, nature
from mathdl.convexity.ranges import ANY, NONNEGATIVE, Range
from mathdl.convexity.signs import is_nonnegative, is_positive
from mathdl.convexity.table import CURVES
from mathdl.ir.bodies import inline, merge, reads_inside
from mathdl.ir.build import ranges_of
from mathdl.ir.index import slot, slots_in
from mathdl.ir.system import topological
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar import abs_, ge, gt, le, lt, of_head, where

MAX_PARTS = 80  # of a body that is differentiated
MAX_ARGUMENTS = 3

SECOND = "the second derivative is nonnegative [Boyd & Vandenberghe 3.1.4]"
MINORS = "the principal minors of the Hessian are nonnegative [Boyd & Vandenberghe 3.1.4]"
PIECES = "convex pieces with equal values and rising slopes where they meet [Rockafellar 24.2]"


@dataclass(frozen=True)
class Opened:
    """A body over affine quantities and constants: ``moving`` are the slots of the former."""

    body: Any
    operands: tuple[Access, ...]
    moving: tuple[Any, ...]
    walk: Body


def affine_body(analysis: Analysis, tensor: Tensor) -> Opened | None:
    """The entries that a quantity is, or is the sum of, with what is not affine put in."""
    equation = tensor.definition
    if equation is None or equation.reduce not in ("none", "sum"):
        return None
    body, operands = equation.body, list(equation.operands)
    ranges = ranges_of(tensor)
    while (k := _next(analysis, body, operands)) is not None:
        inner = operands[k].tensor.definition
        if inner is None or inner.reduce != "none" or not reads_inside(operands[k], ranges):
            return None
        body, operands = merge(*inline(body, operands, k))
        if sum(1 for _ in preorder_traversal(body)) > MAX_PARTS:
            return None
    moving = tuple(slot(k) for k in slots_in(body) if analysis.moves(operands[k].tensor))
    return Opened(body, tuple(operands), moving, analysis.body(tensor, operands, body))


def _next(analysis: Analysis, body: Any, operands: list[Access]) -> int | None:
    """The slot of what is not affine, or an affine function of one quantity or of one read too."""
    slots = slots_in(body)
    moving = {k for k in slots if analysis.moves(operands[k].tensor)}
    below = {k: _made_of(analysis, operands[k].tensor) for k in moving}
    read = Counter(id(operands[k].tensor) for k in moving)
    read.update(part for parts in below.values() for part in parts)
    for k in slots:
        inner = operands[k].tensor.definition
        simple = inner is not None and inner.reduce == "none" and (
            len(inner.operands) == 1 or any(read[part] > 1 for part in below.get(k, ()))
        )
        if simple or (k in moving and not analysis.nature(operands[k].tensor).affine):
            return k
    return None


def _made_of(analysis: Analysis, tensor: Tensor) -> set[int]:
    """The quantities that change and of which it is made entry by entry."""
    found: set[int] = set()
    for t in topological([tensor]):
        entrywise = t.definition is not None and t.definition.reduce == "none"
        found.update(id(a.tensor) for a in t.operands if entrywise and analysis.moves(a.tensor))
    return found


def by_opening(analysis: Analysis, tensor: Tensor) -> Nature | None:
    """By composition, in the body with what is not affine put in."""
    found = affine_body(analysis, tensor)
    return None if found is None else analysis.reduced(tensor, found.walk(found.body))


# -- the Hessian in a few arguments ------------------------------------------------------------

_SMOOTH = (Add, Mul, exp, log, sin, cos, sinh, cosh, tanh, erf, erfc)


def is_smooth(node: Any, walk: Body) -> bool:
    """Whether one operation has two derivatives on a domain that is convex."""
    if not node.args or not isinstance(node, Expr) or walk(node).constant:
        return True
    if isinstance(node, Pow):
        base, exponent = node.args
        if not walk(exponent).constant:
            return walk(base).range.positive
        whole, inner = exponent.is_Integer and exponent > 0, walk(base)
        return bool(whole) or inner.range.positive or (inner.range.nonnegative and inner.concave)
    if isinstance(node, log):
        return walk(node.args[0]).concave or is_positive(node.args[0], walk)
    if isinstance(node, _SMOOTH):
        return True
    declared = of_head(node.func)
    curve = CURVES.get(declared.name) if declared is not None else None
    low, high = (None, None) if curve is None else curve.domain
    return curve is not None and curve.smooth and walk(node.args[0]).range.inside(low, high)


def by_minors(analysis: Analysis, tensor: Tensor) -> Nature | None:
    """From the signs of the principal minors of the Hessian in the affine quantities."""
    found = affine_body(analysis, tensor)
    if found is None:
        return None
    entry = by_second_derivatives(found)
    return entry and analysis.reduced(tensor, entry)


def by_second_derivatives(found: Opened) -> Nature | None:
    """The curvature of a body from its Hessian in the affine quantities."""
    if len(found.moving) > MAX_ARGUMENTS:
        return None
    if not all(is_smooth(node, found.walk) for node in preorder_traversal(found.body)):
        return None
    slopes = [found.body.diff(s) for s in found.moving]
    hessian = Matrix([[d.diff(s) for s in found.moving] for d in slopes])
    if sum(1 for _ in preorder_traversal(hessian)) > 6 * MAX_PARTS:
        return None
    convex, concave = (_semidefinite(sign * hessian, found.walk) for sign in (1, -1))
    if not convex and not concave:
        return None
    law = SECOND if len(found.moving) == 1 else MINORS
    return nature(ANY, convex, concave).by(law if convex else f"{law}, of the opposite")


def _semidefinite(matrix: Any, walk: Body) -> bool:
    size = matrix.rows
    for count in range(1, size + 1):
        for chosen in combinations(range(size), count):
            minor = _determinant(matrix.extract(list(chosen), list(chosen)))
            if not is_nonnegative(minor, walk):
                return False
    return True


def _determinant(matrix: Any) -> Any:
    """By its first row, as it is: SymPy's own cancels at every step."""
    if matrix.rows == 1:
        return matrix[0, 0]
    return Add(*(
        (-1) ** k * matrix[0, k] * _determinant(matrix.minor_submatrix(0, k))
        for k in range(matrix.rows) if matrix[0, k] != 0
    ))


# -- pieces ------------------------------------------------------------------------------------


def by_pieces(analysis: Analysis, tensor: Tensor) -> Nature | None:
    """A choice between two functions of one affine quantity, or of its absolute value."""
    found = affine_body(analysis, tensor)
    if found is None or len(found.moving) != 1:
        return None
    (x,) = found.moving
    choices = found.body.atoms(where)
    if len(choices) != 1:
        return None
    even = found.body.has(abs_)
    u: Any = x
    body, condition = found.body, next(iter(choices)).args[0]
    walk = found.walk
    if even:
        u = Dummy("u", nonnegative=True)
        body, condition = (e.subs(abs_(x), u).subs(x**2, u**2) for e in (body, condition))
        if x in body.free_symbols | condition.free_symbols:
            return None
        walk = Body({**walk.parts, u: nature(NONNEGATIVE, True, True)})
    split = _split(condition, u)
    if split is None or not walk(split[0]).constant:
        return None
    point, below = split
    (choice,) = body.atoms(where)
    pieces = [body.xreplace({choice: part}) for part in choice.args[1:]]
    inner, outer = pieces if below else pieces[::-1]
    if even and not walk(point).range.nonnegative:
        return None
    for sign in (1, -1):
        if _meets(sign * inner, sign * outer, u, point, walk, even):
            return nature(ANY, sign == 1, sign == -1).by(PIECES)
    return None


def _split(condition: Any, u: Any) -> tuple[Any, bool] | None:
    """The point at which a condition on ``u`` changes, and whether it holds below it."""
    if condition.func not in (le, lt, ge, gt):
        return None
    a, b = condition.args
    if u not in (a, b) or (a == u and b.has(u)) or (b == u and a.has(u)):
        return None
    upper = condition.func in (le, lt)
    return (b, upper) if a == u else (a, not upper)


def _meets(inner: Any, outer: Any, u: Any, point: Any, walk: Body, even: bool) -> bool:
    """Whether two pieces are convex, and together so; rising from 0 for an even function."""
    def nonnegative(expr: Any, where: Range) -> bool:
        local = Body({**walk.parts, u: constant(where)})
        return is_nonnegative(expr, local)

    whole = walk(u).range
    below, above = whole, whole
    if walk(point).range.nonnegative:
        above = whole.within(0, oo)
    if walk(point).range.nonpositive:
        below = whole.within(-oo, 0)
    smooth = all(
        is_smooth(n, Body({**walk.parts, u: nature(where, True, True)}))
        for piece, where in ((inner, below), (outer, above)) for n in preorder_traversal(piece)
    )
    slopes = inner.diff(u), outer.diff(u)
    jump = (slopes[1] - slopes[0]).subs(u, point)
    return (
        smooth
        and expand((inner - outer).subs(u, point)) == 0
        and nonnegative(jump, whole)
        and nonnegative(slopes[0].diff(u), below)
        and nonnegative(slopes[1].diff(u), above)
        and (not even or nonnegative(slopes[0].subs(u, 0), whole))
    )


