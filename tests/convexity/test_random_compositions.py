"""Random compositions: whatever is claimed of them must hold at midpoints."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from midpoints import refuted

import mathdl as md

SHAPES = "x: n; y: n; t: ; a: n; c: ; A: n n; P: n n"
FACTS = ["", "positive", "nonnegative", "unit_interval"]
LEAVES = ["x", "y", "x", "y", "A @ x", "P @ y", "x - y", "a", "c", "t", "1", "2", "x[::-1]"]
UNARY = [
    "exp({})", "log({})", "sqrt({})", "abs({})", "relu({})", "({})**2", "({})**3", "({})**(-1)",
    "({})**(3/2)", "({})**(-1/2)", "-({})", "2*({})", "c*({})", "sigmoid({})", "softplus({})",
    "tanh({})", "log(1 + exp({}))", "1/(1 + exp({}))", "cosh({})", "sinh({})", "log1p({})",
    "expm1({})", "hardtanh({})", "silu({})", "gelu({})", "elu({}, 1/2)", "leaky_relu({}, 1/4)",
    "gammaln({})", "arctan({})", "erf({})", "arcsin({})", "sin({})", "clip({}, -1, 2)", "selu({})",
    "log(1 - {})", "abs({})**3", "({})*log({})", "({})*exp({})",
]
BINARY = [
    "({}) + ({})", "({}) - ({})", "({})*({})", "({})/({})", "maximum({}, {})", "minimum({}, {})",
    "({})**2/({})", "sqrt(({})*({}))", "({})*log(({})/({}))", "({})*log({})",
    "where(a > 0, {}, {})", "where({} > 0, {}, {})", "where(abs({}) <= 1, ({})**2, 2*abs({}) - 1)",
]
FOLDS = [
    "sum({})", "max({})", "min({})", "mean({})", "prod({})", "norm2({})", "logsumexp({})",
    "softmax({})", "sqrt(1 + sum(({})**2))", "prod({})**(1/n)", "exp(mean(log({})))",
    "({0}) @ P @ ({0})", "({0}) @ A @ ({0})", "({}) @ ({})", "({0}) @ ({0})/t", "var({})",
    "log(softmax({}))", "P @ ({})", "A @ ({})", "cumsum({})",
]


def text(rng: np.random.Generator, depth: int) -> str:
    """A random expression: the entries of a vector or a number."""
    if depth == 0:
        return str(rng.choice(LEAVES))
    law = str(rng.choice([UNARY, BINARY, UNARY, FOLDS][rng.integers(4)]))
    first, second = text(rng, depth - 1), text(rng, int(rng.integers(0, depth)))
    # the same part more than once is what is hard
    parts = [first, *(str(rng.choice([first, second], p=[0.4, 0.6])) for _ in range(2))]
    return law.format(*parts) if law in BINARY else law.format(first, second)


def problem(seed: int) -> tuple[md.Tensor, list[str], str] | None:
    rng = np.random.default_rng([7, seed])
    facts = {name: str(rng.choice(FACTS)) for name in "xytac"}
    facts |= {"t": "positive", "P": "positive_definite"} if rng.random() < 0.7 else {}
    made = text(rng, int(rng.integers(1, 4)))
    shown = f"{made} with {facts}"
    try:
        expr = md.parse(made, SHAPES, {k: v for k, v in facts.items() if v})
    except (md.ShapeError, md.DomainError, md.NamingError, md.UnsupportedError):
        return None
    wrt = [name for name in (["x"], ["y"], ["x", "y"], ["x", "y", "t"])[rng.integers(4)]
           if name in made.replace("exp", "").replace("max", "").replace("tan", "")]
    known = [name for name in wrt if any(t.name == name for t in md_inputs(expr))]
    return (expr, known, shown) if known else None


def md_inputs(expr: md.Tensor) -> list[md.Tensor]:
    from mathdl.ir.system import inputs_of

    return inputs_of([expr])


def run(seeds: range) -> Counter[str]:
    """Counts of kinds; raises at the first claim that is contradicted."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        found = problem(seed)
        if found is None:
            counts["skipped"] += 1
            continue
        expr, wrt, shown = found
        kind = md.curvature(expr, wrt).kind
        counts[kind] += 1
        if kind != "unknown":
            against = refuted(expr, wrt, kind, seed, tries=10)
            assert against in ("", "no point"), f"seed {seed}: {kind} in {wrt}: {shown}: {against}"
            counts["no point"] += against == "no point"
    return counts


def test_no_claim_is_refuted() -> None:
    counts = run(range(400))
    claimed = counts["convex"] + counts["concave"] + counts["affine"]
    assert claimed > 60
    assert counts["no point"] < claimed / 4
    assert counts["skipped"] < 300


@pytest.mark.exhaustive
def test_no_claim_is_refuted_by_many() -> None:
    run(range(400, 12_000))
