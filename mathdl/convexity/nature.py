r"""What is known of a quantity as a function of the variables, and the laws that combine it.

Besides *convex* and *concave* (both: affine) a nonnegative function has two **degrees** that say
which of its powers are so.

``up = d``: ``f = u**d`` with ``u`` convex for ``d >= 1``, concave for ``d <= 0``; infinity:
``log f`` is convex; 0: constant.  So ``|x|**2`` has 2, ``exp(x)`` infinity, ``1/x`` has -1.

``down = d``: ``f = u**d`` with ``u`` concave and ``d >= 0``; infinity: ``log f`` is concave.  It
is concave for ``d <= 1``: ``sqrt(x)`` has 1/2.

Products add degrees, powers multiply them, sums keep the weakest (Hardy, Littlewood and Polya,
Inequalities, theorems 10, 24 and 198: the inequalities of Hoelder and Minkowski for power means;
Boyd and Vandenberghe, Convex Optimization, 3.5.2).  Norms, quadratic over linear, log-sum-exp and
geometric means are all read off them.  ``log_up`` and ``log_down`` are the degrees of ``exp f``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sympy import Function, Integer, fraction, oo, together

from mathdl.convexity.ranges import ANY, POSITIVE, ZERO, Range, of_number
from mathdl.ir.dim import nonnegative

ONE = Integer(1)
Degree = Any  # a SymPy number or expression in dims, infinity, or None where there is none


@dataclass(frozen=True)
class Nature:
    """Curvature, range and degrees of every entry of a quantity; ``laws`` are those used.

    ``value`` is the number or expression in dims that a constant is; ``blame`` says why nothing
    is known.
    """

    range: Range = ANY
    convex: bool = False
    concave: bool = False
    constant: bool = False
    up: Degree = None
    down: Degree = None
    log_up: Degree = None
    log_down: Degree = None
    value: Any = None
    laws: tuple[str, ...] = ()
    blame: str = ""

    @property
    def affine(self) -> bool:
        return self.convex and self.concave

    @property
    def known(self) -> bool:
        return self.convex or self.concave

    @property
    def described(self) -> str:
        """With its article."""
        return f"a{'n' if self.kind[0] in 'au' else ''} {self.kind}"

    @property
    def kind(self) -> str:
        if self.constant:
            return "constant"
        if self.affine:
            return "affine"
        return "convex" if self.convex else "concave" if self.concave else "unknown"

    def by(self, *laws: str) -> Nature:
        """The same by further laws."""
        return replace(self, laws=tuple(dict.fromkeys([*self.laws, *laws])))


def nature(range: Range, convex: bool = False, concave: bool = False, **facts: Any) -> Nature:
    """With what follows from one fact for the others."""
    up, down = facts.pop("up", None), facts.pop("down", None)
    log_up, log_down = facts.pop("log_up", None), facts.pop("log_down", None)
    convex = convex or (log_up is not None and (log_up == oo or log_up <= 0))
    concave = concave or log_down is not None
    if range.nonnegative:
        up = ONE if up is None and convex else up
        down = ONE if concave and (down is None or not at_most_one(down)) else down
        convex = convex or up is not None
        concave = concave or (down is not None and at_most_one(down))
    else:
        up = down = None
    log_up = oo if log_up is None and convex else log_up
    log_down = oo if log_down is None and concave else log_down
    return Nature(range, convex, concave, up=up, down=down, log_up=log_up, log_down=log_down,
                  **facts)


def constant(range: Range, value: Any = None) -> Nature:
    """What does not depend on the variables."""
    degree = ZERO if range.nonnegative else None
    return Nature(range, True, True, True, degree, degree, ZERO, ZERO, value)


def number(value: Any) -> Nature:
    return constant(of_number(value), None if value.has(Function) else value)


def unknown(blame: str, range: Range = ANY) -> Nature:
    return Nature(range, blame=blame)


def laws_of(parts: Iterable[Nature]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(law for p in parts for law in p.laws))


def first_blame(parts: Iterable[Nature], otherwise: str = "") -> str:
    return next((p.blame for p in parts if p.blame), otherwise)


# -- degrees ------------------------------------------------------------------------------------


def at_most_one(degree: Degree) -> bool:
    """Whether a degree, perhaps in dims, is at most 1."""
    if degree.is_number:
        return bool(degree <= 1)
    top, bottom = fraction(together(1 - degree))
    return nonnegative(top) and nonnegative(bottom - 1)


def _order(up: Degree) -> Any:
    """The order of the power mean by which a function is bounded: the greater, the weaker."""
    return ZERO if up == oo else -oo if up == 0 else 1 / up


def weakest_up(degrees: Sequence[Degree]) -> Degree:
    return None if any(d is None for d in degrees) else max(degrees, key=_order)


def weakest_down(degrees: Sequence[Degree]) -> Degree:
    if any(d is None for d in degrees):
        return None
    if all(d.is_number for d in degrees):
        return max(degrees)
    return degrees[0] if len(set(degrees)) == 1 else oo


def product_up(degrees: Sequence[Degree]) -> Degree:
    """Hoelder's inequality reversed: one power of a convex function at most."""
    if any(d is None for d in degrees):
        return None
    grown = [d for d in degrees if d != oo and d > 0]
    if oo in degrees:
        return None if grown else oo
    total = sum(degrees, ZERO)
    return None if len(grown) > 1 or (grown and total < 1) else total


