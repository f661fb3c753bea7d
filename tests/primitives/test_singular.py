"""Singular values and vectors: closed forms to third order, shapes, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mathdl as md

n, m = md.dims("n m")
A, G, V = (md.tensor(name, n, m) for name in "AGV")
U, s, Vh = md.svd(A)
SHAPES = [(5, 3), (3, 5), (4, 4), (1, 4), (4, 1), (1, 1)]


def value(expr: md.Tensor, **arrays: Any) -> Any:
    code = md.compile(expr)
    return code(**{k: a for k, a in arrays.items() if k in code.inputs})


def numbers(rng: np.random.Generator, shape: tuple[int, int]) -> dict[str, Any]:
    return {name: rng.normal(size=shape) for name in "AGV"}


# Functions of the decomposition that are functions of the matrix itself.
SAME = {
    "squares": (md.sum(s**2) + md.sum(A**3), md.sum(A**2) + md.sum(A**3)),
    "fourth powers": (md.sum(s**4), md.sum((A @ A.T) ** 2)),
    "the matrix": (md.sum(G * (U * s @ Vh) ** 3), md.sum(G * A**3)),
    "the inverse": (md.sum(G * (U / s @ Vh)), md.sum(G * md.pinv(A).T)),
}


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("shape", SHAPES)
def test_closed_forms(name: str, shape: tuple[int, int], rng: np.random.Generator) -> None:
    """Value, gradient, Hessian along a direction, and the gradient of that."""
    arrays = numbers(rng, shape)
    found: list[list[Any]] = []
    for expr in SAME[name]:
        product = md.hvp(expr, A, V)
        third = md.derive(md.sum(G * product), wrt="A")["A"]
        parts = [expr, md.derive(expr, wrt="A")["A"], product, third]
        found.append([value(p, **arrays) for p in parts])
    for got, expected in zip(*found, strict=True):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-10 * scale)


@pytest.mark.parametrize("shape", SHAPES)
def test_norms(shape: tuple[int, int], rng: np.random.Generator) -> None:
    """Nuclear norm: ``U V^T``; spectral norm: the first pair of vectors."""
    a = rng.normal(size=shape)
    u, w, vh = np.linalg.svd(a, full_matrices=False)
    for expr, norm, expected in (
        (md.sum(s), w.sum(), u @ vh),
        (md.max(s), w[0], np.outer(u[:, 0], vh[0])),
    ):
        got, gradient = md.derive(expr, wrt="A").compile()(A=a)
        np.testing.assert_allclose(got, norm, rtol=1e-13)
        np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("text", [
    "sum(svdvals(A))", "max(svdvals(A))", "mean(svdvals(A))**2",
    "sum(G*(svd(A)[0] @ svd(A)[2]))",
    "sum(G*((svd(A)[0][:, :1]*svd(A)[1][:1]) @ svd(A)[2][:1]))",
    "sum(G*(svd(A)[0][:, :1] @ svd(A)[0][:, :1].T @ G))",
])
@pytest.mark.parametrize("shape", ["n m", "4 3", "3 4", "3 3", "n 1", "1 n"])
def test_differences(text: str, shape: str) -> None:
    shapes = {name: shape for name in "AG" if name in text}
    report = md.derive(md.parse(text, shapes), wrt="A", order=2).verify(points=2)
    assert report, str(report)


def test_the_lesser_dim_is_a_dim() -> None:
    a = np.arange(6.0).reshape(3, 2)
    expr = md.parse("A/minimum(n, m) + sum(ones(minimum(n, 4), maximum(n, m)))", "A: n m")
    np.testing.assert_allclose(md.compile(expr)(A=a), a / 2 + 9)


def test_shapes() -> None:
    least = md.minimum(n, m)
    assert (U.shape, s.shape, Vh.shape) == ((n, least), (least,), (least, m))
    square = md.svd(md.tensor("S", n, n))
    assert [t.shape for t in square] == [(n, n), (n,), (n, n)]
    assert md.svdvals(md.tensor("T", 7, 2, 5)).shape == (7, 2)
    weights = md.tensor("c", least)
    assert md.derive(md.sum(weights * s), wrt="A")["A"].shape == (n, m)
    for name in ("svd", "svdvals", "svd_u", "svd_vh"):
        with pytest.raises(md.ShapeError, match="needs a matrix"):
            getattr(md, name)(md.tensor("x", n))
    with pytest.raises(md.ShapeError, match="one value for each column"):
        md.parse("inverse_values(w, A)", "w: n; A: n m")
    with pytest.raises(md.ShapeError, match="needs a vector"):
        md.parse("inverse_gaps(w)", "w:")


def decomposed(code: Any) -> set[int]:
    """How often each way to run the code decomposes ``A``."""
    assert "def run(" in code.source
    return {run.count("_svd(A)") for run in code.source.split("def run(")[1:]}


def test_decomposed_once() -> None:
    assert decomposed(md.derive(md.sum(s) + md.sum(G * (U @ Vh)), wrt="A").compile()) == {1}
    assert decomposed(md.derive(md.sum(s), wrt="A", order=2).compile()) == {1}
    alone = md.compile(md.svdvals(A)).source
    assert "_svdvals(A)" in alone
    assert "_svd(" not in alone


def test_the_complement_of_a_square_matrix() -> None:
    """A square matrix has none, whatever its dims are called: nothing is divided by its zero."""
    a = np.diag([3.0, 2.0, 0.0])
    expr = md.sum(G * (U @ Vh))
    code = md.derive(expr, wrt="A").compile("grad")
    g = np.arange(9.0).reshape(3, 3)
    S = md.tensor("A", n, n)
    u, _, vh = md.svd(S)
    same = md.derive(md.sum(md.tensor("G", n, n) * (u @ vh)), wrt="A").compile("grad")
    assert "inverse_values" not in same.source
    np.testing.assert_allclose(code(A=a, G=g), same(A=a, G=g), atol=1e-14)
    small = np.diag([1.0, 0.5, 1e-12])
    np.testing.assert_allclose(code(A=small, G=g), same(A=small, G=g), rtol=1e-12, atol=1e-12)


EQUAL = np.vstack([np.eye(2), np.zeros((1, 2))])
DEFICIENT = np.array([[3.0, 0.0], [0.0, 0.0], [0.0, 0.0]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("turned", [False, True])
def test_refused(turned: bool, dtype: Any) -> None:
    def given(a: Any) -> Any:
        return (a.T if turned else a).astype(dtype)

    vectors = Vh if turned else U  # those with a complement
    nuclear = md.derive(md.sum(s), wrt="A", order=2).compile()
    for code in (md.derive(md.sum(vectors**3), wrt="A").compile(), nuclear):
        with pytest.raises(np.linalg.LinAlgError, match=r"^A has equal singular values, where"):
            code(A=given(EQUAL))
        with pytest.raises(np.linalg.LinAlgError, match=r"^A has a singular value of 0, where"):
            code(A=given(DEFICIENT))
        with pytest.raises(np.linalg.LinAlgError, match=r"^A has a singular value of 0, where"):
            code(A=given(np.outer([1.0, 2.0, 3.0], [1.0, 3.0])))  # 0 to rounding
    for a in (EQUAL, DEFICIENT):  # values alone have gradients that need no division
        _, gradient = md.derive(md.sum(s**2), wrt="A").compile()(A=given(a))
        np.testing.assert_allclose(gradient, 2 * given(a), atol=1e-6)
    T = md.tensor("T", 2, n, m)
    stack = np.stack([given(np.array([[3.0, 1.0], [0.0, 1.0], [2.0, 0.0]])), given(DEFICIENT)])
    with pytest.raises(np.linalg.LinAlgError, match=r"^T has a singular value of 0, where"):
        md.derive(md.sum(md.svdvals(T)), wrt="T", order=2).compile()(T=stack)


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1e8, 1e150])
def test_scale_is_no_deficiency(scale: float, rng: np.random.Generator) -> None:
    """The polar factor does not depend on the scale, and its gradient scales back."""
    a, g = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    code = md.derive(md.sum(G * (U @ Vh)), wrt="A").compile("grad")
    np.testing.assert_allclose(code(A=scale * a, G=g) * scale, code(A=a, G=g), rtol=1e-10)


# -- least squares -----------------------------------------------------------------------------

RANK_ONE = np.outer(np.arange(1.0, 6.0), np.arange(1.0, 4.0))


@pytest.mark.parametrize("a", [np.zeros((5, 3)), RANK_ONE, np.ones((5, 3))])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_least_squares_needs_full_rank(a: Any, dtype: Any) -> None:
    for text, shapes, given in (
        ("lstsq(A, b)", "A: n m; b: n", a), ("lstsq(A, b)", "A: n m; b: n", a.T),
        ("lstsq(A.T, b)", "A: m n; b: n", a),
    ):
        rows = given.shape[1] if "T" in text else given.shape[0]
        arrays = {"A": given.astype(dtype), "b": np.ones(rows, dtype)}
        expr = md.parse(text, shapes)
        for code in (md.compile(expr), md.derive(md.sum(expr**2), wrt="b").compile("grad")):
            with pytest.raises(np.linalg.LinAlgError, match=r"^A is not of full rank$"):
                code(**arrays)
    stack = np.stack([np.eye(5, 3), a]).astype(dtype)
    code = md.compile(md.parse("lstsq(T, b)", "T: 2 n m; b: n"))
    with pytest.raises(np.linalg.LinAlgError, match=r"^a matrix of T is not of full rank$"):
        code(T=stack, b=np.ones(5, dtype))


def test_least_squares_decomposes_once() -> None:
    expr = md.parse("sum(lstsq(A, b)**2)", "A: n m; b: n")
    for order in (1, 2):
        assert decomposed(md.derive(expr, wrt="A", order=order).compile()) == {1}


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (1, 3), (3, 1)])
def test_least_squares_is_the_product_with_the_inverse(
    shape: tuple[int, int], rng: np.random.Generator
) -> None:
    a, b, v = rng.normal(size=shape), rng.normal(size=(shape[0], 2)), rng.normal(size=shape)
    B = md.tensor("B", n, 2)
    found: list[list[Any]] = []
    for x in (md.lstsq(A, B), md.pinv(A) @ B):
        loss = md.sum(x**3)
        parts = [x, *(md.derive(loss, wrt=k)[k] for k in "AB"), md.hvp(loss, A, V)]
        found.append([value(p, A=a, B=b, V=v) for p in parts])
    for got, expected in zip(*found, strict=True):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-9 * scale)
