"""Distributions of positive numbers, of numbers between 0 and 1, and of probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sympy import pi

import mathdl as md
from mathdl.catalogue.distributions.base import FAMILY, ExponentialFamily, likelihood
from mathdl.catalogue.distributions.tries import log_gamma_sample
from mathdl.catalogue.entry import Instance, entry
from mathdl.ir.tensor import Tensor


@entry(
    FAMILY, name="exponential",
    law=r"\log \lambda - \lambda x",
    reference="Casella and Berger, Statistical Inference, section 3.3; scipy.stats.expon",
    example=likelihood("positive", rate="positive"),
)
@dataclass(frozen=True)
class Exponential(ExponentialFamily):
    """The time to an event that happens at ``rate``."""

    rate: Any
    noise: ClassVar[str] = "uniform"
    pathwise: ClassVar[tuple[str, ...]] = ("rate",)

    def log_density(self, x: Any) -> Tensor:
        return md.log(self.rate) - self.rate * x

    @property
    def mean(self) -> Any:
        return 1 / self.rate

    @property
    def variance(self) -> Any:
        return 1 / self.rate**2

    @property
    def entropy(self) -> Any:
        return 1 - md.log(self.rate)

    def fisher_information(self) -> dict[str, Any]:
        return {"rate": 1 / self.rate**2}

    def sample(self, noise: Any) -> Tensor:
        return -md.log1p(-noise) / self.rate

    @property
    def natural(self) -> tuple[Any, ...]:
        return (-self.rate,)

    def statistic(self, x: Any) -> tuple[Any, ...]:
        return (x,)

    def log_partition(self, *eta: Any) -> Any:
        return -md.log(-eta[0])


@entry(
    FAMILY, name="gamma",
    law=r"\alpha \log \beta - \log \Gamma(\alpha) + (\alpha - 1) \log x - \beta x",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 2.146",
    example=likelihood("positive", alpha="positive", beta="positive"),
)
@dataclass(frozen=True)
class Gamma(ExponentialFamily):
    """The gamma distribution of shape ``alpha`` and rate ``beta``."""

    alpha: Any
    beta: Any
    noise: ClassVar[str] = "normal and uniform"
    pathwise: ClassVar[tuple[str, ...]] = ("beta",)

    def log_density(self, x: Any) -> Tensor:
        norm = self.alpha * md.log(self.beta) - md.gammaln(self.alpha)
        return norm + (self.alpha - 1) * md.log(x) - self.beta * x

    @property
    def mean(self) -> Any:
        return self.alpha / self.beta

    @property
    def variance(self) -> Any:
        return self.alpha / self.beta**2

    @property
    def entropy(self) -> Any:
        rest = md.gammaln(self.alpha) + (1 - self.alpha) * md.digamma(self.alpha)
        return self.alpha - md.log(self.beta) + rest

    def fisher_information(self) -> dict[str, Any]:
        return {
            "alpha": md.polygamma(1, self.alpha),
            "alpha,beta": -1 / self.beta,
            "beta": self.alpha / self.beta**2,
        }

    def sample(self, noise: Any) -> Tensor:
        """Of normal and uniform noise with a last axis of tries: see :mod:`.tries`."""
        return md.exp(log_gamma_sample(self.alpha, *noise)) / self.beta

    @property
    def natural(self) -> tuple[Any, ...]:
        return (self.alpha - 1, -self.beta)

    def statistic(self, x: Any) -> tuple[Any, ...]:
        return (md.log(x), x)

    def log_partition(self, *eta: Any) -> Any:
        return md.gammaln(eta[0] + 1) - (eta[0] + 1) * md.log(-eta[1])


@entry(
    FAMILY, name="beta",
    law=r"(\alpha - 1) \log x + (\beta - 1) \log(1 - x) - \log B(\alpha, \beta)",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 2.13",
    example=likelihood("unit_interval", alpha="positive", beta="positive"),
)
@dataclass(frozen=True)
class Beta(ExponentialFamily):
    """A number between 0 and 1, such as a probability, of which ``alpha`` and ``beta`` speak."""

    alpha: Any
    beta: Any
    noise: ClassVar[str] = "normal and uniform"

    def log_density(self, x: Any) -> Tensor:
        powers = (self.alpha - 1) * md.log(x) + (self.beta - 1) * md.log(1 - x)
        return powers - self._log_norm

    @property
    def _log_norm(self) -> Any:
        return self.log_partition(self.alpha - 1, self.beta - 1)

    @property
    def mean(self) -> Any:
        return self.alpha / (self.alpha + self.beta)

    @property
    def variance(self) -> Any:
        total = self.alpha + self.beta
        return self.alpha * self.beta / (total**2 * (total + 1))

    @property
    def entropy(self) -> Any:
        total = self.alpha + self.beta
        return (
            self._log_norm
            - (self.alpha - 1) * md.digamma(self.alpha)
            - (self.beta - 1) * md.digamma(self.beta)
            + (total - 2) * md.digamma(total)
        )

    def fisher_information(self) -> dict[str, Any]:
        shared = md.polygamma(1, self.alpha + self.beta)
        return {
            "alpha": md.polygamma(1, self.alpha) - shared,
            "alpha,beta": -shared,
            "beta": md.polygamma(1, self.beta) - shared,
        }

    def sample(self, noise: Any) -> Tensor:
        """The first of two shares: of noise with axes of 2 and of tries, as Dirichlet's."""
        return Dirichlet(md.stack([self.alpha, self.beta], axis=-1)).sample(noise)[..., 0]

    @property
    def natural(self) -> tuple[Any, ...]:
        return (self.alpha - 1, self.beta - 1)

    def statistic(self, x: Any) -> tuple[Any, ...]:
        return (md.log(x), md.log(1 - x))

    def log_partition(self, *eta: Any) -> Any:
        a, b = eta[0] + 1, eta[1] + 1
        return md.gammaln(a) + md.gammaln(b) - md.gammaln(a + b)


