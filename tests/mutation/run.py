"""Plant faults all over mathdl and see that verification refuses; print the table.

    python tests/mutation/run.py                 every registry entry, and some of the functions
    python tests/mutation/run.py --complete      every fault of every entry and every function
    python tests/mutation/run.py --sample 20     some, over a few expressions
    python tests/mutation/run.py --only rule     the units whose kind and name match a pattern
    python tests/mutation/run.py --listed        with what was not refused, and why

It fails when a mutant survives, when nothing uses an entry of a registry, and when a mutant does
nothing and no reason is given in ``equivalent.py``.

Every mutant is planted in a process of its own in which nothing was derived before, so that
neither caches nor interned tensors can hide or keep it.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import multiprocessing
import os
import pickle
import re
import resource
import select
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

import beside  # noqa: E402, F401  before the modules that it finds
import judge  # noqa: E402
import mutated  # noqa: E402
import registry  # noqa: E402
import specimens  # noqa: E402
import syntax  # noqa: E402
import verdicts  # noqa: E402
from judge import Baseline, Verdict  # noqa: E402
from mutated import Unit  # noqa: E402
from verdicts import Outcome  # noqa: E402

TIME, MEMORY = 60, 6 * 2**30  # of a process: seconds of CPU time, bytes
DEADLOCK = 3600  # seconds after which a process that does not compute is ended
FORMS, MORE = 2, 6  # expressions that a mutant, of an entry, may restate before it is believed
ONE_OF = 12  # of a chosen set, about one of so many functions, by the hash of its name
FEW = ("case squares", "case rectifier", "case Hessian", "case inverse", "scalar tanh",
       "scalar softplus", "rewritten trace(A @ A.T) by A", "forward squares",
       "forward inv(A) A: n n")
BITES = ("caught", "error", "crash", "timeout", "survived")


# -- processes ------------------------------------------------------------------------------------


def in_child(work: Callable[[], Any]) -> Any:
    """The result of work in a process of its own; None when it took too long or died."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (TIME, TIME))
            with os.fdopen(writing, "wb") as pipe:
                try:
                    pipe.write(pickle.dumps((work(), "")))
                except BaseException:
                    pipe.write(pickle.dumps((None, traceback.format_exc())))
        finally:
            os._exit(0)
    os.close(writing)
    data = b""
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], DEADLOCK)[0]:
            if not (part := pipe.read(1 << 16)):
                break
            data += part
        else:
            os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    result, wrong = pickle.loads(data) if data else (None, "")
    if wrong:
        raise RuntimeError(wrong)
    return result


_CORPUS = specimens.specimens()
_BASELINES: dict[str, Baseline] = {}
_LOST: dict[str, str] = {}  # expressions without one, and why
_UNITS: list[Unit] = []
_ACCEPTED: dict[tuple[str, str], bool] = {}  # by expression and check, without a fault


def _quiet() -> None:
    warnings.simplefilter("ignore")
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _baseline(name: str) -> tuple[str, Baseline | str | None]:
    def work() -> Baseline:
        _quiet()
        return judge.measure(_CORPUS[name], mutated.spies, mutated.FOLDERS)

    try:
        return name, in_child(work)
    except RuntimeError as error:
        return name, str(error)


def _accepted(name: str, check: str) -> bool:
    if (name, check) not in _ACCEPTED:
        def work() -> bool:
            _quiet()
            return judge.accepts(_CORPUS[name], check, _BASELINES[name])

        _ACCEPTED[name, check] = bool(in_child(work))
    return _ACCEPTED[name, check]


def _judged(number: int) -> list[Outcome]:
    unit = _UNITS[number]
    found: list[Outcome] = []
    biting = 0
    for mutant in unit.mutants[: unit.tries]:
        started = _cpu()
        verdict, expression, tried = _outcome(mutant, unit)
        if verdict.what == "unplanted":
            continue
        found.append(Outcome(
            unit.kind, unit.name, mutant.name, verdict.what, verdict.by, verdict.detail,
            expression, tried, round(_cpu() - started, 2)))
        biting += verdict.what in BITES
        if biting == unit.wanted:
            break
    if unit.registered and not found:
        found = [Outcome(unit.kind, unit.name, "", "unreached", "", "nothing uses it", "", 0, 0.0)]
    return found


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _outcome(mutant: mutated.Mutant, unit: Unit) -> tuple[Verdict, str, int]:
    """What becomes of a mutant, by checks that let its expressions pass as they are."""
    def work() -> Any:
        _quiet()
        return _verdict(mutant, unit) if mutant.plant() else None, True

    while True:
        found, lived = in_child(work) or (None, False)
        if not lived:
            return Verdict("timeout"), (*mutant.expressions, "")[0], 0
        if found is None:
            return Verdict("unplanted"), "", 0
        verdict, expression, tried = found
        check = verdict.by.removesuffix(" reader")
        if verdict.what != "caught" or _accepted(expression, check):
            return verdict, expression, tried


