"""Values of normalisations, recurrences and attention against loops written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from layer_values import agree, value

import mathdl as md
from mathdl.catalogue import layers

Array = Any
EPS = 1e-5


def standardised(x: Array) -> Array:
    return (x - x.mean()) / np.sqrt(x.var() + EPS)


# -- normalisation -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2, 2), (1, 1), (3, 1)])
def test_batch_norm(rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    x, gamma, beta = rng.normal(size=shape), rng.normal(size=shape[1]), rng.normal(size=shape[1])
    channels = [gamma[c] * standardised(x[:, c]) + beta[c] for c in range(shape[1])]
    agree(value(layers.batch_norm, x, gamma, beta), np.stack(channels, 1))
    mean, variance = rng.normal(size=shape[1]), rng.uniform(1, 2, shape[1])
    given = [gamma[c] * (x[:, c] - mean[c]) / np.sqrt(variance[c] + EPS) + beta[c]
             for c in range(shape[1])]
    agree(value(layers.batch_norm, x, gamma, beta, mean, variance), np.stack(given, 1))


@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4), (1, 1)])
def test_layer_and_rms_norm(rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    x, gamma, beta = rng.normal(size=shape), rng.normal(size=shape[-1]), rng.normal(size=shape[-1])
    rows = np.array([gamma * standardised(row) + beta for row in x.reshape(-1, shape[-1])])
    agree(value(layers.layer_norm, x, gamma, beta), rows.reshape(shape))
    rows = np.array([gamma * row / np.sqrt(np.mean(row**2) + EPS)
                     for row in x.reshape(-1, shape[-1])])
    agree(value(layers.rms_norm, x, gamma), rows.reshape(shape))


@pytest.mark.parametrize(("shape", "groups"), [
    ((2, 6, 2, 3), 3), ((2, 4, 3), 1), ((1, 2), 2), ((3, 4, 2, 2), 4),
])
def test_group_norm(rng: np.random.Generator, shape: tuple[int, ...], groups: int) -> None:
    x, gamma, beta = rng.normal(size=shape), rng.normal(size=shape[1]), rng.normal(size=shape[1])
    wanted, size = np.empty(shape), shape[1] // groups
    for n, c in np.ndindex(*shape[:2]):
        first = c // size * size
        group = x[n, first:first + size]
        wanted[n, c] = gamma[c] * (x[n, c] - group.mean()) / np.sqrt(group.var() + EPS) + beta[c]
    agree(value(lambda x, g, b: layers.group_norm(x, g, b, groups), x, gamma, beta), wanted)


def test_weight_norm(rng: np.random.Generator) -> None:
    V, g = rng.normal(size=(4, 3)), rng.normal(size=3)
    columns = [g[j] * V[:, j] / np.sqrt(sum(v * v for v in V[:, j])) for j in range(3)]
    agree(value(layers.weight_norm, V, g), np.stack(columns, 1))


# -- recurrent ---------------------------------------------------------------------------------


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def rnn_step(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> tuple[Array, Array]:
    return np.tanh(x @ W + h @ U + b), c


def lstm_step(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> tuple[Array, Array]:
    i, f, o, g = (x @ W[k] + h @ U[k] + b[k] for k in range(4))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> tuple[Array, Array]:
    r, z = sigmoid(x @ W[0] + h @ U[0] + b[0]), sigmoid(x @ W[1] + h @ U[1] + b[1])
    return z * h + (1 - z) * np.tanh(x @ W[2] + (r * h) @ U[2] + b[2]), c


@pytest.mark.parametrize(("layer", "step", "gates"), [
    (layers.rnn, rnn_step, 1), (layers.lstm, lstm_step, 4), (layers.gru, gru_step, 3),
])
@pytest.mark.parametrize(("batch", "T", "d", "h"), [
    ((), 4, 3, 2), ((3,), 5, 2, 4), ((1,), 1, 1, 1),
])
def test_recurrent(
    rng: np.random.Generator, layer: Any, step: Any, gates: int, batch: tuple[int, ...], T: int,
    d: int, h: int,
) -> None:
    stack = (gates,) if gates > 1 else ()
    x, W = rng.normal(size=(T, *batch, d)), rng.normal(size=(*stack, d, h))
    U, b = rng.normal(size=(*stack, h, h)), rng.normal(size=(*stack, h))
    for first in (np.zeros((*batch, h)), rng.normal(size=(*batch, h))):
        states, hidden, cell = [], first, first
        for x_t in x:
            hidden, cell = step(x_t, hidden, cell, W, U, b)
            states.append(hidden)
        start = [first] * (2 if gates == 4 else 1) if first.any() else []
        agree(value(layer, x, W, U, b, *start), np.array(states))


# -- attention ---------------------------------------------------------------------------------


def attended(Q: Array, K: Array, V: Array, causal: bool) -> Array:
    rows = []
    for i, q in enumerate(Q):
        seen = i + 1 if causal else len(K)
        weights = np.exp([q @ k / np.sqrt(len(q)) for k in K[:seen]])
        rows.append(weights / weights.sum() @ V[:seen])
    return np.array(rows)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("n", "d", "k"), [(4, 3, 2), (1, 1, 1), (2, 1, 3)])
def test_attention(rng: np.random.Generator, causal: bool, n: int, d: int, k: int) -> None:
    Q, K, V = rng.normal(size=(n, d)), rng.normal(size=(n, d)), rng.normal(size=(n, k))
    mask = layers.causal_mask(n) if causal else None
    agree(value(lambda Q, K, V: layers.attention(Q, K, V, mask), Q, K, V),
          attended(Q, K, V, causal))


def heads(x: Array, Wq: Array, Wk: Array, Wv: Array, Wo: Array, causal: bool) -> Array:
    return sum(attended(x @ q, x @ k, x @ v, causal) @ o
               for q, k, v, o in zip(Wq, Wk, Wv, Wo, strict=True))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("batch", "n", "d", "h", "k"), [
    ((), 4, 3, 2, 2), ((2,), 3, 4, 3, 1), ((1,), 1, 1, 1, 1),
])
def test_multi_head_attention(
    rng: np.random.Generator, causal: bool, batch: tuple[int, ...], n: int, d: int, h: int, k: int
) -> None:
    x, Wo = rng.normal(size=(*batch, n, d)), rng.normal(size=(h, k, d))
    Wq, Wk, Wv = rng.normal(size=(3, h, d, k))
    mask = layers.causal_mask(n) if causal else None
    wanted = [heads(rows, Wq, Wk, Wv, Wo, causal) for rows in x.reshape(-1, n, d)]
    agree(value(lambda *a: layers.multi_head_attention(*a, mask), x, Wq, Wk, Wv, Wo),
          np.array(wanted).reshape(x.shape))


def turned(x: Array) -> Array:
    n, d = x.shape
    y = np.empty_like(x)
    for p, i in np.ndindex(n, d // 2):
        z = (x[p, 2 * i] + 1j * x[p, 2 * i + 1]) * np.exp(1j * p * 10000 ** (-2 * i / d))
        y[p, 2 * i], y[p, 2 * i + 1] = z.real, z.imag
    return y


@pytest.mark.parametrize("shape", [(5, 4), (1, 2), (3, 6)])
def test_positions(rng: np.random.Generator, shape: tuple[int, int]) -> None:
    x = rng.normal(size=shape)
    agree(value(layers.rotary, x), turned(x))
    n, d = shape
    waves = [[(np.cos if j % 2 else np.sin)(p / 10000 ** (j // 2 * 2 / d)) for j in range(d)]
             for p in range(n)]
    agree(value(lambda x: x + layers.sinusoidal_positions(n, d), x), x + np.array(waves))


def test_an_odd_number_of_features_has_no_pairs() -> None:
    for d in (3, md.dims("d")):
        with pytest.raises(md.ShapeError, match="even number of features"):
            layers.rotary(md.tensor("x", 4, d))


def test_rotary_products_depend_on_distance_alone(rng: np.random.Generator) -> None:
    q, k = rng.normal(size=(2, 6))
    rows = [value(layers.rotary, np.tile(v, (5, 1))) for v in (q, k)]
    np.testing.assert_allclose(rows[0][4] @ rows[1][2], rows[0][2] @ rows[1][0])


@pytest.mark.parametrize("rotated", [False, True])
def test_transformer_block(rng: np.random.Generator, rotated: bool) -> None:
    n, d, h, k, f = 4, 3, 2, 2, 5
    x, Wo = rng.normal(size=(n, d)), rng.normal(size=(h, k, d))
    Wq, Wk, Wv = rng.normal(size=(3, h, d, k))
    (g1, s1, g2, s2, b2), b1 = rng.normal(size=(5, d)), rng.normal(size=f)
    W1, W2 = rng.normal(size=(d, f)), rng.normal(size=(f, d))
    normed = np.array([g1 * standardised(row) + s1 for row in x])
    turn = turned if rotated else np.array
    z = x + sum(attended(turn(normed @ a), turn(normed @ b), normed @ c, True) @ o
                for a, b, c, o in zip(Wq, Wk, Wv, Wo, strict=True))
    normed = np.array([g2 * standardised(row) + s2 for row in z])
    wanted = z + np.tanh(normed @ W1 + b1) @ W2 + b2
    got = value(
        lambda *a: layers.transformer_block(
            *a, mask=layers.causal_mask(n), activation=md.tanh,
            positions=layers.rotary if rotated else None),
        x, g1, s1, Wq, Wk, Wv, Wo, g2, s2, W1, b1, W2, b2,
    )
    agree(got, wanted)
