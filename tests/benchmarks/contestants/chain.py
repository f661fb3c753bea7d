"""A long elementwise chain: the sum of GELU over a million elements."""

from __future__ import annotations

from collections.abc import Mapping
from math import pi, sqrt
from typing import Any

import numpy as np

from . import buffers as new
from .networks import Array, Run

BLOCK_BYTES = 1 << 17


def gelu_chain(dims: Mapping[str, int], dtype: Any) -> Run:
    """``sum(gelu_tanh(a*x + b))`` over vectors, in blocks that stay in the L2 cache.

    With ``u = a x + b``, ``w = c u (1 + k u^2)``, ``m = (1 + tanh w)/2`` the value is
    ``sum(u m)`` and the derivative ``m (1 + 2 (1 - m) u w')``, ``w' = c (1 + 3 k u^2)``.
    """
    n = dims["n"]
    c, k = sqrt(2 / pi), 0.044715
    block = min(n, BLOCK_BYTES // np.dtype(dtype).itemsize)
    buffers = [new.empty(block, dtype) for _ in range(4)]
    da, dx, db = (new.empty(n, dtype) for _ in range(3))
    starts = range(0, n, block)
    grads = {"a": da, "x": dx, "b": db}
    add, subtract, multiply, tanh = np.add, np.subtract, np.multiply, np.tanh
    ck, c1, half = (np.asarray(v, dtype) for v in (c * k, c, 0.5))
    ck6, c2, one = (np.asarray(v, dtype) for v in (6 * c * k, 2 * c, 1.0))

    def run(a: Array, x: Array, b: Array) -> Any:
        value = 0.0
        for start in starts:
            here = slice(start, start + block)
            a_, x_, db_ = a[here], x[here], db[here]
            u, v, m, w = buffers if len(a_) == block else [t[: len(a_)] for t in buffers]
            multiply(a_, x_, u)
            add(u, b[here], u)
            multiply(u, u, v)
            multiply(v, ck, w)
            add(w, c1, w)
            multiply(w, u, w)
            tanh(w, m)
            multiply(m, half, m)
            add(m, half, m)
            value += float(u.dot(m))
            multiply(v, ck6, v)
            add(v, c2, v)
            multiply(v, u, v)
            subtract(one, m, w)
            multiply(w, v, w)
            add(w, one, w)
            multiply(w, m, db_)
            multiply(db_, x_, da[here])
            multiply(db_, a_, dx[here])
        return value, grads

    return run
