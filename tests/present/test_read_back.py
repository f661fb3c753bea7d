"""What is printed is read back to the same numbers: derivatives of worked cases and recurrences.

Matrix forms, index formulas (``t1[i<n] = sum[k<m](...)``) and sequences (``h[t<T] = ...``) alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from interpreter import evaluate
from test_gradients import CASES, instance

import mathdl as md
from mathdl.ir.tensor import Tensor
from mathdl.present import to_text

FORMULA = re.compile(r"\[[^=]*<")


def same_numbers(
    tensor: Tensor, names: Mapping[Tensor, str], shapes: Any, assume: Any,
    arrays: Mapping[str, Any], dims: Mapping[str, int],
) -> str:
    """The printed text, once it was read back and gave the same numbers."""
    text = to_text(tensor, names)
    again = md.parse(text, shapes, assume)
    assert again.shape == tensor.shape, text
    if "pinv(" in text:  # the interpreter has none
        expected, found = (_compiled(t, arrays) for t in (tensor, again))
    else:
        expected, found = (evaluate([t], arrays, dims)[0] for t in (tensor, again))
    scale = max(float(np.max(np.abs(expected), initial=0)), 1e-300)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * scale, err_msg=text)
    return text


def _compiled(tensor: Tensor, arrays: Mapping[str, Any]) -> Any:
    function = md.compile(tensor)
    return function(**{name: arrays[name] for name in function.inputs})


def read_back(case: dict[str, Any], order: int) -> str:
    expr = md.parse(case["expr"], case["shapes"], case["constraints"])
    derivation = md.derive(expr, case["wrt"], order=order)
    return same_numbers(
        derivation[case["wrt"]], derivation.names, case["shapes"],
        {t.name: tuple(t.assume) for t in derivation.inputs}, instance(case, case["dims"]),
        case["dims"],
    )


@pytest.mark.parametrize("case", CASES, ids=[c["id"] for c in CASES])
def test_a_worked_case(case: dict[str, Any]) -> None:
    read_back(case, case["order"])


FORMULAS = ("la-039", "la-077", "la-079", "ca-083", "op-017")


@pytest.mark.parametrize("case", [c for c in CASES if c["id"] in FORMULAS], ids=lambda c: c["id"])
def test_a_second_derivative(case: dict[str, Any]) -> None:
    read_back(case, 2)


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", CASES, ids=[c["id"] for c in CASES])
def test_every_second_derivative(case: dict[str, Any]) -> None:
    read_back(case, 2)


def test_formulas_are_among_the_cases() -> None:
    texts = [read_back(c, c["order"]) for c in CASES if c["id"] in FORMULAS]
    assert sum(FORMULA.search(text) is not None for text in texts) >= 3


# -- recurrences --------------------------------------------------------------------------------

SIZES = {"T": 4, "n": 3, "d": 2, "k": 2}

# text, shapes, by what it is differentiated
MODELS = {
    "rnn": (
        "h[-1] = zeros(n, k); h[t<T] = tanh(X[t] @ U + h[t - 1] @ W + b); mean((h @ V - Y)**2)",
        "X: T n d; Y: T n d; U: d k; W: k k; V: k d; b: k", "U W V b X",
    ),
    "gates": (
        "h[-1] = zeros(k); c[-1] = zeros(k); i[t<T] = sigmoid(U @ X[t] + W @ h[t - 1]);"
        "f[t<T] = sigmoid(V @ h[t - 1] + b); c[t<T] = f[t]*c[t - 1] + i[t]*tanh(X[t] @ U.T);"
        "h[t<T] = i[t]*tanh(c[t]); sum(h[T - 1]**2) + sum(c)",
        "X: T d; U: k d; W: k k; V: k k; b: k", "U W V b X",
    ),
    "start": ("x[-1] = x0; x[t<T] = A @ x[t - 1] + B @ u[t]; sum((x @ A - y)**2)",
              "A: n n; B: n k; u: T k; x0: n; y: T n", "A B u x0"),
    "scalar": ("p[-1] = s; p[t<T] = a*p[t - 1] + x[t]; sin(p[T - 1]) + sum(p**2)",
               "a:; x: T; s:", "a x s"),
    "backwards": ("h[T] = s; h[t<T] = sigmoid(W @ h[t + 1])*x[t]; sum(h**2) + sum(h[0])",
                  "W: n n; x: T n; s: n", "W x s"),
    "two before": (
        "p[-1] = ones(n); q[-1] = zeros(n); p[t<T] = a*p[t - 1] + b*q[t - 1]*p[t - 1] + x[t];"
        "q[t<T] = p[t - 1]; sum(p**2)", "a: n; b: n; x: T n", "a b x",
    ),
    "nested": (
        "r[-1] = s; q[t<T, -1] = r[t - 1]; q[t<T, i<k] = tanh(W @ q[t, i - 1] + x[t, i]);"
        "r[t<T] = q[t, k - 1]; sum(r**3)", "W: n n; x: T k n; s: n", "W x s",
    ),
    "gather": ("h[-1] = zeros(n); h[t<T] = tanh(E[ids[t]] + h[t - 1] @ W);"
               "sum(logsumexp(h, axis=1))", "ids: T; E: k n; W: n n", "E W"),
    "matrix": ("S[-1] = zeros(d, k); S[t<T] = g*S[t - 1] + outer(K[t], V[t]);"
               "O[t<T] = Q[t] @ S[t]; sum(O**2)", "Q: T d; K: T d; V: T k; g:", "Q K V g"),
    "inverse": ("P[-1] = Z; P[t<T] = inv(inv(A @ P[t - 1] @ A.T + Q) + u[t]*Q); trace(P[T - 1])",
                "A: n n; Q: n n; Z: n n; u: T", "A Q Z"),
    "log-sum": ("a[-1] = p; a[t<T] = logsumexp(a[t - 1][:, None] + A, axis=0) + B[t];"
                "logsumexp(a[T - 1])", "A: n n; B: T n; p: n", "A B p"),
    "both ways": (
        "f[-1] = zeros(k); f[t<T] = tanh(X[t] @ U + W @ f[t - 1]);"
        "g[T] = zeros(k); g[t<T] = tanh(X[t] @ U + W @ g[t + 1]); sum(f*g)",
        "X: T d; U: d k; W: k k", "U W X",
    ),
}
LOSSES = {name: model[:2] for name, model in MODELS.items()}


def values(shapes: str) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    found = {}
    for part in shapes.split(";"):
        name, axes = (side.strip() for side in part.split(":"))
        found[name] = rng.uniform(-1, 1, [SIZES[a] for a in axes.split()])
        if axes == "n n" and name in ("Q", "Z"):
            found[name] = found[name] @ found[name].T + 3 * np.eye(len(found[name]))
        if name == "ids":
            found[name] = rng.integers(0, 2, found[name].shape).astype(float)
    return found


def derived(name: str, order: int, wrt: str) -> str:
    text, shapes, _ = MODELS[name]
    assume = {"ids": "integer"} if "ids" in shapes else {}
    loss = md.parse(text, shapes, assume)
    derivation = md.derive(loss, wrt, order=order)
    return same_numbers(
        derivation[wrt], derivation.names, shapes, assume, values(shapes), SIZES
    )


@pytest.mark.parametrize(
    ("name", "wrt"), [(name, w) for name, model in MODELS.items() for w in model[2].split()]
)
def test_a_gradient_of_a_recurrence(name: str, wrt: str) -> None:
    assert "<T" in derived(name, 1, wrt)


@pytest.mark.parametrize(("name", "wrt"), [("scalar", "a"), ("start", "x0"), ("backwards", "s")])
def test_a_second_derivative_of_a_recurrence(name: str, wrt: str) -> None:
    derived(name, 2, wrt)


@pytest.mark.parametrize("name", MODELS)
def test_a_recurrence(name: str) -> None:
    text, shapes, _ = MODELS[name]
    assume = {"ids": "integer"} if "ids" in shapes else {}
    same_numbers(md.parse(text, shapes, assume), {}, shapes, assume, values(shapes), SIZES)


# -- what was ambiguous or wrong ----------------------------------------------------------------


def test_the_last_entry_is_not_written_as_the_start() -> None:
    shapes = "W: n n; x: T n; s: n"
    forwards = "h[-1] = s; h[t<T] = W @ h[t - 1] + x[t]; "
    assert to_text(md.parse(forwards + "h[T - 1]", shapes)) == forwards + "h[T - 1]"
    backwards = "h[T] = s; h[t<T] = W @ h[t + 1] + x[t]; "
    assert to_text(md.parse(backwards + "h[T - 1]", shapes)) == backwards + "h[-1]"


def test_the_last_entry_of_an_inner_sequence() -> None:
    text, shapes, _ = MODELS["nested"]
    assert "r[t<T] = q[t][k - 1]" in to_text(md.parse(text, shapes))


def test_a_formula_does_not_read_the_start() -> None:
    """``h[i - 1]`` of the sequence alone is zero before it begins; its text must not be ``s``."""
    n, T = md.dims("n T")
    x, s, W = md.tensor("x", T, n), md.tensor("s", n), md.tensor("W", n, n)
    _, h = md.scan(lambda h, x_t: (md.tanh(W @ h + x_t),) * 2, s, x)
    i, j = md.indices("i j")
    shifted = md.equation("M", ((i, 0, T - 1),), md.Sum(h[2*i - 2, j] * x[i, j]**2, j))
    shapes = "x: T n; s: n; W: n n"
    text = same_numbers(shifted, {}, shapes, {}, values(shapes), SIZES)
    assert "(2*i - 2 >= 0)*(2*i - 2 < T)*t1[2*i - 2,j]" in text


def test_e_in_a_formula() -> None:
    text = "M[i<n] = e*x[2*i - 1] + pi*x[i]; M"
    shown = to_text(md.parse(text, "x: n"))
    assert "E" not in shown
    assert md.parse(shown, "x: n") is md.parse(text, "x: n")


def test_a_part_of_a_concatenation() -> None:
    """Printing looks for ``concat`` and met parts that do not fit."""
    shapes = "x: n k; y: T k; z: n k"
    text = "concat([x, y])[:n] + concat([y, z])[:n]*0 + z"
    same_numbers(md.parse(text, shapes), {}, shapes, {}, values(shapes), {**SIZES})


def test_a_norm_over_an_axis_that_its_argument_lacks() -> None:
    """``sum[k](x[i]**2)`` is no norm along ``k`` of something with an axis ``k``."""
    shapes = "x: n"
    text = "M[i<n] = norm2(x[i] + zeros(T)); M"
    same_numbers(md.parse(text, shapes + "; y: T"), {}, shapes + "; y: T", {},
                 values(shapes), SIZES)
