"""Deriving: from an expression to its gradients, Jacobians and Hessians, and their code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mathdl.calculus.structure import Factor, factors
from mathdl.differentiate import (
    derive_blocks,
    hvp,
    in_space,
    prepare,
    reordered,
)
from mathdl.errors import AssumptionError, NamingError, OrderError
from mathdl.ir.serial import serial
from mathdl.ir.steps import Step
from mathdl.ir.system import inputs_of, put_labels
from mathdl.ir.tensor import Tensor, input_tensor
from mathdl.language.declared import declared_with
from mathdl.language.pointwise import as_tensor
from mathdl.request import (
    Block,
    BlockWrt,
    Key,
    Space,
    block_meant,
    declared_by,
    is_inside,
    name_of,
    resolve_outputs,
    resolve_request,
    space_named,
)
from mathdl.simplify.computed import computed
from mathdl.simplify.subgradients import at_zero

if TYPE_CHECKING:
    from mathdl.formal import Certificate
    from mathdl.generate.compiled import Compiled
    from mathdl.proof import Proof
    from mathdl.verify.report import Report

Outputs = Literal["value_and_grad", "grad", "value"]


@dataclass(frozen=True)
class Derivation:
    """Expressions, what they are differentiated by, and the derivatives.

    ``D["W"]`` is the derivative wrt ``W``, itself a tensor.  For a scalar expression and order 1
    it has ``W``'s shape; a tensor-valued expression's axes come first; every further order
    repeats ``W``'s axes at the end.  ``D["W", "b"]`` is the mixed derivative ``d/db d/dW``, with
    ``W``'s axes before ``b``'s; ``D["b", "W"]`` is the same with the axes in that order.  Of
    several expressions the name comes first: ``D["f", "W"]``, ``D["f", "W", "b"]``.

    ``derivatives`` has them by key, the names with commas between: ``"W,b"``, ``"f,W"``.
    """

    outputs: Mapping[str, Tensor]
    wrt: tuple[Tensor, ...]
    order: int
    blocks: Mapping[str, Block]
    derivatives: Mapping[str, Tensor]
    lower: Mapping[str, Tensor]
    names: Mapping[Tensor, str]
    inputs: tuple[Tensor, ...]
    space: Space | None = None
    declared: Mapping[str, Tensor] = field(default_factory=dict, repr=False)
    steps: tuple[Step, ...] = field(default=(), repr=False)
    written: tuple[Tensor, ...] = field(default=(), repr=False)
    hints: Mapping[Tensor, str] = field(default_factory=dict, repr=False)
    single: bool = False

    @property
    def expr(self) -> Tensor:
        """The expression, of which there must be one only; ``outputs`` has several by name."""
        if "" not in self.outputs:
            raise NamingError(f"there are several expressions: {', '.join(self.outputs)}")
        return self.outputs[""]

    def __getitem__(self, key: Key | tuple[Key, ...]) -> Tensor:
        return put_labels([self.bare(key)], self.names)[0]

    def bare(self, key: Key | tuple[Key, ...]) -> Tensor:
        """A derivative without the names of the quantities that it reads."""
        wanted = block_meant(key, self.order, lone="" in self.outputs)
        if wanted.key in self.derivatives:
            return self.derivatives[wanted.key]
        for found, block in self.blocks.items():
            if block.output == wanted.output and sorted(block.path) == sorted(wanted.path):
                return reordered(self.derivatives[found], block.path, wanted.path, self._ranks)
        known = "; ".join(self.derivatives)
        raise NamingError(f"no derivative wrt {wanted.key!r} here; there are: {known}")

    @cached_property
    def _ranks(self) -> dict[str, int]:
        return {name_of(t): t.ndim for t in self.wrt}

    def __iter__(self) -> Any:
        return iter(self.derivatives)

    def __len__(self) -> int:
        return len(self.derivatives)

    # -- code ----------------------------------------------------------------------------------

    @serial
    def compile(self, outputs: Outputs = "value_and_grad", *, target: str = "numpy") -> Compiled:
        """A callable that computes the value and the derivatives; ``.source`` is its module.

        It returns the value, and the derivatives as a dict by key (``"W"``, ``"W,b"``), or the
        bare array when ``wrt`` was a single name.  Of several expressions it returns one dict:
        values by name (``"f"``), derivatives by key (``"f,W"``).  ``"grad"`` gives the
        derivatives alone, ``"value"`` the values.
        """
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
        gradients = self._derivatives
        wanted = {
            "value_and_grad": [*self._read_off.items(), *gradients],
            "grad": gradients,
            "value": [(self._value_keys[name], e) for name, e in self.outputs.items()],
        }
        if outputs not in wanted:
            raise NamingError(f"unknown outputs {outputs!r}; there are: {', '.join(wanted)}")
        lone = outputs == "value" and "" in self.outputs
        return self._code(wanted[outputs], outputs, self.single or lone)

    @serial
    def _code(self, wanted: list[tuple[str, Tensor]], function: str, single: bool) -> Compiled:
        from mathdl.generate import generate_numpy

        chosen = computed([*(tensor for _, tensor in wanted), *self.names])
        return generate_numpy(
            [(key, tensor) for (key, _), tensor in zip(wanted, chosen, strict=False)],
            names=dict(zip(chosen[len(wanted):], self.names.values(), strict=True)),
            value=self._value_keys.get("") if function == "value_and_grad" else None,
            single=single,
            function=function,
            extra_inputs=self.inputs,
            ignored=[name for name in self.declared if name not in self._input_names],
        )

    @property
    def _derivatives(self) -> list[tuple[str, Tensor]]:
        """The derivatives as they are computed, with the subgradient of a norm that is 0."""
        return list(zip(self.derivatives, at_zero([*self.derivatives.values()]), strict=True))

    @cached_property
    def _read_off(self) -> dict[str, Tensor]:
        """The values by key, from the gradients where that is less to compute."""
        from mathdl.generate.homogeneous import value_from_gradients

        found = {}
        for name, expr in self.outputs.items():
            gradients = {
                t: self.bare((name, t) if name else t) for t in self.wrt
                if self.order == 1 and t.is_input and not is_inside(t, self.space)
            }
            found[self._value_keys[name]] = (
                value_from_gradients(expr, gradients) if gradients else expr
            )
        return found

    @cached_property
    def _value_keys(self) -> dict[str, str]:
        """What each value is called among the results: not as a derivative is."""
        key = "value"
        while key in self.derivatives:
            key += "_"
        return {name: name or key for name in self.outputs}

    @cached_property
    def _input_names(self) -> frozenset[str]:
        return frozenset(t.name or "" for t in self.inputs)

    @property
    def source(self) -> str:
        """The generated module that computes the value and the derivatives."""
        return str(self.compile().source)

    # -- structure ---------------------------------------------------------------------------

    def factors(self, key: Key | tuple[Key, ...] | None = None) -> tuple[Factor, ...]:
        """The terms of a derivative with their Kronecker deltas; no dense array is formed."""
        return factors(self.bare(key if key is not None else next(iter(self.derivatives))))

    def operator(self, /, **arrays: Any) -> Any:
        """The Hessian at a point as a SciPy ``LinearOperator`` on the flattened argument.

        Each product is one Hessian-vector product, forward over reverse; no Hessian is formed.
        """
        lone = len(self.outputs) == len(self.wrt) == 1
        if self.order != 2 or not lone or next(iter(self.outputs.values())).ndim:
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
        (expr,) = self.outputs.values()
        along = in_space(direction, self.wrt, self.space)[0]
        mapped, _ = in_space(hvp(expr, target, along), self.wrt, self.space)
        code = compile_expression(mapped)
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

    def certificate(self) -> Certificate:
        """The derivation as a theorem for all dims, which Coq checks.

        ``.source`` is the file, ``.statement`` the theorem alone, ``.check()`` what Coq says.
        """
        from mathdl.formal import Certificate

        return Certificate(self.proof)

    def value_function(self) -> Callable[..., dict[str, Any]]:
        """The expressions' values by name from the inputs by keyword."""
        code = self.compile("value")
        return (lambda **arrays: {"": code(**arrays)}) if "" in self.outputs else code

    def derivative_function(self) -> Callable[..., dict[str, Any]]:
        """The derivatives by key from the inputs by keyword."""
        return self._code(self._derivatives, "grad", False)

    def gradient_function(self) -> Callable[..., dict[str, Any]]:
        """The derivatives of one order less, by key: what order ``n`` differentiates."""
        return self._code(list(self.lower.items()), "grad", False)

    @cached_property
    @serial
    def proof(self) -> Proof:
        """The derivation as a proof: numbered steps with their premises, which can be checked."""
        from mathdl.proof import proof_of

        return proof_of(
            dict(zip(self.outputs, self.written, strict=True)), self.blocks,
            self.derivatives, self.steps, self.names, self.outputs,
            self.hints, self.inputs,
        )

    # -- presentation --------------------------------------------------------------------------

    def __str__(self) -> str:
        """:meth:`pretty`, or :meth:`text` where standard output cannot show it."""
        from mathdl.present.glyphs import printable

        shown = self.pretty()
        return shown if printable(shown) else self.text()

    def pretty(self, detail: str = "lecture", width: int | None = None) -> str:
        """What is given, the steps with reasons and the results in Unicode, to be read.

        ``detail`` is ``lecture`` or ``full``; ``width`` that of the terminal without one, within
        80 and 120 cells.
        """
        return self.proof.pretty(detail, width)

    def text(self) -> str:
        """The definitions that the results share, then one line for each derivative."""
        from mathdl.present.text import derivation_text

        return derivation_text(self._lines, self.order, self.names, self.hints)

    def pdf(self, path: str | Path, detail: str = "lecture") -> Path:
        """Write theorem and proof as PDF, through the installed TeX; see :meth:`Proof.pdf`."""
        return self.proof.pdf(path, detail)

    def latex(self, *, standalone: bool = False) -> str:
        """The derivatives as a LaTeX fragment; with the proof as a document when ``standalone``."""
        if standalone:
            return self.proof.latex(standalone=True)
        from mathdl.present.latex import derivation_latex

        values = {_shown(name): tensor for name, tensor in self.outputs.items()}
        return derivation_latex(values, self._lines, self.order, self.names, self.hints)

    def html(self, detail: str = "lecture", title: str = "") -> str:
        """Theorem and proof as an HTML page that works offline (the extra ``html``)."""
        return self.proof.html(detail, title)

    def markdown(self, detail: str = "lecture", title: str = "") -> str:
        """The results in GitHub's Markdown, with the steps to unfold."""
        from mathdl.present.markdown import proof_markdown

        return proof_markdown(self.proof, detail, title, fold=True)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    @cached_property
    def _lines(self) -> list[tuple[str, list[tuple[str, int, int]], Tensor]]:
        """Of each derivative: what of, by what with its rank and power in turn, and itself."""
        return [
            (_shown(block.output), [(name, self._ranks[name], k) for name, k in block.powers],
             self.derivatives[key])
            for key, block in self.blocks.items()
        ]

    def _repr_latex_(self) -> str:
        return self.latex()

    def to_dict(self) -> dict[str, Any]:
        """The derivation as plain data, for JSON."""
        from mathdl.present.latex import to_latex
        from mathdl.present.text import to_text

        expressions = {name: to_text(e, self.names) for name, e in self.outputs.items()}
        return {
            **({"expression": expressions[""]} if "" in expressions else
               {"expressions": expressions}),
            "wrt": [t.name for t in self.wrt],
            "order": self.order,
            "symmetric": self.space.name if self.space else "ambient",
            "derivatives": {
                key: {
                    "text": to_text(tensor, self.names),
                    "shape": [str(d) for d in tensor.shape],
                    "latex": to_latex(tensor, self.names),
                }
                for key, tensor in self.derivatives.items()
            },
        }


