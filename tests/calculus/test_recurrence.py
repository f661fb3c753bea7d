"""Derivatives of recurrences against autograd on plain loops."""

from __future__ import annotations

import warnings
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from comparison import dirty_memory
from interpreter import evaluate
from recurrent_models import DIMS, MODELS, Model, Names

import mathdl as md

SMALL = ["rnn", "linear system", "euler", "momentum", "nested", "nested quotient", "backwards",
         "delay line", "hmm forward"]


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():  # autograd on NumPy 2
        warnings.simplefilter("ignore")
        yield


def scalar(model: Model, prefix: str = "") -> tuple[Any, dict[str, Any]]:
    tensors = model.tensors(prefix)
    return model.expr(Names(tensors)), tensors


def law(model: Model, arrays: dict[str, Any], name: str) -> Any:
    return lambda value: model.law(Names({**arrays, name: value}))


def close(found: Any, expected: Any) -> None:
    assert np.shape(found) == np.shape(expected)
    scale = max(1.0, float(np.max(np.abs(expected), initial=0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * scale)


@pytest.mark.parametrize("name", MODELS)
def test_gradients(name: str) -> None:
    """Value and all gradients, for lengths of 1, 2 and 5, dims of 1 and several seeds."""
    model = MODELS[name]
    expr, _ = scalar(model)
    derivation = md.derive(expr, list(model.shapes))
    with dirty_memory():
        function = derivation.compile()
        for seed, dims in enumerate([DIMS, {**DIMS, "T": 2}, {**DIMS, "T": 1},
                                     dict.fromkeys(DIMS, 1), {**DIMS, "n": 1, "h": 1}, DIMS]):
            arrays = model.arrays(seed, dims)
            value, slopes = function(**arrays)
            close(value, model.law(Names(arrays)))
            for wrt, slope in slopes.items():
                close(slope, autograd.grad(law(model, arrays, wrt))(arrays[wrt]))


@pytest.mark.parametrize("name", MODELS)
def test_equations_say_the_same(name: str) -> None:
    """The derivation interpreted without generated code."""
    model = MODELS[name]
    expr, _ = scalar(model)
    wrt = list(model.shapes)[:2]
    derivation = md.derive(expr, wrt)
    arrays = model.arrays(11, {**DIMS, "T": 3})
    value, *slopes = evaluate([expr, *(derivation[w] for w in wrt)], arrays, {**DIMS, "T": 3})
    close(value, model.law(Names(arrays)))
    for slope, w in zip(slopes, wrt, strict=True):
        close(slope, autograd.grad(law(model, arrays, w))(arrays[w]))


def products(model: Model, name: str, arrays: dict[str, Any], along: Any) -> Any:
    """Gradient times direction, and Hessian times direction, by autograd."""
    gradient = autograd.grad(law(model, arrays, name))

    def inner(x: Any) -> Any:
        return anp.sum(gradient(x) * along)

    return inner(arrays[name]), autograd.grad(inner)(arrays[name])


@pytest.mark.parametrize("name", MODELS)
def test_directions(name: str) -> None:
    """``jvp`` and ``hvp`` by one variable of each model."""
    model = MODELS[name]
    expr, tensors = scalar(model)
    wrt = next(w for w in ("W", "Uf", "Uz", "A", "Q", "a", "s") if w in model.shapes)
    direction = md.tensor("along", tensors[wrt].shape)
    arrays = model.arrays(3, {**DIMS, "T": 3})
    along = np.random.default_rng(4).normal(size=arrays[wrt].shape)
    first, second = products(model, wrt, arrays, along)
    given = {**arrays, "along": along}
    for derived, expected in ((md.jvp(expr, {wrt: direction}), first),
                              (md.hvp(expr, wrt, direction), second)):
        close(evaluate([derived], given, {**DIMS, "T": 3})[0], expected)


@pytest.mark.parametrize("name", SMALL)
def test_hessians(name: str) -> None:
    model = MODELS[name]
    wrt = next(w for w in ("x0", "w", "s", "a", "start") if w in model.shapes)
    expr, _ = scalar(model)
    derivation = md.derive(expr, wrt, order=2)
    arrays = model.arrays(7, {**DIMS, "h": 2})
    with dirty_memory():
        _, hessian = derivation.compile()(**arrays)
    close(hessian, autograd.jacobian(autograd.grad(law(model, arrays, wrt)))(arrays[wrt]))


def test_third_order(rng: np.random.Generator) -> None:
    x, s = md.tensor("x", "T"), md.tensor("s", "")
    last, _ = md.scan(lambda p, c: (md.sin(p * c), None), s, x)
    arrays = {"x": rng.normal(size=4), "s": np.array(0.7)}

    def loop(value: Any) -> Any:
        for c in arrays["x"]:
            value = anp.sin(value * c)
        return value

    third = autograd.grad(autograd.grad(autograd.grad(loop)))(0.7)
    _, found = md.derive(last, "s", order=3).compile()(**arrays)
    np.testing.assert_allclose(found, third, rtol=1e-10)


@pytest.mark.parametrize("reverse", [False, True])
def test_jacobian_and_its_transpose(reverse: bool, rng: np.random.Generator) -> None:
    """A sequence by each input: the Jacobian, and ``<J v, u> = <v, J^T u>``."""
    n, T = md.dims("n T")
    W, x, s = md.tensor("W", n, n), md.tensor("x", T, n), md.tensor("s", n)
    _, states = md.scan(lambda q, c: (md.tanh(W @ q + c), q * c), s, x, reverse=reverse)
    arrays = {"W": rng.normal(size=(3, 3)), "x": rng.normal(size=(4, 3)), "s": rng.normal(size=3)}
    dims = {"n": 3, "T": 4}

    def loop(p: Any) -> Any:
        q, made = p["s"], [None] * 4
        for t in reversed(range(4)) if reverse else range(4):
            made[t] = q * p["x"][t]
            q = anp.tanh(p["W"] @ q + p["x"][t])
        return anp.stack(made)

    for name, tensor in (("W", W), ("x", x), ("s", s)):
        jacobian = autograd.jacobian(lambda v, name=name: loop({**arrays, name: v}))(arrays[name])
        close(evaluate([md.derive(states, name)[name]], arrays, dims)[0], jacobian)
        u, v = rng.normal(size=(4, 3)), rng.normal(size=arrays[name].shape)
        forth, back = evaluate(
            [md.jvp(states, {name: md.tensor("v", tensor.shape)}),
             md.vjp(states, md.tensor("u", T, n), name)], {**arrays, "u": u, "v": v}, dims)
        close(forth, np.tensordot(jacobian, v, v.ndim))
        close(np.sum(forth * u), np.sum(back * v))


@pytest.mark.parametrize("name", ["rnn", "gru", "nested", "nested quotient", "delay line"])
def test_names_do_not_matter(name: str) -> None:
    """Variables called as the inputs of closed steps are, or in another order."""
    model = MODELS[name]
    arrays = model.arrays(5, {**DIMS, "T": 3})
    found = []
    for names in (list(model.shapes), [f"state{k}" for k in range(len(model.shapes))],
                  [f"item{k}" for k in reversed(range(len(model.shapes)))],
                  [f"fixed{k}" for k in range(len(model.shapes))]):
        called = dict(zip(model.shapes, names, strict=True))
        expr = model.expr(Names({
            k: md.tensor(called[k], shape) for k, shape in model.shapes.items()}))
        value, slopes = md.derive(expr, names).compile()(
            **{called[k]: a for k, a in arrays.items()})
        found.append([value, *(slopes[called[k]] for k in model.shapes)])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            close(b, a)


def test_one_tensor_in_every_place(rng: np.random.Generator) -> None:
    """Start, sequence and constant at once."""
    A = md.tensor("A", "n n")
    last, Y = md.scan(lambda s, a: (md.tanh(A @ s + a), a[0] * s), A[0], A)
    total = md.sum(Y**2) + md.sum(last)
    a = rng.normal(size=(3, 3))

    def loop(A: Any) -> Any:
        s, found = A[0], 0.0
        for row in A:
            found = found + anp.sum((row[0] * s) ** 2)
            s = anp.tanh(A @ s + row)
        return found + anp.sum(s)

    value, slope = md.derive(total, "A").compile()(a)
    close(value, loop(a))
    close(slope, autograd.grad(loop)(a))
    _, hessian = md.derive(total, "A", order=2).compile()(a)
    close(hessian, autograd.jacobian(autograd.grad(loop))(a))


PRIMITIVES = {
    "inv": (lambda s, A, a: md.inv(A + md.outer(a, a) + s @ s.T),
            lambda s, A, a: anp.linalg.inv(A + anp.outer(a, a) + s @ s.T)),
    "solve": (lambda s, A, a: md.solve(A + s @ s.T, s + a),
              lambda s, A, a: anp.linalg.solve(A + s @ s.T, s + a)),
    "solve with a constant": (lambda s, A, a: md.solve(A, s + a),
                              lambda s, A, a: anp.linalg.solve(A, s + a)),
    "logdet": (lambda s, A, a: s * md.logdet(A + s.T @ s) / 9 + md.outer(a, a),
               lambda s, A, a: s * anp.linalg.slogdet(A + s.T @ s)[1] / 9 + anp.outer(a, a)),
    "softmax": (lambda s, A, a: md.softmax(s @ A + a),
                lambda s, A, a: anp.exp(s @ A + a) / anp.sum(anp.exp(s @ A + a), 1, keepdims=True)),
    "max": (lambda s, A, a: md.max(s @ A + a, axis=1) * a + md.where(s > 0, s, A),
            lambda s, A, a: anp.max(s @ A + a, axis=1) * a + anp.where(s > 0, s, A)),
    "concat": (lambda s, A, a: md.tanh(md.concat([s[1:] @ A, md.reshape(a, 1, 3)])),
               lambda s, A, a: anp.tanh(anp.concatenate([s[1:] @ A, anp.reshape(a, (1, 3))]))),
}


@pytest.mark.parametrize("name", PRIMITIVES)
def test_whole_matrices_in_a_step(name: str, rng: np.random.Generator) -> None:
    ours, theirs = PRIMITIVES[name]
    S, A, X = md.tensor("S", 3, 3), md.tensor("A", 3, 3), md.tensor("X", "T", 3)
    total = md.sum(md.scan(lambda s, a: (ours(s, A, a), s), S, X)[0] ** 2)
    a = rng.normal(size=(3, 3))
    arrays = {"S": rng.normal(size=(3, 3)), "A": a @ a.T + 2 * np.eye(3),
              "X": rng.normal(size=(3, 3)) / 2}

    def loop(p: dict[str, Any]) -> Any:
        s = p["S"]
        for row in p["X"]:
            s = theirs(s, p["A"], row)
        return anp.sum(s * s)

    with dirty_memory():
        value, slopes = md.derive(total, ["S", "A", "X"]).compile()(**arrays)
    close(value, loop(arrays))
    for wrt, slope in slopes.items():
        expected = autograd.grad(lambda v, wrt=wrt: loop({**arrays, wrt: v}))(arrays[wrt])
        np.testing.assert_allclose(slope, expected, rtol=1e-7, atol=1e-8)


def test_embeddings_are_trained(rng: np.random.Generator) -> None:
    ids = md.tensor("ids", "T", assume="integer")
    E, W = md.tensor("E", "k n"), md.tensor("W", "n n")
    _, H = md.scan(lambda s, i: (md.tanh(E[i] + W @ s),) * 2, md.zeros(md.dims("n")), ids)
    arrays = {"ids": np.array([1, 4, 1, 0]), "E": rng.normal(size=(5, 3)),
              "W": rng.normal(size=(3, 3))}

    def loop(E: Any) -> Any:
        s, total = np.zeros(3), 0.0
        for i in arrays["ids"]:
            s = anp.tanh(E[i] + arrays["W"] @ s)
            total = total + anp.sum(s * s)
        return total

    _, slope = md.derive(md.sum(H**2), "E").compile()(**arrays)
    close(slope, autograd.grad(loop)(arrays["E"]))
