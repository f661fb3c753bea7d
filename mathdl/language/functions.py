"""Every function of the language by name: what the parser may call and users import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mathdl.errors import UnsupportedError
from mathdl.ir.tensor import Tensor
from mathdl.language import blocks, linalg, reductions, structure
from mathdl.language.elementwise import ELEMENTWISE
from mathdl.language.pointwise import as_tensor

LanguageFunction = Callable[..., Any]


def _pending(name: str, *, square: bool) -> LanguageFunction:
    """A primitive whose rules are not written yet: checks the shape, then says so."""

    def primitive(a: Any, *others: Any) -> Tensor:
        if square:
            linalg.square(a, name)
        for argument in (a, *others):
            as_tensor(argument)
        raise UnsupportedError(f"{name} is not available yet")

    primitive.__name__ = name
    primitive.__doc__ = f"{name}: not available yet."
    return primitive


PRIMITIVES: dict[str, LanguageFunction] = {
    "det": _pending("det", square=True),
    "logdet": _pending("logdet", square=True),
    "inv": _pending("inv", square=True),
    "pinv": _pending("pinv", square=False),
    "solve": _pending("solve", square=True),
    "cholesky": _pending("cholesky", square=True),
}

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
