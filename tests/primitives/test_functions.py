"""Functions of the language that primitives give: powers, least squares, pairs of results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from primitive_cases import matrix

import mathdl as md

n, m = md.dims("n m")
A, S, X = md.tensor("A", n, n), md.tensor("S", n, n, assume="symmetric"), md.tensor("X", n, m)
b, B = md.tensor("b", n), md.tensor("B", n, n)


@pytest.mark.parametrize("k", [-3, -2, -1, 0, 1, 2, 3, 7])
def test_matrix_power(k: int, rng: np.random.Generator) -> None:
    expr = md.matrix_power(A, k)
    a = matrix(rng, (4, 4), "")
    given: dict[str, Any] = {"A": a} if k else {"n": 4}
    np.testing.assert_allclose(md.compile(expr)(**given), np.linalg.matrix_power(a, k), rtol=1e-10,
                               atol=1e-12)
    if k:
        report = md.derive(md.sum(b * (expr @ b)), wrt="A").verify(points=2)
        assert report, str(report)


@pytest.mark.parametrize("k", [0.5, True, "2", None])
def test_matrix_power_needs_an_integer(k: Any) -> None:
    with pytest.raises(md.InputError, match="literal integer"):
        md.matrix_power(A, k)


def test_powers_are_parsed(rng: np.random.Generator) -> None:
    a = matrix(rng, (3, 3), "")
    got = md.compile(md.parse("matrix_power(A, 3) + matrix_power(A, -2)", "A: n n"))(A=a)
    expected = a @ a @ a + np.linalg.inv(a) @ np.linalg.inv(a)
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_least_squares(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(5, 3)), rng.normal(size=5)
    expr = md.lstsq(X, b)
    expected = np.linalg.lstsq(x, y)[0]
    np.testing.assert_allclose(md.compile(expr)(X=x, b=y), expected, rtol=1e-10)
    for name in ("X", "b"):
        report = md.derive(md.sum(expr * expr), wrt=name).verify(points=1, dims={"n": 5, "m": 3})
        assert report, str(report)


def test_sign_and_logarithm_do_not_overflow() -> None:
    sign, log = md.slogdet(A)
    a = -1e200 * np.eye(3)
    assert md.compile(sign)(A=a) == -1
    np.testing.assert_allclose(md.compile(log)(A=a), np.linalg.slogdet(a)[1])
    parsed = md.parse("slogdet(A)[0]*exp(slogdet(A)[1]/3)", "A: n n")
    value, gradient = md.derive(parsed, wrt="A").compile()(A=a)
    np.testing.assert_allclose(value, -1e200)
    np.testing.assert_allclose(gradient, np.eye(3) / 3, atol=1e-12)


def test_exponential_of_a_derivation(rng: np.random.Generator) -> None:
    """``d/dt exp(t A) = A exp(t A)``, and the second derivative with another ``A``."""
    derivation = md.derive(md.parse("expm(t*A) @ b", "t: ; A: n n; b: n"), wrt="t", order=2)
    a, y = matrix(rng, (4, 4), ""), rng.normal(size=4)
    value, second = derivation.compile()(t=0.3, A=a, b=y)
    np.testing.assert_allclose(second, a @ a @ value, rtol=1e-10)


# -- eigenvalues ------------------------------------------------------------------------------

def test_decomposed_once() -> None:
    w, v = md.eigh(S)
    derivation = md.derive(md.sum(md.exp(w)) + b @ (v @ (w * (v.T @ b))), wrt="S")
    source = derivation.compile().source
    assert source.count("_eigh(S)") == 1
    assert "_eigvalsh(S)" not in source
    assert "_eigh(" not in md.compile(md.eigvalsh(S)).source


def test_spectral_functions(rng: np.random.Generator) -> None:
    """``tr f(S)`` has the gradient ``f'(S)``, also where eigenvalues are equal."""
    s = matrix(rng, (4, 4), "symmetric")
    for point in (s, np.eye(4), np.diag([2.0, 1.0, 1.0, 3.0])):
        value, gradient = md.derive(md.sum(md.exp(md.eigvalsh(S))), wrt="S").compile()(S=point)
        w, v = np.linalg.eigh(point)
        np.testing.assert_allclose(value, np.exp(w).sum())
        np.testing.assert_allclose(gradient, v * np.exp(w) @ v.T, rtol=1e-10, atol=1e-12)


def test_equal_eigenvalues_are_refused() -> None:
    expr = b @ md.eigh(S)[1] @ b
    given = {"S": np.diag([2.0, 1.0, 2.0]), "b": np.ones(3)}
    assert np.isfinite(md.compile(expr)(**given))
    with pytest.raises(np.linalg.LinAlgError, match=r"^S has equal eigenvalues, where"):
        md.derive(expr, wrt="S").compile()(**given)
    with pytest.raises(np.linalg.LinAlgError, match="equal eigenvalues"):
        md.derive(md.sum(md.eigvalsh(S) ** 3), wrt="S", order=2).compile()(S=np.eye(3))


def test_the_symmetric_part_is_decomposed(rng: np.random.Generator) -> None:
    a = rng.normal(size=(4, 4))
    np.testing.assert_allclose(md.compile(md.eigvalsh(A))(A=a), np.linalg.eigvalsh((a + a.T) / 2))
    report = md.derive(b @ md.eigh(A)[1] @ b, wrt="A", order=1).verify(points=2)
    assert report, str(report)


def test_pairs_are_parsed(rng: np.random.Generator) -> None:
    s = matrix(rng, (4, 4), "symmetric")
    got = md.compile(md.parse("eigh(S)[1] @ diag(eigh(S)[0]) @ eigh(S)[1].T", "S: n n"))(S=s)
    np.testing.assert_allclose(got, s, rtol=1e-10, atol=1e-12)
    with pytest.raises(md.MathDLError):
        md.parse("eigh(S)[2]", "S: n n")
    with pytest.raises(md.MathDLError):
        md.parse("eigh(S) + 1", "S: n n")
