"""Learning to predict: what experiments with inputs, targets and a figure have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mathdl.train.checkpoint import Checkpoint
from mathdl.train.data import Dataset, Floats, one_hot
from mathdl.train.experiment import Outcome, Say, Settings, setting
from mathdl.train.loop import Batch, Packed, Score, minibatches, train
from mathdl.train.model import Model, save
from mathdl.train.optimizers import OPTIMIZERS, optimizer_named
from mathdl.train.plots import learning_curve

Draw = Callable[[Callable[[Floats], Floats], Path], None]


@dataclass(frozen=True)
class TrainSettings(Settings):
    """What can be chosen of every such experiment."""

    epochs: int = setting(60, "Passes over the training samples.", kind=int, at_least=1)
    optimizer: str = setting("adam", "The update rule.", choices=tuple(OPTIMIZERS))
    learning_rate: float | None = setting(
        None, "Learning rate at the start  [default: the optimizer's]", kind=float, above=0
    )
    batch_size: int = setting(32, "Samples in a mini-batch.", kind=int, at_least=1)
    patience: int = setting(
        0, "End after so many epochs without a lower training loss; 0 for never.", kind=int,
        at_least=0,
    )
    resume: str = setting("no", "Go on from the checkpoint in the folder.", choices=("no", "yes"))
    seed: int = setting(0, "Seed of weights, batches and checks.", kind=int, at_least=0)
    out: Path = setting(Path("runs/model"), "Folder for the results.", kind=Path)  # noqa: RUF009


@dataclass(frozen=True)
class Task:
    """What is learnt: a model, where its parameters start, and samples.

    train, test
        Arrays by name, the samples along their first axes.
    prediction
        Which quantity of the model is judged.
    figure
        From predictions and samples, 1 at best; ``figure_name`` says what.
    renewed
        The training samples of one epoch, changed at random.
    draw
        Draws what was learnt from the function that predicts, as a PNG.
    """

    name: str
    model: Model
    parameters: Packed
    train: Batch
    test: Batch
    prediction: str
    figure: Callable[[Floats, Batch], float]
    figure_name: str = "accuracy"
    renewed: Callable[[Batch, np.random.Generator], Batch] = lambda batch, rng: batch
    draw: Draw | None = None


def learn(task: Task, settings: Any, rng: np.random.Generator, say: Say) -> Outcome:
    """Derive, verify, train, judge, save.

    Raises:
        Refused: finite differences disagree with the gradients; nothing is trained.
    """
    count, held_out = (len(next(iter(d.values()))) for d in (task.train, task.test))
    say(f"data       {count} samples to learn from, {held_out} held out")
    for k, line in enumerate(task.model.lines):
        say(("model      " if k == 0 else " " * 11) + line)
    derivation, step = task.model.verified(settings.seed, say)
    settings.out.mkdir(parents=True, exist_ok=True)
    loss, predict = derivation.compile("value"), task.model.quantity(task.prediction)
    views = task.parameters.views

    def guess(arrays: Batch) -> Floats:
        known = {**arrays, **views}
        return np.asarray(predict(**{name: known[name] for name in predict.inputs}))

    def evaluate() -> Score:
        return Score(float(loss(**task.test, **views)), task.figure(guess(task.test), task.test))

    def batches() -> Iterator[tuple[int, Batch]]:
        samples = task.renewed(task.train, rng)
        for chosen in minibatches(count, settings.batch_size, rng):
            yield len(chosen), {name: array[chosen] for name, array in samples.items()}

    checkpoint = Checkpoint(settings.out / "checkpoint.npz", rng, _asked(settings))
    if settings.resume == "no":
        checkpoint.path.unlink(missing_ok=True)
    history = train(
        step, task.parameters, batches, optimizer_named(settings.optimizer),
        epochs=settings.epochs, rate=settings.learning_rate, evaluate=evaluate,
        checkpoint=checkpoint, patience=settings.patience,
    )
    last = history[-1]
    say(f"result     held-out {task.figure_name} {100 * last.test_accuracy:.1f} % after "
        f"{last.number} epochs")
    files = save(settings, task.name, task.model, derivation, task.parameters, history)
    curve = settings.out / "learning_curve.png"
    learning_curve(history, curve, task.name, task.figure_name)
    pictures = [curve]
    if task.draw is not None:
        pictures.append(settings.out / f"{task.name}.png")
        task.draw(lambda inputs: guess({"X": inputs}), pictures[-1])
    say(f"saved      {', '.join(path.name for path in (*pictures, *files))} in {settings.out}")
    return Outcome(last.test_accuracy, (*pictures, *files))


def _asked(settings: Any) -> Mapping[str, Any]:
    """The settings that decide what is computed."""
    return {k: v for k, v in asdict(settings).items() if k not in ("out", "resume")}


def normal(
    shapes: Mapping[str, tuple[int, ...]], rng: np.random.Generator, gain: float = 1.0
) -> Packed:
    """Biases (one axis) zero, weights normal with variance ``gain`` over their fan-in.

    The fan-in is the product of all axes but the output's: the last of a matrix, the first of a
    kernel ``O C P Q``.
    """
    packed = Packed(shapes)
    for view in packed.views.values():
        if view.ndim > 1:
            outputs = view.shape[-1] if view.ndim == 2 else view.shape[0]
            view[...] = rng.normal(0, np.sqrt(gain * outputs / view.size), view.shape)
    return packed


def labelled(data: Dataset) -> tuple[Batch, Batch]:
    """Inputs ``X`` and one-hot targets ``Y``, to learn from and held out."""
    first, second = (
        {"X": part.inputs, "Y": one_hot(part.labels, data.classes)}
        for part in (data.train, data.test)
    )
    return first, second


def share_correct(guess: Floats, samples: Batch) -> float:
    """Of rows of probabilities and one-hot targets."""
    return float(np.mean(guess.argmax(axis=1) == samples["Y"].argmax(axis=1)))


def share_explained(guess: Floats, samples: Batch) -> float:
    """``1 - sum (y - f)**2 / sum (y - mean(y))**2``, the coefficient of determination."""
    y = samples["y"]
    return float(1 - np.sum((y - guess) ** 2) / np.sum((y - y.mean()) ** 2))
