"""Families against SciPy: densities, moments, entropies; information, estimates, samples."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pytest
from evaluated import compiled, value
from families_table import FAMILIES, SCALARS, Family
from scipy import integrate, stats

import mathdl as md

D = md.distributions


def observed(x: Any) -> Any:
    return md.tensor("x", *np.shape(x))


def of_one(one: Family, expr: Any) -> Callable[[Any], float]:
    """An expression as a function of one observation."""
    function = compiled(expr)
    return lambda x: float(function({**one.parameters, "x": x}))


def expectation(one: Family, function: Any) -> float:
    """Of a function of one observation: by summation, or by quadrature over the bulk."""
    if one.support is not None:
        return sum(function(x) * np.exp(one.scipy.logpmf(x)) for x in one.support)
    low, high = one.scipy.ppf([1e-14, 1 - 1e-14])
    points = one.scipy.ppf([0.01, 0.25, 0.5, 0.75, 0.99])  # the middle is Laplace's kink
    return integrate.quad(lambda x: function(x) * one.scipy.pdf(x), low, high, points=points,
                          limit=300)[0]


@pytest.mark.parametrize("name", FAMILIES)
def test_log_density(name: str) -> None:
    one = FAMILIES[name]
    found = one.value(one.made().log_density(observed(one.x)), x=one.x)
    scipy = one.scipy.logpmf if hasattr(one.scipy, "logpmf") else one.scipy.logpdf
    expected = [float(scipy(row)) for row in one.x]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", FAMILIES)
def test_moments(name: str) -> None:
    one = FAMILIES[name]
    made = one.made()
    if name == "categorical":
        mean, variance = one.scipy.mean(), np.diag(one.scipy.cov())
    elif name in ("diagonal_normal", "multivariate_normal"):
        mean, variance = one.scipy.mean, np.diag(one.scipy.cov)
    elif name == "von_mises":
        mean, variance = one.scipy.mean(), 1 - expectation(one, lambda x: np.cos(x - 0.3))
    else:
        mean, variance = one.scipy.mean(), one.scipy.var()
    np.testing.assert_allclose(one.value(made.mean), mean, rtol=1e-12)
    np.testing.assert_allclose(one.value(made.variance), variance, rtol=1e-12)


@pytest.mark.parametrize("name", sorted(FAMILIES.keys() - {"binomial", "poisson"}))
def test_entropy(name: str) -> None:
    one = FAMILIES[name]
    assert one.value(one.made().entropy) == pytest.approx(float(one.scipy.entropy()), rel=1e-10)


@pytest.mark.parametrize("name", sorted(SCALARS.keys() - {"laplace", "student_t"}))
def test_fisher_information_is_the_expected_observed_one(name: str) -> None:
    """Blocks that are not stated are zero.  Not where the second derivative is a delta, nor
    Student's t, which takes long to derive twice: the next test has both.
    """
    one = SCALARS[name]
    made = one.made()
    x = md.tensor("x")
    stated = made.fisher_information()
    blocks = made.observed_information(x)
    assert set(stated) <= set(blocks)
    for key, block in blocks.items():
        expected = one.value(stated[key]) if key in stated else 0
        found = expectation(one, of_one(one, block))
        assert found == pytest.approx(float(expected), rel=1e-7, abs=1e-8), key


@pytest.mark.parametrize("name", SCALARS)
def test_the_score_has_mean_zero_and_the_information_as_covariance(name: str) -> None:
    one = SCALARS[name]
    made = one.made()
    stated = made.fisher_information()
    scores = {key: of_one(one, score) for key, score in made.score(md.tensor("x")).items()}
    for (a, first), (b, second) in combinations_with_replacement(scores.items(), 2):
        product = expectation(one, lambda x, f=first, g=second: f(x) * g(x))
        block = stated.get(a if a == b else f"{a},{b}")
        expected = one.value(block) if block is not None else 0
        assert product == pytest.approx(float(expected), rel=1e-6, abs=1e-7), (a, b)
    for score in scores.values():
        assert expectation(one, score) == pytest.approx(0, abs=1e-7)


def test_information_of_categorical_and_dirichlet() -> None:
    """The one is a sum over classes, the other the same at all observations."""
    one = FAMILIES["categorical"]
    p = one.parameters["p"]
    blocks = one.made().observed_information(md.tensor("x", 1, 3))
    at = [one.value(blocks["p"], x=row[None]) for row in one.x[[0, 1, 2]]]
    order = np.argmax(one.x[[0, 1, 2]], axis=1)
    expected = sum(p[k] * a for k, a in zip(order, at, strict=True))
    np.testing.assert_allclose(one.value(one.made().fisher_information()["p"]), expected)
    one = FAMILIES["dirichlet"]
    blocks = one.made().observed_information(md.tensor("x", 1, 3))
    np.testing.assert_allclose(one.value(one.made().fisher_information()["alpha"]),
                               one.value(blocks["alpha"], x=one.x[:1]))


@pytest.mark.parametrize("name", ["diagonal_normal", "multivariate_normal"])
def test_information_of_normal_vectors_is_the_covariance_of_the_score(name: str) -> None:
    """Gauss-Hermite quadrature is exact: the products of scores are polynomials of degree 4."""
    one = FAMILIES[name]
    made = one.made()
    nodes, weights = np.polynomial.hermite_e.hermegauss(4)
    grid = np.stack(np.meshgrid(nodes, nodes, nodes), axis=-1).reshape(-1, 3)
    weight = np.prod(np.stack(np.meshgrid(weights, weights, weights), -1).reshape(-1, 3), axis=1)
    points = one.parameters["mu"] + grid @ np.linalg.cholesky(one.scipy.cov).T
    for key, stated in made.fisher_information().items():
        score = compiled(made.score(md.tensor("x", 3))[key])
        scores = np.array([np.ravel(score({**one.parameters, "x": row})) for row in points])
        found = (scores.T * weight) @ scores / weight.sum()
        stated = np.reshape(one.value(stated), found.shape)
        np.testing.assert_allclose(stated, found, rtol=1e-9, atol=1e-10)


# Each with observations; where the maximum is on a simplex its score is the same for all classes.
FITTED = ["bernoulli", "binomial", "poisson", "geometric", "exponential", "log_normal", "normal",
          "categorical", "diagonal_normal", "multivariate_normal"]


@pytest.mark.parametrize("name", FITTED)
def test_the_score_vanishes_at_the_estimate(name: str) -> None:
    one = FAMILIES[name]
    x = observed(one.x)
    extra = {"trials": 5} if name == "binomial" else {}
    fitted = one.cls.fit(x, **extra)
    estimate = {k: value(getattr(fitted, k), {"x": one.x})
                for k in one.parameters if k not in extra}
    for key, score in one.made().score(x).items():
        at = value(score, {**estimate, "x": one.x})
        if name == "categorical":
            at = at - np.mean(at)
        scale = np.abs(value(score, {**one.parameters, "x": one.x})).max()
        assert np.abs(at).max() < 1e-12 * (10 + scale), key


@pytest.mark.parametrize("name", ["gamma", "beta", "dirichlet", "student_t", "laplace",
                                  "von_mises"])
def test_no_estimate_in_closed_form(name: str) -> None:
    with pytest.raises(md.UnsupportedError, match=r"maximum-likelihood .* no closed form"):
        FAMILIES[name].cls.fit(observed(FAMILIES[name].x))


def test_other_things_without_a_closed_form() -> None:
    with pytest.raises(md.UnsupportedError, match="entropy of Poisson"):
        _ = FAMILIES["poisson"].made().entropy


@pytest.mark.parametrize("name", ["exponential", "log_normal", "normal", "laplace"])
def test_samples_of_noise(name: str) -> None:
    """A sample at a quantile of the noise is that quantile of the family."""
    one = SCALARS[name]
    levels = np.array([0.01, 0.3, 0.5, 0.77, 0.999])
    noise = stats.norm.ppf(levels) if one.cls.noise == "normal" else levels
    found = one.value(one.made().sample(md.tensor("noise", 5)), noise=noise)
    np.testing.assert_allclose(found, one.scipy.ppf(levels), rtol=1e-9)


def test_samples_of_classes_and_counts() -> None:
    p, levels = np.array([0.2, 0.5, 0.3]), np.array([0.0, 0.1, 0.2, 0.69, 0.7, 1 - 1e-16])
    noise = md.tensor("noise", 6)
    rows = value(D.Categorical(md.tensor("p", 3)).sample(noise), {"p": p, "noise": levels})
    np.testing.assert_array_equal(rows, np.eye(3)[np.searchsorted([0.2, 0.7], levels, "right")])
    ones = value(D.Bernoulli(md.tensor("p")).sample(noise), {"p": 0.2, "noise": levels})
    np.testing.assert_array_equal(ones, [1, 1, 0, 0, 0, 0])
    trials = levels.reshape(2, 3)
    counts = value(D.Binomial(3, md.tensor("p")).sample(md.tensor("noise", 2, 3)),
                   {"p": 0.2, "noise": trials})
    np.testing.assert_array_equal(counts, [2, 0])
    made = D.NormalMixture(*(md.tensor(name, 3) for name in ("w", "mu", "sigma")))
    at = {"w": p, "mu": np.array([-1.0, 0.0, 5.0]), "sigma": np.array([0.5, 1.0, 2.0]),
          "noise": levels, "z": np.arange(6.0)}
    np.testing.assert_allclose(value(made.sample((noise, md.tensor("z", 6))), at),
                               rows @ at["mu"] + rows @ at["sigma"] * at["z"])


@pytest.mark.parametrize("name", ["diagonal_normal", "multivariate_normal"])
def test_samples_of_vectors_have_the_covariance(name: str) -> None:
    """They are affine in the noise: ``mu + noise J`` with ``J'J`` the covariance."""
    one = FAMILIES[name]
    noise = np.vstack([np.zeros(3), np.eye(3)])
    found = one.value(one.made().sample(md.tensor("noise", 4, 3)), noise=noise)
    np.testing.assert_allclose(found[0], one.parameters["mu"])
    jacobian = found[1:] - found[0]
    np.testing.assert_allclose(jacobian.T @ jacobian, one.scipy.cov, atol=1e-14)


