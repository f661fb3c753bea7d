"""A 3x3 convolution that keeps the size of the image, twice: by stacked shifts, and by im2col."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import buffers as new
from .networks import Array, Run


def conv2d(dims: Mapping[str, int], dtype: Any) -> Run:
    """``sum(G*conv2d(x, k, padding=1))``, ``x: n c s s``, ``k: o c 3 3``, ``G: n o s s``.

    A tap moves by ``p`` rows and ``q`` columns.  The rows are moved on ``G``, the columns on
    ``x``: three copies of each instead of nine of one, and one product gives all taps of ``dk``,
    another the three columns of ``dx``.  The value is ``sum(k*dk)``.
    """
    n, c, o, s = dims["n"], dims["c"], dims["o"], dims["s"]
    G3, x3 = new.zeros((3, o, s, s), dtype), new.zeros((3, c, s, s), dtype)
    D3, dx = new.empty((3, c, s, s), dtype), new.empty((n, c, s, s), dtype)
    G_flat, x_flat_T = G3.reshape(3 * o, s * s), x3.reshape(3 * c, s * s).T
    D_flat = D3.reshape(3 * c, s * s)
    part, total = new.empty((3 * o, 3 * c), dtype), new.empty((3 * o, 3 * c), dtype)
    taps = total.reshape(3, o, 3, c).transpose(1, 3, 0, 2)
    k3 = new.empty((3, c, 3, o), dtype)
    k_flat = k3.reshape(3 * c, 3 * o)
    dk = new.empty((o, c, 3, 3), dtype)
    G_up, G_same, G_down = G3[0, :, :-1], G3[1], G3[2, :, 1:]
    x_right, x_same, x_left = x3[0, :, :, 1:], x3[1], x3[2, :, :, :-1]
    D_right, D_same, D_left = D3[0, :, :, 1:], D3[1], D3[2, :, :, :-1]
    grads, add = {"x": dx, "k": dk}, np.add

    def run(x: Array, k: Array, G: Array) -> Any:
        k3[...] = k.transpose(3, 1, 2, 0)
        total.fill(0)
        for image, g, out in zip(x, G, dx, strict=True):
            G_up[...], G_same[...], G_down[...] = g[:, 1:], g, g[:, :-1]
            x_right[...], x_same[...] = image[:, :, :-1], image
            x_left[...] = image[:, :, 1:]
            G_flat.dot(x_flat_T, part)
            add(total, part, total)
            k_flat.dot(G_flat, D_flat)
            left, right = out[:, :, :-1], out[:, :, 1:]
            out[...] = D_same
            add(left, D_right, left)
            add(right, D_left, right)
        dk[...] = taps
        return float(dk.reshape(-1).dot(k.reshape(-1))), grads

    return run


def conv2d_im2col(dims: Mapping[str, int], dtype: Any) -> Run:
    """The same by the usual im2col and product, and col2im by taps, image by image."""
    n, c, o, s = dims["n"], dims["c"], dims["o"], dims["s"]
    padded, d_padded = (new.zeros((c, s + 2, s + 2), dtype) for _ in range(2))
    columns = new.empty((c, 3, 3, s, s), dtype)
    columns_T = columns.reshape(c * 9, s * s).T
    d_columns = new.empty((c, 3, 3, s, s), dtype)
    d_flat = d_columns.reshape(c * 9, s * s)
    dk, dx = new.empty((o, c, 3, 3), dtype), new.empty((n, c, s, s), dtype)
    dk_flat, part = dk.reshape(o, c * 9), new.empty((o, c * 9), dtype)
    inner, d_inner = padded[:, 1:-1, 1:-1], d_padded[:, 1:-1, 1:-1]
    windows = np.lib.stride_tricks.sliding_window_view(padded, (s, s), axis=(1, 2))
    taps = [
        (d_padded[:, p : p + s, q : q + s], d_columns[:, p, q])
        for p in range(3) for q in range(3)
    ]
    grads, add = {"x": dx, "k": dk}, np.add

    def run(x: Array, k: Array, G: Array) -> Any:
        k_T = k.reshape(o, c * 9).T
        dk_flat.fill(0)
        for image, g, out in zip(x, G.reshape(n, o, s * s), dx, strict=True):
            inner[...] = image
            columns[...] = windows
            g.dot(columns_T, part)
            add(dk_flat, part, dk_flat)
            k_T.dot(g, d_flat)
            d_padded.fill(0)
            for target, tap in taps:
                add(target, tap, target)
            out[...] = d_inner
        return float(dk.reshape(-1).dot(k.reshape(-1))), grads

    return run