def _proportions(family: Any) -> Instance:
    n, c = md.dims("n c")
    x = md.tensor("x", n, c, assume="probability_vector")
    return Instance(
        family(md.tensor("alpha", c, assume="positive")).log_likelihood(x), ("alpha",)
    )


@entry(
    FAMILY, name="dirichlet",
    law=r"\log \Gamma\bigl(\sum_k \alpha_k\bigr) - \sum_k \log \Gamma(\alpha_k)"
    r" + \sum_k (\alpha_k - 1) \log x_k",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 2.38",
    example=_proportions,
)
@dataclass(frozen=True)
class Dirichlet(ExponentialFamily):
    """Probabilities on the last axis, of which ``alpha`` speaks."""

    alpha: Any
    noise: ClassVar[str] = "normal and uniform"

    def log_density(self, x: Any) -> Tensor:
        return md.sum((self.alpha - 1) * md.log(x), axis=-1) - self._log_norm

    @property
    def _log_norm(self) -> Any:
        return self.log_partition(self.alpha - 1)

    @property
    def mean(self) -> Any:
        return self.alpha / md.sum(self.alpha)

    @property
    def variance(self) -> Any:
        return self.mean * (1 - self.mean) / (md.sum(self.alpha) + 1)

    @property
    def entropy(self) -> Any:
        total = md.sum(self.alpha)
        spread = (total - self.alpha.shape[-1]) * md.digamma(total)
        return self._log_norm + spread - md.sum((self.alpha - 1) * md.digamma(self.alpha))

    def fisher_information(self) -> dict[str, Any]:
        shared = md.polygamma(1, md.sum(self.alpha))
        return {"alpha": md.diag(md.polygamma(1, self.alpha)) - shared}

    def sample(self, noise: Any) -> Tensor:
        """Gamma samples divided by their sum: of noise with axes of shares and of tries.

        Devroye, Non-Uniform Random Variate Generation, section XI.4; see :mod:`.tries`.
        """
        return md.softmax(log_gamma_sample(self.alpha, *noise), axis=-1)

    @property
    def natural(self) -> tuple[Any, ...]:
        return (self.alpha - 1,)

    def statistic(self, x: Any) -> tuple[Any, ...]:
        return (md.log(x),)

    def log_partition(self, *eta: Any) -> Any:
        return md.sum(md.gammaln(eta[0] + 1)) - md.gammaln(md.sum(eta[0] + 1))


@entry(
    FAMILY, name="log_normal",
    law=r"-\log x - \log \sigma - \tfrac12 \log 2\pi - \frac{(\log x - \mu)^2}{2 \sigma^2}",
    reference="Casella and Berger, Statistical Inference, section 3.3; scipy.stats.lognorm",
    example=likelihood("positive", mu="", sigma="positive"),
)
@dataclass(frozen=True)
class LogNormal(ExponentialFamily):
    """A number of which the logarithm is normal with ``mu`` and ``sigma``."""

    mu: Any
    sigma: Any
    noise: ClassVar[str] = "normal"
    pathwise: ClassVar[tuple[str, ...]] = ("mu", "sigma")

    def log_density(self, x: Any) -> Tensor:
        scaled = (md.log(x) - self.mu) / self.sigma
        return self.log_base(x) - md.log(self.sigma) - scaled**2 / 2

    @property
    def mean(self) -> Any:
        return md.exp(self.mu + self.sigma**2 / 2)

    @property
    def variance(self) -> Any:
        return md.expm1(self.sigma**2) * self.mean**2

    @property
    def entropy(self) -> Any:
        return self.mu + md.log(self.sigma) + (1 + md.log(2 * pi)) / 2

    def fisher_information(self) -> dict[str, Any]:
        return {"mu": 1 / self.sigma**2, "sigma": 2 / self.sigma**2}

    def sample(self, noise: Any) -> Tensor:
        return md.exp(self.mu + self.sigma * noise)

    @property
    def natural(self) -> tuple[Any, ...]:
        return (self.mu / self.sigma**2, -1 / (2 * self.sigma**2))

    def statistic(self, x: Any) -> tuple[Any, ...]:
        return (md.log(x), md.log(x) ** 2)

    def log_partition(self, *eta: Any) -> Any:
        return -(eta[0] ** 2) / (4 * eta[1]) - md.log(-2 * eta[1]) / 2

    def log_base(self, x: Any) -> Any:
        return -md.log(x) - md.log(2 * pi) / 2
