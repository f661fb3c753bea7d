"""What each rule may do to an equation: the shape of its law, apart from the values.

``broken`` says how a step fails to be an instance of its law; None when it is one.
"""

from __future__ import annotations

from collections.abc import Callable

from sympy import Add, KroneckerDelta, exp, fraction, log

from mathdl.ir.index import slot, slot_number
from mathdl.ir.steps import (
    Accumulation,
    Derivative,
    Projection,
    PullBack,
    Restriction,
    Rewrite,
    Step,
)
from mathdl.ir.system import inputs_of, reads, rewrite, topological
from mathdl.ir.tensor import Tensor

Judge = Callable[[Tensor, Tensor], str | None]


def _sum(tensor: Tensor) -> bool:
    return tensor.definition is not None and tensor.definition.reduce == "sum"


def _elementwise(tensor: Tensor) -> bool:
    return tensor.definition is not None and tensor.definition.reduce == "none"


def _direct(tensor: Tensor) -> set[Tensor]:
    return set(reads(tensor))


def _normal_form(a: Tensor, b: Tensor) -> str | None:
    new = _direct(b) - _direct(a)
    return None if all(map(_quotient, new)) else "it reads what the equation did not read"


def _inline(a: Tensor, b: Tensor) -> str | None:
    new = _direct(b) - set(topological([a]))
    return None if all(map(_quotient, new)) else "it reads new things"


def _fold(a: Tensor, b: Tensor) -> str | None:
    new = _direct(b) - _direct(a)
    fits = new and all(
        _elementwise(t) and t.equation.body.is_Function and _direct(t) <= _direct(a) for t in new
    )
    return None if fits else "no function of what it reads is read instead"


def _quotient(tensor: Tensor) -> bool:
    """Whether a tensor is a quotient of two: what exists as one is read from it."""
    if not _elementwise(tensor) or len(tensor.operands) != 2:
        return False
    top, bottom = fraction(tensor.equation.body)
    return slot_number(top) is not None and slot_number(bottom) is not None


def _pull_out(a: Tensor, b: Tensor) -> str | None:
    if not _sum(a) or not _elementwise(b):
        return "it is for a sum, and leaves a product"
    inner = [t for t in _direct(b) if _sum(t) and t not in _direct(a)]
    if inner or _below_sums(b) or _direct(b) <= _direct(a):
        return None  # the last: what was left cancels against a sum that was a factor
    return "no sum is left"


def _below_sums(tensor: Tensor) -> set[Tensor]:
    return {t for t in _direct(tensor) if _sum(t)}


def _merge_sums(a: Tensor, b: Tensor) -> str | None:
    if not (_sum(a) and _sum(b)):
        return "it is for sums of sums"
    more = len(b.equation.extents) > len(a.equation.extents)
    return None if more and any(map(_sum, _direct(a))) else "there is no inner sum"


def _contract(a: Tensor, b: Tensor) -> str | None:
    if not _sum(a) or not any(
        _elementwise(t) and t.equation.body.has(KroneckerDelta) for t in _direct(a)
    ):
        return "there is no delta to contract"
    count = len(b.equation.extents) if b.definition is not None else 0
    return None if count < len(a.equation.extents) else "no index went"


def _known_sum(a: Tensor, b: Tensor) -> str | None:
    return None if _sum(a) and b is not a else "it is for sums"


def _split(a: Tensor, b: Tensor) -> str | None:
    if not _sum(a) or not a.equation.body.has(KroneckerDelta):
        return "it is for a sum of terms with a delta"
    return None


def _distribute(a: Tensor, b: Tensor) -> str | None:
    if not _sum(a) or not a.equation.body.has(Add):
        return "it is for a sum of a product with a sum"
    return None if len(_below_sums(b)) > 1 else "there are no terms"


def _share(a: Tensor, b: Tensor) -> str | None:
    if not _sum(a) or not _elementwise(b):
        return "it is for a multiple of a sum"
    _, factor = b.equation.body.as_coeff_Mul()
    return None if slot_number(factor) is not None and len(b.operands) == 1 else "it is no multiple"


def _scale_after(a: Tensor, b: Tensor) -> str | None:
    if a.call is None or not _elementwise(b):
        return "it is for a primitive"
    if b.equation.body == slot(0) and _elementwise(b.operands[0].tensor):
        b = b.operands[0].tensor  # an axis of length 1 put back
    _, factor = b.equation.body.as_coeff_Mul()
    same = [t.call for t in _direct(b)]
    fits = len(same) == 1 and same[0] is not None and same[0].primitive == a.call.primitive
    return None if slot_number(factor) is not None and fits else "it is no multiple of that"


def _one_way(a: Tensor, b: Tensor) -> str | None:
    left = sorted((x.tensor.rank, sorted(map(str, x.index))) for x in a.operands)
    seen = {(x.tensor.rank, tuple(sorted(map(str, x.index)))) for x in b.operands}
    if all((rank, tuple(index)) in seen for rank, index in left):
        return None
    plain = b.is_input or b.call is not None  # a transpose that went altogether
    return None if plain and {b} >= _direct(a) - _direct(b) else "other entries are read"


def _cancel(a: Tensor, b: Tensor) -> str | None:
    if not _sum(a):
        return "it is for a product of matrices"
    count = len(b.equation.extents) if _sum(b) else 0
    return None if count < len(a.equation.extents) else "no index went"