def product_down(degrees: Sequence[Degree]) -> Degree:
    """Hoelder's inequality."""
    return None if any(d is None for d in degrees) else sum(degrees, ZERO)


def _numeric(up: Degree) -> Degree:
    """A degree in dims weakened to one that is a number."""
    if up is None or up.is_number:
        return up
    return oo if up.is_negative else None


def powered(up: Degree, down: Degree, exponent: Any) -> tuple[Degree, Degree]:
    """The degrees of ``f**exponent``."""
    if exponent == 0:
        return ZERO, ZERO

    def times(degree: Degree) -> Degree:
        return degree if degree in (None, oo, 0) else degree * exponent

    if exponent.is_positive:
        grown = _numeric(times(up))
        if grown is not None and 0 < grown < 1:
            grown = None
        return grown, times(down)
    if exponent.is_negative:
        falls = up is not None and (up == oo or up <= 0)
        return _numeric(times(down)), times(up) if falls else None
    return None, None


# -- operations ---------------------------------------------------------------------------------

SUM = "a sum of functions of one curvature [Boyd & Vandenberghe 3.2.1]"
SCALED = "a nonnegative multiple [Boyd & Vandenberghe 3.2.1]"
FLIPPED = "a nonpositive multiple turns the curvature over"
HOLDER = "[Hölder: Hardy, Littlewood & Pólya 10]"
COMPOSED = "[Boyd & Vandenberghe 3.2.4]"
GREATEST = "a maximum of convex functions [Boyd & Vandenberghe 3.2.3]"
LEAST = "a minimum of concave functions [Boyd & Vandenberghe 3.2.3]"
WEAKEST = "degrees keep the least in sums (Minkowski) [Hardy, Littlewood & Pólya 24, 198]"


def _degree(f: Nature) -> str:
    """A function as a power, in words: ``a convex function**2``."""
    for degree, kind in ((f.up, "convex"), (f.down, "concave")):
        if f.affine or degree is None:
            continue
        if degree == oo:
            return f"a log-{kind} function"
        base = "concave" if kind == "concave" or degree < 0 else "convex"
        return f"a {base} function" if degree == 1 else f"(a {base} function)**({degree})"
    return f"{f.described} function"


def added(parts: Sequence[Nature]) -> Nature:
    """The sum."""
    parts = [p for p in parts if p.value != 0] or [number(ZERO)]
    if len(parts) == 1:
        return parts[0]
    range = parts[0].range
    for p in parts[1:]:
        range = range + p.range
    if all(p.constant for p in parts):
        values = [p.value for p in parts]
        return constant(range, None if None in values else sum(values))
    downs = [p.down for p in parts]
    small = all(d is not None and at_most_one(d) for d in downs)
    positive = all(p.range.nonnegative for p in parts)
    found = nature(
        range,
        all(p.convex for p in parts),
        all(p.concave for p in parts),
        up=weakest_up([p.up for p in parts]) if positive else None,
        down=weakest_down(downs) if positive and small else None,
        log_up=product_up([p.log_up for p in parts]),
        log_down=product_down([p.log_down for p in parts]),
        laws=laws_of(parts),
    )
    if not found.known:
        kinds = sorted({p.kind for p in parts} - {"constant", "affine"})
        return unknown(first_blame(parts, f"a sum of {' and '.join(kinds)} terms"), range)
    if found.affine:
        return found
    special = found.up not in (None, ONE) and all(p.up != oo for p in parts)
    return found.by(WEAKEST if special else SUM)


