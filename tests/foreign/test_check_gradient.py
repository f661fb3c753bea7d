"""What check_gradient takes, says and refuses to guess; assert_gradient for tests."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import mathdl as md

LS = {"X": "n,d", "w": "d", "y": "n"}


def loss(X: Any, w: Any, y: Any) -> Any:
    return ((X @ w - y) ** 2).mean()


def grad(X: Any, w: Any, y: Any) -> Any:
    return 2 * X.T @ (X @ w - y) / len(y)


def relu_sum(x: Any) -> Any:
    return np.maximum(x, 0).sum()


# -- calling ----------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [
    loss,
    lambda a, b, c: loss(a, b, c),
    lambda *arrays: loss(*arrays),
    lambda **arrays: loss(**arrays),
    lambda y, w, X: loss(X, w, y),
    lambda w, y, X, n: ((X @ w - y) ** 2).sum() / n,
    lambda X, w, y, scale=1.0: scale * loss(X, w, y),
])
def test_arguments_go_by_name_or_in_order_and_dims_by_name(f: Any) -> None:
    assert md.check_gradient(f, grad, LS)


@pytest.mark.parametrize(("result", "wrt"), [
    (lambda a, b: (b, a), None),
    (lambda a, b: {"b": a, "a": b}, None),
    (lambda a, b: [b, a], None),
    (lambda a, b: {"b": a}, None),
    (lambda a, b: (None, a), None),
    (lambda a, b: a, "b"),
    (lambda a, b: (a, b), ["b", "a"]),
])
def test_gradients_come_as_tuple_dict_or_alone(result: Any, wrt: Any) -> None:
    assert md.check_gradient(lambda a, b: a @ b, result, {"a": "n", "b": "n"}, wrt=wrt)


def test_functions_must_not_change_what_they_are_given_but_may_try() -> None:
    def f(x: Any) -> Any:
        x *= 2
        return (x**2).sum()

    assert md.check_gradient(f, lambda x: 8 * x, {"x": "n"})


def test_scalars_are_numbers() -> None:
    import math

    report = md.check_gradient(lambda a, b: math.exp(a) * b, lambda a, b: (math.exp(a) * b,
                               math.exp(a)), {"a": "", "b": ()})
    assert report
    assert {c.tensor for c in report.checks} == {"a", "b"}


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: md.check_gradient(loss, grad), md.InputError, "shapes"),
    (lambda: md.check_gradient(loss, None, LS), md.InputError, "no gradient"),
    (lambda: md.check_gradient(loss, grad, LS, vjp=grad), md.InputError, "not both"),
    (lambda: md.check_gradient(loss, lambda X, w, y: X.sum(1), {**LS, "y": "n"}, wrt="v"),
     md.InputError, "wrt has v"),
    (lambda: md.check_gradient(loss, lambda X, w, y: np.ones((2, 2)), LS), md.InputError, "wrt="),
    (lambda: md.check_gradient(lambda x: x, lambda x, y: x, {"x": "n"}), md.InputError, "takes"),
    (lambda: md.check_gradient(lambda x: x.sum() * 1j, np.ones_like, {"x": "n"}),
     md.UnsupportedError, "complex"),
    (lambda: md.check_gradient(lambda x: (x, x), np.ones_like, {"x": "n"}),
     md.UnsupportedError, "vjp="),
    (lambda: md.check_gradient(lambda x: "a", np.ones_like, {"x": "n"}), md.InputError, "str"),
    (lambda: md.check_gradient(np.sum, np.ones_like, {"x": "n"}, points=0), md.InputError,
     "points"),
    (lambda: md.check_gradient(np.sum, np.ones_like, {"x": "n"}, assume={"x": "integer"},
                               wrt="x"), md.AssumptionError, "integer"),
    (lambda: md.check_gradient(np.sum, np.ones_like, {"x": "n"}, assume={"x": "integer < q"}),
     md.AssumptionError, "'q'"),
    (lambda: md.check_gradient(np.sum, np.ones_like, {"x": "n"}, at={"z": np.ones(3)}),
     md.InputError, "no array given for x"),
    (lambda: md.check_gradient(np.sum, np.ones_like, {"x": "n"}, expr="sum(z)"),
     md.NamingError, "z"),
    (lambda: md.check_gradient(np.sum, np.ones_like, {"x": "n"}, expr="x"), md.InputError,
     "shape"),
])
def test_what_does_not_fit_is_an_error_that_says_so(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def test_errors_of_the_function_come_through_with_the_shapes() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        md.check_gradient(lambda x: 1 // 0, np.ones_like, {"x": "n,3"})
    assert "called by check_gradient with x (" in caught.value.__notes__[0]


# -- given points, kinks --------------------------------------------------------------------------


def test_a_given_point() -> None:
    point = {"X": np.ones((3, 2)), "w": np.array([1.0, 2.0]), "y": np.zeros(3)}
    report = md.check_gradient(loss, grad, at=point)
    assert report
    assert {c.points for c in report.checks} == {1}
    wrong = md.check_gradient(loss, lambda X, w, y: -grad(X, w, y), LS, at=point)
    assert wrong.diagnoses[0].mistake == "sign"
    np.testing.assert_array_equal(wrong.at["X"], point["X"])


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_subgradient_at_a_kink_is_right(value: float) -> None:
    report = md.check_gradient(relu_sum, lambda x: np.where(x == 0, value, x > 0),
                               at={"x": np.array([0.0, 1.0, -2.0])})
    assert report, str(report)
    assert "one-sided slopes" in str(report)


def test_a_point_where_every_entry_is_at_a_kink() -> None:
    def shared(A: Any, B: Any) -> Any:
        return np.sign(A - B) / A.size

    point = {"A": np.ones((2, 2)), "B": np.zeros((2, 2))}
    assert md.check_gradient(lambda A, B: np.abs(A - B).max(), shared, at=point, wrt="A")


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_what_is_no_subgradient_at_a_kink_is_refused(value: float) -> None:
    report = md.check_gradient(relu_sum, lambda x: np.where(x == 0, value, x > 0),
                               at={"x": np.array([0.0, 1.0, -2.0])})
    assert report.diagnoses[0].mistake == "kink"
    assert "x[0] is at a kink with the slopes 0 and 1" in str(report)


@pytest.mark.parametrize("distance", [1e-12, 1e-9, 1e-6, 1e-3])
def test_near_a_kink_the_side_is_told(distance: float) -> None:
    point = {"x": np.array([distance, 1.0, -distance])}
    assert md.check_gradient(relu_sum, lambda x: 1.0 * (x > 0), at=point)


def test_a_gradient_that_is_not_finite_where_the_function_is_smooth_is_refused() -> None:
    report = md.check_gradient(lambda x: (x**2).sum(),
                               lambda x: np.where(x > 0, 2 * x, np.nan), {"x": "n"})
    assert [d.mistake for d in report.diagnoses] == ["not finite"]


def test_a_mistake_at_sizes_of_one_only_is_told() -> None:
    report = md.check_gradient(lambda X: (X**2).sum(), lambda X: np.squeeze(2 * X) if len(X) > 1
                               else 3 * X, {"X": "n,4"})
    assert report.diagnoses[0].mistake == "size 1"
    assert "n = 1" in report.diagnoses[0].text


# -- expressions ------------------------------------------------------------------------------


def softmax(Z: Any) -> Any:
    e = np.exp(Z - Z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_values_and_gradients_are_compared_with_an_expression() -> None:
    report = md.check_gradient(loss, grad, LS, expr="sum((X @ w - y)**2)/n")
    assert report
    exact = [c for c in report.checks if c.method == "mathdl's exact form"]
    assert [(c.tensor, c.quantity) for c in exact] == [("f", "value"), ("w", "gradient")]
    assert all(c.bound < 1e-10 for c in exact)


@pytest.mark.parametrize(("expr", "words"), [
    ("sum((X @ w - y)**2)", "gradient of the function"),
    ("sum(X @ w)", "gradient of the function"),
])
def test_another_function_than_the_expression_is_told(expr: str, words: str) -> None:
    report = md.check_gradient(loss, grad, LS, expr=expr)
    assert words in next(d.text for d in report.diagnoses if d.mistake == "another function")


def test_terms_of_the_exact_gradient_are_tried() -> None:
    def f(x: Any, W: Any) -> Any:
        return np.log(np.exp(x).sum()) + (W @ x) @ (W @ x)

    shapes, expr = {"x": "n", "W": "m,n"}, "logsumexp(x) + sum((W @ x)**2)"
    lost = md.check_gradient(f, lambda x, W: softmax(x), shapes, wrt="x", expr=expr)
    assert "2*W.T @ (W @ x) is missing" in lost.diagnoses[0].text
    turned = md.check_gradient(f, lambda x, W: softmax(x) - 2 * W.T @ (W @ x), shapes, wrt="x",
                               expr=expr)
    assert "sign of the term 2*W.T @ (W @ x)" in turned.diagnoses[0].text


def test_a_quantity_held_constant_is_named() -> None:
    def f(z: Any, g: Any) -> Any:
        return np.sum(g * softmax(z))

    report = md.check_gradient(f, lambda z, g: g * softmax(z), {"z": "n,k", "g": "n,k"}, wrt="z",
                               expr="sum(g*softmax(z))")
    assert "-P*sum(g*P, axis=1, keepdims=True) is missing, where P = softmax(z)" in str(report)

    def attention(Q: Any, K: Any, G: Any) -> Any:
        return np.sum(G * softmax(Q @ K.T))

    report = md.check_gradient(
        attention, lambda Q, K, G: (G * softmax(Q @ K.T)) @ K,
        {"Q": "n,d", "K": "m,d", "G": "n,m"}, wrt="Q", expr="sum(G*softmax(Q @ K.T))")
    assert "the dependence of sum(exp(Q @ K.T), axis=1) on Q is left out" in str(report)


def test_an_expression_for_the_cotangent_form_and_for_the_jacobian() -> None:
    def pull(g: Any, x: Any) -> Any:
        p = softmax(x)
        return p * (g - (g * p).sum(-1, keepdims=True))

    assert md.check_gradient(softmax, vjp=pull, shapes={"x": "n,k"}, expr="softmax(x)")
    report = md.check_gradient(softmax, lambda x: np.diag(softmax(x)) - np.outer(
        softmax(x), softmax(x)), {"x": "n"}, expr="softmax(x)")
    assert report


# -- the report -----------------------------------------------------------------------------------


def test_the_report_is_text_json_and_html_and_the_same_again() -> None:
    def wrong(X: Any, w: Any, y: Any) -> Any:
        return 2 * X.T @ (X @ w - y)

    report, again = (md.check_gradient(loss, wrong, LS, seed=3) for _ in range(2))
    assert report.checks == again.checks
    assert report.diagnoses == again.diagnoses
    (found,) = report.diagnoses
    assert found.text == "the claim is n times too large: the gradient is claimed/n"
    assert found.text in str(report)
    assert found.text in report._repr_html_()
    read = json.loads(report.to_json())
    assert read["verified"] is False
    assert read["diagnoses"][0]["mistake"] == "factor"
    assert np.shape(read["at"]["w"]) == report.at["w"].shape
    assert "numpy" in read["versions"]


def test_noise_and_low_precision_are_noted() -> None:
    rng = np.random.default_rng(0)
    report = md.check_gradient(lambda x: (x * rng.random(x.shape)).sum(), np.ones_like,
                               {"x": "n"})
    assert not report
    assert not report.failures
    assert "not deterministic" in str(report)
    low = md.check_gradient(lambda x: (x**3).sum(),
                            lambda x: (3 * x * x).astype(np.float32).astype(float), {"x": "n"})
    assert "low precision" in str(low)
    half = md.check_gradient(lambda x: (x**3).sum(), lambda x: (3 * x * x).astype(np.float32),
                             {"x": "n"})
    assert "single precision" in str(half)


def test_a_difference_quotient_is_called_imprecise() -> None:
    def f(x: Any) -> Any:
        return (x**3).sum()

    report = md.check_gradient(
        f, lambda x: np.array([(f(x + 1e-5 * e) - f(x)) / 1e-5 for e in np.eye(len(x))]),
        {"x": "n"})
    assert report.diagnoses[0].mistake == "precision"


def test_assert_gradient_raises_with_the_report() -> None:
    assert md.assert_gradient(loss, grad, LS)
    with pytest.raises(AssertionError, match=r"(?s)REFUSED.*sign is wrong"):
        md.assert_gradient(loss, lambda X, w, y: -grad(X, w, y), LS)
    with pytest.raises(AssertionError, match="NOT VERIFIED"):
        md.assert_gradient(lambda x: np.nan * x.sum(), np.ones_like, {"x": "n"})
