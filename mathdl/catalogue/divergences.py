"""Information theory: entropies and divergences, of probabilities and of the standard families.

Probabilities are positive and on the last axis; logarithms are natural.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mathdl as md
from mathdl.catalogue.distributions import (
    Bernoulli,
    Categorical,
    DiagonalNormal,
    Dirichlet,
    Gamma,
    MultivariateNormal,
    Normal,
    VonMises,
)
from mathdl.catalogue.entry import Instance, entry
from mathdl.ir.tensor import Tensor

FAMILY = "divergences"


def _probabilities(*names: str) -> list[Tensor]:
    return [md.tensor(name, md.dims("c"), assume="probability_vector") for name in names]


def _of_two(function: Any) -> Instance:
    return Instance(function(*_probabilities("p", "q")), ("q", "p"))


def _table() -> Tensor:
    return md.tensor("P", *md.dims("n m"), assume="probability_table")


# -- of probabilities ------------------------------------------------------------------------


@entry(
    FAMILY,
    law=r"-\sum_i p_i \log p_i",
    reference="Cover and Thomas, Elements of Information Theory, eq. 2.1",
    example=lambda function: Instance(function(*_probabilities("p")), ("p",)),
)
def entropy(p: Any) -> Tensor:
    """The entropy of probabilities."""
    return -md.sum(p * md.log(p), axis=-1)


@entry(
    FAMILY, name="cross_entropy_of_probabilities",
    law=r"-\sum_i p_i \log q_i",
    reference="Goodfellow, Bengio and Courville, Deep Learning, eq. 3.51",
    example=_of_two,
)
def cross_entropy(p: Any, q: Any) -> Tensor:
    """The cost of what is distributed as ``p`` in a code for ``q``."""
    return -md.sum(p * md.log(q), axis=-1)


@entry(
    FAMILY,
    law=r"\sum_i p_i \log \frac{p_i}{q_i}",
    reference="Cover and Thomas, Elements of Information Theory, eq. 2.26",
    example=_of_two,
)
def kl(p: Any, q: Any) -> Tensor:
    """The Kullback-Leibler divergence of ``p`` from ``q``."""
    return md.sum(p * md.log(p / q), axis=-1)


@entry(
    FAMILY,
    law=r"\tfrac12 \mathrm{KL}(p \,\|\, m) + \tfrac12 \mathrm{KL}(q \,\|\, m),\quad"
    r" m = \tfrac12 (p + q)",
    reference="Lin, Divergence measures based on the Shannon entropy, 1991, eq. 4.1",
    example=_of_two,
)
def jensen_shannon(p: Any, q: Any) -> Tensor:
    """The Jensen-Shannon divergence: symmetric, at most ``log 2``."""
    middle = (p + q) / 2
    return (kl(p, middle) + kl(q, middle)) / 2


@entry(
    FAMILY,
    law=r"\sum_{i,j} P_{ij} \log \frac{P_{ij}}{P_{i \cdot} P_{\cdot j}}",
    reference="Cover and Thomas, Elements of Information Theory, eq. 2.28",
    example=lambda function: Instance(function(_table()), ("P",)),
)
def mutual_information(joint: Any) -> Tensor:
    """What two quantities of a joint table, whose entries sum to one, tell of each other."""
    rows, columns = md.sum(joint, axis=-1, keepdims=True), md.sum(joint, axis=-2, keepdims=True)
    return md.sum(joint * md.log(joint / (rows * columns)), axis=(-2, -1))


@entry(
    FAMILY,
    law=r"-\sum_{i,j} P_{ij} \log \frac{P_{ij}}{P_{i \cdot}}",
    reference="Cover and Thomas, Elements of Information Theory, eq. 2.10",
    example=lambda function: Instance(function(_table()), ("P",)),
)
def conditional_entropy(joint: Any) -> Tensor:
    """The entropy of the second quantity of a joint table that is left when the first is known."""
    return -md.sum(joint * md.log(joint / md.sum(joint, axis=-1, keepdims=True)), axis=(-2, -1))


def f_divergence(f: Callable[[Tensor], Tensor], p: Any, q: Any) -> Tensor:
    """``sum_i q_i f(p_i/q_i)`` for a convex ``f`` with ``f(1) = 0``.

    Csiszar, Information-type measures of difference of probability distributions, 1967.
    """
    return md.sum(q * f(p / q), axis=-1)


@entry(
    FAMILY,
    law=r"\tfrac12 \sum_i |p_i - q_i|",
    reference="Levin, Peres and Wilmer, Markov Chains and Mixing Times, prop. 4.2",
    example=lambda function: Instance(_of_two(function).expr, ("p", "q"), smooth=False),
)
def total_variation(p: Any, q: Any) -> Tensor:
    """Half the absolute differences, with the subgradient 0 at 0: ``f(t) = |t - 1|/2``."""
    return md.sum(md.abs(p - q), axis=-1) / 2


@entry(
    FAMILY,
    law=r"\sum_i \frac{(p_i - q_i)^2}{q_i}",
    reference="Tsybakov, Introduction to Nonparametric Estimation, section 2.4",
    example=_of_two,
)
def chi_square(p: Any, q: Any) -> Tensor:
    """Pearson's chi-square divergence: ``f(t) = (t - 1)^2``."""
    return md.sum((p - q) ** 2 / q, axis=-1)


