"""Random functions with right gradients, where differences are in trouble."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np

Function = Callable[..., Any]


@dataclass(frozen=True)
class Problem:
    f: Function
    shapes: str
    wrt: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def gradient(self) -> Function:
        """By autograd, an independent implementation; in the precision of the arrays."""
        names = [part.partition(":")[0].strip() for part in self.shapes.split(";")]
        positions = [names.index(n) for n in self.wrt]

        def by(*arrays: Any) -> tuple[Any, ...]:
            found = autograd.grad(self.f, argnum=positions)(*arrays)
            return tuple(np.asarray(g, np.asarray(arrays[k]).dtype)
                         for g, k in zip(found, positions, strict=True))

        return by


def relu(x: Any) -> Any:
    return anp.maximum(x, 0.0)


def logsumexp(z: Any) -> Any:
    top = anp.max(z, axis=-1, keepdims=True)
    return anp.sum(top) + anp.sum(anp.log(anp.sum(anp.exp(z - top), axis=-1)))


def kinked(rng: np.random.Generator) -> Problem:
    """Kinks, crossed or nearly met."""
    near = 10.0 ** rng.uniform(-9, -1)
    a = float(rng.uniform(0.2, 3))
    return [
        Problem(lambda X, W: anp.sum(relu(anp.dot(X, W)) ** 2), "X: n d; W: d k", ("X", "W")),
        Problem(lambda X, W, V: anp.sum(anp.dot(relu(anp.dot(relu(anp.dot(X, W)) + near, V)),
                                                anp.ones(len(V[0])))),
                "X: n d; W: d h; V: h k", ("W", "V")),
        Problem(lambda x: anp.sum(anp.abs(x - near)), "x: n", ("x",)),
        Problem(lambda x: anp.sum(anp.abs(anp.abs(x) - a)), "x: n", ("x",)),
        Problem(lambda x, y: anp.sum(relu(1 - y * x)), "x: n; y: n", ("x",),
                {"assume": {"y": "sign_labels"}}),
        Problem(lambda X: anp.sum(anp.max(X, axis=1)), "X: n d", ("X",)),
        Problem(lambda x: anp.max(x) - anp.min(x), "x: n", ("x",)),
        Problem(lambda x: anp.sum(anp.sort(x)[1:] * a), "x: n", ("x",)),
        Problem(lambda x: anp.sum(anp.clip(x, -a, a) ** 3), "x: n", ("x",)),
        Problem(lambda x: anp.sum(anp.where(x > near, x * x, near * x)), "x: n", ("x",)),
        Problem(lambda x: anp.sum(relu(x - near) ** 1.5), "x: n", ("x",)),
        Problem(lambda x, w: anp.sum(anp.maximum(x, w)) + anp.sum(x * w), "x: n; w: n",
                ("x", "w")),
        Problem(lambda x: anp.sum(relu(x)) + near * anp.sum(anp.abs(x)), "x: n", ("x",),
                {"assume": {"x": "small"}}),
    ][rng.integers(13)]


def scaled(rng: np.random.Generator) -> Problem:
    """Huge and small magnitudes, cancellation, noise."""
    big, offset = 10.0 ** rng.uniform(3, 60), 10.0 ** rng.uniform(2, 9)
    noise, sharp = 10.0 ** rng.uniform(-12, -6), rng.uniform(5, 40)
    columns = 10.0 ** rng.uniform(-6, 6, 20)
    return [
        Problem(lambda x: big * anp.sum(anp.sin(x)), "x: n", ("x",)),
        Problem(lambda x: anp.sum(anp.sin(x)) / big, "x: n", ("x",)),
        Problem(lambda x: anp.sum(anp.tanh(x * 1e7)), "x: n", ("x",), {"assume": {"x": "tiny"}}),
        Problem(lambda x: offset + anp.sum(x**3), "x: n", ("x",)),
        Problem(lambda x: anp.sum((anp.exp(x) + offset) - offset), "x: n", ("x",)),
        Problem(_noisy(noise), "x: n", ("x",)),
        Problem(lambda X, w: anp.sum((anp.dot(X, w * columns[: len(w)])) ** 2), "X: n d; w: d",
                ("X", "w"), {"dims": {"d": 5}}),
        Problem(lambda z: logsumexp(z * sharp), "z: n k", ("z",)),
        Problem(lambda z: logsumexp(z), "z: n k", ("z",), {"assume": {"z": "large"}}),
        Problem(lambda x: anp.sum(1 / x**4), "x: n", ("x",)),
        Problem(lambda x: anp.sum(anp.log(x) * x), "x: n", ("x",), {"assume": {"x": "positive"}}),
        Problem(lambda x: anp.sum(anp.sin(sharp * x) / (x * x + 1e-3)), "x: n", ("x",)),
        Problem(lambda a: anp.exp(-sharp * a * a) * sharp, "a:", ("a",)),
    ][rng.integers(13)]


def _noisy(size: float) -> Function:
    """A function with deterministic noise in its value, and none in its derivative."""
    def value(x: Any) -> Any:
        bits = np.frombuffer(np.asarray(autograd.tracer.getval(x), float).tobytes(), np.uint32)
        return anp.sum(anp.cos(x)) + size * ((int(bits.sum()) * 2654435761 % 1000) / 500 - 1)

    return value


def single(rng: np.random.Generator) -> Problem:
    """The arrays are float32, and so is all that is computed."""
    problem = (kinked, plain)[int(rng.integers(2))](rng)
    return Problem(problem.f, problem.shapes, problem.wrt, {**problem.options, "dtype": "float32"})


def plain(rng: np.random.Generator) -> Problem:
    a = float(rng.uniform(0.3, 2))
    return [
        Problem(lambda X, w, y: anp.mean((anp.dot(X, w) - y) ** 2), "X: n d; w: d; y: n",
                ("w", "X")),
        Problem(lambda Z, Y: logsumexp(Z) - anp.sum(Y * Z), "Z: n k; Y: n k", ("Z",),
                {"assume": {"Y": "one_hot"}}),
        Problem(lambda x: anp.sum(anp.tanh(x) ** 2) * np.float32(a), "x: n m", ("x",)),
        Problem(lambda X, W, b: anp.sum(anp.sin(anp.dot(X, W) + b)), "X: n d; W: d k; b: k",
                ("W", "b")),
        Problem(lambda x: anp.sqrt(anp.sum(x * x)), "x: n", ("x",)),
        Problem(lambda A, x: anp.dot(x, anp.dot(A, x)), "A: n n; x: n", ("A", "x")),
        Problem(lambda x, s: anp.sum(x * x) / s + anp.log(s), "x: n; s:", ("x", "s"),
                {"assume": {"s": "positive"}}),
    ][rng.integers(7)]
