"""Structure of derivatives: factors add up to the dense array, operators multiply like it."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import evaluate

import mathdl as md
from mathdl.calculus.structure import factors

SIZES = {"n": 4, "m": 3, "k": 2, "d": 5}


def dense(tensor, arrays):
    """The factors put together by brute force."""
    shape = [SIZES[str(d)] for d in tensor.shape]
    total = np.zeros(shape)
    for term in factors(tensor):
        value = evaluate(term.value, arrays, SIZES)
        for index in np.ndindex(*shape):
            if all(index[a] == index[b] for a, b in term.deltas):
                total[index] += value[tuple(index[a] for a in term.axes)]
    return total


CASES = {
    "matrix factorisation": ("sum((T - U @ V.T)**2)", "T: n m; U: n k; V: m k", "U", 2),
    "softmax": ("softmax(x)", "x: n", "x", 1),
    "one layer": ("sum(tanh(X @ W))", "X: n d; W: d k", "W", 2),
    "dense": ("sum((X @ w)**3)", "X: n d; w: d", "w", 2),
    "transpose": ("X.T", "X: n d", "X", 1),
}


@pytest.mark.parametrize("name", CASES)
def test_factors_add_up(name, rng):
    text, shapes, wrt, order = CASES[name]
    expr = md.parse(text, shapes)
    D = md.derive(expr, wrt=wrt, order=order)
    arrays = {
        t.name: rng.normal(size=[SIZES[str(d)] for d in t.shape]) for t in D.inputs
    }
    expected = evaluate(D[wrt], arrays, SIZES)
    np.testing.assert_allclose(dense(D[wrt], arrays), expected, rtol=1e-10, atol=1e-12)


def test_matrix_factorisation_keeps_its_kronecker_structure():
    D = md.derive(md.parse("sum((T - U @ V.T)**2)", "T: n m; U: n k; V: m k"), "U", order=2)
    (term,) = D.factors()
    assert term.deltas == ((0, 2),)
    assert term.axes == (1, 3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_operator_is_the_hessian(dtype, rng):
    text = "-sum(y*log(sigmoid(X @ w)) + (1 - y)*log(1 - sigmoid(X @ w)))"
    D = md.derive(md.parse(text, "X: n d; w: d; y: n"), "w", order=2)
    arrays = {"X": rng.normal(size=(6, 3)).astype(dtype), "w": rng.normal(size=3).astype(dtype),
              "y": rng.integers(0, 2, 6).astype(dtype)}
    hessian = D.compile("grad")(**arrays)
    operator = D.operator(**arrays)
    assert operator.dtype == dtype
    np.testing.assert_allclose(
        operator @ np.eye(3, dtype=dtype), hessian, rtol=1e-10 if dtype == np.float64 else 1e-4
    )


def test_operator_of_a_matrix_argument(rng):
    D = md.derive(md.parse("sum((T - U @ V.T)**2)", "T: n m; U: n k; V: m k"), "U", order=2)
    arrays = {"T": rng.normal(size=(4, 3)), "U": rng.normal(size=(4, 2)),
              "V": rng.normal(size=(3, 2))}
    hessian = D.compile("grad")(**arrays).reshape(8, 8)
    np.testing.assert_allclose(D.operator(**arrays) @ np.eye(8), hessian, rtol=1e-10, atol=1e-12)


def test_only_a_hessian_is_an_operator():
    D = md.derive(md.parse("sum(w**3)", "w: d"), "w")
    with pytest.raises(md.OrderError, match="order=2"):
        D.operator(w=np.ones(3))
