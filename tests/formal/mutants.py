"""Mutants of what a certificate claims, by rule, on its Coq text.

A mutant alters the gradient in one theorem, or drops one hypothesis.  One that is true all the
same is told by numbers: the reader evaluates its gradient and that of the original.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from coq_reader import Reading, Theorem, claim

from mathdl.formal.context import Context
from mathdl.formal.emit import emit
from mathdl.formal.statement import Statement

#: The proof of a theorem ends so; a mutant's may try harder.
END = "  reflexivity.\nQed.\nEnd Certificate."
HARDER = ("  first [ reflexivity | repeat (apply sumf_ext; intros); "
          "apply (f_equal2 Rmult); [repeat (apply sumf_ext; intros); close | reflexivity] ].\n"
          "Qed.\nEnd Certificate.")
LAST = re.compile(r"(Theorem (?:gradient_\w+) :(?:(?!Theorem).)*?\n  \()([^\n]*)(\)\.\nProof)",
                  re.DOTALL)


@dataclass(frozen=True)
class Mutant:
    """A certificate's text with one change, and which rule made it."""

    rule: str
    source: str


def gradient_mutants(source: str) -> Iterator[Mutant]:
    """The last theorem's gradient: sign, factor, terms, indices, at every place there is."""
    found = list(LAST.finditer(source))[-1]
    axes, arrow, body = found[2].rpartition(" => ") if found[2].startswith("fun i0") \
        and found[2].count("=>") == 1 else (found[2].partition(" => ") if found[2].startswith("fun i")
                                            else ("", "", found[2]))
    for rule, changed in _changes(body):
        text = source[:found.start(2)] + axes + arrow + changed + source[found.end(2):]
        assert END in text
        yield Mutant(rule, text.replace(END, HARDER))


def _changes(body: str) -> Iterator[tuple[str, str]]:
    yield "sign", f"- ({body})"
    yield "factor", f"2 * ({body})"
    yield "added term", f"({body}) + 1"
    for m in re.finditer(r" ([-+]) ", body):
        yield "sign of a term", body[:m.start(1)] + "+-"["+-".index(m[1]) - 1] + body[m.end(1):]
    for m in re.finditer(r" [-+] (\w+(?: \w+)*)(?= [-+]|\)|$)", body):
        yield "dropped term", body[:m.start()] + body[m.end():]
    for m in re.finditer(r"(?<![\w(] )\b([A-Za-z]\w*(?: [ij]\d+)+) \* ", body):
        yield "dropped factor", body[:m.start()] + body[m.end():]
    for m in re.finditer(r"\b([ij]\d+) ([ij]\d+)\b(?! =>)", body):
        yield "swapped indices", f"{body[:m.start()]}{m[2]} {m[1]}{body[m.end():]}"
    for m in re.finditer(r" / (INR \w+|\w+)", body):
        yield "dropped divisor", body[:m.start()] + body[m.end():]


def hypotheses(statement: Statement) -> list[str]:
    """The names of all hypotheses but those about lengths."""
    context = statement.context
    facts = [fact[0] for t in context.inputs for fact in context.facts(t)]
    return [*facts, *(name for name, _ in statement.domain)]


def without(proof: Any, dropped: str, patch: Any) -> Mutant:
    """The certificate emitted as if one hypothesis were not there."""
    facts, made = Context.facts, Statement.__init__

    def fewer(self: Context, t: Any) -> list[Any]:
        return [fact for fact in facts(self, t) if fact[0] != dropped]

    def shorter(self: Statement, context: Context) -> None:
        made(self, context)
        kept = [k for k, (name, _) in enumerate(self.domain) if name != dropped]
        self.domain = [self.domain[k] for k in kept]
        self.conditions = [self.conditions[k] for k in kept]

    with patch.context() as here:
        here.setattr(Context, "facts", fewer)
        here.setattr(Statement, "__init__", shorter)
        return Mutant(f"dropped {dropped}", emit(proof).source)


def differs(mutant: str, values: Mapping[str, Any], out: tuple[int, ...]) -> bool:
    """Whether the last theorem's gradient is not that of the expression, by difference quotients."""
    reading = Reading(mutant)
    about = reading.theorems[-1]
    gradient = claim(reading, about, values, out)[1]
    numeric = quotients(reading, about, values, out)
    both = np.isfinite(gradient) & np.isfinite(numeric)
    scale = max(1.0, float(np.max(np.abs(numeric[both]), initial=0)))
    return bool(np.any(np.abs(gradient - numeric)[both] > 1e-4 * scale))


def quotients(reading: Reading, about: Theorem, values: Mapping[str, Any], out: tuple[int, ...]
              ) -> Any:
    """Central differences of the loss in a theorem."""
    w, h = np.asarray(values[about.variable], dtype=float), 1e-5
    found = np.empty((*out, *w.shape))
    for index in np.ndindex(*w.shape):
        sides = []
        for step in (h, -h):
            moved = w.copy()
            moved[index] += step
            sides.append(claim(reading, about, {**values, about.variable: moved}, out)[0])
        found[(..., *index)] = (sides[0] - sides[1]) / (2 * h)
    return found