@entry(
    FAMILY,
    law=r"\tfrac12 \sum_i (\sqrt{p_i} - \sqrt{q_i})^2",
    reference="Tsybakov, Introduction to Nonparametric Estimation, section 2.4 (there twice it)",
    example=_of_two,
)
def squared_hellinger(p: Any, q: Any) -> Tensor:
    """The squared Hellinger distance, at most 1: ``f(t) = (sqrt(t) - 1)^2/2``."""
    return md.sum((md.sqrt(p) - md.sqrt(q)) ** 2, axis=-1) / 2


# -- of families -----------------------------------------------------------------------------


def _of_families(family: Any, *shape: str, **assume: str) -> Callable[[Any], Instance]:
    """Two members of a family, whose parameters are ``mu_p``, ``mu_q`` and so on."""

    def example(function: Any) -> Instance:
        axes = [md.dims(name) for name in shape]
        given = {
            name + side: md.tensor(name + side, *axes, assume=facts)
            for side in ("_p", "_q") for name, facts in assume.items()
        }
        first, second = list(given.values())[:len(assume)], list(given.values())[len(assume):]
        return Instance(function(family(*first), family(*second)), tuple(given))

    return example


def _full(function: Any) -> Instance:
    d = md.dims("d")
    given = {
        name: md.tensor(name, *[d] * axes, assume="positive_definite" if axes == 2 else ())
        for name, axes in (("mu_p", 1), ("Sigma_p", 2), ("mu_q", 1), ("Sigma_q", 2))
    }
    first, second = list(given.values())[:2], list(given.values())[2:]
    expr = function(MultivariateNormal(*first), MultivariateNormal(*second))
    return Instance(expr, tuple(given))


@entry(
    FAMILY,
    law=r"\log \frac{\sigma_q}{\sigma_p} + \frac{\sigma_p^2 + (\mu_p - \mu_q)^2}{2 \sigma_q^2}"
    r" - \frac12",
    reference="Bishop, Pattern Recognition and Machine Learning, exercise 1.30",
    example=_of_families(Normal, mu="", sigma="positive"),
)
def kl_normal(p: Normal, q: Normal) -> Tensor:
    """The divergence of one Gaussian from another, entry by entry."""
    scaled = (p.sigma**2 + (p.mu - q.mu) ** 2) / q.sigma**2
    return md.log(q.sigma) - md.log(p.sigma) + (scaled - 1) / 2


@entry(
    FAMILY,
    law=r"\sum_j \mathrm{KL}\bigl(\mathcal N(\mu_{pj}, \sigma_{pj}^2) \,\|\,"
    r" \mathcal N(\mu_{qj}, \sigma_{qj}^2)\bigr)",
    reference="Kingma and Welling, Auto-encoding variational Bayes, 2014, appendix B",
    example=_of_families(DiagonalNormal, "d", mu="", sigma="positive"),
)
def kl_diagonal_normal(p: DiagonalNormal, q: DiagonalNormal) -> Tensor:
    """The divergence of Gaussians with independent entries, on the last axis."""
    return md.sum(kl_normal(Normal(p.mu, p.sigma), Normal(q.mu, q.sigma)), axis=-1)


