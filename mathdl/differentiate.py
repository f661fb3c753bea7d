"""Differentiating expressions: gradients, Jacobians and products with them, simplified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import KroneckerDelta, Mul

from mathdl.calculus.forward import tangents
from mathdl.calculus.reverse import cotangents
from mathdl.errors import NamingError, OrderError, ShapeError
from mathdl.ir.build import constant, define, out_ranges, read
from mathdl.ir.dim import MAX_AXES, Shape, show_shape
from mathdl.ir.index import out_indices, slot
from mathdl.ir.system import depends_on, rewrite, strip_labels, topological
from mathdl.ir.tensor import Tensor, input_tensor
from mathdl.language.declared import declared_with
from mathdl.language.pointwise import as_tensor
from mathdl.simplify import Step, simplify, stabilise
from mathdl.simplify.facts import UNIT_ROWS

Wrt = str | Tensor | Iterable[str | Tensor]


# -- arguments --------------------------------------------------------------------------------


def resolve_wrt(expr: Tensor, wrt: Wrt) -> tuple[list[Tensor], bool]:
    """The tensors meant by ``wrt``, and whether a single one was given."""
    single = isinstance(wrt, (str, Tensor))
    if not isinstance(wrt, (str, Tensor, Iterable)):
        raise NamingError(f"wrt is a name or a tensor, not {wrt!r}")
    wanted = [wrt] if isinstance(wrt, (str, Tensor)) else list(wrt)
    if not wanted:
        raise NamingError("wrt names nothing to differentiate by")
    known: dict[str, Tensor] = dict(declared_with(expr))
    for tensor in topological([expr]):
        if tensor.is_input and tensor.name:
            known[tensor.name] = tensor
        elif tensor.label:
            known.setdefault(tensor.label, tensor)
    result: list[Tensor] = []
    for item in wanted:
        if isinstance(item, Tensor):
            if not item.is_input and item.label is None:
                raise NamingError(
                    "wrt is an input or a named quantity; name it with .named('Z') first"
                )
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
        if found in result:
            raise NamingError(f"wrt names {found.name or found.label!r} twice")
        result.append(found)
    return result, single


def _detach(expr: Tensor, targets: Sequence[Tensor]) -> tuple[Tensor, dict[Tensor, Tensor]]:
    """The expression with named quantities among the targets made independent inputs."""
    stand_in = {
        t: input_tensor(t.label or "", t.shape) for t in targets if not t.is_input
    }
    if not stand_in:
        return expr, {}
    for named in stand_in:
        for other in targets:
            if other is not named and id(named) in depends_on([named], [other]):
                raise NamingError(
                    f"{named.label} is held as an independent variable but depends on "
                    f"{other.name or other.label}; derive by one at a time"
                )
    return rewrite([expr], replace=stand_in)[0], {v: k for k, v in stand_in.items()}


def free_variables(
    expr: Tensor, targets: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor], dict[Tensor, Tensor]]:
    """The expression over free variables, these, and which declared input each stands for.

    Named quantities become inputs.  That rows sum to one is a fact about the instances of a
    variable, not about its neighbourhood: gradients stay ambient, so it must not be used before
    differentiating.
    """
    expr, attached = _detach(expr, targets)
    inputs = {v: k for k, v in attached.items()}
    variables = [inputs.get(t, t) for t in targets]
    plain = {
        t: input_tensor(t.name or "", t.shape, t.assume - UNIT_ROWS)
        for t in variables if t.assume & UNIT_ROWS
    }
    if plain:
        expr = rewrite([expr], replace=plain)[0]
    return expr, [plain.get(t, t) for t in variables], {v: k for k, v in plain.items()}


def restored(tensors: Sequence[Tensor], declared: Mapping[Tensor, Tensor]) -> list[Tensor]:
    return rewrite(tensors, replace=declared) if declared else list(tensors)


def identity(shape: Shape) -> Tensor:
    """``delta`` between two copies of the axes of ``shape``."""
    count = len(shape)
    symbols = out_indices(2 * count)
    body = Mul(*(KroneckerDelta(symbols[k], symbols[count + k]) for k in range(count)))
    return define(out_ranges((*shape, *shape)), body)


def check_order(order: Any, shape: Shape, targets: Sequence[Tensor]) -> int:
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise OrderError(f"order is a positive integer, not {order!r}")
    for target in targets:
        axes = order * target.ndim + len(shape)
        if axes > MAX_AXES:
            raise OrderError(
                f"the derivative of order {order} wrt {target.name} has {axes} axes, "
                f"more than {MAX_AXES}"
            )
    if order > MAX_ORDER:
        raise OrderError(f"order {order} is beyond {MAX_ORDER}")
    return order


MAX_ORDER = 20


# -- deriving -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prepared:
    expr: Tensor
    kept: list[Tensor]
    names: dict[Tensor, str]

    def over(self, declared: Mapping[Tensor, Tensor]) -> Prepared:
        """The same with stand-ins replaced by what they stand for."""
        named = zip(restored(list(self.names), declared), self.names.values(), strict=True)
        return Prepared(
            restored([self.expr], declared)[0], restored(self.kept, declared), dict(named)
        )


def prepare(expr: Tensor) -> Prepared:
    """The expression in stable form, and every quantity of it that may be referred to."""
    order = topological([expr])
    stripped, names = strip_labels(order)
    stable = simplify(stabilise(stripped), strict=True)
    forward = dict(zip(stripped, stable, strict=True))
    renamed: dict[Tensor, str] = {}
    for tensor, name in names.items():
        renamed.setdefault(forward.get(tensor, tensor), name)
    return Prepared(stable[-1], topological(stable), renamed)


def first_order(
    value: Tensor, targets: Sequence[Tensor], kept: Sequence[Tensor], trace: list[Step]
) -> list[Tensor]:
    """Gradients of a scalar, Jacobians of a tensor, simplified."""
    if value.ndim == 0:
        found = cotangents(value, constant(1), targets)
    else:
        found = cotangents(value, identity(value.shape), targets, value.shape)
    return simplify([found[t] for t in targets], kept=kept, trace=trace)


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
    targets, _ = resolve_wrt(expr, list(directions))
    expr, variables, declared = free_variables(expr, targets)
    prepared = prepare(expr)
    along = dict(zip(variables, map(as_tensor, directions.values()), strict=True))
    tangent = restored(tangents([prepared.expr], along), declared)
    prepared = prepared.over(declared)
    return require(simplify(tangent, kept=prepared.kept)[0], prepared.expr)


def vjp(expr: Tensor, cotangent: Any, wrt: Wrt) -> Any:
    """``sum_o cotangent[o] dexpr[o]/dwrt``; a dict by name when ``wrt`` lists several."""
    expr, cotangent = as_tensor(expr), as_tensor(cotangent)
    if cotangent.shape != expr.shape:
        raise ShapeError(
            f"the cotangent has shape {show_shape(cotangent.shape)}, "
            f"it must be the expression's {show_shape(expr.shape)}"
        )
    targets, single = resolve_wrt(expr, wrt)
    expr, variables, declared = free_variables(expr, targets)
    prepared = prepare(expr)
    found = cotangents(prepared.expr, cotangent, variables)
    raw = restored([found[t] for t in variables], declared)
    prepared = prepared.over(declared)
    results = [
        require(r, prepared.expr)
        for r in simplify(raw, kept=[*prepared.kept, *topological([cotangent])])
    ]
    if single:
        return results[0]
    return {t.name or t.label: r for t, r in zip(targets, results, strict=True)}


def hvp(expr: Tensor, wrt: Tensor | str, direction: Any) -> Tensor:
    """The Hessian times a direction, forward over reverse: no Hessian is formed."""
    expr = as_tensor(expr)
    if expr.ndim:
        raise ShapeError(f"hvp needs a scalar, not shape {show_shape(expr.shape)}")
    targets, _ = resolve_wrt(expr, wrt)
    expr, variables, declared = free_variables(expr, targets)
    prepared = prepare(expr)
    trace: list[Step] = []
    gradient = first_order(prepared.expr, variables, prepared.kept, trace)
    tangent = restored(tangents(gradient, {variables[0]: as_tensor(direction)}), declared)
    prepared, gradient = prepared.over(declared), restored(gradient, declared)
    product = simplify(tangent, kept=[*prepared.kept, *topological(gradient)])[0]
    return require(product, prepared.expr)
