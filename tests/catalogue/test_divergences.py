"""Divergences against summation and quadrature, and the identities between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evaluated import applied, value
from scipy import integrate, special, stats

import mathdl as md

D = md.distributions
V = md.divergences
RNG = np.random.default_rng(5)
P, Q = special.softmax(RNG.normal(size=(2, 6)), axis=1)
TABLE = special.softmax(RNG.normal(size=12)).reshape(3, 4)
MIDDLE = (P + Q) / 2
OUTER = TABLE.sum(1, keepdims=True) * TABLE.sum(0)

DISCRETE: dict[str, tuple[tuple[Any, ...], Any]] = {
    "entropy": ((P,), stats.entropy(P)),
    "cross_entropy": ((P, Q), stats.entropy(P) + stats.entropy(P, Q)),
    "kl": ((P, Q), stats.entropy(P, Q)),
    "jensen_shannon": ((P, Q), (stats.entropy(P, MIDDLE) + stats.entropy(Q, MIDDLE)) / 2),
    "mutual_information": ((TABLE,), stats.entropy(TABLE.ravel(), OUTER.ravel())),
    "conditional_entropy": ((TABLE,), stats.entropy(TABLE.ravel()) - stats.entropy(TABLE.sum(1))),
    "total_variation": ((P, Q), np.maximum(P - Q, 0).sum()),
    "chi_square": ((P, Q), (P**2 / Q).sum() - 1),
    "squared_hellinger": ((P, Q), 1 - np.sqrt(P * Q).sum()),
}


@pytest.mark.parametrize("name", DISCRETE)
def test_of_probabilities(name: str) -> None:
    arrays, expected = DISCRETE[name]
    found = applied(getattr(V, name), **dict(zip("pq", arrays, strict=False)))
    assert found == pytest.approx(float(expected), rel=1e-12)


F = {
    "kl": lambda t: t * md.log(t),
    "total_variation": lambda t: md.abs(t - 1) / 2,
    "chi_square": lambda t: (t - 1) ** 2,
    "squared_hellinger": lambda t: (md.sqrt(t) - 1) ** 2 / 2,
    "jensen_shannon": lambda t: (t * md.log(2 * t / (t + 1)) + md.log(2 / (t + 1))) / 2,
}


@pytest.mark.parametrize("name", F)
def test_f_divergences(name: str) -> None:
    """Each is the f-divergence of its function, in value and in derivative."""
    p, q = (md.tensor(n, 6) for n in "pq")
    general, own = V.f_divergence(F[name], p, q), getattr(V, name)(p, q)
    at = {"p": P, "q": Q}
    assert value(general, at) == pytest.approx(value(own, at), rel=1e-12)
    for wrt in "pq":
        one, other = (value(md.derive(e, wrt)[wrt], at) for e in (general, own))
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-13)


def test_identities() -> None:
    """Cross-entropy is entropy and divergence; I(X; Y) = H(Y) - H(Y|X)."""
    p, q = (md.tensor(n, 6) for n in "pq")
    gap = V.cross_entropy(p, q) - V.entropy(p) - V.kl(p, q)
    assert value(gap, {"p": P, "q": Q}) == pytest.approx(0, abs=1e-15)
    slope = md.derive(gap, "p")["p"]
    np.testing.assert_allclose(value(slope, {"p": P, "q": Q}), np.zeros(6), atol=1e-15)
    joint = md.tensor("T", 3, 4)
    gap = V.mutual_information(joint) - V.entropy(md.sum(joint, axis=0))
    gap = gap + V.conditional_entropy(joint)
    assert value(gap, {"T": TABLE}) == pytest.approx(0, abs=1e-15)


def test_rows_have_divergences_of_their_own() -> None:
    found = applied(V.kl, p=np.stack([P, Q]), q=np.stack([Q, Q]))
    np.testing.assert_allclose(found, [stats.entropy(P, Q), 0], atol=1e-15)


# -- of families -----------------------------------------------------------------------------


def made(family: Any, side: str, *values: Any) -> tuple[Any, dict[str, Any]]:
    named = {f"a{k}_{side}": v for k, v in enumerate(values)}
    return family(*(md.tensor(n, *np.shape(v)) for n, v in named.items())), named


def of(function: Any, family: Any, p: tuple[Any, ...], q: tuple[Any, ...]) -> float:
    (first, at_p), (second, at_q) = made(family, "p", *p), made(family, "q", *q)
    return float(value(function(first, second), at_p | at_q))


def by_quadrature(p: Any, q: Any) -> float:
    low, high = p.ppf([1e-16, 1 - 1e-16])
    return integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), low, high,
                          epsabs=1e-11, limit=200)[0]


def test_normals() -> None:
    found = of(V.kl_normal, D.Normal, (0.3, 1.6), (-0.5, 0.9))
    expected = by_quadrature(stats.norm(0.3, 1.6), stats.norm(-0.5, 0.9))
    assert found == pytest.approx(expected, rel=1e-8)


def test_gammas() -> None:
    found = of(V.kl_gamma, D.Gamma, (2.3, 1.7), (3.1, 0.8))
    p, q = stats.gamma(2.3, scale=1 / 1.7), stats.gamma(3.1, scale=1 / 0.8)
    assert found == pytest.approx(by_quadrature(p, q), rel=1e-8)


PAIRS: dict[str, tuple[Any, tuple[Any, ...], tuple[Any, ...], Any]] = {
    "exponential": (D.Exponential, (1.7,), (0.4,), lambda r: stats.expon(scale=1 / r)),
    "beta": (D.Beta, (2.3, 1.7), (3.1, 0.8), stats.beta),
    "log_normal": (D.LogNormal, (0.3, 0.6), (-0.5, 0.9),
                   lambda m, s: stats.lognorm(s, scale=np.exp(m))),
    "laplace": (D.Laplace, (0.3, 1.6), (-0.5, 0.9), stats.laplace),
    "normal": (D.Normal, (0.3, 1.6), (-0.5, 0.9), stats.norm),
    "gamma": (D.Gamma, (2.3, 1.7), (3.1, 0.8), lambda a, b: stats.gamma(a, scale=1 / b)),
    "poisson": (D.Poisson, (1.7,), (0.6,), stats.poisson),
    "geometric": (D.Geometric, (0.3,), (0.6,), stats.geom),
    "binomial": (D.Binomial, (5, 0.3), (5, 0.6), stats.binom),
    "bernoulli": (D.Bernoulli, (0.3,), (0.6,), stats.bernoulli),
    "von_mises": (D.VonMises, (0.3, 2.6), (-1.5, 0.8), lambda m, k: stats.vonmises(k, m)),
}


def expected(name: str, law: Any) -> float:
    """The integral, or the sum, of ``law(log p, log q)`` weighted by ``p``."""
    _, first, second, scipy = PAIRS[name]
    p, q = scipy(*first), scipy(*second)
    if hasattr(p.dist, "pmf"):
        x = np.arange(0.0, 300.0)
        x = x[np.isfinite(p.logpmf(x))]
        return float((p.pmf(x) * law(p.logpmf(x), q.logpmf(x))).sum())
    low, high = p.ppf([1e-17, 1 - 1e-15])
    middle = p.median()
    return sum(integrate.quad(
        lambda x: p.pdf(x) * law(p.logpdf(x), q.logpdf(x)), a, b, epsabs=1e-12, limit=300)[0]
        for a, b in ((low, middle), (middle, high)))


@pytest.mark.parametrize("name", PAIRS)
def test_stated_divergences_are_expectations(name: str) -> None:
    family, first, second, _ = PAIRS[name]
    found = of_members(getattr(V, f"kl_{name}"), family, first, second)
    assert found == pytest.approx(expected(name, lambda p, q: p - q), rel=1e-7)
    assert of_members(getattr(V, f"kl_{name}"), family, first, first) == pytest.approx(0, abs=1e-12)


def of_members(function: Any, family: Any, p: Any, q: Any) -> float:
    """Of members of which whole numbers are not parameters."""
    names = {f"a{k}_{side}": v for side, own in (("p", p), ("q", q))
             for k, v in enumerate(own) if not isinstance(v, int)}
    first, second = (
        family(*(v if isinstance(v, int) else md.tensor(f"a{k}_{side}") for k, v in enumerate(own)))
        for side, own in (("p", p), ("q", q)))
    return float(value(function(first, second), names))


@pytest.mark.parametrize("name", sorted(PAIRS.keys() - {"laplace"}))
def test_divergences_from_the_log_partition(name: str) -> None:
    """Kullback and Leibler's, Renyi's and Bhattacharyya's, of any exponential family."""
    family, first, second, _ = PAIRS[name]
    stated = of_members(getattr(V, f"kl_{name}"), family, first, second)
    assert of_members(V.kl_of_family, family, first, second) == pytest.approx(stated, rel=1e-10)
    found = of_members(lambda p, q: V.renyi_of_family(p, q, 0.3), family, first, second)
    affinity = expected(name, lambda p, q: np.exp(0.7 * (q - p)))
    assert found == pytest.approx(np.log(affinity) / (0.3 - 1), rel=1e-6)
    half = of_members(V.bhattacharyya_of_family, family, first, second)
    assert half == pytest.approx(-np.log(expected(name, lambda p, q: np.exp((q - p) / 2))),
                                 rel=1e-6)


