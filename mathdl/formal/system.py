"""The equations of a derivation as terms: names, bodies, signs and the conditions they need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sympy import Abs, Function, Integer, KroneckerDelta, Mul, Pow, Symbol, exp

from mathdl.errors import UnsupportedError
from mathdl.formal.choices import chosen
from mathdl.formal.coq import RESERVED, function_name, nat
from mathdl.formal.extremes import FOLDS, folded
from mathdl.formal.functions import needs
from mathdl.formal.indices import in_order, matched
from mathdl.formal.matrices import elementary, need, primitive
from mathdl.formal.terms import entries, entry, fresh, is_entry, nested
from mathdl.ir.build import bound_ranges, define, out_ranges, substitute
from mathdl.ir.dim import Dim, nonnegative
from mathdl.ir.index import in_range, out_indices, slot, slot_number, slots_in
from mathdl.ir.system import rewrite, topological
from mathdl.ir.tensor import Access, Tensor, input_tensor
from mathdl.scalar.declare import lookup, of_head, scalar_functions

POSITIVE = {"positive", "probability"}
NONNEGATIVE = {"nonnegative", "one_hot", "binary", "unit_interval", "probability_vector",
               "probability_table"}


def identifier(name: str) -> str:
    """A Coq identifier for a name of the language; the field's Greek letters stay."""
    text = re.sub(r"\W", "_", name)
    taken = RESERVED | {function_name(f) for f in scalar_functions()}
    return f"{text}_" if text in taken or re.fullmatch(r"[irs]\d+|j_\d+|S\d+", text) else text


def plain(tensors: Iterable[Tensor], inputs: Mapping[str, Tensor]) -> list[Tensor]:
    """The tensors with what is held constant put to zero, and one input for each name.

    What reads a held tensor does not depend on its value, so any value will do.
    """

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        if tensor.definition is None:
            return elementary(tensor, operands)
        body = substitute(tensor.definition.body,
                          {slot(k): Integer(0) for k, a in enumerate(operands) if a.held})
        return define(out_ranges(tensor.shape), body, operands, reduce=tensor.definition.reduce,
                      bound=bound_ranges(tensor.definition))

    tensors = list(tensors)
    replaced = {t: inputs[t.name] for t in topological(tensors)
                if t.is_input and t.name is not None and t.name in inputs}
    return rewrite(tensors, rule, replaced)


def shared_inputs(tensors: Iterable[Tensor]) -> dict[str, Tensor]:
    """One input for each name, with all that is assumed of it somewhere."""
    found: dict[str, Tensor] = {}
    for t in topological(tensors):
        if t.is_input and t.name:
            before = found.get(t.name)
            assume = t.assume | (frozenset() if before is None else before.assume)
            found[t.name] = input_tensor(t.name, t.shape, assume)
    return found


@dataclass(frozen=True)
class Condition:
    """``term`` is positive, not zero, or holds (``apart``) for all values of its indices, an
    extreme is attained at one place (``unique``), or a matrix is ``invertible`` or ``definite``:
    its pivots are positive."""

    kind: str
    term: Any
    indices: tuple[tuple[Any, Dim], ...]


@dataclass(frozen=True)
class Read:
    """A read of a right-hand side: an entry, or where an index may leave its range, a sum over
    those in range with a delta, as what lies outside of a tensor is zero."""

    tensor: Tensor
    index: tuple[Any, ...]
    guards: tuple[tuple[Any, Dim, Any], ...]

    def of(self, entry: Callable[[Tensor, tuple[Any, ...]], Any]) -> Any:
        """What is read of ``entry(tensor, index)``."""
        deltas = Mul(*(delta for _, _, delta in self.guards))
        return nested(deltas * entry(self.tensor, self.index), [g[:2] for g in self.guards])