def _shown(output: str) -> str:
    """What an output is called in print: a lone one ``L``, those of a list ``L0``, ``L1``."""
    return output if output.isidentifier() else f"L{output}"


# -- deriving ---------------------------------------------------------------------------------


@serial
def derive(
    expr: Tensor | Mapping[str, Tensor] | Sequence[Tensor],
    wrt: BlockWrt,
    order: int = 1,
    *,
    symmetric: str = "ambient",
) -> Derivation:
    r"""The derivatives of ``expr`` of the given order.

    expr
        A tensor expression; or several, as a mapping by name or a list, which then are named
        ``"0"``, ``"1"``, ...  They are derived, simplified and compiled together.
    wrt
        A name or tensor, or several; named quantities (``Z = X @ W; ...``) count as independent
        variables.  Several names at order 2 give all blocks of the Hessian, each pair once:
        ``["W", "b"]`` gives ``D["W"]``, ``D["W", "b"]`` and ``D["b"]``.  A tuple among them is
        that mixed derivative alone: ``[("W", "b")]`` is ``d/db d/dW``, and k names are order k.
    order
        1 gradients or Jacobians, 2 Hessians.  Tuples say it themselves; names beside them are
        taken to the same order.
    symmetric
        Where the derivatives by arguments assumed ``symmetric`` (or ``positive_definite``, or
        otherwise symmetric by implication) live.  With ``G`` the derivative by free entries:

        * ``"ambient"``: ``G`` itself;
        * ``"projected"``: ``(G + G.T)/2``, the orthogonal projection onto symmetric matrices,
          the one symmetric ``P`` with ``df = <P, dS>`` for all symmetric ``dS``: the gradient
          for the Frobenius inner product.  Srinivasan and Panda, What is the gradient of a
          scalar function of a symmetric matrix?, arXiv:1911.06491;
        * ``"vech"``: ``G + G.T - diag(G)``, the derivatives by the entries ``S[i, j], i >= j``,
          each of which moves ``S[j, i]`` along: ``df = sum_(i >= j) V[i, j] dS[i, j]``.  Not a
          direction of steepest descent.  Petersen and Pedersen, The Matrix Cookbook, section
          2.8.2; Magnus and Neudecker, Matrix Differential Calculus, ch. 3 (``D' vec G``, with
          the duplication matrix ``D``).

        For higher orders the same linear map acts on each such argument's axes.

    Shapes: the expression's axes, then those of each variable in turn.  Raises ``NamingError``
    for an unknown name or option, ``OrderError`` for an order that is not a positive integer or
    not that of the tuples, ``AssumptionError`` for a space of symmetric matrices when no
    argument is symmetric.
    """
    outputs = resolve_outputs(expr)
    request = resolve_request(outputs, wrt, order)
    space = space_named(symmetric)
    if space and not any(is_inside(t, space) for t in request.targets):
        raise AssumptionError(
            f"symmetric={space.name!r} needs an argument that is assumed symmetric, as in "
            'assume={"S": "symmetric"}'
        )
    alongside = declared_by(outputs.values())
    trace: list[Step] = []
    found = derive_blocks(outputs, request, space, trace)
    return Derivation(
        outputs=found.outputs,
        wrt=found.variables,
        order=request.order,
        blocks={block.key: block for block in found.blocks},
        derivatives={block.key: tensor for block, tensor in found.blocks.items()},
        lower={block.key: tensor for block, tensor in found.below.items()},
        names=found.names,
        hints=found.hints,
        inputs=_arguments(found.written, found.variables, alongside),
        space=space,
        declared=alongside,
        steps=tuple(trace),
        written=tuple(found.written),
        single=request.single and "" in outputs,
    )


