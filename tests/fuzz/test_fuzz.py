"""Random expressions: values, gradients and second derivatives against autograd.

A failure prints the seed with the expression; ``problem(seed, ...)`` makes it again.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest
from comparison import Outcome, compare, difference, reference
from generator import Problem, problem

from mathdl.calculus import reverse

DEFAULT = 150
LOOPS = 60
EXHAUSTIVE = 2_000
BATCH = 100
# what the language refuses by design: indices that NumPy moves to the front
REFUSALS = ("not next to each other",)


def outcome(seed: int, compiled: bool, loops: bool = False) -> tuple[Outcome, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # autograd on NumPy 2
        made = problem(seed, scalar=seed % 4 != 3, loops=loops)
        return (compare(made, compiled=compiled), str(made)) if made else (Outcome("skipped"), "")


def check(seeds: Iterable[int], compiled: bool, loops: bool = False) -> Counter[str]:
    counts: Counter[str] = Counter()
    faults = []
    for seed in seeds:
        found, shown = outcome(seed, compiled, loops)
        counts[found.kind] += 1
        refused = found.kind == "refused" and any(r in found.detail for r in REFUSALS)
        if found.kind not in ("right", "skipped") and not refused:
            faults.append(f"{found.kind}, {shown}\n    {found.detail[:600]}")
    assert not faults, "\n".join(faults)
    return counts


@pytest.mark.parametrize("compiled", [False, True], ids=["equations", "compiled"])
@pytest.mark.parametrize("batch", range(0, DEFAULT // 2, 5))
def test_sample(batch: int, compiled: bool) -> None:
    """Half of the sample through the interpreter alone, the other half compiled too."""
    start = batch + compiled * DEFAULT // 2
    counts = check(range(start, start + 5), compiled)
    assert counts["right"] >= 3, counts


@pytest.mark.parametrize("batch", range(0, LOOPS, 10))
def test_loops(batch: int) -> None:
    """Random recurrences, also within one another; a third draws none and is skipped."""
    counts = check(range(batch, batch + 10), compiled=True, loops=True)
    assert counts["right"] >= 3, counts


def test_once_wrong() -> None:
    """Problems that were once wrong, among them a loop that collected what it does not compute."""
    check([1266, 1546, 1633, 2661, 5033, 5219, 6098], compiled=True, loops=True)


@pytest.mark.exhaustive
@pytest.mark.parametrize("batch", range(LOOPS, LOOPS + EXHAUSTIVE, BATCH))
def test_many_loops(batch: int) -> None:
    counts = check(range(batch, batch + BATCH), compiled=True, loops=True)
    assert counts["right"] >= 0.5 * BATCH, counts


@pytest.mark.exhaustive
@pytest.mark.parametrize("batch", range(DEFAULT, DEFAULT + EXHAUSTIVE, BATCH))
def test_many(batch: int) -> None:
    counts = check(range(batch, batch + BATCH), compiled=True)
    assert counts["right"] >= 0.9 * BATCH, counts


def test_the_generator_covers_the_language() -> None:
    words = {"softmax", "log_softmax", "cumsum", "layer_norm", "einsum", "kron", "outer", "trace",
             "diag", "tril", "triu", "reshape", "transpose", "concat", "stack", "conv2d",
             "max_pool", "avg_pool", "prod", "max", "min", "std", "var", "norm1", "norm2",
             "norm_inf", "logsumexp", "where", "maximum", "clip", "None", "[ids]", "::-1", "@",
             ".T", "keepdims", "cross_entropy", "batch_norm", "rms_norm", "gammaln", "eye", "e**"}
    texts = " ".join(made.text for s in range(600) if (made := problem(s)) is not None)
    assert not {w for w in words if w not in texts}


def test_the_generator_covers_loops() -> None:
    drawn = [made for s in range(150) if (made := problem(s, loops=True)) is not None]
    loops = [loop for made in drawn for loop in made.loops.values()]
    assert len(drawn) > 75
    for what in (lambda p: p.reverse, lambda p: p.emit is None, lambda p: len(p.states) == 2,
                 lambda p: len(p.items) == 2, lambda p: "[k" in str(p),  # integers choose rows
                 lambda p: re.search(r"\br\d", str(p.nexts) + str(p.inside)),  # within another
                 lambda p: any(s in p.nexts[0].text for s in ("@", "einsum", "max", "softmax"))):
        assert sum(bool(what(loop)) for loop in loops) >= 3


def test_problems_are_deterministic() -> None:
    for seed in range(20):
        a, b = problem(seed), problem(seed)
        assert str(a) == str(b)
        if a is not None and b is not None:
            for name, value in a.arrays.items():
                np.testing.assert_array_equal(value, b.arrays[name])


@pytest.mark.parametrize("rule", ["scaled", "dropped", "unfolded"])
def test_a_wrong_rule_is_found(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: a corrupted reverse rule is seen within a few problems."""
    honest = reverse.pull_back

    def scaled(tensor, cotangent, k, prefix=()):
        term = honest(tensor, cotangent, k, prefix)
        return term if term is None or tensor.equation.reduce != "sum" else term * 2

    def dropped(tensor, cotangent, k, prefix=()):
        return None if k == 1 and len(tensor.operands) > 1 else honest(
            tensor, cotangent, k, prefix)

    def unfolded(tensor, cotangent, k, prefix=()):
        term = honest(tensor, cotangent, k, prefix)
        square = term is not None and term.ndim == 2 and term.shape[0] == term.shape[1]
        return term.T if square else term

    monkeypatch.setattr(reverse, "pull_back", locals()[rule])
    kinds = Counter(outcome(s, False)[0].kind for s in range(0, 120 if rule == "unfolded" else 24))
    assert kinds["wrong"] >= 1, kinds


def test_kinks_are_skipped_not_passed() -> None:
    made = problem(1)
    assert made is not None
    law = made.meaning
    kinked = Problem(**{**vars(made), "shape": (), "wrt": ("x",), "arrays": {"x": np.zeros(2)},
                        "meaning": lambda env: abs(env["x"]).sum()})
    smooth = Problem(**{**vars(kinked), "meaning": lambda env: (env["x"] ** 2).sum()})
    assert law is not kinked.meaning
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert reference(kinked, np.ones(2)) is None
        assert reference(smooth, np.ones(2)) is not None
    assert difference(np.ones(3), np.ones(3)) == ""
    for wrong in (np.ones(2), np.full(3, 1 + 1e-5), -np.ones(3), np.full(3, np.nan)):
        assert difference(wrong, np.ones(3))
