"""Derivatives of a recurrence along a curve: by induction on time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mathdl.formal.context import Lemma
from mathdl.formal.coq import nat
from mathdl.formal.fixpoints import Fixpoints
from mathdl.formal.indices import in_order
from mathdl.formal.loops import Unrolled
from mathdl.formal.same_loops import conjunction, pattern, projection
from mathdl.ir.index import out_indices
from mathdl.ir.tensor import Tensor

if TYPE_CHECKING:
    from mathdl.formal.sweep import Sweep


def loop_tangents(sweep: Sweep, loop: Unrolled, inside: Sequence[Tensor]) -> list[str]:
    """The derivatives of the states and of what is ``inside``, and that they are that.

    What a step computes moves if the states before it do; so all do, step by step.
    """
    context = sweep.context
    fixpoints = Fixpoints(context, loop, "_dot", sweep.dot_body,
                          lambda s, index: sweep.start_dot(loop, s, index))
    names = [context.name(s) for s in loop.states]
    (t,) = out_indices(1)
    lines = [*fixpoints.definitions(), *map(sweep.tangent, inside),
             *(u.text() for u in fixpoints.equations()),
             f"Section Step_{names[0]}.", f"Variable {t} : nat.",
             f"Hypothesis {t}_lt : ({t} < {nat(loop.length)})%nat."]
    for s, name in zip(loop.states, names, strict=True):
        lines += [f"Hypothesis moves_{name}_here : {_all(sweep, s, loop.before(t))}.",
                  f"#[local] {sweep.moves_hint(s, f'moves_{name}_here')}"]
    lines += [*(sweep.moves(q, "_here").text() for q in inside), f"End Step_{names[0]}.",
              _induction(sweep, loop, set(inside)).text()]
    for k, (s, name) in enumerate(zip(loop.states, names, strict=True)):
        lines.append(Lemma(
            f"moves_{name}", f"{context.over(s)}{sweep.moving_claim(s, out_indices(s.ndim))}",
            [f"intros. {projection(f'moves_all_{names[0]}', k, len(names))}"],
            hint=sweep.moves_hint(s, f"moves_{name}"),
        ).text())
    known = " | ".join(f"apply moves_{name}; range" for name in names)
    for q in inside:
        name = context.name(q)
        lines.append(Lemma(
            f"moves_{name}", f"{context.over(q)}{sweep.moving_claim(q, out_indices(q.ndim))}",
            ["intros.", f"apply moves_{name}_here; first [range | intros; first [{known}]]."],
            hint=sweep.moves_hint(q, f"moves_{name}"),
        ).text())
    return lines


def _all(sweep: Sweep, s: Tensor, time: Any) -> str:
    """That all of a state moves at a time."""
    index = (in_order(time), *out_indices(s.ndim)[1:])
    return f"{sweep.context.over(s, 1)}{sweep.moving_claim(s, index)}"


def _induction(sweep: Sweep, loop: Unrolled, inside: set[Tensor]) -> Lemma:
    context = sweep.context
    (t,) = out_indices(1)
    claim = " /\\ ".join(f"({_all(sweep, s, t)})" for s in loop.states)
    names = [context.name(s) for s in loop.states]
    way = "downwards" if loop.step.reverse else "upwards"
    split = "intros." if len(names) == 1 else f"refine {conjunction(len(names))}; intros."
    proof = [f"apply ({way} (fun {t} => {claim}) {nat(loop.length)}).", "{ " + split]
    for s, start in zip(loop.states, loop.starts, strict=True):
        index = out_indices(s.ndim)[1:]
        proof.append("  " + _step(sweep, s, "first", context.moved(start, index), "D"))
    proof += ["}", f"intros {t} {t}_lt {pattern(len(names))}. {split}"]
    for s, after in zip(loop.states, loop.nexts, strict=True):
        moves = (f"apply moves_{context.name(after)}_here; first [range | assumption]"
                 if after in inside else "D")
        proof.append(_step(sweep, s, "next", context.moved(after, out_indices(s.ndim)), moves))
    return Lemma(f"moves_all_{names[0]}", f"forall {t} : nat, ({t} <= {nat(loop.length)})%nat -> "
                 f"{claim}", proof, note="the states at all times")


def _step(sweep: Sweep, s: Tensor, kind: str, text: str, moves: str) -> str:
    name = sweep.context.name(s)
    return (f"{{ apply (is_derive_ext (fun t => {text})); "
            f"[intros; symmetry; apply {kind}_{name}; range | rewrite {kind}_{name}_dot by range; "
            f"{moves}]. }}")
