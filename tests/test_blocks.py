"""Mixed derivatives, and derivatives of several expressions, against autograd."""

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
from mathdl.ir.system import rewrite

pytestmark = pytest.mark.filterwarnings("ignore:Output seems independent")

SIZES = {"n": 5, "d": 4, "c": 3, "k": 2}


def _arrays(rng: np.random.Generator, shapes: str, sizes: dict[str, int]) -> dict[str, Any]:
    found = {}
    for part in shapes.split(";"):
        name, _, dims = part.partition(":")
        found[name.strip()] = rng.normal(
            size=[int(d) if d.isdigit() else sizes[d] for d in dims.split()]
        )
    return found


def _truth(f: Callable[..., Any], arrays: dict[str, Any], *path: str) -> Any:
    """The derivative of a function of keyword arrays, by one name after the other."""
    def along(f: Callable[..., Any], name: str) -> Callable[..., Any]:
        return lambda **a: autograd.jacobian(lambda x: f(**{**a, name: x}))(a[name])

    for name in path:
        f = along(f, name)
    return np.asarray(f(**arrays))


# expression, shapes, variables, the same with autograd
CASES: dict[str, tuple[str, str, tuple[str, str], Callable[..., Any]]] = {
    "a layer": (
        "sum(G*tanh(X @ W + b))", "G: n c; X: n d; W: d c; b: c", ("W", "b"),
        lambda G, X, W, b: anp.sum(G * anp.tanh(anp.dot(X, W) + b))),
    "factorisation": (
        "sum((T - U @ V.T)**2)", "T: n d; U: n k; V: d k", ("U", "V"),
        lambda T, U, V: anp.sum((T - anp.dot(U, V.T)) ** 2)),
    "a row broadcast": (
        "sum(G*exp(A*u))", "G: n d; A: n d; u: 1 d", ("A", "u"),
        lambda G, A, u: anp.sum(G * anp.exp(A * u))),
    "scalar and vector": (
        "sum(g*sin(lam*w))", "g: d; lam: ; w: d", ("lam", "w"),
        lambda g, lam, w: anp.sum(g * anp.sin(lam * w))),
    "bilinear": (
        "x @ A @ y", "x: n; A: n d; y: d", ("x", "y"),
        lambda x, A, y: anp.dot(x, anp.dot(A, y))),
    "a tensor": (
        "tanh(X @ w)*s[:, None][:, 0]", "X: n d; w: d; s: n", ("w", "s"),
        lambda X, w, s: anp.tanh(anp.dot(X, w)) * s),
    "softmax": (
        "sum(G*softmax(X @ W))", "G: n c; X: n d; W: d c", ("X", "W"),
        lambda G, X, W: anp.sum(G * _softmax(anp.dot(X, W)))),
    "no connection": (
        "sum(x**3) + sum(y**2)", "x: n; y: d", ("x", "y"),
        lambda x, y: anp.sum(x**3) + anp.sum(y**2)),
}


def _softmax(z: Any) -> Any:
    e = anp.exp(z - anp.max(z, axis=-1, keepdims=True))
    return e / anp.sum(e, axis=-1, keepdims=True)


