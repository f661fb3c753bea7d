"""Layers and activations against PyTorch, with its options and dims of 1."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from torch_agreement import Case, disagreement

import mathdl as md
from mathdl.catalogue import activations, layers

torch: Any = pytest.importorskip("torch")
F = torch.nn.functional
RNG = np.random.default_rng(3)


def drawn(*shape: int) -> Any:
    return RNG.normal(size=shape)


def convolutions() -> list[Case]:
    found = []
    options: list[dict[str, Any]] = [
        {}, {"stride": 2, "padding": 1}, {"stride": (1, 2), "dilation": (2, 1)},
        {"padding": (2, 0), "groups": 2}, {"stride": 2, "padding": 2, "dilation": 2, "groups": 4},
    ]
    for o in options:
        arrays = drawn(2, 4, 6, 5), drawn(4, 4 // o.get("groups", 1), 3, 2), drawn(4)
        found.append(Case(
            f"conv2d {o}", lambda x, k, b, o=o: layers.conv2d(x, k, b, **o),
            lambda x, k, b, o=o: F.conv2d(x, k, b, **o), arrays,
        ))
    for o in ({}, {"stride": 3, "padding": 2, "dilation": 2}, {"groups": 2}):
        arrays = drawn(2, 4, 9), drawn(6, 4 // o.get("groups", 1), 3), drawn(6)
        found.append(Case(
            f"conv1d {o}", lambda x, k, b, o=o: layers.conv1d(x, k, b, **o),
            lambda x, k, b, o=o: F.conv1d(x, k, b, **o), arrays,
        ))
    transposed: list[dict[str, Any]] = [
        {}, {"stride": 2}, {"stride": 2, "padding": 1, "output_padding": 1},
        {"stride": 3, "dilation": 2, "padding": (1, 0)}, {"groups": 2, "stride": (2, 1)},
        {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2, "dilation": 2},
    ]
    for o in transposed:
        arrays = drawn(2, 4, 3, 4), drawn(4, 3, 3, 2), drawn(3 * o.get("groups", 1))
        found.append(Case(
            f"conv_transpose2d {o}",
            lambda x, k, b, o=o: layers.conv_transpose2d(x, k, b, **o),
            lambda x, k, b, o=o: F.conv_transpose2d(x, k, b, **o), arrays,
        ))
    o = {"stride": 2, "padding": 2, "output_padding": 1, "dilation": 2}
    found.append(Case(
        f"conv_transpose1d {o}", lambda x, k, b: layers.conv_transpose1d(x, k, b, **o),
        lambda x, k, b: F.conv_transpose1d(x, k, b, **o),
        (drawn(1, 2, 5), drawn(2, 3, 3), drawn(3)),
    ))
    return found


def pools() -> list[Case]:
    found = []
    places: list[dict[str, Any]] = [
        {"stride": s, "padding": p, "ceil_mode": c}
        for s, p, c in product((None, 1, (2, 3)), (0, 1), (False, True))
    ]
    for o in places:
        found.append(Case(
            f"max_pool {o}", lambda x, o=o: layers.max_pool(x, (2, 3), **o),
            lambda x, o=o: F.max_pool2d(x, (2, 3), **o), (drawn(2, 1, 6, 7),),
        ))
        for counted in (True, False):
            o = {**o, "count_include_pad": counted}
            found.append(Case(
                f"avg_pool {o}", lambda x, o=o: layers.avg_pool(x, (2, 3), **o),
                lambda x, o=o: F.avg_pool2d(x, (2, 3), **o), (drawn(2, 1, 6, 7),),
            ))
    for s, (p, d), c in product((None, (2, 1)), ((0, 2), (1, (3, 2))), (False, True)):
        o = {"stride": s, "padding": p, "dilation": d, "ceil_mode": c}
        found.append(Case(
            f"max_pool {o}", lambda x, o=o: layers.max_pool(x, (2, 3), **o),
            lambda x, o=o: F.max_pool2d(x, (2, 3), **o), (drawn(2, 1, 9, 10),),
        ))
    found.append(Case(
        "avg_pool divisor", lambda x: layers.avg_pool(x, 2, divisor_override=3),
        lambda x: F.avg_pool2d(x, 2, divisor_override=3), (drawn(1, 1, 4, 4),),
    ))
    return found


def normalisations() -> list[Case]:
    x, rows, v, w = drawn(3, 4, 2, 5), drawn(6, 4), drawn(4), drawn(4)
    running = drawn(4), np.abs(drawn(4))
    return [
        Case("batch_norm", lambda x, g, b: layers.batch_norm(x, g, b, eps=1e-3),
             lambda x, g, b: F.batch_norm(x, None, None, g, b, training=True, eps=1e-3),
             (rows, v, w)),
        Case("batch_norm of images", layers.batch_norm,
             lambda x, g, b: F.batch_norm(x, None, None, g, b, training=True), (x, v, w)),
        Case("batch_norm without affine", layers.batch_norm,
             lambda x: F.batch_norm(x, None, None, training=True), (x,)),
        Case("batch_norm predicting",
             lambda x, g, b, m, s: layers.batch_norm(x, g, b, m, s),
             lambda x, g, b, m, s: F.batch_norm(x, m, s, g, b), (x, v, w), running),
        Case("layer_norm", lambda x, g, b: layers.layer_norm(x, g, b, eps=1e-2),
             lambda x, g, b: F.layer_norm(x, (4,), g, b, eps=1e-2), (rows, v, w)),
        Case("layer_norm without shift", layers.layer_norm,
             lambda x, g: F.layer_norm(x, (4,), g), (rows, v)),
        Case("layer_norm over three axes", lambda x, g, b: layers.layer_norm(x, g, b, axes=3),
             lambda x, g, b: F.layer_norm(x, (4, 2, 5), g, b),
             (x, drawn(4, 2, 5), drawn(4, 2, 5))),
        Case("rms_norm", lambda x, g: layers.rms_norm(x, g, eps=1e-3),
             lambda x, g: F.rms_norm(x, (4,), g, eps=1e-3), (rows, v)),
        Case("group_norm", lambda x, g, b: layers.group_norm(x, g, b, 2),
             lambda x, g, b: F.group_norm(x, 2, g, b), (x, v, w)),
        Case("instance_norm", lambda x: layers.group_norm(x, groups=4), F.instance_norm, (x,)),
        Case("weight_norm", layers.weight_norm,
             lambda V, g: torch._weight_norm(V, g[None], 1), (drawn(3, 4), v)),
    ]


def recurrent(name: str, gates: int) -> Any:
    """PyTorch's layer as a function of our arrays, with the second bias zero but for ``c``."""
    order = [0, 1, 3, 2] if gates == 4 else range(gates)

    def run(x: Any, W: Any, U: Any, b: Any, c: Any = None) -> Any:
        layer = getattr(torch.nn, name)(W.shape[-2], W.shape[-1], dtype=torch.float64)
        parts = [a if gates > 1 else a[None] for a in (W, U, b)]
        stacked = [torch.cat([p[k].T if p.ndim > 2 else p[k] for k in order]) for p in parts]
        zero = torch.zeros_like(stacked[2])
        second = zero if c is None else torch.cat([zero[:-len(c)], c])
        given = dict(zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"),
                         (*stacked, second), strict=True))
        return torch.func.functional_call(layer, given, (x,))[0]

    return run


