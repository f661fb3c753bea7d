"""Layers: plain functions of tensors."""

from mathdl.catalogue.layers.attention import (
    attention,
    causal_mask,
    multi_head_attention,
    rotary,
    sinusoidal_positions,
    transformer_block,
)
from mathdl.catalogue.layers.convolution import (
    avg_pool,
    conv1d,
    conv2d,
    conv_transpose1d,
    conv_transpose2d,
    max_pool,
)
from mathdl.catalogue.layers.linear import (
    bias,
    dense,
    dropout,
    embedding,
    mixture_gate,
    mixture_of_experts,
    residual,
)
from mathdl.catalogue.layers.normalisation import (
    batch_norm,
    group_norm,
    layer_norm,
    rms_norm,
    weight_norm,
)
from mathdl.catalogue.layers.recurrent import gru, lstm, rnn

__all__ = [
    "attention",
    "avg_pool",
    "batch_norm",
    "bias",
    "causal_mask",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "dense",
    "dropout",
    "embedding",
    "group_norm",
    "gru",
    "layer_norm",
    "lstm",
    "max_pool",
    "mixture_gate",
    "mixture_of_experts",
    "multi_head_attention",
    "residual",
    "rms_norm",
    "rnn",
    "rotary",
    "sinusoidal_positions",
    "transformer_block",
    "weight_norm",
]
