"""Checking a gradient that somebody wrote, and asserting in tests that it is right."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from mathdl.errors import AssumptionError, InputError, UnsupportedError
from mathdl.foreign.calling import Function, caller, name_of_function
from mathdl.foreign.declaring import Declaration, declare
from mathdl.foreign.diagnosis import diagnose
from mathdl.foreign.exact import Exact, another_function
from mathdl.foreign.finite import finite_checks
from mathdl.foreign.frameworks import framework_of, own_derivative
from mathdl.foreign.kinks import METHOD, kink_checks
from mathdl.foreign.left_out import left_out
from mathdl.foreign.precise import precision_notes
from mathdl.foreign.report import Diagnosis, GradientReport
from mathdl.foreign.subject import Foreign, Form, sizes_of
from mathdl.foreign.wrt import inferred
from mathdl.ir.tensor import Tensor
from mathdl.language.parser import parse
from mathdl.verify import verify
from mathdl.verify.dims import choose_dims
from mathdl.verify.noise import Array
from mathdl.verify.numeric import instance
from mathdl.verify.report import Check, Report, versions

Shapes = str | Mapping[str, Any]


def check_gradient(
    f: Function,
    grad_f: Function | None = None,
    shapes: Shapes | None = None,
    *,
    vjp: Function | None = None,
    expr: str | Tensor | None = None,
    wrt: str | Iterable[str] | None = None,
    assume: Shapes | None = None,
    at: Mapping[str, Any] | None = None,
    dims: Mapping[str, int] | None = None,
    dtype: npt.DTypeLike = "float64",
    framework: str | None = None,
    seed: int = 0,
    points: int = 3,
) -> GradientReport:
    """Check the gradient ``grad_f`` of ``f`` against differences of ``f``, at random instances.

    >>> import mathdl as md
    >>> def loss(X, w, y): return ((X @ w - y)**2).mean()
    >>> def grad(X, w, y): return 2 * X.T @ (X @ w - y)
    >>> report = md.check_gradient(loss, grad, {"X": "n,d", "w": "d", "y": "n"}, wrt="w")
    >>> report.diagnoses[0].text
    'the claim is n times too large: the gradient is claimed/n'

    f
        A function of arrays, called by name where its parameters are the names in ``shapes``
        (and of dims, which are passed as numbers), otherwise in their order.
    grad_f
        Called like ``f``.  It returns the gradient of a scalar ``f``, and the Jacobian of an
        array-valued one, the axes of the output first, then those of the argument: an array, a
        tuple in the order of ``wrt`` or of the inputs, or a dict by name.
    vjp
        For an array-valued ``f``, instead: ``vjp(cotangent, *inputs)``, the cotangent contracted
        with the Jacobian; of several outputs the cotangents are a tuple.
    shapes
        ``{"X": "n,d", "W": "d,k"}`` or ``"X: n d; W: d k"``; the sizes of named dims are drawn,
        several times, 1 included.  May be left out where ``at`` is given.
    expr
        An expression for ``f`` in the language: values and derivatives are then compared with
        it as well, and its terms are tried in the diagnosis.
    wrt
        By what ``grad_f`` differentiates; by default what its result tells.
    assume
        What holds of inputs, as in the language (``{"Y": "one_hot", "p": "positive"}``), and
        ``"integer < k"`` for labels that index an axis of length ``k``.
    at, dims
        A given point, or given sizes of some dims.
    dtype
        Of the arrays that the functions are given; the bounds follow from the precision of
        what they return.
    framework
        ``"torch"`` or ``"jax"`` for functions of their tensors; known by itself for an
        ``autograd.Function``, a module or a ``custom_vjp``.  Without ``grad_f`` the framework's
        own derivative of ``f`` is checked, for random cotangents.

    The report is true when each derivative was compared somewhere and none refused; on refusal
    ``report.diagnoses`` says what the likely mistake is.  Kinks are recognised and not compared.

    Raises InputError for arguments that do not fit each other, UnsupportedError for complex
    functions, AssumptionError for a derivative by integers, MissingExtraError without PyTorch
    or JAX.
    """
    started = time.perf_counter()
    if points < 1:
        raise InputError(f"points is at least 1, not {points}")
    given = None if at is None else {n: np.asarray(a) for n, a in at.items()}
    declared = declare(shapes, assume, given)
    subject, probed = _subject(
        f, grad_f, vjp, declared, wrt, given, np.dtype(dtype), framework, dims, seed
    )
    if given is not None:
        dims, points = sizes_of(subject.inputs, given), 1
    exact = None if expr is None else Exact(_parsed(expr, declared), subject)
    report = verify(subject, seed=seed, points=points, dims=dims)
    extra, remarks = _beside(subject, exact, dims, seed, points)
    at_kinks = {c.tensor for c in extra if c.method == METHOD}
    checks = (*(c for c in report.checks if not (c.ok and c.tensor in at_kinks and c.tried == 0)),
              *extra)
    refused = {c.tensor: c for c in reversed(checks) if not c.ok}
    diagnoses = [_diagnosis(subject, exact, c, checks, dims, seed)
                 for c in reversed(refused.values())]
    failed = next((c for c in checks if not c.ok), None)
    return GradientReport(**{
        **_fields(report),
        "checks": checks,
        "seconds": time.perf_counter() - started,
        "notes": (*probed, *remarks, *report.notes),
        "versions": versions() | dict(subject.versions),
        "diagnoses": tuple(d for d in diagnoses if d is not None),
        "at": {} if failed is None else _inputs(subject, failed),
    })


def assert_gradient(f: Function, grad_f: Function | None = None, *args: Any, **options: Any) -> \
        GradientReport:
    """:func:`check_gradient` for tests: raises AssertionError with the report's text.

    A derivative that could not be compared anywhere fails too.
    """
    __tracebackhide__ = True
    report = check_gradient(f, grad_f, *args, **options)
    if not report:
        raise AssertionError(str(report))
    return report


# -- the parts -------------------------------------------------------------------------------


def _subject(
    f: Function, grad_f: Function | None, vjp: Function | None, declared: Declaration,
    wrt: str | Iterable[str] | None, at: Mapping[str, Array] | None, dtype: Any,
    framework: str | None, dims: Mapping[str, int] | None, seed: int,
) -> tuple[Foreign, list[str]]:
    """The functions as a subject of verification, and notes on what was seen at a first try."""
    if grad_f is not None and vjp is not None:
        raise InputError("give grad_f or vjp, not both")
    names = [t.name or "" for t in declared.inputs]
    sizes = [str(d) for t in declared.inputs for d in t.shape if not isinstance(d, int)]
    own = None
    if grad_f is None and vjp is None:
        framework = framework or framework_of(f)
        if framework is None:
            raise InputError(
                "there is no gradient to check: give grad_f or vjp, or framework= 'torch' or "
                "'jax' to check the framework's own derivative of f"
            )
    call = caller(f, names, sizes)
    chosen = _wanted(wrt, declared.inputs)
    subject = Foreign(
        inputs=declared.inputs, wrt=chosen or declared.real, form="vjp", value=call,
        claimed=lambda given, *first: {}, name=name_of_function(grad_f or vjp or f), dtype=dtype,
        ranges=declared.ranges, at=at,
    )
    if framework is not None:
        own = own_derivative(framework, call, f, subject.wrt_names)
        subject = subject.but(value=own.value, versions=own.versions)
    fixed = dims if at is None else sizes_of(declared.inputs, at)
    tensors = [*subject.outputs.values(), *subject.inputs]
    (first,) = choose_dims(tensors, fixed, count=1, rng=np.random.default_rng(seed))
    with np.errstate(all="ignore"):
        arrays = instance(subject, first, seed)
        found, notes = _probe(subject, arrays)
    if own is not None and grad_f is None and vjp is None:
        return subject.but(claimed=own.claimed), notes
    claimed = caller(vjp, names, sizes, leading=1) if vjp is not None else \
        caller(grad_f, names, sizes) if grad_f is not None else None
    assert claimed is not None
    form: Form = "vjp" if vjp is not None else _form(subject, arrays)
    if own is not None:
        claimed = own.converted(claimed)
    subject = subject.but(claimed=claimed, form=form)
    if chosen is None:
        with np.errstate(all="ignore"):
            result = claimed(subject.given(arrays), *subject.first(arrays))
        subject = subject.but(wrt=inferred(result, declared.real, arrays, found[0], form))
    return subject, notes


def _wanted(
    wrt: str | Iterable[str] | None, inputs: tuple[Tensor, ...]
) -> tuple[Tensor, ...] | None:
    if wrt is None:
        return None
    names = wrt.replace(",", " ").split() if isinstance(wrt, str) else list(wrt)
    known = {t.name: t for t in inputs}
    if unknown := [n for n in names if n not in known]:
        raise InputError(
            f"wrt has {', '.join(unknown)}; the inputs are {', '.join(map(str, known))}"
        )
    for n in names:
        if "integer" in known[n].assume:
            raise AssumptionError(f"{n} is integer: there is no derivative to check")
    return tuple(known[n] for n in names)


def _probe(subject: Foreign, arrays: Mapping[str, Any]) -> tuple[list[Array], list[str]]:
    """The values at a first instance, and what is odd about them."""
    one, two = subject.results(arrays), subject.results(arrays)
    notes = []
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, two, strict=True)):
        notes.append("the function is not deterministic: two calls with the same inputs differ")
    if subject.dtype == np.float64 and any(a.dtype.itemsize < 8 for a in one):
        notes.append(f"the function's value is {one[0].dtype} for float64 inputs: bounds are wide")
    return one, notes


def _form(subject: Foreign, arrays: Mapping[str, Any]) -> Form:
    found = subject.value(subject.given(arrays))
    if isinstance(found, (tuple, list, Mapping)) and not isinstance(found, np.ndarray):
        raise UnsupportedError(
            "the function returns several values: give the cotangent form as vjp="
        )
    return "gradient" if np.asarray(found).size == 1 else "Jacobian"


def _parsed(expr: str | Tensor, declared: Declaration) -> Tensor:
    return parse(expr, declared.shapes, declared.assume) if isinstance(expr, str) else expr


def _beside(
    subject: Foreign, exact: Exact | None, dims: Mapping[str, int] | None, seed: int, points: int,
) -> tuple[list[Check], list[str]]:
    """Beside differences: an exact form, derivatives that are not finite or not precise."""
    tensors = [*subject.outputs.values(), *subject.inputs]
    sizes = choose_dims(tensors, dims, count=points, rng=np.random.default_rng(seed))
    with np.errstate(all="ignore"):
        found = finite_checks(subject, sizes, seed)
        if subject.at is not None:
            found += kink_checks(subject, sizes[0], seed)
        found += exact.checks(sizes, seed) if exact is not None else []
        return found, precision_notes(subject, sizes, seed)


def _diagnosis(
    subject: Foreign, exact: Exact | None, check: Check, checks: Sequence[Check],
    dims: Mapping[str, int] | None, seed: int,
) -> Diagnosis | None:
    if check.quantity == "value":
        return another_function(checks)
    if check.method in (METHOD, "finite"):
        mistake = "kink" if check.method == METHOD else "not finite"
        return Diagnosis(check.tensor, mistake, check.detail, "measured there")
    terms = exact.guesses(check.tensor) if exact is not None else []
    more = [left_out(exact, check.tensor)] if exact is not None else []
    return diagnose(subject, check, seed, dict(dims or {}), terms, more)


def _inputs(subject: Foreign, check: Check) -> dict[str, Array]:
    manner: Any = check.manner
    arrays = instance(subject, check.dims, check.seed, manner)
    return {n: arrays[n] for n in subject.names}


def _fields(report: Report) -> dict[str, Any]:
    return {f.name: getattr(report, f.name) for f in fields(Report)}

