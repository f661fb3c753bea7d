"""A reshape of a part is not one of the whole; pickled derivations come back."""

from __future__ import annotations

import pickle

import numpy as np

import mathdl as md


def test_the_reshape_of_a_part(rng: np.random.Generator) -> None:
    derivation = md.derive(md.parse("sum(reshape(X[:2, :], (n, 2))**3)", "X: d n"), "X")
    X = rng.normal(size=(4, 2))
    value, gradient = derivation.compile()(X=X)
    wanted = np.zeros_like(X)
    wanted[:2] = 3 * X[:2] ** 2
    np.testing.assert_allclose(gradient, wanted)
    np.testing.assert_allclose(value, (X[:2] ** 3).sum())


def test_derivations_are_pickled() -> None:
    derivation = md.derive(md.parse("sum(sigmoid(x)*relu(x)) + gelu(x[0])", "x: n"), "x")
    again = pickle.loads(pickle.dumps(derivation))
    assert again["x"] is derivation["x"]
    assert again.text() == derivation.text()
    assert again.proof.check(instances=1)
