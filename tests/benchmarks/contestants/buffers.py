"""Buffers that start at a cache line.

``np.empty`` starts at any multiple of 16 bytes.  A loop over three arrays with 64-byte vector
instructions takes twice as long when the loads straddle cache lines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

LINE = 64
BUFFER = 1024


def empty(shape: Any, dtype: Any) -> Any:
    """An uninitialised array whose data start at a multiple of 64 bytes."""
    size = int(np.prod(shape, dtype=int)) * np.dtype(dtype).itemsize
    raw = np.empty(size + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + size].view(dtype).reshape(shape)


def full(shape: Any, value: float, dtype: Any) -> Any:
    """An array of one number, at a multiple of 64 bytes."""
    array = empty(shape, dtype)
    array.fill(value)
    return array


def zeros(shape: Any, dtype: Any) -> Any:
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: Any) -> Any:
    return full(shape, 1, dtype)


def broadcasting(run: Callable[..., Any]) -> Callable[..., Any]:
    """``run`` with a ufunc buffer of 1024 elements.

    NumPy copies the broadcast operand of ``A*row`` or ``A*column`` into this buffer when it holds
    several rows of ``A``, which costs more than the product; with the usual 8192 elements rows of
    up to 4096 are copied.
    """

    def call(**arrays: Any) -> Any:
        before = np.setbufsize(BUFFER)
        try:
            return run(**arrays)
        finally:
            np.setbufsize(before)

    return call
