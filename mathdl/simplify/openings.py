"""Which definitions a stabilising rewrite may look into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mathdl.ir.bodies import is_regrouped, reads_inside
from mathdl.ir.index import slot, slot_number
from mathdl.ir.tensor import Access
from mathdl.simplify.forms import cost

MAX_BODY = 40


def is_plain(index: Sequence[Any]) -> bool:
    """Distinct index symbols, none of them the entry of an integer tensor."""
    return len(set(index)) == len(index) and all(
        e.is_Symbol and slot_number(e) is None for e in index
    )



def can_open(access: Access, body: Any, k: int, ranges: dict[Any, Any]) -> bool:
    inner = access.tensor
    definition = inner.definition
    return (
        definition is not None
        and definition.reduce == "none"
        and not inner.requires
        and inner.label is None
        and not is_regrouped(inner)
        and slot(k) in body.free_symbols
        and cost(definition.body) <= MAX_BODY
        and len(definition.operands) <= 3
        and bool(definition.body.args)
        and reads_inside(access, ranges)
    )