def repeated(f: Nature, count: Any) -> Nature:
    """The sum of ``count`` functions like ``f``."""
    if f.constant:
        value = None if f.value is None else f.value * count
        return constant(_many(f.range), value)
    found = nature(
        _many(f.range), f.convex, f.concave,
        up=f.up, down=f.down if f.down is not None and at_most_one(f.down) else None,
        log_up=product_up_many(f.log_up, count), log_down=_times_count(f.log_down, count),
        laws=f.laws, blame=f.blame,
    )
    return found.by(SUM) if found.known and not found.affine else found


def _many(range: Range) -> Range:
    """The range of a sum of one or more."""
    low = range.low if range.nonnegative else -oo
    high = range.high if range.nonpositive else oo
    return Range(low, high, range.clear and range.signed)


def _times_count(down: Degree, count: Any) -> Degree:
    return down if down in (None, oo, 0) else down * count


def product_up_many(up: Degree, count: Any) -> Degree:
    """The degree of a product of ``count`` functions of one degree."""
    if up is None or up == oo or up == 0 or count == 1:
        return up
    return None if up > 0 else _numeric(up * count)


def scaled(c: Nature, f: Nature) -> Nature:
    """A constant times a function."""
    range = c.range * f.range
    if c.value == 1:
        return f
    up = down = None
    if c.range.nonnegative and f.range.nonnegative:
        up, down = f.up, f.down
    log_up = log_down = None
    if c.value is not None:
        log_up, log_down = powered(f.log_up, f.log_down, c.value)
    if c.range.nonnegative:
        convex, concave = f.convex, f.concave
    elif c.range.nonpositive:
        convex, concave = f.concave, f.convex
    else:
        convex = concave = f.affine
    found = nature(range, convex, concave, up=up, down=down, log_up=log_up, log_down=log_down,
                   laws=f.laws)
    if not found.known:
        reason = f"the sign of the factor of {f.described} function is not known" if f.known else ""
        return unknown(f.blame or reason, range)
    if found.affine or c.value == -1:
        return found
    return found.by(SCALED if c.range.nonnegative else FLIPPED)


def multiplied(parts: Sequence[Nature]) -> Nature:
    """The product."""
    fixed = [p for p in parts if p.constant]
    moving = [p for p in parts if not p.constant]
    range = Range(ONE, ONE)
    for p in fixed:
        range = range * p.range
    values = [p.value for p in fixed]
    value = None
    if None not in values:
        value = ONE
        for v in values:
            value = value * v
    weight = constant(range, value)
    if not moving:
        return weight
    return scaled(weight, _product(moving))


def _product(parts: Sequence[Nature]) -> Nature:
    if len(parts) == 1:
        return parts[0]
    range, sign = Range(ONE, ONE), ONE
    turned = []
    for p in parts:
        range = range * p.range
        minus = p.range.nonpositive and not p.range.nonnegative
        sign = -sign if minus else sign
        turned.append(scaled(number(-ONE), p) if minus else p)
    size = range if sign == 1 else -range
    found = Nature()
    if all(p.range.nonnegative for p in turned):
        found = nature(size, up=product_up([p.up for p in turned]),
                       down=product_down([p.down for p in turned]), laws=laws_of(parts))
    if found.up is None and found.down is None:
        blame = first_blame(parts, "a product of functions of the variables")
        return unknown(blame, range)
    shown = " and ".join(map(_degree, turned))
    return scaled(number(sign), found.by(f"the product of {shown} {HOLDER}"))


def raised(base: Nature, exponent: Any) -> Nature:
    """``base**exponent`` for an exponent that is a number or an expression in dims."""
    if exponent == 1:
        return base
    range = base.range.power(exponent)
    if base.constant:
        return constant(range, None if base.value is None else base.value**exponent)
    whole = exponent.is_Integer
    if whole and exponent % 2 == 0 and exponent > 0 and base.affine:
        return nature(range, up=exponent, laws=base.laws).by(
            f"the power {exponent} of {_degree(base)} {COMPOSED}")
    if base.range.nonpositive and not base.range.nonnegative and whole:
        sign = number(ONE if exponent % 2 == 0 else -ONE)
        return scaled(sign, raised(scaled(number(-ONE), base), exponent))
    if not base.range.nonnegative and exponent.is_Rational and not whole and base.concave:
        # the domain is where the base is at least 0, a convex set
        inside = base.range.within(ZERO, oo)
        base = nature(inside, base.convex, True, laws=base.laws)
    if base.range.nonnegative and base.known | (base.down is not None):
        up, down = powered(base.up, base.down, exponent)
        found = nature(range, up=up, down=down, laws=base.laws)
        if found.known or found.down is not None:
            return found.by(f"the power {exponent} of {_degree(base)} {COMPOSED}")
    sign_text = "" if base.range.signed else ", the sign of which is not known"
    reason = f"the power {exponent} of {base.described} function{sign_text}"
    return unknown(base.blame or reason, range)


