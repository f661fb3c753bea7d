"""Naive formulas come out in their textbook form: the same operations, in any order of factors."""

from __future__ import annotations

import ast
from typing import Any

import pytest

import mathdl as md

# expression; shapes; assumptions; variables; order; the lines that are printed
FORMS: list[tuple[str, str, str, Any, int, str]] = [
    ("sum((X@w-y)**2)", "X: n d; w: d; y: n", "", "w", 1, "2*X.T @ (X @ w - y)"),
    ("mean((X@w-y)**2)", "X: n d; w: d; y: n", "", "w", 1, "2*X.T @ (X @ w - y)/n"),
    ("sum((X@w-y)**2)/n + lam*sum(w**2)", "X: n d; w: d; y: n; lam:", "", "w", 1,
     "2*X.T @ (X @ w - y)/n + 2*lam*w"),
    ("-sum(y*log(sigmoid(X@w)) + (1-y)*log(1-sigmoid(X@w)))", "X: n d; w: d; y: n", "y: binary",
     "w", 1, "X.T @ (sigmoid(X @ w) - y)"),
    ("-mean(y*log(1/(1+exp(-X@w))) + (1-y)*log(1-1/(1+exp(-X@w))))", "X: n d; w: d; y: n",
     "y: binary", "w", 1, "X.T @ (sigmoid(X @ w) - y)/n"),
    ("sum(log(1+exp(-y*(X@w))))", "X: n d; w: d; y: n", "", "w", 1,
     "-X.T @ (y*sigmoid(-y*(X @ w)))"),
    ("-sum(log((1 + tanh(X@w))*y/2 + (1 - tanh(X@w))*(1 - y)/2))", "X: n d; w: d; y: n",
     "y: binary", "w", 1, "X.T @ (tanh(X @ w) + 1 - 2*y)"),
    ("-sum(Y*log(softmax(Z)))/n", "Z: n k; Y: n k", "Y: one_hot", "Z", 1, "(softmax(Z) - Y)/n"),
    ("-sum(Y*log(softmax(X@W)))/n", "X: n d; W: d k; Y: n k", "Y: one_hot", "W", 1,
     "X.T @ (softmax(X @ W) - Y)/n"),
    ("P = softmax(X @ W + b); -sum(Y*log(P))/n", "X: n d; W: d k; b: k; Y: n k", "Y: one_hot",
     ["W", "b"], 1, "P = softmax(X @ W + b); X.T @ (P - Y)/n; mean(P - Y, axis=0)"),
    ("P = softmax(Z); -sum(((1 - eps)*Y + eps/c)*log(P))/n", "Z: n c; Y: n c; eps:",
     "Y: one_hot; eps: unit_interval", "Z", 1,
     "P = softmax(Z); (P - ((1 - eps)*Y + eps/c))/n"),
    ("-sum(y*log(softmax(z)))", "z: k; y: k", "y: one_hot", "z", 2,
     "p = softmax(z); diag(p) - outer(p, p)"),
    ("softmax(z)", "z: k", "", "z", 1, "p = softmax(z); diag(p) - outer(p, p)"),
    ("log_softmax(z)", "z: k", "", "z", 1, "eye(k) - softmax(z)"),
    ("Z1 = X@W1 + b1; A1 = sigmoid(Z1); Z2 = A1@W2 + b2; A2 = sigmoid(Z2); sum((A2-Y)**2)/(2*n)",
     "X: n d; W1: d h; b1: h; W2: h k; b2: k; Y: n k", "", ["W1", "b1", "W2", "b2"], 1,
     "Z1 = X @ W1 + b1; A1 = sigmoid(Z1); Z2 = A1 @ W2 + b2; A2 = sigmoid(Z2);"
     "delta2 = A2*(A2 - Y)*(1 - A2)/n; delta1 = A1*(delta2 @ W2.T)*(1 - A1);"
     "X.T @ delta1; sum(delta1, axis=0); A1.T @ delta2; sum(delta2, axis=0)"),
    ("sum(exp(X@w) - y*(X@w))", "X: n d; w: d; y: n", "", "w", 1, "X.T @ (exp(X @ w) - y)"),
    ("log(det(A))", "A: n n", "A: invertible", "A", 1, "inv(A).T"),
    ("trace(A@inv(X)@B)", "A: k n; X: n n; B: n k", "X: invertible", "X", 1,
     "-(inv(X) @ (B @ A @ inv(X))).T"),
    ("det(inv(A))", "A: n n", "A: invertible", "A", 1, "-inv(A).T/det(A)"),
    ("norm2(A@X@B - C)**2", "A: m n; X: n p; B: p q; C: m q", "", "X", 1,
     "2*A.T @ ((A @ X @ B - C) @ B.T)"),
    ("x @ A @ x", "x: n; A: n n", "", "x", 1, "(A.T + A) @ x"),
    ("trace(W.T @ X.T @ X @ W)", "X: n d; W: d k", "", "W", 1, "2*X.T @ (X @ W)"),
    ("(x@A@x)/(x@x)", "A: n n; x: n", "A: symmetric", "x", 1,
     "2*(A @ x - (x @ A @ x)*x/sum(x**2))/sum(x**2)"),
    ("-logdet(S)/2 - (x-mu)@inv(S)@(x-mu)/2 - d/2*log(2*pi)", "x: d; mu: d; S: d d",
     "S: positive_definite", ["mu", "S"], 1,
     "inv(S) @ (x - mu); (inv(S) @ outer(x - mu, x - mu) @ inv(S) - inv(S))/2"),
    ("(trace(inv(S1)@S0) + (m1-m0)@inv(S1)@(m1-m0) - d + logdet(S1) - logdet(S0))/2",
     "m0: d; m1: d; S0: d d; S1: d d", "S0: positive_definite; S1: positive_definite",
     ["m0", "m1", "S0", "S1"], 1,
     "inv(S1) @ (m0 - m1); inv(S1) @ (m1 - m0); (inv(S1) - inv(S0))/2;"
     "(inv(S1) - inv(S1) @ (outer(m1 - m0, m1 - m0) + S0) @ inv(S1))/2"),
    ("m = mean(x, axis=1, keepdims=True); s = sqrt(mean((x-m)**2, axis=1, keepdims=True) + eps);"
     "x_hat = (x-m)/s; sum(G*(gam*x_hat + bet))", "x: n d; G: n d; gam: d; bet: d; eps:",
     "eps: positive", "x", 1,
     "x_hat_bar = G*gam; s = sqrt(var(x, axis=1, keepdims=True) + eps);"
     "m = mean(x, axis=1, keepdims=True); x_hat = (x - m)/s;"
     "(x_hat_bar - x_hat*mean(x_hat_bar*x_hat, axis=1, keepdims=True)"
     " - mean(x_hat_bar, axis=1, keepdims=True))/s"),
    ("m = mean(x, axis=0); s = sqrt(mean((x-m)**2, axis=0) + eps); x_hat = (x-m)/s;"
     "sum(G*(g*x_hat + b))", "x: n d; G: n d; g: d; b: d; eps:", "eps: positive",
     ["x", "g", "b"], 1,
     "x_hat_bar = G*g; s = sqrt(var(x, axis=0) + eps); m = mean(x, axis=0); x_hat = (x - m)/s;"
     "(x_hat_bar - x_hat*mean(x_hat_bar*x_hat, axis=0) - mean(x_hat_bar, axis=0))/s;"
     "sum(G*x_hat, axis=0); sum(G, axis=0)"),
    ("s = sqrt(mean(x**2, axis=1, keepdims=True) + eps); x_hat = x/s; sum(G*x_hat)",
     "x: n d; G: n d; eps:", "eps: positive", "x", 1,
     "s = sqrt(mean(x**2, axis=1, keepdims=True) + eps); x_hat = x/s;"
     "(G - x_hat*mean(G*x_hat, axis=1, keepdims=True))/s"),
    ("S = Q@K.T/sqrt(d); A = softmax(S); O = A@V; sum(G*O)", "Q: n d; K: m d; V: m e; G: n e",
     "", ["V", "Q", "K"], 1,
     "S = Q @ K.T/sqrt(d); A = softmax(S); A_bar = G @ V.T;"
     "t1 = A*(A_bar - sum(A_bar*A, axis=1, keepdims=True))/sqrt(d);"
     "A.T @ G; t1 @ K; t1.T @ Q"),
    ("sum(gelu(x))", "x: n", "", "x", 1,
     "(sqrt(2)*x*exp(-x**2/2)/sqrt(pi) + erf(sqrt(2)*x/2) + 1)/2"),
    ("sum(G*conv2d(x, k))", "x: 8 9; k: 3 2; G: 6 8", "", ["x", "k"], 1,
     "conv2d(G, k[::-1, ::-1], padding=(2, 1)); conv2d(x, G)"),
    ("h[-1] = zeros(m); h[t<T] = tanh(W @ h[t-1] + X[t]); g @ h[T-1]",
     "W: m m; X: T m; g: m", "", ["X", "W"], 1,
     "h[-1] = zeros(m); h[t<T] = tanh(W @ h[t - 1] + X[t]); t2[T] = g;"
     "t1[t<T] = t2[t + 1]*(1 - h[t]**2); t2[t<T] = W.T @ t1[t];"
     "t1; t1.T @ concat([zeros(1, m), h])[:T]"),
    ("S[i<n, k<c] = log(w[k]) - sum[j<d]((X[i, j] - M[k, j])**2)/2; sum(logsumexp(S, axis=1))",
     "X: n d; M: c d; w: c", "w: probability_vector", ["M", "w"], 1,
     "S = log(w) - sum((X[:, None] - M)**2, axis=2)/2; P = softmax(S);"
     "t1 = sum(P, axis=0); P.T @ X - M*t1[:, None]; t1/w"),
    ("sum((X - X@W@W.T)**2)", "X: n d; W: d k", "", "W", 1,
     "t1 = 2*(X @ W @ W.T - X); t1.T @ (X @ W) + X.T @ (t1 @ W)"),
    ("-mean(diagonal(log_softmax(U@V.T/tau)))", "U: n d; V: n d; tau:", "tau: positive", "U", 1,
     "(softmax(U @ V.T/tau) @ V - V)/(n*tau)"),
    ("norm2(T - U@V.T)**2", "T: n m; U: n k; V: m k", "", "U", 2,
     '2*einsum("ac,bd->abcd", eye(n), V.T @ V)'),
    ("sum(where(abs(A @ x - b) <= 1, (A @ x - b)**2, 2*abs(A @ x - b) - 1))",
     "A: m n; x: n; b: m", "", "x", 1, "2*A.T @ clip(A @ x - b, -1, 1)"),
    ("x/(1 + abs(x))", "x: n", "", "x", 1, "diag(1/(abs(x) + 1)**2)"),
    ("sum(where(x > 0, x**2, -(x**3)))", "x: n", "", "x", 1, "where(x > 0, 2*x, -3*x**2)"),
    ("m = (p + q)/2; sum(p*log(p/m))/2 + sum(q*log(q/m))/2", "p: n; q: n",
     "p: positive; q: positive", "p", 1, "m = (p + q)/2; log(p/m)/2"),
    ("-sum(sum(P, axis=1)*log(sum(P, axis=1))) + sum(P*log(P))", "P: n m", "P: positive", "P", 1,
     "log(P) - log(sum(P, axis=1, keepdims=True))"),
]


