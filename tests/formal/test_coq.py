"""Coq itself: what is said where it is missing, the cache, the command line, and coqchk."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from certified import SAMPLE, derivation
from click.testing import CliRunner

import mathdl as md
from mathdl.cli import main
from mathdl.formal import coqc

SQUARES = ["certify", "sum((X@w - y)**2)/n", "--shape", "X: n d; w: d; y: n", "--wrt", "w"]
needs_coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")


@pytest.fixture
def no_coq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    coqc.coq_version.cache_clear()


@pytest.mark.usefixtures("no_coq")
def test_without_coq_the_error_names_the_packages() -> None:
    with pytest.raises(md.MissingToolError, match="packages coq and libcoq-coquelicot") as found:
        derivation("least squares").certificate().check()
    assert "opam install coq coq-coquelicot" in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.usefixtures("no_coq")
def test_without_coq_the_file_is_written_all_the_same() -> None:
    done = CliRunner().invoke(main, SQUARES)
    assert done.exit_code == 0
    assert "Theorem gradient_w" in done.output
    checked = CliRunner().invoke(main, [*SQUARES, "--check"])
    assert checked.exit_code != 0
    assert "libcoq-coquelicot" in checked.output


@needs_coq
def test_the_cache_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    coqc.coq_version.cache_clear()
    monkeypatch.setattr(coqc, "FILES", coqc.FILES[:2])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "new"))
    folder = coqc.library()
    assert folder.is_relative_to(tmp_path)
    assert {p.stem for p in folder.glob("*.vo")} == set(coqc.FILES)
    assert not [p for p in folder.parent.iterdir() if p.name.startswith(".")]
    made = (folder / "Derivatives.vo").stat().st_mtime_ns
    assert coqc.library() == folder
    assert (folder / "Derivatives.vo").stat().st_mtime_ns == made


@needs_coq
def test_the_exit_status_is_0_only_when_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(main, [*SQUARES, "--check"])
    assert done.exit_code == 0
    assert "accepted by Coq" in done.output
    wrong = derivation("least squares").certificate().source.replace(
        "(fun i0 => ", "(fun i0 => 2 * ", 1)
    monkeypatch.setattr(md.formal.Certificate, "source", wrong)
    done = CliRunner().invoke(main, [*SQUARES, "--check"])
    assert done.exit_code == 1
    assert "refused by Coq" in done.output
    assert "gradient_w" in done.output


@needs_coq
def test_what_is_not_on_the_whitelist_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = derivation("least squares").certificate()
    source = certificate.source.replace(
        "Definition theorems := (gradient_w)",
        "Axiom wish : 0 = 1.\nDefinition theorems := (wish, gradient_w)")
    monkeypatch.setattr(md.formal.Certificate, "source", source)
    accepted = certificate.check()
    assert accepted.accepted
    assert accepted.foreign == ("wish",)
    assert not accepted


@needs_coq
@pytest.mark.exhaustive
def test_coqchk(tmp_path: Path) -> None:
    """The independent checker reads the compiled sample."""
    for name in SAMPLE:
        file = "_".join(name.split()).replace("-", "_")
        derivation(name).certificate().save(tmp_path / f"{file}.v")
        assert coqc.run(coqc.library(), f"{file}.v", tmp_path).returncode == 0
    names = [p.stem for p in tmp_path.glob("*.vo")]
    assert len(names) == len(SAMPLE)
    done = subprocess.run(
        ["coqchk", "-silent", "-Q", str(coqc.library()), "Mathdl", "-norec", "Mathdl.Tactics",
         *(w for n in names for w in ("-norec", n))],
        cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
