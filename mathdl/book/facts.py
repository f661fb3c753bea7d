"""What is found of an entry of the catalogue besides its gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from inspect import signature
from typing import Any

import mathdl as md
from mathdl.catalogue import Entry, Instance
from mathdl.catalogue.optimizers.legend import applied, argument
from mathdl.convexity import curvature, smoothness
from mathdl.errors import UnsupportedError
from mathdl.ir.build import constant
from mathdl.ir.system import inputs_of
from mathdl.ir.tensor import Tensor
from mathdl.present.text import to_text
from mathdl.simplify import simplify

Facts = tuple[tuple[str, str], ...]


def derived_facts(entry: Entry, instance: Instance) -> Facts:
    """What is known of the entries of its family, by what that is."""
    found = OF_FAMILY.get(entry.family)
    return found(entry, instance) if found is not None else ()


def of_loss(entry: Entry, instance: Instance) -> Facts:
    """Its curvature in the prediction, and between what its Hessian lies."""
    if instance.expr.ndim:
        return ()
    name = instance.wrt[0]
    found = smoothness(instance.expr, name)
    facts = (("curvature", f"{curvature(instance.expr, name).kind} in {name}"),)
    if found.lipschitz is None:
        return (*facts, ("smooth", f"not shown: {found.reason}"))
    strong = "not shown" if found.strong is None else to_text(found.strong)
    return (*facts, ("gradient's Lipschitz constant", to_text(found.lipschitz)),
            ("strong convexity", strong))


def of_distribution(entry: Entry, instance: Instance) -> Facts:
    """Its moments, entropy, information and estimate, where they have a closed form; samples."""
    inputs = {t.name: t for t in inputs_of([instance.expr])}
    family: Any = entry.function
    made = family(**{f.name: inputs.get(f.name, md.tensor(f.name)) for f in fields(family)})
    facts = [(what, _closed(lambda what=what: getattr(made, what)))  # type: ignore[misc]
             for what in ("mean", "variance", "entropy")]
    try:
        facts += [(f"information of {key}", _text(block))
                  for key, block in made.fisher_information().items()]
    except UnsupportedError:
        facts.append(("information", ""))
    try:
        numbers = {f.name: getattr(made, f.name) for f in fields(family) if f.name not in inputs}
        fitted = family.fit(inputs.get("x"), **numbers)
        facts += [(f"estimate of {f.name}", to_text(getattr(fitted, f.name)))
                  for f in fields(family) if f.name in inputs]
    except UnsupportedError:
        facts.append(("estimate", ""))
    by = f", reparametrised by {' and '.join(family.pathwise)}" if family.pathwise else ""
    facts.append(("sample", f"of {family.noise} noise{by}"))
    return tuple((what, text or "no closed form") for what, text in facts)


def of_optimizer(entry: Entry, instance: Instance) -> Facts:
    """The update that was solved from the problem, and the states that it leaves."""
    update = applied(entry.function)
    iterate = argument(next(iter(signature(entry.function).parameters)))
    whole = update.point.ndim == iterate.ndim
    return ((f"new {iterate.name}" if whole else str(update.unknown.name), _text(update.point)),
            *((f"new {name}", _text(state)) for name, state in update.states.items()))


OF_FAMILY: dict[str, Callable[[Entry, Instance], Facts]] = {
    "losses": of_loss, "regularisers": of_loss, "distributions": of_distribution,
    "optimizers": of_optimizer,
}


def _closed(value: Callable[[], Any]) -> str:
    try:
        return _text(value())
    except UnsupportedError:
        return ""


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_text, value))
    tensor = value if isinstance(value, Tensor) else constant(value)
    return to_text(simplify([tensor])[0])
