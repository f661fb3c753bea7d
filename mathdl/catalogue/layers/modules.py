"""The layers with parameters as modules; shapes come from the first input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sympy import sympify

import mathdl as md
from mathdl.catalogue.layers.attention import (
    causal_mask,
    multi_head_attention,
    transformer_block,
)
from mathdl.catalogue.layers.convolution import conv1d, conv2d
from mathdl.catalogue.layers.initial import (
    Array,
    Initial,
    Shape,
    glorot,
    lecun,
    ones,
    orthogonal,
    weights_before,
    zeros,
)
from mathdl.catalogue.layers.linear import dense, embedding
from mathdl.catalogue.layers.module import Module
from mathdl.catalogue.layers.normalisation import batch_norm, group_norm, layer_norm, rms_norm
from mathdl.catalogue.layers.recurrent import gru, lstm, rnn
from mathdl.ir.dim import Dim, as_dim, product
from mathdl.ir.tensor import Tensor

Activation = Callable[[Any], Any]


def _identity(x: Any) -> Any:
    return x


class Dense(Module):
    """``activation(x @ W + b)`` with so many units; the weights start as the activation asks."""

    def __init__(
        self, units: Dim, activation: Activation = _identity, bias: bool = True,
        law: Initial | None = None,
    ) -> None:
        self.units, self.activation, self.bias = as_dim(units), activation, bias
        self.law = law or weights_before(activation)

    def __call__(self, x: Any) -> Tensor:
        fans = (x.shape[-1], self.units)
        W = self.parameter("W", fans, self.law, fans)
        b = self.parameter("b", (self.units,)) if self.bias else None
        out: Tensor = self.activation(dense(x, W, b))
        return out


class Embedding(Module):
    """Rows ``E[ids]`` of a table of ``count`` rows of that width, which start of length 1."""

    def __init__(self, count: Dim, width: Dim, law: Initial = lecun) -> None:
        self.count, self.width, self.law = as_dim(count), as_dim(width), law

    def __call__(self, x: Any) -> Tensor:
        shape = (self.count, self.width)
        return embedding(x, self.parameter("E", shape, self.law, (self.width, self.count)))


class _Convolution(Module):
    """What convolutions over one axis and two have in common: channels, window and places."""

    axes = 0

    def __init__(
        self, channels: Dim, size: Any, activation: Activation = _identity, *, stride: Any = 1,
        padding: Any = 0, dilation: Any = 1, groups: Any = 1, bias: bool = True,
        law: Initial | None = None,
    ) -> None:
        self.channels, self.activation, self.bias = as_dim(channels), activation, bias
        sizes = size if isinstance(size, tuple) else (size,) * self.axes
        self.window = tuple(map(as_dim, sizes))
        self.places = {"stride": stride, "padding": padding, "dilation": dilation}
        self.groups, self.law = as_dim(groups), law or weights_before(activation)

    def kernel(self, x: Any) -> tuple[Tensor, Tensor | None]:
        """The kernel and the bias for such an input."""
        inputs, area = as_dim(sympify(x.shape[1]) / self.groups), product(self.window)
        fans = (product((inputs, area)), product((self.channels, area)))
        K = self.parameter("K", (self.channels, inputs, *self.window), self.law, fans)
        return K, self.parameter("b", (self.channels,)) if self.bias else None


class Conv1d(_Convolution):
    """A convolution over the last axis of ``N C T``, to so many channels."""

    axes = 1

    def __call__(self, x: Any) -> Tensor:
        K, b = self.kernel(x)
        out: Tensor = self.activation(conv1d(x, K, b, **self.places, groups=self.groups))
        return out


class Conv2d(_Convolution):
    """A convolution over the last two axes of ``N C H W``, to so many channels."""

    axes = 2

    def __call__(self, x: Any) -> Tensor:
        K, b = self.kernel(x)
        out: Tensor = self.activation(conv2d(x, K, b, **self.places, groups=self.groups))
        return out


class _Affine(Module):
    """A scale that starts at 1 and a shift that starts at 0."""

    def affine(self, size: Dim) -> tuple[Tensor, Tensor]:
        return self.parameter("gamma", (size,), ones), self.parameter("beta", (size,))


class BatchNorm(_Affine):
    """:func:`batch_norm` by the statistics of the batch; channels are axis 1."""

    def __call__(self, x: Any) -> Tensor:
        return batch_norm(x, *self.affine(x.shape[1]))


class LayerNorm(_Affine):
    """:func:`layer_norm` over the last axis."""

    def __call__(self, x: Any) -> Tensor:
        return layer_norm(x, *self.affine(x.shape[-1]))


class GroupNorm(_Affine):
    """:func:`group_norm` in so many groups; channels are axis 1."""

    def __init__(self, groups: Dim) -> None:
        self.groups = as_dim(groups)

    def __call__(self, x: Any) -> Tensor:
        return group_norm(x, *self.affine(x.shape[1]), self.groups)


class RMSNorm(Module):
    """:func:`rms_norm` over the last axis."""

    def __call__(self, x: Any) -> Tensor:
        return rms_norm(x, self.parameter("gamma", (x.shape[-1],), ones))


class _Recurrent(Module):
    """A recurrence over the first axis; input weights by Glorot, those of the state orthogonal."""

    gates: tuple[int, ...] = ()
    shift: Initial = staticmethod(zeros)

    def __init__(self, units: Dim) -> None:
        self.units = as_dim(units)

    def weights(self, x: Any) -> tuple[Tensor, Tensor, Tensor]:
        d, h = x.shape[-1], self.units
        return (
            self.parameter("W", (*self.gates, d, h), glorot, (d, h)),
            self.parameter("U", (*self.gates, h, h), orthogonal),
            self.parameter("b", (*self.gates, h), self.shift),
        )


class RNN(_Recurrent):
    """:func:`rnn`: the states of Elman's network at every time."""

    def __call__(self, x: Any) -> Tensor:
        return rnn(x, *self.weights(x))


