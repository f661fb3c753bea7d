"""Textbook exercises in Bayes' rule, estimation and information, against numbers of SciPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from evaluated import value
from scipy import integrate, special, stats

import mathdl as md
from mathdl.catalogue.optimizers.stationary import root, stationary
from mathdl.ir.system import inputs_of

D, I = md.distributions, md.divergences
N = md.dims("n")
X = np.array([0.7, 1.9, 0.4, 2.8, 1.1])
COUNTS = np.array([2.0, 0.0, 5.0, 1.0, 3.0])
AT: dict[str, Any] = {
    "a": 2.5, "b": 1.3, "k": 1.7, "m": 0.35, "s": 1.4, "r": 3.0, "m0": -0.4, "s0": 2.2, "x": X,
    "w": np.array([0.5, 1.5, 2.0, 0.7, 1.2]), "counts": COUNTS, "alpha": [0.7, 2.0, 1.1],
    "p": [0.2, 0.5, 0.3], "q": [0.4, 0.4, 0.2],
}


def t(name: str, assume: str = "", *shape: Any) -> Any:
    return md.tensor(name, *(shape or np.shape(AT.get(name, 0.0))), assume=assume)


a, b, k, s, r, s0 = (t(name, "positive") for name in ("a", "b", "k", "s", "r", "s0"))
m, m0 = t("m"), t("m0")
x, w = t("x", "positive", N), t("w", "positive", N)
counts = t("counts", "counts", N)
rate, chance = t("rate", "positive"), t("chance", "unit_interval")
middle = t("middle")
gamma, beta, normal = D.Gamma(a, b), D.Beta(a, b), D.Normal(m0, s0)

def number(expr: Any, at: dict[str, Any]) -> Any:
    """The expression at these arrays, of five observations where it reads none."""
    reads = {size for one in inputs_of([expr]) for size in one.shape}
    code = md.compile(expr)
    return code(**{k: at[k] for k in code.inputs}, **({} if N in reads else {"n": 5}))


UPDATES: dict[str, tuple[Any, Any, Any, dict[str, float]]] = {
    "Weibull of known shape": (
        gamma, rate, md.sum(md.log(rate) + (k - 1) * md.log(x) - rate * x**k),
        {"alpha": 2.5 + 5, "beta": 1.3 + np.sum(X**1.7)}),
    "Pareto of known minimum": (
        gamma, rate, md.sum(md.log(rate) + rate * md.log(m) - (rate + 1) * md.log(x)),
        {"alpha": 7.5, "beta": 1.3 + np.sum(np.log(X / 0.35))}),
    "Rayleigh": (gamma, rate, md.sum(md.log(rate * x) - rate * x**2 / 2),
                 {"alpha": 7.5, "beta": 1.3 + np.sum(X**2) / 2}),
    "Maxwell": (gamma, rate, md.sum(md.log(rate) * 3 / 2 + 2 * md.log(x) - rate * x**2 / 2),
                {"alpha": 2.5 + 7.5, "beta": 1.3 + np.sum(X**2) / 2}),
    "Laplace of known middle": (gamma, rate, D.Laplace(m, 1 / rate).log_likelihood(x),
                                {"alpha": 7.5, "beta": 1.3 + np.sum(np.abs(X - 0.35))}),
    "inverse gamma of known shape": (
        gamma, rate, md.sum(k * md.log(rate) - (k + 1) * md.log(x) - rate / x),
        {"alpha": 2.5 + 5 * 1.7, "beta": 1.3 + np.sum(1 / X)}),
    "negative binomial": (
        beta, chance, md.sum(r * md.log(chance) + counts * md.log(1 - chance)),
        {"alpha": 2.5 + 15, "beta": 1.3 + COUNTS.sum()}),
    "Poisson with exposures": (gamma, rate, D.Poisson(rate * w).log_likelihood(counts),
                               {"alpha": 2.5 + COUNTS.sum(), "beta": 1.3 + AT["w"].sum()}),
    "counts and times of one rate": (
        gamma, rate, D.Poisson(rate).log_likelihood(counts) + D.Exponential(rate).log_likelihood(x),
        {"alpha": 2.5 + COUNTS.sum() + 5, "beta": 1.3 + 5 + X.sum()}),
    "censored times": (gamma, rate, D.Exponential(rate).log_likelihood(x) - rate * md.sum(w),
                       {"alpha": 7.5, "beta": 1.3 + X.sum() + AT["w"].sum()}),
    "log-normal": (normal, middle, D.LogNormal(middle, s).log_likelihood(x), {
        "mu": (np.log(X).sum() / 1.96 - 0.4 / 4.84) / (5 / 1.96 + 1 / 4.84),
        "sigma": (5 / 1.96 + 1 / 4.84) ** -0.5}),
    "precision of a log-normal": (
        gamma, rate, D.LogNormal(m, 1 / md.sqrt(rate)).log_likelihood(x),
        {"alpha": 5.0, "beta": 1.3 + np.sum((np.log(X) - 0.35) ** 2) / 2}),
    "noise of several deviations": (normal, middle, D.Normal(middle, w).log_likelihood(x), {
        "mu": (np.sum(X / AT["w"]**2) - 0.4 / 4.84) / (np.sum(AT["w"]**-2) + 1 / 4.84),
        "sigma": (np.sum(AT["w"]**-2) + 1 / 4.84) ** -0.5}),
    "slope through the origin": (normal, middle, D.Normal(middle * w, s).log_likelihood(x), {
        "mu": (np.sum(X * AT["w"]) / 1.96 - 0.4 / 4.84) / (np.sum(AT["w"]**2) / 1.96 + 1 / 4.84)}),
    "random walk from the unknown": (
        normal, middle, D.Normal(middle, s).log_likelihood(x[:1])
        + D.Normal(x[:-1], s).log_likelihood(x[1:]),
        {"sigma": (1 / 1.96 + 1 / 4.84) ** -0.5}),
    "a coin and its reverse": (
        beta, chance, D.Bernoulli(1 - chance).log_likelihood(t("q", "binary", N)),
        {"alpha": 2.5 + 3 - 1.0, "beta": 1.3 + 1.0}),
}


@pytest.mark.parametrize("name", UPDATES)
def test_posteriors(name: str) -> None:
    prior, unknown, likelihood, expected = UPDATES[name]
    found = D.posterior(prior, unknown, likelihood)
    for key, wanted in expected.items():
        assert number(getattr(found, key), AT) == pytest.approx(wanted, rel=1e-12), key


def evidence(prior: Any, likelihood: Any, unknown: Any) -> Any:
    """The log-probability of the data, by Bayes' rule at any value of the unknown."""
    found = D.posterior(prior, unknown, likelihood)
    return prior.log_density(unknown) + likelihood - found.log_density(unknown)


