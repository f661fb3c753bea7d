"""Pictures of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mathdl.extra import extra
from mathdl.train.loop import Epoch


def learning_curve(history: Sequence[Epoch], path: Path, title: str) -> None:
    """Losses and test error against epochs, as a PNG; needs no display.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    # A bare Figure draws with Agg and leaves pyplot's global state alone.
    figure = extra("matplotlib.figure", "the learning curve").Figure(
        figsize=(9, 3.6), dpi=140, layout="constrained"
    )
    losses, errors = figure.subplots(1, 2)
    numbers = [epoch.number for epoch in history]
    losses.plot(numbers, [e.train_loss for e in history], label="training (mini-batches)")
    losses.plot(numbers, [e.test_loss for e in history], label="held out")
    losses.set(xlabel="epoch", ylabel="loss", yscale="log")
    losses.legend(frameon=False)
    errors.plot(numbers, [100 * (1 - e.test_accuracy) for e in history], color="C1")
    last = history[-1]
    errors.annotate(
        f"{100 * last.test_accuracy:.1f} % correct", (last.number, 100 * (1 - last.test_accuracy)),
        xytext=(0, 14), textcoords="offset points", ha="right",
    )
    errors.set(xlabel="epoch", ylabel="held-out error (%)", ylim=(0, None))
    for axes in (losses, errors):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    figure.suptitle(title)
    figure.savefig(path)
