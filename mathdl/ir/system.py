"""Systems of equations: the graph below some outputs, walked and rewritten.

These are the only traversals: each visits every node once, whatever the sharing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Integer

from mathdl.ir.build import define, out_ranges, read, redefine
from mathdl.ir.index import out_indices, slot
from mathdl.ir.tensor import Access, Tensor


def reads(tensor: Tensor) -> list[Tensor]:
    """The tensors that a definition reads, one for each access."""
    return [a.tensor for a in tensor.operands]


def topological(
    outputs: Iterable[Tensor], leaves: Iterable[int] = (),
    below: Callable[[Tensor], Sequence[Tensor]] = reads,
) -> list[Tensor]:
    """Every tensor below the outputs, operands before what reads them.

    ``below`` says what a tensor needs, by default what its definition reads; tensors whose ids
    are ``leaves`` are left out, with what only they need.
    """
    order: list[Tensor] = []
    done = set(leaves)
    for output in outputs:
        stack: list[tuple[Tensor, bool]] = [(output, False)]
        while stack:
            tensor, expanded = stack.pop()
            if id(tensor) in done:
                continue
            if expanded:
                done.add(id(tensor))
                order.append(tensor)
                continue
            stack.append((tensor, True))
            stack.extend((t, False) for t in reversed(below(tensor)) if id(t) not in done)
    return order


def with_steps(outputs: Iterable[Tensor]) -> list[Tensor]:
    """Every tensor below the outputs, with those of the steps of recurrences."""
    order = topological(outputs)
    found = dict.fromkeys(order)
    for tensor in order:
        if tensor.recurrence is not None:
            inside = with_steps([*tensor.recurrence.nexts, tensor.emitted])
            found.update(dict.fromkeys(inside))
    return list(found)


def loop_key(tensor: Tensor) -> Any:
    """The same for all that one loop computes; None for what no recurrence does."""
    step = tensor.recurrence
    return None if step is None else (step, tuple(reads(tensor)))


def by_loop(tensors: Iterable[Tensor]) -> dict[Any, list[Tensor]]:
    """Those of the tensors that each loop computes, by its key."""
    loops: dict[Any, list[Tensor]] = {}
    for tensor in tensors:
        if tensor.recurrence is not None:
            loops.setdefault(loop_key(tensor), []).append(tensor)
    return loops


def rewrite(
    outputs: Iterable[Tensor],
    rule: Callable[[Tensor, tuple[Access, ...]], Tensor] | None = None,
    replace: Mapping[Tensor, Tensor] | None = None,
) -> list[Tensor]:
    """The outputs rebuilt bottom-up.

    ``rule`` gets each defined tensor and its rewritten operands and returns what stands for it
    (by default the same equation over them); ``replace`` maps tensors to others first.
    """
    outputs = list(outputs)
    known: dict[int, Tensor] = {id(a): b for a, b in (replace or {}).items()}
    for tensor in topological(outputs):
        if id(tensor) in known:
            continue
        if tensor.is_input:
            known[id(tensor)] = tensor
            continue
        operands = reading(tensor.operands, known)
        known[id(tensor)] = (
            rule(tensor, operands) if rule is not None else redefine(tensor, operands)
        )
    return [known[id(t)] for t in outputs]


def reading(operands: Iterable[Access], known: Mapping[int, Tensor]) -> tuple[Access, ...]:
    """The accesses, of what stands for their tensors (by id)."""
    return tuple(
        a if (new := known.get(id(a.tensor), a.tensor)) is a.tensor
        else Access(new, a.index, a.held)
        for a in operands
    )


def inputs_of(outputs: Iterable[Tensor]) -> list[Tensor]:
    """The inputs below the outputs, by name: the same whatever was computed before."""
    return sorted((t for t in topological(outputs) if t.is_input), key=lambda t: t.rank)


def depends_on(
    outputs: Iterable[Tensor], targets: Iterable[Tensor], held: bool = False
) -> set[int]:
    """Ids of the tensors below the outputs through which some target is read.

    What is read as a constant for differentiation counts only with ``held``.
    """
    wanted = {id(t) for t in targets}
    carrying: set[int] = set()
    for tensor in topological(outputs):
        if id(tensor) in wanted or any(
            id(a.tensor) in carrying and (held or not a.held) for a in tensor.operands
        ):
            carrying.add(id(tensor))
    return carrying


@dataclass(frozen=True)
class System:
    """Named outputs and the equations that they need, in dependency order."""

    outputs: tuple[tuple[str, Tensor], ...]

    @property
    def order(self) -> list[Tensor]:
        return topological(t for _, t in self.outputs)

    @property
    def inputs(self) -> list[Tensor]:
        return inputs_of(t for _, t in self.outputs)


def strip_labels(outputs: Iterable[Tensor]) -> tuple[list[Tensor], dict[Tensor, str]]:
    """The outputs without naming nodes, and which quantity each name stands for."""
    names: dict[Tensor, str] = {}

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        if tensor.label is None:
            return redefine(tensor, operands)
        inner = define(out_ranges(tensor.shape), tensor.equation.body, operands)
        names.setdefault(inner, tensor.label)
        return inner

    return rewrite(outputs, rule), names


def put_labels(outputs: Iterable[Tensor], names: Mapping[Tensor, str]) -> list[Tensor]:
    """The outputs with naming nodes where they read what has a name.

    Where they read through a named view that only puts in axes of length 1, they read that.
    """
    viewed = {inner: (view, name) for view, name in names.items()
              if (inner := without_units(view)) is not None and inner not in names}

    def labelled(tensor: Tensor, name: str) -> Tensor:
        return define(out_ranges(tensor.shape), slot(0), [read(tensor)], label=name)

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        made = redefine(tensor, operands)
        if tensor in names:
            return labelled(made, names[tensor])
        if tensor in viewed:
            view, name = viewed[tensor]
            seen = labelled(redefine(view, [Access(made, view.operands[0].index)]), name)
            symbols = iter(out_indices(tensor.ndim))
            index = [Integer(0) if d == 1 else next(symbols) for d in view.shape]
            return define(out_ranges(tensor.shape), slot(0), [Access(seen, tuple(index))])
        return made

    return rewrite(outputs, rule)


def without_units(view: Tensor) -> Tensor | None:
    """What a tensor is, when it only puts in axes of length 1."""
    equation = view.definition
    if equation is None or equation.reduce != "none" or len(equation.operands) != 1:
        return None
    (access,) = equation.operands
    kept = tuple(s for s, d in zip(out_indices(view.ndim), view.shape, strict=True) if d != 1)
    plain = equation.body == slot(0) and access.index == kept and not access.held
    return access.tensor if plain and len(kept) < view.ndim else None
