"""The page of a derivation: it stands alone, states every step, and its text can be pasted back."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from printed import CASES, Page, derivation

import mathdl as md
from mathdl.cli import main
from mathdl.errors import MissingExtraError, NamingError
from mathdl.present.document import Document
from mathdl.present.statements import statements
from mathdl.present.text import document_text
from mathdl.present.theorem import documents, facts, theorem, written_proof
from mathdl.proof.instances import instance

DETAILS = ("lecture", "full")


def page(name: str, detail: str = "lecture", title: str = "") -> str:
    return derivation(name).html(detail, title)


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("name", CASES)
def test_it_stands_alone(name: str, detail: str) -> None:
    text = page(name, detail)
    found = Page(text)
    assert not found.fetched
    assert "@import" not in text
    assert "url(" not in text
    assert not re.findall(r"https?://(?!www\.w3\.org/1998/Math/MathML)", text)
    assert len(found.ids) == len(set(found.ids))
    assert text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("name", CASES)
def test_every_step_is_there_and_premises_are_links(name: str, detail: str) -> None:
    proof = derivation(name).proof
    found = Page(page(name, detail))
    expected = statements(proof, proof.names, detail)
    assert [i for i in found.ids if i.startswith("step-")] == [
        f"step-{s.number}" for s in expected]
    assert found.links == [f"#step-{n}" for s in expected for n in s.premises]
    assert {link[1:] for link in found.links} <= set(found.ids)
    for s in expected:
        assert f"({s.number})" in found.said
        assert s.reason in found.said


@pytest.mark.parametrize("detail", DETAILS)
def test_each_rule_is_stated_on_hover_on_click_and_in_the_references(detail: str) -> None:
    proof = derivation("softmax").proof
    text = page("softmax", detail)
    found = Page(text)
    hints = [value for name, value in found.attributes if name == "data-law"]
    citing = [s for s in statements(proof, proof.names, detail) if s.laws]
    assert len(hints) == len(citing) > 5
    for hint, s in zip(hints, citing, strict=True):
        for law in s.laws:
            assert f"{law.name}: {law.law}" in hint
            assert law.reference in hint
            assert found.said.count(law.law) >= 2
    assert "Griewank and Walther 2008" in found.said
    assert text.count('<details class="reason">') == len(citing)


@pytest.mark.parametrize("name", CASES)
def test_the_theorem_states_inputs_and_results(name: str) -> None:
    derived = derivation(name)
    stated = theorem(derived.proof)
    assert len(stated.given) == len(derived.inputs)
    assert len(stated.results) == len(derived)
    found = Page(page(name))
    boxes = [value for key, value in found.attributes if key == "class"].count("result")
    steps = written_proof(derived.proof, "lecture").parts
    assert boxes == len(derived) + sum(s.result for part in steps for s in part.steps)


def test_assumptions_are_the_strongest_with_their_meaning() -> None:
    said = Page(page("softmax")).said
    assert ", one hot (one entry of the last axis is 1, the others are 0)" in said
    assert "unit interval" not in said
    assert [f.name for f in facts(md.tensor("x", "n", assume="large_positive"))] == ["positive"]


@pytest.mark.parametrize("name", sorted(set(CASES) - {"convolution"}))
def test_its_text_can_be_pasted_back(name: str) -> None:
    """What is printed in the language, declared as printed, has the derivative's numbers."""
    derived = derivation(name)
    declared, expression, *results = Page(page(name)).pre
    shapes, _, assume = declared.removeprefix("shapes: ").partition("\nassume: ")
    read = [md.parse(text, shapes, assume) for text in (expression, *results)]
    again = md.derive(read[0], *CASES[name][3:])
    assert {(t.name, t.shape, t.assume) for t in again.inputs} == {
        (t.name, t.shape, t.assume) for t in derived.inputs}
    for key, text in zip(derived, read[1:], strict=True):
        at = instance([text, again[key], derived[key]], 3, "any sign")
        np.testing.assert_allclose(at.value(text), at.value(derived[key]), rtol=1e-8)
        np.testing.assert_allclose(at.value(again[key]), at.value(derived[key]), rtol=1e-8)


