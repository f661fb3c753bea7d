"""The eight problems as a user of mathdl writes them, naively."""

from __future__ import annotations

from typing import Any

import mathdl as md

LAYERS = 16


def tanh_network(layers: int, wide: bool = False) -> tuple[str, dict[str, str]]:
    """``sum((H_L - T)**2)/n`` of ``layers`` layers of tanh, as text and shapes.

    All layers have the dim ``d``; with ``wide`` each has a dim of its own.
    """
    width = [f"d{k}" if wide else "d" for k in range(layers + 1)]
    text, before = "", "X"
    shapes = {"X": f"n {width[0]}", "T": f"n {width[-1]}"}
    for k in range(1, layers + 1):
        text += f"H{k} = tanh({before} @ W{k} + b{k}); "
        shapes |= {f"W{k}": f"{width[k - 1]} {width[k]}", f"b{k}": width[k]}
        before = f"H{k}"
    return text + f"sum(({before} - T)**2)/n", shapes


TEXTS: dict[str, tuple[str, Any, dict[str, str]]] = {
    "xor": (
        "H = tanh(X @ W1 + b1); Z = H @ W2 + b2; mean((Z - T)**2)",
        "X: n d; T: n 1; W1: d h; b1: h; W2: h 1; b2: 1",
        {},
    ),
    "mlp": (
        "H = relu(X @ W1 + b1); P = softmax(H @ W2 + b2); -sum(Y*log(P))/n",
        "X: n d; Y: n c; W1: d h; b1: h; W2: h c; b2: c",
        {"Y": "one_hot"},
    ),
    "deep_tanh": (*tanh_network(LAYERS), {}),
    "logistic": (
        "p = sigmoid(X @ w + b); -sum(y*log(p) + (1 - y)*log(1 - p))/n",
        "X: n d; y: n; w: d; b:",
        {"y": "binary"},
    ),
    "layer_norm": (
        "sum(G*(gam*layer_norm(X) + bet))",
        "X: n d; G: n d; gam: d; bet: d",
        {},
    ),
    "attention": (
        "P = softmax(Q @ K.T/sqrt(d)); sum(G*(P @ V))",
        "Q: n d; K: m d; V: m d; G: n d",
        {},
    ),
    "conv2d": (
        "sum(G*conv2d(x, k, padding=1))",
        "x: n c h w; k: o c 3 3; G: n o h w",
        {},
    ),
    "gelu_chain": ("sum(gelu_tanh(a*x + b))", "a: n; x: n; b: n", {}),
}


def derivation(name: str, wrt: list[str]) -> md.Derivation:
    """The problem's loss derived with respect to the named inputs."""
    text, shapes, assume = TEXTS[name]
    return md.derive(md.parse(text, shapes=shapes, assume=assume), wrt=wrt)
