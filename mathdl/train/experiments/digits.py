"""``mathdl train digits``: a multilayer perceptron on real handwritten digits.

The network and its loss are a text in mathdl's language; the gradients are derived from it,
checked against finite differences, and computed by the generated NumPy code.  At least 97 % of
the held-out digits are read correctly.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

import mathdl as md
from mathdl.catalogue.layers.initial import glorot, weights_before
from mathdl.train.data import load_digits, shifted, with_noise
from mathdl.train.experiment import Experiment, Outcome, Say, setting
from mathdl.train.loop import Batch, Packed
from mathdl.train.model import Model, written
from mathdl.train.supervised import Task, TrainSettings, labelled, learn, share_correct

ACTIVATIONS = (
    "relu", "gelu", "gelu_tanh", "silu", "softplus", "tanh", "sigmoid", "softsign", "selu",
)


@dataclass(frozen=True)
class DigitsSettings(TrainSettings):
    """What can be chosen."""

    hidden: tuple[int, ...] = setting(
        (128,), "Width of each hidden layer, as in 128,64.", kind=int, many=True, at_least=1
    )
    activation: str = setting("relu", "What the hidden layers apply.", choices=ACTIVATIONS)
    out: Path = setting(Path("runs/digits"), "Folder for the results.", kind=Path)  # noqa: RUF009


def network(layers: int, activation: str) -> Model:
    """An MLP with ``layers`` hidden layers under softmax cross-entropy, all dims symbolic.

    Legend: ``n`` samples, ``d`` features, ``h1 h2 ...`` hidden units, ``c`` classes.
    Goodfellow et al., Deep Learning, eq. 6.10, 6.29 and 5.13.
    """
    shapes = {"X": "n d", "Y": "n c"}
    dims = ["d", *(f"h{k}" for k in range(1, layers + 1)), "c"]
    definitions = []
    below = "X"
    for k in range(1, layers + 2):
        shapes[f"W{k}"], shapes[f"b{k}"] = f"{dims[k - 1]} {dims[k]}", dims[k]
        last = k > layers
        name, function = ("P", "softmax") if last else (f"A{k}", activation)
        definitions.append(f"{name} = {function}({below} @ W{k} + b{k})")
        below = name
    parameters = tuple(name for name in shapes if name not in ("X", "Y"))
    return written(
        tuple(definitions), "-sum(Y*log(P))/n", shapes, parameters, {"Y": "one_hot"}
    )


def initialise(
    sizes: tuple[int, ...], activation: str, rng: np.random.Generator
) -> Packed:
    """Normal weights with the variance that suits the activation, zero biases."""
    shapes: dict[str, tuple[int, ...]] = {}
    for k, (fan_in, fan_out) in enumerate(pairwise(sizes), start=1):
        shapes[f"W{k}"], shapes[f"b{k}"] = (fan_in, fan_out), (fan_out,)
    packed = Packed(shapes)
    layers = len(sizes) - 1
    for k in range(1, layers + 1):
        weights = packed.views[f"W{k}"]
        law = weights_before(getattr(md, activation)) if k < layers else glorot
        weights[:] = law(rng, weights.shape, *weights.shape)
    return packed


def moved(samples: Batch, rng: np.random.Generator) -> Batch:
    """Every digit moved a little and with a little noise."""
    return {**samples, "X": with_noise(shifted(samples["X"], 8, 0.3, -1.0, rng), 0.2, rng)}


def run(settings: DigitsSettings, say: Say) -> Outcome:
    """Learn to read digits."""
    data = load_digits()
    learnt, held_out = labelled(data)
    rng = np.random.default_rng(settings.seed)
    sizes = (data.features, *settings.hidden, data.classes)
    widths = "-".join(str(width) for width in sizes[1:])
    task = Task(
        "digits", network(len(settings.hidden), settings.activation),
        initialise(sizes, settings.activation, rng), learnt, held_out, "P", share_correct,
        renewed=moved, title=f"digits: {settings.activation} perceptron {widths}, "
        f"{settings.optimizer}",
    )
    return learn(task, settings, rng, say)


EXPERIMENT = Experiment(
    name="digits",
    summary="A multilayer perceptron on scikit-learn's 8x8 handwritten digits.",
    settings=DigitsSettings,
    run=run,
)
