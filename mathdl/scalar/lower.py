"""Two rewritings of scalar expressions: into what is computed, and into what is defined.

Accesses to tensors are atoms.  So are, for what is computed, deltas and relations between
indices; there a SymPy function without a declaration is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from sympy import Add, Dummy, Function, KroneckerDelta, Mul, Pow
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean

from mathdl.errors import UnsupportedError
from mathdl.scalar.declare import Head, Law, of_head, scalar_functions

Replacements = dict[Any, list[tuple[Law, Law]]]

_PLAIN = (Add, Mul, Pow)
# What definitions are written in besides: cases, conditions, and SymPy's own functions.
_DEFINING = (*_PLAIN, Function, ExprCondPair, Boolean)


def lower(expression: Any, *, careful: bool = True) -> Any:
    """The expression in functions that have a ufunc, and in ``+``, ``*`` and powers.

    With ``careful``, forms that lose digits (``1 - sigmoid(x)``, ``log(1 + exp(x))``) are
    replaced by the declared equal ones, at the price of another exponential here and there.

    Raises UnsupportedError for a function that is not declared.
    """

    laws = _replacements(len(list(scalar_functions()))) if careful else {}

    def replace(node: Any) -> Any:
        better = _without_cancellation(node, laws)
        if better is not None:
            return better
        function = of_head(node.func)
        if function is None or isinstance(node, _PLAIN):
            return None
        if node.func is not function.head:
            return function.head(*node.args)
        return function.stable(*node.args) if function.stable is not None else None

    return _rewrite(expression, replace, _is_scalar_operation)


def uncancelled_form(expression: Any) -> Any:
    """A declared form of a sum or function that is equal but loses no digits, or None."""
    return _without_cancellation(expression, _replacements(len(list(scalar_functions()))))


def cancelling(expression: Any) -> bool:
    """Whether the expression is a function that such forms are stated of."""
    return expression.func in _replacements(len(list(scalar_functions())))


def define(expression: Any) -> Any:
    """The expression with each function that SymPy lacks replaced by its definition."""

    def replace(node: Any) -> Any:
        function = of_head(node.func)
        if function is None or not isinstance(node, Head):
            return None
        return function.definition(*node.args)

    return _rewrite(expression, replace, lambda node: isinstance(node, _DEFINING))


def _rewrite(expression: Any, replace: Callable[[Any], Any], enters: Callable[[Any], bool]) -> Any:
    """Replace from the top until nothing is left to replace; each shared node is done once."""
    done: dict[Any, Any] = {}

    def walk(node: Any) -> Any:
        if node in done:
            return done[node]
        if not node.args or not enters(node):
            return node
        new = replace(node)
        if new is not None and new != node:
            result = walk(new)
        else:
            arguments = [walk(argument) for argument in node.args]
            result = node
            if any(a is not b for a, b in zip(arguments, node.args, strict=True)):
                result = node.func(*arguments)
        done[node] = result
        return result

    return walk(expression)


def _is_scalar_operation(node: Any) -> bool:
    if isinstance(node, _PLAIN) or of_head(node.func) is not None:
        return True
    if isinstance(node, Function) and not isinstance(node, (AppliedUndef, KroneckerDelta)):
        raise UnsupportedError(f"the function {node.func} has no declaration, in {node}")
    return False


@lru_cache(maxsize=1)
def _replacements(declared: int) -> Replacements:
    """The ``replaces`` laws by the head of the innermost function they mention.

    Depends on how many functions are ``declared``, since a later one may bring its own.
    """
    slot = Dummy("x", real=True)
    found: Replacements = {}
    for function in scalar_functions():
        for written, better in function.replaces:
            inner = next(f.func for f in written(slot).atoms(Function) if f.args == (slot,))
            found.setdefault(inner, []).append((written, better))
    return found


def _without_cancellation(node: Any, laws: Replacements) -> Any:
    if not laws or not isinstance(node, (Add, Function)):
        return None
    for inner in _functions_within(node, depth=3):
        for written, better in laws.get(inner.func, ()):
            form = written(*inner.args)
            if node == form:
                return better(*inner.args)
            if node == -form:
                return -better(*inner.args)
    return None


def _functions_within(node: Any, depth: int) -> Iterator[Any]:
    for argument in node.args:
        if isinstance(argument, Function):
            yield argument
        if depth > 1 and argument.args and isinstance(argument, (*_PLAIN, Function)):
            yield from _functions_within(argument, depth - 1)
