"""Code of naive formulas is precise over all sizes, or the reason why not is listed."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from formulas import FORMULAS, LIMITS, Formula
from table import FEW, measured

import mathdl as md
from mathdl.accuracy.truth import Truth
from mathdl.cli import main

SAMPLE = [f for f in FORMULAS if f.text in {
    "log(1 + exp(x))", "-log(1/(1 + exp(-x)))", "1 - sigmoid(x)", "log(1 - exp(-x))", "tanh(x)",
    "(exp(x) - exp(-x))/(exp(x) + exp(-x))", "(exp(2*x) - 1)/(exp(2*x) + 1)", "log(exp(x) - 1)",
    "log((exp(x) + exp(-x))/2)", "2*sigmoid(2*x) - 1", "1 - tanh(x)**2", "1 - cos(x)",
    "0.5*x*(1 + erf(x/sqrt(2)))", "log(0.5*(1 + erf(x/sqrt(2))))", "gelu(x)", "x*log(x)",
    "log(exp(-x**2/2)/sqrt(2*pi))", "exp(where(x > 0, sqrt(x), 0))", "log(exp(x) + exp(y))",
    "log(sum(exp(x)))", "log(sum(exp(x)**2))", "mean(x**2) - mean(x)**2",
    "(x@x - n*mean(x)**2)/n", "log(det(A))",
}]
LARGE = (-1e3, -50.0, 0.0, 50.0, 1e3)


@pytest.mark.parametrize("formula", SAMPLE, ids=lambda f: f.text)
def test_a_naive_formula_is_stable(formula: Formula) -> None:
    found = measured(formula, at=FEW)
    assert found, str(found)
    assert len(found.compared) >= 2


@pytest.mark.parametrize("text", ["log(1 + exp(x))", "tanh(x)", "log(sum(exp(x)))"])
def test_single_precision_is_stable(text: str) -> None:
    formula = next(f for f in FORMULAS if f.text == text)
    found = measured(formula, "float32", at=(-1e38, -50.0, 0.0, 1e-40, 20.0, 1e38))
    assert found, str(found)


@pytest.mark.parametrize("text", [
    "log(1 + sum(exp(x)))", "-sum(y*log(softmax(x)))", "log(sum(exp(x))) - sum(y*x)",
    "-log(exp(x[k])/sum(exp(x)))", "sum(w*log_softmax(x))",
    "-(y*log(sigmoid(x)) + (1 - y)*log(1 - sigmoid(x)))", "log(1 + exp(x)) - y*x",
    "sqrt(sum(x**2))", "std(x)", "sqrt(1 + x**2)", "(x + sqrt(x**2 + 4))/2", "x/sqrt(1 + x**2)",
    "sqrt(x + 1) - sqrt(x)", "sqrt(x**2 + y**2)", "x - log(1 + x)",
    "(exp(x) - 1)/x", "1/cosh(x)", "log(x**2)", "log(prod(sigmoid(x)))",
])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_is_lost_beside_1_or_squared_is_computed_otherwise(text: str, dtype: str) -> None:
    formula = next(f for f in FORMULAS if f.text == text)
    found = measured(formula, dtype, at=(*LARGE, *((1e300, 1e-200) if dtype == "float64" else
                                                   (1e30, 1e-30))))
    assert found, str(found)
    assert len(found.compared) >= 4


def test_a_variance_far_from_0_keeps_its_digits_in_single_precision() -> None:
    for text in ("var(x)", "mean(x**2) - mean(x)**2"):
        formula = next(f for f in FORMULAS if f.text == text)
        found = measured(formula, "float32", at=(1.0, 1e3, 1e5))
        assert found, str(found)


@pytest.mark.exhaustive
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("formula", FORMULAS, ids=lambda f: f.text)
def test_every_formula_is_stable_or_has_a_reason(formula: Formula, dtype: str) -> None:
    found = measured(formula, dtype)
    limit = formula.limit
    lost = [p for p in found.failures if limit is None or not limit.covers(dtype, p.at)]
    assert not lost, str(found)
    assert limit is None or getattr(limit, dtype) is None or found.failures, "a limit of nothing"


def test_every_limit_is_of_a_formula() -> None:
    assert set(LIMITS) <= {f.text for f in FORMULAS}
    assert len({f.text for f in FORMULAS}) == len(FORMULAS)


def test_an_unstable_formula_is_refused() -> None:
    found = md.stability("log(1 + x**2)", shapes="x:", at=[1.0, 1e300])
    assert not found
    assert found.worst is not None
    assert (found.worst.at, found.worst.bits) == (1e300, 0)
    assert "1e+300" in str(found)


@pytest.mark.parametrize(("text", "shapes", "at", "value", "slope"), [
    ("log(1 + exp(x))", "x:", -700.0, math.exp(-700), math.exp(-700)),
    ("log(1 + exp(x))", "x:", 1e300, 1e300, 1.0),
    ("(exp(x) - 1)/x", "x:", 1e-320, 1.0, 0.5),
    ("mean(x**2) - mean(x)**2", "x: n", 1e300, 0.0, 0.0),
])
def test_the_truth_needs_no_stable_form(
    text: str, shapes: str, at: float, value: float, slope: float
) -> None:
    expr = md.parse(text, shapes=shapes)
    sizes = {md.dims("n"): 2} if "n" in shapes else {}
    truth = Truth(expr, ["x"], sizes)
    found = truth.at({"x": np.full([2] * len(sizes), at)})
    assert found is not None
    assert float(found.value[0]) == pytest.approx(value, rel=1e-12)
    assert float(found.slopes["x"].flat[0]) == pytest.approx(slope, rel=1e-12)


def test_a_kink_is_no_loss_of_digits() -> None:
    found = md.stability("abs(x)", shapes="x:", at=[-1.0, 0.0, 1.0])
    assert found
    assert {p.why for p in found.points if p.at == 0} == {"no float", "kink"} or found


NORMS: Sequence[tuple[str, str, float]] = (
    ("sqrt(sum(x**2))", "n", 0.0), ("norm2(x)", "n", 0.0), ("sqrt(x @ x)", "n", 0.0),
    ("sum(norm2(x, axis=1))", "m n", 0.0), ("norm2(x) + sum(x)", "n", 1.0),
    ("norm2(x) + x @ x", "n", 0.0),
)


@pytest.mark.parametrize(("text", "shape", "expected"), NORMS)
def test_the_gradient_of_a_norm_at_zero_is_the_subgradient_zero(
    text: str, shape: str, expected: float
) -> None:
    D = md.derive(md.parse(text, shapes={"x": shape}), wrt="x")
    x = np.zeros([3] * len(shape.split()))
    np.testing.assert_array_equal(D.compile()(x=x)[1], np.full(x.shape, expected))
    x.flat[0] = -2.0
    assert D.compile()(x=x)[1].flat[0] != expected


def test_a_vector_over_its_norm_has_no_value_at_zero() -> None:
    f = md.compile(md.parse("x/norm2(x)", shapes="x: n"))
    with np.errstate(all="ignore"):
        assert np.isnan(f(x=np.zeros(3))).all()


def test_formulas_are_printed_as_they_were_written() -> None:
    D = md.derive(md.parse("log(1 + sum(exp(x)))", shapes="x: n"), wrt="x")
    assert D.text() == "dL/dx = exp(x)/(sum(exp(x)) + 1)"
    D = md.derive(md.parse("sum(tanh(x))", shapes="x: n"), wrt="x")
    assert D.text() == "dL/dx = 1 - tanh(x)**2"


def test_the_command_prints_draws_and_judges(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "bits.svg"
    run = CliRunner().invoke(main, [
        "stability", "log(1 + exp(x))", "--shape", "x:", "--at=-50,0,1e3", "--out",
        str(picture)])
    assert run.exit_code == 0, run.output
    assert "stable in float64" in run.output
    assert picture.read_text("utf-8").startswith("<?xml")
    run = CliRunner().invoke(main, [
        "stability", "log(1 + x**2)", "--shape", "x:", "--at", "1e300", "--format",
        "json"])
    assert run.exit_code == 1
    assert json.loads(run.stdout)["stable"] is False


@pytest.mark.parametrize(("arguments", "said"), [
    (["x", "--shape", "x:", "--at", "much"], "--at 'much' is not a number"),
    (["sum(x)", "--shape", "x: n", "--size", "n"], "--size 'n' is not like n=3"),
    (["x", "--shape", "x:", "--out", "bits.txt", "--at", "1"], "a picture ends in"),
    (["x", "--shape", "x:", "--assume", "x: integer"], "no real input"),
])
def test_bad_input_is_one_line(arguments: list[str], said: str) -> None:
    run = CliRunner().invoke(main, ["stability", *arguments])
    assert run.exit_code == 2
    assert said in run.stderr
