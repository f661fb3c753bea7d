"""Layers without an inner state: affine maps, lookups, masks and shortcuts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mathdl as md
from mathdl.catalogue.entry import Instance, entry
from mathdl.ir.tensor import Tensor

FAMILY = "layers"
_DEEP_LEARNING = "Goodfellow, Bengio and Courville, Deep Learning, "


def _dense(layer: Callable[..., Tensor]) -> Instance:
    n, d, h = md.dims("n d h")
    x, W, b = md.tensor("x", n, d), md.tensor("W", d, h), md.tensor("b", h)
    return Instance.backward(layer(x, W, b), "x", "W", "b")


@entry(
    FAMILY,
    law=r"y_{ij} = \sum_k x_{ik} W_{kj} + b_j",
    reference=_DEEP_LEARNING + "eq. 6.40, samples as rows",
    example=_dense,
)
def dense(x: Any, W: Any, b: Any = None) -> Tensor:
    """``x @ W + b``, an affine map of the last axis.

    ``x: ... D``, ``W: D K``, ``b: K``; gives ``... K``.
    """
    return x @ W if b is None else bias(x @ W, b)


def _bias(layer: Callable[..., Tensor]) -> Instance:
    n, d = md.dims("n d")
    return Instance.backward(layer(md.tensor("x", n, d), md.tensor("b", d)), "x", "b")


@entry(
    FAMILY,
    law=r"y_{ij} = x_{ij} + b_j",
    reference=_DEEP_LEARNING + "section 6.1, eq. 6.3",
    example=_bias,
)
def bias(x: Any, b: Any) -> Tensor:
    """``x + b``, the same for every sample.

    ``x: ... D``, ``b: D``; gives ``... D``.
    """
    shifted: Tensor = x + b
    return shifted


def _embedding(layer: Callable[..., Tensor]) -> Instance:
    n, t, v, d = md.dims("n t v d")
    ids = md.tensor("ids", n, t, assume="integer")
    return Instance.backward(layer(ids, md.tensor("E", v, d)), "E")


@entry(
    FAMILY,
    law=r"y_{itj} = E_{s_{it}, j}",
    reference="Bengio, Ducharme, Vincent and Jauvin, A Neural Probabilistic Language Model "
              "(2003), section 2",
    example=_embedding,
)
def embedding(ids: Any, E: Any) -> Tensor:
    """The rows of a table that integers stand for.

    ``ids: ...`` integer, ``E: V D``; gives ``... D``.
    """
    rows: Tensor = E[ids]
    return rows


def _dropout(layer: Callable[..., Tensor]) -> Instance:
    n, d = md.dims("n d")
    mask = md.tensor("mask", n, d, assume="binary")
    rate = md.tensor("p", assume="unit_interval")
    return Instance.backward(layer(md.tensor("x", n, d), mask, rate), "x", "p")


@entry(
    FAMILY,
    law=r"y_{ij} = \frac{m_{ij} x_{ij}}{1 - p}",
    reference="Srivastava et al., Dropout (2014), section 10: scaled while training",
    example=_dropout,
)
def dropout(x: Any, mask: Any, rate: Any) -> Tensor:
    """``mask*x/(1 - rate)``, with the mask given: 0 where a unit is dropped, as ``rate`` of them.

    ``x: ...``, ``mask`` of the same shape; the division keeps the expectation.
    """
    kept: Tensor = mask * x / (1 - rate)
    return kept


def _residual(layer: Callable[..., Tensor]) -> Instance:
    n, d, h = md.dims("n d h")
    x, U, V = md.tensor("x", n, d), md.tensor("U", d, h), md.tensor("V", h, d)
    return Instance.backward(layer(x, lambda z: md.tanh(z @ U) @ V), "x", "U", "V")


@entry(
    FAMILY,
    law=r"y = x + f(x)",
    reference="He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition (2016), eq. 1",
    example=_residual,
)
def residual(x: Any, function: Callable[[Any], Any]) -> Tensor:
    """``x + function(x)``; the function keeps the shape."""
    total: Tensor = x + function(x)
    return total


def _gate(layer: Callable[..., Tensor]) -> Instance:
    n, d, e = md.dims("n d e")
    x, W = md.tensor("x", n, d), md.tensor("W", d, e)
    return Instance.backward(layer(x, W), "x", "W")


@entry(
    FAMILY,
    law=r"g_{ie} = \operatorname{softmax}_e\left(\sum_k x_{ik} W_{ke}\right)",
    reference="Shazeer et al., Outrageously Large Neural Networks (2017), eq. 2, 4 and 5",
    example=_gate,
)
def mixture_gate(x: Any, W: Any, top: int | None = None) -> Tensor:
    """The weights with which a sample is given to experts, of the ``top`` ones alone if stated.

    ``x: ... D``, ``W: D E``; gives ``... E``, rows that sum to 1.  Experts as good as the last
    of the top ones are kept too.
    """
    scores = x @ W
    if top is None:
        return md.softmax(scores)
    least = md.max(scores, axis=-1, keepdims=True)
    for _ in range(top - 1):
        least = md.max(md.where(scores < least, scores, FORBIDDEN), axis=-1, keepdims=True)
    return md.softmax(md.where(scores >= least, scores, FORBIDDEN))


#: A score whose softmax is 0 beside any ordinary one.
FORBIDDEN = -(10**9)


def _mixture(layer: Callable[..., Tensor]) -> Instance:
    n, d, e, h = md.dims("n d e h")
    x, W, V = md.tensor("x", n, d), md.tensor("W", d, e), md.tensor("V", e, d, h)
    return Instance.backward(layer(mixture_gate(x, W), md.tanh(x @ V)), "W", "V")


@entry(
    FAMILY,
    law=r"y_{ij} = \sum_e g_{ie}\, f_e(x_i)_j",
    reference="Jacobs, Jordan, Nowlan and Hinton, Adaptive Mixtures of Local Experts (1991), "
              "section 1; Shazeer et al. (2017), eq. 1",
    example=_mixture,
)
def mixture_of_experts(gate: Any, outputs: Any) -> Tensor:
    """The outputs of the experts weighted by the gate.

    ``gate: N E``, ``outputs: E N K``; gives ``N K``.
    """
    return md.einsum("ne,enk->nk", gate, outputs)
