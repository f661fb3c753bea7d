"""Derivatives in the space of symmetric matrices, against differences along symmetric steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from oracle import evaluate

import mathdl as md
from mathdl.request import SPACES

# expression, what is assumed of S, the function of S, C and x
CASES: dict[str, tuple[str, str, Callable[..., Any]]] = {
    "linear": ("sum(C*S)", "symmetric", lambda S, C, x: anp.sum(C * S)),
    "quadratic form": ("x @ S @ C @ x", "symmetric",
                       lambda S, C, x: anp.dot(anp.dot(x, S), anp.dot(C, x))),
    "nonlinear": ("sum(C*exp(S)*S)", "symmetric", lambda S, C, x: anp.sum(C * anp.exp(S) * S)),
    "log det": ("logdet(S) + sum(C*S)", "positive_definite",
                lambda S, C, x: anp.linalg.slogdet(S)[1] + anp.sum(C * S)),
    "inverse": ("trace(inv(S) @ C)", "positive_definite",
                lambda S, C, x: anp.trace(anp.dot(anp.linalg.inv(S), C))),
    "solve": ("x @ solve(S, C @ x)", "positive_definite",
              lambda S, C, x: anp.dot(x, anp.linalg.solve(S, anp.dot(C, x)))),
    "cubic": ("trace(S @ C @ S @ S)", "symmetric",
              lambda S, C, x: anp.trace(anp.dot(anp.dot(S, C), anp.dot(S, S)))),
}
SHAPES = "S: n n; C: n n; x: n"


def _arrays(rng: np.random.Generator, n: int, assumed: str) -> dict[str, Any]:
    a = rng.normal(size=(n, n))
    S = a @ a.T + n * np.eye(n) if assumed == "positive_definite" else a + a.T
    return {"S": S, "C": rng.normal(size=(n, n)), "x": rng.normal(size=n)}


def _expr(name: str, letter: str = "S") -> Any:
    text, assumed, _ = CASES[name]
    if letter != "S":
        text = text.replace("S", letter)
    return md.parse(text, SHAPES.replace("S", letter), f"{letter}: {assumed}")


def _slope(f: Callable[[Any], Any], S: Any, step: Any) -> Any:
    """A central difference of order four."""
    h = 1e-3
    return (8 * (f(S + h * step) - f(S - h * step)) - f(S + 2 * h * step) + f(S - 2 * h * step)) / (
        12 * h
    )


@pytest.mark.parametrize("n", [4, 2, 1])
@pytest.mark.parametrize("name", CASES)
def test_the_three_gradients(name: str, n: int, rng: np.random.Generator) -> None:
    arrays = _arrays(rng, n, CASES[name][1])
    law = CASES[name][2]
    G = autograd.grad(law)(arrays["S"], arrays["C"], arrays["x"])
    expected = {"ambient": G, "projected": (G + G.T) / 2, "vech": G + G.T - np.diag(np.diag(G))}
    for space, gradient in expected.items():
        D = md.derive(_expr(name), wrt="S", symmetric=space)
        value, found = D.compile()(**arrays)
        np.testing.assert_allclose(found, gradient, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(value, law(**arrays), rtol=1e-10)
    if n > 2:
        assert not np.allclose(expected["ambient"], expected["projected"])


@pytest.mark.parametrize("name", CASES)
def test_the_laws_along_symmetric_steps(name: str, rng: np.random.Generator) -> None:
    """``df = <P, dS>`` for a symmetric ``dS``; ``V[i, j]`` moves ``S[i, j]`` and ``S[j, i]``."""
    n = 3
    arrays = _arrays(rng, n, CASES[name][1])

    def value(S: Any) -> Any:
        return CASES[name][2](S, arrays["C"], arrays["x"])

    P = md.derive(_expr(name), "S", symmetric="projected").compile("grad")(**arrays)
    V = md.derive(_expr(name), "S", symmetric="vech").compile("grad")(**arrays)
    np.testing.assert_array_equal(V, V.T)
    np.testing.assert_allclose(P, P.T, rtol=1e-14)
    for i in range(n):
        for j in range(i + 1):
            step = np.zeros((n, n))
            step[i, j] = step[j, i] = 1
            slope = _slope(value, arrays["S"], step)
            np.testing.assert_allclose(np.sum(P * step), slope, rtol=1e-6, atol=1e-7)
            np.testing.assert_allclose(V[i, j], slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("space", ["projected", "vech"])
@pytest.mark.parametrize("name", CASES)
def test_verify_accepts_them_whatever_the_name(name: str, space: str) -> None:
    D = md.derive(_expr(name, "Q"), wrt="Q", symmetric=space)
    report = D.verify()
    assert report, str(report)
    assert "Q moves symmetrically" in str(report)


@pytest.mark.parametrize("space", ["projected", "vech"])
@pytest.mark.parametrize("claimed", ["ambient", "projected", "vech"])
@pytest.mark.parametrize("order", [1, 2])
def test_verify_refuses_a_derivative_of_another_space(
    space: str, claimed: str, order: int
) -> None:
    D = md.derive(_expr("cubic"), wrt="S", order=order, symmetric=claimed)
    other = md.derive(_expr("cubic"), wrt="S", order=order, symmetric=space)
    mixed = replace(D, space=SPACES[space], lower=other.lower)
    assert bool(mixed.verify()) == (space == claimed)


@pytest.mark.parametrize("space", ["projected", "vech"])
def test_hessians(space: str, rng: np.random.Generator) -> None:
    """The map on both arguments of the ambient Hessian; the operator multiplies with it."""
    n = 3
    for name in ("cubic", "log det", "nonlinear"):
        arrays = _arrays(rng, n, CASES[name][1])
        H = autograd.hessian(CASES[name][2])(arrays["S"], arrays["C"], arrays["x"])
        for axes in ((1, 0, 2, 3), (0, 1, 3, 2)):
            T = np.transpose(H, axes)
            eye = np.eye(n).reshape((n, n, 1, 1) if axes[0] else (1, 1, n, n))
            H = (H + T) / 2 if space == "projected" else H + T - eye * H
        D = md.derive(_expr(name), wrt="S", order=2, symmetric=space)
        found = D.compile("grad")(**arrays)
        np.testing.assert_allclose(found, H, rtol=1e-9, atol=1e-10)
        operator = D.operator(**{t.name: arrays[t.name] for t in D.inputs})
        np.testing.assert_allclose(
            operator @ np.eye(n * n), H.reshape(n * n, n * n), rtol=1e-9, atol=1e-10
        )
        assert D.verify(points=1)


def test_only_the_axes_of_the_symmetric_argument_are_mapped(rng: np.random.Generator) -> None:
    """In a Jacobian, a mixed block, a stack of matrices and a named quantity beside it."""
    n, m, k = 3, 4, 2
    S = rng.normal(size=(n, n))
    arrays = {"A": rng.normal(size=(m, n)), "S": S + S.T, "B": rng.normal(size=(n, k))}
    expr = md.parse("tanh(A @ S @ B)", "A: m n; S: n n; B: n k", "S: symmetric")

    def law(A: Any, S: Any, B: Any) -> Any:
        return anp.tanh(anp.dot(anp.dot(A, S), B))

    J = autograd.jacobian(law, 1)(*arrays.values())
    D = md.derive(expr, wrt=["S", "B"], symmetric="projected")
    found = D.compile("grad")(**arrays)
    np.testing.assert_allclose(found["S"], (J + np.swapaxes(J, 2, 3)) / 2, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        found["B"], autograd.jacobian(law, 2)(*arrays.values()), rtol=1e-10, atol=1e-12
    )
    assert D.verify(points=2)
    mixed = md.derive(md.sum(expr), wrt=[("B", "S")], symmetric="projected")
    M = autograd.jacobian(autograd.grad(lambda A, S, B: anp.sum(law(A, S, B)), 2), 1)(
        *arrays.values()
    )
    M = (M + np.swapaxes(M, 2, 3)) / 2
    sizes = {"n": n, "m": m, "k": k}
    np.testing.assert_allclose(evaluate(mixed["B", "S"], arrays, sizes), M, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(
        evaluate(mixed["S", "B"], arrays, sizes), np.transpose(M, (2, 3, 0, 1)),
        rtol=1e-9, atol=1e-11,
    )
    assert mixed.verify(points=2)
    stack = md.derive(md.parse("sum(C*S**3)", "C: 2 n n; S: 2 n n", "S: symmetric"), "S",
                      symmetric="vech")
    C, S = rng.normal(size=(2, 2, n, n))
    S = S + np.swapaxes(S, 1, 2)
    G = 3 * C * S**2
    np.testing.assert_allclose(
        stack.compile("grad")(C=C, S=S), G + np.swapaxes(G, 1, 2) - np.eye(n) * G, rtol=1e-12
    )
    assert stack.verify(points=2)


@pytest.mark.parametrize("space", ["ambient", "projected", "vech"])
def test_a_factorisation_that_reads_one_triangle(space: str) -> None:
    text = "sum(C*cholesky(S)) + sum(C*S)"  # one gradient that is symmetric, one that is not
    expr = md.parse(text, "C: n n; S: n n", "S: positive_definite")
    D = md.derive(expr, wrt=["S", "C"], symmetric=space)
    assert D.verify()
    assert {c.tensor for c in replace(D, derivatives={
        "S": D["S"] + D["S"], "C": D["C"]
    }).verify().failures} == {"S"}


@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize("space", ["projected", "vech"])
def test_the_map_of_a_space(space: str, n: int, rng: np.random.Generator) -> None:
    """Self-adjoint, onto symmetric matrices, and undone by ``preimage`` there."""
    law, eye = SPACES[space], np.eye(n)
    assert law is not None
    A, B = rng.normal(size=(2, n, n))
    mapped = law.map(A, A.T, eye)
    np.testing.assert_array_equal(mapped, mapped.T)
    np.testing.assert_allclose(np.sum(mapped * B), np.sum(A * law.map(B, B.T, eye)))
    S = A + A.T
    start = law.preimage(S, eye)
    np.testing.assert_allclose(law.map(start, start.T, eye), S, rtol=1e-15)


def test_a_gradient_that_is_symmetric_already_is_not_written_twice() -> None:
    D = md.derive(md.parse("x @ S @ x", "x: n; S: n n", "S: symmetric"), "S",
                  symmetric="projected")
    assert D.text() == "dL/dS = outer(x, x)"


def test_kronecker_deltas_are_kept() -> None:
    D = md.derive(md.parse("sum(S**2)", "S: n n", "S: symmetric"), "S", 2, symmetric="projected")
    assert {f.deltas for f in D.factors()} == {((0, 2), (1, 3)), ((0, 3), (1, 2))}


def test_the_value_is_not_read_off_a_gradient_of_another_space(rng: np.random.Generator) -> None:
    """A linear function may be computed as ``<S, G>``, with the ambient ``G`` only."""
    text = "sum(C*(S + S @ tanh(A @ B)))"
    expr = md.parse(text, "C: n n; S: n n; A: n n; B: n n", "S: symmetric")
    S = rng.normal(size=(3, 3))
    arrays = {"S": S + S.T, **{n: rng.normal(size=(3, 3)) for n in "CAB"}}
    for space in SPACES:
        value, _ = md.derive(expr, ["S", "A"], symmetric=space).compile()(**arrays)
        truth = np.sum(arrays["C"] * (arrays["S"] + arrays["S"] @ np.tanh(
            arrays["A"] @ arrays["B"])))
        np.testing.assert_allclose(value, truth, rtol=1e-12)


def test_bad_requests() -> None:
    expr = md.parse("sum(S**2)", "S: n n")
    with pytest.raises(md.NamingError, match="ambient, projected, vech, not 'half'"):
        md.derive(expr, "S", symmetric="half")
    with pytest.raises(md.NamingError, match="not None"):
        md.derive(expr, "S", symmetric=None)  # type: ignore[arg-type]
    with pytest.raises(md.AssumptionError, match="assumed symmetric"):
        md.derive(expr, "S", symmetric="projected")
