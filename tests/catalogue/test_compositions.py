"""Entries of the catalogue composed as a user would: derived, verified, and beside PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import mathdl as md
from mathdl.catalogue import layers, losses

in_torch: Any = pytest.importorskip("in_torch")
torch = in_torch.torch

OURS = SimpleNamespace(**{
    **{name: getattr(md, name) for name in dir(md)}, **vars(layers), **vars(losses),
    "sum_": md.sum, "abs_": md.abs,
})
SIZES = {"n": 4, "m": 3, "d": 6, "h": 5, "c": 3, "k": 4, "T": 3, "v": 7, "e": 2, "f": 8}
HEADS = "Wq: e d 4; Wk: e d 4; Wv: e d 4; Wo: e 4 d"  # an even number, for rotary
BLOCK = f"g1: d; b1: d; {HEADS}; g2: d; b2: d; W1: d f; c1: f; W2: f d; c2: d"
LSTM = "W: 4 d h; U: 4 h h; b: 4 h"

Model = Callable[..., Any]
#: Name, shapes, integer data, and the loss in terms of a namespace B and the tensors.
CASES: list[tuple[str, str, str, Model]] = []


def case(name: str, shapes: str, data: str = "") -> Callable[[Model], Model]:
    def add(model: Model) -> Model:
        CASES.append((name, shapes, data, model))
        return model

    return add


def block(B: Any, x: Any, t: dict[str, Any], **options: Any) -> Any:
    names = ["g1", "b1", "Wq", "Wk", "Wv", "Wo", "g2", "b2", "W1", "c1", "W2", "c2"]
    return B.transformer_block(x, *(t[k] for k in names), **options)


case("perceptron", "x: n d; W: d h; b: h; V: h c; a: c", "y: n c")(
    lambda B, x, W, b, V, a, y: B.cross_entropy(B.dense(B.tanh(B.dense(x, W, b)), V, a), y))
case("deep relu, label smoothing", "x: n d; W: d h; V: h h; U: h c", "y: n c")(
    lambda B, x, W, V, U, y: B.cross_entropy(
        B.relu(B.relu(x @ W) @ V) @ U, y, label_smoothing=0.1))
case("one unit, one sample", "x: 1 1; W: 1 1; b: 1; t: 1 1")(
    lambda B, x, W, b, t: B.mse_loss(B.sigmoid(B.dense(x, W, b)), t))
case("batch norm between", "x: n d; W: d h; g: h; b: h; V: h c", "y: n c")(
    lambda B, x, W, g, b, V, y: B.cross_entropy(B.relu(B.batch_norm(x @ W, g, b)) @ V, y))
case("layer norm after residual", "x: n d; U: d h; V: h d; g: d; b: d; t: n d")(
    lambda B, x, U, V, g, b, t: B.huber_loss(
        B.layer_norm(B.residual(x, lambda z: B.gelu(z @ U) @ V), g, b), t))
case("weight norm, huber", "x: n d; V: d h; g: h; t: n h")(
    lambda B, x, V, g, t: B.huber_loss(x @ B.weight_norm(V, g), t, delta=0.5))
case("rms norm and gate", "x: n d; g: d; U: d h; V: d h; W: h d; t: n d")(
    lambda B, x, g, U, V, W, t: B.mse_loss(
        (B.silu(B.rms_norm(x, g) @ U) * (B.rms_norm(x, g) @ V)) @ W, t))
case("logistic with decay", "x: n d; w: d; b: ", "s: n signs")(
    lambda B, x, w, b, s: B.soft_margin_loss(x @ w + b, s) + B.l2_penalty(w) / 10)
case("squared hinge on features", "x: n d; W: d h; w: h", "s: n signs")(
    lambda B, x, W, w, s: B.squared_hinge_loss(B.tanh(x @ W) @ w, s))
case("multi margin", "x: n d; W: d c; b: c", "y: n c")(
    lambda B, x, W, b, y: B.multi_margin_loss(B.dense(x, W, b), y, margin=0.7))
case("Poisson network", "x: n d; W: d h; V: h m; t: n m")(
    lambda B, x, W, V, t: B.poisson_nll_loss(B.tanh(x @ W) @ V, B.softplus(t)))
case("log cosh and quantile", "x: n d; W: d h; t: n h")(
    lambda B, x, W, t: B.log_cosh_loss(x @ W, t) + B.quantile_loss(x @ W, t, 0.3))
case("distillation", "x: n d; W: d c; V: d c")(
    lambda B, x, W, V: B.kl_div(B.log_softmax(x @ W), B.softmax(x @ V), reduction="batchmean"))
case("twin embeddings", "x: n d; z: n d; W: d h", "s: n signs")(
    lambda B, x, z, W, s: B.cosine_embedding_loss(B.tanh(x @ W), B.tanh(z @ W), s, margin=0.1))
case("triplets", "a: n d; p: n d; q: n d; W: d h")(
    lambda B, a, p, q, W: B.triplet_margin_loss(a @ W, p @ W, q @ W, margin=2))
case("contrastive pair of views", "x: n d; z: n d; W: d h")(
    lambda B, x, z, W: B.info_nce(B.layer_norm(x @ W), B.layer_norm(z @ W), 0.7))
case("segmentation", "x: n d; W: d h; u: n h")(
    lambda B, x, W, u: B.dice_loss(B.sigmoid(x @ W), B.sigmoid(u)))
case("experts", "x: n d; G: d e; V: e d h; W: h c", "y: n c")(
    lambda B, x, G, V, W, y: B.cross_entropy(
        B.mixture_of_experts(B.mixture_gate(x, G), B.relu(x @ V)) @ W, y))
case("bag of words", "E: v d; W: d c", "ids: n T v; y: n c")(
    lambda B, E, W, ids, y: B.cross_entropy(B.mean(B.embedding(ids, E), axis=1) @ W, y)
    if B is OURS else B.cross_entropy(B.embedding(ids, E).mean(1) @ W, y))
case("conv, relu, pool, dense", "x: n 1 6 6; K: 2 1 3 3; b: 2; W: 8 c", "y: n c")(
    lambda B, x, K, b, W, y: B.cross_entropy(
        B.reshape(B.max_pool(B.relu(B.conv2d(x, K, b)), 2), x.shape[0], -1) @ W, y))
case("strided padded conv, global mean", "x: n 2 5 7; K: h 2 3 3; b: h; W: h c", "y: n c")(
    lambda B, x, K, b, W, y: B.cross_entropy(
        B.mean(B.silu(B.conv2d(x, K, b, stride=2, padding=1)), axis=(2, 3)) @ W, y))
case("depthwise then pointwise", "x: n 4 5 5; K: 4 1 3 3; P: h 4 1 1; t: n h 5 5")(
    lambda B, x, K, P, t: B.mse_loss(
        B.conv2d(B.relu(B.conv2d(x, K, None, padding=1, groups=4)), P), t))
case("grouped dilated conv", "x: n 4 7 6; K: 6 2 2 2; b: 6; t: n 6 5 4")(
    lambda B, x, K, b, t: B.smooth_l1_loss(
        B.conv2d(x, K, b, dilation=2, groups=2), t))
case("conv and group norm", "x: n 4 4 4; K: 4 4 3 3; g: 4; b: 4; t: n 4 2 2")(
    lambda B, x, K, g, b, t: B.mse_loss(B.relu(B.group_norm(B.conv2d(x, K), g, b, 2)), t))
case("conv and batch norm", "x: n 2 4 4; K: 3 2 3 3; g: 3; b: 3; t: n 3 2 2")(
    lambda B, x, K, g, b, t: B.mse_loss(B.relu(B.batch_norm(B.conv2d(x, K), g, b)), t))
case("convolutional autoencoder", "x: n 1 6 6; K: 2 1 3 3; V: 2 1 3 3; a: 1")(
    lambda B, x, K, V, a: B.mse_loss(B.conv_transpose2d(
        B.tanh(B.conv2d(x, K, None, stride=2)), V, a, stride=2, output_padding=1), x))
case("padded pools", "x: n 2 5 5; K: 2 2 1 1")(
    lambda B, x, K: B.mean(B.conv2d(
        B.avg_pool(x, 3, stride=2, padding=1) + B.max_pool(x, 3, stride=2, padding=1), K) ** 2))
case("conv of one pixel", "x: 1 1 1 1; K: 1 1 1 1; b: 1")(
    lambda B, x, K, b: B.mean(B.tanh(B.conv2d(x, K, b)) ** 2))
case("conv over time", "x: n 3 8; K: 4 3 3; b: 4; W: 4 c", "y: n c")(
    lambda B, x, K, b, W, y: B.cross_entropy(
        B.mean(B.relu(B.conv1d(x, K, b, padding=2, dilation=2)), axis=2) @ W, y))
case("Elman network, last state", "x: T d; W: d h; U: h h; b: h; t: h")(
    lambda B, x, W, U, b, t: B.mse_loss(B.rnn(x, W, U, b)[-1], t))
case("LSTM of a batch", f"x: T n d; {LSTM}; V: h c", "y: n c")(
    lambda B, x, W, U, b, V, y: B.cross_entropy(B.lstm(x, W, U, b)[-1] @ V, y))
case("LSTM, every output", f"x: T d; {LSTM}; V: h d")(
    lambda B, x, W, U, b, V: B.mse_loss(B.lstm(x, W, U, b) @ V, x))
case("GRU, language model", "E: v d; W: 3 d h; U: 3 h h; b: 3 h; V: h v", "ids: T v; y: T v")(
    lambda B, E, W, U, b, V, ids, y: B.cross_entropy(
        B.gru(B.embedding(ids, E), W, U, b) @ V, y))
case("two GRU layers", "x: T d; W: 3 d h; U: 3 h h; b: 3 h; P: 3 h h; Q: 3 h h; a: 3 h; t: T h")(
    lambda B, x, W, U, b, P, Q, a, t: B.mse_loss(B.gru(B.gru(x, W, U, b), P, Q, a), t))
case("self-attention, causal", "x: n d; Q: d k; K: d k; V: d h; t: n h")(
    lambda B, x, Q, K, V, t: B.mse_loss(
        B.attention(x @ Q, x @ K, x @ V, B.causal_mask(x.shape[0])), t))
case("cross-attention of a batch", "x: 2 n d; z: 2 m d; Q: d k; K: d k; t: 2 n d")(
    lambda B, x, z, Q, K, t: B.mse_loss(B.attention(x @ Q, z @ K, z), t))
case("rotary heads, causal", f"x: n d; {HEADS}; t: n d")(
    lambda B, x, Wq, Wk, Wv, Wo, t: B.mse_loss(B.multi_head_attention(
        x, Wq, Wk, Wv, Wo, B.causal_mask(x.shape[0]), B.rotary), t))
case("language model of one block", f"E: v d; {BLOCK}; V: d v", "ids: n v; y: n v")(
    lambda B, E, V, ids, y, **t: B.cross_entropy(block(
        B, B.embedding(ids, E), t, mask=B.causal_mask(ids.shape[0]), positions=B.rotary) @ V, y))
case("block with sinusoids, mean", f"x: n 6; {BLOCK.replace(' d', ' 6')}; V: 6 c; t: c")(
    lambda B, x, V, t, **w: B.mse_loss(B.mean(block(
        B, x + B.sinusoidal_positions(x.shape[0], 6), w), axis=0) @ V, t))
case("block of a batch of sentences", f"x: 2 n d; {BLOCK}; t: 2 n d")(
    lambda B, x, t, **w: B.mse_loss(block(B, x, w, mask=B.causal_mask(x.shape[1])), t))
case("attention of one, to two", "x: 1 d; z: 2 d; Q: d 1; K: d 1; V: d 1")(
    lambda B, x, z, Q, K, V: B.mean(B.attention(x @ Q, z @ K, z @ V) ** 2))
case("segments by convolution", "x: n 1 4 4; K: 2 1 3 3; P: 1 2 1 1; t: n 1 4 4")(
    lambda B, x, K, P, t: B.binary_cross_entropy_with_logits(
        B.conv2d(B.relu(B.conv2d(x, K, None, padding=1)), P), B.sigmoid(t)))


def arrays(shapes: str, data: str, rng: np.random.Generator) -> tuple[dict[str, Any], ...]:
    """Reals by the shapes and data by ``name: dims kind``: labels below a dim, or signs."""
    reals, fixed = {}, {}
    for part in filter(None, (p.strip() for p in shapes.split(";"))):
        name, dims = part.split(":")
        reals[name] = rng.normal(size=[SIZES.get(k) or int(k) for k in dims.split()])
    for part in filter(None, (p.strip() for p in data.split(";"))):
        name, dims = part.split(":")
        *lengths, kind = dims.split()
        shape = [SIZES.get(k) or int(k) for k in lengths]
        fixed[name] = (rng.choice([-1.0, 1.0], shape) if kind == "signs"
                       else rng.integers(SIZES[kind], size=shape))
    return reals, fixed


def tensors(shapes: str, data: str) -> dict[str, Any]:
    """The same with symbolic dims."""
    made = {}
    for part in filter(None, (p.strip() for p in f"{shapes}; {data}".split(";"))):
        name, dims = part.split(":")
        lengths = [k if k in SIZES else int(k) for k in dims.split() if k != "signs"]
        if part in data:
            own = lengths if part.endswith("signs") else lengths[:-1]
            kind = "sign_labels" if part.endswith("signs") else "integer"
            made[name] = md.tensor(name, *own, assume=kind)
        else:
            made[name] = md.tensor(name, *lengths)
    return made


SOME = CASES[::7]


@pytest.mark.parametrize("one", [
    pytest.param(c, id=c[0], marks=() if c in SOME else pytest.mark.exhaustive) for c in CASES
])
def test_it_is_verified_and_agrees(
    one: tuple[str, str, str, Model], rng: np.random.Generator
) -> None:
    _, shapes, data, model = one
    reals, fixed = arrays(shapes, data, rng)
    derivation = md.derive(model(OURS, **tensors(shapes, data)), list(reals))
    report = derivation.verify()
    assert report, str(report)
    code = derivation.compile()
    given = {**reals, **fixed}
    value, grads = code(**{k: given[k] for k in code.inputs})
    theirs = {k: torch.tensor(a, requires_grad=k in reals) for k, a in given.items()}
    wanted = model(in_torch, **theirs)
    wanted.backward()
    np.testing.assert_allclose(value, wanted.item(), rtol=1e-9)
    for name in reals:
        np.testing.assert_allclose(
            grads[name], theirs[name].grad.numpy(), rtol=1e-7, atol=1e-10, err_msg=name)


def test_there_are_enough() -> None:
    assert len({c[0] for c in CASES}) == len(CASES) >= 40
