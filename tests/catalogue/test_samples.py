"""Samples of noise: their distribution, and the derivatives that are those of expectations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from evaluated import value
from families_table import FAMILIES, SCALARS
from scipy import stats

import mathdl as md

D = md.distributions
DRAWS, TRIES = 10_000, 12
#: Axes of the noise behind those of the sample, for what is no number a number.
AXES: dict[str, tuple[int, ...]] = {
    "gamma": (TRIES,), "student_t": (TRIES,), "beta": (2, TRIES), "dirichlet": (3, TRIES),
    "von_mises": (3, 2 * TRIES), "poisson": (25,), "geometric": (60,), "binomial": (5,),
    "multivariate_normal": (3,), "diagonal_normal": (3,), "normal_gamma": (TRIES,),
}


def sampled(family: Any, name: str, parameters: Mapping[str, Any], draws: int, seed: int) -> Any:
    """The sample as an expression, and the arrays of its noise."""
    rng = np.random.default_rng(seed)
    shape = (draws, *AXES.get(name, ()))
    arrays = {"normal": rng.normal(size=shape), "uniform": rng.random(shape)}
    inputs = {k: md.tensor(k, *shape) for k in arrays}
    pair = tuple(inputs[k] for k in family.noise.split(" and "))
    return family(**parameters).sample(pair if len(pair) > 1 else pair[0]), arrays


CONTINUOUS = sorted(SCALARS.keys() - {"bernoulli", "binomial", "poisson", "geometric"})


@pytest.mark.parametrize("name", CONTINUOUS)
def test_samples_of_numbers_follow_their_distribution(name: str) -> None:
    one = SCALARS[name]
    made = {k: md.tensor(k) for k in one.parameters}
    sample, noise = sampled(one.cls, name, made, DRAWS, seed=5)
    assert stats.kstest(one.value(sample, **noise), one.scipy.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", ["binomial", "poisson", "geometric"])
def test_samples_of_counts_follow_their_distribution(name: str) -> None:
    one = SCALARS[name]
    made = {k: md.tensor(k) if k != "trials" else 5 for k in one.parameters}
    sample, noise = sampled(one.cls, name, made, DRAWS, seed=6)
    counts = one.value(sample, **noise)
    support = one.support[one.scipy.pmf(one.support) * DRAWS > 5]
    found = [np.sum(counts == k) for k in support]
    expected = one.scipy.pmf(support) * DRAWS
    rest = DRAWS - np.sum(found), DRAWS - expected.sum()
    assert stats.chisquare([*found, rest[0]], [*expected, rest[1]]).pvalue > 1e-3


def test_samples_of_shares_follow_dirichlet() -> None:
    """Each is beta, and their covariances are Dirichlet's."""
    one = FAMILIES["dirichlet"]
    alpha = one.parameters["alpha"]
    sample, noise = sampled(D.Dirichlet, "dirichlet", {"alpha": md.tensor("alpha", 3)}, DRAWS, 7)
    shares = one.value(sample, **noise)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
    for k in range(3):
        law = stats.beta(alpha[k], alpha.sum() - alpha[k])
        assert stats.kstest(shares[:, k], law.cdf).pvalue > 1e-3
    np.testing.assert_allclose(np.cov(shares.T), one.scipy.cov(), atol=0.004)


@pytest.mark.parametrize(("family", "parameters", "law"), [
    (D.Gamma, {"alpha": 0.05, "beta": 2.0}, stats.gamma(0.05, scale=0.5)),
    (D.Gamma, {"alpha": 1e4, "beta": 3.0}, stats.gamma(1e4, scale=1 / 3)),
    (D.Beta, {"alpha": 0.1, "beta": 0.2}, stats.beta(0.1, 0.2)),
    (D.StudentT, {"nu": 0.7, "mu": 1.0, "sigma": 2.0}, stats.t(0.7, 1, 2)),
    (D.VonMises, {"mu": 0.0, "kappa": 0.0}, stats.uniform(-np.pi, 2 * np.pi)),
    (D.VonMises, {"mu": 0.0, "kappa": 1e8}, stats.norm(0, 1e-4)),
])
def test_samples_at_the_ends_of_the_parameters(family: Any, parameters: Any, law: Any) -> None:
    name = {D.Gamma: "gamma", D.Beta: "beta", D.StudentT: "student_t"}.get(family, "von_mises")
    made = {k: md.tensor(k) for k in parameters}
    sample, noise = sampled(family, name, made, DRAWS, seed=8)
    assert stats.kstest(value(sample, {**parameters, **noise}), law.cdf).pvalue > 1e-3


