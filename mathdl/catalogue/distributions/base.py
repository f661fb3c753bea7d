"""What all families have: the likelihood, its score and information, derived."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import mathdl as md
from mathdl.catalogue.distributions.estimation import maximum_likelihood
from mathdl.catalogue.distributions.natural import parameters_at
from mathdl.catalogue.entry import Instance
from mathdl.ir.tensor import Tensor

FAMILY = "distributions"


@dataclass(frozen=True)
class Distribution(ABC):
    """A family of distributions at parameters, which are tensors or numbers.

    ``noise`` is the distribution of what :meth:`sample` makes a sample of: ``"normal"``,
    ``"uniform"`` or both, a pair.  ``pathwise`` are the parameters by which a sample is
    reparametrised: the expectation of its derivative by them is the derivative of its
    expectation.  By the others it is not, as their changes move a choice that has no derivative.

    What has no closed form in the language raises UnsupportedError.
    """

    noise: ClassVar[str]
    pathwise: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def log_density(self, x: Any) -> Tensor:
        """The logarithm of the density, or of the probability, at every observation."""

    @property
    @abstractmethod
    def mean(self) -> Any:
        """The expectation."""

    @property
    @abstractmethod
    def variance(self) -> Any:
        """The variance, of every entry of a vector."""

    @property
    def entropy(self) -> Any:
        """The expectation of ``-log_density``."""
        raise self._not_closed("entropy")

    @property
    def parameters(self) -> dict[str, Tensor]:
        """The parameters that are inputs, by the names that the inputs have."""
        values = [getattr(self, f.name) for f in fields(self)]
        return {v.name or "": v for v in values if isinstance(v, Tensor) and v.is_input}

    def log_likelihood(self, x: Any) -> Tensor:
        """The sum of the log-densities of independent observations."""
        return md.sum(self.log_density(x))

    def score(self, x: Any) -> dict[str, Tensor]:
        """The gradient of the log-likelihood by every parameter, derived."""
        derived = md.derive(self.log_likelihood(x), list(self.parameters.values()))
        return {name: derived[name] for name in self.parameters}

    def observed_information(self, x: Any) -> dict[str, Tensor]:
        """Minus the Hessian of the log-likelihood by the parameters, derived: keys as ``mu,sigma``.
        """
        derived = md.derive(-self.log_likelihood(x), list(self.parameters.values()), order=2)
        return {key: derived[key] for key in derived}

    def fisher_information(self) -> dict[str, Any]:
        """The expected information of one observation: the blocks other than 0, by the names of
        the fields.
        """
        raise self._not_closed("Fisher information")

    @classmethod
    def fit(cls, x: Any) -> Any:
        """The family's member of the greatest likelihood."""
        raise cls._not_closed("maximum-likelihood estimate")

    @abstractmethod
    def sample(self, noise: Any) -> Tensor:
        """A sample as an expression of noise, for many of them with axes in front."""

    @classmethod
    def _not_closed(cls, what: str) -> md.UnsupportedError:
        return md.UnsupportedError(f"the {what} of {cls.__name__} has no closed form here")


class ExponentialFamily(Distribution):
    """``log_density(x) = eta . T(x) - A(eta) + log h(x)``.

    Bishop, Pattern Recognition and Machine Learning, eq. 2.194 (there g = exp(-A)).
    """

    @classmethod
    def fit(cls, x: Any) -> Any:
        """The member of the greatest likelihood, where the score is zero: derived and solved."""
        return cls.fitted(x)

    @classmethod
    def fitted(cls, x: Any, **known: Any) -> Any:
        """As :meth:`fit`, with some parameters known."""
        try:
            return cls(**maximum_likelihood(cls, x, known), **known)
        except md.UnsupportedError:
            raise cls._not_closed("maximum-likelihood estimate") from None

    @classmethod
    def of_natural(cls, *eta: Any, **known: Any) -> Any:
        """The member whose natural parameters are ``eta``: solved, with some parameters known."""
        try:
            return cls(**parameters_at(cls, eta, known), **known)
        except md.UnsupportedError:
            raise cls._not_closed("member of given natural parameters") from None

    @property
    @abstractmethod
    def natural(self) -> tuple[Any, ...]:
        """The natural parameters ``eta`` of these parameters."""

    @abstractmethod
    def statistic(self, x: Any) -> tuple[Any, ...]:
        """The sufficient statistics ``T(x)`` of one observation, one for each of ``natural``."""

    @abstractmethod
    def log_partition(self, *eta: Any) -> Any:
        """``A(eta)``, of which the derivatives are the cumulants of the statistics."""

    def log_base(self, x: Any) -> Any:
        """``log h(x)`` of one observation: 0 unless stated."""
        return 0

    def expected_statistic(self, *eta: Tensor) -> tuple[Tensor, ...]:
        """``E T(x)``: the gradient of the log-partition, derived.  ``eta`` are inputs."""
        derived = md.derive(self.log_partition(*eta), list(eta))
        return tuple(derived[e] for e in eta)

    def covariance_of_statistic(self, *eta: Tensor) -> tuple[tuple[Tensor, ...], ...]:
        """The covariances of ``T(x)``: the Hessian of the log-partition, derived.

        On symmetric matrices where one of ``eta`` is assumed symmetric.
        """
        space = "projected" if any("symmetric" in e.assume for e in eta) else "ambient"
        derived = md.derive(self.log_partition(*eta), list(eta), order=2, symmetric=space)
        return tuple(
            tuple(derived[a] if a is b else derived[a, b] for b in eta) for a in eta
        )


def likelihood(x: str, **parameters: str) -> Callable[[Any], Instance]:
    """The example of a family of numbers: ``n`` observations and its parameters, as assumed."""

    def example(family: Any) -> Instance:
        observed = md.tensor("x", md.dims("n"), assume=x)
        made = family(**{name: md.tensor(name, assume=a) for name, a in parameters.items()})
        return Instance(made.log_likelihood(observed), tuple(parameters))

    return example
