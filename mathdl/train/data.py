"""Data sets as arrays, split and scaled.

Legend: ``N`` samples, ``D`` features, ``C`` classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathdl.extra import extra

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Samples:
    """Inputs ``(N, D)`` and class labels ``(N,)`` in ``0 .. C - 1``."""

    inputs: Floats
    labels: Integers

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """A classification task: what to learn from, and what is held out to judge by."""

    name: str
    classes: int
    train: Samples
    test: Samples

    @property
    def features(self) -> int:
        return int(self.train.inputs.shape[1])


def stratified_split(labels: Integers, fraction: float, seed: int) -> NDArray[np.bool_]:
    """A mask ``(N,)`` of the samples held out: ``fraction`` of every class, rounded."""
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        held_out[members[: round(fraction * len(members))]] = True
    return held_out


def one_hot(labels: Integers, classes: int, dtype: Any = np.float64) -> Floats:
    """``Y[i, c] = 1`` where sample ``i`` has label ``c``, else 0: shape ``(N, C)``."""
    return np.asarray(labels[:, None] == np.arange(classes), dtype=dtype)


def load_digits() -> Dataset:
    """The 1797 handwritten digits of 8x8 pixels that scikit-learn ships; a fifth is held out.

    Pixels are scaled from 0 .. 16 to -1 .. 1.  The split is the same for every run, so that
    runs can be compared.

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI 1998.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    bunch = extra("sklearn.datasets", "the digits data set").load_digits()
    inputs = np.asarray(bunch.data, dtype=np.float64) / 8.0 - 1.0
    labels = np.asarray(bunch.target, dtype=np.intp)
    held_out = stratified_split(labels, 0.2, seed=0)
    return Dataset(
        name="digits",
        classes=10,
        train=Samples(inputs[~held_out], labels[~held_out]),
        test=Samples(inputs[held_out], labels[held_out]),
    )


def shifted(
    images: Floats, side: int, probability: float, background: float, rng: np.random.Generator
) -> Floats:
    """Each flattened ``side x side`` image moved, with ``probability``, by up to one pixel.

    What comes in from outside of the frame is ``background``.
    """
    count = len(images)
    padded = np.pad(
        images.reshape(count, side, side), ((0, 0), (1, 1), (1, 1)), constant_values=background
    )
    moved = rng.random(count) < probability
    down, right = np.where(moved, rng.integers(0, 3, (2, count)), 1)
    rows = (down[:, None] + np.arange(side))[:, :, None]
    columns = (right[:, None] + np.arange(side))[:, None, :]
    result: Floats = padded[np.arange(count)[:, None, None], rows, columns]
    return result.reshape(count, side * side)


def with_noise(inputs: Floats, deviation: float, rng: np.random.Generator) -> Floats:
    """Gaussian noise added, which acts as a Tikhonov penalty (Bishop, Neural Comp. 7, 1995)."""
    return inputs + deviation * rng.standard_normal(inputs.shape)


def standardised(train: Floats, test: Floats) -> tuple[Floats, Floats]:
    """Both with the mean and deviation of each feature of ``train`` made 0 and 1."""
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / deviation, (test - mean) / deviation


def load_classes(name: str) -> Dataset:
    """One of scikit-learn's tables with class labels, standardised; a fifth is held out.

    ``breast_cancer``: 569 tumours, 30 measures of a cell's nucleus, 2 classes (Street, Wolberg
    and Mangasarian, 1993).  ``wine``: 178 wines, 13 measures, 3 cultivars (Forina, 1988).

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    bunch = getattr(extra("sklearn.datasets", f"the {name} data set"), f"load_{name}")()
    inputs, labels = np.asarray(bunch.data, dtype=np.float64), np.asarray(bunch.target, np.intp)
    held_out = stratified_split(labels, 0.2, seed=0)
    train, test = standardised(inputs[~held_out], inputs[held_out])
    return Dataset(
        name, len(bunch.target_names), Samples(train, labels[~held_out]),
        Samples(test, labels[held_out]),
    )


def load_diabetes() -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Inputs ``(N, 10)`` and targets ``(N,)`` of 442 patients, to learn from and held out.

    The target is a measure of the progress of diabetes in a year; all is standardised.
    Source: Efron, Hastie, Johnstone and Tibshirani, Least Angle Regression, Ann. Stat. 32, 2004.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    bunch = extra("sklearn.datasets", "the diabetes data set").load_diabetes()
    table = np.column_stack([bunch.data, bunch.target]).astype(np.float64)
    held_out = stratified_split(np.zeros(len(table), dtype=np.intp), 0.2, seed=0)
    train, test = standardised(table[~held_out], table[held_out])
    return (train[:, :-1], train[:, -1]), (test[:, :-1], test[:, -1])


def xor(count: int, rng: np.random.Generator) -> Samples:
    """Points of the square from -1 to 1; the class is whether the signs differ."""
    points = rng.uniform(-1, 1, (count, 2))
    return Samples(points, (points[:, 0] * points[:, 1] < 0).astype(np.intp))


def spirals(count: int, rng: np.random.Generator) -> Samples:
    """Two interleaved spirals of a turn and a half, with a little noise.

    After Lang and Witbrock, Learning to Tell Two Spirals Apart, 1988.
    """
    labels = np.arange(count) % 2
    radius = np.sqrt(rng.uniform(0.02, 1, count))
    angle = 3 * np.pi * radius + np.pi * labels
    points = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return Samples(with_noise(points, 0.02, rng), labels)
