"""The training loop: mini-batches, generated gradients, an update rule, a history."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mathdl.errors import InputError
from mathdl.extra import extra
from mathdl.train.checkpoint import Checkpoint
from mathdl.train.data import Floats, Integers
from mathdl.train.optimizers import Optimizer, cosine_decay

Batch = Mapping[str, Any]
ValueAndGradient = Callable[..., tuple[Any, Mapping[str, Floats]]]


class Packed:
    """Named arrays that lie one after the other in one vector.

    ``flat`` is the vector and ``views`` the arrays by name; writing to either writes to both,
    so an update rule needs only the vector and a model only the arrays.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtype: Any = np.float64) -> None:
        sizes = {name: math.prod(shape) for name, shape in shapes.items()}
        self.flat: Floats = np.zeros(sum(sizes.values()), dtype=dtype)
        self.views: dict[str, Floats] = {}
        start = 0
        for name, shape in shapes.items():
            self.views[name] = self.flat[start : start + sizes[name]].reshape(shape)
            start += sizes[name]


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


def minibatches(count: int, size: int, rng: np.random.Generator) -> Iterator[Integers]:
    """The sample numbers ``0 .. count - 1`` in random order, ``size`` at a time."""
    order = rng.permutation(count)
    for start in range(0, count, size):
        yield order[start : start + size]


def train(
    value_and_gradient: ValueAndGradient,
    parameters: Packed,
    batches: Callable[[], Iterable[tuple[int, Batch]]],
    optimizer: Optimizer,
    *,
    epochs: int,
    rate: float | None = None,
    evaluate: Callable[[], Score],
    progress: bool = True,
    checkpoint: Checkpoint | None = None,
    patience: int = 0,
) -> list[Epoch]:
    """Minimise a loss; the parameters change in place.

    Args:
        value_and_gradient: takes a batch's arrays, the parameters, and ``out``, the arrays that
            it writes the gradients into; returns the loss and the gradients, of which those by
            numbers are read.
        batches: one epoch's mini-batches, each with the number of its samples.
        rate: the learning rate at the start, by default the optimizer's; falls to zero along a
            half cosine.
        evaluate: scores the parameters, once an epoch.
        progress: show a progress bar on stderr.
        checkpoint: saved after every epoch; a run that was interrupted goes on from it.
        patience: end after so many epochs in which the training loss was never the least; 0 for
            never.

    Raises:
        InputError: the loss is no longer finite.
    """
    gradients = Packed({name: view.shape for name, view in parameters.views.items()},
                       parameters.flat.dtype)
    arrays = {name: view for name, view in gradients.views.items() if view.ndim}
    numbers = [name for name, view in gradients.views.items() if not view.ndim]
    rule = optimizer.rule(parameters.flat)
    start_rate = optimizer.rate if rate is None else rate
    history = [] if checkpoint is None else [
        Epoch(int(e["number"]), e["train_loss"], e["test_loss"], e["test_accuracy"])
        for e in checkpoint.load(parameters.flat, rule)
    ]
    with _bar(epochs, progress) as bar:
        bar.update(len(history))
        for number in range(len(history) + 1, epochs + 1):
            if _stalled(history, patience):
                break
            total, seen = 0.0, 0
            # one rate an epoch; the last epoch still learns
            now = cosine_decay(start_rate, (number - 1) / epochs)
            for size, batch in batches():
                value, found = value_and_gradient(**batch, **parameters.views, out=arrays)
                for name in numbers:
                    gradients.views[name][...] = found[name]
                total += float(value) * size
                seen += size
                rule.step(parameters.flat, gradients.flat, now)
            if not math.isfinite(total):
                raise InputError(
                    f"the loss is {total} in epoch {number}: training diverged with learning "
                    f"rate {start_rate:g}; try a smaller one, such as {start_rate / 10:g}"
                )
            score = evaluate()
            history.append(Epoch(number, total / seen, score.loss, score.accuracy))
            bar.set_postfix_str(
                f"loss {total / seen:.4f}, test accuracy {100 * score.accuracy:.1f} %",
                refresh=False,
            )
            bar.update()
            if checkpoint is not None:
                checkpoint.save(parameters.flat, rule, [epoch.to_dict() for epoch in history])
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
