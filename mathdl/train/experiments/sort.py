"""``mathdl train sort``: a small transformer that learns to sort digits.

It reads digits, then a mark, and says the digits in order, one by one: embedding, sinusoidal
positions, blocks of causal multi-head attention from the catalogue.  At least 98 % of held-out
sequences of eight digits come out sorted from the first to the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import mathdl as md
from mathdl.catalogue import layers
from mathdl.ir.tensor import Tensor
from mathdl.train.data import Floats, Integers, one_hot
from mathdl.train.experiment import Experiment, Outcome, Say, setting
from mathdl.train.loop import Batch, Packed
from mathdl.train.model import Model
from mathdl.train.supervised import Task, TrainSettings, learn

MARK = 10  # after the digits 0 to 9
HELD_OUT = 1000


@dataclass(frozen=True)
class SortSettings(TrainSettings):
    """What can be chosen."""

    epochs: int = setting(24, "Times that new sequences are drawn.", kind=int, at_least=1)
    samples: int = setting(4096, "Sequences to learn from in each.", kind=int, at_least=1)
    digits: int = setting(8, "Digits in a sequence.", kind=int, at_least=2)
    blocks: int = setting(1, "Transformer blocks.", kind=int, at_least=1)
    heads: int = setting(4, "Heads of attention.", kind=int, at_least=1)
    width: int = setting(16, "Half of the features of a position.", kind=int, at_least=1)
    out: Path = setting(Path("runs/sort"), "Folder for the results.", kind=Path)  # noqa: RUF009


def network(blocks: int) -> tuple[Model, layers.Module]:
    """The model, and the module that knows how its parameters start.

    Legend: ``n`` sequences of ``m`` digits, a mark and the sorted digits but the last, ``v``
    signs, ``2d`` features, ``h`` heads of width ``k``, ``f`` hidden units.
    """
    n, m, v, d, h, k, f = md.dims("n m v d h k f")

    def placed(rows: Tensor) -> Tensor:
        moved: Tensor = rows + layers.sinusoidal_positions(2 * m, 2 * d)
        return moved

    module = layers.Sequential(
        layers.Embedding(v, 2 * d), placed,
        *(layers.TransformerBlock(h, k, f, causal=True) for _ in range(blocks)),
        layers.LayerNorm(), lambda rows: rows[:, m:], layers.Dense(v), md.softmax,
    )
    X, Y = md.tensor("X", n, 2 * m, assume="integer"), md.tensor("Y", n, m, v, assume="one_hot")
    P = module(X).named("P")
    quantities = {"P": P, "loss": -md.sum(Y * md.log(P)) / (n * m)}
    lines = (
        "S = E[X] + sinusoidal_positions(2*m, 2*d)",
        *(f"S = transformer_block{number}(S), causal" for number in range(1, blocks + 1)),
        "P = softmax(layer_norm(S[:, m:]) @ W + b)", "loss = -sum(Y*log(P))/(n*m)",
    )
    return Model(lines, tuple(module.parameters), quantities.__getitem__), module


def sequences(count: int, digits: int, rng: np.random.Generator) -> Batch:
    """Digits, the mark and what is said so far; and what is to be said."""
    drawn = rng.integers(0, MARK, (count, digits))
    ordered = np.sort(drawn, axis=1)
    mark = np.full((count, 1), MARK)
    said = one_hot(ordered.ravel(), MARK + 1).reshape(count, digits, MARK + 1)
    return {"X": np.hstack([drawn, mark, ordered[:, :-1]]), "Y": said}


def wholly_sorted(guess: Floats, samples: Batch) -> float:
    """The share of sequences with every digit in place.

    What is said before is given, which for these sequences is what the network says itself.
    """
    right = guess.argmax(axis=2) == samples["Y"].argmax(axis=2)
    return float(right.all(axis=1).mean())


def run(settings: SortSettings, say: Say) -> Outcome:
    """Learn to sort, and sort a sequence."""
    rng = np.random.default_rng(settings.seed)
    learnt, held_out = (
        sequences(count, settings.digits, rng) for count in (settings.samples, HELD_OUT)
    )
    model, module = network(settings.blocks)
    d, h = settings.width, settings.heads
    sizes = {"v": MARK + 1, "d": d, "h": h, "k": max(1, 2 * d // h), "f": 4 * d}
    parameters = Packed.of(module.initial(sizes, settings.seed))
    task = Task(
        "sort", model, parameters, learnt, held_out, "P", wholly_sorted, "sequences sorted",
        renewed=lambda samples, rng: sequences(len(samples["X"]), settings.digits, rng),
        title=f"sort: {settings.digits} digits, transformer of depth {settings.blocks}",
    )
    outcome = learn(task, settings, rng, say)
    given = held_out["X"][:1, : settings.digits]
    said = spoken(model, parameters, given)
    say(f"sorts      {' '.join(map(str, given[0]))} as {' '.join(map(str, said[0]))}")
    return outcome


def spoken(model: Model, parameters: Packed, given: Integers) -> Integers:
    """What the network says after the digits given, each sign the likeliest after those before."""
    predict = model.quantity("P")
    known = {name: view for name, view in parameters.views.items() if name in predict.inputs}
    count, digits = given.shape
    said = np.zeros((count, digits), dtype=given.dtype)
    for k in range(digits):
        X = np.hstack([given, np.full((count, 1), MARK), said[:, :-1]])
        said[:, k] = predict(X=X, **known)[:, k].argmax(axis=1)
    return said


EXPERIMENT = Experiment(
    name="sort",
    summary="A transformer that learns to sort digits, with causal attention.",
    settings=SortSettings,
    run=run,
)