def test_names_and_titles_are_escaped() -> None:
    found = Page(page("names", title='a <b> & "c" </title><script>x</script>'))
    assert 'a <b> & "c" </title><script>x</script>' in found.said
    assert found.tags.count("script") == 1
    assert "b" not in found.tags[: found.tags.index("main")]
    assert any("hid_den = where(a_b < in_put, a_b, in_put**2)" in text for text in found.pre)


def test_results_keep_the_names_of_the_expression() -> None:
    """``x_hat`` is stated with the expression, and not again under another name."""
    stated = theorem(derivation("layer norm").proof)
    assert [left for left, _ in stated.premises] == [r"\mathbf{s}", r"\hat{\mathbf{x}}", "L"]
    assert not stated.definitions
    assert all(r"\hat{\mathbf{x}}" in right for _, right in stated.results)


def named_alike() -> list[md.Derivation]:
    """Two quantities of one name, in either order; a name that an input has; one that is made."""
    x, y = md.tensor("x", "n"), md.tensor("y", "n")
    a, b = md.exp(x * y).named("a"), md.exp(x + y).named("a")
    values = [md.sum(a**2 * b**3 * md.tanh(a)), md.sum(b**3 * a * md.tanh(b)),
              md.sum(md.exp(x * y).named("y") ** 2), md.sum(a.named("t1") * b.named("a_1") ** 2)]
    return [md.derive(value, "x") for value in values]


def test_the_theorem_computes_its_results() -> None:
    """Its definitions, read in the language, give the derivative's numbers."""
    for derived in [*map(derivation, set(CASES) - {"convolution"}), *named_alike()]:
        written, found = documents(derived.proof)
        shapes = {t.name or "": t.shape for t in derived.inputs}
        for claim, value in zip(derived.proof.claims, found.values, strict=True):
            whole = Document((*written.definitions, *found.definitions), (value,))
            read = md.parse(document_text(whole), shapes)
            at = instance([claim.result, read], 3, "any sign")
            np.testing.assert_allclose(at.value(read), at.value(claim.result), rtol=1e-8)


def test_conditions_and_notation_are_stated() -> None:
    assert written_proof(derivation("conditions").proof, "lecture").conditions
    said = Page(page("conditions")).said
    assert "The steps hold wherever, for every entry," in said
    assert "entries are counted from" in said
    assert "is along the last axis" in Page(page("softmax")).said


def test_dark_light_and_print() -> None:
    text = page("softmax")
    for needed in ("prefers-color-scheme: dark", '[data-theme="dark"]', "@media print",
                   'id="theme"', "max-width: 52rem"):
        assert needed in text


def test_an_unknown_detail_is_refused() -> None:
    with pytest.raises(NamingError, match="full, lecture"):
        derivation("softmax").html("short")


def test_without_the_library_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    with pytest.raises(MissingExtraError, match=r'pip install "mathdl\[html\]"'):
        derivation("softmax").html()
    assert derivation("softmax").markdown()


def test_the_command_prints_the_page_and_markdown() -> None:
    given = ["derive", "sum((X @ w - y)**2)/n", "--shape", "X: n d; w: d; y: n", "--wrt", "w"]
    found = CliRunner().invoke(main, [*given, "--format", "html", "--verify"])
    assert found.exit_code == 0
    assert "step-1" in Page(found.stdout).ids
    assert found.stdout.rstrip().endswith("</html>")
    assert "verified" in found.stderr
    text = CliRunner().invoke(main, [*given, "--format", "markdown"]).stdout
    assert text.startswith("**Theorem.** Let\n\n- $")
    assert r"\boxed{\frac{\partial L}{\partial \mathbf{w}} = " in text
