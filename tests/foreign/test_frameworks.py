"""PyTorch and JAX: the derivative that a function brings along, checked for random cotangents."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import mathdl as md

SHAPES = {"X": "n,d", "W": "d,k"}


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.fixture
def jax() -> Any:
    return pytest.importorskip("jax")


def layer(torch: Any, mistake: str) -> Any:
    """``tanh(X @ W)`` with a backward pass of its own."""

    class Layer(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, X: Any, W: Any) -> Any:
            Y = torch.tanh(X @ W)
            ctx.save_for_backward(X, W, Y)
            return Y

        @staticmethod
        def backward(ctx: Any, G: Any) -> Any:
            X, W, Y = ctx.saved_tensors
            D = G if mistake == "chain" else G * (1 - Y * Y)
            if mistake == "ignored":
                D = 1 - Y * Y
            by_w = X.T @ D
            return D @ W.T, -by_w if mistake == "sign" else by_w

    return Layer.apply


def test_an_autograd_function_is_checked(torch: Any) -> None:
    report = md.check_gradient(layer(torch, ""), shapes=SHAPES)
    assert report
    assert {c.tensor for c in report.checks} == {"X", "W"}
    assert report.versions["torch"] == torch.__version__


@pytest.mark.parametrize(("mistake", "kinds"), [
    ("sign", {"W": "sign"}),
    ("ignored", {"X": "cotangent ignored", "W": "cotangent ignored"}),
])
def test_a_wrong_backward_is_diagnosed(torch: Any, mistake: str, kinds: dict[str, str]) -> None:
    report = md.check_gradient(layer(torch, mistake), shapes=SHAPES)
    assert {d.tensor: d.mistake for d in report.diagnoses} == kinds


def test_a_lost_chain_factor_of_a_backward_is_refused(torch: Any) -> None:
    report = md.check_gradient(layer(torch, "chain"), shapes=SHAPES)
    assert {c.tensor for c in report.failures} == {"X", "W"}


def test_a_kernel_of_single_precision(torch: Any) -> None:
    def kernel(wrong: float) -> Any:
        class Scale(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                assert x.dtype == torch.float32
                ctx.save_for_backward(x)
                return torch.exp(x)

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return wrong * g * torch.exp(ctx.saved_tensors[0])

        return Scale.apply

    assert md.check_gradient(kernel(1.0), shapes={"x": "n,m"}, dtype="float32")
    report = md.check_gradient(kernel(1.01), shapes={"x": "n,m"}, dtype="float32")
    assert report.failures
    report = md.check_gradient(kernel(2.0), shapes={"x": "n,m"}, dtype="float32")
    assert "2 times too large" in report.diagnoses[0].text


def test_functions_of_tensors_by_name_with_several_outputs_and_labels(torch: Any) -> None:
    def f(E: Any, ids: Any, a: Any) -> Any:
        rows = E[ids]
        return rows * a, torch.relu(rows).sum()

    report = md.check_gradient(f, shapes={"E": "k,d", "ids": "n", "a": ""},
                               assume={"ids": "integer < k"}, framework="torch")
    assert report
    assert {c.tensor for c in report.checks} == {"E", "a"}


def test_a_module_and_a_gradient_written_in_torch(torch: Any) -> None:
    relu = torch.nn.ReLU()
    assert md.check_gradient(relu, shapes={"x": "n,m"})
    right = md.check_gradient(lambda x: (x**3).sum(), lambda x: 3 * x**2, {"x": "n"},
                              framework="torch")
    wrong = md.check_gradient(lambda x: (x**3).sum(), lambda x: x**2, {"x": "n"},
                              framework="torch")
    assert right
    assert wrong.diagnoses[0].mistake == "factor"


def root(jax: Any, mistake: str) -> Any:
    np_ = jax.numpy

    @jax.custom_vjp
    def f(A: Any, x: Any) -> Any:
        return np_.tanh(A @ x)

    def forward(A: Any, x: Any) -> Any:
        y = np_.tanh(A @ x)
        return y, (A, x, y)

    def backward(saved: Any, g: Any) -> Any:
        A, x, y = saved
        d = g * (1 - y * y)
        return np_.outer(d, x), (2 if mistake == "factor" else 1) * A.T @ d

    f.defvjp(forward, backward)
    return f


def test_a_custom_vjp_is_checked_in_double_and_leaves_jax_as_it_was(jax: Any) -> None:
    shapes = {"A": "n,d", "x": "d"}
    before = jax.numpy.ones(2).dtype
    report = md.check_gradient(root(jax, ""), shapes=shapes)
    assert report
    assert max(c.bound for c in report.checks) < 1e-8
    assert jax.numpy.ones(2).dtype == before
    report = md.check_gradient(jax.jit(root(jax, "factor")), shapes=shapes)
    assert [(d.tensor, d.mistake) for d in report.diagnoses] == [("x", "factor")]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "jax", None)
    for name in ("torch", "jax"):
        with pytest.raises(md.MissingExtraError, match=rf"mathdl\[{name}\]"):
            md.check_gradient(np.sum, shapes={"x": "n"}, framework=name)
    with pytest.raises(md.InputError, match="unknown framework"):
        md.check_gradient(np.sum, shapes={"x": "n"}, framework="mxnet")
