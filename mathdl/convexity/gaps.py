"""Sums of a function at the parts less that at the whole: entropies, log-partitions.

``sum_i f(x_i) - f(sum_i x_i)`` is convex on positive numbers where ``1/f''`` is superadditive:
by Cauchy's inequality ``(sum v_i)**2 <= sum f''(x_i) v_i**2 * sum 1/f''(x_i)``.  It is for
``x log x`` (``1/f'' = x``), ``-log x`` (``x**2``) and ``log gamma`` (there the sum is the
log-partition of the Dirichlet family, log of Dirichlet's integral).

What ``log q`` is multiplied by is first gathered: ``sum_ij p_i W_ij log q_j`` with
``q_j = sum_i p_i W_ij`` is ``sum_j q_j log q_j``, as in mutual information.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from sympy import Integer, expand_log, log

from mathdl.convexity.analysis import Analysis
from mathdl.convexity.body import Body
from mathdl.convexity.degrees import at_least
from mathdl.convexity.nature import Nature, nature
from mathdl.convexity.operations import added
from mathdl.convexity.products import Product, can_open, entry_of, opened
from mathdl.convexity.ranges import ANY
from mathdl.ir.bodies import inline, merge
from mathdl.ir.build import constant, define, out_ranges
from mathdl.ir.index import out_indices, slot, slots_in
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.functions import FUNCTIONS
from mathdl.scalar import gammaln
from mathdl.simplify import simplify

MAX_TERMS = 12
GAP = "f at the parts less f at the whole, 1/f'' superadditive: Cauchy's inequality"
ENTROPY = "x*log(x) of an affine x, gathered from a sum [Cover & Thomas 2.7.4]"

X_LOG_X, LOG, LOG_GAMMA = "x*log(x)", "log", "gammaln"
#: 1 where the function is convex on positive numbers, -1 where it is concave.
CURVED = {X_LOG_X: 1, LOG: -1, LOG_GAMMA: 1}


@dataclass(frozen=True)
class Term:
    """``weight * function(argument)``, summed over all entries of the affine ``argument``."""

    function: str
    argument: Tensor
    weight: Any

    def turns(self, sign: int) -> bool:
        """Whether it is convex, for 1; concave, for -1."""
        return at_least(sign * CURVED[self.function] * self.weight, 0)


def by_gaps(analysis: Analysis, tensor: Tensor) -> Nature | None:
    """A number that is a sum of such functions, those of the wrong sign each outweighed."""
    if tensor.ndim:
        return None
    found = _terms(analysis, tensor)
    if found is None or not found[0]:
        return None
    terms, rest = found
    for sign in (1, -1):
        wrong = [t for t in terms if not t.turns(sign)]
        spare = [t for t in terms if t.turns(sign)]
        if all(_outweighed(analysis, t, spare) for t in wrong):
            whole = nature(ANY, sign == 1, sign == -1).by(GAP if wrong else ENTROPY)
            total = added([whole, rest]) if rest is not None else whole
            return total if total.known else None
    return None


def _outweighed(analysis: Analysis, wrong: Term, spare: list[Term]) -> bool:
    """Whether terms at the parts, which are then used up, outweigh one at the whole."""
    same = [t for t in spare if t.function == wrong.function
            and at_least((t.weight + wrong.weight) * CURVED[t.function] * _sign(t), 0)]
    for count in (1, 2, 3):
        for chosen in combinations(same, count):
            for parts in _sums(chosen, wrong.argument.ndim):
                if parts.shape != wrong.argument.shape:
                    continue
                slack = flat(wrong.argument - parts)
                if all(not analysis.moves(t) and (
                    Body({})(c).range * analysis.nature(t).range
                ).nonnegative for t, c in slack.items()):
                    spare[:] = [t for t in spare if t not in chosen]
                    return True
    return False


def _sign(term: Term) -> int:
    """That of a term times its curvature."""
    return 1 if term.turns(1) else -1


def _sums(terms: Sequence[Term], ndim: int) -> Iterator[Tensor]:
    """The sums of arguments, over axes of them down to so many."""
    if any(t.argument.ndim < ndim for t in terms):
        return
    first, *others = [t.argument for t in terms]
    for axes in combinations(range(first.ndim), first.ndim - ndim):
        part = FUNCTIONS["sum"](first, axis=axes) if axes else first
        if not others:
            yield part
        for rest in _sums(terms[1:], ndim) if others else ():
            if rest.shape == part.shape:
                yield part + rest


# -- terms --------------------------------------------------------------------------------------


def _terms(analysis: Analysis, tensor: Tensor) -> tuple[list[Term], Nature | None] | None:
    """The terms of a number, and the nature of what is left."""
    waiting, rest = [entry_of(tensor)], []
    leaves: list[tuple[Product, int]] = []
    while waiting:
        if len(waiting) + len(leaves) > MAX_TERMS:
            return None
        product = waiting.pop()
        moving = [k for k, a in enumerate(product.entries) if analysis.moves(a.tensor)]
        curved = [k for k in moving if not analysis.nature(product.entries[k].tensor).affine]
        if len(curved) == 1 and _function_of(analysis, product.entries[curved[0]].tensor):
            leaves.append((product, curved[0]))
        elif not curved and len(moving) < 2:
            rest.append(nature(ANY, True, True))
        else:
            parts = _opened(analysis, product, curved)
            if parts is None:
                return None
            waiting += parts
    gathered = _gathered(analysis, leaves)
    return None if gathered is None else (gathered, added(rest) if rest else None)


def _opened(analysis: Analysis, product: Product, curved: list[int]) -> list[Product] | None:
    """The product with a curved entry opened, logarithms of products as sums."""
    for k in curved:
        access = product.entries[k]
        sums = log_of_products(analysis, access.tensor)
        if sums is not None:
            entries = list(product.entries)
            entries[k] = Access(sums, access.index, access.held)
            return opened(replace(product, entries=tuple(entries)), k, expand=True)
        if can_open(product, k) and not _function_of(analysis, access.tensor):
            return opened(product, k, expand=True)
    return None


def log_of_products(analysis: Analysis, tensor: Tensor) -> Tensor | None:
    """``log(a*b/c)`` as a sum, with what ``a``, ``b`` and ``c`` stand for put in."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none" or not equation.body.has(log):
        return None
    body, operands = equation.body, list(equation.operands)
    for k in slots_in(body):
        inner = operands[k].tensor.definition
        if analysis.moves(operands[k].tensor) and inner and inner.reduce == "none":
            body, operands = inline(body, operands, k)
    body = expand_log(body, force=True).expand()
    if not body.is_Add:
        return None
    return define(out_ranges(tensor.shape), *merge(body, operands))


