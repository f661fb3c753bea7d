"""Stable forms, whatever form the user wrote: equal in exact arithmetic, safe in floats.

* ``log(sum exp z) = m + log(sum exp(z - m))`` and ``exp(z)/sum exp(z)`` with both shifted, for
  any ``m``; the greatest ``z`` is taken.  As the value does not depend on ``m``, its accesses
  are *held*: constants for differentiation.
* ``log(exp(u) r) = u + log(r)``, ``log(mean exp z) = log(sum exp z) - log(n)``;
* ``log(1 + exp u) = softplus(u)``, ``log(sigmoid u)``, ``1/(1 + exp(-u)) = sigmoid(u)``,
  ``exp(u) - 1 = expm1(u)``, ``log(1 + u) = log1p(u)`` and their kin;
* ``mean(x**2) - mean(x)**2 = mean((x - mean(x))**2)``.
"""

from __future__ import annotations

from collections.abc import Sequence

from mathdl.ir.build import redefine
from mathdl.ir.system import rewrite
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.recurrence import rewrite_steps
from mathdl.simplify.scalar_forms import scalar_forms
from mathdl.simplify.shifting import logarithm_of_mean, logarithm_of_product, shift
from mathdl.simplify.variance import variance


def stabilise(outputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs with every unstable form rewritten."""

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        current = redefine(tensor, operands)
        for transform in (logarithm_of_product, logarithm_of_mean, shift, scalar_forms, variance):
            for _ in range(8):
                after = transform(current)
                if after is None or after is current:
                    break
                current = after
        return current

    return rewrite(rewrite_steps(outputs, stabilise), rule)
