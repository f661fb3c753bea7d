"""Rules and stable forms: no step changes shape or value, and textbook forms come out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mpmath
import numpy as np
import pytest
from interpreter import evaluate
from sympy import KroneckerDelta, Mul, exp, log

import mathdl as md
from mathdl.differentiate import prepare
from mathdl.ir.index import slot
from mathdl.ir.system import inputs_of, strip_labels, topological
from mathdl.scalar import softplus
from mathdl.simplify import RULES, Rewrite, simplify, stabilise
from mathdl.simplify.facts import constant_sum
from mathdl.simplify.forms import cost, normal_form

SHAPES = {"X": "n d", "W": "d m", "Y": "n m", "Z": "n m", "b": "m", "w": "d", "y": "n",
          "Q": "n d", "K": "n d", "V": "n m", "A": "n n", "x": "n", "ids": "k", "s": "",
          "S": "n n", "R": "n n", "l": "n"}
ASSUME = {"Y": "one_hot", "ids": "integer", "S": "positive_definite", "R": "orthogonal",
          "l": "binary"}
DIMS = {"n": 4, "d": 3, "m": 5, "k": 6}

TEXTS = [
    ("-sum(Y*log(softmax(Z)))/n", "Z"), ("cross_entropy(Z, Y)", "Z"),
    ("sum(log(1 + exp(-(X @ w)*y)))/n", "w"), ("sum((X @ w - y)**2)/n + s*sum(w**2)", "w"),
    ("-sum(y*log(sigmoid(X @ w)) + (1 - y)*log(1 - sigmoid(X @ w)))/n", "w"),
    ("sum(V*(softmax(Q @ K.T/sqrt(d)) @ V))", "Q"), ("sum(layer_norm(X)*Q)", "X"),
    ("sum(batch_norm(X)*Q)", "X"), ("sum(rms_norm(X)*Q)", "X"), ("logsumexp(X @ W + b)", "W"),
    ("sum(tanh(tanh(X @ W + b) @ W.T)**2)", "W"), ("sum(softmax(Z)*log_softmax(Z))", "Z"),
    ("mean(x**2) - mean(x)**2", "x"), ("sum(softmax(X[ids])**2)", "X"), ("norm2(X @ W)", "X"),
    ("sum((x - mean(x))**3)", "x"), ("x @ A @ x/(x @ x)", "x"), ("log(sum(exp(x)*y))", "x"),
    ("sum(log_softmax(Z, axis=0)*Y)", "Z"), ("trace(A @ A.T)", "A"), ("sum(diag(x) @ A)", "x"),
    ("sum(exp(x)/(1 + exp(x)))", "x"), ("sum(gelu(X @ W)*Z)", "X"), ("prod(x)**2", "x"),
    ("log(prod(sigmoid(x)))", "x"),
    ("sum(reshape(X, -1)[1:]**2)", "X"), ("sum(concat([x, y])**2*2)", "x"),
    ("sum(softmax(Z[None, :, :] + X[:, :1, None])[0])", "Z"), ("sum(max(X @ W, axis=1)**2)", "W"),
    ("sum(X/norm2(X, axis=1, keepdims=True)*Q)", "X"), ("sum(log(cumsum(exp(x))))", "x"),
    ("sum(x[1:]*log_softmax(x)[:-1])", "x"), ("sum(cumsum(softmax(x))**2)", "x"),
    ("P = softmax(Z); -sum(Y*log(P))/n + sum(P**2)", "Z"), ("sum(sqrt((x - y)**2))", "x"),
    ("sum(exp(-(X[:, None, :] - Q[None, :, :])**2))", "X"), ("sum((x*ones(n))**2)/n", "x"),
    ("sum(x)*sum(x) - n*mean(x)*sum(x) + sum(x**3)", "x"), ("sum(softmax(softmax(Z)))", "Z"),
    ("sum(log(sum(exp(X)[ids], axis=0)))", "X"), ("sum(x**2)/(n + 1) - (sum(x)/(n + 1))**2", "x"),
    ("sum(exp(X)[ids]/sum(exp(X)[ids], axis=0)*X[ids])", "X"), ("mean(x**2) - sum(x)**2/n", "x"),
    ("mean(x**2) - mean(y)**2", "x"), ("sum(log(1 - tanh(x)) + log(1 + tanh(y)))", "x"),
    ("sum(elu(x, 1)*y + x/(1 + abs(x)))", "x"), ("sum(softmax(Z, axis=0)*softmax(Z, axis=1))", "Z"),
]
MATRICES = [
    ("x @ inv(S) @ x - 2*sum(S**2)", "S"), ("-(x - y) @ solve(S, x - y)/2", "x"),
    ("sum((R.T @ (R @ x))**3)", "x"), ("norm2(R @ x)**2", "x"), ("x @ S @ y", "x"),
    ("-sum((X.T - w[:, None]).T*(inv(S) @ (X - w)))/2", "w"), ("trace(inv(A) @ S @ A)", "S"),
    ("logdet(S) + trace(inv(S) @ A)", "S"), ("-(x - y) @ (S @ (x - y))/2", "x"),
    ("det(inv(A)) + logdet(inv(S))", "A"), ("trace(A.T @ X @ X.T @ A)", "A"),
    ("tanh(A @ y) @ (A @ x)", "A"), ("sum(tanh(A @ x)*sin(A @ (x + y)))", "x"),
    ("-sum(log((1 + tanh(x))*l/2 + (1 - tanh(x))*(1 - l)/2))", "x"),
    ("D[i<n, j<n] = sum[k<d]((X[i, k] - Q[j, k])**2); sum(logsumexp(-D, axis=1))", "Q"),
    ("sum(x**3/(1 + abs(x)))", "x"), ("sum(where(abs(x) <= 1, x**2, 2*abs(x) - 1))", "x"),
]
TEXTS += MATRICES


def arrays_of(tensors: Any, dims: dict[str, int], seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    found = {}
    for t in inputs_of(tensors):
        size = [dims.get(str(d), d) if not isinstance(d, int) else d for d in t.shape]
        if "one_hot" in t.assume:
            found[t.name] = np.eye(size[-1])[rng.integers(0, size[-1], size[:-1])]
        elif t.assume & {"symmetric", "orthogonal"}:
            q = np.linalg.qr(rng.normal(size=size))[0]
            found[t.name] = q if "orthogonal" in t.assume else q * rng.uniform(1, 2, size[0]) @ q.T
        elif "binary" in t.assume:
            found[t.name] = rng.integers(0, 2, size).astype(float)
        elif "integer" in t.assume:
            found[t.name] = rng.integers(0, min(dims["n"], dims["d"]), size)
        else:
            found[t.name] = rng.normal(size=size) * 0.7
            if t.name == "y":
                found[t.name] = np.abs(found[t.name]) + 0.2
    return found


def same(left: Any, right: Any) -> bool:
    return left.shape == right.shape and np.allclose(left, right, rtol=1e-8, atol=1e-9,
                                                     equal_nan=True)


def faults(steps: list[Rewrite], dims: dict[str, int]) -> list[str]:
    """Rule applications that changed a shape or a value at a random instance."""
    found = []
    for step in steps:
        if step.before.shape != step.after.shape:
            found.append(f"{step.rule.name}: shape {step.before.shape} to {step.after.shape}")
            continue
        both = [step.before, step.after]
        values = evaluate(both, arrays_of(both, dims), dims)
        if not same(*values):
            found.append(f"{step.rule.name}: {values[0]} to {values[1]}")
    return found


def collected(text: str, wrt: str, order: int) -> tuple[list[Rewrite], Any]:
    expr = md.parse(text, SHAPES, ASSUME)
    stripped, _ = strip_labels([expr])
    trace: list[Rewrite] = []
    simplify(stabilise(stripped), strict=True, trace=trace)
    simplify(stripped, trace=trace)
    derivation = md.derive(expr, wrt=wrt, order=order)
    steps = [s for s in derivation.steps if isinstance(s, Rewrite)]
    return trace + steps, derivation


@pytest.mark.parametrize(("text", "wrt"), TEXTS)
@pytest.mark.parametrize("order", [1, 2])
def test_no_step_changes_shape_or_value(text: str, wrt: str, order: int) -> None:
    steps, derivation = collected(text, wrt, order)
    for dims in (DIMS, {"n": 3, "d": 1, "m": 2, "k": 1}):
        assert faults(steps, dims) == []
    assert derivation.order == order


def test_every_rule_fires_somewhere() -> None:
    fired = {s.rule.name for text, wrt in TEXTS[:24] + MATRICES for s in collected(text, wrt, 1)[0]}
    fired |= {s.rule.name for s in collected("sum(diag(x) @ A @ x)", "x", 2)[0]}
    optional = {"split"}  # deltas inside sums of terms come from Hessians mostly
    assert {r.name for r in RULES} - fired <= optional


def test_a_wrong_rule_is_seen() -> None:
    """The check itself: a step with a lost factor, sign, axis or transpose is refused."""
    square = md.parse("A + 0*x", "A: n n; x: n")
    rule = RULES[0]
    wrong = ["2*A", "-A", "A.T", "A + 1e-3", "A[:, 0]", "A + x"]
    for text in wrong:
        after = md.parse(text, "A: n n; x: n")
        assert faults([Rewrite(rule, square, after)], DIMS)
    assert faults([Rewrite(rule, square, md.parse("A*1", "A: n n"))], DIMS) == []


@pytest.mark.parametrize(("text", "wrt"), TEXTS)
def test_simplifying_again_changes_nothing(text: str, wrt: str) -> None:
    """A result is in normal form: the rules that made it leave it as it is."""
    expr = md.parse(text, SHAPES, ASSUME)
    prepared = prepare([expr])
    found = md.derive(expr, wrt=wrt)[wrt]
    again = simplify([found], kept=prepared.kept)[0]
    size = len(topological([found]))
    assert len(topological([again])) <= size
    twice = simplify([again], kept=prepared.kept)[0]
    assert twice is again
    arrays = arrays_of([found, again], DIMS)
    assert same(*evaluate([found, again], arrays, DIMS))


@pytest.mark.parametrize(("text", "wrt"), TEXTS)
def test_stabilise_keeps_values(text: str, wrt: str) -> None:
    expr = strip_labels([md.parse(text, SHAPES, ASSUME)])[0][0]
    stable = stabilise([expr])[0]
    arrays = arrays_of([expr], DIMS, 3)
    assert same(*evaluate([expr, stable], arrays, DIMS))
    assert stabilise([stable])[0] is stable


# -- normal forms of bodies ---------------------------------------------------------------------

x, y, z = slot(0), slot(1), slot(2)


def _bodies(count: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    atoms = [x, y, z, x * y, exp(x), md.scalar.sigmoid(x), md.scalar.sigmoid(-x), softplus(y),
             md.scalar.abs_(x), log(y**2 + 1), (x**2 + 1) ** (z / z / 2), y**2]

    def grow(depth: int) -> Any:
        if depth == 0:
            return atoms[int(rng.integers(len(atoms)))]
        a, b = grow(depth - 1), grow(depth - 1)
        kind = rng.integers(6)
        if kind < 2:
            return a + b
        if kind == 2:
            return a - int(rng.integers(1, 4)) * b
        if kind == 3:
            return a * b
        return a / (b**2 + 1) if kind == 4 else (a + b) ** 2

    for _ in range(count):
        yield grow(2)


@pytest.mark.parametrize("seed", range(4))
def test_normal_form_keeps_values(seed: int) -> None:
    at = {x: 0.3, y: -1.7, z: 0.9}
    for body in _bodies(25, seed):
        form = normal_form(body)
        assert cost(form) <= cost(body)
        if body.free_symbols:
            assert float(form.subs(at)) == pytest.approx(float(body.subs(at)), rel=1e-9, abs=1e-9)
        assert normal_form(form) == form or cost(normal_form(form)) <= cost(form)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (x * y / x, y), (x * (y + z) - x * z, x * y), ((x**2 - 1) / (x - 1), x + 1),
        (x * y + x * z, x * (y + z)), (x - x, 0 * x), (-1 * (-x), x),
        (md.scalar.sigmoid(x) * (1 + 0 * y), md.scalar.sigmoid(x)),
    ],
)
def test_normal_forms(body: Any, wanted: Any) -> None:
    assert normal_form(body) == wanted


# -- facts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "axes", "expected"),
    [
        ("softmax(Z)", (1,), 1), ("softmax(Z, axis=0)", (0,), 1), ("softmax(Z)", (0,), None),
        ("Y", (1,), 1), ("Y", (0,), None), ("Z", (1,), None), ("x - mean(x)", (0,), 0),
        ("X - mean(X, axis=1, keepdims=True)", (1,), 0), ("layer_norm(X)", (1,), 0),
        ("X - mean(X, axis=1, keepdims=True)", (0,), None), ("batch_norm(X)", (0,), 0),
        ("softmax(Z) - Y", (1,), 0), ("2*softmax(Z) + Y", (1,), 3), ("softmax(Z)**2", (1,), None),
        ("softmax(Z)*softmax(Z)[:, ::-1]", (1,), None), ("softmax(Z)[:, ::-1]", (1,), None),
    ],
)
def test_facts(text: str, axes: tuple[int, ...], expected: Any) -> None:
    """What a quantity sums to; wherever a constant is claimed it is the value."""
    tensor = prepare([md.parse(text, SHAPES, ASSUME)]).exprs[0]
    claimed = constant_sum(tensor, axes)
    if claimed is not None:
        value = evaluate([tensor], arrays_of([tensor], DIMS), DIMS)[0].sum(axis=axes)
        np.testing.assert_allclose(value, float(claimed), atol=1e-9)
    if expected is None:
        assert claimed is None
    elif "[" not in text:
        assert claimed == expected


def test_facts_and_data_indices() -> None:
    """``sum_i P[i, ids[i]]`` is no sum over a whole column, nor is ``sum_i X[ids[i], j]``."""
    for text in ("sum(softmax(Z, axis=0)[ids], axis=0)", "sum(log_softmax(Z[ids], axis=0), axis=0)",
                 "sum(softmax(Z[ids], axis=0), axis=0)", "sum((X - mean(X, axis=0))[ids], axis=0)"):
        expr = md.parse(f"sum(({text})**2)", SHAPES, ASSUME)
        derivation = md.derive(expr, wrt="X" if "X" in text else "Z")
        arrays = arrays_of([expr], DIMS, 7)
        assert same(*evaluate([expr, derivation.expr], arrays, DIMS))
        assert faults([s for s in derivation.steps if isinstance(s, Rewrite)], DIMS) == []
    picked = md.parse("cross_entropy(softmax(x[:, None] + 0*Z, axis=0), i)",
                      {**SHAPES, "i": "n"}, {"i": "integer"})
    derivation = md.derive(picked, wrt="x")
    assert faults([s for s in derivation.steps if isinstance(s, Rewrite)], DIMS) == []


# -- textbook forms --------------------------------------------------------------------------------


def structure(text: str, wrt: str, order: int = 1, shapes: Any = SHAPES,
              assume: Any = ASSUME) -> tuple[Any, Any]:
    expr = md.parse(text, shapes, assume)
    derivation = md.derive(expr, wrt=wrt, order=order)
    return derivation.bare(wrt), derivation


def held_free(tensors: Any) -> list[Any]:
    return [t for t in topological(tensors) if not t.is_input]


@pytest.mark.parametrize("text", ["-sum(Y*log(softmax(Z)))/n", "-sum(Y*log_softmax(Z))/n",
                                  "cross_entropy(Z, Y)",
                                  "P = softmax(Z); -sum(Y*log(P))/n",
                                  "(sum(logsumexp(Z, axis=1)) - sum(Y*Z))/n",
                                  "-sum(Y*log(exp(Z)/sum(exp(Z), axis=1, keepdims=True)))/n"])
def test_softmax_cross_entropy(text: str) -> None:
    """Every spelling gives ``(P - Y)/n``: one elementwise equation over P, or over its parts."""
    found, derivation = structure(text, "Z")
    equation = found.equation
    assert equation.reduce == "none"
    names = {a.tensor.name for a in equation.operands if a.tensor.is_input}
    assert "Y" in names
    k = next(k for k, a in enumerate(equation.operands) if a.tensor.name == "Y")
    assert str(equation.body.diff(slot(k))) == "-1/n"
    assert not any(t.equation.reduce == "sum" and t.ndim == 1 and "Y" in
                   {a.tensor.name for a in t.operands} for t in held_free([found]))
    if "P =" in text:
        named = dict(derivation.names)
        assert [named.get(a.tensor) for a in equation.operands if a.tensor.name != "Y"] == ["P"]
        assert equation.body - (slot(1 - k) - slot(k)) / md.dims("n") == 0


@pytest.mark.parametrize(
    "text",
    ["-sum(t*log(sigmoid(x)) + (1 - t)*log(1 - sigmoid(x)))/n",
     "sum(softplus(x) - t*x)/n", "sum(log(1 + exp(x)) - t*x)/n",
     "-sum(t*log_sigmoid(x) + (1 - t)*log_sigmoid(-x))/n",
     "-sum(t*log(1/(1 + exp(-x))) + (1 - t)*log(1 - 1/(1 + exp(-x))))/n"],
)
def test_logistic(text: str) -> None:
    """``(sigmoid(x) - t)/n`` from every spelling."""
    found, _ = structure(text, "x", shapes="x: n; t: n", assume=None)
    equation = found.equation
    assert held_free([found]) == [found]
    by_name = {a.tensor.name: slot(k) for k, a in enumerate(equation.operands)}
    n = md.dims("n")
    wanted = (md.scalar.sigmoid(by_name["x"]) - by_name["t"]) / n
    assert (equation.body - wanted).expand() == 0


def test_attention_backward() -> None:
    """``dS = A*(dA - rowsum(A*dA))`` with ``dA = G V^T``; then ``dQ = dS K/sqrt(d)``."""
    found, derivation = structure("A_ = softmax(Q @ K.T/sqrt(d)); sum(G*(A_ @ V))", "Q",
                                  shapes={**SHAPES, "G": "n m"})
    named = {name: t for t, name in derivation.names.items()}
    sums = [t for t in held_free([found]) if t.equation.reduce == "sum"]
    # beyond the forward pass: dA, the row sum, and the product with K
    forward = set(map(id, topological([derivation.expr])))
    fresh = [t for t in sums if id(t) not in forward]
    assert len(fresh) == 3
    row = [t for t in fresh if t.ndim == 1]
    assert len(row) == 1
    assert any(a.tensor is named["A_"] for a in row[0].operands)


@pytest.mark.parametrize(("text", "wrt", "letters"), [
    ("0.5*sum((T - U @ V.T)**2)", "U", 1), ("sum(U**2)", "U", 2), ("sum(exp(u))", "u", 1),
])
def test_hessians_are_structured(text: str, wrt: str, letters: int) -> None:
    """``delta_ij (V^T V)`` and diagonal Hessians: deltas as factors, no dense tensor below."""
    found, _ = structure(text, wrt, 2, shapes="T: n m; U: n d; V: m d; u: n", assume=None)
    factors = Mul.make_args(found.equation.body)
    deltas = [f for f in factors if isinstance(f, KroneckerDelta)]
    assert len(deltas) == letters
    assert found.equation.reduce == "none"
    assert all(t.ndim <= 2 for t in held_free([found])[:-1])


def test_layer_norm_backward() -> None:
    """``(G - mean(G) - x_hat mean(G x_hat))/s``: two new row sums, nothing with three axes."""
    expr = md.parse("sum(G*layer_norm(X))", "X: n d; G: n d")
    derivation = md.derive(expr, wrt="X")
    forward = set(map(id, topological([derivation.expr])))
    fresh = [t for t in held_free([derivation["X"]]) if id(t) not in forward]
    assert sum(t.equation.reduce == "sum" for t in fresh) == 2
    assert all(t.ndim <= 2 and len(t.equation.extents) <= 1 for t in fresh)


def test_least_squares() -> None:
    found, _ = structure("sum((X @ w - y)**2)/n", "w", shapes="X: n d; w: d; y: n", assume=None)
    assert len(held_free([found])) <= 4


# -- stable forms at extremes -------------------------------------------------------------------

@pytest.fixture(autouse=True)
def many_digits() -> Iterator[None]:
    with mpmath.workdps(60):
        yield


def _exact(text: str, point: list[Any]) -> Any:
    """The value in 60 digits."""
    e = mpmath.exp
    q = [mpmath.mpf(v) for v in point]
    total = sum(e(v) for v in q)
    laws = {
        "logsumexp(x)": lambda: mpmath.log(total), "log(sum(exp(x)))": lambda: mpmath.log(total),
        "sum(log(softmax(x))*c)": lambda: sum(
            (k + 1) * (v - mpmath.log(total)) for k, v in enumerate(q)),
        "-log(softmax(x)[0])": lambda: mpmath.log(total) - q[0],
        "sum(log(1 + exp(x)))": lambda: sum(mpmath.log1p(e(v)) for v in q),
        "sum(softplus(x))": lambda: sum(mpmath.log1p(e(v)) for v in q),
        "sum(log(sigmoid(x)))": lambda: sum(-mpmath.log1p(e(-v)) for v in q),
        "sum(log(1/(1 + exp(-x))))": lambda: sum(-mpmath.log1p(e(-v)) for v in q),
        "sum(log(1 - sigmoid(x)))": lambda: sum(-mpmath.log1p(e(v)) for v in q),
        "sum(exp(x)/(1 + exp(x)))": lambda: sum(1 / (1 + e(-v)) for v in q),
        "sum(1/(1 + exp(-x)))": lambda: sum(1 / (1 + e(-v)) for v in q),
        "sum(log(cosh(x)))": lambda: sum(mpmath.log(mpmath.cosh(v)) for v in q),
        "sum(softmax(x)*c)": lambda: sum((k + 1) * e(v) for k, v in enumerate(q)) / total,
        "sum(exp(x)*c)/sum(exp(x))": lambda: sum((k + 1) * e(v) for k, v in enumerate(q)) / total,
        "log(exp(x[0]) + exp(x[1]))": lambda: mpmath.log(e(q[0]) + e(q[1])),
        "mean(x**2) - mean(x)**2": lambda: (
            sum(v * v for v in q) / len(q) - (sum(q) / len(q)) ** 2),
        "sum(silu(x))": lambda: sum(v / (1 + e(-v)) for v in q),
    }
    return laws[text]()


EXTREMES = [[1e3, -1e3, 0.0], [1e3, 1e3, 1e3], [-1e3, -1e3, -999.0], [700.0, 710.0, -745.0],
            [1e-9, -1e-9, 0.0], [30.0, -30.0, 37.0], [88.0, 1.0, -88.0]]
STABLE = ["logsumexp(x)", "log(sum(exp(x)))", "sum(log(softmax(x))*c)", "-log(softmax(x)[0])",
          "sum(log(1 + exp(x)))", "sum(softplus(x))", "sum(log(sigmoid(x)))",
          "sum(log(1/(1 + exp(-x))))", "sum(log(1 - sigmoid(x)))", "sum(exp(x)/(1 + exp(x)))",
          "sum(1/(1 + exp(-x)))", "sum(log(cosh(x)))", "sum(softmax(x)*c)",
          "sum(exp(x)*c)/sum(exp(x))", "log(exp(x[0]) + exp(x[1]))", "sum(silu(x))"]


@pytest.mark.parametrize("point", EXTREMES, ids=str)
@pytest.mark.parametrize("text", STABLE)
def test_extreme_inputs(text: str, point: list[float]) -> None:
    """Finite and right at logits of a thousand, whatever way the user wrote it."""
    expr = md.parse(text, "x: 3; c: 3")
    derivation = md.derive(expr, wrt="x")
    arrays = {"x": np.array(point), "c": np.array([1.0, 2.0, 3.0])}
    value, slope = evaluate([derivation.expr, derivation["x"]], arrays, {})
    assert float(value) == pytest.approx(float(_exact(text, point)), rel=1e-12, abs=1e-15)
    step = mpmath.mpf(10) ** -25
    for k in range(3):
        ends = []
        for sign in (1, -1):
            moved = [mpmath.mpf(v) for v in point]
            moved[k] += sign * step
            ends.append(_exact(text, moved))
        exact = float((ends[0] - ends[1]) / (2 * step))
        assert slope[k] == pytest.approx(exact, rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("shift", [0.0, 1e6, -1e7])
def test_variance_does_not_cancel(shift: float) -> None:
    expr = md.parse("mean(x**2) - mean(x)**2", "x: n")
    point = np.array([0.25, 0.5, 1.0, 2.0]) + shift
    value = evaluate([prepare([expr]).exprs[0]], {"x": point}, {"n": 4})[0]
    assert value == pytest.approx(np.var(point), rel=1e-9)
    assert value == pytest.approx(0.44921875, rel=1e-6)
