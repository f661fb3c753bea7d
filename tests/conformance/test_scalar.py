"""Every scalar function's declaration against mpmath and SymPy; nothing in it is trusted.

A function that is declared is found and tested here without further ado.  Functions of several
arguments are stressed one argument at a time.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from scalar_truth import (
    BY_NAME,
    FUNCTIONS,
    QUIET,
    SLOTS,
    Truth,
    applied,
    assert_close,
    compute,
    exact_digits,
    numeric,
    samples,
    slots,
    smooth_arguments,
    stated_derivative,
    stress_points,
    true_value,
)

from mathdl.errors import NamingError, UnsupportedError
from mathdl.scalar import (
    COMPARISONS,
    ScalarFunction,
    abs_,
    declare,
    exp,
    gammaln,
    log,
    log1mexp,
    log_cosh,
    log_sigmoid,
    lookup,
    lower,
    maximum,
    of_head,
    relu,
    sigmoid,
    softplus,
    sqrt,
    where,
)

each = pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.name)


def check_derivative(f: ScalarFunction) -> None:
    """The stated derivative is SymPy's derivative of the definition, and so once more."""
    for k in smooth_arguments(f):
        stated = stated_derivative(f, k)
        said = Truth(stated, slots(f), 40)
        true = true_value(f.name, k, 40)
        for point in samples(f, 30):
            a, b = said(*point), true(*point)
            assert a is not None, (f.name, k, point)
            assert abs(a - b) <= mpmath.mpf(10) ** -25 * max(abs(b), 1), (f.name, k, point, a, b)
        for m in smooth_arguments(f):
            second = Truth(stated.diff(slots(f)[m]), slots(f), 40)
            for point in samples(f, 3):
                with mpmath.workdps(40):
                    h = mpmath.mpf(10) ** -12
                    left, right = (true(*point[:m], point[m] + s, *point[m + 1 :]) for s in (-h, h))
                    difference = (right - left) / (2 * h)
                    error = abs(second(*point) - difference)
                    assert error <= 1e-18 * max(abs(difference), 1), (f.name, k, m, point)


def check_values(f: ScalarFunction) -> None:
    """The numeric form at random points: to 1e-13 in double, 1e-5 in single precision."""
    assert_close(f, (applied(f), None), samples(f, 30), np.float64, 1e-13)
    assert_close(f, (applied(f), None), samples(f, 30), np.float32, 1e-5)


@each
def test_stated_derivative(f: ScalarFunction) -> None:
    check_derivative(f)


@each
def test_values(f: ScalarFunction) -> None:
    check_values(f)


@each
def test_derivative_values(f: ScalarFunction) -> None:
    for k in smooth_arguments(f):
        what = (stated_derivative(f, k), k)
        assert_close(f, what, samples(f, 30), np.float64, 2e-13)
        assert_close(f, what, samples(f, 30), np.float32, 1e-5)


# Known limits, with the derivative's argument or None for the value itself: SciPy's gammaln is
# infinite at subnormal numbers, and the second derivative of gelu_tanh is a polynomial times a
# sigmoid, 0 * inf where the polynomial overflows.  Slopes of the scaled Bessel functions, and the
# third derivative of log I0, are differences that lose digits far out, the second at tiny numbers;
# so are the second derivatives of erfcx and of the inverse Mills ratio.
LIMITS = {
    ("i0e", 0): lambda x: abs(x) > 40,
    ("i1e", 0): lambda x: abs(x) > 40 or 0 < abs(x) < 1e-300,
    ("bessel_ratio_slope", 0): lambda x: abs(x) > 15 or 0 < abs(x) < 1e-5,
    ("erfcx_slope", 0): lambda x: x > 8,
    ("mills_gap", 0): lambda x: x < -8,
    ("gammaln", None): lambda x: x < 1e-300,
    ("gelu_tanh_slope", 0): lambda x: abs(x) > 1e70,
}


def within_limits(f: ScalarFunction, k: int | None, points: list[Any]) -> list[Any]:
    beyond = LIMITS.get((f.name, k), lambda *_: False)
    return [p for p in points if not beyond(*p)]


def off_kinks(f: ScalarFunction) -> list[tuple[float, ...]]:
    """The extremes at which there is a derivative."""

    def on_kink(p: tuple[float, ...]) -> bool:
        return p[0] in f.kinks or (f.arity > 1 and p[0] == p[1] and 0.0 in f.kinks)

    return [p for p in stress_points(f) if not on_kink(p)]


@each
@pytest.mark.parametrize(("dtype", "relative"), [(np.float64, 1e-6), (np.float32, 1e-5)])
def test_extremes(f: ScalarFunction, dtype: Any, relative: float) -> None:
    """Nothing overflows, cancels or turns into nan, in the values or the derivatives."""
    largest = float(np.finfo(dtype).max)
    digits = exact_digits(f)
    for k in [None, *smooth_arguments(f)]:
        expression = applied(f) if k is None else stated_derivative(f, k)
        points = stress_points(f) if k is None else off_kinks(f)
        points = within_limits(f, k, [p for p in points if all(abs(x) <= largest for x in p)])
        assert_close(f, (expression, k), points, dtype, relative, digits)


