"""Stable forms, whatever form the user wrote: equal in exact arithmetic, safe in floats.

* ``log(sum exp z) = m + log(sum exp(z - m))`` and ``exp(z)/sum exp(z)`` with both shifted, for
  any ``m``; the greatest ``z`` is taken.  As the value does not depend on ``m``, its accesses
  are *held*: constants for differentiation.
* ``log(exp(u) r) = u + log(r)``, ``log(mean exp z) = log(sum exp z) - log(n)``;
* ``log(1 + exp u) = softplus(u)``, ``log(sigmoid u)``, ``1/(1 + exp(-u)) = sigmoid(u)``,
  ``exp(u) - 1 = expm1(u)``, ``log(1 + u) = log1p(u)`` and their kin;
* ``log(det A) = logdet(A)``, and that of a power of it; ``log(prod p) = sum(log p)``;
* ``mean(x**2) - mean(x)**2 = mean((x - mean(x))**2)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mathdl.ir.build import redefine
from mathdl.ir.steps import Rewrite, Step
from mathdl.ir.system import rewrite
from mathdl.ir.tensor import Access, Tensor
from mathdl.language.recurrence import rewrite_steps
from mathdl.simplify.determinants import logarithm_of_determinant
from mathdl.simplify.engine import Context, Rule
from mathdl.simplify.likelihoods import logarithm_of_entries
from mathdl.simplify.scalar_forms import scalar_forms
from mathdl.simplify.shifting import (
    logarithm_of_mean,
    logarithm_of_product,
    power_of_exponential,
    shift,
)
from mathdl.simplify.variance import variance


def _alone(transform: Callable[[Tensor], Tensor | None]) -> Callable[..., Tensor | None]:
    """A transform that needs to know nothing of the system around an equation."""
    return lambda tensor, _: transform(tensor)


STABLE_FORMS = tuple(
    Rule(name, law, _alone(transform))
    for name, law, transform in (
        ("power of an exponential", "exp(u)**c = exp(c u)", power_of_exponential),
        ("logarithm of a determinant", "log(det(A)) = logdet(A)", logarithm_of_determinant),
        ("logarithm of all entries", "log(prod(p)) = sum(log(p))", logarithm_of_entries),
        ("logarithm of a product", "log(exp(u) r) = u + log(r)", logarithm_of_product),
        ("logarithm of a mean", "log(mean(exp z)) = log(sum(exp z)) - log(n)", logarithm_of_mean),
        ("shift", "exp(z)/sum(exp z) and log(sum(exp z)) with z - m for z, m held", shift),
        ("stable form", "log(1 + exp u) = softplus(u), and its kin", scalar_forms),
        ("variance", "mean(x**2) - mean(x)**2 = mean((x - mean(x))**2)", variance),
    )
)


def stabilise(outputs: Sequence[Tensor], trace: list[Step] | None = None) -> list[Tensor]:
    """The outputs with every unstable form rewritten."""

    def rule(tensor: Tensor, operands: tuple[Access, ...]) -> Tensor:
        current = redefine(tensor, operands)
        for form in STABLE_FORMS:
            for _ in range(8):
                after = form.apply(current, _NOTHING)
                if after is None or after is current:
                    break
                if trace is not None:
                    trace.append(Rewrite(form, current, after))
                current = after
        return current

    def inside(step: list[Tensor]) -> list[Tensor]:
        return stabilise(step, trace)

    return rewrite(rewrite_steps(outputs, inside, trace=trace), rule)


_NOTHING = Context()
