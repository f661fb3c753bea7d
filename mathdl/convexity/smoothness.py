"""``smoothness(expr, wrt)``: between which multiples of the identity the Hessian lies.

The expression is a sum of terms in quantities that are affine in the variable.  Each is replaced
by a quadratic that lies above it in curvature and by one that lies below: a quadratic by itself, a
function of one affine argument by the extremes of its second derivative, a logarithm of a sum of
exponentials by half the square of its arguments and by nothing.  What remains is an eigenvalue
of the Hessians of two quadratics, which do not depend on the variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sympy import Integer, Pow, Rational, S, exp, log, oo, preorder_traversal

from mathdl.convexity.analysis import SETS, Analysis
from mathdl.convexity.body import Body
from mathdl.convexity.extremes import eigenvalue, extremes, second_derivative, slope_jumps
from mathdl.convexity.gaps import log_of_products
from mathdl.convexity.hessian import sign_of_hessian
from mathdl.convexity.kernels import symbols_of
from mathdl.convexity.products import Product, entry_of, fresh, opened
from mathdl.convexity.ranges import NONNEGATIVE
from mathdl.convexity.scalars import affine_body, is_smooth
from mathdl.convexity.verdict import ATTEMPTS, curvature, shown
from mathdl.derivation import derive
from mathdl.differentiate import free_variables, restored
from mathdl.errors import UnsupportedError
from mathdl.ir.assumptions import closure
from mathdl.ir.bodies import reads_inside
from mathdl.ir.build import constant, define, is_zero, out_ranges, ranges_of, redefine
from mathdl.ir.index import Ranges, bound_index, out_indices, slot, slot_number, slots_in
from mathdl.ir.system import depends_on, rewrite
from mathdl.ir.tensor import Access, Tensor, input_tensor
from mathdl.language.functions import FUNCTIONS
from mathdl.language.pointwise import as_tensor
from mathdl.present.text import to_text
from mathdl.request import Wrt, name_of, resolve_wrt
from mathdl.simplify import simplify

MAX_TERMS = 64

QUADRATIC = "a quadratic, the Hessian of which is constant"
SCALAR = "its second derivative lies between {} and {}{} [Boyd & Vandenberghe 9.1.2]"
ROOT = (
    "a root of squares, the Hessian (I - uu'/s**2)/s of which lies between 0 and 1/s, s its least "
    "value")
FACTOR = ", times a constant factor"
LOG_SUM_EXP = (
    "log-sum-exp, the Hessian diag(p) - pp' of which lies between 0 and 1/2 "
    "[Böhning, Multinomial logistic regression algorithm, 1992, lemma 1]"
)


@dataclass(frozen=True, eq=False)
class Smoothness:
    """Between what the eigenvalues of the Hessian lie, wherever the variable is.

    ``lipschitz`` is that of the gradient in Euclidean length, ``strong`` the modulus of strong
    convexity, 0 for a convex function that has none; expressions in the constants, or None
    where nothing is shown: ``reason`` says why, or by which laws.  True where the former is known.
    """

    lipschitz: Tensor | None
    strong: Tensor | None
    reason: str
    wrt: str

    def __bool__(self) -> bool:
        return self.lipschitz is not None

    def __str__(self) -> str:
        known = {"L": self.lipschitz, "m": self.strong}
        lines = [f"{k} = {'unknown' if v is None else to_text(v)}" for k, v in known.items()]
        return "\n".join([*lines, self.reason])


_CHOICE = fresh()


def _under_root(tensor: Tensor) -> Tensor | None:
    """What a number is the square root of."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none":
        return None
    body = equation.body
    if not (isinstance(body, Pow) and body.exp == Rational(1, 2)):
        return None
    return define((), body.base, equation.operands)


class _Unknown(Exception):
    """Where the rules end, and why."""


