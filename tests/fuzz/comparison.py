"""A problem's derivatives by the package against those by autograd."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from generator import Problem
from interpreter import evaluate
from loops import tensor_of
from pieces import Env

import mathdl as md
from mathdl.derivation import Derivation

TOLERANCE = 1e-7
KINK = 1e-4


@dataclass
class Outcome:
    """``kind`` is right, wrong, refused, crashed or skipped (the point is near a kink)."""

    kind: str
    detail: str = ""
    seconds: float = 0.0


def _function(problem: Problem, name: str) -> Any:
    def at(value: Any) -> Any:
        env: Env = dict(problem.arrays)
        env[name] = value
        return problem.meaning(env)

    return at


@dataclass
class Reference:
    value: Any
    first: dict[str, Any]
    second: Any


def reference(problem: Problem, direction: Any) -> Reference | None:
    """Value, gradients, and the Hessian (of the first variable) times a direction.

    None where a tiny step changes them: no two conventions need agree near a kink.
    """
    found = []
    for step in (0.0, 1e-6, -1e-6):
        rng = np.random.default_rng(problem.seed)
        moved = Problem(**{**vars(problem), "arrays": {
            k: v if k == "ids" else v + step * rng.normal(size=np.shape(v))
            for k, v in problem.arrays.items()}})
        with np.errstate(all="ignore"):
            first = {}
            for name in problem.wrt:
                law = _function(moved, name)
                point = moved.arrays[name]
                first[name] = autograd.jacobian(law)(point) if problem.shape else (
                    autograd.grad(law)(point))
            name = problem.wrt[0]
            law = _function(moved, name)

            def along(x: Any, law: Any = law) -> Any:
                slope = autograd.grad(law)(x) if not problem.shape else (
                    autograd.jacobian(law)(x))
                return anp.sum(slope * direction)

            second = None if problem.shape else autograd.grad(along)(moved.arrays[name])
        found.append(Reference(problem.meaning(moved.arrays), first, second))
    exact = found[0]
    for other in found[1:]:
        pairs = [(exact.first[n], other.first[n]) for n in problem.wrt]
        if exact.second is not None:
            pairs.append((exact.second, other.second))
        for a, b in pairs:
            if not np.all(np.isfinite(a)) or np.max(np.abs(a), initial=0) > 1e6:
                return None
            if np.max(np.abs(a - b), initial=0) > KINK * (1 + np.max(np.abs(a), initial=0)):
                return None
    return exact


def difference(got: Any, expected: Any) -> str:
    """What is wrong with an array, or nothing."""
    if np.shape(got) != np.shape(expected):
        return f"shape {np.shape(got)}, expected {np.shape(expected)}"
    scale = max(1.0, float(np.max(np.abs(expected), initial=0)))
    error = float(np.max(np.abs(np.asarray(got) - expected), initial=0)) / scale
    return "" if error <= TOLERANCE else f"error {error:.2g}: {got} expected {expected}"


@contextmanager
def dirty_memory() -> Iterator[None]:
    """New arrays hold NaN, so that an entry that is read or returned unset is seen."""
    def empty(shape: Any, dtype: Any = float, **options: Any) -> Any:
        made = honest(shape, dtype, **options)
        if np.issubdtype(made.dtype, np.inexact):
            made.fill(np.nan)
        elif made.dtype == np.uint8:  # the memory of buffers: all bits set is NaN
            made.fill(255)
        return made

    def empty_like(a: Any, dtype: Any = None, **options: Any) -> Any:
        return empty(np.shape(a), dtype or np.asarray(a).dtype)

    honest, honest_like = np.empty, np.empty_like
    np.empty, np.empty_like = empty, empty_like
    try:
        yield
    finally:
        np.empty, np.empty_like = honest, honest_like


def compiled_values(derivation: Derivation, problem: Problem) -> dict[str, Any]:
    with dirty_memory():
        return _compiled_values(derivation, problem)


def _compiled_values(derivation: Derivation, problem: Problem) -> dict[str, Any]:
    function = derivation.compile()
    sizes: dict[str, int] = {}
    while True:
        try:
            value, slopes = function(**problem.arrays, **sizes)
            break
        except TypeError as error:  # a dim used as a number that no used input has
            if "pass " not in str(error):
                raise
            names = str(error).partition("pass ")[2].replace("=", " ").replace(",", " ").split()
            if sizes.keys() >= set(names):
                raise
            sizes |= {name: problem.dims[name] for name in names}
    if not isinstance(slopes, dict):
        slopes = {problem.wrt[0]: slopes}
    return {"value": value, **slopes}


def compare(problem: Problem, *, compiled: bool = False) -> Outcome:
    """Derive, evaluate and compare; gradients, and for a scalar the Hessian's action."""
    name = problem.wrt[0]
    rng = np.random.default_rng(problem.seed + 1)
    direction = rng.normal(size=np.shape(problem.arrays[name]))
    expected = reference(problem, direction)
    if expected is None:
        return Outcome("skipped")
    start = time.perf_counter()
    try:
        with np.errstate(all="ignore"):
            faults = _faults(problem, expected, direction, compiled)
    except md.MathDLError as error:
        return Outcome("refused", f"{type(error).__name__}: {error}", time.perf_counter() - start)
    except Exception as error:
        return Outcome("crashed", f"{type(error).__name__}: {error}", time.perf_counter() - start)
    seconds = time.perf_counter() - start
    return Outcome("wrong" if faults else "right", "; ".join(faults), seconds)


def _faults(problem: Problem, expected: Reference, direction: Any, compiled: bool) -> list[str]:
    expr = tensor_of(problem)
    derivation = md.derive(expr, wrt=list(problem.wrt))
    outputs = [expr, derivation.expr, *(derivation[n] for n in problem.wrt)]
    values = evaluate(outputs, problem.arrays, problem.dims)
    faults = []
    if problem.shape != tuple(np.shape(values[0])):
        faults.append(f"shape {np.shape(values[0])}, expected {problem.shape}")
    checks = [("prepared value", values[1], expected.value)]
    if np.all(np.isfinite(values[0])):  # as written, it may overflow where the stable form does not
        checks.append(("value", values[0], expected.value))
    checks += [(f"d{n}", v, expected.first[n])
               for n, v in zip(problem.wrt, values[2:], strict=True)]
    if compiled:
        made = compiled_values(derivation, problem)
        checks += [("compiled value", made["value"], expected.value)]
        checks += [(f"compiled d{n}", made[n], expected.first[n]) for n in problem.wrt]
    if expected.second is not None:
        checks.append(("second", _second(problem, expr, direction), expected.second))
    return faults + [f"{what}: {fault}" for what, got, right in checks
                     if (fault := difference(got, right))]


def _second(problem: Problem, expr: Any, direction: Any) -> Any:
    """The Hessian's action: by ``hvp``, or through the whole Hessian when that is small."""
    name = problem.wrt[0]
    size = int(np.prod(np.shape(direction)))
    if size <= 12 and problem.seed % 3 == 0:
        hessian = evaluate([md.derive(expr, wrt=name, order=2)[name]], problem.arrays,
                           problem.dims)[0]
        return np.tensordot(hessian, direction, axes=direction.ndim)
    shape = problem.shapes[name].split()
    along = md.tensor("direction_", *(int(d) if d.isdigit() else d for d in shape))
    product = md.hvp(expr, name, along)
    return evaluate([product], {**problem.arrays, "direction_": direction}, problem.dims)[0]
