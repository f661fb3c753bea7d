"""Where composition is silent: the Hessian, and whether its structure proves a sign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import KroneckerDelta, preorder_traversal

from mathdl.convexity.analysis import Analysis
from mathdl.convexity.kernels import MAX_DEPTH, kernel_terms, separated, symbols_of
from mathdl.convexity.nature import Nature, nature
from mathdl.convexity.products import Product, entry_of
from mathdl.convexity.ranges import ANY
from mathdl.convexity.scalars import is_smooth
from mathdl.derivation import derive
from mathdl.errors import MathDLError
from mathdl.ir.assumptions import UNIT_ROWS
from mathdl.ir.build import constant, define, is_zero, out_ranges
from mathdl.ir.index import out_indices, slot
from mathdl.ir.system import topological
from mathdl.ir.tensor import Access, Tensor
from mathdl.simplify import simplify

MAX_EQUATIONS = 12  # that depend on the variables, of what is differentiated twice

HESSIAN = "the Hessian is positive semidefinite by its form [Boyd & Vandenberghe 3.1.4]"
OPPOSITE = "the Hessian is negative semidefinite by its form [Boyd & Vandenberghe 3.1.4]"


def by_hessian(analysis: Analysis, tensor: Tensor) -> Nature | None:
    """The curvature of a scalar from the terms of its Hessian."""
    if tensor.ndim or not _is_smooth(analysis, tensor):
        return None
    variables = analysis.variables
    try:
        found = derive(tensor, list(variables), order=2)
    except MathDLError:
        return None
    blocks = [
        (v, found.bare((v.name or "", w.name or "")), v is w)
        for k, v in enumerate(variables) for w in variables[k:]
    ]
    if not all(is_zero(block) for _, block, diagonal in blocks if not diagonal):
        return None
    signs = {sign_of_hessian(block, v.ndim) for v, block, diagonal in blocks if diagonal}
    signs.discard(None)
    if len(signs) > 1 or 0 in signs:
        return None
    convex, concave = signs <= {1}, signs <= {-1}
    return nature(ANY, convex, concave).by(HESSIAN if convex else OPPOSITE)


def _is_smooth(analysis: Analysis, tensor: Tensor) -> bool:
    """Whether all below has two derivatives on a convex domain, and is not too long."""
    moving = [t for t in topological([tensor]) if analysis.moves(t) and not t.is_input]
    if len(moving) > MAX_EQUATIONS:
        return False
    for t in moving:
        equation = t.definition
        if equation is None or equation.reduce in ("max", "min"):
            return False
        walk = analysis.body(t, equation.operands, equation.body)
        if not all(is_smooth(node, walk) for node in preorder_traversal(equation.body)):
            return False
    return True


def sign_of_hessian(hessian: Tensor, ndim: int) -> int | None:
    """1 and -1 where the terms prove a sign, 0 where they do not, None for zero."""
    if is_zero(hessian):
        return None
    analysis = Analysis([hessian], [])
    symbols = out_indices(2 * ndim)
    pairs = list(zip(symbols[:ndim], symbols[ndim:], strict=True))
    found = [
        kernel_terms(analysis, part, pairs)
        for part in separated(entry_of(hessian), pairs, MAX_DEPTH)
    ]
    if None in found:
        return 0
    terms = [term for part in found if part is not None for term in part]
    return next((s for s in (1, -1) if _outweighed(analysis, terms, pairs, s)), 0)


Pairs = Sequence[tuple[Any, Any]]


def _outweighed(
    analysis: Analysis, terms: list[tuple[Product, int]], pairs: Pairs, sign: int
) -> bool:
    """Whether each term of the other sign is outweighed by one of this sign."""
    spare = [_identity(term, pairs) for term, s in terms if s == sign]
    for term, s in terms:
        if s == sign:
            continue
        larger = next((m for m in _larger(analysis, term, pairs) if m in spare), None)
        if larger is None:
            return False
        spare.remove(larger)
    return True


def _identity(term: Product, pairs: Pairs) -> Tensor:
    return term.tensor((s, term.ranges[s]) for pair in zip(*pairs, strict=True) for s in pair)


def _larger(analysis: Analysis, term: Product, pairs: Pairs) -> list[Tensor]:
    """What outweighs ``-p p'``: ``diag(p)``, for nonnegative ``p`` of sum 1 (a covariance).

    Of equal entries, ``-1 1'/n``, it is the identity.
    """
    read = {s for f in (*term.entries, *term.brackets) for s in symbols_of(f)}
    found = [
        _identity(Product(
            -term.coefficient * term.ranges[i], term.entries,
            (*term.brackets, KroneckerDelta(i, j)), term.bound, term.ranges,
        ), pairs)
        for i, j in pairs if not {i, j} & read
    ]
    for access in term.entries:
        for i, j in pairs:
            if not access.index or access.index[-1] not in (i, j) or not _sums_to_one(
                analysis, access.tensor
            ):
                continue
            other = j if access.index[-1] == i else i
            partner = Access(access.tensor, (*access.index[:-1], other), access.held)
            if partner not in term.entries or {i, j} & {
                s for e in access.index[:-1] for s in e.free_symbols
            }:
                continue
            entries = list(term.entries)
            entries.remove(access)
            found.append(_identity(Product(
                -term.coefficient, tuple(entries), (*term.brackets, KroneckerDelta(i, j)),
                term.bound, term.ranges,
            ), pairs))
    return found


def _sums_to_one(analysis: Analysis, tensor: Tensor) -> bool:
    """Whether entries are nonnegative and each row sums to 1."""
    if not tensor.ndim or not analysis.nature(tensor).range.nonnegative:
        return False
    if tensor.assume & UNIT_ROWS:
        return True
    symbols = out_indices(tensor.ndim)
    total = define(
        out_ranges(tensor.shape[:-1]), slot(0), [Access(tensor, symbols)], reduce="sum",
        bound=[(symbols[-1], tensor.shape[-1])],
    )
    return simplify([total])[0] == constant(1, tensor.shape[:-1])