def test_a_mixture() -> None:
    w, mu, sigma = np.array([0.2, 0.5, 0.3]), np.array([-1.0, 0.5, 3.0]), np.array([0.5, 1., 2.])
    made = D.NormalMixture(md.tensor("w", 3), md.tensor("mu", 3), md.tensor("sigma", 3))
    x = np.linspace(-3, 5, 9)
    joint = w * stats.norm.pdf(x[:, None], mu, sigma)
    at = {"w": w, "mu": mu, "sigma": sigma, "x": x}
    np.testing.assert_allclose(value(made.log_density(observed(x)), at), np.log(joint.sum(1)))
    np.testing.assert_allclose(value(made.responsibilities(observed(x)), at),
                               joint / joint.sum(1, keepdims=True))
    mean = value(made.mean, at)
    assert mean == pytest.approx(w @ mu)
    assert value(made.variance, at) == pytest.approx(w @ (sigma**2 + mu**2) - mean**2)
    # EM's fixed point is where the score is zero: Bishop, eq. 9.16
    score = value(made.score(observed(x))["mu"], at)
    share = joint / joint.sum(1, keepdims=True)
    np.testing.assert_allclose(score, (share * (x[:, None] - mu) / sigma**2).sum(0))


@pytest.mark.parametrize("order", [1, 2])
def test_moments_of_directions(order: int) -> None:
    one = FAMILIES["von_mises"]
    for found, wave in zip(one.made().moment(order), (np.cos, np.sin), strict=True):
        expected = expectation(one, lambda x, f=wave: f(order * x))
        assert one.value(found) == pytest.approx(expected, rel=1e-10)
    with pytest.raises(md.UnsupportedError, match="moment of order 3"):
        one.made().moment(3)


