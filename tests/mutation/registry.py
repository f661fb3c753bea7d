"""Faults in what registries hold: laws of scalars, rules, rules of primitives, the reverse rule.

A target is one thing that can be replaced; whatever a registry gains is a target too.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from sympy import Add, Integer, Mul, Rational

from mathdl.calculus import reverse
from mathdl.ir.build import bound_ranges, define, moved, out_ranges, restate, substitute
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.operators import multiply, negative, transpose
from mathdl.primitives import primitives
from mathdl.scalar import scalar_functions
from mathdl.simplify.engine import Rule

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]
LITTLE = Rational(1001, 1000)


@dataclass(frozen=True)
class Target:
    """Something that a registry holds; ``install`` replaces it by what is made of it."""

    kind: str
    name: str
    install: Callable[[Wrap], None]
    of_scalars: bool = False


def targets() -> Iterator[Target]:
    for function in scalar_functions():
        laws = function.derivative or (None,)*function.arity
        for k in range(len(laws)):
            if laws[k] is not None if function.derivative else hasattr(function.head, "fdiff"):
                yield Target("scalar derivative", f"{function.name}, argument {k}",
                             _derivative(function, k), True)
        if function.stable is not None:
            yield Target("scalar code", f"{function.name}, stable form",
                         _field(function, "stable"), True)
    for rule in rules():
        yield Target("rule", rule.name, _field(rule, "apply"))
    for primitive in primitives():
        for k in range(len(primitive.vjp)):
            yield Target("primitive", f"{primitive.name}, operand {k}",
                         _field(primitive, "vjp", k))
    for name in ("pull_back", "pull_back_primitive", "accumulate"):
        yield Target("reverse rule", name, _global(reverse, name))


@cache
def rules() -> list[Rule]:
    """Every rewriting rule that there is."""
    return sorted((r for r in gc.get_objects() if isinstance(r, Rule)), key=lambda r: r.name)


def _field(owner: Any, name: str, k: int | None = None) -> Callable[[Wrap], None]:
    def install(wrap: Wrap) -> None:
        old = getattr(owner, name)
        new = wrap(old) if k is None else (*old[:k], wrap(old[k]), *old[k + 1:])
        object.__setattr__(owner, name, new)

    return install


def _global(module: Any, name: str) -> Callable[[Wrap], None]:
    return lambda wrap: setattr(module, name, wrap(getattr(module, name)))


def _derivative(function: Any, k: int) -> Callable[[Wrap], None]:
    """The law that is declared, or SymPy's own where none is."""
    def install(wrap: Wrap) -> None:
        head = function.head
        if function.derivative:
            laws = list(head._derivative)
            laws[k] = wrap(laws[k])
            head._derivative = tuple(laws)
            return
        own = head.fdiff

        def fdiff(self: Any, argindex: int = 1) -> Any:
            return wrap(lambda *arguments: own(head(*arguments), argindex))(*self.args)

        head.fdiff = fdiff

    return install


# -- faults ---------------------------------------------------------------------------------------


CHANGED: list[Any] = []
"""Faulty results that were given in this process: without one, nothing was planted."""


def faults(target: Target) -> dict[str, Wrap]:
    """By name, what makes of a function one with a fault in its results."""
    if target.of_scalars:
        return {name: _on_result(law) for name, law in SCALAR.items()} | {
            "arguments swapped": _swapped}
    return {name: _on_result(law) for name, law in TENSOR.items()}


def _on_result(law: Callable[[Any], Any]) -> Wrap:
    """Of tensors the first result that the fault changes: a rule may be given it again."""
    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def faulty(*arguments: Any, **named: Any) -> Any:
            result = function(*arguments, **named)
            if result is None or (CHANGED and isinstance(result, Tensor)):
                return result
            return _changed(result, law(result))

        return faulty

    return wrap


def _swapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """A law with its first two arguments in the other order."""
    def faulty(*arguments: Any) -> Any:
        right = function(*arguments)
        if len(arguments) < 2:
            return right
        return _changed(right, function(arguments[1], arguments[0], *arguments[2:]))

    return faulty


def _changed(result: Any, other: Any) -> Any:
    """The other result, where it is one."""
    same = other is None or other is result or (
        not isinstance(result, Tensor) and other == result)
    if not same:
        CHANGED.append(other)
    return result if same else other


def _fewer(result: Any) -> Any:
    """A sum without a term, a product without a factor."""
    if isinstance(result, Add | Mul):
        *rest, _ = sorted(result.args, key=str)
        return result.func(*rest)
    return None


SCALAR: dict[str, Callable[[Any], Any]] = {
    "a thousandth more": lambda e: e*LITTLE,
    "sign": lambda e: -e,
    "term dropped": _fewer,
    "constant": lambda e: e + Rational(1, 1000),
}


def _turned(t: Tensor) -> Tensor | None:
    """Two axes of one length swapped."""
    for a in range(t.ndim):
        for b in range(a + 1, t.ndim):
            if t.shape[a] == t.shape[b] != 1:
                order = list(range(t.ndim))
                order[a], order[b] = b, a
                return transpose(t, order)
    return None


def _without_term(t: Tensor) -> Tensor | None:
    if t.definition is None or (body := _fewer(t.definition.body)) is None:
        return None
    return restate(t, body, list(t.definition.operands))


def _without_sum(t: Tensor) -> Tensor | None:
    """One axis of a sum is not summed over, but read at its start."""
    if t.definition is None or t.definition.reduce != "sum":
        return None
    (symbol, _), *rest = bound_ranges(t.definition)
    start = {symbol: Integer(0)}
    return define(
        out_ranges(t.shape), substitute(t.definition.body, start),
        moved(t.definition.operands, start), reduce="sum" if rest else "none", bound=rest,
        requires=t.requires)


def _wrong_index(t: Tensor) -> Tensor | None:
    """An access with two of its indices swapped."""
    if t.definition is None:
        return None
    for k, access in enumerate(t.definition.operands):
        shape, index = access.tensor.shape, list(access.index)
        for a in range(len(index)):
            for b in range(a + 1, len(index)):
                if shape[a] == shape[b] and index[a] != index[b]:
                    index[a], index[b] = index[b], index[a]
                    operands = list(t.definition.operands)
                    operands[k] = Access(access.tensor, tuple(index), access.held)
                    return restate(t, t.definition.body, operands)
    return None


TENSOR: dict[str, Callable[[Tensor], Tensor | None]] = {
    "a thousandth more": lambda t: multiply(LITTLE, t),
    "sign": negative,
    "transposed": _turned,
    "term dropped": _without_term,
    "sum over an axis missing": _without_sum,
    "wrong index": _wrong_index,
}
