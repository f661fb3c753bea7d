"""The claims of a subject, about functions that compute its values and derivatives.

The same claims are about generated code, about equations in numbers of many digits and about
equations in exact ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mathdl.errors import AssumptionError, NamingError, OrderError, UnsupportedError
from mathdl.ir.system import with_steps
from mathdl.ir.tensor import Tensor
from mathdl.primitives import lookup_primitive
from mathdl.proof.evaluate import Evaluator
from mathdl.proof.instances import dims_of
from mathdl.request import PROJECTED, Block, Space, is_inside
from mathdl.verify.claim import Arguments, Claim
from mathdl.verify.noise import Values
from mathdl.verify.subject import Derived, Subject, graph
from mathdl.verify.unwritten import unwritten_is_nan

_Code = Callable[..., Mapping[str, Any]]
_Function = Callable[[Arguments], Values]


@dataclass(frozen=True)
class Functions:
    """From arguments by name: the values, the derivatives, and those of one order less."""

    value: _Function
    derivative: _Function
    below: Callable[[], _Function]


def by_code(subject: Subject) -> Functions:
    """What the generated code computes."""
    return Functions(
        _named(subject.value_function()),
        _named(unwritten_is_nan(subject.derivative_function())),
        lambda: _named(subject.gradient_function()),
    )


def by_equations(subject: Derived, dims: Mapping[str, int], numbers: Any) -> Functions:
    """What the expressions as written, and the derived equations, mean in numbers of a kind."""
    outputs = dict(zip(subject.outputs, subject.written, strict=True))
    symbols = dims_of([*graph(subject), *outputs.values(), *subject.lower.values()])[0]
    sizes = {s: dims[s.name] for s in symbols}

    def function(tensors: Mapping[str, Tensor]) -> _Function:
        def call(arguments: Arguments) -> Values:
            at = Evaluator(
                lambda t: numbers.array(arguments[t.name or ""]), sizes, numbers)
            return {key: at.value(t) for key, t in tensors.items()}

        return call

    return Functions(
        function(outputs), function(subject.derivatives), lambda: function(subject.lower)
    )


def check_wrt(subject: Subject) -> None:
    """Refuse what is no derivative by real inputs."""
    wrt = {t.name or "": t for t in subject.wrt}
    unknown = sorted({n for b in subject.blocks.values() for n in b.path} - wrt.keys())
    if unknown or not subject.blocks:
        raise NamingError(
            f"derivatives by {', '.join(unknown)}, which are not in wrt" if unknown
            else "there is no derivative to verify"
        )
    if subject.order < 1:
        raise OrderError(f"derivatives of order 1 or more are verified, not {subject.order}")
    for name, tensor in wrt.items():
        if not tensor.is_input:
            raise UnsupportedError(f"only derivatives by inputs are verified, not by {name}")
        if "integer" in tensor.assume:
            raise AssumptionError(f"{name} is integer: there is no derivative to verify")


def claims_of(subject: Subject, functions: Functions, notes: list[str]) -> list[Claim]:
    """What is claimed: at order 2 the first derivatives too, as the second are theirs."""
    blocks = subject.blocks
    moving = _moving(subject, notes)

    def claim(
        quantity: str, of: Mapping[str, Block], function: _Function, derivative: _Function
    ) -> Claim:
        return Claim(quantity, of, function, _seen(subject, derivative, of, moving), moving)

    first = first_quantity(subject)
    if subject.order == 1:
        return [claim(first, blocks, functions.value, functions.derivative)]
    lower = functions.below()
    if subject.order == 2:
        below = {b.below.key: b.below for b in blocks.values()}
        return [
            claim(first, below, functions.value, lower),
            claim("Hessian", blocks, lower, functions.derivative),
        ]
    order = subject.order
    notes.append(f"order {order} is checked as the derivative of order {order - 1}")
    return [claim(last_quantity(subject), blocks, lower, functions.derivative)]


def first_quantity(subject: Subject) -> str:
    """What the first derivatives are called."""
    tensors = any(t.shape for t in subject.outputs.values())
    return "Jacobian" if tensors else "gradient"


def last_quantity(subject: Subject) -> str:
    """What the derivatives of the subject's order are called."""
    named = {1: first_quantity(subject), 2: "Hessian"}
    return named.get(subject.order, f"order {subject.order}")


def _moving(subject: Subject, notes: list[str]) -> dict[str, Space]:
    """Symmetric arguments that must stay so, each with the space in which it moves.

    Those of the space that was asked for; and every one of an expression with a
    factorisation that reads one triangle.
    """
    space = subject.space
    if space is None and any(
        t.call is not None and t.recurrence is None
        and lookup_primitive(t.call.primitive).one_triangle
        for t in with_steps(graph(subject))
    ):
        space = PROJECTED
    found = {t.name or "": space for t in subject.wrt if space and is_inside(t, space)}
    if found:
        notes.append(f"{', '.join(sorted(found))} moves symmetrically")
    return found


def _seen(
    subject: Subject, derivative: _Function, blocks: Mapping[str, Block],
    moving: Mapping[str, Space],
) -> _Function:
    """Of ambient derivatives what a symmetric step sees."""
    if subject.space is not None or not moving:
        return derivative

    def projected(arrays: Arguments) -> Values:
        found = dict(derivative(arrays))
        for key in blocks.keys() & found.keys():
            a = found[key]
            if blocks[key].path[-1] in moving and a.ndim > 1:
                found[key] = PROJECTED.map(a, np.swapaxes(a, -1, -2), 0)
        return found

    return projected


def _named(function: _Code) -> _Function:
    def call(arrays: Arguments) -> Values:
        return {name: np.asarray(a) for name, a in function(**arrays).items()}

    return call
