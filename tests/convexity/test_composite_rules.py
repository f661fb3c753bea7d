"""The rules beyond composition: what they prove, and that they claim nothing that is false.

Differences of powers (Bellman), perspectives, functions of spectra, parts and wholes, domains of
logarithms, powers with parameters, and signs from slopes and bounds.
"""

from __future__ import annotations

from collections import Counter

import mpmath
import numpy as np
import pytest
from midpoints import refuted, seed_of

import mathdl as md

PD, POS = "positive_definite", "positive"
TWO = "x: positive; y: positive"

#: Kind, expression, variables, shapes, assumptions.
CASES = [
    # (f**p - g**p)**(1/p)
    ("concave", "log(exp(x) - 1)", "x", "x: n", ""),
    ("concave", "log(exp(x) - exp(y))", "x y", "x: n; y: n", ""),
    ("convex", "-log(x*y - 1)", "x y", "x:; y:", TWO),
    ("convex", "-log(t**2 - x@x)", "x t", "x: n; t:", "t: positive"),
    ("convex", "-sqrt(t*s - x@x)", "x t s", "x: n; t:; s:", "t: positive; s: positive"),
    ("convex", "1/(x*y - 1)**(1/2)", "x y", "x:; y:", TWO),
    ("convex", "-(t**p - norm2(x)**p)**(1/p)", "x t", "x: n; t:; p:",
     "t: positive; p: greater_than_one"),
    ("unknown", "-log(t**2 - x@x)", "x t", "x: n; t:", ""),
    ("unknown", "log(t**2 + 1 - x@x)", "x t", "x: n; t:", "t: positive"),
    ("unknown", "sqrt(x**(1/2) - y**(1/3))", "x y", "x:; y:", TWO),
    ("unknown", "(t**3 - x@x)**(1/3)", "x t", "x: n; t:", "t: positive"),
    # powers with a parameter
    ("convex", "sum(x**p)**(1/p)", "x", "x: n; p:", "x: positive; p: greater_than_one"),
    ("concave", "sum(x**p)**(1/p)", "x", "x: n; p:", "x: positive; p: unit_interval"),
    ("concave", "sum(x**(-p))**(-1/p)", "x", "x: n; p:", "x: positive; p: positive"),
    ("convex", "norm2(x)**(1 + p)/t**p", "x t", "x: n; t:; p:", "t: positive; p: positive"),
    ("concave", "x**a*y**(1 - a)", "x y", "x:; y:; a:", TWO + "; a: unit_interval"),
    ("unknown", "sum(x**p)**(1/p)", "x", "x: n; p:", "x: positive; p: positive"),
    ("unknown", "sum(x**p)", "x", "x: n; p:", "p: greater_than_one"),
    # perspectives
    ("convex", "t*logsumexp(x/t)", "x t", "x: n; t:", "t: positive"),
    ("convex", "(a@x + b)*softplus((c@x)/(a@x + b))", "x", "a: n; b:; c: n; x: n",
     "x: positive; a: positive; b: positive"),
    ("convex", "sum(q*abs(p/q - 1))/2", "p q", "p: n; q: n", "p: positive; q: positive"),
    ("concave", "t*log(1 + min(x)/t)", "x t", "x: n; t:", "x: positive; t: positive"),
    ("unknown", "t*logsumexp(x/t)", "x t", "x: n; t:", ""),
    ("unknown", "t**2*logsumexp(x/t)", "x t", "x: n; t:", "t: positive"),
    ("unknown", "t*sigmoid(x/t)", "x t", "x:; t:", "t: positive"),
    # spectra
    ("convex", "sum(exp(eigvalsh(S)))", "S", "S: n n", "S: symmetric"),
    ("convex", "max(abs(eigvalsh(S)))", "S", "S: n n", "S: symmetric"),
    ("concave", "sum(log(eigvalsh(S)))", "S", "S: n n", f"S: {PD}"),
    ("convex", "sum(svdvals(X)**4)**(1/4)", "X", "X: m n", ""),
    ("convex", "logsumexp(eigvalsh(A + t*B))", "t", "A: n n; B: n n; t:",
     "A: symmetric; B: symmetric"),
    ("unknown", "eigvalsh(S)[0] + 2*eigvalsh(S)[1]", "S", "S: n n", "S: symmetric"),
    ("unknown", "a@eigvalsh(S)", "S", "a: n; S: n n", "S: symmetric"),
    ("unknown", "sum(eigvalsh(S)[1:]**2)", "S", "S: n n", "S: symmetric"),
    ("unknown", "sum(sqrt(svdvals(X)))", "X", "X: m n", ""),
    ("unknown", "sum(exp(-svdvals(X)))", "X", "X: m n", ""),
    ("convex", "logdet(inv(X)) + log(trace(inv(X)))", "X", "X: n n", f"X: {PD}"),
    ("concave", "1/trace(inv(X))", "X", "X: n n", f"X: {PD}"),
    # parts and wholes
    ("concave", "q = W.T@p; sum(p[:, None]*W*log(W/q))", "p", "p: n; W: n m",
     "p: probability_vector; W: positive"),
    ("convex", "sum(gammaln(a)) - gammaln(sum(a))", "a", "a: n", "a: positive"),
    ("convex", "gammaln(a) + gammaln(b) - gammaln(a + b + 2)", "a b", "a:; b:",
     "a: positive; b: positive"),
    ("convex", "sum(x*log(x)) - sum(x)*log(sum(x))", "x", "x: n", "x: positive"),
    ("convex", "log(sum(x)) - sum(log(x))", "x", "x: n", "x: positive"),
    ("unknown", "sum(x*log(x)) - 2*sum(x)*log(sum(x))", "x", "x: n", "x: positive"),
    ("unknown", "gammaln(a) + gammaln(b) - gammaln(a + b/2)", "a b", "a:; b:",
     "a: positive; b: positive"),
    ("unknown", "2*log(sum(x)) - log(x[0]) - log(x[1])", "x", "x: n", "x: positive"),
    # where logarithms are defined
    ("convex", "-eta**2/(4*lam) - log(-2*lam)/2", "eta lam", "eta:; lam:", ""),
    ("convex", "x**3 - log(x)", "x", "x: n", ""),
    ("unknown", "x**3 - log(2 - x)", "x", "x: n", ""),
    ("unknown", "where(x > 0, -log(x), x**3)", "x", "x: n", ""),
    # signs
    ("convex", "gammaln(a) - a*log(b)", "a b", "a:; b:", "a: positive; b: positive"),
    ("concave", "digamma(a) - log(a)", "a", "a:", "a: positive"),
    ("concave", "log(1 - exp(-exp(x)))", "x", "x: n", ""),
    ("convex", "logaddexp(x, 2*y)", "x y", "x: n; y: n", ""),
]


