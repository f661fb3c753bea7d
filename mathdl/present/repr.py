"""What tensors print: an input its declaration, an expression its mathematics."""

from __future__ import annotations

from mathdl.ir.dim import show_shape
from mathdl.ir.tensor import Tensor
from mathdl.present.declared import space
from mathdl.present.latex import to_latex
from mathdl.present.text import to_text

MAX_REPR = 1000


def repr_text(tensor: Tensor) -> str:
    """``X: (n, d)`` for an input, ``softmax(X @ W + b)`` for an expression."""
    if tensor.is_input:
        return f"{tensor.name}: {show_shape(tensor.shape)}"
    text = to_text(tensor)
    if len(text) <= MAX_REPR:
        return text
    half = (MAX_REPR - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"


def repr_latex(tensor: Tensor) -> str:
    r"""``\mathbf{X} \in \mathbb{R}^{n \times d}`` for an input."""
    declared = rf" \in {space(tensor)}" if tensor.is_input else ""
    return f"$\\displaystyle {to_latex(tensor)}{declared}$"
