"""Exponential families: densities, cumulants from the log-partition; conjugate posteriors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evaluated import compiled, value
from families_table import FAMILIES, Family, P
from scipy import stats

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


def beta_binomial(x: Any, theta: Any, p: dict[str, Any]) -> tuple[Any, Any, Any]:
    prior = D.Beta(p["alpha"], p["beta"])
    return prior, D.beta_binomial(prior, x, 5), D.Binomial(5, theta)


def gamma_exponential(x: Any, theta: Any, p: dict[str, Any]) -> tuple[Any, Any, Any]:
    prior = D.Gamma(p["alpha"], p["beta"])
    return prior, D.gamma_exponential(prior, x), D.Exponential(theta)


def linear_normal(x: Any, theta: Any, p: dict[str, Any]) -> tuple[Any, Any, Any]:
    spread, noise = (md.tensor(s, 2, 2, assume="positive_definite") for s in ("S", "N"))
    prior = D.MultivariateNormal(p["m"], spread)
    model = D.MultivariateNormal(p["A"] @ theta, noise)
    return prior, D.linear_normal(prior, p["A"], x, noise), model


def normal_normal(x: Any, theta: Any, p: dict[str, Any]) -> tuple[Any, Any, Any]:
    prior = D.Normal(p["mu0"], p["sigma0"])
    return prior, D.normal_normal(prior, x, p["sigma"]), D.Normal(theta, p["sigma"])


def dirichlet_categorical(x: Any, theta: Any, p: dict[str, Any]) -> tuple[Any, Any, Any]:
    prior = D.Dirichlet(p["alpha"])
    return prior, D.dirichlet_categorical(prior, x), D.Categorical(theta)


CONJUGATE = {
    "beta_bernoulli": (beta_bernoulli, X, 0.37, PAIR),
    "gamma_poisson": (gamma_poisson, COUNTS, 1.9, PAIR),
    "beta_binomial": (beta_binomial, COUNTS, 0.37, PAIR),
    "gamma_exponential": (gamma_exponential, COUNTS, 1.9, PAIR),
    "linear_normal": (linear_normal, np.array([0.3, -1.1]), np.array([0.7, 0.2]),
                      {"m": np.array([0.4, -0.6]), "A": np.array([[1.0, 0.5], [-0.3, 2.0]]),
                       "S": np.array([[2.0, 0.3], [0.3, 1.0]]),
                       "N": np.array([[0.5, -0.1], [-0.1, 0.8]])}),
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


NORMAL_GAMMA = {"m": 0.4, "kappa": 1.7, "alpha": 2.3, "beta": 1.2}


def test_mean_and_precision_together() -> None:
    """The posterior of both is prior times likelihood: slopes by both agree."""
    prior = D.NormalGamma(*(md.tensor(k) for k in NORMAL_GAMMA))
    x, mu, tau = md.tensor("x", 4), md.tensor("mu"), md.tensor("tau", assume="positive")
    model = D.Normal(mu, 1 / md.sqrt(tau)).log_likelihood(x)
    change = D.normal_gamma(prior, x).log_density((mu, tau)) - prior.log_density((mu, tau))
    arrays = {**NORMAL_GAMMA, "x": COUNTS, "mu": 0.8, "tau": 1.4}
    for wrt in ("mu", "tau"):
        one, other = (value(md.derive(e, wrt)[wrt], arrays) for e in (change, model))
        assert one == pytest.approx(other, rel=1e-10)


def test_mean_and_precision_as_an_exponential_family() -> None:
    """Density, form, cumulants and entropy against many draws."""
    made = D.NormalGamma(*(md.tensor(k) for k in NORMAL_GAMMA))
    x = md.tensor("mu", "n"), md.tensor("tau", "n", assume="positive")
    rng = np.random.default_rng(2)
    tau = rng.gamma(2.3, 1 / 1.2, DRAWS)
    at = {**NORMAL_GAMMA, "mu": rng.normal(0.4, 1 / np.sqrt(1.7 * tau)), "tau": tau}
    density = value(made.log_density(x), at)
    expected = stats.norm(0.4, 1 / np.sqrt(1.7 * tau)).logpdf(at["mu"])
    np.testing.assert_allclose(density, expected + stats.gamma(2.3, scale=1 / 1.2).logpdf(tau))
    products = [e * t for e, t in zip(made.natural, made.statistic(x), strict=True)]
    form = sum(products, -made.log_partition(*made.natural)) + made.log_base(x)
    np.testing.assert_allclose(value(form, at), density)
    values = {f"eta{k}": float(value(e, at)) for k, e in enumerate(made.natural)}
    for mean, statistic in zip(made.expected_statistic(*map(md.tensor, values)),
                               made.statistic(x), strict=True):
        drawn = value(statistic, at)
        assert value(mean, values) == pytest.approx(
            drawn.mean(), abs=6 * drawn.std() / np.sqrt(DRAWS))
    assert value(made.entropy, at) == pytest.approx(
        -density.mean(), abs=6 * density.std() / np.sqrt(DRAWS))
    for found, drawn in zip(made.mean, (at["mu"], tau), strict=True):
        assert value(found, at) == pytest.approx(drawn.mean(), abs=0.02)
    for found, drawn in zip(made.variance, (at["mu"], tau), strict=True):
        assert value(found, at) == pytest.approx(drawn.var(), rel=0.05)