def smoothness(expr: Any, wrt: Wrt) -> Smoothness:
    """The Lipschitz constant of the gradient of a scalar and its modulus of strong convexity.

    ``m I <= Hessian <= L I`` everywhere, with ``m`` and ``L`` as expressions: by the
    structure of the Hessian ``A' D A``, with ``A`` what maps the variable to the arguments of the
    losses and ``D`` what is known of their second derivatives.  ``L`` is attained where one
    argument of each loss may have its greatest curvature at once, and an upper bound otherwise.

    Nesterov, Introductory Lectures on Convex Optimization, 1.2.2 and 2.1.3.  Raises
    ``NamingError`` for a name that is not in the expression, ``UnsupportedError`` for an
    expression that is no scalar and for more than one variable.
    """
    expr = as_tensor(expr)
    targets, _ = resolve_wrt([expr], wrt)
    if expr.ndim or len(targets) != 1:
        raise UnsupportedError("smoothness is that of a scalar in one variable; put several "
                               "into one by concat, or ask for one at a time")
    free, variables, declared = free_variables([expr], targets)
    (free[0],) = restored(free, declared)
    given = declared.get(variables[0], variables[0])
    variable = input_tensor(given.name or "", given.shape, closure(given.assume) & SETS)
    (expr,) = rewrite(rewrite(free, replace={given: variable}), _in_sums)
    name = name_of(targets[0])
    reasons = []
    for form in dict.fromkeys((expr, *simplify([expr]))):
        try:
            return _found(form, variable, name)
        except _Unknown as unknown:
            reasons.append(str(unknown))
    return Smoothness(None, None, reasons[0], name)


def _found(expr: Tensor, variable: Tensor, name: str) -> Smoothness:
    work = _Terms(Analysis([expr], [variable], ATTEMPTS))
    work.add(entry_of(expr))
    above, below = (_hessian(parts, variable) for parts in (work.above, work.below))
    reason = "\n".join(dict.fromkeys(work.laws)) or "affine: the Hessian is 0"
    least = constant(0, ()) if is_zero(below) else eigenvalue(below, greatest=False)
    convex = is_zero(below) or sign_of_hessian(below, variable.ndim) == 1
    if not convex and curvature(expr, variable) in ("convex", "affine"):
        least = least if above is below else FUNCTIONS["maximum"](least, 0)
        convex = True
    if convex:
        return Smoothness(_tidy(eigenvalue(above, greatest=True)), _tidy(least), reason, name)
    largest = FUNCTIONS["maximum"](eigenvalue(above, greatest=True), -least)
    return Smoothness(_tidy(largest), None, f"{reason}\nnot shown to be convex", name)


def _tidy(value: Tensor) -> Tensor:
    return simplify([value])[0]


def _hessian(parts: list[Tensor], variable: Tensor) -> Tensor:
    total = parts[0] if parts else constant(0, ())
    for part in parts[1:]:
        total = total + part
    if not depends_on([total], [variable]):
        return constant(0, (*variable.shape, *variable.shape))
    key = variable.name or ""
    return derive(total, key, order=2).bare((key, key))


