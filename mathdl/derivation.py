"""Deriving: from an expression to its gradients, Jacobians and Hessians, and their code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from sympy import KroneckerDelta, Mul

from mathdl.calculus.forward import tangents
from mathdl.calculus.reverse import cotangents
from mathdl.errors import NamingError, OrderError, ShapeError
from mathdl.ir.build import constant, define, out_ranges, read
from mathdl.ir.dim import MAX_AXES, Shape, show_shape
from mathdl.ir.index import out_indices, slot
from mathdl.ir.system import depends_on, inputs_of, rewrite, strip_labels, topological
from mathdl.ir.tensor import Tensor, input_tensor
from mathdl.language.declared import declared_with
from mathdl.language.pointwise import as_tensor
from mathdl.simplify import Step, simplify, stabilise
from mathdl.simplify.facts import UNIT_ROWS

if TYPE_CHECKING:
    from mathdl.generate.compiled import Compiled
    from mathdl.structure import Factor
    from mathdl.verify.report import Report

Wrt = str | Tensor | Iterable[str | Tensor]
Outputs = Literal["value_and_grad", "grad", "value"]


@dataclass(frozen=True)
class Derivation:
    """An expression, what it is differentiated by, and the derivatives.

    ``D["W"]`` is the derivative wrt ``W``, itself a tensor.  For a scalar expression and order 1
    it has ``W``'s shape; a tensor-valued expression's axes come first; every further order
    repeats ``W``'s axes at the end.
    """

    expr: Tensor
    wrt: tuple[Tensor, ...]
    order: int
    derivatives: Mapping[str, Tensor]
    lower: Mapping[str, Tensor]
    names: Mapping[Tensor, str]
    inputs: tuple[Tensor, ...]
    declared: Mapping[str, Tensor] = field(default_factory=dict, repr=False)
    steps: tuple[Step, ...] = field(default=(), repr=False)
    single: bool = False

    def __getitem__(self, key: str | Tensor) -> Tensor:
        name = (key.name or key.label or "") if isinstance(key, Tensor) else key
        if name not in self.derivatives:
            known = ", ".join(self.derivatives)
            raise NamingError(f"no derivative wrt {name!r} here; there are: {known}")
        return self.derivatives[name]

    def __iter__(self) -> Any:
        return iter(self.derivatives)

    def __len__(self) -> int:
        return len(self.derivatives)

    # -- code ----------------------------------------------------------------------------------

    def compile(self, outputs: Outputs = "value_and_grad", *, target: str = "numpy") -> Compiled:
        """A callable that computes the value and the derivatives; ``.source`` is its module."""
        if target != "numpy":
            raise NamingError(f"unknown target {target!r}; there is: numpy")
        made = self._compiled
        if outputs not in made:
            made[outputs] = self._generate(outputs)
        return made[outputs]

    @cached_property
    def _compiled(self) -> dict[str, Compiled]:
        return {}

    def _generate(self, outputs: Outputs) -> Compiled:
        wanted = {
            "value_and_grad": [(self._value_key, self._read_off), *self.derivatives.items()],
            "grad": list(self.derivatives.items()),
            "value": [(self._value_key, self.expr)],
        }
        if outputs not in wanted:
            raise NamingError(f"unknown outputs {outputs!r}; there are: {', '.join(wanted)}")
        return self._code(wanted[outputs], outputs, self.single or outputs == "value")

    def _code(self, wanted: list[tuple[str, Tensor]], function: str, single: bool) -> Compiled:
        from mathdl.generate import generate_numpy

        return generate_numpy(
            wanted,
            names=self.names,
            value=self._value_key if function == "value_and_grad" else None,
            single=single,
            function=function,
            extra_inputs=self.inputs,
            ignored=[name for name in self.declared if name not in self._input_names],
        )

    @cached_property
    def _read_off(self) -> Tensor:
        """The value, from the gradients where that is less to compute."""
        from mathdl.generate.homogeneous import value_from_gradients

        if self.order != 1:
            return self.expr
        by_input = {
            t: self.derivatives[t.name or ""] for t in self.wrt if t.is_input and t.name in self
        }
        return value_from_gradients(self.expr, by_input)

    @cached_property
    def _value_key(self) -> str:
        """What the value is called among the outputs: not as a variable is."""
        key = "value"
        while key in self.derivatives:
            key += "_"
        return key

    @cached_property
    def _input_names(self) -> frozenset[str]:
        return frozenset(t.name or "" for t in self.inputs)

    @property
    def source(self) -> str:
        """The generated module that computes the value and the derivatives."""
        return str(self.compile().source)

    # -- structure ---------------------------------------------------------------------------

    def factors(self, key: str | Tensor | None = None) -> tuple[Factor, ...]:
        """The terms of a derivative with their Kronecker deltas; no dense array is formed."""
        from mathdl.structure import factors

        return factors(self[key if key is not None else next(iter(self.derivatives))])

    def operator(self, /, **arrays: Any) -> Any:
        """The Hessian at a point as a SciPy ``LinearOperator`` on the flattened argument."""
        from mathdl.structure import hessian_operator

        return hessian_operator(self, arrays)

    # -- evidence ------------------------------------------------------------------------------

    def verify(self, **options: Any) -> Report:
        """Check the generated code by finite differences and complex steps."""
        from mathdl.verify import verify

        return verify(self, **options)

    def value_function(self) -> Callable[..., Any]:
        """The expression's value from the inputs by keyword."""
        return self.compile("value")

    def derivative_function(self) -> Callable[..., dict[str, Any]]:
        """The derivatives by name from the inputs by keyword."""
        return self._code(list(self.derivatives.items()), "grad", False)

    def gradient_function(self) -> Callable[..., dict[str, Any]]:
        """The derivatives of one order less, by name: what order ``n`` differentiates."""
        return self._code(list(self.lower.items()), "grad", False)

    # -- presentation --------------------------------------------------------------------------

    def __str__(self) -> str:
        """The definitions that the results share, then one line for each derivative."""
        from mathdl.present.text import to_text

        top = {1: "dL"}.get(self.order, f"d{self.order}L")
        power = "" if self.order == 1 else str(self.order)
        shared: dict[str, str] = {}
        results: list[str] = []
        for name, tensor in self.derivatives.items():
            *definitions, result = to_text(tensor, self.names).split("; ")
            named = dict(d.split(" = ", 1) for d in definitions)
            if any(shared.get(n, text) != text for n, text in named.items()):
                result = "; ".join([*definitions, result])  # its own names mean something else
            else:
                shared.update(named)
            results.append(f"{top}/d{name}{power} = {result}")
        return "\n".join([*(f"{n} = {text}" for n, text in shared.items()), *results])

    def latex(self) -> str:
        """The derivatives as a LaTeX fragment."""
        from mathdl.present.latex import derivation_latex

        return derivation_latex(self.expr, self.derivatives, self.order, self.names)

    def _repr_latex_(self) -> str:
        return self.latex()

    def to_dict(self) -> dict[str, Any]:
        """The derivation as plain data, for JSON."""
        from mathdl.present.latex import to_latex
        from mathdl.present.text import to_text

        return {
            "expression": to_text(self.expr, self.names),
            "wrt": [t.name for t in self.wrt],
            "order": self.order,
            "derivatives": {
                name: {
                    "text": to_text(tensor, self.names),
                    "shape": [str(d) for d in tensor.shape],
                    "latex": to_latex(tensor, self.names),
                }
                for name, tensor in self.derivatives.items()
            },
        }


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


