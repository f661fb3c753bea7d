"""Proofs as text: numbered steps, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mathdl.ir.tensor import Tensor
from mathdl.present import text as text_view
from mathdl.present.statements import Statement, statements
from mathdl.present.tree import Sequenced


def proof_text(proof: Any, names: Mapping[Tensor, str], detail: str) -> str:
    """The proof as numbered lines of text."""
    return "\n".join(
        f"{s.number:>4}. {_equation(s)}   [{reason(s)}]" for s in statements(proof, names, detail)
    )


def _equation(s: Statement) -> str:
    if isinstance(s.sides[0], Sequenced) and s.left is not None:
        return text_view.definition(s.left, s.sides[0])
    parts = [text_view.show(side) for side in s.sides]
    if s.of is not None:
        parts.insert(0, text_view.derivative(s.of.value.text, s.of.variables, s.of.order))
    elif s.left is not None:
        parts.insert(0, s.left.text)
    return " = ".join(dict.fromkeys(parts))


def reason(s: Statement) -> str:
    """Why a statement holds, and what it follows from."""
    return s.reason + (f" ({', '.join(map(str, s.premises))})" if s.premises else "")
