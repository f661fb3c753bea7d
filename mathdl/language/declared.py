"""Which inputs were declared along with an expression, also those that it does not mention.

``parse("sum(x)", shapes="x: n; y: m")`` does not depend on ``y``; its gradient is zero, of
``y``'s shape, because ``y`` was declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from mathdl.ir.tensor import Tensor

_DECLARED: WeakKeyDictionary[Tensor, dict[str, Tensor]] = WeakKeyDictionary()


def remember(tensor: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
    """Note the inputs declared with an expression; returns the expression.

    Equal expressions are one object, so the latest declaration stands alone: inputs of an
    earlier one are no longer known, and its order is not kept.
    """
    _DECLARED[tensor] = dict(inputs)
    return tensor


def declared_with(tensor: Tensor) -> dict[str, Tensor]:
    """The inputs declared with an expression, by name."""
    return dict(_DECLARED.get(tensor, {}))
