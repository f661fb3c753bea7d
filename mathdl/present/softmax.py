"""``softmax``, ``logsumexp`` and ``log_softmax`` from their definitions, shifted or not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sympy import Add, Mul, Pow, S, Symbol, exp, log, sympify

from mathdl.ir.bodies import inline, reads_inside
from mathdl.ir.build import bound_ranges, define, out_ranges, ranges_of
from mathdl.ir.index import out_indices, slot, slot_number
from mathdl.ir.tensor import Access, Equation, Tensor
from mathdl.present.parts import (
    MARK,
    Folder,
    Scalar,
    definition_at,
    equation_of,
    scalar_of,
)


def _exponent(tensor: Tensor) -> Scalar | None:
    """``u`` when a tensor is ``exp(u)``."""
    equation = equation_of(tensor, "none")
    if equation is None or not isinstance(equation.body, exp):
        return None
    return Scalar(equation.body.args[0], list(equation.operands))


def _summed_exponent(tensor: Tensor) -> Scalar | None:
    """``u`` when a tensor is ``sum exp(u)``; the bound indices stay in it."""
    equation = equation_of(tensor, "sum")
    if equation is None:
        return None
    if isinstance(equation.body, exp):
        return Scalar(equation.body.args[0], list(equation.operands))
    k = slot_number(equation.body)
    if k is None or not reads_inside(equation.operands[k], ranges_of(tensor)):
        return None
    inner = _exponent(equation.operands[k].tensor)
    if inner is None:
        return None
    own = out_indices(equation.operands[k].tensor.ndim)
    return inner.moved(dict(zip(own, equation.operands[k].index, strict=True)))


def _matching(
    pattern: Scalar, fresh: Sequence[Any], extents: Sequence[Any], target: Scalar,
    fixed: set[Any], ranges: Mapping[Any, Any],
) -> Iterator[dict[Any, Any]]:
    """Indices for the fresh ones with which the pattern may be the target."""
    choices = []
    for s, extent in zip(fresh, extents, strict=True):
        found: dict[Any, None] = {}
        for a in pattern.operands:
            for b in target.operands:
                if a.tensor is not b.tensor:
                    continue
                for e, t in zip(a.index, b.index, strict=True):
                    if e == s and t in ranges and t not in fixed and ranges[t] == extent:
                        found.setdefault(t)
        choices.append(list(found))
    for pick in itertools.product(*choices):
        if len(set(pick)) == len(pick):
            yield dict(zip(fresh, pick, strict=True))


def _unshifted(scalar: Scalar, axes: Sequence[Any]) -> Scalar:
    """The exponent without a held shift that does not vary over the axes."""
    body = scalar.body
    for k, a in enumerate(scalar.operands):
        if not a.held or any(s in e.free_symbols for e in a.index for s in axes):
            continue
        coefficient = body.coeff(slot(k)) if isinstance(body, Add) else S.Zero
        if coefficient.is_number and not (body - coefficient * slot(k)).has(slot(k)):
            body = body - coefficient * slot(k)
    return Scalar(body, scalar.operands)


def softmax(folder: Folder, tensor: Tensor) -> Tensor | None:
    """``exp(u)/sum exp(u)``, also when the reciprocal is a quantity of its own."""
    found = _ratio(folder, tensor, scalar_of(tensor))
    if found is not None:
        return found
    opened = _with_reciprocals(tensor)
    if opened is not None:
        found = _ratio(folder, tensor, opened)
        if found is not None:
            return found
    return _weighted(folder, tensor, opened or scalar_of(tensor))


def _weighted(folder: Folder, tensor: Tensor, whole: Scalar) -> Tensor | None:
    """``sum_r v[r] exp(u[r]) / sum exp(u)`` with the division moved into the sum."""
    ranges = ranges_of(tensor)
    for k, bottom in enumerate(whole.operands):
        if not _divides(whole.body, k) or _summed_exponent(bottom.tensor) is None:
            continue
        for j, top in enumerate(whole.operands):
            inner = equation_of(top.tensor, "sum")
            if inner is None or not all(e.is_Symbol and e in ranges for e in top.index):
                continue
            back = dict(zip(top.index, out_indices(len(top.index)), strict=True))
            symbols = set().union(*(e.free_symbols for e in bottom.index), set()) & set(ranges)
            body = _replace_ratio(whole.body, slot(j), slot(k), MARK)
            if body == whole.body or not symbols <= set(back) or len(back) != len(top.index):
                continue
            if not any(_exponent(a.tensor) for a in inner.operands) and not inner.body.has(exp):
                continue
            divided = define(
                out_ranges(top.tensor.shape), inner.body / slot(len(inner.operands)),
                [*inner.operands,
                 Access(bottom.tensor, tuple(e.xreplace(back) for e in bottom.index))],
                reduce="sum", bound=bound_ranges(inner),
            )
            if divided.definition is None or divided.equation.reduce != "sum":
                continue
            part = _ratio(folder, divided, scalar_of(divided))
            if part is None:
                continue
            equation = tensor.equation
            return define(
                out_ranges(tensor.shape), body.xreplace({MARK: slot(len(whole.operands))}),
                [*whole.operands, Access(part, top.index)], reduce=equation.reduce,
                bound=bound_ranges(equation),
                requires=tensor.requires,
            )
    return None


def _with_reciprocals(tensor: Tensor) -> Scalar | None:
    """The body with the quantities that divide by a sum of exponentials written out."""
    ranges = ranges_of(tensor)
    body, operands = tensor.equation.body, list(tensor.operands)
    if not any(_exponent(a.tensor) for a in operands) and not body.has(exp):
        return None
    changed = False
    for k in range(len(operands)):
        access = operands[k]
        inner = equation_of(access.tensor, "none")
        if inner is None or access.held or not reads_inside(access, ranges):
            continue
        if any(
            _divides(inner.body, j) and _summed_exponent(a.tensor) is not None
            for j, a in enumerate(inner.operands)
        ) and any(slot(k) in Mul.make_args(t) for t in Add.make_args(body)):
            body, operands = inline(body, operands, k)
            changed = True
    return Scalar(body, operands) if changed else None


def _divides(body: Any, k: int) -> bool:
    return any(
        p.base == slot(k) and p.exp.is_Integer and p.exp < 0 for p in body.atoms(Pow)
    )


def _ratio(folder: Folder, tensor: Tensor, whole: Scalar) -> Tensor | None:
    ranges = ranges_of(tensor)
    for k, bottom in enumerate(whole.operands):
        if not _divides(whole.body, k):
            continue
        total = _summed_exponent(bottom.tensor)
        if total is None or bottom.held or not reads_inside(bottom, ranges):
            continue
        extents = bottom.tensor.equation.extents
        pattern, fresh = definition_at(bottom, total, len(extents))
        fixed = {s for e in bottom.index for s in e.free_symbols}
        for top, target in _exponentials(whole, ranges):
            body = _replace_ratio(whole.body, top, slot(k), MARK)
            if body == whole.body:
                continue
            for match in _matching(pattern, fresh, extents, target, fixed, ranges):
                if pattern.moved(match).keyed() != target.keyed():
                    continue
                axes = tuple(match[s] for s in fresh)
                after = folder.split(
                    tensor, Scalar(top / slot(k), whole.operands), "softmax",
                    _unshifted(target, axes), axes, Scalar(body, whole.operands),
                )
                if after is not None and after is not tensor:
                    return after
    return None


def _exponentials(whole: Scalar, ranges: Mapping[Any, Any]) -> Iterator[tuple[Any, Scalar]]:
    """The exponentials of a body, literal or read, with their exponents."""
    for e in sorted(whole.body.atoms(exp), key=lambda e: e.sort_key()):
        yield e, Scalar(e.args[0], whole.operands)
    for k, access in enumerate(whole.operands):
        inner = _exponent(access.tensor)
        if inner is None or access.held or not reads_inside(access, ranges):
            continue
        if slot(k) in whole.body.free_symbols:
            own = out_indices(access.tensor.ndim)
            yield slot(k), inner.moved(dict(zip(own, access.index, strict=True)))


def _replace_ratio(body: Any, top: Any, bottom: Any, new: Any) -> Any:
    def in_product(node: Any) -> Any:
        powers: dict[Any, Any] = {}
        for f in Mul.make_args(node):
            base, power = (f.base, f.exp) if isinstance(f, Pow) else (f, S.One)
            powers[base] = powers.get(base, S.Zero) + power
        p, q = powers.get(top, S.Zero), powers.get(bottom, S.Zero)
        if not (p.is_Integer and q.is_Integer and p > 0 and q < 0):
            return node
        r = min(p, -q)
        powers[top], powers[bottom] = p - r, q + r
        return Mul(*(b**e for b, e in powers.items())) * new**r

    return body.replace(lambda e: isinstance(e, Mul), in_product)


def logsumexp(folder: Folder, tensor: Tensor) -> Tensor | None:
    """``log(sum exp(u))``, and ``m + log(sum exp(u - m))``."""
    equation = tensor.equation
    if not equation.body.has(log):
        return None
    for k, access in enumerate(equation.operands):
        if access.held or not equation.body.has(log(slot(k))):
            continue
        total = _summed_exponent(access.tensor)
        if total is None or not reads_inside(access, ranges_of(tensor)):
            continue
        extents = access.tensor.equation.extents
        inner, fresh = definition_at(access, total, len(extents))
        argument = _unshifted(inner, fresh)
        shift = argument.body - inner.body
        outside: Any = S.Zero
        if shift != 0:
            found = _same_shift(shift, inner, equation)
            if found is None:
                continue
            outside = found
        term = log(slot(k)) + outside
        part = Scalar(term, list(equation.operands))
        body = _replace_sum(equation.body, log(slot(k)), outside)
        if body is None:
            continue
        after = folder.split(
            tensor, part, "logsumexp", argument, fresh,
            Scalar(body, list(equation.operands)), lengths=dict(zip(fresh, extents, strict=True)),
        )
        if after is not None and after is not tensor:
            return after
    return None


def _same_shift(shift: Any, inner: Scalar, equation: Equation) -> Any | None:
    """The shift of the exponent in the slots of the equation that reads the logarithm."""
    mapping = {}
    for s in shift.free_symbols:
        k = slot_number(s)
        if k is None:
            continue
        wanted = inner.operands[k]
        found = [
            j for j, a in enumerate(equation.operands)
            if a.tensor is wanted.tensor and a.index == wanted.index and a.held == wanted.held
        ]
        if not found:
            return None
        mapping[s] = slot(found[0])
    return shift.xreplace(mapping)


def _replace_sum(body: Any, logarithm: Any, outside: Any) -> Any | None:
    """The body with ``c*(log + outside)`` marked wherever the logarithm stands."""
    if outside == 0:
        return body.xreplace({logarithm: MARK})

    def in_sum(node: Any) -> Any:
        c = node.coeff(logarithm)
        if c == 0 or c.has(log):
            return node
        rest = sympify(node - c * logarithm - (c * outside).expand())
        if _terms(rest) > len(node.args) - 1 - _terms(outside):
            return node
        return rest + c * MARK

    after = body.replace(lambda e: isinstance(e, Add), in_sum)
    return None if after.has(logarithm) else after


def _terms(expr: Any) -> int:
    return 0 if expr == 0 else len(Add.make_args(expr))


def log_softmax(folder: Folder, tensor: Tensor) -> Tensor | None:
    """``u - logsumexp(u)``."""
    equation = tensor.equation
    ranges = ranges_of(tensor)
    if not equation.body.has(Add):
        return None
    for k, access in enumerate(equation.operands):
        fold = folder.folds.get(access.tensor)
        if fold is None or fold.name != "logsumexp" or not reads_inside(access, ranges):
            continue
        extents = tuple(fold.argument.shape[a] for a in fold.axes)
        places = tuple(Symbol(f"b{j}_", integer=True, nonnegative=True) for j in fold.axes)
        rest = iter(access.index)
        index = [
            places[fold.axes.index(a)] if a in fold.axes else next(rest)
            for a in range(fold.argument.ndim)
        ]
        fixed = {s for e in access.index for s in e.free_symbols}
        for pattern in _readings(fold.argument, index):
            for match in _matching(pattern, places, extents, scalar_of(tensor), fixed, ranges):
                found = _take_log_softmax(folder, tensor, k, pattern.moved(match),
                                          [match[s] for s in places])
                if found is not None and found is not tensor:
                    return found
    return None


def _readings(argument: Tensor, index: Sequence[Any]) -> Iterator[Scalar]:
    yield Scalar(slot(0), [Access(argument, tuple(index))])
    if argument.definition is not None and argument.equation.reduce == "none" and (
        argument.label is None
    ):
        own = out_indices(argument.ndim)
        yield scalar_of(argument).moved(dict(zip(own, index, strict=True)))


def _take_log_softmax(
    folder: Folder, tensor: Tensor, k: int, argument: Scalar, axes: Sequence[Any]
) -> Tensor | None:
    equation = tensor.equation
    local = _same_shift(argument.body, argument, equation)
    if local is None:
        return None
    target = slot(k)

    def in_sum(node: Any) -> Any:
        c = -node.coeff(target)
        if c == 0 or c.has(target):
            return node
        expected = (c * local).expand() if isinstance(local, Add) else c * local
        rest = node + c * target - expected
        if _terms(rest) > len(node.args) - 1 - _terms(local):
            return node
        return rest + c * MARK

    body = equation.body.replace(lambda e: isinstance(e, Add), in_sum)
    if not body.has(MARK):
        return None
    part = Scalar(local - target, list(equation.operands))
    return folder.split(
        tensor, part, "log_softmax", Scalar(local, list(equation.operands)), axes,
        Scalar(body, list(equation.operands)),
    )
