"""Back-propagation through time: the adjoint lemma of a recurrence.

With ``k`` the backward recurrence and ``s_dot`` the derivatives of the states, one step says
``<k[t+1], s_dot[t+1]> + e[t] = <k[t], s_dot[t]> + c[t]``: what the results' cotangents give at
``t`` and what goes to sequences and to what is fixed.  It is shown quantity by quantity in
:mod:`mathdl.formal.one_step`; the sum over all steps is the lemma.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from sympy import Integer

from mathdl.errors import UnsupportedError
from mathdl.formal.context import Lemma
from mathdl.formal.coq import nat
from mathdl.formal.indices import in_order
from mathdl.formal.loops import Unrolled, is_states, loop_of
from mathdl.formal.one_step import Leaf, OneStep, Seed
from mathdl.formal.terms import SUM, fresh, nested
from mathdl.ir.build import define, is_zero, out_ranges
from mathdl.ir.index import out_indices, slot
from mathdl.ir.system import topological
from mathdl.ir.tensor import Access, Tensor

if TYPE_CHECKING:
    from mathdl.formal.sweep import Sweep

Pair = tuple[int, int]  # a state of the loop and what flows back into it


class ThroughTime:
    """One loop: its ``results``, what the step calls them, and their cotangents, and what its
    operands get."""

    def __init__(self, sweep: Sweep, loop: Unrolled,
                 results: Sequence[tuple[Tensor, Tensor, Tensor]],
                 pulls: Sequence[tuple[Tensor, Tensor]]) -> None:
        self.sweep, self.context, self.loop = sweep, sweep.context, loop
        self.results, self.pulls = results, pulls
        self.name = self.context.name(loop.states[0])
        self.t = fresh()
        self.context.normal.ranges[self.t] = loop.length
        self.back, self.pairs, self.step = self._backwards()

    # -- the backward recurrence --------------------------------------------------------------

    def _candidates(self) -> Iterator[tuple[Unrolled | None, list[Pair]]]:
        loop, prefix = self.loop, self.context.value.shape
        found: dict[Tensor, Unrolled] = {}
        for s in topological([after for _, after in self.pulls]):
            if is_states(s):
                other = loop_of(s)
                opposite = other.step.reverse != loop.step.reverse
                if opposite and other.length == loop.length:
                    found[other.states[0]] = other
        for other in reversed(found.values()):
            for chosen in combinations(range(len(loop.states)), len(other.states)):
                pairs = list(zip(chosen, range(len(other.states)), strict=True))
                if all(other.states[k].shape[1:] == (*prefix, *loop.states[j].shape[1:])
                       for j, k in pairs):
                    yield other, pairs
        yield None, []

    def _backwards(self) -> tuple[Unrolled | None, list[Pair], OneStep]:
        """The recurrence that a step agrees with, and the lemmas that show it."""
        refused = ""
        for back, pairs in self._candidates():
            self.back, self.pairs = back, pairs
            try:
                return back, pairs, OneStep(
                    self.sweep, self.loop, self.t, [*self._flows(), *self._given()],
                    self._leaves())
            except UnsupportedError as error:
                refused = refused or str(error)
        raise UnsupportedError(
            f"{refused or 'no certificate'} (a step of {self.name} backwards)")

    # -- terms --------------------------------------------------------------------------------

    def _product(self, weight: Any, t: Tensor, time: Any, slope: Any) -> Any:
        """The sum over the entries of ``t`` but for its first axis."""
        index = self.context.fresh_index(t)[1:]
        prefix = self.context.prefix
        term = self.context.system.entry(weight, (in_order(time), *prefix, *index)) * slope(index)
        return nested(term, zip(index, t.shape[1:], strict=True))

    def _flow(self, pair: Pair, time: Any) -> Any:
        """``<k, s_dot>`` at a time."""
        s, k = self._states(pair)
        return self._product(k, s, time,
                             lambda i: self.context.dot(s, (in_order(time), *i)))

    def _states(self, pair: Pair) -> tuple[Tensor, Tensor]:
        assert self.back is not None
        return self.loop.states[pair[0]], self.back.states[pair[1]]

    def _after(self, pair: Pair, t: Any) -> Any:
        """``<k, s_dot>`` after step ``t``, by what the step computes."""
        s, k = self._states(pair)
        return self._product(k, s, self.loop.after(t), lambda i: self._next_dot(pair, (t, *i)))

    def _next_dot(self, pair: Pair, index: Sequence[Any]) -> Any:
        after = self.loop.nexts[pair[0]]
        moves = self.context.system.moving[after] and after not in self.sweep.still
        return self.context.dot(after, index) if moves else Integer(0)

    def _before(self, pair: Pair, t: Any) -> Any:
        """``<k, s_dot>`` before step ``t``, by what the backward step computes."""
        assert self.back is not None
        s, _ = self._states(pair)
        time = in_order(self.loop.before(t))
        return self._product(self.back.nexts[pair[1]], s, t,
                             lambda i: self.context.dot(s, (time, *i)))

    def _at_end(self, pair: Pair) -> Any:
        assert self.back is not None
        s, _ = self._states(pair)
        start = self.back.starts[pair[1]]
        index = self.context.fresh_index(s)[1:]
        term = self.context.system.entry(start, (*self.context.prefix, *index))
        term *= self._next_dot(pair, (in_order(self.loop.final), *index))
        return nested(term, zip(index, s.shape[1:], strict=True))

    def _at_start(self, pair: Pair) -> Any:
        assert self.back is not None
        s, _ = self._states(pair)
        return self._product(self.back.nexts[pair[1]], s, self.back.final,
                             lambda i: self.sweep.start_dot(self.loop, s, i))

    def _flows(self) -> list[Seed]:
        """What flows back into the states after a step."""
        found = []
        for pair in self.pairs:
            after = self.loop.step.nexts[pair[0]]
            term = self._after(pair, self.t)
            if term != 0:
                found.append(Seed(after, self._turned(self._states(pair)[1], after, True), term))
        return found

    def _given(self) -> list[Seed]:
        """What the cotangents of results give at a step; those of the last one flow in."""
        ends = {self.loop.nexts[j] for j, k in self.pairs
                if self.back is not None and not is_zero(self.back.starts[k])}
        found = []
        for r, emitted, bar in self.results:
            if r in ends:
                continue
            index = self.context.fresh_index(r)[1:]
            term = self.context.system.entry(bar, (*self.context.prefix, self.t, *index))
            term = nested(term * self.context.dot(r, (self.t, *index)),
                          zip(index, r.shape[1:], strict=True))
            found.append(Seed(emitted, self._turned(bar, emitted, False), term))
        return found

    def _turned(self, bar: Tensor, inner: Tensor, flows: bool) -> Tensor:
        """A cotangent at every step: of the time after it, or of the axis after the prefix."""
        prefix = self.context.value.shape
        shape = (self.loop.length, *prefix, *inner.shape)
        t, *rest = out_indices(len(shape))
        p = len(prefix)
        index = [self.loop.after(t), *rest] if flows else [*rest[:p], t, *rest[p:]]
        return define(out_ranges(shape), slot(0), [Access(bar, tuple(index))])

    def _leaves(self) -> list[Leaf]:
        """What a step gives to the states before it, to sequences and to what is fixed."""
        step, paired = self.loop.step, dict(self.pairs)
        found = [Leaf((s,), self._before((j, paired[j]), self.t) if j in paired else Integer(0))
                 for j, s in enumerate(step.states) if self._moves(self.loop.states[j])]
        taken = self._taken()
        inner: dict[Tensor, list[Tensor]] = {}
        for q, operand in zip((*step.items, *step.fixed),
                              (*self.loop.sequences, *self.loop.constants), strict=True):
            if self._moves(operand):
                inner.setdefault(operand, []).append(q)
        return [*found, *(Leaf(tuple(qs), taken.get(operand, Integer(0)))
                          for operand, qs in inner.items())]

    def _moves(self, t: Tensor) -> bool:
        return bool(self.context.system.moving[t]) and t not in self.sweep.still

    def _taken(self) -> dict[Tensor, Any]:
        """What sequences and what is fixed get at a step."""
        found: dict[Tensor, Any] = {}
        system, prefix, t = self.context.system, self.context.prefix, self.t
        starts = list(self.loop.starts)
        for target, after in self.pulls:
            if target in starts:
                starts.remove(target)
                continue
            if not self._moves(target) or is_zero(after):
                continue
            index = self.context.fresh_index(target)
            if target in self.loop.sequences:
                rest = index[1:]
                term = system.entry(after, (*prefix, t, *rest)) * self.context.dot(
                    target, (t, *rest))
                binders = [*zip(rest, target.shape[1:], strict=True)]
            else:
                body, bound = system.body(after, (*prefix, *index))
                if not bound or bound[0][1] != self.loop.length:
                    raise UnsupportedError(
                        f"no certificate: what {self.context.name(target)} gets through time is "
                        "no sum over time")
                term = body.xreplace({bound[0][0]: t}) * self.context.dot(target, index)
                binders = [*zip(index, target.shape, strict=True), *bound[1:]]
            found[target] = found.get(target, Integer(0)) + nested(term, binders)
        return found

    # -- lemmas -------------------------------------------------------------------------------

    def lemmas(self, wholes: Sequence[str], pieces: Sequence[str]) -> list[str]:
        """One step, and the sum over all steps: ``Q + ... = q + ...``."""
        real, t, length = self.context.text.real, self.t, nat(self.loop.length)
        given = sum((s.term for s in self._given()), Integer(0))
        taken = sum(self._taken().values(), Integer(0))
        (i,) = out_indices(1)
        flow = f"flow_{self.name}"
        join = self._join
        after, before = (join(f, t) for f in (self._after, self._before))
        step = Lemma(f"step_{self.name}", f"forall {t} : nat, ({t} < {length})%nat -> "
                     f"{after} + {real(given)} = {before} + {real(taken)}",
                     self.step.proof(), note="one step backwards")
        e, c = f"(fun {t} => {real(given)})", f"(fun {t} => {real(taken)})"
        ends, starts = ([f(p) for p in self.pairs] for f in (self._at_end, self._at_start))
        q = self.sweep.quantities
        prover, prefix = self.sweep.prover, self.context.prefix
        over_given = SUM(self.loop.length, t, given) if given != 0 else Integer(0)
        over_taken = SUM(self.loop.length, t, taken) if taken != 0 else Integer(0)
        nothing = "rewrite ?sumf_0."
        first = prover.equal(sum((q[n] for n in wholes), Integer(0)),
                             sum(ends, over_given), prefix, "the end of time")
        last = prover.equal(sum(starts, over_taken), sum((q[n] for n in pieces), Integer(0)),
                            prefix, "the start of time")
        way = "up" if self.loop.step.reverse else "down"
        dots = [f"{self.context.name(self._states(p)[0])}_dot" for p in self.pairs]
        flows = [self.context.name(self._states(p)[1]) for p in self.pairs]
        proof = [
            f"unfold {', '.join([*wholes, *pieces])}.",
            f"transitivity ({_added(map(real, ends))} + sumf {length} {e}).",
            "{ " + nothing, *first, "}",
            f"transitivity ({flow} {nat(self.loop.last)} + sumf {length} {e}).",
            f"{{ unfold {flow}. symmetry. "
            + _termwise([*(f'first_{k}' for k in flows), *(f'last_{d}' for d in dots)]) + " }",
            f"rewrite (telescope_{way} {length} {flow} {e} {c}).",
            f"2: {{ intros {t} {t}_lt; cbv beta; unfold {flow}.",
            f"  transitivity ({after} + {real(given)}); "
            f"[{_termwise([f'next_{d}' for d in dots])[:-1]}|].",
            f"  rewrite step_{self.name} by range; symmetry; "
            + _termwise([f"next_{k}" for k in flows]) + " }",
            f"transitivity ({_added(map(real, starts))} + sumf {length} {c}).",
            f"{{ unfold {flow}. "
            + _termwise([*(f'last_{k}' for k in flows), *(f'first_{d}' for d in dots)]) + " }",
            nothing, *last,
        ]
        whole = Lemma(f"chain_{self.name}", f"{_added(wholes)} = {_added(pieces)}", proof,
                      note="back-propagation through time")
        return [f"Definition {flow} ({i} : nat) : R := {join(self._flow, i)}.",
                *self.step.lines, step.text(), whole.text()]

    def _join(self, term: Any, time: Any) -> str:
        return _added(self.context.text.real(term(p, time)) for p in self.pairs)


def _added(texts: Any) -> str:
    return " + ".join(texts) or "0"


def _termwise(lemmas: Sequence[str]) -> str:
    """Term by term, and under sums, by these equations."""
    rewriting = f"rewrite ?{', ?'.join(lemmas)} by range; " if lemmas else ""
    return ("repeat apply (f_equal2 Rplus); repeat first [apply sumf_ext; intros | "
            f"apply sumf_zero; intros]; first [reflexivity | {rewriting}ring].")
