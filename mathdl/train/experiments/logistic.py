"""``mathdl train logistic``: logistic regression on tumours; at least 96 % of those held out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import mathdl as md
from mathdl.catalogue.distributions import Bernoulli
from mathdl.train.data import Floats, load_classes
from mathdl.train.experiment import Experiment, Outcome, Say, setting
from mathdl.train.loop import Batch, Packed
from mathdl.train.model import written
from mathdl.train.supervised import Task, TrainSettings, learn

#: Bishop, Pattern Recognition and Machine Learning, eq. 4.90, with a small penalty.
MODEL = written(
    definitions=("p = sigmoid(X @ w + b)",),
    value="-sum(y*log(p) + (1 - y)*log(1 - p))/n + sum(w**2)/1000",
    shapes={"X": "n d", "y": "n", "w": "d", "b": ""},
    parameters=("w", "b"),
    assume={"y": "binary"},
    outputs=("p", "w"),
    divergence=lambda p, w, q, v: (
        md.mean(md.divergences.kl_bernoulli(Bernoulli(p), Bernoulli(q)))
        + md.sum((v - w) ** 2) / 1000
    ),
)


@dataclass(frozen=True)
class LogisticSettings(TrainSettings):
    """What can be chosen."""

    epochs: int = setting(30, "Passes over the training samples.", kind=int, at_least=1)
    out: Path = setting(  # noqa: RUF009
        Path("runs/logistic"), "Folder for the results.", kind=Path
    )


def share_on_the_right_side(guess: Floats, samples: Batch) -> float:
    """Of probabilities of class 1 and labels 0 and 1."""
    return float(np.mean((guess > 0.5) == samples["y"]))


def run(settings: LogisticSettings, say: Say) -> Outcome:
    """Learn to tell malignant tumours from benign ones."""
    data = load_classes("breast_cancer")
    learnt, held_out = (
        {"X": part.inputs, "y": part.labels.astype(np.float64)} for part in (data.train, data.test)
    )
    parameters = Packed({"w": (data.features,), "b": ()})
    task = Task("logistic", MODEL, parameters, learnt, held_out, "p", share_on_the_right_side,
                rates={"adam": 0.03})
    return learn(task, settings, np.random.default_rng(settings.seed), say)


EXPERIMENT = Experiment(
    name="logistic",
    summary="Logistic regression on scikit-learn's breast-cancer data: two classes, 30 measures.",
    settings=LogisticSettings,
    run=run,
)