def marginal_normal() -> float:
    covariance = 1.96 * np.eye(5) + 4.84
    return float(stats.multivariate_normal(np.full(5, -0.4), covariance).logpdf(X))


alpha, p, q = (t(name, "positive") for name in ("alpha", "p", "q"))
shares = md.tensor("shares", 3, assume="probability_vector")
totals = md.tensor("totals", 3, assume="counts")
EVIDENCE: dict[str, tuple[Callable[[], Any], float]] = {
    "beta-binomial": (lambda: evidence(
        beta, D.Binomial(9, chance).log_likelihood(counts[:1]), chance),
                      stats.betabinom(9, 2.5, 1.3).logpmf(2)),
    "negative binomial": (lambda: evidence(gamma, D.Poisson(rate).log_likelihood(counts[:1]), rate),
                          stats.nbinom(2.5, 1.3 / 2.3).logpmf(2)),
    "Lomax": (lambda: evidence(gamma, D.Exponential(rate).log_likelihood(x[:1]), rate),
              stats.lomax(2.5, scale=1.3).logpdf(0.7)),
    "Student's t": (lambda: evidence(
        gamma, D.Normal(m, 1 / md.sqrt(rate)).log_likelihood(x[:1]), rate),
                    stats.t(5, 0.35, np.sqrt(1.3 / 2.5)).logpdf(0.7)),
    "correlated normal": (lambda: evidence(normal, D.Normal(middle, s).log_likelihood(x), middle),
                          marginal_normal()),
    "Dirichlet-multinomial": (
        lambda: evidence(D.Dirichlet(alpha), md.sum(totals * md.log(shares)), shares)
        + float(special.gammaln(8)) - float(np.sum(special.gammaln([3, 1, 6]))),
        stats.dirichlet_multinomial([0.7, 2.0, 1.1], 7).logpmf([2, 0, 5])),
}


