"""Normalisations, each with the affine part that the papers give it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mathdl as md
from mathdl.catalogue.entry import Instance, entry
from mathdl.ir.dim import Dim
from mathdl.ir.tensor import Tensor

FAMILY = "layers"
EPS = 1e-5


def _affine(layer: Callable[..., Tensor]) -> Instance:
    n, d = md.dims("n d")
    x, gamma, beta = md.tensor("x", n, d), md.tensor("gamma", d), md.tensor("beta", d)
    return Instance.backward(layer(x, gamma, beta), "x", "gamma", "beta")


def _scaled_and_shifted(y: Tensor, gamma: Any, beta: Any) -> Tensor:
    """``y*gamma + beta``, of which either may be left out."""
    scaled = y if gamma is None else y * gamma
    return scaled if beta is None else scaled + beta


def _along_channels(v: Any, ndim: int) -> Any:
    """A vector over axis 1 of so many axes, where there is one."""
    return None if v is None else v[(slice(None), *(None,) * (ndim - 2))]


@entry(
    FAMILY,
    law=r"y_{ij} = \gamma_j \frac{x_{ij} - \mu_j}{\sqrt{\sigma_j^2 + \epsilon}} + \beta_j",
    reference="Ioffe and Szegedy, Batch Normalization (2015), algorithm 1",
    example=_affine,
)
def batch_norm(
    x: Any, gamma: Any = None, beta: Any = None, mean: Any = None, variance: Any = None,
    eps: Any = EPS,
) -> Tensor:
    """Each channel standardised by the batch, or by given statistics, then scaled and shifted.

    ``x: N D`` or ``N D H W``; ``gamma``, ``beta`` and, when predicting, ``mean`` and
    ``variance``: ``D``.  Variances divide by the count; the running variance that PyTorch keeps
    for predicting divides by one less.
    """
    gamma, beta = _along_channels(gamma, x.ndim), _along_channels(beta, x.ndim)
    if mean is None or variance is None:
        return _scaled_and_shifted(md.batch_norm(x, eps), gamma, beta)
    centred = x - _along_channels(mean, x.ndim)
    y = centred / md.sqrt(_along_channels(variance, x.ndim) + eps)
    return _scaled_and_shifted(y, gamma, beta)


@entry(
    FAMILY,
    law=r"y_{ij} = \gamma_j \frac{x_{ij} - \mu_i}{\sqrt{\sigma_i^2 + \epsilon}} + \beta_j",
    reference="Ba, Kiros and Hinton, Layer Normalization (2016), eq. 3 and 4",
    example=_affine,
)
def layer_norm(
    x: Any, gamma: Any = None, beta: Any = None, eps: Any = EPS, axes: int = 1
) -> Tensor:
    """Each sample standardised over its features, the last so many axes, then scaled and shifted.

    ``x: ... D``; ``gamma``, ``beta``: ``D``.
    """
    if axes == 1:
        return _scaled_and_shifted(md.layer_norm(x, eps), gamma, beta)
    rows = md.layer_norm(md.reshape(x, *x.shape[:-axes], -1), eps)
    return _scaled_and_shifted(md.reshape(rows, *x.shape), gamma, beta)


def _scaled(layer: Callable[..., Tensor]) -> Instance:
    n, d = md.dims("n d")
    return Instance.backward(layer(md.tensor("x", n, d), md.tensor("gamma", d)), "x", "gamma")


@entry(
    FAMILY,
    law=r"y_{ij} = \gamma_j \frac{x_{ij}}{\sqrt{\frac1d \sum_k x_{ik}^2 + \epsilon}}",
    reference="Zhang and Sennrich, Root Mean Square Layer Normalization (2019), eq. 4",
    example=_scaled,
)
def rms_norm(x: Any, gamma: Any = None, eps: Any = EPS) -> Tensor:
    """Each sample divided by the root of its mean square, then scaled.

    ``x: ... D``, ``gamma: D``.
    """
    return _scaled_and_shifted(md.rms_norm(x, eps), gamma, None)


def _group_norm(layer: Callable[..., Tensor]) -> Instance:
    n, g, c, h, w = md.dims("n g c h w")
    x = md.tensor("x", n, g * c, h, w)
    gamma, beta = md.tensor("gamma", g * c), md.tensor("beta", g * c)
    return Instance.backward(layer(x, gamma, beta, g), "x", "gamma", "beta")


@entry(
    FAMILY,
    law=r"y_{i g c p} = \gamma_{g c} \frac{x_{i g c p} - \mu_{i g}}"
        r"{\sqrt{\sigma_{i g}^2 + \epsilon}} + \beta_{g c}",
    reference="Wu and He, Group Normalization (2018), eq. 1, 2, 6 and 7",
    example=_group_norm,
)
def group_norm(
    x: Any, gamma: Any = None, beta: Any = None, groups: Dim = 1, eps: Any = EPS
) -> Tensor:
    """Each group of channels of a sample standardised, then channels scaled and shifted.

    ``x: N C ...``; ``gamma``, ``beta``: ``C``.  One group is layer normalisation of images, a
    group for each channel instance normalisation.

    Raises ShapeError where the channels are not divided by the groups.
    """
    rows = md.layer_norm(md.reshape(x, x.shape[0], groups, -1), eps)
    scale, shift = (_along_channels(v, x.ndim) for v in (gamma, beta))
    return _scaled_and_shifted(md.reshape(rows, *x.shape), scale, shift)


def _weight_norm(layer: Callable[..., Tensor]) -> Instance:
    d, h = md.dims("d h")
    return Instance.backward(layer(md.tensor("V", d, h), md.tensor("g", h)), "V", "g")


@entry(
    FAMILY,
    law=r"W_{ij} = g_j \frac{V_{ij}}{\lVert V_{\cdot j} \rVert}",
    reference="Salimans and Kingma, Weight Normalization (2016), eq. 2",
    example=_weight_norm,
)
def weight_norm(V: Any, g: Any) -> Tensor:
    """Weights whose columns, a unit's each, have their lengths as parameters of their own.

    ``V: D K``, ``g: K``; gives ``D K``.
    """
    W: Tensor = g * V / md.norm2(V, axis=0)
    return W
