"""Update rules: the generated code of each against a numerical minimiser of its subproblem."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
import pytest
from scipy import optimize

import mathdl as md
from mathdl.catalogue import entry_named, families
from mathdl.catalogue.optimizers import Update, fisher, root, stationary
from mathdl.catalogue.optimizers.adaptive import bias
from mathdl.catalogue.optimizers.constrained import _at_price
from mathdl.catalogue.optimizers.legend import applied, argument
from mathdl.ir.system import inputs_of

RULES = [one.name for one in families()["optimizers"]]
CONSTRAINED = {"mirror_descent", "projected_ball", "projected_box", "nesterov",
               "conjugate_gradient", "exponentiated_gradient"}
SIZES = {"d": 4, "n": 6}


def arrays(function: Callable[..., Any], rng: np.random.Generator) -> dict[str, Any]:
    """Random arguments of a rule, within what is assumed of them."""
    found: dict[str, Any] = {}
    for name in signature(function).parameters:
        tensor = argument(name)
        shape = [SIZES[str(d)] for d in tensor.shape]
        value = rng.normal(size=shape)
        if "positive_definite" in tensor.assume:
            value = value @ value.T + np.eye(4)
        elif name == "t":
            value = 3.0
        elif name.startswith(("beta", "decay")):
            value = rng.uniform(0.2, 0.9)
        elif "positive" in tensor.assume or name == "v":
            value = np.abs(value) + 0.1
        found[name] = value
    if "probabilities" in found:
        found["probabilities"] /= found["probabilities"].sum()
    return found


def evaluate(expr: md.Tensor, given: dict[str, Any], **more: Any) -> Any:
    known = {**given, **more}
    return md.compile(expr)(**{t.name: known[t.name] for t in inputs_of([expr])})


def objective(update: Update, given: dict[str, Any], **more: Any) -> Callable[[Any], float]:
    code = md.compile(update.problem)
    known = {**given, **more}
    name = update.unknown.name or ""
    fixed = {k: known[k] for k in code.inputs if k != name}
    shape = [SIZES[str(d)] for d in update.unknown.shape]
    return lambda u: float(code(**fixed, **{name: np.reshape(u, shape)}))


def nearest_minimum(goal: Callable[[Any], float], start: Any, **options: Any) -> Any:
    found = optimize.minimize(goal, np.atleast_1d(start), tol=1e-14, **options)
    return found.x


@pytest.mark.parametrize("name", [r for r in RULES if r not in CONSTRAINED])
def test_the_update_minimises_its_problem(name: str, rng: np.random.Generator) -> None:
    function = entry_named(name).function
    update = applied(function)
    for _ in range(3):
        given = arrays(function, rng)
        point = evaluate(update.point, given)
        goal = objective(update, given)
        start = np.atleast_1d(point) + rng.normal(size=np.size(point))
        best = nearest_minimum(goal, start, method="Powell",
                               options={"maxiter": 20_000, "maxfev": 100_000, "xtol": 1e-11})
        np.testing.assert_allclose(np.atleast_1d(point), best, rtol=1e-5, atol=1e-5)
        assert goal(point) <= goal(best) + 1e-12 * (1 + abs(goal(best)))


@pytest.mark.parametrize("name", [r for r in RULES if r not in CONSTRAINED])
def test_a_moved_update_is_no_minimiser(name: str, rng: np.random.Generator) -> None:
    """The comparison above can fail: every neighbour costs more."""
    function = entry_named(name).function
    update = applied(function)
    given = arrays(function, rng)
    point, goal = evaluate(update.point, given), objective(update, given)
    for _ in range(20):
        assert goal(point + 1e-3 * rng.normal(size=np.shape(point))) > goal(point)


@pytest.mark.parametrize(
    ("name", "constraint", "bounds"),
    [
        ("mirror_descent", lambda u, given: 1 - u.sum(), True),
        ("exponentiated_gradient", None, True),
        ("projected_box", None, False),
        ("projected_ball", lambda u, given: given["radius"] ** 2 - u @ u, False),
    ],
)
def test_constrained_updates(
    name: str, constraint: Any, bounds: bool, rng: np.random.Generator
) -> None:
    function = entry_named(name).function
    source = "gradient_descent" if name.startswith("projected") else "exponentiated_gradient"
    update, free = applied(function), applied(entry_named(source).function)
    for scale in (0.1, 0.5, 2.0):
        given = arrays(function, rng)
        given["eta"] *= scale
        point, goal = evaluate(update.point, given), objective(free, given)
        inequality = name == "projected_ball"
        options: dict[str, Any] = {"bounds": [(1e-12, None)] * 4} if bounds else {}
        if name == "projected_box":
            options["bounds"] = [(-given["bound"], given["bound"])] * 4
        if constraint:
            options["constraints"] = {
                "type": "ineq" if inequality else "eq",
                "fun": lambda u, given=given: constraint(u, given),
            }
        start = np.full(4, 0.25) if bounds else np.zeros(4)
        best = optimize.minimize(goal, start, method="SLSQP", tol=1e-14, **options).x
        np.testing.assert_allclose(point, best, rtol=2e-4, atol=2e-5)
        if constraint:
            slack = constraint(point, given)
            assert slack > -1e-12 if inequality else abs(slack) < 1e-12


def test_the_soft_threshold_meets_the_subgradient_condition(rng: np.random.Generator) -> None:
    """Zero is in the subdifferential: the slope is ``-lam sign(u)``, at a kink within ``lam``."""
    function = entry_named("proximal_gradient").function
    update = applied(function)
    kinks = 0
    for _ in range(20):
        given = arrays(function, rng)
        u = evaluate(update.point, given)
        slope = given["g"] + (u - given["theta"]) / given["eta"]
        at = u == 0
        kinks += int(at.sum())
        np.testing.assert_allclose(slope[~at], -given["lam"] * np.sign(u[~at]), atol=1e-9)
        assert (np.abs(slope[at]) <= given["lam"] + 1e-12).all()
    assert kinks > 5


def test_the_ball_of_the_natural_gradient_is_reached(rng: np.random.Generator) -> None:
    function = entry_named("natural_gradient_ball").function
    given = arrays(function, rng)
    step = evaluate(applied(function).point, given) - given["theta"]
    assert step @ given["F"] @ step / 2 == pytest.approx(given["radius"], rel=1e-12)
    direction = -np.linalg.solve(given["F"], given["g"])
    assert step @ direction > 0


def test_the_fisher_metric_of_a_categorical_distribution(rng: np.random.Generator) -> None:
    z, u = md.tensor("z", "k"), md.tensor("u", "k")
    p = md.softmax(z)
    metric = fisher(md.sum(p * (md.log(p) - md.log_softmax(u))), u, z)
    at = rng.normal(size=5)
    q = np.exp(at) / np.exp(at).sum()
    np.testing.assert_allclose(md.compile(metric)(z=at), np.diag(q) - np.outer(q, q), atol=1e-14)


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.999])
def test_the_bias_is_that_of_an_average_of_a_constant(beta: float) -> None:
    code = md.compile(bias(md.tensor("beta", assume="positive"), md.tensor("t")))
    average = 0.0
    for t in range(1, 30):
        average = beta * average + (1 - beta) * 1.0
        assert code(beta=beta, t=float(t)) == pytest.approx(average, rel=1e-12)


def test_conjugate_gradients_end_after_as_many_steps_as_dimensions(
    rng: np.random.Generator,
) -> None:
    update = applied(entry_named("conjugate_gradient").function)
    given = arrays(entry_named("conjugate_gradient").function, rng)
    A, b = given["A"], given["b"]
    given["p"] = b - A @ given["x"]
    for _ in range(4):
        p = evaluate(update.states["p"], given)
        assert abs(p @ A @ given["p"]) < 1e-8
        given["x"], given["p"] = evaluate(update.point, given), p
    np.testing.assert_allclose(A @ given["x"], b, atol=1e-9)


def test_coordinate_descent_solves_the_lasso(rng: np.random.Generator) -> None:
    update = applied(entry_named("lasso_coordinate").function)
    point, state = md.compile(update.point), md.compile(update.states["r"])
    X, lam = rng.normal(size=(30, 4)), 8.0
    y, w = X @ np.array([2.0, 0.0, -1.0, 0.1]) + 0.1 * rng.normal(size=30), np.zeros(4)
    r = y.copy()
    for _ in range(60):
        for j in range(4):
            given = {"weight": w[j], "r": r, "column": X[:, j], "lam": lam}
            w[j], r = point(**given), state(**given)
    np.testing.assert_allclose(r, y - X @ w, atol=1e-10)
    slope = X.T @ (X @ w - y)
    np.testing.assert_allclose(slope[w != 0], -lam * np.sign(w[w != 0]), atol=1e-8)
    assert (np.abs(slope[w == 0]) <= lam).all()
    assert 0 < (w == 0).sum() < 4


def test_newton_ends_in_one_step_on_a_quadratic(rng: np.random.Generator) -> None:
    w = md.tensor("w", "d")
    loss = md.parse("sum((X @ w - y)**2)/n + lam*sum(w**2)", "X: n d; w: d; y: n; lam:")
    given = {"X": rng.normal(size=(9, 4)), "y": rng.normal(size=9), "lam": 0.3,
             "w": rng.normal(size=4)}
    point = stationary(loss, w, w)
    after = evaluate(point, given)
    assert np.abs(evaluate(md.derive(loss, "w")["w"], {**given, "w": after})).max() < 1e-12


@pytest.mark.parametrize(
    ("text", "shapes", "message"),
    [
        ("sum(exp(x)) + sum(x**3)", "x: d", "solution"),
        ("sum(x @ A @ x)**2", "x: d; A: d d", "through"),
    ],
)
def test_what_has_no_closed_form_is_refused(text: str, shapes: str, message: str) -> None:
    x = md.tensor("x", "d")
    with pytest.raises(md.UnsupportedError, match=message):
        stationary(md.parse(text, shapes), x, x)


def test_a_system_over_matrices_is_refused() -> None:
    W = md.tensor("W", "d", "k")
    with pytest.raises(md.UnsupportedError, match="2 axes"):
        stationary(md.parse("sum((X @ W - Y)**2)", "X: n d; W: d k; Y: n k"), W, W)


def test_a_price_that_is_no_common_factor_is_refused() -> None:
    x, nu = md.tensor("x", "d", assume="positive"), md.tensor("nu")
    with pytest.raises(md.UnsupportedError, match="no common factor"):
        _at_price(x + nu, nu, md.min(x))


def test_mirror_descent_does_not_overflow() -> None:
    given = {"probabilities": np.array([0.2, 0.8]), "eta": 1.0, "g": np.array([-1e4, 1e4])}
    np.testing.assert_array_equal(
        evaluate(applied(entry_named("mirror_descent").function).point, given), [1.0, 0.0])


def test_a_scalar_equation_is_solved_by_sympy(rng: np.random.Generator) -> None:
    x, y = md.tensor("x", "d", assume="positive"), md.tensor("y", "d")
    found = root(md.log(x) - y, x, y)
    at = rng.normal(size=3)
    np.testing.assert_allclose(md.compile(found)(y=at), np.exp(at), rtol=1e-14)


def spectral_radius(A: Any, eta: float, beta: float) -> float:
    """Of the iteration of the derived heavy ball on a quadratic with that Hessian."""
    update = applied(entry_named("momentum").function)
    d = len(A)
    columns = []
    for e in np.eye(2 * d):
        given = {"theta": e[:d], "v": e[d:], "g": A @ e[:d], "eta": eta, "beta": beta}
        columns.append(np.concatenate([evaluate(update.point, given),
                                       evaluate(update.states["v"], given)]))
    return float(np.abs(np.linalg.eigvals(np.array(columns).T)).max())


def test_the_rates_on_quadratics(rng: np.random.Generator) -> None:
    """The contraction factors of the book, and that no other step or momentum is better."""
    basis = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    low, high = 0.5, 8.0
    A = basis @ np.diag([low, 1.0, 3.0, high]) @ basis.T
    best = spectral_radius(A, 2 / (low + high), 0.0)
    assert best == pytest.approx((high - low) / (high + low), rel=1e-9)
    roots = np.sqrt(low), np.sqrt(high)
    eta, rho = 4 / sum(roots) ** 2, (roots[1] - roots[0]) / sum(roots)
    heavy = spectral_radius(A, eta, rho**2)
    assert heavy == pytest.approx(rho, abs=1e-6)  # a double root: accurate to half the digits
    for scale in (0.9, 1.1):
        assert spectral_radius(A, scale * 2 / (low + high), 0.0) > best
        assert spectral_radius(A, scale * eta, rho**2) > heavy
        assert spectral_radius(A, eta, scale * rho**2) > heavy
