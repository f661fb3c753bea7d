"""Equalities between quantities, by the simplifications of a proof and by congruence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mathdl.errors import UnsupportedError
from mathdl.formal.context import Context, Lemma, Tactics
from mathdl.formal.loops import is_states, loop_of, of_result
from mathdl.formal.matrices import matrix_of, primitive, shown
from mathdl.formal.prover import Prover
from mathdl.formal.same_loops import Operands, same_states
from mathdl.formal.terms import entries
from mathdl.ir.build import redefine
from mathdl.ir.index import out_indices
from mathdl.ir.steps import Rewrite
from mathdl.ir.system import topological
from mathdl.ir.tensor import Access, Tensor

ROUNDS = 24
_EXTENSION = {"sum": "sumf", "max": "maxf", "min": "minf", "prod": "prodf"}
Rewriting = tuple[Tensor, list[Lemma]]


@dataclass(frozen=True)
class Path:
    """``a = c`` by the lemmas ``there`` in turn, and ``b = c`` by ``back``: hence ``a = b``."""

    there: tuple[Lemma, ...]
    back: tuple[Lemma, ...]

    @property
    def lemmas(self) -> tuple[Lemma, ...]:
        return (*self.there, *self.back)

    def tactics(self) -> str:
        """They prove ``a = b``.  The lemmas are applied, not rewritten with: what is equal by
        definition must not be mistaken for one another."""
        steps = [f"etransitivity; [apply {u.name}; range|]. " for u in self.there]
        steps += [f"etransitivity; [|symmetry; apply {u.name}; range]. " for u in self.back]
        return "".join(steps) + "reflexivity."


class Chain:
    """What every quantity is equal to by the rewriting steps, and the lemmas that say so."""

    def __init__(
        self, context: Context, prover: Prover, steps: Sequence[tuple[int, Rewrite]]
    ) -> None:
        self.context, self.prover = context, prover
        self.parent: dict[Tensor, tuple[Tensor, Lemma]] = {}
        self.known: dict[Tensor, Rewriting] = {}
        plain = context.plain
        pairs = [(n, s, *shown(plain[s.before], plain[s.after])) for n, s in steps]
        context.add(t for _, _, *sides in pairs for t in sides)
        for _ in range(ROUNDS):
            changed = False
            for number, step, before, after in pairs:
                left, right = self.canonical(before), self.canonical(after)
                if left[0] is right[0]:
                    continue
                if step.before.recurrence is not None:
                    state = of_result(before, step.before.recurrence)
                    self._same_loop(self.canonical(state)[0], right[0])
                    left, right = self.canonical(before), self.canonical(after)
                    if left[0] is right[0]:
                        continue
                    law = self._law(number, step.rule.name, left[0], right[0])
                    self.parent[left[0]] = right[0], law
                else:
                    law = self._law(number, step.rule.name, before, after)
                    self.parent[left[0]] = right[0], self._edge(law, left, right)
                self.known = {}
                changed = True
            if not changed:
                break

    def path(self, a: Tensor, b: Tensor, what: str) -> Path:
        """The lemmas by which both are rewritten to one and the same."""
        left, right = self.canonical(a), self.canonical(b)
        if left[0] is not right[0]:
            raise UnsupportedError(f"no certificate: {what} does not follow from the steps")
        there, back = list(left[1]), list(right[1])
        while there and back and there[-1] is back[-1]:
            there.pop(), back.pop()
        return Path(tuple(there), tuple(back))

    def canonical(self, tensor: Tensor) -> Rewriting:
        """What a tensor is rewritten to, and the lemmas to rewrite with in turn."""
        for t in topological([tensor]):
            if t in self.known:
                continue
            lemmas: list[Lemma] = []
            current = self._rebuilt(t)
            if current is not t:
                lemmas.append(self._congruence(t, current) if not is_states(t)
                              else self._congruent_states(t, current))
            seen = {current}
            while current in self.parent:
                current, lemma = self.parent[current]
                lemmas.append(lemma)
                if current in seen:
                    raise UnsupportedError("no certificate: the steps go round in a circle")
                seen.add(current)
            self.known[t] = current, lemmas
        return self.known[tensor]

    def _rebuilt(self, t: Tensor) -> Tensor:
        if t.is_input:
            return t
        made = redefine(t, [Access(self.known[a.tensor][0], a.index, a.held) for a in t.operands])
        self.context.add([made])
        return made

    def _congruent_states(self, t: Tensor, rebuilt: Tensor) -> Lemma:
        """Equal operands make equal recurrences."""
        a, b = loop_of(t), loop_of(rebuilt)
        equals: dict[str, tuple[Tensor, str]] = {}
        used: list[Lemma] = []
        for operand in t.operands:
            new, lemmas = self.known[operand.tensor]
            if lemmas:
                equals[self.context.name(operand.tensor)] = new, _in_turn(lemmas)
                used += [u for u in lemmas if u not in used]
        operands = Operands(equals, used, self._settled())
        lemmas = same_states(self.context, self.prover, a, b, operands, certain=True)
        return lemmas[a.states.index(t)]

    def _settled(self) -> dict[Tensor, Tensor]:
        """What recurrences are shown to be by now."""
        return {t: found for t, (found, _) in self.known.items() if is_states(t)}

    def _same_loop(self, state: Tensor, result: Tensor) -> None:
        """The loop of a state and one that the result reads are the same, if that is shown."""
        a = loop_of(state)
        below = topological([result])
        if state in below:
            return
        for t in reversed(below):
            if is_states(t):
                b = loop_of(t)
                if ([s.shape for s in a.states] == [s.shape for s in b.states]
                        and a.step.reverse == b.step.reverse):
                    try:
                        lemmas = same_states(self.context, self.prover, a, b,
                                             Operands({}, (), self._settled()))
                    except UnsupportedError:
                        continue
                    for s, r, lemma in zip(a.states, b.states, lemmas, strict=True):
                        self.parent[s] = r, lemma
                    self.known = {}
                    return

    def _equality(self, a: Tensor, b: Tensor) -> str:
        left, right = (self.context.text.real(self.context.entry(t)) for t in (a, b))
        return f"{self.context.over(a)}{left} = {right}"

    def _law(self, number: int, rule: str, before: Tensor, after: Tensor) -> Lemma:
        context = self.context
        what = f"{rule}: {context.name(before)} = {context.name(after)}"

        def proof() -> Tactics:
            a, b = context.entry(before), context.entry(after)
            return ["intros.", *self.prover.equal(a, b, out_indices(before.ndim), what,
                                                  by_cases=rule == "two values")]

        return Lemma(f"law_{number}", self._equality(before, after), proof,
                     note=f"step {number}: {rule}")

    def _edge(self, law: Lemma, left: Rewriting, right: Rewriting) -> Lemma:
        """The law between what its sides are rewritten to."""
        if not left[1] and not right[1]:
            return law
        back = "".join(f"etransitivity; [symmetry; apply {u.name}; range|]. "
                       for u in reversed(left[1]))
        there = Path((law, *right[1]), ()).tactics()
        ends = "_".join(self.context.name(t) for t in (left[0], right[0]))
        return Lemma(f"{law.name}_{ends}", self._equality(left[0], right[0]),
                     ["intros.", f"{back}{there}"],
                     [*left[1], law, *right[1]])

    def _congruence(self, t: Tensor, rebuilt: Tensor) -> Lemma:
        """Equal operands make equal results."""
        context = self.context
        if primitive(t):
            return self._congruence_of_matrices(t, rebuilt)
        index = out_indices(t.ndim)
        body, bound = context.system.body(t, index)
        real, named = context.text.real, {*index, *(s for s, _ in bound)}
        changed, used, each = {}, [], ""
        for e in sorted(entries(body), key=str):
            new, lemmas = self.known[context.system.tensor(e)]
            if not lemmas:
                continue
            changed[e] = context.system.entry(new, e.args)
            used += [u for u in lemmas if u not in used]
            if e.free_symbols <= named:
                each += (f" replace ({real(e)}) with ({real(changed[e])})"
                         f" by (symmetry; {_in_turn(lemmas)});")
        before = context.system.reduced(t, body, bound)
        after = context.system.reduced(t, body.xreplace(changed), bound)
        start = [
            "intros.", f"transitivity {real(after)}.",
            f"{{ change ({real(before)} = {real(after)}).",
            *(f"  apply {_EXTENSION[t.equation.reduce]}_ext; intros {s} {s}_lt." for s, _ in bound),
            f"  first [ reflexivity |{each} close |"
            + "".join(f" repeat rewrite {u.name} by range;" for u in used) + " close ]. }",
        ]
        what = f"{context.name(t)} = {context.name(rebuilt)}"

        def proof() -> Tactics:
            return [*start, *self.prover.equal(after, context.entry(rebuilt), index, what)]

        return Lemma(f"same_{context.name(t)}_{context.name(rebuilt)}", self._equality(t, rebuilt),
                     proof, used)

    def _congruence_of_matrices(self, t: Tensor, rebuilt: Tensor) -> Lemma:
        """Equal matrices have equal inverses and determinants."""
        _, lemmas = self.known[matrix_of(t)]
        a, b = self.context.name(t), self.context.name(rebuilt)
        entrywise = f"intros ? ? ? ?; {Path(tuple(lemmas), ()).tactics().replace('. ', '; ')}"
        sides = " | ".join([entrywise.rstrip("."), *["range"] * t.ndim])
        return Lemma(f"same_{a}_{b}", self._equality(t, rebuilt),
                     [f"intros. unfold {a}, {b}. apply {primitive(t)}_ext; [{sides}]."], lemmas)


def _in_turn(lemmas: Sequence[Lemma]) -> str:
    """One tactic for what follows by the lemmas one after the other."""
    return "".join(f"etransitivity; [apply {u.name}; range|]; " for u in lemmas) + "reflexivity"
