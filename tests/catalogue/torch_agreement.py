"""Functions of the catalogue beside PyTorch's: values, and gradients by every array of reals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from evaluated import declared

import mathdl as md

Array = Any


@dataclass(frozen=True)
class Case:
    """One function in both, of the same arrays in the same order.

    fixed
        Arrays that are not differentiated by: labels and masks.
    """

    name: str
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    arrays: Sequence[Array]
    fixed: Sequence[Array] = field(default=())


def disagreement(case: Case, torch: Any, rng: np.random.Generator) -> str:
    """What differs; empty when nothing does."""
    named = {f"a{k}": np.asarray(a) for k, a in enumerate((*case.arrays, *case.fixed))}
    wrt = [f"a{k}" for k in range(len(case.arrays))]
    tensors = [torch.tensor(a, requires_grad=name in wrt) for name, a in named.items()]
    wanted = case.theirs(*tensors)
    made = case.ours(*declared(named).values())
    if tuple(made.shape) != tuple(wanted.shape):
        return f"shapes {made.shape} and {tuple(wanted.shape)}"
    weights = rng.normal(size=tuple(wanted.shape))
    (wanted * torch.tensor(weights)).sum().backward()
    total = md.sum(md.tensor("G", made.shape) * made) if made.ndim else md.tensor("G") * made
    given = {**named, "G": weights}
    code = md.compile(made)
    found = [np.asarray(code(**{k: given[k] for k in code.inputs}))]
    gradients = md.derive(total, wrt).compile("grad")
    grads = gradients(**{k: given[k] for k in gradients.inputs})
    found += [grads[name] for name in wrt] if isinstance(grads, dict) else [grads]
    expected = [wanted.detach().numpy(), *(t.grad.numpy() for t in tensors[:len(wrt)])]
    for what, a, b in zip(["the value", *wrt], found, expected, strict=True):
        if not np.allclose(a, b, rtol=1e-9, atol=1e-11):
            return f"{what} by {np.max(np.abs(a - b)):.1e}"
    return ""
