"""The training loop: mini-batches, generated gradients, an update rule, a history."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from mathdl.errors import InputError
from mathdl.extra import extra
from mathdl.train.checkpoint import Checkpoint, Resumable
from mathdl.train.data import Floats, Integers
from mathdl.train.optimizers import Optimizer, cosine_decay

Batch = Mapping[str, Any]
ValueAndGradient = Callable[..., tuple[Any, Mapping[str, Floats]]]
Reads = Callable[[Batch, float, Floats], Mapping[str, Floats]]


class Packed:
    """Named arrays that lie one after the other in one vector.

    ``flat`` is the vector and ``views`` the arrays by name; writing to either writes to both,
    so an update rule needs only the vector and a model only the arrays.  ``places`` says where in
    the vector each lies.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtype: Any = np.float64) -> None:
        sizes = {name: math.prod(shape) for name, shape in shapes.items()}
        self.flat: Floats = np.zeros(sum(sizes.values()), dtype=dtype)
        self.views: dict[str, Floats] = {}
        self.places: dict[str, slice] = {}
        start = 0
        for name, shape in shapes.items():
            self.places[name] = slice(start, start + sizes[name])
            self.views[name] = self.flat[self.places[name]].reshape(shape)
            start += sizes[name]


    @classmethod
    def of(cls, arrays: Mapping[str, Floats]) -> Packed:
        """Copies of these arrays."""
        packed = cls({name: array.shape for name, array in arrays.items()})
        for name, array in arrays.items():
            packed.views[name][...] = array
        return packed


@dataclass(frozen=True)
class Score:
    """How the model does on samples that it has not learnt from."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Epoch:
    """One pass over the training samples; ``train_loss`` is the mean over its mini-batches."""

    number: int
    train_loss: float
    test_loss: float
    test_accuracy: float

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


class Steps(Resumable, Protocol):
    """How parameters change, a mini-batch at a time."""

    def step(self, batch: Batch, rate: float) -> float:
        """Change the parameters in place; the loss is that before."""

    def remedy(self, rate: float) -> str:
        """What to change when the loss is no longer finite."""


class Descent:
    """Steps by an update rule from the gradients of a loss.

    value_and_gradient
        Takes a batch's arrays, the parameters, and ``out``, the arrays that it writes the
        gradients into; returns the loss and the gradients, of which those by numbers are read.
    reads
        What the rule is given besides the gradient, or instead of it, from the batch with the
        parameters, the loss and the gradient.
    """

    def __init__(
        self, value_and_gradient: ValueAndGradient, parameters: Packed, optimizer: Optimizer,
        reads: Reads | None = None,
    ) -> None:
        self.value_and_gradient, self.parameters, self.reads = value_and_gradient, parameters, reads
        self.name, self.rule = optimizer.name, optimizer.rule(parameters.flat)
        views = parameters.views
        self.gradients = Packed({n: v.shape for n, v in views.items()}, parameters.flat.dtype)
        self.arrays = {name: view for name, view in self.gradients.views.items() if view.ndim}
        self.numbers = [name for name, view in views.items() if not view.ndim]

    @property
    def states(self) -> dict[str, Floats]:
        return self.rule.states

    @property
    def steps(self) -> int:
        return self.rule.steps

    def restore(self, states: Mapping[str, Floats], steps: int) -> None:
        self.rule.restore(states, steps)

    def step(self, batch: Batch, rate: float) -> float:
        arrays, g = {**batch, **self.parameters.views}, self.gradients.flat
        value, found = self.value_and_gradient(**arrays, out=self.arrays)
        for name in self.numbers:
            self.gradients.views[name][...] = found[name]
        if self.reads is None:
            self.rule.step(self.parameters.flat, rate, g=g)
        elif math.isfinite(value) and g.any():  # a system is not solved at its solution
            given = {"g": g, **self.reads(arrays, value, g)}
            self.rule.step(self.parameters.flat, rate, **given)
        return float(value)

    def remedy(self, rate: float) -> str:
        if not rate:
            return f"{self.name} diverged; try another optimizer"
        return (f"training diverged with learning rate {rate:g}; try a smaller one, such as "
                f"{rate / 10:g}")


def minibatches(count: int, size: int, rng: np.random.Generator) -> Iterator[Integers]:
    """The sample numbers ``0 .. count - 1`` in random order, ``size`` at a time."""
    order = rng.permutation(count)
    for start in range(0, count, size):
        yield order[start : start + size]


def train(
    steps: Steps,
    parameters: Packed,
    batches: Callable[[], Iterable[tuple[int, Batch]]],
    *,
    epochs: int,
    rate: float,
    evaluate: Callable[[], Score],
    progress: bool = True,
    checkpoint: Checkpoint | None = None,
    patience: int = 0,
    figure: str = "test accuracy",
) -> list[Epoch]:
    """Minimise a loss; the parameters change in place.

    Args:
        batches: one epoch's mini-batches, each with the number of its samples.
        rate: the learning rate at the start; falls to zero along a half cosine.
        evaluate: scores the parameters, once an epoch.
        progress: show a progress bar on stderr.
        checkpoint: saved after every epoch; a run that was interrupted goes on from it.
        patience: end after so many epochs in which the training loss was never the least; 0 for
            never.
        figure: what the score is called beside the progress bar.

    Raises:
        InputError: the loss is no longer finite.
    """
    history = [] if checkpoint is None else [
        Epoch(int(e["number"]), e["train_loss"], e["test_loss"], e["test_accuracy"])
        for e in checkpoint.load(parameters.flat, steps)
    ]
    with _bar(epochs, progress) as bar:
        bar.update(len(history))
        for number in range(len(history) + 1, epochs + 1):
            if _stalled(history, patience):
                break
            total, seen = 0.0, 0
            # one rate an epoch; the last epoch still learns
            now = cosine_decay(rate, (number - 1) / epochs)
            for size, batch in batches():
                total += steps.step(batch, now) * size
                seen += size
            if not (math.isfinite(total) and np.isfinite(parameters.flat).all()):
                raise InputError(f"the loss is {total} in epoch {number}: {steps.remedy(rate)}")
            score = evaluate()
            history.append(Epoch(number, total / seen, score.loss, score.accuracy))
            bar.set_postfix_str(
                f"loss {total / seen:.4f}, {figure} {100 * score.accuracy:.1f} %",
                refresh=False,
            )
            bar.update()
            if checkpoint is not None:
                checkpoint.save(parameters.flat, steps, [epoch.to_dict() for epoch in history])
    return history


def _stalled(history: Sequence[Epoch], patience: int) -> bool:
    """Whether the least training loss is ``patience`` epochs ago."""
    if not patience or not history:
        return False
    best = min(history, key=lambda epoch: epoch.train_loss)
    return history[-1].number - best.number >= patience


def _bar(total: int, shown: bool) -> Any:
    tqdm = extra("tqdm", "the progress bar").tqdm
    return tqdm(total=total, desc="training", unit="epoch", disable=not shown, mininterval=0.2)
