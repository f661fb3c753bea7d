r"""What is known of a quantity as a function of the variables.

Besides *convex* and *concave* (both: affine) a nonnegative function has two **degrees** that say
which of its powers are so.

``up = d``: ``f = u**d`` with ``u`` convex for ``d >= 1``, concave for ``d <= 0``; infinity:
``log f`` is convex; 0: constant.  So ``|x|**2`` has 2, ``exp(x)`` infinity, ``1/x`` has -1.

``down = d``: ``f = u**d`` with ``u`` concave and ``d >= 0``; infinity: ``log f`` is concave.  It
is concave for ``d <= 1``: ``sqrt(x)`` has 1/2.

Products add degrees, powers multiply them, sums keep the weakest (Hardy, Littlewood and Polya,
Inequalities, theorems 10, 24 and 198: the inequalities of Hoelder and Minkowski for power means;
Boyd and Vandenberghe, Convex Optimization, 3.5.2).  Norms, quadratic over linear, log-sum-exp and
geometric means are all read off them.  ``log_up`` and ``log_down`` are the degrees of ``exp f``;
``inside`` is the degree ``down`` of ``f`` where it is positive, which is a convex set then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sympy import Function, oo

from mathdl.convexity.degrees import ONE, Degree, at_most_one, is_log_convex
from mathdl.convexity.ranges import ANY, ZERO, Range, of_number


@dataclass(frozen=True)
class Nature:
    """Curvature, range and degrees of every entry of a quantity; ``laws`` are those used.

    ``value`` is the number, or expression in dims and parameters, that a constant is; ``opposite``
    is what is known of ``-f`` that was nonnegative, ``blame`` says why nothing is known.
    """

    range: Range = ANY
    convex: bool = False
    concave: bool = False
    constant: bool = False
    up: Degree = None
    down: Degree = None
    log_up: Degree = None
    log_down: Degree = None
    inside: Degree = None
    value: Any = None
    opposite: Nature | None = None
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
    convex = convex or is_log_convex(log_up)
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
    return Nature(range, True, True, True, degree, degree, ZERO, ZERO, value=value)


def number(value: Any) -> Nature:
    return constant(of_number(value), None if value.has(Function) else value)


def unknown(blame: str, range: Range = ANY) -> Nature:
    return Nature(range, blame=blame)


def laws_of(parts: Iterable[Nature]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(law for p in parts for law in p.laws))


def first_blame(parts: Iterable[Nature], otherwise: str = "") -> str:
    return next((p.blame for p in parts if p.blame), otherwise)
