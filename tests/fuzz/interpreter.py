"""A second meaning of equations: vectorised NumPy over the equation's full index grid.

Slower and simpler than what the package generates, and independent of it: only the representation
is read.  Scalar functions have their own table here.  Out of range an access is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.special as sc
import sympy

from mathdl.ir.dim import dim_symbol
from mathdl.ir.index import bound_index, out_index, slot_number
from mathdl.ir.system import topological
from mathdl.ir.tensor import Tensor

_ALPHA, _SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def _expit(x: Any) -> Any:
    return sc.expit(np.asarray(x, dtype=float))


def _gelu_tanh(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _gelu_tanh_slope(x: Any) -> Any:
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x**2)


def _indicator(relation: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, b: np.where(relation(a, b), 1.0, 0.0)


SCALARS: dict[str, Callable[..., Any]] = {
    "gt": _indicator(np.greater), "ge": _indicator(np.greater_equal),
    "lt": _indicator(np.less), "le": _indicator(np.less_equal),
    "eq": _indicator(np.equal), "ne": _indicator(np.not_equal),
    "KroneckerDelta": _indicator(np.equal),
    "where": lambda c, a, b: np.where(np.not_equal(c, 0), a, b),
    "abs": np.abs, "Abs": np.abs, "sign": np.sign,
    "expm1": np.expm1, "log1p": np.log1p,
    "sigmoid": _expit, "log_sigmoid": lambda x: -np.logaddexp(0.0, -x),
    "softplus": lambda x: np.logaddexp(0.0, x),
    "silu": lambda x: x * _expit(x), "softsign": lambda x: x / (1 + np.abs(x)),
    "gelu": lambda x: x * sc.ndtr(x), "gelu_tanh": _gelu_tanh,
    "gelu_tanh_slope": _gelu_tanh_slope,
    "relu": lambda x: np.maximum(x, 0), "leaky_relu": lambda x, a: np.where(x > 0, x, a * x),
    "elu": lambda x, a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))),
    "selu": lambda x: _SCALE * np.where(x > 0, x, _ALPHA * np.expm1(np.minimum(x, 0))),
    "hardtanh": lambda x: np.clip(x, -1, 1), "maximum": np.maximum, "minimum": np.minimum,
    "clip": lambda x, a, b: np.minimum(np.maximum(x, a), b),
    "log1mexp": lambda x: np.where(
        x > -0.7, np.log(-np.expm1(x)), np.log1p(-np.exp(x))
    ),
    "log_cosh": lambda x: np.logaddexp(x, -x) - np.log(2.0),
    "xlogy": sc.xlogy, "erf": sc.erf, "erfc": sc.erfc, "gammaln": sc.gammaln,
    "loggamma": sc.gammaln, "digamma": sc.digamma,
    "polygamma": lambda n, x: sc.polygamma(np.asarray(n).astype(int), x),
    "normal_cdf": sc.ndtr, "normal_pdf": lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
    "floor": np.floor, "Mod": np.mod,
}


@lru_cache(maxsize=100_000)
def compiled(expr: Any) -> tuple[tuple[Any, ...], Callable[..., Any]]:
    """The symbols of a scalar expression and the function of their values."""
    expr = sympy.sympify(expr)
    symbols = tuple(sorted(expr.free_symbols, key=lambda s: (s.name, str(s.assumptions0))))
    dummies = [sympy.Dummy() for _ in symbols]
    renamed = expr.xreplace(dict(zip(symbols, dummies, strict=True)))
    heads = {type(f).__name__: type(f) for f in renamed.atoms(sympy.Function)}
    for name, head in heads.items():
        if name in SCALARS:  # plain functions, so that no printer has an opinion
            renamed = renamed.replace(head, sympy.Function(f"f_{name}"))
    table = {f"f_{name}": law for name, law in SCALARS.items()}
    return symbols, sympy.lambdify(dummies, renamed, [table, "scipy", "numpy"])


def integer(expr: Any, sizes: Mapping[Any, int]) -> int:
    value = sympy.sympify(expr).subs(dict(sizes))
    assert value.is_Integer, f"{expr} is not an integer at {sizes}"
    return int(value)


def evaluate(
    outputs: Sequence[Tensor], arrays: Mapping[str, Any], dims: Mapping[str, int]
) -> list[np.ndarray]:
    """The values of tensors at inputs and dims given by name."""
    sizes = {dim_symbol(name): size for name, size in dims.items()}
    values: dict[int, np.ndarray] = {}
    order = topological(outputs)
    for requirement in (r for t in order for r in t.requires):
        assert integer(requirement.expr, sizes) >= 0, f"needed: {requirement.reason}"
    for tensor in order:
        shape = tuple(integer(d, sizes) for d in tensor.shape)
        if tensor.is_input:
            value = np.asarray(arrays[tensor.name or ""], dtype=float)
        else:
            value = _equation(tensor, shape, values, sizes)
        assert value.shape == shape, f"shape {value.shape}, declared {shape}"
        values[id(tensor)] = value
    return [values[id(t)] for t in outputs]


def _equation(
    tensor: Tensor, shape: tuple[int, ...], values: Mapping[int, np.ndarray],
    sizes: Mapping[Any, int],
) -> np.ndarray:
    equation = tensor.equation
    full = (*shape, *(integer(d, sizes) for d in equation.extents))
    names = [*map(out_index, range(len(shape))), *map(bound_index, range(len(equation.extents)))]
    env: dict[Any, Any] = dict(sizes)
    for axis, name in enumerate(names):
        env[name] = np.arange(full[axis]).reshape([-1 if k == axis else 1
                                                   for k in range(len(full))])

    def at(expr: Any) -> Any:
        symbols, law = compiled(expr)
        for s in symbols:
            k = slot_number(s)
            if k is not None and s not in env:
                access = equation.operands[k]
                source = values[id(access.tensor)]
                inside: Any = True
                places = []
                for e, length in zip(access.index, source.shape, strict=True):
                    place = np.asarray(at(e))
                    whole = place.astype(int)
                    assert (whole == place).all(), f"index {e} is not an integer"
                    inside = inside & (whole >= 0) & (whole < length)
                    places.append(np.clip(whole, 0, length - 1))
                env[s] = np.where(inside, source[tuple(places)], 0.0)
        return law(*(env[s] for s in symbols))

    with np.errstate(all="ignore"):
        body = np.broadcast_to(np.asarray(at(equation.body), dtype=float), full)
        axes = tuple(range(len(shape), len(full)))
        reduced: np.ndarray = {
            "none": lambda: body,
            "sum": lambda: body.sum(axis=axes),
            "prod": lambda: body.prod(axis=axes),
            "max": lambda: body.max(axis=axes),
            "min": lambda: body.min(axis=axes),
        }[equation.reduce]()
    return np.asarray(reduced)
