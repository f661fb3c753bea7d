"""The code of primitives: what it factors, what it refuses, and the cases of the literature."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from primitive_cases import matrix

import mathdl as md

SQUARE = {"A": "n n", "S": "n n", "b": "n", "B": "n m", "T": "s n n"}
ASSUME = {"S": "positive_definite"}


def parse(text: str, **assume: str) -> md.Tensor:
    names = set(re.findall(r"\b[A-Za-z]\w*\b", text)) & set(SQUARE)
    return md.parse(text, {n: SQUARE[n] for n in sorted(names)},
                    {n: a for n, a in {**ASSUME, **assume}.items() if n in names})


# -- one factorisation ------------------------------------------------------------------------

@pytest.mark.parametrize("text", [
    "logdet(A) + b @ solve(A, b)",
    "b @ inv(A) @ b + logdet(A) + det(A)",
    "-b @ inv(S) @ b/2 - logdet(S)/2",
    "b @ cholesky(S) @ b + logdet(S) + b @ solve(S, b)",
    "b @ solve(A.T, b) + det(A.T) + sum(inv(A))",
])
@pytest.mark.parametrize("order", [1, 2])
def test_a_matrix_is_factored_once(text: str, order: int) -> None:
    name = "S" if "S" in text else "A"
    source = md.derive(parse(text), wrt=name, order=order).compile().source
    body = source[source.index("def _plan("):].split("def _plan_in_blocks(")[0]
    assert body.count(f"_factor({name}, ") == 1
    assert not re.search(r"linalg\.(inv|solve|slogdet|det|cholesky)\(", body)


@pytest.mark.parametrize(("text", "count"), [
    ("inv(A) @ b", 0), ("b @ inv(A)", 0), ("inv(A).T @ b", 0), ("inv(A) @ B", 0),
    ("B.T @ inv(A)", 0), ("B.T @ inv(A).T", 0), ("inv(A) @ B + inv(A)[:, :1]", 1),
    ("inv(A) @ inv(A)", 1), ("inv(A)", 1), ("inv(A @ A) @ b", 0),
])
def test_products_with_an_inverse_are_solutions(
    text: str, count: int, rng: np.random.Generator
) -> None:
    code = md.compile(parse(text))
    assert code.source.count(".inv()") == count + code.source.count("self.inv()")
    arrays = {"A": matrix(rng, (4, 4), ""), "b": rng.normal(size=4), "B": rng.normal(size=(4, 3))}
    expected = eval(text, {"inv": np.linalg.inv, **arrays})
    got = code(**{n: a for n, a in arrays.items() if n in code.inputs})
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-13)


def test_a_factored_matrix_keeps_its_memory(rng: np.random.Generator) -> None:
    """A factorisation that refers to a buffer: nothing else may be put there meanwhile."""
    text = "sum(solve(cholesky(A @ A.T + T), B) + exp(solve(cholesky(A @ A.T + T), B)))"
    expr = md.parse(text, "A: n n; T: s n n; B: n m")
    T = np.stack([(k + 1.0) * np.eye(4) for k in range(3)])
    A, B = rng.normal(size=(4, 4)), rng.normal(size=(4, 2))
    value, gradient = md.derive(expr, wrt="A").compile()(A=A, T=T, B=B)
    x = [np.linalg.solve(np.linalg.cholesky(A @ A.T + t), B) for t in T]
    np.testing.assert_allclose(value, sum(np.sum(v + np.exp(v)) for v in x), rtol=1e-12)
    report = md.derive(expr, wrt="A").verify(points=2, dims={"n": 3, "m": 2, "s": 2})
    assert report, str(report)
    assert np.isfinite(gradient).all()


# -- what is refused --------------------------------------------------------------------------

RANK_ONE = np.arange(1.0, 17.0).reshape(4, 4)  # of rank 2, which rounding hides


@pytest.mark.parametrize("a", [np.zeros((4, 4)), np.ones((4, 4)), RANK_ONE, RANK_ONE.T])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("text", ["inv(A)", "solve(A, b)", "inv(A) @ b", "solve(A.T, b)"])
def test_singular(text: str, dtype: Any, a: Any) -> None:
    code = md.compile(parse(text))
    given = {"A": a.astype(dtype), "b": np.ones(4, dtype)}
    with pytest.raises(np.linalg.LinAlgError, match=r"^A is singular$"):
        code(**{n: v for n, v in given.items() if n in code.inputs})
    with pytest.raises(np.linalg.LinAlgError, match=r"^a matrix of T is singular$"):
        md.compile(parse("inv(T)"))(T=np.stack([np.eye(4, dtype=dtype), a.astype(dtype)]))


def test_singular_determinants() -> None:
    assert md.compile(parse("det(A)"))(A=np.zeros((3, 3))) == 0
    with pytest.raises(np.linalg.LinAlgError, match=r"^A is singular$"):
        md.compile(parse("logdet(A)"))(A=np.zeros((3, 3)))
    with pytest.raises(np.linalg.LinAlgError, match=r"^a matrix of T is singular$"):
        md.compile(parse("logdet(T)"))(T=np.zeros((2, 3, 3)))
    with pytest.raises(np.linalg.LinAlgError, match=r"^A is singular$"):
        md.derive(parse("det(A)"), wrt="A").compile()(A=np.zeros((3, 3)))


def test_singular_triangle() -> None:
    code = md.compile(parse("solve(A, b)", A="lower_triangular"))
    with pytest.raises(np.linalg.LinAlgError, match=r"^A is singular$"):
        code(A=np.tril(np.ones((3, 3)), -1), b=np.ones(3))


@pytest.mark.parametrize("s", [-np.eye(3), np.ones((3, 3)), np.diag([1.0, 0.0, 1.0])])
@pytest.mark.parametrize("text", ["inv(S)", "logdet(S)", "det(S)", "solve(S, b)", "cholesky(S)"])
def test_indefinite(text: str, s: Any) -> None:
    code = md.compile(parse(text))
    with pytest.raises(np.linalg.LinAlgError, match=r"^S is not positive definite$"):
        code(**{n: v for n, v in {"S": s, "b": np.ones(3)}.items() if n in code.inputs})


def test_a_matrix_without_a_name_is_shown_by_its_equation() -> None:
    code = md.compile(parse("logdet(A @ A.T)"))
    with pytest.raises(np.linalg.LinAlgError, match=r"\[i, j\] = .*A\[.* is singular$"):
        code(A=np.zeros((3, 3)))


@pytest.mark.parametrize("scale", [1e-150, 1e-20, 1e20, 1e150])
def test_scale_is_no_singularity(scale: float, rng: np.random.Generator) -> None:
    """Rows or columns of any size: what matters is what rounding leaves of the pivots."""
    a = matrix(rng, (4, 4), "")
    scales = np.diag([1.0, scale, 1.0, 1.0])
    code = md.compile(parse("inv(A)"))
    for b in (scales @ a, a @ scales, np.diag([1.0, scale, 1.0, 1.0])):
        np.testing.assert_allclose(code(A=b), np.linalg.inv(b), rtol=1e-10)


@pytest.mark.parametrize("text", ["inv(S)", "logdet(S)", "det(S)", "solve(S, b)"])
def test_what_is_not_as_assumed_is_general(text: str, rng: np.random.Generator) -> None:
    """A matrix that is not symmetric gives what the formula says, not that of one triangle."""
    a = matrix(rng, (4, 4), "")
    b = np.ones(4)
    for assume in ("positive_definite", "lower_triangular"):
        code = md.compile(parse(text, S=assume))
        got = code(**{n: v for n, v in {"S": a, "b": b}.items() if n in code.inputs})
        expected = {"inv": np.linalg.inv(a), "log": np.linalg.slogdet(a)[1],
                    "det": np.linalg.det(a), "sol": np.linalg.solve(a, b)}[text[:3]]
        np.testing.assert_allclose(got, expected, rtol=1e-11)


# -- the literature ---------------------------------------------------------------------------

def _gradients() -> Any:
    """The suite of worked examples, which has the instances and closed forms."""
    path = Path(__file__).parents[1] / "cases" / "test_gradients.py"
    sys.path.insert(0, str(path.parents[1] / "fuzz"))
    spec = importlib.util.spec_from_file_location("worked_examples", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WORKED = _gradients()
LEFT_OUT = [c for c in WORKED.CASES if WORKED.PRIMITIVES.search(c["expr"])]


def test_the_worked_examples_are_there() -> None:
    assert len(LEFT_OUT) == 24


@pytest.mark.parametrize("case", LEFT_OUT, ids=lambda c: c["id"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_worked_examples(case: dict[str, Any], seed: int) -> None:
    expr = md.parse(case["expr"], shapes=case["shapes"], assume=case["constraints"])
    derivation = md.derive(expr, wrt=case["wrt"], order=case["order"])
    if case["expected"] is None:
        report = derivation.verify(seed=seed)
        assert report, str(report)
        return
    arrays = WORKED.instance(case, case["dims"], seed)
    with np.errstate(invalid="ignore"):  # the logarithm of a negative determinant
        _, got = derivation.compile()(**arrays)
    WORKED.check(case, got, arrays, case["dims"])
