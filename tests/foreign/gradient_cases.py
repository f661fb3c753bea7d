"""Functions with a right gradient and planted mistakes, and what the diagnosis must say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Function = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """One function: ``f``, its ``right`` derivative, and mistakes by what must be said of them.

    A mistake's key is its expected kind, with a part of the expected text after a colon.
    """

    name: str
    shapes: dict[str, str]
    f: Function
    right: Function
    wrong: dict[str, Function]
    options: dict[str, Any] = field(default_factory=dict)
    form: str = "grad_f"


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(z):
    return 0.5 + 0.5 * np.tanh(z / 2)


def xent(Z, Y):
    top = Z - Z.max(-1, keepdims=True)
    return -np.sum(Y * (top - np.log(np.exp(top).sum(-1, keepdims=True)))) / len(Z)


def scatter(ids, G, k):
    out = np.zeros((k, G.shape[1]))
    np.add.at(out, ids, G)
    return out


def smooth(x):
    return np.sum((x[1:] - x[:-1]) ** 2)


def smooth_grad(x):
    d = 2 * (x[1:] - x[:-1])
    return np.concatenate([[0.0], d]) - np.concatenate([d, [0.0]])


def conv(x, k):
    return np.correlate(x, k, "valid")


def huber(r):
    return np.where(np.abs(r) < 1, r * r / 2, np.abs(r) - 0.5)


def layer_norm(x):
    c = x - x.mean(-1, keepdims=True)
    return c / np.sqrt((c * c).mean(-1, keepdims=True) + 1e-5)


def layer_norm_vjp(g, x):
    s = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    h = layer_norm(x)
    return (g - g.mean(-1, keepdims=True) - h * (g * h).mean(-1, keepdims=True)) / s


def batched(g, a, b):
    return g @ np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2) @ g


LS = {"X": "n,d", "w": "d", "y": "n"}
CE = {"Z": "n,k", "Y": "n,k"}
LIN = {"X": "n,d", "W": "d,k", "b": "k", "G": "n,k"}
CASES = [
    Case("least squares, mean", LS,
         lambda X, w, y: np.mean((X @ w - y) ** 2),
         lambda X, w, y: 2 * X.T @ (X @ w - y) / len(y),
         {"sign": lambda X, w, y: 2 * X.T @ (y - X @ w) / len(y),
          "factor:n times": lambda X, w, y: 2 * X.T @ (X @ w - y),
          "factor:factor 2": lambda X, w, y: X.T @ (X @ w - y) / len(y),
          "factor:factor 2/n": lambda X, w, y: X.T @ (X @ w - y),
          "factor:d": lambda X, w, y: 2 * X.T @ (X @ w - y) / len(y) / len(w),
          "shape": lambda X, w, y: (2 * X.T @ (X @ w - y) / len(y))[:, None],
          "zero": lambda X, w, y: np.zeros(len(w)),
          "off by one": lambda X, w, y: np.roll(2 * X.T @ (X @ w - y) / len(y), 1),
          "missing sum": lambda X, w, y: 2 * X * (X @ w - y)[:, None] / len(y),
          "reversed axis": lambda X, w, y: (2 * X.T @ (X @ w - y) / len(y))[::-1],
          "missing term": lambda X, w, y: 2 * X.T @ (X @ w - y) / len(y) + w,
          "unknown|sum|entries": lambda X, w, y: 2 * X[0] * (X[0] @ w - y[0])},
         {"wrt": "w"}),
    Case("ridge", {**LS, "lam": ""},
         lambda X, w, y, lam: np.sum((X @ w - y) ** 2) + lam * np.sum(w**2),
         lambda X, w, y, lam: 2 * X.T @ (X @ w - y) + 2 * lam * w,
         {"missing term:2*lam*w": lambda X, w, y, lam: 2 * X.T @ (X @ w - y),
          "missing term:lam*w|wrong input": lambda X, w, y, lam: 2 * X.T @ (X @ w - y) + lam * w,
          "wrong input:-lam|missing term:4*lam*w":
              lambda X, w, y, lam: 2 * X.T @ (X @ w - y) - 2 * lam * w},
         {"wrt": "w", "assume": {"lam": "positive"}}),
    Case("lasso", {**LS, "lam": ""},
         lambda X, w, y, lam: np.sum((X @ w - y) ** 2) + lam * np.abs(w).sum(),
         lambda X, w, y, lam: 2 * X.T @ (X @ w - y) + lam * np.sign(w),
         {"missing term:lam*sign(w)": lambda X, w, y, lam: 2 * X.T @ (X @ w - y),
          "entries:w < 0": lambda X, w, y, lam: 2 * X.T @ (X @ w - y) + lam},
         {"wrt": "w", "assume": {"lam": "positive"}}),
    Case("cross entropy", CE, xent, lambda Z, Y: (softmax(Z) - Y) / len(Z),
         {"factor:n times": lambda Z, Y: softmax(Z) - Y,
          "sign": lambda Z, Y: (Y - softmax(Z)) / len(Z),
          "missing term:Y/n": lambda Z, Y: softmax(Z) / len(Z),
          "factor:k": lambda Z, Y: (softmax(Z) - Y) / Z.size,
          "transposed|shape": lambda Z, Y: ((softmax(Z) - Y) / len(Z)).T},
         {"wrt": "Z", "assume": {"Y": "one_hot"}}),
    Case("affine layer", LIN,
         lambda X, W, b, G: np.sum(G * (X @ W + b)),
         lambda X, W, b, G: (G @ W.T, X.T @ G, G.sum(0)),
         {"missing sum@b": lambda X, W, b, G: (G @ W.T, X.T @ G, G),
          "transposed@W": lambda X, W, b, G: (G @ W.T, (X.T @ G).T, G.sum(0)),
          "factor:n@b": lambda X, W, b, G: (G @ W.T, X.T @ G, G.mean(0)),
          "sum:n = 1|unknown@b": lambda X, W, b, G: (G @ W.T, X.T @ G, G[0])},
         {"wrt": "X,W,b"}),
    Case("square matrices", {"X": "n,n", "W": "n,n", "G": "n,n"},
         lambda X, W, G: np.sum(G * (X @ W)),
         lambda X, W, G: {"X": G @ W.T, "W": X.T @ G},
         {"transposed@X": lambda X, W, G: {"X": (G @ W.T).T, "W": X.T @ G},
          "input transposed:W.T@X": lambda X, W, G: {"X": G @ W, "W": X.T @ G},
          "input transposed:X.T@W": lambda X, W, G: {"X": G @ W.T, "W": X @ G},
          "swapped@W": lambda X, W, G: {"X": G @ W.T, "W": G @ W.T}}),
    Case("quadratic form", {"A": "n,n", "x": "n"},
         lambda A, x: x @ A @ x, lambda A, x: (A + A.T) @ x,
         {"taken for symmetric": lambda A, x: 2 * A @ x,
          "factor|taken for symmetric": lambda A, x: A @ x,
          "factor:factor 2": lambda A, x: (A + A.T) @ x / 2}, {"wrt": "x"}),
    Case("trace of a square", {"A": "n,n"},
         lambda A: np.trace(A @ A), lambda A: 2 * A.T,
         {"transposed": lambda A: 2 * A, "factor:factor 2": lambda A: A.T}),
    Case("symmetrised", {"A": "n,n", "B": "n,n"},
         lambda A, B: np.sum(B * (A + A.T)), lambda A, B: B + B.T,
         {"symmetric part": lambda A, B: B,
          "taken for symmetric|symmetric part|missing term": lambda A, B: B.T}, {"wrt": "A"}),
    Case("lower triangle", {"A": "n,n", "B": "n,n"},
         lambda A, B: np.sum(B * np.tril(A) ** 2), lambda A, B: 2 * B * np.tril(A),
         {"triangle": lambda A, B: 2 * B * A}, {"wrt": "A"}),
    Case("tanh", {"x": "n,m", "g": "n,m"},
         lambda x, g: np.sum(g * np.tanh(x)), lambda x, g: g * (1 - np.tanh(x) ** 2),
         {"chain factor:tanh": lambda x, g: g.copy(),
          "chain factor:factor g": lambda x, g: 1 - np.tanh(x) ** 2}, {"wrt": "x"}),
    Case("log of a sum of squares", {"x": "n"},
         lambda x: np.log(np.sum(x**2)), lambda x: 2 * x / np.sum(x**2),
         {"factor": lambda x: 2 * x, "factor:factor 2": lambda x: x / np.sum(x**2)}),
    Case("norm", {"x": "n"}, lambda x: np.sqrt(np.sum(x**2)),
         lambda x: x / np.sqrt(np.sum(x**2)),
         {"factor:f": lambda x: x.copy(), "factor:2*f": lambda x: 2 * x,
          "precision": lambda x: x / (np.sqrt(np.sum(x**2)) + 1e-5)}),
    Case("gaussian", {"x": "n", "mu": "n", "s": ""},
         lambda x, mu, s: np.sum((x - mu) ** 2) / (2 * s**2) + x.size * np.log(s),
         lambda x, mu, s: ((x - mu) / s**2, (mu - x) / s**2,
                           x.size / s - np.sum((x - mu) ** 2) / s**3),
         {"sign@mu": lambda x, mu, s: ((x - mu) / s**2, (x - mu) / s**2,
                                       x.size / s - np.sum((x - mu) ** 2) / s**3),
          "factor:s@x": lambda x, mu, s: ((x - mu) / s, (mu - x) / s**2,
                                          x.size / s - np.sum((x - mu) ** 2) / s**3),
          "missing term:n/s@s": lambda x, mu, s: (
              (x - mu) / s**2, (mu - x) / s**2, -np.sum((x - mu) ** 2) / s**3)},
         {"assume": {"s": "positive"}}),
    Case("scaled", {"x": "n", "a": ""}, lambda x, a: a * np.sum(np.sin(x)),
         lambda x, a: (a * np.cos(x), np.sum(np.sin(x))),
         {"factor:factor a@x": lambda x, a: (np.cos(x), np.sum(np.sin(x))),
          "chain factor:cos@x": lambda x, a: (a * np.ones(x.shape), np.sum(np.sin(x)))}),
    Case("relu", {"x": "n,m", "g": "n,m"},
         lambda x, g: np.sum(g * np.maximum(x, 0)), lambda x, g: g * (x > 0),
         {"chain factor:(x > 0)": lambda x, g: g.copy(),
          "entries:x > 0": lambda x, g: g * (x > 1)}, {"wrt": "x"}),
    Case("leaky relu", {"x": "n"}, lambda x: np.sum(np.where(x > 0, x, 0.1 * x)),
         lambda x: np.where(x > 0, 1.0, 0.1),
         {"entries:x < 0|missing term": lambda x: np.where(x > 0, 1.0, 0.0),
          "chain factor:sign": lambda x: np.where(x > 0, 1.0, -0.1)}),
    Case("huber", {"r": "n"}, lambda r: np.sum(huber(r)), lambda r: np.clip(r, -1, 1),
         {"entries:abs(r) > 1": lambda r: np.where(np.abs(r) < 1, r, 1.0) * 1.0
          if np.any(r < -1) else np.where(np.abs(r) < 1, r, -np.sign(r)),
          "factor:factor 1/2|factor:2 times": lambda r: 2 * np.clip(r, -1, 1)}),
    Case("absolute value", {"x": "n"}, lambda x: np.sum(np.abs(x)), np.sign,
         {"chain factor:sign": lambda x: np.ones(x.shape)}),
    Case("maximum", {"x": "n"}, lambda x: x.max() ** 2,
         lambda x: 2 * x.max() * (x == x.max()),
         {"factor": lambda x: x.max() * (x == x.max()),
          "chain factor|factor|inputs swapped|missing term|cumulated sum|entries":
              lambda x: 1.0 * (x == x.max())}),
    Case("mean of rows", {"X": "n,d", "g": "d"}, lambda X, g: X.mean(0) @ g,
         lambda X, g: np.broadcast_to(g / len(X), X.shape),
         {"factor:n times": lambda X, g: np.broadcast_to(g, X.shape).copy(),
          "shape": lambda X, g: g / len(X)}, {"wrt": "X"}),
    Case("variance", {"x": "n"}, np.var, lambda x: 2 * (x - x.mean()) / x.size,
         {"missing term:mean": lambda x: 2 * x / x.size,
          "factor:(n - 1)": lambda x: 2 * (x - x.mean()) / (x.size - 1),
          "factor:n times": lambda x: 2 * (x - x.mean())}, {"dims": {}}),
    Case("smoothness", {"x": "n"}, smooth, smooth_grad,
         {"factor:factor 2": lambda x: smooth_grad(x) / 2,
          "entries:first index": lambda x: np.where(np.arange(x.size) == 0, 0, smooth_grad(x)),
          "off by one|unknown|input": lambda x: np.roll(smooth_grad(x), 1)}, {"dims": {"n": 6}}),
    Case("cumulated", {"x": "n", "g": "n"}, lambda x, g: g @ np.cumsum(x),
         lambda x, g: np.cumsum(g[::-1])[::-1],
         {"cumulated sum|missing": lambda x, g: g.copy(),
          "reversed axis": lambda x, g: np.cumsum(g[::-1])}, {"wrt": "x"}),
    Case("convolution", {"x": "9", "k": "3", "g": "7"}, lambda x, k, g: g @ conv(x, k),
         lambda x, k, g: (np.convolve(g, k), conv(x, g)),
         {"reversed axis@k": lambda x, k, g: (np.convolve(g, k), conv(x, g)[::-1]),
          "reversed axis@x": lambda x, k, g: (np.correlate(g, k, "full"), conv(x, g))},
         {"wrt": "x,k"}),
    Case("embedding", {"E": "k,d", "ids": "n", "G": "n,d"},
         lambda E, ids, G: np.sum(G * E[ids]), lambda E, ids, G: scatter(ids, G, len(E)),
         {"factor:factor 2": lambda E, ids, G: scatter(ids, G, len(E)) / 2,
          "off by one": lambda E, ids, G: np.roll(scatter(ids, G, len(E)), 1, 0)},
         {"wrt": "E", "assume": {"ids": "integer < k"}}),
    Case("weights", {"x": "n,d", "w": "n"}, lambda x, w: np.sum(w[:, None] * x**2),
         lambda x, w: (2 * w[:, None] * x, (x**2).sum(1)),
         {"chain factor:w@x": lambda x, w: (2 * x, (x**2).sum(1)),
          "factor:d@w": lambda x, w: (2 * w[:, None] * x, (x**2).mean(1)),
          "missing sum@w": lambda x, w: (2 * w[:, None] * x, x**2)}),
    Case("product of two norms", {"a": "n", "b": "n"},
         lambda a, b: np.sum(a**2) * np.sum(b**3),
         lambda a, b: (2 * a * np.sum(b**3), 3 * b**2 * np.sum(a**2)),
         {"swapped@a": lambda a, b: (3 * b**2 * np.sum(a**2), 3 * b**2 * np.sum(a**2)),
          "factor:factor 3@b": lambda a, b: (2 * a * np.sum(b**3), b**2 * np.sum(a**2))}),
    Case("log variance", {"x": "n", "v": ""},
         lambda x, v: np.sum(x**2) * np.exp(-v), lambda x, v: 2 * x * np.exp(-v),
         {"wrong input|chain factor": lambda x, v: 2 * x / v,
          "sign": lambda x, v: -2 * x * np.exp(-v)}, {"wrt": "x"}),
    Case("step", {"x": "n"}, lambda x: np.sum(np.rint(x)), np.zeros_like,
         {"not zero": lambda x: np.ones(x.shape)}),
    Case("softmax, cotangent", {"x": "n,k"}, softmax,
         lambda g, x: softmax(x) * (g - np.sum(g * softmax(x), -1, keepdims=True)),
         {"diagonal": lambda g, x: g * softmax(x) * (1 - softmax(x)),
          "missing term": lambda g, x: g * softmax(x)}, form="vjp"),
    Case("sigmoid, cotangent", {"x": "n"}, sigmoid,
         lambda g, x: g * sigmoid(x) * (1 - sigmoid(x)),
         {"cotangent ignored": lambda g, x: sigmoid(x) * (1 - sigmoid(x)),
          "chain factor": lambda g, x: g * sigmoid(x)}, form="vjp"),
    Case("matrix times vector, cotangent", {"A": "n,n", "x": "n"}, lambda A, x: np.tanh(A @ x),
         lambda g, A, x: A.T @ (g * (1 - np.tanh(A @ x) ** 2)),
         {"input transposed": lambda g, A, x: A @ (g * (1 - np.tanh(A.T @ x) ** 2)),
          "factor:factor 2": lambda g, A, x: A.T @ (g * (1 - np.tanh(A @ x) ** 2)) / 2},
         {"wrt": "x"}, form="vjp"),
    Case("linear map, cotangent", {"A": "n,n", "x": "n"}, lambda A, x: A @ x,
         lambda g, A, x: A.T @ g,
         {"transposed|input transposed": lambda g, A, x: A @ g}, {"wrt": "x"}, form="vjp"),
    Case("layer norm, cotangent", {"x": "n,d"}, layer_norm, layer_norm_vjp,
         {"missing term": lambda g, x: layer_norm_vjp(g, x) + (
             g.mean(-1, keepdims=True) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)),
          "diagonal|missing|chain|unknown|entries": lambda g, x: g / np.sqrt(
              x.var(-1, keepdims=True) + 1e-5)},
         {"dims": {"n": 3, "d": 5}}, form="vjp"),
    Case("batched product, cotangent", {"a": "p,n,m", "b": "p,m,k"}, lambda a, b: a @ b, batched,
         {"transposed@a": lambda g, a, b: (np.swapaxes(batched(g, a, b)[0], -1, -2),
                                           batched(g, a, b)[1]),
          "sign@b": lambda g, a, b: (batched(g, a, b)[0], -batched(g, a, b)[1])}, form="vjp"),
    Case("two outputs, cotangents", {"x": "n"}, lambda x: (np.sin(x), np.cos(x)),
         lambda g, x: g[0] * np.cos(x) - g[1] * np.sin(x),
         {"sign": lambda g, x: g[1] * np.sin(x) - g[0] * np.cos(x),
          "unknown|entries|missing term|switched": lambda g, x: g[0] * np.cos(x)}, form="vjp"),
    Case("linear map, Jacobian", {"A": "n,d", "x": "d"}, lambda A, x: A @ x, lambda A, x: A,
         {"transposed": lambda A, x: A.T, "sign": lambda A, x: -A}, {"wrt": "x"}),
    Case("softmax, Jacobian", {"x": "n"}, softmax,
         lambda x: np.diag(softmax(x)) - np.outer(softmax(x), softmax(x)),
         {"diagonal": lambda x: np.diag(softmax(x) * (1 - softmax(x))),
          "elementwise": lambda x: softmax(x) * (1 - softmax(x)),
          "missing term|unknown": lambda x: np.diag(softmax(x))}, {"wrt": "x"}),
    Case("squares, Jacobian", {"x": "n"}, lambda x: x**2, lambda x: np.diag(2 * x),
         {"sum|elementwise": lambda x: 2 * x}, {"wrt": "x"}),
    Case("mixing, Jacobian", {"x": "n,d", "B": "d,d"}, lambda x, B: np.tanh(x @ B),
         lambda x, B: np.einsum("nk,dk,nm->nkmd", 1 - np.tanh(x @ B) ** 2, B, np.eye(len(x))),
         {"sum": lambda x, B: (1 - np.tanh(x @ B) ** 2) @ B.T}, {"wrt": "x"}),
]
