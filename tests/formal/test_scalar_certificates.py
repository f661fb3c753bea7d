"""Certificates through scalar functions and through the laws by which they are simplified."""

from __future__ import annotations

import shutil

import pytest

import mathdl as md

pytestmark = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")
SHAPES = {"a": "n", "x": "n", "b": "n"}

SAMPLE = ["sum(a*gammaln(x))", "sum(a*maximum(x, b))", "sum(a*log(1 - tanh(x)))"]
FUNCTIONS = [
    f"sum(a*{name}(x))" for name in (
        "abs", "arccos", "arcsin", "arctan", "cos", "cosh", "digamma", "erf", "erfc", "exp",
        "expm1", "gelu", "gelu_tanh", "hardtanh", "i0e", "i1e", "log", "log1p", "log_i0",
        "log_sigmoid", "bessel_ratio", "relu", "selu", "sigmoid", "sign", "silu", "sin", "sinh",
        "softplus", "softsign", "sqrt", "tan", "tanh")
]
LAWS = [
    "sum(softplus(x) - softplus(-x))", "sum(log(exp(x)/(1 + exp(x))))", "sum(a*log(1 + exp(x)))",
    "sum(a*log(sigmoid(x)))", "sum(a*log(cosh(x)))", "sum(a*log(1 - exp(x)))",
    "sum(a*log(1 - sigmoid(x)))", "sum(a*log(1 + tanh(x)))", "sum(a*log(exp(x) + exp(b)))",
    "sum(a*log(2 + 2*exp(x)))", "sum(a*log(1 + x**2))", "sum(a/(1 + exp(x)))",
    "sum(a*(1 - tanh(x)**2))", "sum(a*(1 + erf(x)))", "sum(a*relu(x)**2)", "sum(a*abs(x)**3)",
    "sum(a*where(abs(x) <= 1, x**2/2, abs(x) - 1/2))", "sum(a*polygamma(1, x))",
]


@pytest.mark.parametrize("text", SAMPLE + [
    pytest.param(t, marks=pytest.mark.exhaustive) for t in FUNCTIONS + LAWS
])
def test_coq_accepts(text: str) -> None:
    accepted = md.derive(md.parse(text, SHAPES, {}), ["x"]).certificate().check()
    assert accepted, str(accepted)


def test_what_is_assumed_of_a_function_is_stated() -> None:
    found = md.derive(md.parse("sum(gammaln(x))", {"x": "n"}, {}), ["x"]).certificate()
    law = "forall (x : R), 0 < x -> is_derive gammaln x (digamma x)"
    assert "Variable gammaln : R -> R." in str(found.statement)
    assert law in str(found.statement)
    assert f"Hypothesis law_gammaln : {law}." in found.source


def test_only_a_declared_sign_is_assumed() -> None:
    def source(name: str) -> str:
        return md.derive(md.parse(f"sum({name}(x))", {"x": "n"}, {}), ["x"]).certificate().source

    assert "_nonneg" not in source("gammaln")
    assert "i1e_nonneg" not in source("i1e")
    assert "Hypothesis log_i0_nonneg : forall x : R, 0 <= log_i0 x." in source("log_i0")
