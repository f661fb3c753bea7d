"""What is said of an input where it is declared: its space, and what is assumed of it."""

from __future__ import annotations

from mathdl.ir.assumptions import ASSUMPTIONS, Assumption, closure
from mathdl.ir.tensor import Tensor
from mathdl.present.index import dim_latex


def space(tensor: Tensor) -> str:
    r"""``\mathbb{R}^{n \times d}``."""
    ring = r"\mathbb{Z}" if "integer" in tensor.assume else r"\mathbb{R}"
    sizes = r" \times ".join(map(dim_latex, tensor.shape))
    return f"{ring}^{{{sizes}}}" if sizes else ring


def facts(tensor: Tensor) -> tuple[Assumption, ...]:
    """What is assumed of an input, without what follows from the rest or only guides sampling."""
    held = {name for name in tensor.assume if not ASSUMPTIONS[name].hint}
    implied = {other for name in held for other in closure([name]) - {name}}
    return tuple(ASSUMPTIONS[name] for name in sorted(held - implied))
