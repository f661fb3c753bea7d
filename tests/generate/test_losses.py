"""Whole losses with their gradients: values read off, kernels saved, blocks of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mathdl as md
from mathdl.generate.homogeneous import value_from_gradients
from mathdl.ir.system import topological

LOSSES: dict[str, tuple[str, str, list[str]]] = {
    "layer_norm": ("sum(G*(gam*layer_norm(X) + bet))", "X: n d; G: n d; gam: d; bet: d",
                   ["X", "gam", "bet"]),
    "layer_norm_scaled": ("-sum(G*(gam*layer_norm(X) + bet))/n",
                          "X: n d; G: n d; gam: d; bet: d", ["X", "gam", "bet"]),
    "attention": ("P = softmax(Q @ K.T/sqrt(d)); sum(G*(P @ V))",
                  "Q: n d; K: m d; V: m d; G: n d", ["Q", "K", "V"]),
    "conv": ("sum(G*conv2d(x, k, padding=1))", "x: n c h w; k: o c 3 3; G: n o h w", ["x", "k"]),
    "conv_plain": ("sum(G*conv2d(x, k)**2)", "x: n c 6 5; k: o c 2 3; G: n o 5 3", ["x", "k"]),
    "conv_deep": ("sum(conv2d(relu(conv2d(x, k, padding=1)), q, padding=1)**2)/n",
                  "x: n c h w; k: o c 3 3; q: m o 3 3", ["k", "q"]),
    "conv_strided": ("sum(conv2d(x, k, stride=2, padding=1)**2)", "x: n c 7 5; k: o c 3 3",
                     ["x", "k"]),
    "logistic": ("p = sigmoid(X @ w + b); -sum(y*log(p) + (1 - y)*log(1 - p))/n",
                 "X: n d; y: n; w: d; b:", ["w", "b"]),
    "gelu": ("sum(gelu_tanh(a*x + b))", "a: n; x: n; b: n", ["a", "x", "b"]),
    "linear": ("sum(G*(X @ W + b))", "X: n d; W: d m; b: m; G: n m", ["W", "b"]),
    "scaled_rows": ("r = 1/sqrt(sum(X**2, axis=1) + 1); sum(tanh((r[:, None]*X) @ w))",
                    "X: n d; w: d", ["X", "w"]),
}


def arrays_of(name: str, sizes: dict[str, int], seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    arrays = {}
    for declared in LOSSES[name][1].split(";"):
        label, _, dims = declared.partition(":")
        shape = tuple(int(d) if d.isdigit() else sizes[d] for d in dims.split())
        arrays[label.strip()] = rng.normal(size=shape) if shape else float(rng.normal())
    return arrays


SIZES = [
    {"n": 5, "d": 4, "m": 3, "c": 2, "h": 6, "w": 4, "o": 3},
    {"n": 1, "d": 3, "m": 1, "c": 3, "h": 1, "w": 2, "o": 1},
    {"n": 2, "d": 1, "m": 2, "c": 1, "h": 2, "w": 1, "o": 5},
]


@pytest.mark.parametrize("blocks", [False, True], ids=["whole", "blocks"])
@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradients(
    name: str, blocks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, shapes, wrt = LOSSES[name]
    if blocks:
        monkeypatch.setattr("mathdl.generate.blocks.LEAST", 1)
        monkeypatch.setattr("mathdl.generate.numpy_blocks.LARGE", 0)
        monkeypatch.setattr("mathdl.generate.numpy_blocks.CACHE", 600)
    derived = md.derive(md.parse(text, shapes=shapes), wrt=wrt)
    both, value = derived.compile(), derived.compile("value")
    assert bool(derived.verify())
    for sizes in SIZES:
        arrays = arrays_of(name, sizes)
        found, grads = both(**arrays)
        np.testing.assert_allclose(found, value(**arrays), rtol=1e-11, atol=1e-12)
        rng = np.random.default_rng(1)
        for label in wrt:
            at = np.asarray(arrays[label])
            direction = rng.normal(size=at.shape)
            step = 1e-5
            ends = [value(**{**arrays, label: at + s * direction}) for s in (step, -step)]
            slope = (ends[0] - ends[1]) / (2 * step)
            size = 1 + abs(found) + np.linalg.norm(grads[label])
            assert abs(np.sum(grads[label] * direction) - slope) < 1e-7 * size
        narrow = {k: np.asarray(a, np.float32) for k, a in arrays.items()}
        single, narrow_grads = both(**narrow)
        assert np.asarray(single).dtype == np.float32
        for label in wrt:
            scale = 1 + np.max(np.abs(grads[label]))
            np.testing.assert_allclose(narrow_grads[label], grads[label], atol=2e-4 * scale)


def read_off(text: str, shapes: str, wrt: list[str]) -> bool:
    """Whether the value comes from the gradients."""
    derived = md.derive(md.parse(text, shapes=shapes), wrt=wrt)
    gradients = {t: derived[t] for t in derived.wrt}
    after = value_from_gradients(derived.expr, gradients)
    assert after.shape == ()
    if after is derived.expr:
        return False
    below = set(topological([after]))
    return any(g in below for g in gradients.values())


@pytest.mark.parametrize(("text", "shapes", "wrt"), [
    ("sum(G*(gam*tanh(X) + bet))", "X: n d; G: n d; gam: d; bet: d", ["X", "gam", "bet"]),
    ("-2*sum(G*(X @ W))/n", "X: n d; W: d m; G: n m", ["W"]),
    ("sum(G*conv2d(x, k))", "x: n c 9 9; k: o c 3 3; G: n o 7 7", ["x", "k"]),
])
def test_homogeneous_values_are_read_off(text: str, shapes: str, wrt: list[str]) -> None:
    assert read_off(text, shapes, wrt)


@pytest.mark.parametrize(("text", "shapes", "wrt"), [
    ("sum((X @ w)**2)", "X: n d; w: d", ["w"]),
    ("sum(X @ w) + 1", "X: n d; w: d", ["w"]),
    ("sum(X @ w + exp(w)[0])", "X: n d; w: d", ["w"]),
    ("sum(G*(x - y))", "G: n; x: n; y: n", ["x", "y"]),
    ("sum(G*(gam*tanh(X) + bet))", "X: n d; G: n d; gam: d; bet: d", ["X", "gam"]),
    ("sum(abs(X @ w))", "X: n d; w: d", ["w"]),
    ("max(X @ w)", "X: n d; w: d", ["w"]),
    ("(u @ A @ v)*sum(v)", "A: n n; u: n; v: n", ["v"]),
])
def test_other_values_are_computed(text: str, shapes: str, wrt: list[str]) -> None:
    assert not read_off(text, shapes, wrt)


def test_what_a_value_requires_of_dims_stays() -> None:
    derived = md.derive(md.parse("sum(conv2d(x, k))", shapes="x: n c h w; k: o c 3 3"), wrt="k")
    compiled, k = derived.compile(), np.ones((1, 1, 3, 3))
    value, gradient = compiled(x=np.ones((1, 1, 4, 5)), k=k)
    assert value == 54
    np.testing.assert_array_equal(gradient, np.full((1, 1, 3, 3), 6.0))
    with pytest.raises(ValueError, match="h = 2"):
        compiled(x=np.ones((1, 1, 2, 5)), k=k)
