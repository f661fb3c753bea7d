"""One derivation of the book, checked: derived, verified, compared with its textbook form.

The comparison evaluates generated code at random instances: several seeds and sizes, sizes of 1
included.  The text that mathdl prints is read back, and must give the same numbers.  An entry
whose reference vanishes everywhere is refused, as there the comparison would accept anything.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mathdl.book.entry import Entry
from mathdl.book.size import operators, statements
from mathdl.derivation import Derivation, compile_expression, derive
from mathdl.errors import InputError, MathDLError
from mathdl.ir.steps import Law
from mathdl.ir.system import inputs_of
from mathdl.ir.tensor import Tensor
from mathdl.language.parser import parse
from mathdl.present.statements import laws_of
from mathdl.present.text import to_text
from mathdl.present.theorem import Written, written_proof
from mathdl.verify import choose_dims, sample
from mathdl.verify.sampling import Manner

SEEDS = 2
POINTS = 3  # sizes: distinct ones, and two in which every dim that may be 1 is so once
ATTEMPTS: tuple[Manner, ...] = ("normal", "positive", "unit")
TOLERANCE = 1e-8  # of the largest entry; both sides only round
FLOOR = 1e-3  # below this scale a value may be the rounding of larger terms
LONGEST = 1.3  # times the textbook form


class Refused(MathDLError):
    """A derivation of the book failed a check."""

    exit_status = 1


@dataclass(frozen=True)
class Form:
    """One derivative beside its textbook form.

    ``ours`` and ``theirs`` count operators (:mod:`mathdl.book.size`), ``error`` is the largest
    difference of the two over all instances, relative to the largest entry.
    """

    key: str
    text: str
    textbook: str
    ours: int
    theirs: int
    instances: int
    error: float

    @property
    def ratio(self) -> float:
        return self.ours / max(self.theirs, 1)

    @property
    def is_long(self) -> bool:
        return self.ratio > LONGEST


@dataclass(frozen=True)
class Outcome:
    """What was found of one entry: plain data, so that it can cross between processes.

    ``document`` is theorem and proof in LaTeX, ``laws`` what the proof uses.
    ``failures`` are one line each; the entry is accepted when there are none.  ``proof`` says
    what the check of the proof found, ``facts`` is what else was derived, ``written`` is the proof
    as a lecturer writes it.  ``certificate`` is what Coq says, where it was asked: ``accepted``, or
    why not.
    """

    name: str
    failures: tuple[str, ...] = ()
    forms: tuple[Form, ...] = ()
    latex: str = ""
    document: str = ""
    laws: tuple[Law, ...] = ()
    text: str = ""
    methods: tuple[str, ...] = ()
    tried: int = 0
    error: float = 0.0
    bound: float = 0.0
    proof: str = ""
    written: Written = field(default=Written(), repr=False)
    seconds: float = 0.0
    report: str = field(default="", repr=False)
    facts: tuple[tuple[str, str], ...] = ()
    certificate: str = ""

    def __bool__(self) -> bool:
        return not self.failures

    @property
    def ratio(self) -> float:
        """Of the derivatives' lengths to the textbook's, the largest."""
        return max((form.ratio for form in self.forms), default=0.0)


def derivation_of(entry: Entry) -> Derivation:
    """The entry's derivation; raises what parsing and deriving raise."""
    try:
        value = parse(entry.expr, shapes=entry.shapes, assume=entry.assume or None)
    except MathDLError as error:
        raise error.within("expr") from None
    return derive(value, list(entry.wrt), entry.order, symmetric=entry.symmetric)


def check(entry: Entry, seed: int = 0) -> Outcome:
    """Derive, verify and compare one entry.  What goes wrong is in the outcome, not raised."""
    return guarded(entry.name, lambda: _check(entry, seed))


