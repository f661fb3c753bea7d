"""The same bytes under any hash seed, in any order, after anything, and in threads."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import mpmath
import numpy as np
import pytest
from sympy.core.cache import clear_cache

import mathdl as md
from derivations import by_operators, derivation, digests, in_order, printed, problems
from mathdl.errors import MathDLError
from mathdl.ir.index import slot, slot_number
from mathdl.verify.dims import choose_dims
from mathdl.verify.sampling import sample

HERE = Path(__file__).parent
FEW, MANY = 0, 4
THREADS = 8


def elsewhere(step: int, hash_seed: int) -> Any:
    """The digests by another process, in another order."""
    path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    ran = subprocess.run(
        [sys.executable, str(HERE / "derivations.py"), str(step), str(hash_seed)],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": path},
        capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def same_elsewhere(step: int, seeds: tuple[int, ...]) -> None:
    expected = in_order(step, 0)
    for seed in seeds:
        found = elsewhere(step, seed)
        for k, problem in enumerate(problems(step)):
            assert found[k] == expected[k], problem
    gc.collect()
    assert in_order(step, 99) == expected


def test_hash_seeds() -> None:
    same_elsewhere(FEW, (1,))


@pytest.mark.exhaustive
def test_hash_seeds_in_full() -> None:
    same_elsewhere(MANY, (0, 1, 2, 12345))


def test_the_order_of_inputs_is_that_of_names() -> None:
    """Not that in which some earlier expression, which is still there, made them."""
    n = md.dims("n")
    kept = md.tensor("zeta", n), md.tensor("beta", n)
    made = md.derive(md.sum(md.tensor("beta", n) * md.tensor("zeta", n)), wrt="beta")
    assert made.compile().inputs == ("beta", "zeta")
    assert kept


# -- threads -----------------------------------------------------------------------------------


@contextmanager
def switching(seconds: float) -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def together(work: Callable[[int], None], count: int = THREADS) -> None:
    """``work(k)`` in so many threads at once; the first error of any is raised."""
    errors: list[BaseException] = []
    ready = threading.Barrier(count)

    def one(k: int) -> None:
        ready.wait()
        try:
            work(k)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(k,)) for k in range(count)]
    with switching(1e-6):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]


def results(problem: Any) -> bytes:
    """What the code of a problem computes at one instance."""
    try:
        D = derivation(problem)
        (dims,) = choose_dims([*D.outputs.values(), *D.derivatives.values()], count=1)
        arrays = sample(D.inputs, dims, np.random.default_rng(0), outputs=D.outputs.values())
    except MathDLError as error:
        return str(error).encode()
    with np.errstate(all="ignore"):
        try:
            return repr(D.compile()(**arrays)).encode()
        except (np.linalg.LinAlgError, TypeError) as error:
            return str(error).encode()


def threads_agree(step: int, rounds: int) -> None:
    """Threads first, while nothing is known; then the same serially."""
    chosen = problems(step)
    found: dict[tuple[int, int, int], tuple[Any, bytes]] = {}

    def work(worker: int) -> None:
        order = list(range(len(chosen)))
        if worker % 2:
            Random(worker).shuffle(order)
        for turn in range(rounds):
            for k in order:
                full = (k + worker) % 4 == 0
                found[worker, turn, k] = digests(chosen[k], full), results(chosen[k])

    together(work)
    assert len(found) == THREADS * rounds * len(chosen)
    for k, problem in enumerate(chosen):
        everything, computed = digests(problem), results(problem)
        for (_, _, number), (printed_there, computed_there) in found.items():
            if number == k:
                assert printed_there.items() <= everything.items(), problem
                assert computed_there == computed, problem


def test_threads() -> None:
    threads_agree(FEW, 1)


@pytest.mark.exhaustive
def test_threads_in_full() -> None:
    threads_agree(2 * MANY, 3)


def test_the_precision_of_mpmath_is_left_alone() -> None:
    """SymPy evaluates with mpmath, whose precision is one for all threads."""
    texts = [f"x*erf({a}/7)*digamma({a}/11) + gammaln({a}/13)" for a in range(8, 40)]

    def work(k: int) -> None:
        clear_cache()
        for text in texts[k % 3 :]:
            md.parse(text, "x: n")

    for _ in range(3):
        together(work)
    assert mpmath.mp.prec == 53


def test_slots_are_numbered_once() -> None:
    together(lambda _: [slot(k) for k in range(3000, 6000)])
    assert all(slot_number(slot(k)) == k for k in range(3000, 6000))


def test_one_compiled_function_in_threads() -> None:
    """Buffers belong to threads: calls of different sizes and types at once do not mix."""
    code = by_operators().compile()
    rng = np.random.default_rng(0)
    cases = []
    for k in range(THREADS):
        shape = {"X": (3 + k % 3, 2), "W": (2, 4), "b": (4,), "Y": (3 + k % 3, 4)}
        arrays = {name: rng.normal(size=s).astype(np.float32 if k % 4 == 0 else np.float64)
                  for name, s in shape.items()}
        cases.append((arrays, code(**arrays)))

    def work(k: int) -> None:
        arrays, (value, gradients) = cases[k]
        for _ in range(200):
            again, more = code(**arrays)
            assert again == value
            for name in gradients:
                np.testing.assert_array_equal(more[name], gradients[name])

    together(work)


def test_repeated_runs_and_collection() -> None:
    """The text of a problem is the same when all that is known of it is gone."""
    for problem in problems(FEW)[:2]:
        first = printed(problem)
        gc.collect()
        assert printed(problem) == first
