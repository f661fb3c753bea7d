"""Attention, positions, and the transformer block that is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import sympify

import mathdl as md
from mathdl.catalogue.entry import Instance, entry
from mathdl.catalogue.layers.linear import FORBIDDEN, dense, residual
from mathdl.catalogue.layers.normalisation import layer_norm
from mathdl.errors import ShapeError
from mathdl.ir.dim import Dim, normal
from mathdl.ir.tensor import Tensor

FAMILY = "layers"
BASE = 10_000
_VASWANI = "Vaswani et al., Attention Is All You Need (2017), "


def causal_mask(n: Dim) -> Tensor:
    """Ones on and below the diagonal: what a position may look at."""
    return md.tril(md.ones(n, n))


def _attention(layer: Callable[..., Tensor]) -> Instance:
    n, m, d, k = md.dims("n m d k")
    Q, K, V = md.tensor("Q", n, d), md.tensor("K", m, d), md.tensor("V", m, k)
    return Instance.backward(layer(Q, K, V), "Q", "K", "V")


def _causal(layer: Callable[..., Tensor]) -> Instance:
    n, d, k = md.dims("n d k")
    Q, K, V = md.tensor("Q", n, d), md.tensor("K", n, d), md.tensor("V", n, k)
    return Instance.backward(layer(Q, K, V, causal_mask(n)), "Q", "K", "V")


@entry(
    FAMILY,
    law=r"Y = \operatorname{softmax}\left(\frac{Q K^\top}{\sqrt d}\right) V",
    reference=_VASWANI + "eq. 1",
    example=_attention,
)
@entry(
    FAMILY,
    name="causal_attention",
    law=r"y_i = \sum_{j \le i} \frac{e^{q_i \cdot k_j/\sqrt d}}"
        r"{\sum_{l \le i} e^{q_i \cdot k_l/\sqrt d}}\, v_j",
    reference=_VASWANI + "section 3.2.3",
    about="Attention that looks at no later position.",
    example=_causal,
)
def attention(Q: Any, K: Any, V: Any, mask: Any = None, scale: Any = None) -> Tensor:
    """Scaled dot-product attention, to where the mask is positive.

    ``Q: ... N D``, ``K: ... M D``, ``V: ... M K``, ``mask: N M``; gives ``... N K``.  ``scale``
    is ``1/sqrt(D)`` unless given.  A query that may look nowhere looks everywhere alike, where
    PyTorch gives zeros or not a number.
    """
    scores = Q @ _swapped(K)
    scores = scores / md.sqrt(Q.shape[-1]) if scale is None else scores * scale
    if mask is not None:
        scores = md.where(mask > 0, scores, FORBIDDEN)
    seen: Tensor = md.softmax(scores) @ V
    return seen


def _swapped(K: Tensor) -> Tensor:
    """The last two axes exchanged."""
    axes = list(range(K.ndim))
    return md.transpose(K, (*axes[:-2], axes[-1], axes[-2]))


def _heads(layer: Callable[..., Tensor]) -> Instance:
    n, d, h, k = md.dims("n d h k")
    x, Wo = md.tensor("x", n, d), md.tensor("Wo", h, k, d)
    Wq, Wk, Wv = (md.tensor(name, h, d, k) for name in ("Wq", "Wk", "Wv"))
    return Instance.backward(layer(x, Wq, Wk, Wv, Wo, causal_mask(n)), "Wq", "Wk", "Wv", "Wo")


@entry(
    FAMILY,
    law=r"Y = \sum_a \operatorname{softmax}\left(\frac{X W^Q_a (X W^K_a)^\top}{\sqrt k}\right) "
        r"X W^V_a W^O_a",
    reference=_VASWANI + "section 3.2.2",
    example=_heads,
)
def multi_head_attention(
    x: Any, Wq: Any, Wk: Any, Wv: Any, Wo: Any, mask: Any = None,
    positions: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Heads that attend side by side, and the sum of what each maps its values to.

    ``x: ... N D``, ``Wq``, ``Wk``, ``Wv``: ``H D K``, ``Wo: H K D``; gives ``... N D``.
    ``positions`` turns queries and keys, as :func:`rotary` does.  There are no biases, which
    PyTorch has by default.
    """
    turn = positions or (lambda rows: rows)
    spread = x[..., None, :, :]
    heads = attention(turn(spread @ Wq), turn(spread @ Wk), spread @ Wv, mask)
    return md.sum(heads @ Wo, axis=-3)


def _angles(n: Dim, pairs: Dim, base: Any) -> Tensor:
    """``p base^(-i/pairs)``, by position and pair of features."""
    position, pair = md.cumsum(md.ones(n)) - 1, md.cumsum(md.ones(pairs)) - 1
    turned: Tensor = position[:, None] * base ** (-pair / pairs)
    return turned


