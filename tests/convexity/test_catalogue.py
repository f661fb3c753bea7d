"""Known functions: the kind that is proved, and every claim against values at midpoints."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from midpoints import refuted, seed_of

import mathdl as md


@dataclass(frozen=True)
class Case:
    """An expression, by what, and the kind that must be proved of it."""

    kind: str
    expr: str
    wrt: str
    shapes: str
    assume: str = ""

    @property
    def tensor(self) -> md.Tensor:
        return md.parse(self.expr, self.shapes, self.assume)


X = "x: n"
XY = "x: n; y: n"
DATA = "X: m d; w: d; y: m; b: ; lam:"
SOFT = "X: m d; W: d c; b: c; Y: m c"
NETWORK = "X: m d; V: d h; w: h; y: m"
PD = "positive_definite"

CASES = [
    # affine
    Case("affine", "A @ x - b", "x", "A: m n; x: n; b: m"),
    Case("affine", "trace(A @ X) + sum(X)", "X", "A: n n; X: n n"),
    Case("affine", "x - mean(x)", "x", X),
    Case("affine", "lam*(x - y)", "x y", "x: n; y: n; lam:"),
    Case("affine", "diag(x) + X.T", "x X", "x: n; X: n n"),
    Case("affine", "cumsum(x)[1:]", "x", X),
    Case("affine", "where(y > 0, x, -2*x)", "x", XY),
    Case("affine", "log(exp(a @ x))", "x", "a: n; x: n"),
    Case("affine", "sum(eigvalsh(S))", "S", "S: n n", "S: symmetric"),
    Case("constant", "exp(a) @ a", "x", "a: n; x: n"),
    # Boyd and Vandenberghe 3.1.5
    Case("convex", "exp(a*x)", "x", "x: n; a: n"),
    Case("convex", "x**4 - 3*x", "x", X),
    Case("convex", "x**3", "x", X, "x: nonnegative"),
    Case("convex", "x**(-2)", "x", X, "x: positive"),
    Case("concave", "sqrt(x)", "x", X),
    Case("concave", "x**(1/3)", "x", X),
    Case("convex", "x**(3/2)", "x", X),
    Case("convex", "abs(x)**(5/2)", "x", X),
    Case("concave", "log(x)", "x", X),
    Case("convex", "x*log(x)", "x", X),
    Case("convex", "norm2(A @ x - b)", "x", "A: m n; x: n; b: m"),
    Case("convex", "norm1(x) + norm_inf(x)", "x", X),
    Case("convex", "sum(abs(x)**3)**(1/3)", "x", X),
    Case("convex", "max(x)", "x", X),
    Case("concave", "min(A @ x)", "x", "A: m n; x: n"),
    Case("convex", "(x @ x)/t", "x t", "x: n; t:", "t: positive"),
    Case("convex", "x @ inv(Y) @ x", "x Y", "x: n; Y: n n", f"Y: {PD}"),
    Case("convex", "logsumexp(A @ x + b)", "x", "A: m n; x: n; b: m"),
    Case("concave", "exp(mean(log(x)))", "x", X),
    Case("concave", "prod(x)**(1/n)", "x", X, "x: positive"),
    Case("concave", "sqrt(x*y)", "x y", XY, "x: positive; y: positive"),
    Case("concave", "logdet(X)", "X", "X: n n", f"X: {PD}"),
    Case("concave", "logdet(S + 2*t*eye(n))", "S t", "S: n n; t:", f"S: {PD}; t: positive"),
    Case("convex", "trace(inv(X))", "X", "X: n n", f"X: {PD}"),
    Case("convex", "a @ inv(X) @ a", "X", "X: n n; a: n", f"X: {PD}"),
    Case("convex", "1/det(X)", "X", "X: n n", f"X: {PD}"),
    Case("convex", "max(eigvalsh(S))", "S", "S: n n", "S: symmetric"),
    Case("concave", "min(eigvalsh(S))", "S", "S: n n", "S: symmetric"),
    Case("convex", "max(svdvals(X))", "X", "X: m n"),
    Case("convex", "sum(svdvals(X))", "X", "X: m n"),
    # quadratic forms
    Case("convex", "x @ P @ x/2 + q @ x", "x", "x: n; P: n n; q: n", f"P: {PD}"),
    Case("concave", "q @ x - x @ P @ x", "x", "x: n; P: n n; q: n", f"P: {PD}"),
    Case("convex", "x @ A.T @ A @ x", "x", "x: n; A: m n"),
    Case("convex", "x @ A.T @ diag(v) @ A @ x", "x", "x: n; A: m n; v: m", "v: positive"),
    Case("convex", "sqrt(1 + x @ P @ x)", "x", "x: n; P: n n", f"P: {PD}"),
    Case("convex", "trace(X.T @ P @ X)", "X", "X: n k; P: n n", f"P: {PD}"),
    Case("convex", "(x - y) @ inv(P) @ (x - y)", "x y", "x: n; y: n; P: n n", f"P: {PD}"),
    Case("convex", "x**2 - 2*x*y + 2*y**2", "x y", XY),
    Case("convex", "x @ x - n*mean(x)**2", "x", X),
    Case("convex", "var(x)", "x", X),
    # losses
    Case("convex", "sum((X @ w - y)**2)/m + lam*sum(w**2)", "w", DATA, "lam: nonnegative"),
    Case("convex", "sum((X @ w - y)**2)/2 + lam*norm1(w)", "w", DATA, "lam: nonnegative"),
    Case("convex", "mean(log(1 + exp(-y*(X @ w + b))))", "w b", DATA, "y: sign_labels"),
    Case("convex", "sum(softplus(X @ w) - y*(X @ w))", "w", DATA),
    Case("convex", "-sum(y*log(sigmoid(X @ w)) + (1 - y)*log(1 - sigmoid(X @ w)))", "w",
         DATA, "y: unit_interval"),
    Case("convex", "-sum(Y*log(softmax(X @ W + b)))/m", "W b", SOFT, "Y: one_hot"),
    Case("convex", "-sum(Y*log_softmax(Z))", "Z", "Z: m c; Y: m c", "Y: probability_vector"),
    Case("convex", "mean(relu(1 - y*(X @ w))) + lam/2*w @ w", "w", DATA, "lam: positive"),
    Case("convex", "sum(relu(1 - y*(X @ w))**2)", "w", DATA),
    Case("convex", "r = X @ w - y; sum(where(abs(r) <= lam, r**2/2, lam*(abs(r) - lam/2)))", "w",
         DATA, "lam: positive"),
    Case("convex", "r = X @ w - y; sum(where(r > 0, r**2, 3*r**2))", "w", DATA),
    Case("convex", "sum(log(cosh(X @ w - y)))", "w", DATA),
    Case("convex", "sum(exp(X @ w) - y*(X @ w))", "w", DATA),
    Case("convex", "r = y - X @ w; sum(maximum(r/4, -3*r/4))", "w", DATA),
    Case("convex", "sum(gammaln(a)) - gammaln(b)", "a", "a: n; b:", "a: positive"),
    # information
    Case("concave", "-sum(p*log(p))", "p", "p: n", "p: probability_vector"),
    Case("concave", "-p*log(p) - (1 - p)*log(1 - p)", "p", "p: n", "p: unit_interval"),
    Case("convex", "sum(p*log(p/q))", "p q", "p: n; q: n", "p: positive; q: positive"),
    Case("convex", "sum(p*(log(p) - log(q)) - p + q)", "p q", "p: n; q: n",
         "p: positive; q: positive"),
    Case("convex", "m = (p + q)/2; sum(p*log(p/m) + q*log(q/m))", "p q", "p: n; q: n",
         "p: positive; q: positive"),
    Case("convex", "-sum(p*log(q))", "q", "p: n; q: n", "p: probability_vector"),
    Case("concave", "sum(log(b - A @ x))", "x", "A: m n; x: n; b: m", "b: large_positive"),
    # compositions
    Case("convex", "exp(x @ x)", "x", X),
    Case("convex", "where(abs(x) <= 1, 2*abs(x) - 1, x**2)", "x", X),
    Case("convex", "1/sqrt(x)", "x", X, "x: positive"),
    Case("convex", "-log(1 - exp(-x))", "x", X, "x: positive"),
    Case("convex", "exp(x)*exp(y)/z", "x y z", "x: n; y: n; z: n", "z: positive"),
    Case("concave", "sigmoid(x)", "x", X, "x: nonnegative"),
    Case("concave", "log(sigmoid(x)*normal)", "x", "x: n; normal: n", "normal: positive"),
    Case("concave", "minimum(log(x), y)", "x y", XY),
    Case("convex", "maximum(x, 0)**2 + leaky_relu(x, 0.1)", "x", X),
    Case("convex", "conv2d(x, K)**2", "x", "x: 1 1 4 4; K: 1 1 2 2"),
    Case("convex", "abs(x - y)", "x y", XY),
]

UNKNOWN = [
    Case("unknown", "x @ P @ x", "x", "x: n; P: n n"),
    Case("unknown", "x @ P @ x", "x", "x: n; P: n n", "P: symmetric"),
    Case("unknown", "x @ y", "x y", XY),
    Case("unknown", "x*exp(x)", "x", X),
    Case("unknown", "trace(X @ X)", "X", "X: n n"),
    Case("unknown", "sin(x)", "x", X),
    Case("unknown", "sigmoid(x)", "x", X),
    Case("unknown", "tanh(X @ w)", "w", DATA),
    Case("unknown", "1/x", "x", X),
    Case("unknown", "log(x**2)", "x", X),
    Case("unknown", "x**3", "x", X),
    Case("unknown", "sqrt(x**2 - 1)", "x", X),
    Case("unknown", "exp(-x**2)", "x", X),
    Case("unknown", "exp(log(x)**2)", "x", X),
    Case("unknown", "relu(-relu(x))*y - relu(1 - relu(x))", "x", XY),
    Case("unknown", "abs(abs(x) - 1)", "x", X),
    Case("unknown", "x/y", "x y", XY, "x: positive; y: positive"),
    Case("unknown", "norm2(x)/t", "x t", "x: n; t:", "t: positive"),
    Case("unknown", "(x @ x)/t", "x t", "x: n; t:"),
    Case("unknown", "x*y", "x y", XY, "x: positive; y: positive"),
    Case("unknown", "det(X)", "X", "X: n n", f"X: {PD}"),
    Case("unknown", "logdet(X)", "X", "X: n n"),
    Case("unknown", "softmax(x)", "x", X),
    Case("unknown", "sum((X @ w - y)**2) + lam*norm1(w)", "w", DATA),
    Case("unknown", "sum(relu(X @ V) @ w)", "V", NETWORK),
    Case("unknown", "sum((tanh(X @ V) @ w - y)**2)", "V w", NETWORK),
    Case("unknown", "sum((relu(X @ V) @ w - y)**2)", "V", NETWORK),
    Case("unknown", "-sum(p*log(q))", "p q", "p: n; q: n", "p: positive; q: positive"),
    Case("unknown", "sum(p*log(q/p))*lam", "q", "p: n; q: n; lam:", "p: positive; q: positive"),
    Case("unknown", "-sum(Y*log(softmax(Z)))", "Z", "Z: m c; Y: m c"),
    Case("unknown", "x**2 - 3*x*y + y**2", "x y", XY),
    Case("unknown", "max(x) - max(-x)", "x", X),
    Case("unknown", "sum((T - U @ V.T)**2)", "U V", "T: n m; U: n k; V: m k"),
    Case("unknown", "where(abs(x) <= 1, x**2, 2*abs(x))", "x", X),
    Case("unknown", "where(abs(x) <= 1, x**2, abs(x))", "x", X),
    Case("unknown", "where(x > 0, x, 2*x + 1)", "x", X),
]

ALL = CASES + UNKNOWN


def test_the_catalogue_has_what_it_says() -> None:
    shown = [(c.expr, c.wrt, c.assume) for c in ALL]
    assert len(set(shown)) == len(shown) >= 100


@pytest.mark.parametrize("case", ALL, ids=lambda c: f"{c.kind}: {c.expr} by {c.wrt}")
def test_kind(case: Case) -> None:
    found = md.curvature(case.tensor, case.wrt.split())
    assert found == case.kind, str(found)
    assert found.reason
    assert bool(found) == (case.kind != "unknown")
    if found:
        assert refuted(case.tensor, case.wrt.split(), case.kind, seed_of(case.expr)) == ""


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.kind in ("convex", "concave")],
    ids=lambda c: f"{c.expr} by {c.wrt}",
)
def test_midpoints_refuse_the_opposite(case: Case) -> None:
    """The midpoints can refuse: the opposite claim, or that it is affine, does not pass."""
    other = {"convex": "concave", "concave": "convex"}[case.kind]
    assert refuted(case.tensor, case.wrt.split(), other, seed_of(case.expr))
    assert refuted(case.tensor, case.wrt.split(), "affine", seed_of(case.expr))
