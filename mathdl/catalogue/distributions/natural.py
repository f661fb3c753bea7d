"""The member of an exponential family with given natural parameters: ``natural = eta``, solved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import mathdl as md
from mathdl.catalogue.entry import entries
from mathdl.catalogue.optimizers.stationary import in_turn, put
from mathdl.ir.dim import Shape
from mathdl.ir.system import inputs_of
from mathdl.ir.tensor import Tensor
from mathdl.language.pointwise import as_tensor
from mathdl.simplify.networks import is_symmetric

if TYPE_CHECKING:
    from mathdl.catalogue.distributions.base import ExponentialFamily

Family = type["ExponentialFamily"]


def parameters_at(family: Family, eta: Sequence[Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, by name, at which the natural ones are ``eta``.

    Raises:
        UnsupportedError: the equations have no one solution in closed form.
    """
    values = [as_tensor(e) for e in eta]
    shapes = tuple(value.shape for value in values)
    symbols, numbers, found = _solved(family, shapes, tuple(known))
    given = {number: known[str(number.name)] for number in numbers}
    given |= dict(zip(symbols, values, strict=True))
    return {name: put(value, given) for name, value in found.items()}


def declared(family: Family) -> dict[str, Tensor]:
    """The parameters as the catalogue declares them, in the order of the fields."""
    (own,) = (one for one in entries().values() if one.function is family)
    inputs = {t.name: t for t in inputs_of([own.instance().expr])}
    return {f.name: inputs[f.name] for f in fields(family) if f.name in inputs}


@lru_cache
def _solved(
    family: Family, shapes: tuple[Shape, ...], known: tuple[str, ...]
) -> tuple[list[Tensor], list[Tensor], dict[str, Tensor]]:
    """Symbols for natural parameters, known numbers, and the parameters in terms of both.

    Axes before those of one member are of many: their parameters are solved for entry by entry.
    """
    numbers = {name: md.tensor(name) for name in known}
    stated = declared(family)
    general = family(**stated, **numbers).natural
    ranks = [len(shape) - one.ndim for one, shape in zip(general, shapes, strict=True)]
    sizes = {d: size for one, shape, lead in zip(general, shapes, ranks, strict=True)
             for d, size in zip(one.shape, shape[lead:], strict=True)}
    parameters = {
        name: md.tensor(name, *shapes[0][:ranks[0]], *(sizes[d] for d in p.shape), assume=p.assume)
        for name, p in stated.items()
    }
    natural = family(**parameters, **numbers).natural
    symbols = [
        md.tensor(f"eta{k}", *one.shape, assume="symmetric" if is_symmetric(one) else ())
        for k, one in enumerate(natural)
    ]
    conditions = [one - eta for one, eta in zip(natural, symbols, strict=True)]
    found = in_turn(conditions, list(parameters.values()))
    return symbols, list(numbers.values()), {name: found[p] for name, p in parameters.items()}
