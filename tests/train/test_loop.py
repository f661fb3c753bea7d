"""The loop, on a linear model whose gradient is written by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from mathdl.errors import InputError
from mathdl.train.loop import Batch, Descent, Epoch, Packed, Score, minibatches, train
from mathdl.train.optimizers import optimizer_named

RNG = np.random.default_rng(7)
X = RNG.standard_normal((50, 3))
TRUE = np.array([1.0, -2.0, 0.5])
Y = X @ TRUE + 0.25


def loss(X: Any, y: Any, w: Any, b: Any, out: Mapping[str, Any]) -> tuple[float, Mapping[str, Any]]:
    r = X @ w + b - y
    np.matmul(X.T, r / len(y), out=out["w"])
    return float((r**2).mean() / 2), {**out, "b": r.mean()}


def fit(seed: int, **options: Any) -> tuple[Packed, list[Epoch]]:
    rng = np.random.default_rng(seed)
    parameters = Packed({"w": (3,), "b": ()})

    def batches() -> Iterator[tuple[int, Batch]]:
        for chosen in minibatches(50, 8, rng):
            yield len(chosen), {"X": X[chosen], "y": Y[chosen]}

    def evaluate() -> Score:
        r = X @ parameters.views["w"] + parameters.views["b"] - Y
        return Score(float((r**2).mean() / 2), float((abs(r) < 0.1).mean()))

    settings = {"epochs": 60, "rate": 0.05, "progress": False, **options}
    steps = Descent(loss, parameters, optimizer_named("adam"))
    history = train(steps, parameters, batches, evaluate=evaluate, **settings)
    return parameters, history


def test_learns_the_parameters() -> None:
    parameters, history = fit(0)
    np.testing.assert_allclose(parameters.views["w"], TRUE, atol=1e-2)
    np.testing.assert_allclose(parameters.views["b"], 0.25, atol=1e-2)
    assert [e.number for e in history] == list(range(1, 61))
    assert history[-1].train_loss < 1e-3 * history[0].train_loss
    assert history[-1].test_accuracy == 1.0


def test_the_same_seed_gives_the_same_run() -> None:
    first, second, other = fit(0)[0], fit(0)[0], fit(1)[0]
    np.testing.assert_array_equal(first.flat, second.flat)
    assert (first.flat != other.flat).any()


def test_divergence_is_an_error_that_says_what_to_change() -> None:
    with (
        np.errstate(all="ignore"),
        pytest.raises(InputError, match=r"diverged with learning rate 1e\+200"),
    ):
        fit(0, rate=1e200)


def test_minibatches_are_a_partition() -> None:
    parts = list(minibatches(23, 5, np.random.default_rng(0)))
    assert [len(p) for p in parts] == [5, 5, 5, 5, 3]
    assert sorted(np.concatenate(parts)) == list(range(23))


def test_packed_arrays_are_views_of_one_vector() -> None:
    packed = Packed({"a": (2, 3), "s": (), "b": (4,)})
    packed.views["a"][1, 2] = 5.0
    packed.flat[6] = 7.0
    assert packed.flat.size == 11
    assert packed.flat[5] == 5.0
    assert packed.views["s"] == 7.0
    assert all(view.flags.c_contiguous for view in packed.views.values())


def test_progress_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    fit(0, epochs=3, progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "training" in captured.err
    assert "test accuracy" in captured.err


def test_an_epoch_is_json() -> None:
    epoch = fit(0, epochs=1)[1][0]
    assert json.loads(json.dumps(epoch.to_dict()))["number"] == 1
