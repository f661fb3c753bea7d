"""Index notation in text: ``sum[k<m](A[i, k]*B[k, j])``, and tensors read at an index."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from sympy import Expr, KroneckerDelta, Mod, Mul, expand, floor, sympify

from mathdl.errors import DomainError, MathDLError, ShapeError, UnsupportedError
from mathdl.ir.dim import Dim
from mathdl.ir.tensor import Tensor
from mathdl.language import notation, operators
from mathdl.language.elementwise import ELEMENTWISE
from mathdl.language.equations import MAX_ENTRIES
from mathdl.language.linalg import as_shape
from mathdl.language.names import check_name
from mathdl.language.notation import Entry, index_symbols, is_index_notation
from mathdl.language.pointwise import MAX_BITS, as_tensor, rational_bits
from mathdl.language.reader import Reader
from mathdl.language.scope import (
    Now,
    Scope,
    Started,
    Time,
    check_index,
    is_item,
    new_index,
    plain,
)

REDUCTIONS: Mapping[str, Callable[..., Any]] = {
    "sum": notation.Sum, "prod": notation.Product, "max": notation.Max, "min": notation.Min,
}


class IndexReader(Reader):
    """Expressions with index symbols in them."""

    def __init__(self, text: str, inputs: Mapping[str, Tensor]) -> None:
        super().__init__(text, inputs)
        self.scope = Scope()
        self.waiting: set[str] = set()  # being defined
        self.count = itertools.count()

    def apply(self, node: Any, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Errors do not speak of what stands in a step for an entry."""
        try:
            return super().apply(node, function, *arguments, **named)
        except MathDLError as error:
            raise type(error)(_STAND_IN.sub("an entry", str(error))) from None

    # -- names ---------------------------------------------------------------------------------

    def name(self, node: ast.Name) -> Any:
        value = self.names.get(node.id)
        if isinstance(value, Now) or (value is None and node.id in self.waiting):
            self.in_step(node, value, ())
        return plain(super().name(node))

    @contextmanager
    def naming(self, symbols: Mapping[str, Any]) -> Iterator[None]:
        """Letters that mean an index here, whatever else they mean outside."""
        outside = {name: self.names[name] for name in symbols if name in self.names}
        self.names.update(symbols)
        try:
            yield
        finally:
            for name in symbols:
                del self.names[name]
            self.names.update(outside)

    def index_range(self, node: ast.expr) -> tuple[str, Dim]:
        """``i<n`` as the letter and the length."""
        if not (
            isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Lt)
            and isinstance(node.left, ast.Name)
        ):
            raise self.refuse(node, f"{self.source(node)!r} is not an index with its range; "
                              "write it like i<n")
        letter = self.apply(node, check_name, node.left.id, "index")
        length = self.read(node.comparators[0])
        if not isinstance(length, Expr) or is_index_notation(length):
            raise self.refuse(node, f"the range of {letter} in {self.source(node)!r} is not a dim")
        self.apply(node, check_index, length)
        if length.is_Integer:
            length = int(length)
        (dim,) = self.apply(node, as_shape, (length,), "an index")
        return letter, dim

    # -- operations ----------------------------------------------------------------------------

    def operate(self, node: ast.expr, function: Callable[..., Any], *arguments: Any) -> Any:
        if not any(map(is_index_notation, arguments)):
            return super().operate(node, function, *arguments)
        if any(isinstance(a, Tensor) and a.ndim for a in arguments):
            whole = partial(self.apply, node, self._whole)
            return super().operate(node, function, *map(whole, arguments))
        entries = [self.apply(node, self.scope.scalar, a) for a in arguments]
        return self.apply(node, _short, _SCALAR.get(function, function), entries)

    def relation(self, node: ast.Compare, sign: str, head: Any, left: Any, right: Any) -> Any:
        """Two indices that are equal are a Kronecker delta."""
        both = (left, right)
        if sign == "==" and all(isinstance(e, Expr) and e.is_integer for e in both) and any(
            map(is_index_notation, both)
        ) and not any(e.has(Entry) for e in both):
            for e in both:
                self.apply(node, check_index, e)
            return KroneckerDelta(*both)
        return super().relation(node, sign, head, left, right)

    def invoke(
        self, node: ast.Call, name: str, positional: list[Any], named: Mapping[str, Any]
    ) -> Any:
        given = [*positional, *named.values()]
        if not any(map(_indexed, given)):
            return super().invoke(node, name, positional, named)
        if name in ELEMENTWISE and all(
            isinstance(a, Expr) or (isinstance(a, Tensor) and not a.ndim) for a in given
        ):
            return self.apply(node, ELEMENTWISE[name], *(
                self.apply(node, self.scope.scalar, a) for a in positional
            ), **named)
        whole = partial(self.apply, node, self._whole)
        return super().invoke(
            node, name, [whole(a) for a in positional], {k: whole(a) for k, a in named.items()}
        )

    def _whole(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(self._whole(v) for v in value)
        return self.scope.tensor(value) if is_index_notation(value) else value

    def call(self, node: ast.Call) -> Any:
        function = node.func
        if isinstance(function, ast.Subscript) and isinstance(function.value, ast.Name) and (
            function.value.id in REDUCTIONS
        ):
            return self.reduction(node, function, function.value.id)
        if isinstance(function, ast.Name) and function.id in _OF_INDICES and (
            function.id not in self.names
        ):
            return self.of_indices(node, function.id)
        return super().call(node)

    def reduction(self, node: ast.Call, over: ast.Subscript, kind: str) -> Any:
        """``sum[k<m, l<n](...)``."""
        parts = over.slice.elts if isinstance(over.slice, ast.Tuple) else [over.slice]
        pairs = [self.index_range(part) for part in parts]
        if len(node.args) != 1 or node.keywords:
            raise self.refuse(node, f"{kind}[k<m](...) takes one scalar")
        if len(dict(pairs)) < len(pairs):
            raise self.refuse(over, f"an index is twice in {self.source(over)!r}")
        symbols = {letter: self.symbol(letter) for letter, _ in pairs}
        outside = self.scope.bound
        self.scope.bound = {**outside, **{symbols[letter]: dim for letter, dim in pairs}}
        try:
            with self.naming(symbols):
                body = self.number_or_tensor(node.args[0])
                body = sympify(self.apply(node, self.scope.scalar, body))
        finally:
            self.scope.bound = outside
        if kind == "prod":
            alike = [dim for letter, dim in pairs if symbols[letter] not in body.free_symbols]
            self.apply(node, _power, body, Mul(*alike))
        limits = [(symbols[letter], 0, sympify(dim) - 1) for letter, dim in pairs]
        reduced = self.apply(node, REDUCTIONS[kind], body, *limits)
        alone = not index_symbols(self.scope.closed(reduced))
        return self.apply(node, self.scope.tensor, reduced) if alone else reduced

    def symbol(self, letter: str) -> Any:
        """An index unlike all others, which may be called the same."""
        return new_index(letter, next(self.count))

    def of_indices(self, node: ast.Call, name: str) -> Any:
        """``floor(e)`` and ``mod(e, n)`` of indices and dims."""
        law, arity = _OF_INDICES[name]
        arguments = [self.number_or_tensor(a) for a in node.args]
        if len(arguments) != arity or node.keywords:
            raise self.refuse(node, f"{name} takes {arity} arguments, indices or dims")
        arguments = [self.apply(node, self.scope.scalar, a) for a in arguments]
        for argument in arguments:
            self.apply(node, check_index, argument)
        if any(a == 0 for a in arguments[1:]):
            raise DomainError(f"{self.at(node)}: {self.source(node)!r} divides by zero")
        return law(*arguments)

    # -- reading tensors at an index -----------------------------------------------------------

    def subscript(self, node: ast.Subscript) -> Any:
        return plain(self.part(node))

    def part(self, node: ast.Subscript) -> Any:
        """What stands at an index: of a sequence in two loops, at one time, a sequence still."""
        if isinstance(node.value, ast.Name):
            name = node.value.id
            value = self.names.get(name)
            if isinstance(value, Now) or (value is None and name in self.waiting):
                value, items = self.in_step(node, value, self.items(node))
                return self.apply(node, self.scope.take, value, items)
            if value is None:
                return super().subscript(node)
        elif isinstance(node.value, ast.Subscript):
            value = self.part(node.value)
        else:
            return super().subscript(node)
        if isinstance(value, Expr) and is_index_notation(value):
            raise ShapeError(
                f"{self.at(node)}: {self.source(node.value)!r} is a number and has no axes"
            )
        whole = value if isinstance(value, Started) else as_tensor(value)
        return self.apply(node, self.scope.take, whole, self.items(node))

    def in_step(
        self, node: ast.expr, now: Now | None, items: tuple[Any, ...]
    ) -> tuple[Any, tuple[Any, ...]]:
        """What a sequence of the loop is at this step or was before, and the other items."""
        levels = now.levels if now is not None else ()
        for k, (time, before) in enumerate(levels):
            given = sympify(items[k]) if k < len(items) and is_item(items[k]) else None
            shift = None if given is None else expand(given - time.symbol)
            if shift == time.step and before is not None:
                return before, items[k + 1 :]
            if shift != 0:
                raise self.not_in_step(node, time, shift, before)
        if now is None or now.value is None:
            raise self.refuse(node, f"{self.source(node)!r} needs itself at the same time; write "
                              "t - 1 for the step before")
        return now.value, items[len(levels):]

    def not_in_step(
        self, node: ast.expr, time: Time, shift: Any, before: Tensor | None
    ) -> MathDLError:
        shown, letter = self.source(node), str(time.symbol)
        if before is None and shift in (-1, 1):
            name = shown.split("[")[0]
            start = "-1" if shift == -1 else time.length
            return self.refuse(node, f"{shown!r} has no start; write {name}[{start}] = ... before "
                               f"the definition of {name}")
        if shift is None:
            return self.refuse(node, f"{shown!r} in a step stands for every {letter}; write its "
                               f"entry at a time, like [{letter}]")
        sign = "-" if time.step < 0 else "+"
        return UnsupportedError(
            f"{self.at(node)}: {shown!r} is neither at {letter} nor at {letter} {sign} 1; carry "
            "what is further away as a sequence of its own"
        )

def _indexed(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_indexed, value))
    return is_index_notation(value)


