"""Every family at parameters, with SciPy's and with observations to try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from evaluated import value
from scipy import stats

import mathdl as md

RNG = np.random.default_rng(11)
SIGMA = np.array([[2.0, 0.3, -0.4], [0.3, 1.0, 0.2], [-0.4, 0.2, 0.7]])
MU = np.array([0.3, -1.2, 2.0])
P = np.array([0.2, 0.5, 0.3])
ALPHA = np.array([1.5, 0.7, 3.0])


@dataclass
class Family:
    """A family, its parameters, SciPy's of them, observations; all values where it is discrete."""

    cls: Any
    parameters: dict[str, Any]
    scipy: Any
    x: Any
    support: Any = None
    assume: dict[str, str] | None = None

    def made(self) -> Any:
        assume = self.assume or {}
        return self.cls(**{
            k: v if isinstance(v, int) else md.tensor(k, *np.shape(v), assume=assume.get(k, ()))
            for k, v in self.parameters.items()
        })

    def value(self, expr: Any, **arrays: Any) -> Any:
        """An expression at the parameters."""
        return value(expr, {**self.parameters, **arrays})


D = md.distributions
REAL = RNG.normal(size=6) * 2
POSITIVE = RNG.uniform(0.2, 4, size=6)
UNIT = RNG.uniform(0.05, 0.95, size=6)
ROWS = RNG.normal(size=(6, 3))
COUNTS = np.array([0.0, 3.0, 1.0, 2.0, 2.0, 5.0])

SCALARS: dict[str, Family] = {
    "bernoulli": Family(D.Bernoulli, {"p": 0.3}, stats.bernoulli(0.3), np.array([0., 1., 1.]),
                        np.arange(2.0)),
    "binomial": Family(D.Binomial, {"trials": 5, "p": 0.3}, stats.binom(5, 0.3), COUNTS,
                       np.arange(6.0)),
    "poisson": Family(D.Poisson, {"rate": 1.7}, stats.poisson(1.7), COUNTS, np.arange(60.0)),
    "geometric": Family(D.Geometric, {"p": 0.4}, stats.geom(0.4), COUNTS + 1,
                        np.arange(1.0, 120.0)),
    "exponential": Family(D.Exponential, {"rate": 1.7}, stats.expon(scale=1 / 1.7), POSITIVE),
    "gamma": Family(D.Gamma, {"alpha": 2.3, "beta": 1.7}, stats.gamma(2.3, scale=1 / 1.7),
                    POSITIVE),
    "beta": Family(D.Beta, {"alpha": 2.3, "beta": 1.7}, stats.beta(2.3, 1.7), UNIT),
    "log_normal": Family(D.LogNormal, {"mu": 0.3, "sigma": 0.6},
                         stats.lognorm(0.6, scale=np.exp(0.3)), POSITIVE),
    "normal": Family(D.Normal, {"mu": 0.3, "sigma": 1.6}, stats.norm(0.3, 1.6), REAL),
    "laplace": Family(D.Laplace, {"mu": 0.3, "b": 1.6}, stats.laplace(0.3, 1.6), REAL),
    "student_t": Family(D.StudentT, {"nu": 4.5, "mu": 0.3, "sigma": 1.6},
                        stats.t(4.5, 0.3, 1.6), REAL),
    "von_mises": Family(D.VonMises, {"mu": 0.3, "kappa": 2.6}, stats.vonmises(2.6, 0.3), REAL),
}
VECTORS: dict[str, Family] = {
    "categorical": Family(D.Categorical, {"p": P}, stats.multinomial(1, P),
                          np.eye(3)[[0, 2, 1, 1]], np.eye(3)),
    "dirichlet": Family(D.Dirichlet, {"alpha": ALPHA}, stats.dirichlet(ALPHA),
                        stats.dirichlet(ALPHA).rvs(5, random_state=3)),
    "diagonal_normal": Family(
        D.DiagonalNormal, {"mu": MU, "sigma": np.sqrt(np.diag(SIGMA))},
        stats.multivariate_normal(MU, np.diag(np.diag(SIGMA))), ROWS),
    "multivariate_normal": Family(
        D.MultivariateNormal, {"mu": MU, "Sigma": SIGMA}, stats.multivariate_normal(MU, SIGMA),
        ROWS, assume={"Sigma": "positive_definite"}),
}
FAMILIES = {**SCALARS, **VECTORS}
