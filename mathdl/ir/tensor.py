"""Tensors and the equations that define them.

``out[i0, i1] = reduce_{r0, r1} body`` where ``body`` is a SymPy scalar over one symbol per
access (``x0``, ``x1``, ...), index symbols, dims and Kronecker deltas.  Index and slot names are
canonical, so equations that differ only in names are equal; tensors are interned, so equal
subexpressions are one node and equality is identity.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal
from weakref import WeakValueDictionary

from mathdl.ir.dim import Dim, Shape

Reduce = Literal["none", "sum", "prod", "max", "min"]
SCAN = "scan"  # the primitive that a recurrence is
#: The sum over the last axis less one, of numbers of which the greatest is 1.
EXCESS = "excess"


@dataclass(frozen=True, slots=True)
class Access:
    """One read ``tensor[index]``.

    An index is a SymPy integer expression over index symbols, dims and, for a gather, the slot
    of an integer access of the same equation.  A ``held`` access is a constant for
    differentiation: the equation's value does not depend on it (the shift of a softmax).
    """

    tensor: Tensor
    index: tuple[Any, ...]
    held: bool = False

    @property
    def key(self) -> tuple[Any, ...]:
        return (id(self.tensor), self.index, self.held)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A condition on dims, ``expr >= 0``, that the generated code checks, with its reason."""

    expr: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Equation:
    """The right-hand side: ``reduce`` over the bound axes (lengths ``extents``) of ``body``."""

    reduce: Reduce
    extents: Shape
    body: Any
    operands: tuple[Access, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """The right-hand side that no index formula states: a primitive applied to whole tensors.

    ``primitive`` is a name of :mod:`mathdl.primitives`; ``params`` are further constants, such
    as which of several results is meant.  ``scan`` is what a recurrence computes: ``params``
    has the :class:`Recurrence` and the tensor of its step that is collected at every time.
    """

    primitive: str
    operands: tuple[Access, ...]
    params: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Recurrence:
    """One step of a recurrence, over inputs of its own that stand for what it is given.

    ``states[m]`` before step ``t`` becomes ``nexts[m]`` after it; ``items`` are the entries
    ``t`` of sequences, ``fixed`` is the same at every step.  ``t`` runs over ``0 .. length - 1``,
    from the end when ``reverse``.  The tensors of a step read nothing but these inputs, so
    systems are walked without entering steps.
    """

    length: Dim
    reverse: bool
    states: tuple[Tensor, ...]
    items: tuple[Tensor, ...]
    fixed: tuple[Tensor, ...]
    nexts: tuple[Tensor, ...]

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return (*self.states, *self.items, *self.fixed)

    def __repr__(self) -> str:
        inputs = ", ".join(t.rank[1] for t in self.inputs)
        nexts = ", ".join(t.rank[1] for t in self.nexts)
        way = "reversed " if self.reverse else ""
        return f"Recurrence({way}{self.length}: {inputs} -> {nexts})"


class Tensor:
    """An input (no definition) or a quantity defined by an equation.  Immutable.

    Build inputs with :func:`mathdl.tensor`, everything else with operators and functions.
    """

    __slots__ = (
        "__weakref__",
        "assume",
        "call",
        "definition",
        "label",
        "name",
        "rank",
        "requires",
        "shape",
    )

    # NumPy must not take our operators over: ndarray @ Tensor comes to us
    __array_priority__ = 1000
    __array_ufunc__ = None

    name: str | None
    shape: Shape
    assume: frozenset[str]
    definition: Equation | None
    call: Call | None
    label: str | None
    requires: tuple[Requirement, ...]
    rank: tuple[int, str]  # a total order that depends on the mathematics alone

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def is_input(self) -> bool:
        return self.definition is None and self.call is None

    @property
    def equation(self) -> Equation:
        """The defining equation; an input and a primitive's result have none."""
        if self.definition is None:
            raise TypeError(f"{self.name or 'the result of a primitive'} has no equation")
        return self.definition

    @property
    def recurrence(self) -> Recurrence | None:
        """The recurrence that computes it, if one does."""
        if self.call is None or self.call.primitive != SCAN:
            return None
        found: Recurrence = dict(self.call.params)["recurrence"]
        return found

    @property
    def emitted(self) -> Tensor:
        """What of its step the result of a recurrence holds for every time."""
        if self.call is None or self.recurrence is None:
            raise TypeError(f"{self.name or 'it'} is not the result of a recurrence")
        found: Tensor = dict(self.call.params)["emit"]
        return found

    @property
    def operands(self) -> tuple[Access, ...]:
        if self.call is not None:
            return self.call.operands
        return self.definition.operands if self.definition is not None else ()

    @property
    def T(self) -> Tensor:
        """The axes reversed; nothing on a vector."""
        return _tensor("T", self)

    def named(self, name: str) -> Tensor:
        """The same quantity under a name; results are stated in it wherever they can be."""
        return _tensor("named", self, name)

    def __add__(self, other: Any) -> Tensor:
        return _tensor("add", self, other)

    def __radd__(self, other: Any) -> Tensor:
        return _tensor("add", other, self)

    def __sub__(self, other: Any) -> Tensor:
        return _tensor("subtract", self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return _tensor("subtract", other, self)

    def __mul__(self, other: Any) -> Tensor:
        return _tensor("multiply", self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return _tensor("multiply", other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return _tensor("divide", self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return _tensor("divide", other, self)

    def __pow__(self, other: Any) -> Tensor:
        return _tensor("power", self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return _tensor("power", other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return _tensor("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return _tensor("matmul", other, self)

    def __neg__(self) -> Tensor:
        return _tensor("negative", self)

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return _tensor("abs", self)

    def __gt__(self, other: Any) -> Tensor:
        return _tensor("gt", self, other)

    def __ge__(self, other: Any) -> Tensor:
        return _tensor("ge", self, other)

    def __lt__(self, other: Any) -> Tensor:
        return _tensor("lt", self, other)

    def __le__(self, other: Any) -> Tensor:
        return _tensor("le", self, other)

    def __getitem__(self, item: Any) -> Any:
        return _operate("getitem", self, item)

    def __iter__(self) -> Any:
        raise TypeError("a tensor of symbolic length cannot be iterated over")

    def __bool__(self) -> bool:
        raise TypeError(
            "a symbolic tensor has no truth value; use where(condition, a, b) for a choice"
        )

    def __repr__(self) -> str:
        return str(_operate("repr", self))

    def _repr_latex_(self) -> str:
        return str(_operate("latex", self))

    def __reduce__(self) -> Any:
        return (_restore, (self.name, self.shape, self.assume, self.definition, self.label,
                           self.requires, self.call))


OPERATORS: dict[str, Callable[..., Any]] = {}


def _operate(name: str, *arguments: Any) -> Any:
    """Operators are filled in by the language, which lies above the representation."""
    return OPERATORS[name](*arguments)


def _tensor(name: str, *arguments: Any) -> Tensor:
    result: Tensor = OPERATORS[name](*arguments)
    return result


_LOCK = threading.RLock()
_TABLE: WeakValueDictionary[Any, Tensor] = WeakValueDictionary()


def _make(key: Any, **fields: Any) -> Tensor:
    with _LOCK:
        found = _TABLE.get(key)
        if found is not None:
            return found
        tensor = object.__new__(Tensor)
        for name, value in fields.items():
            object.__setattr__(tensor, name, value)
        tensor.rank = _rank(tensor)
        _TABLE[key] = tensor
        return tensor


@lru_cache(maxsize=65536)
def _text(expr: Any) -> str:
    return str(expr)


def _rank(tensor: Tensor) -> tuple[int, str]:
    """Height above the inputs, then a digest of the definition; inputs by name.

    It orders operands, so that a result never depends on what was computed before it.
    """
    about = [repr(tensor.shape), *(_text(r.expr) + r.reason for r in tensor.requires)]
    if tensor.is_input:
        about += sorted(tensor.assume)
        return 0, f"{tensor.name} {' '.join(about)}"
    if tensor.definition is not None:
        equation = tensor.definition
        about += [equation.reduce, repr(equation.extents), _text(equation.body)]
    elif tensor.call is not None:
        params = [(k, v.rank if isinstance(v, Tensor) else v) for k, v in tensor.call.params]
        about += [tensor.call.primitive, repr(params)]
    height = 0
    for access in tensor.operands:
        inner, digest = access.tensor.rank
        height = max(height, inner)
        about += [digest, *(_text(e) for e in access.index), "h" if access.held else ""]
    text = "|".join([tensor.label or "", *about])
    return height + 1, blake2b(text.encode(), digest_size=16).hexdigest()


def input_tensor(name: str, shape: Iterable[Dim], assume: Iterable[str] = ()) -> Tensor:
    """The input called ``name``; the same name, shape and assumptions give the same tensor."""
    shape, assume = tuple(shape), frozenset(assume)
    return _make(
        ("input", name, shape, assume),
        name=name, shape=shape, assume=assume, definition=None, label=None, requires=(),
        call=None,
    )


def intern(
    shape: Shape,
    equation: Equation,
    requires: tuple[Requirement, ...] = (),
    label: str | None = None,
) -> Tensor:
    """The tensor that an equation in canonical form defines."""
    key = (
        shape, equation.reduce, equation.extents, equation.body,
        tuple(access.key for access in equation.operands), requires, label,
    )
    return _make(
        key, name=None, shape=shape, assume=frozenset(), definition=equation, label=label,
        requires=requires, call=None,
    )


def intern_call(
    shape: Shape, call: Call, requires: tuple[Requirement, ...] = ()
) -> Tensor:
    """The tensor that a primitive computes."""
    operands = tuple(a.key for a in call.operands)
    key = ("call", shape, call.primitive, operands, call.params, requires)
    return _make(
        key, name=None, shape=shape, assume=frozenset(), definition=None, label=None,
        requires=requires, call=call,
    )


def _restore(
    name: str | None, shape: Shape, assume: frozenset[str], definition: Equation | None,
    label: str | None, requires: tuple[Requirement, ...], call: Call | None,
) -> Tensor:
    if call is not None:
        return intern_call(shape, call, requires)
    if definition is None:
        return input_tensor(name or "", shape, assume)
    return intern(shape, definition, requires, label)
