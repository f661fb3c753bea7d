"""The reverse rule, one kind of index at a time, and forward mode against it.

Every law is checked against central differences of the equations' own values and, where a
closed form is short, against that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from derivative_arrays import DIMS, arrays_of
from interpreter import evaluate
from sympy import Integer, KroneckerDelta, exp, log

import mathdl as md
from mathdl.calculus.forward import push_forward, tangents
from mathdl.calculus.local import OWN, local_derivative
from mathdl.calculus.reverse import cotangents, pull_back, solve_indices
from mathdl.ir.build import define
from mathdl.ir.dim import dim_symbol
from mathdl.ir.index import bound_index, out_index, slot
from mathdl.ir.system import inputs_of, topological
from mathdl.ir.tensor import Access, input_tensor

n, m = dim_symbol("n"), dim_symbol("m")


def differences(expr: Any, name: str, arrays: dict[str, Any]) -> Any:
    """Central differences; the output's axes first."""
    point = arrays[name]
    step = 1e-6
    columns = []
    for place in np.ndindex(point.shape):
        ends = []
        for sign in (1, -1):
            moved = point.copy()
            moved[place] += sign * step
            ends.append(evaluate([expr], {**arrays, name: moved}, DIMS)[0])
        columns.append((ends[0] - ends[1]) / (2 * step))
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(*stacked.shape[:-1], *point.shape)


SHAPES = {"x": "n", "y": "n", "X": "n m", "W": "m d", "V": "n n", "T": "2 n m", "ids": "6",
          "s": "", "I": "2 2 4 5", "K": "3 2 2 2", "u": "1"}

INDICES = [
    "x**2", "X.T**2", "V*V.T", "X[:, None]*x[:, None, None]",  # plain
    "diagonal(V)**2", "trace(V @ V)", "diagonal(V) @ x", "diag(x)**2 + V",  # diagonal
    "x[1:]**2", "x[:-1]*x[1:]", "x[::-1]*x", "X[1:-1]*X[2:]", "x[1:-1]", "X[:, -1:]*X",  # affine
    "x[::2]**2", "x[1::2]", "x[::-2]", "X[::2, ::-1]", "x[2::3]", "x[-2::-2]",  # stride
    "X[ids]**2", "x[ids]", "V[ids][:, ids]", "X[ids] @ W", "T[0, ids]", "V[:, ids].T",  # gather
    "V[ids, ids]**2", "softmax(X[ids])", "x[ids][1:]*x[ids][:-1]",
    "(X[0][:, None]*ones(1, n))[:, ids]", "sum((x[1:][None, :]*ones(5, 1))**2)",
    "concat([X[:, :-1], X[:, :-1]])[2]",
    "sum(concat([V[None, :-1], V[None, :-1]], axis=1), axis=1)",
    "sum(x[None, :-1] + 0*x[1:], axis=1)",
    "reshape(X, -1)**2", "reshape(X, m, n) @ X", "reshape(T, 2*n, m)", "reshape(x[1:], n - 1)",
    "reshape(I, 4, 4, 5)**2", "reshape(X, -1)[1:]", "reshape(X.T, -1)[::2]",  # reshape
    "x[0]*x", "x[-1]**2", "X[1, 2]**2", "X[2]*X", "x[n - 1]*x[0]", "V[0, 0] + V[-1, -1]",
     # constant
    "concat([x, x**2])", "concat([x, y])[1:]", "stack([x, y], axis=1)",
    "concat([X, V @ X], axis=0)",  # zero extended
    "concat([x, exp(y), log(x**2 + 1)])[2:-3]", "conv2d(I, K, padding=1)",
    "conv2d(I, K, stride=2, padding=(1, 0))", "conv2d(V, X[:2, :2])", "avg_pool(I, 2)",
    "max_pool(I, 2, stride=1)", "max_pool(V, (2, 3), stride=1)",
    "x[:, None] - x", "u*x", "u + X", "X*x[:, None]", "s*X", "X + X[:1]",  # broadcasting
    "tril(V)**2", "triu(V, 1) @ X", "exp(tril(V))", "cumsum(X, axis=0)**2", "cumsum(x)[::-1]",
    "kron(X, W)", "outer(x, y)", "T @ W", "x @ X", "X.T @ x", "T @ T[0].T", "V @ V @ x",
    "einsum('ii,ij->j', V, X)", "einsum('ij,ik,i->jk', X, V, x)",
    "einsum('iii->i', ones(n, n, n)*x)",
    "max(X, axis=0)", "min(X, axis=(0, 1))", "prod(X, axis=1)", "prod(X[:, :2], axis=(0, 1))",
    "norm_inf(X, axis=1)", "max(X @ W, axis=0)", "prod(x[1:]*x[:-1])", "max(T, axis=(0, 2))",
    "log_softmax(X, axis=0)", "logsumexp(T, axis=(0, 1))", "softmax(V)*softmax(V.T)",
    "std(X, axis=0)", "layer_norm(X)", "1/(x[1:]**2 + 1)", "log(x[1:-1]**2 + 2)/x[:-2]",
    "where(X > 0, X, X**2)", "maximum(x, y)", "clip(X, -0.5, 0.5)", "x**2/n + sqrt(n)*x",
]