def _logarithm(a: Tensor, b: Tensor) -> str | None:
    return None if any(
        t.definition is not None and t.equation.body.has(log) for t in topological([a])
    ) else "there is no logarithm"


def _shift(a: Tensor, b: Tensor) -> str | None:
    if not any(t.definition is not None and t.equation.body.has(exp) for t in topological([a])):
        return "there is no exponential"
    held = any(x.held for t in topological([b]) for x in t.operands)
    return None if held else "nothing is held"


def _stable(a: Tensor, b: Tensor) -> str | None:
    return None if a.definition is not None and b.definition is not None else "it is for equations"


def _variance(a: Tensor, b: Tensor) -> str | None:
    return None if a.definition is not None else "it is for equations"


def _stepwise(a: Tensor, b: Tensor) -> str | None:
    return None if a.recurrence is not None else "it is for recurrences"


def _two_values(a: Tensor, b: Tensor) -> str | None:
    data = any("binary" in t.assume for t in inputs_of([a]))
    known = _direct(b) <= set(topological([a]))
    return None if data and known else "it reads no data of zeros and ones, or new things"


def _collect(a: Tensor, b: Tensor) -> str | None:
    if not _elementwise(a) or not a.equation.body.is_Add:
        return "it is for a sum of terms"
    return None if _direct(b) <= _direct(a) or b in _direct(a) else "it reads new things"


def _take_out(a: Tensor, b: Tensor) -> str | None:
    if not _elementwise(a) or len(_below_sums(a)) < 2:
        return "it is for a sum of products"
    new = _direct(b) - _direct(a) if _elementwise(b) else {b}
    fits = len(new) == 1 and all(map(_sum, new))
    return None if fits else "it leaves no product"


def _of_inverse(a: Tensor, b: Tensor) -> str | None:
    inner = a.operands[0].tensor.call if a.call is not None else None
    return None if inner is not None and inner.primitive == "inv" else "it is for an inverse"


_REWRITES: dict[str, Judge] = {
    "normal form": _normal_form, "inline": _inline, "factor out of a sum": _pull_out,
    "merge sums": _merge_sums, "contract": _contract, "known sum": _known_sum, "split": _split,
    "fold": _fold, "distribute": _distribute,
    "share": _share, "scale after": _scale_after, "symmetric": _one_way,
    "power of an exponential": _stable, "logarithm of a determinant": _logarithm,
    "cancel inverses": _cancel, "logarithm of a product": _logarithm,
    "logarithm of all entries": _logarithm,
    "logarithm of a mean": _logarithm, "shift": _shift, "stable form": _stable,
    "two values": _two_values, "collect": _collect, "take out": _take_out,
    "inverse": _of_inverse, "variance": _variance, "step by step": _stepwise,
}

#: The names of the rules for each kind of step.
LAWS: dict[type, tuple[str, ...]] = {
    Rewrite: tuple(_REWRITES),
    PullBack: ("chain rule", "back-propagation through time"),
    Accumulation: ("total derivative",),
    Derivative: ("derivative",),
    Restriction: ("assumptions",),
    Projection: ("projected", "vech"),
}


def broken(step: Step) -> str | None:
    """How a step fails to be an instance of its law, or None."""
    match step:
        case Rewrite(rule=rule, before=before, after=after):
            if before.shape != after.shape:
                return f"shape {before.shape} became {after.shape}"
            if before is after:
                return "nothing happened"
            names = {t.name for t in inputs_of([after])} - {t.name for t in inputs_of([before])}
            if names:
                return f"new inputs {', '.join(map(str, sorted(map(str, names))))}"
            return _REWRITES[rule.name](before, after)
        case PullBack(consumers=consumers, target=target, slot=k, prefix=prefix, after=after):
            for consumer, cotangent in consumers:
                if cotangent.shape != (*prefix, *consumer.shape):
                    return "a cotangent of another shape than its quantity"
                if k is not None and (
                    k >= len(consumer.operands) or consumer.operands[k].tensor is not target
                    or consumer.operands[k].held
                ):
                    return "the consumer does not read the target there"
                if k is None and all(a.tensor is not target for a in consumer.operands):
                    return "the consumer does not read the target"
            time = step.rule.name == "back-propagation through time"
            if time != (consumers[0][0].recurrence is not None) or time != (k is None):
                return "the rule is for recurrences, or only for others"
            return None if after.shape == (*prefix, *target.shape) else "a wrong shape"
        case Accumulation(target=target, terms=terms, prefix=prefix, after=after):
            wanted = (*prefix, *target.shape)
            fits = all(t.shape == wanted for t in (*terms, after))
            return None if fits else "terms of different shapes"
        case Derivative(value=value, variable=variable, after=after):
            fits = after.shape == (*value.shape, *variable.shape) and variable.is_input
            return None if fits else "a wrong shape"
        case Restriction(before=before, after=after, replaced=replaced):
            if any(a.name != b.name or a.shape != b.shape for a, b in replaced):
                return "inputs of different names"
            same = rewrite([before], replace=dict(replaced))[0] is after
            return None if same else "more than assumptions changed"
        case Projection(axes=axes):
            return None if axes else "no axes"
    return "no such step"


