"""The formal rung: a certificate that Coq accepts, for all sizes."""

from __future__ import annotations

import math

from mathdl.errors import MissingToolError, UnsupportedError
from mathdl.verify.report import Check
from mathdl.verify.rung import Effort, Found, NotApplicable, Rung
from mathdl.verify.subject import Proved, Subject

METHOD = "theorem checked by Coq"
WHY = "a theorem for all sizes and inputs under its hypotheses, over the reals: nothing is rounded"


def climb(subject: Subject, effort: Effort) -> Found:
    """Write the derivation as a Coq file and have it checked."""
    if not isinstance(subject, Proved):
        raise NotApplicable("there is no derivation, hence no proof")
    from mathdl.formal import Certificate

    certificate = Certificate(subject.proof)
    try:
        accepted = certificate.check()
    except (UnsupportedError, MissingToolError) as error:
        raise NotApplicable(str(error)) from error
    quantities = tuple((claim.key, "gradient") for claim in subject.proof.claims)
    detail = "" if accepted else accepted.refused or ", ".join(accepted.foreign)
    checks = tuple(
        Check(key, quantity, METHOD, 1, 1, 0, 0, 0.0 if accepted else math.inf, 0.0, None,
              math.nan, math.nan, {}, effort.seed, "all", bool(accepted), detail, "formal", WHY)
        for key, quantity in quantities
    )
    notes = (f"Coq took {accepted.seconds:.2f} s and prints the assumptions "
             f"{', '.join(accepted.assumptions) or 'none'}",)
    return Found(checks, quantities, notes)


RUNG = Rung("formal", "Coq accepts the derivation as a theorem for all sizes", climb)
