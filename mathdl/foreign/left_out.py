"""With an expression at hand: a quantity that is differentiated as if it were constant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mathdl.derivation import compile_expression, derive
from mathdl.errors import MathDLError
from mathdl.foreign.exact import Exact
from mathdl.foreign.guess import evidence
from mathdl.foreign.report import Diagnosis
from mathdl.foreign.samples import Sample
from mathdl.generate.compiled import Compiled
from mathdl.ir.system import depends_on, rewrite, topological
from mathdl.ir.tensor import Tensor, input_tensor
from mathdl.verify.noise import Array

_HELD = "held_quantity"
_MOST = 40  # quantities of an expression that are tried


def left_out(exact: Exact, tensor: str) -> Callable[[Sequence[Sample]], Iterator[Diagnosis]]:
    """Each quantity below a scalar expression held constant; the claim is that derivative."""

    def tried(samples: Sequence[Sample]) -> Iterator[Diagnosis]:
        if exact.subject.form != "gradient" or exact.expr.ndim:
            return
        (x,) = (t for t in exact.subject.inputs if t.name == tensor)
        carrying = depends_on([exact.expr], [x])
        nodes = [t for t in topological([exact.expr])
                 if not t.is_input and id(t) in carrying and t is not exact.expr]
        for node in nodes[:_MOST]:
            try:
                gradient, value = _held(exact.expr, node, tensor)
            except MathDLError:
                continue
            if all(_claims(s, _evaluated(exact, s, gradient, value)) for s in samples):
                yield Diagnosis(
                    tensor, "missing term", f"the dependence of {node} on {tensor} is left out, "
                    "as if it were constant", evidence(samples))

    return tried


def _held(expr: Tensor, node: Tensor, tensor: str) -> tuple[Compiled, Compiled]:
    """The gradient with the quantity as an input, and the quantity."""
    constant = input_tensor(_HELD, node.shape)
    (without,) = rewrite([expr], replace={node: constant})
    gradient = derive(without, wrt=tensor)[tensor]
    return compile_expression(gradient), compile_expression(node)


def _evaluated(exact: Exact, s: Sample, gradient: Compiled, value: Compiled) -> Array:
    held = exact.evaluated(value, s.arrays)
    return exact.evaluated(gradient, {**s.arrays, _HELD: held})


def _claims(s: Sample, expected: Array) -> bool:
    if expected.shape != s.claimed.shape:
        return False
    size = float(np.max(np.abs(expected), initial=0.0))
    return bool(np.all(np.abs(expected - s.claimed) <= s.slack + 1e-9 * size))
