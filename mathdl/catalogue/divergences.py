"""Information theory: entropies and divergences, of probabilities and of the standard families.

Probabilities are positive and on the last axis; logarithms are natural.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mathdl as md
from mathdl.catalogue.distributions import DiagonalNormal
from mathdl.catalogue.entry import Instance, entry
from mathdl.catalogue.family_divergences import (
    bhattacharyya_of_family,
    kl_bernoulli,
    kl_beta,
    kl_binomial,
    kl_categorical,
    kl_diagonal_normal,
    kl_dirichlet,
    kl_exponential,
    kl_gamma,
    kl_geometric,
    kl_laplace,
    kl_log_normal,
    kl_multivariate_normal,
    kl_normal,
    kl_of_family,
    kl_poisson,
    kl_von_mises,
    renyi_of_family,
)
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


@entry(
    FAMILY,
    law=r"\frac{1}{\alpha - 1} \log \sum_i p_i^\alpha q_i^{1 - \alpha}",
    reference="Renyi, On measures of entropy and information, 1961; van Erven and Harremoes, Renyi "
    "divergence and Kullback-Leibler divergence, 2014",
    example=lambda function: Instance(
        function(*_probabilities("p", "q"), md.tensor("alpha", assume="unit_interval")), ("q", "p")
    ),
)
def renyi(p: Any, q: Any, alpha: Any) -> Tensor:
    """The Renyi divergence of an order other than 1, where it tends to that of Kullback."""
    return md.log(md.sum(p**alpha * q ** (1 - alpha), axis=-1)) / (alpha - 1)


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


__all__ = [
    "bhattacharyya_of_family",
    "chi_square",
    "conditional_entropy",
    "cross_entropy",
    "entropy",
    "f_divergence",
    "gaussian_elbo",
    "jensen_shannon",
    "kl",
    "kl_bernoulli",
    "kl_beta",
    "kl_binomial",
    "kl_categorical",
    "kl_diagonal_normal",
    "kl_dirichlet",
    "kl_exponential",
    "kl_gamma",
    "kl_geometric",
    "kl_laplace",
    "kl_log_normal",
    "kl_multivariate_normal",
    "kl_normal",
    "kl_of_family",
    "kl_poisson",
    "kl_von_mises",
    "mutual_information",
    "renyi",
    "renyi_of_family",
    "squared_hellinger",
    "total_variation",
]
