"""The states of a recurrence and their derivatives as recursive functions, and their equations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mathdl.formal.context import Context, Lemma, arrow
from mathdl.formal.coq import Text, nat
from mathdl.formal.loops import Unrolled, is_states, loop_of
from mathdl.formal.matrices import primitive
from mathdl.ir.index import out_indices
from mathdl.ir.tensor import Tensor

Body = Callable[[Tensor, Sequence[Any]], Any]


class Fixpoints:
    """One loop in Coq: ``suffix`` is empty for its states, ``_dot`` for their derivatives.

    ``body`` is the right-hand side of an entry of what the steps compute, ``start`` that of a
    state before all steps.
    """

    def __init__(self, context: Context, loop: Unrolled, suffix: str, body: Body,
                 start: Body) -> None:
        self.context, self.loop, self.suffix = context, loop, suffix
        self.body, self.start = body, start
        self.inside = [t for t in loop.inside if not suffix or context.system.moving[t]]

    def name(self, t: Tensor) -> str:
        return f"{self.context.name(t)}{self.suffix}"

    def recursive(self, state: Tensor) -> str:
        """The function of the number of steps made."""
        return f"{self.name(state)}_steps" if self.loop.step.reverse else self.name(state)

    def points(self, state: Tensor) -> list[Tensor]:
        return [] if self.suffix else list(self.context.system.moving[state])

    def definitions(self) -> list[str]:
        """The recursive functions, and the states by time."""
        functions = [self._function(s, n) for s, n in
                     zip(self.loop.states, self.loop.nexts, strict=True)]
        lines = ["Fixpoint " + "\nwith ".join(functions) + "."]
        if self.loop.step.reverse:
            for s in self.loop.states:
                given = " ".join([self.recursive(s), *self._names(s),
                                  f"({nat(self.loop.length)} - i0)",
                                  *map(str, out_indices(s.ndim)[1:])])
                lines.append(f"Definition {self.name(s)}{self._arguments(s)} : R := {given}.")
        return lines

    def _names(self, s: Tensor) -> list[str]:
        return [self.context.name(w) for w in self.points(s)]

    def _arguments(self, s: Tensor) -> str:
        points = "".join(f" ({self.context.name(w)} : {arrow(w.ndim)})" for w in self.points(s))
        return f"{points} ({' '.join(map(str, out_indices(s.ndim)))} : nat)"

    def _function(self, s: Tensor, after: Tensor) -> str:
        real = self.context.text.real
        index = out_indices(s.ndim)
        lets = [f"    let {self.name(t)} := fun {self._blanks(t)} => {self._inner(t)} in"
                for t in self.inside]
        result = " ".join([self.name(after), *map(str, index)])
        if after not in self.inside:
            result = self._in_time(self._at(after, "i0"))
        return "\n".join([
            f"{self.recursive(s)}{self._arguments(s)} {{struct i0}} : R :=",
            f"  match i0 with O => {real(self.start(s, index[1:]))} | S i0 =>", *lets,
            f"    {result} end",
        ])

    def _blanks(self, t: Tensor) -> str:
        return f"({' '.join(['_', *map(str, out_indices(t.ndim)[1:])])} : nat)"

    def _inner(self, t: Tensor) -> str:
        """What a step computes, with ``i0`` steps made before it."""
        heads = {**self.context.text.heads}
        if not self.suffix:
            heads |= {self.context.name(u): self.context.name(u) for u in self.inside}
        states = {self.name(s): s for s in self.loop.states}

        def written(term: Any, level: int) -> str | None:
            s = states.get(term.func.__name__)
            if s is None:
                return None
            parts = [self.recursive(s), *self._names(s), "@", *map(nat, term.args[1:])]
            return f"({' '.join(parts)})"

        text = Text(heads, written).real(self.body(t, out_indices(t.ndim)))
        return self._in_time(text).replace("@", "i0")

    def _in_time(self, text: str) -> str:
        """A text in the step ``i0`` as one in the number of steps made before it."""
        if not self.loop.step.reverse:
            return text
        return re.sub(r"\bi0\b", f"({nat(self.loop.length)} - S i0)%nat", text)

    def equations(self) -> list[Lemma]:
        """What the states are before all steps, after every step, and after the last."""
        return [u for s, n in zip(self.loop.states, self.loop.nexts, strict=True)
                for u in (self._first(s), self._next(s, n), self._last(s, n))]

    def _lemma(self, kind: str, s: Tensor, over: str, time: str, right: str,
               proof: list[str]) -> Lemma:
        points = "".join(f"forall {self.context.name(w)} : {arrow(w.ndim)}, "
                         for w in self.points(s))
        rest = out_indices(s.ndim)[1:]
        axes = "".join(f"forall {i} : nat, ({i} < {nat(d)})%nat -> "
                       for i, d in zip(rest, s.shape[1:], strict=True))
        left = " ".join([self.name(s), *self._names(s), time, *map(str, rest)])
        return Lemma(f"{kind}_{self.name(s)}", f"{points}{over}{axes}{left} = {right}", proof)

    def _at(self, t: Tensor, time: str) -> str:
        """What the steps compute, at a step."""
        if self.suffix and not self.context.system.moving[t]:
            return "0"
        head = self.name(t) if self.suffix else self.context.applied(t)
        return " ".join([head, time, *map(str, out_indices(t.ndim)[1:])])

    def _first(self, s: Tensor) -> Lemma:
        right = self.context.text.real(self.start(s, out_indices(s.ndim)[1:]))
        opened = f"unfold {self.name(s)}. rewrite Nat.sub_diag. " * self.loop.step.reverse
        return self._lemma("first", s, "", nat(self.loop.first), right,
                           ["intros.", f"{opened}reflexivity."])

    def _next(self, s: Tensor, after: Tensor) -> Lemma:
        length = nat(self.loop.length)
        proof = ["reflexivity."]
        time = "(1 + i0)%nat"
        if self.loop.step.reverse:
            every = " ".join(self.recursive(u) for u in self.loop.states)
            time = "i0"
            proof = [
                f"unfold {self.name(s)}. replace ({length} - i0)%nat with "
                f"(S ({length} - S i0)) by lia.",
                f"cbn [{every}]. replace ({length} - S ({length} - S i0))%nat with i0 by lia.",
                "reflexivity.",
            ]
        return self._lemma("next", s, f"forall i0 : nat, (i0 < {length})%nat -> ", time,
                           self._at(after, "i0"), ["intros.", *proof])

    def _last(self, s: Tensor, after: Tensor) -> Lemma:
        final = nat(self.loop.final)
        there = final if self.loop.step.reverse else f"(1 + {final})%nat"
        left = " ".join([self.name(s), *self._names(s), there,
                         *map(str, out_indices(s.ndim)[1:])])
        return self._lemma("last", s, "", nat(self.loop.last), self._at(after, final), [
            "intros.", f"transitivity ({left}); [f_equal; lia|].",
            f"apply next_{self.name(s)}; range.",
        ])


def of_values(context: Context, loop: Unrolled) -> Fixpoints:
    """The states themselves."""
    starts = dict(zip(loop.states, loop.starts, strict=True))
    return Fixpoints(context, loop, "", context.system.term,
                     lambda s, index: context.system.entry(starts[s], index))


def definitions(context: Context, tensors: Iterable[Tensor]) -> list[str]:
    """The definitions of quantities, those of a loop together and with its equations."""
    lines: list[str] = []
    done: set[Tensor] = set()
    for t in tensors:
        if t in done:
            continue
        done.add(t)
        if is_states(t):
            loop = loop_of(t)
            inside = [u for u in loop.inside if u not in done]
            fixpoints = of_values(context, loop)
            lines += [*fixpoints.definitions(), *map(context.definition, inside),
                      *(u.text() for u in fixpoints.equations())]
            done.update((*loop.states, *inside))
        elif t.definition is not None or primitive(t):
            lines.append(context.definition(t))
    return lines
