"""What verification says of an expression, as it is and under a mutant.

An expression's *baseline* is what comes out without a fault: code, text, numbers at instances,
and what was run to get there.  Under a mutant the same is made again.  What comes out the same
was not touched; what differs goes up the ladder.  The baseline's numbers tell whether a result
that was not refused is wrong (it *survived*) or only has another form.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import test_latex_read_back as latex_reading
import test_pretty as unicode_reading
import test_read_back as text_reading
from corpus import Derive

from mathdl.derivation import Derivation
from mathdl.errors import MathDLError
from mathdl.present import to_text
from mathdl.verify import choose_dims
from mathdl.verify.subject import graph, instance

LADDER = ("shapes", "numeric", "proof", "precise", "exact")
READERS = ("text", "LaTeX", "Unicode")
CLOSE = 1e-7
Place = tuple[str, int]


@dataclass
class Baseline:
    """What an expression gives without a fault; ``touched`` are lines that ran, by phase."""

    seconds: float
    outputs: dict[str, str]
    instances: list[dict[str, Any]]
    dims: dict[str, int]
    values: list[dict[str, Any]]
    rungs: tuple[str, ...]
    touched: dict[str, frozenset[Place]]
    fired: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True)
class Verdict:
    """``what`` is caught, error, crash, survived, form (another one) or nothing (no effect)."""

    what: str
    by: str = ""
    detail: str = ""


# -- outputs --------------------------------------------------------------------------------------


def code_of(D: Derivation) -> dict[str, str]:
    return {"code": D.derivative_function().source, "value": D.compile("value").source,
            "text": D.text()}


def printed(D: Derivation) -> dict[str, str]:
    """What the readers read."""
    tensors = list(D.derivatives.values())
    document = unicode_reading.document_of(tensors, D.names)
    deep = unicode_reading.deep(tensors)
    lines = [unicode_reading.definition(name, node, deep)
             for name, node in document.definitions]
    lines += [unicode_reading.definition(unicode_reading.Name("value", v.ndim), v, deep)
              for v in document.values]
    return {
        "text": "\n".join(to_text(t, D.names) for t in tensors),
        "LaTeX": D.latex(),
        "Unicode": "\n".join(lines),
    }


def values_at(D: Derivation, arrays: Mapping[str, Any]) -> dict[str, Any]:
    with np.errstate(all="ignore"):
        values = {f"value {k}": v for k, v in D.value_function()(**arrays).items()}
        return {**values, **D.derivative_function()(**arrays)}


# -- checks ---------------------------------------------------------------------------------------


def refused(D: Derivation, check: str, base: Baseline) -> str:
    """Why a rung or a reader refuses; empty when it does not."""
    if check in LADDER:
        report = D.verify(level=check, points=2)
        return "" if report else next(
            (c.failure() for c in report.failures), f"not checked: {report.unchecked}")
    arrays = {k: a for k, a in base.instances[0].items() if k not in base.dims}
    names = {t.name: t for t in D.inputs}
    try:
        if check == "text":
            shapes = {n: " ".join(map(str, t.shape)) for n, t in names.items()}
            assume = {n: tuple(t.assume) for n, t in names.items()}
            for tensor in D.derivatives.values():
                text_reading.same_numbers(tensor, D.names, shapes, assume, arrays, base.dims)
        elif check == "LaTeX":
            latex_reading.agree(D, D.latex(), arrays, base.dims)
        else:  # what it does not read, formulas over indices, is read as text
            unicode_reading.same_numbers(list(D.derivatives.values()), D.names)
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return ""


def measure(derive: Derive, spies: Callable[[set[str]], None]) -> Baseline:
    """The baseline of an expression, in a process that has derived nothing yet."""
    fired: set[str] = set()
    spies(fired)
    started = time.perf_counter()
    touched: dict[str, frozenset[Place]] = {}
    D = traced("derive", touched, derive)
    outputs = traced("generate", touched, lambda: code_of(D))
    views = traced("print", touched, lambda: printed(D))
    seconds = time.perf_counter() - started
    base = Baseline(seconds, {**outputs, **{f"{k} view": v for k, v in views.items()}},
                    [], {}, [], (), touched, frozenset(fired))
    for seed, dims in enumerate(choose_dims(graph(D), count=2, rng=np.random.default_rng(3))):
        found = _finite(D, dims, seed)
        if found is not None:
            base.instances.append(found[0])
            base.values.append(found[1])
            base.dims = base.dims or dims
    if base.instances:
        base.rungs = tuple(c for c in (*LADDER, *READERS) if _accepts(D, c, base))
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


def _accepts(D: Derivation, check: str, base: Baseline) -> bool:
    try:
        return not refused(D, check, base)
    except MathDLError:
        return False


def traced(phase: str, touched: dict[str, frozenset[Place]], run: Callable[[], Any]) -> Any:
    """The result, with the lines of mathdl that ran."""
    lines: set[Place] = set()

    def inside(frame: Any, event: str, _: Any) -> Any:
        lines.add((frame.f_code.co_filename, frame.f_lineno))
        return inside

    def enter(frame: Any, event: str, _: Any) -> Any:
        return inside if "/mathdl/" in frame.f_code.co_filename else None

    sys.settrace(enter)
    try:
        return run()
    finally:
        sys.settrace(None)
        touched[phase] = frozenset(lines)


# -- under a mutant -------------------------------------------------------------------------------


def judge(derive: Derive, base: Baseline, views: bool) -> Verdict:
    """What becomes of one expression; ``views`` are judged by their readers alone."""
    try:
        D = derive()
        if views:
            return _read(D, base)
        outputs = code_of(D)
        if all(base.outputs[k] == v for k, v in outputs.items()):
            return Verdict("nothing")
        for rung in LADDER:
            if rung in base.rungs and (why := refused(D, rung, base)):
                return Verdict("caught", rung, why)
        return _compared(D, base)
    except MathDLError as error:
        return Verdict("error", type(error).__name__, str(error)[:200])
    except Exception as error:
        return Verdict("crash", type(error).__name__, str(error)[:200])


def _read(D: Derivation, base: Baseline) -> Verdict:
    changed = [k for k, v in printed(D).items() if base.outputs[f"{k} view"] != v]
    if not any(k in base.rungs for k in changed):
        return Verdict("nothing")
    for view in changed:
        if view in base.rungs and (why := refused(D, view, base)):
            return Verdict("caught", f"{view} reader", why)
    return Verdict("form", "", "read back to the same numbers")


def _compared(D: Derivation, base: Baseline) -> Verdict:
    """Nothing was refused: the numbers decide whether that was right."""
    for arrays, expected in zip(base.instances, base.values, strict=True):
        found = values_at(D, arrays)
        for key, value in expected.items():
            got = np.asarray(found.get(key, np.nan))
            scale = max(float(np.max(np.abs(value), initial=0.0)), 1e-3)
            if got.shape != np.shape(value):
                return Verdict("survived", "", f"{key} has shape {got.shape}")
            error = float(np.max(np.abs(got - value), initial=0.0))
            if not error <= CLOSE * scale:
                return Verdict("survived", "", f"{key} is off by {error:.2g} of {scale:.2g}")
    return Verdict("form", "", "the same numbers, and accepted")
