"""Posteriors of conjugate priors: the prior's family with its parameters updated."""

from __future__ import annotations

from typing import Any

import mathdl as md
from mathdl.catalogue.distributions.positive import Beta, Dirichlet, Gamma
from mathdl.catalogue.distributions.real import Normal


def beta_bernoulli(prior: Beta, x: Any) -> Beta:
    """Of the probability of ones after observing zeros and ones ``x``.

    Bishop, Pattern Recognition and Machine Learning, eq. 2.18.
    """
    ones = md.sum(x)
    return Beta(prior.alpha + ones, prior.beta + x.shape[0] - ones)


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
