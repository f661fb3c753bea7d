"""Reports: four forms, read back without evaluating anything, and verified again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from ladder_cases import derived

from mathdl.cli import main
from mathdl.errors import InputError, MathDLError
from mathdl.replay import differences, replay
from mathdl.verify import Report


@pytest.fixture(scope="module")
def report() -> Report:
    return derived("cross-entropy").verify(level="shapes,numeric,exact", points=2, seed=4)


def test_json_reads_back(report: Report) -> None:
    again = Report.from_json(report.to_json())
    assert again.to_json() == report.to_json()
    assert bool(again)
    assert str(again) == str(report)


def test_all_forms_say_the_same(report: Report) -> None:
    for text in (report.text(), report.markdown(), report.html()):
        for check in report.checks:
            assert check.method in text
            assert f"{check.error:.1e}" in text
        assert "verified" in text
        assert "Student" in text  # why the bound
        assert "numpy" in text
    assert "<script" not in report.html()


@pytest.mark.parametrize("name", ["cross-entropy", "recurrence", "mixed", "Cholesky", "gather"])
def test_a_report_is_enough_to_verify_again(name: str) -> None:
    before = derived(name).verify(level="shapes,numeric", points=2, seed=7)
    read = Report.from_json(before.to_json())
    after = replay(read)
    assert differences(before, after) == ()


def test_a_changed_result_is_seen(report: Report) -> None:
    data = json.loads(report.to_json())
    data["checks"][-1]["error"] *= 2
    data["checks"][0]["tried"] += 1
    changed = Report.from_json(json.dumps(data))
    assert len(differences(changed, report)) == 2


@pytest.mark.parametrize("text", [
    "", "{}", "[]", "null", "{\"checks\": 3}", "\x80", "[" * 100_000,
    '{"checks": [{"tensor": "W"}]}',
])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no report"):
        Report.from_json(text)


@pytest.mark.parametrize(
    "expression", ["__import__('os').system('true')", "open('x')", "w.__class__"])
def test_a_hostile_report_evaluates_nothing(report: Report, expression: str) -> None:
    data = json.loads(report.to_json())
    data["request"]["expressions"] = {"": expression}
    with pytest.raises(MathDLError):
        replay(Report.from_json(json.dumps(data)))


SQUARES = ("sum((X @ w - y)**2)", "--shape", "X: n d; w: d; y: n", "--wrt", "w")


def _run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["verify", *arguments], catch_exceptions=False)


def test_the_command_verifies_writes_and_replays(tmp_path: Any) -> None:
    path = tmp_path / "report.json"
    assert _run(*SQUARES, "--level", "shapes,exact", "--format", "json", "--out",
                str(path)).exit_code == 0
    again = _run("--replay", str(path))
    assert again.exit_code == 0, again.output
    assert "SymPy, at random residues" in again.output
    data = json.loads(path.read_text())
    data["checks"][0]["ok"] = False
    path.write_text(json.dumps(data))
    changed = _run("--replay", str(path))
    assert changed.exit_code == 1
    assert "differs from the report" in changed.output


def test_the_command_refuses_bad_input(tmp_path: Any) -> None:
    assert _run(*SQUARES, "--level", "nothing").exit_code == 2
    assert _run("--replay", str(tmp_path / "missing.json")).exit_code == 2
    assert _run("sum(x)").exit_code == 2
