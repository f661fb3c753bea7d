"""Reads Unicode lines that give arrays by entries: recurrences and formulas over indices.

Sizes are numbers here.  An entry is read from the line that gives it with the numbers of its
indices, and what it reads in its turn from other lines.
"""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from sympy import Integer
from unicode_reader import LOWERED, Reader

import mathdl as md
from mathdl.ir.tensor import Tensor
from mathdl.language.functions import FUNCTIONS
from mathdl.language.pointwise import as_tensor
from mathdl.proof.evaluate import Evaluator

LINE = re.compile(r"(?P<left>.*?) = (?P<right>.*?)(?:   \((?P<ranges>.*)\))?")
LEFT = re.compile(r"(?P<name>.+?)(?P<low>[ₐ-ₜᵢ-ᵥⱼ₋][ₐ-ₜᵢ-ᵥⱼ₀-₉₊₋]*)?(?P<at>(?:\[[^\]]*\])*)")
RELATIONS = {"<": operator.lt, ">": operator.gt, "≤": operator.le, "≥": operator.ge,
             "=": operator.eq, "≠": operator.ne}


@dataclass(frozen=True)
class Equation:
    """Entries of an array: each index is a letter below an end, or a place."""

    index: tuple[str, ...]
    right: str
    ranges: Mapping[str, str]


class Lines:
    """The quantities of lines, by their spelling, over others that are known."""

    def __init__(self, lines: Sequence[str], known: Mapping[str, Any]) -> None:
        self.known = dict(known)
        self.equations: dict[str, list[Equation]] = {}
        self.entries: dict[Any, Any] = {}
        self.lines: dict[str, tuple[str, str]] = {}  # letters of all axes, or none
        for line in lines:
            found = LINE.fullmatch(line)
            assert found is not None, line
            left = LEFT.fullmatch(found["left"])
            assert left is not None, line
            index = [*_items(left["low"]), *re.findall(r"[^\[\], ]+", left["at"])]
            whole = not found["ranges"] and all(map(str.isalpha, index)) and (
                not index or index[0] not in known)
            if whole:
                self.lines[left["name"]] = "".join(index), found["right"]
            else:
                ranges = dict(r.split(" < ") for r in (found["ranges"] or "").split(", ") if r)
                self.equations.setdefault(left["name"], []).append(
                    Equation(tuple(index), found["right"], ranges))

    def __contains__(self, name: object) -> bool:
        return name in self.known or name in self.equations or name in self.lines

    def __getitem__(self, name: str) -> Any:
        """The whole of a quantity."""
        if name not in self.known:
            self.known[name] = self.stacked(name) if name in self.equations else self._line(name)
        return self.known[name]

    def _line(self, name: str) -> Any:
        letters, right = self.lines[name]
        found = Reader(right, self, letters).whole()
        if not letters:
            return as_tensor(found)
        return md.equation("entry", tuple(map(md.indices, letters)), found)

    def stacked(self, name: str, before: tuple[int, ...] = ()) -> Any:
        """The entries that start with some indices, as an array."""
        made = next(e for e in self.equations[name] if all(i in e.ranges for i in e.index))
        if len(before) == len(made.index):
            return self.entry(name, before)
        size = self.integer(made.ranges[made.index[len(before)]])
        return md.stack([self.stacked(name, (*before, k)) for k in range(size)])

    def entry(self, name: str, at: tuple[int, ...]) -> Any:
        """What stands at some of the first indices; outside of an array there is 0."""
        if (name, at) not in self.entries:
            self.entries[name, at] = self._entry(name, at)
        return self.entries[name, at]

    def _entry(self, name: str, at: tuple[int, ...]) -> Any:
        for made in self.equations[name]:
            own = at[: len(made.index)]
            if len(own) == len(made.index) and all(
                    self._is_at(made, i, k) for i, k in zip(made.index, own, strict=True)):
                bound = dict(zip(made.index, map(Integer, own), strict=True))
                read = EntryReader(made.right, self, bound, made.ranges).whole()
                return inside(as_tensor(read), at[len(own):])
        if len(at) < len(self.equations[name][-1].index):
            return self.stacked(name, at)
        return Integer(0)

    def _is_at(self, made: Equation, index: str, k: int) -> bool:
        if index in made.ranges:
            return 0 <= k < self.integer(made.ranges[index])
        return k == self.integer(index)

    def integer(self, text: str) -> int:
        return int(EntryReader(text.replace("-", "−"), self, {}, {}).whole())


