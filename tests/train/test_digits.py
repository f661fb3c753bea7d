"""The main job: digits learnt with derived, verified gradients."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mathdl as md
from mathdl.train.data import load_digits, one_hot
from mathdl.train.experiments.digits import EXPERIMENT, DigitsSettings, initialise, network

Run = tuple[Path, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """``mathdl train digits``, as users run it."""
    folder = tmp_path_factory.mktemp("digits")
    done = subprocess.run(
        [sys.executable, "-m", "mathdl", "train", "digits"],
        capture_output=True, text=True, check=False, cwd=folder,
    )
    return folder / "runs" / "digits", done


def test_reaches_97_percent(default: Run) -> None:
    folder, done = default
    assert done.returncode == 0, done.stderr
    record = json.loads((folder / "history.json").read_text())
    assert record["test_accuracy"] >= 0.97
    assert len(record["epochs"]) == record["settings"]["epochs"]
    assert f"{100 * record['test_accuracy']:.1f} %" in done.stdout
    assert done.stdout.index("verified") < done.stdout.index("training")
    assert "training: 100%" in done.stderr.replace("\r", "\n")


def test_saves_what_it_says(default: Run) -> None:
    folder, done = default
    files = {path.name for path in folder.iterdir()}
    assert files == {
        "learning_curve.png", "gradients.py", "derivation.txt", "derivation.tex",
        "history.json", "history.csv", "parameters.npz", "checkpoint.npz",
    }
    for name in files:
        assert name in done.stdout
    assert str(Path("runs") / "digits") in done.stdout
    tex = (folder / "derivation.tex").read_text("utf-8")
    assert tex.startswith("\\documentclass")
    assert tex.rstrip().endswith("\\end{document}")
    text = (folder / "derivation.txt").read_text("utf-8")
    assert text.startswith("A1 = relu(X @ W1 + b1)\nP = softmax(A1 @ W2 + b2)\nloss = ")
    assert "dW1" in text
    assert (folder / "learning_curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_saved_files_reproduce_the_result(default: Run) -> None:
    """The generated module alone, with the saved parameters, gives the loss of the history."""
    folder, _ = default
    module = runpy.run_path(str(folder / "gradients.py"))
    record = json.loads((folder / "history.json").read_text())
    test = load_digits().test
    with np.load(folder / "parameters.npz") as saved:
        parameters = dict(saved)
    value, gradients = module["value_and_grad"](
        X=test.inputs, Y=one_hot(test.labels, 10), **parameters
    )
    assert {k: g.shape for k, g in gradients.items()} == {
        k: p.shape for k, p in parameters.items()
    }
    assert value == pytest.approx(record["epochs"][-1]["test_loss"], rel=1e-9)
    hidden = np.maximum(test.inputs @ parameters["W1"] + parameters["b1"], 0)
    guess = (hidden @ parameters["W2"] + parameters["b2"]).argmax(axis=1)
    assert (guess == test.labels).mean() == record["test_accuracy"]


def accuracy(out: Path, **options: Any) -> float:
    return EXPERIMENT.run(replace(DigitsSettings(), out=out, **options), lambda line: None).accuracy


@pytest.mark.parametrize(
    "options",
    [
        {"hidden": (32, 16), "activation": "tanh"},
        {"optimizer": "sgd", "activation": "gelu"},
        {"optimizer": "momentum", "learning_rate": 0.02, "batch_size": 100},
    ],
    ids=["deep-tanh", "sgd-gelu", "momentum"],
)
def test_options(tmp_path: Path, options: dict[str, Any]) -> None:
    assert accuracy(tmp_path, epochs=8, **options) > 0.85


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(1, 6))
def test_reaches_97_percent_from_other_seeds(tmp_path: Path, seed: int) -> None:
    assert accuracy(tmp_path, seed=seed) >= 0.97


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "activation",
    ["relu", "gelu", "gelu_tanh", "silu", "softplus", "tanh", "sigmoid", "softsign", "selu"],
)
def test_every_activation_learns(tmp_path: Path, activation: str) -> None:
    assert accuracy(tmp_path, activation=activation, hidden=(64, 32), epochs=30) >= 0.93


def test_the_same_seed_gives_the_same_parameters(tmp_path: Path) -> None:
    def parameters(seed: int, name: str) -> np.ndarray[Any, Any]:
        accuracy(tmp_path / name, epochs=1, hidden=(8,), seed=seed)
        with np.load(tmp_path / name / "parameters.npz") as saved:
            return np.asarray(saved["W1"])

    first = parameters(1, "a")
    np.testing.assert_array_equal(first, parameters(1, "b"))
    assert (first != parameters(2, "c")).any()


def test_the_network_is_written_layer_by_layer() -> None:
    model = network(2, "tanh")
    assert model.lines == (
        "A1 = tanh(X @ W1 + b1)", "A2 = tanh(A1 @ W2 + b2)", "P = softmax(A2 @ W3 + b3)",
        "loss = -sum(Y*log(P))/n",
    )
    assert model.expression("W2").shape == md.tensor("W2", "h1", "h2").shape
    assert model.parameters == ("W1", "b1", "W2", "b2", "W3", "b3")


def test_initial_weights_have_the_stated_variance() -> None:
    views = initialise((400, 300, 200), "relu", np.random.default_rng(0)).views
    assert views["W1"].var() == pytest.approx(2 / 400, rel=0.05)
    assert views["W2"].var() == pytest.approx(2 / (300 + 200), rel=0.05)
    assert not views["b1"].any()
