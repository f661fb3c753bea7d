"""Mistakes of structure: factors, axes, sums over axes, arguments mixed up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations, permutations

import numpy as np

from mathdl.foreign.factors import Factor
from mathdl.foreign.guess import Guess, Part, evidence, said
from mathdl.foreign.report import Diagnosis
from mathdl.foreign.samples import Sample
from mathdl.verify.noise import Array

_Change = Callable[[Array], Array]
_MOST_AXES = 4


def of_claim(change: _Change) -> Part:
    return lambda s: change(s.claimed)


def corrected(what: str) -> Callable[[Factor], str]:
    return said("the gradient is {}", what)


def plain(samples: Sequence[Sample]) -> Iterator[Guess]:
    """The sign or a factor."""
    yield Guess("factor", lambda s: s.claimed, _factor_text, sign="sign")


def _factor_text(factor: Factor) -> str:
    if factor.text == "-1":
        return "the sign is wrong: the gradient is -claimed"
    missing = factor.text.removeprefix("-")
    if missing.startswith("1/"):
        told = f"the claim is {Factor(missing, factor.values).inverse} times too large"
    else:
        told = f"the factor {missing} is missing"
    sign = " and the sign is wrong" if factor.text.startswith("-") else ""
    return told + sign + said(": the gradient is {}", "claimed")(factor)


# -- the shape ----------------------------------------------------------------------------------


def shapes(samples: Sequence[Sample]) -> Iterator[Guess]:
    """The claim has another shape: what makes it the gradient."""
    first = samples[0]
    name, have, want = first.tensor, first.claimed.ndim, first.truth.ndim
    if all(s.claimed.shape == s.truth.shape for s in samples):
        return
    if have == want <= _MOST_AXES:
        yield from _permuted(have)
    yield Guess("shape", lambda s: _reshaped(s.claimed, s), said(
        "the numbers are those of the gradient in another shape: the gradient is {}",
        f"claimed.reshape({name}.shape)"))
    yield Guess("transposed", lambda s: _reshaped(s.claimed.T, s), said(
        "the gradient is {}: flattened in another order", f"claimed.T.reshape({name}.shape)"))
    if have > want:
        for axes in combinations(range(have), have - want):
            yield Guess("missing sum", of_claim(partial(np.sum, axis=axes)), said(
                f"the claim is not summed over the axis along which {name} is broadcast: "
                "the gradient is {}", f"claimed.sum(axis={_axes(axes)})"))
    if have == want:
        yield Guess("missing sum", _summed, said(
            f"the claim is not summed over the axis of length 1 along which {name} is "
            "broadcast: the gradient is {}", "claimed.sum(axis, keepdims=True)"))
    if have < want:
        yield Guess("shape", _spread, said("the gradient is {} broadcast to the shape of "
                                           + name, "claimed"))


def _reshaped(a: Array, s: Sample) -> Array | None:
    return a.reshape(s.truth.shape) if a.size == s.truth.size else None


def _summed(s: Sample) -> Array:
    pairs = zip(s.claimed.shape, s.truth.shape, strict=True)
    longer = tuple(k for k, (have, want) in enumerate(pairs) if have != want == 1)
    return np.asarray(s.claimed.sum(axis=longer, keepdims=True))


def _spread(s: Sample) -> Array | None:
    try:
        return np.broadcast_to(s.claimed, s.truth.shape).copy()
    except ValueError:
        return None


def _axes(axes: tuple[int, ...]) -> str:
    return str(axes[0]) if len(axes) == 1 else str(axes)


def _permuted(count: int) -> Iterator[Guess]:
    for order in permutations(range(count)):
        if order == tuple(range(count)):
            continue
        reverse = order == tuple(range(count))[::-1]
        what = "claimed.T" if reverse else f"claimed.transpose{order}"
        yield Guess("transposed", of_claim(partial(np.transpose, axes=order)), corrected(what))


# -- axes -----------------------------------------------------------------------------------------


def axes(samples: Sequence[Sample]) -> Iterator[Guess]:
    """Axes exchanged, reversed, moved by one; symmetric parts; sums."""
    count = samples[0].claimed.ndim
    if count <= _MOST_AXES:
        yield from _permuted(count)
    for k in range(count):
        yield Guess("reversed axis", of_claim(partial(np.flip, axis=k)),
                    corrected(f"flip(claimed, axis={k})"))
        for shift in (1, -1):
            yield Guess("off by one", of_claim(partial(np.roll, shift=shift, axis=k)),
                        corrected(f"roll(claimed, {shift}, axis={k})"))
            yield Guess("off by one", of_claim(partial(_shifted, by=shift, axis=k)), said(
                f"the claim is moved by one along axis {k}: the gradient at i is {{}} there",
                f"claimed[i{-shift:+d}]"))
    if count >= 2:
        for name, part in _SQUARE.items():
            yield Guess("symmetric part" if "+" in name else "triangle", of_claim(part),
                        corrected(name))
    for k in range(count):
        yield Guess("cumulated sum", of_claim(partial(_to_the_end, axis=k)),
                    corrected(f"the sum of claimed from each index to the end of axis {k}"))
        yield Guess("cumulated sum", of_claim(partial(np.cumsum, axis=k)),
                    corrected(f"cumsum(claimed, axis={k})"))
    for size in (1, 2):
        for some in combinations(range(count), size):
            yield Guess("missing sum", of_claim(partial(_sum_kept, axis=some)),
                        corrected(f"claimed.sum(axis={_axes(some)}, keepdims=True)"))


def _to_the_end(a: Array, axis: int) -> Array:
    return np.flip(np.cumsum(np.flip(a, axis), axis), axis)


def _sum_kept(a: Array, axis: tuple[int, ...]) -> Array:
    return np.broadcast_to(a.sum(axis=axis, keepdims=True), a.shape).copy()


def _shifted(a: Array, by: int, axis: int) -> Array:
    moved = np.roll(a, by, axis)
    edge = [slice(None)] * a.ndim
    edge[axis] = slice(0, by) if by > 0 else slice(by, None)
    moved[tuple(edge)] = 0.0
    return np.asarray(moved)


def _turned(a: Array) -> Array:
    return np.swapaxes(a, -1, -2)


_SQUARE: dict[str, Callable[[Array], Array]] = {
    "(claimed + claimed.T)": lambda c: c + _turned(c) if _is_square(c) else c * np.nan,
    "(claimed + claimed.T - diag(claimed))": lambda c: c + _turned(c) - c * np.eye(c.shape[-1])
    if _is_square(c) else c * np.nan,
    "tril(claimed)": np.tril,
    "triu(claimed)": np.triu,
}


def _is_square(a: Array) -> bool:
    return a.ndim >= 2 and a.shape[-1] == a.shape[-2]


# -- arguments ------------------------------------------------------------------------------------


def of_another(samples: Sequence[Sample]) -> Iterator[Diagnosis]:
    """What is claimed by one argument is what is claimed by another one."""
    first = samples[0]
    for other in first.subject.wrt_names:
        if other != first.tensor and all(_same(s, other) for s in samples):
            yield Diagnosis(first.tensor, "swapped", f"this is also what is claimed by {other}",
                            evidence(samples))


def _of(s: Sample, other: str) -> Array | None:
    found = s.subject.claim(s.arrays).get(other)
    return None if found is None else found.astype(float)


def _same(s: Sample, other: str) -> bool:
    found = _of(s, other)
    return found is not None and np.array_equal(s.claimed, found)


def swapped(samples: Sequence[Sample]) -> Iterator[Guess]:
    """What is claimed of another argument."""
    first = samples[0]
    for other in first.subject.wrt_names:
        if other != first.tensor:
            yield Guess("swapped", partial(_of, other=other), said(
                "derivatives are mixed up: the gradient is {}", f"what is claimed by {other}"))


def inputs(samples: Sequence[Sample]) -> Iterator[Guess]:
    """The claim is right for other inputs: one transposed, moved, negated, or two exchanged."""
    first = samples[0]
    names = [n for n in first.subject.names if np.asarray(first.arrays[n]).dtype.kind == "f"]
    for name in names:
        if all(_is_square(s.arrays[name]) for s in samples):
            yield _with(name, _turned, f"{name}.T", "input transposed")
            yield Guess("taken for symmetric", partial(_both_ways, name=name), said(
                f"{name} is taken for symmetric: the gradient is {{}}",
                f"(claimed + claimed with {name}.T for {name})"))
    for one, two in combinations(names, 2):
        if all(s.arrays[one].shape == s.arrays[two].shape for s in samples):
            yield Guess("inputs swapped", partial(_exchanged, one=one, two=two), said(
                f"{one} and {two} are exchanged: the gradient is {{}}",
                f"claimed with {two} for {one} and {one} for {two}"))
    for name in names:
        if name != first.tensor:
            yield _with(name, np.negative, f"-{name}")
        for k in range(first.arrays[name].ndim):
            for shift in (1, -1):
                yield _with(name, partial(np.roll, shift=shift, axis=k),
                            f"roll({name}, {shift}, axis={k})", "off by one")
                yield _with(name, partial(_shifted, by=shift, axis=k),
                            f"{name}[i{-shift:+d}] along axis {k}", "off by one")
            yield _with(name, partial(np.flip, axis=k), f"flip({name}, axis={k})",
                        "reversed axis")


def laws(samples: Sequence[Sample]) -> Iterator[Guess]:
    """The claim is right with a function of another input: its square, root, exponential."""
    first = samples[0]
    for name in first.subject.names:
        if name != first.tensor and np.asarray(first.arrays[name]).dtype.kind == "f":
            for law, change in _CHANGES.items():
                yield _with(name, change, law.format(name))


_CHANGES: dict[str, _Change] = {
    "{}**2": np.square,
    "sqrt({})": np.sqrt,
    "1/{}": np.reciprocal,
    "exp({})": np.exp,
    "log({})": np.log,
    "1 - {}": lambda a: 1.0 - a,
    "abs({})": np.abs,
    "2*{}": lambda a: 2.0 * a,
    "{}/2": lambda a: a / 2.0,
}


def _with(name: str, change: _Change, law: str, mistake: str = "wrong input") -> Guess:
    """The claim with one input changed."""
    return Guess(mistake, lambda s: s.again(**{name: np.asarray(change(s.arrays[name]))}),
                 corrected(f"claimed with {law} for {name}"))


def _both_ways(s: Sample, name: str) -> Array | None:
    other = s.again(**{name: _turned(s.arrays[name])})
    return None if other is None or other.shape != s.claimed.shape else s.claimed + other


def _exchanged(s: Sample, one: str, two: str) -> Array | None:
    return s.again(**{one: s.arrays[two], two: s.arrays[one]})
