"""Random instances: arrays that satisfy what is assumed of each input.

Entries are of moderate size and matrices well conditioned, so that a claim is tested where
rounding does not hide errors; the hints (``large``, ``tiny``) ask for harder instances.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sympy import KroneckerDelta

from mathdl.errors import AssumptionError, InputError
from mathdl.ir.assumptions import closure
from mathdl.ir.dim import Dim
from mathdl.ir.index import bound_index, linear, out_index, slot, slots_in
from mathdl.ir.system import inputs_of, topological
from mathdl.ir.tensor import Tensor

Array = npt.NDArray[Any]
Manner = Literal["normal", "positive", "unit"]
_Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]


def sample(
    inputs: Sequence[Tensor],
    dims: Mapping[str, int],
    rng: np.random.Generator,
    *,
    outputs: Iterable[Tensor] = (),
    manner: Manner = "normal",
    dtype: npt.DTypeLike = np.float64,
) -> dict[str, Array]:
    """One array per input, by name, with the assumptions of each.

    ``outputs`` are what will be computed: integer inputs that index an axis there are drawn
    below its length.  ``manner`` says how entries are drawn of which nothing is assumed: normal,
    positive, or between 0 and 1 (for a function whose domain is smaller than declared).

    Integers that are declared so or used as an index are ``int64``, everything else ``dtype``.

    Raises InputError for a dim without a size, AssumptionError for assumptions that contradict
    each other or the drawing of which is not known.
    """
    limits = index_limits(outputs, dims)
    arrays: dict[str, Array] = {}
    for tensor in inputs:
        name = tensor.name or ""
        shape = concrete(tensor.shape, dims)
        if id(tensor) in limits:
            arrays[name] = rng.integers(0, limits[id(tensor)], shape, dtype=np.int64)
            continue
        drawn = draw(rng, shape, tensor.assume, manner)
        broken = [a for a in sorted(closure(tensor.assume)) if not satisfies(drawn, a)]
        if broken:
            raise AssumptionError(
                f"cannot draw {name} with {', '.join(sorted(tensor.assume))}: "
                f"{' and '.join(broken)} does not hold at shape {shape}"
            )
        arrays[name] = drawn.astype(np.int64 if "integer" in tensor.assume else dtype)
    return arrays


def size_of(dim: Dim, dims: Mapping[str, int]) -> int:
    """The concrete length of a dim; a dim without a size or not a natural number is refused."""
    if isinstance(dim, int):
        return dim
    missing = sorted(s.name for s in dim.free_symbols if s.name not in dims)
    if missing:
        raise InputError(f"no size given for the dim {', '.join(missing)}")
    value = dim.subs({s: dims[s.name] for s in dim.free_symbols})
    if not value.is_Integer or value < 1:
        raise InputError(f"the dim {dim} is {value}, not a positive integer")
    return int(value)


def concrete(shape: Iterable[Dim], dims: Mapping[str, int]) -> tuple[int, ...]:
    """A shape with every dim replaced by its size."""
    return tuple(size_of(dim, dims) for dim in shape)


def index_limits(outputs: Iterable[Tensor], dims: Mapping[str, int]) -> dict[int, int]:
    """For each input (by id) whose entries index an axis: how many values are in range."""
    limits: dict[int, int] = {}
    for tensor in topological(outputs):
        if tensor.recurrence is not None:
            inside = index_limits([*tensor.recurrence.nexts, tensor.emitted], dims)
            for given, access in zip(tensor.recurrence.inputs, tensor.operands, strict=True):
                if id(given) in inside:
                    for source in inputs_of([access.tensor]):
                        allowed = inside[id(given)]
                        limits[id(source)] = min(limits.get(id(source), allowed), allowed)
        for index, extent in _addressed(tensor):
            for k in slots_in(index):
                allowed = _values_in_range(index, slot(k), size_of(extent, dims), dims)
                for source in inputs_of([tensor.operands[k].tensor]):
                    limits[id(source)] = min(limits.get(id(source), allowed), allowed)
    return limits


def _addressed(tensor: Tensor) -> Iterator[tuple[Any, Dim]]:
    """What is an index in an equation, by access or by Kronecker delta, with its axis' length."""
    for access in tensor.operands:
        yield from zip(access.index, access.tensor.shape, strict=False)
    if tensor.definition is not None:
        ranges = {
            **{out_index(k): dim for k, dim in enumerate(tensor.shape)},
            **{bound_index(k): dim for k, dim in enumerate(tensor.definition.extents)},
        }
        for delta in tensor.definition.body.atoms(KroneckerDelta):
            for index, other in (delta.args, delta.args[::-1]):
                if index in ranges:
                    yield other, ranges[index]


