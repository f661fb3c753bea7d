"""The book: its files, how they are checked, what is written, and the command."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import mathdl.book
from mathdl.book import (
    Entry,
    Outcome,
    chapters,
    check,
    chosen,
    load_book,
    read_entry,
    run,
    write_book,
)
from mathdl.book.size import statements
from mathdl.cli import main
from mathdl.errors import InputError, MissingExtraError, NamingError, UnsupportedError
from mathdl.present.mathml import formula, mathml, paragraph

BOOK = load_book()
SAMPLE = ("least_squares", "bp4_weights", "softmax_cross_entropy", "embedding", "inverse_form",
          "matrix_factorisation_hessian", "kl_of_gaussians")
LONGEST_RUN = 180  # seconds


def entry(name: str) -> Entry:
    return chosen(BOOK, name)


# -- the files -------------------------------------------------------------------------------


def test_there_are_enough() -> None:
    assert len(BOOK) >= 60


def test_every_chapter_has_derivations() -> None:
    counted = Counter(e.chapter for e in BOOK)
    assert all(counted[chapter.name] >= 5 for chapter in chapters()), counted


@pytest.mark.parametrize("what", ["name", "title", "statement"])
def test_nothing_stands_twice(what: str) -> None:
    found = Counter(getattr(e, what) for e in BOOK)
    assert not [value for value, count in found.items() if count > 1]


@pytest.mark.parametrize("one", BOOK, ids=lambda e: e.name)
def test_a_file_reads_well(one: Entry) -> None:
    """One sentence, two sentences, and a form for each derivative that parses."""
    assert one.statement.endswith(".")
    prose = re.sub(r"\$[^$]*\$", "x", one.motivation)
    assert len(re.findall(r"[.?!](?:\s|$)", prose)) == 2
    assert all(statements(text)[-1][0] == "" for text in one.textbook.values())
    assert paragraph(one.statement)


GOOD = """
title = "A square"
statement = 'The derivative of $x^2$ is $2x$.'
motivation = "One sentence. Another one."
references = [{source = "A book", place = "section 1"}]
expr = "sum(x**2)"
shapes = "x: n"
wrt = ["x"]
textbook = {x = "2*x"}
"""


def written(folder: Path, text: str, name: str = "calculus/square") -> Path:
    path = folder / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    (folder / "chapters.toml").write_text(
        '[[chapter]]\nname = "calculus"\ntitle = "Calculus"\nsummary = "Slopes."\n'
        '[[chapter]]\nname = "other"\ntitle = "Other"\nsummary = "The rest."\n'
    )
    return path


def test_a_good_file(tmp_path: Path) -> None:
    one = read_entry(written(tmp_path, GOOD))
    assert (one.name, one.chapter, one.order, one.wrt) == ("square", "calculus", 1, ("x",))
    assert check(one)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('expr = "sum(x**2)"', "", "the key 'expr' is missing"),
        ("textbook =", "textbok =", "the key 'textbook' is missing"),
        ("wrt =", 'assum = "x: positive"\nwrt =', "unknown key 'assum'; did you mean 'assume'"),
        ('["x"]', '"x"', 'wrt is a list of names, such as ["W", "b"]'),
        ('["x"]', '["x", "x"]', "a name stands twice in wrt"),
        ('"A square"', '" "', "title is a text that is not empty"),
        ("wrt =", "order = 0\nwrt =", "order is a positive integer, not 0"),
        ("wrt =", "order = true\nwrt =", "order is a positive integer, not True"),
        ("wrt =", 'position = "1"\nwrt =', "position is a positive integer, not '1'"),
        ('{x = "2*x"}', "{}", "textbook has a text for each derivative"),
        ('{x = "2*x"}', "{x = 2}", "textbook has a text for each derivative"),
        (', place = "section 1"', "", "a reference is {source, place} of two texts"),
        ('[{source = "A book", place = "section 1"}]', "[]", "references is a list with at least"),
        ("$2x$", "$2x", "statement has a dollar without its partner"),
        ('"x: n"', '"x: n', "not TOML"),
    ],
)
def test_a_bad_file_is_one_named_line(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(InputError) as caught:
        read_entry(path)
    shown = str(caught.value)
    assert shown.startswith("calculus/square.toml: ")
    assert message in shown
    assert "\n" not in shown


def test_names_and_chapters_of_a_folder(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    assert [e.name for e in load_book(tmp_path)] == ["square"]
    written(tmp_path, GOOD, "other/square")
    with pytest.raises(NamingError, match=r"other/square\.toml: the name is taken by calculus/"):
        load_book(tmp_path)
    (tmp_path / "other/square.toml").unlink()
    written(tmp_path, GOOD, "elsewhere/cube")
    with pytest.raises(NamingError, match="no chapter 'elsewhere'; there are: calculus, other"):
        load_book(tmp_path)


def test_the_order_is_that_of_chapters_and_positions(tmp_path: Path) -> None:
    for name, position in (("other/a", 1), ("calculus/c", 2), ("calculus/b", 9)):
        written(tmp_path, f"position = {position}\n{GOOD}", name)
    assert [e.name for e in load_book(tmp_path)] == ["c", "b", "a"]


def test_near_names_are_suggested() -> None:
    with pytest.raises(NamingError, match="did you mean softmax_jacobian"):
        entry("softmax_jacobin")


# -- the checks --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLE)
def test_a_derivation_is_accepted(name: str) -> None:
    outcome = check(entry(name))
    assert outcome, outcome.failures
    assert outcome.tried > 0
    assert all(form.instances >= 4 and form.error <= 1e-8 for form in outcome.forms)
    assert [form.key for form in outcome.forms] == list(entry(name).textbook)


@pytest.mark.parametrize(
    ("name", "key", "wrong"),
    [
        ("quadratic_form", "x", "(A + A) @ x"),  # a lost transpose
        ("inverse_form", "X", "-inv(X) @ outer(a, b) @ inv(X).T"),
        ("trace_square", "X", "2*X"),
        ("least_squares", "w", "X.T @ (X @ w - y)"),  # a factor
        ("softmax_cross_entropy", "W", "X.T @ (P - Y)"),
        ("least_squares", "w", "2*X.T @ (y - X @ w)"),  # a sign
        ("determinant", "X", "-det(X)*inv(X).T"),
        ("layer_norm", "X", "D = G*gamma; (D - mean(D, axis=1, keepdims=True))/s"),  # a term
        ("attention", "Q", "A*(G @ V.T) @ K/sqrt(d)"),
        ("through_time", "U", "((1 - h**2)*G).T @ X"),  # the recurrence
        ("embedding", "E", "dE[w<v, j<d] = sum[t<n](where(ids[t] == w, 1, 0)*G[0, j]); dE"),
    ],
)
def test_a_wrong_textbook_form_is_refused(name: str, key: str, wrong: str) -> None:
    one = entry(name)
    outcome = check(replace(one, textbook={**one.textbook, key: wrong}))
    assert not outcome
    assert any(f.startswith(f"wrt {key}: differs from the textbook form by")
               for f in outcome.failures)


SQUARE = Entry(
    "square", "calculus", "A square", "", "", (), "sum(x**2)", "x: n", ("x",), {"x": "2*x"}
)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"textbook": {"y": "2*x"}}, "the derivatives are x, the textbook forms y"),
        ({"textbook": {"x": "2*sum(x)"}}, "the derivative wrt x has the shape"),
        ({"textbook": {"x": "2*z"}}, "in the textbook form of x"),
        ({"textbook": {"x": "log(-x**2)"}}, "no instance at which the textbook form is finite"),
        ({"expr": "sum(softmax(x))", "textbook": {"x": "0*x"}}, "vanishes at every instance"),
        ({"expr": "sum(x**2"}, "column 4: '(' is not closed, in expr"),
        ({"expr": "z = x**2; sum(z)", "textbook": {"x": "z = 2*x; z"}}, "in the textbook form"),
        ({"wrt": ("z",), "textbook": {"z": "1"}}, "z"),
    ],
)
def test_what_goes_wrong_is_a_line(changed: dict[str, Any], message: str) -> None:
    outcome = check(replace(SQUARE, **changed))
    assert not outcome
    assert message in "; ".join(outcome.failures)
    assert not any("\n" in failure for failure in outcome.failures)


def test_a_defined_name_may_be_the_variable() -> None:
    outcome = check(replace(SQUARE, expr="z = 3*x; sum(z**2)", wrt=("z",), textbook={"z": "2*z"}))
    assert outcome, outcome.failures


def test_text_that_does_not_read_back_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, message in (("2*y", "cannot be read back"), ("3*x", "as text read back differs")):
        monkeypatch.setattr("mathdl.book.checking.to_text", lambda *_, text=text: text)
        assert message in "; ".join(check(SQUARE).failures)


# -- the page ----------------------------------------------------------------------------------


class Assets(HTMLParser):
    """What a page would fetch, and its anchors."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "srcset", "data", "action") or (tag == "link" and name == "href"):
                self.fetched.append(f"{tag} {value}")
            if name == "id":
                self.ids.append(value or "")
            if tag == "a" and name == "href":
                self.links.append(value or "")