# What the derivative is at each kink, per argument: PyTorch's and JAX's choice.
SUBGRADIENTS = {
    "abs": [((0,), (0,))],
    "i0e": [((0,), (0,))],
    "sign": [((0,), (0,))],
    "relu": [((0,), (0,))],
    "leaky_relu": [((0, 0.25), (0.25, 0))],
    "elu": [((0, 2), (2, 0))],
    "selu": [((0,), (1.6732632423543772848 * 1.0507009873554804934,))],
    "hardtanh": [((-1,), (0,)), ((1,), (0,))],
    "clip": [((-1, -1, 2), (1, 0, 0)), ((2, -1, 2), (1, 0, 0)), ((0, 1, -1), (0, 0, 1))],
    "maximum": [((3, 3), (0.5, 0.5)), ((0, 0), (0.5, 0.5))],
    "minimum": [((3, 3), (0.5, 0.5)), ((0, 0), (0.5, 0.5))],
    **{h.__name__: [((0, 0), (0, 0)), ((2, 2), (0, 0))] for h in COMPARISONS},
}


def test_every_kink_is_in_the_table() -> None:
    assert {f.name for f in FUNCTIONS if f.kinks} == set(SUBGRADIENTS)


@pytest.mark.parametrize("name", sorted(SUBGRADIENTS))
def test_subgradient_at_kinks(name: str) -> None:
    f = BY_NAME[name]
    for point, expected in SUBGRADIENTS[name]:
        got = [
            float(numeric(f, stated_derivative(f, k), [point], np.float64)[0])
            for k in range(f.arity)
        ]
        assert got == pytest.approx(expected, rel=1e-15, abs=0)


def check_registry(f: ScalarFunction) -> None:
    """A declaration says all that it must."""
    assert f.reference, f.name
    assert f.latex.format(*"abc"[: f.arity]).count("{") == f.latex.format(*"abc"[: f.arity]).count(
        "}"
    )
    for k in range(f.arity):
        assert f"{{{k}}}" in f.latex
    assert bool(f.ufunc) != (f.stable is not None), f"{f.name}: either ufunc or stable"
    assert len(f.domain) == f.arity
    assert not f.derivative or len(f.derivative) == f.arity
    assert bool(f.kinks) == bool(f.subgradient)
    assert of_head(f.head) is f
    assert lookup(f.name) is f
    floats = f.definition(*slots(f)).atoms(sympy.Float)
    floats |= applied(f).atoms(sympy.Float)
    if f.stable is not None:
        floats |= f.stable(*slots(f)).atoms(sympy.Float)
    assert not floats


@each
def test_registry(f: ScalarFunction) -> None:
    check_registry(f)


def check_analytic(f: ScalarFunction) -> None:
    """``Im f(x + ih) / h`` is the derivative."""
    h = 1e-20
    for k in range(f.arity):
        truth = true_value(f.name, k, 50)
        for point in samples(f, 10):
            values = [np.array([x + 1j * h * (m == k)]) for m, x in enumerate(point)]
            with np.errstate(**QUIET):
                result = compute(lower(applied(f)), dict(zip(slots(f), values, strict=True)))
            exact = float(truth(*point))
            assert abs(result[0].imag / h - exact) <= 1e-10 * max(abs(exact), 1), (f.name, point)


@pytest.mark.parametrize("f", [f for f in FUNCTIONS if f.analytic], ids=lambda f: f.name)
def test_complex_step(f: ScalarFunction) -> None:
    check_analytic(f)


def test_language_has_every_name() -> None:
    promised = (
        "exp expm1 log log1p sqrt abs sign sin cos tan sinh cosh tanh arcsin arccos arctan erf "
        "erfc gammaln digamma polygamma i0e i1e log_i0 bessel_ratio bessel_ratio_slope sigmoid "
        "log_sigmoid logaddexp softplus relu leaky_relu elu selu gelu "
        "gelu_tanh silu softsign hardtanh minimum maximum clip"
    )
    assert set(promised.split()) == {f.name for f in FUNCTIONS if f.in_language} - {"where"}


# Each corruption of a declaration must be seen by the check that it is for.
def corrupted(name: str, **changes: Any) -> ScalarFunction:
    return dataclasses.replace(BY_NAME[name], **changes)


@pytest.mark.parametrize(
    "f",
    [
        corrupted("sigmoid", derivative=(lambda x: -sigmoid(x) * (1 - sigmoid(x)),)),
        corrupted("silu", derivative=(lambda x: sigmoid(x) * (1 + 2 * x * (1 - sigmoid(x))),)),
        corrupted("softplus", derivative=(lambda x: sigmoid(-x),)),
        corrupted("gelu", derivative=(lambda x: lookup("normal_cdf").head(x),)),
        corrupted("leaky_relu", derivative=(lambda x, a: a, lambda x, a: sympy.S.Zero)),
        corrupted("maximum", derivative=(lambda x, y: sympy.S.One, lambda x, y: sympy.S.Zero)),
    ],
    ids=lambda f: f.name,
)
def test_wrong_derivative_is_refused(f: ScalarFunction) -> None:
    with pytest.raises(AssertionError):
        check_derivative(f)


