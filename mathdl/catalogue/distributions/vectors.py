"""Normal distributions of vectors, and of a mean with its precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sympy import Rational, pi

import mathdl as md
from mathdl.catalogue.distributions.base import FAMILY, ExponentialFamily
from mathdl.catalogue.distributions.positive import Gamma
from mathdl.catalogue.distributions.real import Normal
from mathdl.catalogue.entry import Instance, entry
from mathdl.catalogue.optimizers.stationary import in_turn
from mathdl.ir.tensor import Tensor


def _of_vectors(spread: str, *shape: str, assume: str) -> Any:
    def example(family: Any) -> Instance:
        n, d = md.dims("n d")
        made = family(md.tensor("mu", d), md.tensor(spread, *shape, assume=assume))
        return Instance(made.log_likelihood(md.tensor("x", n, d)), ("mu", spread))

    return example


@entry(
    FAMILY, name="diagonal_normal",
    law=r"\sum_j \log \mathcal N(x_j \mid \mu_j, \sigma_j^2)",
    reference="Kingma and Welling, Auto-encoding variational Bayes, 2014, appendix C.2",
    example=_of_vectors("sigma", "d", assume="positive"),
)
@dataclass(frozen=True)
class DiagonalNormal(ExponentialFamily):
    """Independent Gaussians of means ``mu`` and deviations ``sigma`` on the last axis."""

    mu: Any
    sigma: Any
    noise: ClassVar[str] = "normal"
    pathwise: ClassVar[tuple[str, ...]] = ("mu", "sigma")

    @property
    def _entries(self) -> Normal:
        return Normal(self.mu, self.sigma)

    def log_density(self, x: Any) -> Tensor:
        return md.sum(self._entries.log_density(x), axis=-1)

    @property
    def mean(self) -> Any:
        return self.mu

    @property
    def variance(self) -> Any:
        return self.sigma**2

    @property
    def entropy(self) -> Any:
        return md.sum(self._entries.entropy, axis=-1)

    def fisher_information(self) -> dict[str, Any]:
        return {k: md.diag(v) for k, v in self._entries.fisher_information().items()}

    def sample(self, noise: Any) -> Tensor:
        return self._entries.sample(noise)

    @property
    def natural(self) -> tuple[Any, ...]:
        return self._entries.natural

    def statistic(self, x: Any) -> tuple[Any, ...]:
        return self._entries.statistic(x)

    def log_partition(self, *eta: Any) -> Any:
        return md.sum(self._entries.log_partition(*eta), axis=-1)

    def log_base(self, x: Any) -> Any:
        return x.shape[-1] * self._entries.log_base(x)


@entry(
    FAMILY, name="multivariate_normal",
    law=r"-\tfrac{d}{2} \log 2\pi - \tfrac12 \log \det \Sigma"
    r" - \tfrac12 (x - \mu)^\top \Sigma^{-1} (x - \mu)",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 2.43",
    example=_of_vectors("Sigma", "d", "d", assume="positive_definite"),
)
@dataclass(frozen=True)
class MultivariateNormal(ExponentialFamily):
    """The Gaussian of vectors of mean ``mu`` and covariance ``Sigma``.

    The covariance is assumed positive definite, so that determinant and inverse are computed by
    its Cholesky factor; derivatives by it are ambient.
    """

    mu: Any
    Sigma: Any
    noise: ClassVar[str] = "normal"
    pathwise: ClassVar[tuple[str, ...]] = ("mu", "Sigma")

    def log_density(self, x: Any) -> Tensor:
        d = self.mu.shape[-1]
        apart = x - self.mu
        distance = md.sum((apart @ md.inv(self.Sigma)) * apart, axis=-1)
        return -d * md.log(2 * pi) / 2 - md.logdet(self.Sigma) / 2 - distance / 2

    @property
    def mean(self) -> Any:
        return self.mu

    @property
    def variance(self) -> Any:
        return md.diagonal(self.Sigma)

    @property
    def covariance(self) -> Any:
        """The covariance of the entries."""
        return self.Sigma

    @property
    def entropy(self) -> Any:
        return self.mu.shape[-1] * (1 + md.log(2 * pi)) / 2 + md.logdet(self.Sigma) / 2

    def fisher_information(self) -> dict[str, Any]:
        """Of ``Sigma``: the covariance of its ambient score, with no regard to symmetry."""
        precision = md.inv(self.Sigma)
        straight = md.einsum("ik,jl->ijkl", precision, precision)
        crossed = md.einsum("il,jk->ijkl", precision, precision)
        return {"mu": precision, "Sigma": (straight + crossed) / 4}

    @classmethod
    def fit(cls, x: Any) -> MultivariateNormal:
        """Where the score of these rows is zero, derived and solved."""
        d = x.shape[-1]
        made = cls(md.tensor("mu", d), md.tensor("Sigma", d, d, assume="positive_definite"))
        score = made.score(x)
        found = in_turn([score["mu"], score["Sigma"]], [made.mu, made.Sigma])
        return cls(found[made.mu], found[made.Sigma])

    def sample(self, noise: Any) -> Tensor:
        """``mu + L noise`` with the Cholesky factor, for a vector or rows of noise."""
        return self.mu + noise @ md.cholesky(self.Sigma).T

    @property
    def natural(self) -> tuple[Any, ...]:
        precision = md.inv(self.Sigma)
        return (precision @ self.mu, -precision / 2)

    def statistic(self, x: Any) -> tuple[Any, ...]:
        return (x, x[..., :, None] * x[..., None, :])

    def log_partition(self, *eta: Any) -> Any:
        return -eta[0] @ md.inv(eta[1]) @ eta[0] / 4 - md.logdet(-2 * eta[1]) / 2

    def log_base(self, x: Any) -> Any:
        return -x.shape[-1] * md.log(2 * pi) / 2


def _mean_and_precision(family: Any) -> Instance:
    at = {name: md.tensor(name, assume="positive") for name in ("kappa", "alpha", "beta")}
    made = family(md.tensor("m"), *at.values())
    x = md.tensor("mu"), md.tensor("tau", assume="positive")
    return Instance(made.log_density(x), ("mu", "tau", "m", *at))


@entry(
    FAMILY, name="normal_gamma",
    law=r"\log \mathcal N\bigl(\mu \mid m, (\kappa \tau)^{-1}\bigr)"
    r" + \log \mathrm{Gam}(\tau \mid \alpha, \beta)",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 2.154",
    example=_mean_and_precision,
)
@dataclass(frozen=True)
class NormalGamma(ExponentialFamily):
    """A mean and a precision: the one normal, given the other, which is gamma.

    About ``mu`` with ``kappa`` times the precision.  An observation is the pair of the two.
    """

    mu: Any
    kappa: Any
    alpha: Any
    beta: Any
    noise: ClassVar[str] = "normal and uniform"
    pathwise: ClassVar[tuple[str, ...]] = ("mu", "kappa", "beta")

    def log_density(self, x: Any) -> Tensor:
        mean, precision = _pair(x)
        normal = Normal(self.mu, 1 / md.sqrt(self.kappa * precision)).log_density(mean)
        return normal + Gamma(self.alpha, self.beta).log_density(precision)

    @property
    def mean(self) -> Any:
        """Of the mean and of the precision."""
        return self.mu, self.alpha / self.beta

    @property
    def variance(self) -> Any:
        """Of the mean, for ``alpha`` above 1, and of the precision."""
        return self.beta / (self.kappa * (self.alpha - 1)), self.alpha / self.beta**2

    @property
    def entropy(self) -> Any:
        precision = Gamma(self.alpha, self.beta)
        log_precision = md.digamma(self.alpha) - md.log(self.beta)
        spread = (1 + md.log(2 * pi) - md.log(self.kappa) - log_precision) / 2
        return precision.entropy + spread

    def sample(self, noise: Any) -> Any:
        """The pair, the precision as Gamma's; the mean is of the first normal number."""
        precision = Gamma(self.alpha, self.beta).sample(noise)
        return self.mu + noise[0][..., 0] / md.sqrt(self.kappa * precision), precision

    @property
    def natural(self) -> tuple[Any, ...]:
        weighted = self.kappa * self.mu
        half = Rational(1, 2)
        return self.alpha - half, -self.beta - weighted * self.mu / 2, weighted, -self.kappa / 2

    def statistic(self, x: Any) -> tuple[Any, ...]:
        mean, precision = _pair(x)
        return md.log(precision), precision, precision * mean, precision * mean**2

    def log_partition(self, *eta: Any) -> Any:
        alpha, rate = eta[0] + Rational(1, 2), eta[2] ** 2 / (4 * eta[3]) - eta[1]
        return md.gammaln(alpha) - alpha * md.log(rate) - md.log(-2 * eta[3]) / 2

    def log_base(self, x: Any) -> Any:
        return -md.log(2 * pi) / 2


def _pair(x: Any) -> tuple[Any, Any]:
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise md.ShapeError("an observation of NormalGamma is a pair, a mean and a precision")
    mean, precision = x
    return mean, precision
