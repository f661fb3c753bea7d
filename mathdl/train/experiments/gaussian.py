"""``mathdl train gaussian``: regression whose likelihood has a learnt deviation.

On the diabetes data; explains at least 40 % of the held-out variance, and the deviation ends at
that of the residuals, as maximum likelihood asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import mathdl as md
from mathdl.catalogue.distributions import Normal
from mathdl.train.data import load_diabetes
from mathdl.train.experiment import Experiment, Outcome, Say, setting
from mathdl.train.loop import Packed
from mathdl.train.model import written
from mathdl.train.supervised import Task, TrainSettings, learn, share_explained

#: The mean negative log-likelihood.  Bishop, Pattern Recognition and Machine Learning, eq. 3.11.
MODEL = written(
    definitions=("f = X @ w + b",),
    value="sum((y - f)**2)/(2*n*exp(2*s)) + s + log(2*pi)/2",
    shapes={"X": "n d", "y": "n", "w": "d", "b": "", "s": ""},
    parameters=("w", "b", "s"),
    outputs=("f", "s"),
    divergence=lambda f, s, g, t: md.mean(
        md.divergences.kl_normal(Normal(f, md.exp(s)), Normal(g, md.exp(t)))
    ),
)


@dataclass(frozen=True)
class GaussianSettings(TrainSettings):
    """What can be chosen."""

    epochs: int = setting(200, "Passes over the training samples.", kind=int, at_least=1)
    out: Path = setting(  # noqa: RUF009
        Path("runs/gaussian"), "Folder for the results.", kind=Path
    )


def run(settings: GaussianSettings, say: Say) -> Outcome:
    """Learn the progress of diabetes, and how far predictions are off."""
    learnt, held_out = ({"X": inputs, "y": targets} for inputs, targets in load_diabetes())
    parameters = Packed({"w": (learnt["X"].shape[1],), "b": (), "s": ()})
    task = Task("gaussian", MODEL, parameters, learnt, held_out, "f", share_explained,
                "variance explained", rates={"adam": 0.02})
    outcome = learn(task, settings, np.random.default_rng(settings.seed), say)
    views = parameters.views
    residuals = learnt["y"] - learnt["X"] @ views["w"] - views["b"]
    say(f"deviation  {float(np.exp(views['s'])):.3f} learnt, {residuals.std():.3f} of residuals")
    return outcome


EXPERIMENT = Experiment(
    name="gaussian",
    summary="Regression with Gaussian likelihood on scikit-learn's diabetes data.",
    settings=GaussianSettings,
    run=run,
)
