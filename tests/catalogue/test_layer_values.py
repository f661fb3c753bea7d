"""Values of the layers against loops written out, dims of 1 included."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from layer_values import agree, value

import mathdl as md
from mathdl.catalogue import layers

Array = Any


# -- linear ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "d", "h"), [(4, 3, 5), (1, 1, 1), (2, 1, 3)])
def test_dense(rng: np.random.Generator, n: int, d: int, h: int) -> None:
    x, W, b = rng.normal(size=(n, d)), rng.normal(size=(d, h)), rng.normal(size=h)
    rows = [[sum(x[i, k] * W[k, j] for k in range(d)) + b[j] for j in range(h)] for i in range(n)]
    agree(value(layers.dense, x, W, b), np.array(rows))


def test_embedding_and_dropout(rng: np.random.Generator) -> None:
    E, ids = rng.normal(size=(5, 3)), np.array([[4, 0], [1, 4]])
    agree(value(layers.embedding, ids, E, integer=(0,)), np.array([[E[4], E[0]], [E[1], E[4]]]))
    x, mask = rng.normal(size=(2, 3)), np.array([[1.0, 0, 1], [0, 1, 1]])
    kept = value(lambda x, m: layers.dropout(x, m, 0.2), x, mask)
    agree(kept, np.where(mask > 0, x / 0.8, 0))


@pytest.mark.parametrize("top", [None, 1, 2, 4])
def test_mixture_gate(rng: np.random.Generator, top: int | None) -> None:
    x, W = rng.normal(size=(5, 3)), rng.normal(size=(3, 4))
    wanted = np.zeros((5, 4))
    for i, scores in enumerate(x @ W):
        chosen = np.argsort(scores)[::-1][:top]
        weights = np.exp(scores[chosen])
        wanted[i, chosen] = weights / weights.sum()
    agree(value(lambda x, W: layers.mixture_gate(x, W, top), x, W), wanted)


def test_mixture_of_experts(rng: np.random.Generator) -> None:
    gate, outputs = rng.normal(size=(4, 3)), rng.normal(size=(3, 4, 2))
    wanted = [sum(gate[n, e] * outputs[e, n] for e in range(3)) for n in range(4)]
    agree(value(layers.mixture_of_experts, gate, outputs), np.array(wanted))


# -- convolutions ------------------------------------------------------------------------------


def correlation(
    x: Array, k: Array, stride: tuple[int, int], pad: tuple[int, int], step: tuple[int, int],
    groups: int,
) -> Array:
    n, _, height, width = x.shape
    o, c, p, q = k.shape
    sizes = [(length + 2 * a - s * (w - 1) - 1) // t + 1 for length, a, s, w, t in
             zip((height, width), pad, step, (p, q), stride, strict=True)]
    y = np.zeros((n, o, *sizes))
    for b, out, i, j in np.ndindex(*y.shape):
        first = out // (o // groups) * c
        for ch, u, v in np.ndindex(c, p, q):
            row = i * stride[0] + u * step[0] - pad[0]
            column = j * stride[1] + v * step[1] - pad[1]
            if 0 <= row < height and 0 <= column < width:
                y[b, out, i, j] += x[b, first + ch, row, column] * k[out, ch, u, v]
    return y


CONVOLUTIONS = [
    ((2, 4, 5, 6), (4, 4, 2, 3), 1, 0, 1, 1),
    ((2, 4, 5, 6), (6, 2, 2, 3), (2, 1), (1, 2), (2, 1), 2),
    ((1, 3, 4, 4), (3, 1, 3, 3), 2, 1, 1, 3),  # depthwise
    ((1, 1, 1, 1), (1, 1, 1, 1), 1, 0, 1, 1),
    ((1, 1, 1, 1), (1, 1, 3, 3), 2, 1, 1, 1),
]


@pytest.mark.parametrize(("shape", "kernel", "stride", "pad", "step", "groups"), CONVOLUTIONS)
def test_conv2d(
    rng: np.random.Generator, shape: tuple[int, ...], kernel: tuple[int, ...], stride: Any,
    pad: Any, step: Any, groups: int,
) -> None:
    x, k, b = rng.normal(size=shape), rng.normal(size=kernel), rng.normal(size=kernel[0])
    pairs = [v if isinstance(v, tuple) else (v, v) for v in (stride, pad, step)]
    wanted = correlation(x, k, *pairs, groups) + b[:, None, None]
    agree(value(lambda x, k, b: layers.conv2d(x, k, b, stride, pad, step, groups), x, k, b),
          wanted)


@pytest.mark.parametrize(("stride", "pad", "step", "groups"),
                         [(1, 0, 1, 1), (2, 1, 2, 1), (3, 2, 1, 2)])
def test_conv1d(
    rng: np.random.Generator, stride: int, pad: int, step: int, groups: int
) -> None:
    x, k, b = rng.normal(size=(2, 4, 7)), rng.normal(size=(6, 4 // groups, 3)), rng.normal(size=6)
    wanted = correlation(x[:, :, None], k[:, :, None], (1, stride), (0, pad), (1, step), groups)
    agree(value(lambda x, k, b: layers.conv1d(x, k, b, stride, pad, step, groups), x, k, b),
          wanted[:, :, 0] + b[:, None])


@pytest.mark.parametrize(("shape", "kernel", "stride"), [
    ((2, 3, 4, 2), (3, 2, 3, 2), 2), ((1, 2, 3, 3), (2, 1, 2, 2), (1, 3)),
    ((1, 1, 1, 1), (1, 1, 1, 1), 1),
])
def test_transposed_convolution(
    rng: np.random.Generator, shape: tuple[int, ...], kernel: tuple[int, ...], stride: Any
) -> None:
    x, k = rng.normal(size=shape), rng.normal(size=kernel)
    down, right = stride if isinstance(stride, tuple) else (stride, stride)
    (n, c, h, w), (_, o, p, q) = shape, kernel
    wanted = np.zeros((n, o, down * (h - 1) + p, right * (w - 1) + q))
    for b, ch, out, i, j, u, v in product(*map(range, (n, c, o, h, w, p, q))):
        wanted[b, out, down * i + u, right * j + v] += x[b, ch, i, j] * k[ch, out, u, v]
    agree(value(lambda x, k: layers.conv_transpose2d(x, k, None, stride), x, k), wanted)
    if h == p == 1:
        agree(value(lambda x, k: layers.conv_transpose1d(x, k, None, right),
                    x[:, :, 0], k[:, :, 0]),
              wanted[:, :, 0])


def test_transposed_convolution_is_the_adjoint(rng: np.random.Generator) -> None:
    x, k, y = rng.normal(size=(2, 3, 9)), rng.normal(size=(4, 3, 3)), rng.normal(size=(2, 4, 4))
    forward = value(lambda x, k: layers.conv1d(x, k, stride=2), x, k)
    back = value(lambda y, k: layers.conv_transpose1d(y, k, stride=2), y, k)
    np.testing.assert_allclose(np.sum(forward * y), np.sum(x * back), rtol=1e-12)


def test_two_transposed_convolutions_compose(rng: np.random.Generator) -> None:
    x, k = rng.normal(size=(1, 1, 3)), rng.normal(size=(1, 1, 2))
    once = value(lambda x, k: layers.conv_transpose1d(x, k, stride=2), x, k)
    twice = value(lambda x, k: layers.conv_transpose1d(
        layers.conv_transpose1d(x, k, stride=2), k, stride=2), x, k)
    agree(twice, value(lambda x, k: layers.conv_transpose1d(x, k, stride=2), once, k))


@pytest.mark.parametrize("groups", [2, 3])
def test_channels_that_the_groups_do_not_divide(groups: int) -> None:
    x, k = md.tensor("x", 2, 4, 5, 5), md.tensor("k", 3, 2, 2, 2)
    with pytest.raises(md.ShapeError):
        layers.conv2d(x, k, groups=groups)


def test_pooling(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 2, 5, 4))
    windows = [[x[:, :, 2 * i:2 * i + 2, 2 * j:2 * j + 2] for j in range(2)] for i in range(2)]
    for layer, law in ((layers.max_pool, np.max), (layers.avg_pool, np.mean)):
        wanted = np.stack([np.stack([law(w, axis=(2, 3)) for w in row], -1) for row in windows], 2)
        agree(value(lambda x, layer=layer: layer(x, 2), x), wanted)
