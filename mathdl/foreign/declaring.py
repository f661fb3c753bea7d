"""The inputs of somebody's function: shapes, assumptions, and labels that index an axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mathdl.errors import AssumptionError, InputError
from mathdl.ir.tensor import Tensor
from mathdl.language.declare import declare_inputs, parse_assumptions, parse_shapes
from mathdl.verify.noise import Array


@dataclass(frozen=True)
class Declaration:
    """Inputs, what they were declared with, and the dims below which labels are drawn."""

    inputs: tuple[Tensor, ...]
    shapes: Mapping[str, Any]
    assume: Mapping[str, tuple[str, ...]]
    ranges: Mapping[str, Any]

    @property
    def real(self) -> tuple[Tensor, ...]:
        """The inputs by which there are derivatives."""
        return tuple(t for t in self.inputs if "integer" not in t.assume)


def declare(shapes: Any, assume: Any, at: Mapping[str, Array] | None) -> Declaration:
    """Raises NamingError, ShapeError and AssumptionError as the language does."""
    if shapes is None:
        if at is None:
            raise InputError('shapes are needed, such as shapes={"X": "n,d", "w": "d"}, or at=')
        shapes = {n: a.shape for n, a in at.items()}
    parsed = parse_shapes(shapes)
    if not parsed:
        raise InputError("a function without inputs has no derivative to check")
    facts: dict[str, tuple[str, ...]] = {}
    ranges: dict[str, Any] = {}
    dims = {str(d) for shape in parsed.values() for d in shape}
    for name, words in parse_assumptions(assume).items():
        if "<" in words:
            words, ranges[name] = _bounded(name, words, dims)
        facts[name] = words
    for name, a in (at or {}).items():
        if a.dtype.kind in "iu" and name in parsed and "integer" not in facts.get(name, ()):
            facts[name] = (*facts.get(name, ()), "integer")
    inputs = declare_inputs(parsed, facts)
    return Declaration(tuple(inputs.values()), parsed, facts, ranges)


def _bounded(name: str, words: tuple[str, ...], dims: set[str]) -> tuple[tuple[str, ...], Any]:
    """``integer < k`` as ``integer`` and the limit."""
    k = words.index("<")
    limit = words[k + 1] if k + 1 < len(words) else ""
    if not (limit in dims or limit.isdigit()):
        raise AssumptionError(f"{name} is bounded by {limit!r}, which is no dim and no number")
    rest = words[:k] + words[k + 2:]
    rest = rest if "integer" in rest else (*rest, "integer")
    return rest, int(limit) if limit.isdigit() else limit
