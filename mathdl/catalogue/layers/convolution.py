"""Convolutions and pooling: windows that slide over one axis or two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mathdl as md
from mathdl.catalogue.entry import Instance, entry
from mathdl.errors import ShapeError
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


def _grouped2d(layer: Callable[..., Tensor]) -> Instance:
    n, c, h, w, o, p, q, g = md.dims("n c h w o p q g")
    x, k, b = md.tensor("x", n, g * c, h, w), md.tensor("K", g * o, c, p, q), md.tensor("b", g * o)
    return Instance.backward(layer(x, k, b, stride=2, padding=1, groups=g), "x", "K", "b")


@entry(
    FAMILY,
    name="grouped_conv2d",
    about="Cross-correlation of each group of channels of images with kernels of its own.",
    law=r"y_{n, g o, ij} = \sum_{c, p, q} x_{n, g c,\, s i + l p - a,\, s j + l q - a}\, "
        r"K_{g o, cpq} + b_{g o}",
    reference="Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional "
              "Neural Networks (2012), section 3.5",
    example=_grouped2d,
)
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
    y = _grouped_images(
        lambda x, k: md.conv2d(x, k, stride, padding, dilation), x, k, groups
    )
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
def conv_transpose1d(
    x: Any, k: Any, b: Any = None, stride: int = 1, padding: int = 0, output_padding: int = 0,
    groups: Any = 1, dilation: int = 1,
) -> Tensor:
    """What a convolution with that kernel does to its input in the backward pass.

    ``x: N C T``, ``k: C O/groups P``, ``b: O``; gives ``N O s(T - 1) - 2a + l(P - 1) + 1`` and
    the output padding, with stride ``s``, padding ``a`` and dilation ``l``, as
    :func:`conv_transpose2d` of images of height 1.
    """
    image = conv_transpose2d(x[:, :, None], k[:, :, None], None, (1, stride), (0, padding),
                             (0, output_padding), groups, (1, dilation))
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
def conv_transpose2d(
    x: Any, k: Any, b: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: Any = 1, dilation: Any = 1,
) -> Tensor:
    """What a convolution with that kernel does to its images in the backward pass.

    ``x: N C H W``, ``k: C O/groups P Q``, ``b: O``; gives ``N O`` and, of each axis of length
    ``H``, ``s(H - 1) - 2a + l(P - 1) + 1`` and the output padding, with stride ``s``, padding
    ``a`` and dilation ``l``, each an integer or a pair.

    Raises ShapeError where the channels are not divided by the groups.
    """
    options = [_both(v) for v in (stride, padding, output_padding, dilation)]
    y = _grouped_images(lambda x, k: _spread_out(x, k, *options), x, k, groups, transposed=True)
    return y if b is None else y + b[:, None, None]


def _both(value: Any) -> tuple[Any, Any]:
    return value if isinstance(value, tuple) else (value, value)


def _spread_out(x: Any, k: Any, *options: tuple[Any, Any]) -> Tensor:
    """A kernel put down, times the entry, for every entry of the images."""
    (down, right), (above, before), extra, dilation = options
    k = _dilated(_dilated(k, 2, dilation[0]), 3, dilation[1])
    (batch, _, height, width), (_, channels, *window) = x.shape, k.shape
    last = (down * (height - 1) + window[0] - 1 - 2 * above + extra[0],
            right * (width - 1) + window[1] - 1 - 2 * before + extra[1])
    n, o, u, v, c, i, j = md.indices("n o u v c i j")
    return md.equation(
        "y",
        [(n, 0, batch - 1), (o, 0, channels - 1), (u, 0, last[0]), (v, 0, last[1])],
        md.Sum(x[n, c, i, j] * k[c, o, u + above - down * i, v + before - right * j], c, i, j),
    )


def _dilated(k: Tensor, axis: int, step: int) -> Tensor:
    """Zeros between the entries of one axis, ``step - 1`` each time."""
    if step == 1:
        return k
    apart = md.concat([k[..., None], md.zeros(*k.shape, step - 1)], axis=-1)
    spread = md.stack([apart[..., j] for j in range(step)], axis=axis + 1)
    shape = [*k.shape[:axis], k.shape[axis] * step, *k.shape[axis + 1:]]
    kept = [slice(None)] * axis + [slice(None, shape[axis] - step + 1)]
    return md.reshape(spread, *shape)[tuple(kept)]


def _grouped_images(
    layer: Callable[[Any, Any], Tensor], x: Any, k: Any, groups: Any, transposed: bool = False
) -> Tensor:
    """A layer of images and kernels on each group of channels with kernels of its own."""
    if groups == 1:
        return layer(x, k)
    split = md.vmap(layer, in_axes=(1, 0), out_axes=1)
    images = md.reshape(x, x.shape[0], groups, -1, *x.shape[2:])
    parts = split(images, md.reshape(k, groups, -1, *k.shape[1:]))
    channels = groups * k.shape[1] if transposed else k.shape[0]
    return md.reshape(parts, x.shape[0], channels, *parts.shape[3:])


def _pooled(layer: Callable[..., Tensor], smooth: bool) -> Instance:
    n, c, h, w = md.dims("n c h w")
    return Instance.backward(layer(md.tensor("x", n, c, h, w), 2), "x", smooth=smooth)


@entry(
    FAMILY,
    law=r"y_{ncij} = \max_{p, q} x_{n c,\, s i + l p,\, s j + l q}",
    reference=_DEEP_LEARNING + "section 9.3; " + _GUIDE + "relationship 7",
    example=lambda layer: _pooled(layer, smooth=False),
)
def max_pool(
    x: Any, size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The greatest entry of each window of the last two axes; windows side by side by default.

    ``x: ... H W``; gives, of each axis of length ``H``, ``floor((H + 2a - l (P - 1) - 1)/s) + 1``
    with stride ``s``, dilation ``l`` and padding ``a``, which is less than any entry above -1e38;
    rounded up by ``ceil_mode``, with the windows that begin inside.  Tied entries share the
    gradient evenly, where PyTorch gives it to the first.

    Raises ShapeError where ``ceil_mode`` meets a symbolic length.
    """
    steps = size if stride is None else stride
    reach = tuple(d * (p - 1) + 1 for p, d in zip(_both(size), _both(dilation), strict=True))
    frames = _frames(x.shape[-2:], reach, steps, padding, ceil_mode)
    return md.max_pool(_framed(x, frames, LOWEST), size, stride, dilation)


