"""Coq itself: where it is, its version, and the library compiled once for it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path

from mathdl.errors import CertificateError, MissingToolError
from mathdl.formal.functions import definitions, laws

#: The library's files, each after those that it needs.
FILES = ("Sums", "Derivatives", "Primitives", "Functions", "Scalars", "Extremes", "Determinants",
         "Matrices", "Cholesky", "Tactics", "Laws")
GENERATED = {"Functions": definitions, "Laws": laws}
MISSING = (
    "certificates are checked by Coq with Coquelicot, and {} was not found: install the Debian "
    "packages coq and libcoq-coquelicot, or with opam: opam repo add coq-released "
    "https://coq.inria.fr/opam/released && opam install coq coq-coquelicot"
)


@lru_cache(maxsize=1)
def coq_version() -> str:
    """Coq's version.

    Raises:
        MissingToolError: there is no ``coqc``.
    """
    if shutil.which("coqc") is None:
        raise MissingToolError(MISSING.format("coqc"))
    found = subprocess.run(["coqc", "--print-version"], capture_output=True, text=True, check=True)
    return found.stdout.split()[0]


def sources() -> dict[str, str]:
    """The library's files by name."""
    folder = resources.files("mathdl.formal") / "library"
    return {name: GENERATED[name]() if name in GENERATED
            else (folder / f"{name}.v").read_text(encoding="utf-8") for name in FILES}


def cache_folder() -> Path:
    """Where the compiled library is kept: ``$XDG_CACHE_HOME/mathdl``, or ``~/.cache/mathdl``."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    digest = hashlib.sha256("".join(sources().values()).encode()).hexdigest()[:16]
    return Path(root) / "mathdl" / f"coq-{coq_version()}-{digest}"


def library() -> Path:
    """The folder with the compiled library; compiled first where it is not there yet.

    Raises:
        MissingToolError: there is no Coq or no Coquelicot.
        CertificateError: Coq refuses the library.
    """
    folder = cache_folder()
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".coq-", dir=folder.parent))
    try:
        for name, text in sources().items():
            (made / f"{name}.v").write_text(text, encoding="utf-8")
            done = run(made, f"{name}.v", made)
            if done.returncode:
                if "Coquelicot" in done.stderr and "Cannot find" in done.stderr:
                    raise MissingToolError(MISSING.format("Coquelicot"))
                raise CertificateError(f"Coq refuses the library's {name}.v: {done.stderr.strip()}")
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # somebody else was faster
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def run(
    library_folder: Path, file: str | Path, cwd: Path, timeout: float | None = None,
    program: Sequence[str] = ("coqc", "-w", "none"),
) -> subprocess.CompletedProcess[str]:
    """Coq on one file, with the library as ``Mathdl``; its memory is collected seldom."""
    collector = {"OCAMLRUNPARAM": "s=8M,o=10000"}
    return subprocess.run(
        [*program, "-Q", str(library_folder), "Mathdl", str(file)],
        cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False,
        env=collector | os.environ,
    )


def assumptions(output: str) -> tuple[str, ...]:
    """The axioms that ``Print Assumptions`` lists."""
    found: dict[str, None] = {}
    listing = False
    for line in output.splitlines():
        if line.startswith("Axioms:"):
            listing = True
        elif listing and (m := re.match(r"([A-Za-z_][\w.']*)\s*:", line)):
            found[m[1]] = None
        elif listing and re.match(r"[A-Za-z_][\w.']*$", line):
            found[line.strip()] = None
        elif line and not line[0].isspace():
            listing = False
    return tuple(found)
