"""Certificates: a derivation written as a Coq file, and what Coq says of it."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mathdl._version import __version__
from mathdl.formal.coqc import assumptions, coq_version, library, run
from mathdl.formal.emit import Emitted, emit
from mathdl.formal.statement import Statements
from mathdl.proof.proof import Proof

#: The axioms of Coq's real numbers, of extensional functions and of classical logic.
WHITELIST = frozenset({
    "ClassicalDedekindReals.sig_not_dec", "ClassicalDedekindReals.sig_forall_dec",
    "FunctionalExtensionality.functional_extensionality_dep", "Classical_Prop.classic",
})


@dataclass(frozen=True)
class Accepted:
    """What Coq said of a certificate; true when it accepted every theorem and nothing beyond
    the axioms of its real numbers was assumed.

    accepted, seconds
        Whether Coq read the whole file, and how long that took.
    assumptions, foreign
        The axioms that Coq prints for the theorems, and those of them not on the whitelist.
    refused
        Which step Coq refused, and its message; empty when it accepted.
    """

    accepted: bool
    seconds: float
    assumptions: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    refused: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.accepted and not self.foreign

    def __str__(self) -> str:
        coq = f"Coq {self.versions.get('coq', '')}".strip()
        if not self.accepted:
            return f"refused by {coq} ({self.seconds:.2f} s): {self.refused}"
        lines = [f"{'accepted' if self else 'NOT TRUSTED'} by {coq} in {self.seconds:.2f} s"]
        lines += [f"assumes {a}" for a in self.assumptions]
        lines += [f"not on the whitelist: {a}" for a in self.foreign]
        return "\n  ".join(lines)

    def to_dict(self) -> dict[str, Any]:
        return {"verified": bool(self), **asdict(self)}

    def to_json(self, indent: int | None = 2) -> str:
        return json.dumps(self.to_dict(), indent=indent)


@dataclass(frozen=True)
class Certificate:
    """A Coq file that proves a derivation right for all dims, and its check.

    What is trusted: Coq's kernel, its axioms for the reals, and the printer of the statement
    (the expression, the gradient and the hypotheses).  Reals are not floats: what the generated
    code computes is what the numeric rungs of verification are about.
    """

    proof: Proof = field(repr=False)

    @cached_property
    def _emitted(self) -> Emitted:
        return emit(self.proof)

    @property
    def source(self) -> str:
        """The file; it needs the library that comes with mathdl."""
        return self._emitted.source

    @property
    def statement(self) -> Statements:
        """The theorems alone, with the hypotheses and the definitions that they read."""
        return self._emitted.statement

    def save(self, path: str | Path) -> Path:
        """Write the file."""
        path = Path(path)
        path.write_text(self.source, encoding="utf-8")
        return path

    def check(self, timeout: float | None = 120.0) -> Accepted:
        """Have Coq read the file.

        Raises:
            MissingToolError: Coq or Coquelicot is not installed.
            CertificateError: Coq refuses the library.
        """
        folder = library()
        source = self.source
        versions = {"mathdl": __version__, "coq": coq_version()}
        with tempfile.TemporaryDirectory(prefix="mathdl-") as name:
            path = Path(name) / "certificate.v"
            path.write_text(source, encoding="utf-8")
            started = time.perf_counter()
            try:
                done = run(folder, path.name, path.parent, timeout)
            except subprocess.TimeoutExpired:
                return Accepted(False, time.perf_counter() - started, versions=versions,
                                refused=f"not finished within {timeout:g} s")
            seconds = time.perf_counter() - started
        if done.returncode:
            return Accepted(False, seconds, refused=_refused(source, done.stderr),
                            versions=versions)
        found = assumptions(done.stdout)
        foreign = tuple(a for a in found if a not in WHITELIST)
        return Accepted(True, seconds, found, foreign, versions=versions)


def _refused(source: str, message: str) -> str:
    """The statement at which Coq stopped, and what it said first."""
    line = re.search(r"line (\d+)", message)
    said = next((m.strip() for m in message.split("Error:")[1:] if m.strip()), message.strip())
    said = " ".join(said.split())[:200]
    if line is None:
        return said
    above = source.splitlines()[: int(line[1])]
    for k in range(len(above) - 1, -1, -1):
        found = re.match(r"(Lemma|Theorem|Definition|Hypothesis) (\w+)", above[k])
        if found:
            note = re.match(r"\(\* (.*) \*\)$", above[k - 1]) if k else None
            what = f"{found[2]} ({note[1]})" if note else found[2]
            return f"{what}: {said}"
    return said