def _free(
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


def _restored(tensors: Sequence[Tensor], declared: Mapping[Tensor, Tensor]) -> list[Tensor]:
    return rewrite(tensors, replace=declared) if declared else list(tensors)


def identity(shape: Shape) -> Tensor:
    """``delta`` between two copies of the axes of ``shape``."""
    count = len(shape)
    symbols = out_indices(2 * count)
    body = Mul(*(KroneckerDelta(symbols[k], symbols[count + k]) for k in range(count)))
    return define(out_ranges((*shape, *shape)), body)


def _check_order(order: Any, shape: Shape, targets: Sequence[Tensor]) -> int:
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
class _Prepared:
    expr: Tensor
    kept: list[Tensor]
    names: dict[Tensor, str]

    def over(self, declared: Mapping[Tensor, Tensor]) -> _Prepared:
        """The same with stand-ins replaced by what they stand for."""
        named = zip(_restored(list(self.names), declared), self.names.values(), strict=True)
        return _Prepared(
            _restored([self.expr], declared)[0], _restored(self.kept, declared), dict(named)
        )


def prepare(expr: Tensor) -> _Prepared:
    """The expression in stable form, and every quantity of it that may be referred to."""
    order = topological([expr])
    stripped, names = strip_labels(order)
    stable = simplify(stabilise(stripped), strict=True)
    forward = dict(zip(stripped, stable, strict=True))
    renamed: dict[Tensor, str] = {}
    for tensor, name in names.items():
        renamed.setdefault(forward.get(tensor, tensor), name)
    return _Prepared(stable[-1], topological(stable), renamed)


def first_order(
    value: Tensor, targets: Sequence[Tensor], kept: Sequence[Tensor], trace: list[Step]
) -> list[Tensor]:
    """Gradients of a scalar, Jacobians of a tensor, simplified."""
    if value.ndim == 0:
        found = cotangents(value, constant(1), targets)
    else:
        found = cotangents(value, identity(value.shape), targets, value.shape)
    return simplify([found[t] for t in targets], kept=kept, trace=trace)


def derive(expr: Tensor, wrt: Wrt, order: int = 1) -> Derivation:
    """The derivatives of ``expr`` of the given order.

    ``wrt`` is a name or tensor, or several; named quantities (``Z = X @ W; ...``) count as
    independent variables.  Raises ``NamingError`` for an unknown name and ``OrderError`` for an
    order that is not a positive integer.
    """
    expr = as_tensor(expr)
    targets, single = resolve_wrt(expr, wrt)
    alongside = declared_with(expr)
    _check_order(order, expr.shape, targets)
    expr, variables, declared = _free(expr, targets)
    prepared = prepare(expr)
    trace: list[Step] = []
    current = first_order(prepared.expr, variables, prepared.kept, trace)
    below = current
    for k in range(1, order):
        below = current
        kept = [*prepared.kept, *topological(below)]
        current = [
            first_order(d, [v], kept, trace)[0] if k else d
            for d, v in zip(below, variables, strict=True)
        ]
    if declared:
        prepared, below = prepared.over(declared), _restored(below, declared)
        kept = [*prepared.kept, *(topological(below) if order > 1 else [])]
        current = simplify(_restored(current, declared), kept=kept, trace=trace)
        variables = [declared.get(v, v) for v in variables]
    current = [_require(d, prepared.expr) for d in current]
    keys = [t.name or t.label or "" for t in targets]
    return Derivation(
        expr=prepared.expr,
        wrt=tuple(variables),
        order=order,
        derivatives=dict(zip(keys, current, strict=True)),
        lower=dict(zip(keys, below, strict=True)),
        names=prepared.names,
        inputs=_arguments(_restored([expr], declared)[0], variables, alongside),
        declared=alongside,
        steps=tuple(trace),
        single=single,
    )


def compile_expression(expr: Any) -> Compiled:
    """A callable that computes ``expr`` from its inputs, in a stable form; ``.source`` is its code.

    Called with arrays by keyword, or in the order of declaration.
    """
    from mathdl.generate import generate_numpy

    expr = as_tensor(expr)
    prepared = prepare(expr)
    return generate_numpy(
        [("value", prepared.expr)], names=prepared.names, value=None, single=True,
        function="value", extra_inputs=_arguments(expr, [], declared_with(expr)),
        ignored=[n for n, t in declared_with(expr).items() if t not in inputs_of([expr])],
    )


def _arguments(
    expr: Tensor, variables: Sequence[Tensor], declared: Mapping[str, Tensor]
) -> tuple[Tensor, ...]:
    """What the code asks for: the inputs in the order in which they were declared."""
    needed = dict.fromkeys([*inputs_of([expr]), *variables])
    return tuple(dict.fromkeys([*(t for t in declared.values() if t in needed), *needed]))


def _require(derivative: Tensor, expr: Tensor) -> Tensor:
    """A derivative holds under the conditions on dims under which the expression does."""
    conditions = dict.fromkeys(r for t in topological([expr]) for r in t.requires)
    if not conditions:
        return derivative
    return define(out_ranges(derivative.shape), slot(0), [read(derivative)], requires=conditions)


def jvp(expr: Tensor, directions: Mapping[Tensor, Tensor]) -> Tensor:
    """The derivative of ``expr`` along directions: ``sum_v dexpr/dv . directions[v]``."""
    expr, variables, declared = _free(as_tensor(expr), list(directions))
    prepared = prepare(expr)
    along = dict(zip(variables, map(as_tensor, directions.values()), strict=True))
    tangent = _restored(tangents([prepared.expr], along), declared)
    prepared = prepared.over(declared)
    return _require(simplify(tangent, kept=prepared.kept)[0], prepared.expr)


def vjp(expr: Tensor, cotangent: Any, wrt: Wrt) -> Any:
    """``sum_o cotangent[o] dexpr[o]/dwrt``; a dict by name when ``wrt`` lists several."""
    expr, cotangent = as_tensor(expr), as_tensor(cotangent)
    if cotangent.shape != expr.shape:
        raise ShapeError(
            f"the cotangent has shape {show_shape(cotangent.shape)}, "
            f"it must be the expression's {show_shape(expr.shape)}"
        )
    targets, single = resolve_wrt(expr, wrt)
    expr, variables, declared = _free(expr, targets)
    prepared = prepare(expr)
    found = cotangents(prepared.expr, cotangent, variables)
    raw = _restored([found[t] for t in variables], declared)
    prepared = prepared.over(declared)
    results = [
        _require(r, prepared.expr)
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
    expr, variables, declared = _free(expr, targets)
    prepared = prepare(expr)
    trace: list[Step] = []
    gradient = first_order(prepared.expr, variables, prepared.kept, trace)
    tangent = _restored(tangents(gradient, {variables[0]: as_tensor(direction)}), declared)
    prepared, gradient = prepared.over(declared), _restored(gradient, declared)
    product = simplify(tangent, kept=[*prepared.kept, *topological(gradient)])[0]
    return _require(product, prepared.expr)


__all__ = ["Derivation", "compile_expression", "derive", "hvp", "jvp", "vjp"]
