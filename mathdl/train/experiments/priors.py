"""``mathdl train priors``: how often each digit occurs among images without labels.

Every class has a Gaussian density of the catalogue, fitted to other digits; the shares of the
classes, a point of the simplex, follow by mirror descent from the likelihood of their mixture.
``--weights positive --optimizer exponentiated`` leaves the sum free: at its best it is 1.  At
least 95 % of the shares are right: 1 less half the sum of the absolute errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import mathdl as md
from mathdl.catalogue.distributions import MultivariateNormal
from mathdl.train.data import Floats, Integers, Samples, load_digits, stratified_split
from mathdl.train.experiment import Experiment, Outcome, Say, setting
from mathdl.train.loop import Packed
from mathdl.train.model import Model, written
from mathdl.train.optimizers import OPTIMIZERS
from mathdl.train.supervised import Task, TrainSettings, learn

WEIGHTS = {"simplex": "probability_vector", "positive": "positive"}


def mixture(weights: str) -> Model:
    """The mean negative log-likelihood of shares ``w``, plus their sum.

    ``Q`` are the densities of ``n`` images under ``k`` classes.  Saerens, Latinne and
    Decaestecker, Adjusting the Outputs of a Classifier, Neural Computation 14 (2002), eq. 2.8; the
    sum, as in Barlow's extended likelihood (1990), makes the best positive weights sum to 1.
    """
    return written(
        definitions=("m = Q @ w",),
        value="sum(w) - sum(log(m))/n",
        shapes={"Q": "n k", "w": "k"},
        parameters=("w",),
        assume={"Q": "positive", "w": WEIGHTS[weights]},
    )


@dataclass(frozen=True)
class PriorsSettings(TrainSettings):
    """What can be chosen."""

    epochs: int = setting(300, "Passes over the images.", kind=int, at_least=1)
    optimizer: str = setting("mirror", "The update rule.", choices=tuple(OPTIMIZERS))
    weights: str = setting("simplex", "Where the shares may be.", choices=tuple(WEIGHTS))
    batch_size: int = setting(1000, "Images in a mini-batch.", kind=int, at_least=1)
    images: int = setting(1000, "Images to learn from.", kind=int, at_least=10)
    out: Path = setting(Path("runs/priors"), "Folder for the results.", kind=Path)  # noqa: RUF009


def densities(known: Samples, classes: int) -> Callable[[Floats], Floats]:
    """Those of each class, up to a factor of each image, with the covariance that all share."""
    means = np.array([known.inputs[known.labels == k].mean(axis=0) for k in range(classes)])
    apart = known.inputs - means[known.labels]
    spread = apart.T @ apart / len(known) + 0.01 * np.eye(apart.shape[1])
    n, d = md.dims("n d")
    family = MultivariateNormal(
        md.tensor("mu", d), md.tensor("Sigma", d, d, assume="positive_definite"))
    code = md.compile(family.log_density(md.tensor("x", n, d)))

    def density(inputs: Floats) -> Floats:
        logs = np.column_stack([code(x=inputs, mu=mean, Sigma=spread) for mean in means])
        result: Floats = np.exp(np.maximum(logs - logs.max(axis=1, keepdims=True), -600))
        return result

    return density


def drawn(pool: Samples, shares: Floats, count: int, rng: np.random.Generator) -> Integers:
    """The numbers of ``count`` samples, the classes in these shares as far as rounding allows."""
    ends = np.rint(np.cumsum(shares) * count).astype(int)
    counts = np.diff(ends, prepend=0)
    return np.concatenate([rng.choice(np.flatnonzero(pool.labels == k), m)
                           for k, m in enumerate(counts)])


def run(settings: PriorsSettings, say: Say) -> Outcome:
    """Learn the shares, and say how far from best and from those that were drawn."""
    rng = np.random.default_rng(settings.seed)
    data = load_digits()
    half = stratified_split(data.train.labels, 0.5, seed=0)
    fitted, pool = (Samples(data.train.inputs[at], data.train.labels[at]) for at in (half, ~half))
    shares = rng.dirichlet(np.ones(data.classes))
    density = densities(fitted, data.classes)
    learnt, held_out = (
        {"Q": density(part.inputs[drawn(part, shares, settings.images, rng)])}
        for part in (pool, data.test)
    )
    parameters = Packed({"w": (data.classes,)})
    parameters.flat[:] = 1 / data.classes
    model = mixture(settings.weights)
    task = Task("priors", model, parameters, learnt, held_out, "m",
                lambda guess, samples: 1 - float(np.abs(parameters.flat - shares).sum()) / 2,
                "shares right", rates={"mirror": 1.0, "exponentiated": 1.0})
    outcome = learn(task, settings, rng, say)
    slope = md.derive(model.expression("loss"), "w").compile("grad")
    gradient = slope(**learnt, **parameters.views)
    say(f"drawn      {' '.join(f'{100 * share:5.1f}' for share in shares)} % of the digits 0 to 9")
    say(f"learnt     {' '.join(f'{100 * share:5.1f}' for share in parameters.flat)} %")
    gap = parameters.flat @ gradient - gradient.min()
    say(f"gap        {gap:.1e} above the least loss at most")
    return outcome


EXPERIMENT = Experiment(
    name="priors",
    summary="Shares of the digits among images without labels, by mirror descent on the simplex.",
    settings=PriorsSettings,
    run=run,
)
