"""Markdown that GitHub, Jupyter and VS Code render: formulas that Markdown leaves alone."""

from __future__ import annotations

import re

import pytest
from printed import CASES, derivation

from mathdl.present.markdown import plain, portable
from mathdl.present.theorem import theorem, written_proof

BLOCK = re.compile(r"^\$\$\n(.*?)\n\$\$$", re.M | re.S)
INLINE = re.compile(r"(?<!\$)\$(?! )([^$\n]+)(?<! )\$(?![0-9$])")


def formulas(text: str) -> list[str]:
    return BLOCK.findall(text) + INLINE.findall(BLOCK.sub("", text))


def markdown(name: str, detail: str = "lecture") -> str:
    return derivation(name).markdown(detail, "About a_b, $x_{1}$ and *")


@pytest.mark.parametrize("detail", ["lecture", "full"])
@pytest.mark.parametrize("name", CASES)
def test_markdown_leaves_formulas_alone(name: str, detail: str) -> None:
    """No escape, emphasis, tag, list, heading or emoji: what CommonMark would read in them."""
    found = formulas(markdown(name, detail))
    assert len(found) > 4
    for formula in found:
        assert not re.search(r"\\[^A-Za-z]", formula), formula
        assert not re.search(r"\S_|_\S|[<>*~`]|:[\w+-]+:|\]\(", formula), formula
        assert not re.search(r"^\s*$|^ {0,3}([-+]|\d+[.)]) |^ {0,3}(#|=+$|-+$)", formula, re.M)


@pytest.mark.parametrize("name", CASES)
def test_blocks_stand_apart(name: str) -> None:
    lines = markdown(name).split("\n")
    marks = [k for k, line in enumerate(lines) if line == "$$"]
    assert len(marks) % 2 == 0
    assert sum("$$" in line for line in lines) == len(marks)
    for start, end in zip(marks[::2], marks[1::2], strict=True):
        assert lines[start - 1] == lines[end + 1] == ""
        assert all(lines[start:end])


@pytest.mark.parametrize("detail", ["lecture", "full"])
@pytest.mark.parametrize("name", CASES)
def test_aligned_blocks_are_sound(name: str, detail: str) -> None:
    for formula in formulas(markdown(name, detail)):
        assert "align*" not in formula
        assert r"\tag" not in formula
        assert formula.count("{") == formula.count("}")
        assert formula.count(r"\left") - formula.count(r"\leftarrow") == formula.count(r"\right")
        outside = re.sub(r"\\begin\{(bmatrix|cases)\}.*?\\end\{\1\}", "", formula)
        aligned = outside.startswith(r"\begin{aligned}")
        assert aligned or not ("&" in outside or r"\cr" in outside)
        for row in outside.split(r"\cr") if aligned else ():
            assert 1 <= row.count("&") <= 3


@pytest.mark.parametrize("name", CASES)
def test_results_and_steps_are_stated(name: str) -> None:
    text, proof = markdown(name), derivation(name).proof
    for left, right in theorem(proof).results:
        boxed = portable(rf"\boxed{{{left} = {right}}}")
        assert f"$$\n{boxed}\n$$" in text
    for part in written_proof(proof, "lecture").parts:
        for step in part.steps:
            by = ", by " + ", ".join(f"({n})" for n in step.premises) if step.premises else ""
            assert rf"({step.number}) \quad" in text
            assert rf"\text{{{step.reason}{by}}}" in text.replace(" {:} ", ":")
    assert "<details>\n<summary>Proof, " in text
    assert "\n\n</details>\n" in text
    assert "<details>" not in proof.markdown()


def test_portable_formulas() -> None:
    assert portable(r"\mathbf{a}_{2}\, b_1 \\ x < y") == (
        r"\mathbf{a} _ {2}\thinspace b _ 1 \cr x \lt y")
    assert portable(r"\operatorname{log\_softmax}\left(\mathbf{\_x}\right)") == (
        "\\operatorname{log-softmax}\\left(\\mathbf{\uff3fx}\\right)")
    assert portable(r"\{a\}^* a_{:m:}") == r"\lbrace a\rbrace ^\ast a _ {{:}m{:}}"


def test_prose_is_escaped() -> None:
    assert plain("a_b <c> $x_1$ *d* `e`") == r"a\_b \<c\> $x _ 1$ \*d\* \`e\`"
    assert markdown("softmax").startswith("## About a\\_b, $x _ {1}$ and \\*\n\n")
