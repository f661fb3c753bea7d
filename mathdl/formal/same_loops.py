"""Recurrences with equal starts and equal steps are equal: by induction on time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mathdl.formal.context import Context, Lemma, Tactics
from mathdl.formal.coq import nat
from mathdl.formal.indices import in_order
from mathdl.formal.loops import Unrolled
from mathdl.formal.prover import Prover
from mathdl.ir.index import out_indices
from mathdl.ir.tensor import Tensor


def same_states(
    context: Context, prover: Prover, a: Unrolled, b: Unrolled,
    equals: Mapping[str, tuple[Tensor, str]], used: Sequence[Lemma],
) -> list[Lemma]:
    """For every state the lemma that it is the other loop's, at all times.

    ``equals`` are operands that equal others, with the tactic that shows it by what is ``used``.

    Raises:
        UnsupportedError: no proof was found that the starts or the steps are equal.
    """
    name = f"same_{context.name(a.states[0])}_{context.name(b.states[0])}"
    (t,) = out_indices(1)
    claims = []
    for s, r in zip(a.states, b.states, strict=True):
        index = out_indices(s.ndim)
        left, right = (context.text.real(context.system.entry(x, index)) for x in (s, r))
        context.normal.ranges.update(zip(index, s.shape, strict=True))
        claims.append(f"({context.over(s, 1)}{left} = {right})")
    claim = " /\\ ".join(claims)
    proof = _induction(context, prover, a, b, equals, claim)
    every = Lemma(f"{name}_all",
                  f"forall {t} : nat, ({t} <= {nat(a.length)})%nat -> {claim}", proof, used)
    found = []
    for k, (s, r) in enumerate(zip(a.states, b.states, strict=True)):
        index = out_indices(s.ndim)
        left, right = (context.text.real(context.system.entry(x, index)) for x in (s, r))
        found.append(Lemma(
            f"same_{context.name(s)}_{context.name(r)}",
            f"{context.over(s)}{left} = {right}",
            [f"intros. {projection(every.name, k, len(a.states))}"],
            [every],
        ))
    return found


def _induction(context: Context, prover: Prover, a: Unrolled, b: Unrolled,
               equals: Mapping[str, tuple[Tensor, str]], claim: str) -> Tactics:
    (t,) = out_indices(1)
    way = "downwards" if a.step.reverse else "upwards"
    split = "" if len(a.states) == 1 else f"refine {conjunction(len(a.states))}."
    lines = ["repeat lazymatch goal with |- forall _ : nat, _ => fail | _ => intro end.",
             f"apply ({way} (fun {t} => {claim}) {nat(a.length)}).", f"{{ {split}"]
    with prover.given(dict(equals)):
        for s, r, x, y in zip(a.states, b.states, a.starts, b.starts, strict=True):
            index = out_indices(s.ndim)[1:]
            left, right = context.system.entry(x, index), context.system.entry(y, index)
            lines += [f"{{ intros; rewrite first_{context.name(s)}, first_{context.name(r)} "
                      "by range.", *prover.equal(left, right, index, "a start"), "}"]
    lines += ["}", f"intros {t} {t}_lt {pattern(len(a.states))}. {split}"]
    now = in_order(a.before(t))
    states = {context.name(s): (r, f"apply M{k}; range")
              for k, (s, r) in enumerate(zip(a.states, b.states, strict=True))}
    with prover.given({**equals, **states}):
        for s, r, x, y in zip(a.states, b.states, a.nexts, b.nexts, strict=True):
            index = out_indices(s.ndim)
            context.normal.ranges[t] = a.length
            left, right = context.system.entry(x, index), context.system.entry(y, index)
            steps = prover.equal(left, right, index, f"a step at {now}")
            lines += [f"{{ intros; rewrite next_{context.name(s)}, next_{context.name(r)} "
                      "by range.", *steps, "}"]
    return lines


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
