"""Learning to predict: what experiments with inputs, targets and a figure have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mathdl.errors import InputError
from mathdl.train.checkpoint import Checkpoint
from mathdl.train.curved import reads
from mathdl.train.data import Dataset, Floats, one_hot
from mathdl.train.domain import must_stay
from mathdl.train.experiment import Outcome, Say, Settings, setting
from mathdl.train.loop import (
    Batch,
    Descent,
    Packed,
    Score,
    Steps,
    ValueAndGradient,
    minibatches,
    train,
)
from mathdl.train.model import Model, save
from mathdl.train.optimizers import OPTIMIZERS, Optimizer, optimizer_named
from mathdl.train.plots import learning_curve

Draw = Callable[[Callable[[Floats], Floats], Path], None]


@dataclass(frozen=True)
class RunSettings(Settings):
    """What can be chosen of every experiment."""

    epochs: int = setting(60, "Passes over the training samples.", kind=int, at_least=1)
    patience: int = setting(
        0, "End after so many epochs without a lower training loss; 0 for never.", kind=int,
        at_least=0,
    )
    resume: str = setting("no", "Go on from the checkpoint in the folder.", choices=("no", "yes"))
    seed: int = setting(0, "Seed of parameters, batches and checks.", kind=int, at_least=0)
    out: Path = setting(Path("runs/model"), "Folder for the results.", kind=Path)  # noqa: RUF009


@dataclass(frozen=True)
class TrainSettings(RunSettings):
    """What can be chosen where an optimizer follows gradients."""

    optimizer: str = setting("adam", "The update rule.", choices=tuple(OPTIMIZERS))
    learning_rate: float | None = setting(
        None, "Learning rate at the start  [default: what suits the optimizer]", kind=float,
        above=0,
    )
    constants: tuple[str, ...] | None = setting(
        None, "Constants of the optimizer, as in beta1=0.8,epsilon=1e-6  [default: what suits it]",
        many=True,
    )
    batch_size: int | None = setting(
        None, "Samples in a mini-batch  [default: 32, or all where the optimizer solves a system]",
        kind=int, at_least=1,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rule()

    def rule(self) -> Optimizer:
        """The optimizer with its constants."""
        return optimizer_named(self.optimizer).with_constants(self.constants or ())


@dataclass(frozen=True)
class Task:
    """What is learnt: a model, where its parameters start, and samples.

    train, test
        Arrays by name, the samples along their first axes; numbers belong to all samples.  What
        the loss does not read is there for the figure.
    prediction
        Which quantity of the model is judged.
    figure
        From predictions and samples, 1 at best; ``figure_name`` says what.
    renewed
        The training samples of one epoch, changed at random.
    draw
        Draws what was learnt from the function that predicts, as a PNG.
    rates
        Learning rates that suit, by the name of the optimizer; without one its own.
    steps
        How parameters change, where it is not by an optimizer from gradients.
    title
        Above the learning curve.
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
    rates: Mapping[str, float] = field(default_factory=dict)
    steps: Steps | None = None
    title: str = ""


