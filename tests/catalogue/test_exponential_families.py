"""Exponential families: densities, cumulants from the log-partition; conjugate posteriors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evaluated import compiled, value
from families_table import FAMILIES, Family, P

import mathdl as md

D = md.distributions
EXPONENTIAL = {k: f for k, f in FAMILIES.items() if issubclass(f.cls, D.ExponentialFamily)}


def natural_of(one: Family, made: Any) -> tuple[dict[str, Any], list[Any]]:
    """The natural parameters' values, and inputs for them."""
    values = {f"eta{k}": one.value(eta) for k, eta in enumerate(made.natural)}
    return values, [
        md.tensor(name, *np.shape(v), assume="symmetric" if np.ndim(v) == 2 else ())
        for name, v in values.items()
    ]


def test_all_are_here() -> None:
    assert len(EXPONENTIAL) == len(FAMILIES) - 2  # Laplace and Student's t


@pytest.mark.parametrize("name", EXPONENTIAL)
def test_the_form_is_the_density(name: str) -> None:
    one = EXPONENTIAL[name]
    made = one.made()
    x = md.tensor("x", *one.x.shape[1:])
    products = [md.sum(eta * t) for eta, t in zip(made.natural, made.statistic(x), strict=True)]
    form = sum(products, -made.log_partition(*made.natural)) + made.log_base(x)
    gap = compiled(form - made.log_density(x))
    for row in one.x:
        assert abs(gap({**one.parameters, "x": row})) < 1e-12


@pytest.mark.parametrize("name", EXPONENTIAL)
def test_the_gradient_of_the_log_partition_is_the_mean(name: str) -> None:
    """And its Hessian the covariance, of the statistics of many random observations."""
    one = EXPONENTIAL[name]
    made = one.made()
    values, inputs = natural_of(one, made)
    means = [value(m, values) for m in made.expected_statistic(*inputs)]
    covariances = [[value(c, values) for c in row]
                   for row in made.covariance_of_statistic(*inputs)]
    statistics = [np.asarray(t) for t in draws(one, made)]
    for a, (mean, statistic) in enumerate(zip(means, statistics, strict=True)):
        spread = statistic.std(axis=0) + 1e-3
        assert np.all(np.abs(statistic.mean(axis=0) - mean) < 6 * spread / np.sqrt(DRAWS))
        for b, other in enumerate(statistics):
            flat = [np.reshape(s, (DRAWS, -1)) for s in (statistic, other)]
            centred = [f - f.mean(axis=0) for f in flat]
            found = centred[0].T @ centred[1] / DRAWS
            size = np.outer(centred[0].std(axis=0), centred[1].std(axis=0)) + 1e-3
            stated = np.asarray(covariances[a][b])
            assert np.abs((found - stated.reshape(found.shape)) / size).max() < 0.05


DRAWS = 100_000


def draws(one: Family, made: Any) -> list[Any]:
    """The statistics of many random observations."""
    rng = np.random.default_rng(2)
    if one.cls is D.Categorical:
        x = rng.multinomial(1, P, DRAWS).astype(float)
    else:
        x = one.scipy.rvs(DRAWS, random_state=rng)
    return [one.value(t, x=x) for t in made.statistic(md.tensor("x", *x.shape))]


@pytest.mark.parametrize(
    "name", ["bernoulli", "binomial", "poisson", "geometric", "exponential", "categorical"]
)
def test_moments_from_the_log_partition_are_those_stated(name: str) -> None:
    """Where the statistic is the observation itself."""
    one = EXPONENTIAL[name]
    made = one.made()
    values, inputs = natural_of(one, made)
    (mean,) = made.expected_statistic(*inputs)
    ((covariance,),) = made.covariance_of_statistic(*inputs)
    np.testing.assert_allclose(value(mean, values), one.value(made.mean), rtol=1e-12)
    found = value(covariance, values)
    np.testing.assert_allclose(np.diag(found) if found.ndim else found,
                               one.value(made.variance), rtol=1e-12)


