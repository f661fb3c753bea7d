"""Proofs in Coq that two terms are equal, sum by sum.

Both sides are brought into normal form.  For every sum there is one assertion, that it is its
normal form: its body is expanded, split into terms, factors go out, deltas are contracted, sums
inside are pulled in front and put into order.  What is left is algebra over the same sums.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

from mathdl.formal.coq import Text, nat
from mathdl.formal.made import Left, Linear, Opened, Part, Turned
from mathdl.formal.terms import SUM, Normal
from mathdl.ir.dim import Dim


def free_indices(term: Any, normal: Normal) -> list[Any]:
    """The index symbols that occur free in a term, in order of name."""

    def look(part: Any, bound: frozenset[Any]) -> set[Any]:
        if isinstance(part, SUM):
            return look(part.args[2], bound | {part.args[1]})
        if not part.args:
            return {part} if part in normal.ranges and part not in bound else set()
        return set().union(*(look(a, bound) for a in part.args))

    return sorted(look(term, frozenset()), key=str)


def equation(
    left: Any, right: Any, normal: Normal, text: Text, given: Iterable[Any],
    defined: Callable[[Any], tuple[str, str]],
) -> list[str]:
    """Tactics that prove ``left = right`` where the indices ``given`` are in range.

    ``defined`` prints what an entry is by definition, and the tactic that shows it.
    """
    script = _Script(normal, text, set(given), defined)
    normal.form(left), normal.form(right)
    script.rewrite(left, right)
    return [*script.lines, "close."]


class _Script:
    def __init__(self, normal: Normal, text: Text, given: set[Any],
                 defined: Callable[[Any], tuple[str, str]]) -> None:
        self.normal, self.text, self.given, self.defined = normal, text, given, defined
        self.lines: list[str] = []
        self.lemmas: dict[str, str] = {}
        self.reductions: dict[Any, list[str]] = {}  # what normal forms of reduced sums rest on
        self.numbers = count(1)

    def rewrite(self, *terms: Any) -> None:
        """Assert the normal form of every sum in some terms and put it in."""
        names = dict.fromkeys(name for term in terms for name in self.assertions(term))
        self.lines += [f"rewrite {name}." for name in names]

    def assertions(self, term: Any) -> list[str]:
        """The assertions for the outermost sums of a term that are not in normal form yet."""
        found = []
        for part in self.normal.redexes(term):
            made = self.normal.made.get(part)
            if made is None or _alpha(self.text.real(part)) == _alpha(self.text.real(made.result)):
                continue
            key = _alpha(self.text.real(part))
            if key not in self.lemmas:
                self.assertion(part, made, key)
            found.append(self._use(self.lemmas[key], part, made))
        return list(dict.fromkeys(found))

    def _use(self, name: str, term: Any, made: Linear | Opened | Turned) -> str:
        """An assertion to rewrite with; one about an entry is about this one alone."""
        free = [s for s in free_indices(term, self.normal) if s not in self.given]
        if not isinstance(made, Turned) or not free:
            return name
        return f"({name} {' '.join(f'{s} ltac:(range)' for s in free)})"

    def assertion(self, term: Any, made: Linear | Opened | Turned, key: str) -> None:
        if isinstance(made, Turned):
            self._turned(term, made, key)
            return
        inner = self.assertions(made.body if isinstance(made, Opened) else term.args[2])
        if isinstance(made, Linear):
            self.reductions |= {p.left.term: self.assertions(p.left.term)
                                for p in made.parts if p.left is not None}
        name = self.lemmas[key] = f"S{next(self.numbers)}"
        real = self.text.real
        stated = f"assert ({name} : {self._over(term)}{real(term)} = {real(made.result)})"
        own, why = self.defined(term) if isinstance(made, Opened) else ("", "")
        if own and _alpha(own) == _alpha(real(made.result)):
            self.lines.append(f"{stated} by (intros; {why}).")
            return
        self.lines.append(f"{stated}.")
        self.lines.append("{ intros.")
        if isinstance(made, Opened):
            self.lines.append(f"  transitivity {own}; [{why}|].")
            if inner and _alpha(own) != _alpha(real(made.body)):
                self.lines.append(f"  transitivity {real(made.body)}; [commuted|].")
            self.lines += [
                           *(f"  rewrite {name} by range." for name in inner), "  commuted."]
        else:
            self.lines += [f"  {line}" for line in self._linear(term, made, inner)]
        self.lines.append("}")

    def _turned(self, term: Any, made: Turned, key: str) -> None:
        inner = self.assertions(made.result)
        name = self.lemmas[key] = f"S{next(self.numbers)}"
        real, result = self.text.real, self.normal.form(made.result)
        self.lines += [
            f"assert ({name} : {self._over(term)}{real(term)} = {real(result)}).",
            f"{{ intros. transitivity {real(made.result)}; [{turning(made.why)}|]."
            + "".join(f" rewrite {n} by range." for n in inner) + " reflexivity. }",
        ]

    def _over(self, term: Any) -> str:
        free = [s for s in free_indices(term, self.normal) if s not in self.given]
        return "".join(f"forall {s}, ({s} < {nat(self.normal.ranges[s])})%nat -> " for s in free)

    def _linear(self, term: Any, made: Linear, inner: Sequence[str]) -> list[str]:
        real, v, d = self.text.real, made.symbol, made.dim
        terms = [real(p.term) for p in made.parts]
        lines = []
        if inner or terms != [real(term.args[2])]:
            lines = [
                f"transitivity ({_sum(d, v, _nested(terms))}).",
                f"{{ apply sumf_ext; intros {v} {v}_lt."
                + "".join(f" rewrite {name} by range." for name in inner) + " close. }",
            ]
        only = made.parts[0]
        if len(made.parts) == 1 and made.result == only.result and only.is_chain:
            return lines + self._chain(made, only)
        lines.append(
            f"transitivity ({_nested([self._result(made, p) for p in made.parts])}); [|close]."
        )
        for k, part in enumerate(made.parts):
            if k + 1 < len(made.parts):
                rest = _nested(terms[k + 1:])
                lines.append(f"apply (sumf_split _ _ (fun {v} => {terms[k]}) (fun {v} => {rest})); "
                             "[reflexivity | | ].")
                lines += ["{", *(f"  {line}" for line in self._part(made, part)), "}"]
            else:
                lines += self._part(made, part)
        return lines

    def _result(self, made: Linear, part: Part) -> str:
        real = self.text.real
        if part.left is not None:
            return f"({real(part.coefficient)} * {real(self.normal.form(part.left.term))})"
        if part.fact:
            return f"({real(part.coefficient)} * 1)"
        if part.product is None:
            return f"({real(part.coefficient)} * INR {nat(made.dim)})"
        chain = part.result / part.coefficient
        return f"({real(part.coefficient)} * {real(chain)})"

    def _part(self, made: Linear, part: Part) -> list[str]:
        real, v, d = self.text.real, made.symbol, made.dim
        if part.product is None and not part.fact and part.left is None:
            return ["apply sumf_free; intros; cbv beta; linear."]
        lines = [
            f"transitivity ({real(part.coefficient)} * {_sum(d, v, real(part.rest))}).",
            "{ apply sumf_term; intros; cbv beta; linear. }",
            "apply f_equal.",
        ]
        if part.fact:
            return [*lines, f"apply {part.fact}; range."]
        if part.left is not None:
            return lines + self._reduced(made, part, part.left)
        return lines + self._chain(made, part)

    def _chain(self, made: Linear, part: Part) -> list[str]:
        """The sum of what the binder occurs in is a chain of sums in canonical order."""
        real = self.text.real
        binders = [(made.symbol, made.dim), *part.flat]
        lines = self._flattened(made, part)
        if part.turns:
            lines.append(f"transitivity ({self._nest(binders, part.turned)}).")
            lines.append("{ " + "".join(f"apply sumf_ext; intros {s} {s}_lt. " for s, _ in binders))
            for e, turned in part.turns:
                why = self.normal.symmetric.get(e.func.__name__, "")
                lines.append(f"  replace {real(e)} with {real(turned)} "
                             f"by (symmetry; {turning(why)}).")
            lines.append("  linear. }")
        return [*lines, *self._swaps(binders, part.order, part.turned), "commuted."]

    def _flattened(self, made: Linear, part: Part) -> list[str]:
        """The sums within the product are pulled in front of it."""
        if not part.inner:
            return []
        v = made.symbol
        return [
            f"transitivity ({self._nest([(v, made.dim), *part.flat], part.product)}).",
            f"{{ apply sumf_ext; intros {v} {v}_lt.",
            *(f"  {line}" for line in self._pulled(part)), "}",
        ]

    def _reduced(self, made: Linear, part: Part, left: Left) -> list[str]:
        """The sum is what a delta leaves of it, and that is brought into normal form."""
        lines, real = self._flattened(made, part), self.text.real
        binders = [(made.symbol, made.dim), *part.flat]
        if left.delta is None:
            lines += [f"transitivity {real(left.term)}; [|]."]
            lines.append("{ etransitivity; [apply sumf_single | cbv beta; matched]. }")
        elif left.symbol is None and left.term == 0:
            return [*lines, "apply sumf_zero; intros. " * len(binders) + "by_deltas."]
        elif left.symbol is None:
            below = "".join(f"apply sumf_ext; intros {s} {s}_lt. " for s, _ in binders)
            lines += [f"transitivity {real(left.term)}.", f"{{ {below}by_deltas. }}"]
        else:
            others = [b for b in binders if b[0] != left.symbol]
            own = next(b for b in binders if b[0] == left.symbol)
            lines += self._swaps(binders, [s for s, _ in (*others, own)], part.product)
            lines += (self._contracted if left.count is None else self._bounded)(
                others, own, part, left)
        return [*lines, *(f"rewrite {name} by range." for name in self.reductions[left.term]),
                "commuted."]

    def _contracted(self, others: Sequence[tuple[Any, Dim]], own: tuple[Any, Dim], part: Part,
                    left: Left) -> list[str]:
        v, at = own[0], nat(left.index)
        delta, rest = self.text.real(left.delta), self.text.real(part.product / left.delta)
        below = "".join(f"apply sumf_ext; intros {s} {s}_lt. " for s, _ in others)
        return [
            f"transitivity {self.text.real(left.term)}.", f"{{ {below}etransitivity.",
            f"  {{ apply (sumf_contract _ {at} _ (fun {v} => {rest})); [range|].",
            f"    intros {v} {v}_lt.",
            f"    replace {delta} with (delta {v} {at}) by (apply delta_same; lia). linear. }}",
            "  cbv beta. matched. }",
        ]

    def _bounded(self, others: Sequence[tuple[Any, Dim]], own: tuple[Any, Dim], part: Part,
                 left: Left) -> list[str]:
        """The binder runs over those that the delta may match alone."""
        v, real = own[0], self.text.real
        below = "".join(f"apply sumf_ext; intros {s} {s}_lt. " for s, _ in others)
        return [
            f"transitivity {real(left.term)}.", f"{{ {below}etransitivity.",
            f"  {{ apply (sumf_within _ {nat(left.index)} {nat(left.count)} "
            f"(fun {v} => {real(part.product)})); [lia|].",
            f"    intros {v} {v}_lt {v}_out. by_deltas. }}",
            "  cbv beta. matched. }",
        ]

    def _pulled(self, part: Part) -> list[str]:
        """Factors go into the sums among them, one after the other."""
        real = self.text.real
        rest = part.rest
        waiting = list(part.inner)
        new = iter(part.flat)
        lines = []
        for factor in waiting:
            rest = rest / factor
        queue = [(f, i) for i, f in enumerate(waiting)]
        outside = rest
        while queue:
            factor, _ = queue.pop(0)
            others = outside
            for other, _ in queue:
                others = others * other
            while isinstance(factor, SUM):
                symbol, dim = next(new)
                body = factor.args[2].xreplace({factor.args[1]: symbol})
                renamed = _sum(dim, symbol, real(body))
                if _alpha(f"({renamed})") != _alpha(real(factor)):
                    lines.append(f"transitivity ({real(others)} * {real(factor)}); [linear|].")
                lines += [
                    f"transitivity ({real(others)} * {renamed}); "
                    "[first [linear | apply f_equal; commuted]|].",
                    "etransitivity; [symmetry; apply sumf_scal|].",
                    f"apply sumf_ext; intros {symbol} {symbol}_lt.",
                ]
                factor = body
            outside = outside * factor
        return [*lines, "linear."]

    def _nest(self, binders: Sequence[tuple[Any, Dim]], product: Any) -> str:
        found = self.text.real(product)
        for symbol, dim in reversed(binders):
            found = _sum(dim, symbol, found)
        return found

    def _swaps(self, binders: list[tuple[Any, Dim]], order: Sequence[Any], product: Any
               ) -> list[str]:
        """Neighbours change places until the binders are in order."""
        lines = []
        place = {symbol: k for k, symbol in enumerate(order)}
        current = list(binders)
        moved = True
        while moved:
            moved = False
            for k in range(len(current) - 1):
                if place[current[k][0]] > place[current[k + 1][0]]:
                    current[k], current[k + 1] = current[k + 1], current[k]
                    below = "apply sumf_ext; intros ? _; " * k
                    lines.append(f"transitivity ({self._nest(current, product)}); "
                                 f"[{below}apply sumf_swap|].")
                    moved = True
        return lines


def _alpha(text: str) -> str:
    """A text with its binders named by their order, to compare texts up to such names."""
    names: dict[str, str] = {}
    for name in re.findall(r"fun (\w+) =>", text):
        names.setdefault(name, f"_{len(names)}")
    return re.sub(r"\w+", lambda m: names.get(m[0], m[0]), text)


def turning(why: str) -> str:
    """The tactic by which an entry is the same with its indices in order."""
    return f"apply {why}; range" if why else "matched"


def _sum(dim: Dim, symbol: Any, body: str) -> str:
    return f"sumf {nat(dim)} (fun {symbol} => {body})"


def _nested(terms: Sequence[str]) -> str:
    return terms[0] if len(terms) == 1 else f"{terms[0]} + ({_nested(terms[1:])})"
