"""Constants of smoothness and strong convexity against the eigenvalues of Hessians."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy

import mathdl as md
from mathdl.catalogue import families
from mathdl.catalogue.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    soft_margin_loss,
    squared_hinge_loss,
)
from mathdl.convexity.analysis import Analysis
from mathdl.convexity.enclosures import over_line
from mathdl.convexity.extremes import second_derivative
from mathdl.convexity.scalars import affine_body
from mathdl.ir.system import inputs_of
from mathdl.present.text import to_text
from mathdl.scalar.lower import define
from mathdl.verify.sampling import sample

SHAPES = "X: n d; w: d; W: d c; y: n; Y: n c; Z: n c; lam:; P: d d; b: n; v: n; delta:; A: n d"
ASSUME = "lam: positive; delta: positive; P: positive_definite; v: positive"
SIZES = {"n": 5, "d": 3, "c": 2}

#: Text, variable, assumptions, L and m as texts; whether L is the curvature at 0.
ROWS = [
    ("sum((X @ w - y)**2)/n", "w", "", "2*max(eigvalsh(X.T @ X))/n",
     "2*min(eigvalsh(X.T @ X))/n", True),
    ("sum((X @ w - y)**2)/n + lam/2*(w @ w)", "w", "", "2*max(eigvalsh(X.T @ X))/n + lam",
     "2*min(eigvalsh(X.T @ X))/n + lam", True),
    ("mean(log(1 + exp(-y*(X @ w))))", "w", "y: sign_labels", "max(eigvalsh(X.T @ X))/(4*n)",
     "0", True),
    ("mean(softplus(X @ w) - y*(X @ w)) + lam*(w @ w)", "w", "",
     "max(eigvalsh(X.T @ X))/(4*n) + 2*lam", "2*lam", True),
    ("-sum(Y*log(softmax(X @ W)))/n", "W", "Y: one_hot", "max(eigvalsh(X.T @ X))/(2*n)", "0",
     True),
    ("-sum(Y*log_softmax(Z))", "Z", "Y: probability_vector", "1/2", "0", True),
    ("logsumexp(A @ w)", "w", "", "max(eigvalsh(A.T @ A))/2", "0", False),
    ("lam*logsumexp(A @ w/lam)", "w", "", "max(eigvalsh(A.T @ A))/(2*lam)", "0", False),
    ("sum(log(cosh(X @ w)))", "w", "", "max(eigvalsh(X.T @ X))", "0", True),
    ("sum(sqrt(1 + (X @ w - y)**2))", "w", "", "max(eigvalsh(X.T @ X))", "0", False),
    ("sum(v*(X @ w - y)**2)/2", "w", "", "max(eigvalsh(X.T @ (X*v[:, None])))",
     "min(eigvalsh(X.T @ (X*v[:, None])))", True),
    ("w @ P @ w/2 - w @ w", "w", "", None, None, True),
    ("w @ P @ w", "w", "", "2*max(eigvalsh(P))", "2*min(eigvalsh(P))", True),
    ("sum((X @ W - Y)**2)", "W", "", "2*max(eigvalsh(X.T @ X))", "2*min(eigvalsh(X.T @ X))", True),
    ("sum(w)", "w", "", "0", "0", True),
    ("var(X @ w)", "w", "", None, None, True),
    ("w @ w + sum(sin(w))", "w", "", "3", "1", False),
    ("sum(log(1 + (X @ w - y)**2))", "w", "", None, None, False),
    ("sum(log_sigmoid(X @ w))", "w", "", None, None, True),
    ("sum(arctan(w)*w)", "w", "", "2", "0", True),
    ("sum(tanh(X @ w))", "w", "", None, None, False),
    ("sum(sin(X @ w))", "w", "", None, None, False),
    ("sum(arctan(w)**2)", "w", "", None, None, False),
    ("sum(gelu(w))", "w", "", "sqrt(2)/sqrt(pi)", None, True),
    ("sum(silu(w))", "w", "", "0.50001", None, False),
    ("sum(w*tanh(softplus(w)))", "w", "", "0.64421", None, False),
    ("sum(sigmoid(-w)**2*softplus(w))", "w", "", "0.1154", None, False),
    ("sum(erf(w))", "w", "", "2*sqrt(2)*exp(-1/2)/sqrt(pi)", None, False),
    ("sum(1 - exp(-w**2/2))", "w", "", "1", None, True),
    ("sum(softsign(w))", "w", "", "2", None, False),
    ("sum(elu(w, 1))", "w", "", "1", "0", False),
    ("sum(maximum(1 - w, 0)**2)", "w", "", "2", "0", True),
    ("norm2(w)**2", "w", "", "2", "2", True),
    ("sqrt(lam**2 + w@w)", "w", "", "1/lam", "0", True),
    ("lam*sqrt(1 + sum((X@w - y)**2))", "w", "", "lam*max(eigvalsh(X.T @ X))", "0", False),
    ("sum(b*tanh(X@w))", "w", "", None, None, False),
    ("sum(b*log(1 + exp(X@w)))", "w", "", None, None, False),
]


def constants(loss: Any, wrt: str, arrays: dict[str, Any]) -> tuple[float, float | None]:
    found = md.smoothness(loss, wrt)
    values = [None if t is None else evaluated(t, arrays) for t in (found.lipschitz, found.strong)]
    assert values[0] is not None, found.reason
    return values[0], values[1]


def evaluated(expr: Any, arrays: dict[str, Any]) -> float:
    code = md.compile(expr)
    inputs = {k: arrays[k] for k in code.inputs}
    given = {k: v for k, v in SIZES.items() if f"{k}=" in code.source.split("def value(")[1][:200]}
    return float(code(**inputs, **given))


def eigenvalues(loss: Any, wrt: str, arrays: dict[str, Any]) -> Any:
    hessian = md.derive(loss, wrt, order=2).compile("grad")
    value = hessian(**{k: arrays[k] for k in hessian.inputs})
    value = np.asarray(value[wrt] if isinstance(value, dict) else value)
    side = round(value.size**0.5)
    return np.linalg.eigvalsh(value.reshape(side, side))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_eigenvalues_lie_between(row: Any, rng: np.random.Generator) -> None:
    text, wrt, assume, lipschitz, strong, tight = row
    loss = md.parse(text, SHAPES, "; ".join(filter(None, [ASSUME, assume])))
    found = md.smoothness(loss, wrt)
    if lipschitz is not None:
        assert found.lipschitz is not None, found.reason
        shown = None if found.strong is None else str_of(found.strong)
        assert (str_of(found.lipschitz), shown) == (lipschitz, strong)
    if not found:
        assert found.reason
        return
    arrays = sample(inputs_of([loss]), SIZES, rng, outputs=[loss])
    least, most = np.inf, 0.0
    L, m = constants(loss, wrt, arrays)
    for scale in (0, 0.1, 1, 10):
        arrays[wrt] = scale * rng.normal(size=np.shape(arrays[wrt]))
        values = eigenvalues(loss, wrt, arrays)
        least, most = min(least, values.min()), max(most, abs(values).max())
    assert most <= L * (1 + 1e-9) + 1e-12
    assert m is None or least >= m - 1e-9 * (1 + L)
    assert not tight or most >= L * (1 - 1e-9)


def str_of(value: Any) -> str:
    return to_text(value)


@pytest.mark.parametrize(("text", "wrt", "words"), [
    ("sum(relu(1 - y*(X @ w)))", "w", "gradient jumps"),
    ("norm1(w)", "w", "gradient jumps"),
    ("sum(where(w > 1, w**2, w))", "w", "gradient jumps"),
    ("sum(where(abs(w) <= b[0], w**2/2, b[0]*(abs(w) - b[0]/2)))", "w", "gradient jumps"),
    ("sum(exp(X @ w))", "w", "not bounded"),
    ("sum(w**4)", "w", "not bounded"),
    ("sum((tanh(X @ W) @ ones(c) - y)**2)", "W", "too many terms"),
    ("norm2(w)", "w", "gradient jumps"),
    ("max(w)", "w", "gradient jumps"),
    ("norm_inf(w)", "w", "gradient jumps"),
    ("sum(elu(w, 1/2))", "w", "gradient jumps"),
    ("sum(relu(w)**3)", "w", "not bounded"),
    ("sum((W @ W.T - P)**2)", "W", ""),
])
def test_what_is_not_known_is_said(text: str, wrt: str, words: str) -> None:
    found = md.smoothness(md.parse(text, SHAPES, ASSUME), wrt)
    assert not found
    assert found.strong is None
    assert words in found.reason


def test_pieces_with_one_slope_where_they_meet() -> None:
    n, d = md.dims("n d")
    X, w, y = md.tensor("X", n, d), md.tensor("w", d), md.tensor("y", n)
    labels, delta = md.tensor("s", n, assume="sign_labels"), md.tensor("delta", assume="positive")
    for loss, factor in ((huber_loss(X @ w, y, delta=delta), ""),
                         (squared_hinge_loss(X @ w, labels), "2*")):
        assert str_of(md.smoothness(loss, "w").lipschitz) == f"{factor}max(eigvalsh(X.T @ X))/n"


@pytest.mark.parametrize("text", [
    "gelu(x)", "silu(x)", "x*tanh(softplus(x))", "softplus(x)*sigmoid(-x)**3", "softsign(x)",
    "exp(-x**2)",
])
def test_values_lie_in_enclosures(text: str) -> None:
    """Bounds hold at many points, and are nearly taken, or tended to."""
    x = sympy.Symbol("x", real=True)
    tensor = md.parse(text, "x:")
    opened = affine_body(Analysis([tensor], inputs_of([tensor]), ()), tensor)
    assert opened is not None
    body = second_derivative(opened.body.xreplace({opened.moving[0]: x}), x)
    bounds = over_line(body, x)
    assert bounds is not None
    low, high = (float(b) for b in bounds)
    law = sympy.lambdify(x, define(body), "mpmath")
    values = [float(law(t)) for t in np.linspace(-3, 3, 400)]
    assert low - 1e-12 <= min(values)
    assert max(values) <= high + 1e-12
    for bound, value in ((low, min(values)), (high, max(values))):
        assert np.isinf(bound) or abs(bound - value) < 0.05 * (1 + abs(bound))


def test_errors() -> None:
    loss = md.parse("sum((X @ w - y)**2)", SHAPES)
    with pytest.raises(md.UnsupportedError, match="one variable"):
        md.smoothness(loss, ["w", "y"])
    with pytest.raises(md.UnsupportedError, match="scalar"):
        md.smoothness(md.parse("X @ w", SHAPES), "w")
    with pytest.raises(md.NamingError):
        md.smoothness(loss, "q")


#: In the prediction, by the name of the entry; None where the gradient is not Lipschitz.
KNOWN = {
    "squared_error": ("2/n", "2/n"), "mse_loss": ("2/(d*n)", "2/(d*n)"), "l1_loss": None,
    "huber_loss": ("1/(d*n)", "0"), "log_cosh_loss": ("1/(d*n)", "0"), "quantile_loss": None,
    "poisson_nll_loss": None, "cross_entropy": ("1/(2*n)", "0"), "hinge_loss": None,
    "cross_entropy_soft": ("1/(2*n)", "0"), "cross_entropy_smoothed": ("1/(2*n)", "0"),
    "binary_cross_entropy_with_logits": ("1/(4*n)", "0"), "soft_margin_loss": ("1/(4*n)", "0"),
    "squared_hinge_loss": ("2/n", "0"), "l1_penalty": None, "l2_penalty": ("1", "1"),
    "smooth_l1_loss": ("1/(d*n)", "0"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_losses_of_the_catalogue(name: str) -> None:
    one = next(e for own in families().values() for e in own if e.name == name)
    instance = one.instance()
    found = md.smoothness(instance.expr, instance.wrt[0])
    shown = found and (str_of(found.lipschitz), str_of(found.strong))
    assert (shown or None) == KNOWN[name], str(found)


def test_of_logits_by_weights() -> None:
    n, d = md.dims("n d")
    X, w, u = md.tensor("X", n, d), md.tensor("w", d), md.tensor("u", n, assume="unit_interval")
    y = md.tensor("y", n, assume="integer")
    assert str_of(md.smoothness(binary_cross_entropy_with_logits(X @ w, u), "w").lipschitz) == (
        "max(eigvalsh(X.T @ X))/(4*n)")
    hard = cross_entropy(X @ md.tensor("W", d, "c"), y)
    assert str_of(md.smoothness(hard, "W").lipschitz) == "max(eigvalsh(X.T @ X))/(2*n)"
    signs = md.tensor("s", n, assume="sign_labels")
    assert md.smoothness(soft_margin_loss(X @ w, signs), "w").strong is not None
