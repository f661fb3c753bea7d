"""Equations as array values: elementwise, by contraction, by reduction, or put together."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from sympy import S, sympify

from mathdl.generate.access import Reader, affine_in
from mathdl.generate.contraction import contract
from mathdl.generate.expression import Expression
from mathdl.generate.factors import lower_call
from mathdl.generate.graph import Graph
from mathdl.generate.indices import index_tensors, step_order
from mathdl.generate.labelled import Lab, Scaled
from mathdl.generate.parts import assemble, part
from mathdl.generate.scalars import (
    Const,
    Index,
    Node,
    Slot,
    Sum,
    has_delta,
    symbols_of,
    translate,
)
from mathdl.generate.terms import (
    Term,
    additive,
    contract_deltas,
    drop_implied_masks,
    factors_of,
    narrow,
    transpose_windows,
    walk,
)
from mathdl.generate.values import (
    Cast,
    Collected,
    Cumulate,
    Kind,
    Loop,
    Positions,
    Reduction,
    Scatter,
    Value,
    Write,
)
from mathdl.generate.windows import windowed
from mathdl.ir.build import ranges_of
from mathdl.ir.dim import Dim, product
from mathdl.ir.index import out_indices, slot
from mathdl.ir.system import loop_key
from mathdl.ir.tensor import Access, Recurrence, Tensor
from mathdl.scalar.compare import ge, le

_FOLDS = {"max": "np.maximum", "min": "np.minimum", "prod": "np.multiply"}


class Lowering:
    """Lowers equations in dependency order into one graph of values."""

    def __init__(
        self, assumed: Sequence[Any] = (), loops: Mapping[Any, Sequence[Tensor]] | None = None,
        shifts: Container[Tensor] = (),
    ) -> None:
        self.graph = Graph()
        self.reader = Reader(self.graph, assumed)
        self.loops = loops or {}  # all that each loop collects
        self.shifts = shifts  # what only shifts exponents
        self.running: dict[Any, Value] = {}  # the loops themselves

    def _collected(self, tensor: Tensor, step: Recurrence) -> Value:
        """What one of the results of a loop is, which computes them all together."""
        key = loop_key(tensor)
        together = self.loops[key]
        if key not in self.running:
            self.running[key] = self._loop(step, together)
        return self.graph.make(Collected(self.running[key], together.index(tensor)), tensor.shape)

    def _loop(self, step: Recurrence, together: Sequence[Tensor]) -> Value:
        whole = index_tensors(step_order(together))
        args = []
        for given, access in zip(step.inputs, together[0].operands, strict=True):
            args.append(self._of_kind("int" if given in whole else "float", access.tensor))
        op = Loop(step, tuple(args), tuple(t.emitted for t in together))
        return self.graph.make(op, (), "object")

    def _of_kind(self, kind: Kind, tensor: Tensor) -> Value:
        """The whole array, conditions and integers as numbers where those are wanted."""
        value = self.reader.dense(tensor)
        return value if value.kind == kind else self.graph.make(Cast(value), value.shape)

    def lower(self, tensor: Tensor) -> None:
        """Make the tensor's value; the tensors that it reads have theirs."""
        if tensor.call is not None:
            self.graph.owner = tensor
            if tensor.recurrence is not None:
                whole = self._collected(tensor, tensor.recurrence)
                self.reader.store(tensor, whole, tuple(range(tensor.ndim)))
                return
            args = tuple(self._of_kind("float", a.tensor) for a in tensor.operands)
            whole = lower_call(self.graph, tensor, args)
            self.reader.store(tensor, whole, tuple(range(tensor.ndim)))
            return
        equation = tensor.equation
        if self._is_alias(tensor):
            self.reader.stored[id(tensor)] = self.reader.stored[id(equation.operands[0].tensor)]
            return
        self.graph.owner = tensor
        node = translate(equation.body)
        ranges = ranges_of(tensor)
        out = out_indices(tensor.ndim)
        if equation.reduce in _FOLDS:
            shift = equation.reduce == "max" and tensor in self.shifts
            name = "_greatest" if shift else _FOLDS[equation.reduce]
            found = self._fold(node, equation.operands, ranges, out, name)
        else:
            found = self._sum(tensor, node, ranges, out)
        axes = tuple(found.labels.index(s) if s in found.labels else None for s in out)
        self.reader.store(tensor, found.value, axes)

    def _is_alias(self, tensor: Tensor) -> bool:
        equation = tensor.equation
        if equation.reduce != "none" or equation.body != slot(0) or len(equation.operands) != 1:
            return False
        access = equation.operands[0]
        return access.index == out_indices(tensor.ndim) and access.tensor.shape == tensor.shape

    def _expression(
        self, ranges: dict[Any, Dim], accesses: Sequence[Access], certain: Any = ()
    ) -> Expression:
        known: dict[int, Lab] = {}

        def operand(k: int) -> Lab:
            if k not in known:
                known[k] = self.reader.read(accesses[k], expression, ranges, certain)
            return known[k]

        expression = Expression(self.graph, ranges, operand)
        return expression

    def _fold(
        self, node: Node, accesses: Sequence[Access], ranges: dict[Any, Dim],
        out: Sequence[Any], name: str,
    ) -> Lab:
        """``max``, ``min`` or ``prod`` over the bound axes."""
        expression = self._expression(ranges, accesses)
        array = expression.floating(expression.array(node))
        bound = [s for s in ranges if s not in out]
        missing = [s for s in bound if s not in array.labels]
        if missing and name == "np.multiply":
            array = expression.spread(array, (*array.labels, *missing))
        summed = tuple(k for k, s in enumerate(array.labels) if s in bound)
        if not summed:
            return array
        labels = tuple(s for s in array.labels if s not in bound)
        op = Reduction(name, array.value, summed)
        return Lab(self.graph.make(op, expression.shape(labels)), labels)

    # -- sums, and equations without a reduction ------------------------------------------

    def _sum(
        self, tensor: Tensor, node: Node, ranges: dict[Any, Dim], out: Sequence[Any]
    ) -> Lab:
        accesses = tensor.equation.operands
        outside = self._outside(accesses, ranges)
        if tensor.equation.reduce == "none" and not has_delta(node) and not outside:
            return self._expression(ranges, accesses).array(node)
        dense: list[tuple[Any, Lab]] = []
        parts: list[tuple[Term, Write | Scatter]] = []
        for coefficient, piece in self._pieces(tensor, node, ranges, outside):
            c, factors = factors_of(piece)
            term = Term(
                coefficient * c, list(factors), list(accesses), dict(ranges), list(out),
                tensor.shape,
            )
            contract_deltas(term)
            if tensor.equation.reduce == "sum":
                drop_implied_masks(term)
                plain = self._expression(term.ranges, term.accesses, term.certain)
                window = windowed(plain, term, self.reader)
                if window is not None:
                    dense.append((window.coefficient, self._renamed(window, term, out, plain)))
                    continue
            if outside:
                transpose_windows(term)
            if outside or not term.dense:
                narrow(term)
            if term.coefficient == 0 or any(d == 0 for d in term.ranges.values()):
                continue
            expression = self._expression(term.ranges, term.accesses, term.certain)
            if term.dense:
                found = self._value(expression, term, term.kept)
                dense.append((found.coefficient, self._renamed(found, term, out, expression)))
            else:
                parts.append((term, part(expression, term, self._value)))
        plain = self._expression(dict(zip(out, tensor.shape, strict=True)), ())
        total = self._total(plain, dense)
        if not parts:
            return plain.constant(S.Zero, out) if total is None else total
        return assemble(plain, total, parts, tensor, out)

    def _renamed(
        self, found: Scaled, term: Term, out: Sequence[Any], expression: Expression
    ) -> Lab:
        array = found.array if found.array is not None else expression.constant(S.One)
        names = dict(zip(term.target, out, strict=True))
        return Lab(array.value, tuple(names[s] for s in array.labels))

    def _total(self, expression: Expression, dense: list[tuple[Any, Lab]]) -> Lab | None:
        if not dense:
            return None
        if len(dense) == 1:
            return expression.scale(dense[0][1], dense[0][0])
        node = Sum(S.Zero, tuple((c, Slot(k)) for k, (c, _) in enumerate(dense)))
        whole = Expression(self.graph, expression.ranges, lambda k: dense[k][1])
        return whole.array(node)

    def _outside(self, accesses: Sequence[Access], ranges: dict[Any, Dim]) -> bool:
        """Whether some access may leave its tensor (and read zero)."""
        for a in accesses:
            for e, d in zip(a.index, a.tensor.shape, strict=True):
                if (
                    not (e in ranges and ranges[e] == d)
                    and affine_in(sympify(e), symbols_of(sympify(e))) is not None
                    and not self.reader.inside(e, d, ranges)
                ):
                    return True
        return False

    def _pieces(
        self, tensor: Tensor, node: Node, ranges: dict[Any, Dim], outside: bool
    ) -> list[tuple[Any, Node]]:
        """The additive terms that are lowered apart; the rest stay one sum."""
        if not isinstance(node, Sum) and not has_delta(node):
            return [(S.One, node)]
        terms = list(additive(node))
        if tensor.equation.reduce == "sum" and self._wide(tensor, terms, ranges):
            return terms
        apart = [
            t for t in terms
            if has_delta(t[1]) or (outside and self._reads_outside(t[1], tensor, ranges))
        ]
        rest = [t for t in terms if not any(t is u for u in apart)]
        if not rest:
            return apart
        constant = sum((c * t.expr for c, t in rest if isinstance(t, Const)), S.Zero)
        others = tuple(t for t in rest if not isinstance(t[1], Const))
        if not others:
            return [*apart, (S.One, Const(constant))]
        if len(others) == 1 and constant == 0:
            return [*apart, others[0]]
        return [*apart, (S.One, Sum(constant, others))]

    def _reads_outside(self, node: Node, tensor: Tensor, ranges: dict[Any, Dim]) -> bool:
        used = [tensor.operands[n.number] for n in walk(node) if isinstance(n, Slot)]
        return self._outside(used, ranges)

    def _wide(
        self, tensor: Tensor, terms: list[tuple[Any, Node]], ranges: dict[Any, Dim]
    ) -> bool:
        """Whether adding the terms up first would make an array larger than all operands."""
        spans = [
            frozenset(s for e in a.index for s in symbols_of(sympify(e)))
            for a in tensor.operands
        ]
        union: set[Any] = set()
        for _, t in terms:
            for n in walk(t):
                if isinstance(n, Slot):
                    union |= spans[n.number]
                elif isinstance(n, Index):
                    union.update(symbols_of(n.expr))
        return not any(union <= s for s in spans)

    # -- the value of one term ------------------------------------------------------------

    def _value(self, expression: Expression, term: Term, keep: Sequence[Any]) -> Scaled:
        """The product of the factors summed over every index not kept."""
        coefficient = term.coefficient
        inside: list[Lab] = []
        below: list[Lab] = []
        outer: list[tuple[Scaled, Any]] = []
        kept = set(keep)
        for factor, exponent in term.factors:
            found = expression.scaled(factor)
            if found.array is None or kept.issuperset(found.array.labels):
                outer.append((found, exponent))
                continue
            if exponent.is_Integer:
                coefficient = coefficient * found.coefficient**exponent
                array = found.array
            else:
                array = expression.resolve(found)
            if exponent == 2 and array.value.kind != "bool":
                inside += [array, array]
            else:
                side = inside if exponent > 0 else below
                side += expression._power(array, abs(exponent))
        used = {s for a in (*inside, *below) for s in a.labels}
        idle = [s for s in term.ranges if s not in used and s not in kept]
        coefficient = coefficient * sympify(product(term.ranges[s] for s in idle))
        if not inside and not below:
            return expression.product(coefficient, outer)
        running = self._running(expression, inside, below, keep)
        if running is not None:
            summed = Scaled(coefficient, running)
        else:
            inside = self._divided(expression, _masked(expression, inside), below)
            summed = contract(expression, inside, keep, coefficient)
        if not outer:
            return summed
        return expression.product(S.One, [(summed, S.One), *outer])

    def _divided(
        self, expression: Expression, above: list[Lab], below: list[Lab]
    ) -> list[Lab]:
        """Divisors put under a factor that has their axes; alone, they become reciprocals."""
        for divisor in expression.merge(below, expression.times) if below else ():
            hosts = [a for a in above if set(divisor.labels) <= set(a.labels)]
            if hosts:
                host = min(hosts, key=lambda a: len(a.labels))
                at = next(k for k, a in enumerate(above) if a is host)
                above[at] = expression.apply("np.divide", (host, divisor))
            else:
                above.append(expression.apply("np.divide", (S.One, divisor)))
        return above

    def _running(
        self, expression: Expression, inside: list[Lab], below: list[Lab], keep: Sequence[Any]
    ) -> Lab | None:
        """``sum_r x[r] [r <= i]`` is a running sum, ``[i <= r]`` one from the end."""
        for k, mask in enumerate(inside):
            known = mask.value.op
            if not isinstance(known, Positions) or not isinstance(known.expr, (ge, le)):
                continue
            rest = inside[:k] + inside[k + 1 :]
            first, second = known.expr.args
            if len(mask.labels) != 2 or {first, second} != set(out_indices(2)):
                continue
            low, high = (first, second) if isinstance(known.expr, le) else (second, first)
            low, high = (mask.labels[out_indices(2).index(s)] for s in (low, high))
            for r, i, backwards in ((low, high, False), (high, low, True)):
                others = {s for a in (*rest, *below) for s in a.labels}
                if i in keep and r not in keep and i not in others and r in others and (
                    expression.ranges[r] == expression.ranges[i]
                ):
                    arrays = self._divided(expression, _masked(expression, rest), list(below))
                    order = [r if s == i else s for s in keep]
                    total = expression.resolve(contract(expression, arrays, order))
                    op = Cumulate(total.value, total.labels.index(r), backwards)
                    value = self.graph.make(op, total.value.shape)
                    return Lab(value, tuple(i if s == r else s for s in total.labels))
        return None


def _masked(expression: Expression, arrays: list[Lab]) -> list[Lab]:
    """Masks multiplied onto an array that has their axes; others become numbers."""
    masks = [a for a in arrays if a.value.kind == "bool"]
    rest = [a for a in arrays if a.value.kind != "bool"]
    for mask in masks:
        hosts = [k for k, a in enumerate(rest) if set(mask.labels) <= set(a.labels)]
        if hosts:
            k = min(hosts, key=lambda k: len(rest[k].labels))
            rest[k] = expression.apply("np.multiply", (rest[k], mask))
        else:
            rest.append(expression.floating(mask))
    return rest