class EntryReader(Reader):
    """Reads one entry: the indices are bound to numbers, those of sums to each in turn."""

    def __init__(
        self, text: str, lines: Lines, bound: Mapping[str, Any], ranges: Mapping[str, str]
    ) -> None:
        self.lines, self.bound, self.ranges = lines, dict(bound), ranges
        super().__init__(text, lines)

    def named(self, text: str) -> Any:
        kind, after = self.token
        if text in self.bound:
            return self.bound[text]
        if text in ("max", "min") and kind == "low" and self.tokens[self.at + 1][0] == "space":
            return self.reduced(text)
        if text in self.lines.equations and (kind == "low" or after == "["):
            return text  # to be read at an index
        if text == "I" and text in self.lines.known:
            return self.lines[text]  # no identity
        return super().named(text)

    def indices(self, letters: list[str]) -> tuple[Any, ...]:
        return tuple(map(self._place, _items("".join(letters))))

    def _place(self, item: str) -> Any:
        if not item[0].isalpha():
            return Integer(item)
        letter = self.bound[item[0]] if item[0] in self.bound else self.lines[item[0]]
        return letter + Integer(item[1:] or 0)

    def entry(self, value: Any, index: tuple[Any, ...]) -> Any:
        if isinstance(value, str):
            if all(isinstance(k, int | sympy.Integer) for k in index):
                return self.lines.entry(value, tuple(map(int, index)))
            value = self.lines[value]
        if all(isinstance(k, int | sympy.Integer) for k in index):
            return inside(value, tuple(map(int, index)))
        return value[index]

    def choice(self) -> Any:
        value = super().choice()
        return value % self.sum() if self.take("mod") else value

    def atom(self) -> Any:
        if self.token[1] != "⌊":
            return super().atom()
        self.at += 1
        value = sympy.floor(self.choice())
        self.need("⌋")
        return value

    def summed(self) -> Any:
        return self.reduced(self.tokens[self.at - 1][1])

    def reduced(self, sign: str) -> Any:
        """The terms at all numbers of the letters that stand below."""
        letters = [LOWERED[c] for c in self.token[1]]
        self.at += 2  # and the blank
        start, terms = self.at, []
        for place in itertools.product(*(range(self.lines.integer(self.ranges[c]))
                                         for c in letters)):
            self.at = start
            self.bound |= dict(zip(letters, map(Integer, place), strict=True))
            terms.append(self.term())
        for c in letters:
            del self.bound[c]
        assert terms, "a sum of nothing"
        law = {"∑": operator.add, "∏": operator.mul, "max": FUNCTIONS["maximum"],
               "min": FUNCTIONS["minimum"]}[sign]
        total = terms[0]
        for term in terms[1:]:
            total = law(total, term)
        return total

    def bracket(self) -> Any:
        start = self.at
        left = self.sum()
        sign = self.token[1] if self.token[0] != "space" else self.tokens[self.at + 1][1]
        if sign in RELATIONS and self.take(*RELATIONS):
            right = self.sum()
            if not isinstance(left, Tensor) and not isinstance(right, Tensor):
                self.need("]")
                return Integer(bool(RELATIONS[sign](left, right)))
        self.at = start
        return super().bracket()


def inside(value: Any, index: tuple[int, ...]) -> Any:
    """An entry, or a part; 0 where there is none."""
    if not index:
        return value
    if any(not 0 <= k < n for k, n in zip(index, value.shape, strict=False)):
        return Integer(0)
    return value[index]


def _items(low: str | None) -> list[str]:
    """What stands lowered, index by index: ``t−1``, ``i``, ``j``."""
    text = "".join(LOWERED.get(c, c) for c in low or "")
    return re.findall(r"-?\d+|[a-z](?:[+-]\d+)?", text)


def numbers(
    lines: Sequence[str], arrays: Mapping[str, Any], sizes: Mapping[str, int],
    integers: Collection[str], wanted: Sequence[str],
) -> list[Any]:
    """What is wanted of lines, at arrays and sizes by their spelling."""
    known = {name: md.tensor(f"x{k}", *np.shape(a), assume="integer" if name in integers else ())
             for k, (name, a) in enumerate(arrays.items())}
    given = {t.name: a for t, a in zip(known.values(), arrays.values(), strict=True)}
    read = Lines(lines, {**known, **{name: Integer(n) for name, n in sizes.items()}})
    at = Evaluator(lambda t: given[t.name or ""], {})
    return [at.value(as_tensor(read[name])) for name in wanted]
