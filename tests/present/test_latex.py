"""LaTeX: the letters, the operators, and that every piece is well formed."""

from __future__ import annotations

import re

import pytest
from present_cases import EXPRESSIONS, MATRICES

import mathdl as md
from mathdl.present import to_latex
from mathdl.present.letters import letter
from mathdl.present.tree import Name


@pytest.mark.parametrize(
    ("name", "ndim", "expected"),
    [
        ("W", 2, r"\mathbf{W}"),
        ("W1", 2, r"\mathbf{W}_{1}"),
        ("x", 0, "x"),
        ("x_hat", 1, r"\hat{\mathbf{x}}"),
        ("lam", 0, r"\lambda"),
        ("sigma", 1, r"\boldsymbol{\sigma}"),
        ("loss", 0, r"\mathit{loss}"),
        ("W_out", 2, r"\mathbf{W}_{\mathrm{out}}"),
        ("h_t", 1, r"\mathbf{h}_{t}"),
        ("_x", 1, r"\mathbf{\_x}"),
    ],
)
def test_letters(name: str, ndim: int, expected: str) -> None:
    assert letter(Name(name, ndim)) == expected


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("A @ z", r"\mathbf{A} \mathbf{z}"),
        ("x @ S @ y", r"\mathbf{x}^\top \mathbf{S} \mathbf{y}"),
        ("A.T @ x", r"\mathbf{A}^\top \mathbf{x}"),
        ("A*G", r"\mathbf{A} \odot \mathbf{G}"),
        ("A + z", r"\mathbf{A} + \mathbf{1} \mathbf{z}^\top"),
        ("A - x[:, None]", r"\mathbf{A} - \mathbf{x} \mathbf{1}^\top"),
        ("outer(x, z)", r"\mathbf{x} \mathbf{z}^\top"),
        ("2*A.T @ x/n", r"\frac{2}{n} \mathbf{A}^\top \mathbf{x}"),
        ("exp(x)", r"e^{\mathbf{x}}"),
        ("s/2", r"\frac{s}{2}"),
        ("s**2", r"s^{2}"),
        ("x**2", r"\mathbf{x}^{\circ 2}"),
        ("norm2(x)", r"\left\lVert \mathbf{x} \right\rVert_2"),
        ("eye(n)", r"\mathbf{I}_{n}"),
        ("trace(S)", r"\operatorname{tr}\left(\mathbf{S}\right)"),
    ],
)
def test_operators(expr: str, expected: str) -> None:
    assert to_latex(md.parse(expr, MATRICES)) == expected


def well_formed(text: str) -> None:
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0, text
    assert depth == 0, text
    assert text.count(r"\left") == text.count(r"\right"), text
    assert not double_script(text), text


def double_script(text: str) -> bool:
    """Whether two subscripts or two superscripts follow one letter or group."""
    while (shorter := re.sub(r"\{[^{}]*\}", "", text)) != text:
        text = shorter
    return bool(re.search(r"_(\\[a-zA-Z]+|[^\s\\])?_|\^(\\[a-zA-Z]+|[^\s\\])?\^", text))


def test_a_double_script_is_seen() -> None:
    assert double_script("t_{2}_{i}")
    assert double_script(r"x^\top^{2}")
    assert not double_script("{t_{2}}_{i} + a_{1}^{2} + b_1 c_1")


@pytest.mark.parametrize("expr", [e for e, _ in EXPRESSIONS])
def test_every_expression_is_well_formed(expr: str) -> None:
    well_formed(to_latex(md.parse(expr, MATRICES)))


def test_a_derivation_is_an_aligned_block() -> None:
    loss = md.parse("sum((X @ w - y)**2)/n", "X: n d; w: d; y: n")
    text = md.derive(loss, wrt="w").latex()
    assert text.startswith("$$\n\\begin{aligned}")
    assert r"\frac{\partial L}{\partial \mathbf{w}} &= \frac{2}{n} \mathbf{X}^\top" in text
    well_formed(text)