@pytest.mark.parametrize(("kind", "expr", "wrt", "shapes", "assume"), CASES)
def test_kind(kind: str, expr: str, wrt: str, shapes: str, assume: str) -> None:
    tensor = md.parse(expr, shapes, assume)
    found = md.curvature(tensor, wrt.split())
    assert found == kind, str(found)
    if found:
        assert refuted(tensor, wrt.split(), kind, seed_of(expr)) == ""


# -- random members ----------------------------------------------------------------------------

SHAPES = "x: n; t:; s:; y: n; p:; S: n n; X: m n"
SIGNS = ["x: positive; t: positive; s: positive; y: positive; p: greater_than_one",
         "t: positive; s: positive; p: unit_interval", "x: positive; s: nonnegative; p: positive",
         "t: positive; x: nonnegative; y: positive; p: unit_interval"]
POWERS = ["1", "2", "3", "1/2", "p", "1/p", "-1", "1 - p"]
CONES = ["sum(x)", "max(x)", "norm2(x)", "norm2(y)", "min(x)", "t", "s", "sqrt(t*s)", "t*s", "x@x",
         "sum(x**p)", "sum(y)", "prod(x)", "exp(t)", "exp(sum(x))", "x@x/t", "1/t", "3", "t + s"]
HEADS = ["log({})", "sqrt({})", "({})**(1/3)", "1/sqrt({})", "({})**p", "({})**(1/p)",
         "-log({})", "exp({})", "({})**2", "1/({})"]
RATIOS = ["exp({})", "softplus({})", "abs({} - 1)", "sqrt(1 + ({})**2)", "log(1 + {})", "relu({})",
          "tanh({})", "({})**3", "({})*log({})", "1/(1 + {})", "({})**p", "maximum({}, 1)"]
