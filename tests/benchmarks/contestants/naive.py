"""The losses as they are first written down, for real and for complex arrays."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

Array = Any


def xor(X: Array, T: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Any:
    return np.mean((np.tanh(X @ W1 + b1) @ W2 + b2 - T) ** 2)


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def mlp(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Any:
    z = X @ W1 + b1
    P = _softmax((z * (z.real > 0)) @ W2 + b2)
    return -np.sum(Y * np.log(P)) / len(X)


def deep_tanh(X: Array, T: Array, **parameters: Array) -> Any:
    H = X
    for k in range(1, len(parameters) // 2 + 1):
        H = np.tanh(H @ parameters[f"W{k}"] + parameters[f"b{k}"])
    return np.sum((H - T) ** 2) / len(X)


def logistic(X: Array, y: Array, w: Array, b: Array) -> Any:
    p = 1 / (1 + np.exp(-(X @ w + b)))
    return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)) / len(X)


def layer_norm(X: Array, G: Array, gam: Array, bet: Array) -> Any:
    C = X - X.mean(axis=1, keepdims=True)
    spread = np.sqrt((C * C).mean(axis=1, keepdims=True) + 1e-5)
    return np.sum(G * (gam * C / spread + bet))


def attention(Q: Array, K: Array, V: Array, G: Array) -> Any:
    return np.sum(G * (_softmax(Q @ K.T / sqrt(Q.shape[1])) @ V))


def conv2d(x: Array, k: Array, G: Array) -> Any:
    s = x.shape[-1]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    out = sum(
        np.einsum("ncij,oc->noij", padded[:, :, p : p + s, q : q + s], k[:, :, p, q])
        for p in range(3) for q in range(3)
    )
    return np.sum(G * out)


def gelu_chain(a: Array, x: Array, b: Array) -> Any:
    u = a * x + b
    return np.sum(0.5 * u * (1 + np.tanh(sqrt(2 / pi) * (u + 0.044715 * u**3))))
