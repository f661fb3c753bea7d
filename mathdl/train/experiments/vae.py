"""``mathdl train vae``: a variational autoencoder on the digits, which draws new ones.

The noise of the reparametrisation is given to the loss, so its gradient is exact.  The held-out
bound on the negative log-likelihood is at most 25 nats, and the figure, the held-out variance
that reconstructions explain, at least 50 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import mathdl as md
from mathdl.train.data import Floats, load_digits
from mathdl.train.experiment import Experiment, Outcome, Say, setting
from mathdl.train.loop import Batch
from mathdl.train.model import written
from mathdl.train.plots import pictures
from mathdl.train.supervised import Task, TrainSettings, learn, normal

DECODER = ("D = tanh(Z @ W3 + b3)", "Q = sigmoid(D @ W4 + b4)")
SHAPES = {
    "X": "n d", "E": "n z", "W1": "d h", "b1": "h", "W2": "h z", "b2": "z", "W5": "h z",
    "b5": "z", "W3": "z h", "b3": "h", "W4": "h d", "b4": "d",
}
#: Kingma and Welling, Auto-Encoding Variational Bayes (2014), eq. 10 and appendices B and C.
MODEL = written(
    definitions=(
        "H = tanh(X @ W1 + b1)", "M = H @ W2 + b2", "S = H @ W5 + b5", "Z = M + exp(S)*E",
        *DECODER,
        "kl = sum(M**2 + exp(2*S) - 2*S - 1)/2",
    ),
    value="(kl - sum(X*log(Q) + (1 - X)*log(1 - Q)))/n",
    shapes=SHAPES,
    parameters=("W1", "b1", "W2", "b2", "W5", "b5", "W3", "b3", "W4", "b4"),
    assume={"X": "unit_interval"},
)


@dataclass(frozen=True)
class VaeSettings(TrainSettings):
    """What can be chosen."""

    epochs: int = setting(150, "Passes over the training digits.", kind=int, at_least=1)
    hidden: int = setting(128, "Width of the hidden layers.", kind=int, at_least=1)
    latent: int = setting(8, "Dimensions of the code.", kind=int, at_least=1)
    out: Path = setting(Path("runs/vae"), "Folder for the results.", kind=Path)  # noqa: RUF009


def explained(guess: Floats, samples: Batch) -> float:
    """The share of the variance of the pixels in the reconstructions."""
    X = samples["X"]
    return float(1 - np.sum((X - guess) ** 2) / np.sum((X - X.mean(axis=0)) ** 2))


def run(settings: VaeSettings, say: Say) -> Outcome:
    """Learn to code the digits, and decode random codes."""
    rng = np.random.default_rng(settings.seed)
    data = load_digits()
    h, z, d = settings.hidden, settings.latent, data.features
    parameters = normal(
        {"W1": (d, h), "b1": (h,), "W2": (h, z), "b2": (z,), "W5": (h, z), "b5": (z,),
         "W3": (z, h), "b3": (h,), "W4": (h, d), "b4": (d,)}, rng,
    )
    learnt, held_out = (
        {"X": (part.inputs + 1) / 2, "E": rng.standard_normal((len(part), z))}
        for part in (data.train, data.test)
    )
    decode = md.compile(md.parse("; ".join((*DECODER, "Q")), shapes={**SHAPES, "Z": "n z"}))
    codes = np.random.default_rng(settings.seed).standard_normal((50, z))

    def draw(_: object, path: Path) -> None:
        views = {name: parameters.views[name] for name in decode.inputs if name != "Z"}
        pictures(decode(Z=codes, **views), 8, path, "digits from random codes")

    def renewed(samples: Batch, source: np.random.Generator) -> Batch:
        return {**samples, "E": source.standard_normal(samples["E"].shape)}

    task = Task("vae", MODEL, parameters, learnt, held_out, "Q", explained, "variance explained",
                renewed, draw)
    return learn(task, settings, rng, say)


EXPERIMENT = Experiment(
    name="vae",
    summary="A variational autoencoder on the digits; saves a picture of new ones.",
    settings=VaeSettings,
    run=run,
)
