"""``mathdl train mixture``: a mixture of Gaussians by EM, both steps derived.

Responsibilities are the gradient of the log-likelihood by the joint log-densities; means,
variances and weights are where the expected log-likelihood is stationary.  On the wines' 13
measures, without their labels, the likelihood never falls and at least 90 % of the wines lie in
the component of their cultivar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

import mathdl as md
from mathdl.catalogue.optimizers import stationary
from mathdl.catalogue.optimizers.stationary import replaced
from mathdl.derivation import compile_expression
from mathdl.ir.tensor import Tensor
from mathdl.train.data import Floats, load_classes
from mathdl.train.experiment import Experiment, Outcome, Say, setting
from mathdl.train.loop import Batch, Packed
from mathdl.train.model import written
from mathdl.train.supervised import RunSettings, Task, learn

#: Bishop, Pattern Recognition and Machine Learning, eq. 9.14, with diagonal covariances.
MODEL = written(
    definitions=(
        "D = X[:, None, :] - M[None, :, :]",
        "J = log(w) - sum(D**2/V + log(2*pi*V), axis=2)/2",
    ),
    value="-sum(logsumexp(J, axis=1))/n",
    shapes={"X": "n d", "M": "k d", "V": "k d", "w": "k"},
    parameters=("M", "V", "w"),
    assume={"V": "positive", "w": "positive"},
)


@dataclass(frozen=True)
class MixtureSettings(RunSettings):
    """What can be chosen."""

    epochs: int = setting(60, "Steps of expectation and maximisation.", kind=int, at_least=1)
    out: Path = setting(  # noqa: RUF009
        Path("runs/mixture"), "Folder for the results.", kind=Path
    )


def expectation() -> Tensor:
    """The responsibilities: the gradient of ``sum logsumexp(J)``.  Bishop, eq. 9.13."""
    J = md.tensor("J", "n", "k")
    return md.derive(md.sum(md.logsumexp(J, axis=1)), J)["J"]


def maximisation() -> dict[str, Tensor]:
    """Where the expected log-likelihood is stationary.  Bishop, eq. 9.17, 9.19 and 9.22.

    By weights and variances it depends on the responsibilities through the counts ``N`` and the
    scatter ``S`` alone.
    """
    n, d, k = md.dims("n d k")
    X, R, M = md.tensor("X", n, d), md.tensor("R", n, k), md.tensor("M", k, d)
    positive = {"N": (k,), "S": (k, d), "V": (k, d), "w": (k,), "nu": ()}
    N, S, V, w, nu = (md.tensor(name, *shape, assume="positive")
                      for name, shape in positive.items())
    counts = md.sum(R, axis=0)
    scatter = md.sum(R[:, :, None] * (X[:, None, :] - M[None, :, :]) ** 2, axis=0)
    means = stationary(md.sum(scatter), M, 0)
    variances = stationary(md.sum(S / V) + md.sum(N[:, None] * md.log(V)), V, V)
    # the multiplier of sum(w) = 1 divides all weights alike
    shares = stationary(md.sum(N * md.log(w)) - nu * md.sum(w), w, w)
    shares = replaced(shares, {nu: 1, N: counts})
    return {
        "M": means,
        "V": replaced(variances, {N: counts, S: replaced(scatter, {M: means})}),
        "w": shares / md.sum(shares),
    }


class Alternation:
    """Expectation, then maximisation; the loss never rises."""

    def __init__(self, parameters: Packed, say: Say) -> None:
        respond, maximise = expectation(), maximisation()
        say(f"E step     R = {respond}")
        for name, expr in maximise.items():
            say(f"M step     {name} = {expr}")
        self.views, self.states, self.steps = parameters.views, dict[str, Floats](), 0
        self.joint, self.loss = MODEL.quantity("J"), MODEL.quantity("loss")
        self.e_step, self.m_step = md.compile(respond), compile_expression(maximise)

    def restore(self, states: Mapping[str, Floats], steps: int) -> None:
        self.steps = steps

    def step(self, batch: Batch, rate: float) -> float:
        self.steps += 1
        before = float(self.loss(**batch, **self.views))
        R = self.e_step(J=self.joint(**batch, **self.views))
        for name, value in self.m_step(**batch, R=R).items():
            self.views[name][...] = value
        return before

    def remedy(self, rate: float) -> str:
        return "a component collapsed onto a single sample; try another seed"


def run(settings: MixtureSettings, say: Say) -> Outcome:
    """Alternate on wines whose cultivars are unknown, and compare the components with these.

    Raises:
        InputError: a component has collapsed onto a single sample.
    """
    data = load_classes("wine")
    learnt, held_out = (
        {"X": part.inputs, "labels": part.labels} for part in (data.train, data.test)
    )
    rng = np.random.default_rng(settings.seed)
    parameters = _start(data.train.inputs, data.classes, rng)
    task = Task(
        "mixture", MODEL, parameters, learnt, held_out, "J",
        lambda J, samples: matched(J.argmax(axis=1), samples["labels"]),
        "wines matched", steps=Alternation(parameters, say),
        title="mixture of Gaussians by EM",
    )
    return learn(task, settings, rng, say)


def _start(X: Any, count: int, rng: np.random.Generator) -> Packed:
    """Distant samples as means (k-means++), unit variances, equal weights.

    Arthur and Vassilvitskii, k-means++, SODA 2007.
    """
    parameters = Packed({"M": (count, X.shape[1]), "V": (count, X.shape[1]), "w": (count,)})
    views = parameters.views
    views["V"][...], views["w"][...] = 1.0, 1.0 / count
    views["M"][0] = X[rng.integers(len(X))]
    for k in range(1, count):
        gaps = ((X[:, None, :] - views["M"][None, :k]) ** 2).sum(axis=2).min(axis=1)
        views["M"][k] = X[rng.choice(len(X), p=gaps / gaps.sum())]
    return parameters


def matched(found: Any, labels: Any) -> float:
    """The share in the right component, under the best naming of the components."""
    count = labels.max() + 1
    return max(
        float(np.mean(np.array(names)[found] == labels)) for names in permutations(range(count))
    )


EXPERIMENT = Experiment(
    name="mixture",
    summary="A mixture of Gaussians by EM on scikit-learn's wines, both steps derived.",
    settings=MixtureSettings,
    run=run,
)
