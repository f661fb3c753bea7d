"""Recurrent layers: what they compute at every time, over the first axis of a sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mathdl as md
from mathdl.catalogue.entry import Instance, entry
from mathdl.ir.tensor import Tensor

FAMILY = "layers"


def _sequence(layer: Callable[..., Tensor], gates: int) -> Instance:
    T, d, h = md.dims("T d h")
    stack = (gates,) if gates > 1 else ()
    x, W = md.tensor("x", T, d), md.tensor("W", *stack, d, h)
    U, b = md.tensor("U", *stack, h, h), md.tensor("b", *stack, h)
    return Instance.backward(layer(x, W, U, b), "W", "U", "b")


def _start(x: Tensor, U: Tensor, state: Any) -> Tensor:
    """The state given, or zeros for each sample."""
    return md.zeros(*x.shape[1:-1], U.shape[-1]) if state is None else state


@entry(
    FAMILY,
    law=r"h_t = \tanh\left(x_t W + h_{t-1} U + b\right)",
    reference="Elman, Finding Structure in Time (1990); Goodfellow, Bengio and Courville, Deep "
              "Learning, eq. 10.8 and 10.9",
    example=lambda layer: _sequence(layer, 1),
)
def rnn(x: Any, W: Any, U: Any, b: Any, h: Any = None) -> Tensor:
    """Elman's network: its states at every time, from ``h`` or from zeros.

    ``x: T ... D``, ``W: D H``, ``U: H H``, ``b: H``, ``h: ... H``; gives ``T ... H``.
    """

    def step(h: Tensor, x_t: Tensor) -> tuple[Tensor, Tensor]:
        h = md.tanh(x_t @ W + h @ U + b)
        return h, h

    states: Tensor = md.scan(step, _start(x, U, h), x)[1]
    return states


@entry(
    FAMILY,
    law=r"c_t = f_t \odot c_{t-1} + i_t \odot \tanh(g_t),\quad h_t = o_t \odot \tanh(c_t),\quad "
        r"i_t, f_t, o_t = \sigma(x_t W_k + h_{t-1} U_k + b_k)",
    reference="Hochreiter and Schmidhuber, Long Short-Term Memory (1997), with the forget gate "
              "of Gers, Schmidhuber and Cummins, Learning to Forget (2000), eq. 3 to 9",
    example=lambda layer: _sequence(layer, 4),
)
def lstm(x: Any, W: Any, U: Any, b: Any, h: Any = None, c: Any = None) -> Tensor:
    """Long short-term memory: its outputs at every time, from ``h`` and ``c`` or from zeros.

    ``x: T ... D``, ``W: 4 D H``, ``U: 4 H H``, ``b: 4 H`` of the input, forget and output gates
    and the candidate, in this order; gives ``T ... H``.  PyTorch has the candidate before the
    output gate, and adds two biases.
    """

    def step(state: tuple[Tensor, Tensor], x_t: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
        h, c = state
        i, f, o, g = (x_t @ W[k] + h @ U[k] + b[k] for k in range(4))
        c = md.sigmoid(f) * c + md.sigmoid(i) * md.tanh(g)
        h = md.sigmoid(o) * md.tanh(c)
        return (h, c), h

    outputs: Tensor = md.scan(step, (_start(x, U, h), _start(x, U, c)), x)[1]
    return outputs


@entry(
    FAMILY,
    law=r"h_t = z_t \odot h_{t-1} + (1 - z_t) \odot \tanh\left(x_t W_h + (r_t \odot h_{t-1}) U_h "
        r"+ b_h\right),\quad r_t, z_t = \sigma(x_t W_k + h_{t-1} U_k + b_k)",
    reference="Cho et al., Learning Phrase Representations using RNN Encoder-Decoder (2014), "
              "eq. 5 to 8",
    example=lambda layer: _sequence(layer, 3),
)
def gru(x: Any, W: Any, U: Any, b: Any, h: Any = None, c: Any = None) -> Tensor:
    """The gated recurrent unit: its states at every time, from ``h`` or from zeros.

    ``x: T ... D``, ``W: 3 D H``, ``U: 3 H H``, ``b: 3 H`` of the reset and update gates and the
    candidate, in this order; gives ``T ... H``.  With ``c: H`` the reset gate acts on what the
    state is mapped to, ``r*(h @ U[2] + c)``, as in PyTorch and cuDNN.
    """

    def recalled(r: Tensor, h: Tensor) -> Tensor:
        return (r * h) @ U[2] if c is None else r * (h @ U[2] + c)

    def step(h: Tensor, x_t: Tensor) -> tuple[Tensor, Tensor]:
        r, z = (md.sigmoid(x_t @ W[k] + h @ U[k] + b[k]) for k in (0, 1))
        h = z * h + (1 - z) * md.tanh(x_t @ W[2] + recalled(r, h) + b[2])
        return h, h

    states: Tensor = md.scan(step, _start(x, U, h), x)[1]
    return states
