"""``mathdl train plane``: a perceptron on points of the plane, with its decision boundary.

On XOR and on two spirals at least 98 % of the held-out points are classified correctly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mathdl.train.data import Dataset, spirals, xor
from mathdl.train.experiment import Experiment, Outcome, Say, setting
from mathdl.train.model import written
from mathdl.train.plots import decision_boundary
from mathdl.train.supervised import Task, TrainSettings, labelled, learn, normal, share_correct

#: Goodfellow, Bengio and Courville, Deep Learning, section 6.1.
MODEL = written(
    definitions=(
        "A = tanh(X @ W1 + b1)", "B = tanh(A @ W2 + b2)", "P = softmax(B @ W3 + b3)",
    ),
    value="-sum(Y*log(P))/n",
    shapes={"X": "n d", "Y": "n c", "W1": "d h", "b1": "h", "W2": "h k", "b2": "k", "W3": "k c",
            "b3": "c"},
    parameters=("W1", "b1", "W2", "b2", "W3", "b3"),
    assume={"Y": "one_hot"},
)
POINTS = {"xor": xor, "spirals": spirals}


@dataclass(frozen=True)
class PlaneSettings(TrainSettings):
    """What can be chosen."""

    points: str = setting("spirals", "Which points.", choices=tuple(POINTS))
    epochs: int = setting(120, "Passes over the training points.", kind=int, at_least=1)
    hidden: int = setting(32, "Width of the hidden layers.", kind=int, at_least=1)
    out: Path = setting(Path("runs/plane"), "Folder for the results.", kind=Path)  # noqa: RUF009


def run(settings: PlaneSettings, say: Say) -> Outcome:
    """Learn the classes and draw where one ends."""
    rng = np.random.default_rng(settings.seed)
    made = POINTS[settings.points]
    data = Dataset(settings.points, 2, made(800, rng), made(400, rng))
    learnt, held_out = labelled(data)
    h = settings.hidden
    parameters = normal(
        {"W1": (2, h), "b1": (h,), "W2": (h, h), "b2": (h,), "W3": (h, 2), "b3": (2,)}, rng
    )
    parameters.views["W1"] *= 3.0  # boundaries in every direction and place
    parameters.views["b1"] += rng.normal(0, 1, h)
    test = data.test
    task = Task(
        "plane", MODEL, parameters, learnt, held_out, "P", share_correct,
        draw=lambda predict, path: decision_boundary(
            predict, test.inputs, test.labels, path, f"{data.name}: held-out points"
        ),
        rates={"adam": 0.02},
    )
    return learn(task, settings, rng, say)


EXPERIMENT = Experiment(
    name="plane",
    summary="A perceptron on XOR or two spirals, with a plot of its decision boundary.",
    settings=PlaneSettings,
    run=run,
)
