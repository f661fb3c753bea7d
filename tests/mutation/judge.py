"""What verification says of an expression, as it is and under a mutant.

An expression's *baseline* is what comes out without a fault: steps, closed form, code, numbers at
instances, and what was run to get there.  Under a mutant the same is made again.  What comes out
the same byte for byte was not touched; what differs goes up the ladder.  What is not refused is
compared with the baseline's numbers: it is wrong (it *survived*), it is proved to be right in
another form, or it only has the same numbers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import equality
import numpy as np
import readers
from specimens import Derive

from mathdl.derivation import Derivation
from mathdl.errors import MathDLError
from mathdl.present import to_text
from mathdl.verify import choose_dims
from mathdl.verify.subject import graph, instance

LADDER = ("shapes", "numeric", "proof", "precise", "exact")
READERS = tuple(readers.PRINTED)
CLOSE = 1e-7
SIZES = 4
Place = tuple[str, int]


@dataclass
class Baseline:
    """What an expression gives without a fault; ``touched`` are lines that ran, by phase."""

    seconds: float
    outputs: dict[str, str]
    instances: list[dict[str, Any]]
    dims: dict[str, int]
    values: list[dict[str, Any]]
    touched: dict[str, frozenset[Place]]
    fired: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True)
class Verdict:
    """What became of it: ``caught``, ``error`` (a named one), ``crash`` (another), ``survived``,
    ``proved`` (equal), ``same`` (numbers, in another form: of code, equations, formulas,
    or of prose, of which readers read less than all), ``unread`` (printed in another form
    that no reader reads) or ``nothing`` (no effect)."""

    what: str
    by: str = ""
    detail: str = ""


def made(D: Derivation) -> dict[str, str]:
    """All that is derived and generated, as text."""
    return {
        "written": "\n".join(map(to_text, D.written)),
        "steps": D.proof.text("full"),
        "text": D.text(),
        "LaTeX": D.latex(),
        "code": D.derivative_function().source,
        "value": D.compile("value").source,
    }


def values_at(D: Derivation, arrays: Mapping[str, Any]) -> dict[str, Any]:
    with np.errstate(all="ignore"):
        values = {f"value {k}": v for k, v in D.value_function()(**arrays).items()}
        return {**values, **D.derivative_function()(**arrays)}


def refused(D: Derivation, check: str, base: Baseline) -> str:
    """Why a rung or a reader refuses; empty when it does not."""
    if check in LADDER:
        report = D.verify(level=check, points=2)
        return "" if report else next(
            (c.failure() for c in report.failures), f"not checked: {report.unchecked}")
    arrays = {k: a for k, a in base.instances[0].items() if k not in base.dims}
    try:
        readers.read(D, check, arrays, base.dims)
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return ""


# -- without a mutant -----------------------------------------------------------------------------


def measure(
    derive: Derive, spies: Callable[[set[str]], None], folders: tuple[str, ...]
) -> Baseline:
    """The baseline of an expression, in a process that has derived nothing yet."""
    fired: set[str] = set()
    spies(fired)
    started = time.process_time()
    touched: dict[str, frozenset[Place]] = {}
    D = traced("derive", touched, folders, derive)
    outputs = traced("generate", touched, folders, lambda: made(D))
    views = traced("print", touched, folders, lambda: readers.printed(D))
    seconds = time.process_time() - started
    base = Baseline(seconds, {**outputs, **{f"{k} view": v for k, v in views.items()}},
                    [], {}, [], touched, frozenset(fired))
    rng = np.random.default_rng(3)
    for seed, dims in enumerate(choose_dims(graph(D), count=SIZES, rng=rng)):
        found = _finite(D, dims, seed)
        if found is not None:
            base.instances.append(found[0])
            base.values.append(found[1])
            base.dims = base.dims or dims
    return base


def _finite(D: Derivation, dims: Any, seed: int) -> tuple[dict[str, Any], dict[str, Any]] | None:
    for manner in ("normal", "positive", "unit"):
        arrays = instance(D, dims, seed, manner)
        try:
            values = values_at(D, arrays)
        except np.linalg.LinAlgError:
            continue
        if all(np.all(np.isfinite(v)) for v in values.values()):
            return arrays, values
    return None


def accepts(derive: Derive, check: str, base: Baseline) -> bool:
    """Whether a rung or a reader lets the expression pass as it is: else it refutes nothing."""
    try:
        return not refused(derive(), check, base)
    except MathDLError:
        return False


def traced(
    phase: str, touched: dict[str, frozenset[Place]], folders: tuple[str, ...],
    run: Callable[[], Any],
) -> Any:
    """The result, with the lines of the folders that ran."""
    lines: set[Place] = set()
    watched: dict[str, bool] = {}

    def inside(frame: Any, event: str, _: Any) -> Any:
        lines.add((frame.f_code.co_filename, frame.f_lineno))
        return inside

    def enter(frame: Any, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        if name not in watched:
            watched[name] = name.startswith(folders)
        return inside if watched[name] else None

    sys.settrace(enter)
    try:
        return run()
    finally:
        sys.settrace(None)
        touched[phase] = frozenset(lines)


# -- under a mutant -------------------------------------------------------------------------------


def judge(derive: Derive, base: Baseline, views: bool, silent: Collection[str]) -> Verdict:
    """What becomes of one expression; ``views`` are judged by their readers alone.

    ``silent`` are the checks that refuse the expression as it is.
    """
    try:
        D = derive()
        if views:
            return _read(D, base, silent)
        outputs = made(D)
        if all(base.outputs[k] == v for k, v in outputs.items()):
            return Verdict("nothing")
        for rung in LADDER:
            if rung not in silent and (why := _refused(D, rung, base)):
                return Verdict("caught", rung, why)
        return _compared(D, base, outputs)
    except MathDLError as error:
        return Verdict("error", type(error).__name__, str(error)[:200])
    except Exception as error:
        return Verdict("crash", type(error).__name__, str(error)[:200])


def _refused(D: Derivation, rung: str, base: Baseline) -> str:
    """A rung that raises an error of its own refuses as well."""
    try:
        return refused(D, rung, base)
    except MathDLError as error:
        return f"{type(error).__name__}: {error}"


def _read(D: Derivation, base: Baseline, silent: Collection[str]) -> Verdict:
    changed = [k for k, v in readers.printed(D).items() if base.outputs[f"{k} view"] != v]
    for view in changed:
        if view not in silent and (why := refused(D, view, base)):
            return Verdict("caught", f"{view} reader", why)
    if not changed:
        return Verdict("nothing")
    reading = [view for view in changed if view not in silent]
    if not reading:
        return Verdict("unread", "", f"no reader reads {', '.join(changed)}")
    whole = "formulas" if set(reading) & set(readers.FORMULAS) else "prose"
    return Verdict("same", whole, f"{', '.join(reading)}: read back to the same numbers")


def _compared(D: Derivation, base: Baseline, outputs: Mapping[str, str]) -> Verdict:
    """Nothing was refused: the numbers decide whether that was right, and then a proof."""
    worst = 0.0
    for arrays, expected in zip(base.instances, base.values, strict=True):
        found = values_at(D, arrays)
        for key, value in expected.items():
            got = np.asarray(found.get(key, np.nan))
            scale = max(float(np.max(np.abs(value), initial=0.0)), 1e-3)
            if got.shape != np.shape(value):
                return Verdict("survived", "", f"{key} has shape {got.shape}")
            error = float(np.max(np.abs(got - value), initial=0.0))/scale
            worst = max(worst, error if error == error else np.inf)
    if worst > CLOSE:
        return Verdict("survived", "", f"off by {worst:.2g} of the largest entry")
    where = f"at {len(base.instances)} sizes"
    close = f"the same bits {where}" if worst == 0 else f"off by {worst:.0e} {where}"
    equations = all(base.outputs[k] == outputs[k] for k in ("written", "steps", "text"))
    if equations:
        return Verdict("same", "code", close)
    if base.outputs["written"] == outputs["written"] and (why := equality.proved(D)):
        return Verdict("proved", "exact", why)
    return Verdict("same", "equations", close)
