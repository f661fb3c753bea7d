"""Posteriors derived by matching the likelihood to the prior's statistics, and what is refused."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from evaluated import value
from families_table import FAMILIES

import mathdl as md
from mathdl.catalogue.distributions import conjugate

D = md.distributions
T = md.tensor
N, C, K = md.dims("n c k")
A, B, R, S = (T(name, assume="positive") for name in ("a", "b", "r", "s"))
M, M0, S0 = T("m"), T("m0"), T("s0", assume="positive")
P, X = T("p", assume="unit_interval"), T("x", N)
THETA, ALPHA = T("theta", K), T("alpha", C, assume="positive")
MANY = T("p", C, assume="unit_interval")
SIMPLEX = T("q", C, assume="probability_vector")
COVARIANCE, NOISE = (T(name, K, K, assume="positive_definite") for name in ("V", "W"))
BETA, GAMMA, NORMAL = D.Beta(A, B), D.Gamma(A, B), D.Normal(M0, S0)
VECTOR = D.MultivariateNormal(T("mu0", K), COVARIANCE)

PAIRS: dict[str, tuple[Any, Any, Any, dict[str, str]]] = {
    "bernoulli": (BETA, P, D.Bernoulli(P).log_likelihood(X),
                  {"alpha": "sum(x) + a", "beta": "b + n - sum(x)"}),
    "several bernoullis": (D.Beta(ALPHA, B), MANY, D.Bernoulli(MANY).log_likelihood(T("x", N, C)),
                           {"alpha": "sum(x, axis=0) + alpha", "beta": "b + n - sum(x, axis=0)"}),
    "binomial": (BETA, P, D.Binomial(T("trials"), P).log_likelihood(X),
                 {"alpha": "sum(x) + a", "beta": "b + n*trials - sum(x)"}),
    "geometric": (BETA, P, D.Geometric(P).log_likelihood(X),
                  {"alpha": "a + n", "beta": "sum(x) + b - n"}),
    "poisson": (GAMMA, R, D.Poisson(R).log_likelihood(X),
                {"alpha": "sum(x) + a", "beta": "b + n"}),
    "exponential": (GAMMA, R, D.Exponential(R).log_likelihood(X),
                    {"alpha": "a + n", "beta": "sum(x) + b"}),
    "gamma": (GAMMA, R, D.Gamma(S, R).log_likelihood(X),
              {"alpha": "a + n*s", "beta": "sum(x) + b"}),
    "normal precision": (GAMMA, R, D.Normal(M, 1 / md.sqrt(R)).log_likelihood(X),
                         {"alpha": "a + n/2", "beta": "sum((x - m)**2)/2 + b"}),
    "normal mean": (NORMAL, M, D.Normal(M, S).log_likelihood(X),
                    {"mu": "(sum(x)*s0**2 + m0*s**2)/(s**2 + n*s0**2)",
                     "sigma": "sqrt(1/(n/s**2 + 1/s0**2))"}),
    "categorical": (D.Dirichlet(ALPHA), SIMPLEX,
                    D.Categorical(SIMPLEX).log_likelihood(T("x", N, C, assume="one_hot")),
                    {"alpha": "sum(x, axis=0) + alpha"}),
    "multinomial": (D.Dirichlet(ALPHA), SIMPLEX, md.sum(T("x", C) * md.log(SIMPLEX)),
                    {"alpha": "alpha + x"}),
    "normal vector": (VECTOR, THETA,
                      D.MultivariateNormal(THETA, NOISE).log_likelihood(T("x", N, K)),
                      {"Sigma": "inv(inv(V) + n*inv(W))"}),
    "linear regression": (VECTOR, THETA, D.Normal(T("A", N, K) @ THETA, S).log_likelihood(X),
                          {"Sigma": "inv(A.T @ A/s**2 + inv(V))"}),
}


@cache
def posterior_of(name: str) -> Any:
    prior, unknown, likelihood, _ = PAIRS[name]
    return D.posterior(prior, unknown, likelihood)


@pytest.mark.parametrize("name", PAIRS)
def test_posteriors_read_as_in_the_books(name: str) -> None:
    prior, _, _, expected = PAIRS[name]
    found = posterior_of(name)
    assert type(found) is type(prior)
    assert {key: str(getattr(found, key)) for key in expected} == expected


VALUES: dict[str, Any] = {
    "a": 2.5, "b": 1.3, "r": 0.9, "s": 1.4, "m": 0.3, "m0": -0.4, "s0": 2.2, "p": 0.37,
    "trials": 5.0, "mu0": [0.4, -0.6], "theta": [0.7, 0.2], "alpha": [0.7, 2.0, 1.1],
    "q": [0.2, 0.5, 0.3], "V": [[2.0, 0.3], [0.3, 1.0]], "W": [[0.5, -0.1], [-0.1, 0.8]],
    "A": [[1.0, 0.5], [-0.3, 2.0], [0.2, 0.1], [1.5, -1.0]],
}
OBSERVED = {"several bernoullis": np.array([[1.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
            "categorical": np.eye(3)[[0, 2, 1, 2]], "multinomial": np.array([2.0, 0.0, 3.0]),
            "normal vector": np.array([[1.0, 2.0], [0.5, -1.0], [0.0, 0.3], [2.0, 1.0]])}


@pytest.mark.parametrize("name", PAIRS)
def test_log_posterior_is_log_prior_plus_log_likelihood(name: str) -> None:
    """The slopes by the unknown agree, of the density of the posterior too."""
    prior, unknown, likelihood, _ = PAIRS[name]
    found = posterior_of(name)
    change = md.sum(found.log_density(unknown) - prior.log_density(unknown))
    arrays = {**{k: np.array(v) for k, v in VALUES.items()},
              "x": OBSERVED.get(name, np.array([2.0, 1.0, 3.0, 1.0]))}
    arrays["p"] = np.array([0.3, 0.6, 0.1]) if unknown is MANY else arrays["p"]
    slopes = [value(md.derive(e, unknown)[unknown], arrays) for e in (change, likelihood)]
    np.testing.assert_allclose(*slopes, rtol=1e-9)


NOT_CONJUGATE = {
    "poisson of a log-rate": (NORMAL, M, D.Poisson(md.exp(M)).log_likelihood(X)),
    "bernoulli and gamma": (GAMMA, P, D.Bernoulli(P).log_likelihood(X)),
    "poisson and beta": (BETA, P, D.Poisson(P).log_likelihood(X)),
    "kink": (NORMAL, M, D.Laplace(M, S).log_likelihood(X)),
    "jump": (NORMAL, M, md.sum(md.where(M < X, M, 0))),
    "greatest": (NORMAL, M, md.max(X * M)),
    "root of a square": (NORMAL, M, -md.sum(md.sqrt((T("y", N, assume="positive") - M) ** 2))),
    "angle": (NORMAL, M, md.sum(md.arccos(md.cos(M - X)))),
    "correlated": (D.DiagonalNormal(T("mu0", K), T("s0", K, assume="positive")), THETA,
                   D.MultivariateNormal(THETA, NOISE).log_likelihood(T("x", N, K))),
    "logistic": (VECTOR, THETA, md.sum(md.log_sigmoid(T("A", N, K) @ THETA))),
    "cubic": (NORMAL, M, -md.sum((X - M) ** 2) + M**3 / 1000),
}


@pytest.mark.parametrize("name", NOT_CONJUGATE)
def test_what_is_not_conjugate_is_refused(name: str) -> None:
    prior, unknown, likelihood = NOT_CONJUGATE[name]
    message = f"{type(prior).__name__} is not shown to be conjugate .* no combination of"
    with pytest.raises(md.UnsupportedError, match=message):
        D.posterior(prior, unknown, likelihood)


def test_the_likelihood_is_one_number() -> None:
    with pytest.raises(md.ShapeError, match=r"scalar, not of shape \(n,\)"):
        D.posterior(BETA, P, D.Bernoulli(P).log_density(X))


def test_the_prior_does_not_read_the_unknown() -> None:
    with pytest.raises(md.NamingError, match="the prior of m reads m"):
        D.posterior(D.Normal(M, S), M, md.sum(X * M))


def test_the_prior_is_of_an_exponential_family() -> None:
    with pytest.raises(md.UnsupportedError, match="StudentT is no exponential family"):
        D.posterior(D.StudentT(A, M0, S), M, md.sum(X * M))


def test_names_that_are_used_inside_may_be_used_outside() -> None:
    names = [T("coefficient0"), T("unknown", assume="positive"), T("eta1", assume="positive")]
    found = D.posterior(D.Normal(names[0], names[1]), M, D.Normal(M, names[2]).log_likelihood(X))
    assert found.mu.ndim == 0
    assert str(found.sigma) == "sqrt(1/(n/eta1**2 + 1/unknown**2))"
    known = D.normal_normal(NORMAL, X, T("unknown"))
    assert str(known.sigma) == "sqrt(1/(1/s0**2 + n/unknown**2))"


def test_coefficients_that_do_not_fit_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong solution of the conditions is refused by the proof."""
    solved = conjugate.in_turn
    monkeypatch.setattr(conjugate, "in_turn", lambda conditions, unknowns: {
        u: found + 1 for u, found in solved(conditions, unknowns).items()})
    with pytest.raises(md.UnsupportedError, match="not shown to be conjugate"):
        D.posterior(*PAIRS["poisson"][:3])


