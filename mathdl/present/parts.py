"""What folding works with: a body with its accesses, and splitting a part off it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Symbol

from mathdl.ir.build import bound_ranges, define, moved, out_ranges, ranges_of, substitute
from mathdl.ir.index import bound_index, out_indices, slot, slot_number
from mathdl.ir.tensor import Access, Equation, Tensor

MARK = Symbol("mark_", real=True)


@dataclass(frozen=True)
class Fold:
    """``name(argument, axis=axes)``."""

    name: str
    argument: Tensor
    axes: tuple[int, ...]


@dataclass
class Scalar:
    """A body with its accesses."""

    body: Any
    operands: list[Access]

    def keyed(self) -> Any:
        """The body with each access as a symbol that says what it reads."""
        return self.body.xreplace({
            slot(k): Symbol(f"{a.tensor.rank}:{a.index}:{a.held}", real=True)
            for k, a in enumerate(self.operands)
        })

    def moved(self, mapping: Mapping[Any, Any]) -> Scalar:
        return Scalar(substitute(self.body, dict(mapping)), moved(self.operands, dict(mapping)))


@dataclass
class Folder:
    """The folds found so far."""

    folds: dict[Tensor, Fold] = field(default_factory=dict)

    def split(
        self, tensor: Tensor, part: Scalar, name: str, argument: Scalar, axes: Sequence[Any],
        rest: Scalar, lengths: Mapping[Any, Any] | None = None,
    ) -> Tensor | None:
        """``part`` of a body made a tensor of its own that folds to ``name(argument)``.

        ``rest`` is the whole with a mark where the part was; ``axes`` are the indices over which
        the function runs; ``lengths`` gives theirs when the result does not keep them.
        """
        ranges = {**ranges_of(tensor), **(lengths or {})}
        equation = tensor.equation
        used = symbols_of(argument, ranges)
        kept = tuple(s for s in used if s not in (lengths or ()))
        whole = define([(s, ranges[s]) for s in used], argument.body, argument.operands)
        made = define([(s, ranges[s]) for s in kept], part.body, part.operands)
        if whole.shape != tuple(ranges[s] for s in used) or not set(axes) <= set(used):
            return None
        places = tuple(used.index(s) for s in axes)
        if made.definition is None or made.label is not None or made.operands == ():
            return None
        self.folds.setdefault(made, Fold(name, whole, places))
        body = rest.body.xreplace({MARK: slot(len(rest.operands))})
        return define(
            out_ranges(tensor.shape), body, [*rest.operands, Access(made, kept)],
            reduce=equation.reduce,
            bound=bound_ranges(equation),
            requires=tensor.requires,
        )


def symbols_of(scalar: Scalar, ranges: Mapping[Any, Any]) -> tuple[Any, ...]:
    """The indices of a scalar, in the order in which an access has all of them if one does."""
    found: set[Any] = {s for s in scalar.body.free_symbols if s in ranges}
    read: list[Access] = []
    waiting = [k for s in scalar.body.free_symbols if (k := slot_number(s)) is not None]
    while waiting:
        access = scalar.operands[waiting.pop()]
        if access in read:
            continue
        read.append(access)
        for s in set().union(*(e.free_symbols for e in access.index)):
            k = slot_number(s)
            if k is not None:
                waiting.append(k)
            elif s in ranges:
                found.add(s)
    for a in scalar.operands:
        if a not in read:
            continue
        if set(a.index) == found and len(a.index) == len(found):
            return a.index
    return tuple(s for s in ranges if s in found)


def scalar_of(tensor: Tensor) -> Scalar:
    return Scalar(tensor.equation.body, list(tensor.operands))


def equation_of(tensor: Tensor, reduce: str) -> Equation | None:
    equation = tensor.definition
    if equation is None or equation.reduce != reduce or tensor.label is not None or tensor.requires:
        return None
    return equation


def definition_at(access: Access, scalar: Scalar, count: int) -> tuple[Scalar, tuple[Any, ...]]:
    """A definition's scalar where an access reads it, its bound indices made fresh."""
    fresh = tuple(
        Symbol(f"b{k}_", integer=True, nonnegative=True) for k in range(count)
    )
    mapping = dict(zip(out_indices(len(access.index)), access.index, strict=True))
    mapping.update({bound_index(k): s for k, s in enumerate(fresh)})
    return scalar.moved(mapping), fresh
