"""Deriving: from an expression to its gradients, Jacobians and Hessians, and their code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from mathdl.calculus.structure import Factor, factors
from mathdl.differentiate import (
    Wrt,
    check_order,
    first_order,
    free_variables,
    hvp,
    prepare,
    require,
    resolve_wrt,
    restored,
)
from mathdl.errors import NamingError, OrderError
from mathdl.ir.system import inputs_of, topological
from mathdl.ir.tensor import Tensor, input_tensor
from mathdl.language.declared import declared_with
from mathdl.language.pointwise import as_tensor
from mathdl.simplify import Step, simplify
from mathdl.simplify.chosen import choose

if TYPE_CHECKING:
    from mathdl.generate.compiled import Compiled
    from mathdl.verify.report import Report

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

        chosen = choose([*(tensor for _, tensor in wanted), *self.names])
        return generate_numpy(
            [(key, tensor) for (key, _), tensor in zip(wanted, chosen, strict=False)],
            names=dict(zip(chosen[len(wanted):], self.names.values(), strict=True)),
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
        return factors(self[key if key is not None else next(iter(self.derivatives))])

    def operator(self, /, **arrays: Any) -> Any:
        """The Hessian at a point as a SciPy ``LinearOperator`` on the flattened argument.

        Each product is one Hessian-vector product, forward over reverse; no Hessian is formed.
        """
        if self.order != 2 or len(self.wrt) != 1 or self.expr.ndim:
            raise OrderError(
                "operator() is for the Hessian of a scalar wrt one tensor: "
                "derive(..., wrt=w, order=2)"
            )
        import numpy as np
        from scipy.sparse.linalg import LinearOperator

        (target,) = self.wrt
        name = "direction"
        while name in self._input_names:
            name += "_"
        direction = input_tensor(name, target.shape)
        code = compile_expression(hvp(self.expr, target, direction))
        known = {k: np.asarray(v) for k, v in arrays.items() if k in code.inputs}
        shape = np.shape(arrays[target.name or ""])
        dtype = np.result_type(np.float32, *(a.dtype for a in known.values()))

        def product(vector: Any) -> Any:
            return np.asarray(code(**known, **{name: np.reshape(vector, shape)})).reshape(-1)

        size = int(np.prod(shape))
        return LinearOperator((size, size), matvec=product, rmatvec=product, dtype=dtype)

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


# -- deriving ---------------------------------------------------------------------------------


def derive(expr: Tensor, wrt: Wrt, order: int = 1) -> Derivation:
    """The derivatives of ``expr`` of the given order.

    ``wrt`` is a name or tensor, or several; named quantities (``Z = X @ W; ...``) count as
    independent variables.  Raises ``NamingError`` for an unknown name and ``OrderError`` for an
    order that is not a positive integer.
    """
    expr = as_tensor(expr)
    targets, single = resolve_wrt(expr, wrt)
    alongside = declared_with(expr)
    check_order(order, expr.shape, targets)
    expr, variables, declared = free_variables(expr, targets)
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
        prepared, below = prepared.over(declared), restored(below, declared)
        kept = [*prepared.kept, *(topological(below) if order > 1 else [])]
        current = simplify(restored(current, declared), kept=kept, trace=trace)
        variables = [declared.get(v, v) for v in variables]
    current = [require(d, prepared.expr) for d in current]
    keys = [t.name or t.label or "" for t in targets]
    return Derivation(
        expr=prepared.expr,
        wrt=tuple(variables),
        order=order,
        derivatives=dict(zip(keys, current, strict=True)),
        lower=dict(zip(keys, below, strict=True)),
        names=prepared.names,
        inputs=_arguments(restored([expr], declared)[0], variables, alongside),
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
    value, *named = choose([prepared.expr, *prepared.names])
    return generate_numpy(
        [("value", value)], names=dict(zip(named, prepared.names.values(), strict=True)),
        value=None, single=True, function="value",
        extra_inputs=_arguments(expr, [], declared_with(expr)),
        ignored=[n for n, t in declared_with(expr).items() if t not in inputs_of([expr])],
    )


def _arguments(
    expr: Tensor, variables: Sequence[Tensor], declared: Mapping[str, Tensor]
) -> tuple[Tensor, ...]:
    """What the code asks for: the inputs in the order in which they were declared."""
    needed = dict.fromkeys([*inputs_of([expr]), *variables])
    return tuple(dict.fromkeys([*(t for t in declared.values() if t in needed), *needed]))
