"""Posteriors of conjugate priors: the prior's family with its parameters updated."""

from __future__ import annotations

from typing import Any

import mathdl as md
from mathdl.catalogue.distributions.positive import Beta, Dirichlet, Gamma
from mathdl.catalogue.distributions.real import Normal
from mathdl.catalogue.distributions.vectors import MultivariateNormal, NormalGamma


def beta_bernoulli(prior: Beta, x: Any) -> Beta:
    """Of the probability of ones after observing zeros and ones ``x``.

    Bishop, Pattern Recognition and Machine Learning, eq. 2.18.
    """
    return beta_binomial(prior, x, 1)


def beta_binomial(prior: Beta, x: Any, trials: Any) -> Beta:
    """Of the probability of ones after observing the numbers ``x`` of ones in so many trials.

    Gelman et al., Bayesian Data Analysis, section 2.4.
    """
    ones = md.sum(x)
    return Beta(prior.alpha + ones, prior.beta + trials * x.shape[0] - ones)


def gamma_exponential(prior: Gamma, x: Any) -> Gamma:
    """Of the rate after observing the times ``x``.

    Gelman et al., Bayesian Data Analysis, section 2.6.
    """
    return Gamma(prior.alpha + x.shape[0], prior.beta + md.sum(x))


def gamma_poisson(prior: Gamma, x: Any) -> Gamma:
    """Of the rate after observing the counts ``x``.

    Gelman et al., Bayesian Data Analysis, section 2.6.
    """
    return Gamma(prior.alpha + md.sum(x), prior.beta + x.shape[0])


def normal_normal(prior: Normal, x: Any, sigma: Any) -> Normal:
    """Of the mean after observing ``x`` of known deviation ``sigma``.

    Bishop, Pattern Recognition and Machine Learning, eqs. 2.141 and 2.142.
    """
    precision = 1 / prior.sigma**2 + x.shape[0] / sigma**2
    weighted = prior.mu / prior.sigma**2 + md.sum(x) / sigma**2
    return Normal(weighted / precision, 1 / md.sqrt(precision))


def dirichlet_categorical(prior: Dirichlet, x: Any) -> Dirichlet:
    """Of the probabilities after observing one-hot rows ``x``.

    Bishop, Pattern Recognition and Machine Learning, eq. 2.41.
    """
    return Dirichlet(prior.alpha + md.sum(x, axis=0))


def normal_gamma(prior: NormalGamma, x: Any) -> NormalGamma:
    """Of mean and precision after observing ``x``, normal with both unknown.

    Murphy, Machine Learning: A Probabilistic Perspective, section 4.6.3.7.
    """
    n = x.shape[0]
    kappa = prior.kappa + n
    shift = prior.kappa * n * (md.mean(x) - prior.mu) ** 2 / kappa
    mu = (prior.kappa * prior.mu + md.sum(x)) / kappa
    return NormalGamma(mu, kappa, prior.alpha + n / 2, prior.beta + (n * md.var(x) + shift) / 2)


def linear_normal(prior: MultivariateNormal, A: Any, y: Any, Sigma: Any) -> MultivariateNormal:
    """Of ``x`` after observing ``y``, which is normal with mean ``A x`` and covariance ``Sigma``.

    Bishop, Pattern Recognition and Machine Learning, eqs. 2.116 and 2.117.
    """
    before, weights = md.inv(prior.Sigma), A.T @ md.inv(Sigma)
    covariance = md.inv(before + weights @ A)
    return MultivariateNormal(covariance @ (weights @ y + before @ prior.mu), covariance)
