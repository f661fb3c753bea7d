"""Probability distributions: ``Normal(mu, sigma).log_density(x)``, score, information, entropy."""

from mathdl.catalogue.distributions.base import Distribution, ExponentialFamily
from mathdl.catalogue.distributions.circular import VonMises
from mathdl.catalogue.distributions.conjugate import (
    beta_bernoulli,
    beta_binomial,
    dirichlet_categorical,
    gamma_exponential,
    gamma_poisson,
    linear_normal,
    normal_gamma,
    normal_normal,
    posterior,
)
from mathdl.catalogue.distributions.discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    Geometric,
    Poisson,
)
from mathdl.catalogue.distributions.positive import Beta, Dirichlet, Exponential, Gamma, LogNormal
from mathdl.catalogue.distributions.real import Laplace, Normal, NormalMixture, StudentT
from mathdl.catalogue.distributions.vectors import (
    DiagonalNormal,
    MultivariateNormal,
    NormalGamma,
)

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "DiagonalNormal",
    "Dirichlet",
    "Distribution",
    "Exponential",
    "ExponentialFamily",
    "Gamma",
    "Geometric",
    "Laplace",
    "LogNormal",
    "MultivariateNormal",
    "Normal",
    "NormalGamma",
    "NormalMixture",
    "Poisson",
    "StudentT",
    "VonMises",
    "beta_bernoulli",
    "beta_binomial",
    "dirichlet_categorical",
    "gamma_exponential",
    "gamma_poisson",
    "linear_normal",
    "normal_gamma",
    "normal_normal",
    "posterior",
]