def sequences() -> list[Case]:
    def arrays(gates: int) -> list[Any]:
        stack = (gates,) if gates > 1 else ()
        return [drawn(5, 2, 3), drawn(*stack, 3, 4), drawn(*stack, 4, 4), drawn(*stack, 4)]

    return [
        Case("rnn", layers.rnn, recurrent("RNN", 1), arrays(1)),
        Case("lstm", layers.lstm, recurrent("LSTM", 4), arrays(4)),
        Case("gru", lambda x, W, U, b, c: layers.gru(x, W, U, b, c=c), recurrent("GRU", 3),
             [*arrays(3), drawn(4)]),
    ]


def attentions() -> list[Case]:
    Q, K, V = drawn(2, 3, 4), drawn(2, 5, 4), drawn(2, 5, 6)
    mask = (RNG.random((3, 5)) < 0.5) | np.eye(3, 5, dtype=bool)
    heads = [drawn(2, 4, 3), drawn(2, 4, 3), drawn(2, 4, 3), drawn(2, 3, 4)]

    def many(x: Any, Wq: Any, Wk: Any, Wv: Any, Wo: Any) -> Any:
        inward = torch.cat([W.permute(0, 2, 1).reshape(6, 4) for W in (Wq, Wk, Wv)])
        split = [(x @ part.T).reshape(-1, 2, 3).transpose(0, 1) for part in inward.split(6)]
        seen = F.scaled_dot_product_attention(*split, is_causal=True)
        return seen.transpose(0, 1).reshape(-1, 6) @ Wo.reshape(6, 4)

    return [
        Case("attention", layers.attention, F.scaled_dot_product_attention, (Q, K, V)),
        Case("attention scale", lambda q, k, v: layers.attention(q, k, v, scale=0.3),
             lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.3), (Q, K, V)),
        Case("attention mask", layers.attention,
             lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m > 0),
             (Q, K, V), (mask.astype(float),)),
        Case("attention causal",
             lambda q, k, v: layers.attention(q, k, v, layers.causal_mask(5)),
             lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
             (K, V[..., :4], V)),
        Case("multi_head_attention",
             lambda x, *W: layers.multi_head_attention(x, *W, layers.causal_mask(5)), many,
             (drawn(5, 4), *heads)),
    ]


