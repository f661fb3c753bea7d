"""Inputs that stand for what a function is given: a state, an entry at a time, one instance.

They are replaced when the function has returned, so they mean something only while it runs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from mathdl.errors import NamingError
from mathdl.ir.dim import Shape, show_shape
from mathdl.ir.system import inputs_of
from mathdl.ir.tensor import Tensor, input_tensor

_COUNT = itertools.count()
_MARK = "__"  # the name of no declared tensor starts so
_GIVEN: ContextVar[frozenset[Tensor]] = ContextVar("given", default=frozenset())


def fresh(stem: str, shape: Shape, assume: Iterable[str] = ()) -> Tensor:
    """An input that nothing else is."""
    return input_tensor(f"{_MARK}{stem}{next(_COUNT):09d}", shape, assume)


@contextmanager
def given(tensors: Iterable[Tensor]) -> Iterator[None]:
    """While the function runs that is given these, they may be computed with."""
    before = _GIVEN.set(_GIVEN.get().union(tensors))
    try:
        yield
    finally:
        _GIVEN.reset(before)


def require_closed(outputs: Iterable[Tensor]) -> None:
    """Raise NamingError where a stand-in is read outside of the function that was given it."""
    for tensor in inputs_of(outputs):
        name = tensor.name or ""
        if name.startswith(_MARK) and tensor not in _GIVEN.get():
            what = name.strip("_0123456789")
            raise NamingError(
                f"what scan or vmap gave to a function, the {what} of shape "
                f"{show_shape(tensor.shape)}, is used outside of it; let the function return "
                "what is wanted of it"
            )
