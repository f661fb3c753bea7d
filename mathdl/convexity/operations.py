"""Sums, products, powers and other operations on natures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sympy import oo

from mathdl.convexity.degrees import (
    ONE,
    Degree,
    at_least,
    at_most_one,
    at_most_zero,
    covers,
    is_parametric,
    powered,
    product_down,
    product_up,
    product_up_many,
    times_count,
    weakest_down,
    weakest_up,
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
from mathdl.convexity.ranges import POSITIVE, ZERO, Range

SUM = "a sum of functions of one curvature [Boyd & Vandenberghe 3.2.1]"
SCALED = "a nonnegative multiple [Boyd & Vandenberghe 3.2.1]"
FLIPPED = "a nonpositive multiple turns the curvature over"
HOLDER = "[Hölder: Hardy, Littlewood & Pólya 10]"
COMPOSED = "[Boyd & Vandenberghe 3.2.4]"
GREATEST = "a maximum of convex functions [Boyd & Vandenberghe 3.2.3]"
LEAST = "a minimum of concave functions [Boyd & Vandenberghe 3.2.3]"
DIFFERENCE = (
    "(f**p - g**p)**(1/p) of concave f and convex g, where f > g [Bellman: Beckenbach & Bellman "
    "1.38]")
WEAKEST = "degrees keep the least in sums (Minkowski) [Hardy, Littlewood & Pólya 24, 198]"


def _degree(f: Nature) -> str:
    """A function as a power, in words: ``a convex function**2``."""
    for degree, kind in ((f.up, "convex"), (f.down, "concave")):
        if f.affine or degree is None:
            continue
        if degree == oo:
            return f"a log-{kind} function"
        base = "concave" if kind == "concave" or at_most_zero(degree) else "convex"
        if not degree.is_number:
            return f"a power of a {base} function"
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
        log_up=product_up_many(f.log_up, count), log_down=times_count(f.log_down, count),
        laws=f.laws, blame=f.blame,
    )
    return found.by(SUM) if found.known and not found.affine else found


def _many(range: Range) -> Range:
    """The range of a sum of one or more."""
    low = range.low if range.nonnegative else -oo
    high = range.high if range.nonpositive else oo
    return Range(low, high, range.clear and range.signed)


def scaled(c: Nature, f: Nature) -> Nature:
    """A constant times a function."""
    range = c.range * f.range
    if c.value == 1:
        return f
    minus = constant(-c.range, None if c.value is None else -c.value)
    if f.opposite is not None and minus.range.nonnegative:
        return scaled(minus, f.opposite)
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
                   inside=f.inside if c.range.positive else None, laws=f.laws)
    if minus.range.positive and f.range.nonnegative:
        found = replace(found, opposite=scaled(minus, f))
    if not found.known:
        reason = f"the sign of the factor of {f.described} function is not known" if f.known else ""
        return replace(found, blame=f.blame or reason)
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
    if whole and exponent % 2 == 0 and exponent > 0 and base.affine and not base.range.nonnegative:
        return nature(range, up=exponent, laws=base.laws).by(
            f"the power {exponent} of {_degree(base)} {COMPOSED}")
    if base.range.nonpositive and not base.range.nonnegative and whole:
        sign = number(ONE if exponent % 2 == 0 else -ONE)
        return scaled(sign, raised(scaled(number(-ONE), base), exponent))
    if (exponent.is_Rational and not whole) or (
        is_parametric(exponent) and at_least(exponent, 0) and at_most_one(exponent)
    ):
        base = restricted(base, bool(exponent.is_negative))
        range = base.range.power(exponent)
    if base.range.nonnegative and base.known | (base.down is not None):
        up, down = powered(base.up, base.down, exponent)
        found = nature(range, up=up, down=down, laws=base.laws)
        power = "a power" if is_parametric(exponent) else f"the power {exponent}"
        if found.known or found.down is not None:
            return found.by(f"{power} of {_degree(base)} {COMPOSED}")
    sign_text = "" if base.range.signed else ", the sign of which is not known"
    reason = f"the power {exponent} of {base.described} function{sign_text}"
    return unknown(base.blame or reason, range)


def restricted(f: Nature, positive: bool = True) -> Nature:
    """The same where it is positive, or at least 0, if that is a convex set."""
    if f.constant or not (f.concave or f.inside is not None):
        return f
    range = f.range.within(ZERO, oo, positive)
    down = f.inside if f.down is None else f.down
    return nature(range, f.convex, f.concave, up=f.up, down=down, laws=f.laws)


def difference(whole: Nature, plus: Nature, minus: Nature) -> Nature:
    """The sum ``plus - minus``, of which ``whole`` is known, with what holds where it is positive.
    """
    if whole.concave or not (plus.range.nonnegative and minus.range.nonnegative):
        return whole
    if plus.constant or not covers(minus.up, plus.down):
        return whole
    return replace(
        whole, inside=plus.down, laws=tuple(dict.fromkeys([*whole.laws, *laws_of([plus, minus]),
                                                          DIFFERENCE])))


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
    f = restricted(f)
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
