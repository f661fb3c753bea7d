"""What curvature() gives back, its reasons, and the proofs from the form of a Hessian."""

from __future__ import annotations

import numpy as np
import pytest
from midpoints import SIZES

import mathdl as md
from mathdl.convexity.analysis import Analysis
from mathdl.convexity.hessian import sign_of_hessian
from mathdl.convexity.kernels import definite
from mathdl.ir.dim import dim_symbol
from mathdl.ir.system import inputs_of
from mathdl.proof.evaluate import Evaluator
from mathdl.verify.sampling import sample


def test_the_answer_compares_and_prints() -> None:
    loss = md.parse("log(sum(exp(A @ x)))", "A: m n; x: n")
    found = md.curvature(loss, "x")
    assert found == "convex"
    assert found != "concave"
    (x,) = [t for t in inputs_of([loss]) if t.name == "x"]
    assert found == md.curvature(loss, x)
    assert found.wrt == ("x",)
    assert str(found).startswith("convex in x\n")
    assert "log-sum-exp" in found.reason
    assert md.curvature(loss, ["A", "x"]) == "unknown"
    assert md.curvature(loss, "A") == "convex"
    assert len({found, md.curvature(loss, "x")}) == 1


@pytest.mark.parametrize(("expr", "assume", "words"), [
    ("norm2(x)**2 + c*norm1(x)", "c: nonnegative", ["nonnegative multiple", "3.2.1"]),
    ("norm2(x)**2 + c*norm1(x)", "", ["sign of the factor", "not known"]),
    ("logdet(P)", "P: symmetric", ["not shown to be positive definite"]),
    ("x @ P @ x", "P: positive_definite", ["quadratic form", "3.1.4"]),
    ("max(abs(x))", "", ["maximum of convex"]),
    ("sin(x)", "", ["sin of an affine function"]),
    ("1/x", "", ["the sign of which is not known"]),
    ("2*x + c", "", ["constants alone"]),
    ("sum(x**2) - n*mean(x)**2", "", ["Hessian is positive semidefinite by its form"]),
    ("x*log(x)", "", ["second derivative"]),
])
def test_the_reason_says_why(expr: str, assume: str, words: list[str]) -> None:
    tensor = md.parse(expr, "x: n; c: ; P: n n", assume)
    wrt = "P" if expr == "logdet(P)" else "x"
    reason = md.curvature(tensor, wrt).reason
    for word in words:
        assert word in reason, reason


def test_named_quantities_are_variables() -> None:
    loss = md.parse("Z = tanh(X @ W); sum(log(1 + exp(Z)))", "X: m d; W: d c")
    assert md.curvature(loss, "W") == "unknown"
    assert md.curvature(loss, "Z") == "convex"


def test_facts_of_instances_are_not_used_of_the_variable() -> None:
    """On the corners of the simplex x*x is x, but between them it is not."""
    loss = md.parse("sum(x*x)", "x: n", "x: one_hot")
    assert md.curvature(loss, "x") == "convex"


def test_errors() -> None:
    loss = md.parse("sum(x)", "x: n")
    with pytest.raises(md.NamingError, match="not a variable"):
        md.curvature(loss, "y")
    with pytest.raises(md.UnsupportedError):
        md.curvature([1, 2], "x")


def test_a_recurrence_is_unknown() -> None:
    loss = md.parse("h[-1] = zeros(n); h[t<T] = W @ h[t - 1] + x[t]; sum(h**2)",
                    "W: n n; x: T n")
    assert md.curvature(loss, "W") == "unknown"


# -- kernels -----------------------------------------------------------------------------------

KERNELS = [
    ("A.T @ A", "", 1), ("-A.T @ A", "", -1), ("A.T @ diag(v) @ A", "v: positive", 1),
    ("A.T @ diag(v) @ A", "", 0), ("B", "", 0), ("B @ B", "", 0),
    ("diag(u)", "u: nonnegative", 1), ("outer(u, u)", "", 1), ("outer(u, abs(u))", "", 0),
    ("diag(u) - outer(u, u)", "u: probability_vector", 1),
    ("diag(u) - outer(u, u)", "u: positive", 0),
    ("2*diag(u) - outer(u, u)", "u: probability_vector", 0),
    ("q = softmax(u); diag(q) - outer(q, q)", "", 1),
    ("q = softmax(u); outer(q, q) - diag(q)", "", -1),
    ("A.T @ A + einsum('ki,ki,ij->ij', p, p, eye(n))", "", 1),
    ("einsum('ka,ki,kb,ij->aibj', A, p, A, eye(n)) - einsum('ka,ki,kb,kj->aibj', A, p, A, p)",
     "p: probability_vector", 1),
    ("eye(n) - ones(n, n)/n", "", 1), ("eye(n) - ones(n, n)", "", 0),
    ("P + 2*eye(n)", "P: positive_definite", 1), ("P - eye(n)", "P: positive_definite", 0),
    ("P*(A.T @ A)", "P: positive_definite", 1), ("B @ P @ B.T", "P: positive_definite", 1),
    ("B @ P @ B", "P: positive_definite", 0), ("inv(P)", "P: positive_definite", 1),
    ("einsum('ij,ac->iajc', P, eye(k))", "P: positive_definite", 1),
    ("einsum('ij,ac->iajc', B.T @ B, outer(w, w))", "", 1),
    ("einsum('il,jk->ijkl', eye(n), eye(n))", "", 0),
    ("einsum('ir,js,is,jr->ij', B, B, C, C)", "", 0),
    ("einsum('ij,ji->ij', B, B)", "", 0),
]
SHAPES = "A: m n; B: n n; C: n n; P: n n; u: n; v: m; w: k; Z: m n; p: m n"


@pytest.mark.parametrize(("text", "assume", "sign"), KERNELS)
def test_kernels(text: str, assume: str, sign: int, rng: np.random.Generator) -> None:
    tensor = md.parse(text.replace("'", '"'), SHAPES, assume)
    assert (sign_of_hessian(tensor, tensor.ndim // 2) or 0) == sign
    inputs = inputs_of([tensor])
    sizes = {dim_symbol(name): size for name, size in SIZES.items()}
    least = []
    for _ in range(20):
        arrays = sample(inputs, SIZES, rng)
        value = Evaluator(lambda t, a=arrays: a[t.name], sizes).value(tensor)
        side = int(np.sqrt(value.size))
        matrix = value.reshape(side, side)
        least.append(np.linalg.eigvalsh((matrix + matrix.T) / 2 * (sign or 1)).min())
    assert (min(least) > -1e-9) == (sign != 0 or text.startswith("2*diag"))


@pytest.mark.parametrize(("text", "assume", "found"), [
    ("P", "P: positive_definite", "positive"), ("P", "P: symmetric", None),
    ("P + B.T @ B", "P: positive_definite", "positive"), ("B.T @ B", "", "semi"),
    ("B.T @ B + c*eye(n)", "c: positive", "positive"), ("B.T @ B + c*eye(n)", "c: nonnegative",
                                                       "semi"),
    ("B.T @ B + c*eye(n)", "", None), ("diag(u) + P", "u: positive; P: positive_definite",
                                      "positive"),
    ("diag(u)", "u: positive", "positive"), ("P*P", "P: positive_definite", "semi"),
    ("2*inv(P)", "P: positive_definite", "positive"), ("-P", "P: positive_definite", None),
    ("P @ P", "P: positive_definite", "semi"),
])
def test_definite(text: str, assume: str, found: str | None) -> None:
    tensor = md.parse(text, SHAPES + "; c:", assume)
    assert definite(Analysis([tensor], []), tensor) == found
