"""Definitions of the text language: names, formulas over indices, and sequences.

``Z = X @ W`` names a quantity.  ``M[i<n, j<m] = sum[k<d](A[i, k]*B[k, j])`` states one at each
index.  ``h[-1] = zeros(n); h[t<T] = tanh(W @ h[t - 1] + X[t])`` states one by itself: what stands
together is grouped by what needs what, and each group that needs itself becomes a recurrence over
the first index, in whose step the same is done with the indices that are left.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from sympy import Expr
from sympy.utilities.iterables import strongly_connected_components

from mathdl.errors import NamingError, ParseError, ShapeError
from mathdl.ir.dim import MAX_AXES, Dim, show_shape
from mathdl.ir.tensor import Tensor
from mathdl.language import operators
from mathdl.language.declare import check_tensor_name
from mathdl.language.indexed import IndexReader
from mathdl.language.recurrence import lift, recur
from mathdl.language.scope import Now, Started, Time, plain
from mathdl.language.stand_ins import fresh

MAX_NODES = 6_000


@dataclass(frozen=True)
class Piece:
    """``name[letters] = body``; the start of a sequence stands at a place of the last axis."""

    name: str
    letters: tuple[tuple[str, Dim], ...]
    place: Any
    target: ast.Subscript
    body: ast.expr

    def starts_at(self, level: int) -> bool:
        return self.place is not None and len(self.letters) == level


class Definitions(IndexReader):
    """The text as a list of definitions and a value."""

    def value(self, tree: ast.Module) -> Any:
        count = sum(1 for _ in ast.walk(tree))
        if count > MAX_NODES:
            raise ParseError(f"the text has {count} parts; at most {MAX_NODES} are read")
        if not tree.body:
            raise ParseError("the text is empty; write an expression such as sum(x**2)")
        *definitions, last = tree.body
        pieces: list[Piece] = []
        for statement in definitions:
            if _is_indexed(statement):
                pieces.append(self.piece(statement, pieces))
                continue
            self.system(pieces)
            pieces = []
            self.define(statement)
        self.system(pieces)
        if isinstance(last, ast.Assign):
            raise self.refuse(last, "the last part is a definition; end with the value to derive")
        if not isinstance(last, ast.Expr):
            raise self.refuse(last, f"{self.kind(last)} is not in the language")
        return self.number_or_tensor(last.value)

    def define(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Expr):
            raise self.refuse(
                statement, "only the last part is a value; the parts before it are definitions"
            )
        if not isinstance(statement, ast.Assign):
            raise self.refuse(statement, f"{self.kind(statement)} is not in the language")
        target = statement.targets[0]
        if len(statement.targets) != 1 or not isinstance(target, ast.Name):
            raise self.refuse(statement, "a definition has one name on its left: Z = X @ W")
        self.new_name(target)
        value = self.number_or_tensor(statement.value)
        if isinstance(value, Tensor):
            value = self.apply(target, operators.named, value, target.id)
        self.names[target.id] = value

    def new_name(self, target: ast.Name) -> None:
        if target.id in self.names or target.id in self.dims:
            raise NamingError(
                f"{self.at(target)}: {target.id!r} is declared or defined already; "
                "a definition needs a new name"
            )
        self.apply(target, check_tensor_name, target.id)

    # -- definitions with indices --------------------------------------------------------------

    def piece(self, statement: ast.Assign, before: Sequence[Piece]) -> Piece:
        """The left side ``h[t<T, -1]`` with the name and the ranges checked."""
        (target,) = statement.targets
        assert isinstance(target, ast.Subscript)
        owner = target.value
        if not isinstance(owner, ast.Name):
            raise self.refuse(target, "a definition has one name on its left: M[i<n, j<m] = ...")
        self.new_name(owner)
        parts = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        place: Any = None
        if not isinstance(parts[-1], ast.Compare):
            place = self.number_or_tensor(parts[-1])
            if not isinstance(place, Expr):
                raise self.refuse(parts[-1], f"{self.source(target)!r} is the start of nothing; "
                                  "a sequence h[t<T] starts at h[-1], or at h[T] backwards")
            parts = parts[:-1]
        if len(parts) > MAX_AXES:
            raise self.refuse(target, f"more than {MAX_AXES} indices")
        letters = tuple(map(self.index_range, parts))
        if len(dict(letters)) < len(letters):
            raise self.refuse(target, f"an index is twice in {self.source(target)!r}")
        for other in before:
            if other.name == owner.id and (len(other.letters), other.place is None) == (
                len(letters), place is None
            ):
                raise NamingError(f"{self.at(target)}: {self.source(target)!r} is defined already")
            if other.name == owner.id and other.place is place is None:
                raise NamingError(f"{self.at(target)}: {owner.id!r} is defined already")
        return Piece(owner.id, letters, place, target, statement.value)

    def system(self, pieces: Sequence[Piece]) -> None:
        """Definitions that stand together, in any order."""
        for piece in pieces:
            own = [p for p in pieces if p.name == piece.name and p.place is None]
            if not own or len(own[0].letters) <= (len(piece.letters) if piece.place is not None
                                                  else -1):
                raise self.refuse(piece.target, f"{self.source(piece.target)!r} is the start of "
                                  f"no sequence; write {piece.name}[t<T] = ... too")
        self.waiting = {piece.name for piece in pieces}
        self.group(pieces)
        self.waiting = set()

    def group(self, pieces: Sequence[Piece]) -> None:
        """Each group of definitions that need each other, those first that others need."""
        units: dict[str, list[Piece]] = {}
        for piece in pieces:
            units.setdefault(piece.name, []).append(piece)
        order = list(units)
        numbers = {name: k for k, name in enumerate(order)}
        edges = {
            (numbers[piece.name], numbers[name])
            for piece in pieces for name in self.needs(piece) if name in numbers
        }
        for found in strongly_connected_components((range(len(order)), sorted(edges))):
            members = {order[k]: units[order[k]] for k in sorted(found)}
            circular = len(found) > 1 or (found[0], found[0]) in edges
            level = len(self.scope.times)
            steps = [p for unit in members.values() for p in unit if not p.starts_at(level)]
            if circular or len(steps) > 1:
                self.loop(members, steps)
            else:
                self.single(steps[0], members[steps[0].name])

    def needs(self, piece: Piece) -> Iterator[str]:
        """The names that a definition reads at the same time of every loop around."""
        shifted: set[int] = set()
        for node in ast.walk(piece.body):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                inner = node.slice
                items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                pairs = zip(items, piece.letters, range(len(self.scope.times)), strict=False)
                if any(_is_shifted(item, letter) for item, (letter, _), _ in pairs):
                    shifted.add(id(node.value))
            if isinstance(node, ast.Name) and id(node) not in shifted:
                yield node.id

    def single(self, piece: Piece, unit: Sequence[Piece]) -> None:
        """A definition that does not need itself, with what stands before it."""
        level = len(self.scope.times)
        value = self.over_letters(piece)
        starts = {}
        for start in unit:
            if start.starts_at(level):
                outside = self.over_letters(start)
                self.check_start(start, outside, value.shape[1:])
                starts[0] = (self.place(start, piece), outside)
        self.bind(piece.name, Started(value, starts) if starts else value)

    def over_letters(self, piece: Piece) -> Tensor:
        """The body at each value of the indices that are left."""
        scope, level = self.scope, len(self.scope.times)
        symbols = {letter: time.symbol for (letter, _), time in zip(
            piece.letters, scope.times, strict=False
        )}
        own = {letter: self.symbol(letter) for letter, _ in piece.letters[level:]}
        scope.free = {own[letter]: dim for letter, dim in piece.letters[level:]}
        scope.pending = {}
        with self.naming({**symbols, **own}):
            value = self.number_or_tensor(piece.body)
            made: Tensor = self.apply(piece.body, self._stacked, value)
        scope.free, scope.pending = {}, {}
        if piece.place is None:
            made = self.apply(piece.target, operators.named, made, piece.name)
        return made

    def _stacked(self, value: Any) -> Tensor:
        scope = self.scope
        if isinstance(value, Expr):
            return scope.state(tuple(scope.free), scope.closed(value), {})
        return scope.over(value, scope.free)[0]

    def bind(self, name: str, value: Tensor | Started) -> None:
        """The name means the value, inside loops at the same step."""
        known = self.names.get(name)
        if self.scope.times:
            levels = known.levels if isinstance(known, Now) else tuple(
                (time, None) for time in self.scope.times
            )
            self.names[name] = Now(levels, value)
        else:
            self.names[name] = value

    def place(self, start: Piece, step: Piece) -> Any:
        """Where a sequence starts: -1, or its length when it runs backwards."""
        length = step.letters[len(start.letters)][1]
        if start.place not in (-1, length):
            raise self.refuse(start.target, f"{self.source(start.target)!r} is no start; "
                              f"{start.name} starts at -1, or at {length} when it runs backwards")
        return start.place

    def check_start(self, start: Piece, value: Tensor, shape: tuple[Dim, ...]) -> None:
        if value.shape != shape:
            raise ShapeError(
                f"{self.at(start.target)}: {self.source(start.target)!r} has shape "
                f"{show_shape(value.shape)}, what follows in {start.name} has {show_shape(shape)}"
            )

    # -- recurrences ---------------------------------------------------------------------------

    def loop(self, members: Mapping[str, Sequence[Piece]], steps: Sequence[Piece]) -> None:
        """Definitions that need each other, as a recurrence over their next index."""
        times, level = self.scope.times, len(self.scope.times)
        for piece in steps:
            if len(piece.letters) <= level:
                letter = piece.letters[-1][0] if piece.letters else "t"
                names = ", ".join(list(members)[:4]) + (", ..." if len(members) > 4 else "")
                raise self.refuse(piece.target, f"{names}: each needs itself at the same time; "
                                  f"write {letter} - 1 for the step before")
        (letter, length), first = steps[0].letters[level], steps[0]
        for piece in steps:
            if piece.letters[level][1] != length:
                raise ShapeError(
                    f"{self.at(piece.target)}: {self.source(piece.target)!r} is as long as "
                    f"{piece.letters[level][1]}, {self.source(first.target)!r} as {length}; they "
                    "need each other"
                )
        heads = {name: piece for name, unit in members.items() for piece in unit
                 if piece.starts_at(level)}
        own_steps = {piece.name: piece for piece in steps}
        places = {name: self.place(head, own_steps[name]) for name, head in heads.items()}
        if len(set(places.values())) > 1:
            raise self.refuse(first.target, f"{' and '.join(list(heads)[:4])} need each other and "
                              "run in different directions")
        backwards = any(place != -1 for place in places.values())
        starts = {name: self.over_letters(head) for name, head in heads.items()}
        time = Time(self.symbol(letter), length, 1 if backwards else -1)
        states = {name: fresh("state", start.shape) for name, start in starts.items()}
        outside = {name: self.names.get(name) for name in members}
        for name in members:
            known = outside[name]
            levels = known.levels if isinstance(known, Now) else tuple((t, None) for t in times)
            self.names[name] = Now((*levels, (time, states.get(name))))
        times.append(time)
        self.group(steps)
        times.pop()
        found = {name: self.names.pop(name).value for name in members}
        self.names.update({name: known for name, known in outside.items() if known is not None})
        for name, head in heads.items():
            self.check_start(head, starts[name], plain(found[name]).shape)
        wanted = [part for value in found.values() for part in _parts(value)]
        stacked = iter(self.apply(first.target, _along, time, states, starts, found, wanted))
        for name, value in found.items():
            whole = _rebuilt(value, stacked)
            if name in starts:
                more = whole.starts if isinstance(whole, Started) else {}
                whole = Started(plain(whole), {**more, 0: (places[name], starts[name])})
            self.bind(name, whole)


def _along(
    time: Time, states: Mapping[str, Tensor], starts: Mapping[str, Tensor],
    found: Mapping[str, Any], wanted: list[Tensor],
) -> list[Tensor]:
    """Quantities of a step at every time."""
    if not states:
        return lift(wanted, time.items, time.length)
    loop = recur(
        time.length, {states[name]: starts[name] for name in states},
        [plain(found[name]) for name in states], time.items, reverse=time.step > 0,
    )
    return loop.stacked(wanted)


def _parts(value: Tensor | Started) -> list[Tensor]:
    starts = value.starts.values() if isinstance(value, Started) else ()
    return [plain(value), *(start for _, start in starts)]


def _rebuilt(value: Tensor | Started, parts: Iterator[Tensor]) -> Tensor | Started:
    """The value with its parts stacked over one more axis in front."""
    whole = next(parts)
    if not isinstance(value, Started):
        return whole
    return Started(whole, {
        axis + 1: (place, next(parts)) for axis, (place, _) in value.starts.items()
    })


def _is_indexed(statement: ast.stmt) -> TypeGuard[ast.Assign]:
    return isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(
        statement.targets[0], ast.Subscript
    )


def _is_shifted(item: ast.expr, letter: str) -> bool:
    """``t - 1``: what stands at another time."""
    return isinstance(item, ast.BinOp) and isinstance(item.op, ast.Add | ast.Sub) and any(
        isinstance(e, ast.Name) and e.id == letter for e in (item.left, item.right)
    ) and any(isinstance(e, ast.Constant | ast.UnaryOp) for e in (item.left, item.right))