def made(tmp_path: Path, names: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    entries = [entry(name) for name in names]
    outcomes = {outcome.name: outcome for outcome in run(entries, processes=1)}
    path, problems = write_book(tmp_path / "new" / "book", chapters(), entries, outcomes)
    return path.read_text("utf-8"), problems


def test_the_page_stands_alone(tmp_path: Path) -> None:
    text, problems = made(tmp_path, SAMPLE[:3])
    found = Assets()
    found.feed(text)
    assert not problems
    assert not found.fetched
    assert "@import" not in text
    assert "url(" not in text
    assert not re.findall(r"https?://(?!www\.w3\.org/1998/Math/MathML)", text)
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert all(link.startswith("#") for link in found.links)
    assert set(SAMPLE[:3]) <= set(found.ids)


def test_the_page_says_what_the_files_say(tmp_path: Path) -> None:
    text, _ = made(tmp_path, ("bp4_weights",))
    assert "Nielsen, Neural Networks and Deep Learning, chapter 2, eq. BP4" in text
    assert "<math" in text
    assert "prefers-color-scheme: dark" in text
    assert "delta1 = (W2.T @ delta2)*a1*(1 - a1)" in text
    assert "entry by entry" in text
    assert "$" not in re.sub(r"<script>.*</script>", "", text, flags=re.S)


def test_a_failure_is_shown(tmp_path: Path) -> None:
    one = replace(entry("least_squares"), textbook={"w": "X.T @ (X @ w - y)"})
    outcome = check(one)
    path, _ = write_book(tmp_path, chapters(), [one], {one.name: outcome})
    text = path.read_text("utf-8")
    assert '<span class="badge bad">failed</span>' in text
    assert "0 of 1 are accepted" in text
    assert "differs from the textbook form" in text


def test_latex_that_cannot_be_set_is_shown_and_reported(tmp_path: Path) -> None:
    outcome = Outcome("least_squares", latex="$$\nx_{1}_{2} < 3\n$$")
    one = entry("least_squares")
    path, problems = write_book(tmp_path, chapters(), [one], {one.name: outcome})
    assert "latex2mathml cannot read" in problems["least_squares"]
    assert "x_{1}_{2} &lt; 3" in path.read_text("utf-8")


def test_rows_and_bold_letters() -> None:
    row = formula("$$\n\\begin{aligned}\na &= \\mathbf{1} \\\\\nb &= \\boldsymbol{\\gamma}\n"
                  "\\end{aligned}\n$$")
    assert row.count("<tr>") == 2
    assert "\U0001d7cf" in row
    assert "\U0001d738" in row
    assert "&amp;" not in row
    assert "mathvariant=\"bold" not in row
    assert mathml(r"\mathbb R \mathcal N \mathcal L").count("mathvariant") == 0
    assert ">log</mo>" in mathml(r"\log p")
    assert "log_softmax" in mathml(r"\operatorname{log\_softmax}(x)")
    with pytest.raises(UnsupportedError, match="cannot read"):
        mathml("x_1_2")


def test_without_the_library_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    with pytest.raises(MissingExtraError, match=r'pip install "mathdl\[html\]"'):
        mathml("x")


# -- the command -------------------------------------------------------------------------------


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["book", *arguments])


