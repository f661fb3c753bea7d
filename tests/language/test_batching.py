"""``vmap(f)(X)[b]`` is ``f(X[b])``."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import evaluate

import mathdl as md

DIMS = {"b": 3, "n": 4, "d": 2}


def tensors():
    n, d, b = md.dims("n d b")
    return md.tensor("X", b, n, d), md.tensor("w", d), md.tensor("A", n, n)


FUNCTIONS = {
    "matrix product": lambda x, w, A: x @ w,
    "softmax": lambda x, w, A: md.softmax(x @ w),
    "reduction": lambda x, w, A: md.max(x, axis=0) * w,
    "transpose": lambda x, w, A: x.T @ A,
    "independent of the stack": lambda x, w, A: w * 2,
    "slice": lambda x, w, A: x[1:] * w,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_entry_is_the_function_of_its_entry(name, rng):
    X, w, A = tensors()
    function = FUNCTIONS[name]
    arrays = {"X": rng.normal(size=(3, 4, 2)), "w": rng.normal(size=2),
              "A": rng.normal(size=(4, 4))}
    whole = evaluate(md.vmap(lambda x: function(x, w, A))(X), arrays, DIMS)
    n, d, _ = md.dims("n d b")
    one = function(md.tensor("x", n, d), w, A)
    for k in range(3):
        expected = evaluate(one, {**arrays, "x": arrays["X"][k]}, DIMS)
        np.testing.assert_allclose(whole[k], expected, rtol=1e-12)


def test_gradients_per_instance_are_verified():
    X, w, A = tensors()
    each = md.vmap(lambda x: md.solve(A, x) @ w)(X)
    assert md.derive(md.sum(each**2), wrt=["A", "w", "X"]).verify()


def test_axes_go_where_they_are_told():
    X, w, _ = tensors()
    assert md.vmap(lambda x: x.T, out_axes=2)(X).shape == (*md.dims("d n"), md.dims("b"))
    moved = md.transpose(X, (1, 0, 2))
    assert md.vmap(lambda x: x @ w, in_axes=1)(moved) is md.vmap(lambda x: x @ w)(X)


def test_lengths_must_agree():
    X, w, _ = tensors()
    with pytest.raises(md.ShapeError, match="one length for the mapped axis"):
        md.vmap(lambda x, v: x * v)(X, w)
    with pytest.raises(md.ShapeError, match="no stacked argument"):
        md.vmap(lambda v: v, in_axes=None)(w)
