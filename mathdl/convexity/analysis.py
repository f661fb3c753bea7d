"""The natures of all quantities below an expression, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from sympy import Pow, log, oo, sympify

from mathdl.convexity.body import Body
from mathdl.convexity.degrees import parameter, product_up_many
from mathdl.convexity.nature import Nature, constant, nature, unknown
from mathdl.convexity.operations import greatest, least, repeated
from mathdl.convexity.ranges import ANY, NONNEGATIVE, POSITIVE, ZERO, Range, of_assumptions
from mathdl.convexity.table import AFFINE, CONCAVE, CONVEX, SPECTRAL
from mathdl.ir.assumptions import closure
from mathdl.ir.bodies import reads_inside
from mathdl.ir.build import ranges_of
from mathdl.ir.dim import product
from mathdl.ir.index import bound_index, slot, slot_number, slots_in
from mathdl.ir.system import topological
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar import where

#: What may find the nature of a quantity where composition does not.
Attempt = Callable[["Analysis", Tensor], Nature | None]

#: Assumptions that hold on convex sets: only they are used of the variables.
SETS = frozenset({
    "positive", "nonnegative", "unit_interval", "probability_vector", "symmetric",
    "positive_definite", "lower_triangular", "diagonal",
})


class Analysis:
    """Natures by tensor, in the given variables; those of constants are their ranges."""

    def __init__(
        self, outputs: Iterable[Tensor], variables: Sequence[Tensor],
        attempts: Sequence[Attempt] = (),
    ) -> None:
        outputs = list(outputs)
        self.variables = tuple(variables)
        self.attempts = tuple(attempts)
        self.definiteness: dict[int, tuple[Tensor, str | None]] = {}
        self._seen: dict[int, Tensor] = {}
        self._depends = {id(v) for v in variables}
        self._known: dict[int, Nature] = {}
        self._domains: dict[int, Range] = {}
        order = topological(outputs)
        if self.variables:
            for tensor in order:
                self._known[id(tensor)] = self._composed(tensor)
            self._restrict(order)
            self._known = {}
        for tensor in order:
            self._known[id(tensor)] = self._attempted(tensor)

    def nature(self, tensor: Tensor) -> Nature:
        """What is known of a quantity that was analysed, or by composition of one made of such."""
        for t in topological([tensor], self._known.keys()):
            self._known[id(t)] = self._composed(t)
        return self._known[id(tensor)]

    @cached_property
    def values(self) -> Analysis:
        """The same quantities taken as constants: their ranges."""
        return Analysis((), ()) if self.variables else self

    def moves(self, tensor: Tensor) -> bool:
        """Whether a quantity depends on the variables."""
        for t in topological([tensor], self._seen.keys()):
            self._seen[id(t)] = t
            if any(id(a.tensor) in self._depends for a in t.operands):
                self._depends.add(id(t))
        return id(tensor) in self._depends

    def _attempted(self, tensor: Tensor) -> Nature:
        found = self._composed(tensor)
        if found.known or not self.moves(tensor):
            return found
        best = found
        for attempt in self.attempts:
            other = attempt(self, tensor)
            if other is None or not (other.known or (best is found and other.down is not None)):
                continue
            best = nature(
                other.range.within(found.range.low, found.range.high, found.range.nonzero),
                other.convex, other.concave, up=other.up, down=other.down,
                log_up=other.log_up, log_down=other.log_down, laws=other.laws,
            )
            if best.known:
                break
        return best

    def _restrict(self, order: Sequence[Tensor]) -> None:
        """Keep to where logarithms and roots of affine quantities are defined."""
        for tensor in reversed(order):
            for access, range in _defined_on(tensor, self._domains.get(id(tensor))):
                known = self._known[id(access.tensor)]
                if known.affine and not known.constant and not known.range.signed:
                    self._domains[id(access.tensor)] = range

    def _composed(self, tensor: Tensor) -> Nature:
        """By composition, where it is defined."""
        found = self._by_composition(tensor)
        inside = self._domains.get(id(tensor))
        if inside is None:
            return found
        low, high, nonzero = inside.low, inside.high, inside.nonzero
        return nature(found.range.within(low, high, nonzero), True, True, laws=found.laws)

    def _by_composition(self, tensor: Tensor) -> Nature:
        moves = self.moves(tensor)
        if tensor.is_input:
            facts = closure(tensor.assume)
            if tensor in self.variables:
                return nature(of_assumptions(facts & SETS), True, True)
            value = None if tensor.ndim else parameter(tensor.name or "", facts)
            return constant(of_assumptions(facts), value)
        if tensor.call is not None:
            return unknown(_of_primitive(tensor)) if moves else constant(ANY)
        indices = [k for a in tensor.operands for e in a.index for k in slots_in(e)]
        if any(self.moves(tensor.operands[k].tensor) for k in indices) or any(
            a.held and self.moves(a.tensor) for a in tensor.operands
        ):
            return unknown("it reads the variables as an index, or as if constant")
        equation = tensor.equation
        walk = self.body(tensor, equation.operands, equation.body)
        return self.reduced(tensor, walk(equation.body))

    def body(self, tensor: Tensor, operands: Sequence[Access], body: Any) -> Body:
        """How the parts of a body over these accesses behave, for every entry of the tensor."""
        ranges = ranges_of(tensor)
        parts = {}
        for k, access in enumerate(operands):
            found = self.nature(access.tensor)
            if not reads_inside(access, ranges):  # beyond the ends of an axis an entry is 0
                found = replace(found, range=found.range.hull(Range(ZERO, ZERO)), value=None)
            parts[slot(k)] = replace(found, laws=())
        logs = () if body.has(where) else body.atoms(log)
        return Body(parts, frozenset(e.args[0] for e in logs))

    def reduced(self, tensor: Tensor, f: Nature) -> Nature:
        """The nature of the reduction of entries that are each like ``f``."""
        equation = tensor.equation
        count = product(equation.extents)
        if equation.reduce == "none":
            return f
        if equation.reduce == "sum":
            return repeated(f, sympify(count))
        if equation.reduce == "prod":
            return _multiplied(f, sympify(count))
        if f.constant:
            return replace(f, value=None)
        return greatest([f, f]) if equation.reduce == "max" else least([f, f])


def _defined_on(tensor: Tensor, inside: Range | None) -> Iterator[tuple[Access, Range]]:
    """What is read as a whole, and where it must lie: in a logarithm, in a root, or as a multiple
    of what has such a domain.
    """
    equation = tensor.definition
    if equation is None or equation.body.has(where):
        return
    body, ranges = equation.body, ranges_of(tensor)
    parts = [(e.args[0], POSITIVE) for e in body.atoms(log)]
    parts += [
        (e.base, POSITIVE if e.exp.is_negative else NONNEGATIVE) for e in body.atoms(Pow)
        if e.exp.is_Rational and not e.exp.is_Integer
    ]
    if inside is not None and equation.reduce == "none":
        parts.append((body, inside))
    for part, range in parts:
        factor, inner = part.as_coeff_Mul()
        number = slot_number(inner)
        if number is None or factor == 0:
            continue
        access = equation.operands[number]
        whole = len(set(access.index)) == len(access.index) and all(
            ranges.get(s) == dim for s, dim in zip(access.index, access.tensor.shape, strict=True))
        if whole and not access.held:
            yield access, range if factor > 0 else -range


def _of_primitive(tensor: Tensor) -> str:
    """Why nothing is known of the result of a primitive."""
    name = "a recurrence" if tensor.call is None or tensor.recurrence else tensor.call.primitive
    if name in ("det", "logdet"):
        return f"{name} of a matrix that is not shown to be positive definite and affine"
    return f"{name} of the variables"


def _multiplied(f: Nature, count: Any) -> Nature:
    """The product of ``count`` functions like ``f``."""
    if f.constant:
        low = ZERO if f.range.nonnegative else -oo
        return constant(Range(low, oo, f.range.clear))
    if not f.range.nonnegative:
        return unknown(f.blame or "a product of functions of which the sign is not known")
    down = f.down if f.down in (None, 0) or f.down.is_infinite else f.down * count
    found = nature(
        Range(ZERO, oo, f.range.clear), up=product_up_many(f.up, count), down=down,
        laws=f.laws,
    )
    if not found.known and found.down is None:
        return unknown(f.blame or "a product of functions of the variables", found.range)
    return found.by("degrees add in products (Hölder) [Hardy, Littlewood & Pólya 10]")


def by_spectrum(analysis: Analysis, tensor: Tensor) -> Nature | None:
    """The greatest, the least or the sum of all eigenvalues or singular values."""
    equation = tensor.definition
    if equation is None or equation.body != slot(0) or len(equation.operands) != 1:
        return None
    (access,) = equation.operands
    call = access.tensor.call
    if call is None or access.index[-1:] != (bound_index(0),) or len(equation.extents) != 1:
        return None
    row = SPECTRAL.get((call.primitive, equation.reduce))
    if row is None or not analysis.nature(call.operands[0].tensor).affine:
        return None
    curvature, low, law = row
    return nature(
        Range(low), curvature in (CONVEX, AFFINE), curvature in (CONCAVE, AFFINE)
    ).by(law)


