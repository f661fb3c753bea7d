"""What is asked of a derivation: outputs, variables, blocks, and the space they live in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, groupby
from math import comb
from typing import Any

from mathdl.errors import NamingError, OrderError
from mathdl.ir.dim import MAX_AXES
from mathdl.ir.system import inputs_of, topological
from mathdl.ir.tensor import Tensor
from mathdl.language.declared import declared_with
from mathdl.language.names import check_result_name
from mathdl.language.pointwise import as_tensor
from mathdl.language.stand_ins import require_closed

Wrt = str | Tensor | Iterable[str | Tensor]
#: A tuple among several is one mixed derivative: ``[("W", "b")]``.
BlockWrt = str | Tensor | Iterable[str | Tensor | tuple[str | Tensor, ...]]
#: A part of the key of a derivative; an output of a list also by its position.
Key = str | int | Tensor

MAX_ORDER = 20
MAX_BLOCKS = 1000


# -- blocks -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A derivative of one output, by one variable after the other.

    ``Block("f", ("W", "b"))`` is ``d/db d/dW f``: the axes of ``f``, then those of ``W``, then
    those of ``b``.  The output is ``""`` where there is a lone expression.
    """

    output: str
    path: tuple[str, ...]

    @property
    def key(self) -> str:
        """Output and variables with commas between, a variable alone once: ``W``, ``f,W,b``."""
        names = self.path[:1] if len(set(self.path)) == 1 else self.path
        return ",".join([self.output, *names] if self.output else names)

    @property
    def below(self) -> Block:
        """What this is the derivative of."""
        return Block(self.output, self.path[:-1])

    @property
    def powers(self) -> list[tuple[str, int]]:
        """The variables in turn, each with how often it comes in a row."""
        return [(name, len(list(run))) for name, run in groupby(self.path)]


def block_meant(key: Key | tuple[Key, ...], order: int, lone: bool) -> Block:
    """What ``D[key]`` asks for: ``W``, ``("W", "b")``, ``"W,b"``, ``("f", "W")``, tensors too."""
    parts = key if isinstance(key, tuple) else key.split(",") if isinstance(key, str) else [key]
    names = [name_of(k) if isinstance(k, Tensor) else str(k).strip() for k in parts]
    output = "" if lone or not names else names.pop(0)
    return Block(output, tuple(names * order if len(names) == 1 else names))


@dataclass(frozen=True)
class Space:
    """Symmetric matrices, and which of two equal entries a derivative by them counts.

    A space is a self-adjoint map ``M(X) = (X + X.T - once * diag(X)) / share`` onto symmetric
    matrices.  The derivative of ``f`` in it is that of ``f(M(X))`` by an ``X`` whose entries are
    free: by the chain rule ``M(G)``, where ``G`` is the ambient gradient, and ``M`` on the axes
    of each such argument for a higher order.
    """

    name: str
    once: int
    share: int

    def map(self, matrix: Any, transposed: Any, delta: Any) -> Any:
        """``M`` of an entry or of an array; ``delta`` is one on the diagonal."""
        return (matrix + transposed - self.once * delta * matrix) / self.share

    @property
    def law(self) -> str:
        """``M`` in words of the language."""
        return "(G + G.T - diag(G))" if self.once else "(G + G.T)/2"

    def preimage(self, matrix: Any, delta: Any) -> Any:
        """The symmetric ``X`` with ``M(X) = matrix``, which is symmetric."""
        return (matrix + self.once * delta * matrix) * self.share / 2


PROJECTED = Space("projected", once=0, share=2)
VECH = Space("vech", once=1, share=1)
SPACES: dict[str, Space | None] = {"ambient": None, "projected": PROJECTED, "vech": VECH}


def space_named(name: object) -> Space | None:
    """The space that ``derive(..., symmetric=name)`` asks for; None for the ambient one."""
    if not isinstance(name, str) or name not in SPACES:
        raise NamingError(f"symmetric is one of {', '.join(SPACES)}, not {name!r}")
    return SPACES[name]


def is_inside(argument: Tensor, space: Space | None) -> bool:
    """Whether the space has a say in derivatives by this argument."""
    return space is not None and "symmetric" in argument.assume


# -- arguments --------------------------------------------------------------------------------


def resolve_outputs(expr: Any) -> dict[str, Tensor]:
    """The expressions by name: of a mapping its own, of a list positions, ``""`` for a lone one."""
    if isinstance(expr, Mapping):
        given = dict(expr)
    elif isinstance(expr, (list, tuple)):
        given = {str(k): one for k, one in enumerate(expr)}
    else:
        return {"": as_tensor(expr)}
    if not given:
        raise NamingError("there is no expression to derive")
    for name in given:
        check_result_name(name)
    outputs = {name: as_tensor(one) for name, one in given.items()}
    seen: dict[str, Tensor] = {}
    for tensor in inputs_of(outputs.values()):
        if seen.setdefault(tensor.name or "", tensor) is not tensor:
            raise NamingError(f"the outputs mean different tensors by {tensor.name!r}")
    return outputs


