"""Symbolic work is done by one thread at a time.

SymPy evaluates constants with mpmath, whose working precision is one for all threads: two that
evaluate at once may leave each other's.  Generated code is numeric and needs no lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")
_LOCK = threading.RLock()


def serial(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The function, which other threads wait for; it may call others of the kind."""

    @wraps(function)
    def alone(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with _LOCK:
            return function(*args, **kwargs)

    return alone