@pytest.mark.parametrize("name", EVIDENCE)
def test_evidence_is_the_same_at_every_unknown(name: str) -> None:
    make, expected = EVIDENCE[name]
    expr = make()
    for where in (0.2, 0.7):
        at = {**AT, "rate": where, "chance": where, "middle": where, "totals": [2.0, 0.0, 5.0],
              "shares": [where, 0.9 - where, 0.1]}
        assert value(expr, at) == pytest.approx(expected, rel=1e-11)


ESTIMATES: dict[str, tuple[Callable[[], Any], float]] = {
    "Rayleigh": (lambda: stationary(md.sum(-2 * md.log(s) - x**2 / (2 * s**2)), s, 0),
                 np.sqrt(np.mean(X**2) / 2)),
    "Pareto": (lambda: stationary(
        md.sum(md.log(rate) + rate * md.log(m) - (rate + 1) * md.log(x)), rate, 0),
        5 / np.sum(np.log(X / 0.35))),
    "Weibull scale": (lambda: stationary(
        md.sum(md.log(k) - k * md.log(s) + (k - 1) * md.log(x) - (x / s) ** k), s, 0),
        np.mean(X**1.7) ** (1 / 1.7)),
    "Laplace scale": (lambda: stationary(D.Laplace(m, b).log_likelihood(x), b, 0),
                      np.mean(np.abs(X - 0.35))),
    "gamma rate": (lambda: stationary(D.Gamma(a, rate).log_likelihood(x), rate, 0),
                   2.5 / np.mean(X)),
    "negative binomial": (lambda: stationary(
        md.sum(r * md.log(chance) + counts * md.log(1 - chance)), chance, 0),
        15 / (15 + COUNTS.sum())),
    "censored times": (lambda: stationary(
        D.Exponential(rate).log_likelihood(x) - rate * md.sum(w), rate, 0),
        5 / (X.sum() + AT["w"].sum())),
    "deviation about a known mean": (lambda: stationary(D.Normal(m, s).log_likelihood(x), s, 0),
                                     np.sqrt(np.mean((X - 0.35) ** 2))),
    "Poisson with exposures": (
        lambda: stationary(D.Poisson(rate * w).log_likelihood(counts), rate, 0),
        COUNTS.sum() / AT["w"].sum()),
    "weighted mean": (lambda: stationary(D.Normal(middle, w).log_likelihood(x), middle, 0),
                      np.sum(X / AT["w"]**2) / np.sum(AT["w"]**-2)),
    "mode of a beta": (lambda: stationary(beta.log_density(chance), chance, 0), 1.5 / 1.8),
    "mode of a gamma": (lambda: stationary(gamma.log_density(rate), rate, 0), 1.5 / 1.3),
    "mode of a log-normal": (lambda: stationary(D.LogNormal(m, s).log_density(rate), rate, 0),
                             np.exp(0.35 - 1.96)),
    "median of an exponential": (lambda: root(md.exp(-a * rate) - md.tensor("half"), rate, 0),
                                 np.log(2) / 2.5),
    "log-odds": (lambda: stationary(
        D.Bernoulli(md.sigmoid(middle)).log_likelihood(x / 4), middle, 0),
                 special.logit(np.mean(X) / 4)),
}


@pytest.mark.parametrize("name", ESTIMATES)
def test_estimates(name: str) -> None:
    make, expected = ESTIMATES[name]
    assert value(make(), {**AT, "half": 0.5}) == pytest.approx(expected, rel=1e-12)


def quadrature(f: Callable[[float], float], *where: float) -> float:
    return float(integrate.quad(f, *(where or (-40, 40)), limit=400, epsabs=1e-13)[0])


def bivariate() -> Any:
    Sigma = md.stack([md.stack([s**2, k]), md.stack([k, r**2])])
    joint = D.MultivariateNormal(md.zeros(2), Sigma).entropy
    return D.Normal(0, s).entropy + D.Normal(0, r).entropy - joint