def _function_of(analysis: Analysis, tensor: Tensor) -> str:
    """Which function of an affine quantity it is, entry by entry."""
    equation = tensor.definition
    if equation is None or equation.reduce != "none" or len(equation.operands) != 1:
        return ""
    (access,) = equation.operands
    if not analysis.nature(access.tensor).affine or access.held:
        return ""
    if access.index != out_indices(access.tensor.ndim) or access.tensor.ndim != tensor.ndim:
        return ""
    positive = analysis.nature(access.tensor).range.positive
    if equation.body == log(slot(0)):
        return LOG
    return LOG_GAMMA if equation.body == gammaln(slot(0)) and positive else ""


def _gathered(analysis: Analysis, leaves: list[tuple[Product, int]]) -> list[Term] | None:
    """One term for each argument, its factors summed over what it does not read."""
    factors: dict[tuple[str, Tensor], list[Tensor]] = {}
    for product, k in leaves:
        access = product.entries[k]
        function = _function_of(analysis, access.tensor)
        if len(set(access.index)) < len(access.index) or any(
            s not in product.bound or product.ranges[s] != dim
            for s, dim in zip(access.index, access.tensor.shape, strict=True)
        ):
            return None
        entries = tuple(a for j, a in enumerate(product.entries) if j != k)
        read = set(access.index)
        free = tuple(s for s in product.bound if s not in read)
        factor = replace(product, entries=entries, bound=free).tensor(
            [(s, product.ranges[s]) for s in access.index])
        argument = access.tensor.equation.operands[0].tensor
        factors.setdefault((function, argument), []).append(factor)
    found = [_term(analysis, *key, parts) for key, parts in factors.items()]
    return None if None in found else [t for t in found if t]


def _term(
    analysis: Analysis, function: str, argument: Tensor, factors: list[Tensor]
) -> Term | None:
    total = factors[0]
    for factor in factors[1:]:
        total = total + factor
    (factor,) = simplify([total])
    if analysis.moves(factor):
        if function != LOG:
            return None
        function = X_LOG_X
        factor = _ratio(factor, argument)
    equation = factor.definition
    if equation is None or equation.operands or equation.extents or analysis.moves(factor):
        return None
    weight = equation.body
    return Term(function, argument, weight) if not set(out_indices(argument.ndim)) & (
        weight.free_symbols) else None


def _ratio(factor: Tensor, argument: Tensor) -> Tensor:
    """``factor/argument``, tried first as a sign."""
    one, other = flat(factor), flat(argument)
    for k in {one[key] / other[key] for key in one.keys() & other.keys()}:
        if one.keys() == other.keys() and all(one[key] == k * other[key] for key in one):
            return constant(k, ())
    return simplify([factor / argument])[0]


def flat(tensor: Tensor) -> dict[Tensor, Any]:
    """A quantity as multiples of sums of products of entries that are not opened further."""
    out = out_ranges(tensor.shape)
    waiting = [entry_of(tensor)]
    found: dict[Tensor, Any] = {}
    while waiting:
        product = waiting.pop()
        ready = (opened(product, k, expand=True) for k in range(len(product.entries)))
        parts = next((p for p in ready if p is not None), None)
        if parts is not None and len(waiting) < MAX_TERMS:
            waiting += parts
            continue
        entries = tuple(sorted(product.entries, key=lambda a: a.tensor.name or ""))
        plain = replace(product, coefficient=Integer(1), entries=entries).tensor(out)
        found[plain] = found.get(plain, 0) + product.coefficient
    return {t: c for t, c in found.items() if c != 0}
