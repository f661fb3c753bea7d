"""Which quantities of an expression are written out in place and which get a name.

The result is a list of definitions in dependency order and a value, each a tree.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sympy import Integer, sympify

from mathdl.ir.build import is_zero
from mathdl.ir.dim import Dim
from mathdl.ir.index import out_indices, slot
from mathdl.ir.system import by_loop, loop_key, reads, topological, without_units
from mathdl.ir.tensor import Tensor
from mathdl.language.declare import RESERVED
from mathdl.language.functions import FUNCTIONS
from mathdl.language.names import check_name
from mathdl.present import latex_tree
from mathdl.present.constants import constant
from mathdl.present.document import Document, is_indicator, occurrences
from mathdl.present.folds import fold
from mathdl.present.index import formula
from mathdl.present.loops import Started, StepView, step_view, with_lasts
from mathdl.present.matrix import matrix_view
from mathdl.present.shorten import positive, shorten
from mathdl.present.tree import (
    FULL,
    ZERO,
    Formula,
    Index,
    Name,
    Node,
    Number,
    Sequenced,
    at_time,
    insert_axes,
)
from mathdl.present.views import Unprintable, input_name

LONG = 64  # characters beyond which a quantity is not written out inside another
CONDITION = 32  # the same for a condition, which reads best where it is used
SHORT = 12  # characters up to which a shared quantity is repeated
CONSTANTS = frozenset({"pi", "e"})


def layout(
    tensors: Sequence[Tensor], names: Mapping[Tensor, str] | None, measure: Callable[[Node], int],
    taken: Iterable[str] = (), auxiliary: Iterable[str] = (),
    hints: Mapping[Tensor, str] | None = None,
) -> Document:
    """How the tensors are written; ``measure`` is the length of a printed tree.

    Names in ``taken`` mean something already: what ``names`` says, or something else.  Those in
    ``auxiliary`` were not chosen by the user.  ``hints`` say what quantities are called by
    convention where they need a name.
    """
    made = _Layout(tensors, names or {}, measure, hints or {})
    made.auxiliary = frozenset(auxiliary)
    made.taken.update(taken)
    made.stated = set(taken) & set((names or {}).values())
    return made.document()


class _Layout:
    def __init__(
        self, tensors: Sequence[Tensor], names: Mapping[Tensor, str],
        measure: Callable[[Node], int], hints: Mapping[Tensor, str],
    ) -> None:
        given = {t: name for t, name in names.items() if not t.is_input}
        found, self.folds = fold([*tensors, *given, *hints])
        self.kept = found  # alive, as they are known by id
        self.tensors = found[: len(tensors)]
        self.measure = measure
        self.stated: set[str] = set()
        self.auxiliary: frozenset[str] = frozenset()
        self.times: tuple[tuple[str, Dim], ...] = ()
        self.views: dict[Any, StepView] = self._step_views(found)
        self.alias: dict[int, Tensor] = {}
        self.given: dict[int, str] = {}
        self.order = topological(self.tensors, below=self.needs)
        for t in self.order:
            inner = self._renamed(t)
            if inner is not None:
                self.alias[id(t)] = inner
            if t.label is not None:
                self.given.setdefault(id(self.resolve(t)), t.label)
        called = [*given.values(), *hints.values()]
        calls = list(zip(found[len(tensors):], called, strict=True))
        self.columns: dict[int, tuple[bool, ...]] = {}  # what is called by a view with unit axes
        for t, name in calls[: len(given)]:
            inner = without_units(t)
            key = id(self.resolve(t if inner is None else inner))
            if inner is not None and key not in self.given:
                self.columns[key] = tuple(d != 1 for d in t.shape)
            self.given.setdefault(key, name)
        self.hints = {id(self.resolve(t)): name for t, name in calls[len(given):]}
        self.taken = self._taken()
        self.nodes: dict[int, Node] = {}
        self.started: dict[str, dict[int, Started]] = {}
        self.definitions: list[tuple[Name, Node]] = []

    def resolve(self, tensor: Tensor) -> Tensor:
        """The quantity itself behind names that were put on it."""
        while id(tensor) in self.alias:
            tensor = self.alias[id(tensor)]
        return tensor

    def _renamed(self, tensor: Tensor) -> Tensor | None:
        """What a tensor merely repeats: a name, or a condition on dims."""
        equation = tensor.definition
        if equation is None or equation.reduce != "none" or len(equation.operands) != 1:
            return None
        access = equation.operands[0]
        same = equation.body == slot(0) and access.index == out_indices(tensor.ndim)
        return access.tensor if same and access.tensor.shape == tensor.shape else None

    def needs(self, tensor: Tensor) -> list[Tensor]:
        """What its printed form needs; folds do not need what they replace."""
        fold = self.folds.get(tensor)
        if fold is not None:
            return [fold.argument]
        if tensor.recurrence is not None:
            return self.views[loop_key(tensor)].reads
        return reads(tensor)

    def _taken(self) -> set[str]:
        taken = {*FUNCTIONS, *RESERVED, *CONSTANTS}
        for t in self.order:
            if t.is_input:
                taken.add(t.name or "")
            for dim in (*t.shape, *(t.definition.extents if t.definition else ())):
                taken |= {s.name for s in sympify(dim).free_symbols}
        return taken

    def name(self, tensor: Tensor, ndim: int, times: int = 0) -> Name:
        """A name for a tensor, of so many axes at each of so many times."""
        given = self.given.get(id(tensor))
        hinted = given is None and id(tensor) in self.hints
        own = hinted or (given is not None and given not in self.auxiliary)
        kind = "tensor" if own or (times and ndim < 2) else "auxiliary"
        return Name(self.fresh(tensor), ndim + times, kind)

    def fresh(self, tensor: Tensor) -> str:
        """The given name, made unlike all others; t1, t2, ... without one."""
        wanted = self.given.get(id(tensor))
        if wanted is not None and wanted in self.stated:
            self.stated.discard(wanted)
            return wanted
        candidates: Any = (f"t{k}" for k in itertools.count(1))
        if wanted is not None:
            candidates = itertools.chain([wanted], (f"{wanted}_{k}" for k in itertools.count(1)))
        elif self._is_softmax(tensor):
            candidates = itertools.chain("P" if tensor.ndim > 1 else "p", candidates)
        elif id(tensor) in self.hints:
            candidates = itertools.chain([self.hints[id(tensor)]], candidates)
        for name in candidates:
            if name not in self.taken and (wanted or name.upper() not in self.taken):
                check_name(name)
                self.taken.add(name)
                return str(name)
        raise AssertionError

    # -- what is written where --------------------------------------------------------------------

    def document(self) -> Document:
        uses = self._uses()
        values = {id(self.resolve(t)) for t in self.tensors}
        for t in self.order:
            if id(t) in self.alias or id(t) in self.nodes:
                continue
            if t.is_input:
                self.nodes[id(t)] = input_name(t)
                continue
            if t.recurrence is not None:
                self._loop(t)
                continue
            node = self._tree(t)
            if isinstance(node, Formula) and (t.ndim or id(t) not in values):
                self._define(t, node)
            elif id(t) in values and not uses.get(id(t)):
                self.nodes[id(t)] = node
            elif self._needs_name(t, node, uses.get(id(t), 0)):
                self._define(t, node)
            else:
                self.nodes[id(t)] = node
        lasts = {
            name: {axis: start.last for axis, start in axes.items() if not start.backwards}
            for name, axes in self.started.items()
        }
        return Document(
            tuple((name, with_lasts(positive(node), lasts)) for name, node in self.definitions),
            tuple(with_lasts(positive(self.node_of(t)), lasts) for t in self.tensors),
        )

    # -- loops -------------------------------------------------------------------------------------

    def _step_views(self, outputs: Sequence[Tensor]) -> dict[Any, StepView]:
        order = topological(outputs)
        uses: dict[int, int] = {}
        counted: set[Any] = set()
        for t in order:
            key = loop_key(t)
            if key is None or key not in counted:
                counted.add(key)
                for access in t.operands:
                    uses[id(access.tensor)] = uses.get(id(access.tensor), 0) + 1
        return {key: step_view(found, uses) for key, found in by_loop(order).items()}

    def _loop(self, tensor: Tensor) -> None:
        """The recurrence by which a tensor is computed, with all else that it computes."""
        key = loop_key(tensor)
        view = self.views[key]
        members = [t for t in self.order if loop_key(t) == key]
        step, outside = view.loop.step, len(self.times)
        times = itertools.chain("tsukpqr", (f"time{k}" for k in itertools.count(1)))
        time = next(c for c in times if c not in self.taken | dict(self.times).keys())
        letters = (*dict(self.times), time)
        for t, inner in [*((t, t.emitted) for t in members),
                         *zip(step.states, step.nexts, strict=True)]:
            if inner.label is not None:
                self.given.setdefault(id(t), inner.label)
        names = {id(t): self.name(t, t.ndim - 1, outside + 1) for t in members}
        for t in members:
            self.nodes[id(t)] = at_time(names[id(t)], letters[:-1]) if outside else names[id(t)]
        assigned = {t.emitted: names[id(t)] for t in members}
        called: dict[Tensor, Name] = {}
        named = [(t, self.given[id(t)]) for t in self._members(key) if id(t) in self.given]
        for state, after in zip(step.states, step.nexts, strict=True):
            name = assigned.get(after)
            if name is None or name in called.values() or after.is_input:
                own = next((n for t, n in named if t.emitted is after), None)
                before = self.given.get(id(state))
                self.given |= {id(state): own} if own else {}
                name = self.name(state, state.ndim, 1 + outside)
                if own and before is None:
                    del self.given[id(state)]  # what stands for a state does so in other loops too
            called[state] = name
        given: dict[Tensor, Node] = {
            state: at_time(name, letters, 1 if step.reverse else -1)
            for state, name in called.items()
        }
        for item, sequence in view.items.items():
            given[item] = self._read_at(sequence, time)
        for inner, outer in view.fixed.items():
            given[inner] = self.node_of(outer)
        length = constant(sympify(step.length))
        first: Node = length if step.reverse else Number(Integer(-1))
        last = constant(sympify(step.length) - 1)
        for state, start in view.loop.scope.states.items():
            self.started.setdefault(called[state].text, {})[outside] = Started(
                step.length, last, step.reverse, is_zero(start)
            )
            body = Sequenced((*self._over(), (first, None)), self.node_of(start), state.ndim)
            self.definitions.append((called[state], body))
        wanted = list(zip(view.nexts, called.values(), strict=True))
        wanted += [(t, names[id(m)]) for t, m in zip(view.emits, self._members(key), strict=True)
                   if id(m) in names]
        self.definitions += _Steps(self, wanted, given, (time, step.length)).lines()

    def _over(self) -> list[tuple[Node, Node | None]]:
        """The indices of a definition: the times of the loops around it."""
        return [(Name(time, 0, "time"), constant(sympify(n))) for time, n in self.times]

    def _read_at(self, sequence: Tensor, time: str) -> Node:
        """The entry of a sequence at a time."""
        tensor = self.resolve(sequence)
        if not isinstance(self.nodes[id(tensor)], Name | Index):
            self._define(tensor, self.nodes[id(tensor)])
        node = self.nodes[id(tensor)]
        if isinstance(node, Index) and isinstance(node.inner, Name) and self.times:
            return Index(node.inner, (*node.items, Name(time, 0, "time")), node.ndim - 1)
        return at_time(self._word(sequence), (time,))

    def _members(self, key: Any) -> list[Tensor]:
        """All that one loop computes, in the order in which its view was made."""
        return [t for t in topological(self.kept) if loop_key(t) == key]

    def _define(self, tensor: Tensor, node: Node) -> None:
        if not isinstance(node, Formula | Sequenced):
            for known, same in self.definitions:
                if same == node and known.ndim == node.ndim:  # it is written alike
                    self.nodes[id(tensor)] = known
                    return
        pattern = self.columns.pop(id(tensor), ())
        if pattern and not isinstance(node, Formula | Sequenced):
            name = self.name(tensor, len(pattern))
            self.definitions.append((name, shorten(insert_axes(node, pattern))))
            items = tuple(FULL if own else ZERO for own in pattern)
            self.nodes[id(tensor)] = Index(name, items, tensor.ndim)
            return
        name = self.name(tensor, tensor.ndim)
        self.definitions.append((name, node))
        self.nodes[id(tensor)] = name

    def _needs_name(self, tensor: Tensor, node: Node, uses: int) -> bool:
        if isinstance(node, Name):
            return False
        length = self.measure(node)
        called = id(tensor) in self.hints or self._is_softmax(tensor)
        if id(tensor) in self.given or (uses > 1 and called):
            return True
        repeated = CONDITION if is_indicator(node) else SHORT
        return length > (LONG if uses <= 1 else repeated)

    def _is_softmax(self, tensor: Tensor) -> bool:
        fold = self.folds.get(tensor)
        return fold is not None and fold.name == "softmax"

    def node_of(self, tensor: Tensor) -> Node:
        return self.nodes[id(self.resolve(tensor))]

    def _tree(self, tensor: Tensor) -> Node:
        try:
            return matrix_view(tensor, self._visible, self.folds)
        except Unprintable:
            return formula(tensor, self._word, self._leaving)

    def _visible(self, tensor: Tensor) -> Node:
        tensor = self.resolve(tensor)
        if id(tensor) not in self.nodes:
            raise Unprintable("a quantity of another form")
        return self.nodes[id(tensor)]

    def _word(self, tensor: Tensor) -> Name:
        """A name for what stands in an index formula."""
        tensor = self.resolve(tensor)
        node = self.nodes[id(tensor)]
        if not isinstance(node, Name):
            self._define(tensor, node)
        found = self.nodes[id(tensor)]
        assert isinstance(found, Name)
        return found

    def _leaving(self, tensor: Tensor) -> dict[int, Dim]:
        """The axes, with lengths, outside of which a printed sequence is not zero."""
        node = self.nodes[id(self.resolve(tensor))]
        gone = len(node.items) if isinstance(node, Index) else 0
        name = node.inner if isinstance(node, Index) else node
        axes = self.started.get(name.text, {}) if isinstance(name, Name) else {}
        return {axis - gone: start.length for axis, start in axes.items()
                if axis >= gone and not start.zero}

    def _uses(self) -> dict[int, int]:
        """How often each quantity is written in the definitions of others."""
        uses: dict[int, int] = {}
        for t in self.order:
            if id(t) in self.alias or t.is_input:
                continue
            if t.recurrence is not None:
                for read in self.needs(t):
                    key = id(self.resolve(read))
                    uses[key] = uses.get(key, 0) + 1
                continue
            if t in self.folds:
                key = id(self.resolve(self.folds[t].argument))
                uses[key] = uses.get(key, 0) + 1
                continue
            for k, count in occurrences(t).items():
                key = id(self.resolve(t.operands[k].tensor))
                uses[key] = uses.get(key, 0) + count
        return uses


class _Steps(_Layout):
    """The lines of one step of a recurrence: every definition in it is a sequence."""

    def __init__(
        self, outside: _Layout, wanted: Sequence[tuple[Tensor, Name]],
        given: Mapping[Tensor, Node], time: tuple[str, Dim],
    ) -> None:
        self.wanted = list(dict.fromkeys(wanted))
        super().__init__([t for t, _ in self.wanted], {}, outside.measure, {})
        self.times = (*outside.times, time)
        self.taken = outside.taken
        self.auxiliary = outside.auxiliary
        self.started = outside.started
        self.assigned: dict[int, Name] = {}
        for tensor, (_, name) in zip(self.tensors, self.wanted, strict=True):
            self.assigned.setdefault(id(self.resolve(tensor)), name)
        self.given |= {key: name.text for key, name in self.assigned.items()}
        self.nodes |= {id(t): node for t, node in given.items()}

    def lines(self) -> list[tuple[Name, Node]]:
        self.document()
        for tensor, (_, name) in zip(self.tensors, self.wanted, strict=True):
            if not any(known == name for known, _ in self.definitions):
                self._state(name, self.node_of(tensor))
        return self.definitions

    def _define(self, tensor: Tensor, node: Node) -> None:
        name = self.assigned.get(id(tensor))
        if name is None:
            name = self.name(tensor, tensor.ndim, len(self.times))
        self._state(name, node)
        self.nodes[id(tensor)] = at_time(name, tuple(dict(self.times)))

    def _state(self, name: Name, node: Node) -> None:
        ndim = name.ndim - len(self.times)
        self.definitions.append((name, Sequenced(tuple(self._over()), node, ndim)))

    def _word(self, tensor: Tensor) -> Name:
        node = self.nodes[id(self.resolve(tensor))]
        if isinstance(node, Index):
            from mathdl.present import text

            return Name(text.show(node), node.ndim, latex=latex_tree.show(node))
        return super()._word(tensor)
