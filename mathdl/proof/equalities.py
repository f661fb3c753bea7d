"""Which tensors are equal by a set of equations between tensors, and by substitution."""

from __future__ import annotations

from collections.abc import Iterable

from mathdl.ir.build import bound_ranges, define, out_ranges, redefine
from mathdl.ir.index import out_indices, slot
from mathdl.ir.system import topological
from mathdl.ir.tensor import Access, Tensor, input_tensor

ROUNDS = 24


class Equalities:
    """The least congruence with the given equations.

    A name on a quantity and a condition on dims change no value, so what differs in these alone
    is equal; so is, with ``free``, what differs in the assumptions of its inputs.
    """

    def __init__(self, equations: Iterable[tuple[Tensor, Tensor]], free: bool = False) -> None:
        self.free = free
        self.parent: dict[Tensor, Tensor] = {}
        self.known: dict[Tensor, Tensor] = {}
        pairs = list(equations)
        for _ in range(ROUNDS):
            self.known = {}
            changed = False
            for before, after in pairs:
                left, right = self.canonical(before), self.canonical(after)
                if left is not right:
                    self.parent[left] = right
                    self.known = {}
                    changed = True
            if not changed:
                break

    def same(self, a: Tensor, b: Tensor) -> bool:
        return self.canonical(a) is self.canonical(b)

    def _find(self, tensor: Tensor) -> Tensor:
        seen = []
        while tensor in self.parent:
            seen.append(tensor)
            tensor = self.parent[tensor]
            if tensor in seen:  # a circle of equations: any of its members will do
                return min(seen, key=lambda t: t.rank)
        return tensor

    def canonical(self, tensor: Tensor) -> Tensor:
        """What stands for all that is equal to a tensor."""
        for t in topological([tensor]):
            if t not in self.known:
                self.known[t] = self._find(self._rebuilt(t))
        return self.known[tensor]

    def _rebuilt(self, tensor: Tensor) -> Tensor:
        if tensor.is_input:
            return input_tensor(tensor.name or "", tensor.shape) if self.free else tensor
        if tensor.definition is not None and len(tensor.operands) == 1:
            (access,) = tensor.operands
            plain = access.index == out_indices(tensor.ndim) and not access.held
            if plain and tensor.definition.body == slot(0) and tensor.definition.reduce == "none":
                return self.known[access.tensor]
        operands = [Access(self.known[a.tensor], a.index, a.held) for a in tensor.operands]
        if tensor.definition is None or not (tensor.label or tensor.requires):
            return redefine(tensor, operands)
        equation = tensor.definition
        return define(  # without its name and its conditions
            out_ranges(tensor.shape), equation.body, operands, reduce=equation.reduce,
            bound=bound_ranges(equation),
        )
