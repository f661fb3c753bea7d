"""What the functions in printed LaTeX mean, on arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sc
from scipy.linalg import cholesky


def _conv2d(x: Any, k: Any, padding: Any = 0, stride: Any = 1) -> Any:
    """Cross-correlation over the last two axes, summed over channels, of a batch."""
    pads = (padding, padding) if np.ndim(padding) == 0 else tuple(padding)
    steps = (stride, stride) if np.ndim(stride) == 0 else tuple(stride)
    flat = np.ndim(x) == 2
    x, k = (x[None, None], k[None, None]) if flat else (x, k)
    x = np.pad(x, [(0, 0), (0, 0), *((int(p), int(p)) for p in pads)])
    windows = np.lib.stride_tricks.sliding_window_view(x, k.shape[2:], axis=(2, 3))
    windows = windows[:, :, :: int(steps[0]), :: int(steps[1])]
    found = np.einsum("nchwab,mcab->nmhw", windows, k)
    return found[0, 0] if flat else found


def _softmax(x: Any, axis: int = -1) -> Any:
    return sc.softmax(x, axis=axis)


def _elu(x: Any, option: Any) -> Any:
    return np.where(x > 0, x, option * np.expm1(x))


def _polygamma(x: Any, option: Any = 0) -> Any:
    return sc.polygamma(int(option), x)


def _max(x: Any, y: Any = None, axis: Any = None) -> Any:
    return np.max(x, axis=axis) if y is None else np.maximum(x, y)


def _min(x: Any, y: Any = None, axis: Any = None) -> Any:
    return np.min(x, axis=axis) if y is None else np.minimum(x, y)


def _tril(x: Any, k: Any = 0) -> Any:
    return np.tril(x, int(k))


def _cumsum(x: Any, axis: int = 0) -> Any:
    return np.cumsum(x, axis=axis)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs, "clip": np.clip, "cholesky": lambda x: cholesky(x, lower=True),
    "concat": np.concatenate,
    "conv2d": _conv2d,
    "cos": np.cos,
    "cosh": np.cosh, "cumsum": _cumsum, "det": np.linalg.det, "diag": np.diag,
    "diagonal": np.diagonal, "elu": _elu, "erf": sc.erf, "exp": np.exp, "floor": np.floor,
    "gelu": lambda x: x * sc.ndtr(x), "log": np.log, "log Gamma": sc.gammaln,
    "log cosh": lambda x: np.log(np.cosh(x)), "log det": lambda x: np.linalg.slogdet(x)[1],
    "log sigma": sc.log_expit, "log softmax": lambda x: sc.log_softmax(x, axis=-1),
    "logsumexp": sc.logsumexp, "max": _max, "mean": np.mean, "min": _min,
    "norm2": np.linalg.norm, "normF": np.linalg.norm, "phi": lambda x: np.exp(-x * x / 2)
    / np.sqrt(2 * np.pi), "Phi": sc.ndtr, "pinv": np.linalg.pinv, "prod": np.prod,
    "psi": _polygamma, "relu": lambda x: np.maximum(x, 0), "sigma": sc.expit, "sign": np.sign,
    "silu": lambda x: x * sc.expit(x), "sin": np.sin, "softmax": _softmax,
    "softplus": lambda x: np.logaddexp(0, x), "sqrt": np.sqrt, "sum": np.sum, "tanh": np.tanh,
    "tr": np.trace, "transpose": np.transpose, "tril": _tril, "var": np.var,
}
