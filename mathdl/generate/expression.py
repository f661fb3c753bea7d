"""Bodies evaluated on arrays: sums, products, powers and functions as ufuncs.

Constants travel as a pending coefficient and are multiplied in last, onto the smallest array;
``a/b`` is one division, ``a - b`` one subtraction, ``x**3`` a product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sympy import Integer, KroneckerDelta, Rational, S

from mathdl.errors import UnsupportedError
from mathdl.generate.graph import Graph
from mathdl.generate.labelled import Elementwise, Lab, Ranges, Scaled
from mathdl.generate.scalars import (
    Apply,
    Const,
    Delta,
    Index,
    Node,
    Prod,
    Slot,
    Sum,
    translate_index,
)
from mathdl.generate.values import Ufunc
from mathdl.scalar.compare import COMPARISONS, eq

REPEATED = 64  # powers up to this are products


class Expression(Elementwise):
    """Evaluates body trees; ``operand`` gives the array of an access."""

    def __init__(self, graph: Graph, ranges: Ranges, operand: Callable[[int], Lab]) -> None:
        super().__init__(graph, ranges)
        self.operand = operand
        self._done: dict[int, tuple[Node, Scaled]] = {}

    def array(self, node: Node) -> Lab:
        """The value of a tree as one array."""
        return self.resolve(self.scaled(node))

    def scaled(self, node: Node) -> Scaled:
        known = self._done.get(id(node))
        if known is None:
            known = self._done[id(node)] = (node, self._scaled(node))
        return known[1]

    def _scaled(self, node: Node) -> Scaled:
        match node:
            case Const(expr=expr):
                return Scaled(expr, None)
            case Slot(number=k):
                return Scaled(S.One, self.operand(k))
            case Index(expr=expr):
                return Scaled(S.One, self._index(expr))
            case Delta(left=left, right=right):
                return self.delta(left, right)
            case Apply(ufunc=name, args=args):
                return Scaled(S.One, self._apply(name, [self._argument(a) for a in args]))
            case Sum():
                return self._sum(node)
            case Prod():
                c, factors = _spread_coefficient(node)
                return self.product(c, [(self.scaled(f), e) for f, e in factors])

    def _argument(self, node: Node) -> Lab | Any:
        scaled = self.scaled(node)
        return scaled.coefficient if scaled.array is None else self.resolve(scaled)

    def _index(self, expr: Any) -> Lab:
        if isinstance(expr, COMPARISONS):
            return self.positions(expr, "bool")
        return self.positions(expr, "int" if expr.is_integer else "float")

    def integer(self, expr: Any) -> Lab | Any:
        """An index expression as an integer array, or itself when only dims are in it."""
        node = translate_index(expr)
        if isinstance(node, Const):
            return node.expr
        if isinstance(node, Index):
            return self.positions(expr, "int")
        found = self.array(node)
        if found.value.kind != "int":
            raise UnsupportedError(f"{expr} is used as an index but is not integer data")
        return found

    def delta(self, left: Any, right: Any) -> Scaled:
        a, b = self.integer(left), self.integer(right)
        if not isinstance(a, Lab) and not isinstance(b, Lab):
            return Scaled(eq(a, b), None)  # of dims only
        if all(isinstance(translate_index(e), (Const, Index)) for e in (left, right)):
            return Scaled(S.One, self.positions(KroneckerDelta(left, right), "bool"))
        return Scaled(S.One, self.apply("np.equal", (a, b)))

    def _apply(self, name: str, args: Sequence[Lab | Any]) -> Lab:
        if name == "where":
            condition, chosen, other = args
            if not isinstance(condition, Lab):
                condition = self.constant(condition)  # of dims only
            return self.select(condition, chosen, other)
        if not any(isinstance(a, Lab) for a in args):
            raise UnsupportedError(f"{name} of dims only")
        return self.apply(name, args)

    # -- sums -----------------------------------------------------------------------------

    def _sum(self, node: Sum) -> Scaled:
        constant = node.constant
        terms: list[tuple[Any, Lab]] = []
        mixed = any(c not in (node.terms[0][0], -node.terms[0][0]) for c, _ in node.terms)
        for c, inner in node.terms:
            if mixed and c not in (1, -1) and isinstance(inner, Prod):
                # the coefficient goes onto the factor with the fewest axes
                found = self.scaled(Prod(c * inner.coefficient, inner.factors))
                c = S.One
            else:
                found = self.scaled(inner)
            if found.array is None:
                constant = constant + c * found.coefficient
            else:
                terms.append((c * found.coefficient, found.array))
        if not terms:
            return Scaled(constant, None)
        common = _common(terms, constant)
        if common != 1:
            terms = [(c / common, a) for c, a in terms]
            constant = constant / common
        return Scaled(common, self._add_up(terms, constant))

    def _add_up(self, terms: list[tuple[Any, Lab]], constant: Any) -> Lab:
        added = [self.scale(a, c) for c, a in terms if c != -1]
        taken = [a for c, a in terms if c == -1]
        if added:
            result = self._collect(added, taken)
        else:
            result = self.fold(taken, self._plus)
            if constant != 0:
                return self.apply("np.subtract", (constant, result))
            return self.apply("np.negative", (result,))
        if constant == 0:
            return result
        if constant.is_number and constant.is_negative:
            return self.apply("np.subtract", (result, -constant))
        return self.apply("np.add", (result, constant))

    def _collect(self, added: list[Lab], taken: list[Lab]) -> Lab:
        """The sum of some arrays less others, combining equal axes first."""
        groups: dict[frozenset[Any], tuple[list[Lab], list[Lab]]] = {}
        for side, arrays in enumerate((added, taken)):
            for a in arrays:
                groups.setdefault(frozenset(a.labels), ([], []))[side].append(a)
        plus: list[Lab] = []
        minus: list[Lab] = []
        for gains, losses in groups.values():
            if not gains:
                minus.append(self.fold(losses, self._plus))
                continue
            total = self.fold(gains, self._plus)
            for a in losses:
                total = self.apply("np.subtract", (total, a))
            plus.append(total)
        signed = [(a, 1) for a in plus] + [(a, -1) for a in minus]
        signed.sort(key=lambda pair: (len(pair[0].labels), -pair[1]))
        return self._collect_signed(signed)

    def _collect_signed(self, signed: list[tuple[Lab, int]]) -> Lab:
        while len(signed) > 1:
            a, s = signed.pop(0)
            labels = set(a.labels)
            at = next((k for k, (b, _) in enumerate(signed) if labels <= set(b.labels)), 0)
            b, t = signed.pop(at)
            if s == t:
                joined = (self._plus(b, a), s)
            elif t == 1:
                joined = (self.apply("np.subtract", (b, a)), 1)
            else:
                joined = (self.apply("np.subtract", (a, b)), 1)
            signed.append(joined)
            signed.sort(key=lambda pair: (len(pair[0].labels), -pair[1]))
        array, sign = signed[0]
        return array if sign == 1 else self.apply("np.negative", (array,))

    def _plus(self, a: Lab, b: Lab) -> Lab:
        return self.apply("np.add", (a, b))

    # -- products -------------------------------------------------------------------------

    def times(self, a: Lab, b: Lab) -> Lab:
        if a.value is b.value and a.labels == b.labels:
            return self.apply("np.square", (a,)) if a.value.kind == "float" else a
        if len(b.labels) > len(a.labels) or (
            len(b.labels) == len(a.labels) and b.value.number < a.value.number
        ):
            a, b = b, a
        return self.apply("np.multiply", (a, b))

    def product(self, coefficient: Any, factors: Sequence[tuple[Scaled, Any]]) -> Scaled:
        """``coefficient * prod(f**e)``."""
        above: list[Lab] = []
        below: list[Lab] = []
        for found, exponent in factors:
            if found.array is None:
                coefficient = coefficient * found.coefficient**exponent
                continue
            array = found.array
            if exponent.is_Integer or found.coefficient.is_nonnegative:
                coefficient = coefficient * found.coefficient**exponent
            else:
                array = self.resolve(found)
            if exponent == -2:
                below += [array, array]
            else:
                (above if exponent > 0 else below).extend(self._power(array, abs(exponent)))
        if not above and not below:
            return Scaled(coefficient, None)
        if not above:
            return Scaled(S.One, self._reciprocal(coefficient, below))
        return self._multiply(coefficient, above, below)

    def _reciprocal(self, coefficient: Any, below: list[Lab]) -> Lab:
        """``coefficient / prod(below)``; of a square it is the square of the reciprocal."""
        first = below[0]
        if len(below) == 2 and below[1] == first and coefficient == 1:
            inverse = self.apply("np.divide", (S.One, first))
            return self.times(inverse, inverse)
        return self.apply("np.divide", (coefficient, self.fold(below, self.times)))

    def _multiply(self, coefficient: Any, above: list[Lab], below: list[Lab]) -> Scaled:
        """Quotients of equal axes first, then the small ones onto the large ones.

        Reciprocals of what has few axes come first of all: they are what is shared.
        """
        groups: dict[frozenset[Any], tuple[list[Lab], list[Lab]]] = {}
        for side, arrays in enumerate((above, below)):
            for a in arrays:
                groups.setdefault(frozenset(a.labels), ([], []))[side].append(a)
        union = frozenset().union(*groups)
        smallest = min(groups, key=lambda k: (len(k), -len(groups[k][0]) - len(groups[k][1])))
        early = len(smallest) < len(union) and coefficient not in (1, -1)
        values: list[Lab] = []
        divisors: list[Lab] = []
        for key in sorted(groups, key=lambda k: (bool(groups[k][0]), len(k))):
            tops, bottoms = groups[key]
            own = coefficient if early and key == smallest else S.One
            if tops:
                top = self.fold(tops, self.times)
                if bottoms:
                    top = self.apply("np.divide", (top, self.fold(bottoms, self.times)))
                values.append(self.scale(top, own))
            elif any(key < k and groups[k][0] for k in groups):
                values.append(self._reciprocal(own, bottoms))
            else:
                bottom = self.fold(bottoms, self.times)
                divisors.append(bottom)
                if own != 1:
                    early = False
        result = self._fold_known(values)
        for bottom in divisors:
            result = self.apply("np.divide", (result, bottom))
        return Scaled(S.One if early else coefficient, result)

    def _fold_known(self, values: list[Lab]) -> Lab:
        """The product, by way of products that are there already where possible."""
        values = sorted(values, key=lambda a: -len(a.labels))
        while len(values) > 2 and set(values[0].labels).issuperset(
            s for a in values[1:] for s in a.labels
        ):
            known = next((a for a in values[1:] if self._known_product(values[0], a)), None)
            if known is None:
                break
            values = [self.times(values[0], known),
                      *(a for a in values[1:] if a is not known)]
        return self.fold(values, self.times)

    def _known_product(self, a: Lab, b: Lab) -> bool:
        order = self.order([a, b])
        pair = (self.align(a, order), self.align(b, order))
        shape = self.shape(order)
        return any(
            self.graph.find(Ufunc("np.multiply", args), shape) for args in (pair,)
        )

    def _power(self, array: Lab, exponent: Any) -> list[Lab]:
        """Arrays whose product is ``array ** exponent`` (positive)."""
        if array.value.kind == "bool":
            return [array]
        if exponent == 1:
            return [array]
        whole, rest = divmod(exponent, 1)
        if whole > REPEATED or rest not in (0, Rational(1, 2)):
            return [self.apply("np.power", (self.floating(array), exponent))]
        parts = [self._repeat(array, int(whole))] if whole else []
        if rest:
            parts.append(self.apply("np.sqrt", (array,)))
        return parts

    def _repeat(self, array: Lab, count: int) -> Lab:
        result: Lab | None = None
        square = self.floating(array)
        while True:
            if count & 1:
                result = square if result is None else self.times(result, square)
            count >>= 1
            if not count:
                assert result is not None
                return result
            square = self.times(square, square)


def _spread_coefficient(node: Prod) -> tuple[Any, tuple[tuple[Node, Any], ...]]:
    """A coefficient multiplied into a sum that has coefficients of its own anyway."""
    c = node.coefficient
    if c in (1, -1):
        return c, node.factors
    for k, (f, e) in enumerate(node.factors):
        if isinstance(f, Sum) and e == 1 and f.constant != 0 and all(
            t not in (1, -1) for t, _ in f.terms
        ):
            inner = Sum(c * f.constant, tuple((c * t, x) for t, x in f.terms))
            return S.One, (*node.factors[:k], (inner, e), *node.factors[k + 1 :])
    return c, node.factors


def _common(terms: list[tuple[Any, Lab]], constant: Any) -> Any:
    """A coefficient to pull out of a sum: the shared one, when all agree up to sign."""
    first = terms[0][0]
    if first in (1, -1) or any(c not in (first, -first) for c, _ in terms[1:]):
        return Integer(1)
    if constant != 0 and len(terms) == 1:
        return Integer(1)
    return first
