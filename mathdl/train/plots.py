"""Pictures of a training run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mathdl.extra import extra
from mathdl.train.data import Floats, Integers
from mathdl.train.loop import Epoch


def _figure(purpose: str, width: float, height: float) -> Any:
    """A bare figure draws with Agg and leaves pyplot's global state alone."""
    return extra("matplotlib.figure", purpose).Figure(
        figsize=(width, height), dpi=140, layout="constrained"
    )


def learning_curve(
    history: Sequence[Epoch], path: Path, title: str, figure_name: str = "accuracy"
) -> None:
    """Losses and what the held-out figure lacks against epochs, as a PNG; needs no display.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = _figure("the learning curve", 9, 3.6)
    losses, errors = figure.subplots(1, 2)
    numbers = [epoch.number for epoch in history]
    losses.plot(numbers, [e.train_loss for e in history], label="training (mini-batches)")
    losses.plot(numbers, [e.test_loss for e in history], label="held out")
    losses.set(xlabel="epoch", ylabel="loss", yscale=_scale(history))
    losses.legend(frameon=False)
    errors.plot(numbers, [100 * (1 - e.test_accuracy) for e in history], color="C1")
    last = history[-1]
    word = "correct" if figure_name == "accuracy" else figure_name
    errors.annotate(
        f"{100 * last.test_accuracy:.1f} % {word}", (last.number, 100 * (1 - last.test_accuracy)),
        xytext=(0, 14), textcoords="offset points", ha="right",
    )
    errors.set(xlabel="epoch", ylabel=f"held out: 100 - {figure_name} (%)", ylim=(0, None))
    for axes in (losses, errors):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    figure.suptitle(title)
    figure.savefig(path)


def _scale(history: Sequence[Epoch]) -> str:
    """Logarithmic where losses are positive and fall by more than a factor of 3."""
    losses = [loss for epoch in history for loss in (epoch.train_loss, epoch.test_loss)]
    return "log" if 0 < 3 * min(losses) < max(losses) else "linear"


def decision_boundary(
    predict: Callable[[Floats], Floats], inputs: Floats, labels: Integers, path: Path, title: str
) -> None:
    """The probability of class 1 over the plane, with samples ``(N, 2)`` and labels 0 and 1."""
    figure = _figure("the decision boundary", 5, 4.6)
    axes = figure.subplots()
    low, high = inputs.min(axis=0) - 0.15, inputs.max(axis=0) + 0.15
    across, up = np.meshgrid(*(np.linspace(a, b, 160) for a, b in zip(low, high, strict=True)))
    chance = predict(np.column_stack([across.ravel(), up.ravel()]))[:, 1].reshape(across.shape)
    levels = np.linspace(0, 1, 11)
    axes.contourf(across, up, chance, levels=levels, cmap="RdBu_r", alpha=0.55)
    axes.contour(across, up, chance, levels=[0.5], colors="k", linewidths=1)
    for label, color in enumerate(("C0", "C3")):
        chosen = inputs[labels == label]
        axes.scatter(chosen[:, 0], chosen[:, 1], s=10, color=color, edgecolors="w", linewidths=0.4,
                     label=f"class {label}")
    axes.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$", title=title)
    axes.legend(loc="upper right", fontsize="small")
    figure.savefig(path)


def pictures(images: Floats, side: int, path: Path, title: str, columns: int = 10) -> None:
    """Flattened ``side x side`` images in a grid, black on white."""
    rows = -(-len(images) // columns)
    figure = _figure("the pictures", 0.7 * columns, 0.7 * rows + 0.4)
    for axes, image in zip(figure.subplots(rows, columns).flat, images, strict=False):
        axes.imshow(image.reshape(side, side), cmap="gray_r", vmin=0, vmax=1)
        axes.axis("off")
    figure.suptitle(title)
    figure.savefig(path)