@pytest.mark.parametrize("text", INDICES)
def test_jacobian(text: str) -> None:
    """Jacobian, its transpose applied (vjp), and it applied (jvp), of every kind of index."""
    expr = md.parse(text, SHAPES, "ids: integer")
    arrays = arrays_of(SHAPES)
    rng = np.random.default_rng(1)
    value = evaluate([expr], arrays, DIMS)[0]
    used = [t for t in topological([expr]) if t.is_input and t.name != "ids"]
    for tensor in used:
        name = str(tensor.name)
        numeric = differences(expr, name, arrays)
        derived = evaluate([md.derive(expr, wrt=name)[name]], arrays, DIMS)[0]
        assert derived.shape == (*value.shape, *arrays[name].shape)
        np.testing.assert_allclose(derived, numeric, rtol=2e-6, atol=2e-6)
        seed = rng.normal(size=value.shape)
        along = rng.normal(size=arrays[name].shape)
        out, direction = input_tensor("bar_", expr.shape), input_tensor("dot_", tensor.shape)
        back = md.vjp(expr, out, name)
        forth = md.jvp(expr, {tensor: direction})
        assert back.shape == tensor.shape
        assert forth.shape == expr.shape
        got = evaluate([back, forth], {**arrays, "bar_": seed, "dot_": along}, DIMS)
        np.testing.assert_allclose(got[0], np.tensordot(seed, derived, value.ndim), atol=1e-9)
        np.testing.assert_allclose(got[1], np.tensordot(derived, along, along.ndim), atol=1e-9)
        # <J v, u> = <v, J^T u>
        np.testing.assert_allclose(np.sum(got[1] * seed), np.sum(along * got[0]), atol=1e-9)


SCALARS = [
    "sum(x**3)", "logsumexp(X @ W)", "sum(prod(X, axis=1))", "sum((x[1:] - x[:-1])**4)",
    "sum(x[ids]**3)", "sum(reshape(X, -1)[1:]**2*reshape(X, -1)[:-1])", "prod(x)",
    "sum(softmax(X)*log_softmax(X))", "sum(tanh(V @ x))", "sum(max(X, axis=0)**3)",
    "sum(exp(tril(V)))", "sum(conv2d(V, X[:2, :2])**2)", "sum(layer_norm(X)**3)", "norm2(X)",
    "sum(diag(x) @ V @ x)", "sum(sqrt(x**2)**3)", "sum(abs(x)**3)", "x[0]**3*x[-1]",
    "trace(V @ V @ V)",
    "sum(concat([x, x**2])**2)", "sum(1/(1 + x**2))", "sum(log(x**2 + s**2))", "sum(x**4/x[0])",
    "sum(where(x > 0, x**3, x**2))", "sum(cumsum(x)**3)", "var(x)*sum(x)", "sum(gelu(X @ W))",
]


