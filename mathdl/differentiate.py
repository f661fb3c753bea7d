"""Differentiating expressions: gradients, Jacobians and products with them, simplified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import KroneckerDelta, Mul

from mathdl.calculus.forward import tangents
from mathdl.calculus.reverse import cotangents
from mathdl.errors import NamingError, ShapeError
from mathdl.ir.assumptions import OF_INSTANCES
from mathdl.ir.bodies import inline, is_structural
from mathdl.ir.build import constant, define, out_ranges, read
from mathdl.ir.dim import Shape, show_shape
from mathdl.ir.index import out_indices, slot
from mathdl.ir.steps import (
    INSTANCE,
    READ_OFF,
    Accumulation,
    Derivative,
    Law,
    Projection,
    Restriction,
    Step,
)
from mathdl.ir.system import depends_on, rewrite, strip_labels, topological
from mathdl.ir.tensor import Tensor, input_tensor
from mathdl.language.pointwise import as_tensor
from mathdl.language.recurrence import named_in_steps, rewrite_steps
from mathdl.request import Block, Request, Space, Wrt, is_inside, name_of, resolve_wrt
from mathdl.simplify import fold, simplify, stabilise

# -- variables --------------------------------------------------------------------------------


def _detach(
    exprs: Sequence[Tensor], targets: Sequence[Tensor]
) -> tuple[list[Tensor], dict[Tensor, Tensor]]:
    """The expressions with named quantities among the targets made independent inputs."""
    stand_in = {
        t: input_tensor(t.label or "", t.shape) for t in targets if not t.is_input
    }
    if not stand_in:
        return list(exprs), {}
    for named in stand_in:
        for other in targets:
            if other is not named and id(named) in depends_on([named], [other]):
                raise NamingError(
                    f"{named.label} is held as an independent variable but depends on "
                    f"{name_of(other)}; derive by one at a time"
                )
    return rewrite(exprs, replace=stand_in), {v: k for k, v in stand_in.items()}


def free_variables(
    exprs: Sequence[Tensor], targets: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor], dict[Tensor, Tensor]]:
    """The expressions over free variables, these, and which declared input each stands for.

    Named quantities become inputs.  That rows sum to one is a fact about the instances of a
    variable, not about its neighbourhood: gradients stay ambient, so it must not be used before
    differentiating.
    """
    free, attached = _detach(exprs, targets)
    inputs = {v: k for k, v in attached.items()}
    variables = [inputs.get(t, t) for t in targets]
    plain = {
        t: input_tensor(t.name or "", t.shape, t.assume - OF_INSTANCES)
        for t in variables if t.assume & OF_INSTANCES
    }
    if plain:
        free = rewrite(free, replace=plain)
    return free, [plain.get(t, t) for t in variables], {v: k for k, v in plain.items()}


def restored(tensors: Sequence[Tensor], declared: Mapping[Tensor, Tensor]) -> list[Tensor]:
    return rewrite(tensors, replace=declared) if declared else list(tensors)


def identity(shape: Shape) -> Tensor:
    """``delta`` between two copies of the axes of ``shape``."""
    count = len(shape)
    symbols = out_indices(2 * count)
    body = Mul(*(KroneckerDelta(symbols[k], symbols[count + k]) for k in range(count)))
    return define(out_ranges((*shape, *shape)), body)


# -- deriving -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prepared:
    exprs: list[Tensor]
    kept: list[Tensor]
    names: dict[Tensor, str]

    def over(self, declared: Mapping[Tensor, Tensor]) -> Prepared:
        """The same with stand-ins replaced by what they stand for."""
        named = zip(restored(list(self.names), declared), self.names.values(), strict=True)
        return Prepared(
            restored(self.exprs, declared), restored(self.kept, declared), dict(named)
        )


def prepare(exprs: Sequence[Tensor], trace: list[Step] | None = None) -> Prepared:
    """The expressions in stable form, and every quantity of them that may be referred to."""
    order = topological(exprs)
    named = named_in_steps(order)
    unnamed = rewrite_steps([*order, *named], lambda s: strip_labels(s)[0], trace=trace)
    stripped, names = strip_labels(unnamed)
    names |= dict(zip(stripped[len(order):], named.values(), strict=True))
    steady = stabilise(stripped, trace)
    at = dict(zip(stripped, steady, strict=True))
    # what has a name stays a quantity of its own, also below a view of it
    kept = [u for t in names for u in (at.get(t, t), *(a.tensor for a in at.get(t, t).operands))]
    stable = simplify(steady, kept=kept, strict=True, trace=trace)
    forward = dict(zip(stripped, stable, strict=True))
    renamed: dict[Tensor, str] = {}
    for tensor, name in names.items():
        renamed.setdefault(forward.get(tensor, tensor), name)
    found = dict(zip(order, stable, strict=False))
    return Prepared([found[e] for e in exprs], topological(stable), renamed)


def first_order(
    wanted: Sequence[tuple[Tensor, Sequence[Tensor]]], kept: Sequence[Tensor], trace: list[Step],
    names: Mapping[Tensor, str] | None = None, hints: dict[Tensor, str] | None = None,
) -> list[Tensor]:
    """Each value's gradients (or Jacobians, of a tensor) by its variables, simplified together.

    Of the quantities in ``names``, ``hints`` gets what their cotangents are called.
    """
    raw: list[Tensor] = []
    before = len(trace)
    for value, variables in wanted:
        if value.ndim == 0:
            found = cotangents(value, constant(1), variables, (), trace)
        else:
            found = cotangents(value, identity(value.shape), variables, value.shape, trace)
        trace += [Derivative(READ_OFF, value, v, found[v]) for v in variables]
        raw += [found[v] for v in variables]
    follow = {} if hints is None else hints
    for step in trace[before:]:
        if isinstance(step, Accumulation) and step.target in (names or {}):
            follow.setdefault(step.after, adjoint_name((names or {})[step.target]))
    return simplify(raw, kept=kept, trace=trace, follow=follow)


def adjoint_name(name: str) -> str:
    """``delta2`` for the cotangent of ``Z2``, as Nielsen has it; ``S_bar`` for that of ``S``."""
    return f"delta{name[1:]}" if name[0] in "Zz" else f"{name}_bar"


def _levels(
    outputs: Mapping[str, Tensor], variables: Mapping[str, Tensor],
    paths: Sequence[tuple[str, ...]], prepared: Prepared, trace: list[Step],
    hints: dict[Tensor, str],
) -> tuple[dict[Block, Tensor], dict[Block, Tensor]]:
    """The blocks of every output along ``paths``, and those that they are derivatives of.

    What several paths begin with is derived once.
    """
    below: dict[Block, Tensor] = {}
    current = {Block(name, ()): value for name, value in outputs.items()}
    for k in range(1, len(paths[0]) + 1):
        below = current
        ways = {
            block: list(dict.fromkeys(p[k - 1] for p in paths if p[:k - 1] == block.path))
            for block in below
        }
        known = list(dict.fromkeys([*prepared.kept, *topological(below.values())]))
        found = first_order(
            [(below[block], [variables[v] for v in ways[block]]) for block in below], known,
            trace, prepared.names if len(paths[0]) == 1 else None, hints,
        )
        blocks = [Block(b.output, (*b.path, v)) for b in below for v in ways[b]]
        current = dict(zip(blocks, found, strict=True))
    return current, below


@dataclass(frozen=True)
class Derived:
    """The blocks that were asked for, and those of one order less.

    outputs, written
        The expressions by name, in stable form; and as they were written.
    names, hints
        What the user calls quantities; what cotangents of these are called by convention.
    """

    outputs: dict[str, Tensor]
    written: list[Tensor]
    variables: tuple[Tensor, ...]
    blocks: dict[Block, Tensor]
    below: dict[Block, Tensor]
    names: dict[Tensor, str]
    hints: dict[Tensor, str]


def derive_blocks(
    outputs: Mapping[str, Tensor], request: Request, space: Space | None, trace: list[Step]
) -> Derived:
    """Every block of every output, simplified together."""
    exprs, free, declared = free_variables(list(outputs.values()), request.targets)
    prepared = prepare(exprs, trace)
    names = [name_of(t) for t in request.targets]
    hints: dict[Tensor, str] = {}
    blocks, below = _levels(
        dict(zip(outputs, prepared.exprs, strict=True)), dict(zip(names, free, strict=True)),
        request.paths, prepared, trace, hints,
    )
    variables = {name: declared.get(v, v) for name, v in zip(names, free, strict=True)}
    if declared or space:

        def placed(found: Mapping[Block, Tensor], trace: list[Step]) -> list[Tensor]:
            result = []
            for block, free_of in found.items():
                (tensor,) = restored([free_of], declared)
                if tensor is not free_of:
                    pairs = tuple(declared.items())
                    trace.append(Restriction(INSTANCE, free_of, tensor, pairs))
                mapped, axes = in_space(tensor, [variables[v] for v in block.path], space)
                if space and axes:
                    trace.append(Projection(Law(space.name, space.law), tensor, mapped, axes))
                result.append(mapped)
            return result

        prepared = prepared.over(declared)
        hints = dict(zip(restored(list(hints), declared), hints.values(), strict=True))
        lower = placed(below, [])
        if space and request.order > 1:
            lower = simplify(lower, kept=prepared.kept)
        kept = [*prepared.kept, *(topological(lower) if request.order > 1 else [])]
        found = simplify(placed(blocks, trace), kept=kept, trace=trace, follow=hints)
        below = dict(zip(below, lower, strict=True))
        blocks = dict(zip(blocks, found, strict=True))
    folded = fold(list(blocks.values()), list(prepared.names), trace, hints)
    blocks = dict(zip(blocks, folded, strict=True))
    stable = dict(zip(outputs, prepared.exprs, strict=True))
    return Derived(
        outputs=stable,
        written=restored(exprs, declared),
        variables=tuple(variables.values()),
        blocks={b: require(tensor, stable[b.output]) for b, tensor in blocks.items()},
        below=below,
        names=prepared.names,
        hints={t: name for t, name in hints.items() if t not in prepared.names},
    )


def in_space(
    tensor: Tensor, path: Sequence[Tensor], space: Space | None
) -> tuple[Tensor, tuple[tuple[int, int], ...]]:
    """A derivative along ``path`` with the map of ``space`` on the axes of symmetric arguments.

    These pairs of axes come second.
    """
    if space is None:
        return tensor, ()
    pairs: list[tuple[int, int]] = []
    axis = tensor.ndim - sum(t.ndim for t in path)
    for argument in path:
        axis += argument.ndim
        if is_inside(argument, space):
            tensor = _mapped(tensor, axis - 2, axis - 1, space)
            pairs.append((axis - 2, axis - 1))
    return tensor, tuple(pairs)


def _mapped(tensor: Tensor, a: int, b: int, space: Space) -> Tensor:
    index = out_indices(tensor.ndim)
    swapped = list(index)
    swapped[a], swapped[b] = index[b], index[a]
    body = space.map(slot(0), slot(1), KroneckerDelta(index[a], index[b]))
    return _moved(tensor, tensor.shape, body, [index, swapped])


def _moved(tensor: Tensor, shape: Shape, body: Any, places: Sequence[Sequence[Any]]) -> Tensor:
    """``body`` over what ``tensor`` has at these places; its Kronecker deltas stay in sight."""
    operands = [read(tensor, place) for place in places]
    equation = tensor.definition
    if equation is not None and equation.reduce == "none" and (
        equation.body.has(KroneckerDelta)
        or any(is_structural(a.tensor) for a in equation.operands)
    ):
        for k in range(len(places)):
            body, operands = inline(body, operands, k)
    return define(out_ranges(shape), body, operands, requires=tensor.requires)


def reordered(
    tensor: Tensor, now: Sequence[str], then: Sequence[str], ranks: Mapping[str, int]
) -> Tensor:
    """A mixed derivative along ``now`` with its axes as of one along ``then``."""
    end = tensor.ndim - sum(ranks[name] for name in now)
    order, groups = list(range(end)), dict[str, list[range]]()
    for name in now:
        groups.setdefault(name, []).append(range(end, end + ranks[name]))
        end += ranks[name]
    for name in then:
        order += groups[name].pop(0)
    symbols = out_indices(tensor.ndim)
    index = [symbols[order.index(axis)] for axis in range(tensor.ndim)]
    shape = tuple(tensor.shape[axis] for axis in order)
    return _moved(tensor, shape, slot(0), [index])


def require(derivative: Tensor, expr: Tensor) -> Tensor:
    """A derivative holds under the conditions on dims under which the expression does."""
    conditions = dict.fromkeys(r for t in topological([expr]) for r in t.requires)
    if not conditions:
        return derivative
    return define(out_ranges(derivative.shape), slot(0), [read(derivative)], requires=conditions)


def jvp(expr: Tensor, directions: Mapping[str | Tensor, Tensor]) -> Tensor:
    """The derivative of ``expr`` along directions: ``sum_v dexpr/dv . directions[v]``.

    ``directions`` maps variables, or their names, to tensors of their shapes.
    """
    expr = as_tensor(expr)
    targets, _ = resolve_wrt([expr], list(directions))
    exprs, variables, declared = free_variables([expr], targets)
    prepared = prepare(exprs)
    along = dict(zip(variables, map(as_tensor, directions.values()), strict=True))
    tangent = restored(tangents(prepared.exprs, along), declared)
    prepared = prepared.over(declared)
    return require(simplify(tangent, kept=prepared.kept)[0], prepared.exprs[0])


def vjp(expr: Tensor, cotangent: Any, wrt: Wrt) -> Any:
    """``sum_o cotangent[o] dexpr[o]/dwrt``; a dict by name when ``wrt`` lists several."""
    expr, cotangent = as_tensor(expr), as_tensor(cotangent)
    if cotangent.shape != expr.shape:
        raise ShapeError(
            f"the cotangent has shape {show_shape(cotangent.shape)}, "
            f"it must be the expression's {show_shape(expr.shape)}"
        )
    targets, single = resolve_wrt([expr], wrt)
    exprs, variables, declared = free_variables([expr], targets)
    prepared = prepare(exprs)
    found = cotangents(prepared.exprs[0], cotangent, variables)
    raw = restored([found[t] for t in variables], declared)
    prepared = prepared.over(declared)
    results = [
        require(r, prepared.exprs[0])
        for r in simplify(raw, kept=[*prepared.kept, *topological([cotangent])])
    ]
    if single:
        return results[0]
    return {name_of(t): r for t, r in zip(targets, results, strict=True)}


def hvp(expr: Tensor, wrt: Tensor | str, direction: Any) -> Tensor:
    """The Hessian times a direction, forward over reverse: no Hessian is formed."""
    expr = as_tensor(expr)
    if expr.ndim:
        raise ShapeError(f"hvp needs a scalar, not shape {show_shape(expr.shape)}")
    targets, _ = resolve_wrt([expr], wrt)
    exprs, variables, declared = free_variables([expr], targets)
    prepared = prepare(exprs)
    gradient = first_order([(prepared.exprs[0], variables)], prepared.kept, [])
    tangent = restored(tangents(gradient, {variables[0]: as_tensor(direction)}), declared)
    prepared, gradient = prepared.over(declared), restored(gradient, declared)
    product = simplify(tangent, kept=[*prepared.kept, *topological(gradient)])[0]
    return require(product, prepared.exprs[0])