def _verdict(mutant: mutated.Mutant, unit: Unit) -> tuple[Verdict, str, int] | None:
    """The first expression by which a mutant is seen decides; else the form it changes."""
    forms: list[tuple[Verdict, str]] = []
    tried, planted = 0, not unit.registered
    for tried, name in enumerate(mutant.expressions, 1):
        registry.CHANGED.clear()
        silent = {c for (n, c), passes in _ACCEPTED.items() if n == name and not passes}
        verdict = judge.judge(_CORPUS[name], _BASELINES[name], unit.views, silent)
        planted |= bool(registry.CHANGED)
        if verdict.what in BITES:
            return verdict, name, tried
        if verdict.what != "nothing":
            forms.append((verdict, name))
        if sum(form.what != "unread" for form, _ in forms) == (MORE if unit.registered else FORMS):
            break
    if not tried or not planted:
        return None
    forms.sort(key=lambda f: ("same", "proved", "unread").index(f[0].what))
    return (*(forms or [(Verdict("nothing"), "")])[0], tried)


def over(work: Callable[[Any], Any], items: Sequence[Any], cores: int) -> Iterable[Any]:
    with multiprocessing.get_context("fork").Pool(cores) as pool:
        yield from pool.imap_unordered(work, items)


# -- a run ----------------------------------------------------------------------------------------


def run(
    names: Sequence[str], cores: int, only: str = "", complete: bool = False, count: int = 0
) -> list[Outcome]:
    """Measure the baselines, then judge the units; of a ``count``, so many over all kinds."""
    syntax.live_functions()
    registry.rules()
    gc.freeze()
    for name, base in over(_baseline, names, cores):
        if isinstance(base, Baseline) and base.instances:
            _BASELINES[name] = base
        else:
            _LOST[name] = "no finite instance" if isinstance(base, Baseline) else base or "too long"
    ordered: Mapping[str, Baseline] = {n: _BASELINES[n] for n in names if n in _BASELINES}
    units = list(mutated.units(ordered, complete))
    entries = [u for u in units if u.kind not in mutated.SOURCES]
    functions = [u for u in units if u.kind in mutated.SOURCES and u.mutants]
    if not (complete or count or only):
        functions = [u for u in functions if mutated.digest(u.name) % ONE_OF == 0]
    units = [*entries, *functions]
    _UNITS[:] = sampled(units, count) if count else [
        u for u in units if re.search(only, f"{u.kind} {u.name}")]
    found = [o for each in over(_judged, range(len(_UNITS)), cores) for o in each]
    return sorted(found, key=lambda o: (o.kind, o.unit, o.mutant))


def sampled(units: Sequence[Unit], count: int) -> list[Unit]:
    """So many units, in turn from every kind; of each, the first mutant that does something."""
    by_kind: dict[str, list[Unit]] = {}
    for unit in units:
        if any(m.expressions for m in unit.mutants):
            by_kind.setdefault(unit.kind, []).append(unit)
    queues = [q[:: max(1, len(q) * len(by_kind) // count)] for q in by_kind.values()]
    found = [q[k] for k in range(count) for q in queues if k < len(q)][:count]
    return [dataclasses.replace(u, wanted=1) for u in found]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--complete", action="store_true")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--listed", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    names = FEW if options.sample else list(_CORPUS)
    started = time.monotonic()
    found = run(names, options.cores, options.only, options.complete, options.sample)
    if options.out:
        told = [{**dataclasses.asdict(o), "reason": o.reason, "wrong": o.wrong} for o in found]
        options.out.write_text(json.dumps(told, indent=1))
    print(verdicts.table(found))
    spent = sum(b.seconds for b in _BASELINES.values()) + sum(o.seconds for o in found)
    print(f"{len(_BASELINES)} of {len(names)} expressions, {len(_UNITS)} units, {spent:.0f} s of "
          f"one core, {time.monotonic() - started:.0f} s")
    print(verdicts.listed(found if options.listed else [o for o in found if o.wrong]))
    for name, why in _LOST.items():
        print(f"without a baseline: {name}: {why}")
    return bool(_LOST) or any(o.wrong for o in found)


if __name__ == "__main__":
    sys.exit(main())
