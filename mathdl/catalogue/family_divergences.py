"""Divergences between two members of a family, in closed form.

Of an exponential family all follow from its log-partition ``A``: the Kullback-Leibler divergence
is the Bregman divergence of ``A`` between the natural parameters, in the other order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Rational

import mathdl as md
from mathdl.catalogue.distributions import (
    Bernoulli,
    Beta,
    Binomial,
    Categorical,
    DiagonalNormal,
    Dirichlet,
    Exponential,
    ExponentialFamily,
    Gamma,
    Geometric,
    Laplace,
    LogNormal,
    MultivariateNormal,
    Normal,
    Poisson,
    VonMises,
)
from mathdl.catalogue.entry import Instance, entry
from mathdl.ir.system import rewrite
from mathdl.ir.tensor import Tensor, input_tensor
from mathdl.language.pointwise import as_tensor

FAMILY = "divergences"


# -- of any exponential family ---------------------------------------------------------------


def kl_of_family(p: ExponentialFamily, q: ExponentialFamily) -> Tensor:
    """``A(eta_q) - A(eta_p) - (eta_q - eta_p) . grad A(eta_p)``, the gradient derived.

    For members of one family with one base measure, such as binomials of equal trials.
    Banerjee, Merugu, Dhillon and Ghosh, Clustering with Bregman divergences, 2005, section 4.

    Raises:
        UnsupportedError: they are not of one family.
    """
    first, second = _naturals(p, q)
    inputs = [input_tensor(f"eta {k}", eta.shape) for k, eta in enumerate(first)]
    mean = rewrite(p.expected_statistic(*inputs),
                   replace=dict(zip(inputs, first, strict=True)))
    slopes = [md.sum((b - a) * m) for a, b, m in zip(first, second, mean, strict=True)]
    return q.log_partition(*second) - p.log_partition(*first) - sum(slopes[1:], slopes[0])


def renyi_of_family(p: ExponentialFamily, q: ExponentialFamily, alpha: Any) -> Tensor:
    """``(A(alpha eta_p + (1 - alpha) eta_q) - alpha A(eta_p) - (1 - alpha) A(eta_q))/(alpha - 1)``.

    For orders other than 1 for which the mixed parameter is a natural one, as it is between 0 and
    1.  Nielsen and Nock, On Renyi and Tsallis entropies and divergences for exponential families,
    2011.  Raises as :func:`kl_of_family`.
    """
    first, second = _naturals(p, q)
    mixed = [alpha * a + (1 - alpha) * b for a, b in zip(first, second, strict=True)]
    ends = alpha * p.log_partition(*first) + (1 - alpha) * q.log_partition(*second)
    return (p.log_partition(*mixed) - ends) / (alpha - 1)


def bhattacharyya_of_family(p: ExponentialFamily, q: ExponentialFamily) -> Tensor:
    """``-log`` of the integral of ``sqrt(p q)``: half the Renyi divergence of order 1/2.

    The squared Hellinger distance is one less its ``exp(-.)``.  Raises as :func:`kl_of_family`.
    """
    return renyi_of_family(p, q, Rational(1, 2)) / 2


def _naturals(p: ExponentialFamily, q: ExponentialFamily) -> tuple[list[Tensor], list[Tensor]]:
    if type(p) is not type(q) or not isinstance(p, ExponentialFamily):
        raise md.UnsupportedError(
            f"{type(p).__name__} and {type(q).__name__} are not of one exponential family")
    return [as_tensor(e) for e in p.natural], [as_tensor(e) for e in q.natural]


# -- stated ------------------------------------------------------------------------------------

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
        function(*(Categorical(md.tensor(name, md.dims("c"), assume="probability_vector"))
                   for name in "pq")),
        ("p", "q"),
    ),
)
def kl_categorical(p: Categorical, q: Categorical) -> Tensor:
    """The divergence of distributions of classes."""
    return md.sum(p.p * md.log(p.p / q.p), axis=-1)


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


@entry(
    FAMILY,
    law=r"m \Bigl(p \log \frac pq + (1 - p) \log \frac{1 - p}{1 - q}\Bigr)",
    reference="Cover and Thomas, Elements of Information Theory, example 2.3.1 and theorem 2.5.3",
    example=lambda function: Instance(
        function(*(Binomial(5, md.tensor(f"r_{s}", assume="unit_interval")) for s in "pq")),
        ("r_p", "r_q"),
    ),
)
def kl_binomial(p: Binomial, q: Binomial) -> Tensor:
    """The divergence of numbers of ones in equally many trials, entry by entry."""
    return p.trials * kl_bernoulli(Bernoulli(p.p), Bernoulli(q.p))


@entry(
    FAMILY,
    law=r"\lambda_p \log \frac{\lambda_p}{\lambda_q} - \lambda_p + \lambda_q",
    reference="Banerjee, Merugu, Dhillon and Ghosh, Clustering with Bregman divergences, 2005, "
    "section 4",
    example=_of_families(Poisson, rate="positive"),
)
def kl_poisson(p: Poisson, q: Poisson) -> Tensor:
    """The divergence of counts, entry by entry."""
    return p.rate * md.log(p.rate / q.rate) - p.rate + q.rate


@entry(
    FAMILY,
    law=r"\log \frac{p}{q} + \frac{1 - p}{p} \log \frac{1 - p}{1 - q}",
    reference="derived from the log-partition: kl_of_family",
    example=_of_families(Geometric, r="unit_interval"),
)
def kl_geometric(p: Geometric, q: Geometric) -> Tensor:
    """The divergence of numbers of trials up to a success, entry by entry."""
    return md.log(p.p / q.p) + (1 - p.p) / p.p * md.log((1 - p.p) / (1 - q.p))


@entry(
    FAMILY,
    law=r"\log \frac{\lambda_p}{\lambda_q} + \frac{\lambda_q}{\lambda_p} - 1",
    reference="Banerjee, Merugu, Dhillon and Ghosh, Clustering with Bregman divergences, 2005, "
    "section 4",
    example=_of_families(Exponential, rate="positive"),
)
def kl_exponential(p: Exponential, q: Exponential) -> Tensor:
    """The divergence of waiting times, entry by entry."""
    return md.log(p.rate / q.rate) + q.rate / p.rate - 1


@entry(
    FAMILY,
    law=r"\log \frac{B(\alpha_q, \beta_q)}{B(\alpha_p, \beta_p)}"
    r" + (\alpha_p - \alpha_q) \psi(\alpha_p) + (\beta_p - \beta_q) \psi(\beta_p)"
    r" - (\alpha_p - \alpha_q + \beta_p - \beta_q) \psi(\alpha_p + \beta_p)",
    reference="Penny, Kullback-Liebler divergences of normal, gamma, Dirichlet and Wishart "
    "densities, 2001, for two classes",
    example=_of_families(Beta, alpha="positive", beta="positive"),
)
def kl_beta(p: Beta, q: Beta) -> Tensor:
    """The divergence of distributions of a probability, entry by entry."""
    a, b = p.alpha - q.alpha, p.beta - q.beta
    norms = q.log_partition(*q.natural) - p.log_partition(*p.natural)
    slopes = a * md.digamma(p.alpha) + b * md.digamma(p.beta)
    return norms + slopes - (a + b) * md.digamma(p.alpha + p.beta)


@entry(
    FAMILY,
    law=r"\mathrm{KL}\bigl(\mathcal N(\mu_p, \sigma_p^2) \,\|\,"
    r" \mathcal N(\mu_q, \sigma_q^2)\bigr)",
    reference="Cover and Thomas, Elements of Information Theory, section 8.6: divergences do not "
    "change when both densities are transformed",
    example=_of_families(LogNormal, mu="", sigma="positive"),
)
def kl_log_normal(p: LogNormal, q: LogNormal) -> Tensor:
    """The divergence of numbers of which the logarithms are normal: that of these."""
    return kl_normal(Normal(p.mu, p.sigma), Normal(q.mu, q.sigma))


def _smooth_in_scales(function: Any) -> Instance:
    found = _of_families(Laplace, mu="", b="positive")(function)
    return Instance(found.expr, ("b_p", "b_q"))


@entry(
    FAMILY,
    law=r"\log \frac{b_q}{b_p} + \frac{|\mu_p - \mu_q|}{b_q}"
    r" + \frac{b_p}{b_q} e^{-|\mu_p - \mu_q|/b_p} - 1",
    reference="Gil, Alajaji and Linder, Renyi divergence measures for commonly used univariate "
    "continuous distributions, 2013",
    example=_smooth_in_scales,
)
def kl_laplace(p: Laplace, q: Laplace) -> Tensor:
    """The divergence of Laplace distributions, entry by entry: no exponential family."""
    apart = md.abs(p.mu - q.mu)
    return md.log(q.b / p.b) + apart / q.b + p.b / q.b * md.exp(-apart / p.b) - 1
