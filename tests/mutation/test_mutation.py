"""Faults planted in mathdl are refused: a sample of every kind, and the chosen set on request."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mathdl as md

HERE = Path(__file__).parent
RUN = HERE / "run.py"
REFUSED = ("caught", "error", "crash")
sys.path.insert(0, str(HERE))

import beside  # noqa: E402, F401


def outcomes(tmp_path: Path, *options: str) -> list[dict[str, Any]]:
    """What became of the mutants of a run in a process of its own."""
    out = tmp_path / "outcomes.json"
    done = subprocess.run(
        [sys.executable, str(RUN), "--out", str(out), *options], capture_output=True, text=True)
    assert out.exists(), done.stderr
    found: list[dict[str, Any]] = json.loads(out.read_text())
    assert [o for o in found if o["what"] == "survived"] == []
    return found


def test_a_sample_is_refused(tmp_path: Path) -> None:
    found = outcomes(tmp_path, "--sample", "20", "--cores", "1")
    assert len({o["kind"] for o in found if o["what"] in REFUSED}) >= 8
    assert sum(o["what"] == "caught" for o in found) >= 8


@pytest.mark.exhaustive
def test_every_mutant_is_refused_or_accounted_for(tmp_path: Path) -> None:
    found = outcomes(tmp_path)
    assert sum(o["what"] in REFUSED for o in found) >= 300
    assert [o for o in found if o["wrong"]] == []


def test_what_is_listed_as_equivalent_is_there() -> None:
    """Functions and mutants are those of the source as it is."""
    from equivalent import FUNCTIONS, MUTANTS, UNSEEN
    from syntax import changes

    listed = [(unit, mutant) for unit, mutant in MUTANTS if ".py: " in unit]
    units = [unit for unit in (*FUNCTIONS, *UNSEEN) if ".py: " in unit]
    for unit in (*units, *(unit for unit, _ in listed)):
        path, _, function = unit.partition(": ")
        assert function in changes(path), unit
    for unit, mutant in listed:
        path, _, function = unit.partition(": ")
        assert mutant in {c.name for c in changes(path)[function]}, (unit, mutant)


def test_equal_is_proved_and_unequal_is_not() -> None:
    import equality
    import specimens

    assert "Schwartz" in equality.proved(specimens.derived("squares"))
    for fault in ("sign", "a billionth", "reversed"):
        from ladder_cases import planted

        assert not equality.proved(planted(specimens.derived("squares"), fault))


def test_lines_of_a_document_are_put_together() -> None:
    import readers

    document = "\n".join([
        r"\begin{theorem}", r"Let $x$ and define", r"\begin{align*}",
        r"t &= \bigl( a \\", r"&\qquad {} + b \bigr) \\", r"& \frac{\partial L}{\partial x} \\",
        r"&= \fit{9.0em}{t}", r"\end{align*}", r"\end{theorem}", r"\begin{align*}", "u &= 1",
        r"\end{align*}"])
    assert readers.rows(document).split(" \\\\\n") == [
        "t &= ( a + b )", r"\frac{\partial L}{\partial x} &= t"]


SPOKEN = ("sum(log(x)*y)/sum(z)", {"x": "n", "y": "n", "z": "n"}, {"x": "positive", "y": "one_hot"})


@pytest.mark.parametrize(("before", "after"), [
    (r"$ (positive)", "$"), ("(one hot)", "(binary)"),
    (r"\mathbf{z} \in \mathbb{R}^{n}", r"\mathbf{z} \in \mathbb{R}^{2 \times n}"),
    (r"\mathbb{R}^{n}$ (positive)", r"\mathbb{Z}^{n}$ (positive)"),
    (r"Let $\mathbf{x}", r"Let $\mathbf{w}"),
    (r"& z_{1} \ne 0", r"& z_{3} \ne 0"), (r"\ne 0", "> 0"), (r"The steps hold", "They hold"),
])
def test_altered_prose_is_refused(before: str, after: str) -> None:
    import prose

    text, shapes, assume = SPOKEN
    D = md.derive(md.parse(text, shapes, assume), ["x", "z"])
    arrays = {"x": np.array([0.5, 2, 3]), "y": np.eye(3)[1], "z": np.array([1.5, -0.25, 2])}
    right = D.latex(standalone=True)

    def read(document: str) -> None:
        prose.declarations(D, document, arrays, {"n": 3})
        prose.conditions(D, document, "lecture", arrays, {"n": 3})

    read(right)
    assert before in right
    with pytest.raises(AssertionError):
        read(right.replace(before, after))


def test_letters_of_another_style_are_refused() -> None:
    import readers

    latex = r"\mathbf{W}_{1} \boldsymbol{\beta} \mathbb{R} \mathbf{1}"
    readers._read_letters("𝐖 𝜷 ℝ 𝟏", latex)
    for page in ("W 𝜷 ℝ 𝟏", "𝐖 𝛃 ℝ 𝟏", "𝐖 𝜷 𝐑 𝟏", "𝐖 𝜷 ℝ 1", "𝐖 𝜷 ℝ 𝟏 𝐗 𝑦"):
        with pytest.raises(AssertionError):
            readers._read_letters(page, latex)
