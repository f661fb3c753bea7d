"""What each function of the language means, written independently in ``autograd.numpy``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import autograd.scipy.special as asp
import numpy as np


def total(x: Any, axis: Any, keep: bool = False) -> Any:
    return anp.sum(x, axis=axis, keepdims=keep)


def plain(x: Any) -> Any:
    while hasattr(x, "_value"):
        x = x._value
    return np.asarray(x)


def softmax(x: Any, axis: Any) -> Any:
    e = anp.exp(x - np.max(plain(x), axis=axis, keepdims=True))
    return e / total(e, axis, True)


def logsumexp(x: Any, axis: Any, keep: bool = False) -> Any:
    m = np.max(plain(x), axis=axis, keepdims=True)
    inner = anp.log(total(anp.exp(x - m), axis, True)) + m
    return inner if keep else total(inner, axis)


def mean(x: Any, axis: Any, keep: bool = False) -> Any:
    count = np.sum(np.ones(np.shape(plain(x))), axis=axis, keepdims=keep)
    return total(x, axis, keep) / count


def variance(x: Any, axis: Any, keep: bool = False) -> Any:
    return mean((x - mean(x, axis, True)) ** 2, axis, keep)


def sigmoid(x: Any) -> Any:
    return 0.5 * (1 + anp.tanh(x / 2))


def softplus(x: Any) -> Any:
    return anp.logaddexp(0.0, x)


def select(condition: Any, a: Any, b: Any) -> Any:
    """autograd's ``where`` does not sum over broadcast axes backwards; a product does."""
    chosen = np.where(plain(condition), 1.0, 0.0)
    return chosen * a + (1 - chosen) * b


def elu(x: Any, a: float) -> Any:
    return anp.where(x > 0, x, a * (anp.exp(anp.where(x > 0, 0.0, x)) - 1))


def selu(x: Any) -> Any:
    return 1.0507009873554804934 * elu(x, 1.6732632423543772848)


