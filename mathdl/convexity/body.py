"""The nature of a body: a walk over a SymPy scalar, from the natures of what it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sympy import (
    Abs,
    Add,
    Function,
    KroneckerDelta,
    Mod,
    Mul,
    Pow,
    exp,
    expand_mul,
    floor,
    log,
    oo,
)

from mathdl.convexity.nature import (
    Nature,
    constant,
    first_blame,
    laws_of,
    nature,
    number,
    unknown,
)
from mathdl.convexity.operations import (
    added,
    difference,
    exponential,
    greatest,
    least,
    logarithm,
    multiplied,
    raised,
    restricted,
    scaled,
)
from mathdl.convexity.ranges import (
    ANY,
    NONNEGATIVE,
    ONE,
    POSITIVE,
    SIGNED_UNIT,
    UNIT,
    ZERO,
    Range,
)
from mathdl.convexity.table import AFFINE, CONCAVE, CONVEX, CURVES, Curve, Piece
from mathdl.scalar import (
    COMPARISONS,
    expm1,
    log1p,
    logaddexp,
    lookup,
    maximum,
    minimum,
    of_head,
    sign,
    where,
    xlogy,
)
from mathdl.scalar.rectifiers import clip, elu, leaky_relu
from mathdl.scalar.special import polygamma

_CURVED = frozenset(lookup(name).head for name in CURVES)
Natures = Mapping[Any, Nature]  # by symbol: what the slots, indices and dims are


class Body:
    """The nature of each part of one body; ``parts`` has that of its symbols.

    ``positive`` are parts that are looked at where they are positive, ``free`` symbols of which
    the range alone is used.
    """

    def __init__(
        self, parts: Natures, positive: frozenset[Any] = frozenset(),
        free: frozenset[Any] = frozenset(),
    ) -> None:
        self.parts = parts
        self.free = free
        self.positive = positive
        self.known: dict[Any, Nature] = {}

    def __call__(self, expr: Any) -> Nature:
        found = self.known.get(expr)
        if found is None:
            found = self._of(expr)
            if expr in self.positive:
                found = restricted(found)
            self.known[expr] = found
        return found

    def _of(self, expr: Any) -> Nature:
        if expr in self.parts:
            return self.parts[expr]
        if expr.is_number:
            return number(expr)
        if expr.is_Symbol:
            return constant(POSITIVE.within(ONE, oo), expr) if expr.is_positive else constant(
                NONNEGATIVE if expr.is_nonnegative else ANY)
        if isinstance(expr, Add):
            other = _rewritten(expr)
            return self(other) if other is not None else self._sum(expr)
        if isinstance(expr, Mul):
            return multiplied([self(a) for a in expr.args])
        if isinstance(expr, Pow):
            return self._power(*expr.args)
        if isinstance(expr, exp):
            return exponential(self(expr.args[0]))
        if isinstance(expr, log):
            return logarithm(self(expr.args[0]))
        arguments = [self(a) for a in expr.args]
        law = _SEVERAL.get(expr.func)
        if law is not None:
            return law(*arguments)
        if all(a.constant for a in arguments):
            return constant(_range_of_constant(expr, arguments))
        declared = of_head(expr.func)
        curve = CURVES.get(declared.name) if declared is not None else None
        if curve is None or declared is None:
            return unknown(first_blame(arguments, f"{expr.func} has no known curvature"))
        return composed(declared.name, curve, arguments[0])

    def _sum(self, total: Any) -> Nature:
        minus = [a for a in total.args if a.as_coeff_Mul()[0].is_negative]
        found = added([self(a) for a in total.args])
        if found.concave or not minus or len(minus) == len(total.args):
            return found
        plus = added([self(a) for a in total.args if a not in minus])
        return difference(found, plus, added([self(-a) for a in minus]))

    def _power(self, base: Any, exponent: Any) -> Nature:
        inner, above = self(base), self(exponent)
        if inner.constant and above.constant and above.value is None:
            return constant(inner.range.power(exponent) if inner.range.positive else ANY)
        if above.constant and above.value is not None:
            found = raised(inner, above.value)
            if found.known or found.down is not None or above.value.is_number:
                return found
        if inner.constant and inner.range.positive:
            return exponential(scaled(logarithm(inner), above))
        if above.constant and inner.range.nonnegative:
            convex = inner.convex and above.range.low >= 1
            concave = inner.concave and above.range.inside(ZERO, ONE)
            if convex or concave:
                return nature(NONNEGATIVE, convex, concave, laws=inner.laws).by(
                    f"the power of {inner.described} function, the exponent "
                    f"{'at least' if convex else 'from 0 to'} 1 [Boyd & Vandenberghe 3.2.4]")
        return unknown(first_blame([inner, above], "a power with a variable exponent"))


def _rewritten(total: Any) -> Any | None:
    """The same by one declared function: ``1 - sigmoid(x)`` is ``sigmoid(-x)``."""
    for inner in total.atoms(Function):
        declared = of_head(inner.func)
        for written, better in declared.replaces if declared is not None else ():
            form, other = written(*inner.args), better(*inner.args)
            scale = total.coeff(inner) / form.coeff(inner) if isinstance(form, Add) else ZERO
            if not scale or Mul.make_args(other)[-1].func not in _CURVED:
                continue
            if scale.is_number and expand_mul(scale * form) == total:
                return scale * other
    return None


def _range_of_constant(expr: Any, arguments: list[Nature]) -> Range:
    if isinstance(expr, KroneckerDelta):
        return UNIT
    if isinstance(expr, (Mod, floor)) and arguments[0].range.nonnegative:
        return NONNEGATIVE
    if isinstance(expr, Abs):
        return NONNEGATIVE
    declared = of_head(expr.func)
    curve = CURVES.get(declared.name) if declared is not None else None
    return _value_range(curve, arguments[0].range) if curve is not None else ANY


def _value_range(curve: Curve, inner: Range) -> Range:
    if not curve.odd:
        return curve.range
    low = ZERO if inner.nonnegative else -oo
    high = ZERO if inner.nonpositive else oo
    return curve.range.within(low, high, inner.clear)


# -- composition -----------------------------------------------------------------------------------

_MONOTONE = {1: "rising", -1: "falling", 0: ""}


def composed(name: str, curve: Curve, inner: Nature) -> Nature:
    """``h(g)``: ``h`` convex and rising where ``g`` is convex, falling where concave."""
    low, high = curve.domain
    reached = inner.range.within(*_natural(curve, inner))
    range = _value_range(curve, reached)
    if inner.constant:
        return constant(range)
    if not inner.known:
        return unknown(inner.blame, range)
    if not reached.inside(low, high):
        return unknown(f"the argument of {name} may leave its domain", range)
    convex = concave = log_convex = log_concave = False
    used = ""
    for piece in curve.pieces:
        if not reached.inside(piece.low, piece.high):
            continue
        up, down = _through(piece, inner, piece.curvature)
        above, below = _through(piece, inner, piece.log)
        if (up, down, above, below) != (False,) * 4 and not used:
            used = f"{_MONOTONE[piece.slope]} {piece.curvature or f'log-{piece.log}'}".strip()
        convex, concave = convex or up, concave or down
        log_convex, log_concave = log_convex or above, log_concave or below
    found = nature(
        range, convex, concave, up=oo if log_convex else None,
        down=oo if log_concave else None, laws=inner.laws,
    )
    if not found.known and found.down is None:
        return unknown(f"{name} of {inner.described} function: no composition rule", range)
    return found.by(
        f"{name} ({used}) of {inner.described} function [Boyd & Vandenberghe 3.2.4]"
    )


def _natural(curve: Curve, inner: Nature) -> tuple[Any, Any]:
    """The part of the domain that leaves a convex set: ``g > a`` for concave ``g``."""
    low, high = curve.domain if curve.bounded else (-oo, oo)
    return low if inner.concave else -oo, high if inner.convex else oo


def _through(piece: Piece, inner: Nature, curvature: str) -> tuple[bool, bool]:
    """Whether the composition with such a piece is convex, and whether it is concave."""
    keeps = inner.affine or (piece.slope == 1 and inner.convex) or (
        piece.slope == -1 and inner.concave)
    turns = inner.affine or (piece.slope == 1 and inner.concave) or (
        piece.slope == -1 and inner.convex)
    return (
        curvature in (CONVEX, AFFINE) and keeps,
        curvature in (CONCAVE, AFFINE) and turns,
    )


# -- functions of several arguments ----------------------------------------------------------------


def _where(condition: Nature, a: Nature, b: Nature) -> Nature:
    range = a.range.hull(b.range)
    if not condition.constant:
        return unknown("a choice that depends on the variables", range)
    if a.constant and b.constant:
        return constant(range)
    up = greatest([a, b]).up if a.range.nonnegative and b.range.nonnegative else None
    found = nature(range, a.convex and b.convex, a.concave and b.concave, up=up,
                   laws=laws_of([a, b]))
    if not found.known:
        return unknown(first_blame([a, b], "a choice between curvatures"), range)
    return found


def _leaky(x: Nature, a: Nature) -> Nature:
    """``max(x, a x)`` for ``0 <= a <= 1``."""
    if x.constant and a.constant:
        return constant(ANY)
    if not (a.constant and a.range.inside(ZERO, ONE)):
        return unknown(first_blame([x, a], "leaky_relu with a slope not between 0 and 1"))
    if not x.convex:
        return unknown(x.blame or f"leaky_relu of {x.described} function: no composition rule")
    return nature(_kept_sign(x.range), True, laws=x.laws).by(
        "leaky_relu (rising convex) of a convex function [Boyd & Vandenberghe 3.2.4]")


def _elu(x: Nature, a: Nature) -> Nature:
    """``x`` or ``a (e**x - 1)``: its slope rises to ``a <= 1`` at 0, and is 1 beyond."""
    found = _leaky(x, a)
    return found if found.constant or not found.known else nature(
        found.range, True, laws=x.laws
    ).by("elu (rising convex) of a convex function [Boyd & Vandenberghe 3.2.4]")


def _kept_sign(range: Range) -> Range:
    return Range(ZERO if range.nonnegative else -oo, ZERO if range.nonpositive else oo)


def _clip(x: Nature, low: Nature, high: Nature) -> Nature:
    if x.constant and low.constant and high.constant:
        return constant(low.range.hull(high.range))
    return least([greatest([x, low]), high])


def _polygamma(order: Nature, x: Nature) -> Nature:
    """``(-1)**(n + 1)`` times a falling convex positive function, for ``n >= 1``."""
    if order.value is None or not order.value.is_Integer or order.value < 1:
        return unknown("polygamma of an order that is not a positive integer")
    positive = Curve((Piece(ZERO, oo, CONVEX, -1, CONVEX),), Range(ZERO, oo, True), (ZERO, oo))
    sign = ONE if order.value % 2 else -ONE
    return scaled(number(sign), composed("polygamma", positive, x))


def _comparison(a: Nature, b: Nature) -> Nature:
    if a.constant and b.constant:
        return constant(UNIT)
    return unknown("a comparison of the variables jumps", UNIT)


def _sign(x: Nature) -> Nature:
    return constant(SIGNED_UNIT) if x.constant else unknown("sign jumps", SIGNED_UNIT)


def _xlogy(x: Nature, y: Nature) -> Nature:
    return multiplied([x, logarithm(y)])


_SEVERAL: dict[Any, Callable[..., Nature]] = {
    maximum: lambda a, b: greatest([a, b]),
    minimum: lambda a, b: least([a, b]),
    where: _where, leaky_relu: _leaky, elu: _elu, clip: _clip, polygamma: _polygamma,
    sign: _sign, xlogy: _xlogy, log1p: lambda x: logarithm(added([number(ONE), x])),
    expm1: lambda x: added([exponential(x), number(-ONE)]),
    logaddexp: lambda x, y: logarithm(added([exponential(x), exponential(y)])),
    **dict.fromkeys(COMPARISONS, _comparison),
}
