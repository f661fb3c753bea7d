"""A foreign gradient against the exact one of an expression for the same function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from sympy import Add, expand

from mathdl.derivation import compile_expression, derive
from mathdl.differentiate import vjp
from mathdl.errors import InputError
from mathdl.foreign.factors import Factor
from mathdl.foreign.guess import Guess, times
from mathdl.foreign.report import Diagnosis
from mathdl.foreign.samples import Sample
from mathdl.foreign.subject import Foreign
from mathdl.generate.compiled import Compiled
from mathdl.ir.build import define, out_ranges
from mathdl.ir.index import bound_index
from mathdl.ir.system import inputs_of
from mathdl.ir.tensor import Tensor, input_tensor
from mathdl.verify.claim import Claim, Instance
from mathdl.verify.dims import Dims
from mathdl.verify.noise import EPS, SLOPE_FREEDOM, VALUE_FREEDOM, Array, Values, student
from mathdl.verify.numeric import ATTEMPTS, instance
from mathdl.verify.report import Check

METHOD = "mathdl's exact form"
_EXPANDED = 200  # operations of an equation's body, above which its terms are not told apart


@dataclass(frozen=True)
class Exact:
    """The expression's value and derivatives as functions of a foreign subject's instances."""

    expr: Tensor
    subject: Foreign

    def __post_init__(self) -> None:
        known = {t.name: t.shape for t in self.subject.inputs}
        for t in inputs_of([self.expr]):
            if known.get(t.name) != t.shape:
                raise InputError(f"expr reads {t.name}, which shapes declares otherwise or not")

    @cached_property
    def cotangent(self) -> Tensor:
        return input_tensor("cotangent", self.expr.shape)

    @cached_property
    def gradients(self) -> Mapping[str, Tensor]:
        """The derivatives by name, contracted with the cotangent for a ``vjp``."""
        wrt = self.subject.wrt_names
        if self.subject.form == "vjp":
            found = vjp(self.expr, self.cotangent, list(wrt))
            return found if isinstance(found, Mapping) else {wrt[0]: found}
        derived = derive(self.expr, wrt=list(wrt))
        return {name: derived[name] for name in wrt}

    @cached_property
    def _code(self) -> Mapping[str, Compiled]:
        return {n: compile_expression(t) for n, t in {**self.gradients, "": self.expr}.items()}

    def evaluated(self, code: Compiled, given: Mapping[str, Any]) -> Array:
        """The result of generated code, which takes arrays and sizes by name."""
        known = {**self.subject.sizes(given), **given}
        if self.subject.form == "vjp":
            known["cotangent"] = self.subject.cotangents(given)[0]
        wanted = inspect.signature(code.namespace[code.function]).parameters
        return np.asarray(code(**{n: known[n] for n in wanted if n in known}))

    def value(self, given: Mapping[str, Any]) -> Values:
        found = self.evaluated(self._code[""], given)
        if self.subject.form == "vjp":
            return {"": np.asarray(np.sum(found * self.subject.cotangents(given)[0]))}
        return {"": found}

    def derivative(self, given: Mapping[str, Any]) -> Values:
        return {n: self.evaluated(self._code[n], given) for n in self.gradients}

    # -- checks -------------------------------------------------------------------------------

    def checks(self, sizes: Sequence[Dims], seed: int) -> list[Check]:
        """Values and derivatives compared at one instance of each of the sizes."""
        worst: dict[str, Check] = {}
        counts: dict[str, tuple[int, int]] = {}
        for number, dims in enumerate(sizes):
            for attempt, manner in enumerate(ATTEMPTS):
                state = np.random.SeedSequence([seed, number, attempt]).generate_state(1)
                found = list(self._compared(dims, int(state[0]), manner))
                if found:
                    break
            for check in found:
                points, tried = counts.get(check.tensor, (0, 0))
                counts[check.tensor] = points + 1, tried + check.tried
                before = worst.get(check.tensor)
                if before is None or _used(check) > _used(before):
                    worst[check.tensor] = check
        return [_counted(check, *counts[name]) for name, check in worst.items()]

    def _compared(self, dims: Dims, seed: int, manner: Any) -> Iterator[Check]:
        arrays = instance(self.subject, dims, seed, manner)
        given = {k: v for k, v in arrays.items() if isinstance(v, np.ndarray)}
        rest = {k: v for k, v in arrays.items() if k not in given}
        moving = frozenset(self.subject.wrt_names)
        blocks = self.subject.blocks
        try:
            theirs, ours = (
                Instance(Claim("gradient", blocks, f, g), given, rest, moving)
                for f, g in (
                    (lambda a: self.subject.value_function()(**a), self.subject.claim),
                    (self.value, self.derivative),
                )
            )
        except np.linalg.LinAlgError:
            return
        shaped = all(
            n in theirs.claimed and theirs.claimed[n].shape == ours.claimed[n].shape for n in blocks
        )
        if theirs.values[""].shape != ours.values[""].shape:
            raise InputError(
                f"expr has shape {ours.values[''].shape} where the function's value has shape "
                f"{theirs.values[''].shape}"
            )
        finite = all(i.finite_value() and i.finite() for i in (theirs, ours))
        if not (shaped and finite):
            return
        for one in (theirs, ours):
            one.measure(np.random.default_rng([seed, 6]))
        eps = max(theirs.eps, EPS)
        got, expected = theirs.values[""].ravel(), ours.values[""].ravel()
        bound = student(VALUE_FREEDOM) * (theirs.noise[""] + ours.noise[""])
        where = (dims, seed, str(manner))
        yield _check("f", "value", got, expected, bound, theirs.values[""].shape, where)
        for name in blocks:
            rows = got.size
            noise = theirs.claimed_noise[name] + ours.claimed_noise[name]
            got_by = theirs.claimed[name].reshape(rows, -1)
            expected_by = ours.claimed[name].reshape(rows, -1)
            room = student(SLOPE_FREEDOM) * noise[:, None] + 8 * eps * np.abs(expected_by)
            yield _check(name, "gradient", got_by.ravel(), expected_by.ravel(),
                         np.broadcast_to(room, got_by.shape).ravel(),
                         theirs.claimed[name].shape, where)

    # -- terms --------------------------------------------------------------------------------

    def guesses(self, tensor: str) -> list[Guess]:
        """The terms of the exact derivative, each as one that the claim lacks."""
        whole = self.gradients[tensor]
        found = terms_of(whole)
        if len(found) < 2:
            return []
        return [
            Guess("missing term", self._part(compile_expression(term)),
                  _lacks(str(term)), adds=True)
            for term in found
        ]

    def _part(self, code: Compiled) -> Callable[[Sample], Array | None]:
        def part(s: Sample) -> Array | None:
            return np.broadcast_to(self.evaluated(code, s.arrays), s.truth.shape).copy()

        return part


def another_function(checks: Sequence[Check]) -> Diagnosis:
    """The value is not that of the expression: whose gradient is claimed?"""
    exactly = all(c.ok for c in checks if c.method == METHOD and c.quantity != "value")
    by_differences = all(c.ok for c in checks if c.method != METHOD)
    whose = {
        (True, False): "; what is claimed is the gradient of the expression",
        (False, True): "; what is claimed is the gradient of the function",
    }.get((exactly, by_differences), "")
    return Diagnosis("", "another function", f"the function is not the expression{whose}",
                     "values compared")


def _lacks(term: str) -> Callable[[Factor], str]:
    *where, main = term.split("; ")
    told = f", where {'; '.join(where)}" if where else ""

    def text(factor: Factor) -> str:
        if factor.text == "1":
            return f"the term {main} is missing{told}"
        if factor.text == "2":
            return f"the sign of the term {main} is wrong{told}"
        return f"the term {times(factor, f'({main})')} is missing{told}"

    return text


def terms_of(tensor: Tensor) -> list[Tensor]:
    """The terms of a sum, each as a tensor; the tensor alone when it is no sum."""
    equation = tensor.definition
    if equation is None or equation.reduce not in ("none", "sum"):
        return [tensor]
    body = equation.body
    if body.count_ops() <= _EXPANDED:
        body = expand(body)
    if not isinstance(body, Add):
        return [tensor]
    bound = [(bound_index(k), extent) for k, extent in enumerate(equation.extents)]
    return [
        define(out_ranges(tensor.shape), term, equation.operands, reduce=equation.reduce,
               bound=bound, requires=tensor.requires)
        for term in body.args
    ]


def _used(check: Check) -> float:
    return check.error / check.bound if check.bound > 0 else np.inf if check.error else 0.0


def _check(
    name: str, quantity: str, got: Array, expected: Array, bound: Array, shape: tuple[int, ...],
    where: tuple[Dims, int, str],
) -> Check:
    error = np.abs(got - expected)
    with np.errstate(all="ignore"):
        used = np.where(bound > 0, error / bound, np.where(error > 0, np.inf, 0.0))
    k = int(np.argmax(used))
    return Check(
        name, quantity, METHOD, 1, got.size, 0, 0, float(error[k]), float(bound[k]),
        tuple(int(i) for i in np.unravel_index(k, shape)), float(expected[k]), float(got[k]),
        *where, bool(used[k] <= 1.0),
    )


def _counted(check: Check, points: int, tried: int) -> Check:
    return replace(check, points=points, tried=tried)