@pytest.mark.parametrize("text", SCALARS)
def test_second_and_third(text: str) -> None:
    """Hessians by differences of gradients, symmetric; ``hvp`` agrees; third of Hessians."""
    expr = md.parse(text, SHAPES, "ids: integer")
    arrays = arrays_of(SHAPES, 5)
    tensor = next(t for t in topological([expr]) if t.is_input and t.name not in ("ids", "s"))
    name = str(tensor.name)
    gradient = md.derive(expr, wrt=name)[name]
    second = md.derive(expr, wrt=name, order=2)[name]
    hessian = evaluate([second], arrays, DIMS)[0]
    np.testing.assert_allclose(hessian, differences(gradient, name, arrays), rtol=5e-6, atol=5e-6)
    size = arrays[name].size
    flat = hessian.reshape(size, size)
    np.testing.assert_allclose(flat, flat.T, atol=1e-9 * max(1, abs(flat).max()))
    direction = input_tensor("dot_", tensor.shape)
    along = np.random.default_rng(2).normal(size=arrays[name].shape)
    product = evaluate([md.hvp(expr, name, direction)], {**arrays, "dot_": along}, DIMS)[0]
    np.testing.assert_allclose(product, np.tensordot(hessian, along, along.ndim), atol=1e-8)
    if size <= 5:
        third = evaluate([md.derive(expr, wrt=name, order=3)[name]], arrays, DIMS)[0]
        np.testing.assert_allclose(third, differences(second, name, arrays), rtol=1e-5, atol=1e-4)


# -- laws with closed forms ----------------------------------------------------------------------


def gradient(text: str, wrt: str, arrays: dict[str, Any], dims: dict[str, int],
             shapes: Any, order: int = 1) -> Any:
    arrays = {k: np.asarray(v, dtype=float) for k, v in arrays.items()}
    found = md.derive(md.parse(text, shapes), wrt=wrt, order=order)[wrt]
    return evaluate([found], arrays, dims)[0]


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("max(x)", [2, 2, 1], [0.5, 0.5, 0]), ("min(x)", [1, 1, 1], [1 / 3] * 3),
        ("max(x) + min(x)", [1, 1, 1], [2 / 3] * 3), ("norm_inf(x)", [2, -2, 1], [0.5, -0.5, 0]),
        ("max(2*x + 0.1)", [0.3, 0.3, 0.1], [1, 1, 0]), ("max(exp(x))", [0, 0, -1], [0.5, 0.5, 0]),
        ("max(maximum(x, 1))", [0, 1, 2], [0, 0, 1]), ("max(x**2)", [-1, 1, 0], [-1, 1, 0]),
        ("sum(relu(x))", [0, 1, -1], [0, 1, 0]), ("sum(abs(x))", [0, 1, -1], [0, 1, -1]),
        ("sum(maximum(x, 0))", [0, 1, -1], [0.5, 1, 0]), ("sum(sign(x)*x)", [0, 2, -1], [0, 1, -1]),
        ("prod(x)", [2, 0, 3], [0, 6, 0]), ("prod(x)", [0, 0, 3], [0, 0, 0]),
        ("prod(x)", [0, 5, 3], [15, 0, 0]), ("prod(x**2)", [2, 0, 3], [0, 0, 0]),
        ("prod(x)**2", [2, 1, 3], [36 / 2, 36 * 2, 36 / 3 * 2 / 2]),
        ("sum(x**0)", [0, 1, 2], [0, 0, 0]), ("sum(x/x)", [3, 1, 2], [0, 0, 0]),
        ("sum(sqrt(x**2))", [3, -1, 2], [1, -1, 1]), ("sum((x**2)**1.5)", [1, -1, 2], [3, -3, 12]),
        ("sum(abs(x)**2)", [3, -1, 2], [6, -2, 4]), ("sum(log(x**2))", [2, -1, 4], [1, -2, 0.5]),
        ("log(prod(x))", [2, -1, -4], [0.5, -1, -0.25]),
        ("sum((x**4)**0.25)", [2, -1, 4], [1, -1, 1]),
        ("sum(exp(log(x)))", [2, 1, 4], [1, 1, 1]), ("sum(log(exp(x)))", [2, -1, 4], [1, 1, 1]),
        ("sum(1/x[1:])", [0, 1, 2], [0, -1, -0.25]), ("sum(log(x[:-1]))", [1, 2, 0], [1, 0.5, 0]),
        ("sum(log(concat([x, x])[2:4]))", [4, 0.5, 2], [0.25, 0, 0.5]),
        ("sum(sqrt(x[::2]))", [4, 0, 1], [0.25, 0, 0.5]), ("sum(where(x > 0, log(x), 0))",
                                                          [2, -1, 4], [0.5, 0, 0.25]),
    ],
)
def test_conventions_at_special_points(text: str, x: Any, expected: Any) -> None:
    found = gradient(text, "x", {"x": x}, {"n": 3}, "x: n")
    if text == "prod(x)**2":
        expected = [2 * 6 * 3, 2 * 6 * 6, 2 * 6 * 2]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_prod_of_zeros_second_order() -> None:
    found = gradient("prod(x)", "x", {"x": [2, 0, 3]}, {"n": 3}, "x: n", 2)
    np.testing.assert_allclose(found, [[0, 3, 0], [3, 0, 2], [0, 2, 0]])


