"""What may be assumed of an input: facts that license simplifications, and sampling hints.

A fact is about every instance (``positive``); a hint only says which instances are worth
trying (``small``).  Both are declared here once; other layers look names up.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from mathdl.errors import AssumptionError
from mathdl.ir.dim import Shape, show_shape


@dataclass(frozen=True)
class Assumption:
    """One assumption.

    name
        What users call it.
    meaning
        The law, in words, for every instance.
    requires_square
        Whether the last two axes must have equal length.
    implied
        Assumptions that follow from it.
    minimum_ndim
        The least number of axes on which it makes sense.
    hint
        Whether it only steers the sampling of instances.
    """

    name: str
    meaning: str
    requires_square: bool = False
    implied: tuple[str, ...] = ()
    minimum_ndim: int = 0
    hint: bool = False


def _fact(name: str, meaning: str, *implied: str, ndim: int = 0) -> Assumption:
    return Assumption(name, meaning, implied=implied, minimum_ndim=ndim)


def _matrix(name: str, meaning: str, *implied: str) -> Assumption:
    return Assumption(name, meaning, requires_square=True, implied=implied, minimum_ndim=2)


def _hint(name: str, meaning: str, *implied: str) -> Assumption:
    return Assumption(name, meaning, implied=implied, hint=True)


#: Facts about the rows of instances: they sum to one.
UNIT_ROWS = frozenset({"one_hot", "probability_vector"})
#: Facts that hold of instances but not of their neighbourhoods: not used before differentiating
#: by what has them.
OF_INSTANCES = UNIT_ROWS | {
    "symmetric", "positive_definite", "orthogonal", "diagonal", "lower_triangular", "binary",
}

ASSUMPTIONS: dict[str, Assumption] = {
    a.name: a
    for a in (
        _fact("positive", "every entry is above 0", "nonnegative"),
        _fact("nonnegative", "every entry is at least 0"),
        _fact("unit_interval", "every entry lies between 0 and 1", "nonnegative"),
        _fact(
            "probability_vector", "entries are positive and the last axis sums to 1",
            "positive", "unit_interval", ndim=1,
        ),
        _fact("one_hot", "one entry of the last axis is 1, the others are 0", "binary", ndim=1),
        _fact("binary", "every entry is 0 or 1", "unit_interval"),
        _fact("integer", "integer data, such as labels or positions; it has no gradient"),
        _matrix("symmetric", "X.T equals X"),
        _matrix("positive_definite", "X is symmetric and v @ X @ v > 0 for v other than 0",
                "symmetric", "invertible"),
        _matrix("invertible", "det(X) is not 0"),
        _matrix("orthogonal", "X.T @ X is the identity", "invertible"),
        _matrix("lower_triangular", "entries above the diagonal are 0"),
        _matrix("diagonal", "entries off the diagonal are 0", "symmetric", "lower_triangular"),
        Assumption("causal_mask", "ones on and below the diagonal, zeros above",
                   requires_square=True, implied=("binary", "lower_triangular"), minimum_ndim=2),
        Assumption("adjacency", "a symmetric 0-1 matrix of a graph",
                   requires_square=True, implied=("binary", "symmetric"), minimum_ndim=2),
        _hint("small", "entries are about a tenth"),
        _hint("large", "entries are in the hundreds"),
        _hint("tiny", "entries are about 1e-8"),
        _hint("greater_than_one", "entries are above 1", "positive"),
        _hint("large_positive", "entries are positive and well above the others", "positive"),
        _hint("minus_one_one", "entries lie strictly between -1 and 1"),
        _hint("sign_labels", "every entry is -1 or 1"),
        _hint("counts", "every entry is a natural number", "nonnegative"),
        _hint("probability_table", "entries are positive and all sum to 1",
              "positive", "unit_interval"),
    )
}


def check_assumption(name: str, tensor: str, shape: Shape) -> Assumption:
    """The assumption called ``name`` if a tensor of that shape can have it."""
    found = ASSUMPTIONS.get(name)
    if found is None:
        near = difflib.get_close_matches(name, ASSUMPTIONS, n=2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise AssumptionError(f"unknown assumption {name[:40]!r} of {tensor}{hint}")
    if len(shape) < found.minimum_ndim:
        raise AssumptionError(
            f"{name} needs at least {found.minimum_ndim} axes; "
            f"{tensor} has shape {show_shape(shape)}"
        )
    if found.requires_square and shape[-1] != shape[-2]:
        raise AssumptionError(
            f"{name} needs a square matrix; {tensor} has shape {show_shape(shape)}"
        )
    return found


def closure(names: Iterable[str]) -> frozenset[str]:
    """The assumptions and all that they imply: ``positive_definite`` is ``symmetric`` too."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(ASSUMPTIONS[name].implied)
    return frozenset(found)