class _Terms:
    """The terms of an expression, each with the quadratics above and below it."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.above: list[Tensor] = []
        self.below: list[Tensor] = []
        self.laws: list[str] = []
        self.count = 0

    def add(self, term: Product) -> None:
        """A scalar term."""
        self.count += 1
        if self.count > MAX_TERMS:
            raise _Unknown("the expression has too many terms")
        moving = [k for k, a in enumerate(term.entries) if self.analysis.moves(a.tensor)]
        affine = all(self.analysis.nature(term.entries[k].tensor).affine for k in moving)
        if affine and len(moving) < 2:
            return
        if affine and len(moving) == 2:
            whole = term.tensor(())
            self.above.append(whole)
            self.below.append(whole)
            self.laws.append(f"{shown(whole)}: {QUADRATIC}")
            return
        if len(moving) > 1:
            term = self.gathered(term, moving)
            moving = [len(term.entries) - 1]
        (k,) = moving
        access = term.entries[k]
        if access.held or not reads_inside(access, term.ranges):
            raise _Unknown(f"{shown(access.tensor)}: it is read beyond its ends, or as if constant")
        if not (self.of_one_argument(term, k) or self.of_log_sum_exp(term, k)
                or self.of_root_of_squares(term, k)):
            for part in self.parts(term, k):
                self.add(part)

    def gathered(self, term: Product, moving: list[int]) -> Product:
        """The moving entries as one."""
        taken = [term.entries[k] for k in moving]
        read = sorted({s for a in taken for s in symbols_of(a)}, key=str)
        body = S.One
        for k in range(len(taken)):
            body = body * slot(k)
        made = define([(s, term.ranges[s]) for s in read], body, taken)
        rest = tuple(a for k, a in enumerate(term.entries) if k not in moving)
        return replace(term, entries=(*rest, Access(made, tuple(read))))

    def parts(self, term: Product, k: int) -> list[Product]:
        """The term with an entry opened, its logarithms first made sums."""
        access = term.entries[k]
        sums = log_of_products(self.analysis, access.tensor)
        if sums is not None:
            entries = list(term.entries)
            entries[k] = Access(sums, access.index, access.held)
            term = replace(term, entries=tuple(entries))
        equation = access.tensor.definition
        if equation is not None and equation.reduce in ("max", "min"):
            raise _Unknown(f"{shown(access.tensor)}: its gradient jumps where two of the values "
                           "change places, so it is not smooth")
        found = opened(term, k, expand=True)
        if found is None:
            raise _Unknown(f"{shown(access.tensor)}: no rule bounds its curvature")
        return found

    # -- the two kinds of terms -----------------------------------------------------------------

    def of_one_argument(self, term: Product, k: int) -> bool:
        """Entries that are a function of one affine quantity."""
        tensor = term.entries[k].tensor
        found = affine_body(self.analysis, tensor)
        if found is None or len(found.moving) != 1 or tensor.equation.reduce != "none":
            return False
        (x,) = found.moving
        smooth = all(is_smooth(node, found.walk) for node in preorder_traversal(found.body))
        if not smooth and slope_jumps(found.body.diff(x), x, found.walk):
            raise _Unknown(f"{shown(tensor)}: its gradient jumps, so it is not smooth")
        ends = extremes(second_derivative(found.body, x), x, found.walk)
        if ends is None:
            raise _Unknown(f"{shown(tensor)}: the extremes of its second derivative are "
                           "not known")
        factor, low, high = ends
        symbols = out_indices(tensor.ndim)
        weight = define(out_ranges(tensor.shape), factor, found.operands)
        argument = found.operands[slots_in(x)[0]]
        index = dict(zip(symbols, term.entries[k].index, strict=True))
        square = [_at(argument, index)] * 2
        self.bound(term, k, [_at(Access(weight, symbols), index), *square], low, high, tensor,
                   SCALAR.format(low, high, "" if factor.is_number else FACTOR))
        return True

    def of_log_sum_exp(self, term: Product, k: int) -> bool:
        """Entries ``log(sum(exp(u)))`` of affine ``u``."""
        access = term.entries[k]
        equation = access.tensor.definition
        if equation is None or equation.reduce != "none" or equation.body != log(slot(0)):
            return False
        (inner,) = equation.operands
        total = inner.tensor.definition
        if total is None or total.reduce != "sum" or len(total.extents) != 1:
            return False
        part, index = total.operands[0], dict(
            zip(out_indices(access.tensor.ndim), access.index, strict=True))
        entry = part.tensor.definition
        if total.body != slot(0) or entry is None or not isinstance(entry.body, exp):
            return False
        argument = define(out_ranges(part.tensor.shape), entry.body.args[0], entry.operands)
        if not self.analysis.nature(argument).affine:
            return False
        r = fresh()
        at = dict(zip(out_indices(inner.tensor.ndim), _at(inner, index).index, strict=True))
        read = _at(Access(argument, part.index), {**at, bound_index(0): r})
        wider = replace(term, bound=(*term.bound, r), ranges={**term.ranges, r: total.extents[0]})
        self.bound(wider, k, [read, read], Integer(0), Rational(1, 2), access.tensor, LOG_SUM_EXP)
        return True

    def of_root_of_squares(self, term: Product, k: int) -> bool:
        """Entries ``sqrt(c + sum(u**2))`` of affine ``u`` with a constant ``c``, not negative."""
        access = term.entries[k]
        inside = _under_root(access.tensor)
        if inside is None or access.index:
            return False
        constants, squares = [], []
        for part in opened(entry_of(inside), 0, expand=True) or []:
            if not any(self.analysis.moves(a.tensor) for a in part.entries):
                constants.append(part)
                continue
            found = self.squares(part)
            if not found:
                return False
            squares += found
        if not squares:
            return False
        shift = constant(0, ())
        for part in constants:
            shift = shift + part.tensor(())
        range = self.analysis.nature(shift).range
        if not range.positive:
            raise _Unknown(f"{shown(access.tensor)}: its gradient jumps where the argument of the "
                           "root is 0")
        root = Access(FUNCTIONS["sqrt"](1 / shift), ())
        for part in squares:
            wider = replace(part, entries=(*term.entries[:k], *term.entries[k + 1:], root,
                                           *part.entries), coefficient=term.coefficient,
                            brackets=(*term.brackets, *part.brackets),
                            bound=(*term.bound, *part.bound),
                            ranges={**term.ranges, **part.ranges})
            last = len(wider.entries) - 1
            self.bound(wider, last, [part.entries[-1]], Integer(0), Integer(1), access.tensor,
                       ROOT)
        return True

    def squares(self, part: Product) -> list[Product]:
        """The sums of squares that a term opens to; none where one of them is no square."""
        if self.is_square(part):
            return [part]
        parts = opened(part, 0, expand=True) if len(part.entries) == 1 else None
        found = [self.squares(p) for p in parts or []]
        return [q for squares in found for q in squares] if all(found) else []

    def is_square(self, part: Product) -> bool:
        """``sum(u**2)`` of an affine ``u``."""
        first, *others = part.entries
        return part.coefficient == 1 and others == [first] and bool(
            self.analysis.nature(first.tensor).affine)

    def bound(
        self, term: Product, k: int, entries: list[Access], low: Any, high: Any, tensor: Tensor,
        law: str,
    ) -> None:
        """The quadratics for a term of which entry ``k`` has curvature between these."""
        rest = tuple(a for j, a in enumerate(term.entries) if j != k)
        weight = Body({})(term.coefficient).range
        fixed = [a for a in (*rest, *entries) if not self.analysis.moves(a.tensor)]
        for a in fixed:
            squared = fixed.count(a) == 2
            weight = weight * (NONNEGATIVE if squared else self.analysis.nature(a.tensor).range)
        if not weight.signed:
            rest = tuple(replace(a, tensor=FUNCTIONS["abs"](a.tensor)) for a in rest)
            entries = [a if self.analysis.moves(a.tensor) or fixed.count(a) == 2
                       else replace(a, tensor=FUNCTIONS["abs"](a.tensor)) for a in entries]
            term = replace(term, coefficient=abs(term.coefficient))
            low, high = -max(-low, high), max(-low, high)
        ends = (high, low) if weight.signed and not weight.nonnegative else (low, high)
        for value, parts in zip(ends, (self.below, self.above), strict=True):
            if value in (oo, -oo):
                raise _Unknown(f"{shown(tensor)}: its second derivative is not bounded")
            if value != 0:
                parts.append(replace(
                    term, coefficient=term.coefficient * value / 2, entries=(*rest, *entries)
                ).tensor(()))
        self.laws.append(f"{shown(tensor)}: {law}")


def _in_sums(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
    """The same; an entry that data choose is the sum over all, weighted by whether it is chosen."""
    if tensor.call is not None:
        return redefine(tensor, operands)
    ranges = ranges_of(tensor)
    found = []
    for access in operands:
        places = [(axis, k) for axis, e in enumerate(access.index)
                  if (k := slot_number(e)) is not None]
        if len(places) == 1:
            access = _chosen(access, *places[0], operands, ranges)
        found.append(access)
    return redefine(tensor, found)


def _chosen(
    access: Access, axis: int, k: int, operands: Sequence[Access], ranges: Ranges
) -> Access:
    data = operands[k]
    dim = access.tensor.shape[axis]
    index = (*access.index[:axis], _CHOICE, *access.index[axis + 1:])
    read = sorted({s for e in (*access.index, *data.index) for s in S(e).free_symbols
                   if s in ranges}, key=str)
    chosen = Access(FUNCTIONS["eye"](dim)[data.tensor], (*data.index, _CHOICE))
    total = define(
        [(s, ranges[s]) for s in read], slot(0) * slot(1),
        [Access(access.tensor, index, access.held), chosen],
        reduce="sum", bound=[(_CHOICE, dim)],
    )
    return Access(total, tuple(read))


def _at(access: Access, mapping: dict[Any, Any]) -> Access:
    return Access(
        access.tensor, tuple(S(e).xreplace(mapping) for e in access.index), access.held)


__all__ = ["Smoothness", "smoothness"]
