"""All derivations of the book on a few processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, as_completed
from typing import Any

from mathdl.book.checking import Outcome, check

PROCESSES = 2
Check = Callable[[Any, int], Outcome]


def run(
    entries: Sequence[Any], processes: int | None = None, seed: int = 0, how: Check = check
) -> Iterator[Outcome]:
    """The outcomes of what is checked so, as they are found."""
    count = processes if processes is not None else min(PROCESSES, os.cpu_count() or 1)
    if count <= 1 or len(entries) <= 1:
        yield from (how(entry, seed) for entry in entries)
        return
    context = multiprocessing.get_context("spawn")
    size = min(count, len(entries))
    with ProcessPoolExecutor(size, context, initializer=_leave_interrupts) as pool:
        waiting = {pool.submit(how, entry, seed): entry for entry in entries}
        try:
            for done in as_completed(waiting):
                yield _outcome(done, waiting[done])
        finally:
            for future in waiting:
                future.cancel()


def _outcome(done: Future[Outcome], entry: Any) -> Outcome:
    try:
        return done.result()
    except BrokenExecutor as error:  # killed, as by a lack of memory
        return Outcome(entry.name, (f"a process ended before this was checked: {error}",))


def _leave_interrupts() -> None:
    """An interrupt is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