def test_an_observation_says_nothing_of_what_it_does_not_read() -> None:
    assert D.posterior(NORMAL, M, md.sum(X)) == NORMAL


def test_a_spread_far_from_zero_keeps_its_digits() -> None:
    x = 1e8 + np.arange(4.0)
    found = D.normal_gamma(D.NormalGamma(M0, A, B, R), X)
    at = {"x": x, "m0": 1e8, "a": 1.7, "b": 2.3, "r": 1.2}
    shift = 1.7 * 4 * 1.5**2 / 5.7
    assert value(found.beta, at) == pytest.approx(1.2 + (4 * 1.25 + shift) / 2, rel=1e-14)
    assert value(found.mu, at) - 1e8 == pytest.approx(6 / 5.7, rel=1e-7)


NATURAL = sorted(k for k, f in FAMILIES.items()
                 if issubclass(f.cls, D.ExponentialFamily) and k != "von_mises")


@pytest.mark.parametrize("name", NATURAL)
def test_the_member_of_its_natural_parameters_is_itself(name: str) -> None:
    one = FAMILIES[name]
    made = one.made()
    known = {"trials": made.trials} if name == "binomial" else {}
    again = type(made).of_natural(*made.natural, **known)
    for key, expected in one.parameters.items():
        np.testing.assert_allclose(one.value(getattr(again, key)), expected, rtol=1e-12)


def test_classes_of_natural_parameters_that_are_no_logarithms_of_probabilities() -> None:
    assert str(D.Categorical.of_natural(T("eta", C)).p) == "softmax(eta)"


def test_no_member_in_closed_form() -> None:
    with pytest.raises(md.UnsupportedError, match="given natural parameters of VonMises"):
        D.VonMises.of_natural(T("u"), T("v"))


def test_a_pair_is_asked_for_by_name() -> None:
    names = ("m", "kappa", "alpha", "beta", "r")
    m, kappa, alpha, beta, r = (md.tensor(name, assume="positive") for name in names)
    counts = md.distributions.Poisson(r).log_likelihood(md.tensor("counts", "n"))
    with pytest.raises(md.ShapeError, match="a mean and a precision"):
        md.distributions.posterior(md.distributions.NormalGamma(m, kappa, alpha, beta), r, counts)
