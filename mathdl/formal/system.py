"""The equations of a derivation as terms: names, bodies, signs and the conditions they need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sympy import Abs, Function, Integer, KroneckerDelta, Pow, Symbol, exp

from mathdl.errors import UnsupportedError
from mathdl.formal.coq import RESERVED, function_name, nat
from mathdl.formal.functions import needs
from mathdl.formal.matrices import elementary, need, primitive
from mathdl.formal.terms import entries, entry, fresh, in_order, nested
from mathdl.ir.build import bound_ranges, define, out_ranges, substitute
from mathdl.ir.dim import Dim
from mathdl.ir.index import in_range, out_indices, slot, slots_in
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
    return f"{text}_" if text in taken or re.fullmatch(r"[irs]\d+|S\d+", text) else text


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
    """``term`` is positive, not zero, or holds (``apart``) for all values of its indices, or a
    matrix of such entries is ``invertible``, or ``definite``: its pivots are positive."""

    kind: str
    term: Any
    indices: tuple[tuple[Any, Dim], ...]


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

    def add(self, tensors: Iterable[Tensor], hints: Mapping[Tensor, str]) -> None:
        """Name tensors and all below them."""
        for t in topological(tensors):
            if t in self.names:
                continue
            wanted = identifier(t.name or t.label or hints.get(t, ""))
            if not wanted or wanted in self.tensors:
                wanted = f"{wanted or 'q'}_{len(self.names)}" if not t.is_input else wanted + "_"
            self.names[t], self.tensors[wanted] = wanted, t
            below = [w for a in t.operands for w in self.moving[a.tensor]]
            own = (t,) if t in self.wrt else ()
            self.moving[t] = tuple(w for w in self.wrt if w in below or w in own)
            self.signs[t] = self._sign(t, self.signs)
            self.always[t] = "" if own else self._sign(t, self.always)

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
            slots[slot(k)] = Symbol(f"v{k}", real=True, **({sign: True} if sign else {}))
        body = t.definition.body.xreplace(slots)
        if any(f.func not in _SIGNED for f in body.atoms(Function)):
            return ""
        return "positive" if body.is_positive else "nonnegative" if body.is_nonnegative else ""

    def entry(self, t: Tensor, index: Iterable[Any]) -> Any:
        return entry(self.names[t], tuple(index), self.signs[t])

    def tensor(self, term: Any) -> Tensor:
        return self.tensors[term.func.__name__]

    def body(self, t: Tensor, index: Iterable[Any]) -> tuple[Any, list[tuple[Any, Dim]]]:
        """What an entry is the sum of, and the bound indices."""
        if t.definition is None:
            what = "an input" if t.call is None else t.call.primitive
            raise UnsupportedError(f"no certificate for {what}: it has no defining equation here")
        if t.definition.reduce not in ("none", "sum"):
            raise UnsupportedError(
                f"no certificate for {t.definition.reduce} over an axis"
            )
        bound = [(fresh(), dim) for _, dim in bound_ranges(t.definition)]
        self.ranges.update(bound)
        names = dict(zip(out_indices(t.ndim), index, strict=True))
        names |= {old: new for (old, _), (new, _) in
                  zip(bound_ranges(t.definition), bound, strict=True)}
        slots = {}
        for k, a in enumerate(t.definition.operands):
            at = tuple(substitute(in_order(e), names) for e in a.index)
            ranges = {**dict(zip(out_indices(t.ndim), t.shape, strict=True)),
                      **dict(bound_ranges(t.definition))}
            for e, d in zip(a.index, a.tensor.shape, strict=True):
                if in_range(e, d, ranges):
                    continue
                if not (set(e.free_symbols) & set(ranges)) and not slots_in(e):
                    self.needed[f"({nat(e)} < {nat(d)})%nat"] = None
                    self.inside.add((e, d))
                    continue
                raise UnsupportedError(
                    "no certificate for an access that may leave its range, "
                    f"{self.names[a.tensor]}[{', '.join(map(str, a.index))}]"
                )
            slots[slot(k)] = self.entry(a.tensor, at)
        return t.definition.body.xreplace({**names, **slots}), bound

    def term(self, t: Tensor, index: Iterable[Any]) -> Any:
        """The right-hand side of an entry."""
        return nested(*self.body(t, index))

    def conditions(self, t: Tensor) -> Iterator[Condition]:
        """What a right-hand side needs to be defined and differentiable, where it is not plain."""
        if primitive(t):
            kind, matrix = need(t)
            yield Condition(kind, self.entry(matrix, (Integer(0), Integer(0))), ())
        if t.definition is None or t.definition.reduce not in ("none", "sum"):
            return
        body, bound = self.body(t, out_indices(t.ndim))
        indices = (*zip(out_indices(t.ndim), t.shape, strict=True), *bound)
        for part in sorted(body.atoms(Pow), key=str):
            base, exponent = part.args
            if base.is_positive or not entries(base):
                continue
            if exponent.is_Integer:
                if exponent.is_negative and not base.is_nonzero:
                    yield Condition("nonzero", base, indices)
            else:
                yield Condition("positive", base, indices)
        for part in sorted(body.atoms(Function), key=str):
            declared = of_head(type(part))
            moves = any(self.moving[self.tensor(e)] for e in entries(part))
            for kind, term in needs(declared, part.args) if declared is not None else ():
                if kind == "positive" or moves:
                    yield Condition(kind, term, indices)


_SIGNED = {exp, Abs, KroneckerDelta, *(lookup(n).head for n in (
    "gt", "ge", "lt", "le", "eq", "ne", "sigmoid", "softplus", "relu", "normal_pdf"))}
