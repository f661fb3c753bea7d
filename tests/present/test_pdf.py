"""Documents compile without a warning and stay inside the margins; what fails says why.

Many documents are set in one run of TeX.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from test_gradients import CASES
from test_proofs import derivations as sampled

import mathdl as md
from mathdl.book import chapters, check, load_book
from mathdl.book.checking import derivation_of
from mathdl.book.pdf import book_latex
from mathdl.cli import main
from mathdl.errors import MissingToolError, TypesettingError
from mathdl.present.latex_document import PREAMBLE, document
from mathdl.present.latex_lines import broken, pieces, width
from mathdl.present.pdf import complaints, typeset, write_pdf

ENTRIES = load_book()
tex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="needs TeX: apt-get install texlive-latex-base "
    "texlive-latex-recommended texlive-latex-extra")


def body(latex: str) -> str:
    return latex.split(r"\begin{document}")[1].split(r"\end{document}")[0]


def compiled(documents: Iterable[str]) -> None:
    pages = "\n\\clearpage\n".join(map(body, documents))
    _, log = typeset(document(PREAMBLE, pages))
    assert complaints(log) == []


@tex
def test_the_book_in_one_run() -> None:
    compiled(derivation_of(entry).proof.latex(standalone=True) for entry in ENTRIES)


@tex
@pytest.mark.exhaustive
def test_the_full_traces_of_the_book() -> None:
    compiled(derivation_of(entry).proof.latex("full", standalone=True) for entry in ENTRIES)


@tex
@pytest.mark.exhaustive
@pytest.mark.parametrize("detail", ["full", "lecture"])
def test_the_worked_cases(detail: str) -> None:
    made = (md.derive(md.parse(c["expr"], c["shapes"], c["constraints"]), c["wrt"], c["order"])
            for c in CASES)
    compiled(derivation.proof.latex(detail, standalone=True) for derivation in made)


MODELS: list[tuple[Any, str, Any, int]] = [
    ({"f": "sum((X @ w - y)**2)/n", "g": "tanh(X @ w)"}, "X: n d; w: d; y: n", "w", 1),
    ("sum((X @ W + b - Y)**2)", "X: n d; W: d c; b: c; Y: n c", ["W", "b"], 2),
    ("sum((X @ w + b - y)**2)", "X: n d; w: d; b:; y: n", [("w", "b")], 1),
    ("tanh(W @ x)", "W: n m; x: m", ["W", "x"], 1),
    ("+".join(f"sum(tanh(X @ W{k} + b{k})*exp(-X @ W{k}))" for k in range(9)),
     "X: n d; " + "; ".join(f"W{k}: d c; b{k}: c" for k in range(9)), ["W1", "b8"], 1),
    ("+".join(f"(a{k} + b{k})*x{k}" for k in range(40)),
     "; ".join(f"a{k}:; b{k}:; x{k}:" for k in range(40)), "x7", 1),
]


@tex
@pytest.mark.parametrize("detail", ["full", "lecture"])
def test_a_document_alone_and_at_first(detail: str) -> None:
    """No second run is needed: nothing refers to what comes later."""
    made = []
    for text, shapes, wrt, order in MODELS:
        expr = ({k: md.parse(t, shapes) for k, t in text.items()} if isinstance(text, dict)
                else md.parse(text, shapes))
        made.append(md.derive(expr, wrt, order))
    documents = [d.proof.latex(detail, standalone=True) for d in (*made, *sampled())]
    compiled(documents)
    assert complaints(typeset(documents[-1])[1]) == []


@tex
def test_a_complaint_is_seen() -> None:
    wide = r"\noindent\rule{1.2\textwidth}{1pt}" + "\n\nText \\ref{nothing}."
    with pytest.raises(AssertionError):
        compiled([rf"\begin{{document}}{wide}\end{{document}}"])


@tex
def test_the_book() -> None:
    entries = [e for e in ENTRIES if e.name in ("softmax_jacobian", "relu", "inverse_form")]
    outcomes = {entry.name: check(entry) for entry in entries}
    made, log = typeset(book_latex(chapters(), entries, outcomes))
    assert made.startswith(b"%PDF")
    assert complaints(log) == []


@tex
def test_the_command_line(tmp_path: Path) -> None:
    asked = ["derive", "sum(x**2)", "--shape", "x: n", "--wrt", "x", "--format", "pdf"]
    refused = CliRunner().invoke(main, asked, standalone_mode=False)
    assert "--out" in str(refused.exception)
    target = tmp_path / "proof.pdf"
    done = CliRunner().invoke(main, [*asked, "--out", str(target)], standalone_mode=False)
    assert done.exception is None
    assert target.read_bytes().startswith(b"%PDF")


@tex
def test_what_tex_refuses_is_quoted(tmp_path: Path) -> None:
    wrong = document(PREAMBLE, r"\section{One}", r"$\nonsense$")
    with pytest.raises(TypesettingError, match=r"Undefined control sequence.*nonsense"):
        write_pdf(wrong, tmp_path / "wrong.pdf")
    assert not (tmp_path / "wrong.pdf").exists()


def test_without_tex_the_packages_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    derivation = md.derive(md.parse("sum(x**2)", "x: n"), "x")
    with pytest.raises(MissingToolError, match=r"texlive-latex-base.*TeX Live"):
        derivation.pdf(tmp_path / "proof.pdf")


# -- lines -------------------------------------------------------------------------------------

LONG = [
    r"\mathbf{A} + \left(\mathbf{B} \odot \left(\mathbf{C} - \mathbf{D}\right)\right) \mathbf{E}",
    r"\log\left(\frac{a + b}{c} + \sum_{i=0}^{n - 1} x_{i}\right) - \left\lVert \mathbf{x} - "
    r"\mathbf{y} \right\rVert_2^{3} + \frac{1}{2} \left|z + w\right|",
    r"\begin{cases} \mathbf{x} + \mathbf{y} & \mathbf{x} > 0 \\ 0 & \text{otherwise} \end{cases} "
    r"+ \mathbf{x}, \quad 0 \le t < T",
]


@pytest.mark.parametrize("latex", LONG)
@pytest.mark.parametrize("room", [8, 12, 20, 60])
def test_lines_have_all_that_the_formula_has(latex: str, room: float) -> None:
    joined = " ".join(broken(latex, room))
    restored = re.sub(r"\\(?:big|bigg)([lr])", lambda m: {"l": r"\left", "r": r"\right"}[m[1]],
                      joined.replace("{} ", ""))
    assert [p.text for p in pieces(restored)] == [p.text for p in pieces(latex)]


def test_a_line_is_broken_outside_of_brackets() -> None:
    left, right = r"\mathbf{A} \mathbf{B} \mathbf{C}", r"\left(\mathbf{B} - \mathbf{C}\right)"
    first, second = broken(f"{left} + {right}", 7)
    assert (first, second.replace(" ", "")) == (left, f"{{}}+{right}".replace(" ", ""))
    assert max(map(width, broken(LONG[0], 9))) <= 9


def test_brackets_on_two_lines_have_one_size() -> None:
    assert broken(r"\left(\mathbf{A} + \mathbf{B}\right)", 3.5) == [
        r"\bigl( \mathbf{A}", r"{} + \mathbf{B} \bigr)"]
