"""Subjects made of plain NumPy functions, so that verification is tested without the engine.

The right derivatives come from autograd, an independent implementation; wrong ones are made of
them.  ``n m`` are symbolic, and the tensors only carry shapes and assumptions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import autograd
import autograd.numpy as anp
import autograd.scipy.special as asp
import numpy as np
from sympy import Integer

from mathdl.ir.build import define, out_ranges
from mathdl.ir.dim import as_dim
from mathdl.ir.index import bound_index, slot
from mathdl.ir.system import inputs_of
from mathdl.ir.tensor import Access, Tensor, input_tensor
from mathdl.request import Block, Space
from mathdl.scalar import tanh
from mathdl.scalar.rectifiers import relu

Function = Callable[..., Any]


def tensor(name: str, shape: str, *assume: str) -> Tensor:
    return input_tensor(
        name, [as_dim(int(d) if d.isdigit() else d) for d in shape.split()], assume
    )


def reading(tensors: Sequence[Tensor], shape: str = "", smooth: bool = True) -> Tensor:
    """A tensor that reads all of these; its law is a stand-in of the same smoothness."""
    body: Any = Integer(0)
    accesses, bound = [], []
    for t in tensors:
        symbols = [bound_index(len(bound) + k) for k in range(t.ndim)]
        bound += list(zip(symbols, t.shape, strict=True))
        body += slot(len(accesses))
        accesses.append(Access(t, tuple(symbols)))
    dims = [as_dim(d) for d in shape.split()]
    head = tanh if smooth else relu
    return define(out_ranges(tuple(dims)), head(body), accesses, reduce="sum", bound=bound)


@dataclass(frozen=True)
class Fake:
    """A subject from a function of arrays by name."""

    expr: Tensor
    wrt: tuple[Tensor, ...]
    value: Function
    order: int = 1
    given: Function | None = None
    gradient: Function | None = None
    space: Space | None = None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return tuple(inputs_of([self.expr, *self.wrt]))

    @property
    def outputs(self) -> Mapping[str, Tensor]:
        return {"": self.expr}

    @property
    def blocks(self) -> Mapping[str, Block]:
        return {t.name: Block("", (t.name,) * self.order) for t in self.wrt}

    @property
    def derivatives(self) -> Mapping[str, Tensor]:
        return {t.name: self.expr for t in self.wrt}

    def value_function(self) -> Function:
        return lambda **arrays: {"": self.value(**arrays)}

    def derivative_function(self) -> Function:
        return self.given or right(self.value, [t.name for t in self.wrt], self.order)

    def gradient_function(self) -> Function:
        return self.gradient or right(self.value, [t.name for t in self.wrt], 1)

    def but(self, spoil: Callable[[dict[str, Any]], dict[str, Any]]) -> Fake:
        """The same with a spoilt derivative."""
        honest = self.derivative_function()
        return Fake(self.expr, self.wrt, self.value, self.order,
                    lambda **a: spoil(honest(**a)), self.gradient)


def right(value: Function, names: Sequence[str], order: int) -> Function:
    def derivative(**arrays: Any) -> dict[str, Any]:
        result = {}
        for name in names:
            def at(x: Any, name: str = name) -> Any:
                return value(**{**arrays, name: x})
            once = autograd.jacobian(at)
            law = once if order == 1 else autograd.jacobian(once)
            result[name] = np.asarray(law(arrays[name]))
        return result

    return derivative


def fake(value: Function, wrt: str, shapes: str, *, out: str = "", order: int = 1,
         smooth: bool = True, **assume: str) -> Fake:
    """``fake(f, "w", "X: n d; w: d")``."""
    tensors = {}
    for part in shapes.split(";"):
        name, _, shape = part.partition(":")
        tensors[name.strip()] = tensor(
            name.strip(), shape, *assume.get(name.strip(), "").split())
    expr = reading(list(tensors.values()), out, smooth)
    return Fake(expr, tuple(tensors[n] for n in wrt.split()), value, order)


def softmax(z: Any) -> Any:
    e = anp.exp(z - anp.max(z, axis=-1, keepdims=True))
    return e / anp.sum(e, axis=-1, keepdims=True)


def cross_entropy(X: Any, W: Any, b: Any, Y: Any) -> Any:
    z = anp.dot(X, W) + b
    top = z - anp.max(z, axis=-1, keepdims=True)
    return -anp.sum(Y * (top - anp.log(anp.sum(anp.exp(top), axis=-1, keepdims=True)))) / len(X)


def layer_norm(x: Any) -> Any:
    c = x - anp.mean(x, axis=-1, keepdims=True)
    return c / anp.sqrt(anp.mean(c * c, axis=-1, keepdims=True) + 1e-5)


def relu_of(x: Any) -> Any:
    return anp.maximum(x, 0.0)


def smooth_scalar(rng: np.random.Generator, depth: int) -> Function:
    """A random composition of smooth functions of one array."""
    steps: list[Function] = []
    for _ in range(depth):
        a, b = rng.uniform(0.3, 2.0), rng.uniform(-1.0, 1.0)
        steps.append([
            lambda x, a=a, b=b: anp.tanh(a * x + b),
            lambda x, a=a, b=b: anp.sin(a * x + b),
            lambda x, a=a: anp.exp(-a * x * x),
            lambda x, a=a: anp.log(1.0 + a + x * x),
            lambda x, a=a, b=b: a * x**3 / 6 + b * x,
            lambda x, a=a: x / (a + x * x),
            lambda x, a=a: asp.erf(a * x),
            lambda x, a=a: 1.0 / (1.0 + anp.exp(-a * x)),
            lambda x, a=a: anp.sqrt(a + x * x),
        ][rng.integers(9)])

    def apply(x: Any) -> Any:
        for step in steps:
            x = step(x)
        return x

    return apply


def well_scaled(rng: np.random.Generator) -> Fake:
    """A random ordinary problem: the value and the gradient are of moderate size."""
    f = smooth_scalar(rng, int(rng.integers(1, 4)))
    wave = rng.uniform(0.5, 2.0)
    makers: list[Callable[[], Fake]] = [
        lambda: fake(lambda x: anp.sum(f(x) + wave * x), "x", "x: n"),
        lambda: fake(lambda X, w, y: anp.sum((anp.dot(X, w) - y) ** 2) / len(y), "w",
                     "X: n d; w: d; y: n"),
        lambda: fake(cross_entropy, "W b", "X: n d; W: d c; b: c; Y: n c", Y="one_hot"),
        lambda: fake(lambda G, x: anp.sum(G * layer_norm(x)), "x", "G: n d; x: n d"),
        lambda: fake(
            lambda X, V, W, Y: anp.sum((anp.dot(anp.tanh(anp.dot(X, V)), W) - Y) ** 2),
            "V W", "X: n d; V: d h; W: h c; Y: n c"),
        lambda: fake(
            lambda X, V, W: anp.sum(anp.dot(relu_of(anp.dot(X, V) + 0.1), W) ** 2),
            "V W", "X: n d; V: d h; W: h c", smooth=False),
        lambda: fake(lambda A, B, C: anp.sum(anp.dot(anp.dot(A, B), C) * anp.dot(A, B).sum()),
                     "B", "A: n d; B: d m; C: m n"),
        lambda: fake(lambda x, a: anp.sum(f(x[:, None] * a)) + anp.sum(x * x), "x a",
                     "x: n; a: m"),
        lambda: fake(lambda x, W: f(anp.dot(W, x)) + anp.dot(W, x), "x", "x: d; W: n d",
                     out="n"),
        lambda: fake(lambda p: anp.sum(p * anp.log(p)), "p", "p: n", p="probability_vector"),
        lambda: fake(lambda x: anp.sum(f(x) * x) + anp.sum(x) ** 3, "x", "x: n", order=2),
        lambda: fake(lambda x, w: anp.abs(anp.dot(x, w)).sum() + anp.max(x), "x w",
                     "x: n d; w: d", smooth=False),
    ]
    return makers[rng.integers(len(makers))]()


def badly_scaled(rng: np.random.Generator) -> Fake:
    """A random problem where differences are in trouble: scale, cancellation, noise, kinks."""
    f = smooth_scalar(rng, int(rng.integers(1, 3)))
    big, small = 10.0 ** rng.uniform(4, 9), 10.0 ** rng.uniform(-9, -4)
    sharp, offset = rng.uniform(5, 30), 10.0 ** rng.uniform(2, 8)
    weights = rng.standard_normal(5000)
    makers: list[Callable[[], Fake]] = [
        lambda: fake(lambda x: anp.sum(f(big * x)), "x", "x: n"),
        lambda: fake(lambda x: big * anp.sum(f(x)), "x", "x: n"),
        lambda: fake(lambda x: anp.sum(f(small * x)), "x", "x: n"),
        lambda: fake(lambda x: anp.sum(f(x)) * small, "x", "x: n"),
        lambda: fake(lambda x: anp.sum((f(x) + offset) - offset), "x", "x: n"),
        lambda: fake(lambda x: offset + anp.sum(f(x)), "x", "x: n"),
        lambda: fake(lambda x: anp.sum(anp.exp(sharp * x) - anp.exp(sharp * x) * (1 - 1e-9)),
                     "x", "x: n"),
        lambda: fake(lambda x: anp.sum(anp.sin(sharp * x) ** 2 + anp.cos(sharp * x) ** 2), "x",
                     "x: n"),
        lambda: fake(lambda x: anp.sum(anp.log(x * small) ** 2), "x", "x: n", x="positive"),
        lambda: fake(lambda x: anp.sum(anp.log(x)), "x", "x: n"),
        lambda: fake(lambda x: anp.sum(anp.sqrt(1 - x) / x), "x", "x: n"),
        lambda: fake(lambda x: anp.sum(softmax(sharp * x)), "x", "x: n m"),
        lambda: fake(lambda x: anp.sum(layer_norm(x)), "x", "x: n m"),
        lambda: fake(lambda x, y: anp.sum(y * anp.log(softmax(x))), "x y", "x: n; y: n",
                     x="large", y="one_hot"),
        lambda: fake(lambda x, y: -anp.sum(y * (x - anp.max(x)
                     - anp.log(anp.sum(anp.exp(x - anp.max(x)))))), "x", "x: n; y: n",
                     x="large", y="one_hot"),
        lambda: fake(lambda a: anp.sum(f(a * weights)), "a", "a:"),
        lambda: fake(lambda x: anp.sum(anp.abs(x) * anp.sin(sharp / x)), "x", "x: n",
                     smooth=False),
        lambda: fake(lambda x: anp.sum(relu_of(relu_of(x[:, None] * weights[:40]) - 0.3) ** 2),
                     "x", "x: n", smooth=False),
        lambda: fake(lambda x: anp.sum(anp.where(x > 0, x * x, -x)), "x", "x: n",
                     smooth=False),
        lambda: fake(lambda x: anp.max(x) + anp.max(anp.abs(x)) * big, "x", "x: n",
                     smooth=False),
        lambda: fake(lambda x: 1.0 / anp.sum(x) ** 8 + anp.prod(x), "x", "x: n"),
        lambda: fake(lambda x: anp.tanh(sharp * 10 * x) + 0 * x, "x", "x: n", out="n"),
        lambda: fake(lambda x: anp.sum(anp.log(x) * x), "x", "x: n", order=2),
        lambda: fake(lambda x: anp.sum(f(big * x)), "x", "x: n", order=2),
        lambda: fake(lambda x: anp.sum(f(x * 1e8)), "x", "x: n", x="tiny"),
        lambda: fake(lambda G, X, W: anp.sum(G * relu_of(anp.dot(X, W))), "W X",
                     "G: n k; X: n d; W: d k", smooth=False, X="small", W="large"),
    ]
    return makers[rng.integers(len(makers))]()
