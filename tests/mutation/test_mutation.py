"""Faults planted in mathdl are refused: a sample of every kind, and all of them on request."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUN = Path(__file__).with_name("run.py")
REFUSED = ("caught", "error", "crash")


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
def test_every_mutant_is_refused(tmp_path: Path) -> None:
    found = outcomes(tmp_path)
    assert sum(o["what"] in REFUSED for o in found) >= 300
