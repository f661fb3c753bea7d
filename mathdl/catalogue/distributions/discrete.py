"""Distributions of counts and classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import mathdl as md
from mathdl.catalogue.distributions.base import FAMILY, ExponentialFamily, likelihood
from mathdl.catalogue.distributions.tries import wide
from mathdl.catalogue.entry import Instance, entry
from mathdl.catalogue.optimizers.stationary import put, replaced, stationary
from mathdl.ir.tensor import Tensor


@entry(
    FAMILY, name="bernoulli",
    law=r"x \log p + (1 - x) \log(1 - p)",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 2.2",
    example=likelihood("binary", p="unit_interval"),
)
@dataclass(frozen=True)
class Bernoulli(ExponentialFamily):
    """One with probability ``p``, zero otherwise."""

    p: Any
    noise: ClassVar[str] = "uniform"

    def log_density(self, x: Any) -> Tensor:
        return x * md.log(self.p) + (1 - x) * md.log(1 - self.p)

    @property
    def mean(self) -> Any:
        return self.p

    @property
    def variance(self) -> Any:
        return self.p * (1 - self.p)

    @property
    def entropy(self) -> Any:
        return -self.p * md.log(self.p) - (1 - self.p) * md.log(1 - self.p)

    def fisher_information(self) -> dict[str, Any]:
        return {"p": 1 / (self.p * (1 - self.p))}

    def sample(self, noise: Any) -> Tensor:
        """One where the noise is below ``p``; the derivative by ``p`` is 0."""
        ones: Tensor = md.where(noise < self.p, 1, 0)
        return ones

    @property
    def natural(self) -> tuple[Any, ...]:
        return (md.log(self.p / (1 - self.p)),)

    def statistic(self, x: Any) -> tuple[Any, ...]:
        return (x,)

    def log_partition(self, *eta: Any) -> Any:
        return md.softplus(eta[0])


def _one_of_many(family: Any) -> Instance:
    n, c = md.dims("n c")
    x = md.tensor("x", n, c, assume="one_hot")
    return Instance(
        family(md.tensor("p", c, assume="probability_vector")).log_likelihood(x), ("p",)
    )


@entry(
    FAMILY, name="categorical",
    law=r"\sum_k x_k \log p_k",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 2.26",
    example=_one_of_many,
)
@dataclass(frozen=True)
class Categorical(ExponentialFamily):
    """One of ``c`` classes, as a one-hot vector, with probabilities ``p``.

    The derivatives by ``p`` are ambient: the maximum on the simplex is where the score is the
    same for all classes.
    """

    p: Any
    noise: ClassVar[str] = "uniform"

    def log_density(self, x: Any) -> Tensor:
        return md.sum(x * md.log(self.p), axis=-1)

    @property
    def mean(self) -> Any:
        return self.p

    @property
    def variance(self) -> Any:
        return self.p * (1 - self.p)

    @property
    def entropy(self) -> Any:
        return -md.sum(self.p * md.log(self.p))

    def fisher_information(self) -> dict[str, Any]:
        return {"p": md.diag(1 / self.p)}

    @classmethod
    def fit(cls, x: Any) -> Categorical:
        """The multiplier of ``sum(p) = 1`` divides all probabilities alike, so 1 serves too."""
        c = x.shape[-1]
        p, counts = (md.tensor(name, c, assume="positive") for name in ("p", "counts"))
        free = stationary(md.sum(counts * md.log(p)) - md.sum(p), p, p)
        free = replaced(free, {counts: md.sum(x, axis=0)})
        return cls(free / md.sum(free))

    @classmethod
    def of_natural(cls, *eta: Any, **known: Any) -> Categorical:
        """Natural parameters that differ by a number are of one member: its mean is derived."""
        (given,) = eta
        free = md.tensor("eta", *given.shape)
        (mean,) = cls(free).expected_statistic(free)
        return cls(put(mean, {free: given}))

    def sample(self, noise: Any) -> Tensor:
        """The class in whose share of 0 to 1 the noise lies; the derivative by ``p`` is 0."""
        begins = md.concat([md.zeros(1), md.cumsum(self.p)[:-1]])
        reached = md.where(noise[..., None] >= begins, 1, 0)
        beyond = md.concat([reached[..., 1:], md.zeros(*noise.shape, 1)], axis=-1)
        rows: Tensor = reached - beyond
        return rows

    @property
    def natural(self) -> tuple[Any, ...]:
        return (md.log(self.p),)

    def statistic(self, x: Any) -> tuple[Any, ...]:
        return (x,)

    def log_partition(self, *eta: Any) -> Any:
        return md.logsumexp(eta[0])


@entry(
    FAMILY, name="binomial",
    law=r"\log \binom{m}{x} + x \log p + (m - x) \log(1 - p)",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 2.9",
    example=lambda family: Instance(
        family(5, md.tensor("p", assume="unit_interval")).log_likelihood(
            md.tensor("x", md.dims("n"), assume="binary")
        ),
        ("p",),
    ),
)
@dataclass(frozen=True)
class Binomial(ExponentialFamily):
    """The number of ones in ``trials`` independent trials of probability ``p``."""

    trials: Any
    p: Any
    noise: ClassVar[str] = "uniform"

    def log_density(self, x: Any) -> Tensor:
        missing = self.trials - x
        return self.log_base(x) + x * md.log(self.p) + missing * md.log(1 - self.p)

    @property
    def mean(self) -> Any:
        return self.trials * self.p

    @property
    def variance(self) -> Any:
        return self.trials * self.p * (1 - self.p)

    def fisher_information(self) -> dict[str, Any]:
        return {"p": self.trials / (self.p * (1 - self.p))}

    @classmethod
    def fit(cls, x: Any, trials: Any = 1) -> Binomial:
        return cls.fitted(x, trials=trials)

    def sample(self, noise: Any) -> Tensor:
        """How many are below ``p`` of as many as there are trials, on the last axis."""
        return md.sum(Bernoulli(self.p).sample(noise), axis=-1)

    @property
    def natural(self) -> tuple[Any, ...]:
        return (md.log(self.p / (1 - self.p)),)

    def statistic(self, x: Any) -> tuple[Any, ...]:
        return (x,)

    def log_partition(self, *eta: Any) -> Any:
        return self.trials * md.softplus(eta[0])

    def log_base(self, x: Any) -> Any:
        missing = self.trials - x
        return md.gammaln(self.trials + 1) - md.gammaln(x + 1) - md.gammaln(missing + 1)


@entry(
    FAMILY, name="poisson",
    law=r"x \log \lambda - \lambda - \log x!",
    reference="Murphy, Machine Learning: A Probabilistic Perspective, section 2.3.3",
    example=likelihood("counts", rate="positive"),
)
@dataclass(frozen=True)
class Poisson(ExponentialFamily):
    """The number of events when ``rate`` are expected."""

    rate: Any
    noise: ClassVar[str] = "uniform"

    def log_density(self, x: Any) -> Tensor:
        return x * md.log(self.rate) - self.rate + self.log_base(x)

    @property
    def mean(self) -> Any:
        return self.rate

    @property
    def variance(self) -> Any:
        return self.rate

    def fisher_information(self) -> dict[str, Any]:
        return {"rate": 1 / self.rate}

    def sample(self, noise: Any) -> Tensor:
        """How many events come in time, the last axis of the noise giving the times between.

        Infinite where all of them do.  Devroye, Non-Uniform Random Variate Generation, section X.3.
        """
        late = md.where(md.cumsum(-md.log1p(-noise), axis=-1) > wide(self.rate), 1, 0)
        return md.sum(1 - late, axis=-1) / late[..., -1]

    @property
    def natural(self) -> tuple[Any, ...]:
        return (md.log(self.rate),)

    def statistic(self, x: Any) -> tuple[Any, ...]:
        return (x,)

    def log_partition(self, *eta: Any) -> Any:
        return md.exp(eta[0])

    def log_base(self, x: Any) -> Any:
        return -md.gammaln(x + 1)


@entry(
    FAMILY, name="geometric",
    law=r"(x - 1) \log(1 - p) + \log p",
    reference="Casella and Berger, Statistical Inference, section 3.2; scipy.stats.geom",
    example=likelihood("counts", p="unit_interval"),
)
@dataclass(frozen=True)
class Geometric(ExponentialFamily):
    """The number of trials of probability ``p`` up to the first success: 1, 2, ..."""

    p: Any
    noise: ClassVar[str] = "uniform"

    def log_density(self, x: Any) -> Tensor:
        return (x - 1) * md.log(1 - self.p) + md.log(self.p)

    @property
    def mean(self) -> Any:
        return 1 / self.p

    @property
    def variance(self) -> Any:
        return (1 - self.p) / self.p**2

    @property
    def entropy(self) -> Any:
        return -md.log(self.p) - (1 - self.p) * md.log(1 - self.p) / self.p

    def fisher_information(self) -> dict[str, Any]:
        return {"p": 1 / (self.p**2 * (1 - self.p))}

    def sample(self, noise: Any) -> Tensor:
        """The number of the first trial below ``p`` on the last axis; infinite where none is."""
        below = Bernoulli(wide(self.p)).sample(noise)
        ended = md.where(md.cumsum(below, axis=-1) > 0, 1, 0)
        return (1 + md.sum(1 - ended, axis=-1)) / ended[..., -1]

    @property
    def natural(self) -> tuple[Any, ...]:
        return (md.log(1 - self.p),)

    def statistic(self, x: Any) -> tuple[Any, ...]:
        return (x,)

    def log_partition(self, *eta: Any) -> Any:
        return eta[0] - md.log(-md.expm1(eta[0]))
