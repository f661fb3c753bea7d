"""A function and derivatives that somebody wrote, in the form that verification takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from mathdl.errors import InputError
from mathdl.foreign.calling import Given, by_name, real_array
from mathdl.ir.build import define, out_ranges
from mathdl.ir.index import bound_index, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.request import Block, Space
from mathdl.scalar.rectifiers import relu
from mathdl.verify.dims import Dims
from mathdl.verify.noise import Array, Values
from mathdl.verify.sampling import Manner, sample

#: What the claimed derivatives are: of a scalar; contracted with a cotangent; all of them.
Form = Literal["gradient", "vjp", "Jacobian"]
_COTANGENT = "cotangent of output "


@dataclass(frozen=True)
class Foreign:
    """A function of arrays by name, and what is claimed of its derivatives.

    value
        Inputs and sizes to what the function returns: an array, or several of them.
    claimed
        Inputs and sizes, and for a ``vjp`` the cotangents, to the derivatives as returned.
    ranges
        For integer inputs that index an axis, its dim or length.
    at
        The given point, or nothing: then instances are drawn.
    """

    inputs: tuple[Tensor, ...]
    wrt: tuple[Tensor, ...]
    form: Form
    value: Callable[[Given], Any]
    claimed: Callable[..., Any]
    name: str = "the gradient"
    dtype: Any = np.float64
    ranges: Mapping[str, Any] = field(default_factory=dict)
    at: Mapping[str, Array] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    order: int = 1
    space: Space | None = None

    @property
    def names(self) -> list[str]:
        return [t.name or "" for t in self.inputs]

    @property
    def wrt_names(self) -> list[str]:
        return [t.name or "" for t in self.wrt]

    # -- what verification asks of a subject -----------------------------------------------------

    @cached_property
    def outputs(self) -> Mapping[str, Tensor]:
        """A stand-in that reads all inputs; of the function itself nothing is known."""
        accesses: list[Access] = []
        bound: list[tuple[Any, Any]] = []
        body: Any = 0
        for t in self.inputs:
            symbols = [bound_index(len(bound) + k) for k in range(t.ndim)]
            bound += list(zip(symbols, t.shape, strict=True))
            body += slot(len(accesses))
            accesses.append(Access(t, tuple(symbols)))
        shape = (1,) if self.form == "Jacobian" else ()
        return {"": define(out_ranges(shape), relu(body), accesses, reduce="sum", bound=bound)}

    @property
    def blocks(self) -> Mapping[str, Block]:
        return {n: Block("", (n,)) for n in self.wrt_names}

    @property
    def derivatives(self) -> Mapping[str, Tensor]:
        return {t.name or "": t for t in self.wrt}

    def value_function(self) -> Callable[..., Values]:
        """The scalar, the array, or the outputs contracted with their cotangents."""
        def value(**given: Any) -> Values:
            found = self.results(given)
            if self.form != "vjp":
                return {"": found[0].reshape(()) if self.form == "gradient" else found[0]}
            total = np.float64(0.0)
            for y, c in zip(found, self.cotangents(given), strict=True):
                total = total + np.sum(y * c)
            return {"": np.asarray(total)}

        return value

    def derivative_function(self) -> Callable[..., Values]:
        return lambda **given: self.claim(given)

    def gradient_function(self) -> Callable[..., Values]:
        return self.value_function()

    def draw(self, dims: Mapping[str, int], rng: np.random.Generator, manner: Manner) -> Values:
        """An instance: the inputs, in the precision asked for, and cotangents for a ``vjp``."""
        if self.at is not None:
            arrays = dict(self.at)
        else:
            arrays = dict(sample(self.inputs, dims, rng, manner=manner))
            for name, limit in self.ranges.items():
                below = limit if isinstance(limit, int) else dims[limit]
                arrays[name] = rng.integers(0, below, arrays[name].shape)
        arrays = {n: self.rounded(a) for n, a in arrays.items()}
        if self.form == "vjp":
            for k, y in enumerate(self.results({**arrays, **dims})):
                drawn = np.asarray(rng.standard_normal(y.shape))
                arrays[f"{_COTANGENT}{k}"] = self.rounded(drawn).astype(float)
        return arrays

    # -- calls --------------------------------------------------------------------------------

    def rounded(self, a: Array) -> Array:
        """An array in the precision of the check, as double; integers stay what they are."""
        if a.dtype.kind != "f" or self.dtype == np.float64:
            return a
        return np.asarray(a.astype(self.dtype).astype(float))

    def sizes(self, given: Given) -> Dims:
        """The sizes of symbolic dims that the inputs have."""
        return {
            str(dim): size for t in self.inputs
            for dim, size in zip(t.shape, np.shape(given[t.name or ""]), strict=True)
            if not isinstance(dim, int)
        }

    def given(self, given: Given) -> dict[str, Any]:
        """The arguments in the precision of the check, and sizes; no cotangents."""
        return self.sizes(given) | {
            n: self._cast(np.asarray(a)) if isinstance(a, (np.ndarray, np.generic)) else a
            for n, a in given.items() if not n.startswith(_COTANGENT)
        }

    def _cast(self, a: Array) -> Array:
        return a.astype(self.dtype) if a.dtype.kind == "f" else a

    def results(self, given: Given) -> list[Array]:
        """What the function returns, as a list of arrays; only a ``vjp`` may have several."""
        with _told(given):
            found = self.value(self.given(given))
        if isinstance(found, Mapping):
            found = tuple(found.values())
        several = isinstance(found, (tuple, list)) and self.form == "vjp"
        arrays = [real_array(y, "the function's value") for y in (found if several else [found])]
        if self.form == "gradient" and arrays[0].size != 1:
            raise InputError(
                f"the function's value has shape {arrays[0].shape} here and was a scalar before"
            )
        return arrays

    def cotangents(self, given: Given) -> list[Array]:
        return [a for n, a in given.items() if n.startswith(_COTANGENT)]

    def first(self, given: Given) -> list[Any]:
        """What a ``vjp`` takes before the inputs: a cotangent, or a tuple of them."""
        if self.form != "vjp":
            return []
        found = [self._cast(np.asarray(c)) for c in self.cotangents(given)]
        return [tuple(found) if len(found) > 1 else found[0]]

    def claim(self, given: Given) -> dict[str, Array]:
        """The claimed derivatives, by name."""
        with _told(given):
            result = self.claimed(self.given(given), *self.first(given))
        return by_name(result, self.wrt_names, self.names, self.name)

    def but(self, **changes: Any) -> Foreign:
        """The same with some fields changed."""
        return replace(self, **changes)


@contextmanager
def _told(given: Given) -> Iterator[None]:
    """Errors of somebody's code, with the shapes at which they were raised."""
    try:
        yield
    except Exception as error:
        shapes = ", ".join(f"{n} {a.shape}" for n, a in given.items() if isinstance(a, np.ndarray))
        error.add_note(f"called by check_gradient with {shapes}")
        raise


def sizes_of(inputs: Sequence[Tensor], arrays: Mapping[str, Array]) -> Dims:
    """The sizes of symbolic dims at given arrays.

    Raises InputError for a missing or unknown array, and for shapes that contradict each other.
    """
    names = [t.name or "" for t in inputs]
    if missing := [n for n in names if n not in arrays]:
        raise InputError(f"no array given for {', '.join(missing)}")
    if unknown := [n for n in arrays if n not in names]:
        raise InputError(f"an array is given for {', '.join(unknown)}, which shapes does not have")
    found: Dims = {}
    for t in inputs:
        shape = arrays[t.name or ""].shape
        if len(shape) != t.ndim:
            raise InputError(f"{t.name} has {t.ndim} axes by its declaration, not {len(shape)}")
        for dim, size in zip(t.shape, shape, strict=True):
            expected = dim if isinstance(dim, int) else found.setdefault(str(dim), size)
            if expected != size:
                raise InputError(f"{t.name} has length {size} where {dim} is {expected}")
    return found
