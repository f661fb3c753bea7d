"""The eight problems, each as hand-written NumPy, with inputs and a reading of the value.

``problem.hand(dims, dtype)`` allocates every buffer, outputs included, and returns ``run``, which
takes the inputs by name and returns ``(value, gradients by name)``.  The buffers are reused by the
next call.  ``problem.value`` is the same loss written down naively, for complex arrays too, so
that the gradients can be checked by complex steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import naive
from .attention import attention
from .chain import gelu_chain
from .convolution import conv2d, conv2d_im2col
from .networks import Array, Run, deep_tanh, mlp, xor
from .rows import layer_norm, logistic

Dims = Mapping[str, int]


@dataclass(frozen=True)
class Problem:
    """A loss, the sizes it is timed at, small sizes to check it at, and its hand-written code."""

    name: str
    dims: Dims
    small: Dims
    shapes: Callable[[Dims], Mapping[str, tuple[int, ...]]]
    value: Callable[..., Any]
    hand: Callable[[Dims, Any], Run]
    others: Mapping[str, Callable[[Dims, Any], Run]]
    data: tuple[str, ...] = ()
    labels: str = ""
    binary: str = ""

    def inputs(self, dims: Dims, dtype: Any, seed: int = 0) -> dict[str, Array]:
        """Random arrays; weight matrices scaled so that their products keep their size."""
        rng = np.random.default_rng(seed)
        arrays = {}
        for name, shape in self.shapes(dims).items():
            if name == self.labels:
                array = np.eye(shape[1])[rng.integers(shape[1], size=shape[0])]
            elif name == self.binary:
                array = rng.integers(2, size=shape).astype(float)
            else:
                array = rng.standard_normal(shape)
                if name.startswith(("W", "w")):
                    array /= np.sqrt(shape[0])
            arrays[name] = np.asarray(array, dtype, order="C")
        return arrays

    def wrt(self, dims: Dims) -> list[str]:
        """The inputs that the loss is differentiated by."""
        return [name for name in self.shapes(dims) if name not in self.data]


def _deep_shapes(dims: Dims) -> dict[str, tuple[int, ...]]:
    n, d, layers = dims["n"], dims["d"], dims["layers"]
    shapes: dict[str, tuple[int, ...]] = {"X": (n, d), "T": (n, d)}
    for k in range(1, layers + 1):
        shapes |= {f"W{k}": (d, d), f"b{k}": (d,)}
    return shapes


PROBLEMS = (
    Problem(
        "xor", {"n": 4, "d": 2, "h": 8}, {"n": 3, "d": 2, "h": 5},
        lambda s: {
            "X": (s["n"], s["d"]), "T": (s["n"], 1), "W1": (s["d"], s["h"]), "b1": (s["h"],),
            "W2": (s["h"], 1), "b2": (1,),
        },
        naive.xor, xor, {}, data=("X", "T"),
    ),
    Problem(
        "mlp", {"n": 64, "d": 784, "h": 128, "c": 10}, {"n": 5, "d": 7, "h": 6, "c": 4},
        lambda s: {
            "X": (s["n"], s["d"]), "Y": (s["n"], s["c"]), "W1": (s["d"], s["h"]),
            "b1": (s["h"],), "W2": (s["h"], s["c"]), "b2": (s["c"],),
        },
        naive.mlp, mlp, {}, data=("X", "Y"), labels="Y",
    ),
    Problem(
        "deep_tanh", {"n": 64, "d": 64, "layers": 16}, {"n": 5, "d": 4, "layers": 16},
        _deep_shapes, naive.deep_tanh, deep_tanh, {}, data=("X", "T"),
    ),
    Problem(
        "logistic", {"n": 10_000, "d": 100}, {"n": 23, "d": 5},
        lambda s: {"X": (s["n"], s["d"]), "y": (s["n"],), "w": (s["d"],), "b": ()},
        naive.logistic, logistic, {}, data=("X", "y"), binary="y",
    ),
    Problem(
        "layer_norm", {"n": 512, "d": 768}, {"n": 9, "d": 7},
        lambda s: {
            "X": (s["n"], s["d"]), "G": (s["n"], s["d"]), "gam": (s["d"],), "bet": (s["d"],),
        },
        naive.layer_norm, layer_norm, {}, data=("G",),
    ),
    Problem(
        "attention", {"n": 128, "m": 128, "d": 64}, {"n": 6, "m": 5, "d": 3},
        lambda s: {
            "Q": (s["n"], s["d"]), "K": (s["m"], s["d"]), "V": (s["m"], s["d"]),
            "G": (s["n"], s["d"]),
        },
        naive.attention, attention, {}, data=("G",),
    ),
    Problem(
        "conv2d", {"n": 8, "c": 8, "s": 28, "o": 16}, {"n": 2, "c": 3, "s": 5, "o": 4},
        lambda s: {
            "x": (s["n"], s["c"], s["s"], s["s"]), "k": (s["o"], s["c"], 3, 3),
            "G": (s["n"], s["o"], s["s"], s["s"]),
        },
        naive.conv2d, conv2d, {"im2col": conv2d_im2col}, data=("G",),
    ),
    Problem(
        "gelu_chain", {"n": 1_000_000}, {"n": 40},
        lambda s: {"a": (s["n"],), "x": (s["n"],), "b": (s["n"],)},
        naive.gelu_chain, gelu_chain, {},
    ),
)

__all__ = ["PROBLEMS", "Dims", "Problem"]
