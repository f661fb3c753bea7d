"""Products of tensors apart from their brackets: ``number * sum over bound of a product``.

``(A @ B) @ x`` and ``A @ (B @ x)`` are one network, and so are products that differ by the order
of factors, by names of summed indices, or by which way a symmetric matrix is read.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from sympy import Mul, S, Symbol

from mathdl.ir.bodies import reads_inside
from mathdl.ir.build import bound_ranges, define, moved, out_ranges, substitute
from mathdl.ir.dim import Dim
from mathdl.ir.index import bound_index, out_indices, slot, slot_number
from mathdl.ir.tensor import Access, Tensor

MAX_FACTORS = 10
MAX_ORDERS = 120  # labellings that are tried where nothing tells summed indices apart


@dataclass(frozen=True)
class Factor:
    """``function`` of the slot ``x0`` at an entry; the function is the slot itself mostly."""

    function: Any
    entry: Access

    @property
    def kind(self) -> tuple[Any, ...]:
        return (str(self.function), self.entry.tensor.rank, self.entry.held)


@dataclass(frozen=True)
class Network:
    """``number`` times the sum over ``extents`` of the product of factors."""

    number: Any
    factors: tuple[Factor, ...]
    extents: Mapping[Any, Dim]

    @property
    def kinds(self) -> tuple[Any, ...]:
        """What the factors are, apart from how they are connected."""
        return (len(self.extents), *sorted(f.kind for f in self.factors))

    def renamed(self, names: Mapping[Any, Any]) -> Network:
        """The network with its free indices called otherwise."""
        entries = moved([f.entry for f in self.factors], dict(names))
        factors = [replace(f, entry=e) for f, e in zip(self.factors, entries, strict=True)]
        return replace(self, factors=tuple(factors))


def network_of(
    term: Any, operands: Sequence[Access], ranges: Mapping[Any, Dim], bound: Mapping[Any, Dim]
) -> Network | None:
    """A product over accesses as a network, products that it reads opened."""
    found = _Opener(dict(ranges), dict(bound))
    return found.network() if found.product(term, operands) else None


class _Opener:
    def __init__(self, ranges: dict[Any, Dim], bound: dict[Any, Dim]) -> None:
        self.ranges, self.bound = {**ranges, **bound}, bound
        self.number: Any = S.One
        self.factors: list[Factor] = []

    def network(self) -> Network:
        return Network(self.number, tuple(self.factors), self.bound)

    def product(self, body: Any, operands: Sequence[Access]) -> bool:
        for f in Mul.make_args(body):
            slots = [k for s in f.free_symbols if (k := slot_number(s)) is not None]
            if not slots:
                if any(s in self.ranges for s in f.free_symbols):
                    return False
                self.number = self.number * f
                continue
            if len(slots) != 1 or any(s in self.ranges for s in f.free_symbols):
                return False
            base, exponent = f.as_base_exp()
            plain = slot_number(base) is not None and exponent.is_Integer and 0 < exponent <= 3
            for _ in range(int(exponent) if plain else 1):
                if plain:
                    self.read(operands[slots[0]])
                else:
                    self.keep(Factor(f.xreplace({slot(slots[0]): slot(0)}), operands[slots[0]]))
            if len(self.factors) > MAX_FACTORS:
                return False
        return all(
            e in self.ranges or not e.free_symbols & set(self.bound)
            for f in self.factors for e in f.entry.index
        )

    def keep(self, factor: Factor) -> None:
        self.factors.append(factor)

    def read(self, access: Access) -> None:
        """One entry: what is a product is opened, what is a multiple without its number."""
        tensor = access.tensor
        equation = tensor.definition
        if (
            equation is None or equation.reduce not in ("none", "sum") or access.held
            or tensor.requires or tensor.label is not None or not equation.operands
            or not reads_inside(access, self.ranges)
        ):
            self.keep(Factor(slot(0), access))
            return
        content, primitive = equation.body.as_content_primitive()
        if primitive.could_extract_minus_sign():
            content, primitive = -content, -primitive
        if equation.reduce == "none" and primitive.is_Add:
            self.number = self.number * content
            base = define(out_ranges(tensor.shape), primitive, equation.operands)
            self.keep(Factor(slot(0), Access(base, access.index)))
            return
        names = dict(zip(out_indices(tensor.ndim), access.index, strict=True))
        fresh = {
            bound_index(k): Symbol(f"s{len(self.bound) + k}", integer=True, nonnegative=True)
            for k in range(len(equation.extents))
        }
        before = (self.number, len(self.factors), dict(self.bound), dict(self.ranges))
        for k, d in enumerate(equation.extents):
            self.bound[fresh[bound_index(k)]] = self.ranges[fresh[bound_index(k)]] = d
        names |= fresh
        body = substitute(equation.body, names)
        if not self.product(body, moved(equation.operands, names)):
            self.number, count, self.bound, self.ranges = before
            del self.factors[count:]
            self.keep(Factor(slot(0), access))


def key(network: Network) -> tuple[Any, ...]:
    """Equal for equal networks, whatever their numbers."""
    colours = _refined(network)
    classes: dict[Any, list[Any]] = {}
    for s in network.extents:
        classes.setdefault(colours[s], []).append(s)
    groups = [classes[c] for c in sorted(classes)]
    orders = itertools.islice(
        itertools.product(*(itertools.permutations(g) for g in groups)), MAX_ORDERS
    )
    return min(_labelled(network, list(itertools.chain(*order))) for order in orders)


def _refined(network: Network) -> dict[Any, int]:
    """Summed indices by what they connect, as far as that tells them apart."""
    colours = dict.fromkeys(network.extents, 0)
    for _ in range(len(colours)):
        seen = {
            s: (colours[s], str(network.extents[s]), sorted(
                (f.kind, _unordered(f, [_word(e, colours, e == s) for e in f.entry.index]))
                for f in network.factors if s in f.entry.index
            ))
            for s in colours
        }
        order = sorted({repr(v) for v in seen.values()})
        after = {s: order.index(repr(v)) for s, v in seen.items()}
        if after == colours:
            break
        colours = after
    return colours


def _unordered(factor: Factor, words: list[str]) -> tuple[str, ...]:
    """The last two words in one order where the matrix is symmetric."""
    if is_symmetric(factor.entry.tensor):
        words[-2:] = sorted(words[-2:])
    return tuple(words)


def _word(index: Any, colours: Mapping[Any, int], own: bool) -> str:
    return f"{'*' if own else ''}s{colours[index]}" if index in colours else str(index)


def _labelled(network: Network, order: Sequence[Any]) -> tuple[Any, ...]:
    label = {s: f"r{k}" for k, s in enumerate(order)}
    entries = []
    for f in network.factors:
        words = [label.get(e, str(e)) for e in f.entry.index]
        entries.append((f.kind, _unordered(f, words)))
    return (tuple(str(network.extents[s]) for s in order), *sorted(entries))


# -- symmetric matrices ------------------------------------------------------------------------

_KEEPING = frozenset({"inv", "pinv", "expm", "matrix_power"})  # symmetric for symmetric operands
_symmetric: WeakKeyDictionary[Tensor, bool] = WeakKeyDictionary()


def is_symmetric(tensor: Tensor) -> bool:
    """Whether exchanging the last two axes provably changes nothing."""
    if tensor not in _symmetric:
        _symmetric[tensor] = _is_symmetric(tensor)
    return _symmetric[tensor]


def _is_symmetric(tensor: Tensor) -> bool:
    if tensor.ndim < 2 or tensor.shape[-1] != tensor.shape[-2]:
        return False
    if tensor.is_input:
        return "symmetric" in tensor.assume
    if tensor.call is not None:
        (first, *_) = tensor.call.operands
        return tensor.call.primitive in _KEEPING and is_symmetric(first.tensor)
    i, j = out_indices(tensor.ndim)[-2:]
    exchanged = {i: j, j: i}
    if tensor.equation.reduce == "none":
        return bool(_named(tensor, {}) == _named(tensor, exchanged))
    network = network_of(
        tensor.equation.body, tensor.operands, dict(out_ranges(tensor.shape)),
        dict(bound_ranges(tensor.equation)),
    ) if tensor.equation.reduce == "sum" else None
    return network is not None and key(network) == key(network.renamed(exchanged))


def _named(tensor: Tensor, exchanged: dict[Any, Any]) -> Any:
    """The body with a symbol for each access, equal for equal ones."""
    names = {}
    for k, access in enumerate(tensor.operands):
        index = [str(substitute(e, exchanged)) for e in access.index]
        if is_symmetric(access.tensor):
            index[-2:] = sorted(index[-2:])
        names[slot(k)] = Symbol(f"{access.tensor.rank[1]}[{index}]{access.held}", real=True)
    return substitute(tensor.equation.body, {**exchanged, **names})