def exponential(f: Nature) -> Nature:
    low = ONE if f.range.nonnegative else ZERO
    high = ONE if f.range.nonpositive else oo
    range = POSITIVE.within(low, high)
    if f.constant:
        return constant(range)
    found = nature(range, up=f.log_up, down=f.log_down, laws=f.laws)
    if not found.known and found.down is None:
        return unknown(f.blame, range)
    if f.convex:
        return found.by(f"the exponential of {f.described} function {COMPOSED}")
    return found.by(f"the exponential of a sum of logarithms, as the geometric mean {HOLDER}"
                    if found.concave else "the exponential of a concave function")


def logarithm(f: Nature) -> Nature:
    """Of what is positive, or concave: there the domain is convex."""
    low = ZERO if f.range.low >= 1 else -oo
    high = ZERO if f.range.high <= 1 else oo
    range = Range(low, high)
    if f.constant:
        return constant(range)
    if not f.range.nonnegative and f.concave:
        f = nature(POSITIVE.within(ZERO, f.range.high), f.convex, True, laws=f.laws)
    if f.up is None and f.down is None:
        return unknown(f.blame or f"the logarithm of {f.described} function", range)
    found = nature(range, log_up=f.up, log_down=f.down, laws=f.laws)
    if found.convex:
        return found.by("log of a log-convex function, as log-sum-exp [Boyd & Vandenberghe 3.5.2]")
    if found.concave:
        if f.concave:
            return found.by(f"the logarithm of {f.described} function {COMPOSED}")
        return found.by("the logarithm of a log-concave function [Boyd & Vandenberghe 3.5.1]")
    return replace(found, blame=f"the logarithm of {f.described} function")


def greatest(parts: Sequence[Nature]) -> Nature:
    """The maximum of functions."""
    if len(parts) == 1 or all(p.constant for p in parts):
        return _hull(parts)
    range = parts[0].range
    for p in parts[1:]:
        range = range.hull(p.range)
    low = max(p.range.low for p in parts)
    # a maximum is at least each, so at least any lower bound
    range = range.within(low, oo, any(p.range.positive for p in parts))
    convex = all(p.convex for p in parts)
    positive = [p if p.range.nonnegative else replace(p, up=_part(p)) for p in parts]
    found = nature(
        range, convex,
        up=weakest_up([p.up for p in positive]) if range.nonnegative else None,
        log_up=weakest_up([p.log_up for p in parts]), laws=laws_of(parts),
    )
    if not found.known:
        return unknown(first_blame(parts, "a maximum of functions that are not convex"), range)
    return found.by(GREATEST)


def _part(p: Nature) -> Degree:
    """The degree of the positive part."""
    return ZERO if p.constant else ONE if p.convex else None


def least(parts: Sequence[Nature]) -> Nature:
    """The minimum of functions."""
    if len(parts) == 1 or all(p.constant for p in parts):
        return _hull(parts)
    range = parts[0].range
    for p in parts[1:]:
        range = range.hull(p.range)
    range = range.within(-oo, min(p.range.high for p in parts))
    found = nature(
        range, False, all(p.concave for p in parts),
        down=weakest_down([p.down for p in parts]) if range.nonnegative else None,
        log_down=weakest_down([p.log_down for p in parts]), laws=laws_of(parts),
    )
    if not found.known and found.down is None:
        return unknown(first_blame(parts, "a minimum of functions that are not concave"), range)
    return found.by(LEAST)


def _hull(parts: Sequence[Nature]) -> Nature:
    if len(parts) == 1:
        return parts[0]
    range = parts[0].range
    for p in parts[1:]:
        range = range.hull(p.range)
    return constant(range)
