"""The Hessian of ``sum((T - U @ V.T)**2)`` wrt ``U``, against ``jax.hessian``.

    python tests/benchmarks/bench_hessian.py [--rows N] [--columns M] [--rank R]

The Hessian is ``2 delta_ij (V^T V)_kl``: the generated code computes the ``R x R`` factor and
expands it once.  Both run on one core in float64; JAX is left out when it is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from timing import use_one_thread

import mathdl as md


def use_one_core() -> None:
    """Keep every thread of this process on one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def fastest(call: Callable[[], Any], rounds: int) -> float:
    """Seconds of the fastest call."""
    call()
    found = []
    for _ in range(rounds):
        start = perf_counter()
        call()
        found.append(perf_counter() - start)
    return min(found)


def expected(arrays: dict[str, Any]) -> Any:
    """The Hessian from its closed form."""
    V, (n, r) = arrays["V"], arrays["U"].shape
    return np.einsum("ij,kl->ikjl", np.eye(n), 2 * V.T @ V).reshape(n, r, n, r)


def with_mathdl(arrays: dict[str, Any], rounds: int) -> tuple[float, float, float]:
    """Seconds to derive and compile, of a call, and of a call that writes into given memory."""
    start = perf_counter()
    loss = md.parse("sum((T - U @ V.T)**2)", shapes="T: n m; U: n r; V: m r")
    compiled = md.derive(loss, wrt="U", order=2).compile("grad")
    prepare = perf_counter() - start
    given: dict[str, Any] = {name: arrays[name] for name in compiled.inputs}
    if not {"T", "U"} & set(given):  # the Hessian depends on V alone, whose shape has no n
        given["n"] = len(arrays["U"])
    hessian = compiled(**given)
    np.testing.assert_allclose(hessian, expected(arrays), rtol=1e-12, atol=1e-10)
    out = {"U": np.empty_like(hessian)}
    call = fastest(lambda: compiled(**given), rounds)
    return prepare, call, fastest(lambda: compiled(**given, out=out), rounds)


def with_jax(arrays: dict[str, Any], rounds: int) -> tuple[float, float]:
    """Seconds to trace and compile ``jax.hessian``, and of a call."""
    import jax

    jax.config.update("jax_enable_x64", True)

    def loss(U: Any, T: Any, V: Any) -> Any:
        return ((T - U @ V.T) ** 2).sum()

    given = [jax.device_put(arrays[name]) for name in "UTV"]
    start = perf_counter()
    compiled = jax.jit(jax.hessian(loss)).lower(*given).compile()
    prepare = perf_counter() - start
    np.testing.assert_allclose(compiled(*given), expected(arrays), rtol=1e-10, atol=1e-8)
    return prepare, fastest(lambda: compiled(*given).block_until_ready(), rounds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--columns", type=int, default=200)
    parser.add_argument("--rank", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    use_one_thread()
    use_one_core()
    n, m, r = options.rows, options.columns, options.rank
    rng = np.random.default_rng(0)
    arrays = {
        "T": rng.standard_normal((n, m)), "U": rng.standard_normal((n, r)),
        "V": rng.standard_normal((m, r)),
    }
    prepare, call, given = with_mathdl(arrays, options.rounds)
    print(f"Hessian of shape {(n, r, n, r)}")
    print(f"mathdl       derive and compile {prepare:6.2f} s, call {call * 1e3:8.2f} ms, "
          f"with out= {given * 1e3:8.2f} ms")
    if importlib.util.find_spec("jax") is None:
        print("JAX is not installed: no comparison")
        return 0
    prepare, dense = with_jax(arrays, options.rounds)
    print(f"jax.hessian  trace and compile  {prepare:6.2f} s, call {dense * 1e3:8.2f} ms")
    print(f"ratio mathdl/jax.hessian: {call / dense:.3f}, with out= {given / dense:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