def canonical(text: str) -> tuple[Any, ...]:
    """The parts of a text with sums and products in one order."""
    tree = ast.parse("\n".join(part.strip() for part in text.replace("\n", ";").split(";")))
    return tuple(sorted(repr(_form(node)) for node in tree.body))


def _form(node: Any) -> Any:
    match node:
        case ast.Expr(value=value):
            return _form(value)
        case ast.Assign(targets=[target], value=value):
            return ("=", ast.unparse(target), _form(value))
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            return ("sum", *sorted(_terms(node, 1), key=repr))
        case ast.BinOp(op=ast.Mult() | ast.Div()):
            return ("product", *sorted(_factors(node, 1), key=repr))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return ("product", *sorted([(1, "-"), *_factors(operand, 1)], key=repr))
        case ast.AST():
            return (type(node).__name__, *(_form(v) for _, v in ast.iter_fields(node)))
        case list():
            return tuple(map(_form, node))
    return node


def _terms(node: Any, sign: int) -> list[Any]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        other = sign if isinstance(node.op, ast.Add) else -sign
        return [*_terms(node.left, sign), *_terms(node.right, other)]
    return [(sign, _form(node))]


def _factors(node: Any, power: int) -> list[Any]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        other = power if isinstance(node.op, ast.Mult) else -power
        return [*_factors(node.left, power), *_factors(node.right, other)]
    return [(power, _form(node))]


