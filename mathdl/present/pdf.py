"""PDF through the installed TeX."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from mathdl.errors import MissingToolError, TypesettingError

SECONDS = 300
SHOWN = 4  # lines of a log that an error quotes
_RERUN = re.compile(r"Rerun to get|There were undefined references|No file \S+\.toc")


def pdflatex() -> str:
    """Where TeX is.

    Raises:
        MissingToolError: there is none; the message says what to install.
    """
    found = shutil.which("pdflatex")
    if found is None:
        raise MissingToolError(
            "PDF needs pdflatex, which is not installed: on Debian and Ubuntu apt-get install "
            "texlive-latex-base texlive-latex-recommended texlive-latex-extra, elsewhere TeX Live "
            "(https://tug.org/texlive); the LaTeX itself needs neither"
        )
    return found


def write_pdf(latex: str, path: str | Path) -> Path:
    """Write a LaTeX document as PDF; return the path.

    Raises:
        MissingToolError: there is no TeX.
        TypesettingError: TeX refuses the document; the message quotes its log.
    """
    target = Path(path)
    if target.is_dir():
        raise TypesettingError(f"{target} is a folder and cannot be written as PDF")
    made, _ = typeset(latex)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(made)
    return target


def typeset(latex: str) -> tuple[bytes, str]:
    """A document as PDF, and the log of the last run."""
    program = pdflatex()
    with tempfile.TemporaryDirectory(prefix="mathdl-") as name:
        folder = Path(name)
        (folder / "document.tex").write_text(latex, encoding="utf-8")
        for _ in range(3):  # until references and contents are as they stand
            log = _run(program, folder)
            if not _RERUN.search(log):
                break
        return (folder / "document.pdf").read_bytes(), log


def _run(program: str, folder: Path) -> str:
    command = [program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape",
               "-file-line-error", "document.tex"]
    wide = {**os.environ, "max_print_line": "10000", "error_line": "254", "half_error_line": "238"}
    try:
        done = subprocess.run(command, cwd=folder, env=wide, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise TypesettingError(f"TeX did not finish in {SECONDS} seconds") from None
    log = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise TypesettingError(f"TeX refuses the document: {_cause(log)}")
    return log


def _cause(log: str) -> str:
    """The lines of a log that say what is wrong."""
    lines = log.splitlines()
    for k, line in enumerate(lines):
        if line.startswith("!") or re.match(r"\S+\.(tex|sty|cls|aux):\d+: ", line):
            return " / ".join(part.strip() for part in lines[k : k + SHOWN] if part.strip())
    return " / ".join(lines[-SHOWN:]) or "it says nothing"


def complaints(log: str) -> list[str]:
    """What a log warns of: warnings and boxes that do not fit."""
    return [line for line in log.splitlines()
            if "Warning" in line or line.startswith(("Overfull", "Underfull"))]
