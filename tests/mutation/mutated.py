"""All mutants, in units: one thing that is mutated, with the ways to do so and what uses it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import generated
import registry
import syntax
from judge import Baseline

#: Kinds of mutated source: where it is, whether readers judge it, mutants a function and tries.
SOURCES: dict[str, tuple[str, bool, int, int]] = {
    "reverse rule, source": ("mathdl/calculus", False, 3, 5),
    "rule, source": ("mathdl/simplify", False, 1, 3),
    "primitive, source": ("mathdl/primitives", False, 1, 3),
    "generator, source": ("mathdl/generate", False, 1, 3),
    "printer, source": ("mathdl/present", True, 1, 3),
}
FOLDERS = tuple(f"{syntax.ROOT / folder}/" for folder, *_ in SOURCES.values())
GENERATED = "generated code"
CONDITIONS = ("branch negated", "relation", "and/or", "condition dropped", "call left out")
EACH, FEWER = 10, 5  # places for a fault in generated code; of a chosen set
SHORTEST, SPREAD = 2, 6
USERS, MOST = 40, 24  # of an entry, and of a line, that seems to do nothing
WHOLE = ("reverse rule", "forward rule")  # kinds of which every fault is in a chosen set
BY_READERS = "printer of"


@dataclass(frozen=True)
class Mutant:
    """``plant`` puts the fault into this process and tells whether it could."""

    what: str | syntax.Change
    plant: Callable[[], bool]
    expressions: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.what if isinstance(self.what, str) else self.what.name


@dataclass(frozen=True)
class Unit:
    """Mutants of one thing; of so many that bite, the first are taken."""

    kind: str
    name: str
    mutants: tuple[Mutant, ...]
    wanted: int
    tries: int
    views: bool = False
    registered: bool = False


def digest(*words: str) -> int:
    """A number that only depends on the words: what is chosen by it stays when others are added."""
    return int(hashlib.sha1("".join(words).encode()).hexdigest(), 16)


def units(baselines: Mapping[str, Baseline], complete: bool) -> Iterator[Unit]:
    """Of a chosen set, every entry of the registries with the first fault that bites."""
    yield from _of_registries(baselines, complete)
    yield from _of_generated(baselines, EACH if complete else FEWER)
    for kind in SOURCES:
        yield from _of_source(kind, baselines)


def _of_registries(baselines: Mapping[str, Baseline], complete: bool) -> Iterator[Unit]:
    for target in registry.targets():
        firing = [n for n, b in baselines.items() if _id(target) in b.fired
                  and n.startswith("forward") == ("forward" in target.kind)]
        users = chosen(firing, baselines, USERS)
        faults = list(registry.faults(target).items())
        turn = digest(target.kind, target.name) % len(faults)
        yield Unit(
            target.kind, target.name, tuple(
                Mutant(fault, partial(_install, target, wrap), users)
                for fault, wrap in (*faults[turn:], *faults[:turn])),
            len(faults) if complete or target.kind in WHOLE else 1, len(faults),
            views=target.kind.startswith(BY_READERS), registered=True)


def _install(target: registry.Target, wrap: registry.Wrap) -> bool:
    target.install(wrap)
    return True


def _id(target: registry.Target) -> str:
    return f"{target.kind}: {target.name}"


def spies(fired: set[str]) -> None:
    """Let every target of the registries tell when it gives a result."""
    def spy(name: str) -> registry.Wrap:
        def wrap(function):
            def told(*arguments, **named):
                result = function(*arguments, **named)
                if result is not None:
                    fired.add(name)
                return result

            return told

        return wrap

    for target in registry.targets():
        target.install(spy(_id(target)))


def _of_generated(baselines: Mapping[str, Baseline], each: int) -> Iterator[Unit]:
    by_fault: dict[str, list[Mutant]] = {}
    for name, base in baselines.items():
        source = base.outputs["code"]
        for fault, places in generated.sites(source).items():
            k = digest(name, fault) % len(places)
            by_fault.setdefault(fault, []).append(Mutant(
                f"of {name}, place {places[k]}", partial(_load, source, places[k]), (name,)))
    for fault, mutants in by_fault.items():
        spread = sorted(mutants, key=lambda m: digest(fault, m.name))[:each]
        yield Unit(GENERATED, fault, tuple(spread), each, len(spread))


def _load(source: str, number: int) -> bool:
    generated.install(source, generated.spoilt(source, number))
    return True


def _of_source(kind: str, baselines: Mapping[str, Baseline]) -> Iterator[Unit]:
    folder, views, wanted, tries = SOURCES[kind]
    phases = ("print",) if views else ("derive", "generate")
    users: dict[tuple[str, int], list[str]] = {}
    for name, base in baselines.items():
        for place in set().union(*(base.touched[p] for p in phases)):
            users.setdefault(place, []).append(name)
    for path in sorted((syntax.ROOT / folder).glob("*.py")):
        local = str(path.relative_to(syntax.ROOT))
        for function, found in syntax.changes(local).items():
            mutants = []
            for change in _varied(found):
                first, last = change.lines
                touching = [n for line in range(first, last + 1)
                            for n in users.get((str(path), line), ())]
                names = chosen(list(dict.fromkeys(touching)), baselines, MOST)
                if names:
                    mutants.append(Mutant(change, partial(syntax.plant, change), names))
            yield Unit(kind, f"{local}: {function}", tuple(mutants), wanted, tries, views)


def _varied(changes: list[syntax.Change]) -> list[syntax.Change]:
    """In an order that only depends on what they are: those that change a value first, in turn
    of every kind; swapped arguments last, as most only are of the wrong type."""
    def turn(c: syntax.Change) -> int:
        return digest(c.path, c.function, c.what, str(c.place))

    seen: dict[str, int] = {}
    keyed = []
    for change in sorted(changes, key=turn):
        seen[change.what] = seen.get(change.what, 0) + 1
        late = (change.what in CONDITIONS) + 2*(change.what == "arguments swapped")
        keyed.append((seen[change.what] + late, turn(change), change))
    return [change for _, _, change in sorted(keyed, key=lambda k: k[:2])]


def chosen(names: list[str], baselines: Mapping[str, Baseline], most: int) -> tuple[str, ...]:
    """Those of which least is written, some of all others, and then the rest."""
    known = sorted(names, key=lambda n: (sum(map(len, baselines[n].outputs.values())), n))
    rest = known[SHORTEST:]
    step = max(1, -(-len(rest) // SPREAD))
    return tuple(dict.fromkeys((*known[:SHORTEST], *rest[step - 1 :: step], *known)))[:most]