def _pairs(d: Dim, what: str) -> Dim:
    half = sympify(d) / 2
    if not half.is_integer:
        raise ShapeError(f"{what} needs an even number of features, not {d}; write 2*d")
    return normal(half)


def _interleaved(even: Tensor, odd: Tensor, shape: Any) -> Tensor:
    return md.reshape(md.stack([even, odd], axis=-1), *shape)


def _rotary(layer: Callable[..., Tensor]) -> Instance:
    n, d = md.dims("n d")
    return Instance.backward(layer(md.tensor("x", n, 2 * d)), "x")


@entry(
    FAMILY,
    law=r"\begin{pmatrix} y_{p, 2i} \\ y_{p, 2i+1} \end{pmatrix} = "
        r"\begin{pmatrix} \cos p\theta_i & -\sin p\theta_i \\ \sin p\theta_i & \cos p\theta_i "
        r"\end{pmatrix} \begin{pmatrix} x_{p, 2i} \\ x_{p, 2i+1} \end{pmatrix}, \quad "
        r"\theta_i = 10000^{-2i/d}",
    reference="Su et al., RoFormer: Enhanced Transformer with Rotary Position Embedding (2021), "
              "eq. 14 and 15",
    example=_rotary,
)
def rotary(x: Any, base: Any = BASE) -> Tensor:
    """Pairs of features turned by angles in proportion to the position.

    ``x: ... N D`` with ``D`` even; gives the same shape.  Products of two rows depend on the
    difference of their positions alone.
    """
    angle = _angles(x.shape[-2], _pairs(x.shape[-1], "rotary"), base)
    even, odd = x[..., ::2], x[..., 1::2]
    return _interleaved(
        even * md.cos(angle) - odd * md.sin(angle), even * md.sin(angle) + odd * md.cos(angle),
        x.shape,
    )


def _sinusoidal(layer: Callable[..., Tensor]) -> Instance:
    n, d, h = md.dims("n d h")
    x, W = md.tensor("x", n, 2 * d), md.tensor("W", 2 * d, h)
    return Instance.backward((x + layer(n, 2 * d)) @ W, "x", "W")


@entry(
    FAMILY,
    law=r"P_{p, 2i} = \sin\left(p \cdot 10000^{-2i/d}\right), \quad "
        r"P_{p, 2i+1} = \cos\left(p \cdot 10000^{-2i/d}\right)",
    reference=_VASWANI + "section 3.5",
    example=_sinusoidal,
)
def sinusoidal_positions(n: Dim, d: Dim, base: Any = BASE) -> Tensor:
    """Waves of falling frequency that tell positions apart; they are added to the rows.

    Gives ``N D`` for the dims ``n`` and ``d``, which is even.
    """
    angle = _angles(n, _pairs(d, "sinusoidal_positions"), base)
    return _interleaved(md.sin(angle), md.cos(angle), (n, d))


def _block(layer: Callable[..., Tensor]) -> Instance:
    n, d, h, k, f = md.dims("n d h k f")
    shapes: dict[str, tuple[Dim, ...]] = {
        "gamma1": (d,), "beta1": (d,), "Wq": (h, d, k), "Wk": (h, d, k), "Wv": (h, d, k),
        "Wo": (h, k, d), "gamma2": (d,), "beta2": (d,), "W1": (d, f), "b1": (f,), "W2": (f, d),
        "b2": (d,),
    }
    given = [md.tensor(name, *shape) for name, shape in shapes.items()]
    x = md.tensor("x", n, d)
    return Instance.backward(layer(x, *given, mask=causal_mask(n)), "W1", "Wv", smooth=False)


@entry(
    FAMILY,
    law=r"z = x + \operatorname{attention}(\operatorname{norm}_1(x)), \quad "
        r"y = z + f(\operatorname{norm}_2(z) W_1 + b_1)\, W_2 + b_2",
    reference="Xiong et al., On Layer Normalization in the Transformer Architecture (2020), "
              "table 1, Pre-LN; " + _VASWANI + "section 3",
    example=_block,
)
def transformer_block(
    x: Any, gamma1: Any, beta1: Any, Wq: Any, Wk: Any, Wv: Any, Wo: Any, gamma2: Any, beta2: Any,
    W1: Any, b1: Any, W2: Any, b2: Any, mask: Any = None,
    activation: Callable[[Any], Any] = md.gelu,
    positions: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Attention, then a perceptron for each position, both after a normalisation and by-passed.

    ``x: ... N D``, attention as in :func:`multi_head_attention`, ``W1: D F``, ``W2: F D``; gives
    ``... N D``.
    """

    def look(rows: Tensor) -> Tensor:
        normed = layer_norm(rows, gamma1, beta1)
        return multi_head_attention(normed, Wq, Wk, Wv, Wo, mask, positions)

    def think(rows: Tensor) -> Tensor:
        return dense(activation(dense(layer_norm(rows, gamma2, beta2), W1, b1)), W2, b2)

    return residual(residual(x, look), think)
