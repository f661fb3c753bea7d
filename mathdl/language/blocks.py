"""Normalisations and losses, written in the other functions of the language."""

from __future__ import annotations

from typing import Any

from sympy import Rational

from mathdl.errors import ShapeError
from mathdl.ir.build import define, out_ranges
from mathdl.ir.dim import product, show_shape
from mathdl.ir.index import out_indices, slot
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.elementwise import sqrt
from mathdl.language.indexing import is_integer_tensor
from mathdl.language.operators import add, divide, multiply, negative, power, subtract
from mathdl.language.pointwise import as_tensor
from mathdl.language.reductions import log_softmax, mean, var
from mathdl.language.reductions import sum as total

EPS = Rational(1, 100_000)


def _normalise(x: Tensor, axes: int | tuple[int, ...], eps: Any) -> Tensor:
    spread = sqrt(add(var(x, axes, True), eps))
    return divide(subtract(x, mean(x, axes, True)), spread)


def _at_least_vector(value: Any, what: str) -> Tensor:
    x: Tensor = as_tensor(value)
    if x.ndim == 0:
        raise ShapeError(f"{what} needs at least one axis, not a scalar")
    return x


def layer_norm(x: Any, eps: Any = EPS) -> Tensor:
    """``(x - mean(x))/sqrt(var(x) + eps)`` over the last axis, no affine part.

    Ba, Kiros & Hinton, Layer Normalization, 2016, eq. 3.
    """
    return _normalise(_at_least_vector(x, "layer_norm"), -1, eps)


def rms_norm(x: Any, eps: Any = EPS) -> Tensor:
    """``x/sqrt(mean(x**2) + eps)`` over the last axis.

    Zhang & Sennrich, Root Mean Square Layer Normalization, 2019, eq. 4.
    """
    x = _at_least_vector(x, "rms_norm")
    return divide(x, sqrt(add(mean(power(x, 2), -1, True), eps)))


def batch_norm(x: Any, eps: Any = EPS) -> Tensor:
    """``(x - mean(x))/sqrt(var(x) + eps)`` over axis 0 of ``N D``, or axes 0, 2, 3 of ``N C H W``.

    Ioffe & Szegedy, Batch Normalization, 2015, algorithm 1, no affine part.
    """
    x = as_tensor(x)
    if x.ndim not in (2, 4):
        raise ShapeError(
            f"batch_norm takes shape (N, D) or (N, C, H, W), not {show_shape(x.shape)}"
        )
    return _normalise(x, 0 if x.ndim == 2 else (0, 2, 3), eps)


def mse(a: Any, b: Any) -> Tensor:
    """``mean((a - b)**2)``; the shapes must be equal, nothing is broadcast but a scalar."""
    a, b = as_tensor(a), as_tensor(b)
    if a.shape != b.shape and a.ndim and b.ndim:
        raise ShapeError(
            f"shapes {show_shape(a.shape)} and {show_shape(b.shape)} differ in mse; "
            "they must be equal"
        )
    return mean(power(subtract(a, b), 2))


def cross_entropy(logits: Any, labels: Any) -> Tensor:
    """``-sum(labels*log_softmax(logits))/N`` with the ``N`` leading rows; a vector counts as one.

    ``labels`` has the shape of ``logits`` (probabilities or one-hot), or is an integer tensor of
    class numbers without the last axis: ``-sum_n log_softmax(logits)[n, labels[n]]/N``.
    """
    logits, labels = _at_least_vector(logits, "cross_entropy"), as_tensor(labels)
    rows = product(logits.shape[:-1])
    scores = log_softmax(logits)
    if labels.shape == logits.shape:
        picked = multiply(labels, scores)
    elif labels.shape == logits.shape[:-1]:
        constant = labels.definition is not None and not labels.operands
        if constant or not is_integer_tensor(labels):
            raise ShapeError(
                f"labels of shape {show_shape(labels.shape)} in cross_entropy are class numbers; "
                "assume them to be integer"
            )
        index = out_indices(labels.ndim)
        picked = define(
            out_ranges(labels.shape),
            slot(0),
            [Access(scores, (*index, slot(1))), Access(labels, index)],
        )
    else:
        raise ShapeError(
            f"labels of shape {show_shape(labels.shape)} do not fit logits of shape "
            f"{show_shape(logits.shape)} in cross_entropy"
        )
    return divide(negative(total(picked)), rows)