@pytest.mark.parametrize(
    ("text", "shapes", "assume", "wrt", "order", "wanted"), FORMS, ids=[f[0][:60] for f in FORMS]
)
def test_textbook_form(
    text: str, shapes: str, assume: str, wrt: Any, order: int, wanted: str
) -> None:
    derivation = md.derive(md.parse(text, shapes, assume), wrt, order=order)
    shown = "\n".join(
        line.split(" = ", 1)[1] if line.startswith("d") and "/" in line.split(" = ")[0] else line
        for line in derivation.text().split("\n")
    )
    assert canonical(shown) == canonical(wanted), shown


def test_a_network_of_any_depth() -> None:
    """BP1 to BP4 for four layers: an error for each, and two derivatives from each."""
    depth = 4
    lines = [f"Z{k} = A{k - 1} @ W{k} + b{k}; A{k} = tanh(Z{k})" for k in range(1, depth + 1)]
    shapes = "; ".join(["A0: n d0", f"Y: n d{depth}",
                        *(f"W{k}: d{k - 1} d{k}; b{k}: d{k}" for k in range(1, depth + 1))])
    wrt = [f"{v}{k}" for k in range(1, depth + 1) for v in "Wb"]
    derivation = md.derive(
        md.parse("; ".join([*lines, f"sum((A{depth} - Y)**2)/(2*n)"]), shapes), wrt)
    found = derivation.text().split("\n")
    for k in range(1, depth + 1):
        assert f"dL/dW{k} = A{k - 1}.T @ delta{k}" in found
        assert f"dL/db{k} = sum(delta{k}, axis=0)" in found
        error = f"delta{k + 1} @ W{k + 1}.T" if k < depth else f"A{depth} - Y"
        (stated,) = (line for line in found if line.startswith(f"delta{k} = "))
        assert error in stated
        assert f"1 - A{k}**2" in stated


def test_another_form_is_seen() -> None:
    """The comparison itself: order is free, a sign, factor or transpose is not."""
    assert canonical("b*a + c/n") == canonical("c/n + a*b")
    for other in ("a*b - c/n", "a*b + c", "a.T*b + c/n", "a @ b + c/n", "a*b + n/c"):
        assert canonical("a*b + c/n") != canonical(other)
