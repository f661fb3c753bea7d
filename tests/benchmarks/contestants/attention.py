"""One head of attention."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np

from . import buffers as new
from .networks import Array, Run


def attention(dims: Mapping[str, int], dtype: Any) -> Run:
    """``sum(G*(softmax(Q K^T/sqrt(d)) V))`` wrt ``Q: n d``, ``K: m d``, ``V: m d``.

    The scores are kept key by query, so that the softmax reduces over the first axis.  They are
    not normalised: ``G`` is divided instead.  ``E = exp(S - max)``, ``r = sum(E)``,
    ``dP = V (G/r)^T``, ``T = E dP``, ``t = sum(T)``: the value is ``sum(t)``, no ``P V`` formed,
    and ``dS = T - E t/r``.
    """
    n, m, d = dims["n"], dims["m"], dims["d"]
    scale = np.asarray(1 / sqrt(d), dtype)
    E, T = new.empty((m, n), dtype), new.empty((m, n), dtype)
    Qs, Gr = new.empty((n, d), dtype), new.empty((n, d), dtype)
    dQ, dK, dV = new.empty((n, d), dtype), new.empty((m, d), dtype), new.empty((m, d), dtype)
    top, total, t = (new.empty(n, dtype) for _ in range(3))
    ones_m, ones_n = new.ones(m, dtype), new.ones(n, dtype)
    grads = {"Q": dQ, "K": dK, "V": dV}
    Qs_T, Gr_T, T_T = Qs.T, Gr.T, T.T
    column = total[:, None]
    subtract, multiply = np.subtract, np.multiply

    def run(Q: Array, K: Array, V: Array, G: Array) -> Any:
        multiply(Q, scale, Qs)
        K.dot(Qs_T, E)
        np.maximum.reduce(E, axis=0, out=top)
        subtract(E, top, E)
        np.exp(E, E)
        ones_m.dot(E, total)
        np.divide(G, column, Gr)
        E.dot(Gr, dV)
        V.dot(Gr_T, T)
        multiply(T, E, T)
        ones_m.dot(T, t)
        value = t.dot(ones_n)
        np.divide(t, total, t)
        multiply(E, t, E)
        subtract(T, E, T)
        T.dot(Qs, dK)
        T_T.dot(K, dQ)
        multiply(dQ, scale, dQ)
        return value, grads

    return new.broadcasting(run)
