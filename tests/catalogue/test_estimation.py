"""Estimates that are solved from the derived score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evaluated import value

import mathdl as md
from mathdl.catalogue.distributions.estimation import maximum_likelihood
from mathdl.catalogue.optimizers.stationary import in_turn, root
from mathdl.ir.system import inputs_of

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


def test_the_covariance_of_vectors_reads_as_in_the_books() -> None:
    fitted = D.MultivariateNormal.fit(md.tensor("X", "n", "d"))
    assert str(fitted.mu) == "mean(X, axis=0)"
    assert str(fitted.Sigma) == "t1 = X - mean(X, axis=0); t1.T @ t1/n"


@pytest.mark.parametrize("condition", ["A @ inv(U) @ B - C", "inv(U) @ A @ inv(U) - 3*inv(U)",
                                       "C - 2*inv(U)"])
def test_a_condition_on_a_matrix_through_its_inverse(
    condition: str, rng: np.random.Generator
) -> None:
    """Solved for the inverse, or multiplied by the matrix from both sides; else refused."""
    shapes = dict.fromkeys("ABCU", "d d")
    equation = md.parse(condition, shapes, {"U": "invertible"})
    unknown = next(t for t in inputs_of([equation]) if t.name == "U")
    if "B" in condition:
        with pytest.raises(md.UnsupportedError, match="linear system over 2 axes"):
            root(equation, unknown, 0)
        return
    arrays = {name: rng.normal(size=(3, 3)) for name in "AC"}
    at = value(root(equation, unknown, 0), arrays)
    assert value(equation, {**arrays, "U": at}) == pytest.approx(np.zeros((3, 3)), abs=1e-9)


def test_unknowns_in_turn() -> None:
    """The condition with the fewest unknowns first, whatever their order."""
    x, y, z = (md.tensor(k, assume="positive") for k in "xyz")
    a = md.tensor("a", assume="positive")
    found = in_turn([x * y - a * z, y - a, md.log(z) - y], [x, y, z])
    assert list(found) == [y, z, x]
    assert str(found[x]) == "exp(a)"
    with pytest.raises(md.UnsupportedError, match="no condition can be solved"):
        in_turn([md.sin(x) + md.sin(y) - a, md.exp(x) + x + y], [x, y])


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
