"""Recurrences with equal starts and equal steps are equal: by induction on time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mathdl.errors import UnsupportedError
from mathdl.formal.context import Context, Lemma, Tactics
from mathdl.formal.coq import nat
from mathdl.formal.indices import in_order
from mathdl.formal.loops import Unrolled, is_states
from mathdl.formal.prover import Prover
from mathdl.ir.index import out_indices
from mathdl.ir.system import topological
from mathdl.ir.tensor import Tensor
from mathdl.proof.instances import instance


@dataclass(frozen=True)
class Operands:
    """What is known of the operands of two loops: by name those that equal others, with the
    tactic that shows it by what is ``used``, and what recurrences are shown to be."""

    equals: Mapping[str, tuple[Tensor, str]]
    used: Sequence[Lemma]
    canonical: Mapping[Tensor, Tensor]


def same_states(
    context: Context, prover: Prover, a: Unrolled, b: Unrolled, operands: Operands,
    certain: bool = False,
) -> list[Lemma]:
    """For every state the lemma that it is the other loop's, at all times.

    What is ``certain`` is proved when it is needed.

    Raises:
        UnsupportedError: no proof was found that the starts or the steps are equal.
    """
    name = f"same_{context.name(a.states[0])}_{context.name(b.states[0])}"
    (t,) = out_indices(1)
    claims = [f"({_equal(context, s, r, 1)})" for s, r in zip(a.states, b.states, strict=True)]
    claim = " /\\ ".join(claims)

    def proof() -> Tactics:
        return _induction(context, prover, a, b, operands, claim)

    every = Lemma(f"{name}_all",
                  f"forall {t} : nat, ({t} <= {nat(a.length)})%nat -> {claim}",
                  proof if certain else proof(), operands.used)
    return [
        Lemma(f"same_{context.name(s)}_{context.name(r)}", _equal(context, s, r),
              [f"intros. {projection(every.name, k, len(a.states))}"], [every])
        for k, (s, r) in enumerate(zip(a.states, b.states, strict=True))
    ]


def _equal(context: Context, a: Tensor, b: Tensor, skipped: int = 0) -> str:
    """That two tensors are equal, with the first axes at the canonical indices."""
    left, right = (context.text.real(context.entry(x)) for x in (a, b))
    return f"{context.over(a, skipped)}{left} = {right}"


def _induction(context: Context, prover: Prover, a: Unrolled, b: Unrolled,
               operands: Operands, claim: str) -> Tactics:
    (t,) = out_indices(1)
    way = "downwards" if a.step.reverse else "upwards"
    split = "" if len(a.states) == 1 else f"refine {conjunction(len(a.states))}."
    lines = ["repeat lazymatch goal with |- forall _ : nat, _ => fail | _ => intro end.",
             f"apply ({way} (fun {t} => {claim}) {nat(a.length)}).", f"{{ {split}"]
    with prover.given(dict(operands.equals)):
        for s, r, x, y in zip(a.states, b.states, a.starts, b.starts, strict=True):
            index = out_indices(s.ndim)[1:]
            left, right = context.system.entry(x, index), context.system.entry(y, index)
            lines += [f"{{ intros; rewrite first_{context.name(s)}, first_{context.name(r)} "
                      "by range.", *prover.equal(left, right, index, "a start"), "}"]
    lines += ["}", f"intros {t} {t}_lt {pattern(len(a.states))}."]
    context.normal.ranges[t] = a.length
    equals = {**operands.equals,
              **{context.name(s): (r, f"apply M{k}; range")
                 for k, (s, r) in enumerate(zip(a.states, b.states, strict=True))}}
    for k, (q, r) in enumerate(matches(a, b, operands.canonical)):
        with prover.given(dict(equals)):
            steps = prover.equal(context.entry(q), context.entry(r), out_indices(q.ndim),
                                 f"{context.name(q)} = {context.name(r)}")
        lines += [f"assert (E{k} : {_equal(context, q, r, 1)}).", "{ intros.", *steps, "}"]
        equals[context.name(q)] = r, f"apply E{k}; range"
    lines.append(split)
    with prover.given(equals):
        for s, r, x, y in zip(a.states, b.states, a.nexts, b.nexts, strict=True):
            index = out_indices(s.ndim)
            left, right = context.system.entry(x, index), context.system.entry(y, index)
            steps = prover.equal(left, right, index, f"a step at {in_order(a.before(t))}")
            lines += [f"{{ intros; rewrite next_{context.name(s)}, next_{context.name(r)} "
                      "by range.", *steps, "}"]
    return lines


def matches(a: Unrolled, b: Unrolled, canonical: Mapping[Tensor, Tensor]
            ) -> list[tuple[Tensor, Tensor]]:
    """Quantities of two steps that agree at random numbers where their states do, in order.

    It only chooses what to prove.

    Raises:
        UnsupportedError: the next states do not agree.
    """
    tensors = [*a.nexts, *b.nexts]
    at, rng = instance(tensors, 0, "any sign", 3), np.random.default_rng(0)
    same = dict(zip(b.states, a.states, strict=True))
    drawn: dict[Tensor, Any] = {}
    for s in topological(tensors):
        if is_states(s):
            key = same[s] if s in same else canonical.get(s, s)
            at.known[s] = drawn.setdefault(key, rng.normal(size=at.shape(s)))
    try:
        for t in tensors:
            at.value(t)
    except UnsupportedError:  # a primitive without numbers
        return []
    for x, y in zip(a.nexts, b.nexts, strict=True):
        if not np.allclose(at.value(x), at.value(y), rtol=1e-6, equal_nan=True):
            raise UnsupportedError("no certificate: the steps of two recurrences differ")
    found = []
    for q in a.inside:
        r = next((r for r in b.inside if r.shape == q.shape and np.isfinite(at.value(q)).all()
                  and np.allclose(at.value(q), at.value(r), rtol=1e-9)), None)
        if r is not None and q not in b.inside:
            found.append((q, r))
    return found


def projection(lemma: str, k: int, count: int) -> str:
    """The tactic that applies one part of a conjunction."""
    if count == 1:
        return f"apply {lemma}; range."
    return f"edestruct {lemma} as {pattern(count)}; [|apply M{k}; range]; range."


def conjunction(count: int) -> str:
    """A term for a conjunction, its parts left open."""
    return "_" if count == 1 else f"(conj _ {conjunction(count - 1)})"


def pattern(count: int, first: int = 0) -> str:
    """A pattern for a conjunction: its parts are called ``M0``, ``M1`` and so on."""
    return f"M{first}" if count == 1 else f"[M{first} {pattern(count - 1, first + 1)}]"
