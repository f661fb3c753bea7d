"""Derivations of every kind that the ladder must handle, and faults to plant in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import mathdl as md
from mathdl.derivation import Derivation
from mathdl.language.operators import multiply, transpose

#: name: expression, shapes, assumptions, wrt, order
CASES: dict[str, tuple[str, str, str, Any, int]] = {
    "squares": ("sum((X @ w - y)**2)/n", "X: n d; w: d; y: n", "", "w", 1),
    "cross-entropy": ("P = softmax(X @ W + b); -sum(Y*log(P))/n",
                      "X: n d; W: d c; b: c; Y: n c", "Y: one_hot", ["W", "b"], 1),
    "attention": ("sum(G*(softmax(Q @ K.T/sqrt(d)) @ V))",
                  "G: n k; Q: n d; K: m d; V: m k", "", ["Q", "V"], 1),
    "layer norm": ("sum(G*layer_norm(X))", "G: n d; X: n d", "", "X", 1),
    "rectifier": ("sum(relu(X @ W)**2)", "X: n d; W: d k", "", "W", 1),
    "largest": ("max(x*y)", "x: n; y: n", "", "x", 1),
    "gather": ("sum(E[ids]**3)", "E: v d; ids: n", "ids: integer", "E", 1),
    "window": ("sum(tanh(conv2d(x, w)))", "x: n a h v; w: b a 2 2", "", "w", 1),
    "recurrence": ("h[-1] = zeros(k); h[t<T] = tanh(U @ h[t - 1] + x[t]); sum(h**2)",
                   "U: k k; x: T k", "", "U", 1),
    "log-determinant": ("logdet(S)", "S: n n", "S: positive_definite", "S", 1),
    "inverse": ("trace(inv(A) @ B)", "A: n n; B: n n", "", "A", 1),
    "Cholesky": ("sum(G*cholesky(S))", "S: n n; G: n n", "S: positive_definite", "S", 1),
    "solution": ("sum(solve(A, b)**2)", "A: n n; b: n", "", ["A", "b"], 1),
    "Hessian": ("sum((T - A @ B.T)**2)", "T: n m; A: n k; B: m k", "", "A", 2),
    "mixed": ("sum((X @ w + b - y)**2)", "X: n d; w: d; b: ; y: n", "", ["w", "b"], 2),
    "Jacobian": ("softmax(z)", "z: n", "", "z", 1),
    "gamma": ("sum(gammaln(x)*digamma(x))", "x: n", "x: positive", "x", 1),
    "circle": ("sum(sin(x)*cos(x)*tan(x/3))", "x: n", "", "x", 1),
    "powers": ("sum(x**y)", "x: n; y: n", "x: positive", "x", 1),
}
#: Primitives without an exact form.
SPECTRAL: dict[str, tuple[str, str, str, Any, int]] = {
    "eigenvalues": ("sum(eigvalsh(S)**3)", "S: n n", "S: symmetric", "S", 1),
    "singular values": ("sum(svdvals(A)**3)", "A: n m", "", "A", 1),
    "exponential": ("sum(G*expm(A))", "A: n n; G: n n", "", "A", 1),
}


def derived(name: str) -> Derivation:
    expr, shapes, assume, wrt, order = {**CASES, **SPECTRAL}[name]
    return md.derive(md.parse(expr, shapes=shapes, assume=assume), wrt=wrt, order=order)


def _shifted(d: Any) -> Any:
    return d if not d.ndim else d[(slice(None),) * (d.ndim - 1) + (slice(None, None, -1),)]


FAULTS: dict[str, Callable[[Any], Any]] = {
    "sign": lambda d: multiply(-1, d),
    "factor": lambda d: multiply(2, d),
    "a billionth": lambda d: d + d*md.parse("1/1000000000", shapes=""),
    "constant": lambda d: d + md.parse("1/1000", shapes=""),
    "reversed": _shifted,
    "turned": lambda d: transpose(d, [*range(1, d.ndim), 0]) if d.ndim > 1 else d,
    "zero": lambda d: multiply(0, d),
}


def planted(derivation: Derivation, fault: str) -> Derivation:
    """The same with a fault in every derivative."""
    law = FAULTS[fault]
    return replace(derivation, derivatives={k: law(d) for k, d in derivation.derivatives.items()})


