"""Fully connected networks: XOR, one hidden layer with softmax, and sixteen layers of tanh.

Products of small matrices call ``ndarray.dot`` rather than ``np.dot`` or ``@``: the method skips
the dispatch, a third of the cost of a call on a 4 x 8 matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from . import buffers as new

Array = Any
Run = Callable[..., tuple[Any, dict[str, Array]]]


def xor(dims: Mapping[str, int], dtype: Any) -> Run:
    """``mean((tanh(X W1 + b1) W2 + b2 - T)**2)``, ``X: n d``, ``W1: d h``, ``W2: h 1``.

    The calls are the whole cost.  The bias is a last row of the weights, against a column of ones
    in ``X``: no broadcast, and its gradient comes with the weights'.
    """
    n, d, h = dims["n"], dims["d"], dims["h"]
    X1, W = new.ones((n, d + 1), dtype), new.empty((d + 1, h), dtype)
    X_part, W_part, b_part, X1_T = X1[:, :d], W[:d], W[d], X1.T
    H, S, D = (new.empty((n, h), dtype) for _ in range(3))
    r = new.empty((n, 1), dtype)
    r_flat = r.reshape(n)
    dW, dW2, db2 = new.empty((d + 1, h), dtype), new.empty((h, 1), dtype), new.empty(1, dtype)
    ones, ones_n = new.ones((n, h), dtype), new.ones(n, dtype)
    twice, mean = np.asarray(2 / n, dtype), 1 / n
    grads = {"W1": dW[:d], "b1": dW[d], "W2": dW2, "b2": db2}
    add, subtract, multiply, tanh = np.add, np.subtract, np.multiply, np.tanh
    H_T = H.T

    def run(X: Array, T: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Any:
        X_part[...] = X
        W_part[...] = W1
        b_part[...] = b1
        X1.dot(W, H)
        tanh(H, H)
        H.dot(W2, r)
        add(r_flat, b2, r_flat)
        subtract(r, T, r)
        value = r_flat.dot(r_flat) * mean
        multiply(r, twice, r)
        H_T.dot(r, dW2)
        ones_n.dot(r, db2)
        multiply(H, H, S)
        subtract(ones, S, S)
        r.dot(W2.T, D)
        multiply(D, S, D)
        X1_T.dot(D, dW)
        return value, grads

    return run


def mlp(dims: Mapping[str, int], dtype: Any) -> Run:
    """``-sum(Y*log(softmax(relu(X W1 + b1) W2 + b2)))/n``, ``X: n d``, ``Y: n c`` one-hot.

    The scores are kept class by sample, so that the softmax reduces and broadcasts along the
    long axis.
    """
    n, d, h, c = dims["n"], dims["d"], dims["h"], dims["c"]
    H, dH, mask = (new.empty((n, h), dtype) for _ in range(3))
    positive = new.empty((n, h), bool)
    Z, P = new.empty((c, n), dtype), new.empty((c, n), dtype)
    top, total = new.empty(n, dtype), new.empty(n, dtype)
    dW1, db1 = new.empty((d, h), dtype), new.empty(h, dtype)
    dW2, db2 = new.empty((h, c), dtype), new.empty(c, dtype)
    zeros, ones_n, ones_c = new.zeros((n, h), dtype), new.ones(n, dtype), new.ones(c, dtype)
    mean, P_T, Z_T, H_T = np.asarray(1 / n, dtype), P.T, Z.T, H.T
    grads = {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}

    def run(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Any:
        X.dot(W1, H)
        np.add(H, b1, H)
        np.maximum(H, zeros, out=H)
        W2.T.dot(H_T, Z)
        np.add(Z, b2[:, None], Z)
        np.maximum.reduce(Z, axis=0, out=top)
        np.subtract(Z, top, Z)
        np.exp(Z, P)
        ones_c.dot(P, total)
        np.divide(P, total, P)
        np.log(total, total)
        value = (total.dot(ones_n) - np.vdot(Y, Z_T)) * mean
        np.subtract(P_T, Y, P_T)
        np.multiply(P, mean, P)
        H_T.dot(P_T, dW2)
        P.dot(ones_n, db2)
        P_T.dot(W2.T, dH)
        np.greater(H, zeros, positive)
        mask[...] = positive
        np.multiply(dH, mask, dH)
        X.T.dot(dH, dW1)
        ones_n.dot(dH, db1)
        return value, grads

    return new.broadcasting(run)


def deep_tanh(dims: Mapping[str, int], dtype: Any) -> Run:
    """``sum((H_L - T)**2)/n``, ``H_l = tanh(H_(l-1) W_l + b_l)``, ``X: n d``, ``W_l: d d``.

    OpenBLAS is half as fast on small ``A B^T`` as on ``A B``, which pays for copying ``W^T``.
    The weight gradients are one batched product, the bias gradients another.
    """
    n, d, layers = dims["n"], dims["d"], dims["layers"]
    H, D = new.empty((layers, n, d), dtype), new.empty((layers, n, d), dtype)
    dW, db = new.empty((layers, d, d), dtype), new.empty((layers, d), dtype)
    S, W_T = new.empty((n, d), dtype), new.empty((d, d), dtype)
    ones, one = new.ones(n, dtype), new.ones((), dtype)
    twice, mean = np.asarray(2 / n, dtype), 1 / n
    hidden, deltas = list(H), list(D)
    before_T, last = H[:-1].transpose(0, 2, 1), D[-1].reshape(-1)
    weights = [f"W{k + 1}" for k in range(layers)]
    biases = [f"b{k + 1}" for k in range(layers)]
    grads = dict(zip(weights, dW, strict=True)) | dict(zip(biases, db, strict=True))
    add, subtract, multiply, tanh = np.add, np.subtract, np.multiply, np.tanh

    def run(X: Array, T: Array, **parameters: Array) -> Any:
        h = X
        for k in range(layers):
            z = hidden[k]
            h.dot(parameters[weights[k]], z)
            add(z, parameters[biases[k]], z)
            h = tanh(z, z)
        subtract(h, T, deltas[-1])
        value = last.dot(last) * mean
        multiply(last, twice, last)
        for k in reversed(range(layers)):
            delta = deltas[k]
            multiply(hidden[k], hidden[k], S)
            subtract(one, S, S)
            multiply(delta, S, delta)
            if k:
                W_T[...] = parameters[weights[k]].T
                delta.dot(W_T, deltas[k - 1])
        X.T.dot(deltas[0], dW[0])
        np.matmul(before_T, D[1:], out=dW[1:])
        np.matmul(ones, D, out=db)
        return value, grads

    return new.broadcasting(run)
