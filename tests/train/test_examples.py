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
    "lasso": ({"epochs": 4}, 0.40),
    "priors": ({"epochs": 4}, 0.95),
    "plane": ({"epochs": 2}, 0.98),
    "pca": ({"epochs": 2}, 0.999),
    "mixture": ({"epochs": 3}, 0.90),
    "cnn": ({"epochs": 1, "channels": (2, 2), "batch_size": 256}, 0.98),
    "vae": ({"epochs": 1, "hidden": 8}, 0.50),
    "characters": ({"epochs": 1, "hidden": 8, "length": 8}, 0.50),
    "sort": ({"epochs": 1, "samples": 64, "digits": 3, "width": 2, "heads": 2}, 0.98),
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
@pytest.mark.parametrize("cell", characters.CELLS)
def test_every_cell_learns(cell: str, tmp_path: Path) -> None:
    assert start("characters", tmp_path, cell=cell).accuracy >= 0.50


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


def until(epoch: int) -> Any:
    """The loop, interrupted in the evaluation after so many epochs."""

    def short(*arguments: Any, evaluate: Any, **options: Any) -> Any:
        calls = iter(range(epoch))

        def counted() -> Any:
            if next(calls, None) is None:
                raise Interrupted
            return evaluate()

        return train(*arguments, evaluate=counted, **options)

    return short


#: Of each example a run of some epochs; derivations that take long are tried on request.
LONG = ("cnn", "vae", "characters", "sort", "gaussian", "pca", "logistic")
RUNS = [
    pytest.param(name, {**EXAMPLES.get(name, ({"hidden": (8,)},))[0], "epochs": 4},
                 marks=[pytest.mark.exhaustive] if name in LONG else [])
    for name in (*EXAMPLES, "digits")
]


@pytest.mark.parametrize(("name", "options"), RUNS)
def test_an_interrupted_run_goes_on_as_if_nothing_had_been(
    name: str, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(name, tmp_path / "whole", **options)
    with monkeypatch.context() as patched:
        patched.setattr("mathdl.train.supervised.train", until(2))
        with pytest.raises(Interrupted):
            start(name, tmp_path / "parts", **options)
    start(name, tmp_path / "parts", resume="yes", **options)
    whole, parts = parameters(tmp_path / "whole"), parameters(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    for key, array in whole.items():
        np.testing.assert_array_equal(array, parts[key])
    for file in ("history.csv", "sample.txt"):
        if (tmp_path / "whole" / file).exists():
            assert (tmp_path / "whole" / file).read_bytes() == (
                tmp_path / "parts" / file).read_bytes()


def test_who_stops_a_run_is_told_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("mathdl.train.supervised.train", stopped)
    lines: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        start("ridge", tmp_path, lines)
    assert lines[-1].startswith(f"stopped    {tmp_path / 'checkpoint.npz'}")
    assert "--resume yes" in lines[-1]


def test_only_the_same_run_is_gone_on_with(tmp_path: Path) -> None:
    options = {"epochs": 2, "patience": 1}
    start("ridge", tmp_path, **options)
    with pytest.raises(InputError, match="other settings"):
        start("ridge", tmp_path, resume="yes", **{**options, "epochs": 3})
    with pytest.raises(InputError, match="other settings"):
        start("softmax", tmp_path, resume="yes", **options)
    (tmp_path / "checkpoint.npz").write_bytes(b"torn")
    with pytest.raises(InputError, match=r"checkpoint\.npz is not a checkpoint"):
        start("ridge", tmp_path, resume="yes", **options)


def test_the_penalty_of_the_model_is_no_constant_of_the_optimizer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lam of ista is the penalty of this model; set that"):
        start("lasso", tmp_path, optimizer="ista", constants=("lam=0.1",))


def test_a_checkpoint_holds_no_pickles(tmp_path: Path) -> None:
    start("plane", tmp_path, epochs=1, hidden=4)
    with np.load(tmp_path / "checkpoint.npz", allow_pickle=False) as saved:
        arrays = dict(saved)
    assert {"theta", "record", "state_m", "state_v"} == set(arrays)
    assert not any(array.dtype.hasobject for array in arrays.values())


def test_patience_ends_a_run(tmp_path: Path) -> None:
    lines: list[str] = []
    start("softmax", tmp_path, lines, epochs=400, patience=2, optimizer="sgd", learning_rate=8.0)
    (result,) = [line for line in lines if line.startswith("result")]
    assert int(result.split("after ")[1].split()[0]) < 400


@pytest.mark.parametrize(("rate", "told"), [(0.3, 1), (0.02, 0)])
def test_a_loss_that_rose_is_told(rate: float, told: int, tmp_path: Path) -> None:
    lines: list[str] = []
    start("ridge", tmp_path, lines, epochs=20, optimizer="sgd", learning_rate=rate)
    assert sum(line.startswith("warning    the training loss rose") for line in lines) == told


@pytest.mark.parametrize("optimizer", ["newton", "gauss_newton"])
def test_newton_ends_in_one_step(optimizer: str, tmp_path: Path) -> None:
    lines: list[str] = []
    start("ridge", tmp_path, lines, epochs=1, optimizer=optimizer)
    assert float(lines[-1].removeprefix("gradient   largest entry ")) < 1e-12


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