def gelu_tanh(x: Any) -> Any:
    return 0.5 * x * (1 + anp.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def normal_cdf(x: Any) -> Any:
    return 0.5 * (1 + asp.erf(x / np.sqrt(2)))


def windows(x: Any, size: tuple[int, int], stride: tuple[int, int], pad: tuple[int, int]) -> Any:
    """Shifted copies of the last two axes, one a place of the window, stacked in front."""
    if pad != (0, 0):
        shape = np.shape(plain(x))
        rows = np.eye(shape[-2] + 2 * pad[0])[:, pad[0] : pad[0] + shape[-2]]
        columns = np.eye(shape[-1] + 2 * pad[1])[pad[1] : pad[1] + shape[-1], :]
        x = anp.matmul(anp.matmul(rows, x), columns)
    height, width = np.shape(plain(x))[-2:]
    rows_ = (height - size[0]) // stride[0] + 1
    columns_ = (width - size[1]) // stride[1] + 1
    return anp.stack([
        x[..., p : p + stride[0] * (rows_ - 1) + 1 : stride[0],
          q : q + stride[1] * (columns_ - 1) + 1 : stride[1]]
        for p in range(size[0]) for q in range(size[1])
    ])


UNARY: list[tuple[str, Callable[[Any], Any]]] = [
    ("tanh({0})", anp.tanh), ("sigmoid({0})", sigmoid), ("softplus({0})", softplus),
    ("exp({0}/4)", lambda x: anp.exp(x / 4)), ("sin({0})", anp.sin), ("cos({0})", anp.cos),
    ("relu({0})", lambda x: anp.maximum(x, 0.0)), ("abs({0})", anp.abs),
    ("silu({0})", lambda x: x * sigmoid(x)), ("gelu({0})", lambda x: x * normal_cdf(x)),
    ("gelu_tanh({0})", gelu_tanh), ("elu({0}, 0.7)", lambda x: elu(x, 0.7)),
    ("leaky_relu({0}, 0.1)", lambda x: anp.where(x > 0, x, 0.1 * x)), ("selu({0})", selu),
    ("softsign({0})", lambda x: x / (1 + anp.abs(x))),
    ("hardtanh({0})", lambda x: anp.clip(x, -1, 1)), ("erf({0})", asp.erf),
    ("erfc({0})", asp.erfc), ("arctan({0})", anp.arctan),
    ("log1p({0}**2)", lambda x: anp.log(1 + x * x)),
    ("log({0}**2 + 0.5)", lambda x: anp.log(x * x + 0.5)),
    ("sqrt({0}**2 + 1)", lambda x: anp.sqrt(x * x + 1)), ("{0}**2", lambda x: x * x),
    ("{0}**3/4", lambda x: x * x * x / 4), ("-{0}", lambda x: -x),
    ("log_sigmoid({0})", lambda x: -softplus(-x)), ("expm1({0}/5)", lambda x: anp.exp(x / 5) - 1),
    ("clip({0}, -0.7, 0.8)", lambda x: anp.clip(x, -0.7, 0.8)),
    ("sinh({0}/3)", lambda x: anp.sinh(x / 3)), ("cosh({0}/3)", lambda x: anp.cosh(x / 3)),
    ("arcsin(tanh({0})*0.9)", lambda x: anp.arcsin(anp.tanh(x) * 0.9)),
    ("arccos(0.5*sin({0}))", lambda x: anp.arccos(0.5 * anp.sin(x))),
    ("tan(tanh({0})/2)", lambda x: anp.tan(anp.tanh(x) / 2)),
    ("gammaln({0}**2 + 1.5)", lambda x: asp.gammaln(x * x + 1.5)),
    ("digamma({0}**2 + 1.5)", lambda x: asp.digamma(x * x + 1.5)),
    ("sqrt({0}**2)", anp.abs), ("({0}**2)**1.5", lambda x: anp.abs(x) ** 3),
    ("({0}**4)**0.25", anp.abs), ("log(exp({0}))", lambda x: x), ("abs({0})**2", lambda x: x * x),
    ("abs({0})**3", lambda x: anp.abs(x) ** 3), ("abs(-{0})", anp.abs),
    ("1/(1 + exp(-{0}))", sigmoid), ("log(1 + exp({0}))", softplus),
    ("exp({0}/3) - 1", lambda x: anp.exp(x / 3) - 1),
    ("exp({0})/(1 + exp({0}))", sigmoid), ("1 - sigmoid({0})", lambda x: 1 - sigmoid(x)),
    ("log(sigmoid({0}))", lambda x: -softplus(-x)),
    ("log(cosh({0}))", lambda x: anp.log(anp.cosh(x))),
    ("{0}/(1 + {0}**2)", lambda x: x / (1 + x * x)),
    ("1/(2 + cos({0}))", lambda x: 1 / (2 + anp.cos(x))),
    ("{0}*0.5", lambda x: 0.5 * x), ("{0} - 0.25", lambda x: x - 0.25),
    ("3/4 + {0}", lambda x: 0.75 + x),
    ("where({0} > 0.1, {0}**2, sin({0}))", lambda x: anp.where(x > 0.1, x * x, anp.sin(x))),
    ("where({0} <= -0.2, 1, {0})", lambda x: anp.where(x <= -0.2, 1.0, x)),
    ("({0} > 0)*{0}", lambda x: anp.where(x > 0, x, 0.0)), ("sign({0})*{0}", anp.abs),
    ("maximum({0}, 0.3)", lambda x: anp.maximum(x, 0.3)),
    ("minimum(-0.4, {0})", lambda x: anp.minimum(x, -0.4)),
    ("log(2*{0}**2*exp({0}) + exp({0}))", lambda x: x + anp.log(2 * x * x + 1)),
    ("2**({0}/2)", lambda x: 2 ** (x / 2)), ("e**(-{0}**2)", lambda x: anp.exp(-x * x)),
    ("({0}**2 + 1)**(-0.5)", lambda x: (x * x + 1) ** -0.5),
    ("({0}**2 + 0.3)**(1/3)", lambda x: (x * x + 0.3) ** (1 / 3)),
    ("{0}/{0}.T.T + {0}", lambda x: 1 + x),
    ("log(1 + {0}**2) - log1p({0}**2) + {0}", lambda x: x),
    ("pi*{0}/sqrt(2)", lambda x: np.pi / 2**0.5 * x),
    ("log(1 - exp(-1 - {0}**2))", lambda x: anp.log(1 - anp.exp(-1 - x * x))),
    ("log(1 - tanh({0}))", lambda x: anp.log(1 - anp.tanh(x))),
    ("(exp({0}) - exp(-{0}))/(exp({0}) + exp(-{0}))", anp.tanh),
]

BINARY: list[tuple[str, Callable[[Any, Any], Any]]] = [
    ("{0} + {1}", lambda a, b: a + b), ("{0} - {1}", lambda a, b: a - b),
    ("{0}*{1}", lambda a, b: a * b), ("{0}*{1} + {1}", lambda a, b: a * b + b),
    ("{0}/(1.5 + {1}**2)", lambda a, b: a / (1.5 + b * b)),
    ("{0}/exp({1}/3)", lambda a, b: a / anp.exp(b / 3)),
    ("maximum({0}, {1})", anp.maximum), ("minimum({0}, {1})", anp.minimum),
    ("where({0} > {1}, {0}, {1}**2)", lambda a, b: select(a > b, a, b * b)),
    ("({0}**2 + 0.5)**tanh({1})", lambda a, b: (a * a + 0.5) ** anp.tanh(b)),
    ("log(exp({0}) + exp({1}))", anp.logaddexp), ("leaky_relu({0}, sigmoid({1}))",
     lambda a, b: select(a > 0, a, a * sigmoid(b))),
    ("elu({0}, 1 + {1}**2)", lambda a, b: select(
        a > 0, a, (1 + b * b) * (anp.exp(anp.minimum(a, 0.0)) - 1))),
    ("clip({0}, -1 - {1}**2, 0.5)", lambda a, b: anp.minimum(anp.maximum(a, -1 - b * b), 0.5)),
    ("sqrt({0}**2 + {1}**2 + 0.1)", lambda a, b: anp.sqrt(a * a + b * b + 0.1)),
    ("mse({0}, {1})*({0} - {1})", None),  # needs equal shapes
]

REDUCE: dict[str, Callable[..., Any]] = {
    "sum": total, "mean": mean, "var": variance, "logsumexp": logsumexp,
    "max": lambda x, axis, keep: anp.max(x, axis=axis, keepdims=keep),
    "min": lambda x, axis, keep: anp.min(x, axis=axis, keepdims=keep),
    "prod": lambda x, axis, keep: anp.prod(x, axis=axis, keepdims=keep),
    "std": lambda x, axis, keep: anp.sqrt(variance(x, axis, keep)),
    "norm1": lambda x, axis, keep: total(anp.abs(x), axis, keep),
    "norm2": lambda x, axis, keep: anp.sqrt(total(x * x, axis, keep)),
    "norm_inf": lambda x, axis, keep: anp.max(anp.abs(x), axis=axis, keepdims=keep),
}