@pytest.mark.parametrize("kappa", [0.0, 1e-9, 1e3, 1e6, 1e9])
def test_concentration_at_its_extremes(kappa: float) -> None:
    """Far out it is the normal distribution of precision ``kappa``."""
    made = D.VonMises(md.tensor("mu"), md.tensor("kappa"))
    at = {"mu": 0.2, "kappa": kappa}
    x = 0.2 + np.array([-0.5, 1.0]) / np.sqrt(max(kappa, 1))
    found = value(made.log_density(observed(x)), {**at, "x": x})
    expected = stats.vonmises(kappa, 0.2).logpdf(x) if kappa else np.full(2, -np.log(2 * np.pi))
    np.testing.assert_allclose(found, expected, atol=1e-15 * kappa + 1e-14)
    information = {k: value(b, at) for k, b in made.fisher_information().items()}
    if kappa > 1:
        assert information["mu"] == pytest.approx(kappa, rel=2 / kappa)
        assert information["kappa"] * 2 * kappa**2 == pytest.approx(1, rel=2 / kappa)
    else:
        assert information == pytest.approx({"mu": 0, "kappa": 0.5}, abs=1e-12)


@pytest.mark.parametrize("mu", [0.3, -2.9])
def test_the_direction_of_the_greatest_likelihood(mu: float) -> None:
    x = np.array([-0.4, 0.1, 0.9, 1.3]) + mu
    direction, length = (value(e, {"x": x}) for e in D.VonMises.fit_direction(observed(x)))
    mean = np.exp(1j * x).mean()
    assert (direction, length) == pytest.approx((np.angle(mean), abs(mean)))
    made = D.VonMises(md.tensor("mu"), 2.0)
    assert value(made.score(observed(x))["mu"], {"x": x, "mu": direction}) == pytest.approx(0)


def test_scores_read_as_in_the_books() -> None:
    n, d = md.dims("n d")
    made = D.MultivariateNormal(md.tensor("mu", d),
                                md.tensor("Sigma", d, d, assume="positive_definite"))
    derived = md.derive(made.log_likelihood(md.tensor("x", n, d)), "Sigma")
    assert derived.text() == (
        "dL/dSigma = (inv(Sigma) @ ((x - mu).T @ (x - mu)) @ inv(Sigma) - n*inv(Sigma))/2"
    )
