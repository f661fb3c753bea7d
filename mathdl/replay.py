"""Verifying again from a report alone."""

from __future__ import annotations

from typing import Any

from mathdl.derivation import Derivation, derive
from mathdl.errors import InputError
from mathdl.language.parser import parse
from mathdl.verify import Report


def rederived(report: Report) -> Derivation:
    """The derivation that a report is about, from the text in it, which is parsed.

    Raises InputError for a report that does not say.
    """
    request = report.request
    if request is None:
        raise InputError("the report does not say what was derived: it is not of a derivation")
    try:
        shapes, assume = dict(request["shapes"]), dict(request["assume"])
        texts = {str(name): str(text) for name, text in dict(request["expressions"]).items()}
        paths = [tuple(map(str, path)) for path in request["wrt"]]
        order, symmetric = int(request["order"]), str(request["symmetric"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"the report does not say what was derived: {error}") from None
    outputs = {name: parse(text, shapes=shapes, assume=assume) for name, text in texts.items()}
    lone: Any = outputs[""] if set(outputs) == {""} else outputs
    return derive(lone, wrt=paths, order=order, symmetric=symmetric)


def replay(report: Report) -> Report:
    """Derive and verify again what a report is about, with its seed, level and sizes.

    >>> again = replay(Report.from_json(text))          # doctest: +SKIP

    The same versions find the same numbers.  Raises InputError for a report that does not say
    what was derived.
    """
    derivation = rederived(report)
    request: Any = report.request
    points, dims = int(request.get("points", 3)), request.get("dims")
    return derivation.verify(level=report.level, seed=report.seed, points=points, dims=dims)


def differences(before: Report, after: Report) -> tuple[str, ...]:
    """What a replay found otherwise, one line each; times are not compared."""
    found = []
    for what, old, new in (
        ("the verdict", bool(before), bool(after)),
        ("rungs that do not apply", dict(before.not_applicable), dict(after.not_applicable)),
        ("what was not checked", before.unchecked, after.unchecked),
    ):
        if old != new:
            found.append(f"{what}: {old}, now {new}")
    old_checks, new_checks = (
        {(c.rung, c.tensor, c.quantity, c.method): c for c in r.checks} for r in (before, after)
    )
    for about in dict.fromkeys([*old_checks, *new_checks]):
        one, two = old_checks.get(about), new_checks.get(about)
        name = " ".join(about)
        if one is None or two is None:
            found.append(f"{name}: {'not there before' if one is None else 'no longer there'}")
        elif (one.ok, one.tried) != (two.ok, two.tried):
            found.append(f"{name}: ok {one.ok}, {one.tried} tried, now ok {two.ok}, {two.tried}")
        elif before.versions == after.versions and repr(one.error) != repr(two.error):
            found.append(f"{name}: the worst error was {one.error:.3e}, now {two.error:.3e}")
    return tuple(found)
