"""What is computed in place of what is printed: equal, and finite and precise in floats."""

from __future__ import annotations

from collections.abc import Sequence

from mathdl.ir.tensor import Tensor
from mathdl.simplify.chosen import choose
from mathdl.simplify.conjugates import conjugates
from mathdl.simplify.flipped import flipped
from mathdl.simplify.in_range import in_range
from mathdl.simplify.near_zero import near_zero
from mathdl.simplify.saturated import saturated
from mathdl.simplify.uncancelled import uncancelled


def computed(outputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs in the forms in which code computes them."""
    for form in (saturated, flipped, uncancelled, near_zero, conjugates, in_range, choose):
        outputs = form(outputs)
    return list(outputs)
