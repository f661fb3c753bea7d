"""Plant faults all over mathdl and see that verification refuses; print the table.

    python tests/mutation/run.py                 all registries, and every fourth function
    python tests/mutation/run.py --every 1       every function that can be reached
    python tests/mutation/run.py --sample 20     some, over a few expressions
    python tests/mutation/run.py --only rule     the units whose kind or name has that text
    python tests/mutation/run.py --listed        with what was not refused, and why

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
import resource
import select
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

import corpus  # noqa: E402
import judge  # noqa: E402
import mutants  # noqa: E402
import syntax  # noqa: E402
from judge import Baseline, Verdict  # noqa: E402
from mutants import Unit  # noqa: E402

TIME, WAITING, MEMORY = 20, 300, 6 * 2**30  # of a process: CPU and wall time, bytes
FORMS = 2  # expressions that a mutant may restate before it is believed to do no more
FEW = ("case squares", "case rectifier", "case Hessian", "case inverse", "scalar tanh",
       "scalar softplus", "rewritten trace(A @ A.T) by A")


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant, and by which expression that was seen."""

    kind: str
    unit: str
    mutant: str
    what: str
    by: str
    detail: str
    expression: str
    tried: int
    seconds: float


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
    data, end = b"", time.monotonic() + WAITING
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], max(0.0, end - time.monotonic()))[0]:
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


_CORPUS = corpus.corpus()
_BASELINES: dict[str, Baseline] = {}
_UNITS: list[Unit] = []


def _quiet() -> None:
    warnings.simplefilter("ignore")
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _baseline(name: str) -> tuple[str, Baseline | None]:
    def work() -> Baseline:
        _quiet()
        return judge.measure(_CORPUS[name], mutants.spies)

    return name, in_child(work)


def _judged(number: int) -> list[Outcome]:
    unit = _UNITS[number]
    outcomes: list[Outcome] = []
    biting = 0
    for mutant in unit.mutants[: unit.tries]:
        started = time.monotonic()

        def work(mutant: mutants.Mutant = mutant) -> Any:
            _quiet()
            return _verdict(mutant, unit) if mutant.plant() else "unplanted"

        found = in_child(work)
        if found == "unplanted":
            continue
        verdict, expression, tried = found or (Verdict("timeout"), mutant.expressions[:1], 0)
        outcomes.append(Outcome(
            unit.kind, unit.name, mutant.name, verdict.what, verdict.by, verdict.detail,
            str(expression), tried, round(time.monotonic() - started, 2)))
        biting += verdict.what in ("caught", "error", "survived")
        if biting == unit.wanted:
            break
    return outcomes


def _verdict(mutant: mutants.Mutant, unit: Unit) -> tuple[Verdict, str, int] | str:
    """The first expression by which a mutant is seen decides; else the form it changes."""
    forms: list[tuple[Verdict, str]] = []
    for tried, name in enumerate(mutant.expressions, 1):
        verdict = judge.judge(_CORPUS[name], _BASELINES[name], unit.views)
        if verdict.what not in ("nothing", "form"):
            return verdict, name, tried
        if verdict.what == "form":
            forms.append((verdict, name))
        if len(forms) == FORMS:
            break
    if unit.registered and not mutants.registry.CHANGED:
        return "unplanted"
    return (*(forms or [(Verdict("nothing"), "")])[0], tried)


def over(work: Callable[[Any], Any], items: Sequence[Any], cores: int) -> Iterable[Any]:
    with multiprocessing.get_context("fork").Pool(cores) as pool:
        yield from pool.imap_unordered(work, items)


WHAT = {"survived": "SURVIVED", "form": "another form", "nothing": "no effect",
        "crash": "unnamed error", "timeout": "too long"}


# -- the table ------------------------------------------------------------------------------------


def table(outcomes: Sequence[Outcome]) -> str:
    """By kind: planted, refused by what, without effect, survived."""
    head = ("kind", "planted", *judge.LADDER, "readers", "error", "crash", "timeout", "form",
            "no effect", "survived")
    rows = [head]
    kinds = list(dict.fromkeys(o.kind for o in outcomes))
    for kind in (*kinds, "all"):
        mine = [o for o in outcomes if kind in (o.kind, "all")]
        count = Counter("readers" if o.by.endswith("reader") else
                        o.by if o.what == "caught" else o.what for o in mine)
        rows.append((kind, str(len(mine)), *(str(count[c] or "") for c in (
            *judge.LADDER, "readers", "error", "crash", "timeout", "form", "nothing",
            "survived"))))
    widths = [max(len(r[k]) for r in rows) for k in range(len(head))]
    return "\n".join("  ".join(c.rjust(w) if k else c.ljust(w) for k, (c, w) in enumerate(
        zip(row, widths, strict=True))).rstrip() for row in rows)


def listed(outcomes: Sequence[Outcome], *what: str) -> str:
    """The mutants with such an outcome, each with the reason."""
    return "\n".join(
        f"{WHAT[o.what]}: {o.kind}, {o.unit}: {o.mutant}: "
        + (f"{o.detail} [{o.expression}]" if o.what != "nothing" else
           f"{o.tried} expressions that use it come out as without it")
        for o in outcomes if o.what in what)


def run(
    names: Sequence[str], cores: int, only: str = "", every: int = 1, count: int = 0
) -> list[Outcome]:
    """Measure the baselines, then judge the units; of a ``count``, so many over all kinds."""
    syntax.live_functions()
    mutants.registry.rules()
    gc.freeze()
    for name, base in over(_baseline, names, cores):
        if base is not None and base.instances:
            _BASELINES[name] = base
    ordered: Mapping[str, Baseline] = {n: _BASELINES[n] for n in names if n in _BASELINES}
    _UNITS[:] = [u for u in mutants.units(ordered) if only in f"{u.kind} {u.name}"]
    _UNITS[:] = [u for u in _UNITS if u.registered or u.kind == mutants.GENERATED] + [
        u for u in _UNITS if u.kind in mutants.SOURCES][::every]
    if count:
        _UNITS[:] = sampled(_UNITS, count)
    outcomes = [o for found in over(_judged, range(len(_UNITS)), cores) for o in found]
    return sorted(outcomes, key=lambda o: (o.kind, o.unit, o.mutant))


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
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--listed", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    started = time.monotonic()
    names = FEW if options.sample else list(_CORPUS)
    outcomes = run(names, options.cores, options.only, options.every, options.sample)
    if options.out:
        options.out.write_text(json.dumps([dataclasses.asdict(o) for o in outcomes], indent=1))
    print(table(outcomes))
    print(f"{len(_BASELINES)} of {len(names)} expressions, {len(_UNITS)} units, "
          f"{time.monotonic() - started:.0f} s")
    print(listed(outcomes, "survived", *(("form", "nothing", "crash", "timeout")
                                         if options.listed else ())))
    return any(o.what == "survived" for o in outcomes)


if __name__ == "__main__":
    sys.exit(main())
