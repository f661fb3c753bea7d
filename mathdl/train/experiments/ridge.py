"""``mathdl train ridge``: ridge regression by Newton's method, which ends in one step.

On the diabetes data; the step is the catalogue's, solved from the second-order model, with
gradient and Hessian derived from the loss.  After it the gradient is zero to rounding, and at
least 40 % of the held-out variance is explained.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import mathdl as md
from mathdl.train.data import load_diabetes
from mathdl.train.experiment import Experiment, Outcome, Say, setting
from mathdl.train.loop import Packed
from mathdl.train.model import written
from mathdl.train.optimizers import OPTIMIZERS
from mathdl.train.supervised import Task, TrainSettings, learn, share_explained

#: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, eq. 3.41.
MODEL = written(
    definitions=("f = X @ w", "r = concat([(f - y)*sqrt(2/n), sqrt(2*penalty)*w])"),
    value="sum((y - f)**2)/n + penalty*sum(w**2)",
    shapes={"X": "n d", "y": "n", "w": "d", "penalty": ""},
    parameters=("w",),
    assume={"penalty": "nonnegative"},
    residuals="r",
)


@dataclass(frozen=True)
class RidgeSettings(TrainSettings):
    """What can be chosen."""

    epochs: int = setting(3, "Steps; after the first of Newton's none changes anything.", kind=int,
                          at_least=1)
    optimizer: str = setting("newton", "The update rule.", choices=tuple(OPTIMIZERS))
    penalty: float = setting(0.01, "Weight of the squared norm.", kind=float, at_least=0)
    out: Path = setting(Path("runs/ridge"), "Folder for the results.", kind=Path)  # noqa: RUF009


def run(settings: RidgeSettings, say: Say) -> Outcome:
    """Learn the progress of diabetes, and say how far from stationary the end is."""
    learnt, held_out = (
        {"X": inputs, "y": targets, "penalty": np.array(settings.penalty)}
        for inputs, targets in load_diabetes()
    )
    rng = np.random.default_rng(settings.seed)
    parameters = Packed({"w": (learnt["X"].shape[1],)})
    parameters.flat[:] = rng.normal(size=parameters.flat.size)
    task = Task("ridge", MODEL, parameters, learnt, held_out, "f", share_explained,
                "variance explained")
    outcome = learn(task, settings, rng, say)
    slope = md.derive(MODEL.expression("loss"), "w").compile("grad")
    gradient = slope(**learnt, **parameters.views)
    say(f"gradient   largest entry {np.abs(gradient).max():.1e}")
    return outcome


EXPERIMENT = Experiment(
    name="ridge",
    summary="Ridge regression by Newton's method in one step, on scikit-learn's diabetes data.",
    settings=RidgeSettings,
    run=run,
)
