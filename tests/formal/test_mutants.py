"""Coq refuses certificates of what is not so."""

from __future__ import annotations

import random
import shutil
from typing import Any

import mutants
import numpy as np
import pytest
from certified import CERTIFIED, SAMPLE, derivation
from coq_reader import Reading
from mutants import Mutant
from test_reader import instance

from mathdl.formal.coqc import library, run

pytestmark = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")

FEW = 3
SECONDS = 60.0  # of the clock on a busy machine: a refusal takes a few of the processor's
#: Coq's messages about text that means nothing: such a mutant says nothing.
SYNTAX = ("Syntax error", "was not found in the current environment", "has type", "Unable to find",
          "Illegal application")


def false_mutants(name: str, patch: Any) -> tuple[list[Mutant], list[Mutant]]:
    """What is false by numbers, of the gradient and of the hypotheses."""
    derived = derivation(name)
    certificate = derived.certificate()
    source = certificate.source
    arrays, values = instance(derived, Reading(source), 0)
    out = np.shape(derived.value_function()(**arrays)[""])
    assert not mutants.differs(source, values, out)
    gradients = [m for m in mutants.gradient_mutants(source)
                 if mutants.differs(m.source, values, out)]
    dropped = []
    for fact in mutants.hypotheses(certificate.statement):
        try:
            mutant = mutants.without(derived.proof, fact, patch)
        except Exception:  # refused before it comes to Coq
            continue
        if any(mutants.differs(mutant.source, other, out) for other in beyond(values, fact)):
            dropped.append(mutant)
    return gradients, dropped


def beyond(values: dict[str, Any], fact: str) -> list[dict[str, Any]]:
    """Points where little is kept of what is assumed: entries of any sign and size."""
    rng = np.random.default_rng(len(fact))
    return [{n: v if isinstance(v, int) else rng.normal(size=np.shape(v)) for n, v in values.items()}
            for _ in range(3)]


def refused(mutant: Mutant, folder: Any) -> str:
    """Coq's message; empty when it accepts."""
    (folder / "mutant.v").write_text(mutant.source, encoding="utf-8")
    done = run(library(), "mutant.v", folder, SECONDS)
    return done.stderr if done.returncode else ""


def chosen(found: list[Mutant], count: int, name: str) -> list[Mutant]:
    """As many rules as possible, then places, by a fixed draw."""
    order = random.Random(name).sample(found, len(found))
    first = {m.rule: m for m in reversed(order)}
    return [*first.values(), *(m for m in order if m not in first.values())][:count]


def refuses(name: str, count: int, folder: Any, patch: Any) -> None:
    gradients, dropped = false_mutants(name, patch)
    assert len(gradients) >= FEW
    for mutant in [*chosen(gradients, count, name), *dropped]:
        message = refused(mutant, folder)
        assert message, f"{name}: Coq accepts a mutant ({mutant.rule})"
        assert not any(words in message for words in SYNTAX), message


@pytest.mark.parametrize("name", ["least squares", "softmax cross-entropy"])
def test_coq_refuses(name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    refuses(name, FEW, tmp_path, monkeypatch)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", CERTIFIED)
def test_coq_refuses_all(name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    refuses(name, 2 * FEW, tmp_path, monkeypatch)


def test_the_sample_has_every_kind_of_mutant(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {m.rule for name in SAMPLE for m in mutants.gradient_mutants(
        derivation(name).certificate().source)}
    assert kinds >= {"sign", "factor", "sign of a term", "dropped term", "swapped indices",
                     "dropped divisor", "dropped factor"}
    assert false_mutants("softmax cross-entropy", monkeypatch)[1]
