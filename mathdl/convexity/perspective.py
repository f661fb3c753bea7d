"""Perspectives: a function of degree 1 in affine quantities is convex if it is for one of them 1.

``f(t x, t s) = t f(x, s)`` for ``t > 0`` makes ``f(x, t) = t f(x/t, 1)``, the perspective of a
function of the other quantities alone (Boyd and Vandenberghe, 3.2.6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Add, Integer, Mul, Pow

from mathdl.convexity.analysis import Analysis
from mathdl.convexity.body import Body
from mathdl.convexity.nature import Nature, nature
from mathdl.convexity.scalars import Opened, affine_body, by_second_derivatives
from mathdl.ir.assumptions import closure
from mathdl.ir.build import constant
from mathdl.ir.index import slot
from mathdl.ir.system import rewrite, topological
from mathdl.ir.tensor import Tensor, input_tensor
from mathdl.scalar import COMPARISONS, abs_, leaky_relu, maximum, minimum, relu, where

PERSPECTIVE = "the perspective t f(x/t) of such a function of x [Boyd & Vandenberghe 3.2.6]"

ZERO, ONE = Integer(0), Integer(1)
_KEEPING = (abs_, relu, leaky_relu, maximum, minimum)  # of all degrees: f(t x) = t f(x)
_CONES = ("positive", "nonnegative", "symmetric", "positive_definite")
_ANY = object()  # the degree of 0


# -- degrees of homogeneity ---------------------------------------------------------------------


def homogeneity(expr: Any, degrees: Mapping[Any, Any]) -> Any:
    """The degree of a body by those of its slots; None where there is none."""
    if expr in degrees:
        return degrees[expr]
    if expr.is_zero:
        return _ANY
    if not expr.args:
        return ZERO
    below = [homogeneity(a, degrees) for a in expr.args]
    if None in below:
        return None
    if isinstance(expr, Mul):
        return _ANY if _ANY in below else sum(below, ZERO)
    if isinstance(expr, Pow):
        return _of_power(expr.exp, *below)
    if isinstance(expr, (Add, *_KEEPING)):
        return _shared(below[:1] if isinstance(expr, leaky_relu) else below)
    if isinstance(expr, COMPARISONS):
        return ZERO if _shared(below) is not None else None
    if isinstance(expr, where):
        return _shared(below[1:]) if below[0] == 0 else None
    return ZERO if all(d == 0 or d is _ANY for d in below) else None


def _of_power(exponent: Any, base: Any, above: Any) -> Any:
    if above != 0 or base is _ANY:
        return None
    return base * exponent if exponent.is_number else ZERO if base == 0 else None


def _shared(degrees: Sequence[Any]) -> Any:
    found = {d for d in degrees if d is not _ANY}
    return _ANY if not found else found.pop() if len(found) == 1 else None


# -- of entries ---------------------------------------------------------------------------------


def by_perspective(analysis: Analysis, tensor: Tensor) -> Nature | None:
    """Of an entry by entry function of a few affine quantities, one of them positive."""
    found = affine_body(analysis, tensor)
    if found is None or len(found.moving) < 2:
        return None
    if homogeneity(found.body, dict.fromkeys(found.moving, ONE)) != 1:
        return None
    for t in found.moving:
        if found.walk(t).range.positive:
            inner = _at_one(found, t)
            of = inner.walk(inner.body)
            of = of if of.known else by_second_derivatives(inner) or of
            if of.known:
                return analysis.reduced(
                    tensor, nature(of.range.cone, of.convex, of.concave).by(*of.laws, PERSPECTIVE))
    return None


def _at_one(found: Opened, t: Any) -> Opened:
    """The function of the others where ``t`` is 1: they are divided by it, which keeps signs."""
    moving = tuple(s for s in found.moving if s != t)
    parts = dict(found.walk.parts)
    parts.update({s: nature(parts[s].range.cone, True, True) for s in moving})
    positive = frozenset(e.subs(t, 1) for e in found.walk.positive)
    return Opened(found.body.subs(t, 1), found.operands, moving, Body(parts, positive))


# -- of all entries together --------------------------------------------------------------------


def by_scalar_perspective(analysis: Analysis, tensor: Tensor) -> Nature | None:
    """Of a function of affine quantities, one of which is a positive number."""
    atoms = _affine_below(analysis, tensor)
    scalars = [a for a in atoms if not a.ndim and analysis.nature(a).range.positive]
    if len(atoms) < 2 or not scalars or _degree(analysis, tensor, atoms) != 1:
        return None
    for t in scalars:
        others = {
            a: input_tensor(f"affine {k}", a.shape, _cone(analysis, a))
            for k, a in enumerate(atoms) if a is not t
        }
        (inner,) = rewrite([tensor], replace={**others, t: constant(1, ())})
        sub = Analysis([inner], list(others.values()), analysis.attempts)
        found = sub.nature(inner)
        if found.known:
            return nature(found.range.cone, found.convex, found.concave).by(
                *found.laws, PERSPECTIVE)
    return None


def _affine_below(analysis: Analysis, tensor: Tensor) -> list[Tensor]:
    """The affine quantities that those which are not affine read."""
    curved = [t for t in topological([tensor])
              if analysis.moves(t) and not analysis.nature(t).affine]
    return list(dict.fromkeys(
        a.tensor for t in curved for a in t.operands
        if analysis.moves(a.tensor) and analysis.nature(a.tensor).affine
    ))


def _degree(analysis: Analysis, tensor: Tensor, atoms: Sequence[Tensor]) -> Any:
    known = {id(a): ONE for a in atoms}
    for t in topological([tensor], known.keys()):
        equation = t.definition
        if not analysis.moves(t):
            known[id(t)] = ZERO
        elif equation is None or (equation.reduce == "prod" and equation.extents):
            return None
        else:
            degrees = {slot(k): known[id(a.tensor)] for k, a in enumerate(equation.operands)}
            known[id(t)] = homogeneity(equation.body, degrees)
        if known[id(t)] is None:
            return None
    return known[id(tensor)]


def _cone(analysis: Analysis, tensor: Tensor) -> list[str]:
    """What is assumed of a quantity and of all its positive multiples."""
    if tensor.is_input:
        return [a for a in closure(tensor.assume) if a in _CONES]
    range = analysis.nature(tensor).range
    return ["positive"] if range.positive else ["nonnegative"] if range.nonnegative else []
