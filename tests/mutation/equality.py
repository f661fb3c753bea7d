"""Proof that a derivation of another form is right: at several sizes, in signatures.

The exact rung puts SymPy's derivative of the written expression against the equations of the
derivatives; here the values as prepared are put against the expression as it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mathdl.derivation import Derivation
from mathdl.errors import DomainError, MathDLError
from mathdl.ir.assumptions import closure
from mathdl.ir.system import inputs_of
from mathdl.proof.evaluate import Evaluator
from mathdl.proof.instances import dims_of
from mathdl.verify import choose_dims
from mathdl.verify.numbers.free import free_input
from mathdl.verify.numbers.residues import MAX_LEVELS, Deeper, Unlucky
from mathdl.verify.numbers.signatures import Signatures
from mathdl.verify.subject import graph, instance

SEEDS, SIZES, ATTEMPTS = (11, 12), 3, 30
MANNERS = ("normal", "positive", "unit")


def proved(D: Derivation) -> str:
    """How it was proved that values and derivatives are those of the expression; or nothing."""
    try:
        reports = [D.verify(level="exact", seed=seed) for seed in SEEDS]
    except MathDLError:
        return ""
    if not all(report and not report.unchecked for report in reports):
        return ""
    if any(a is not b for a, b in zip(D.outputs.values(), D.written, strict=True)) and (
            not _same_values(D)):
        return ""
    why = next((c.why for report in reports for c in report.checks if c.why), "")
    return f"proved at {len(SEEDS)*2} sizes: {why}"


def _same_values(D: Derivation) -> bool:
    sizes = choose_dims([*graph(D), *D.written], count=SIZES, rng=np.random.default_rng(7))
    return all(_same_at(D, dims) for dims in sizes)


def _same_at(D: Derivation, dims: Mapping[str, int]) -> bool:
    levels = 1
    for attempt in range(ATTEMPTS):
        numbers = Signatures(levels, attempt)
        given = instance(D, dims, attempt, MANNERS[attempt % len(MANNERS)])
        try:
            with numbers.at_work():
                return _agree(D, dims, numbers, given)
        except Deeper:
            if levels == MAX_LEVELS:
                return False
            levels = min(2*levels, MAX_LEVELS)
        except (Unlucky, DomainError, np.linalg.LinAlgError):
            continue
    return False


def _agree(
    D: Derivation, dims: Mapping[str, int], numbers: Signatures, given: Mapping[str, Any]
) -> bool:
    both = [*D.outputs.values(), *D.written]
    facts = {t.name: closure(t.assume) for t in inputs_of([*graph(D), *both])}
    arrays = {name: free_input(numbers, a, facts[name])
              for name, a in given.items() if isinstance(a, np.ndarray)}
    sizes = {s: dims[s.name] for s in dims_of([*graph(D), *both])[0]}
    at = Evaluator(lambda t: numbers.array(arrays[t.name or ""]), sizes, numbers)
    for one, other in zip(D.outputs.values(), D.written, strict=True):
        difference = np.asarray(at.value(one) - at.value(other), dtype=object).reshape(-1)
        if any(d.top is None for d in difference):
            raise Deeper
        if any(d.top != 0 for d in difference):
            return False
    return True
