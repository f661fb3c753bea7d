"""Distributions of angles, in radians."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sympy import pi

import mathdl as md
from mathdl.catalogue.distributions.base import FAMILY, ExponentialFamily, likelihood
from mathdl.catalogue.distributions.tries import von_mises_sample
from mathdl.catalogue.entry import entry
from mathdl.ir.tensor import Tensor


@entry(
    FAMILY, name="von_mises",
    law=r"\kappa \cos(x - \mu) - \log 2\pi - \log I_0(\kappa)",
    reference="Bishop, Pattern Recognition and Machine Learning, eq. 2.179",
    example=likelihood("", mu="", kappa="positive"),
)
@dataclass(frozen=True)
class VonMises(ExponentialFamily):
    """An angle about ``mu`` with concentration ``kappa``: the normal distribution of the circle.

    Mean and variance are those of directions: the angle of ``E exp(i x)``, and one minus its
    length.
    """

    mu: Any
    kappa: Any
    noise: ClassVar[str] = "uniform"
    pathwise: ClassVar[tuple[str, ...]] = ("mu",)

    def log_density(self, x: Any) -> Tensor:
        return self.kappa * md.cos(x - self.mu) - md.log(2 * pi) - md.log_i0(self.kappa)

    @property
    def mean(self) -> Any:
        return self.mu

    @property
    def variance(self) -> Any:
        return 1 - md.bessel_ratio(self.kappa)

    def moment(self, order: int) -> tuple[Tensor, Tensor]:
        """``E cos(p x)`` and ``E sin(p x)`` of order ``p``, 1 or 2.

        ``I_p(kappa)/I_0(kappa)`` times those of ``mu``: Mardia and Jupp, Directional Statistics,
        eq. 3.5.27.
        """
        ratio = md.bessel_ratio(self.kappa)
        if order not in (1, 2):
            raise self._not_closed(f"trigonometric moment of order {order}")
        if order == 2:
            ratio = 2 * (md.bessel_ratio_slope(self.kappa) + ratio**2) - 1
        return ratio * md.cos(order * self.mu), ratio * md.sin(order * self.mu)

    @property
    def entropy(self) -> Any:
        spread = self.kappa * md.bessel_ratio(self.kappa)
        return md.log(2 * pi) + md.log_i0(self.kappa) - spread

    def fisher_information(self) -> dict[str, Any]:
        return {
            "mu": self.kappa * md.bessel_ratio(self.kappa),
            "kappa": md.bessel_ratio_slope(self.kappa),
        }

    def sample(self, noise: Any) -> Tensor:
        """Of noise with axes of 3 and of tries: see :func:`.tries.von_mises_sample`.

        Within pi of ``mu``.
        """
        return self.mu + von_mises_sample(self.kappa, noise)

    @classmethod
    def fit(cls, x: Any) -> Any:
        """See :meth:`fit_direction`."""
        raise cls._not_closed("maximum-likelihood estimate")

    @classmethod
    def fit_direction(cls, x: Any) -> tuple[Tensor, Tensor]:
        """The estimate of ``mu``, and the mean length ``R`` of the observed directions.

        The estimate of ``kappa`` is the root of ``bessel_ratio(kappa) = R``, which has no closed
        form.  Mardia and Jupp, Directional Statistics, section 5.3.1.
        """
        c, s = md.mean(md.cos(x)), md.mean(md.sin(x))
        length = md.sqrt(c**2 + s**2)
        return 2 * md.arctan(s / (length + c)), length

    @property
    def natural(self) -> tuple[Any, ...]:
        return (self.kappa * md.cos(self.mu), self.kappa * md.sin(self.mu))

    def statistic(self, x: Any) -> tuple[Any, ...]:
        return (md.cos(x), md.sin(x))

    def log_partition(self, *eta: Any) -> Any:
        return md.log_i0(md.sqrt(eta[0] ** 2 + eta[1] ** 2))

    def log_base(self, x: Any) -> Any:
        return -md.log(2 * pi)
