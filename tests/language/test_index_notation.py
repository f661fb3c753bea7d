"""Index notation against NumPy, its ranges, and its errors."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from oracle import evaluate
from sympy import KroneckerDelta, Piecewise, exp

from mathdl.errors import MathDLError, NamingError, ShapeError, UnsupportedError
from mathdl.language import Max, Min, Product, Sum, dims, equation, indices, tensor
from mathdl.language.elementwise import ELEMENTWISE

n, m, d = dims("n m d")
i, j, k, p = indices("i j k p")
A, B = tensor("A", n, d), tensor("B", d, m)
x, w, s = tensor("x", n), tensor("w", 3), tensor("s")
ids = tensor("ids", n, assume="integer")
S = sympy.IndexedBase("A", shape=(n, d))
q, r = sympy.symbols("q r", integer=True)
SIZES = {"n": 4, "m": 2, "d": 3}


def softmax(a):
    e = np.exp(a)
    return e / e.sum(1, keepdims=True)


# (left, right, the same by NumPy)
TABLE = [
    ((i, j), Sum(A[i, k] * B[k, j], k), lambda a: a["A"] @ a["B"]),
    ((j, i), Sum(A[i, k] * B[k, j], k), lambda a: (a["A"] @ a["B"]).T),
    ((i, k), exp(A[i, k]) / Sum(exp(A[i, k]), k), lambda a: softmax(a["A"])),
    ((), Sum(A[i, k] ** 2, i, k) / n, lambda a: (a["A"] ** 2).sum() / 4),
    ((), Sum(Sum(A[i, k], k) ** 2, i), lambda a: (a["A"].sum(1) ** 2).sum()),
    ((i,), Sum(A[i, k], k) * Sum(A[i, k] ** 2, k), lambda a: a["A"].sum(1) * (a["A"]**2).sum(1)),
    ((i,), Max(A[i, k], k) - Min(A[i, k], k), lambda a: np.ptp(a["A"], axis=1)),
    ((i,), Product(A[i, k], k), lambda a: a["A"].prod(1)),
    ((i, 0, n - 1), Sum(x[k], (k, 0, i)), lambda a: a["x"].cumsum()),
    (((i, 0, n - 3),), Sum(x[i + p] * w[p], p),
     lambda a: np.correlate(a["x"], a["w"], "valid")),
    ((i, j), KroneckerDelta(i, j) * x[i], lambda a: np.diag(a["x"])),
    ((i,), Piecewise((x[i], x[i] > 0), (x[i] / 10, True)),
     lambda a: np.where(a["x"] > 0, a["x"], a["x"] / 10)),
    ((i,), Piecewise((1, (x[i] > 0) & (x[i] < 1)), (0, True)),
     lambda a: (a["x"] > 0) & (a["x"] < 1)),
    ((i,), sympy.Max(x[i], 0) + Max(x[i], 0), lambda a: 2 * np.maximum(a["x"], 0)),
    ((i,), ELEMENTWISE["sigmoid"](x[i]), lambda a: 1 / (1 + np.exp(-a["x"]))),
    ((i,), x[i] * i + x[-1], lambda a: a["x"] * np.arange(4) + a["x"][-1]),
    ((i,), s * x[i] - x[i] / s, lambda a: a["s"] * a["x"] - a["x"] / a["s"]),
    ((i,), A[i, ids[i]], lambda a: a["A"][np.arange(4), a["ids"]]),
    ((), Sum(x[k], (k, 1, n - 1)), lambda a: a["x"][1:].sum()),
    ((), sympy.Sum(x[k], (k, 1, 2)), lambda a: a["x"][1:3].sum()),
    ((q,), sympy.Sum(S[q, r], (r, 0, d - 1)), lambda a: a["A"].sum(1)),
    ((k,), x[k] + Sum(B[k, j], k, j), lambda a: a["x"] + a["B"].sum()),
    ((i, (k, 0, d - 1)), x[i] * KroneckerDelta(ids[i], k),
     lambda a: a["x"][:, None] * (a["ids"][:, None] == np.arange(3))),
]


@pytest.mark.parametrize(("left", "right", "reference"), TABLE, ids=[str(r[1]) for r in TABLE])
def test_value(left, right, reference, rng):
    arrays = {"A": rng.normal(size=(4, 3)), "B": rng.normal(size=(3, 2)),
              "x": rng.normal(size=4), "w": rng.normal(size=3), "s": 1.5,
              "ids": np.array([2, 0, 1, 1])}
    found = evaluate(equation("Y", left, right), arrays, SIZES)
    np.testing.assert_allclose(found, np.asarray(reference(arrays), dtype=float), rtol=1e-12)


ERRORS = [
    (lambda: equation("Y", (i,), A[i, k]), NamingError, "k is not on the left of Y"),
    (lambda: equation("Y", (i, i), A[i, i]), NamingError, "twice on the left"),
    (lambda: equation("Y", (i,), A[i, 0] + B[i, 0] * w[i]), ShapeError,
     "the index i runs over axes of different lengths: . in .* and . in"),
    (lambda: equation("Y", (i,), Sum(x[i + p], p)), ShapeError, "range of the index . is not"),
    (lambda: equation("Y", (j,), Sum(x[i], i)), ShapeError, "range of the index j is not known"),
    (lambda: equation("Y", (i,), sympy.zeta(x[i])), UnsupportedError, "zeta"),
    (lambda: equation("Y", (i,), A[i, x[i]]), ShapeError, "not assumed to be integer"),
    (lambda: equation("Y", (i,), Product(x[k], (k, 0, i)) * x[i]), UnsupportedError, "depends"),
    (lambda: equation("Y", (i,), x[i] * sympy.Symbol("z")), NamingError, "z is neither"),
    (lambda: equation("sum of", (i,), x[i]), NamingError, "not an identifier"),
    (lambda: equation("Y", (i,), Piecewise((x[i], x[i] > 0))), UnsupportedError, "last case"),
    (lambda: equation("Y", (n,), x[i]), NamingError, "is not an index"),
    (lambda: A[i], ShapeError, "1 indices for the 2 axes"),
    (lambda: A[i, :], ShapeError, "one index an axis"),
    (lambda: A[i, k] * x, NamingError, "x of shape .* needs its indices"),
    (lambda: equation("Y", (i,), A), NamingError, r"A of shape \(n, d\) .*: A\[i, j\]"),
    (lambda: equation("Y", (i,), -x), NamingError, r"a tensor of shape .*: X\[i\]"),
    (lambda: equation("Y", (i,), "x[i]"), NamingError, "is no scalar"),
    (lambda: equation("Y", (i,), None), NamingError, "None is no scalar"),
    (lambda: Sum(A, k), NamingError, "A of shape .* needs its indices"),
    (lambda: Max(A, 0), NamingError, "A of shape .* needs its indices"),
    (lambda: Sum(x[i]), NamingError, "over which index"),
    (lambda: Sum(x[i], (i, 0)), NamingError, "index range"),
    (lambda: sympy.diff(x[i] ** 2, i), UnsupportedError, "derivative"),
    (lambda: indices(""), NamingError, "needs a name"),
    (lambda: equation("Y", (), Sum(x[k], (k, 3, 2))), ShapeError, "empty"),
]


@pytest.mark.parametrize(("make", "error", "message"), ERRORS, ids=[r[2] for r in ERRORS])
def test_error(make, error, message):
    with pytest.raises(error, match=message) as caught:
        make()
    assert isinstance(caught.value, MathDLError)
    assert "\n" not in str(caught.value)


def test_equation_is_the_same_as_operators():
    found = equation("Y", (i, j), Sum(A[i, k] * B[k, j], k))
    assert found is (A @ B).named("Y")


def test_index_beyond_the_axis_becomes_a_requirement():
    (requirement,) = equation("Y", (), Sum(x[k], (k, 0, 4))).requires or (
        equation("Y", (), Sum(x[k], (k, 0, 4))).operands[0].tensor.requires
    )
    assert requirement.expr == n - 5


def test_a_tensor_without_axes_is_its_entry():
    assert equation("Y", (), s) is s.named("Y")
    assert equation("Y", (i,), Max(s, x[i])) is ELEMENTWISE["maximum"](s, x).named("Y")


def test_entries_print_as_written():
    assert str(A[i, k + 1]) == "A[i, k + 1]"
    assert str(Sum(A[i, k], k)) == "sum(A[i, k], k)"
