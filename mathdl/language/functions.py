"""Every function of the language by name: what the parser may call and users import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mathdl.language import blocks, linalg, reductions, structure
from mathdl.language.decompositions import PRIMITIVES
from mathdl.language.elementwise import ELEMENTWISE

LanguageFunction = Callable[..., Any]


FUNCTIONS: dict[str, LanguageFunction] = {
    **ELEMENTWISE,
    **{
        f.__name__: f
        for f in (
            reductions.sum, reductions.mean, reductions.prod, reductions.max, reductions.min,
            reductions.var, reductions.std, reductions.logsumexp, reductions.norm1,
            reductions.norm2, reductions.norm_inf, reductions.softmax, reductions.log_softmax,
            reductions.cumsum,
            linalg.dot, linalg.outer, linalg.kron, linalg.trace, linalg.diag, linalg.diagonal,
            linalg.tril, linalg.triu, linalg.eye, linalg.ones, linalg.zeros, linalg.einsum,
            structure.concat, structure.stack, structure.reshape, structure.transpose,
            structure.conv2d, structure.max_pool, structure.avg_pool,
            blocks.layer_norm, blocks.rms_norm, blocks.batch_norm, blocks.mse,
            blocks.cross_entropy,
        )
    },
    **PRIMITIVES,
}
