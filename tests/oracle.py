"""The reference meaning of an equation: loops over its output and bound indices, in floats.

Nothing of the package is used but the declared definitions of scalar functions, so that what the
package compiles, derives and simplifies can be compared with it.  Slow; for tiny dims only.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from mathdl.ir.index import bound_index, out_index, slot, slots_in
from mathdl.ir.system import topological
from mathdl.ir.tensor import Access, Tensor
from mathdl.scalar import Head, of_head

Env = dict[Any, Any]
Program = Callable[[Env], Any]


def evaluate(
    tensor: Tensor, arrays: Mapping[str, Any], dims: Mapping[str, int] | None = None
) -> np.ndarray:
    """The value of a tensor at given inputs (by name) and dims (by name).

    Raises ValueError when an input's shape or a requirement on the dims does not hold.
    """
    sizes = {_dim_symbol(name): size for name, size in (dims or {}).items()}
    values: dict[int, np.ndarray] = {}
    for t in topological([tensor]):
        shape = tuple(_integer(d, sizes) for d in t.shape)
        for requirement in t.requires:
            if _integer(requirement.expr, sizes) < 0:
                raise ValueError(f"requirement does not hold: {requirement.reason}")
        if t.is_input:
            values[id(t)] = np.asarray(arrays[t.name or ""], dtype=float)
            if values[id(t)].shape != shape:
                raise ValueError(f"{t.name} has shape {values[id(t)].shape}, declared {shape}")
        else:
            values[id(t)] = _equation(t, shape, values, sizes)
    return values[id(tensor)]


def _dim_symbol(name: str) -> Any:
    return sympy.Symbol(name, integer=True, positive=True)


def _integer(expr: Any, sizes: Mapping[Any, int]) -> int:
    value = sympy.sympify(expr).subs(dict(sizes))
    if not value.is_Integer:
        raise ValueError(f"{expr} is not an integer at {dict(sizes)}")
    return int(value)


def _equation(
    t: Tensor, shape: tuple[int, ...], values: Mapping[int, np.ndarray], sizes: Mapping[Any, int]
) -> np.ndarray:
    equation = t.equation
    outs = [out_index(k) for k in range(len(shape))]
    bound = [bound_index(k) for k in range(len(equation.extents))]
    extents = [_integer(d, sizes) for d in equation.extents]
    body = program(equation.body)
    reads = [_Read(access, values[id(access.tensor)]) for access in equation.operands]
    result = np.empty(shape)
    for place in itertools.product(*map(range, shape)):
        terms = []
        for step in itertools.product(*map(range, extents)):
            env: Env = {**sizes, **dict(zip(outs, place, strict=True)),
                        **dict(zip(bound, step, strict=True))}
            for k in range(len(reads)):
                _load(k, reads, env)
            terms.append(float(body(env)))
        result[place] = _REDUCE[equation.reduce](terms)
    return result


class _Read:
    """An access with its index compiled; out of range it is zero."""

    def __init__(self, access: Access, array: np.ndarray) -> None:
        self.array = array
        self.index = [program(e) for e in access.index]
        self.needs = sorted({k for e in access.index for k in slots_in(e)})

    def at(self, env: Env) -> float:
        place = [e(env) for e in self.index]
        if any(p != int(p) for p in place):
            raise ValueError(f"an index is not an integer: {place}")
        inside = all(0 <= p < n for p, n in zip(place, self.array.shape, strict=True))
        return float(self.array[tuple(int(p) for p in place)]) if inside else 0.0


def _load(k: int, reads: list[_Read], env: Env) -> None:
    """Put the value of access ``k`` into its slot, those that its index needs first."""
    if slot(k) not in env:
        for other in reads[k].needs:
            _load(other, reads, env)
        env[slot(k)] = reads[k].at(env)


def _only(terms: list[float]) -> float:
    (value,) = terms
    return value


_REDUCE: dict[str, Callable[[list[float]], float]] = {
    "none": _only,
    "sum": math.fsum,
    "prod": math.prod,
    "max": max,
    "min": min,
}


# -- scalars -----------------------------------------------------------------------------------

_PROGRAMS: dict[Any, Program] = {}


def program(expr: Any) -> Program:
    """A SymPy scalar as a function of the values of its symbols."""
    expr = sympy.sympify(expr)
    if expr not in _PROGRAMS:
        _PROGRAMS[expr] = _compile(expr)
    return _PROGRAMS[expr]


def _compile(expr: Any) -> Program:
    if isinstance(expr, sympy.Symbol):
        return lambda env: env[expr]
    if not expr.args or expr.is_Number:
        return _literal(expr)
    if isinstance(expr, sympy.Piecewise):
        return _cases([(program(value), program(when)) for value, when in expr.args])
    if of_head(expr.func) is not None and type(expr).__name__ == "where":
        condition, one, other = map(program, expr.args)
        return lambda env: one(env) if condition(env) != 0 else other(env)
    if isinstance(expr, Head):
        return _defined(expr)
    rule = next((rule for kind, rule in _RULES.items() if isinstance(expr, kind)), None)
    arguments = [program(a) for a in expr.args]
    if rule is not None:
        return lambda env: rule(*(a(env) for a in arguments))
    function = expr.func
    return lambda env: _sympy_value(function, [a(env) for a in arguments])


def _literal(expr: Any) -> Program:
    if expr in (sympy.true, sympy.false):
        truth = bool(expr)
        return lambda env: truth
    if expr.is_Integer:
        integer = int(expr)
        return lambda env: integer
    if expr.is_Rational:
        exact = Fraction(int(expr.p), int(expr.q))
        return lambda env: exact
    number = float(expr)
    return lambda env: number


def _cases(pairs: list[tuple[Program, Program]]) -> Program:
    def choose(env: Env) -> Any:
        for value, when in pairs:
            if when(env):
                return value(env)
        raise ValueError("no case of a Piecewise holds")

    return choose


def _defined(expr: Any) -> Program:
    """A declared scalar function by its definition."""
    names = sympy.symbols(f"argument:{len(expr.args)}", real=True, seq=True)
    declared = of_head(expr.func)
    assert declared is not None
    body = program(declared.definition(*names))
    arguments = [program(a) for a in expr.args]
    return lambda env: body(
        {name: a(env) for name, a in zip(names, arguments, strict=True)}
    )


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(exponent, int) and not isinstance(base, float) and exponent < 0:
        return Fraction(base) ** exponent
    value = base**exponent
    if isinstance(value, complex):
        raise ValueError(f"({base})**({exponent}) is not real")
    return value


def _exp(x: Any) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _sympy_value(function: Any, arguments: list[Any]) -> float:
    return float(function(*(sympy.Float(float(a), 30) for a in arguments)).evalf(20))


_RULES: dict[Any, Callable[..., Any]] = {
    sympy.Add: lambda *a: sum(a[1:], a[0]),
    sympy.Mul: lambda *a: math.prod(a),
    sympy.Pow: _power,
    sympy.exp: _exp,
    sympy.log: lambda x: math.log(x),
    sympy.floor: lambda x: math.floor(x),
    sympy.Mod: lambda a, b: a % b,
    sympy.KroneckerDelta: lambda a, b: int(a == b),
    sympy.Eq: lambda a, b: a == b,
    sympy.Ne: lambda a, b: a != b,
    sympy.Lt: lambda a, b: a < b,
    sympy.Le: lambda a, b: a <= b,
    sympy.Gt: lambda a, b: a > b,
    sympy.Ge: lambda a, b: a >= b,
    sympy.And: lambda *a: all(a),
    sympy.Or: lambda *a: any(a),
    sympy.Not: lambda a: not a,
}
