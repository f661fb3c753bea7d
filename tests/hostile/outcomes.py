"""What becomes of a hostile request: a result, an error of mathdl, or a finding."""

from __future__ import annotations

import math
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from corpus import Case

import mathdl as md
from mathdl.errors import MathDLError
from mathdl.verify.dims import choose_dims
from mathdl.verify.sampling import concrete, sample

LONGEST = 400  # characters of a message
ENTRIES = 10_000  # of the largest array that is made
READING, DERIVING = 2.0, 40.0  # seconds of processor time
FORBIDDEN = ("open", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.remove",
             "subprocess.", "socket.", "shutil.", "ctypes.")


class TooSlowError(BaseException):
    """The time is up; nothing that catches exceptions may catch it."""


class Watch:
    """Notes what Python's audit events tell of files, processes and code while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        late = str(arguments[:1]).endswith((".py',)", ".pyc',)", ".so',)"))  # a module
        if event == "exec" and not arguments[0].co_filename.startswith(("/", "<frozen")):
            self.seen.append(f"exec {arguments[0].co_filename}")
        if event.startswith(FORBIDDEN) and not late and arguments[:1] != ("",):
            self.seen.append(f"{event} {arguments!r:.80}")


WATCH = Watch()


@contextmanager
def limited(seconds: float, watched: bool) -> Iterator[None]:
    """At most so much processor time; what is executed or opened while watched is a fault."""

    def stop(*_: object) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    WATCH.seen.clear()
    WATCH.on = watched
    try:
        yield
    finally:
        WATCH.on = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def attempt(action: Callable[[], Any], seconds: float, watched: bool = False) -> tuple[str, Any]:
    """``ok`` and the result, the name of mathdl's error and it, or a finding and its trace."""
    try:
        with limited(seconds, watched), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = action()
        kind: str = "ok"
    except MathDLError as error:
        result, kind = error, type(error).__name__
        if not str(error).isprintable() or not 0 < len(str(error)) <= LONGEST:
            return "FINDING message", repr(str(error))[:1000]
    except TooSlowError:
        return "FINDING slow", traceback.format_exc(limit=-12)
    except Exception as error:
        return f"FINDING {type(error).__name__}", traceback.format_exc(limit=-6)
    if WATCH.seen:
        return "FINDING executed", "; ".join(WATCH.seen)
    return kind, result


def read(case: Case) -> tuple[str, Any]:
    return attempt(lambda: md.parse(case.text, case.shapes, case.assume), READING, True)


def derived(case: Case, expr: Any) -> tuple[str, Any]:
    """What becomes of an expression that was read: derived, printed, compiled and run."""

    def all_of_it() -> str:
        D = md.derive(expr, case.wrt, case.order)
        shown = D.text() + D.latex()
        made = D.compile()
        try:
            tensors = [*D.outputs.values(), *D.derivatives.values(), *D.inputs]
            (dims,) = choose_dims(tensors, count=1)
            sizes = [math.prod(concrete(t.shape, dims)) for t in tensors]
        except MathDLError:
            return "compiled"
        if max(sizes) > ENTRIES:
            return "compiled"
        drawn = sample(list(D.inputs), dims, np.random.default_rng(0), outputs=D.outputs.values())
        with np.errstate(all="ignore"):
            try:
                free = made.namespace[made.function].__kwdefaults__ or {}
                made(**drawn, **{k: v for k, v in dims.items() if k in free})
            except np.linalg.LinAlgError:
                return "ran into a singular matrix"
        assert shown
        return "ran"

    kind, result = attempt(all_of_it, DERIVING)
    return (result, None) if kind == "ok" else (kind, result)


def outcome(case: Case, deep: bool) -> tuple[str, Any]:
    kind, result = read(case)
    if kind == "ok" and deep:
        return derived(case, result)
    return ("read", None) if kind == "ok" else (kind, result)
