"""The ladder of evidence, and verification up its rungs."""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping

from mathdl.errors import InputError, UnsupportedError
from mathdl.verify import exact, formal, numeric, precise, proof_steps, shapes
from mathdl.verify.asked import request_of
from mathdl.verify.claims import check_wrt
from mathdl.verify.report import Check, Report
from mathdl.verify.rung import Effort, NotApplicable, Rung
from mathdl.verify.subject import Subject

RUNGS: tuple[Rung, ...] = (
    shapes.RUNG, proof_steps.RUNG, numeric.RUNG, precise.RUNG, exact.RUNG, formal.RUNG,
)
ALL = "all"
DEFAULT = "numeric"


def rungs_named(level: str) -> tuple[Rung, ...]:
    """The rungs that a level means: one, several with commas between, or ``all`` of them."""
    known = {rung.name: rung for rung in RUNGS}
    names = [name.strip() for name in level.split(",")] if isinstance(level, str) else []
    if names == [ALL]:
        return RUNGS
    for name in names or [str(level)]:
        if name not in known:
            near = difflib.get_close_matches(name, [*known, ALL], n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UnsupportedError(
                f"unknown level of verification {name!r}: {hint}there are "
                f"{', '.join(known)} and {ALL}"
            )
    return tuple(rung for rung in RUNGS if rung.name in names)


def verify(
    subject: Subject,
    *,
    seed: int = 0,
    points: int = 3,
    level: str = DEFAULT,
    dims: Mapping[str, int] | None = None,
) -> Report:
    """Climb the rungs that are asked for, at random instances.

    level
        The rung alone, not those below it: ``shapes``, ``proof``, ``numeric``, ``precise``,
        ``exact``, ``formal``; several with commas between; or ``all``, where a rung that has
        nothing to say about a subject is noted with the reason.
    points, seed, dims
        So many instances of different sizes, or of those that are given, are drawn from the seed.

    The report is true when each derivative was decided by a rung beyond its shape, or by the
    rungs that were asked for, and no rung refused one.

    Raises UnsupportedError for an unknown level and for one that does not apply and was asked for
    alone, OrderError for an order below 1, AssumptionError for a derivative with respect to
    integers, InputError for sizes that do not fit.
    """
    chosen = rungs_named(level)
    if points < 1:
        raise InputError(f"points is at least 1, not {points}")
    check_wrt(subject)
    checks: list[Check] = []
    quantities: list[tuple[str, str]] = []
    notes: list[str] = []
    seconds: dict[str, float] = {}
    silent: dict[str, str] = {}
    effort = Effort(seed, points, dims)
    for rung in chosen:
        started = time.perf_counter()
        try:
            found = rung.climb(subject, effort)
        except NotApplicable as reason:
            if len(chosen) == 1:
                raise
            silent[rung.name] = str(reason)
            continue
        seconds[rung.name] = time.perf_counter() - started
        checks += found.checks
        quantities += found.quantities
        notes += found.notes
    return Report(
        checks=tuple(checks), quantities=tuple(dict.fromkeys(quantities)), level=level, seed=seed,
        seconds=sum(seconds.values()), notes=tuple(dict.fromkeys(notes)),
        times=seconds, claims={r.name: r.claim for r in chosen}, not_applicable=silent,
        request=request_of(subject, points, dims),
    )