def check_and_certify(entry: Entry, seed: int = 0) -> Outcome:
    """The same, and whether Coq accepts the derivation's certificate."""
    started = time.perf_counter()
    outcome = check(entry, seed)
    try:
        accepted = derivation_of(entry).certificate().check()
        said = "accepted" if accepted else accepted.refused or ", ".join(accepted.foreign)
    except Exception as error:  # as in guarded: the rest goes on
        said = " ".join(str(error).split())
    return replace(outcome, certificate=said, seconds=time.perf_counter() - started)


def guarded(name: str, work: Callable[[], Outcome]) -> Outcome:
    """The outcome with the time it took; of an error, that it was raised."""
    started = time.perf_counter()
    try:
        outcome = work()
    except Exception as error:  # a crash of one derivation is a finding, and the rest goes on
        kind = "" if isinstance(error, MathDLError) else f"{type(error).__name__}: "
        outcome = Outcome(name, (" ".join(f"{kind}{error}".split()),))
    return replace(outcome, seconds=time.perf_counter() - started)


def _check(entry: Entry, seed: int) -> Outcome:
    derivation = derivation_of(entry)
    failures: list[str] = []
    forms = []
    for key, textbook in references(entry, derivation).items():
        form, differences = compare(entry, derivation, key, textbook, seed)
        forms.append(form)
        failures += differences
    return verified(entry.name, derivation, seed, forms, failures)


def verified(
    name: str, derivation: Derivation, seed: int = 0, forms: Sequence[Form] = (),
    known: Sequence[str] = (),
) -> Outcome:
    """What verification and the check of the proof find, after failures that are known."""
    failures = list(known)
    report = derivation.verify(seed=seed)
    failures += [check.failure() for check in report.failures]
    failures += [f"not checked: {name}" for name in report.unchecked]
    if not report and not failures:
        failures.append("nothing was verified")
    worst = max(report.checks, key=lambda c: c.error / c.bound if c.bound else 0.0, default=None)
    proof, refused = check_proof(derivation)
    return Outcome(
        name, (*failures, *refused), tuple(forms), derivation.latex(),
        derivation.proof.latex(), laws_of(derivation.proof), derivation.text(),
        tuple(dict.fromkeys(c.method for c in report.checks)),
        sum(c.tried for c in report.checks),
        worst.error if worst else 0.0, worst.bound if worst else 0.0, proof,
        written_proof(derivation.proof, "lecture"), report=str(report),
    )


def check_proof(derivation: Derivation) -> tuple[str, tuple[str, ...]]:
    """What the check of the derivation's proof says, and why it refused it, if it did."""
    proof = derivation.proof
    found = proof.check()
    if not found:
        return "refused", (f"proof: {' '.join(str(found).split())}",)
    return f"{len(proof.lines)} steps", ()


# -- the textbook form -------------------------------------------------------------------------


def references(entry: Entry, derivation: Derivation) -> dict[str, Tensor]:
    """The textbook forms as tensors, by key; there must be one for each derivative.

    Raises:
        InputError: a derivative without a textbook form, or the reverse, or a form whose shape
            is another.
    """
    expected, given = list(derivation.derivatives), list(entry.textbook)
    if set(expected) != set(given):
        raise InputError(
            f"the derivatives are {'; '.join(expected)}, the textbook forms {'; '.join(given)}"
        )
    found = {}
    for key in expected:
        try:
            form = textbook_form(entry, derivation, key)
        except MathDLError as error:
            raise error.within(f"the textbook form of {key}") from None
        if form.shape != derivation.derivatives[key].shape:
            shapes = f"{derivation.derivatives[key].shape}, the textbook form {form.shape}"
            raise InputError(f"the derivative wrt {key} has the shape {shapes}")
        found[key] = form
    return found


def textbook_form(entry: Entry, derivation: Derivation, key: str) -> Tensor:
    """A textbook form after the definitions of ``expr``.

    A defined name that the entry differentiates by is an independent variable, and is declared
    with the shape that it has instead of being defined.
    """
    free = {tensor.name for tensor in derivation.wrt}
    definitions = [part for name, part in statements(entry.expr) if name and name not in free]
    return _read("\n".join([*definitions, entry.textbook[key]]), derivation)


