"""``mathdl train cnn``: a convolutional network on the digits; at least 98 % of those held out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mathdl.train.data import load_digits, shifted, with_noise
from mathdl.train.experiment import Experiment, Outcome, Say, setting
from mathdl.train.loop import Batch
from mathdl.train.model import written
from mathdl.train.supervised import Task, TrainSettings, labelled, learn, normal, share_correct

SIDE = 8
#: LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning (1998), section II, with rectifiers.
MODEL = written(
    definitions=(
        "A = relu(conv2d(X, K1, padding=1) + b1[:, None, None])",
        "B = relu(conv2d(A, K2, stride=2, padding=1) + b2[:, None, None])",
        'C = relu(einsum("ncij,cijk->nk", B, W3) + b3)',
        "P = softmax(C @ W4 + b4)",
    ),
    value="-sum(Y*log(P))/n",
    shapes={"X": "n 1 8 8", "Y": "n k", "K1": "c 1 3 3", "b1": "c", "K2": "e c 3 3", "b2": "e",
            "W3": "e 4 4 h", "b3": "h", "W4": "h k", "b4": "k"},
    parameters=("K1", "b1", "K2", "b2", "W3", "b3", "W4", "b4"),
    assume={"Y": "one_hot"},
)


@dataclass(frozen=True)
class CnnSettings(TrainSettings):
    """What can be chosen."""

    epochs: int = setting(30, "Passes over the training digits.", kind=int, at_least=1)
    channels: tuple[int, ...] = setting(
        (8, 16), "Channels of both convolutions.", kind=int, many=True, at_least=1
    )
    hidden: int = setting(64, "Width of the dense layer.", kind=int, at_least=1)
    out: Path = setting(Path("runs/cnn"), "Folder for the results.", kind=Path)  # noqa: RUF009


def images(samples: Batch) -> Batch:
    """The flat inputs as pictures of one channel."""
    return {**samples, "X": samples["X"].reshape(-1, 1, SIDE, SIDE)}


def moved(samples: Batch, rng: np.random.Generator) -> Batch:
    """Every picture moved a little and with a little noise."""
    flat = samples["X"].reshape(-1, SIDE * SIDE)
    return images({**samples, "X": with_noise(shifted(flat, SIDE, 0.3, -1.0, rng), 0.1, rng)})


def run(settings: CnnSettings, say: Say) -> Outcome:
    """Learn the digits from their pictures."""
    rng = np.random.default_rng(settings.seed)
    data = load_digits()
    learnt, held_out = map(images, labelled(data))
    (first, second), hidden = settings.channels, settings.hidden
    parameters = normal(
        {"K1": (first, 1, 3, 3), "b1": (first,), "K2": (second, first, 3, 3), "b2": (second,),
         "W3": (second, 4, 4, hidden), "b3": (hidden,), "W4": (hidden, data.classes),
         "b4": (data.classes,)}, rng, gain=2.0,
    )
    weights = parameters.views["W3"]
    weights[...] = rng.normal(0, np.sqrt(2 * hidden / weights.size), weights.shape)
    task = Task("cnn", MODEL, parameters, learnt, held_out, "P", share_correct, renewed=moved)
    return learn(task, settings, rng, say)


EXPERIMENT = Experiment(
    name="cnn",
    summary="A convolutional network on scikit-learn's 8x8 handwritten digits.",
    settings=CnnSettings,
    run=run,
)