@entry(
    FAMILY,
    law=r"y_{ncij} = \frac{1}{P Q} \sum_{p, q} x_{n c,\, s i + p,\, s j + q}",
    reference="LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document "
              "Recognition (1998), section II.A; " + _GUIDE + "relationship 7",
    example=lambda layer: _pooled(layer, smooth=True),
)
def avg_pool(
    x: Any, size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: Any = None,
) -> Tensor:
    """The mean of each window of the last two axes; windows side by side by default.

    Shapes and errors as of :func:`max_pool`; the padding is zeros, which count as entries unless
    ``count_include_pad`` is false.  What ``ceil_mode`` adds beyond the padding never counts.
    """
    sizes, frames = _both(size), _frames(x.shape[-2:], size, stride, padding, ceil_mode)
    means = md.avg_pool(_framed(x, frames, 0), size, stride)
    if divisor_override is not None:
        return means * sizes[0] * sizes[1] / divisor_override
    counted = _frames(x.shape[-2:], size, stride, padding, False)
    lengths = x.shape[-2:]
    if count_include_pad:
        lengths = tuple(d + a + b for d, (a, b) in zip(lengths, counted, strict=True))
        frames = [(a - c, b - d) for (a, b), (c, d) in zip(frames, counted, strict=True)]
    if all(frame == (0, 0) for frame in frames):
        return means
    return means / md.avg_pool(_framed(md.ones(*lengths), frames, 0), size, stride)


#: Less than any entry: what pads a maximum.
LOWEST = -(10**38)


def _frames(
    lengths: Any, size: Any, stride: Any, padding: Any, ceil_mode: bool
) -> list[tuple[Any, Any]]:
    """How much goes before and after each of the two axes."""
    steps = size if stride is None else stride
    found = []
    for length, window, step, pad in zip(
        lengths, _both(size), _both(steps), _both(padding), strict=True
    ):
        after = pad
        if ceil_mode:
            if not isinstance(length, int):
                raise ShapeError(f"ceil_mode needs lengths that are numbers, not {length}; "
                                 "pad the images, or leave ceil_mode out")
            over = (window - length - 2 * pad) % step
            begins = length + 2 * pad + over - window
            after += over if begins < length + pad else 0
        found.append((pad, after))
    return found


def _framed(x: Any, frames: Sequence[tuple[Any, Any]], fill: Any) -> Tensor:
    """The last two axes with so many entries ``fill`` before and after."""
    for axis, frame in zip((-2, -1), frames, strict=True):
        parts = [x]
        for place, count in zip((0, 2), frame, strict=True):
            if count:
                shape = list(x.shape)
                shape[axis] = count
                parts.insert(place, fill * md.ones(*shape))
        x = md.concat(parts, axis=axis) if len(parts) > 1 else x
    framed: Tensor = x
    return framed
