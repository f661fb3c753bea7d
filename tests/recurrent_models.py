"""Recurrent models, in the language and as plain loops in autograd, one beside the other.

Each has its inputs' shapes in the dims ``DIMS``, a scalar over the tensors, and the same scalar
over arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import autograd.numpy as anp
import numpy as np

import mathdl as md

DIMS = {"T": 5, "n": 3, "d": 2, "h": 4, "k": 3}
Arrays = dict[str, Any]


@dataclass(frozen=True)
class Model:
    shapes: dict[str, str]
    expr: Callable[[Any], Any]
    law: Callable[[Any], Any]
    positive: tuple[str, ...] = ()
    wrt: tuple[str, ...] = field(default=())

    def tensors(self, prefix: str = "") -> dict[str, Any]:
        return {
            name: md.tensor(prefix + name, shape,
                            **({"assume": "positive"} if name in self.positive else {}))
            for name, shape in self.shapes.items()
        }

    def arrays(self, seed: int, dims: dict[str, int]) -> Arrays:
        rng = np.random.default_rng(seed)
        found = {}
        for name, shape in self.shapes.items():
            value = rng.normal(size=[dims[s] for s in shape.split()]) * 0.7
            found[name] = np.abs(value) + 0.2 if name in self.positive else np.asarray(value)
        return found


class Names(dict[str, Any]):
    """A dict read by attribute."""

    __getattr__ = dict.__getitem__


def fold(step: Callable[[Any, Any], Any], state: Any, count: Any, reverse: bool = False) -> Any:
    """The last state and what was collected, by ``step(state, t)``."""
    made: list[Any] = [None] * count
    for t in reversed(range(count)) if reverse else range(count):
        state, made[t] = step(state, t)
    return state, made


def sigmoid(x: Any) -> Any:
    return 0.5 * (1 + anp.tanh(x / 2))


def squares(rows: Any) -> Any:
    return sum(anp.sum(row * row) for row in rows)


def dim(name: str) -> Any:
    return md.dims(name)


# -- recurrent networks ----------------------------------------------------------------------


def rnn(p: Any) -> Any:
    def step(s: Any, x: Any) -> Any:
        s = md.tanh(x @ p.U + s @ p.W + p.b)
        return s, s @ p.V
    return md.sum((md.scan(step, p.s, p.X)[1] - p.Y) ** 2)


def rnn_loop(p: Any) -> Any:
    s, total = p.s, 0.0
    for t in range(len(p.X)):
        s = anp.tanh(p.X[t] @ p.U + s @ p.W + p.b)
        total = total + anp.sum((s @ p.V - p.Y[t]) ** 2)
    return total


def lstm(p: Any) -> Any:
    def step(state: Any, x: Any) -> Any:
        a, c = state
        i, f, o, g = (x @ p["W" + q] + a @ p["U" + q] + p["b" + q] for q in "ifog")
        c = md.sigmoid(f) * c + md.sigmoid(i) * md.tanh(g)
        a = md.sigmoid(o) * md.tanh(c)
        return (a, c), a
    zero = md.zeros(dim("n"), dim("h"))
    (last, _), A = md.scan(step, (zero, zero), p.X)
    return md.sum((last - p.y) ** 2) + md.sum(A**2) / 2


def lstm_loop(p: Any) -> Any:
    a = c = np.zeros(p.y.shape)
    total = 0.0
    for x in p.X:
        c = sigmoid(x @ p.Wf + a @ p.Uf + p.bf) * c + sigmoid(
            x @ p.Wi + a @ p.Ui + p.bi) * anp.tanh(x @ p.Wg + a @ p.Ug + p.bg)
        a = sigmoid(x @ p.Wo + a @ p.Uo + p.bo) * anp.tanh(c)
        total = total + anp.sum(a * a) / 2
    return total + anp.sum((a - p.y) ** 2)


def gru(p: Any) -> Any:
    def step(s: Any, x: Any) -> Any:
        z = md.sigmoid(p.Wz @ x + p.Uz @ s + p.bz)
        r = md.sigmoid(p.Wr @ x + p.Ur @ s + p.br)
        new = md.tanh(p.Wn @ x + p.Un @ (r * s) + p.bn)
        return (1 - z) * new + z * s, None
    return md.sum((md.scan(step, p.s, p.X)[0] - p.y) ** 2)


def gru_loop(p: Any) -> Any:
    s = p.s
    for x in p.X:
        z = sigmoid(p.Wz @ x + p.Uz @ s + p.bz)
        r = sigmoid(p.Wr @ x + p.Ur @ s + p.br)
        s = (1 - z) * anp.tanh(p.Wn @ x + p.Un @ (r * s) + p.bn) + z * s
    return anp.sum((s - p.y) ** 2)


def bidirectional(p: Any) -> Any:
    def step(s: Any, x: Any) -> Any:
        return (md.tanh(x @ p.U + s @ p.W),) * 2
    ahead, back = (md.scan(step, p.s, p.X, reverse=r)[1] for r in (False, True))
    return md.sum(ahead * md.sin(back))


def bidirectional_loop(p: Any) -> Any:
    def step(s: Any, t: int) -> Any:
        s = anp.tanh(p.X[t] @ p.U + s @ p.W)
        return s, s
    ahead, back = (fold(step, p.s, len(p.X), r)[1] for r in (False, True))
    return sum(anp.sum(a * anp.sin(b)) for a, b in zip(ahead, back, strict=True))


def two_layers(p: Any) -> Any:
    zero = md.zeros(dim("h"))
    _, A = md.scan(lambda s, x: (md.tanh(x @ p.U + s @ p.W),) * 2, zero, p.X)
    _, B = md.scan(lambda s, x: (md.tanh(x @ p.Q + s @ p.R),) * 2, zero, A)
    return md.sum(B[-1] ** 2) + md.sum(md.mean(B, axis=0))


def two_layers_loop(p: Any) -> Any:
    a = b = np.zeros(p.W.shape[0])
    total: Any = 0.0
    for x in p.X:
        a = anp.tanh(x @ p.U + a @ p.W)
        b = anp.tanh(a @ p.Q + b @ p.R)
        total = total + anp.sum(b)
    return anp.sum(b * b) + total / len(p.X)


# -- dynamics --------------------------------------------------------------------------------


def linear_system(p: Any) -> Any:
    def step(x: Any, u: Any) -> Any:
        x = p.A @ x + p.B @ u
        return x, p.C @ x
    return md.sum((md.scan(step, p.x0, p.u)[1] - p.y) ** 2) / 2


def linear_system_loop(p: Any) -> Any:
    x, total = p.x0, 0.0
    for t in range(len(p.u)):
        x = p.A @ x + p.B @ p.u[t]
        total = total + anp.sum((p.C @ x - p.y[t]) ** 2) / 2
    return total


def euler(p: Any) -> Any:
    def step(x: Any, u: Any) -> Any:
        return x + p.dt * (md.tanh(p.W @ x) + u), None
    return md.sum((md.scan(step, p.x0, p.u)[0] - p.y) ** 2)


def euler_loop(p: Any) -> Any:
    x = p.x0
    for u in p.u:
        x = x + p.dt * (anp.tanh(p.W @ x) + u)
    return anp.sum((x - p.y) ** 2)


def _runge_kutta(f: Any, x: Any, dt: Any) -> Any:
    a = f(x)
    b = f(x + dt / 2 * a)
    c = f(x + dt / 2 * b)
    d = f(x + dt * c)
    return x + dt / 6 * (a + 2 * b + 2 * c + d)


def rk4(p: Any) -> Any:
    def step(x: Any, u: Any) -> Any:
        return _runge_kutta(lambda q: md.tanh(p.W @ q + u), x, p.dt), None
    return md.sum((md.scan(step, p.x0, p.u)[0] - p.y) ** 2)


def rk4_loop(p: Any) -> Any:
    x = p.x0
    for u in p.u:
        x = _runge_kutta(lambda q, u=u: anp.tanh(p.W @ q + u), x, p.dt)
    return anp.sum((x - p.y) ** 2)


def momentum(p: Any) -> Any:
    def step(state: Any, noise: Any) -> Any:
        w, v = state
        v = p.mu * v - p.lr * (p.A @ w - p.b + noise)
        return (w + v, v), None
    (w, _), _ = md.scan(step, (p.w, md.zeros(dim("n"))), p.noise)
    return w @ p.A @ w / 2 - p.b @ w


def momentum_loop(p: Any) -> Any:
    w, v = p.w, 0.0 * p.w
    for noise in p.noise:
        v = p.mu * v - p.lr * (p.A @ w - p.b + noise)
        w = w + v
    return w @ p.A @ w / 2 - p.b @ w


# -- of another form -------------------------------------------------------------------------


def nested(p: Any) -> Any:
    def outer(s: Any, x: Any) -> Any:
        s, inner = md.scan(lambda q, y: (md.tanh(p.W @ q + y), q * y), s, x, reverse=True)
        return s, md.sum(inner, axis=0) + s
    return md.sum(md.scan(outer, p.s, p.X)[1] ** 3)


def nested_loop(p: Any) -> Any:
    s, total = p.s, 0.0
    for rows in p.X:
        inner: Any = 0.0
        for y in rows[::-1]:
            inner = inner + s * y
            s = anp.tanh(p.W @ s + y)
        total = total + anp.sum((inner + s) ** 3)
    return total


def nested_quotient(p: Any) -> Any:
    """The simplified step collects what leads to no next state."""
    def outer(s: Any, x: Any) -> Any:
        (q, _), _ = md.scan(lambda c, k: ((md.tanh(c[1] / md.exp(s)) + c[0] / 2, k), None),
                            (md.zeros(dim("n")), md.sum(x)), x)
        return md.tanh(q) + s / 2, q
    return md.sum(md.scan(outer, p.s, p.X)[1])


def nested_quotient_loop(p: Any) -> Any:
    s, total = p.s, 0.0
    for x in p.X:
        q, late = 0.0 * s, anp.sum(x)
        for k in x:
            q, late = anp.tanh(late / anp.exp(s)) + q / 2, k
        s = anp.tanh(q) + s / 2
        total = total + anp.sum(q)
    return total


def backwards(p: Any) -> Any:
    last, Y = md.scan(lambda s, x: (md.sigmoid(p.W @ s) * x, s), p.s, p.X, reverse=True)
    return md.sum(Y**2) + md.sum(last)


def backwards_loop(p: Any) -> Any:
    s, total = p.s, 0.0
    for x in p.X[::-1]:
        total = total + anp.sum(s * s)
        s = sigmoid(p.W @ s) * x
    return total + anp.sum(s)


def delay_line(p: Any) -> Any:
    def step(state: Any, x: Any) -> Any:
        new = p.a * state[0] + p.b * state[0] * state[1] + x
        return (new, state[0]), new
    return md.sum(md.scan(step, (md.ones(dim("n")), md.zeros(dim("n"))), p.X)[1] ** 2)


def delay_line_loop(p: Any) -> Any:
    one, two = np.ones(p.a.shape), np.zeros(p.a.shape)
    total = 0.0
    for x in p.X:
        one, two = p.a * one + p.b * one * two + x, one
        total = total + anp.sum(one * one)
    return total


def linear_attention(p: Any) -> Any:
    def step(S: Any, x: Any) -> Any:
        S = p.g * S + md.outer(x["key"], x["value"])
        return S, x["query"] @ S
    xs = {"query": p.Q, "key": p.K, "value": p.V}
    return md.sum(md.scan(step, md.zeros(dim("d"), dim("h")), xs)[1] ** 2)


def linear_attention_loop(p: Any) -> Any:
    S, total = np.zeros((p.K.shape[1], p.V.shape[1])), 0.0
    for q, k, v in zip(p.Q, p.K, p.V, strict=True):
        S = p.g * S + anp.outer(k, v)
        total = total + anp.sum((q @ S) ** 2)
    return total


def hmm_forward(p: Any) -> Any:
    def step(a: Any, b: Any) -> Any:
        return md.logsumexp(md.reshape(a, dim("n"), 1) + md.log(p.A), axis=0) + b, None
    return md.logsumexp(md.scan(step, p.start, p.B)[0])


def hmm_forward_loop(p: Any) -> Any:
    a = anp.exp(p.start)
    for b in p.B:
        a = (a @ p.A) * anp.exp(b)
    return anp.log(anp.sum(a))


_GATES = {f"{m}{g}": s for g in "ifog" for m, s in (("W", "d h"), ("U", "h h"), ("b", "h"))}
_GATES_GRU = {f"{m}{g}": s for g in "zrn" for m, s in (("W", "h d"), ("U", "h h"), ("b", "h"))}

MODELS: dict[str, Model] = {
    "rnn": Model({"X": "T n d", "Y": "T n k", "s": "n h", "U": "d h", "W": "h h", "b": "h",
                  "V": "h k"}, rnn, rnn_loop),
    "lstm": Model({"X": "T n d", "y": "n h", **_GATES}, lstm, lstm_loop),
    "gru": Model({"X": "T d", "y": "h", "s": "h", **_GATES_GRU}, gru, gru_loop),
    "bidirectional": Model({"X": "T d", "s": "h", "U": "d h", "W": "h h"}, bidirectional,
                           bidirectional_loop),
    "two layers": Model({"X": "T d", "U": "d h", "W": "h h", "Q": "h h", "R": "h h"},
                        two_layers, two_layers_loop),
    "linear system": Model({"A": "n n", "B": "n k", "C": "d n", "u": "T k", "x0": "n",
                            "y": "T d"}, linear_system, linear_system_loop),
    "euler": Model({"W": "n n", "x0": "n", "y": "n", "u": "T n", "dt": ""}, euler, euler_loop),
    "rk4": Model({"W": "n n", "x0": "n", "y": "n", "u": "T n", "dt": ""}, rk4, rk4_loop),
    "momentum": Model({"A": "n n", "b": "n", "w": "n", "lr": "", "mu": "", "noise": "T n"},
                      momentum, momentum_loop),
    "nested": Model({"W": "n n", "X": "T k n", "s": "n"}, nested, nested_loop),
    "nested quotient": Model({"X": "T k", "s": "n"}, nested_quotient, nested_quotient_loop),
    "backwards": Model({"W": "n n", "X": "T n", "s": "n"}, backwards, backwards_loop),
    "delay line": Model({"a": "n", "b": "n", "X": "T n"}, delay_line, delay_line_loop),
    "linear attention": Model({"Q": "T d", "K": "T d", "V": "T h", "g": ""}, linear_attention,
                              linear_attention_loop),
    "hmm forward": Model({"A": "n n", "B": "T n", "start": "n"}, hmm_forward, hmm_forward_loop,
                         positive=("A",)),
}