@pytest.mark.parametrize("name", ["gamma", "beta", "dirichlet"])
def test_information_is_the_hessian_of_the_log_partition(name: str) -> None:
    """Up to the sign of a natural parameter that is minus the parameter: in alpha, exactly."""
    one = EXPONENTIAL[name]
    made = one.made()
    values, inputs = natural_of(one, made)
    found = value(made.covariance_of_statistic(*inputs)[0][0], values)
    np.testing.assert_allclose(found, one.value(made.fisher_information()["alpha"]), rtol=1e-12)


def test_the_mean_of_a_class_is_derived_to_be_the_softmax() -> None:
    c = md.dims("c")
    made = D.Categorical(md.tensor("p", c, assume="probability_vector"))
    (mean,) = made.expected_statistic(md.tensor("eta", c))
    assert str(mean) == "softmax(eta)"


# -- Bayes -------------------------------------------------------------------------------------

X = np.array([1.0, 0.0, 1.0, 1.0])
COUNTS = np.array([2.0, 0.0, 5.0, 1.0])
ONE_HOT = np.eye(3)[[0, 2, 1, 2]]
PAIR = {"alpha": 2.5, "beta": 1.3}


def beta_bernoulli(x: Any, theta: Any, p: dict[str, Any]) -> tuple[Any, Any, Any]:
    prior = D.Beta(p["alpha"], p["beta"])
    return prior, D.beta_bernoulli(prior, x), D.Bernoulli(theta)


def gamma_poisson(x: Any, theta: Any, p: dict[str, Any]) -> tuple[Any, Any, Any]:
    prior = D.Gamma(p["alpha"], p["beta"])
    return prior, D.gamma_poisson(prior, x), D.Poisson(theta)


def normal_normal(x: Any, theta: Any, p: dict[str, Any]) -> tuple[Any, Any, Any]:
    prior = D.Normal(p["mu0"], p["sigma0"])
    return prior, D.normal_normal(prior, x, p["sigma"]), D.Normal(theta, p["sigma"])


def dirichlet_categorical(x: Any, theta: Any, p: dict[str, Any]) -> tuple[Any, Any, Any]:
    prior = D.Dirichlet(p["alpha"])
    return prior, D.dirichlet_categorical(prior, x), D.Categorical(theta)


CONJUGATE = {
    "beta_bernoulli": (beta_bernoulli, X, 0.37, PAIR),
    "gamma_poisson": (gamma_poisson, COUNTS, 1.9, PAIR),
    "normal_normal": (normal_normal, COUNTS, 0.4, {"mu0": 0.5, "sigma0": 2.0, "sigma": 1.5}),
    "dirichlet_categorical": (dirichlet_categorical, ONE_HOT, P,
                              {"alpha": np.array([0.7, 2.0, 1.1])}),
}


@pytest.mark.parametrize("name", CONJUGATE)
def test_a_posterior_is_prior_times_likelihood(name: str) -> None:
    """The difference of the logarithms does not depend on the parameter."""
    build, x, theta, parameters = CONJUGATE[name]
    observations = md.tensor("x", *x.shape)
    parameter = md.tensor("theta", *np.shape(theta))
    prior, posterior, model = build(
        observations, parameter, {k: md.tensor(k, *np.shape(v)) for k, v in parameters.items()})
    arrays = {"x": x, "theta": theta, **parameters}
    change = posterior.log_density(parameter) - prior.log_density(parameter)
    likelihood = model.log_likelihood(observations)
    slopes = [value(md.derive(e, "theta")["theta"], arrays) for e in (change, likelihood)]
    np.testing.assert_allclose(*slopes, rtol=1e-10)
    constant = md.derive(change - likelihood, "theta")["theta"]
    np.testing.assert_allclose(value(constant, arrays), np.zeros_like(theta), atol=1e-11)