@serial
def compile_expression(expr: Any) -> Compiled:
    """A callable that computes ``expr`` from its inputs, in a stable form; ``.source`` is its code.

    Called with arrays by keyword, or in the order that :func:`mathdl.parse` was told; what was
    built by operators takes them in the order of their names.  Of several expressions, a mapping
    by name, it returns a dict.
    """
    from mathdl.generate import generate_numpy

    lone = not isinstance(expr, Mapping)
    written = {"value": as_tensor(expr)} if lone else {k: as_tensor(e) for k, e in expr.items()}
    exprs = list(written.values())
    prepared = prepare(exprs)
    chosen = computed([*prepared.exprs, *prepared.names])
    declared = declared_with(exprs[0]) if lone else {}
    return generate_numpy(
        list(zip(written, chosen, strict=False)),
        names=dict(zip(chosen[len(exprs):], prepared.names.values(), strict=True)),
        value=None, single=lone, function="value" if lone else "values",
        extra_inputs=_arguments(exprs, [], declared),
        ignored=[n for n, t in declared.items() if t not in inputs_of(exprs)],
    )


def _arguments(
    exprs: Sequence[Tensor], variables: Sequence[Tensor], declared: Mapping[str, Tensor]
) -> tuple[Tensor, ...]:
    """What the code asks for: the inputs as they were declared to the parser, then by name."""
    needed = dict.fromkeys([*inputs_of(exprs), *variables])
    return tuple(dict.fromkeys([*(t for t in declared.values() if t in needed), *needed]))
