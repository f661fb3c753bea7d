"""Index notation: ``equation("Y", (i, j), Sum(A[i, k]*B[k, j], k))``.

``A[i, k]`` with symbols of :func:`indices` is a SymPy scalar that takes part in SymPy's
arithmetic and functions.  Each index runs over the axes that it stands on alone; where it stands
in a sum only (``x[i + p]``) its range is found elsewhere or given: ``(p, 0, K - 1)``.  An entry
outside a tensor's range is zero.
"""

from __future__ import annotations

from numbers import Number
from typing import Any

from sympy import Atom, Basic, Expr, Idx, Indexed, Symbol, Tuple, sympify
from sympy import Max as SymPyMax
from sympy import Min as SymPyMin
from sympy import Product as SymPyProduct
from sympy import Sum as SymPySum

from mathdl.errors import NamingError, ShapeError, UnsupportedError
from mathdl.ir.dim import nonnegative, show_shape
from mathdl.ir.tensor import Tensor
from mathdl.language.names import check_name, shown


class Index(Symbol):  # type: ignore[misc]
    """A symbol that runs over an axis from 0."""


def indices(names: str) -> Any:
    """Index symbols, one for each name: ``i, j, k = indices("i j k")``; a single one alone."""
    found = [
        Index(check_name(name, "index"), integer=True, nonnegative=True)
        for name in names.replace(",", " ").split()
    ]
    if not found:
        raise NamingError("indices() needs a name, such as indices('i j')")
    return found[0] if len(found) == 1 else tuple(found)


class TensorAtom(Atom):  # type: ignore[misc]
    """A tensor as a leaf of a SymPy expression."""

    tensor: Tensor

    def __new__(cls, tensor: Tensor) -> Any:
        atom = super().__new__(cls)
        atom.tensor = tensor
        return atom

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.tensor.rank,)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.tensor,)

    def sort_key(self, order: Any = None) -> Any:
        return (0, 0, "TensorAtom"), (1, (str(self.tensor.rank),)), (), 1

    def _sympystr(self, printer: Any) -> str:
        return self.tensor.name or self.tensor.label or f"T{self.tensor.rank[1][:6]}"


class Entry(Expr):  # type: ignore[misc]
    """``X[i, k]``: one entry of a tensor, a real scalar."""

    is_real = True
    is_finite = True
    is_commutative = True

    def __new__(cls, tensor: Any, *index: Any) -> Any:
        atom = tensor if isinstance(tensor, TensorAtom) else TensorAtom(tensor)
        return super().__new__(cls, atom, *map(sympify, index))

    @property
    def tensor(self) -> Tensor:
        found: Tensor = self.args[0].tensor
        return found

    @property
    def index(self) -> tuple[Any, ...]:
        return tuple(self.args[1:])

    def _eval_derivative(self, symbol: Any) -> Any:
        raise UnsupportedError(
            f"the derivative of the entry {self} by {symbol}; state the equation and derive it"
        )

    def _sympystr(self, printer: Any) -> str:
        inside = ", ".join(printer._print(e) for e in self.index)
        return f"{printer._print(self.args[0])}[{inside}]"


class Reduction(Expr):  # type: ignore[misc]
    """``kind`` over index ranges of a scalar: what ``Sum Product Max Min`` over indices make."""

    is_real = True
    is_commutative = True

    @property
    def kind(self) -> str:
        return str(self.args[0])

    @property
    def body(self) -> Any:
        return self.args[1]

    @property
    def limits(self) -> tuple[Any, ...]:
        return tuple(self.args[2:])

    @property
    def free_symbols(self) -> Any:
        bound = {limit[0] for limit in self.limits}
        ends = {s for limit in self.limits for end in limit[1:] for s in end.free_symbols}
        return (self.body.free_symbols - bound) | ends

    def _xreplace(self, rule: Any) -> Any:
        """A bound index hides the one of the same name outside."""
        bound = {limit[0] for limit in self.limits}
        outer = {old: new for old, new in rule.items() if old not in bound}
        return super()._xreplace(outer) if outer else (self, False)

    def _eval_derivative(self, symbol: Any) -> Any:
        raise UnsupportedError("the derivative of a sum over indices; state the equation first")

    def _sympystr(self, printer: Any) -> str:
        limits = ", ".join(printer._print(lim[0] if len(lim) == 1 else lim) for lim in self.limits)
        return f"{self.kind}({printer._print(self.body)}, {limits})"


