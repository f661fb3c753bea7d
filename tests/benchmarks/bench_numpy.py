"""Generated NumPy against careful hand-written NumPy: the loss and all its gradients.

    python tests/benchmarks/bench_numpy.py [--dtype float64|float32|both] [--only NAME] [--source]

The contestants are checked against each other, then timed in turn in one process on one thread.
``plan`` is the generated computation bound to its dims, with the outputs given; ``call`` is the
public call with ``out=``.  A ratio is the median over rounds of the time over the hand-written
code's; in brackets the ratio of the fastest rounds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from agreement import Result, disagreement
from contestants import PROBLEMS, Dims, Problem, buffers
from expressions import derivation
from timing import Times, race, use_one_thread

TARGET = 1.15


def check(result: Result, expected: Result, dtype: str, who: str) -> None:
    """Refuse to time contestants whose values or gradients differ."""
    wrong = disagreement(result, expected, dtype)
    if wrong:
        raise SystemExit(f"{who}, {dtype}: {wrong}")


def compete(problem: Problem, dtype: str, dims: Dims, rounds: int) -> Times:
    """Check the contestants on one set of inputs, then time them."""
    arrays, wrt = problem.inputs(dims, dtype), problem.wrt(dims)
    hand = problem.hand(dims, np.dtype(dtype))
    compiled = derivation(problem.name, wrt).compile()
    outs = {
        name: buffers.empty(arrays[name].shape, dtype) for name in wrt if arrays[name].ndim
    }
    ordered = [arrays[name] if arrays[name].ndim else arrays[name][()] for name in compiled.inputs]
    plan, given = compiled.plan(*ordered), [*ordered, *outs.values()]
    others = {name: make(dims, np.dtype(dtype)) for name, make in problem.others.items()}
    expected = hand(**arrays)
    value, *gradients = plan(*given)
    check((value, dict(zip(wrt, gradients, strict=True))), expected, dtype, f"{problem.name} plan")
    check(compiled(**arrays, out=outs), expected, dtype, f"{problem.name} call")
    for name, run in others.items():
        check(run(**arrays), expected, dtype, f"{problem.name} {name}")
    contestants: dict[str, Callable[[], Any]] = {
        "hand": lambda: hand(**arrays),
        "plan": lambda: plan(*given),
        "call": lambda: compiled(**arrays, out=outs),
    }
    for name, run in others.items():
        contestants[name] = lambda run=run: run(**arrays)
    return race(contestants, rounds)


def row(problem: Problem, dtype: str, times: Times) -> str:
    """One line of the table."""
    cells = [f"{problem.name:12s} {dtype:8s} {times.best('hand') * 1e6:10.1f} us"]
    for name in ("plan", "call", *problem.others):
        ratio, best = times.ratio(name, "hand"), times.best_ratio(name, "hand")
        cells.append(f"{name} {ratio:5.2f} ({best:.2f})")
    return "   ".join(cells)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dtype", choices=["float64", "float32", "both"], default="both")
    parser.add_argument("--only", choices=[p.name for p in PROBLEMS], action="append")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--small", action="store_true", help="small dims, to see it run")
    parser.add_argument("--source", action="store_true", help="print the generated code instead")
    options = parser.parse_args()
    use_one_thread()
    chosen = [p for p in PROBLEMS if options.only is None or p.name in options.only]
    if options.source:
        for problem in chosen:
            print(derivation(problem.name, problem.wrt(problem.dims)).compile().source)
        return 0
    dtypes = ["float64", "float32"] if options.dtype == "both" else [options.dtype]
    worst: tuple[float, str] = (0.0, "")
    print("hand-written time (fastest round); ratios to it, median over rounds (fastest rounds)")
    for problem in chosen:
        for dtype in dtypes:
            dims = problem.small if options.small else problem.dims
            times = compete(problem, dtype, dims, options.rounds)
            print(row(problem, dtype, times), flush=True)
            worst = max(worst, (times.ratio("plan", "hand"), f"{problem.name} {dtype}"))
    print(f"worst ratio (plan): {worst[0]:.2f}, {worst[1]}; aim: {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
