"""The lasso and weights on the simplex: rules for kinks and constraints on their problems."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mathdl as md
from mathdl.errors import InputError, UnsupportedError
from mathdl.train.curved import reads
from mathdl.train.data import load_diabetes
from mathdl.train.domain import must_stay
from mathdl.train.experiment import experiment_named
from mathdl.train.experiments import lasso, priors, ridge
from mathdl.train.loop import Descent, Packed
from mathdl.train.model import Model, written
from mathdl.train.optimizers import OPTIMIZERS

SHAPES = {"X": "n d", "y": "n", "w": "d", "penalty": ""}


def descent(model: Model, optimizer: str, start: Any) -> tuple[Descent, Packed]:
    parameters = Packed.of({"w": start})
    rule = OPTIMIZERS[optimizer]
    code = md.derive(model.expression("loss"), wrt="w").compile()
    return Descent(code, parameters, rule, reads(rule, model, parameters)), parameters


def batch(rng: np.random.Generator) -> dict[str, Any]:
    return {"X": rng.normal(size=(30, 4)), "y": rng.normal(size=30), "penalty": np.array(0.1)}


def threshold(z: Any, level: Any) -> Any:
    return np.sign(z) * np.maximum(np.abs(z) - level, 0)


def test_a_sweep_solves_one_coordinate_after_the_other(rng: np.random.Generator) -> None:
    given, start = batch(rng), rng.normal(size=4)
    steps, parameters = descent(lasso.MODEL, "coordinates", start)
    steps.step(given, 0)
    X, y, w = given["X"], given["y"], start.copy()
    for j in range(4):
        others = y - X @ w + X[:, j] * w[j]
        w[j] = threshold(X[:, j] @ others / 30, 0.1) / (X[:, j] @ X[:, j] / 30)
    np.testing.assert_allclose(parameters.flat, w, rtol=1e-12)


def test_proximal_gradients_follow_the_smooth_part(rng: np.random.Generator) -> None:
    given, start = batch(rng), rng.normal(size=4)
    steps, parameters = descent(lasso.MODEL, "ista", start)
    steps.step(given, 0.2)
    slope = given["X"].T @ (given["X"] @ start - given["y"]) / 30
    np.testing.assert_allclose(parameters.flat, threshold(start - 0.2 * slope, 0.02), rtol=1e-12)


def test_a_penalty_of_the_rule_itself_is_added_to_a_smooth_loss(rng: np.random.Generator) -> None:
    given = {**batch(rng), "penalty": np.array(0.0)}
    steps, parameters = descent(ridge.MODEL, "coordinates", np.zeros(4))
    for _ in range(100):
        steps.step(given, 0)
    slope = 2 * given["X"].T @ (given["X"] @ parameters.flat - given["y"]) / 30
    np.testing.assert_allclose(slope, -1e-4 * np.sign(parameters.flat), atol=1e-12)


def weights(folder: Path) -> Any:
    with np.load(folder / "parameters.npz") as saved:
        return saved["w"]


def start(name: str, out: Path, **options: Any) -> float:
    experiment = experiment_named(name)
    settings = replace(experiment.settings(), out=out, **options)  # type: ignore[type-var]
    return experiment.run(settings, [].append).accuracy


@pytest.mark.parametrize("optimizer", ["coordinates", "ista"])
def test_both_ways_to_the_lasso_end_where_scikit_learn_does(
    optimizer: str, tmp_path: Path
) -> None:
    from sklearn.linear_model import Lasso

    start("lasso", tmp_path, optimizer=optimizer)
    (X, y), _ = load_diabetes()
    expected = Lasso(0.05, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(X, y).coef_
    found = weights(tmp_path)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert 0 < (found == 0).sum() < len(found)


def test_both_geometries_find_the_same_shares(tmp_path: Path) -> None:
    start("priors", tmp_path / "a", epochs=100)
    start("priors", tmp_path / "b", epochs=100, weights="positive", optimizer="exponentiated")
    first, second = weights(tmp_path / "a"), weights(tmp_path / "b")
    assert first.sum() == pytest.approx(1, abs=1e-12)
    assert second.sum() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(first, second, atol=1e-4)


@pytest.mark.parametrize(
    ("model", "optimizer", "message"),
    [
        (lasso.MODEL, "mirror", "assumed probability_vector; w is not"),
        (lasso.MODEL, "exponentiated", "assumed positive; w is not"),
        (priors.mixture("positive"), "mirror", "assumed probability_vector; w is not"),
        (priors.mixture("simplex"), "adam",
         "may leave what is assumed of w: probability_vector; mirror would keep it"),
        (priors.mixture("simplex"), "exponentiated",
         "may leave what is assumed of w: probability_vector; mirror would keep it"),
        (priors.mixture("positive"), "sgd",
         "may leave what is assumed of w: positive; mirror and exponentiated would keep it"),
        (written((), "sum(v*w)", {"v": "d", "w": "d"}, ("v", "w"),
                 dict.fromkeys("vw", "probability_vector")), "mirror", "one vector, not for v, w"),
    ],
)
def test_an_optimizer_that_does_not_stay_is_refused(
    model: Model, optimizer: str, message: str
) -> None:
    with pytest.raises(UnsupportedError, match=message):
        must_stay(OPTIMIZERS[optimizer], model)


def test_optimizers_that_stay_are_taken() -> None:
    for model, names in ((lasso.MODEL, ("adam", "coordinates", "box")),
                         (priors.mixture("simplex"), ("mirror",)),
                         (priors.mixture("positive"), ("exponentiated",))):
        for name in names:
            must_stay(OPTIMIZERS[name], model)


@pytest.mark.parametrize("optimizer", ["newton", "gauss_newton", "line_search", "natural"])
def test_a_kink_is_refused(optimizer: str) -> None:
    with pytest.raises(UnsupportedError, match="needs a smooth loss"):
        reads(OPTIMIZERS[optimizer], lasso.MODEL, Packed({"w": (3,)}))


def test_residuals_that_bend_have_no_sweep() -> None:
    bent = written(("r = exp(X @ w) - y",), "sum(r**2)/2", SHAPES, ("w",), residuals="r")
    with pytest.raises(UnsupportedError, match=r"linear in the parameters; .* depends on w"):
        reads(OPTIMIZERS["coordinates"], bent, Packed({"w": (3,)}))


@pytest.mark.parametrize("optimizer", ["coordinates", "ista"])
def test_a_loss_that_is_not_its_parts_is_refused(
    optimizer: str, rng: np.random.Generator
) -> None:
    wrong = written(("r = X @ w - y", "s = sum(r**2)/2"), "s + 2*penalty*sum(abs(w))", SHAPES,
                    ("w",), residuals="r", smooth="s", weight="penalty")
    steps, _ = descent(wrong, optimizer, rng.normal(size=4))
    with pytest.raises(InputError, match="but the loss is"):
        steps.step(batch(rng), 0.1)


def test_a_parameter_that_changes_nothing_is_named(rng: np.random.Generator) -> None:
    given = batch(rng)
    given["X"][:, 2] = 0
    steps, _ = descent(lasso.MODEL, "coordinates", rng.normal(size=4))
    with pytest.raises(InputError, match="depends on parameter 2 of 4"):
        steps.step(given, 0)
