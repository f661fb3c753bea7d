"""JAX: what ``jax.vjp`` gives, with 64-bit numbers switched on for these calls alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mathdl.extra import extra
from mathdl.foreign.calling import Given
from mathdl.foreign.frameworks import Own


def jax_derivative(call: Callable[..., Any], wrt: Sequence[str]) -> Own:
    """The function and its reverse-mode derivative for arrays by name."""
    jax = extra("jax", "checking a JAX function", "jax")
    wide = jax.enable_x64 if hasattr(jax, "enable_x64") else _experimental().enable_x64

    def arrays(given: Given) -> dict[str, Any]:
        return {n: jax.numpy.asarray(a) if isinstance(a, np.ndarray) else a
                for n, a in given.items()}

    def plain(result: Any) -> Any:
        return jax.tree_util.tree_map(np.asarray, result)

    def value(given: Given) -> Any:
        with wide(True):
            return plain(call(arrays(given)))

    def claimed(given: Given, cotangents: Any) -> dict[str, Any]:
        with wide(True):
            known = arrays(given)
            outputs, pull = jax.vjp(
                lambda *moving: call({**known, **dict(zip(wrt, moving, strict=True))}),
                *(known[n] for n in wrt),
            )
            leaves, tree = jax.tree_util.tree_flatten(outputs)
            seeds = cotangents if isinstance(cotangents, tuple) else (cotangents,)
            cast = [jax.numpy.asarray(c, y.dtype).reshape(y.shape)
                    for y, c in zip(leaves, seeds, strict=True)]
            found = pull(jax.tree_util.tree_unflatten(tree, cast))
            return {n: np.asarray(g) for n, g in zip(wrt, found, strict=True)}

    def converted(claim: Callable[..., Any]) -> Callable[..., Any]:
        def of_arrays(given: Given, *first: Any) -> Any:
            with wide(True):
                seeds = [jax.tree_util.tree_map(jax.numpy.asarray, c) for c in first]
                return plain(claim(arrays(given), *seeds))

        return of_arrays

    return Own(value, claimed, converted, {"jax": str(jax.__version__)})


def _experimental() -> Any:
    return extra("jax.experimental", "checking a JAX function", "jax")
