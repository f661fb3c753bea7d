"""``mathdl train mixture``: a mixture of Gaussians by EM, both steps derived.

Responsibilities are the gradient of the log-likelihood by the joint log-densities; means,
variances and weights are where the expected log-likelihood is stationary.  On the wines' 13
measures, without their labels, the likelihood never falls and at least 90 % of the wines lie in
the component of their cultivar.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

import mathdl as md
from mathdl.catalogue.optimizers import stationary
from mathdl.catalogue.optimizers.stationary import replaced
from mathdl.derivation import compile_expression
from mathdl.errors import InputError
from mathdl.ir.tensor import Tensor
from mathdl.train.data import load_classes
from mathdl.train.experiment import Experiment, Outcome, Say, Settings, setting
from mathdl.train.loop import Epoch, Packed
from mathdl.train.model import Model, save
from mathdl.train.plots import learning_curve

#: Bishop, Pattern Recognition and Machine Learning, eq. 9.14, with diagonal covariances.
MODEL = Model(
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
class MixtureSettings(Settings):
    """What can be chosen."""

    epochs: int = setting(60, "Steps of expectation and maximisation.", kind=int, at_least=1)
    seed: int = setting(0, "Seed of the first means and of checks.", kind=int, at_least=0)
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


def run(settings: MixtureSettings, say: Say) -> Outcome:
    """Derive, verify, alternate, judge, save.

    Raises:
        InputError: a component has collapsed onto a single sample.
    """
    data = load_classes("wine")
    X = np.concatenate([data.train.inputs, data.test.inputs])
    labels = np.concatenate([data.train.labels, data.test.labels])
    say(f"data       {len(X)} wines, their labels unseen")
    derivation, _ = MODEL.verified(settings.seed, say)
    respond, steps = expectation(), maximisation()
    say(f"E step     R = {respond}")
    for name, expr in steps.items():
        say(f"M step     {name} = {expr}")
    joint, loss = MODEL.quantity("J"), derivation.compile("value")
    e_step, m_step = md.compile(respond), compile_expression(steps)
    rng = np.random.default_rng(settings.seed)
    parameters = _start(X, data.classes, rng)
    settings.out.mkdir(parents=True, exist_ok=True)
    history: list[Epoch] = []
    for number in range(1, settings.epochs + 1):
        R = e_step(J=joint(X=X, **parameters.views))
        for name, value in m_step(X=X, R=R).items():
            parameters.views[name][...] = value
        value = float(loss(X=X, **parameters.views))
        if not np.isfinite(value):
            raise InputError(f"a component collapsed in step {number}; try another seed")
        history.append(Epoch(number, value, value, matched(R.argmax(axis=1), labels)))
    say(f"result     {100 * history[-1].test_accuracy:.1f} % of the wines in the component of "
        f"their cultivar, mean log-likelihood {-history[-1].train_loss:.3f}")
    curve = settings.out / "learning_curve.png"
    learning_curve(history, curve, "mixture of Gaussians by EM")
    files = save(settings, "mixture", MODEL, derivation, parameters, history)
    return Outcome(history[-1].test_accuracy, (curve, *files))


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
