"""Right derivatives pass and wrong ones are refused, whatever the scale."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from verification_problems import (
    Fake,
    badly_scaled,
    cross_entropy,
    fake,
    relu_of,
    well_scaled,
)

from mathdl.errors import (
    AssumptionError,
    InputError,
    NamingError,
    OrderError,
    UnsupportedError,
)
from mathdl.verify import Report, instance, verify
from mathdl.verify.numeric import COMPLEX, DIRECTION, ENTRY

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")


def _refused(subject: Any, seed: int = 0) -> Report:
    report = verify(subject, seed=seed)
    assert report.failures, str(report)
    assert not report
    return report


@pytest.mark.parametrize("start", range(0, 40, 10))
def test_right_derivatives_of_ordinary_problems_pass(start: int) -> None:
    for seed in range(start, start + 10):
        report = verify(well_scaled(np.random.default_rng(seed)), seed=seed)
        assert report, f"problem {seed}\n{report}"


@pytest.mark.parametrize("start", range(0, 120, 30))
def test_right_derivatives_of_badly_scaled_problems_are_never_refused(start: int) -> None:
    for seed in range(start, start + 30):
        report = verify(badly_scaled(np.random.default_rng(seed)), seed=seed)
        assert not report.failures, f"problem {seed}\n{report}"


@pytest.mark.exhaustive
def test_no_false_alarm_in_thousands() -> None:
    for seed in range(3000):
        for problems in (well_scaled, badly_scaled):
            report = verify(problems(np.random.default_rng(seed)), seed=seed)
            assert not report.failures, f"{problems.__name__} {seed}\n{report}"


def _one_entry(a: Any) -> Any:
    a = np.array(a, dtype=float)
    flat = a.reshape(-1)
    flat[np.argmax(np.abs(flat))] *= 1 + 1e-3
    return a


WRONG: dict[str, Callable[[Any], Any]] = {
    "sign": lambda a: -a,
    "factor two": lambda a: 2 * a,
    "factor 1 + 1e-4": lambda a: a * (1 + 1e-4),
    "factor 1 + 1e-5": lambda a: a * (1 + 1e-5),
    "factor 1 + 1e-7": lambda a: a * (1 + 1e-7),
    "one entry by 1e-3": _one_entry,
    "all entries their mean": lambda a: np.full(a.shape, a.mean()),
    "reversed": np.flip,
    "zero": np.zeros_like,
}


@pytest.mark.parametrize("mistake", WRONG)
def test_wrong_derivatives_are_refused(mistake: str) -> None:
    for seed in range(8):
        subject = well_scaled(np.random.default_rng(seed))
        names = [t.name for t in subject.wrt]
        spoilt = names[seed % len(names)]
        law = WRONG[mistake]
        wrong = subject.but(
            lambda d, s=spoilt, law=law: {n: law(a) if n == s else a for n, a in d.items()}
        )
        report = _refused(wrong, seed)
        assert {c.tensor for c in report.failures} == {spoilt}


def _matrix_product(**wrong: Callable[..., Any]) -> Fake:
    """``sum(G * (X @ W + b))`` with a derivative that is written out, or one that is wrong."""
    subject = fake(lambda G, X, W, b: anp.sum(G * (anp.dot(X, W) + b)), "X W b",
                   "G: n n; X: n n; W: n n; b: n")
    laws: dict[str, Callable[..., Any]] = {
        "X": lambda G, X, W: G @ W.T,
        "W": lambda G, X, W: X.T @ G,
        "b": lambda G, X, W: G.sum(axis=0),
        **wrong,
    }
    return Fake(subject.expr, subject.wrt, subject.value,
                given=lambda G, X, W, b: {n: law(G, X, W) for n, law in laws.items()})


@pytest.mark.parametrize(("name", "law"), [
    ("X", lambda G, X, W: G @ W),
    ("X", lambda G, X, W: (G @ W.T).T),
    ("W", lambda G, X, W: X @ G),
    ("W", lambda G, X, W: G.T @ X),
    ("W", lambda G, X, W: X.T @ G - np.diag(np.diag(X.T @ G))),
    ("b", lambda G, X, W: G.sum(axis=1)),
    ("b", lambda G, X, W: G[0]),
    ("b", lambda G, X, W: G),
    ("b", lambda G, X, W: G.sum(axis=0, keepdims=True)),
])
def test_wrong_matrix_rules_are_refused(name: str, law: Callable[..., Any]) -> None:
    assert verify(_matrix_product())
    report = _refused(_matrix_product(**{name: law}))
    assert {c.tensor for c in report.failures} == {name}
    assert name in str(report)


def test_a_dropped_term_is_refused() -> None:
    subject = fake(lambda x: anp.log(anp.sum(anp.exp(x))) + 1e-4 * anp.sum(x**2), "x", "x: n")
    softmax = Fake(subject.expr, subject.wrt, subject.value, given=lambda x: {
        "x": np.exp(x) / np.exp(x).sum()
    })
    assert verify(subject)
    _refused(softmax)


def test_a_dropped_term_of_a_hessian_is_refused() -> None:
    subject = fake(lambda x: anp.sum(x**3) * anp.sum(x), "x", "x: n", order=2)
    assert verify(subject)
    _refused(subject.but(lambda d: {"x": np.triu(d["x"])}))
    _refused(subject.but(lambda d: {"x": np.diag(np.diag(d["x"]))}))


def test_a_hessian_of_a_wrong_gradient_is_refused() -> None:
    subject = fake(lambda x: anp.sum(x**3), "x", "x: n", order=2)
    consistent = Fake(subject.expr, subject.wrt, subject.value, 2,
                      given=lambda x: {"x": np.diag(12 * x)},
                      gradient=lambda x: {"x": 6 * x**2})
    report = _refused(consistent)
    assert {c.quantity for c in report.failures} == {"gradient"}


def test_a_third_derivative_is_checked_against_the_second() -> None:
    subject = fake(lambda x: x**5, "x", "x:")
    third = Fake(subject.expr, subject.wrt, subject.value, 3, given=lambda x: {"x": 60 * x**2},
                 gradient=lambda x: {"x": 20 * x**3})
    assert "order 3" in str(verify(third))
    assert verify(third)
    _refused(third.but(lambda d: {"x": d["x"] + 1e-3}))


def test_a_derivative_that_is_missing_or_of_the_wrong_shape_is_refused() -> None:
    subject = fake(lambda X, w: anp.sum(anp.dot(X, w) ** 2), "w", "X: n d; w: d")
    report = _refused(subject.but(lambda d: {"w": d["w"][None]}))
    assert "expected shape" in str(report)
    report = _refused(subject.but(lambda d: {}))
    assert "does not give it" in str(report)


# -- what a report says -----------------------------------------------------------------------


def test_a_failure_names_tensor_entry_both_numbers_and_the_inputs() -> None:
    subject = fake(lambda X, w: anp.sum(anp.sin(anp.dot(X, w))), "w", "X: n d; w: d")

    def spoil(d: dict[str, Any]) -> dict[str, Any]:
        w = d["w"].copy()
        w[-1] += 0.25
        return {"w": w}

    report = _refused(subject.but(spoil))
    failure = next(c for c in report.failures if c.method == ENTRY)
    assert failure.entry == (failure.dims["d"] - 1,)
    assert failure.got - failure.expected == pytest.approx(0.25, abs=1e-8)
    arrays = instance(subject, failure.dims, failure.seed, failure.manner)  # type: ignore[arg-type]
    again = subject.derivative_function()(**arrays)["w"][failure.entry]
    assert again == pytest.approx(failure.expected, abs=1e-8)
    line = next(x for x in str(report).splitlines() if failure.failure() in x)
    assert f"w[{failure.entry[0]}]" in line
    assert str(failure.seed) in line
    assert "0.25" in f"{failure.error:.2g}"


def test_a_report_is_a_table_and_json() -> None:
    report = verify(fake(cross_entropy, "W b", "X: n d; W: d c; b: c; Y: n c", Y="one_hot"))
    assert bool(report) is True
    lines = str(report).splitlines()
    assert lines[0].startswith("verified: numeric, seed 0")
    assert "worst error" in lines[1]
    read = json.loads(report.to_json())
    assert read["verified"] is True
    assert {c["tensor"] for c in read["checks"]} == {"W", "b"}
    assert {c["method"] for c in read["checks"]} >= {DIRECTION, ENTRY}
    assert set(read["versions"]) == {"mathdl", "python", "numpy", "scipy", "sympy", "mpmath"}
    assert len({tuple(c.dims.items()) for c in report.checks}) >= 1


def test_the_same_seed_gives_the_same_report() -> None:
    subject = well_scaled(np.random.default_rng(3))
    one, two = (verify(subject, seed=5).to_dict() for _ in range(2))
    one |= {"seconds": two["seconds"], "times": two["times"]}
    assert one == two


# -- kinks, domains, noise ----------------------------------------------------------------------


def test_kinks_are_counted_and_not_mistaken_for_errors() -> None:
    subject = fake(lambda x, m: anp.sum(relu_of(x * m) + x * x), "m", "x: n; m: n",
                   smooth=False, m="binary")
    relu = Fake(subject.expr, subject.wrt, subject.value,
                given=lambda x, m: {"m": x * (x * m > 0)})
    report = verify(relu)
    assert not report.failures, str(report)
    assert sum(c.kinks for c in report.checks) > 0


def test_nothing_but_kinks_is_not_verified() -> None:
    subject = fake(lambda z: anp.sum(relu_of(z)), "z", "z: n", smooth=False, z="one_hot")
    at_zero = Fake(subject.expr, subject.wrt, lambda z: np.sum(np.abs(z - np.rint(z))),
                   given=lambda z: {"z": np.full(z.shape, 0.5)})
    report = verify(at_zero)
    assert not report
    assert not report.failures
    assert "kinks" in str(report)


def test_a_smaller_domain_is_found_by_drawing_otherwise() -> None:
    assert verify(fake(lambda x: anp.sum(anp.log(x)), "x", "x: n"))
    assert verify(fake(lambda x: anp.sum(anp.log(1 - x) + anp.log(x)), "x", "x: n"))


def test_nothing_finite_is_not_verified() -> None:
    report = verify(fake(lambda x: anp.sum(anp.log(-anp.exp(x))), "x", "x: n"))
    assert not report
    assert "not finite" in str(report)


def test_noise_that_hides_the_derivative_is_not_verified() -> None:
    subject = fake(lambda x: anp.sum(x) + 1e20, "x", "x: n", smooth=False)
    report = verify(subject)
    assert not report
    assert not report.failures
    assert "rounding hides" in str(report)


def test_a_vanishing_gradient_passes_and_a_wrong_one_does_not() -> None:
    subject = fake(lambda x: anp.sum(x - anp.mean(x)), "x", "x: n")
    assert verify(subject)
    _refused(subject.but(lambda d: {"x": d["x"] + 1e-6}))


def test_complex_steps_are_no_evidence_where_the_code_is_not_analytic() -> None:
    subject = fake(lambda x: anp.sum(x**2), "x", "x: n")
    modulus = Fake(subject.expr, subject.wrt, lambda x: np.sum(np.abs(x) ** 2) + 0j * x[0],
                   given=lambda x: {"x": 2 * x})
    real = Fake(subject.expr, subject.wrt, lambda x: float(np.sum(np.real(x) ** 2)),
                given=lambda x: {"x": 2 * x})
    for code in (modulus, real):
        report = verify(code)
        assert not report.failures, str(report)
        assert not any(c.method == COMPLEX for c in report.checks)
    assert any(c.method == COMPLEX for c in verify(subject).checks)


def test_complex_steps_see_what_differences_cannot() -> None:
    subject = fake(lambda x: anp.sum(anp.exp(x)), "x", "x: n")
    report = _refused(subject.but(lambda d: {"x": d["x"] * (1 + 1e-13)}))
    assert {c.method for c in report.failures} == {COMPLEX}


# -- sizes, arguments ----------------------------------------------------------------------------


def test_sizes_are_distinct_include_one_and_may_be_given() -> None:
    seen: list[tuple[int, ...]] = []

    def value(X: Any, w: Any) -> Any:
        if not hasattr(X, "_value"):
            seen.append(X.shape)
        return anp.sum(anp.dot(X, w) ** 2)

    subject = fake(value, "w", "X: n d; w: d")
    assert verify(subject)
    assert any(n > 1 and d > 1 and n != d for n, d in seen)
    assert any(n == 1 for n, d in seen)
    assert any(d == 1 for n, d in seen)
    seen.clear()
    assert verify(subject, dims={"n": 7, "d": 2}, points=1)
    assert set(seen) == {(7, 2)}
    with pytest.raises(InputError):
        verify(subject, dims={"n": 0})


def test_a_dim_that_no_input_has_is_passed_by_name() -> None:
    subject = fake(lambda x, k: k * anp.sum(x**2), "x", "x: n", out="k")
    scalar = Fake(subject.expr, subject.wrt, lambda x, k: np.full(k, np.sum(x**2)),
                  given=lambda x, k: {"x": np.tile(2 * x, (k, 1))})
    assert verify(scalar)


def test_what_cannot_be_verified_is_an_error() -> None:
    square = fake(lambda x: anp.sum(x**2), "x", "x: n")
    with pytest.raises(UnsupportedError, match="proof"):
        verify(square, level="proof")
    with pytest.raises(InputError, match="points"):
        verify(square, points=0)
    with pytest.raises(AssumptionError, match="integer"):
        verify(fake(lambda x: anp.sum(x**2), "x", "x: n", x="integer"))
    with pytest.raises(OrderError):
        verify(Fake(square.expr, square.wrt, square.value, 0))
    with pytest.raises(NamingError):
        verify(Fake(square.expr, (), square.value))


def test_a_two_layer_perceptron_is_verified_in_half_a_second() -> None:
    def value(X: Any, V: Any, a: Any, W: Any, b: Any, Y: Any) -> Any:
        return cross_entropy(np.maximum(X @ V + a, 0.0), W, b, Y)

    def given(X: Any, V: Any, a: Any, W: Any, b: Any, Y: Any) -> Any:
        z = X @ V + a
        h = np.maximum(z, 0.0)
        top = h @ W + b
        e = np.exp(top - top.max(axis=1, keepdims=True))
        d = (e / e.sum(axis=1, keepdims=True) - Y) / len(X)
        back = d @ W.T * (z > 0)
        return {"V": X.T @ back, "a": back.sum(axis=0), "W": h.T @ d, "b": d.sum(axis=0)}

    shapes = fake(value, "V a W b", "X: n d; V: d h; a: h; W: h c; b: c; Y: n c", smooth=False,
                  Y="one_hot")
    subject = Fake(shapes.expr, shapes.wrt, value, given=given)
    started = time.process_time()
    report = verify(subject)
    assert report, str(report)
    assert time.process_time() - started < 0.5
