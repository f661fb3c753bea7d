"""The value read off from gradients that are computed anyway.

A scalar that is homogeneous of degree one in some inputs together is the sum of their inner
products with its gradients (Euler): ``sum(G*(gam*xhat + bet))`` is ``gam.dgam + bet.dbet``.
Where these inputs are small the forward pass need not be finished for the value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import prod
from typing import Any

from sympy import Add, Mul

from mathdl.ir.build import define
from mathdl.ir.index import bound_index, slot, slot_number, slots_in
from mathdl.ir.system import topological
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar.compare import where

TYPICAL = 48  # a symbolic dim's length when costs are compared
MONOMIALS = 8  # terms of different variables that are told apart
CANDIDATES = 8
TOGETHER = 3  # inputs that are homogeneous together

Monomials = frozenset[frozenset[Tensor]]
_CONSTANT: Monomials = frozenset([frozenset()])


def value_from_gradients(value: Tensor, gradients: Mapping[Tensor, Tensor]) -> Tensor:
    """The value as a sum of products of inputs with gradients where that is less to compute.

    ``gradients`` are those of the value by inputs, of the inputs' shapes.
    """
    if value.shape != () or value.is_input:
        return value
    degrees = _Degrees(gradients)
    terms = [m - degrees.bent for m in degrees.of(value)]
    usable = sorted(
        {w for m in terms for w in m if gradients[w].shape == w.shape},
        key=lambda w: (_length(w.shape), w.name or ""),
    )[:CANDIDATES]
    chosen = _chosen(terms, usable)
    if chosen is None:
        return value
    needed = set(topological(gradients.values()))
    saved = sum(_work(t) for t in topological([value]) if t not in needed)
    if 2 * sum(_length(w.shape) for w in chosen) > saved:
        return value
    parts = [_inner(w, gradients[w]) for w in chosen]
    requires = dict.fromkeys(r for t in topological([value]) for r in t.requires)
    return define(
        [], Add(*(slot(k) for k in range(len(parts)))), [Access(p, ()) for p in parts],
        requires=requires, label=value.label,
    )


def _chosen(terms: Sequence[frozenset[Tensor]], usable: Sequence[Tensor]) -> list[Tensor] | None:
    """The smallest inputs of which every term holds exactly one."""
    fitting = [
        list(group)
        for count in range(1, TOGETHER + 1)
        for group in combinations(usable, count)
        if all(len(m.intersection(group)) == 1 for m in terms)
    ]
    return min(fitting, key=lambda g: sum(_length(w.shape) for w in g), default=None)


def _inner(w: Tensor, gradient: Tensor) -> Tensor:
    bound = [(bound_index(k), d) for k, d in enumerate(w.shape)]
    index = tuple(s for s, _ in bound)
    return define(
        [], slot(0) * slot(1), [Access(w, index), Access(gradient, index)],
        reduce="sum" if bound else "none", bound=bound,
    )


def _length(shape: Sequence[Any]) -> int:
    return prod(d if isinstance(d, int) else TYPICAL for d in shape)


def _work(tensor: Tensor) -> int:
    if tensor.definition is None:
        return 0
    return _length((*tensor.shape, *tensor.equation.extents))


class _Degrees:
    """Which inputs the terms of a quantity are linear in; ``bent``: those it is not linear in."""

    def __init__(self, variables: Mapping[Tensor, Any]) -> None:
        self.variables = variables
        self.bent: set[Tensor] = set()
        self.known: dict[Tensor, Monomials] = {}

    def of(self, value: Tensor) -> Monomials:
        for tensor in topological([value]):
            if tensor in self.variables:
                found: Monomials = frozenset([frozenset([tensor])])
            elif tensor.definition is None or tensor.equation.reduce not in ("none", "sum"):
                found = self._bend(*(self.known[a.tensor] for a in tensor.operands))
            else:
                found = self._equation(tensor)
            self.known[tensor] = found
        return self.known[value]

    def _equation(self, tensor: Tensor) -> Monomials:
        operands = tensor.operands
        for access in operands:
            held = [access.tensor] if access.held else []
            indexing = [operands[k].tensor for e in access.index for k in slots_in(e)]
            self._bend(*(self.known[t] for t in (*held, *indexing)))
        return self._body(tensor.equation.body, operands)

    def _body(self, body: Any, operands: Sequence[Access]) -> Monomials:
        if not slots_in(body):
            return _CONSTANT
        number = slot_number(body)
        if number is not None:
            return self.known[operands[number].tensor]
        parts = [self._body(a, operands) for a in body.args]
        if isinstance(body, Mul):
            return self._product(parts)
        if isinstance(body, Add):
            return self._limited(frozenset().union(*parts))
        if isinstance(body, where):
            self._bend(parts[0])
            return self._limited(parts[1] | parts[2])
        return self._bend(*parts)

    def _product(self, parts: Sequence[Monomials]) -> Monomials:
        result = _CONSTANT
        for part in parts:
            for a in result:
                for b in part:
                    self.bent |= a & b
            result = self._limited(frozenset(a | b for a in result for b in part))
        return result

    def _limited(self, terms: Monomials) -> Monomials:
        return terms if len(terms) <= MONOMIALS else self._bend(terms)

    def _bend(self, *parts: Monomials) -> Monomials:
        for part in parts:
            for term in part:
                self.bent |= term
        return _CONSTANT
