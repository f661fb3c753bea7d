"""A value that is what is differentiated only where its domain's conditions hold.

``log(det A) = logdet A`` where the determinant is positive.  Such conditions hold near a point at
which they hold, as what they are about is continuous along every curve; and a function has the
derivative of another one that agrees with it near the point.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from sympy import log

from mathdl.errors import UnsupportedError
from mathdl.formal.chain import Path
from mathdl.formal.context import Context, Lemma, arrow, in_order
from mathdl.formal.matrices import matrix_of, primitive
from mathdl.formal.statement import Statement
from mathdl.formal.system import Condition
from mathdl.formal.terms import entries, is_entry
from mathdl.ir.system import topological
from mathdl.ir.tensor import Tensor

OPEN = ("positive", "nonzero", "invertible")
NAME = "as_differentiated"


class Nearby:
    """The lemma that the value is what is differentiated where the conditions hold."""

    def __init__(self, context: Context, path: Path, statement: Statement) -> None:
        self.context, self.path = context, path
        self.conditions = [(label, c) for (label, _), c in zip(
            statement.domain, statement.conditions, strict=True) if c.kind in OPEN]
        self.given = [(label, text) for w in context.wrt for label, text, _ in context.facts(w)
                      if context.system.signs[w] == "positive" and label.endswith("_sign")]
        self.given += [(label, context.condition(c)) for label, c in self.conditions]

    def section(self, negated: Callable[[str, Condition], Lemma]) -> list[str]:
        """The lemma and all that it uses, in a section of their own."""
        context = self.context
        variables = [f"Variable {context.name(w)} : {arrow(w.ndim)}." for w in context.wrt]
        for label, text in self.given:
            variables += [f"Hypothesis {label} : {text}.",
                          f"#[local] Hint Resolve {label} : signs."]
        below = topological([context.value, context.prepared])
        signs = [u for t in below if context.system.signs[t] == "positive"
                 and (u := context.sign_lemma(t, False)) is not None]
        lemmas = in_order(self.path.lemmas)
        other = [negated(label, c) for label, c in self.conditions if c.term.is_Add]
        own = {u.name: f"near_{u.name}" for u in [*other, *signs, *lemmas]}
        logs = self._logarithms()
        whole = context.over(context.value)
        a, b = (context.text.real(context.entry(t)) for t in (context.value, context.prepared))
        last = Lemma(NAME, f"{whole}{a} = {b}", ["intros.", self.path.tactics()])
        texts = [u.text() for u in [*other, *signs, *(u for u, _ in logs)]]
        texts += [self._text(u, logs) for u in lemmas]
        texts.append(last.text().replace("Proof.", "Proof using All.", 1))
        named = re.compile(rf"\b({'|'.join(own)})\b") if own else None
        if named is not None:
            texts = [named.sub(lambda m: own[m[1]], text) for text in texts]
        return ["Section Near.", *variables, *texts, "End Near."]

    def _logarithms(self) -> list[tuple[Lemma, tuple[Tensor, Tensor]]]:
        """Where a determinant is positive, ``logdet`` is its logarithm."""
        context, found = self.context, []
        made = {matrix_of(t): t for t in [*context.system.names] if primitive(t) == "logdet"}
        for label, c in self.conditions:
            det = context.system.tensor(c.term) if is_entry(c.term) else None
            if c.kind != "positive" or det is None or primitive(det) != "det":
                continue
            logdet = made.get(matrix_of(det))
            if logdet is not None:
                real, name = context.text.real, context.name(logdet)
                found.append((Lemma(
                    f"{name}_is_log",
                    f"{real(context.entry(logdet))} = ln {real(context.entry(det))}",
                    [f"exact (logdet_positive {context.matrix(matrix_of(det))} {label})."]),
                    (logdet, det)))
        return found

    def _text(self, lemma: Lemma, logs: Sequence[tuple[Lemma, tuple[Tensor, Tensor]]]) -> str:
        """A lemma with its proof, the logarithms taken to be known if it has none else."""
        try:
            return lemma.text()
        except UnsupportedError:
            if not logs:
                raise
        facts = self.context.normal.facts
        before = dict(facts)
        for known, (logdet, det) in logs:
            def change(term: Any, det: Tensor = det) -> Any:
                return log(self.context.system.entry(det, ()))

            facts[self.context.name(logdet)] = known.name, change
            facts.pop(self.context.name(det), None)
        try:
            return lemma.text()
        finally:
            facts.clear()
            facts.update(before)

    def agreement(self) -> list[str]:
        """Tactics: near ``t0`` along the curve, what is differentiated is the value."""
        context = self.context
        names = {context.name(w): f"({context.name(w)}_at t)" for w in context.wrt}
        point = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, names))})(?!\w)")
        held = [f"H{k}" for k in range(len(self.given))]
        lines = [
            f"assert ({h} : locally t0 (fun t : R => {point.sub(lambda m: names[m[1]], text)})) "
            "by near."
            for h, (_, text) in zip(held, self.given, strict=True)]
        *others, all_of = held
        for h in reversed(others):
            all_of = f"(filter_and _ _ {h} {all_of})"
        pattern = f"({' & '.join(held)})" if others else held[0]
        return [
            *lines, f"generalize {all_of}. apply filter_imp. clear {' '.join(held)}.",
            f"intros t {pattern}. symmetry.",
            f"apply ({NAME} {' '.join([*names.values(), *held])}); range.",
        ]

    def moving(self) -> list[Tensor]:
        """What the conditions are about."""
        return [self.context.system.tensor(e) for _, c in self.conditions for e in entries(c.term)]
