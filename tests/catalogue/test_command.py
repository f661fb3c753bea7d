"""``mathdl catalogue``: the list, one entry, the page, and what fails."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import mathdl as md
from mathdl.book.catalogue import check_listed, described, write_catalogue
from mathdl.catalogue import Instance, entries, entry_named
from mathdl.cli import main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["catalogue", *arguments])


def test_the_list_has_every_name_and_derives_nothing() -> None:
    shown = run("--list")
    assert shown.exit_code == 0
    listed = {line.split()[0] for line in shown.output.splitlines() if line.startswith("  ")}
    assert listed == set(entries())


def test_one_entry() -> None:
    shown = run("sigmoid", "--processes", "1")
    assert shown.exit_code == 0, shown.output
    for part in ("ok  sigmoid", r"\frac{1}{1 + e^{-x}}", "dL/dx = ", "(0, 1)", "1/4", "eq. 3.30",
                 "verified: numeric", "1 of 1 entries verified"):
        assert part in shown.output


def test_an_unknown_name() -> None:
    shown = run("dens")
    assert shown.exit_code == 2
    assert "did you mean dense" in shown.output


def test_the_page(tmp_path: Path) -> None:
    pytest.importorskip("latex2mathml")
    shown = run("dense", "relu", "--out", str(tmp_path))
    assert shown.exit_code == 0, shown.output
    text = (tmp_path / "index.html").read_text("utf-8")
    for part in ('id="dense"', 'id="relu"', "<math", "2 of 2 are accepted", "verified",
                 "<code>x @ W + b</code>", "eq. 6.40", "Lipschitz constant"):
        assert part in text
    assert "http" not in text.replace("http://www.w3.org/1998/Math/MathML", "")


def test_every_law_can_be_set() -> None:
    pytest.importorskip("latex2mathml")
    from mathdl.present.mathml import formula

    for one in entries().values():
        assert "<math" in formula(one.law), one.name


def test_what_fails_is_said(tmp_path: Path) -> None:
    pytest.importorskip("latex2mathml")
    dense = entry_named("dense")

    def broken(layer: object) -> Instance:
        raise md.ShapeError("no such shape")

    wrong = replace(dense, example=broken, law=r"\undefined{")
    outcome = check_listed(wrong)
    assert not outcome
    assert "FAILED  dense" in described(wrong, outcome, in_full=True)
    path, problems = write_catalogue(tmp_path, [wrong], {"dense": outcome})
    assert list(problems) == ["dense"]
    assert "no such shape" in path.read_text("utf-8")


def test_an_entry_is_sent_to_processes_by_its_name() -> None:
    dense = entry_named("dense")
    assert pickle.loads(pickle.dumps(dense)) is dense
