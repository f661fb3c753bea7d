"""The proof rung: every step of the derivation against its law and at random instances."""

from __future__ import annotations

from mathdl.proof.sides import EQUAL
from mathdl.verify.claims import check_wrt, last_quantity
from mathdl.verify.finite_difference import Place, Tally
from mathdl.verify.results import Results, Where
from mathdl.verify.rung import Effort, Found, NotApplicable, Rung
from mathdl.verify.subject import Proved, Subject

METHOD = "steps of the proof"
WHY = (
    "both sides of a step are evaluated in double precision, and may differ by 1e-9 of their "
    "size; slopes of pull-backs are differences, with their own error"
)


def climb(subject: Subject, effort: Effort) -> Found:
    """Check the proof; what is wrong with a step is wrong with every derivative."""
    check_wrt(subject)
    if not isinstance(subject, Proved):
        raise NotApplicable("there is no derivation, hence no proof")
    found = subject.proof.check(instances=effort.points, seed=effort.seed)
    results, quantity = Results("proof"), last_quantity(subject)
    where: Where = ({}, effort.seed, "normal")
    for key in subject.blocks:
        result = results.of(key, quantity, METHOD, WHY)
        if not found:
            first = found.problems[0]
            result.refuse(f"step {first.line}: {first.what}", where)
        place = Place(None, 0.0, 0.0, found.worst, max(EQUAL, found.worst), bool(found))
        result.add(Tally(tried=found.lines, worst=place), where)
        result.points = found.instances
    return Found(results.checks(), tuple((key, quantity) for key in subject.blocks))


RUNG = Rung("proof", "every step follows by a law of its own and holds at random instances", climb)
