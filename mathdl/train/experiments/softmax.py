"""``mathdl train softmax``: softmax regression on the wine data; at least 97 % of wines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import mathdl as md
from mathdl.train.data import load_classes
from mathdl.train.experiment import Experiment, Outcome, Say, setting
from mathdl.train.loop import Packed
from mathdl.train.model import written
from mathdl.train.supervised import Task, TrainSettings, labelled, learn, share_correct

#: Bishop, Pattern Recognition and Machine Learning, eq. 4.104 and 4.108, with a small penalty.
MODEL = written(
    definitions=("P = softmax(X @ W + b)",),
    value="-sum(Y*log(P))/n + (sum(W**2) + sum(b**2))/1000",
    shapes={"X": "n d", "Y": "n c", "W": "d c", "b": "c"},
    parameters=("W", "b"),
    assume={"Y": "one_hot"},
    outputs=("P", "W", "b"),
    divergence=lambda P, W, b, Q, V, c: (
        md.mean(md.divergences.kl(P, Q)) + (md.sum((V - W) ** 2) + md.sum((c - b) ** 2)) / 1000
    ),
)


@dataclass(frozen=True)
class SoftmaxSettings(TrainSettings):
    """What can be chosen."""

    epochs: int = setting(40, "Passes over the training wines.", kind=int, at_least=1)
    out: Path = setting(Path("runs/softmax"), "Folder for the results.", kind=Path)  # noqa: RUF009


def run(settings: SoftmaxSettings, say: Say) -> Outcome:
    """Learn the three cultivars."""
    data = load_classes("wine")
    learnt, held_out = labelled(data)
    parameters = Packed({"W": (data.features, data.classes), "b": (data.classes,)})
    task = Task("softmax", MODEL, parameters, learnt, held_out, "P", share_correct,
                rates={"adam": 0.03})
    return learn(task, settings, np.random.default_rng(settings.seed), say)


EXPERIMENT = Experiment(
    name="softmax",
    summary="Softmax regression on scikit-learn's wines: three cultivars by 13 measures.",
    settings=SoftmaxSettings,
    run=run,
)