def test_a_sample_of_mean_and_precision() -> None:
    at = {"mu": 0.4, "kappa": 1.7, "alpha": 2.3, "beta": 1.2}
    made = {k: md.tensor(k) for k in at}
    (mean, precision), noise = sampled(D.NormalGamma, "normal_gamma", made, DRAWS, seed=9)
    found, spread = value(mean, {**at, **noise}), value(precision, {**at, **noise})
    assert stats.kstest(spread, stats.gamma(2.3, scale=1 / 1.2).cdf).pvalue > 1e-3
    standard = (found - 0.4) * np.sqrt(1.7 * spread)
    assert stats.kstest(standard, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(standard, spread)[0, 1]) < 0.03


def test_noise_that_does_not_suffice_is_seen() -> None:
    """Counts beyond it are infinite; a sample of which all tries fail is not a number."""
    noise = md.tensor("u", 2, 3)
    u = np.array([[0.9, 0.95, 0.99], [0.1, 0.1, 0.9]])
    with np.errstate(divide="ignore", invalid="ignore"):
        counts = value(D.Poisson(md.tensor("rate")).sample(noise), {"rate": 3.0, "u": 1 - u})
        trials = value(D.Geometric(md.tensor("p")).sample(noise), {"p": 0.5, "u": u})
        normal = md.tensor("z", 2, 3)
        z = np.array([[0.0, 0.1, 0.2], [0.0, -9.0, -9.0]])
        found = value(D.Gamma(md.tensor("alpha"), 1).sample((normal, noise)),
                      {"alpha": 1.0, "z": z, "u": u})
    np.testing.assert_array_equal(counts, [np.inf, 1])
    np.testing.assert_array_equal(trials, [np.inf, 1])
    assert np.isfinite(found[0])
    assert np.isnan(found[1])


def test_parameters_of_many_samples() -> None:
    """They have the axes of the samples, without those of the noise."""
    rng = np.random.default_rng(0)
    u, z = md.tensor("u", 4, 9), md.tensor("z", 4, 9)
    at = {"a": rng.uniform(1, 2, 4), "u": rng.random((4, 9)), "z": rng.normal(size=(4, 9))}
    many, one = md.tensor("a", 4), md.tensor("a")
    for family in (D.Poisson, lambda a: D.Gamma(a, 1), lambda a: D.Geometric(a / 2)):
        noise = (z, u) if isinstance(family(one), D.Gamma) else u
        found = value(family(many).sample(noise), at)
        for k in range(4):
            alone = value(family(one).sample(noise), {**at, "a": at["a"][k]})
            assert found[k] == alone[k]


PATHWISE = [(name, key) for name in CONTINUOUS for key in SCALARS[name].cls.pathwise]


@pytest.mark.parametrize(("name", "key"), PATHWISE)
def test_reparametrised_samples_have_the_derivative_of_an_expectation(name: str, key: str) -> None:
    """Of ``tanh(x)``: the mean derivative against the difference of means, by quadrature."""
    one = SCALARS[name]
    made = {k: md.tensor(k) for k in one.parameters}
    sample, noise = sampled(one.cls, name, made, DRAWS, seed=10)
    slope = md.derive(md.mean(md.tanh(sample)), key)[key]
    found = one.value(slope, **noise)

    def expected(at: float) -> float:
        there = {**one.parameters, key: at}
        grid = there["mu"] + GRIDS[name] if name == "von_mises" else GRIDS.get(name, POSITIVE)
        values = np.exp(value(one.made().log_density(md.tensor("x", len(grid))),
                              {**there, "x": grid}))
        return float(np.trapezoid(np.tanh(grid) * values, grid))

    at, h = one.parameters[key], 1e-3
    assert found == pytest.approx((expected(at + h) - expected(at - h)) / (2 * h), abs=0.01)


POSITIVE, REAL = np.linspace(1e-6, 60, 400_001), np.linspace(-200, 200, 400_001)
GRIDS = {"von_mises": np.linspace(-np.pi, np.pi, 10_001),
         **dict.fromkeys(("normal", "laplace", "student_t"), REAL)}
