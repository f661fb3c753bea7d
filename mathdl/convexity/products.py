"""Quantities as sums of products of entries, opened as far as a question needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from sympy import Add, Integer, Mul, Pow, Symbol

from mathdl.ir.bodies import is_regrouped, reads_inside, symbols_read
from mathdl.ir.build import bound_ranges, define, moved, out_ranges, substitute
from mathdl.ir.dim import Dim
from mathdl.ir.index import out_indices, slot, slot_number, slots_in
from mathdl.ir.tensor import Access, Tensor

MAX_PRODUCTS = 48
MAX_POWER = 4


@dataclass(frozen=True)
class Product:
    """``sum over bound of coefficient * brackets * entries``.

    ``brackets`` are deltas and conditions on indices; ``ranges`` has the lengths of all index
    symbols, ``bound`` those that are summed over.
    """

    coefficient: Any
    entries: tuple[Access, ...]
    brackets: tuple[Any, ...]
    bound: tuple[Any, ...]
    ranges: Mapping[Any, Dim]

    def tensor(self, out: Iterable[tuple[Any, Dim]]) -> Tensor:
        """The quantity; equal products give the same one."""
        body = Mul(self.coefficient, *self.brackets, *map(slot, range(len(self.entries))))
        return define(
            list(out), body, self.entries, reduce="sum",
            bound=[(s, self.ranges[s]) for s in self.bound],
        )


_NUMBERS = count()


def fresh() -> Any:
    return Symbol(f"s{next(_NUMBERS)}", integer=True, nonnegative=True)


def entry_of(tensor: Tensor) -> Product:
    """An entry of a quantity, over its own index symbols."""
    return Product(Integer(1), (Access(tensor, out_indices(tensor.ndim)),), (), (),
                   dict(out_ranges(tensor.shape)))


def can_open(product: Product, k: int) -> bool:
    """Whether an entry may be replaced by its definition."""
    access = product.entries[k]
    equation = access.tensor.definition
    return (
        equation is not None
        and equation.reduce in ("none", "sum")
        and not any(inner.held for inner in equation.operands)
        and not is_regrouped(access.tensor)
        and reads_inside(access, product.ranges)
    )


def opened(product: Product, k: int, expand: bool = False) -> list[Product] | None:
    """The terms that come of putting in the definition of entry ``k``; None for too many."""
    if not can_open(product, k):
        return None
    access, rest = product.entries[k], product.entries[:k] + product.entries[k + 1:]
    tensor = access.tensor
    inner = {s: fresh() for s, _ in bound_ranges(tensor.equation)}
    mapping = dict(zip(out_indices(tensor.ndim), access.index, strict=True)) | inner
    ranges = dict(product.ranges) | {
        inner[s]: dim for s, dim in bound_ranges(tensor.equation)
    }
    operands = moved(tensor.equation.operands, mapping)
    body = tensor.equation.body.expand() if expand else tensor.equation.body
    terms = Add.make_args(substitute(body, mapping))
    if len(terms) > MAX_PRODUCTS or _is_closed(body):
        return None
    base = replace(product, entries=rest, bound=(*product.bound, *inner.values()), ranges=ranges)
    return [_times(base, term, operands) for term in terms]


def _is_closed(body: Any) -> bool:
    """Whether a body is neither a sum nor a product: opened, it would be an entry of itself."""
    power = isinstance(body, Pow) and body.exp.is_Integer and 0 < body.exp <= MAX_POWER
    inner = body.base if power else body
    plain = slot_number(inner) is not None or not slots_in(body)
    return not plain and not isinstance(body, (Add, Mul))


def _times(product: Product, term: Any, operands: list[Access]) -> Product:
    entries, brackets, coefficient = list(product.entries), list(product.brackets), Integer(1)
    for factor in Mul.make_args(term):
        power = factor.exp if isinstance(factor, Pow) and factor.exp.is_Integer else Integer(1)
        number = slot_number(factor.base if power != 1 else factor)
        read = symbols_read(factor, operands)
        if number is not None and 0 < power <= MAX_POWER:
            entries += [operands[number]] * int(power)
        elif any(slot_number(s) is not None for s in factor.free_symbols):
            entries.append(_opaque(factor, operands, sorted(read & set(product.ranges), key=str),
                                   product.ranges))
        elif read & set(product.ranges):
            brackets.append(factor)
        else:
            coefficient = coefficient * factor
    return replace(product, coefficient=product.coefficient * coefficient,
                   entries=tuple(entries), brackets=tuple(brackets))


def _opaque(
    factor: Any, operands: list[Access], symbols: list[Any], ranges: Mapping[Any, Dim]
) -> Access:
    """A factor that is no product, as an entry of a quantity of its own."""
    made = define([(s, ranges[s]) for s in symbols], factor, operands)
    return Access(made, tuple(symbols))