@dataclass
class Equations:
    """Tensors as terms; ``wrt`` are the inputs that move."""

    wrt: tuple[Tensor, ...]
    ranges: dict[Any, Dim] = field(default_factory=dict)
    names: dict[Tensor, str] = field(default_factory=dict)
    signs: dict[Tensor, str] = field(default_factory=dict)
    always: dict[Tensor, str] = field(default_factory=dict)  # wherever the inputs wrt are
    moving: dict[Tensor, tuple[Tensor, ...]] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    needed: dict[str, None] = field(default_factory=dict)  # conditions on dims
    inside: set[tuple[Any, Dim]] = field(default_factory=set)  # fixed indices that they allow
    formulas: dict[Tensor, Any] = field(default_factory=dict)
    natural: set[Tensor] = field(default_factory=set)  # tensors of indices
    below: dict[Tensor, dict[Dim, None]] = field(default_factory=dict)  # what these are below
    labels: set[tuple[str, Dim]] = field(default_factory=set)  # the same by name

    def add(self, tensors: Iterable[Tensor], hints: Mapping[Tensor, str]) -> None:
        """Name tensors and all below them."""
        tensors = list(tensors)
        self._add_labels(tensors)
        for t in topological(tensors):
            if t in self.names:
                continue
            wanted = identifier(t.name or t.label or hints.get(t, ""))
            if not wanted or wanted in self.tensors:
                wanted = f"{wanted or 'q'}_{len(self.names)}" if not t.is_input else wanted + "_"
            self.names[t], self.tensors[wanted] = wanted, t
            self.labels.update((wanted, d) for d in self.below.get(t, ()))
            below = [w for a in t.operands for w in self.moving[a.tensor]]
            own = (t,) if t in self.wrt else ()
            self.moving[t] = tuple(w for w in self.wrt if w in below or w in own)
            self.signs[t] = self._sign(t, self.signs)
            self.always[t] = "" if own else self._sign(t, self.always)

    def _add_labels(self, tensors: Iterable[Tensor]) -> None:
        """Tensors that are read as indices, and the dims that those are below."""
        for t in topological(tensors):
            if t.definition is None:
                continue
            body = t.definition.body
            used = {k for d in body.atoms(KroneckerDelta) for k in slots_in(d)}
            for a in t.operands:
                for e, d in zip(a.index, a.tensor.shape, strict=True):
                    used.update(slots_in(e))
                    if (k := slot_number(e)) is not None:
                        self.below.setdefault(t.operands[k].tensor, {})[d] = None
            for label in (t.operands[k].tensor for k in sorted(used)):
                if not label.is_input:
                    raise UnsupportedError("no certificate for an index that is computed")
                self.natural.add(label)

    def _sign(self, t: Tensor, known: Mapping[Tensor, str]) -> str:
        if t.is_input:
            if t.assume & POSITIVE:
                return "positive"
            return "nonnegative" if t.assume & NONNEGATIVE else ""
        if t.definition is None or t.definition.reduce not in ("none", "sum"):
            return ""
        slots = {}
        for k, a in enumerate(t.operands):
            sign = known[a.tensor]
            if sign and self._leaves(t, a):
                sign = "nonnegative"
            slots[slot(k)] = Symbol(f"v{k}", real=True, **({sign: True} if sign else {}))
        body = t.definition.body.xreplace(slots)
        if any(f.func not in _SIGNED for f in body.atoms(Function)):
            return ""
        some = all(nonnegative(d - Integer(1)) for d in t.definition.extents)
        if body.is_positive and some:
            return "positive"
        return "nonnegative" if body.is_nonnegative else ""

    def _leaves(self, t: Tensor, access: Access) -> bool:
        """Whether a read may be of what lies outside, which is zero."""
        ranges = dict((*out_ranges(t.shape), *bound_ranges(t.equation)))
        return not all(in_range(e, d, ranges)
                       for e, d in zip(access.index, access.tensor.shape, strict=True))

    def entry(self, t: Tensor, index: Iterable[Any]) -> Any:
        sign = "natural" if t in self.natural else self.signs[t]
        return entry(self.names[t], tuple(index), sign)

    def tensor(self, term: Any) -> Tensor:
        return self.tensors[term.func.__name__]

    def body(self, t: Tensor, index: Iterable[Any]) -> tuple[Any, list[tuple[Any, Dim]]]:
        """What an entry is the sum of, and the bound indices."""
        names, reads, bound = self.reads(t, index)
        slots = {slot(k): read.of(self.entry) for k, read in enumerate(reads)}
        return self.formula(t).xreplace({**names, **slots}), bound

    def formula(self, t: Tensor) -> Any:
        """The body of an equation, with conditions on its indices as sums of deltas."""
        if t not in self.formulas:
            ranges = dict((*out_ranges(t.shape), *bound_ranges(t.equation)))
            self.formulas[t], inside = chosen(t.equation.body, ranges)
            self.ranges.update(inside)
        return self.formulas[t]

    def reads(self, t: Tensor, index: Iterable[Any]
              ) -> tuple[dict[Any, Any], list[Read], list[tuple[Any, Dim]]]:
        """What the index symbols of a right-hand side stand for, its reads, and its bound
        indices."""
        if t.definition is None:
            what = "an input" if t.call is None else t.call.primitive
            raise UnsupportedError(f"no certificate for {what}: it has no defining equation here")
        equation = t.equation
        bound = [(fresh(), dim) for _, dim in bound_ranges(equation)]
        self.ranges.update(bound)
        names = dict(zip(out_indices(t.ndim), index, strict=True))
        names |= {old: new for (old, _), (new, _) in
                  zip(bound_ranges(equation), bound, strict=True)}
        names |= {slot(k): self.entry(a.tensor, [substitute(in_order(e), names) for e in a.index])
                  for k, a in enumerate(equation.operands) if a.tensor in self.natural}
        ranges = dict((*out_ranges(t.shape), *bound_ranges(equation)))
        return names, [self._read(a, names, ranges) for a in equation.operands], bound

    def _read(self, access: Access, names: Mapping[Any, Any], ranges: Mapping[Any, Dim]) -> Read:
        index, guards = [], []
        for e, d in zip(access.index, access.tensor.shape, strict=True):
            at = substitute(in_order(e), dict(names))
            if not self._stays(e, d, ranges, at):
                inside = fresh()
                self.ranges[inside] = d
                guards.append((inside, d, matched(KroneckerDelta(inside, at))))
                at = inside
            index.append(at)
        return Read(access.tensor, tuple(index), tuple(guards))

    def _stays(self, e: Any, dim: Dim, ranges: Mapping[Any, Dim], at: Any) -> bool:
        """Whether an index is in range, for all dims or where the hypotheses hold."""
        if in_range(e, dim, ranges):
            return True
        if slots_in(e):
            return is_entry(at) and (at.func.__name__, dim) in self.labels
        if set(e.free_symbols) & set(ranges):
            return False
        self.needed[f"({nat(e)} < {nat(dim)})%nat"] = None
        self.inside.add((e, dim))
        return True

    def term(self, t: Tensor, index: Iterable[Any]) -> Any:
        """The right-hand side of an entry."""
        return self.reduced(t, *self.body(t, index))

    def reduced(self, t: Tensor, body: Any, bound: list[tuple[Any, Dim]]) -> Any:
        """A body under the reduction of its equation."""
        reduce = t.equation.reduce
        return folded(reduce, body, bound) if reduce in FOLDS else nested(body, bound)

    def conditions(self, t: Tensor, differentiated: bool) -> Iterator[Condition]:
        """What a right-hand side needs to be defined, and to be differentiable where it is, and
        it is not plain."""
        if primitive(t):
            kind, matrix = need(t)
            yield Condition(kind, self.entry(matrix, (Integer(0), Integer(0))), ())
        if t.definition is None:
            return
        body, bound = self.body(t, out_indices(t.ndim))
        if t.definition.reduce in ("max", "min") and self.moving[t]:
            yield Condition("unique", self.reduced(t, body, bound),
                            tuple(zip(out_indices(t.ndim), t.shape, strict=True)))
        indices = (*zip(out_indices(t.ndim), t.shape, strict=True), *bound)
        for part in sorted(body.atoms(Pow), key=str):
            base, exponent = part.args
            if base.is_positive or not entries(base):
                continue
            if exponent.is_Integer:
                ties = is_entry(base) and self._is_tie(self.tensor(base))
                if exponent.is_negative and not base.is_nonzero and not ties:
                    yield Condition("nonzero", base, indices)
            else:
                yield Condition("positive", base, indices)
        for part in sorted(body.atoms(Function), key=str):
            declared = of_head(type(part))
            moves = differentiated and any(self.moving[self.tensor(e)] for e in entries(part))
            if moves and declared is not None and self._is_tie(t):
                raise UnsupportedError("no certificate: what attains an extreme would move")
            for kind, term in needs(declared, part.args) if declared is not None else ():
                if kind == "positive" or moves:
                    yield Condition(kind, term, indices)


    def _is_tie(self, t: Tensor) -> bool:
        """Whether a tensor compares entries with an extreme, or counts those that attain it."""
        reads = {a.tensor for a in t.operands}
        return t.definition is not None and any(
            r.definition is not None and r.definition.reduce in ("max", "min") for r in reads
        ) and any(f.func is lookup("eq").head for f in t.definition.body.atoms(Function))


_SIGNED = {exp, Abs, KroneckerDelta, *(lookup(n).head for n in (
    "gt", "ge", "lt", "le", "eq", "ne", "sigmoid", "softplus", "relu", "normal_pdf"))}
