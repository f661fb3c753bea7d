"""Which side conditions of a proof are worth printing."""

from __future__ import annotations

from typing import Any

from sympy import Dummy

from mathdl.ir.index import slot
from mathdl.ir.system import topological
from mathdl.ir.tensor import Tensor


def unspread(tensor: Tensor) -> Tensor:
    """The tensor of which this one only repeats entries."""
    equation = tensor.definition
    while equation is not None and equation.reduce == "none" and equation.body == slot(0):
        tensor = equation.operands[0].tensor
        equation = tensor.definition
    return tensor


def is_positive(tensor: Tensor) -> bool:
    """Whether every entry is positive by its definition and by what is assumed of the inputs."""
    signs: dict[Tensor, Any] = {}
    for t in topological([tensor]):
        equation = t.definition
        known: dict[str, bool] = {"real": True}
        if equation is not None and equation.reduce in ("none", "sum"):
            body = equation.body.xreplace(
                {slot(k): signs[a.tensor] for k, a in enumerate(equation.operands)})
            known |= {"positive": True} if body.is_positive else (
                {"nonnegative": True} if body.is_nonnegative else {})
        elif "positive" in t.assume:
            known["positive"] = True
        elif "nonnegative" in t.assume:
            known["nonnegative"] = True
        signs[t] = Dummy(**known)
    return bool(signs[tensor].is_positive)