def as_entries(value: Any) -> Any:
    """What a user gives as a scalar: entries and numbers; a tensor without axes is its entry.

    Raises NamingError for a tensor with axes, which needs its indices, and for all else.
    """
    if isinstance(value, Tensor):
        if value.ndim:
            places = ", ".join("ijklpqrs"[: value.ndim])
            raise NamingError(
                f"{shown(value)} of shape {show_shape(value.shape)} needs its indices in index "
                f"notation: {value.name or value.label or 'X'}[{places}]"
            )
        return Entry(value)
    if not isinstance(value, Basic | Number):
        raise NamingError(
            f"{shown(value)} is no scalar of index notation; write entries with indices, and "
            "numbers"
        )
    return sympify(value)


def _reduction(kind: str, expr: Any, limits: tuple[Any, ...]) -> Any:
    if not limits:
        raise NamingError(f"{kind} over which index? write {kind}(expr, k)")
    checked = []
    for limit in limits:
        parts = tuple(limit) if isinstance(limit, (tuple, list, Tuple)) else (limit,)
        if len(parts) not in (1, 3) or not is_index(parts[0]):
            raise NamingError(
                f"{shown(limit)} is not an index range; write k or (k, 0, K - 1), "
                "with k of indices()"
            )
        checked.append(Tuple(*map(sympify, parts)))
    return Reduction(Symbol(kind), as_entries(expr), *checked)


def Sum(expr: Any, *limits: Any) -> Any:
    """``sum_k expr``; each limit is an index, or ``(k, 0, K - 1)`` with both ends included."""
    return _reduction("sum", expr, limits)


def Product(expr: Any, *limits: Any) -> Any:
    """``prod_k expr``; limits as for :func:`Sum`."""
    return _reduction("prod", expr, limits)


def Max(*arguments: Any) -> Any:
    """``Max(expr, k)``: the greatest over an index; without an index, the greatest argument."""
    return _extremum("max", SymPyMax, arguments)


def Min(*arguments: Any) -> Any:
    """``Min(expr, k)``: the least over an index; without an index, the least argument."""
    return _extremum("min", SymPyMin, arguments)


def _extremum(kind: str, scalar: Any, arguments: tuple[Any, ...]) -> Any:
    expr, *limits = arguments
    if limits and all(isinstance(m, (Index, Idx, tuple, list, Tuple)) for m in limits):
        return _reduction(kind, expr, tuple(limits))
    return scalar(*map(as_entries, arguments))


def as_reduction(expr: Any) -> Any:
    """SymPy's own ``Sum`` and ``Product`` as reductions; anything else as it is."""
    for kind, cls in (("sum", SymPySum), ("prod", SymPyProduct)):
        if isinstance(expr, cls):
            return _reduction(kind, expr.args[0], expr.args[1:])
    return expr


def is_index(symbol: Any) -> bool:
    """Whether a symbol can run over an axis: an integer that is not a dim."""
    if isinstance(symbol, Idx):
        return True
    return isinstance(symbol, Symbol) and bool(symbol.is_integer) and not symbol.is_positive


def index_symbols(expr: Any) -> set[Any]:
    """The index symbols that are free in a scalar."""
    return {s for s in expr.free_symbols if is_index(s)}


def is_index_notation(item: Any) -> bool:
    """Whether a subscript is an index of index notation rather than an integer or dim."""
    return isinstance(item, Expr) and (
        isinstance(item, Indexed) or item.has(Entry) or bool(index_symbols(item))
    )


def entry(tensor: Tensor, items: tuple[Any, ...]) -> Any:
    """``X[i, k]`` as a scalar; one subscript an axis, a negative number counts from the end."""
    if len(items) != tensor.ndim:
        raise ShapeError(
            f"{len(items)} indices for the {tensor.ndim} axes of shape {show_shape(tensor.shape)}"
        )
    index = []
    for item, dim in zip(items, tensor.shape, strict=True):
        if isinstance(item, bool) or not isinstance(item, (int, Expr)):
            raise ShapeError(f"{shown(item)} is not an index; index notation has one index an axis")
        value = sympify(item)
        if value.is_integer is False:
            raise ShapeError(f"the index {shown(value)} is not an integer")
        plain = not is_index_notation(value)
        index.append(dim + value if plain and nonnegative(-value - 1) else value)
    return Entry(tensor, *index)
