"""What may be asked for: variables, orders, named quantities, in every mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from derivative_arrays import DIMS, arrays_of
from interpreter import evaluate

import mathdl as md
from mathdl.errors import NamingError, OrderError, ShapeError
from mathdl.ir.dim import dim_symbol
from mathdl.ir.system import inputs_of, topological
from mathdl.ir.tensor import input_tensor

n, m = dim_symbol("n"), dim_symbol("m")


def test_zero_gradients() -> None:
    for text in ("sum(y)", "sum(sign(x))", "sum(x - x) + sum(y)", "sum(x**0)", "sum(x > 0)",
                 "sum(softmax(X, axis=1))"):
        wrt = "X" if "X" in text else "x"
        derivation = md.derive(md.parse(text, "x: n; y: n; X: n m"), wrt=wrt)
        arrays = arrays_of({"x": "n", "y": "n", "X": "n m"})
        np.testing.assert_array_equal(
            evaluate([derivation[wrt]], arrays, DIMS)[0], np.zeros(arrays[wrt].shape))
        hessian = md.derive(md.parse(text, "x: n; y: n; X: n m"), wrt=wrt, order=2)[wrt]
        assert not evaluate([hessian], arrays, DIMS)[0].any()


def test_several_variables_and_shared_ones() -> None:
    expr = md.parse("sum((X @ w - y)**2)/n", "X: n d; w: d; y: n")
    derivation = md.derive(expr, wrt=["w", "X", "y"])
    assert list(derivation) == ["w", "X", "y"]
    arrays = {"X": np.arange(8.0).reshape(4, 2), "w": np.array([1.0, -2.0]), "y": np.ones(4)}
    r = arrays["X"] @ arrays["w"] - arrays["y"]
    got = evaluate([derivation[k] for k in derivation], arrays, DIMS)
    for found, expected in zip(got, [2 / 4 * arrays["X"].T @ r, 2 / 4 * np.outer(r, arrays["w"]),
                                     -2 / 4 * r], strict=True):
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("order", [0, -1, 1.5, True, None, "2", 21, 40])
def test_order_errors(order: Any) -> None:
    with pytest.raises(OrderError):
        md.derive(md.parse("sum(x**2)", "x: n"), wrt="x", order=order)


def test_too_many_axes() -> None:
    with pytest.raises(OrderError, match="axes"):
        md.derive(md.parse("sum(X**2)", "X: n m"), wrt="X", order=17)


@pytest.mark.parametrize("wrt", ["q", "", "X ", [], ["x", "x"], ["x", "q"], 3, "sum"])
def test_wrt_errors(wrt: Any) -> None:
    with pytest.raises(NamingError):
        md.derive(md.parse("sum(x**2)", "x: n"), wrt=wrt)


def test_wrt_is_an_unnamed_quantity() -> None:
    x = md.tensor("x", n)
    inner = x**2
    with pytest.raises(NamingError, match="named"):
        md.derive(inner + 1, wrt=inner)


def test_integer_data_has_no_derivative() -> None:
    expr = md.parse("sum(X[ids]**2)", "X: n m; ids: k", "ids: integer")
    with pytest.raises(NamingError, match="integer"):
        md.derive(expr, wrt="ids")
    assert md.derive(expr, wrt="X")["X"].shape == (n, m)


def test_named_quantities_are_variables() -> None:
    expr = md.parse("Z = X @ W; P = tanh(Z); sum(P**2)", "X: n m; W: m d")
    arrays = arrays_of({"X": "n m", "W": "m d"})
    z = arrays["X"] @ arrays["W"]
    values = {**arrays, "Z": z, "P": np.tanh(z)}
    for name, expected in (("P", 2 * np.tanh(z)), ("Z", 2 * np.tanh(z) / np.cosh(z) ** 2)):
        found = md.derive(expr, wrt=name)[name]
        assert {t.name for t in inputs_of([found])} == {name}
        np.testing.assert_allclose(evaluate([found], values, DIMS)[0], expected)


def test_shapes_of_directions() -> None:
    expr = md.parse("sum(X**2)", "X: n m")
    X = md.tensor("X", n, m)
    with pytest.raises(ShapeError):
        md.jvp(expr, {X: md.tensor("V", m, n)})
    with pytest.raises(ShapeError):
        md.vjp(expr, md.tensor("g", n), "X")
    with pytest.raises(ShapeError):
        md.hvp(md.parse("X", "X: n m"), "X", X)


def test_many_uses_of_one_quantity() -> None:
    x = md.tensor("x", n)
    many = md.FUNCTIONS["concat"]([x * (k + 1) for k in range(40)])
    total = md.FUNCTIONS["sum"](many**2)
    found = evaluate([md.derive(total, wrt="x")["x"]], {"x": np.ones(2)}, {"n": 2})[0]
    np.testing.assert_allclose(found, 2 * sum((k + 1) ** 2 for k in range(40)))


def test_named_quantities_in_every_mode() -> None:
    """``vjp``, ``jvp`` and ``hvp`` by a named quantity: not zero, as ``derive`` says."""
    expr = md.parse("Z = X @ W; sum(Z**3)", "X: n m; W: m d")
    Z = next(t for t in topological([expr]) if t.label == "Z")
    arrays = {"Z": np.arange(8.0).reshape(4, 2), "g": 2.0, "v": np.ones((4, 2))}
    v, g = input_tensor("v", Z.shape), input_tensor("g", ())
    z = arrays["Z"]
    got = evaluate([md.vjp(expr, g, "Z"), md.jvp(expr, {Z: v}), md.hvp(expr, "Z", v),
                    md.vjp(expr, g, ["Z"])["Z"]], arrays, DIMS)
    for found, expected in zip(got, [6 * z**2, np.sum(3 * z**2), 6 * z, 6 * z**2], strict=True):
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("mode", ["derive", "vjp", "jvp", "hvp"])
def test_conditions_on_dims_survive(mode: str) -> None:
    """The expression needs n > 3; so does every derivative, even where it is zero."""
    x, v = md.tensor("x", n), md.tensor("v", n)
    expr = md.parse("sum(x**2) + 0*x[3]", "x: n")
    found = {
        "derive": lambda: md.derive(expr, wrt="x")["x"], "vjp": lambda: md.vjp(expr, 1, "x"),
        "jvp": lambda: md.jvp(expr, {x: v}), "hvp": lambda: md.hvp(expr, "x", v),
    }[mode]()
    evaluate([found], {"x": np.ones(4), "v": np.ones(4)}, {"n": 4})
    with pytest.raises(AssertionError, match="needed"):
        evaluate([found], {"x": np.ones(2), "v": np.ones(2)}, {"n": 2})


# -- names and order of creation ------------------------------------------------------------------


@pytest.mark.parametrize("text", ["sum((P @ Q)**2)", "sum(softmax(P @ Q)*R)", "sum(P*exp(R @ Q.T))",
                                  "sum(layer_norm(P @ Q)*R)", "sum(P[1:]**2) + logsumexp(R)"])
def test_order_of_creation_does_not_matter(text: str) -> None:
    """The same text over inputs made in either order: as many equations, the same numbers."""
    shapes = {"P": "n m", "Q": "m d", "R": "n d"}
    counts, values = [], []
    for k, order in enumerate(["PQR", "RQP", "QRP"]):
        names = {s: f"{s}{k}{len(text)}" for s in order}
        renamed = text
        for s in order:
            renamed = renamed.replace(s, names[s])
        expr = md.parse(renamed, {names[s]: shapes[s] for s in order})
        arrays = {names[s]: v for s, v in arrays_of(shapes).items()}
        found = md.derive(expr, wrt=names["P"])[names["P"]]
        counts.append(len(topological([found])))
        values.append(evaluate([found], arrays, DIMS)[0])
    assert len(set(counts)) == 1, counts
    for other in values[1:]:
        np.testing.assert_allclose(other, values[0], rtol=1e-10, atol=1e-12)
