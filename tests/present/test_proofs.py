"""Proofs in print: every step numbered with a reason, and lines that compute the result."""

from __future__ import annotations

import re

import numpy as np
import pytest

import mathdl as md
from mathdl.errors import NamingError
from mathdl.proof.instances import instance

CASES = [
    ("Z1 = X @ W1 + b1; A1 = sigmoid(Z1); Z2 = A1 @ W2; P = softmax(Z2); -sum(Y*log(P))/n",
     "X: n d; W1: d h; b1: h; W2: h k; Y: n k", "Y: one_hot", ["W1", "b1", "W2"]),
    ("-logdet(S)/2 - (x - mu) @ inv(S) @ (x - mu)/2", "x: d; mu: d; S: d d",
     "S: positive_definite", ["mu", "S"]),
    ("m = mean(x, axis=1, keepdims=True); s = sqrt(mean((x - m)**2, axis=1, keepdims=True) + 1);"
     " x_hat = (x - m)/s; sum(G*x_hat)", "x: n d; G: n d", "", ["x"]),
    ("sum(G*conv2d(x, k))", "x: 6 7; k: 3 2; G: 4 6", "", ["x", "k"]),
    ("softmax(z)", "z: k", "", ["z"]),
]


def recurrent() -> md.Derivation:
    T, n, h = md.dims("T n h")
    x, U, V = md.tensor("x", T, n), md.tensor("U", h, n), md.tensor("V", h, h)
    _, states = md.scan(lambda s, x_t: (md.tanh(U @ x_t + V @ s),) * 2, md.zeros(h), x)
    return md.derive(md.sum(states**2), ["U", "V"])


def derivations() -> list[md.Derivation]:
    return [*(md.derive(md.parse(t, s, a), w) for t, s, a, w in CASES), recurrent()]


@pytest.mark.parametrize("detail", ["full", "lecture"])
def test_every_line_has_its_number_and_reason(detail: str) -> None:
    for derivation in derivations():
        lines = derivation.proof.text(detail).split("\n")
        for number, line in enumerate(lines, 1):
            assert re.fullmatch(rf" *{number}\. .+ \[[^\[\]]+\]", line), line
        results = lines[-len(derivation):]
        for key, line in zip(derivation, results, strict=True):
            assert re.search(rf"\. d[Lf]/d{key} = ", line), line


def test_premises_stand_before() -> None:
    for derivation in derivations():
        for line in str(derivation.proof).split("\n"):
            number = int(line.split(".")[0])
            reason = re.search(r"\(([0-9, ]+)\)\]$", line)
            for premise in reason[1].split(", ") if reason else ():
                assert int(premise) < number


def test_the_deltas_of_back_propagation() -> None:
    """BP1 to BP4, each line a chain rule through what reads the quantity."""
    text = str(derivations()[0].proof)
    for line in ("A1_bar = Z2_bar @ W2.T", "Z1_bar = A1*A1_bar*(1 - A1)", "W1_bar = X.T @ Z1_bar",
                 "b1_bar = sum(Z1_bar, axis=0)", "W2_bar = A1.T @ Z2_bar"):
        assert line in text
    assert "dL/dW2 = A1.T @ delta2" in text


def test_back_propagation_through_time_is_a_recurrence() -> None:
    text = str(recurrent().proof)
    assert re.search(r"(\w+)\[t<T\] = V\.T @ \w+\[t\]", text)
    assert "[recurrence]" in text


def test_an_unknown_detail_is_refused() -> None:
    with pytest.raises(NamingError, match="full, lecture"):
        recurrent().proof.text("short")


def test_the_fragment_and_the_document() -> None:
    derivation = derivations()[0]
    assert derivation.latex().startswith("$$")
    assert derivation.latex(standalone=True).startswith("\\documentclass")


def test_a_derivative_that_no_route_reaches_is_zero_in_full() -> None:
    """A sum of no terms was printed as nothing, or not at all."""
    proof = md.derive(md.parse("sum(g*sign(x))", "g: n; x: n"), "x").proof
    assert re.search(r"x_bar = zeros\(n\) +\[total derivative\]", proof.text("full"))
    assert r"\bar{\mathbf{x}} &= \mathbf{0}_{n}" in proof.latex("full")


@pytest.mark.parametrize("number", range(len(CASES)))
def test_the_printed_proof_computes_its_results(number: int) -> None:
    """The lines, read as definitions of the language, give the derivative's numbers."""
    text, shapes, assume, wrt = CASES[number]
    derivation = md.derive(md.parse(text, shapes, assume), wrt)
    lines = [re.sub(r"^ *\d+\. | +\[[^\[\]]+\]$", "", line)
             for line in str(derivation.proof).split("\n")]
    stated = [line.split(" = ") for line in lines if not re.match("d[Lf]/d", line)]
    definitions = "; ".join(f"{sides[0]} = {sides[-1]}" for sides in stated)
    values = dict(line[4:].split(" = ", 1) for line in lines if re.match("d[Lf]/d", line))
    for key in derivation:
        for wanted in (values[key], f"{key}_bar"):
            again = md.parse(f"{definitions}; {wanted}", shapes, assume)
            at = instance([again, derivation[key]], 3, "any sign")
            np.testing.assert_allclose(at.value(again), at.value(derivation[key]), rtol=1e-8)