@entry(
    FAMILY,
    law=r"\tfrac12 \bigl(\operatorname{tr}(\Sigma_q^{-1} \Sigma_p) + r^\top \Sigma_q^{-1} r - d"
    r" + \log \det \Sigma_q - \log \det \Sigma_p\bigr),\quad r = \mu_q - \mu_p",
    reference="Murphy, Probabilistic Machine Learning: An Introduction, section 6.2.3",
    example=_full,
)
def kl_multivariate_normal(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    """The divergence of Gaussians of full covariance."""
    precision, apart = md.inv(q.Sigma), q.mu - p.mu
    volumes = md.logdet(q.Sigma) - md.logdet(p.Sigma)
    distance = apart @ precision @ apart
    return (md.trace(precision @ p.Sigma) + distance - p.mu.shape[-1] + volumes) / 2


@entry(
    FAMILY,
    law=r"\sum_k p_k \log \frac{p_k}{q_k}",
    reference="Cover and Thomas, Elements of Information Theory, eq. 2.26",
    example=lambda function: Instance(
        function(*map(Categorical, _probabilities("p", "q"))), ("p", "q")
    ),
)
def kl_categorical(p: Categorical, q: Categorical) -> Tensor:
    """The divergence of distributions of classes."""
    return kl(p.p, q.p)


@entry(
    FAMILY,
    law=r"p \log \frac pq + (1 - p) \log \frac{1 - p}{1 - q}",
    reference="Cover and Thomas, Elements of Information Theory, example 2.3.1",
    example=_of_families(Bernoulli, r="unit_interval"),
)
def kl_bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    """The divergence of coins, entry by entry."""
    return p.p * md.log(p.p / q.p) + (1 - p.p) * md.log((1 - p.p) / (1 - q.p))


@entry(
    FAMILY,
    law=r"(\alpha_p - \alpha_q) \psi(\alpha_p) - \log \Gamma(\alpha_p) + \log \Gamma(\alpha_q)"
    r" + \alpha_q \log \frac{\beta_p}{\beta_q} + \alpha_p \frac{\beta_q - \beta_p}{\beta_p}",
    reference="Penny, Kullback-Liebler divergences of normal, gamma, Dirichlet and Wishart "
    "densities, 2001",
    example=_of_families(Gamma, alpha="positive", beta="positive"),
)
def kl_gamma(p: Gamma, q: Gamma) -> Tensor:
    """The divergence of gamma distributions of shape and rate, entry by entry."""
    shapes = (p.alpha - q.alpha) * md.digamma(p.alpha) - md.gammaln(p.alpha) + md.gammaln(q.alpha)
    rates = md.log(p.beta) - md.log(q.beta)
    return shapes + q.alpha * rates + p.alpha * (q.beta - p.beta) / p.beta


@entry(
    FAMILY,
    law=r"\log \frac{\Gamma(a_p)}{\Gamma(a_q)} - \sum_k \log \frac{\Gamma(\alpha_{pk})}"
    r"{\Gamma(\alpha_{qk})} + \sum_k (\alpha_{pk} - \alpha_{qk}) (\psi(\alpha_{pk}) - \psi(a_p)),"
    r"\quad a = \sum_k \alpha_k",
    reference="Penny, Kullback-Liebler divergences of normal, gamma, Dirichlet and Wishart "
    "densities, 2001",
    example=_of_families(Dirichlet, "c", alpha="positive"),
)
def kl_dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    """The divergence of Dirichlet distributions."""
    total = md.sum(p.alpha)
    norms = md.gammaln(total) - md.gammaln(md.sum(q.alpha))
    terms = md.gammaln(q.alpha) - md.gammaln(p.alpha)
    slopes = (p.alpha - q.alpha) * (md.digamma(p.alpha) - md.digamma(total))
    return norms + md.sum(terms + slopes)


@entry(
    FAMILY,
    law=r"\log \frac{I_0(\kappa_q)}{I_0(\kappa_p)}"
    r" + \frac{I_1(\kappa_p)}{I_0(\kappa_p)} (\kappa_p - \kappa_q \cos(\mu_p - \mu_q))",
    reference="Mardia and Jupp, Directional Statistics, eq. 3.5.31 for the expectation",
    example=_of_families(VonMises, mu="", kappa="positive"),
)
def kl_von_mises(p: VonMises, q: VonMises) -> Tensor:
    """The divergence of von Mises distributions, entry by entry."""
    aligned = p.kappa - q.kappa * md.cos(p.mu - q.mu)
    return md.log_i0(q.kappa) - md.log_i0(p.kappa) + md.bessel_ratio(p.kappa) * aligned


# -- variational inference -------------------------------------------------------------------


def _linear_decoder(function: Any) -> Instance:
    n, d, k = md.dims("n d k")
    x, mu, noise = md.tensor("x", n, d), md.tensor("mu", n, k), md.tensor("epsilon", n, k)
    sigma = md.tensor("sigma", n, k, assume="positive")
    weights = md.tensor("W", k, d)
    expr = function(x, DiagonalNormal(mu, sigma), lambda z: z @ weights, noise)
    return Instance(expr, ("mu", "sigma", "W"))


@entry(
    FAMILY,
    law=r"\frac1n \sum_i \Bigl(\log \mathcal N(x_i \mid f(z_i), s^2 I)"
    r" - \mathrm{KL}\bigl(\mathcal N(\mu_i, \sigma_i^2) \,\|\, \mathcal N(0, I)\bigr)\Bigr),"
    r"\quad z_i = \mu_i + \sigma_i \odot \epsilon_i",
    reference="Kingma and Welling, Auto-encoding variational Bayes, 2014, eq. 10",
    example=_linear_decoder,
)
def gaussian_elbo(
    x: Any, posterior: DiagonalNormal, decode: Callable[[Tensor], Tensor], noise: Any,
    deviation: Any = 1,
) -> Tensor:
    """The evidence lower bound of a variational auto-encoder, a mean over rows, by one sample.

    ``decode`` gives the mean of the data from a code; the prior of codes is standard normal.
    """
    fit = DiagonalNormal(decode(posterior.sample(noise)), deviation).log_density(x)
    return md.mean(fit - kl_diagonal_normal(posterior, DiagonalNormal(0, 1)))