def declared_by(outputs: Iterable[Tensor]) -> dict[str, Tensor]:
    """The inputs declared with any of the expressions."""
    found: dict[str, Tensor] = {}
    for expr in outputs:
        for name, tensor in declared_with(expr).items():
            if found.setdefault(name, tensor) is not tensor:
                raise NamingError(f"the outputs mean different tensors by {name!r}")
    return found


def resolve_wrt(exprs: Sequence[Tensor], wrt: Wrt) -> tuple[list[Tensor], bool]:
    """The tensors meant by ``wrt``, and whether a single one was given."""
    single = isinstance(wrt, (str, Tensor))
    if not isinstance(wrt, (str, Tensor, Iterable)):
        raise NamingError(f"wrt is a name or a tensor, not {wrt!r}")
    wanted = [wrt] if isinstance(wrt, (str, Tensor)) else list(wrt)
    if not wanted:
        raise NamingError("wrt names nothing to differentiate by")
    known = _known(exprs)
    result: list[Tensor] = []
    for item in wanted:
        found = _resolved(item, known)
        if found in result:
            raise NamingError(f"wrt names {name_of(found)!r} twice")
        result.append(found)
    return result, single


def _known(exprs: Sequence[Tensor]) -> dict[str, Tensor]:
    """The tensors that ``wrt`` may mean, by name."""
    require_closed(exprs)
    known = declared_by(exprs)
    for tensor in topological(exprs):
        if tensor.is_input and tensor.name:
            known[tensor.name] = tensor
        elif tensor.label:
            known.setdefault(tensor.label, tensor)
    return known


def _resolved(item: object, known: Mapping[str, Tensor]) -> Tensor:
    if isinstance(item, Tensor):
        if not item.is_input and item.label is None:
            raise NamingError(
                "wrt is an input or a named quantity; name it with .named('Z') first"
            )
        require_closed([item])
        found = item
    elif isinstance(item, str):
        if item not in known:
            listed = ", ".join(sorted(known)) or "none"
            shown = item if len(item) <= 40 else item[:37] + "..."
            raise NamingError(
                f"wrt {shown!r} is not a variable of the expression; there are: {listed}"
            )
        found = known[item]
    else:
        raise NamingError(f"wrt is a name or a tensor, not {item!r}")
    if "integer" in found.assume:
        raise NamingError(f"wrt {found.name!r} is integer data and has no derivative")
    return found


def name_of(tensor: Tensor) -> str:
    """What an input or a named quantity is called."""
    return tensor.name or tensor.label or ""


@dataclass(frozen=True)
class Request:
    """What is derived: the variables, in which orders they are taken, whether it is just one."""

    targets: tuple[Tensor, ...]
    paths: tuple[tuple[str, ...], ...]
    order: int
    single: bool


def resolve_request(outputs: Mapping[str, Tensor], wrt: BlockWrt, order: int) -> Request:
    """The blocks meant by ``wrt``: all of those of its names together, and its tuples.

    Tuples say the order themselves, unless it is given as more than one.
    """
    exprs = list(outputs.values())
    items = [wrt] if isinstance(wrt, (str, Tensor)) or not isinstance(wrt, Iterable) else list(wrt)
    mixed = [item for item in items if isinstance(item, tuple)]
    order = check_order(len(mixed[0]) if mixed and check_order(order) == 1 else order)
    plain = [item for item in items if not isinstance(item, tuple)]
    alone = resolve_wrt(exprs, plain)[0] if plain or not mixed else []
    known = _known(exprs)
    taken = [[_resolved(item, known) for item in path] for path in mixed]
    targets = list(dict.fromkeys([*alone, *(t for path in taken for t in path)]))
    if len({name_of(t) for t in targets}) < len(targets):
        raise NamingError("wrt calls two tensors by one name")
    if comb(len(alone) + order - 1, order) > MAX_BLOCKS:
        raise OrderError(
            f"order {order} by {len(alone)} names has more than {MAX_BLOCKS} blocks; "
            "list some, as in wrt=[('W', 'b')]"
        )
    paths = [*combinations_with_replacement(alone, order), *map(tuple, taken)]
    for path in paths:
        shown = ", ".join(map(name_of, path))
        if len(path) != order:
            raise OrderError(f"wrt ({shown}) is of order {len(path)}, not {order}")
        if paths.count(path) > 1:
            raise NamingError(f"wrt names ({shown}) twice")
        axes = sum(t.ndim for t in path) + max(e.ndim for e in exprs)
        if axes > MAX_AXES:
            by = shown if len(set(path)) > 1 else name_of(path[0])
            raise OrderError(
                f"the derivative of order {order} wrt {by} has {axes} axes, more than {MAX_AXES}"
            )
    named = tuple(tuple(map(name_of, path)) for path in paths)
    return Request(tuple(targets), named, order, isinstance(wrt, (str, Tensor)))


def check_order(order: Any) -> int:
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise OrderError(f"order is a positive integer, not {order!r}")
    if order > MAX_ORDER:
        raise OrderError(f"order {order} is beyond {MAX_ORDER}")
    return order
