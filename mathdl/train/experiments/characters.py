"""``mathdl train characters``: a recurrent network that learns a text, character by character.

Back-propagation through time is derived from the recurrence, of symbolic length.  On the text
given, by default a module of Python, it predicts at least 45 % of the characters
of the last tenth, held out, and writes on by itself.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mathdl.errors import InputError
from mathdl.train.data import Floats, Integers, one_hot
from mathdl.train.experiment import Experiment, Outcome, Say, setting
from mathdl.train.loop import Batch
from mathdl.train.model import Model
from mathdl.train.supervised import Task, TrainSettings, learn, normal

#: Goodfellow, Bengio and Courville, Deep Learning, eq. 10.8 to 10.11.  Legend: ``n`` pieces of
#: ``t`` characters out of ``c``, ``h`` hidden units.
MODEL = Model(
    definitions=(
        "U = X @ A + a", "S[-1] = zeros(n, h)", "S[i<t] = tanh(U[:, i] + S[i - 1] @ B)",
        "P = softmax(S @ C + b, axis=2)",
    ),
    value='-einsum("ntc,tnc->", Y, log(P))/(n*t)',
    shapes={"X": "n t c", "Y": "n t c", "A": "c h", "a": "h", "B": "h h", "C": "h c", "b": "c"},
    parameters=("A", "a", "B", "C", "b"),
    assume={"Y": "one_hot"},
)


@dataclass(frozen=True)
class CharactersSettings(TrainSettings):
    """What can be chosen."""

    text: Path | None = setting(  # noqa: RUF009
        None, "File with the text to learn  [default: the source of Python's heapq]", kind=Path
    )
    epochs: int = setting(15, "Passes over the text.", kind=int, at_least=1)
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
    """The share of the characters that were the likeliest; those of ``guess`` come by time."""
    return float(np.mean(samples["Y"].argmax(axis=2) == guess.argmax(axis=2).T))


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
    count, h = len(letters), settings.hidden
    end = int(0.9 * len(codes))
    say(f"text       {len(text)} characters, {count} different")
    learnt = pieces(codes[:end], settings.length, settings.length // 2, count)
    held_out = pieces(codes[end:], settings.length, settings.length, count)
    rng = np.random.default_rng(settings.seed)
    parameters = normal({"A": (count, h), "a": (h,), "B": (h, h), "C": (h, count), "b": (count,)},
                        rng)
    task = Task("characters", MODEL, parameters, learnt, held_out, "P", foretold)
    outcome = learn(task, settings, rng, say)
    written = continued(parameters.views, codes[: settings.length], 400, rng)
    sample = settings.out / "sample.txt"
    sample.write_text("".join(letters[written]), encoding="utf-8")
    say(f"wrote      {sample}")
    return Outcome(outcome.accuracy, (*outcome.files, sample))


def continued(
    views: dict[str, Floats], start: Integers, count: int, rng: np.random.Generator
) -> Integers:
    """``count`` characters after ``start``, each drawn from the probabilities of the network."""
    predict = MODEL.quantity("P")
    written = list(start)
    for _ in range(count):
        piece = one_hot(np.array(written[-len(start):]), len(views["b"]))[None]
        chances = predict(X=piece, **{k: v for k, v in views.items() if k in predict.inputs})
        written.append(rng.choice(len(views["b"]), p=chances[-1, 0] / chances[-1, 0].sum()))
    return np.array(written)


EXPERIMENT = Experiment(
    name="characters",
    summary="A recurrent network on the characters of a text file, which then writes on.",
    settings=CharactersSettings,
    run=run,
)
