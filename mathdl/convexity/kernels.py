"""Positive semidefinite kernels: quadratic forms, Gram matrices and Hessians.

A kernel ``K[i, j]`` is a sum over bound indices of products of entries.  Exchange ``i`` with ``j``
and some of the bound indices in pairs, each a left one with a right one.  If every factor either
reads indices of one side and comes with its image, or is a positive semidefinite matrix in two
indices that are exchanged, or is nonnegative and reads no exchanged index, then ``K`` is positive
semidefinite: products of such kernels are, by Schur's theorem, and so are sums over exchanged
pairs, being congruences ``B' M B`` (Horn and Johnson, Matrix Analysis, 7.1.8 and 7.5.3).  This is
Gram's form ``B' D B``, the diagonal of nonnegatives, ``x' A x`` and the Kronecker product in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Integer, KroneckerDelta, sympify

from mathdl.convexity.analysis import Analysis
from mathdl.convexity.body import Body
from mathdl.convexity.nature import Nature, nature
from mathdl.convexity.operations import added
from mathdl.convexity.products import Product, can_open, entry_of, opened
from mathdl.convexity.ranges import ANY, NONNEGATIVE, POSITIVE
from mathdl.ir.assumptions import closure
from mathdl.ir.build import substitute
from mathdl.ir.index import out_indices
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar import COMPARISONS

MAX_DEPTH = 6  # of definitions put in
MAX_BOUND = 6  # indices that a kernel may sum over


# -- one kernel --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exchange:
    """Indices that are exchanged with each other: ``image`` both ways, ``left`` one of each."""

    image: Mapping[Any, Any]
    left: frozenset[Any]

    def of(self, expr: Any) -> Any:
        return substitute(expr, dict(self.image))

    def moved(self, symbols: Iterable[Any]) -> set[Any]:
        return {s for s in symbols if s in self.image}

    def one_sided(self, symbols: Iterable[Any]) -> bool:
        moved = self.moved(symbols)
        return moved <= self.left or not moved & self.left

    def joins(self, a: Any, b: Any) -> bool:
        return a in self.image and self.image[a] == b


def exchanges(product: Product, pairs: Sequence[tuple[Any, Any]]) -> Iterator[Exchange]:
    """The exchanges of ``pairs`` together with some pairs of bound indices."""

    def choose(free: list[Any]) -> Iterator[tuple[tuple[Any, Any], ...]]:
        if not free:
            yield ()
            return
        first, *others = free
        for rest in choose(others):
            yield rest
        for k, other in enumerate(others):
            if product.ranges[first] == product.ranges[other]:
                for rest in choose(others[:k] + others[k + 1:]):
                    yield ((first, other), *rest)
                    yield ((other, first), *rest)

    if len(product.bound) <= MAX_BOUND:
        for chosen in choose(list(product.bound)):
            both = [*pairs, *chosen]
            image = {x: y for a, b in both for x, y in ((a, b), (b, a))}
            yield Exchange(image, frozenset(a for a, _ in both))


def sign_of_kernel(
    analysis: Analysis, product: Product, pairs: Sequence[tuple[Any, Any]] = ()
) -> int:
    """1 when the kernel is positive semidefinite, -1 when negative, 0 when that is not shown."""
    range = Body({})(product.coefficient).range
    sign = 1 if range.nonnegative else -1 if range.nonpositive else 0
    if sign and any(_holds(analysis, product, e) for e in exchanges(product, pairs)):
        return sign
    return 0


def _holds(analysis: Analysis, product: Product, exchange: Exchange) -> bool:
    tied = {
        s for b in product.brackets if isinstance(b, KroneckerDelta) and exchange.joins(*b.args)
        for s in b.args
    }
    waiting: list[Any] = [*product.brackets, *map(_normal, product.entries)]
    while waiting:
        factor = waiting.pop()
        image = _image(factor, exchange)
        symbols = symbols_of(factor)
        if image in waiting and exchange.one_sided(symbols):
            waiting.remove(image)
        elif factor in waiting and not exchange.moved(symbols) - tied:  # a square
            waiting.remove(factor)
        elif isinstance(factor, Access):
            if not _stands_alone(analysis, factor, tied, exchange):
                return False
        elif not _bracket_stands(factor, exchange):
            return False
    return True


def _image(factor: Any, exchange: Exchange) -> Any:
    if not isinstance(factor, Access):
        return exchange.of(factor)
    return _normal(Access(factor.tensor, tuple(map(exchange.of, factor.index)), factor.held))


def _normal(access: Access) -> Access:
    """An entry of a symmetric matrix by its indices in order."""
    if access.tensor.ndim != 2 or "symmetric" not in closure(access.tensor.assume):
        return access
    return Access(access.tensor, tuple(sorted(access.index, key=str)), access.held)


def symbols_of(factor: Any) -> set[Any]:
    """The indices that an entry or a bracket reads."""
    if isinstance(factor, Access):
        return {s for e in factor.index for s in e.free_symbols}
    return set(factor.free_symbols)


def _stands_alone(
    analysis: Analysis, access: Access, tied: set[Any], exchange: Exchange
) -> bool:
    """Whether an entry is nonnegative and left alone, or of a matrix in exchanged indices."""
    loose = exchange.moved(symbols_of(access)) - tied
    fixed = not loose and not analysis.moves(access.tensor)
    if fixed and analysis.nature(access.tensor).range.nonnegative:
        return True
    if len(access.index) < 2:
        return False
    *batch, row, column = access.index
    alone = not exchange.moved(s for e in batch for s in e.free_symbols)
    same = row == column and not exchange.moved(row.free_symbols)
    fits = alone and (same or exchange.joins(row, column))
    return fits and definite(analysis, access.tensor) is not None


def _bracket_stands(bracket: Any, exchange: Exchange) -> bool:
    if isinstance(bracket, KroneckerDelta) and exchange.joins(*bracket.args):
        return True
    known = isinstance(bracket, (KroneckerDelta, *COMPARISONS))
    return known and not exchange.moved(bracket.free_symbols)


# -- matrices ----------------------------------------------------------------------------------


def definite(analysis: Analysis, matrix: Tensor) -> str | None:
    """``positive`` or ``semi`` where a matrix, in its last two axes, is shown to be definite."""
    analysis = analysis.values
    known = analysis.definiteness
    if id(matrix) not in known:
        known[id(matrix)] = (matrix, None)  # what needs itself shows nothing
        known[id(matrix)] = (matrix, _definite(analysis, matrix))
    return known[id(matrix)][1]


def _definite(analysis: Analysis, matrix: Tensor) -> str | None:
    if matrix.ndim < 2:
        return None
    if matrix.is_input:
        return "positive" if "positive_definite" in closure(matrix.assume) else None
    if matrix.call is not None:
        inner = matrix.call.operands[0].tensor
        inverse = matrix.call.primitive == "inv" and definite(analysis, inner) == "positive"
        return "positive" if inverse else None
    i, j = out_indices(matrix.ndim)[-2:]
    terms = opened(entry_of(matrix), 0)
    found = None if terms is None else [kernel_terms(analysis, t, ((i, j),)) for t in terms]
    if found is None or None in found:
        return None
    leaves = [leaf for part in found if part is not None for leaf in part]
    if any(sign != 1 for _, sign in leaves):
        return None
    return "positive" if any(_is_positive(analysis, t, i, j) for t, _ in leaves) else "semi"


def _is_positive(analysis: Analysis, term: Product, i: Any, j: Any) -> bool:
    """Whether a term is a positive multiple of the identity, or of a definite matrix."""
    if not Body({})(term.coefficient).range.positive or term.bound:
        return False
    delta = [b for b in term.brackets if isinstance(b, KroneckerDelta) and set(b.args) == {i, j}]
    matrices = [
        a for a in term.entries
        if set(a.index[-2:]) == {i, j} and definite(analysis, a.tensor) == "positive"
    ]
    weights = [a for a in term.entries if a not in matrices]
    if len(delta) + len(matrices) != 1 or len(term.brackets) != len(delta):
        return False
    return all(
        analysis.nature(a.tensor).range.positive
        and (delta or not {i, j} & {s for e in a.index for s in e.free_symbols})
        for a in weights
    )


def kernel_terms(
    analysis: Analysis, product: Product, pairs: Sequence[tuple[Any, Any]], depth: int = MAX_DEPTH
) -> list[tuple[Product, int]] | None:
    """The terms of a kernel with their signs, its entries opened from the top until they show."""
    sign = sign_of_kernel(analysis, product, pairs)
    if sign:
        return [(product, sign)]
    for terms in _openings(product) if depth else ():
        found = [kernel_terms(analysis, term, pairs, depth - 1) for term in terms]
        if None not in found:
            return [pair for part in found if part is not None for pair in part]
    return None


def separated(product: Product, pairs: Sequence[tuple[Any, Any]], depth: int) -> list[Product]:
    """The terms of a kernel, what reads indices of both sides put in as far as it goes."""
    left, right = {a for a, _ in pairs}, {b for _, b in pairs}
    for k, access in enumerate(product.entries):
        read = symbols_of(access)
        terms = opened(product, k, expand=True) if depth and read & left and read & right else None
        if terms is not None:
            return [part for term in terms for part in separated(term, pairs, depth - 1)]
    return [product]


def _openings(product: Product) -> Iterator[list[Product]]:
    """The product with its last computed entry opened."""
    ready = [k for k in range(len(product.entries)) if can_open(product, k)]
    if ready:
        k = max(ready, key=lambda k: (product.entries[k].tensor.rank, -k))
        for expand in (False, True):
            terms = opened(product, k, expand)
            if terms is not None and (not expand or len(terms) > 1):
                yield terms


# -- functions ---------------------------------------------------------------------------------

QUADRATIC = "a quadratic form with a positive semidefinite matrix [Boyd & Vandenberghe 3.1.4]"
FRACTIONAL = "the matrix fractional function x' inv(Y) x [Boyd & Vandenberghe, example 3.4]"
INVERSE = "the trace of a positive semidefinite matrix times inv(X) [Boyd & Vandenberghe, 3.18]"


def summed_products(analysis: Analysis, tensor: Tensor) -> Nature | None:
    """A sum of quadratic forms, linear terms and the like, as a function of the variables."""
    terms = opened(entry_of(tensor), 0)
    parts = [_function(analysis, term, MAX_DEPTH) for term in terms or ()]
    if not parts or any(p is None for p in parts):
        return None
    return added([p for p in parts if p])


def _function(analysis: Analysis, product: Product, depth: int) -> Nature | None:
    moving = [a for a in product.entries if analysis.moves(a.tensor)]
    if not moving or (len(moving) == 1 and analysis.nature(moving[0].tensor).affine):
        return nature(ANY, True, True)
    curved = _curved(analysis, product, moving)
    if curved is not None or not depth:
        return curved
    for terms in _openings_of(analysis, product):
        parts = [_function(analysis, term, depth - 1) for term in terms]
        if all(p is not None for p in parts):
            return added([p for p in parts if p])
    return None


def _openings_of(analysis: Analysis, product: Product) -> Iterator[list[Product]]:
    """The product with its last computed entry that depends on the variables opened."""
    ready = [
        k for k, a in enumerate(product.entries)
        if analysis.moves(a.tensor) and can_open(product, k)
    ]
    if ready:
        k = max(ready, key=lambda k: (product.entries[k].tensor.rank, -k))
        terms = opened(product, k)
        if terms is not None:
            yield terms


def _curved(analysis: Analysis, product: Product, moving: Sequence[Access]) -> Nature | None:
    vectors = [a for a in moving if analysis.nature(a.tensor).affine]
    inverses = [a for a in moving if a not in vectors]
    if not all(_is_inverse(analysis, a.tensor) for a in inverses):
        return None
    law = {(2, 0): QUADRATIC, (2, 1): FRACTIONAL, (0, 1): INVERSE}.get(
        (len(vectors), len(inverses)))
    if law is None or len({id(a.tensor) for a in vectors}) > 1:
        return None
    sign = sign_of_kernel(analysis, product)
    if not sign:
        return None
    degree = {QUADRATIC: Integer(2), INVERSE: Integer(-1)}.get(law)
    found = nature(NONNEGATIVE, True, up=degree)
    if sign < 0:
        found = nature(-NONNEGATIVE, False, True)
    return found.by(law)


def _is_inverse(analysis: Analysis, tensor: Tensor) -> bool:
    """``inv(X)`` of an affine matrix that is positive definite."""
    if tensor.call is None or tensor.call.primitive != "inv":
        return False
    matrix = tensor.call.operands[0].tensor
    return analysis.nature(matrix).affine and definite(analysis, matrix) == "positive"


# -- determinants ------------------------------------------------------------------------------

LOG_DET = "log det of an affine positive (semi)definite matrix [Boyd & Vandenberghe 3.1.5]"
DET = "det**(1/n) of an affine positive definite matrix is concave [Boyd & Vandenberghe 3.1.5]"


def by_determinant(analysis: Analysis, tensor: Tensor) -> Nature | None:
    """A determinant, or its logarithm, of an affine matrix that is positive (semi)definite.

    Where it is singular the logarithm is minus infinity, as a concave function may be.
    """
    call = tensor.call
    if call is None or call.primitive not in ("det", "logdet"):
        return None
    matrix = call.operands[0].tensor
    size = sympify(matrix.shape[-1])
    if _is_inverse(analysis, matrix):
        if call.primitive == "logdet":
            return nature(ANY, log_up=-size).by(LOG_DET)
        return nature(POSITIVE, up=-size).by(DET)
    shown = definite(analysis, matrix)
    if not analysis.nature(matrix).affine or shown is None:
        return None
    if call.primitive == "logdet":
        return nature(ANY, log_down=size).by(LOG_DET)
    return nature(POSITIVE if shown == "positive" else NONNEGATIVE, down=size).by(DET)
