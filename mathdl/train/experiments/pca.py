"""``mathdl train pca``: principal components by gradient, against the eigen-solution.

A linear autoencoder with tied weights on the digits.  The subspace that it finds is that of the
greatest eigenvalues: the cosine of the largest angle between both is above 0.999.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mathdl.train.data import Floats, load_digits
from mathdl.train.experiment import Experiment, Outcome, Say, setting
from mathdl.train.loop import Batch
from mathdl.train.model import written
from mathdl.train.supervised import Task, TrainSettings, learn, normal

#: Bishop, Pattern Recognition and Machine Learning, eq. 12.11.
MODEL = written(
    definitions=("R = X @ W @ W.T - X",),
    value="sum(R**2)/n",
    shapes={"X": "n d", "W": "d k"},
    parameters=("W",),
)


@dataclass(frozen=True)
class PcaSettings(TrainSettings):
    """What can be chosen."""

    epochs: int = setting(60, "Passes over the training digits.", kind=int, at_least=1)
    components: int = setting(5, "Dimensions of the subspace.", kind=int, at_least=1)
    out: Path = setting(Path("runs/pca"), "Folder for the results.", kind=Path)  # noqa: RUF009


def run(settings: PcaSettings, say: Say) -> Outcome:
    """Learn the subspace, and compare it with that of the eigenvectors."""
    rng = np.random.default_rng(settings.seed)
    data = load_digits()
    mean = data.train.inputs.mean(axis=0)
    learnt, held_out = ({"X": part.inputs - mean} for part in (data.train, data.test))
    _, vectors = np.linalg.eigh(learnt["X"].T @ learnt["X"])
    exact = vectors[:, -settings.components:]
    parameters = normal({"W": (data.features, settings.components)}, rng, gain=0.5)

    def cosine(residuals: Floats, samples: Batch) -> float:
        basis, _ = np.linalg.qr(parameters.views["W"])
        return float(np.linalg.svd(basis.T @ exact, compute_uv=False).min())

    task = Task("pca", MODEL, parameters, learnt, held_out, "R", cosine,
                "cosine to eigenspace", rates={"adam": 0.01})
    return learn(task, settings, rng, say)


EXPERIMENT = Experiment(
    name="pca",
    summary="Principal components of the digits by gradient, against the eigenvectors.",
    settings=PcaSettings,
    run=run,
)