def test_vector_families_from_the_log_partition() -> None:
    for family, first, second, name in (
        (D.Dirichlet, ([2.3, 1.7, 0.9],), ([3.1, 0.8, 1.4],), "kl_dirichlet"),
        (D.DiagonalNormal, ([0.3, 1.0], [1.6, 0.4]), ([-0.5, 0.2], [0.9, 1.1]),
         "kl_diagonal_normal"),
        (D.Categorical, (P,), (Q,), "kl_categorical"),
    ):
        general = of(V.kl_of_family, family, first, second)
        assert general == pytest.approx(of(getattr(V, name), family, first, second), rel=1e-10)


def test_renyi_tends_to_kullback() -> None:
    p, q = (md.tensor(n, 6) for n in "pq")
    at = {"p": P, "q": Q}
    for order in (0.5, 2):
        found = value(V.renyi(p, q, order), at)
        assert found == pytest.approx(np.log((P**order * Q ** (1 - order)).sum()) / (order - 1))
    assert value(V.renyi(p, q, 1 - 1e-6), at) == pytest.approx(stats.entropy(P, Q), rel=1e-5)


def test_members_of_two_families_have_no_common_form() -> None:
    with pytest.raises(md.UnsupportedError, match="Poisson and Exponential"):
        V.kl_of_family(D.Poisson(1), D.Exponential(1))
    with pytest.raises(md.UnsupportedError, match="not of one exponential family"):
        V.kl_of_family(D.Laplace(0, 1), D.Laplace(0, 1))


