"""``mathdl train ridge``: ridge regression by Newton's method, which ends in one step.

On the diabetes data; the step is the catalogue's, solved from the second-order model, with
gradient and Hessian derived from the loss.  After it the gradient is zero to rounding, and at
least 40 % of the held-out variance is explained.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import mathdl as md
from mathdl.catalogue.optimizers import newton
from mathdl.train.data import load_diabetes
from mathdl.train.experiment import Experiment, Outcome, Say, Settings, setting
from mathdl.train.loop import Epoch, Packed
from mathdl.train.model import Model, save
from mathdl.train.plots import learning_curve
from mathdl.train.supervised import share_explained

#: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, eq. 3.41.
MODEL = Model(
    definitions=("f = X @ w",),
    value="sum((y - f)**2)/n + penalty*sum(w**2)",
    shapes={"X": "n d", "y": "n", "w": "d", "penalty": ""},
    parameters=("w",),
)


@dataclass(frozen=True)
class RidgeSettings(Settings):
    """What can be chosen."""

    epochs: int = setting(2, "Steps; the second changes nothing.", kind=int, at_least=1)
    penalty: float = setting(0.01, "Weight of the squared norm.", kind=float, at_least=0)
    seed: int = setting(0, "Seed of the first weights and of checks.", kind=int, at_least=0)
    out: Path = setting(Path("runs/ridge"), "Folder for the results.", kind=Path)  # noqa: RUF009


def run(settings: RidgeSettings, say: Say) -> Outcome:
    """Derive, verify, step, judge, save."""
    learnt, held_out = (
        dict[str, Any]({"X": inputs, "y": targets, "penalty": settings.penalty})
        for inputs, targets in load_diabetes()
    )
    derivation, value_and_gradient = MODEL.verified(settings.seed, say)
    loss = derivation.expr
    w = derivation.wrt[0]
    hessian = md.derive(loss, w, order=2)["w"]
    update = newton(w, derivation["w"], hessian)
    say(f"newton     w = {update.point}")
    step = md.compile(update.point)
    predict = MODEL.quantity("f")
    parameters = Packed({"w": (learnt["X"].shape[1],)})
    parameters.flat[:] = np.random.default_rng(settings.seed).normal(size=parameters.flat.size)

    def known(names: tuple[str, ...], arrays: dict[str, Any]) -> dict[str, Any]:
        return {name: {**arrays, **parameters.views}[name] for name in names}

    settings.out.mkdir(parents=True, exist_ok=True)
    history = []
    for number in range(1, settings.epochs + 1):
        parameters.flat[:] = step(**known(step.inputs, learnt))
        value, gradient = value_and_gradient(**learnt, **parameters.views)
        guess = predict(**known(predict.inputs, held_out))
        test_loss, _ = value_and_gradient(**held_out, **parameters.views)
        history.append(Epoch(number, float(value), float(test_loss),
                             share_explained(guess, held_out)))
        say(f"step {number}     loss {float(value):.6f}, largest entry of the gradient "
            f"{np.abs(gradient['w']).max():.1e}")
    say(f"result     held-out variance explained {100 * history[-1].test_accuracy:.1f} %")
    curve = settings.out / "learning_curve.png"
    learning_curve(history, curve, "ridge by Newton", "variance explained")
    files = save(settings, "ridge", MODEL, derivation, parameters, history)
    return Outcome(history[-1].test_accuracy, (curve, *files))


EXPERIMENT = Experiment(
    name="ridge",
    summary="Ridge regression by Newton's method in one step, on scikit-learn's diabetes data.",
    settings=RidgeSettings,
    run=run,
)
