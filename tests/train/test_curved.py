"""Rules that solve a system, against the closed forms of their subproblems written by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mathdl as md
from mathdl.errors import InputError, UnsupportedError
from mathdl.train.curved import reads
from mathdl.train.experiment import experiment_named
from mathdl.train.experiments import gaussian, logistic, plane, ridge, softmax
from mathdl.train.loop import Descent, Packed
from mathdl.train.model import Model, written
from mathdl.train.optimizers import OPTIMIZERS

Array = np.ndarray[Any, Any]
SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "ridge": {"w": (3,)}, "logistic": {"w": (3,), "b": ()}, "softmax": {"W": (3, 4), "b": (4,)},
    "gaussian": {"w": (3,), "b": (), "s": ()},
}
MODELS = {"ridge": ridge.MODEL, "logistic": logistic.MODEL, "softmax": softmax.MODEL,
          "gaussian": gaussian.MODEL}
N = 20


def started(name: str, rng: np.random.Generator) -> tuple[Packed, dict[str, Any]]:
    parameters = Packed(SHAPES[name])
    parameters.flat[:] = rng.normal(size=parameters.flat.size) / 2
    batch: dict[str, Any] = {"X": rng.normal(size=(N, 3))}
    if name == "softmax":
        batch["Y"] = np.eye(4)[rng.integers(0, 4, N)]
    else:
        batch["y"] = rng.normal(size=N) if name != "logistic" else rng.integers(0, 2, N) * 1.0
    if name == "ridge":
        batch["penalty"] = np.array(0.3)
    return parameters, batch


def stepped(
    name: str, optimizer: str, rng: np.random.Generator, count: int = 1, rate: float = 0.5
) -> tuple[Array, Array, Array, dict[str, Any], Any]:
    """Before and after, the gradient before, the samples and the gradient as a function."""
    parameters, batch = started(name, rng)
    model, rule = MODELS[name], OPTIMIZERS[optimizer]
    value_and_gradient = _value_and_gradient(model)
    steps = Descent(value_and_gradient, parameters, rule, reads(rule, model, parameters))
    before = parameters.flat.copy()

    def gradient(flat: Array) -> Array:
        other = Packed(SHAPES[name])
        other.flat[:] = flat
        _, found = value_and_gradient(**batch, **other.views, out={})
        return np.concatenate([np.ravel(found[key]) for key in other.views])

    for _ in range(count):
        steps.step(batch, rate)
    return before, parameters.flat.copy(), gradient(before), batch, gradient


def _value_and_gradient(model: Model) -> Any:
    return md.derive(model.expression("loss"), wrt=list(model.parameters)).compile()


def differences(gradient: Any, at: Array) -> Array:
    """The Hessian by central differences of the gradient."""
    steps = 1e-5 * np.eye(len(at))
    return np.array([(gradient(at + h) - gradient(at - h)) / 2e-5 for h in steps])


@pytest.mark.parametrize("name", ["ridge", "logistic", "softmax"])
def test_newton_solves_its_model(name: str, rng: np.random.Generator) -> None:
    before, after, g, _, gradient = stepped(name, "newton", rng)
    H = differences(gradient, before)
    np.testing.assert_allclose(after, before - np.linalg.solve(H, g), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("optimizer", "damping"), [("gauss_newton", 0), ("levenberg_marquardt",
                                                                           1e-3)])
def test_least_squares_solve_their_model(
    optimizer: str, damping: float, rng: np.random.Generator
) -> None:
    before, after, _, batch, _ = stepped("ridge", optimizer, rng)
    X, y = batch["X"], batch["y"]
    J = np.vstack([X * np.sqrt(2 / N), np.sqrt(0.6) * np.eye(3)])
    r = np.concatenate([(X @ before - y) * np.sqrt(2 / N), np.sqrt(0.6) * before])
    step = np.linalg.solve(J.T @ J + damping * np.eye(3), J.T @ r)
    np.testing.assert_allclose(after, before - step, rtol=1e-12)


def fisher(name: str, theta: Array, X: Array) -> Array:
    """By hand: for a Bernoulli of logit ``X w + b`` and a prior of ``w``, and a Gaussian of that
    mean and log-deviation ``s``."""
    design = np.column_stack([X, np.ones(N)])
    if name == "logistic":
        p = 1 / (1 + np.exp(-design @ theta))
        return np.asarray((design.T * p * (1 - p)) @ design / N + np.diag([2, 2, 2, 0]) / 1000)
    found = np.zeros((5, 5))
    found[:4, :4] = np.exp(-2 * theta[4]) * design.T @ design / N
    found[4, 4] = 2
    return found


@pytest.mark.parametrize("name", ["logistic", "gaussian"])
def test_natural_gradients_are_in_the_fisher_metric(name: str, rng: np.random.Generator) -> None:
    before, after, g, batch, _ = stepped(name, "natural", rng, rate=0.5)
    F = fisher(name, before, batch["X"])
    np.testing.assert_allclose(after, before - 0.5 * np.linalg.solve(F, g), rtol=1e-9)


def test_the_ball_of_a_natural_gradient_is_reached(rng: np.random.Generator) -> None:
    before, after, g, batch, _ = stepped("gaussian", "natural_ball", rng, rate=0.01)
    F = fisher("gaussian", before, batch["X"])
    step = after - before
    assert step @ F @ step / 2 == pytest.approx(0.01, rel=1e-9)
    direction = np.linalg.solve(F, g)
    np.testing.assert_allclose(step / np.linalg.norm(step),
                               -direction / np.linalg.norm(direction), rtol=1e-9)


def test_a_line_search_is_exact(rng: np.random.Generator) -> None:
    before, after, g, _, gradient = stepped("ridge", "line_search", rng)
    assert gradient(after) @ g == pytest.approx(0, abs=1e-12 * (g @ g))
    assert np.linalg.norm(after - before) > 0.01


def test_conjugate_gradients_end_after_as_many_steps_as_parameters(
    rng: np.random.Generator,
) -> None:
    _, after, g, _, gradient = stepped("ridge", "conjugate", rng, count=3)
    assert np.abs(gradient(after)).max() < 1e-12 * np.abs(g).max()
    rng = np.random.default_rng(0)
    _, after, g, _, gradient = stepped("ridge", "conjugate", rng, count=2)
    assert np.abs(gradient(after)).max() > 1e-6


def test_conjugate_gradients_go_on_from_their_states(rng: np.random.Generator) -> None:
    parameters, batch = started("ridge", rng)
    rule, model = OPTIMIZERS["conjugate"], MODELS["ridge"]
    value_and_gradient, read = _value_and_gradient(model), reads(rule, model, parameters)
    first = Descent(value_and_gradient, parameters, rule, read)
    first.step(batch, 0)
    second = Descent(value_and_gradient, parameters, rule, read)
    second.restore({name: state.copy() for name, state in first.states.items()}, first.steps)
    at = parameters.flat.copy()
    first.step(batch, 0)
    expected = parameters.flat.copy()
    parameters.flat[:] = at
    second.step(batch, 0)
    np.testing.assert_array_equal(parameters.flat, expected)


@pytest.mark.parametrize(
    ("name", "optimizer", "message"),
    [
        ("gaussian", "newton", "proved convex in all parameters; of this that is unknown"),
        ("logistic", "gauss_newton", "this model states none"),
        ("ridge", "natural", "this model states none"),
        ("logistic", "conjugate", "quadratic loss; the Hessian of this depends on b, w"),
    ],
)
def test_what_a_model_does_not_have_is_refused(
    name: str, optimizer: str, message: str, rng: np.random.Generator
) -> None:
    parameters, _ = started(name, rng)
    with pytest.raises(UnsupportedError, match=message):
        reads(OPTIMIZERS[optimizer], MODELS[name], parameters)


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="all 1001 parameters"):
        reads(OPTIMIZERS["newton"], plane.MODEL, Packed({"W1": (1001,)}))


def test_a_singular_system_is_refused(rng: np.random.Generator) -> None:
    """What adds to all logits of a softmax alike changes nothing."""
    loose = written(("P = softmax(X @ W + b)",), "-sum(Y*log(P))/n",
                    {"X": "n d", "Y": "n c", "W": "d c", "b": "c"}, ("W", "b"),
                    {"Y": "one_hot"})
    parameters, batch = started("softmax", rng)
    rule = OPTIMIZERS["newton"]
    steps = Descent(_value_and_gradient(loose), parameters, rule, reads(rule, loose, parameters))
    with pytest.raises(InputError, match="singular"):
        steps.step(batch, 0)


def test_newton_and_natural_gradients_agree_on_a_canonical_family() -> None:
    """The Hessian of softmax cross-entropy does not read the labels, so it is the Fisher matrix."""
    before, after, _, _, _ = stepped("softmax", "natural", np.random.default_rng(3), rate=1.0)
    same, exact, _, _, _ = stepped("softmax", "newton", np.random.default_rng(3))
    np.testing.assert_array_equal(before, same)
    np.testing.assert_allclose(after, exact, rtol=1e-8)


def test_residuals_that_are_not_those_of_the_loss_are_refused(rng: np.random.Generator) -> None:
    wrong = written(("r = X @ w - y",), "sum(r**2)", {"X": "n d", "y": "n", "w": "d"}, ("w",),
                    residuals="r")
    parameters, batch = started("ridge", rng)
    rule = OPTIMIZERS["gauss_newton"]
    steps = Descent(_value_and_gradient(wrong), parameters, rule, reads(rule, wrong, parameters))
    with pytest.raises(InputError, match="half of the squared length of r"):
        steps.step({key: batch[key] for key in ("X", "y")}, 0)


def test_a_stationary_point_is_not_left(rng: np.random.Generator) -> None:
    parameters, batch = started("ridge", rng)
    parameters.flat[:] = 0
    batch["y"] = np.zeros(N)
    for name in ("line_search", "conjugate"):
        rule, model = OPTIMIZERS[name], MODELS["ridge"]
        read = reads(rule, model, parameters)
        Descent(_value_and_gradient(model), parameters, rule, read).step(batch, 0)
        assert not parameters.flat.any()


def test_an_exact_rule_takes_no_learning_rate(tmp_path: Path) -> None:
    experiment = experiment_named("ridge")
    settings = replace(
        experiment.settings(), out=tmp_path, learning_rate=0.1  # type: ignore[call-arg]
    )
    with pytest.raises(InputError, match="newton has no learning rate"):
        experiment.run(settings, [].append)
