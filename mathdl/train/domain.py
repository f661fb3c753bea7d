"""Whether the steps of an optimizer keep what a model assumes of its parameters."""

from __future__ import annotations

from mathdl.errors import UnsupportedError
from mathdl.ir.assumptions import ASSUMPTIONS, closure
from mathdl.ir.system import inputs_of
from mathdl.train.model import Model
from mathdl.train.optimizers import OPTIMIZERS, Optimizer


def must_stay(optimizer: Optimizer, model: Model) -> None:
    """The parameters stay where they are assumed to be.

    Raises:
        UnsupportedError: they may leave, or the rule is for others.
    """
    inputs = inputs_of([model.expression("loss")])
    for tensor in (t for t in inputs if t.name in model.parameters):
        facts = {name for name in tensor.assume if not ASSUMPTIONS[name].hint}
        if optimizer.domain and optimizer.domain not in facts:
            raise UnsupportedError(f"the optimizer {optimizer.name} is for parameters that are "
                                   f"assumed {optimizer.domain}; {tensor.name} is not")
        left = facts - closure([optimizer.domain] if optimizer.domain else [])
        if left:
            raise UnsupportedError(f"the optimizer {optimizer.name} may leave what is assumed of "
                                   f"{tensor.name}: {_main(left)}{_hint(left)}")
    if optimizer.domain == "probability_vector" and len(model.parameters) > 1:
        raise UnsupportedError(f"the optimizer {optimizer.name} is for one vector, not for "
                               f"{', '.join(model.parameters)}")


def _main(facts: set[str]) -> str:
    """The facts that do not follow from the others."""
    implied = {other for name in facts for other in closure([name]) - {name}}
    return ", ".join(sorted(facts - implied))


def _hint(facts: set[str]) -> str:
    keeping = [name for name, one in OPTIMIZERS.items()
               if one.domain and facts <= closure([one.domain])]
    return f"; {' and '.join(keeping)} would keep it" if keeping else ""
