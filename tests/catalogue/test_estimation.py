"""Estimates that are solved from the derived score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mathdl as md
from mathdl.catalogue.distributions.estimation import maximum_likelihood
from mathdl.catalogue.optimizers.stationary import root

D = md.distributions


@pytest.mark.parametrize(
    ("family", "known", "estimates"),
    [
        (D.Bernoulli, {}, {"p": "mean(x)"}),
        (D.Binomial, {"trials": md.tensor("m")}, {"p": "mean(x)/m"}),
        (D.Geometric, {}, {"p": "1/mean(x)"}),
        (D.Exponential, {}, {"rate": "1/mean(x)"}),
        (D.LogNormal, {}, {"mu": "mean(log(x))",
                           "sigma": "sqrt(mean(log(x)**2) - mean(log(x))**2)"}),
    ],
)
def test_estimates_read_as_in_the_books(
    family: Any, known: dict[str, Any], estimates: dict[str, str]
) -> None:
    x = md.tensor("x", "n", assume="positive")
    found = maximum_likelihood(family, x, known)
    assert {name: str(value) for name, value in found.items()} == estimates


def test_a_deviation_far_from_zero_keeps_its_digits() -> None:
    x = 1e8 + np.arange(10.0)
    fitted = D.Normal.fit(md.tensor("x", "n"))
    assert md.compile(fitted.sigma)(x=x) == pytest.approx(np.arange(10.0).std(), rel=1e-14)


def test_observations_of_a_number_may_have_several_axes() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    fitted = D.Normal.fit(md.tensor("x", "n", "m"))
    assert md.compile(fitted.sigma)(x=x) == pytest.approx(x.std(), rel=1e-13)


def test_the_functions_of_a_condition_are_opened(rng: np.random.Generator) -> None:
    x, y = md.tensor("x", "d"), md.tensor("y", "d", assume="unit_interval")
    at = rng.uniform(0.1, 0.9, 3)
    found = md.compile(root(md.sigmoid(x) - y, x, 0))(y=at)
    np.testing.assert_allclose(found, np.log(at / (1 - at)), rtol=1e-13)


def test_a_condition_that_sympy_cannot_solve_is_refused() -> None:
    x, y = md.tensor("x", "d", assume="positive"), md.tensor("y", "d")
    with pytest.raises(md.UnsupportedError, match="0 solutions"):
        root(md.digamma(x) - md.log(x) - y, x, 0)
