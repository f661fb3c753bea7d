"""Distributions of real numbers: normal, Laplace, Student's t, mixtures of normals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sympy import pi

import mathdl as md
from mathdl.catalogue.distributions.base import (
    FAMILY,
    Distribution,
    ExponentialFamily,
    likelihood,
)
from mathdl.catalogue.distributions.discrete import Categorical
from mathdl.catalogue.distributions.tries import log_gamma_sample
from mathdl.catalogue.entry import Instance, entry
from mathdl.ir.tensor import Tensor


@entry(
    FAMILY, name="normal",
    law=r"-\log \sigma - \tfrac12 \log 2\pi - \frac{(x - \mu)^2}{2 \sigma^2}",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 1.46",
    example=likelihood("", mu="", sigma="positive"),
)
@dataclass(frozen=True)
class Normal(ExponentialFamily):
    """The Gaussian of mean ``mu`` and standard deviation ``sigma``."""

    mu: Any
    sigma: Any
    noise: ClassVar[str] = "normal"
    pathwise: ClassVar[tuple[str, ...]] = ("mu", "sigma")

    def log_density(self, x: Any) -> Tensor:
        scaled = (x - self.mu) / self.sigma
        return -md.log(self.sigma) - md.log(2 * pi) / 2 - scaled**2 / 2

    @property
    def mean(self) -> Any:
        return self.mu

    @property
    def variance(self) -> Any:
        return self.sigma**2

    @property
    def entropy(self) -> Any:
        return md.log(self.sigma) + (1 + md.log(2 * pi)) / 2

    def fisher_information(self) -> dict[str, Any]:
        return {"mu": 1 / self.sigma**2, "sigma": 2 / self.sigma**2}

    def sample(self, noise: Any) -> Tensor:
        return self.mu + self.sigma * noise

    @property
    def natural(self) -> tuple[Any, ...]:
        return (self.mu / self.sigma**2, -1 / (2 * self.sigma**2))

    def statistic(self, x: Any) -> tuple[Any, ...]:
        return (x, x**2)

    def log_partition(self, *eta: Any) -> Any:
        return -(eta[0] ** 2) / (4 * eta[1]) - md.log(-2 * eta[1]) / 2

    def log_base(self, x: Any) -> Any:
        return -md.log(2 * pi) / 2


@entry(
    FAMILY, name="laplace",
    law=r"-\log 2b - \frac{|x - \mu|}{b}",
    reference="Murphy, Machine Learning: A Probabilistic Perspective, section 2.4.3",
    example=lambda family: Instance(
        likelihood("", mu="", b="positive")(family).expr, ("b", "mu"), smooth=False
    ),
)
@dataclass(frozen=True)
class Laplace(Distribution):
    """Both sides of ``mu`` exponential, of scale ``b``."""

    mu: Any
    b: Any
    noise: ClassVar[str] = "uniform"
    pathwise: ClassVar[tuple[str, ...]] = ("mu", "b")

    def log_density(self, x: Any) -> Tensor:
        return -md.log(2 * self.b) - md.abs(x - self.mu) / self.b

    @property
    def mean(self) -> Any:
        return self.mu

    @property
    def variance(self) -> Any:
        return 2 * self.b**2

    @property
    def entropy(self) -> Any:
        return 1 + md.log(2 * self.b)

    def fisher_information(self) -> dict[str, Any]:
        return {"mu": 1 / self.b**2, "b": 1 / self.b**2}

    def sample(self, noise: Any) -> Tensor:
        centred = 2 * noise - 1
        return self.mu - self.b * md.sign(centred) * md.log1p(-md.abs(centred))


@entry(
    FAMILY, name="student_t",
    law=r"\log \Gamma\bigl(\tfrac{\nu + 1}2\bigr) - \log \Gamma\bigl(\tfrac\nu2\bigr)"
    r" - \tfrac12 \log \pi \nu - \log \sigma"
    r" - \tfrac{\nu + 1}2 \log\Bigl(1 + \frac{(x - \mu)^2}{\nu \sigma^2}\Bigr)",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 2.159 (lambda = 1/sigma^2)",
    example=likelihood("", nu="positive", mu="", sigma="positive"),
)
@dataclass(frozen=True)
class StudentT(Distribution):
    """Student's t with ``nu`` degrees of freedom, location ``mu`` and scale ``sigma``.

    The mean is that for ``nu`` above 1, the variance that for ``nu`` above 2.
    """

    nu: Any
    mu: Any
    sigma: Any
    noise: ClassVar[str] = "normal and uniform"
    pathwise: ClassVar[tuple[str, ...]] = ("mu", "sigma")

    def log_density(self, x: Any) -> Tensor:
        scaled = (x - self.mu) / self.sigma
        return -self._log_norm - (self.nu + 1) / 2 * md.log1p(scaled**2 / self.nu)

    @property
    def _log_norm(self) -> Any:
        ratio = md.gammaln(self.nu / 2) - md.gammaln((self.nu + 1) / 2)
        return ratio + (md.log(self.nu) + md.log(pi)) / 2 + md.log(self.sigma)

    @property
    def mean(self) -> Any:
        return self.mu

    @property
    def variance(self) -> Any:
        return self.sigma**2 * self.nu / (self.nu - 2)

    @property
    def entropy(self) -> Any:
        half = (self.nu + 1) / 2
        spread = half * (md.digamma(half) - md.digamma(self.nu / 2))
        return self._log_norm + spread

    def fisher_information(self) -> dict[str, Any]:
        """Lange, Little and Taylor, Robust statistical modeling using the t distribution, 1989."""
        nu, sigma = self.nu, self.sigma
        tails = md.polygamma(1, nu / 2) - md.polygamma(1, (nu + 1) / 2)
        return {
            "nu": tails / 4 - (nu + 5) / (2 * nu * (nu + 1) * (nu + 3)),
            "nu,sigma": -2 / (sigma * (nu + 1) * (nu + 3)),
            "mu": (nu + 1) / ((nu + 3) * sigma**2),
            "sigma": 2 * nu / ((nu + 3) * sigma**2),
        }

    def sample(self, noise: Any) -> Tensor:
        """A normal number over the root of a gamma one: of noise with a last axis of tries.

        The first normal number is that above; the others and the uniform ones are for the gamma
        distribution, see :mod:`.tries`.
        """
        normal, uniform = noise
        half = self.nu / 2
        spread = log_gamma_sample(half, normal, uniform) - md.log(half)
        return self.mu + self.sigma * normal[..., 0] * md.exp(-spread / 2)


def _components(family: Any) -> Instance:
    n, k = md.dims("n k")
    made = family(md.tensor("w", k, assume="probability_vector"), md.tensor("mu", k),
                  md.tensor("sigma", k, assume="positive"))
    return Instance(made.log_likelihood(md.tensor("x", n)), ("mu", "w", "sigma"))


@entry(
    FAMILY, name="normal_mixture",
    law=r"\log \sum_k w_k\, \mathcal N(x \mid \mu_k, \sigma_k^2)",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 2.188",
    example=_components,
)
@dataclass(frozen=True)
class NormalMixture(Distribution):
    """Normal components ``mu`` and ``sigma`` of weights ``w``."""

    w: Any
    mu: Any
    sigma: Any
    noise: ClassVar[str] = "uniform and normal"
    pathwise: ClassVar[tuple[str, ...]] = ("mu", "sigma")

    def log_density(self, x: Any) -> Tensor:
        return md.logsumexp(self._joint(x), axis=-1)

    def _joint(self, x: Any) -> Tensor:
        return md.log(self.w) + Normal(self.mu, self.sigma).log_density(x[..., None])

    def sample(self, noise: Any) -> Tensor:
        """Of a pair of noise: uniform, which chooses the component, and normal."""
        chooses, normal = noise
        chosen = Categorical(self.w).sample(chooses)
        return Normal(chosen @ self.mu, chosen @ self.sigma).sample(normal)

    def responsibilities(self, x: Any) -> Tensor:
        """The posterior probabilities of the components: Bishop, eq. 9.13."""
        return md.softmax(self._joint(x), axis=-1)

    @property
    def mean(self) -> Any:
        return md.sum(self.w * self.mu)

    @property
    def variance(self) -> Any:
        return md.sum(self.w * (self.sigma**2 + (self.mu - self.mean) ** 2))
