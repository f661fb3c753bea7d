"""What a layout gives, and what it asks of trees and bodies."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import preorder_traversal

from mathdl.ir.index import slot_number
from mathdl.ir.tensor import Tensor
from mathdl.present.tree import ONE, ZERO, Call, Name, Node


@dataclass(frozen=True)
class Document:
    """``name = tree`` for each definition, then the values."""

    definitions: tuple[tuple[Name, Node], ...]
    values: tuple[Node, ...]


def is_indicator(node: Node) -> bool:
    return isinstance(node, Call) and node.name == "where" and node.arguments[1:] == (ONE, ZERO)


def occurrences(tensor: Tensor) -> dict[int, int]:
    """How often each operand is read in a definition."""
    if tensor.definition is None:
        return dict.fromkeys(range(len(tensor.operands)), 1)
    counts: dict[int, int] = dict.fromkeys(range(len(tensor.operands)), 0)
    for number, node in enumerate(preorder_traversal(tensor.equation.body)):
        k = slot_number(node)
        if k is not None:
            counts[k] = counts.get(k, 0) + 1
        if number > 2000:
            break
    for access in tensor.operands:
        for e in access.index:
            for s in e.free_symbols:
                k = slot_number(s)
                if k is not None:
                    counts[k] = counts.get(k, 0) + 1
    return counts