def test_the_command_lists() -> None:
    found = invoke("--list")
    assert found.exit_code == 0
    assert all(e.name in found.stdout for e in BOOK)
    assert all(chapter.title in found.stdout for chapter in chapters())


def test_the_command_checks_those_named(tmp_path: Path) -> None:
    found = invoke("least_squares", "softplus", "--processes", "2", "--out", str(tmp_path / "b"))
    assert found.exit_code == 0, found.output
    assert "dL/dw = 2*X.T @ (X @ w - y)" in found.stdout
    assert "2 of 2 derivations accepted" in found.stdout
    assert "verified: numeric" in found.stdout
    assert (tmp_path / "b" / "index.html").is_file()


def test_a_failure_is_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(entry("least_squares"), textbook={"w": "X.T @ (X @ w - y)"})
    monkeypatch.setattr(mathdl.book, "load_book", lambda: (wrong, entry("softplus")))
    found = invoke("--processes", "1")
    assert found.exit_code == 1
    assert "FAILED  least_squares" in found.stdout
    assert "1 of 2 derivations accepted" in found.stdout
    assert "error: 1 of 2 failed: least_squares" in found.stderr


def test_an_unknown_name_is_status_2() -> None:
    found = invoke("least_square")
    assert found.exit_code == 2
    assert found.stderr.startswith("error: no derivation 'least_square' in the book")
    assert found.stderr.count("\n") == 1


# -- all of it ---------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_the_whole_book(tmp_path: Path) -> None:
    started = time.perf_counter()
    outcomes = {outcome.name: outcome for outcome in run(BOOK)}
    _, problems = write_book(tmp_path, chapters(), BOOK, outcomes)
    assert time.perf_counter() - started < LONGEST_RUN
    assert not {name: o.failures for name, o in outcomes.items() if not o}
    assert not problems
    assert set(outcomes) == {e.name for e in BOOK}


@pytest.mark.exhaustive
@pytest.mark.parametrize("one", BOOK, ids=lambda e: e.name)
def test_no_result_is_much_longer_than_the_textbook(one: Entry) -> None:
    """Not beyond 1.3 times, or the ratio noted in ``longer.json``, which may only shrink."""
    known = json.loads((Path(__file__).parent / "book" / "longer.json").read_text("utf-8"))
    long = [f"{f.text} ({f.ours}), textbook {f.textbook} ({f.theirs})"
            for f in check(one).forms
            if f.is_long and f.ours > known.get(one.name, 0) * max(f.theirs, 1) + 0.01]
    assert not long
