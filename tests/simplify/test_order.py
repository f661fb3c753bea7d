"""Results do not depend on the order of rules, names or arguments, nor on hashing."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from typing import Any

import pytest
from test_textbook import FORMS, canonical

import mathdl as md
import mathdl.simplify
from mathdl.book import load_book
from mathdl.book.checking import derivation_of

SEEDS = 3


def shuffled(seed: int) -> tuple[Any, ...]:
    rules = list(mathdl.simplify.RULES)
    random.Random(seed).shuffle(rules)
    return tuple(rules)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_rules_in_another_order(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = FORMS[seed::SEEDS]
    plain = [printed(*case[:5]) for case in cases]
    monkeypatch.setattr(mathdl.simplify, "RULES", shuffled(seed))
    assert [printed(*case[:5]) for case in cases] == plain


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(SEEDS, SEEDS + 4))
def test_the_book_with_rules_in_another_order(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = load_book()
    plain = [derivation_of(entry).text() for entry in entries]
    monkeypatch.setattr(mathdl.simplify, "RULES", shuffled(seed))
    assert [derivation_of(entry).text() for entry in entries] == plain


def test_missing_rules_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself: without rules other forms come out."""
    plain = [printed(*case[:5]) for case in FORMS]
    monkeypatch.setattr(mathdl.simplify, "RULES", ())
    assert sum(printed(*case[:5]) != p for case, p in zip(FORMS, plain, strict=True)) > 20


def printed(text: str, shapes: str, assume: str, wrt: Any, order: int) -> str:
    return md.derive(md.parse(text, shapes, assume), wrt, order=order).text()


# -- names ---------------------------------------------------------------------------------------

RENAMED = {"X": "Bb", "W": "zz", "w": "vv", "y": "aa", "Y": "Cc", "b": "qq", "Z": "Ab", "A": "Mm"}
BY_NAME = [f for f in FORMS if not re.search(r"[A-Za-z_]\w* *=(?!=)|\[", f[0])]


@pytest.mark.parametrize("case", BY_NAME, ids=[f[0][:50] for f in BY_NAME])
def test_names_and_the_order_of_arguments(case: tuple[Any, ...]) -> None:
    text, shapes, assume, wrt, order, _ = case

    def renamed(part: str) -> str:
        return re.sub(r"\b[A-Za-z]\w*\b", lambda m: RENAMED.get(m[0], m[0]), part)

    used = {part.split(":")[0].strip() for part in shapes.split(";")}
    declared = "; ".join(reversed([
        f"{renamed(part.split(':')[0])}:{part.split(':')[1]}" for part in shapes.split(";")
    ]))
    facts = "; ".join(f"{renamed(part.split(':')[0])}:{part.split(':')[1]}"
                      for part in assume.split(";") if part)
    variables = RENAMED.get(wrt, wrt) if isinstance(wrt, str) else [RENAMED.get(v, v) for v in wrt]
    there = printed(renamed(text), declared, facts, variables, order)
    back = {v: k for k, v in RENAMED.items() if k in used}
    here = re.sub(r"\b(d2?L/d)?([A-Za-z]\w*?)(2?)\b",
                  lambda m: m[0] if m[2] not in back else (m[1] or "") + back[m[2]] + m[3], there)
    assert canonical(right(here)) == canonical(right(printed(text, shapes, assume, wrt, order)))


def right(text: str) -> str:
    """The right-hand sides of derivatives, and definitions whole."""
    return "\n".join(line.split(" = ", 1)[1] if line.startswith("d") and "/d" in line else line
                     for line in text.split("\n"))


# -- hashing -------------------------------------------------------------------------------------

PROGRAM = """
import mathdl as md
from test_textbook import FORMS
for text, shapes, assume, wrt, order, _ in FORMS[::3]:
    D = md.derive(md.parse(text, shapes, assume), wrt, order=order)
    print(D.text(), D.latex(), D.source, D.proof.text("full"), sep="\\n")
"""


def test_hash_seeds() -> None:
    """The same bytes of text, LaTeX, code and proof under any ``PYTHONHASHSEED``."""
    found = set()
    for seed in ("0", "1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed,
                       "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        found.add(subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True,
            text=True, encoding="utf-8",
        ).stdout)
    assert len(found) == 1
    assert "dL/d" in found.pop()
