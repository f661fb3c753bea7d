"""What rules read besides the gradient of the loss, derived from the model.

Legend, as in the catalogue: ``H`` the Hessian of the loss, ``F`` the Fisher matrix, ``J`` the
Jacobian of the residuals ``r``; ``A`` and ``b`` of a quadratic loss ``x A x/2 - b x``, and ``p``
the direction of a step; ``lam`` the weight of ``sum(abs(theta))`` beside a smooth loss.
Parameters are one vector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

import mathdl as md
from mathdl.catalogue.optimizers.stationary import replaced
from mathdl.derivation import compile_expression
from mathdl.errors import InputError, UnsupportedError
from mathdl.ir.system import inputs_of
from mathdl.ir.tensor import Tensor
from mathdl.train.data import Floats
from mathdl.train.loop import Batch, Packed, Reads
from mathdl.train.model import Model
from mathdl.train.optimizers import Optimizer

#: A dense matrix over more parameters is refused: a step takes seconds.
MOST = 1000


def reads(optimizer: Optimizer, model: Model, parameters: Packed) -> Reads | None:
    """What the rule is given besides the gradient; None when that is all that it needs.

    Raises:
        UnsupportedError: the model has no such thing, or too many parameters for it.
    """
    rule = optimizer.rule(parameters.flat)
    needs, refused = set(rule.needs), f"the optimizer {optimizer.name} "
    if needs <= {"g"}:
        return _smooth(model, parameters) if optimizer.shrinks and model.smooth else None
    if model.smooth and not optimizer.shrinks:
        raise UnsupportedError(f"{refused}needs a smooth loss; this has a kink wherever a "
                               "parameter is 0")
    count = parameters.flat.size
    if count > MOST:
        raise UnsupportedError(f"{refused}needs a dense matrix over all {count} parameters; at "
                               f"most {MOST} are supported")
    if "J" in needs:
        return _residuals(refused, optimizer, model, parameters)
    if "F" in needs:
        fisher = _matrix(_fisher(refused, model), parameters)
        return lambda arrays, value, gradient: {"F": fisher(arrays)}
    blocks = _hessian(model, model.expression("loss"))
    hessian = _matrix(blocks, parameters)
    if "H" in needs:
        _must_be_convex(refused, model)
        return lambda arrays, value, gradient: {"H": hessian(arrays)}
    _must_not_read(refused, "a quadratic loss; the Hessian", blocks.values(), model)

    def quadratic(arrays: Batch, value: float, gradient: Floats) -> dict[str, Floats]:
        A = hessian(arrays)
        return {"A": A, "b": A @ parameters.flat - gradient, "p": -gradient}

    return quadratic


def _hessian(model: Model, expr: Tensor) -> Mapping[str, Tensor]:
    """The blocks of the Hessian by all parameters, by name or two names with a comma."""
    return md.derive(expr, wrt=list(model.parameters), order=2).derivatives


def _matrix(blocks: Mapping[str, Tensor], parameters: Packed) -> Callable[[Batch], Floats]:
    """The symmetric matrix over all parameters that has these blocks; it must be definite."""
    code = compile_expression(dict(blocks))
    places, count = parameters.places, parameters.flat.size

    def matrix(arrays: Batch) -> Floats:
        full = np.empty((count, count), parameters.flat.dtype)
        for key, block in code(**_read(code.inputs, arrays)).items():
            rows, _, columns = key.partition(",")
            here, there = places[rows], places[columns or rows]
            full[here, there] = np.reshape(block, (here.stop - here.start, -1))
            full[there, here] = full[here, there].T
        return _definite(full)

    return matrix


def _definite(matrix: Floats) -> Floats:
    """The matrix itself.

    Raises:
        InputError: it is not positive definite, within rounding.
    """
    if np.isfinite(matrix).all():
        values = np.linalg.eigvalsh(matrix)
        if values[0] <= len(values) * np.finfo(matrix.dtype).eps * values[-1]:
            raise InputError(
                f"the system of {len(values)} parameters is singular: the eigenvalues of its "
                f"matrix go from {values[0]:.1e} to {values[-1]:.1e}; a penalty on the parameters "
                "or damping makes it regular"
            )
    return matrix


def _smooth(model: Model, parameters: Packed) -> Reads:
    """The gradient of the smooth part, and the weight of the other."""
    part = model.expression(model.smooth)
    gradients = md.derive(part, wrt=list(parameters.views)).derivatives
    code = compile_expression({"part": part, **gradients})

    def read(arrays: Batch, value: float, gradient: Floats) -> dict[str, Any]:
        found = code(**_read(code.inputs, arrays))
        whole = found["part"] + _shrinking(model, arrays, parameters)
        _must_agree(f"{model.smooth} + {model.weight}*sum(abs(parameters))", whole, value)
        g = np.concatenate([np.ravel(found[name]) for name in parameters.views])
        return {"g": g, "lam": arrays[model.weight]}

    return read


def _shrinking(model: Model, arrays: Batch, parameters: Packed) -> float:
    """``lam sum(abs(theta))``, if the model has such a penalty."""
    return float(arrays[model.weight] * np.abs(parameters.flat).sum()) if model.smooth else 0.0


def _must_agree(what: str, found: float, value: float) -> None:
    if not np.isclose(found, value, rtol=1e-8, atol=1e-12):
        raise InputError(f"{what} is {found}, but the loss is {value}")


def _residuals(
    refused: str, optimizer: Optimizer, model: Model, parameters: Packed
) -> Reads:
    if not model.residuals:
        raise UnsupportedError(f"{refused}needs residuals, half of whose squared length is the "
                               "loss; this model states none")
    vector = model.expression(model.residuals)
    jacobian = md.derive(vector, wrt=list(parameters.views)).derivatives
    code = compile_expression({"residuals": vector, **jacobian})
    one_by_one, damped = optimizer.shrinks, "damping" in optimizer.constants
    if one_by_one:
        _must_not_read(refused, "residuals that are linear in the parameters; the Jacobian",
                       jacobian.values(), model)

    def read(arrays: Batch, value: float, gradient: Floats) -> dict[str, Floats]:
        found = code(**_read(code.inputs, arrays))
        r = found["residuals"]
        _must_agree(f"half of the squared length of {model.residuals}" + " and the penalty"
                    * bool(model.smooth), r @ r / 2 + _shrinking(model, arrays, parameters), value)
        J = np.hstack([np.reshape(found[name], (len(r), -1)) for name in parameters.views])
        if one_by_one:
            _must_move(J)
        elif not damped:
            _definite(J.T @ J)
        return {"r": r, "J": J, **({"lam": arrays[model.weight]} if model.smooth else {})}

    return read


def _fisher(refused: str, model: Model) -> Mapping[str, Tensor]:
    """The blocks of the Hessian of the divergence, where both distributions are equal."""
    if model.divergence is None:
        raise UnsupportedError(f"{refused}needs the divergence of the distributions that are "
                               "predicted; this model states none")
    outputs = [model.expression(name) for name in model.outputs]
    fixed = [md.tensor(f"{name}_at", *output.shape)
             for name, output in zip(model.outputs, outputs, strict=True)]
    blocks = _hessian(model, model.divergence(*fixed, *outputs))
    equal = dict(zip(fixed, outputs, strict=True))
    return {key: replaced(block, equal) for key, block in blocks.items()}


def _must_be_convex(refused: str, model: Model) -> None:
    found = md.curvature(model.expression("loss"), list(model.parameters))
    if found not in ("convex", "affine"):
        raise UnsupportedError(f"{refused}needs a loss that is proved convex in all parameters; "
                               f"of this that is {' '.join(str(found).split())}")


def _must_not_read(refused: str, needed: str, found: Iterable[Tensor], model: Model) -> None:
    reading = {t.name for t in inputs_of(list(found))} & set(model.parameters)
    if reading:
        raise UnsupportedError(f"{refused}needs {needed} of this depends on "
                               f"{', '.join(sorted(map(str, reading)))}")


def _must_move(J: Floats) -> None:
    """Every parameter changes some residual.

    Raises:
        InputError: one does not.
    """
    still = np.flatnonzero(~J.any(axis=0))
    if still.size:
        raise InputError(f"no residual depends on parameter {still[0]} of {J.shape[1]}; leave out "
                         "what does not vary")


def _read(names: Iterable[str], arrays: Batch) -> dict[str, Any]:
    return {name: arrays[name] for name in names}