def _read(text: str, derivation: Derivation) -> Tensor:
    """Text over what the derivation's expression is over, and its variables."""
    variables = {t.name or "": t for t in (*derivation.inputs, *derivation.wrt)}
    known = {**derivation.declared, **variables}
    return parse(
        text, shapes={name: tensor.shape for name, tensor in known.items()},
        assume={name: sorted(tensor.assume) for name, tensor in known.items() if tensor.assume},
    )


def compare(
    entry: Entry, derivation: Derivation, key: str, textbook: Tensor, seed: int = 0
) -> tuple[Form, tuple[str, ...]]:
    """A derivative, and its text read back, against the textbook form; one line for a failure."""
    ours = derivation.derivatives[key]
    text = to_text(ours, derivation.names)
    failures, candidates = [], {"differs": ours}
    try:
        candidates["as text read back differs"] = _read(text, derivation)
    except MathDLError as refused:
        failures.append(f"wrt {key}: the text {text!r} cannot be read back: {refused}")
    worst, largest, count = 0.0, 0.0, 0
    seen: set[str] = set()
    for dims, number, theirs, values in _instances(
        derivation, textbook, list(candidates.values()), seed
    ):
        scale = float(np.max(np.abs(theirs), initial=0.0))
        count, largest = count + 1, max(largest, scale)
        for what, mine in zip(candidates, values, strict=True):
            error = _difference(mine, theirs) / max(scale, FLOOR)
            worst = max(worst, error)
            if not error <= TOLERANCE and what not in seen:
                seen.add(what)
                sizes = ", ".join(f"{k}={v}" for k, v in dims.items())
                failures.append(f"wrt {key}: {what} from the textbook form by {error:.2g} of its "
                                f"largest entry at {sizes}, seed {number}")
    if not count:
        failures.append(f"wrt {key}: no instance at which the textbook form is finite")
    elif largest < FLOOR and not failures:
        failures.append(f"wrt {key}: the textbook form vanishes at every instance")
    given = {name for name, _ in statements(entry.expr) if name}
    form = Form(key, text, entry.textbook[key], operators(text, given),
                operators(entry.textbook[key], given), count, worst)
    return form, tuple(failures)


def _difference(mine: Any, theirs: Any) -> float:
    """The largest difference of entries; arrays of other shapes differ infinitely."""
    if mine.shape != theirs.shape:
        return float("inf")
    return float(np.max(np.abs(mine - theirs), initial=0.0))


def _instances(
    derivation: Derivation, textbook: Tensor, ours: Sequence[Tensor], seed: int
) -> Iterator[tuple[Mapping[str, int], int, Any, list[Any]]]:
    """Sizes, seed and values at each instance where the textbook form is finite."""
    codes = [compile_expression(tensor) for tensor in (textbook, *ours)]
    tensors = [*derivation.outputs.values(), *ours, textbook, *derivation.inputs]
    inputs = list({t.name: t for t in inputs_of(tensors)}.values())
    for number in range(seed, seed + SEEDS):
        for dims in choose_dims(tensors, count=POINTS, rng=np.random.default_rng(number)):
            for manner in ATTEMPTS:
                rng = np.random.default_rng([number, *dims.values()])
                arrays: dict[str, Any] = dict(
                    sample(inputs, dims, rng, outputs=tensors, manner=manner)
                )
                with np.errstate(all="ignore"):
                    theirs, *values = (_evaluate(code, arrays, dims) for code in codes)
                if np.all(np.isfinite(theirs)):
                    yield dims, number, theirs, values
                    break


def _evaluate(code: Any, arrays: Mapping[str, Any], dims: Mapping[str, int]) -> Any:
    """The value from the arrays and the sizes that the code asks for."""
    asked = inspect.signature(code.namespace[code.function]).parameters
    given = {name: arrays[name] for name in code.inputs}
    bare = {name: size for name, size in dims.items() if name in asked and name not in given}
    return np.asarray(code(**given, **bare))
