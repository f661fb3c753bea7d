"""What a report is about, as data; deriving and verifying it again is the derivation's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mathdl.present.text import to_text
from mathdl.verify.subject import Derived, Subject


def request_of(
    subject: Subject, points: int, dims: Mapping[str, int] | None
) -> dict[str, Any] | None:
    """All that is needed to derive and verify again; None for what has no equations."""
    if not isinstance(subject, Derived):
        return None
    inputs = {t.name or "": t for t in (*subject.inputs, *subject.wrt)}
    paths = [list(block.path) for block in subject.blocks.values()]
    return {
        "expressions": {
            name: to_text(tensor, {})
            for name, tensor in zip(subject.outputs, subject.written, strict=True)
        },
        "shapes": {name: " ".join(f"{d}".replace(" ", "") for d in t.shape)
                   for name, t in inputs.items()},
        "assume": {name: sorted(t.assume) for name, t in inputs.items() if t.assume},
        "wrt": list(map(list, dict.fromkeys(map(tuple, paths)))),
        "order": subject.order,
        "symmetric": subject.space.name if subject.space else "ambient",
        "points": points,
        "dims": dict(dims) if dims else None,
    }
