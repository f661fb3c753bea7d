"""PyTorch: what ``backward`` gives, in the precision of the arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mathdl.extra import extra
from mathdl.foreign.calling import Given
from mathdl.foreign.frameworks import Own


def torch_derivative(call: Callable[..., Any], wrt: Sequence[str]) -> Own:
    """The function and its backward pass for arrays by name.

    An input that the graph does not reach has the derivative 0.
    """
    torch = extra("torch", "checking a PyTorch function", "torch")

    def tensors(given: Given, grad: bool = False) -> dict[str, Any]:
        return {
            n: torch.from_numpy(np.array(a)).requires_grad_(grad and n in wrt)
            if isinstance(a, np.ndarray) else a
            for n, a in given.items()
        }

    def value(given: Given) -> Any:
        with torch.no_grad():
            return _arrays(call(tensors(given)))

    def claimed(given: Given, cotangents: Any) -> dict[str, Any]:
        inputs = tensors(given, True)
        outputs = call(inputs)
        outputs = _listed(outputs)
        seeds = cotangents if isinstance(cotangents, tuple) else (cotangents,)
        reached = [
            (y, torch.from_numpy(np.array(c)).to(y.dtype).reshape(y.shape))
            for y, c in zip(outputs, seeds, strict=True) if y.requires_grad
        ]
        zeros = {n: np.zeros(np.shape(given[n])) for n in wrt}
        if not reached:
            return zeros
        found = torch.autograd.grad(
            [y for y, _ in reached], [inputs[n] for n in wrt],
            grad_outputs=[c for _, c in reached], allow_unused=True,
        )
        return {n: zeros[n] if g is None else _array(g) for n, g in zip(wrt, found, strict=True)}

    def converted(claim: Callable[..., Any]) -> Callable[..., Any]:
        def of_arrays(given: Given, *first: Any) -> Any:
            seeds = [tuple(map(torch.from_numpy, c)) if isinstance(c, tuple)
                     else torch.from_numpy(np.array(c)) for c in first]
            return _arrays(claim(tensors(given), *seeds))

        return of_arrays

    return Own(value, claimed, converted, {"torch": str(torch.__version__)})


def _listed(outputs: Any) -> list[Any]:
    if isinstance(outputs, Mapping):
        return list(outputs.values())
    return list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]


def _array(tensor: Any) -> Any:
    return tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else tensor


def _arrays(result: Any) -> Any:
    if isinstance(result, Mapping):
        return {n: _array(t) for n, t in result.items()}
    if isinstance(result, (tuple, list)):
        return tuple(_array(t) for t in result)
    return _array(result)
