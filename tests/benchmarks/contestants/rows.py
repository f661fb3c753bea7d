"""Losses that read a large matrix row by row: logistic regression and layer normalisation.

Both go through the matrix in blocks of rows that stay in the L2 cache, so that it is read once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import buffers as new
from .networks import Array, Run

BLOCK_BYTES = 1 << 20


def _blocks(n: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def logistic(dims: Mapping[str, int], dtype: Any) -> Run:
    """``-sum(y*log(p) + (1 - y)*log(1 - p))/n``, ``p = sigmoid(X w + b)``, ``X: n d``.

    With ``h = (X w + b)/2`` the loss is ``sum(log1p(exp(-2|h|)) + |h| + h - 2 y h)/n`` and
    ``p - y = (tanh(h) + 1 - 2 y)/2``.
    """
    n, d = dims["n"], dims["d"]
    size = max(1, min(n, BLOCK_BYTES // (d * np.dtype(dtype).itemsize)))
    blocks = _blocks(n, size)
    h_, t_, y_ = (new.empty(size, dtype) for _ in range(3))
    ones_ = new.ones(size, dtype)
    half_w, part, dw = (new.empty(d, dtype) for _ in range(3))
    half, two, one, back, mean = (np.asarray(v, dtype) for v in (0.5, 2, 1, -2, 0.5 / n))
    grads: dict[str, Any] = {"w": dw}
    add, subtract, multiply = np.add, np.subtract, np.multiply

    def run(X: Array, y: Array, w: Array, b: Array) -> Any:
        multiply(w, half, half_w)
        half_b = b * half
        dw.fill(0)
        value = db = 0.0
        for rows in blocks:
            m = rows.stop - rows.start
            X_rows = X[rows]
            h, t, y2, ones = h_[:m], t_[:m], y_[:m], ones_[:m]
            X_rows.dot(half_w, h)
            add(h, half_b, h)
            multiply(y[rows], two, y2)
            subtract(one, y2, y2)
            np.abs(h, t)
            value += float(t.dot(ones)) + float(y2.dot(h))
            multiply(t, back, t)
            np.exp(t, t)
            np.log1p(t, t)
            value += float(t.dot(ones))
            np.tanh(h, h)
            add(h, y2, h)
            h.dot(X_rows, part)
            add(dw, part, dw)
            db += float(h.dot(ones))
        multiply(dw, mean, dw)
        grads["b"] = db * mean
        return value / n, grads

    return run


def layer_norm(dims: Mapping[str, int], dtype: Any) -> Run:
    """``sum(G*(gam*layer_norm(X) + bet))`` wrt ``X: n d``, ``gam: d``, ``bet: d``.

    With ``C = X - mean``, ``s = 1/sqrt(var + eps)``, ``T = G C``: ``dgam = s^T T``,
    ``dX = s (G gam - mean(G gam) - C s^2 mean(T gam))`` row by row, and the value is
    ``gam . dgam + bet . dbet``: the normalised rows are never formed.
    """
    n, d = dims["n"], dims["d"]
    size = max(1, min(n, NORM_BYTES // (d * np.dtype(dtype).itemsize)))
    blocks = _blocks(n, size)
    C_, T_, gains_ = (new.empty((size, d), dtype) for _ in range(3))
    columns = [new.empty((size, 1), dtype) for _ in range(5)]
    dX, dgam, dbet, part = new.empty((n, d), dtype), *(new.empty(d, dtype) for _ in range(3))
    mean_d, ones_n = new.full(d, 1 / d, dtype), new.ones(size, dtype)
    eps, one, per_d = (np.asarray(v, dtype) for v in (1e-5, 1.0, 1 / d))
    gam_d = new.empty(d, dtype)
    grads = {"X": dX, "gam": dgam, "bet": dbet}
    add, subtract, multiply = np.add, np.subtract, np.multiply

    def run(X: Array, G: Array, gam: Array, bet: Array) -> Any:
        gains_[...] = gam
        multiply(gam, per_d, gam_d)
        dgam.fill(0)
        dbet.fill(0)
        for rows in blocks:
            k = rows.stop - rows.start
            x, g, A = X[rows], G[rows], dX[rows]
            C, T, gains = C_[:k], T_[:k], gains_[:k]
            mu, s, e, f, u = (column[:k] for column in columns)
            mu1, s1, e1, f1 = mu[:, 0], s[:, 0], e[:, 0], f[:, 0]
            x.dot(mean_d, mu1)
            subtract(x, mu, C)
            np.vecdot(C, C, out=s1)
            multiply(s1, per_d, s1)
            add(s1, eps, s1)
            np.sqrt(s1, s1)
            np.divide(one, s1, s1)
            multiply(g, C, T)
            s1.dot(T, part)
            add(dgam, part, dgam)
            ones_n[:k].dot(g, part)
            add(dbet, part, dbet)
            g.dot(gam_d, e1)
            T.dot(gam_d, f1)
            multiply(s1, s1, u[:, 0])
            multiply(f1, u[:, 0], f1)
            multiply(C, f, C)
            multiply(g, gains, A)
            subtract(A, C, A)
            subtract(A, e, A)
            multiply(A, s, A)
        return float(gam.dot(dgam)) + float(bet.dot(dbet)), grads

    return new.broadcasting(run)


NORM_BYTES = 3 << 16
