"""``mathdl train digits``: a multilayer perceptron on real handwritten digits.

The network and its loss are a text in mathdl's language; the gradients are derived from it,
checked against finite differences, and computed by the generated NumPy code.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from mathdl.train.data import Dataset, load_digits, one_hot, shifted, with_noise
from mathdl.train.experiment import Experiment, Outcome, Say, Settings, setting
from mathdl.train.loop import Batch, Packed, Score, minibatches, train
from mathdl.train.model import Model, save
from mathdl.train.optimizers import OPTIMIZERS, optimizer_named
from mathdl.train.plots import learning_curve

# The variance of a weight times its fan-in f or fan-in and fan-out f + g: He et al. 2015, eq. 10,
# for units that pass half of their input; Glorot and Bengio 2010, eq. 12, for units linear at 0;
# LeCun et al. 1998, eq. 16, for selu.
Variance = Callable[[int, int], float]


def _he(fan_in: int, fan_out: int) -> float:
    return 2 / fan_in


def _glorot(fan_in: int, fan_out: int) -> float:
    return 2 / (fan_in + fan_out)


def _lecun(fan_in: int, fan_out: int) -> float:
    return 1 / fan_in


ACTIVATIONS: dict[str, Variance] = {
    "relu": _he, "gelu": _he, "gelu_tanh": _he, "silu": _he, "softplus": _he,
    "tanh": _glorot, "sigmoid": _glorot, "softsign": _glorot, "selu": _lecun,
}


@dataclass(frozen=True)
class DigitsSettings(Settings):
    """What can be chosen."""

    epochs: int = setting(60, "Passes over the training images.", kind=int, at_least=1)
    hidden: tuple[int, ...] = setting(
        (128,), "Width of each hidden layer, as in 128,64.", kind=int, many=True, at_least=1
    )
    activation: str = setting(
        "relu", "What the hidden layers apply.", choices=tuple(ACTIVATIONS)
    )
    optimizer: str = setting("adam", "The update rule.", choices=tuple(OPTIMIZERS))
    learning_rate: float | None = setting(
        None, "Learning rate at the start  [default: the optimizer's]", kind=float, above=0
    )
    batch_size: int = setting(32, "Images in a mini-batch.", kind=int, at_least=1)
    seed: int = setting(0, "Seed of weights, batches and checks.", kind=int, at_least=0)
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
    return Model(
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
        variance = ACTIVATIONS[activation] if k < layers else _glorot
        weights[:] = np.sqrt(variance(*weights.shape)) * rng.standard_normal(weights.shape)
    return packed


def run(settings: DigitsSettings, say: Say) -> Outcome:
    """Derive, verify, train, judge, save.

    Raises:
        Refused: finite differences disagree with the gradients; nothing is trained.
    """
    started = time.perf_counter()
    data = load_digits()
    say(
        f"data       {len(data.train)} handwritten digits of 8x8 pixels to learn from, "
        f"{len(data.test)} held out"
    )
    model = network(len(settings.hidden), settings.activation)
    for k, line in enumerate(model.lines):
        say(("model      " if k == 0 else " " * 11) + line)

    derivation, step = model.verified(settings.seed, say)
    settings.out.mkdir(parents=True, exist_ok=True)  # before the work, so as not to lose it
    loss = derivation.compile("value")
    probabilities = model.quantity("P")

    rng = np.random.default_rng(settings.seed)
    sizes = (data.features, *settings.hidden, data.classes)
    parameters = initialise(sizes, settings.activation, rng)
    targets = one_hot(data.test.labels, data.classes)

    def evaluate() -> Score:
        views = parameters.views
        guess = probabilities(X=data.test.inputs, **views).argmax(axis=1)
        return Score(
            loss=float(loss(X=data.test.inputs, Y=targets, **views)),
            accuracy=float(np.mean(guess == data.test.labels)),
        )

    optimizer = optimizer_named(settings.optimizer)
    rate = optimizer.rate if settings.learning_rate is None else settings.learning_rate
    say(
        f"training   {parameters.flat.size} parameters, {settings.epochs} epochs of batches of "
        f"{settings.batch_size}, {optimizer.name} at rate {rate:g}"
    )
    began = time.perf_counter()
    history = train(
        step, parameters, lambda: _batches(data, settings.batch_size, rng), optimizer,
        epochs=settings.epochs, rate=rate, evaluate=evaluate,
    )
    correct = round(history[-1].test_accuracy * len(data.test))
    say(
        f"result     test accuracy {100 * history[-1].test_accuracy:.1f} % "
        f"({correct} of {len(data.test)} held-out digits), "
        f"trained in {time.perf_counter() - began:.1f} s"
    )
    files = save(settings, "digits", model, derivation, parameters, history)
    widths = "-".join(str(width) for width in sizes[1:])
    curve = settings.out / "learning_curve.png"
    learning_curve(
        history, curve, f"digits: {settings.activation} perceptron {widths}, {settings.optimizer}"
    )
    files = (curve, *files)
    say(f"saved      {', '.join(path.name for path in files)} in {settings.out}")
    say(f"took       {time.perf_counter() - started:.1f} s")
    return Outcome(history[-1].test_accuracy, files)


def _batches(data: Dataset, size: int, rng: np.random.Generator) -> Iterator[tuple[int, Batch]]:
    """One epoch, each image moved a little and with a little noise."""
    inputs = with_noise(shifted(data.train.inputs, 8, 0.3, -1.0, rng), 0.2, rng)
    targets = one_hot(data.train.labels, data.classes)
    for chosen in minibatches(len(data.train), size, rng):
        yield len(chosen), {"X": inputs[chosen], "Y": targets[chosen]}


EXPERIMENT = Experiment(
    name="digits",
    summary="A multilayer perceptron on scikit-learn's 8x8 handwritten digits.",
    settings=DigitsSettings,
    run=run,
)