@pytest.mark.parametrize("ones", [(), ("n",), ("d", "c"), ("k", "d")])
@pytest.mark.parametrize("name", CASES)
def test_a_mixed_derivative(name: str, ones: tuple[str, ...], rng: np.random.Generator) -> None:
    text, shapes, (a, b), law = CASES[name]
    sizes = {**SIZES, **dict.fromkeys(ones, 1)}
    arrays = _arrays(rng, shapes, sizes)
    D = md.derive(md.parse(text, shapes), wrt=[a, b], order=2)
    assert list(D) == [a, f"{a},{b}", b]
    found = D.compile("grad")(**arrays)
    for path in ((a, a), (a, b), (b, b)):
        key = a if path == (a, a) else b if path == (b, b) else f"{a},{b}"
        expected = _truth(law, arrays, *path)
        assert found[key].shape == expected.shape
        np.testing.assert_allclose(found[key], expected, rtol=1e-9, atol=1e-10)
    expected = _truth(law, arrays, b, a)
    np.testing.assert_allclose(evaluate(D[b, a], arrays, sizes), expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_both_orders_are_transposes_of_each_other(name: str, rng: np.random.Generator) -> None:
    """The transpose of a block, and the block derived the other way round."""
    text, shapes, (a, b), _ = CASES[name]
    arrays = _arrays(rng, shapes, SIZES)
    expr = md.parse(text, shapes)
    D, other = md.derive(expr, wrt=[(a, b)]), md.derive(expr, wrt=[(b, a)])
    assert D.order == other.order == 2
    assert list(D) == [f"{a},{b}"]
    assert D[b, a].shape == other[b, a].shape
    np.testing.assert_allclose(
        evaluate(D[b, a], arrays, SIZES), evaluate(other[f"{b},{a}"], arrays, SIZES),
        rtol=1e-9, atol=1e-10,
    )


@pytest.mark.parametrize("name", CASES)
def test_the_names_do_not_matter(name: str, rng: np.random.Generator) -> None:
    """Renamed so that the alphabet puts the variables the other way round."""
    text, shapes, (a, b), law = CASES[name]
    expr = md.parse(text, shapes)
    inputs = {t.name: t for t in md.derive(expr, wrt=[a, b]).inputs}
    names = {old: f"q{len(inputs) - k}" for k, old in enumerate(inputs)}
    tensors = {old: md.tensor(names[old], *t.shape) for old, t in inputs.items()}
    renamed = rewrite([expr], replace={inputs[old]: t for old, t in tensors.items()})[0]
    arrays = _arrays(rng, shapes, SIZES)
    found = md.derive(renamed, wrt=[tensors[a], tensors[b]], order=2)[tensors[a], tensors[b]]
    np.testing.assert_allclose(
        evaluate(found, {names[k]: v for k, v in arrays.items()}, SIZES),
        _truth(law, arrays, a, b), rtol=1e-9, atol=1e-10,
    )


@pytest.mark.parametrize("path", [("w", "w", "b"), ("b", "w", "w"), ("w", "b", "w")])
def test_a_mixed_third_derivative(path: tuple[str, ...], rng: np.random.Generator) -> None:
    text, shapes = "sum(g*sigmoid(X @ w + b))", "g: n; X: n d; w: d; b:"
    arrays = _arrays(rng, shapes, SIZES)
    D = md.derive(md.parse(text, shapes), wrt=[("w", "w", "b")])
    expected = _truth(
        lambda g, X, w, b: anp.sum(g / (1 + anp.exp(-anp.dot(X, w) - b))), arrays, *path
    )
    np.testing.assert_allclose(evaluate(D[path], arrays, SIZES), expected, rtol=1e-8, atol=1e-12)
    assert "d3L/(dw2 db) = " in D.text()
    assert r"\partial \mathbf{w}^2 \, \partial b" in D.latex()
    assert D.verify(points=1)


def test_a_kronecker_delta_is_kept() -> None:
    D = md.derive(md.parse(*CASES["factorisation"][:2]), wrt=["U", "V"], order=2)
    assert {(f.deltas, f.axes) for f in D.factors(("U", "V"))} == {
        (((1, 3),), (0, 2)), ((), (0, 1, 2, 3))
    }
    assert {(f.deltas, f.axes) for f in D.factors(("V", "U"))} == {
        (((1, 3),), (0, 2)), ((), (0, 1, 2, 3))
    }


def test_a_block_is_printed_written_and_compiled(rng: np.random.Generator) -> None:
    text, shapes, _, law = CASES["factorisation"]
    D = md.derive(md.parse(text, shapes), wrt=[("V", "U"), "V"])
    assert list(D) == ["V", "V,U"]
    assert [line.split(" = ")[0] for line in D.text().splitlines()] == ["d2L/dV2", "d2L/(dV dU)"]
    assert r"\frac{\partial^2 L}{\partial \mathbf{V} \, \partial \mathbf{U}}" in D.latex()
    assert D.to_dict()["derivatives"]["V,U"]["shape"] == ["d", "k", "n", "k"]
    arrays = _arrays(rng, shapes, SIZES)
    buffer = np.empty((4, 2, 5, 2))
    value, found = D.compile()(**arrays, out={"V,U": buffer})
    assert found["V,U"] is buffer
    np.testing.assert_allclose(buffer, _truth(law, arrays, "V", "U"))
    np.testing.assert_allclose(value, law(**arrays))
    module: dict[str, Any] = {}
    exec(D.source, module)
    np.testing.assert_array_equal(module["value_and_grad"](**arrays)[1]["V,U"], buffer)


def test_a_variable_that_is_a_named_quantity(rng: np.random.Generator) -> None:
    expr = md.parse("Z = X @ W; sum(G*exp(Z)*u)", "X: n d; W: d c; G: n c; u: c")
    D = md.derive(expr, wrt=[("Z", "u")])
    arrays = _arrays(rng, "Z: n c; G: n c; u: c", SIZES)
    expected = _truth(lambda Z, G, u: anp.sum(G * anp.exp(Z) * u), arrays, "Z", "u")
    np.testing.assert_allclose(evaluate(D["Z", "u"], arrays, SIZES), expected)


MISTAKES: dict[str, Callable[[Any], Any]] = {
    "sign": lambda t: -t,
    "factor": lambda t: t * md.parse("1.001", {}),
    "transposed": lambda t: t.T,
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_mixed_block_is_refused(mistake: str) -> None:
    D = md.derive(md.parse("x @ A @ y + sum(x)**2*sum(y)", "x: n; A: n n; y: n"), wrt=["x", "y"],
                  order=2)
    assert D.verify()
    wrong = replace(D, derivatives={**D.derivatives, "x,y": MISTAKES[mistake](D["x", "y"])})
    report = wrong.verify()
    assert {c.tensor for c in report.failures} == {"x,y"}


def test_a_block_left_out_of_the_code_is_refused() -> None:
    D = md.derive(md.parse("x @ A @ y", "x: n; A: n d; y: d"), wrt=[("x", "y")])
    swapped = replace(D, derivatives={"x,y": D["y", "x"]})
    assert "expected shape" in str(swapped.verify(dims={"n": 3, "d": 2}))


@pytest.mark.parametrize(("wrt", "order", "error", "message"), [
    ([("x", "z")], 1, md.NamingError, "'z'"),
    ([("x", "y")], 3, md.OrderError, "order 2, not 3"),
    ([("x", "y"), ("x",)], 1, md.OrderError, "order 1, not 2"),
    ([("x", "y")], None, md.OrderError, "positive integer, not None"),
    ([("x", "y"), ("x", "x", "y")], 1, md.OrderError, "order 3, not 2"),
    ([("x", "y"), ("x", "y")], 1, md.NamingError, "twice"),
    (["x", ("x", "x")], 1, md.NamingError, "twice"),
    ([()], 1, md.OrderError, "order"),
    ([("x", 3)], 1, md.NamingError, "not 3"),
    ([("x",) * 21], 1, md.OrderError, "beyond"),
    (["x", "y", "s", "t"], 20, md.OrderError, "blocks"),
])
def test_requests_that_make_no_sense(
    wrt: Any, order: Any, error: type[Exception], message: str
) -> None:
    expr = md.parse("sum(x)*sum(y)*s*t", "x: n; y: d; s: ; t:")
    with pytest.raises(error, match=message):
        md.derive(expr, wrt, order)


def test_a_block_that_was_not_asked_for_is_not_there() -> None:
    D = md.derive(md.parse("x @ A @ y", "x: n; A: n d; y: d"), wrt=[("x", "y")])
    for key in ("x", ("x", "x"), ("x", "A"), ("x", "y", "y"), 0, ()):
        with pytest.raises(md.NamingError, match="there are: x,y"):
            D[key]


# -- several expressions -----------------------------------------------------------------------

SHAPES = "X: n d; w: d; y: n; u: d"
F, G = "sum((X @ w - y)**2)/n", "tanh(X @ w)*y"
LAWS: dict[str, Callable[..., Any]] = {
    "f": lambda X, w, y, u: anp.sum((anp.dot(X, w) - y) ** 2) / len(y),
    "g": lambda X, w, y, u: anp.tanh(anp.dot(X, w)) * y,
}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("n", [5, 1])
def test_several_expressions(order: int, n: int, rng: np.random.Generator) -> None:
    sizes = {**SIZES, "n": n}
    arrays = _arrays(rng, SHAPES, sizes)
    D = md.derive({"f": md.parse(F, SHAPES), "g": md.parse(G, SHAPES)}, ["w", "y", "u"], order)
    found = D.compile()(**arrays)
    for name, law in LAWS.items():
        np.testing.assert_allclose(found[name], law(**arrays), rtol=1e-12)
        for a, b in [("w", "w"), ("w", "y"), ("y", "y"), ("w", "u"), ("u", "u")]:
            path = (a, b) if order == 2 else (b,)
            expected = _truth(law, arrays, *path)
            key = ",".join(dict.fromkeys((name, *path)))
            assert found[key].shape == expected.shape
            np.testing.assert_allclose(found[key], expected, rtol=1e-10, atol=1e-12)
            by_oracle = evaluate(D[(name, *path)], arrays, sizes)
            np.testing.assert_allclose(by_oracle, expected, rtol=1e-10, atol=1e-12)
    assert D.verify()


def test_several_expressions_share_their_work() -> None:
    D = md.derive({"f": md.parse(F, SHAPES), "g": md.parse(G, SHAPES)}, wrt="w")
    run = D.source[D.source.index("    def run("):].split("\n\n")[0]
    assert run.count("X.dot(w") == 1
    assert list(D) == ["f,w", "g,w"]
    assert D["f", "w"] is md.derive(md.parse(F, SHAPES), wrt="w")["w"]
    assert list(D.compile("value")(X=np.eye(2), w=np.ones(2), y=np.ones(2))) == ["f", "g"]
    assert list(D.compile("grad")(X=np.eye(2), w=np.ones(2), y=np.ones(2))) == ["f,w", "g,w"]


def test_a_list_is_keyed_by_position() -> None:
    D = md.derive([md.parse(F, SHAPES), md.parse(G, SHAPES)], wrt=["w", "y"])
    assert list(D) == ["0,w", "0,y", "1,w", "1,y"]
    assert D[1, "w"] is D["1,w"]
    assert D[1, "w"].shape == (*D.outputs["1"].shape, *D.wrt[0].shape)
    assert "dL0/dw = " in D.text()
    assert r"\frac{\partial \mathbf{L}_{1}}{\partial \mathbf{w}}" in D.latex()
    assert list(D.to_dict()["expressions"]) == ["0", "1"]
    with pytest.raises(md.NamingError, match="several"):
        _ = D.expr


def test_a_wrong_derivative_of_one_of_several_is_refused() -> None:
    D = md.derive({"f": md.parse(F, SHAPES), "g": md.parse(G, SHAPES)}, wrt=["w", "y"])
    wrong = replace(D, derivatives={**D.derivatives, "f,y": -D["f", "y"]})
    assert {c.tensor for c in wrong.verify().failures} == {"f,y"}
    swapped = replace(D, derivatives={**D.derivatives, "f,w": D["f", "w"] + D["f", "w"]})
    assert {c.tensor for c in swapped.verify().failures} == {"f,w"}


def test_each_expression_asks_for_its_own_sizes() -> None:
    D = md.derive({"f": md.parse("3*x[3]", "x: n"), "g": md.parse("sum(x**2)", "x: n")}, "x")
    with pytest.raises(ValueError, match="n = 2"):
        D.compile("grad")(x=np.ones(2))
    np.testing.assert_array_equal(D.compile("grad")(x=np.ones(4))["f,x"], [0, 0, 0, 3])
    assert not D["g", "x"].requires


def test_an_output_may_be_called_as_a_variable_is(rng: np.random.Generator) -> None:
    D = md.derive({"w": md.parse(F, SHAPES), "value": md.parse(G, SHAPES)}, wrt="w")
    arrays = _arrays(rng, SHAPES, SIZES)
    found = D.compile()(**arrays)
    np.testing.assert_allclose(found["w"], LAWS["f"](**arrays))
    np.testing.assert_allclose(found["w,w"], _truth(LAWS["f"], arrays, "w"), rtol=1e-10)
    np.testing.assert_allclose(found["value,w"], _truth(LAWS["g"], arrays, "w"), rtol=1e-10)


@pytest.mark.parametrize(("outputs", "message"), [
    ({}, "no expression"),
    ([], "no expression"),
    ({"f g": "sum(x)"}, "'f g'"),
    ({3: "sum(x)"}, "not 3"),
    ({"f": "sum(x)", "g": "sum(x[0])"}, "different tensors by 'x'"),
])
def test_expressions_that_do_not_go_together(outputs: Any, message: str) -> None:
    if isinstance(outputs, dict):
        outputs = {
            name: md.parse(text, "x: n" if "[" not in text else "x: n d")
            for name, text in outputs.items()
        }
    with pytest.raises(md.NamingError, match=message):
        md.derive(outputs, wrt="x")
