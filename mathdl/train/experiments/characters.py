"""``mathdl train characters``: a recurrent network that learns a text, character by character.

Elman's network, long short-term memory or gated units, from the catalogue; back-propagation
through time is derived from the recurrence, of symbolic length.  On the text given, by default a
module of Python, each predicts at least 50 % of the characters of the last tenth, held out, and
writes on by itself.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import mathdl as md
from mathdl.catalogue import layers
from mathdl.errors import InputError
from mathdl.ir.dim import Dim
from mathdl.train.data import Floats, Integers, one_hot
from mathdl.train.experiment import Experiment, Outcome, Say, setting
from mathdl.train.loop import Batch, Packed
from mathdl.train.model import Model
from mathdl.train.supervised import Task, TrainSettings, learn

CELLS: dict[str, Callable[[Dim], layers.Module]] = {
    "rnn": layers.RNN, "lstm": layers.LSTM, "gru": layers.GRU,
}


def network(cell: str) -> tuple[Model, layers.Module]:
    """The model, and the module that knows how its parameters start.

    Legend: ``n`` pieces of ``t`` characters out of ``c``, ``h`` hidden units.
    Goodfellow, Bengio and Courville, Deep Learning, eq. 10.8 to 10.11 and 10.40 to 10.44.
    """
    n, t, c, h = md.dims("n t c h")
    X, Y = md.tensor("X", n, t, c), md.tensor("Y", n, t, c, assume="one_hot")
    module = layers.Sequential(CELLS[cell](h), layers.Dense(c), md.softmax)
    # recurrences run over the first axis
    P = md.transpose(module(md.transpose(X, (1, 0, 2))), (1, 0, 2)).named("P")
    quantities = {"P": P, "loss": -md.sum(Y * md.log(P)) / (n * t)}
    lines = (f"S = {cell}(X), over the characters of each piece", "P = softmax(S @ W2 + b2)",
             "loss = -sum(Y*log(P))/(n*t)")
    return Model(lines, tuple(module.parameters), quantities.__getitem__), module


@dataclass(frozen=True)
class CharactersSettings(TrainSettings):
    """What can be chosen."""

    text: Path | None = setting(  # noqa: RUF009
        None, "File with the text to learn  [default: the source of Python's heapq]", kind=Path
    )
    cell: str = setting("rnn", "What runs over the text.", choices=tuple(CELLS))
    epochs: int = setting(25, "Passes over the text.", kind=int, at_least=1)
    hidden: int = setting(96, "Hidden units.", kind=int, at_least=1)
    length: int = setting(32, "Characters in a piece.", kind=int, at_least=2)
    out: Path = setting(  # noqa: RUF009
        Path("runs/characters"), "Folder for the results.", kind=Path
    )


def pieces(codes: Integers, length: int, step: int, classes: int) -> Batch:
    """Pieces of the text every ``step`` characters, and each shifted by one as targets."""
    starts = np.arange(0, len(codes) - length, step)
    taken = codes[starts[:, None] + np.arange(length + 1)]
    coded = one_hot(taken.ravel(), classes).reshape(*taken.shape, classes)
    return {"X": coded[:, :-1], "Y": coded[:, 1:]}


def foretold(guess: Floats, samples: Batch) -> float:
    """The share of the characters that were the likeliest."""
    return float(np.mean(samples["Y"].argmax(axis=2) == guess.argmax(axis=2)))


def run(settings: CharactersSettings, say: Say) -> Outcome:
    """Learn the text, and go on from its beginning.

    Raises:
        InputError: there is no such file, or it is too short.
    """
    source = settings.text or Path(heapq.__file__)
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source} cannot be read as text: {error}") from None
    if len(text) < 20 * settings.length:
        raise InputError(f"{source} has {len(text)} characters; at least "
                         f"{20 * settings.length} are needed for pieces of {settings.length}")
    letters, codes = np.unique(list(text), return_inverse=True)
    count = len(letters)
    end = int(0.9 * len(codes))
    say(f"text       {len(text)} characters, {count} different")
    learnt = pieces(codes[:end], settings.length, settings.length // 2, count)
    held_out = pieces(codes[end:], settings.length, settings.length, count)
    rng = np.random.default_rng(settings.seed)
    model, module = network(settings.cell)
    parameters = Packed.of(module.initial({"c": count, "h": settings.hidden}, settings.seed))
    task = Task("characters", model, parameters, learnt, held_out, "P", foretold,
                title=f"characters: {settings.cell} of {settings.hidden} units",
                rates={"adam": 0.01})
    outcome = learn(task, settings, rng, say)
    predict = model.quantity("P")
    written = continued(predict, parameters.views, codes[: settings.length], 400, rng)
    sample = settings.out / "sample.txt"
    sample.write_text("".join(letters[written]), encoding="utf-8")
    say(f"wrote      {sample}, which goes on")
    for line in "".join(letters[written[settings.length:]])[:200].splitlines():
        say(" " * 11 + line)
    return Outcome(outcome.accuracy, (*outcome.files, sample))


def continued(
    predict: Any, views: Mapping[str, Floats], start: Integers, count: int,
    rng: np.random.Generator,
) -> Integers:
    """``count`` characters after ``start``, each drawn from the probabilities of the network."""
    known = {name: view for name, view in views.items() if name in predict.inputs}
    classes, written = len(views["b2"]), list(start)
    for _ in range(count):
        piece = one_hot(np.array(written[-len(start):]), classes)[None]
        chances = predict(X=piece, **known)[0, -1]
        written.append(rng.choice(classes, p=chances / chances.sum()))
    return np.array(written)


EXPERIMENT = Experiment(
    name="characters",
    summary="A recurrent network on the characters of a text file, which then writes on.",
    settings=CharactersSettings,
    run=run,
)
