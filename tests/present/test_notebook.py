"""What a notebook is given to show: by the methods that a front end asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from printed import CASES, Page, derivation

import mathdl as md
from mathdl.proof.check import Problem


def bundle(value: object) -> dict[str, str]:
    """As IPython collects it."""
    kinds = {"text/html": "_repr_html_", "text/markdown": "_repr_markdown_",
             "text/latex": "_repr_latex_"}
    return {kind: getattr(value, name)() for kind, name in kinds.items() if hasattr(value, name)}


@pytest.mark.parametrize("name", CASES)
def test_derivations_and_proofs_are_markdown_and_latex(name: str) -> None:
    """No HTML: front ends would prefer it, and GitHub drops MathML from it."""
    derived = derivation(name)
    for value in (derived, derived.proof):
        found = bundle(value)
        assert set(found) == {"text/markdown", "text/latex"}
        assert r"\boxed" in found["text/markdown"]
        assert found["text/latex"].startswith("$$\n\\begin{aligned}")
        assert found["text/latex"].endswith("$$")


def test_tensors_are_latex() -> None:
    X, w = md.tensor("X", "n", "d"), md.tensor("w", "d")
    assert bundle(X) == {"text/latex": r"$\displaystyle \mathbf{X} \in \mathbb{R}^{n \times d}$"}
    assert bundle(X @ w) == {"text/latex": r"$\displaystyle \mathbf{X} \mathbf{w}$"}
    ids = md.tensor("ids", "n", assume="integer")
    assert r"\in \mathbb{Z}^{n}$" in bundle(ids)["text/latex"]


def test_reports_are_tables_without_style_or_script() -> None:
    derived = derivation("softmax")
    report = derived.verify()
    shown = bundle(report)["text/html"]
    found = Page(shown)
    assert not {"style", "script", "link"} & set(found.tags)
    assert not {"style", "class", "onclick"} & {name for name, _ in found.attributes}
    assert found.tags.count("tr") == len(report.checks) + 1
    assert "verified: numeric, seed 0" in found.said
    for check in report.checks:
        assert f"{check.error:.1e}" in found.said


def test_a_refusal_is_shown_with_what_is_wrong() -> None:
    report = derivation("softmax").verify()
    wrong = replace(report.checks[0], ok=False, detail="1 < 2 & so on")
    shown = replace(report, checks=(wrong,))._repr_html_()
    assert "<strong>REFUSED</strong>" in shown
    assert "1 &lt; 2 &amp; so on" in shown
    assert "not checked: gradient b" in shown


def test_a_checked_proof() -> None:
    checked = derivation("softmax").proof.check()
    found = bundle(checked)["text/html"]
    assert "<strong>proof checked</strong>: " in found
    assert str(checked) == Page(found).said
    refused = replace(checked, problems=(Problem(3, "a < b"),))
    assert "<li>step 3: a &lt; b</li>" in refused._repr_html_()
    assert str(refused) == "proof refused: 1 problems\n  step 3: a < b"
