"""Recurrences as users write them: a step function, folded over a sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mathdl.errors import ShapeError
from mathdl.ir.dim import Dim, as_dim, show_shape
from mathdl.ir.tensor import Tensor
from mathdl.language.pointwise import as_tensor
from mathdl.language.recurrence import last_of, recur
from mathdl.language.stand_ins import fresh, given


def scan(
    step: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: Any = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """A recurrence: ``carry, y[t] = step(carry, xs[t])`` for every ``t``, from ``carry = init``.

    As ``jax.lax.scan``: returns the last carry and the stacked ``y``.  ``init``, ``xs`` and
    ``y`` are tensors or (nested) tuples, lists and dicts of them; ``xs[t]`` is the entry along
    the first axis.  ``length`` is a dim when there are no ``xs`` (``step`` gets None); with
    ``reverse`` the steps go from the last ``t`` to the first.  The length may be symbolic.

    Raises ShapeError when the sequences differ in length or a step changes the shape of the
    carry.

    >>> import mathdl as md
    >>> n, T = md.dims("n T")
    >>> A, x = md.tensor("A", (n, n)), md.tensor("x", (T, n))
    >>> last, states = md.scan(lambda h, x_t: (A @ h + x_t,) * 2, md.zeros(n), x)
    >>> states.shape
    (T, n)
    """
    starts = [as_tensor(t) for t in _leaves(init)]
    sequences = [as_tensor(t) for t in _leaves(xs)]
    steps = _length(sequences, length)
    states = [fresh("state", t.shape) for t in starts]
    items = [fresh("item", t.shape[1:], t.assume) for t in sequences]
    with given([*states, *items]):
        result = step(_like(init, iter(states)), _like(xs, iter(items)))
    if not isinstance(result, tuple) or len(result) != 2:
        raise ShapeError("the step of a scan returns two things: the carry, and what to collect")
    after, collected = result
    if _structure(after) != _structure(init):
        raise ShapeError(
            f"the step of a scan returns a carry made as {_structure(after)}, the first is made "
            f"as {_structure(init)}"
        )
    nexts = [as_tensor(t) for t in _leaves(after)]
    for k, (state, new) in enumerate(zip(states, nexts, strict=True)):
        if state.shape != new.shape:
            raise ShapeError(
                f"a step of the scan turns part {k} of the carry, of shape "
                f"{show_shape(state.shape)}, into shape {show_shape(new.shape)}"
            )
    loop = recur(
        steps, dict(zip(states, starts, strict=True)), nexts,
        dict(zip(items, sequences, strict=True)), reverse=reverse,
    )
    kept = [as_tensor(t) for t in _leaves(collected)]
    stacked = loop.stacked([*nexts, *kept])
    final = [last_of(t, reverse) for t in stacked[: len(nexts)]]
    return _like(after, iter(final)), _like(collected, iter(stacked[len(nexts):]))


def _length(sequences: Iterable[Tensor], length: Any) -> Dim:
    found: dict[Dim, str] = {}
    for tensor in sequences:
        if not tensor.ndim:
            raise ShapeError("a sequence of a scan has no axes; what is fixed needs no mention")
        found[tensor.shape[0]] = show_shape(tensor.shape)
    if length is not None:
        found[as_dim(length)] = f"length = {length}"
    if len(found) != 1:
        listed = " and ".join(found.values()) or "neither xs nor length"
        raise ShapeError(f"a scan needs one length, found {listed}")
    return next(iter(found))


def _leaves(tree: Any) -> Iterator[Any]:
    """What nested tuples, lists and dicts hold, in order; None holds nothing."""
    if isinstance(tree, (tuple, list)):
        for part in tree:
            yield from _leaves(part)
    elif isinstance(tree, Mapping):
        for part in tree.values():
            yield from _leaves(part)
    elif tree is not None:
        yield tree


def _like(tree: Any, leaves: Iterator[Any]) -> Any:
    """The same nesting with other leaves."""
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(_like(part, leaves) for part in tree))
    if isinstance(tree, (tuple, list)):
        return type(tree)(_like(part, leaves) for part in tree)
    if isinstance(tree, Mapping):
        return {key: _like(part, leaves) for key, part in tree.items()}
    return None if tree is None else next(leaves)


def _structure(tree: Any) -> str:
    if isinstance(tree, tuple):
        return f"({', '.join(map(_structure, tree))})"
    if isinstance(tree, list):
        return f"[{', '.join(map(_structure, tree))}]"
    if isinstance(tree, Mapping):
        return f"{{{', '.join(f'{k}: {_structure(v)}' for k, v in tree.items())}}}"
    return "None" if tree is None else "a tensor"