def learn(task: Task, settings: Any, rng: np.random.Generator, say: Say) -> Outcome:
    """Derive, verify, train, judge, save.

    Raises:
        Refused: finite differences disagree with the gradients; nothing is trained.
    """
    count, held_out = (len(next(iter(d.values()))) for d in (task.train, task.test))
    say(f"data       {count} samples to learn from, {held_out} held out")
    for k, line in enumerate(task.model.lines):
        say(("model      " if k == 0 else " " * 11) + line)
    method = _method(task, settings, count)
    derivation, value_and_gradient = task.model.verified(settings.seed, say)
    steps, size, rate = method.steps(value_and_gradient), method.batch, method.rate
    say(f"training   {task.parameters.flat.size} parameters, {settings.epochs} epochs "
        f"{method.said}")
    settings.out.mkdir(parents=True, exist_ok=True)  # before the work, so as not to lose it
    loss, predict = derivation.compile("value"), task.model.quantity(task.prediction)
    views = task.parameters.views

    def computed(code: Any, arrays: Batch) -> Floats:
        known = {**arrays, **views}
        return np.asarray(code(**{name: known[name] for name in code.inputs}))

    def guess(arrays: Batch) -> Floats:
        return computed(predict, arrays)

    def evaluate() -> Score:
        return Score(float(computed(loss, task.test)), task.figure(guess(task.test), task.test))

    def batches() -> Iterator[tuple[int, Batch]]:
        samples = task.renewed(task.train, rng)
        for chosen in minibatches(count, size, rng):
            yield len(chosen), {name: array[chosen] if np.ndim(array) else array
                                for name, array in samples.items() if name in loss.inputs}

    checkpoint = Checkpoint(settings.out / "checkpoint.npz", rng, _asked(task, settings))
    if settings.resume == "no":
        checkpoint.path.unlink(missing_ok=True)
    began = time.perf_counter()
    try:
        history = train(
            steps, task.parameters, batches, epochs=settings.epochs, rate=rate, evaluate=evaluate,
            checkpoint=checkpoint, patience=settings.patience,
            figure=f"held-out {task.figure_name}",
        )
    except KeyboardInterrupt:
        say(f"stopped    {checkpoint.path} has all whole epochs; the same command with "
            "--resume yes goes on")
        raise
    last = history[-1]
    say(f"result     held-out {task.figure_name} {100 * last.test_accuracy:.1f} % after "
        f"{last.number} epochs in {time.perf_counter() - began:.1f} s")
    if last.train_loss > history[0].train_loss:
        say(f"warning    the training loss rose from {history[0].train_loss:.4g} to "
            f"{last.train_loss:.4g}; try a smaller learning rate")
    files = save(settings, task.name, task.model, derivation, task.parameters, history)
    curve = settings.out / "learning_curve.png"
    learning_curve(history, curve, task.title or f"{task.name}: {settings.optimizer}",
                   task.figure_name)
    pictures = [curve]
    if task.draw is not None:
        pictures.append(settings.out / f"{task.name}.png")
        task.draw(lambda inputs: guess({"X": inputs}), pictures[-1])
    files = (*pictures, *files, checkpoint.path)
    say(f"saved      {', '.join(path.name for path in files)} in {settings.out}")
    return Outcome(last.test_accuracy, files)


@dataclass(frozen=True)
class _Method:
    """How parameters change, the samples in a mini-batch, and the learning rate at the start."""

    steps: Callable[[ValueAndGradient], Steps]
    batch: int
    rate: float
    said: str


def _method(task: Task, settings: Any, count: int) -> _Method:
    """What task and settings ask for.

    Raises:
        InputError, UnsupportedError: the optimizer does not suit the model or the settings.
    """
    own = task.steps
    if own is not None:
        return _Method(lambda _: own, count, 0.0, "over all samples at once")
    optimizer = settings.rule()
    if task.model.smooth and "lam" in optimizer.constants and settings.constants:
        raise InputError(f"lam of {optimizer.name} is the {task.model.weight} of this model; "
                         "set that")
    must_stay(optimizer, task.model)
    rate = optimizer.starting(settings.learning_rate or task.rates.get(optimizer.name))
    read = reads(optimizer, task.model, task.parameters)
    batch = settings.batch_size or (count if read else 32)
    said = f"of batches of {batch}, {optimizer.name}" + (f" at rate {rate:.4g}" if rate else "")
    return _Method(lambda gradient: Descent(gradient, task.parameters, optimizer, read), batch,
                   rate, said)


def _asked(task: Task, settings: Any) -> Mapping[str, Any]:
    """What decides what is computed."""
    chosen = {k: v for k, v in asdict(settings).items() if k not in ("out", "resume")}
    return {"experiment": task.name, **chosen}


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
