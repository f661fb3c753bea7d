"""Calling generated code: checks, results in given arrays, what is kept between calls."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from equation_cases import CASES

import mathdl as md
from mathdl.generate.numpy import generate_numpy


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


BAD: list[tuple[Callable[[], dict[str, Any]], type[Exception], str]] = [
    (lambda: {"X": np.ones((2, 3))}, TypeError, "missing W"),
    (lambda: {"X": np.ones((2, 3)), "W": np.ones((3, 1)), "q": 1}, TypeError, "no q"),
    (lambda: {"X": np.ones((2, 3)), "W": np.ones((4, 1))}, ValueError,
     r"X has shape \(2, 3\), expected \(n, d\) with d = 4 from W"),
    (lambda: {"X": np.ones(3), "W": np.ones((3, 1))}, ValueError, "expected 2 axes"),
    (lambda: {"X": [["a"]], "W": np.ones((1, 1))}, TypeError, "array of numbers"),
    (lambda: {"X": None, "W": np.ones((1, 1))}, TypeError, "array of numbers"),
    (lambda: {"X": np.ones((2, 0)), "W": np.ones((0, 1))}, ValueError, "d must be at least 1"),
    (lambda: {"X": np.ones((2, 3)), "W": np.ones((3, 1)), "out": {"zzz": 1}}, ValueError,
     "no result called 'zzz'"),
    (lambda: {"X": np.ones((2, 3)), "W": np.ones((3, 1)), "out": {"result": np.ones((2, 2))}},
     ValueError, "must be an array of shape"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), BAD)
def test_bad_arguments_are_refused(
    arguments: Callable[[], dict[str, Any]], error: type[Exception], message: str
) -> None:
    compiled = generate_numpy([("result", CASES["matmul"]())], value=None)
    with pytest.raises(error, match=message):
        compiled(**arguments())


@pytest.mark.parametrize(("arguments", "error", "message"), BAD)
def test_bad_arguments_are_refused_after_good_ones(
    arguments: Callable[[], dict[str, Any]], error: type[Exception], message: str
) -> None:
    """Arguments like those of the last call are not checked again; others are."""
    compiled = generate_numpy([("result", CASES["matmul"]())], value=None)
    good = {"X": np.ones((2, 3)), "W": np.ones((3, 1))}
    for _ in range(3):
        np.testing.assert_array_equal(compiled(**good)["result"], [[3], [3]])
    with pytest.raises(error, match=message) as caught:
        compiled(**arguments())
    assert caught.value.__context__ is None
    np.testing.assert_array_equal(compiled(**good)["result"], [[3], [3]])


def test_all_missing_dims_are_named_at_once() -> None:
    n, m, out = md.dims("n m out")
    function = md.compile(md.sum(md.ones(n, m, out)) * md.tensor("s"))
    with pytest.raises(TypeError, match=r"no input's shape has m, n, out: pass m=, n=, out=$"):
        function(s=1.0)
    with pytest.raises(TypeError, match=r"has m, out: pass m=, out=$"):
        function(s=1.0, n=2)
    assert function(s=2.0, n=2, m=3, out=4) == 48


def test_known_arguments_of_other_types(rng: np.random.Generator) -> None:
    """Lists, subclasses, other dtypes and byte orders give the same after an array did."""
    compiled = generate_numpy([("result", CASES["broadcast_all_ranks"]())], value=None,
                              single=True)
    arrays = {"X": rng.normal(size=(2, 3)).astype(np.float32), "b": np.ones(3, np.float32),
              "g": np.float32(2), "a": np.ones(2, np.float32)}
    expected = compiled(**arrays)
    assert compiled(**arrays).dtype == np.float32
    for change, dtype in [
        ({"X": arrays["X"].astype(">f4")}, np.float32),
        ({"X": arrays["X"].view(np.recarray)}, np.float32),
        ({"X": np.ma.masked_array(arrays["X"])}, np.float32),
        ({"X": arrays["X"].astype(float)}, np.float64),
        ({"X": arrays["X"].astype(float).tolist()}, np.float64),
        ({"g": 2.0}, np.float32), ({"g": 2}, np.float32), ({"g": np.float64(2)}, np.float64),
        ({"g": np.array(2, np.float32)}, np.float32), ({"g": np.array(2.0)}, np.float64),
    ]:
        for _ in range(2):
            found = compiled(**{**arrays, **change})
            assert type(found) is np.ndarray
            assert found.dtype == dtype
            np.testing.assert_allclose(found, expected, rtol=1e-6)
    with pytest.raises(ValueError, match="expected 0 axes"):
        compiled(**{**arrays, "g": np.ones(1, np.float32)})


def test_more_shapes_than_plans_are_kept(rng: np.random.Generator) -> None:
    compiled = generate_numpy([("result", CASES["softmax_rows"]())], value=None, single=True)
    inputs = [rng.normal(size=(n, 3)) for n in range(1, 9)]
    expected = [compiled(X=a) for a in inputs]
    for k in rng.integers(0, len(inputs), 100):
        np.testing.assert_array_equal(compiled(X=inputs[k]), expected[k])
    plans, known = compiled.namespace["_local"].kept
    assert len(plans) <= 4
    assert set(map(id, known.values())) <= set(map(id, plans.values()))


VIEWS: list[Callable[[Any], Any]] = [
    lambda a: a,
    lambda a: a[:],
    lambda a: a.T,
    lambda a: np.asarray(memoryview(a)),
    np.from_dlpack,
]


def test_results_may_be_written_over_inputs(rng: np.random.Generator) -> None:
    """Results written into inputs, into one another's memory or into views of one array."""
    outputs = [("p", CASES["matmul"]()), ("q", CASES["broadcast_all_ranks"]())]
    compiled = generate_numpy(outputs, value=None)
    arrays: dict[str, Any] = {k: rng.normal(size=(3, 3)) for k in "XW"}
    arrays |= {"a": rng.normal(size=3), "b": rng.normal(size=3), "g": np.array(0.5)}
    expected = compiled(**arrays)
    for name in "XW":
        for view in VIEWS:
            given = {k: v.copy() for k, v in arrays.items()}
            target = view(given[name])
            found = compiled(**given, out={"p": target})
            assert found["p"] is target
            np.testing.assert_allclose(target, expected["p"], rtol=1e-12)
            given = {k: v.copy() for k, v in arrays.items()}
            target, given[name] = given[name], view(given[name])
            other = compiled(**{k: v.copy() for k, v in given.items()})
            found = compiled(**given, out={"p": target})
            assert found["p"] is target
            np.testing.assert_allclose(target, other["p"], rtol=1e-12)
    flat = np.empty(9*len(outputs))
    parts = {label: flat[9*k : 9*k + 9].reshape(3, 3) for k, (label, _) in enumerate(outputs)}
    found = compiled(**arrays, out=parts)
    for label, _ in outputs:
        assert found[label] is parts[label]
        np.testing.assert_array_equal(parts[label], expected[label])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_plans_do_not_warn(dtype: Any) -> None:
    """exp overflows inside a sigmoid, without a word, in the bare computation too."""
    compiled = md.derive(md.parse("sum(sigmoid(x)*gelu_tanh(x))", shapes="x: n"), "x").compile()
    x = np.array([-1e4, -100, 0, 100, 1e4], dtype)
    found = compiled(x=x)
    run = compiled.plan(x=x)
    value, grad = run(x, np.empty(5, dtype))
    assert value == found[0]
    assert np.isfinite(grad).all()


