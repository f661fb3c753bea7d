"""Convolutions and pooling: windows that slide over one axis or two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mathdl as md
from mathdl.catalogue.entry import Instance, entry
from mathdl.ir.tensor import Tensor

FAMILY = "layers"
_GUIDE = "Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016), "
_DEEP_LEARNING = "Goodfellow, Bengio and Courville, Deep Learning, "


def _conv1d(layer: Callable[..., Tensor]) -> Instance:
    n, c, t, o, p = md.dims("n c t o p")
    x, k, b = md.tensor("x", n, c, t), md.tensor("K", o, c, p), md.tensor("b", o)
    return Instance.backward(layer(x, k, b, stride=2, padding=1, dilation=2), "x", "K", "b")


def _grouped(layer: Callable[..., Tensor]) -> Instance:
    n, c, t, o, p, g = md.dims("n c t o p g")
    x, k = md.tensor("x", n, g * c, t), md.tensor("K", g * o, c, p)
    return Instance.backward(layer(x, k, groups=g), "x", "K")


@entry(
    FAMILY,
    law=r"y_{noi} = \sum_{c, p} x_{n c,\, s i + l p - a}\, K_{ocp} + b_o",
    reference=_GUIDE + "relationships 6 and 15",
    example=_conv1d,
)
@entry(
    FAMILY,
    name="grouped_conv1d",
    about="Cross-correlation of each group of channels with kernels of its own.",
    law=r"y_{n, g o, i} = \sum_{c, p} x_{n, g c,\, i + p}\, K_{g o, cp}",
    reference="Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional "
              "Neural Networks (2012), section 3.5",
    example=_grouped,
)
def conv1d(
    x: Any, k: Any, b: Any = None, stride: int = 1, padding: int = 0, dilation: int = 1,
    groups: Any = 1,
) -> Tensor:
    """Cross-correlation over the last axis, as :func:`conv2d` of images of height 1.

    ``x: N C T``, ``k: O C/groups P``, ``b: O``; gives ``N O floor((T + 2a - l(P - 1) - 1)/s) + 1``
    with stride ``s``, padding ``a`` and dilation ``l``.
    """
    image = conv2d(x[:, :, None], k[:, :, None], None, (1, stride), (0, padding), (1, dilation),
                   groups)
    y: Tensor = image[:, :, 0]
    return y if b is None else y + b[:, None]


def _conv2d(layer: Callable[..., Tensor]) -> Instance:
    n, c, h, w, o, p, q = md.dims("n c h w o p q")
    x, k, b = md.tensor("x", n, c, h, w), md.tensor("K", o, c, p, q), md.tensor("b", o)
    return Instance.backward(layer(x, k, b, stride=2, padding=1), "x", "K", "b")


@entry(
    FAMILY,
    law=r"y_{noij} = \sum_{c, p, q} x_{n c,\, s i + l p - a,\, s j + l q - a}\, K_{ocpq} + b_o",
    reference=_DEEP_LEARNING + "eq. 9.6; " + _GUIDE + "relationships 6 and 15",
    example=_conv2d,
)
def conv2d(
    x: Any, k: Any, b: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: Any = 1,
) -> Tensor:
    """Cross-correlation over the last two axes, of each group of channels with its own kernels.

    ``x: N C H W``, ``k: O C/groups P Q``, ``b: O``; gives ``N O`` and, of each axis of length
    ``H``, ``floor((H + 2a - l(P - 1) - 1)/s) + 1`` with stride ``s``, padding ``a``, dilation
    ``l``, each an integer or a pair.  With as many groups as channels it is depthwise.

    Raises ShapeError where the channels are not divided by the groups.
    """
    if groups == 1:
        y = md.conv2d(x, k, stride, padding, dilation)
    else:
        split = md.vmap(lambda image, kernel: md.conv2d(image, kernel, stride, padding, dilation),
                        in_axes=(1, 0), out_axes=1)
        images = md.reshape(x, x.shape[0], groups, -1, *x.shape[2:])
        parts = split(images, md.reshape(k, groups, -1, *k.shape[1:]))
        y = md.reshape(parts, x.shape[0], k.shape[0], *parts.shape[3:])
    return y if b is None else y + b[:, None, None]


def _transposed1d(layer: Callable[..., Tensor]) -> Instance:
    n, c, t, o, p = md.dims("n c t o p")
    x, k = md.tensor("x", n, c, t), md.tensor("K", c, o, p)
    return Instance.backward(layer(x, k, stride=2), "x", "K")


@entry(
    FAMILY,
    law=r"y_{noq} = \sum_{c, i} x_{nci}\, K_{c o,\, q - s i}",
    reference=_GUIDE + "relationship 13",
    example=_transposed1d,
)
def conv_transpose1d(x: Any, k: Any, b: Any = None, stride: int = 1) -> Tensor:
    """What a convolution with that kernel does to its input in the backward pass.

    ``x: N C T``, ``k: C O P``, ``b: O``; gives ``N O s(T - 1) + P`` with stride ``s``.
    """
    image = conv_transpose2d(x[:, :, None], k[:, :, None], None, (1, stride))
    y: Tensor = image[:, :, 0]
    return y if b is None else y + b[:, None]


def _transposed2d(layer: Callable[..., Tensor]) -> Instance:
    n, c, h, w, o, p, q = md.dims("n c h w o p q")
    x, k = md.tensor("x", n, c, h, w), md.tensor("K", c, o, p, q)
    return Instance.backward(layer(x, k, stride=2), "x", "K")


@entry(
    FAMILY,
    law=r"y_{n o u v} = \sum_{c, i, j} x_{ncij}\, K_{c o,\, u - s i,\, v - s j}",
    reference=_GUIDE + "relationship 13",
    example=_transposed2d,
)
def conv_transpose2d(x: Any, k: Any, b: Any = None, stride: Any = 1) -> Tensor:
    """What a convolution with that kernel does to its images in the backward pass.

    ``x: N C H W``, ``k: C O P Q``, ``b: O``; gives ``N O s(H - 1) + P s(W - 1) + Q`` with
    stride ``s``, an integer or a pair.
    """
    down, right = stride if isinstance(stride, tuple) else (stride, stride)
    (batch, _, height, width), (_, channels, *window) = x.shape, k.shape
    n, o, u, v, c, i, j = md.indices("n o u v c i j")
    y = md.equation(
        "y",
        [(n, 0, batch - 1), (o, 0, channels - 1),
         (u, 0, down * (height - 1) + window[0] - 1), (v, 0, right * (width - 1) + window[1] - 1)],
        md.Sum(x[n, c, i, j] * k[c, o, u - down * i, v - right * j], c, i, j),
    )
    return y if b is None else y + b[:, None, None]


def _pooled(layer: Callable[..., Tensor], smooth: bool) -> Instance:
    n, c, h, w = md.dims("n c h w")
    return Instance.backward(layer(md.tensor("x", n, c, h, w), 2), "x", smooth=smooth)


max_pool = entry(
    FAMILY,
    name="max_pool",
    law=r"y_{ncij} = \max_{p, q} x_{n c,\, s i + p,\, s j + q}",
    reference=_DEEP_LEARNING + "section 9.3; " + _GUIDE + "relationship 7",
    example=lambda layer: _pooled(layer, smooth=False),
)(md.max_pool)

avg_pool = entry(
    FAMILY,
    name="avg_pool",
    law=r"y_{ncij} = \frac{1}{P Q} \sum_{p, q} x_{n c,\, s i + p,\, s j + q}",
    reference="LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document "
              "Recognition (1998), section II.A; " + _GUIDE + "relationship 7",
    example=lambda layer: _pooled(layer, smooth=True),
)(md.avg_pool)
