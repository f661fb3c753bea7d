"""Tangent and adjoint lemmas: derivatives along a curve, and what cotangents give to operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Integer

from mathdl.errors import UnsupportedError
from mathdl.formal.context import Context, Lemma, Tactics
from mathdl.formal.extremes import FOLDS, share
from mathdl.formal.factors import through_factor
from mathdl.formal.loop_tangents import loop_tangents
from mathdl.formal.loops import Unrolled, is_states, loop_of, of_result, with_loops
from mathdl.formal.matrices import (
    MOVES,
    column_of,
    differential,
    extents,
    inverse_in,
    matrix_of,
    primitive,
    squeezed,
)
from mathdl.formal.prover import Prover
from mathdl.formal.terms import fresh, nested
from mathdl.formal.through_time import ThroughTime
from mathdl.ir.build import is_zero
from mathdl.ir.index import out_indices, slot
from mathdl.ir.tensor import Tensor
from mathdl.scalar.declare import of_head

COMPARISONS = ("gt", "ge", "lt", "le", "eq", "ne")


class Sweep:
    """The value's equations, forwards along a curve and backwards with its cotangents."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.still: set[Tensor] = set()  # what moves, with a derivative that is zero
        self.prover = Prover(context, self.dot_body)
        self.moving = set(self.order())
        bars = self._cotangents()
        self.unseen = {t for t in self.order()  # inverses within the solution of a system
                       if primitive(t) == "inv" and t not in bars}
        self.beside: list[Tensor] = []  # quantities that move and are not below the value
        self._register(self.order())
        self.quantities: dict[str, Any] = {}

    def _register(self, tensors: Sequence[Tensor]) -> None:
        for t in tensors:
            if t.definition is not None and not self.parts(t, out_indices(t.ndim))[0]:
                self.still.add(t)
            self.prover.dots[f"{self.context.name(t)}_dot"] = t

    def watch(self, tensors: Sequence[Tensor]) -> None:
        """Have tangents of further quantities."""
        self.beside = [t for t in with_loops(tensors)
                       if self.context.system.moving[t] and t not in self.moving]
        self.context.add([inverse_in(t) for t in self.beside if primitive(t)])
        self._register(self.beside)

    def order(self) -> list[Tensor]:
        return [t for t in with_loops([self.context.prepared]) if self.context.system.moving[t]]

    # -- forwards -----------------------------------------------------------------------------

    def parts(self, t: Tensor, index: Sequence[Any]) -> tuple[list[Any], list[tuple[Any, Any]]]:
        """``df/dx * x_dot`` for every read that moves, and the bound indices."""
        system = self.context.system
        if primitive(t):
            return self._parts_of_matrix(t, index)
        names, reads, bound = system.reads(t, index)
        slots = {slot(k): read.of(system.entry) for k, read in enumerate(reads)}
        found = []
        for k, read in enumerate(reads):
            if system.moving[read.tensor] and read.tensor not in self.still:
                slope = system.formula(t).diff(slot(k)).xreplace({**names, **slots})
                if slope != 0:
                    dot = self.dot_body if read.tensor in self.unseen else self.context.dot
                    found.append(slope * read.of(dot))
        if found and t.equation.reduce in FOLDS:
            body = system.formula(t).xreplace({**names, **slots})
            part = share(t.equation.reduce, body, system.entry(t, index), bound)
            found = [part * f for f in found]
        return found, bound

    def _parts_of_matrix(self, t: Tensor, index: Sequence[Any]
                         ) -> tuple[list[Any], list[tuple[Any, Any]]]:
        """The same for an inverse, a determinant or a factor."""
        matrix = matrix_of(t)
        if not self.context.system.moving[matrix] or matrix in self.still:
            return [], []
        bound = [(fresh(), d) for d in extents(t)]
        self.context.system.ranges.update(bound)
        found = differential(t, index, self.context.system.entry, self.context.dot,
                             [i for i, _ in bound])
        return [found], bound

    def dot_body(self, t: Tensor, index: Sequence[Any]) -> Any:
        parts, bound = self.parts(t, index)
        return nested(sum(parts, Integer(0)), bound)

    def tangents(self) -> list[str]:
        """For every quantity its derivative along the curve, and that it is that."""
        lines: list[str] = []
        done: set[Tensor] = set()
        for t in (*self.order(), *self.beside):
            if is_states(t) and t not in done:
                loop = loop_of(t)
                inside = [u for u in loop.inside
                          if self.context.system.moving[u] and u not in done]
                lines += loop_tangents(self, loop, inside)
                done.update((*loop.states, *inside))
            elif t not in self.context.wrt and t not in done:
                lines += [self.tangent(t), self.moves(t).text(), *self._stays(t)]
                done.add(t)
        return lines

    def start_dot(self, loop: Unrolled, state: Tensor, index: Sequence[Any]) -> Any:
        """The derivative of a state before all steps."""
        start = loop.starts[loop.states.index(state)]
        moves = self.context.system.moving[start] and start not in self.still
        return self.context.dot(start, index) if moves else Integer(0)

    def tangent(self, t: Tensor) -> str:
        index = out_indices(t.ndim)
        axes = f" ({' '.join(map(str, index))} : nat)" if index else ""
        body = self.context.text.real(self.dot_body(t, index))
        return f"Definition {self.context.name(t)}_dot{axes} : R := {body}."

    def moving_claim(self, t: Tensor, index: Sequence[Any]) -> str:
        """That an entry has its derivative along the curve."""
        return (f"is_derive (fun t => {self.context.moved(t, index)}) t0 "
                f"{self.context.text.real(self.context.dot(t, index))}")

    def moves_hint(self, t: Tensor, lemma: str) -> str:
        pattern = f"fun t => {self.context.applied(t, '_at t')}{' _' * t.ndim}"
        return f"Hint Extern 1 (is_derive ({pattern}) _ _) => (eapply {lemma}; range) : curves."

    def moves(self, t: Tensor, here: str = "") -> Lemma:
        """``here`` stands for the lemma at one step of a loop, the index ``i0``."""
        context, name, index = self.context, self.context.name(t), out_indices(t.ndim)
        return Lemma(
            f"moves_{name}{here}",
            f"{context.over(t, int(bool(here)))}{self.moving_claim(t, index)}",
            ["intros.", f"unfold {name}, {name}_dot.", *self._derived(t)],
            hint=self.moves_hint(t, f"moves_{name}{here}"),
            note=f"the derivative of {name}",
        )

    def _derived(self, t: Tensor) -> list[str]:
        """Tactics for the derivative of what an entry is defined as."""
        context = self.context
        if primitive(t) and t not in self.still:
            matrix = matrix_of(t)
            sides = ["cbv beta; known", "intros; cbv beta; D", *["range"] * t.ndim]
            opened = "; ".join(
                f"change ({context.applied(u)}) with "
                f"({primitive(u)} {context.matrix(matrix_of(u))})"
                for u in dict.fromkeys([inverse_in(t), t]))
            dim, _, along = context.matrix(matrix, "_at t").partition(" ")
            return [f"eapply D_eq; [apply ({MOVES[primitive(t)]} {dim} (fun t => {along}) "
                    f"{context.name(matrix)}_dot); [{' | '.join(sides)}] | "
                    f"cbv beta; real_eq; {opened}; commuted]."]
        _, bound = context.system.body(t, out_indices(t.ndim))
        unseen = sorted({f"{context.name(a.tensor)}_dot" for a in t.operands
                         if a.tensor in self.unseen or a.tensor in self.still})
        if t.equation.reduce in FOLDS and t not in self.still:
            return [f"try unfold {context.name(t)}. eapply D_eq; [D|].",
                    "repeat (apply sumf_ext; intros); close."]
        unfolded = f"unfold {', '.join(unseen)}; " if unseen else ""
        return [*(f"apply D_sum; intros {s} {s}_lt." for s, _ in bound),
                f"cbv beta; eapply D_eq; [D | {unfolded}close]."]

    def _stays(self, t: Tensor) -> list[str]:
        """A comparison does not change near the point."""
        declared = None if t.definition is None else of_head(type(t.definition.body))
        if t not in self.still or declared is None or declared.name not in COMPARISONS:
            return []
        context, name, index = self.context, self.context.name(t), out_indices(t.ndim)
        pattern = f"(fun t => {context.applied(t, '_at t')}{' _' * t.ndim} = _)"
        return [Lemma(
            f"stays_{name}",
            f"{context.over(t)}locally t0 (fun t => {context.moved(t, index)} = "
            f"{context.text.real(context.entry(t))})",
            ["intros.", f"unfold {name}.",
             f"eapply (stays_{declared.name} (fun t => _) (fun t => _)); "
             "[cbv beta; apart | D | D]."],
            hint=f"Hint Extern 1 (locally _ {pattern}) => (apply stays_{name}; range) : still.",
        ).text()]

    # -- backwards ----------------------------------------------------------------------------

    def weighted(self, weight: Tensor, t: Tensor) -> Any:
        """The sum over all entries of ``weight * t_dot``."""
        index = self.context.fresh_index(t)
        term = self.context.system.entry(weight, (*self.context.prefix, *index))
        return nested(term * self.context.dot(t, index), list(zip(index, t.shape, strict=True)))

    def adjoints(self) -> tuple[list[str], list[str]]:
        """Definitions and lemmas of the sweep, and the lemmas' names."""
        bars = self._cotangents()
        contributions = self._contributions()
        loops = self._through_time()
        results = {r for loop in loops for r, *_ in loop.results}
        inside = {u for t in self.order() if is_states(t) for u in loop_of(t).inside}
        waiting = [set(loop.loop.states) for loop in loops]
        given: dict[Tensor, list[str]] = {}
        lines: list[str] = []
        names: list[str] = []
        for t in reversed(self.order()):
            if t in self.still or t in self.unseen or (t in inside and t not in bars):
                continue
            if is_states(t):
                for loop, left in zip(loops, waiting, strict=True):
                    if left == {t}:
                        pieces = self._pieces(loop.pulls, given, lines)
                        wholes = [f"Q_{self.context.name(r)}" for r, *_ in loop.results]
                        lines += loop.lemmas(wholes, pieces)
                        names.append(f"chain_{loop.name}")
                    left.discard(t)
                continue
            if t not in bars:
                raise UnsupportedError(f"no certificate: {self.context.name(t)} has no cotangent")
            whole = sum((self.weighted(bar, t) for bar in bars[t]), Integer(0))
            name = self.context.name(t)
            self.quantities[f"Q_{name}"] = whole
            lines.append(f"Definition Q_{name} : R := {self.context.text.real(whole)}.")
            lemmas = [self._seed(t, whole) if t is self.context.prepared
                      else self._total(t, whole, given.get(t, []))]
            if t not in self.context.wrt and t not in results:
                pieces = self._pieces(contributions.get(t, []), given, lines)
                lemmas.append(self._through(t, whole, pieces, bars[t], [
                    after for _, after in contributions.get(t, [])]))
            lines += [lemma.text() for lemma in lemmas]
            names += [lemma.name for lemma in lemmas]
        return lines, names

    def _cotangents(self) -> dict[Tensor, list[Tensor]]:
        """The parts of every quantity's cotangent.

        Quantities of the proof that are one here count once: what only passes its cotangent on
        to another one of them is left out.
        """
        plain = self.context.plain
        totals = self.context.stage.totals
        final = {s.target: s.after for s in totals}
        bars: dict[Tensor, list[Tensor]] = {}
        for target, after in dict.fromkeys((s.target, s.after) for s in totals):
            t, bar = self._squeezed(plain[target], plain[after])
            passes = any(self._quantity(plain[a.tensor]) is t for a in target.operands
                         if a.tensor in plain)
            if not passes and not (target.is_input and after is not final[target]):
                bars.setdefault(t, []).append(bar)
        return bars

    def _contributions(self) -> dict[Tensor, list[tuple[Tensor, Tensor]]]:
        found: dict[Tensor, list[tuple[Tensor, Tensor]]] = {}
        plain = self.context.plain
        for step in self.context.stage.pulls:
            if step.slot is None:
                continue
            after = plain[step.after]
            consumer = self._quantity(plain[step.consumers[0][0]])
            target, after = self._squeezed(plain[step.target], after)
            if consumer is not target:
                found.setdefault(consumer, []).append((target, after))
        return found

    def _quantity(self, t: Tensor) -> Tensor:
        """What stands for a tensor: the vector for a column that is no quantity itself."""
        inner = column_of(t)
        return t if inner is None or inner not in self.moving or t in self.moving else inner

    def _squeezed(self, t: Tensor, bar: Tensor) -> tuple[Tensor, Tensor]:
        """What stands for a tensor, and its cotangent."""
        inner = self._quantity(t)
        if inner is t:
            return t, bar
        found = squeezed(bar)
        self.context.add([found])
        return inner, found

    def _through_time(self) -> list[ThroughTime]:
        """The loops that cotangents go through, each with what its operands get."""
        plain = self.context.plain
        found: dict[Any, list[tuple[Tensor, Tensor]]] = {}
        for step in self.context.stage.pulls:
            if step.slot is None:
                found.setdefault(step.consumers, []).append((plain[step.target],
                                                             plain[step.after]))
        loops = []
        for consumers, pulls in found.items():
            result, recurrence = plain[consumers[0][0]], consumers[0][0].recurrence
            if recurrence is None:
                raise UnsupportedError("no certificate: what has no slot is no recurrence")
            loop = loop_of(of_result(result, recurrence))
            results = [(plain[r], r.emitted, plain[bar]) for r, bar in consumers]
            loops.append(ThroughTime(self, loop, results, pulls))
        return loops

    def _pieces(self, contributions: Sequence[tuple[Tensor, Tensor]],
                given: dict[Tensor, list[str]], lines: list[str]) -> list[str]:
        pieces = []
        for target, after in contributions:
            if not self.context.system.moving[target] or is_zero(after):
                continue
            count = sum(k.startswith("q") for k in self.quantities)
            q = f"q{count + 1}_{self.context.name(target)}"
            self.quantities[q] = self.weighted(after, target)
            lines.append(f"Definition {q} : R := {self.context.text.real(self.quantities[q])}.")
            given.setdefault(target, []).append(q)
            pieces.append(q)
        return pieces

    def _seed(self, t: Tensor, whole: Any) -> Lemma:
        context = self.context
        dot = context.dot(t, context.prefix)
        proof = self.prover.equal(dot, whole, context.prefix, "the seed")
        name = context.name(t)
        return Lemma(f"seed_{name}", f"{context.text.real(dot)} = Q_{name}",
                     [f"unfold Q_{name}.", *proof])

    def _total(self, t: Tensor, whole: Any, pieces: Sequence[str]) -> Lemma:
        return self._balance("total", t, whole, pieces, f"the cotangent of {self.context.name(t)}")

    def _through(self, t: Tensor, whole: Any, pieces: Sequence[str], bars: Sequence[Tensor],
                 afters: Sequence[Tensor]) -> Lemma:
        name = self.context.name(t)
        if primitive(t) == "cholesky":
            proof = through_factor(self.context, self.prover, t, bars, afters)
            if proof is not None:
                what = f"the chain rule through {name}"
                return self._lemma("chain", t, pieces, what, proof)
        return self._balance("chain", t, whole, pieces, f"the chain rule through {name}",
                             [f"{name}_dot"])

    def _balance(self, kind: str, t: Tensor, whole: Any, pieces: Sequence[str], what: str,
                 opening: Sequence[str] = ()) -> Lemma:
        right = sum((self.quantities[q] for q in pieces), Integer(0))
        proof = self.prover.equal(whole, right, self.context.prefix, what, opening)
        return self._lemma(kind, t, pieces, what, proof)

    def _lemma(self, kind: str, t: Tensor, pieces: Sequence[str], what: str, proof: Tactics
               ) -> Lemma:
        name = self.context.name(t)
        return Lemma(f"{kind}_{name}", f"Q_{name} = {' + '.join(pieces) or '0'}",
                     [f"unfold {', '.join([f'Q_{name}', *pieces])}.", *proof], note=what)
