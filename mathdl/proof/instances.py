"""Random instances at which a proof's steps are evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

from mathdl.errors import InputError
from mathdl.ir.index import slot_number
from mathdl.ir.system import with_steps
from mathdl.ir.tensor import Tensor
from mathdl.proof.evaluate import Array, Evaluator

MANNERS = ("any sign", "positive", "below one")


def dims_of(tensors: Sequence[Tensor]) -> tuple[list[Any], list[Any]]:
    """The symbolic dims of tensors, and what must be at least 0."""
    symbols: set[Any] = set()
    least: dict[Any, None] = {}
    for tensor in with_steps(tensors):
        exprs = [*tensor.shape]
        if tensor.definition is not None:
            exprs += [*tensor.definition.extents]
            symbols |= {s for s in tensor.definition.body.free_symbols
                        if s.is_positive and s.is_integer and slot_number(s) is None}
        for dim in exprs:
            symbols |= sympy.sympify(dim).free_symbols
            if not isinstance(dim, int) and not dim.is_Symbol:
                least.setdefault(dim - 1)
        least.update((r.expr, None) for r in tensor.requires)
    return sorted(symbols, key=str), list(least)


def sizes_for(tensors: Sequence[Tensor], rng: np.random.Generator, most: int) -> dict[Any, int]:
    """Sizes of the dims that satisfy all conditions, distinct where they can be."""
    symbols, least = dims_of(tensors)
    for attempt in range(400):
        top = most + attempt // 40
        choice = rng.permutation(np.arange(1, max(top, len(symbols)) + 1))[: len(symbols)]
        sizes = dict(zip(symbols, map(int, choice), strict=True))
        exact = {s: sympy.Integer(n) for s, n in sizes.items()}
        values = [sympy.sympify(e).xreplace(exact) for e in least]
        if all(v.is_Integer and v >= 0 for v in values):
            return sizes
    raise InputError("no small sizes of the dims fit the conditions of the proof")


def instance(
    tensors: Sequence[Tensor], seed: int, manner: str, most: int = 4
) -> Evaluator:
    """An evaluator of ``tensors`` and all that is below them at random inputs.

    Inputs of one name are one array, with the assumptions of all.
    """
    rng = np.random.default_rng(seed)
    everything = with_steps(tensors)
    sizes = sizes_for(tensors, rng, most)
    assumed: dict[tuple[str, Any], set[str]] = {}
    lengths: dict[str, int] = {}
    for t in everything:
        if t.is_input:
            assumed.setdefault((t.name or "", t.shape), set()).update(t.assume)
        for access in t.operands:
            for e, dim in zip(access.index, access.tensor.shape, strict=True):
                for s in getattr(e, "free_symbols", ()):
                    k = slot_number(s)
                    if k is not None:
                        for source in with_steps([t.operands[k].tensor]):
                            if source.is_input:
                                name = source.name or ""
                                size = int(sympy.sympify(dim).xreplace(sizes))
                                lengths[name] = min(lengths.get(name, size), size)
    arrays: dict[tuple[str, Any], Array] = {}

    def inputs(tensor: Tensor) -> Array:
        key = (tensor.name or "", tensor.shape)
        if key not in arrays:
            shape = tuple(int(sympy.sympify(d).xreplace(sizes)) for d in tensor.shape)
            own = np.random.default_rng([seed, *map(ord, key[0])])
            arrays[key] = _array(shape, assumed.get(key, set()), own, manner, lengths.get(key[0]))
        return arrays[key]

    return Evaluator(inputs, sizes)


def _array(
    shape: tuple[int, ...], assumed: set[str], rng: np.random.Generator, manner: str,
    below: int | None,
) -> Array:
    if below is not None:
        return rng.integers(0, below, shape).astype(float)
    if "one_hot" in assumed:
        return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
    if "probability_vector" in assumed:
        weights = rng.uniform(0.2, 1, shape)
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
    if "binary" in assumed:
        return rng.integers(0, 2, shape).astype(float)
    if "integer" in assumed:
        return rng.integers(0, 2, shape).astype(float)
    if "unit_interval" in assumed:
        return rng.uniform(0.1, 0.9, shape)
    positive = manner == "positive" or assumed & {"positive", "nonnegative"}
    if manner == "below one":
        values = rng.uniform(0.05, 0.6, shape)
    else:
        values = rng.uniform(0.3, 1.6, shape) if positive else rng.normal(0, 0.8, shape)
    square = len(shape) > 1 and shape[-1] == shape[-2]
    if not square or not assumed:
        return values
    turned = np.swapaxes(values, -1, -2)
    eye = np.eye(shape[-1])
    if "orthogonal" in assumed:
        return np.linalg.qr(rng.normal(size=shape))[0]
    if "positive_definite" in assumed and "diagonal" not in assumed:
        return np.asarray(values @ turned + 0.5 * eye)
    if "diagonal" in assumed:
        return np.asarray(np.abs(values) * eye + eye / 4)
    if "symmetric" in assumed:
        return np.asarray((values + turned) / 2)
    if "lower_triangular" in assumed:
        return np.asarray(np.tril(values) + eye)
    return values
