"""The extremes of second derivatives of functions of one real argument, and of eigenvalues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any

from sympy import (
    Add,
    Dummy,
    Expr,
    Integer,
    KroneckerDelta,
    Mul,
    Piecewise,
    Poly,
    Rational,
    cancel,
    cosh,
    exp,
    factor_terms,
    fraction,
    limit,
    oo,
    preorder_traversal,
    real_roots,
    sinh,
    solve,
    sympify,
    tanh,
    together,
)
from sympy.core.relational import Relational

from mathdl.convexity.analysis import Analysis
from mathdl.convexity.body import Body
from mathdl.convexity.enclosures import over_line
from mathdl.convexity.kernels import MAX_DEPTH, separated, symbols_of
from mathdl.convexity.products import Product, entry_of, opened
from mathdl.convexity.ranges import Range
from mathdl.ir.assumptions import closure
from mathdl.ir.build import constant, is_zero
from mathdl.ir.dim import product
from mathdl.ir.index import out_indices
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.functions import FUNCTIONS
from mathdl.scalar import where
from mathdl.scalar.lower import define as defined

# -- of one argument ---------------------------------------------------------------------------


def second_derivative(body: Any, x: Any) -> Any:
    """In tangents instead of sines, and in indicators instead of choices."""
    second = body.diff(x).diff(x).replace(sinh, lambda u: tanh(u) * cosh(u))
    return second.replace(
        lambda node: isinstance(node, where), lambda node: _indicated(*node.args)
    )


def _indicated(condition: Any, yes: Any, no: Any) -> Any:
    """A choice as a polynomial in an indicator."""
    return no + (yes - no) * where(condition, Integer(1), Integer(0))


def extremes(second: Any, x: Any, walk: Body) -> tuple[Any, Any, Any] | None:
    """``(c, low, high)``: ``second`` is ``c`` without ``x`` times what has these extremes.

    None unless it is a rational function of one function of ``x`` with known range, or its
    extremes are found or enclosed: then the latter are bounds.
    """
    if x not in second.free_symbols:
        scale, factor = second.as_coeff_Mul()
        return factor, scale, scale
    whole = second
    second, power = _in_one_exponential(second)
    moving = {x, *power}
    found = ((form, _atoms(form, moving))
             for form in (second, second.expand(), _one_quotient(second)))
    second, atoms = next((pair for pair in found if len(pair[1]) == 1), (second, set()))
    if not atoms:
        return _enclosed(whole, x)
    (atom,) = atoms
    q = Dummy("q", real=True)
    top, bottom = (Poly(part, q) for part in fraction(cancel(second.xreplace({atom: q}))))
    first = top.LC() / bottom.LC()
    parts = [[(c / part.LC()).cancel() for c in part.all_coeffs()] for part in (top, bottom)]
    if any(not c.is_number for part in parts for c in part):
        return _enclosed(whole, x)
    low, high = _over(Poly(parts[0], q), Poly(parts[1], q), _range_of(power.get(atom, atom), walk))
    scale, first = first.as_coeff_Mul()
    return first, *sorted((scale * low, scale * high))


def _enclosed(second: Any, x: Any) -> tuple[Any, Any, Any] | None:
    """Of what is a function of ``x`` alone, but for a factor."""
    factor, rest = factor_terms(second).as_independent(x, as_Add=False)
    found = over_line(rest, x) if rest.free_symbols == {x} else None
    if found is None:
        return None
    scale, factor = factor.as_coeff_Mul()
    return factor, *sorted(scale * end for end in found)


def _in_one_exponential(expr: Any) -> tuple[Any, dict[Any, Any]]:
    """Exponentials as powers of one, and what that stands for."""
    powers = sorted((e.args[0] for e in expr.atoms(exp)), key=str)
    for u in powers:
        ratios = {v: (v / u).cancel() for v in powers}
        if all(r.is_Integer for r in ratios.values()):
            base = Dummy("e", positive=True)
            return expr.xreplace({exp(v): base**r for v, r in ratios.items()}), {base: exp(u)}
    return expr, {}


def _one_quotient(expr: Any) -> Any:
    top, bottom = fraction(together(expr))
    return top.expand() / bottom


def _atoms(expr: Any, moving: set[Any]) -> set[Any]:
    """The functions of what moves of which an expression is rational, or that itself."""
    if not moving & expr.free_symbols:
        return set()
    whole = expr.is_Pow and expr.exp.is_Integer
    if isinstance(expr, (Add, Mul)) or whole:
        return set().union(*(_atoms(a, moving) for a in expr.args))
    return {expr}


def _range_of(atom: Any, walk: Body) -> Range:
    if isinstance(atom, where):
        return Range(Integer(0), Integer(1))
    return walk(atom).range


def _over(top: Any, bottom: Any, range: Range) -> tuple[Any, Any]:
    """The least and the greatest value of a quotient of polynomials over an interval."""
    q = top.gen
    if any(range.low <= r <= range.high for r in _roots(bottom)):
        return -oo, oo
    turns = _roots(top.diff(q) * bottom - top * bottom.diff(q))
    values = [top.eval(r) / bottom.eval(r) for r in turns if range.low < r < range.high]
    quotient = top.as_expr() / bottom.as_expr()
    values += [limit(quotient, q, end) for end in (range.low, range.high)]
    return min(values), max(values)


def _roots(poly: Any) -> list[Any]:
    return [] if poly.degree() < 1 else list(real_roots(poly))


#: Numbers for constants, by which it is decided whether a slope jumps, and signs for those that
#: may have either.
_NUMBERS = (3, 7, 2, 5, 11, 13, 9, 4, 6, 8)
_SIGNS = ((1, 1), (-1, -1), (1, -1), (-1, 1))


def slope_jumps(slope: Any, x: Any, walk: Body) -> bool:
    """Whether the slope of a piecewise function jumps, at constants of the signs that they have."""
    plain = defined(slope)
    others = sorted(plain.free_symbols - {x}, key=str)
    for signs in _SIGNS:
        values = {
            s: Rational(k, 4) * (1 if walk(s).range.nonnegative else signs[n % 2])
            for n, (s, k) in enumerate(zip(others, cycle(_NUMBERS), strict=False))
        }
        at = plain.xreplace(values)
        for point in _kinks(at, x):
            ends = [at.subs(x, point + side).evalf(40) for side in
                    (-Rational(1, 10**20), Rational(1, 10**20))]
            if any(not e.is_Number for e in ends) or abs(ends[0] - ends[1]) > Rational(1, 10**15):
                return True
    return False


def _kinks(expr: Any, x: Any) -> list[Any]:
    """Where a condition changes, or what stands in an absolute value or a sign is 0."""
    zero = [a.lhs - a.rhs for a in expr.atoms(Relational) if x in a.free_symbols]
    zero += [
        node.args[0] for node in preorder_traversal(expr)
        if isinstance(node, Expr) and type(node).__name__ in ("Abs", "sign")
    ]
    zero += [part for part in zero for part in part.args if part.has(Piecewise)]
    return [r for e in zero for r in solve(e, x) if r.is_real]


# -- of eigenvalues ----------------------------------------------------------------------------


def eigenvalue(matrix: Tensor, greatest: bool) -> Tensor:
    """The greatest or the least eigenvalue of a Hessian: each axis, then each again.

    Identities are left out, alone or as a factor of all terms, and so is a factor of known sign.
    """
    md = FUNCTIONS
    ndim = matrix.ndim // 2
    if not ndim or is_zero(matrix):
        return matrix if not ndim else constant(0, ())
    symbols = out_indices(2 * ndim)
    pairs = list(zip(symbols[:ndim], symbols[ndim:], strict=True))
    terms = [_plain(t) for t in separated(entry_of(matrix), pairs, MAX_DEPTH)]
    ranges = dict(terms[0].ranges)
    shared = [p for p in pairs if all(_delta(p) in t.brackets for t in terms)]
    kept = [p for p in pairs if p not in shared]
    alone: list[Product] = []
    mixed: list[Product] = []
    for term in terms:
        read = {s for e in term.entries for s in symbols_of(e)}
        whole = all(_delta(p) in term.brackets for p in pairs)
        (alone if whole and not read & set(symbols) else mixed).append(term)
    added = [_without(t, pairs).tensor(()) for t in alone]
    if not mixed:
        return _sum(added)
    factor = constant(1, ())
    if len(mixed) == 1 and Body({})(mixed[0].coefficient).range.clear:
        greatest ^= Body({})(mixed[0].coefficient).range.negative
        ready = Analysis((), ())
        scalars = [a for a in mixed[0].entries
                   if not a.index and ready.nature(a.tensor).range.positive]
        factor = replace(mixed[0], entries=tuple(scalars), brackets=(), bound=()).tensor(())
        entries = tuple(a for a in mixed[0].entries if a not in scalars)
        mixed = [replace(mixed[0], coefficient=Integer(1), entries=entries)]
    parts = [_without(t, shared) for t in mixed]
    used = {s for t in parts for f in (*t.entries, *t.brackets) for s in symbols_of(f)}
    batch = [a for a, _ in shared if a in used]
    out = [(s, ranges[s]) for s in (*batch, *(a for a, _ in kept), *(b for _, b in kept))]
    inner = _sum([t.tensor(out) for t in parts])
    if kept:
        size = product(tuple(ranges[a] for a, _ in kept))
        if len(kept) > 1:
            inner = md["reshape"](inner, *(ranges[s] for s in batch), size, size)
        inner = md["eigvalsh"](inner)
    found = md["max" if greatest else "min"](inner) if inner.ndim else inner
    return _sum([factor * found, *added])


def _plain(term: Product) -> Product:
    """A term with the products that its entries are put in, less the squares of signs."""
    for k in range(len(term.entries)):
        terms = opened(term, k) or []
        if len(terms) == 1 and term.entries[k].tensor.equation.reduce == "none":
            return _plain(terms[0])
    entries = list(term.entries)
    for access in term.entries:
        if entries.count(access) > 1 and "sign_labels" in closure(access.tensor.assume):
            entries = [a for a in entries if a != access] + [access] * (entries.count(access) % 2)
    return replace(term, entries=tuple(entries))


def _delta(pair: tuple[Any, Any]) -> Any:
    return KroneckerDelta(*pair)


def _without(term: Product, pairs: Sequence[tuple[Any, Any]]) -> Product:
    """A term without the identities in these pairs; what reads the right ones reads the left."""
    left = {b: a for a, b in pairs}
    brackets = tuple(b.xreplace(left) for b in term.brackets if b not in map(_delta, pairs))
    entries = tuple(
        Access(a.tensor, tuple(sympify(e).xreplace(left) for e in a.index), a.held)
        for a in term.entries
    )
    return replace(term, entries=entries, brackets=brackets)


def _sum(parts: Sequence[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


__all__ = ["eigenvalue", "extremes", "second_derivative", "slope_jumps"]
