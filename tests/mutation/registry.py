"""Faults in what registries hold: laws of scalars, rules, rules of primitives, reverse and forward
rule, and what each printer makes of each kind of node.

A target is one thing that can be replaced; whatever a registry gains is a target too.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, get_args

from sympy import Add, Expr, Integer, Mul, Rational
from syntax import OTHER_WORD

from mathdl.calculus import forward, reverse
from mathdl.ir.build import bound_ranges, define, moved, out_ranges, restate, substitute
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.operators import add, multiply, negative, transpose
from mathdl.present import entries, latex, latex_tree, pretty, text, tree
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
    of: str = "tensors"  # or "scalars", "methods", "nodes"


def targets() -> Iterator[Target]:
    for function in scalar_functions():
        if function.derivative and "_eval_derivative" in vars(function.head):
            yield Target("scalar derivative", f"{function.name}, all arguments",
                         _field(function.head, "_eval_derivative"), "methods")
            continue
        laws = function.derivative or (None,)*function.arity
        for k in range(len(laws)):
            if laws[k] is not None if function.derivative else hasattr(function.head, "fdiff"):
                yield Target("scalar derivative", f"{function.name}, argument {k}",
                             _derivative(function, k), "scalars")
        if function.stable is not None:
            yield Target("scalar code", f"{function.name}, stable form",
                         _field(function, "stable"), "scalars")
    for rule in rules():
        yield Target("rule", rule.name, _field(rule, "apply"))
    for primitive in primitives():
        for k in range(len(primitive.vjp)):
            yield Target("primitive", f"{primitive.name}, operand {k}",
                         _field(primitive, "vjp", k))
        for k in range(len(primitive.jvp)):
            yield Target("primitive, forward", f"{primitive.name}, operand {k}",
                         _field(primitive, "jvp", k))
    for name in ("pull_back", "pull_back_primitive", "accumulate"):
        yield Target("reverse rule", name, _global(reverse, name))
    for name in ("push_forward", "push_forward_primitive", "push_forward_loop", "accumulate"):
        yield Target("forward rule", name, _global(forward, name))
    for printer, (module, definition) in PRINTERS.items():
        for node in NODES:
            law = definition if node in DEFINING else module._show
            yield Target(f"printer of {printer}", node.__name__, _shown(law, node), "nodes")


PRINTERS = {"text": (text, text.definition), "LaTeX": (latex_tree, latex.definition),
            "Unicode": (pretty, entries.definition)}
NODES = get_args(tree.Node)
DEFINING = (tree.Formula, tree.Sequenced)  # nodes that are whole equations


@cache
def rules() -> list[Rule]:
    """Every rewriting rule that there is."""
    return sorted((r for r in gc.get_objects() if isinstance(r, Rule)), key=lambda r: r.name)


def _field(owner: Any, name: str, k: int | None = None) -> Callable[[Wrap], None]:
    def install(wrap: Wrap) -> None:
        old = getattr(owner, name)
        new = wrap(old) if k is None else (*old[:k], wrap(old[k]), *old[k + 1:])
        (setattr if isinstance(owner, type) else object.__setattr__)(owner, name, new)

    return install


def _global(module: Any, name: str) -> Callable[[Wrap], None]:
    return lambda wrap: setattr(module, name, wrap(getattr(module, name)))


def _shown(law: Callable[..., Any], kind: type) -> Callable[[Wrap], None]:
    """What a printer makes of a node of that kind, wherever it is called."""
    def install(wrap: Wrap) -> None:
        module, name = sys.modules[law.__module__], law.__name__
        own = getattr(module, name)
        other = wrap(own)

        def shown(*arguments: Any) -> Any:
            node = arguments[_node(arguments)]
            return (other if type(node) is kind else own)(*arguments)

        shown.__module__, shown.__name__ = law.__module__, name
        for holder in list(sys.modules.values()):
            if getattr(holder, "__dict__", {}).get(name) is own:
                setattr(holder, name, shown)

    return install


def _node(arguments: Sequence[Any]) -> int:
    """Which argument is the node: after the name that it defines."""
    return max(k for k, a in enumerate(arguments) if isinstance(a, NODES))


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
    if target.of == "nodes":
        return {name: _on_node(name) for name in NODE}
    if target.of in ("scalars", "methods"):
        swapped = {"arguments swapped": _swapped} if target.of == "scalars" else {}
        return {name: _on_result(law) for name, law in SCALAR.items()} | swapped
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


def _on_node(name: str) -> Wrap:
    """A printer that is given another node."""
    def wrap(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def faulty(*arguments: Any) -> Any:
            k = _node(arguments)
            other = _others(arguments[k]).get(name)
            if other is None or other == arguments[k]:
                return function(*arguments)
            CHANGED.append(other)
            return function(*arguments[:k], other, *arguments[k + 1:])

        return faulty

    return wrap


NODE = ("operands swapped", "left out", "part dropped", "parts swapped", "sign", "number",
        "symbol", "option dropped")


def _others(node: Any) -> dict[str, Any]:
    """What may be taken for a node, by the kinds of its fields."""
    values = {f.name: getattr(node, f.name) for f in fields(node)}
    inner = [name for name, value in values.items() if isinstance(value, NODES)]
    found: dict[str, Any] = {}
    if len(inner) == 2:
        a, b = inner
        found["operands swapped"] = replace(node, **{a: values[b], b: values[a]})
    if len(inner) == 1:
        found["left out"] = values[inner[0]]
    for name, value in values.items():
        if isinstance(value, tuple) and len(value) > 1:
            found.setdefault("part dropped", replace(node, **{name: value[:-1]}))
            if not isinstance(node, tree.Add | tree.Multiply):  # whose parts commute
                found.setdefault("parts swapped", replace(
                    node, **{name: (value[1], value[0], *value[2:])}))
        if name == "terms":
            (sign, term), *rest = value
            found["sign"] = replace(node, **{name: ((-sign, term), *rest)})
        if isinstance(value, Expr):
            found["number"] = replace(node, **{name: value + 1})
        if isinstance(value, str) and name in SYMBOLS and (other := _another(value)) != value:
            found.setdefault("symbol", node)
            found["symbol"] = replace(found["symbol"], **{name: other})
    match node:
        case tree.Multiply(factors=[_, *_], divisors=[_, *_]):
            found["operands swapped"] = replace(
                node, factors=node.divisors, divisors=node.factors)
        case tree.Name(text=label):
            found["symbol"] = replace(node, text=f"{label}0")
        case tree.Call(name=name, options=options):
            found["symbol"] = replace(node, name=OTHER_WORD.get(name, name))
            found["option dropped"] = replace(node, options=options[1:])
    return found


SYMBOLS = ("sign", "body", "latex", "shown", "subscripts")  # strings with signs in them


def _another(text: str) -> str:
    """The first sign of a formula as another one."""
    for k, c in enumerate(text):
        if k and c in SIGNS:
            return text[:k] + SIGNS[c] + text[k + 1:]
    return text


SIGNS = {"+": "-", "-": "+", "−": "+", "*": "+", "·": "+", "<": ">", ">": "<"}


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
    "constant": lambda t: add(t, Rational(1, 1000)),
    "a thousandth more": lambda t: multiply(LITTLE, t),
    "sign": negative,
    "transposed": _turned,
    "term dropped": _without_term,
    "sum over an axis missing": _without_sum,
    "wrong index": _wrong_index,
}
