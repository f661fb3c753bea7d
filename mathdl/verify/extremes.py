"""The generated code where floats end: tiny and huge inputs, against a truth that is sure.

The truth is what two precisions agree on.  Where the data themselves decide nothing, as in the
sine of 1e300, a change of each input in its last place moves the truth by as much: an error
within that movement is not the code's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mpmath
import numpy as np

from mathdl.errors import DomainError, MathDLError
from mathdl.ir.assumptions import closure
from mathdl.proof.evaluate import Array
from mathdl.verify.claims import by_equations
from mathdl.verify.dims import Dims
from mathdl.verify.finite_difference import Place, Tally
from mathdl.verify.noise import EPS
from mathdl.verify.numbers.digits import Digits
from mathdl.verify.results import Results
from mathdl.verify.subject import Derived, instance

METHOD = "code at float extremes"
WHY = (
    "1e-6 of the truth, and what a change of the inputs in their last place makes of it; reported, "
    "not judged"
)
MAGNITUDES = (1e-320, 1e-20, 1.0, 20.0, 50.0, 700.0, 1e3, 1e5, 1e300)
PRECISIONS = ((60, 120), (400, 800))
DIGITS = 1e-6
TINY, HUGE = float(np.finfo(float).tiny), float(np.finfo(float).max)
_BOUND = {"unit_interval", "minus_one_one", "probability_vector", "integer", "binary", "one_hot",
          "orthogonal", "invertible", "positive_definite", "causal_mask", "adjacency", "counts",
          "sign_labels"}


class _Extremes:
    """Truth and code of one subject at one size."""

    def __init__(self, subject: Derived, dims: Dims) -> None:
        self.codes = subject.value_function(), subject.derivative_function()
        self.exact = {
            digits: (numbers := Digits(digits), by_equations(subject, dims, numbers))
            for pair in PRECISIONS for digits in pair
        }

    def truth(self, arguments: dict[str, Any]) -> dict[str, Array] | None:
        """Values and derivatives to 15 digits at least; None where they are not known so well."""
        for few, many in PRECISIONS:
            two = self._at(arguments, many)
            one = None if two is None else self._at(arguments, few)
            if one is None or two is None:
                return None
            with mpmath.workdps(many):
                if all(abs(a - b) <= mpmath.mpf(10) ** -15 * abs(b)
                       for key in two for a, b in zip(one[key].flat, two[key].flat, strict=True)):
                    return two
        return None

    def _at(self, arguments: dict[str, Any], digits: int) -> dict[str, Array] | None:
        numbers, functions = self.exact[digits]
        with numbers.at_work():
            try:
                return {**functions.value(arguments), **functions.derivative(arguments)}
            except (DomainError, np.linalg.LinAlgError, ZeroDivisionError):
                return None

    def code(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """What the code computes; nothing where it refuses."""
        try:
            return {k: np.array(v) for code in self.codes for k, v in code(**arguments).items()}
        except (MathDLError, np.linalg.LinAlgError):
            return {}

    def places(self, arguments: dict[str, Any]) -> dict[str, Place] | None:
        """The worst entry of each result whose truth is a float; None where no truth is sure."""
        truth = self.truth(arguments)
        if truth is None:
            return None
        got = self.code(arguments)
        places = {key: compare(array, array, got.get(key)) for key, array in truth.items()}
        if not all(p is None or p.ok for p in places.values()):
            nearby = self.truth(_nudged(arguments)) or truth
            places = {key: compare(truth[key], nearby[key], got.get(key)) for key in truth}
        return {k: p for k, p in places.items() if p is not None}


def extreme_checks(subject: Derived, dims: Dims, seed: int, results: Results) -> list[str]:
    """What the code does at each magnitude; notes on where digits are lost."""
    tally = Tally()
    lost: dict[str, str] = {}
    tried = 0
    extremes = _Extremes(subject, dims)
    for label, arguments in extreme_instances(subject, dims, seed):
        places = extremes.places(arguments)
        if places is None:
            tally.unresolved += 1
            continue
        tried += 1
        for key, place in places.items():
            tally.tried += 1
            if place.ok:
                tally.add(place)
            else:
                lost.setdefault(label, f"{key or 'value'} is {place.got:.3g}, "
                                       f"the truth {place.expected:.6g}")
    if tally.tried:
        names = ", ".join(t.name or "" for t in subject.wrt)
        result = results.of(names, "value and derivatives", METHOD, WHY)
        result.add(tally, (dims, seed, "extremes"))
        result.points = tried
    if not lost:
        return []
    label, what = next(iter(lost.items()))
    return [f"few digits in {len(lost)} of {tried} instances at float extremes, as with {label}, "
            f"where {what}"]


def extreme_instances(
    subject: Derived, dims: Dims, seed: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Instances with the free inputs at one magnitude, and with magnitudes mixed."""
    given = instance(subject, dims, seed)
    facts = {t.name or "": closure(t.assume) for t in subject.inputs}
    free = [n for n, a in given.items() if isinstance(a, np.ndarray) and a.dtype.kind == "f"
            and not facts.get(n, frozenset()) & _BOUND]
    if not free:
        return
    rng = np.random.default_rng([seed, 11])
    for magnitude in MAGNITUDES:
        yield f"inputs of size {magnitude:g}", {
            **given, **{n: _of_size(given[n], magnitude) for n in free}}
    for name in free:
        mixed = rng.choice([0.0, *MAGNITUDES[:-1]], given[name].shape)
        if facts[name] & {"positive"}:
            mixed = np.where(mixed == 0, 1.0, mixed)
        if not facts[name] & {"symmetric"}:
            yield f"{name} of mixed sizes", {**given, name: np.sign(given[name]) * mixed}


def _of_size(array: Array, magnitude: float) -> Array:
    """The array with its largest entry of the magnitude, zeros kept."""
    largest = float(np.max(np.abs(array), initial=0.0)) or 1.0
    return np.asarray(array / largest * magnitude)


def _nudged(arguments: dict[str, Any]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        name: a * (1 + EPS * rng.choice([-1.0, 1.0], a.shape))
        if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a
        for name, a in arguments.items()
    }


def compare(truth: Array, nearby: Array, got: Any) -> Place | None:
    """The worst entry whose truth is a float; None if no truth is."""
    worst: Place | None = None
    flat = np.full(truth.size, np.nan) if got is None else np.asarray(got, float).reshape(-1)
    for x, near, y in zip(truth.reshape(-1), nearby.reshape(-1), flat, strict=True):
        if not (x == 0 or TINY <= abs(x) <= HUGE):
            continue
        bound = float(DIGITS * abs(x) + 64 * abs(near - x)) + TINY
        error = float(abs(x - float(y))) if np.isfinite(y) else np.inf
        place = Place(None, float(x), float(y), error, bound, error <= bound)
        if worst is None or (not place.ok, place.ratio) > (not worst.ok, worst.ratio):
            worst = place
    return worst
