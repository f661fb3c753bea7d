r"""The exact rung: at small sizes, SymPy's derivative minus ours is zero as an expression.

The function is evaluated in dual numbers along a random direction, with SymPy's derivative of the
definition of every scalar body; our derivative is evaluated from its equations and contracted
with the direction.  Both are signatures (:mod:`mathdl.verify.numbers.residues`), so that equality
at a random point proves the identity up to a stated probability.  The real values beside them
must agree in all their digits too; where these differ the derivative is refused, and where they
agree but the signatures do not nothing is decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mpmath
import numpy as np

from mathdl.errors import DomainError, UnsupportedError
from mathdl.ir.assumptions import closure
from mathdl.ir.system import inputs_of, with_steps
from mathdl.ir.tensor import Tensor
from mathdl.proof.evaluate import Array
from mathdl.verify.claim import Claim
from mathdl.verify.claims import by_equations, check_wrt, claims_of
from mathdl.verify.dims import Dims, shown_sizes
from mathdl.verify.finite_difference import Place, Tally
from mathdl.verify.numbers.duals import Dual, Duals
from mathdl.verify.numbers.free import free_input
from mathdl.verify.numbers.residues import (
    CHOICES,
    MAX_LEVELS,
    Deeper,
    Residue,
    Unlucky,
)
from mathdl.verify.numbers.signatures import Signatures
from mathdl.verify.results import Results, Where
from mathdl.verify.rung import Effort, Found, NotApplicable, Rung, some_sizes
from mathdl.verify.sampling import Manner
from mathdl.verify.subject import Derived, Subject, graph, instance

#: Primitives whose results no finite number of ``+ - * /`` and roots gives at every size.
TRANSCENDENTAL = {
    "expm": "a matrix exponential is no finite expression",
    **dict.fromkeys(("eigvalsh", "eigvecsh"),
                    "eigenvalues are roots of a polynomial of any degree"),
    **dict.fromkeys(("svd_u", "svdvals", "svd_vh"),
                    "singular values are roots of a polynomial of any degree"),
}
METHOD = "SymPy, at random residues"
ATTEMPTS = 100  # points, where roots need luck
OUTSIDE = 6  # points outside of the domain, on a kink or of no avail before sizes are given up
MANNERS: tuple[Manner, ...] = ("normal", "positive", "unit")
# Of 60 digits; what differs by less is no contradiction, but no proof either.
AGREE, LEAST = mpmath.mpf(10) ** -40, mpmath.mpf(10) ** -45
POINTS = 2
#: The largest probability of a wrong identity that counts as decided.
CHANCE = 1e-20


def climb(subject: Subject, effort: Effort) -> Found:
    """Prove the difference zero for each derivative at some small sizes."""
    check_wrt(subject)
    if not isinstance(subject, Derived):
        raise NotApplicable("there are no equations of the derivatives, only code")
    everything = [*graph(subject), *subject.written, *subject.lower.values()]
    for tensor in with_steps(everything):
        if tensor.call is not None and tensor.recurrence is None:
            reason = TRANSCENDENTAL.get(tensor.call.primitive)
            if reason:
                raise NotApplicable(reason)
    run = _Run(subject, everything, effort.seed)
    some_sizes(run.point, everything, effort, POINTS, run.notes)
    return Found(run.results.checks(), tuple(run.quantities), tuple(dict.fromkeys(run.notes)))


class _Run:
    def __init__(self, subject: Derived, everything: list[Tensor], seed: int) -> None:
        self.subject, self.seed = subject, seed
        self.inputs = {t.name or "": t for t in inputs_of(everything)}
        self.results = Results("exact")
        self.notes: list[str] = []
        self.quantities: dict[tuple[str, str], None] = {}

    def point(self, number: int, dims: Dims) -> str:
        """Decide every derivative at these sizes, at as many points as that takes, or say why."""
        levels, outside, reason = 1, 0, ""
        done: set[tuple[str, str]] = set()
        for attempt in range(ATTEMPTS):
            state = np.random.SeedSequence([self.seed, 5, number, attempt]).generate_state(1)
            where = (dims, int(state[0]), MANNERS[attempt % len(MANNERS)])
            numbers = Signatures(levels, where[1])
            try:
                with numbers.at_work():
                    undecided = self._attempt(numbers, where, done)
            except Deeper:
                if levels == MAX_LEVELS:
                    reason = "exponentials are nested too deep"
                    break
                levels = min(2 * levels, MAX_LEVELS)
                continue
            except Unlucky as error:
                reason = str(error)
                continue
            except (DomainError, np.linalg.LinAlgError) as error:
                reason, outside = str(error), outside + 1
                if outside > OUTSIDE:
                    break
                continue
            except UnsupportedError as error:
                reason = str(error)
                break
            if not undecided:
                return ""
            reason, outside = undecided, outside + 1
            if outside > OUTSIDE and not numbers.roots:
                break
        return f"exact: not everything was decided at {shown_sizes(dims)}: {reason}"

    def _attempt(
        self, numbers: Signatures, where: Where, done: set[tuple[str, str]]
    ) -> str:
        """Decide what is not yet; what remains undecided, in words."""
        dims, seed, manner = where
        given = instance(self.subject, dims, seed, manner)  # type: ignore[arg-type]
        rest = {k: v for k, v in given.items() if not isinstance(v, np.ndarray)}
        arrays = {
            name: free_input(numbers, given[name], closure(self.inputs[name].assume))
            for name in given if name not in rest
        }
        duals = Duals(numbers)
        notes: list[str] = []
        exact = claims_of(self.subject, by_equations(self.subject, dims, numbers), notes)
        moved = claims_of(self.subject, by_equations(self.subject, dims, duals), [])
        self.notes += notes
        left = ""
        for mine, theirs in zip(exact, moved, strict=True):
            start = mine.preimages(arrays)
            claimed = mine.derivative({**mine.images(start), **rest})
            for key in mine.blocks:
                self.quantities.setdefault((key, mine.quantity))
                if (key, mine.quantity) in done:
                    continue
                found = self._decide(numbers, mine, theirs, key, start, rest, claimed[key], where)
                if found:
                    left = found
                else:
                    done.add((key, mine.quantity))
        return left

    def _decide(
        self, numbers: Signatures, mine: Claim, theirs: Claim, key: str, start: Mapping[str, Any],
        rest: Mapping[str, Any], claimed: Array, where: Where,
    ) -> str:
        """Compare along a random direction; an empty string when that decided it."""
        name, source = mine.argument(key), mine.source(key)
        rng = np.random.default_rng([where[1], 7])
        x = start[name]
        v = np.empty(x.shape, dtype=object)
        for place in np.ndindex(x.shape):
            v[place] = numbers.variable(mpmath.mpf(-rng.uniform(0.5, 1.0)))
        along = {k: _duals(a) for k, a in start.items()}
        along[name] = _duals(x, v)
        value = theirs.function({**theirs.images(along), **rest})[source]
        result = self.results.of(key, mine.quantity, METHOD)
        if claimed.shape != value.shape + x.shape:
            result.refuse(f"expected shape {value.shape + x.shape}, got {claimed.shape}", where)
            return ""
        slopes = [numbers.zero if d.slope is None else d.slope for d in value.reshape(-1)]
        rows = claimed.reshape(len(slopes), x.size)
        products = [(row * v.reshape(-1)) for row in rows]
        ours = [sum(p[1:], p[0]) if len(p) else numbers.zero for p in products]
        differences = [a - b for a, b in zip(slopes, ours, strict=True)]
        scale = [sum((abs(p.real) for p in row), abs(s.real))
                 for row, s in zip(products, slopes, strict=True)]
        worst = max(range(len(ours)), key=lambda k: abs(differences[k].real))
        apart = any(d.top != 0 and abs(d.real) > AGREE * s + LEAST
                    for d, s in zip(differences, scale, strict=True))
        tally = Tally(tried=len(ours), worst=_place(slopes, ours, differences, worst, not apart))
        if apart:
            result.add(tally, where)
            return ""
        if any(d.top is None for d in differences):
            raise Unlucky("a radicand is no square") if numbers.unlucky else Deeper
        degree = numbers.degree(differences)
        if any(d.top != 0 for d in differences):
            return f"{key}: equal to {-int(mpmath.log10(AGREE))} digits, but not as expressions"
        if degree / CHOICES > CHANCE:
            return f"{key}: the degree {degree:.1e} is too high"
        result.add(tally, where)
        result.why = _why(numbers, max(degree, 1))
        return ""


def _duals(array: Array, slopes: Array | None = None) -> Array:
    result = np.empty(array.shape, dtype=object)
    for place in np.ndindex(array.shape):
        result[place] = Dual(array[place], None if slopes is None else slopes[place])
    return result


def _place(
    slopes: list[Residue], ours: list[Residue], differences: list[Residue], k: int, ok: bool
) -> Place:
    error = float(abs(differences[k].real))
    bound = float(AGREE) * float(max(abs(slopes[k].real), abs(ours[k].real))) + float(LEAST)
    return Place(None, float(slopes[k].real), float(ours[k].real), error, bound, ok)


def _why(numbers: Signatures, degree: int) -> str:
    chance = f"{degree / CHOICES:.0e}"
    if not numbers.used:
        roots = " and square roots" if numbers.roots else ""
        return (
            f"a rational identity{roots}: a wrong one of degree {degree} or less vanishes at "
            f"random residues with probability at most {chance} (Schwartz and Zippel)"
        )
    others = ", ".join(sorted(numbers.used - {"exp"}))
    said = [f"{others} as variables of their own"] if others else []
    said += ["exponentials by Gonnet's signatures"] if "exp" in numbers.used else []
    return (
        f"an identity with {' and '.join(said)}: a wrong one of degree {degree} or less vanishes "
        f"at random residues with probability about {chance}"
        + ("; for exponentials that is expected, not proved" if "exp" in numbers.used else "")
    )


RUNG = Rung(
    "exact", "at small sizes the derivative minus SymPy's is zero as an expression", climb
)
