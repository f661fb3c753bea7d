"""A derivation's proof as a Coq file, equation by equation.

The quantities are definitions over all dims.  For the value there is one tangent lemma for each
equation (its derivative along any curve) and one adjoint lemma (what its cotangent gives to what
it reads); for the result one lemma for each simplification.  The theorem puts them together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sympy import expand_mul

from mathdl.errors import UnsupportedError
from mathdl.formal.chain import Chain, Path
from mathdl.formal.context import Context, Lemma, arrow, in_order
from mathdl.formal.coq import nat
from mathdl.formal.fixpoints import definitions
from mathdl.formal.known import MatrixFacts
from mathdl.formal.nearby import Nearby
from mathdl.formal.stages import stages
from mathdl.formal.statement import COMMENT, Statement, Statements
from mathdl.formal.sweep import Sweep
from mathdl.formal.system import Condition
from mathdl.ir.dim import Dim
from mathdl.ir.index import out_indices
from mathdl.ir.steps import Rewrite
from mathdl.ir.system import topological
from mathdl.ir.tensor import Tensor
from mathdl.proof.proof import Proof

HEADER = """From Coq Require Import Reals Lra Lia.
From Coquelicot Require Import Coquelicot.
From Mathdl Require Import Tactics Laws.
Open Scope R_scope.
"""
DEFINED = re.compile(r"^(?:Definition|Fixpoint|with|Lemma) (\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Emitted:
    """A Coq file, and the statements of its theorems, stage by stage."""

    source: str
    statement: Statements


def emit(proof: Proof) -> Emitted:
    """The certificate's text.

    Raises:
        UnsupportedError: a step that has no certificate, with what and where.
    """
    found = stages(proof)
    parts = [_Part(Context(proof, stage), f"Order{k}" if len(found) > 1 else "")
             for k, stage in enumerate(found, 1)]
    texts = [part.text() for part in parts]
    theorems = [name for part in parts for name in part.theorems]
    end = f"Definition theorems := ({', '.join(theorems)}).\nPrint Assumptions theorems.\n"
    return Emitted("\n".join([COMMENT, HEADER, *texts, end]),
                   Statements(tuple(part.statement for part in parts), proof))


class _Part:
    """The text for one sweep, in a module of its own when there are several."""

    def __init__(self, context: Context, module: str) -> None:
        self.context, self.module = context, module
        self.theorems: list[str] = []
        self.sweep = Sweep(context)
        steps = context.rewritings()
        self.chain = Chain(context, self.sweep.prover, steps)
        self.to_prepared = self._to_prepared(steps)
        self.to_result = {
            w: self.chain.path(context.raw[w.name or ""], context.results[w.name or ""],
                               f"the derivative by {w.name}")
            for w in context.wrt
        }
        self.known = MatrixFacts(context, self.sweep.prover)
        before = self._everywhere()
        self.before = before or []
        self.statement = Statement(context, own_domain=before is None)
        self.nearby = None
        if before is None:
            self.nearby = Nearby(context, self.to_prepared, self.statement)
            self.sweep.watch(self.nearby.moving())

    def _to_prepared(self, steps: Sequence[tuple[int, Rewrite]]) -> Path:
        """By the steps before the sweep if they do: what is known at the point comes later."""
        context = self.context
        sweep = (*context.stage.pulls, *context.stage.totals)
        first = min((line.number for line in context.proof.lines
                     if any(line.step is s for s in sweep)), default=0)
        earlier = Chain(context, self.sweep.prover, [s for s in steps if s[0] < first])
        try:
            return earlier.path(context.value, context.prepared, "the value")
        except UnsupportedError:
            return self.chain.path(context.value, context.prepared, "the value")

    def text(self) -> str:
        context, statement, known = self.context, self.statement, self.known
        before = self.before
        done = {u.name for u in in_order(self.to_prepared.lemmas)}
        if self.nearby is not None:
            before, done = self.nearby.section(self._negated), set()
        after = [u.text() for u in in_order(
            u for path in self.to_result.values() for u in path.lemmas)
                 if u.name not in done]
        tangents = self.sweep.tangents()
        adjoints, names = self.sweep.adjoints()
        about = self._curve(statement)
        proofs = [
            *tangents,
            "\n(* ---- cotangents: what each equation gives to what it reads ---- *)", *adjoints,
            *_part("simplifications", after),
            "\n(* ---- together ---- *)", self._along_the_curve(names), "End Curve.",
        ]
        for w in context.wrt:
            label = f"gradient_{context.name(w)}"
            self.theorems.append(f"{self.module}.{label}" if self.module else label)
            proofs.append(self._theorem(w, statement, label))
        everything = topological([*context.system.names])
        facts = [u.text() for u in known.everywhere], [u.text() for u in known.here]
        quantities = needed(definitions(context, everything),
                            [*facts[0], *before, *about, *facts[1], *proofs])
        seen = words("\n".join([*quantities, *before, *proofs]))
        signs = [[u.text() for t in everything if not t.is_input and context.name(t) in seen
                  and (u := context.sign_lemma(t, always))] for always in (True, False)]
        lines = [
            *([f"Module {self.module}."] if self.module else []),
            "Section Certificate.", *self._given(),
            "\n(* ---- the quantities, and the signs of those that have one ---- *)",
            *quantities, *signs[0], *facts[0],
            *_part("the expression as it is differentiated", before),
            "\n(* ---- along a curve: one tangent lemma for each equation ---- *)",
            "Section Curve.", *about, *signs[1], *facts[1], *proofs,
            "End Certificate.", *([f"End {self.module}."] if self.module else []),
        ]
        return "\n".join(line for line in lines if line) + "\n"

    def _everywhere(self) -> list[str] | None:
        """That the value is what is differentiated, wherever the inputs are; None if it is only
        where its domain's conditions hold."""
        context = self.context
        lemmas = in_order(self.to_prepared.lemmas)
        below = topological([context.value, context.prepared])
        here = any("positive" == context.system.signs[t] != context.system.always[t] for t in below)
        if here and self._have_conditions(lemmas):
            return None
        alone = [lemma.statement for lemma in lemmas]
        for lemma in lemmas:
            points = [w for w in context.wrt if context.name(w) in words(lemma.statement)]
            lemma.statement = "".join(
                f"forall {context.name(w)} : {arrow(w.ndim)}, " for w in points
            ) + lemma.statement
        try:
            return [u.text() for u in lemmas]
        except UnsupportedError:
            for lemma, statement in zip(lemmas, alone, strict=True):
                lemma.statement = statement
            return None

    def _have_conditions(self, lemmas: Sequence[Lemma]) -> bool:
        """Whether one of the steps holds under conditions only."""
        conditional = {f"law_{line.number}" for line in self.context.proof.lines if line.conditions}
        return any(lemma.name in conditional for lemma in lemmas)

    def _given(self) -> list[str]:
        """Dims, and the inputs that do not move, with what is assumed of them."""
        context = self.context
        dims = context.dims()
        lines = [f"Variables {' '.join(dims)} : nat."] if dims else []
        lines += [f"Hypothesis {d}_pos : (0 < {d})%nat." for d in dims]
        lines += [f"Hypothesis size_{k} : {needed}."
                  for k, needed in enumerate(context.system.needed, 1)]
        for lacking in context.assumed():
            lines += ["(* a function that Coq's library lacks, and what is assumed of it *)",
                      f"Variable {lacking.variable}."]
        for label, statement, hint in (fact for f in context.assumed() for fact in f.facts):
            lines += [f"Hypothesis {label} : {statement}.", f"#[local] {hint}"]
        for t in context.inputs:
            if t not in context.wrt:
                lines.append(f"Variable {context.name(t)} : {context.type(t)}.")
                lines += self._hypotheses(t)
        return lines

    def _hypotheses(self, t: Tensor) -> list[str]:
        lines = []
        for label, statement, hint in self.context.facts(t):
            lines.append(f"Hypothesis {label} : {statement}.")
            if hint:
                lines.append(f"#[local] Hint Resolve {label} : {hint}.")
        return lines

    def _curve(self, statement: Statement) -> list[str]:
        context = self.context
        lines = ["Variable t0 : R."]
        for o, d in zip(context.prefix, context.value.shape, strict=True):
            lines += [f"Variable {o} : nat.", f"Hypothesis {o}_lt : ({o} < {nat(d)})%nat."]
        for w in context.wrt:
            name, index = context.name(w), out_indices(w.ndim)
            applied = " ".join([f"{name}_at t", *map(str, index)])
            lines += [
                f"Variable {name}_at : R -> {arrow(w.ndim)}.",
                f"Local Notation {name} := ({name}_at t0).",
                f"Variable {name}_dot : {arrow(w.ndim)}.",
                f"Hypothesis {name}_moves : {context.over(w)}is_derive (fun t => {applied}) t0 "
                f"{context.text.real(context.dot(w, index))}.",
                f"#[local] Hint Extern 1 (is_derive (fun t => {name}_at t{' _' * w.ndim}) _ _) => "
                f"(eapply {name}_moves; range) : curves.",
                *self._hypotheses(w),
            ]
        for (label, text), condition in zip(statement.domain, statement.conditions, strict=True):
            lines += [f"Hypothesis {label} : {text}.", f"#[local] Hint Resolve {label} : signs."]
            if condition.term.is_Add:
                lines.append(self._negated(label, condition).text())
        return lines

    def _negated(self, label: str, condition: Condition) -> Lemma:
        """What does not vanish does not vanish with the other sign."""
        other = Condition("nonzero", expand_mul(-condition.term), condition.indices)
        names = " ".join(f"{i} {i}_lt" for i, _ in condition.indices
                         if i in condition.term.free_symbols)
        proof = [f"intros {names}." if names else "intros.",
                 f"pose proof ({label} {names}) as away; intro; first [lra | apply away; lra]."]
        return Lemma(f"{label}_negated", self.context.condition(other), proof,
                     hint=f"Hint Resolve {label}_negated : signs.")

    def _total(self, w: Tensor) -> str:
        """The sum over ``w`` of the derivative times the direction."""
        context = self.context
        index = context.fresh_index(w)
        weight = context.system.entry(context.results[w.name or ""], (*context.prefix, *index))
        text = f"{context.text.real(weight)} * {context.text.real(context.dot(w, index))}"
        return summed(text, index, w.shape)

    def _along_the_curve(self, names: Sequence[str]) -> str:
        context = self.context
        prepared = context.name(context.prepared)
        value = context.moved(context.value, context.prefix)
        differentiated = context.moved(context.prepared, context.prefix)
        lines = [
            f"Theorem derivative : is_derive (fun t => {value}) t0",
            f"  ({' + '.join(self._total(w) for w in context.wrt)}).",
            "Proof using All.",
        ]
        if self.nearby is not None:
            lines += [f"  apply (is_derive_ext_loc (fun t => {differentiated})).",
                      "  {", *(f"    {line}" for line in self.nearby.agreement()), "  }"]
        elif self.to_prepared.lemmas:
            lines += [
                f"  apply (is_derive_ext (fun t => {differentiated})).",
                f"  {{ intros t. symmetry. {self.to_prepared.tactics()} }}",
            ]
        lines.append(f"  eapply D_eq; [apply moves_{prepared}; range|].")
        for w in context.wrt:
            index = context.fresh_index(w)
            raw = context.text.real(context.system.entry(context.raw[w.name or ""],
                                                         (*context.prefix, *index)))
            dot = context.text.real(context.dot(w, index))
            opened = "".join(f" apply sumf_ext; intros {i} {i}_lt." for i in index)
            lines += [
                f"  assert (R_{context.name(w)} : Q_{context.name(w)} = {self._total(w)}).",
                f"  {{ unfold Q_{context.name(w)}.{opened} transitivity ({raw} * {dot}); [ring|].",
                f"    apply (f_equal2 Rmult); [|reflexivity]. {self.to_result[w].tactics()} }}",
            ]
        lines += [f"  pose proof {n}." for n in names]
        return "\n".join([*lines, "  real_eq; lra.", "Qed."])

    def _theorem(self, w: Tensor, statement: Statement, label: str) -> str:
        """The gradient by one input, the others fixed."""
        context = self.context
        name = context.name(w)
        arguments = ["t0", *(f"{o} {o}_lt" for o in context.prefix)]
        conditions = [label for label, _ in statement.domain]
        others = [v for v in context.wrt if v is not w]
        for v in context.wrt:
            facts = [fact[0] for fact in context.facts(v)]
            if v is w:
                arguments += ["c'", f"{name}_dot", "moves'", *facts]
                continue
            axes = list(map(str, out_indices(v.ndim)))
            applied = " ".join([context.name(v), *axes])
            blank = " ".join([*axes, *("_" for _ in axes)])
            still = f"(D_const ({applied}) t0)"
            if axes:
                still = f"(fun {blank} => {still[1:]}"
            zero = f"(fun {' '.join('_' for _ in axes)} => 0)" if axes else "0"
            arguments += [f"(fun _ => {context.name(v)})", zero, still, *facts]
        names = " ".join([*(context.name(v) for v in context.wrt),
                          *(f[0] for v in context.wrt for f in context.facts(v)), *conditions,
                          *(f"{o} {o}_lt" for o in context.prefix)])
        lines = [
            statement.theorem(w, label), "Proof.", f"  intros {names}.",
            f"  intros c' t0 {name}_dot start' moves'. subst {name}.",
            f"  eapply D_eq; [exact (derivative {' '.join([*arguments, *conditions])})|].",
        ]
        for k, v in enumerate(others):
            index = context.fresh_index(v)
            term = context.text.real(context.system.entry(context.results[v.name or ""],
                                                  (*context.prefix, *index)))
            zero = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "(c' t0)",
                          summed(f"{term} * 0", index, v.shape))
            opened = "".join("apply sumf_zero; intros ? _. " for _ in index)
            lines += [f"  assert (Z{k} : {zero} = 0).", f"  {{ {opened}ring. }}",
                      f"  cbv beta; rewrite Z{k}."]
        alone = "  real_eq; rewrite ?Rplus_0_l, ?Rplus_0_r; " if others else "  "
        return "\n".join([*lines, f"{alone}reflexivity.", "Qed."])


def _part(title: str, lemmas: Sequence[str]) -> list[str]:
    return [f"\n(* ---- {title} ---- *)", *lemmas] if lemmas else []


def summed(text: str, index: Sequence[Any], shape: Sequence[Dim]) -> str:
    """The text of a term summed over its indices."""
    for i, d in reversed(list(zip(index, shape, strict=True))):
        text = f"sumf {nat(d)} (fun {i} => {text})"
    return text


def needed(blocks: Sequence[str], used: Sequence[str]) -> list[str]:
    """The blocks that define what is named in those after them, or in what they are used for."""
    seen = words("\n".join(used))
    kept: list[str] = []
    for block in reversed(blocks):
        if seen.intersection(DEFINED.findall(block)):
            kept.append(block)
            seen |= words(block)
    return kept[::-1]


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))