def test_ties_share_along_each_axis() -> None:
    found = gradient("sum(G*max(X, axis=1))", "X", {"X": [[1, 1, 0], [2, 3, 3]], "G": [1, 2]},
                     {"n": 2, "m": 3}, "X: n m; G: n")
    np.testing.assert_allclose(found, [[0.5, 0.5, 0], [0, 1, 1]])


# -- solving for indices -------------------------------------------------------------------------


def _solve(index: Any, shape: Any, out: Any, bound: Any) -> Any:
    targets = [out_index(8 + k) for k in range(len(shape))]
    return solve_indices(index, targets, shape, out, bound), targets


def test_solving_a_renaming() -> None:
    i, j = out_index(0), out_index(1)
    solution, t = _solve([j, i], (m, n), {i: n, j: m}, {})
    assert solution.values == {j: t[0], i: t[1]}
    assert not solution.factors
    assert not solution.shifted


def test_solving_affine() -> None:
    i, r = out_index(0), bound_index(0)
    solution, t = _solve([i + r], (n + m - 1,), {i: n}, {r: m})
    assert solution.values == {i: t[0] - r}
    assert solution.shifted
    solution, t = _solve([n - 1 - i], (n,), {i: n}, {})
    assert solution.values == {i: n - 1 - t[0]}


def test_solving_a_bound_index_keeps_its_range() -> None:
    r = bound_index(0)
    solution, t = _solve([r], (n,), {}, {r: m})
    assert solution.values == {r: t[0]}
    assert len(solution.factors) == 1
    assert solution.factors[0].subs({t[0]: 3, m: 3}) == 0
    assert solution.factors[0].subs({t[0]: 2, m: 3}) == 1
    solution, t = _solve([r + 2], (n,), {}, {r: m})
    inside = solution.factors[0]
    assert [inside.subs({t[0]: k, m: 3}) for k in range(7)] == [0, 0, 1, 1, 1, 0, 0]


def test_what_cannot_be_solved_stays_a_delta() -> None:
    i = out_index(0)
    for index in ([2 * i], [Integer(3)], [slot(1)]):
        solution, t = _solve(index, (n,), {i: n}, {})
        assert solution.factors == [KroneckerDelta(t[0], index[0])]
        assert not solution.values
    solution, t = _solve([i, i], (n, n), {i: n}, {})
    assert solution.values == {i: t[0]}
    assert solution.factors == [KroneckerDelta(t[1], t[0])]


# -- held accesses -----------------------------------------------------------------------------


def test_held_accesses_are_constants() -> None:
    v = input_tensor("v", (n,))
    i = out_index(0)
    t = define([(i, n)], slot(0) * slot(1), [Access(v, (i,)), Access(v, (n - 1 - i,), held=True)])
    total = define([], slot(0), [Access(t, (bound_index(0),))], reduce="sum",
                   bound=[(bound_index(0), n)])
    found = cotangents(total, define([], 1), [v])[v]
    x = np.array([1.0, 2.0, 5.0])
    np.testing.assert_allclose(evaluate([found], {"v": x}, {"n": 3})[0], x[::-1])
    along = input_tensor("w", (n,))
    forth = tangents([total], {v: along})[0]
    w = np.array([1.0, -1.0, 3.0])
    assert evaluate([forth], {"v": x, "w": w}, {"n": 3})[0] == np.sum(w * x[::-1])