def curvature(divergence: Any, family: Any, made: dict[str, Any], key: str) -> Any:
    """The second derivative of a divergence from a member to its neighbours."""
    there = {name: md.tensor(f"{name}_there", assume="positive") for name in made}
    expr = divergence(family(**made), family(**there))
    return md.derive(expr, there[key], order=2)[there[key]]


TABLE = md.tensor("table", 2, 2, assume="probability_table")
one, other = stats.norm(0.35, 1.4), stats.norm(-0.4, 2.2)
P, Q = np.array(AT["p"]), np.array(AT["q"])
INFORMATION: dict[str, tuple[Callable[[], Any], float]] = {
    "binary symmetric channel": (lambda: I.mutual_information(TABLE),
                                 np.log(2) + 0.1 * np.log(0.1) + 0.9 * np.log(0.9)),
    "equivocation of the channel": (lambda: I.conditional_entropy(TABLE),
                                    -0.1 * np.log(0.1) - 0.9 * np.log(0.9)),
    "mutual information of two normals": (bivariate, -np.log(1 - (1.7 / 4.2) ** 2) / 2),
    "entropy of shares": (lambda: I.entropy(p), stats.entropy(P)),
    "Gibbs": (lambda: I.cross_entropy(p, q) - I.entropy(p) - I.kl(p, q), 0.0),
    "Jensen-Shannon": (lambda: I.jensen_shannon(p, q),
                       (stats.entropy(P, (P + Q) / 2) + stats.entropy(Q, (P + Q) / 2)) / 2),
    "Renyi of order 3": (lambda: I.renyi(p, q, 3), np.log(np.sum(P**3 / Q**2)) / 2),
    "KL of normals": (lambda: I.kl_normal(D.Normal(m, s), normal),
                      quadrature(lambda v: one.pdf(v) * (one.logpdf(v) - other.logpdf(v)))),
    "Renyi of normals": (
        lambda: I.renyi_of_family(D.Normal(m, s), normal, md.tensor("order")),
        2 * -np.log(quadrature(lambda v: np.sqrt(one.pdf(v) * other.pdf(v))))),
    "Bhattacharyya of exponentials": (
        lambda: I.bhattacharyya_of_family(D.Exponential(a), D.Exponential(b)),
        -np.log(2 * np.sqrt(2.5 * 1.3) / (2.5 + 1.3))),
    "KL of gammas": (
        lambda: I.kl_of_family(gamma, D.Gamma(k, s)),
        quadrature(lambda v: stats.gamma(2.5, scale=1 / 1.3).pdf(v) * (
            stats.gamma(2.5, scale=1 / 1.3).logpdf(v)
            - stats.gamma(1.7, scale=1 / 1.4).logpdf(v)), 1e-12, 60)),
    "information from KL: Poisson": (
        lambda: curvature(I.kl_poisson, D.Poisson, {"rate": a}, "rate"), 1 / 2.5),
    "information from KL: deviation": (
        lambda: curvature(I.kl_normal, D.Normal, {"mu": m, "sigma": s}, "sigma"), 2 / 1.96),
    "information from KL: shape": (
        lambda: curvature(I.kl_gamma, D.Gamma, {"alpha": a, "beta": b}, "alpha"),
        special.polygamma(1, 2.5)),
    "third cumulant of the gamma": (
        lambda: md.derive(gamma.log_partition(middle, m), m, order=3)[m], 2 * 3.5 / 2.3**3),
    "slope of Student's entropy": (
        lambda: md.derive(D.StudentT(k, m, s).entropy, k)[k],
        (stats.t(1.7 + 1e-4).entropy() - stats.t(1.7 - 1e-4).entropy()) / 2e-4),
}


@pytest.mark.parametrize("name", INFORMATION)
def test_information(name: str) -> None:
    make, expected = INFORMATION[name]
    at = {**AT, "table": np.array([[0.45, 0.05], [0.05, 0.45]]), "order": 0.5, "rate_there": 2.5,
          "mu_there": 0.35, "sigma_there": 1.4, "alpha_there": 2.5, "beta_there": 1.3}
    if name.startswith("third"):
        at |= {"middle": 2.5, "m": -2.3}
    assert value(make(), at) == pytest.approx(expected, rel=1e-7, abs=1e-13)
