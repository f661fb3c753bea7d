"""The training examples: shortened runs of all, and the figure of each in full."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mathdl.errors import InputError
from mathdl.train.experiment import Outcome, experiment_named, experiments
from mathdl.train.experiments import characters, mixture, plane
from mathdl.train.loop import train
from mathdl.train.supervised import share_explained

#: Of each example a short run and the figure of a full one.
EXAMPLES: dict[str, tuple[dict[str, Any], float]] = {
    "softmax": ({"epochs": 2}, 0.97),
    "logistic": ({"epochs": 2}, 0.96),
    "gaussian": ({"epochs": 2}, 0.40),
    "ridge": ({}, 0.40),
    "plane": ({"epochs": 2}, 0.98),
    "pca": ({"epochs": 2}, 0.999),
    "mixture": ({"epochs": 3}, 0.90),
    "cnn": ({"epochs": 1, "channels": (2, 2), "batch_size": 256}, 0.98),
    "vae": ({"epochs": 1, "hidden": 8}, 0.50),
    "characters": ({"epochs": 1, "hidden": 8, "length": 8}, 0.45),
}


def start(name: str, out: Path, lines: list[str] | None = None, **options: Any) -> Outcome:
    experiment = experiment_named(name)
    settings = replace(experiment.settings(), out=out, **options)  # type: ignore[type-var]
    return experiment.run(settings, [].append if lines is None else lines.append)


def test_every_example_is_here() -> None:
    assert set(EXAMPLES) | {"digits"} == set(experiments())


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_short_run(name: str, tmp_path: Path) -> None:
    lines: list[str] = []
    outcome = start(name, tmp_path, lines, **EXAMPLES[name][0])
    assert any(line.startswith("verified") for line in lines)
    written = {path.name for path in outcome.files}
    assert {"learning_curve.png", "gradients.py", "derivation.tex", "history.json", "history.csv",
            "parameters.npz"} <= written
    assert all(path.exists() for path in outcome.files)
    epochs = json.loads((tmp_path / "history.json").read_text())["epochs"]
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["train_loss"]) for row in rows] == [e["train_loss"] for e in epochs]
    assert outcome.accuracy == epochs[-1]["test_accuracy"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_figure(name: str, seed: int, tmp_path: Path) -> None:
    assert start(name, tmp_path, seed=seed).accuracy >= EXAMPLES[name][1]


@pytest.mark.exhaustive
def test_xor(tmp_path: Path) -> None:
    assert start("plane", tmp_path, points="xor").accuracy >= 0.98


def parameters(folder: Path) -> dict[str, Any]:
    with np.load(folder / "parameters.npz") as saved:
        return dict(saved)


def test_the_same_seed_gives_the_same_run(tmp_path: Path) -> None:
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        start("plane", tmp_path / folder, epochs=1, seed=seed)
    a, b, c = (parameters(tmp_path / folder)["W1"] for folder in "abc")
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


class Interrupted(Exception):
    pass


def test_an_interrupted_run_goes_on_as_if_nothing_had_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def until(epoch: int) -> Any:
        """The loop, interrupted after so many epochs."""

        def short(*arguments: Any, evaluate: Any, **options: Any) -> Any:
            calls = iter(range(epoch))

            def counted() -> Any:
                if next(calls, None) is None:
                    raise Interrupted
                return evaluate()

            return train(*arguments, evaluate=counted, **options)

        return short

    options = {"epochs": 6, "hidden": 8}
    start("plane", tmp_path / "whole", **options)
    with monkeypatch.context() as patched:
        patched.setattr("mathdl.train.supervised.train", until(3))
        with pytest.raises(Interrupted):
            start("plane", tmp_path / "parts", **options)
    start("plane", tmp_path / "parts", resume="yes", **options)
    whole, parts = parameters(tmp_path / "whole"), parameters(tmp_path / "parts")
    for name, array in whole.items():
        np.testing.assert_array_equal(array, parts[name])
    assert (tmp_path / "whole/history.csv").read_text() == (
        tmp_path / "parts/history.csv").read_text()
    with pytest.raises(InputError, match="other settings"):
        start("plane", tmp_path / "parts", resume="yes", epochs=6, hidden=9)


def test_patience_ends_a_run(tmp_path: Path) -> None:
    lines: list[str] = []
    start("softmax", tmp_path, lines, epochs=400, patience=2, optimizer="sgd", learning_rate=8.0)
    (result,) = [line for line in lines if line.startswith("result")]
    assert int(result.split()[-2]) < 400


def test_newton_ends_in_one_step(tmp_path: Path) -> None:
    lines: list[str] = []
    start("ridge", tmp_path, lines)
    (first,) = [line for line in lines if line.startswith("step 1")]
    assert float(first.split()[-1]) < 1e-12


def test_em_never_lowers_the_likelihood(tmp_path: Path) -> None:
    start("mixture", tmp_path, epochs=30)
    epochs = json.loads((tmp_path / "history.json").read_text())["epochs"]
    losses = np.array([epoch["train_loss"] for epoch in epochs])
    assert (np.diff(losses) <= 1e-10).all()
    assert losses[0] - losses[-1] > 0.01


def test_components_are_matched_under_the_best_naming() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2])
    assert mixture.matched(np.array([2, 2, 0, 0, 1, 1]), labels) == 1.0
    assert mixture.matched(np.array([2, 2, 0, 0, 0, 1]), labels) == pytest.approx(5 / 6)


def test_points_of_the_plane_have_both_classes(rng: np.random.Generator) -> None:
    for made in plane.POINTS.values():
        samples = made(200, rng)
        assert 0.3 < samples.labels.mean() < 0.7
        assert np.abs(samples.inputs).max() < 1.2


def test_pieces_of_a_text_are_shifted_by_one() -> None:
    batch = characters.pieces(np.arange(10), 4, 3, 10)
    np.testing.assert_array_equal(batch["X"].argmax(axis=2), [[0, 1, 2, 3], [3, 4, 5, 6]])
    np.testing.assert_array_equal(batch["Y"].argmax(axis=2), [[1, 2, 3, 4], [4, 5, 6, 7]])


def test_a_text_that_is_too_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("hello")
    with pytest.raises(InputError, match="5 characters"):
        start("characters", tmp_path, text=tmp_path / "short.txt")
    with pytest.raises(InputError, match="cannot be read"):
        start("characters", tmp_path, text=tmp_path / "none.txt")


def test_the_share_explained() -> None:
    y = np.array([1.0, 2.0, 3.0])
    assert share_explained(y, {"y": y}) == 1.0
    assert share_explained(np.full(3, 2.0), {"y": y}) == 0.0
