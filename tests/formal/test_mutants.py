"""Coq refuses certificates of what is not so."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from itertools import islice
from typing import Any

import coq_reader
import mutants
import numpy as np
import pytest
from certified import CERTIFIED, derivation
from coq_reader import Reading
from mutants import Mutant
from test_reader import instance

from mathdl.formal.coqc import library, run

pytestmark = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")

SHOWN = ("least squares", "Gaussian KL", "softmax cross-entropy", "jacobian of softmax",
         "products of neighbours")
FEW = 3
TRIES = 60
SECONDS = 60.0  # of the clock on a busy machine: a refusal takes a few of the processor's
#: Coq's messages about text that means nothing: such a mutant says nothing.
SYNTAX = ("Syntax error", "was not found in the current environment", "has type", "Unable to find",
          "Illegal application")


def false_mutants(name: str, most: int | None = None) -> tuple[list[Mutant], list[Mutant]]:
    """What is false by numbers, of the gradient (so many at most) and of the hypotheses."""
    derived = derivation(name)
    certificate = derived.certificate()
    source = certificate.source
    arrays, values = instance(derived, Reading(source), 0)
    out = np.shape(derived.value_function()(**arrays)[""])
    for _ in range(1, CERTIFIED[name].order):  # the last theorem is about a derivative
        out += np.shape(arrays[CERTIFIED[name].wrt])
    assert not mutants.differs(source, values, out)
    order = chosen(list(mutants.gradient_mutants(source)), name)
    gradients = list(islice((m for m in order if mutants.differs(m.source, values, out)), most))
    reading = Reading(source)
    dropped = [m for m in mutants.weakened(source, certificate.statement)
               if any(mutants.differs(m.source, other, out)
                      for other in beyond(reading, Reading(m.source), values))]
    return gradients, dropped


def beyond(
    reading: Reading, weaker: Reading, values: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Points where all that is still assumed holds, and what was dropped does not."""
    rng = np.random.default_rng(0)
    for _ in range(TRIES):
        other = {n: v if isinstance(v, int) or rng.random() < 0.5 else _other(v, rng)
                 for n, v in values.items()}
        if coq_reader.holds(weaker, weaker.theorems[-1], other) and not coq_reader.holds(
                reading, reading.theorems[-1], other):
            yield other


def _other(array: Any, rng: Any) -> Any:
    """Another array of this shape; whole numbers may leave what they are below."""
    if np.issubdtype(np.asarray(array).dtype, np.integer):
        return array + rng.integers(0, 9, size=np.shape(array))
    forms = (lambda x: x, np.abs, lambda x: (x > 0) * 1.0, np.round,
             lambda x: np.abs(x) / np.sum(np.abs(x), axis=-1, keepdims=True) if x.ndim else x)
    return forms[rng.integers(len(forms))](rng.normal(size=np.shape(array)))


def refused(mutant: Mutant, folder: Any) -> str:
    """Coq's message; empty when it accepts."""
    (folder / "mutant.v").write_text(mutant.source, encoding="utf-8")
    done = run(library(), "mutant.v", folder, SECONDS)
    return done.stderr if done.returncode else ""


def chosen(found: list[Mutant], name: str) -> list[Mutant]:
    """Each rule once, then other places, by a fixed draw."""
    order = random.Random(name).sample(found, len(found))
    first = {m.rule: m for m in reversed(order)}
    return [*first.values(), *(m for m in order if m not in first.values())]


def refuses(name: str, count: int, folder: Any) -> None:
    gradients, dropped = false_mutants(name, count)
    assert len(gradients) >= FEW
    for mutant in [*gradients, *dropped]:
        message = refused(mutant, folder)
        assert message, f"{name}: Coq accepts a mutant ({mutant.rule})"
        assert not any(words in message for words in SYNTAX), message


@pytest.mark.parametrize("name", [*SHOWN[:2], "products of neighbours", "maximum"])
def test_coq_refuses(name: str, tmp_path: Any) -> None:
    refuses(name, FEW, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", CERTIFIED)
def test_coq_refuses_all(name: str, tmp_path: Any) -> None:
    refuses(name, 2 * FEW, tmp_path)


def test_every_kind_of_mutant_occurs() -> None:
    kinds = {m.rule for name in SHOWN for m in mutants.gradient_mutants(
        derivation(name).certificate().source)}
    assert kinds >= {"sign", "factor", "sign of a term", "dropped term", "swapped indices",
                     "dropped divisor", "dropped factor", "dropped delta", "other shift"}
    assert false_mutants("Gaussian KL")[1]