def _values_in_range(index: Any, symbol: Any, length: int, dims: Mapping[str, int]) -> int:
    """How many values ``0, 1, ...`` of ``symbol`` keep an affine index below ``length``."""
    parts = linear(index, symbol)
    if parts is None:
        return length
    slope, rest = (p.subs({s: dims[s.name] for s in p.free_symbols if s.name in dims})
                   for p in parts)
    if not (slope.is_Integer and slope > 0 and rest.is_Integer):
        return length
    return max(1, (length - 1 - int(rest)) // int(slope) + 1)


# -- entries --------------------------------------------------------------------------------


def _one_hot(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]


def _simplex(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    weights = rng.uniform(0.2, 1.0, shape)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _table(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    weights = rng.uniform(0.2, 1.0, shape)
    return np.asarray(weights / weights.sum())


# The first that is assumed decides; the more particular come first.
_ENTRIES: tuple[tuple[str, _Draw], ...] = (
    ("one_hot", _one_hot),
    ("probability_vector", _simplex),
    ("probability_table", _table),
    ("causal_mask", lambda rng, s: np.broadcast_to(np.tri(s[-1]), s).copy()),
    ("sign_labels", lambda rng, s: rng.choice([-1.0, 1.0], s)),
    ("binary", lambda rng, s: rng.integers(0, 2, s).astype(float)),
    ("counts", lambda rng, s: rng.poisson(3.0, s).astype(float)),
    ("large_positive", lambda rng, s: rng.uniform(20.0, 30.0, s)),
    ("greater_than_one", lambda rng, s: rng.uniform(1.1, 3.0, s)),
    ("unit_interval", lambda rng, s: rng.uniform(0.05, 0.95, s)),
    ("positive", lambda rng, s: rng.uniform(0.25, 2.5, s)),
    ("nonnegative", lambda rng, s: rng.uniform(0.0, 2.5, s)),
    ("minus_one_one", lambda rng, s: rng.uniform(-0.9, 0.9, s)),
)
_MANNERS: dict[str, _Draw] = {
    "normal": lambda rng, s: rng.standard_normal(s),
    "positive": lambda rng, s: rng.uniform(0.25, 2.5, s),
    "unit": lambda rng, s: rng.uniform(0.05, 0.95, s),
}
_SCALES = {"small": 0.1, "tiny": 1e-8, "large": 300.0}


def draw(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    assume: Iterable[str],
    manner: Manner = "normal",
) -> Array:
    """An array with the assumptions; :func:`satisfies` tells whether a combination worked."""
    facts = closure(assume)
    law = next((law for name, law in _ENTRIES if name in facts), _MANNERS[manner])
    entries = np.asarray(law(rng, shape), dtype=float)
    if "integer" in facts and law is _MANNERS[manner]:
        entries = rng.integers(-3, 4, shape).astype(float)
    elif "integer" in facts:
        entries = np.ceil(entries) if "positive" in facts else np.rint(entries)
    for name, scale in _SCALES.items():
        if name in facts:
            entries = np.asarray(entries * scale)
    if "causal_mask" in facts or not facts & _STRUCTURES:
        return entries
    return _structured(rng, entries, facts)


# -- matrices, on the last two axes ----------------------------------------------------------

_STRUCTURES = {
    "symmetric", "positive_definite", "invertible", "orthogonal", "lower_triangular", "diagonal",
}


def _structured(rng: np.random.Generator, entries: Array, facts: frozenset[str]) -> Array:
    size = entries.shape[-1]
    free = not facts & {"nonnegative", "integer"}
    if "orthogonal" in facts:
        if "positive_definite" in facts:
            return np.broadcast_to(np.eye(size), entries.shape).copy()
        if "diagonal" in facts or "lower_triangular" in facts:
            return np.asarray(np.eye(size) * rng.choice([-1.0, 1.0], (*entries.shape[:-1], 1)))
        rotation = _orthogonal(rng, entries.shape)
        if "symmetric" in facts:
            signs = rng.choice([-1.0, 1.0], (*entries.shape[:-2], 1, size))
            return _symmetrised((rotation * signs) @ _transposed(rotation))
        return rotation
    if "adjacency" in facts:
        upper = np.triu(entries, 1)
        return np.asarray(upper + _transposed(upper))
    if "diagonal" in facts or "lower_triangular" in facts:
        return _triangular(entries, facts, free)
    if "positive_definite" in facts:
        if free:
            return _spectral(rng, entries.shape, signed=False)
        return np.asarray(_symmetrised(entries) / size + np.ceil(entries.max()) * np.eye(size))
    if "invertible" in facts:
        if free and "symmetric" in facts:
            return _spectral(rng, entries.shape, signed=True)
        if free:
            left, right = _orthogonal(rng, entries.shape), _orthogonal(rng, entries.shape)
            return np.asarray((left * rng.uniform(0.5, 2.0, (*entries.shape[:-1], 1))) @ right)
        dominant = np.asarray(entries + np.ceil(size * entries.max() + 1) * np.eye(size))
        return _symmetrised(dominant) if "symmetric" in facts else dominant
    lower = np.tril(entries)
    return np.asarray(lower + _transposed(np.tril(entries, -1)))


def _triangular(entries: Array, facts: frozenset[str], free: bool) -> Array:
    """Lower triangular or diagonal; the diagonal away from 0 where the inverse must exist."""
    size = entries.shape[-1]
    below = 0.0 if "diagonal" in facts else np.tril(entries, -1)
    main = np.einsum("...ii->...i", entries)
    if "positive_definite" in facts:
        main = np.abs(main) + 0.5
    elif "invertible" in facts:
        main = np.where(main < 0, main - 0.5, main + 0.5) if free else main + 1
        below = below / size if free else below
    return np.asarray(below + np.eye(size) * main[..., None, :])


def _transposed(matrix: Array) -> Array:
    return np.swapaxes(matrix, -1, -2)


def _symmetrised(matrix: Array) -> Array:
    return np.asarray((matrix + _transposed(matrix)) / 2)


def _orthogonal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.linalg.qr(rng.standard_normal(shape))[0]


def _spectral(rng: np.random.Generator, shape: tuple[int, ...], signed: bool) -> Array:
    """Symmetric with eigenvalues of size 0.5 to 2, far enough from each other and from 0."""
    size = shape[-1]
    spread = np.linspace(0.5, 2.0, size) + rng.uniform(0.0, 0.5 / size, (*shape[:-2], size))
    if signed:
        spread = spread * rng.choice([-1.0, 1.0], spread.shape)
    basis = _orthogonal(rng, shape)
    return _symmetrised((basis * spread[..., None, :]) @ _transposed(basis))


# -- what each fact says of an array ------------------------------------------------------------


def _close(a: Array, b: Array | float) -> bool:
    """Equal but for the rounding of the few operations that drew the array."""
    size = 1.0 + float(np.max(np.abs(a), initial=0.0))
    room = np.finfo(float).eps * size * 64 * max(1, a.shape[-1] if a.ndim else 1)
    return bool(np.all(np.abs(a - b) <= room))


_LAWS: dict[str, Callable[[Array], bool]] = {
    "positive": lambda a: bool(np.all(a > 0)),
    "nonnegative": lambda a: bool(np.all(a >= 0)),
    "unit_interval": lambda a: bool(np.all((a >= 0) & (a <= 1))),
    "probability_vector": lambda a: _close(a.sum(axis=-1), 1.0),
    "one_hot": lambda a: bool(np.all(a.sum(axis=-1) == 1) and np.all((a == 0) | (a == 1))),
    "binary": lambda a: bool(np.all((a == 0) | (a == 1))),
    "integer": lambda a: bool(np.all(a == np.rint(a))),
    "symmetric": lambda a: bool(np.all(a == _transposed(a))),
    "positive_definite": lambda a: bool(np.all(np.linalg.eigvalsh(a) > 0)),
    "invertible": lambda a: bool(np.all(np.abs(np.linalg.slogdet(a)[0]) == 1)),
    "orthogonal": lambda a: _close(_transposed(a) @ a, np.eye(a.shape[-1])),
    "lower_triangular": lambda a: bool(np.all(np.triu(a, 1) == 0)),
    "diagonal": lambda a: bool(np.all(a * (1 - np.eye(a.shape[-1])) == 0)),
    "causal_mask": lambda a: bool(np.all(a == np.tri(a.shape[-1]))),
}


def satisfies(array: Array, assumption: str) -> bool:
    """Whether an array has the assumption; a hint without a law is always satisfied."""
    law = _LAWS.get(assumption)
    return law is None or law(array)