def _remembering(rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """Forget gates start open.

    Jozefowicz, Zaremba and Sutskever, An Empirical Exploration of Recurrent Network Architectures
    (2015), section 2.2.
    """
    shift = np.zeros(shape)
    shift[1] = 1
    return shift


class LSTM(_Recurrent):
    """:func:`lstm`: the outputs at every time; its forget gates start open."""

    gates = (4,)
    shift = staticmethod(_remembering)

    def __call__(self, x: Any) -> Tensor:
        return lstm(x, *self.weights(x))


class GRU(_Recurrent):
    """:func:`gru`: the states at every time."""

    gates = (3,)

    def __call__(self, x: Any) -> Tensor:
        return gru(x, *self.weights(x))


class MultiHeadAttention(Module):
    """:func:`multi_head_attention` with so many heads of that width."""

    def __init__(
        self, heads: Dim, width: Dim, causal: bool = False,
        positions: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.heads, self.width = as_dim(heads), as_dim(width)
        self.causal, self.positions = causal, positions

    def projections(self, x: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The weights of queries, keys, values and output."""
        d, h, k = x.shape[-1], self.heads, self.width
        q, key, v = (self.parameter(f"W{c}", (h, d, k), glorot, (d, k)) for c in "qkv")
        return q, key, v, self.parameter("Wo", (h, k, d), glorot, (product((h, k)), d))

    def mask(self, x: Any) -> Tensor | None:
        """What each position may look at."""
        return causal_mask(x.shape[-2]) if self.causal else None

    def __call__(self, x: Any) -> Tensor:
        return multi_head_attention(x, *self.projections(x), self.mask(x), self.positions)


class TransformerBlock(MultiHeadAttention):
    """:func:`transformer_block`: attention, then a perceptron with so many hidden units."""

    def __init__(
        self, heads: Dim, width: Dim, hidden: Dim, causal: bool = False,
        activation: Activation = md.gelu,
        positions: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__(heads, width, causal, positions)
        self.hidden, self.activation = as_dim(hidden), activation

    def __call__(self, x: Any) -> Tensor:
        d, f = x.shape[-1], self.hidden
        first, second = (
            (self.parameter(f"gamma_{k}", (d,), ones), self.parameter(f"beta_{k}", (d,)))
            for k in "ac"
        )
        inward = (self.parameter("W_in", (d, f), weights_before(self.activation), (d, f)),
                  self.parameter("b_in", (f,)))
        outward = self.parameter("W_out", (f, d), glorot, (f, d)), self.parameter("b_out", (d,))
        return transformer_block(
            x, *first, *self.projections(x), *second, *inward, *outward, mask=self.mask(x),
            activation=self.activation, positions=self.positions,
        )