def others() -> list[Case]:
    return [
        Case("dense", layers.dense, lambda x, W, b: F.linear(x, W.T, b),
             (drawn(2, 3), drawn(3, 4), drawn(4))),
        Case("embedding", lambda E, ids: layers.embedding(ids, E),
             lambda E, ids: F.embedding(ids, E), (drawn(5, 3),), (np.array([[4, 0], [4, 1]]),)),
    ]


THEIRS: dict[str, Any] = {
    "arctan": torch.atan, "elu": F.elu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,  # its own rounds 1/6 to single precision
    "hard_swish": F.hardswish,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2), "log_sigmoid": F.logsigmoid,
    "log_softmax": lambda x: F.log_softmax(x, -1), "softmax": lambda x: F.softmax(x, -1),
}


def activation(name: str) -> Case:
    slope = {"elu": 1, "leaky_relu": 0.2}.get(name)
    function = getattr(activations, name)
    ours = function if slope is None else lambda x: function(x, slope)
    theirs = THEIRS.get(name) or getattr(F, name)
    x = np.concatenate([4 * drawn(13), activations.FACTS[name].kinks])
    return Case(name, ours, theirs, (x,))


LAYERS = [*convolutions(), *pools(), *normalisations(), *sequences(), *attentions(), *others()]


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.name)
def test_layers(case: Case, rng: np.random.Generator) -> None:
    assert disagreement(case, torch, rng) == ""


@pytest.mark.parametrize("name", activations.FACTS)
def test_activations_and_their_subgradients(name: str, rng: np.random.Generator) -> None:
    assert disagreement(activation(name), torch, rng) == ""


def test_a_difference_is_seen(rng: np.random.Generator) -> None:
    x = (drawn(3, 4),)
    assert "value" in disagreement(Case("", md.tanh, torch.sigmoid, x), torch, rng)
    assert "a0" in disagreement(
        Case("", md.tanh, lambda x: x.tanh().detach() + 0 * x, x), torch, rng)
    assert "shapes" in disagreement(Case("", lambda x: x.T, torch.tanh, x), torch, rng)
