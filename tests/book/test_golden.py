"""Each derivation's LaTeX against the golden file; ``python tests/book/refresh.py`` accepts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mathdl.book import Entry, load_book
from mathdl.book.checking import derivation_of

GOLDEN = Path(__file__).resolve().parent / "golden"
ENTRIES = load_book()

REVERSED = """
import json, sys
from mathdl.book import load_book
from mathdl.book.checking import derivation_of
json.dump({e.name: derivation_of(e).latex() for e in reversed(load_book())}, sys.stdout)
"""


@pytest.mark.exhaustive
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
def test_latex_is_the_golden_one(entry: Entry) -> None:
    golden = (GOLDEN / f"{entry.name}.tex").read_text("utf-8")
    assert derivation_of(entry).latex() + "\n" == golden


@pytest.mark.exhaustive
def test_every_golden_file_is_of_a_derivation() -> None:
    assert {path.stem for path in GOLDEN.glob("*.tex")} == {entry.name for entry in ENTRIES}


@pytest.mark.exhaustive
def test_what_was_derived_before_does_not_matter() -> None:
    """The last derived first, in a process of another hash seed."""
    done = subprocess.run(
        [sys.executable, "-c", REVERSED], check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONHASHSEED": "11"},
    )
    found = {name: f"{latex}\n" for name, latex in json.loads(done.stdout).items()}
    golden = {name: (GOLDEN / f"{name}.tex").read_text("utf-8") for name in found}
    assert [name for name in found if found[name] != golden[name]] == []