SPECTRA = ["eigvalsh(S)", "svdvals(X)", "eigvalsh(S)[1:]", "eigvalsh(S)[::-1]", "y*eigvalsh(S)"]
ENTRIES = ["exp({})", "({})**2", "abs({})", "sqrt(abs({}))", "log(1 + ({})**2)", "relu({} - 1)",
           "log({})", "1/({})", "-({})**3", "softplus(-({}))", "({})*log({})", "cumsum({})"]
FOLDS = ["sum({})", "max({})", "logsumexp({})", "min({})", "prod({})", "norm2({})", "var({})"]
CURVES = ["{}*log({})", "gammaln({})", "-log({})", "1/({})", "({})**2", "exp({})"]
WHOLES = ["sum(x)", "x[0]", "sum(x) + t", "t", "t + s", "2*t", "s", "sum(y)", "sum(x) + 1"]


def text(rng: np.random.Generator) -> str:
    """A member of one of the families that the rules are about, or a near miss."""

    def pick(rows: list[str]) -> str:
        return str(rng.choice(rows))

    kind = rng.integers(4)
    if kind == 0:
        first, second = (f"({pick(CONES)})**({pick(POWERS)})" for _ in range(2))
        return pick(HEADS).format(f"{first} - {pick(['1', '2', '1/3'])}*{second}")
    if kind == 1:
        over, under = pick(CONES), pick(CONES)
        ratio = f"({over})/({under})"
        return f"({under})*({pick(RATIOS).format(ratio, ratio)})"
    if kind == 2:
        entry = pick(ENTRIES).format(*[pick(SPECTRA)] * 2)
        return pick(FOLDS).format(entry)
    curve = pick(CURVES)
    parts = " + ".join(curve.format(*[pick(WHOLES)] * 2) for _ in range(rng.integers(1, 3)))
    whole = curve.format(*[pick(WHOLES)] * 2)
    return f"sum({curve.format('x', 'x')}) + {parts} - ({whole})"


def run(seeds: range) -> Counter[str]:
    """Counts of kinds; raises at the first claim that is contradicted."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        rng = np.random.default_rng([11, seed])
        shown, signs = text(rng), str(rng.choice(SIGNS))
        signs += rng.choice(["; S: symmetric", "; S: positive_definite"])
        names = [n for n in ("x", "t", "s", "y", "S", "X") if n in shown.replace("exp", "")
                 .replace("max", "").replace("sum", "").replace("sqrt", "").replace("abs", "")]
        try:
            expr = md.parse(shown, SHAPES, signs)
            found = md.curvature(expr, names)
        except md.MathDLError:
            counts["skipped"] += 1
            continue
        counts[found.kind] += 1
        if found:
            against = refuted(expr, names, found.kind, seed, tries=30)
            assert against in ("", "no point"), f"{seed}: {found.kind}: {shown}: {signs}: {against}"
            counts["no point"] += against == "no point"
    return counts


def test_no_claim_is_refuted() -> None:
    counts = run(range(40))
    claimed = counts["convex"] + counts["concave"] + counts["affine"]
    assert claimed > 5
    assert counts["no point"] < claimed / 3
    assert counts["skipped"] < 15


@pytest.mark.exhaustive
def test_no_claim_is_refuted_by_many() -> None:
    run(range(40, 4000))


# -- facts that the rules rest on -----------------------------------------------------------------


def test_reciprocal_second_derivatives_are_superadditive(rng: np.random.Generator) -> None:
    for a, b in rng.exponential([0.1, 5.0], size=(60, 2)):
        for second in (lambda x: mpmath.psi(1, x), lambda x: 1 / x, lambda x: 1 / x**2):
            assert 1 / second(a + b) >= (1 / second(a) + 1 / second(b)) * (1 - 1e-12)
        # and it is not for exp, nor for x**(3/2)
    assert 1 / np.exp(2) < 2 / np.exp(1)
    assert 2**0.5 < 2


def test_bounds_of_special_functions(rng: np.random.Generator) -> None:
    for x in [*rng.exponential(2, size=50), 1e-6, 1e6]:
        assert np.log(x) - 1 / x < mpmath.digamma(x) < np.log(x) - 1 / (2 * x)
        for order in range(1, 5):
            with mpmath.workdps(60):
                first = mpmath.factorial(order - 1) / mpmath.mpf(x) ** order
                second = mpmath.factorial(order) / mpmath.mpf(x) ** (order + 1)
                size = abs(mpmath.psi(order, x))
                assert first + second / 2 < size < first + second
