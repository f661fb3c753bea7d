"""The functions of compositions in PyTorch, written anew: one name, one meaning in both."""

from __future__ import annotations

from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")
F = torch.nn.functional

relu, tanh, sigmoid, silu, gelu, softplus, exp, log, sqrt, abs_ = (
    F.relu, torch.tanh, torch.sigmoid, F.silu, F.gelu, F.softplus, torch.exp, torch.log,
    torch.sqrt, torch.abs,
)
embedding = F.embedding
conv1d, conv2d, conv_transpose2d = F.conv1d, F.conv2d, F.conv_transpose2d
max_pool, avg_pool = F.max_pool2d, F.avg_pool2d
mse_loss, huber_loss, smooth_l1_loss = F.mse_loss, F.huber_loss, F.smooth_l1_loss
cross_entropy, kl_div, poisson_nll_loss = F.cross_entropy, F.kl_div, F.poisson_nll_loss
binary_cross_entropy_with_logits = F.binary_cross_entropy_with_logits
soft_margin_loss, multi_margin_loss = F.soft_margin_loss, F.multi_margin_loss
cosine_embedding_loss, triplet_margin_loss = F.cosine_embedding_loss, F.triplet_margin_loss


def softmax(x: Any) -> Any:
    return F.softmax(x, -1)


def log_softmax(x: Any) -> Any:
    return F.log_softmax(x, -1)


def mean(x: Any, axis: Any = None) -> Any:
    return x.mean() if axis is None else x.mean(axis)


def sum_(x: Any, axis: Any = None) -> Any:
    return x.sum() if axis is None else x.sum(axis)


def reshape(x: Any, *shape: Any) -> Any:
    return x.reshape(*shape)


def transpose(x: Any, axes: Any) -> Any:
    return x.permute(*axes)


def concat(parts: Any, axis: int) -> Any:
    return torch.cat(list(parts), axis)


def dense(x: Any, W: Any, b: Any = None) -> Any:
    return x @ W if b is None else x @ W + b


def layer_norm(x: Any, gamma: Any = None, beta: Any = None) -> Any:
    return F.layer_norm(x, x.shape[-1:], gamma, beta)


def rms_norm(x: Any, gamma: Any = None) -> Any:
    return F.rms_norm(x, x.shape[-1:], gamma, 1e-5)


def batch_norm(x: Any, gamma: Any = None, beta: Any = None) -> Any:
    return F.batch_norm(x, None, None, gamma, beta, training=True)


def group_norm(x: Any, gamma: Any, beta: Any, groups: int) -> Any:
    return F.group_norm(x, groups, gamma, beta)


def weight_norm(V: Any, g: Any) -> Any:
    return g * V / V.norm(dim=0)


def residual(x: Any, function: Any) -> Any:
    return x + function(x)


def _states(step: Any, start: Any, x: Any) -> Any:
    state, found = start, []
    for row in x:
        state = step(state, row)
        found.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(found)


def _zeros(x: Any, U: Any) -> Any:
    return torch.zeros(*x.shape[1:-1], U.shape[-1], dtype=x.dtype)


def rnn(x: Any, W: Any, U: Any, b: Any) -> Any:
    return _states(lambda h, r: torch.tanh(r @ W + h @ U + b), _zeros(x, U), x)


def lstm(x: Any, W: Any, U: Any, b: Any) -> Any:
    def step(state: Any, row: Any) -> Any:
        h, c = state
        i, f, o, g = (row @ W[k] + h @ U[k] + b[k] for k in range(4))
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    return _states(step, (_zeros(x, U), _zeros(x, U)), x)


def gru(x: Any, W: Any, U: Any, b: Any) -> Any:
    def step(h: Any, row: Any) -> Any:
        r, z = ((row @ W[k] + h @ U[k] + b[k]).sigmoid() for k in (0, 1))
        return z * h + (1 - z) * torch.tanh(row @ W[2] + (r * h) @ U[2] + b[2])

    return _states(step, _zeros(x, U), x)


def causal_mask(n: int) -> Any:
    return torch.tril(torch.ones(n, n, dtype=torch.float64))


def attention(Q: Any, K: Any, V: Any, mask: Any = None) -> Any:
    return F.scaled_dot_product_attention(Q, K, V, None if mask is None else mask > 0)


def rotary(x: Any) -> Any:
    half = x.shape[-1] // 2
    angle = torch.outer(torch.arange(x.shape[-2], dtype=torch.float64),
                        10000.0 ** (-torch.arange(half, dtype=torch.float64) / half))
    turned = torch.view_as_complex(x.reshape(*x.shape[:-1], half, 2).contiguous())
    return torch.view_as_real(turned * torch.polar(torch.ones_like(angle), angle)).reshape(x.shape)


def sinusoidal_positions(n: int, d: int) -> Any:
    p = torch.arange(n, dtype=torch.float64)[:, None]
    angle = p * 10000.0 ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
    return torch.stack([angle.sin(), angle.cos()], -1).reshape(n, d)


def multi_head_attention(
    x: Any, Wq: Any, Wk: Any, Wv: Any, Wo: Any, mask: Any = None, positions: Any = None
) -> Any:
    turn = positions or (lambda rows: rows)
    heads = [attention(turn(x @ q), turn(x @ k), x @ v, mask) @ o
             for q, k, v, o in zip(Wq, Wk, Wv, Wo, strict=True)]
    return sum(heads)


def transformer_block(
    x: Any, g1: Any, b1: Any, Wq: Any, Wk: Any, Wv: Any, Wo: Any, g2: Any, b2: Any, W1: Any,
    c1: Any, W2: Any, c2: Any, mask: Any = None, positions: Any = None,
) -> Any:
    z = x + multi_head_attention(layer_norm(x, g1, b1), Wq, Wk, Wv, Wo, mask, positions)
    return z + F.gelu(layer_norm(z, g2, b2) @ W1 + c1) @ W2 + c2


def mixture_gate(x: Any, W: Any) -> Any:
    return softmax(x @ W)


def mixture_of_experts(gate: Any, outputs: Any) -> Any:
    return torch.einsum("ne,enk->nk", gate, outputs)


def log_cosh_loss(a: Any, b: Any) -> Any:
    return torch.log(torch.cosh(a - b)).mean()


def info_nce(q: Any, k: Any, t: Any) -> Any:
    return F.cross_entropy(q @ k.T / t, torch.arange(len(q)))


def squared_hinge_loss(z: Any, y: Any) -> Any:
    return (F.relu(1 - y * z) ** 2).mean()


def dice_loss(p: Any, y: Any) -> Any:
    return 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)


def l2_penalty(w: Any) -> Any:
    return (w**2).sum() / 2


def quantile_loss(a: Any, b: Any, q: float) -> Any:
    return torch.maximum(q * (b - a), (q - 1) * (b - a)).mean()