def _short(law: Callable[..., Any], entries: list[Any]) -> Any:
    """A scalar with not too many terms, nor too many digits."""
    result = law(*entries)
    if len(result.args) > MAX_ENTRIES:
        raise UnsupportedError(f"more than {MAX_ENTRIES} terms or factors at an index")
    number = result.as_coeff_Mul()[0]
    if number.is_Rational and rational_bits(number) > MAX_BITS:
        raise DomainError(f"a constant has more than {MAX_BITS} binary digits")
    return result


def _divide(a: Any, b: Any) -> Any:
    if b == 0:
        raise DomainError("division by zero")
    return a / b


def _power(a: Any, b: Any) -> Any:
    """A power of scalars, of which exact arithmetic must hold the numbers."""
    if b.is_number and abs(b) > operators.MAX_EXPONENT:
        raise DomainError(f"an exponent is beyond {operators.MAX_EXPONENT}")
    bits = sum(rational_bits(r) for r in a.atoms() if r.is_Rational)
    if b.is_number and bits * abs(b) > MAX_BITS:
        raise DomainError(f"a constant power has more than {MAX_BITS} binary digits")
    if a == 0 and not (b.is_number and b.is_positive):
        raise DomainError("a power of zero")
    return a**b


_STAND_IN = re.compile(r"_(item|state|fixed)[0-9]{9}")
_SCALAR: Mapping[Any, Callable[..., Any]] = {
    operators.divide: _divide, operators.power: _power,
}
_OF_INDICES: Mapping[str, tuple[Callable[..., Any], int]] = {"floor": (floor, 1), "mod": (Mod, 2)}

