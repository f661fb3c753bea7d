"""What equations mean: values over the full index grid, in any kind of numbers.

Slow, simple, and apart from all that derives and generates: only the representation is read, and
scalar functions and primitives have tables of their own here, those of floats computed by NumPy.
An access out of range is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import sympy

from mathdl.errors import UnsupportedError
from mathdl.ir.index import bound_index, out_index, slot_number
from mathdl.ir.system import topological
from mathdl.ir.tensor import Recurrence, Tensor

Array = np.ndarray[Any, Any]
_ALPHA, _SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def _expit(x: Any) -> Any:
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(x, dtype=float)))


def _indicator(relation: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, b: np.where(relation(a, b), 1.0, 0.0)


def _special(name: str) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(*arguments)

    return call


_ndtr = _special("ndtr")


def _gelu_tanh(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _gelu_tanh_slope(x: Any) -> Any:
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x**2)


def _bessel_ratio(x: Any) -> Any:
    return _special("i1e")(x) / _special("i0e")(x)


def _bessel_ratio_slope(x: Any) -> Any:
    return (1 + _special("ive")(2, x) / _special("i0e")(x)) / 2 - _bessel_ratio(x) ** 2


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
    "gelu": lambda x: x * _ndtr(x), "gelu_tanh": _gelu_tanh,
    "gelu_tanh_slope": _gelu_tanh_slope,
    "relu": lambda x: np.maximum(x, 0), "leaky_relu": lambda x, a: np.where(x > 0, x, a * x),
    "elu": lambda x, a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))),
    "selu": lambda x: _SCALE * np.where(x > 0, x, _ALPHA * np.expm1(np.minimum(x, 0))),
    "hardtanh": lambda x: np.clip(x, -1, 1), "maximum": np.maximum, "minimum": np.minimum,
    "clip": lambda x, a, b: np.minimum(np.maximum(x, a), b),
    "log1mexp": lambda x: np.where(x > -0.7, np.log(-np.expm1(x)), np.log1p(-np.exp(x))),
    "erfcx": _special("erfcx"), "log_normal_cdf": _special("log_ndtr"),
    "inverse_mills": lambda x: np.exp(
        -x * x / 2 - _special("log_ndtr")(x)) / np.sqrt(2 * np.pi),
    "erfcx_slope": lambda x: 2 * (x * _special("erfcx")(x) - 1 / np.sqrt(np.pi)),
    "mills_gap": lambda x: x + np.exp(
        -x * x / 2 - _special("log_ndtr")(x)) / np.sqrt(2 * np.pi),
    "logaddexp": np.logaddexp,
    "log_cosh": lambda x: np.logaddexp(x, -x) - np.log(2.0),
    "xlogy": _special("xlogy"), "erf": _special("erf"), "erfc": _special("erfc"),
    "gammaln": _special("gammaln"), "loggamma": _special("gammaln"),
    "digamma": _special("digamma"),
    "polygamma": lambda n, x: _special("polygamma")(np.asarray(n).astype(int), x),
    "i0e": _special("i0e"), "i1e": _special("i1e"),
    "log_i0": lambda x: np.log(_special("i0e")(x)) + np.abs(x),
    "bessel_ratio": _bessel_ratio, "bessel_ratio_slope": _bessel_ratio_slope,
    "normal_cdf": _ndtr, "normal_pdf": lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
    "floor": lambda x: np.floor(x + 1e-9),  # of quotients of integers: 5/3 + 1/3 is 2
    "Mod": np.mod,
}


def _solve(a: Array, b: Array, **_: Any) -> Array:
    return np.linalg.solve(a, b)


def _gaps(w: Array, sign: int) -> Array:
    """``1/(w[j] + sign*w[i])`` off the diagonal."""
    gap = w[..., None, :] + sign * w[..., :, None]
    same = np.eye(w.shape[-1], dtype=bool)
    return np.where(same, 0.0, 1 / np.where(same, 1.0, gap))


def _svd(k: int) -> Callable[..., Any]:
    return lambda a, **_: np.linalg.svd(a, full_matrices=False)[k]


def _expm(a: Array, **_: Any) -> Array:
    import scipy.linalg

    return np.asarray(scipy.linalg.expm(a))


def _symmetrised(a: Array) -> Array:
    """What an eigendecomposition is of, whichever triangle NumPy reads."""
    return np.asarray((a + np.swapaxes(a, -1, -2)) / 2)


PRIMITIVES: dict[str, Callable[..., Any]] = {
    "inv": lambda a, **_: np.linalg.inv(a), "solve": _solve,
    "pinv": lambda a, **_: np.linalg.pinv(a),
    "det": lambda a, **_: np.linalg.det(a), "logdet": lambda a, **_: np.linalg.slogdet(a)[1],
    "signdet": lambda a, **_: np.linalg.slogdet(a)[0],
    "cholesky": lambda a, **_: np.linalg.cholesky(a), "expm": _expm,
    "eigvalsh": lambda a, **_: np.linalg.eigh(_symmetrised(a))[0],
    "eigvecsh": lambda a, **_: np.linalg.eigh(_symmetrised(a))[1],
    "svd_u": _svd(0), "svdvals": _svd(1), "svd_vh": _svd(2),
    "inverse_gaps": lambda w, **_: _gaps(w, -1), "inverse_sums": lambda w, **_: _gaps(w, 1),
    # of the columns of U, which have no complement where it is square
    "inverse_values": lambda s, u, **_: np.zeros_like(s) if u.shape[-2] == u.shape[-1] else 1 / s,
    "lstsq": lambda a, b, **_: np.linalg.lstsq(a, b, rcond=None)[0],
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
    return symbols, sympy.lambdify(dummies, renamed, [table, "numpy"])


_FOLDS: dict[str, Callable[[Array, tuple[int, ...]], Any]] = {
    "none": lambda a, _: a,
    "sum": lambda a, axes: a.sum(axis=axes),
    "prod": lambda a, axes: a.prod(axis=axes),
    "max": lambda a, axes: a.max(axis=axes),
    "min": lambda a, axes: a.min(axis=axes),
}


class Numbers(Protocol):
    """What entries are, and what scalar expressions, reductions and primitives make of them."""

    zero: Any

    def array(self, values: Any) -> Array:
        """Integers, or numbers of this kind, as an array of this kind."""

    def integers(self, values: Any) -> Array:
        """The entries that index, as integers."""

    def law(self, expr: Any) -> tuple[tuple[Any, ...], Callable[..., Any]]:
        """The symbols of a scalar expression and the function of arrays of their values."""

    def fold(self, reduce: str, values: Array, axes: tuple[int, ...]) -> Any:
        """A reduction over the last axes."""

    def primitive(self, name: str) -> Callable[..., Any] | None:
        """The law of a primitive, if it is known."""


class Floats:
    """Double precision, by NumPy."""

    zero = 0.0

    def array(self, values: Any) -> Array:
        return np.asarray(values, dtype=float)

    def integers(self, values: Any) -> Array:
        return np.asarray(values).astype(int)

    def law(self, expr: Any) -> tuple[tuple[Any, ...], Callable[..., Any]]:
        return compiled(expr)

    def fold(self, reduce: str, values: Array, axes: tuple[int, ...]) -> Any:
        return _FOLDS[reduce](values, axes)

    def primitive(self, name: str) -> Callable[..., Any] | None:
        return PRIMITIVES.get(name)


FLOATS = Floats()


class Evaluator:
    """Values of tensors at one instance; what was computed is kept."""

    def __init__(
        self, inputs: Callable[[Tensor], Array], sizes: Mapping[Any, int],
        numbers: Numbers = FLOATS,
    ) -> None:
        self.inputs = inputs
        self.sizes = dict(sizes)
        self.numbers = numbers
        self.known: dict[Tensor, Array] = {}

    def size(self, expr: Any) -> int:
        value = sympy.sympify(expr).xreplace({s: sympy.Integer(n) for s, n in self.sizes.items()})
        return int(value)

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        return tuple(self.size(d) for d in tensor.shape)

    def value(self, tensor: Tensor) -> Array:
        """The value of a tensor and of all that it needs."""
        for t in topological([tensor]):
            if t not in self.known:
                self.known[t] = self.again(t, {})
        return self.known[tensor]

    def again(self, tensor: Tensor, changed: Mapping[int, Array]) -> Array:
        """A tensor from its operands' values, some of them (by slot) changed."""
        if tensor.is_input:
            return self.inputs(tensor)
        given = [
            changed.get(k, self.known[a.tensor]) for k, a in enumerate(tensor.operands)
        ]
        if tensor.recurrence is not None:
            value = self._recurrence(tensor, tensor.recurrence, given)
        elif tensor.call is not None:
            value = self._primitive(tensor, given)
        else:
            value = self._equation(tensor, given)
        return self.numbers.array(value)

    def _primitive(self, tensor: Tensor, given: Sequence[Array]) -> Array:
        assert tensor.call is not None
        law = self.numbers.primitive(tensor.call.primitive)
        if law is None:
            raise UnsupportedError(f"the checker does not know {tensor.call.primitive}")
        return np.asarray(law(*given))

    def _recurrence(self, tensor: Tensor, step: Recurrence, given: Sequence[Array]) -> Array:
        """The step over and over, in the order of time."""
        carry, rest = list(given[: len(step.states)]), list(given[len(step.states):])
        count = self.size(step.length)
        made: dict[int, Array] = {}
        for t in sorted(range(count), reverse=step.reverse):
            entries = [x[t] for x in rest[: len(step.items)]]
            arrays = (*carry, *entries, *rest[len(step.items):])
            known = dict(zip(step.inputs, arrays, strict=True))
            inner = Evaluator(known.__getitem__, self.sizes, self.numbers)
            *carry, made[t] = [inner.value(x) for x in (*step.nexts, tensor.emitted)]
        return np.stack([made[t] for t in range(count)])

    def _equation(self, tensor: Tensor, given: Sequence[Array]) -> Array:
        equation = tensor.equation
        shape = self.shape(tensor)
        full = (*shape, *(self.size(d) for d in equation.extents))
        count = len(shape)
        names = [*map(out_index, range(count)), *map(bound_index, range(len(full) - count))]
        places: dict[Any, Any] = dict(self.sizes)
        for axis, name in enumerate(names):
            places[name] = np.arange(full[axis]).reshape(
                [-1 if k == axis else 1 for k in range(len(full))]
            )
        entries: dict[Any, Any] = {}

        def entry(symbol: Any) -> Any:
            """What an access reads, over the grid."""
            if symbol in places:
                return self.numbers.array(places[symbol])
            if symbol not in entries:
                k = slot_number(symbol)
                if k is None:
                    raise UnsupportedError(f"the symbol {symbol} has no value here")
                source, inside, at = given[k], True, []
                for e, n in zip(equation.operands[k].index, source.shape, strict=True):
                    position = place(e)
                    inside = inside & (position >= 0) & (position < n)
                    at.append(np.clip(position, 0, n - 1))
                entries[symbol] = np.where(inside, source[tuple(at)], self.numbers.zero)
            return entries[symbol]

        def place(expr: Any) -> Any:
            symbols, law = compiled(expr)
            values = [places[s] if s in places else self.numbers.integers(entry(s))
                      for s in symbols]
            return np.asarray(law(*values)).astype(int)

        with np.errstate(all="ignore"):
            symbols, law = self.numbers.law(equation.body)
            body = np.broadcast_to(self.numbers.array(law(*map(entry, symbols))), full)
            axes = tuple(range(count, len(full)))
            return np.asarray(self.numbers.fold(equation.reduce, body, axes))
