"""The formal rung: a certificate that a proof checker accepts, for all sizes."""

from __future__ import annotations

from mathdl.verify.rung import Effort, Found, NotApplicable, Rung
from mathdl.verify.subject import Subject


def climb(subject: Subject, effort: Effort) -> Found:
    """Refused: there is no certificate yet."""
    raise NotApplicable(
        "a formal proof needs the steps written as a certificate and a proof checker that reads "
        "it, and mathdl has neither yet"
    )


RUNG = Rung("formal", "a proof checker accepts the derivation for all sizes", climb)
