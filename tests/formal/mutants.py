"""Mutants of what a certificate claims, by rule, on its Coq text.

A mutant alters the gradient in one theorem, or drops one hypothesis.  One that is true all the
same is told by numbers: the reader evaluates its gradient and that of the original.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from coq_parser import NotRead
from coq_reader import Reading, Theorem, claim

from mathdl.formal.statement import Statements

ENTRIES = 6  # of a gradient that are compared
#: The last theorem's proof ends so; a mutant's may try harder.
END = "reflexivity.\nQed.\nEnd Certificate."
HARDER = ("first [ reflexivity | repeat (apply sumf_ext; intros); "
          "apply (f_equal2 Rmult); [repeat (apply sumf_ext; intros); close | reflexivity] ].\n"
          "Qed.\nEnd Certificate.")
GRADIENT = re.compile(r"\n    \((fun (?:i\d+ )+=> )?([^\n]*)\)\.\nProof")
INDEX = r"(?:\w+|\((?:[^()]|\([^()]*\))*\)%nat)"


@dataclass(frozen=True)
class Mutant:
    """A certificate's text with one change, and which rule made it."""

    rule: str
    source: str


def gradient_mutants(source: str) -> Iterator[Mutant]:
    """The last theorem's gradient: sign, factor, terms, indices, at every place there is."""
    found = list(GRADIENT.finditer(source))[-1]
    assert END in source
    for rule, changed in _changes(found[2]):
        text = source[:found.start(2)] + changed + source[found.end(2):]
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
    for m in re.finditer(rf"delta {INDEX} {INDEX} \* ", body):
        yield "dropped delta", body[:m.start()] + body[m.end():]
    for m in re.finditer(r"\((\d+) \+ ([ij]\d+)\)", body):
        yield "other shift", f"{body[:m.start()]}({int(m[1]) + 1} + {m[2]}){body[m.end():]}"
    for m in re.finditer(r"\b([ij]\d+) ([ij]\d+)\b(?! =>)", body):
        yield "swapped indices", f"{body[:m.start()]}{m[2]} {m[1]}{body[m.end():]}"
    for m in re.finditer(r" / \w+(?: \w+)*(?: \^ \d+)?(?![\w (])", body):
        yield "dropped divisor", body[:m.start()] + body[m.end():]


def weakened(source: str, statement: Statements) -> Iterator[Mutant]:
    """Each hypothesis in turn, but those about lengths, says no more than ``True``."""
    statement = statement.parts[-1]
    context = statement.context
    own = [f[0] for w in context.wrt for f in context.facts(w)] + [n for n, _ in statement.domain]
    fixed = [f[0] for t in context.inputs if t not in context.wrt for f in context.facts(t)]
    for name in (*fixed, *own):
        text = re.sub(rf"^Hypothesis {name} : .*\.$", f"Hypothesis {name} : True.", source,
                      flags=re.MULTILINE)
        assert text != source
        if name in own:
            text = "Theorem gradient_".join(
                part if not k else _without(part, own.index(name))
                for k, part in enumerate(text.split("Theorem gradient_")))
        yield Mutant(f"dropped {name}", text)


def _without(theorem: str, number: int) -> str:
    """One of the hypotheses of a theorem is ``True``."""
    lines = theorem.split("\n")
    lines[1 + number] = "  True ->"
    return "\n".join(lines)


def differs(mutant: str, values: Mapping[str, Any], out: tuple[int, ...]) -> bool:
    """Whether the last theorem's gradient is not that of the expression, by difference quotients.

    It is not where it reads what lies outside of a tensor: that may be any number.  Text without
    a meaning claims nothing.
    """
    reading = Reading(mutant)
    try:
        about = reading.theorems[-1]
        gradient = claim(reading, about, values, out)[1]
    except IndexError:
        return True
    except (TypeError, NotRead, RecursionError):
        return False
    numeric = quotients(reading, about, values, out)
    both = np.isfinite(gradient) & np.isfinite(numeric)
    scale = max(1.0, float(np.max(np.abs(numeric[both]), initial=0)))
    return bool(np.any(np.abs(gradient - numeric)[both] > 1e-4 * scale))


def quotients(reading: Reading, about: Theorem, values: Mapping[str, Any], out: tuple[int, ...]
              ) -> Any:
    """Central differences of the loss in a theorem, by a few entries; the others are NaN."""
    w, h = np.asarray(values[about.variable], dtype=float), 1e-5
    found = np.full((*out, *w.shape), np.nan)
    places = list(np.ndindex(*w.shape))
    for index in random.Random(0).sample(places, min(ENTRIES, len(places))):
        sides = []
        for step in (h, -h):
            moved = w.copy()
            moved[index] += step
            sides.append(claim(reading, about, {**values, about.variable: moved}, out)[0])
        with np.errstate(invalid="ignore"):
            found[(..., *index)] = (sides[0] - sides[1]) / (2 * h)
    return found