def test_small_ufunc_buffers_are_put_back(rng: np.random.Generator) -> None:
    compiled = generate_numpy([("result", CASES["softmax_rows"]())], value=None, single=True)
    X = rng.normal(size=(300, 200))
    size = np.getbufsize()
    shifted = np.exp(X - X.max(1, keepdims=True))
    np.testing.assert_allclose(compiled(X=X), shifted/shifted.sum(1, keepdims=True), rtol=1e-12)
    assert np.getbufsize() == size


def test_a_diagonal_is_summed_each_time() -> None:
    """The reshape of a strided view of a buffer is a copy, not a view to keep."""
    text = 't = sqrt(W.T @ W.T); einsum("abb->", t) + sum(W)*einsum("abb->", t)'
    compiled = md.derive(md.parse(text, shapes="W: k k 2"), "W").compile()
    for scale in (1.0, 4.0):
        W = np.full((3, 3, 2), scale)
        trace = np.sqrt(np.matmul(W.T, W.T)).trace(axis1=1, axis2=2).sum()
        np.testing.assert_allclose(compiled(W=W)[0], trace*(1 + W.sum()), rtol=1e-12)


@pytest.mark.parametrize("rows", [2, 60, 300])
def test_products_with_transposes(rows: int, rng: np.random.Generator) -> None:
    compiled = md.derive(md.parse("sum((A @ B.T)**2)", shapes="A: n k; B: m k"), "A").compile()
    A, B = rng.normal(size=(rows, 40)), rng.normal(size=(70, 40))
    for _ in range(2):
        value, grad = compiled(A=A, B=B)
        np.testing.assert_allclose(value, ((A @ B.T)**2).sum(), rtol=1e-12)
        np.testing.assert_allclose(grad, 2*A @ B.T @ B, rtol=1e-10)


@pytest.mark.parametrize("text", [
    "stack([x, tanh(x)])", "concat([x, tanh(x)])", "stack([x*y, tanh(x)*y], axis=1)",
])
def test_jacobians_of_what_is_put_together_are_written_whole(
    text: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Diagonal blocks do not tile the result: the other entries are zero, not what was there."""
    empty = np.empty

    def unset(*arguments: Any, **named: Any) -> Any:
        made = empty(*arguments, **named)
        if made.dtype.kind == "f":
            made.fill(np.nan)
        return made

    expr = md.parse(text, shapes="x: n; y: n")
    compiled = md.derive(expr, "x").compile("grad")
    arrays = {"x": rng.normal(size=3), "y": rng.normal(size=3)}
    monkeypatch.setattr(np, "empty", unset)
    found = compiled(**{k: v for k, v in arrays.items() if k in compiled.inputs})
    assert np.isfinite(found).all()