def test_angles() -> None:
    found = of(V.kl_von_mises, D.VonMises, (0.3, 2.6), (-1.5, 0.8))
    p, q = stats.vonmises(2.6, 0.3), stats.vonmises(0.8, -1.5)
    assert found == pytest.approx(by_quadrature(p, q), rel=1e-8)


def test_coins_and_classes() -> None:
    assert of(V.kl_bernoulli, D.Bernoulli, (0.3,), (0.6,)) == pytest.approx(
        stats.entropy([0.3, 0.7], [0.6, 0.4]))
    assert of(V.kl_categorical, D.Categorical, (P,), (Q,)) == pytest.approx(stats.entropy(P, Q))


def test_dirichlets() -> None:
    """Over two classes by quadrature of the beta densities; over three over the simplex."""
    found = of(V.kl_dirichlet, D.Dirichlet, ([2.3, 1.7],), ([3.1, 0.8],))
    assert found == pytest.approx(by_quadrature(stats.beta(2.3, 1.7), stats.beta(3.1, 0.8)),
                                  rel=1e-8)
    a, b = np.array([2.5, 3.0, 4.0]), np.array([3.5, 2.0, 2.2])
    p, q = stats.dirichlet(a), stats.dirichlet(b)
    nodes, weights = np.polynomial.legendre.leggauss(30)
    unit, weights = (nodes + 1) / 2, weights / 2
    expected = 0.0
    for x, wx in zip(unit, weights, strict=True):
        for y, wy in zip(unit, weights, strict=True):
            point = [x, y * (1 - x)]
            gap = p.logpdf(point) - q.logpdf(point)
            expected += wx * wy * (1 - x) * p.pdf(point) * gap
    assert of(V.kl_dirichlet, D.Dirichlet, (a,), (b,)) == pytest.approx(expected, rel=1e-5)


