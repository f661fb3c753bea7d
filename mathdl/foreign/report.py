"""What the check of a foreign gradient found: the table, and for a refusal its likely cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mathdl.verify.noise import Array
from mathdl.verify.report import Report


@dataclass(frozen=True)
class Diagnosis:
    """The likely mistake in one derivative.

    tensor
        By what the derivative is; empty when it is the function itself that is mistaken.
    mistake
        Its kind, one word or two: ``sign``, ``factor``, ``transposed``, ``missing term`` ...
    text
        What is wrong and what would be right, in a sentence.
    evidence
        On what this rests: at which sizes the corrected derivative agreed.
    """

    tensor: str
    mistake: str
    text: str
    evidence: str

    @property
    def place(self) -> str:
        """What is mistaken: a derivative, or the function."""
        return f"the derivative by {self.tensor}" if self.tensor else "the function"

    def __str__(self) -> str:
        return f"{self.mistake}: {self.text} ({self.evidence})"


@dataclass(frozen=True)
class GradientReport(Report):
    """A report on derivatives that somebody wrote; true when each was compared and none refused.

    ``diagnoses`` has the likely mistake of every derivative that was refused, ``at`` the inputs
    of the first refusal, for ``check_gradient(..., at=report.at)``.
    """

    diagnoses: tuple[Diagnosis, ...] = ()
    at: Mapping[str, Array] = field(default_factory=dict, repr=False, compare=False)

    @property
    def _remarks(self) -> list[str]:
        return [*(f"likely mistake in {d.place}: {d}" for d in self.diagnoses), *super()._remarks]

    def to_dict(self) -> dict[str, Any]:
        found = super().to_dict()
        found["diagnoses"] = [asdict(d) for d in self.diagnoses]
        found["at"] = {name: a.tolist() for name, a in self.at.items()}
        return found
