"""Scores, information and objectives of the textbooks: the formula that is printed, and its proof.

None of them was in mind when a rule was written; each is verified against finite differences.
"""

from __future__ import annotations

import numpy as np
import pytest

import mathdl as md

PD = "positive_definite"

#: Expression, shapes, assumptions, and what is printed of the derivative by each variable.
CASES = [
    # scores
    ("-tau/2*sum((x-mu)**2) + n/2*log(tau/(2*pi))", "x: n; mu:; tau:", "tau: positive",
     {"tau": "(n/tau - sum((x - mu)**2))/2"}),
    ("sum(log(k) - k*log(s) + (k-1)*log(x) - (x/s)**k)", "x: n; k:; s:",
     "x: positive; k: positive; s: positive", {"s": "k*(sum((x/s)**k) - n)/s"}),
    ("n*log(a) + n*a*log(xm) - (a+1)*sum(log(x))", "x: n; a:; xm:",
     "x: positive; a: positive; xm: positive",
     {"a": "n*log(xm) + n/a - sum(log(x))", "xm": "n*a/xm"}),
    ("sum(a*log(b) - gammaln(a) - (a+1)*log(x) - b/x)", "x: n; a:; b:",
     "x: positive; a: positive; b: positive",
     {"a": "n*log(b) - sum(log(x)) - n*digamma(a)", "b": "n*a/b - sum(1/x)"}),
    ("n*gammaln(sum(alpha)) - n*sum(gammaln(alpha)) + sum((alpha-1)*sum(log(x), axis=0))",
     "x: n c; alpha: c", "x: probability_vector; alpha: positive",
     {"alpha": "sum(log(x), axis=0) + n*digamma(sum(alpha)) - n*digamma(alpha)"}),
    ("sum(kappa*cos(x - mu) - log(2*pi) - log_i0(kappa))", "x: n; mu:; kappa:", "kappa: positive",
     {"mu": "kappa*sum(sin(x - mu))", "kappa": "sum(cos(x - mu)) - n*bessel_ratio(kappa)"}),
    ("sum(kappa*(cos(x - mu) - 1) - log(2*pi) - log(i0e(kappa)))", "x: n; mu:; kappa:",
     "kappa: positive", {"kappa": "n*(1 - i1e(kappa)/i0e(kappa)) + sum(cos(x - mu) - 1)"}),
    ("n/2*logdet(L) - trace((x-mu) @ L @ (x-mu).T)/2", "x: n d; mu: d; L: d d", f"L: {PD}",
     {"L": "(n*inv(L) - (x - mu).T @ (x - mu))/2"}),
    ("logsumexp(a + log(softmax(eta)))", "a: k; eta: k", "",
     {"eta": "softmax(log_softmax(eta) + a) - softmax(eta)"}),
    # information
    ("p = sigmoid(a); -p*log(p) - (1-p)*log(1-p)", "a:", "", {"a": "a*p*(p - 1)"}),
    ("sum(p**a)/(a - 1)", "a:; p: c", "a: positive; p: positive",
     {"p": "a*p**(a - 1)/(a - 1)"}),
    ("(sum(p**a*q**(1-a)) - 1)/(a*(a - 1))", "a:; p: c; q: c",
     "a: positive; p: positive; q: positive", {"p": "p**(a - 1)*q**(1 - a)/(a - 1)"}),
    ("-sum(P*log(P/sum(P, axis=1, keepdims=True)))", "P: n m", "P: positive",
     {"P": "-log(P/sum(P, axis=1, keepdims=True))"}),
    ("sum(p*log(p)) - sum(p)*log(sum(p))", "p: c", "p: positive",
     {"p": "log(p) - log(sum(p))"}),
    ("m = (p+q)/2; (sum(p*log(p/m)) + sum(q*log(q/m)))/2", "p: c; q: c",
     "p: positive; q: positive", {"p": "log(p/m)/2", "q": "log(q/m)/2"}),
    # optimization
    ("g@u + sum(u*log(u/x) - u + x)/eta", "g: d; u: d; x: d; eta:",
     "u: positive; x: positive; eta: positive", {"u": "log(u/x)/eta + g"}),
    ("g@delta + delta@F@delta/2 + lam*(delta@F@delta/2 - eps)",
     "g: d; delta: d; F: d d; lam:; eps:", f"F: {PD}", {"delta": "(lam + 1)*F @ delta + g"}),
    ("-logdet(X) + trace(S@X) + lam*sum(abs(X))", "X: d d; S: d d; lam:",
     f"X: {PD}; S: symmetric; lam: positive", {"X": "S + lam*sign(X) - inv(X)"}),
    ("lam*norm1(x) + c@x", "x: n; c: n; lam:", "x: positive", {"x": "c + lam"}),
    ("sum(sqrt(sum(W**2, axis=1)))", "W: d c", "",
     {"W": "W/norm2(W, axis=1, keepdims=True)"}),
    ("sum(log(1 + P*h/s))", "P: d; h: d; s:", "P: positive; h: positive; s: positive",
     {"P": "h/(P*h + s)"}),
    ("f@a + g@b - eps*sum(exp((f[:,None] + g - C)/eps))",
     "C: n m; eps:; f: n; g: m; a: n; b: m", "eps: positive",
     {"f": "a - sum(exp((f[:, None] + g - C)/eps), axis=1)"}),
    ("sum(Y*log(Y/(W@H)) - Y + W@H)", "Y: n m; W: n k; H: k m",
     "Y: positive; W: positive; H: positive", {"W": "(1 - Y/(W @ H)) @ H.T"}),
]

HESSIANS = [
    ("q = softmax(b); sum(p*(log(p) - log(q)))", "p: c; b: c", "p: probability_vector", "b",
     "diag(q) - outer(q, q)"),
    ("mu*logsumexp(x/mu)", "x: d; mu:", "mu: positive", "x", "(diag(p) - outer(p, p))/mu"),
    ("c@x - mu*sum(log(b - A@x))", "c: d; x: d; mu:; b: m; A: m d",
     "b: large_positive; mu: positive", "x", "mu*(A.T/(b - A @ x)**2) @ A"),
    ("-logdet(X)", "X: d d", f"X: {PD}", "X", 'einsum("ad,bc->abcd", inv(X), inv(X))'),
]


@pytest.mark.parametrize(("expr", "shapes", "assume", "printed"), CASES)
def test_gradient(expr: str, shapes: str, assume: str, printed: dict[str, str]) -> None:
    derived = md.derive(md.parse(expr, shapes, assume), list(printed))
    assert derived.verify()
    lines = derived.text().split("\n")
    assert [line for line in lines if line.startswith("dL/d")] == [
        f"dL/d{name} = {text}" for name, text in printed.items()]


@pytest.mark.parametrize(("expr", "shapes", "assume", "wrt", "printed"), HESSIANS)
def test_hessian(expr: str, shapes: str, assume: str, wrt: str, printed: str) -> None:
    derived = md.derive(md.parse(expr, shapes, assume), wrt, order=2)
    assert derived.verify()
    assert derived.text().split("\n")[-1] == f"d2L/d{wrt}2 = {printed}"


def test_a_power_has_a_derivative_at_zero() -> None:
    """``a*x**a/x`` would not."""
    x, a = md.tensor("x", "n"), md.tensor("a")
    slope = md.derive(md.sum(x**a), "x").compile("grad")
    assert list(slope(x=np.array([0.0, 2.0]), a=3.0)) == [0.0, 12.0]