MU_P, MU_Q = np.array([0.3, -0.2, 1.0]), np.array([-0.5, 0.1, 0.4])
S_P = np.array([[2.0, 0.3, -0.4], [0.3, 1.0, 0.2], [-0.4, 0.2, 0.7]])
S_Q = np.array([[1.0, -0.2, 0.1], [-0.2, 1.5, 0.3], [0.1, 0.3, 0.9]])


@pytest.mark.parametrize("full", [True, False])
def test_normal_vectors(full: bool) -> None:
    """Gauss-Hermite quadrature is exact of the difference of logarithms, a square."""
    if full:
        found = of(V.kl_multivariate_normal, D.MultivariateNormal, (MU_P, S_P), (MU_Q, S_Q))
        of_p, of_q = S_P, S_Q
    else:
        of_p, of_q = np.diag(np.diag(S_P)), np.diag(np.diag(S_Q))
        found = of(V.kl_diagonal_normal, D.DiagonalNormal, (MU_P, np.sqrt(np.diag(S_P))),
                   (MU_Q, np.sqrt(np.diag(S_Q))))
    p, q = stats.multivariate_normal(MU_P, of_p), stats.multivariate_normal(MU_Q, of_q)
    factor = np.linalg.cholesky(of_p)
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    expected = 0.0
    for index in np.ndindex(3, 3, 3):
        point = MU_P + factor @ nodes[list(index)]
        expected += np.prod(weights[list(index)]) * (p.logpdf(point) - q.logpdf(point))
    assert found == pytest.approx(expected / np.sqrt(2 * np.pi) ** 3, rel=1e-12)


def test_the_divergence_of_neighbours_is_the_information() -> None:
    """The Hessian of KL(p, q) by q at q = p is the Fisher information."""
    (p, at), (q, at_q) = made(D.Gamma, "p", 2.3, 1.7), made(D.Gamma, "q", 2.3, 1.7)
    hessian = md.derive(V.kl_gamma(p, q), list(at_q), order=2)
    information = p.fisher_information()
    for key, stated in zip(hessian, information.values(), strict=True):
        assert value(hessian[key], at | at_q) == pytest.approx(float(value(stated, at)))


# -- the evidence lower bound ------------------------------------------------------------------


def test_the_bound_of_a_linear_decoder() -> None:
    """Averaged over noise it is at most the evidence, and is that at the exact posterior."""
    w = np.array([[0.8]])
    x = np.array([[1.3]])
    deviation = 0.6
    evidence = stats.norm(0, np.sqrt(w[0, 0] ** 2 + deviation**2)).logpdf(x[0, 0])
    precision = 1 + (w[0, 0] / deviation) ** 2
    exact = w[0, 0] * x[0, 0] / deviation**2 / precision, precision**-0.5
    tensors = {name: md.tensor(name, 1, 1) for name in ("x", "mu", "sigma", "noise")}
    bound = V.gaussian_elbo(
        tensors["x"], D.DiagonalNormal(tensors["mu"], tensors["sigma"]),
        lambda z: z * md.tensor("W", 1, 1), tensors["noise"], md.tensor("s"),
    )
    code = md.compile(bound)
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)

    def mean(mu: float, sigma: float) -> float:
        values = [code(x=x, mu=np.array([[mu]]), sigma=np.array([[sigma]]),
                       noise=np.array([[e]]), W=w, s=deviation) for e in nodes]
        return float(weights @ np.array(values, dtype=float) / weights.sum())

    assert mean(*exact) == pytest.approx(evidence, rel=1e-12)
    for mu, sigma in ((0.0, 1.0), (exact[0] + 0.1, exact[1]), (exact[0], exact[1] * 1.2)):
        assert mean(mu, sigma) < evidence - 1e-3