@pytest.mark.parametrize("text", ["logsumexp(x)", "sum(softmax(x)[0]**2)", "log(sum(exp(3*x)*y))"])
def test_the_shift_of_a_softmax_is_held_in_every_order(text: str) -> None:
    """The greatest entry has a kink where two tie; the derivative of softmax has none."""
    x = np.array([1.0, 1.0, 0.0])
    y = np.array([1.0, 2.0, 3.0])
    expr = md.parse(text, "x: n; y: n")
    arrays = {"x": x, "y": y}
    values = {}
    for order in (1, 2, 3):
        derivation = md.derive(expr, wrt="x", order=order)
        values[order] = evaluate([derivation["x"]], arrays, {"n": 3})[0]
    step = 1e-5
    for order in (2, 3):
        lower = md.derive(expr, wrt="x", order=order - 1)["x"]
        for k in range(3):
            ends = [evaluate([lower], {**arrays, "x": x + s * np.eye(3)[k]}, {"n": 3})[0]
                    for s in (step, -step)]
            np.testing.assert_allclose(values[order][..., k], (ends[0] - ends[1]) / (2 * step),
                                       atol=1e-7)


# -- local derivatives -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [exp(slot(0)), exp(slot(0) * slot(1)), 1 / slot(0), slot(1) / slot(0), slot(0) ** Integer(-3),
     slot(0) ** (Integer(1) / 2), slot(0) ** slot(1), log(slot(0)) * slot(1),
     slot(1) ** 2 / slot(0) ** 2,
     (slot(0) + slot(1)) / (slot(0) * slot(1)), 2 ** slot(0), exp(slot(0)) / (1 + exp(slot(0))),
     slot(1) * exp(-slot(0)) / slot(0), (slot(0) * slot(1)) ** (Integer(3) / 2)],
)
@pytest.mark.parametrize("k", [0, 1])
def test_the_folded_derivative_is_the_derivative(body: Any, k: int) -> None:
    folded = local_derivative(body, k)
    plain = body.diff(slot(k))
    at = {slot(0): 0.7, slot(1): 1.3}
    unfolded = folded.xreplace({OWN: body})
    assert float(unfolded.subs(at)) == pytest.approx(float(plain.subs(at)), rel=1e-12, abs=1e-12)


def test_zero_derivatives_contribute_nothing() -> None:
    t = md.parse("where(x > 0, 1, 2)", "x: n")
    for k in range(len(t.operands)):
        assert pull_back(t, input_tensor("g", (n,)), k) is None
        assert push_forward(t, input_tensor("g", (n,)), k) is None


# -- facts do not project -------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["probability_vector", "one_hot"])
def test_gradients_are_ambient(word: str) -> None:
    """``sum(Y, axis=1)`` is 1 on every instance, yet its derivative is not zero."""
    arrays = {"Y": np.eye(3)[[0, 2, 1]], "c": np.array([1.0, 2.0, 3.0])}
    expr = md.parse("sum(Y, axis=1) @ c", "Y: n m; c: n", f"Y: {word}")
    found = evaluate([md.derive(expr, wrt="Y")["Y"]], arrays, {"n": 3, "m": 3})[0]
    np.testing.assert_allclose(found, np.repeat(arrays["c"][:, None], 3, axis=1))
    square = md.parse("sum(Y)**2", "Y: m", f"Y: {word}")
    Y, v = inputs_of([square])[0], md.tensor("v", m)
    point = {"Y": np.eye(3)[0], "v": np.array([1.0, 2.0, 4.0])}
    hessian, applied, along = evaluate(
        [md.derive(square, wrt="Y", order=2)["Y"], md.hvp(square, "Y", v), md.jvp(square, {Y: v})],
        point, {"m": 3})
    np.testing.assert_allclose(hessian, np.full((3, 3), 2.0))
    np.testing.assert_allclose(applied, np.full(3, 14.0))
    np.testing.assert_allclose(along, 14.0)
    derivation = md.derive(square, wrt="Y")
    assert derivation.wrt == (Y,)
    assert inputs_of([derivation["Y"], derivation.expr]) in ([Y], [])
