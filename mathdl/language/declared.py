"""Which inputs were declared along with an expression, also those that it does not mention.

``parse("sum(x)", shapes="x: n; y: m")`` does not depend on ``y``; its gradient is zero, of
``y``'s shape, because ``y`` was declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary, WeakSet

from mathdl.ir.tensor import Tensor

_DECLARED: WeakKeyDictionary[Tensor, dict[str, Tensor]] = WeakKeyDictionary()
_REORDERED: WeakSet[Tensor] = WeakSet()


def remember(tensor: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
    """Note the inputs declared with an expression; returns the expression.

    Equal expressions are one object, so the latest declaration stands alone: inputs of an
    earlier one are no longer known.  Where that had another order, none can be relied on.
    """
    before = [name for name in _DECLARED.get(tensor, {}) if name in inputs]
    if before != [name for name in inputs if name in before]:
        _REORDERED.add(tensor)
    _DECLARED[tensor] = dict(inputs)
    return tensor


def is_reordered(tensor: Tensor) -> bool:
    """Whether inputs of an expression were declared in more than one order."""
    return tensor in _REORDERED


def declared_with(tensor: Tensor) -> dict[str, Tensor]:
    """The inputs declared with an expression, by name."""
    return dict(_DECLARED.get(tensor, {}))
