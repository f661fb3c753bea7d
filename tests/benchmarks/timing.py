"""Timing contestants against each other in one process, on one thread."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import thread_time
from typing import Any

import numpy as np

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def use_one_thread() -> None:
    """Start this program again unless BLAS runs on one thread, by its own choice of kernels."""
    wanted = {k: v for k, v in os.environ.items() if k not in SLOWING}
    wanted |= dict.fromkeys(THREADS, "1")
    if wanted != dict(os.environ):
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], wanted)


@dataclass(frozen=True)
class Times:
    """Seconds for one call of each contestant, one entry a round."""

    rounds: Mapping[str, Any]

    def best(self, name: str) -> float:
        """The fastest round."""
        return float(np.min(self.rounds[name]))

    def ratio(self, name: str, base: str) -> float:
        """The median over rounds of the time of one contestant over another's."""
        return float(np.median(self.rounds[name] / self.rounds[base]))

    def best_ratio(self, name: str, base: str) -> float:
        """The ratio of the fastest rounds."""
        return self.best(name) / self.best(base)


def race(contestants: Mapping[str, Callable[[], Any]], rounds: int, target: float = 2e-3) -> Times:
    """Time the contestants in turn, in alternating order.

    A turn repeats a call until ``target`` seconds have passed.  The clock is the thread's own
    time, so that other programs on the machine do not count.
    """
    repeats = {}
    for name, call in contestants.items():
        call()
        start = thread_time()
        call()
        repeats[name] = max(1, round(target / max(thread_time() - start, 1e-6)))
    found: dict[str, list[float]] = {name: [] for name in contestants}
    order = list(contestants.items())
    for _ in range(rounds):
        for name, call in order:
            count = repeats[name]
            start = thread_time()
            for _ in range(count):
                call()
            found[name].append((thread_time() - start) / count)
        order.reverse()
    return Times({name: np.array(times) for name, times in found.items()})