class TestWrongForms:
    """Numeric forms that look right and are not."""

    @pytest.mark.parametrize(
        ("name", "form"),
        [
            ("sigmoid", lambda x: (1 + sympy.tanh(x / 2)) / 2),
            ("log_cosh", lambda x: abs_(x) + lookup("log1p").head(exp(-2 * abs_(x))) - log(2)),
            ("softplus", lambda x: lookup("log1p").head(exp(x))),
            ("expm1", lambda x: 2 * lookup("expm1").head(x)),
        ],
    )
    def test_refused(self, name: str, form: Any) -> None:
        f = BY_NAME[name]
        with pytest.raises(AssertionError):
            assert_close(
                f, (form(SLOTS[0]), None), stress_points(f), np.float64, 1e-6, exact_digits(f)
            )

    def test_textbook_derivative_of_sigmoid_loses_its_tail(self) -> None:
        x = np.array([50.0])
        plain = lower(stated_derivative(BY_NAME["sigmoid"], 0), careful=False)
        with np.errstate(**QUIET):
            assert compute(plain, {SLOTS[0]: x})[0] == 0

    def test_not_analytic_is_refused(self) -> None:
        with pytest.raises(AssertionError):
            check_analytic(BY_NAME["abs"])

    def test_incomplete_declaration_is_refused(self) -> None:
        for changes in ({"reference": ""}, {"ufunc": "np.exp"}, {"latex": "s"}, {"domain": ()}):
            with pytest.raises(AssertionError):
                check_registry(corrupted("sigmoid", **changes))


def test_second_declaration_is_refused() -> None:
    with pytest.raises(NamingError, match="declared twice"):
        declare("sigmoid", definition=lambda x: x)
    with pytest.raises(NamingError, match="is that of 'exp'"):
        declare("other_exp", head=exp, definition=exp)
    with pytest.raises(NamingError, match="did you mean sigmoid"):
        lookup("sigmoyd")


@pytest.mark.parametrize(
    ("written", "better"),
    [
        (lambda x: log(1 + exp(x)), lambda x: softplus(x)),
        (lambda x: 3 * log(sigmoid(2 * x)), lambda x: 3 * log_sigmoid(2 * x)),
        (lambda x: log(1 - sigmoid(x)), lambda x: log_sigmoid(-x)),
        (lambda x: log(1 - exp(-(x**2))), lambda x: log1mexp(-(x**2))),
        (lambda x: x + log(sympy.cosh(x)), lambda x: x + log_cosh(x)),
        (lambda x: sympy.tanh(x) ** 2 - 1, lambda x: -4 * sigmoid(2 * x) * sigmoid(-2 * x)),
        (lambda x: exp(x) - 1, lambda x: lookup("expm1").head(x)),
        (lambda x: sympy.erfc(-x), lambda x: 2 * lookup("normal_cdf").head(sqrt(2) * x)),
    ],
)
def test_cancelling_forms_are_replaced(written: Any, better: Any) -> None:
    x = SLOTS[0]
    assert lower(written(x)) == lower(better(x))
    assert lower(written(x), careful=False) != lower(better(x))


def test_lower_keeps_atoms_and_refuses_the_unknown() -> None:
    x = SLOTS[0]
    access = sympy.IndexedBase("A")[sympy.Symbol("i", integer=True)]
    assert lower(relu(access) + access) == maximum(access, 0) + access
    assert lower(sympy.Abs(x) + sympy.loggamma(x)) == abs_(x) + gammaln(x)
    with pytest.raises(UnsupportedError, match="gamma"):
        lower(sympy.gamma(x))
    with pytest.raises(UnsupportedError, match="order"):
        lookup("polygamma").head(x, 1).diff(x)


def test_lowering_is_idempotent() -> None:
    for f in FUNCTIONS:
        once = lower(applied(f))
        assert lower(once) == once, f.name


def test_heads_know_exact_values_only() -> None:
    for name, at_zero in {
        "relu": 0,
        "sigmoid": sympy.Rational(1, 2),
        "expm1": 0,
        "silu": 0,
    }.items():
        assert lookup(name).head(0) == at_zero
    assert softplus(0) == log(2)
    assert not sigmoid(2).is_Float
    assert abs(float(sigmoid(2)) - 1 / (1 + np.exp(-2))) < 1e-15
    p = sympy.Symbol("p", positive=True)
    assert (relu(p), abs_(-p), abs_(SLOTS[0]) ** 2) == (p, p, SLOTS[0] ** 2)
    assert where(lookup("gt").head(SLOTS[0], 0), 1, 0) == lookup("gt").head(SLOTS[0], 0)
