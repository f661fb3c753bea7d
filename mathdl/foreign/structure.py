"""Mistakes of structure: factors, axes, sums over axes, arguments mixed up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations

import numpy as np

from mathdl.foreign.factors import Factor
from mathdl.foreign.guess import Guess, Part, evidence, times
from mathdl.foreign.report import Diagnosis
from mathdl.foreign.samples import Sample
from mathdl.verify.noise import Array

_MOST_AXES = 4


def corrected(what: str) -> Callable[[Factor], str]:
    return lambda factor: f"the gradient is {times(factor, what)}"


def plain(samples: Sequence[Sample]) -> Iterator[Guess]:
    """The sign or a factor."""
    yield Guess("factor", lambda s: s.claimed, _factor_text, sign="sign")


def _factor_text(factor: Factor) -> str:
    if factor.text == "-1":
        return "the sign is wrong: the gradient is -claimed"
    missing = factor.text.removeprefix("-")
    if missing.startswith("1/"):
        too_much = Factor(missing, factor.values).inverse
        said = f"the claim is {too_much} times too large"
    else:
        said = f"the factor {missing} is missing"
    sign = " and the sign is wrong" if factor.text.startswith("-") else ""
    return f"{said}{sign}: the gradient is {times(factor, 'claimed')}"


def shapes(samples: Sequence[Sample]) -> Iterator[Guess]:
    """The claim has another shape: what makes it the gradient."""
    first = samples[0]
    have, want = first.claimed.ndim, first.truth.ndim
    if all(s.claimed.shape == s.truth.shape for s in samples):
        return
    if have == want <= _MOST_AXES:
        yield from _permuted(have)
    yield Guess("shape", lambda s: s.claimed.reshape(s.truth.shape)
                if s.claimed.size == s.truth.size else None,
                lambda f: "the numbers are those of the gradient in another shape: the gradient "
                f"is {times(f, f'claimed.reshape({first.tensor}.shape)')}")
    yield Guess("transposed", lambda s: s.claimed.T.reshape(s.truth.shape)
                if s.claimed.size == s.truth.size else None,
                lambda f: "the gradient is "
                f"{times(f, f'claimed.T.reshape({first.tensor}.shape)')}: flattened in "
                "another order")
    if have > want:
        for axes in combinations(range(have), have - want):
            yield Guess(
                "missing sum", lambda s, a=axes: s.claimed.sum(axis=a),
                lambda f, a=axes: f"the claim is not summed over the axis along which {first.tensor} "
                f"is broadcast: the gradient is {times(f, f'claimed.sum(axis={_axes(a)})')}",
            )
    if have == want:
        def summed(s: Sample) -> Array:
            longer = [k for k in range(want) if s.claimed.shape[k] != s.truth.shape[k] == 1]
            return np.asarray(s.claimed.sum(axis=tuple(longer), keepdims=True))

        yield Guess("missing sum", summed, lambda f: "the claim is not summed over the axes of "
                    f"length 1 along which {first.tensor} is broadcast")
    if have < want:
        def spread(s: Sample) -> Array | None:
            try:
                return np.broadcast_to(s.claimed, s.truth.shape).copy()
            except ValueError:
                return None

        yield Guess("shape", spread, lambda f: "the gradient is "
                    f"{times(f, 'claimed')} broadcast to the shape of {first.tensor}")


def _axes(axes: tuple[int, ...]) -> str:
    return str(axes[0]) if len(axes) == 1 else str(axes)


def _permuted(count: int) -> Iterator[Guess]:
    for order in permutations(range(count)):
        if order == tuple(range(count)):
            continue
        reverse = order == tuple(range(count))[::-1]
        what = "claimed.T" if reverse else f"claimed.transpose{order}"
        yield Guess("transposed", lambda s, o=order: s.claimed.transpose(o)
                    if s.claimed.ndim == len(o) else None, corrected(what))


def axes(samples: Sequence[Sample]) -> Iterator[Guess]:
    """Axes exchanged, reversed, moved by one; symmetric parts; cumulated."""
    count = samples[0].claimed.ndim
    if count <= _MOST_AXES:
        yield from _permuted(count)
    for k in range(count):
        yield Guess("reversed axis", lambda s, k=k: np.flip(s.claimed, k),
                    corrected(f"flip(claimed, axis={k})"))
        for shift in (1, -1):
            yield Guess("off by one", lambda s, k=k, n=shift: np.roll(s.claimed, n, k),
                        corrected(f"roll(claimed, {shift}, axis={k})"))
            yield Guess("off by one", lambda s, k=k, n=shift: _shifted(s.claimed, n, k),
                        lambda f, k=k, n=shift: f"the claim is moved by one along axis {k}: "
                        f"the gradient at i is {times(f, f'claimed[i{-n:+d}]')} there")
    if count >= 2:
        for name, part in _SQUARE.items():
            yield Guess("symmetric part" if "+" in name else "triangle", _of_square(part),
                        corrected(name))
    for k in range(count):
        yield Guess("cumulated sum", lambda s, k=k: np.flip(np.cumsum(np.flip(s.claimed, k), k), k),
                    corrected(f"the sum of claimed from each index to the end of axis {k}"))
        yield Guess("cumulated sum", lambda s, k=k: np.cumsum(s.claimed, k),
                    corrected(f"cumsum(claimed, axis={k})"))
    for size in (1, 2):
        for some in combinations(range(count), size):
            yield Guess(
                "missing sum",
                lambda s, a=some: np.broadcast_to(
                    s.claimed.sum(axis=a, keepdims=True), s.claimed.shape).copy(),
                corrected(f"claimed.sum(axis={_axes(some)}, keepdims=True)"))


_SQUARE: dict[str, Callable[[Array], Array]] = {
    "(claimed + claimed.T)": lambda c: c + np.swapaxes(c, -1, -2),
    "(claimed + claimed.T - diag(claimed))": lambda c: c + np.swapaxes(c, -1, -2)
    - c * np.eye(c.shape[-1]),
    "tril(claimed)": np.tril,
    "triu(claimed)": np.triu,
}


def _of_square(part: Callable[[Array], Array]) -> Part:
    return lambda s: part(s.claimed) if s.claimed.shape[-1] == s.claimed.shape[-2] else None


def _shifted(a: Array, by: int, axis: int) -> Array:
    moved = np.roll(a, by, axis)
    edge = [slice(None)] * a.ndim
    edge[axis] = slice(0, by) if by > 0 else slice(by, None)
    moved[tuple(edge)] = 0.0
    return np.asarray(moved)


def of_another(samples: Sequence[Sample]) -> Iterator[Diagnosis]:
    """What is claimed by one argument is what is claimed by another one."""
    first = samples[0]
    for other in first.subject.wrt_names:
        if other != first.tensor and all(
            np.array_equal(s.claimed, s.subject.claim(s.arrays).get(other)) for s in samples
        ):
            yield Diagnosis(first.tensor, "swapped", "this is also what is claimed by "
                            f"{other}", evidence(samples))


def swapped(samples: Sequence[Sample]) -> Iterator[Guess]:
    """What is claimed of another argument."""
    first = samples[0]
    for other in first.subject.wrt_names:
        if other == first.tensor:
            continue
        for mark, turn in (("", lambda a: a), (".T", lambda a: a.T)):
            yield Guess(
                "swapped",
                lambda s, o=other, t=turn: t(s.subject.claim(s.arrays)[o].astype(float)),
                lambda f, o=other, m=mark: "derivatives are mixed up: this is "
                f"{times(f, f'what is claimed by {o}')}{m and ', transposed'}")


def inputs(samples: Sequence[Sample]) -> Iterator[Guess]:
    """The claim is right for other inputs: one transposed, moved, negated, or two exchanged."""
    first = samples[0]
    names = [n for n in first.subject.names if np.asarray(first.arrays[n]).dtype.kind == "f"]
    for name in names:
        if all(_is_square(s.arrays[name]) for s in samples):
            yield Guess("input transposed", _with(name, lambda a: np.swapaxes(a, -1, -2)),
                        _read_as(f"{name}.T", name))
            yield Guess(
                "taken for symmetric",
                lambda s, n=name: _sum(s.claimed, s.again(**{n: np.swapaxes(s.arrays[n], -1, -2)})),
                lambda f, n=name: f"{n} is taken for symmetric: the gradient is "
                f"{times(f, f'(claimed + claimed with {n}.T for {n})')}")
    for one, two in combinations(names, 2):
        if all(s.arrays[one].shape == s.arrays[two].shape for s in samples):
            yield Guess(
                "inputs swapped",
                lambda s, a=one, b=two: s.again(**{a: s.arrays[b], b: s.arrays[a]}),
                lambda f, a=one, b=two: f"{a} and {b} are exchanged: the gradient is "
                f"{times(f, f'claimed with {b} for {a} and {a} for {b}')}")
    for name in names:
        if name != first.tensor:
            yield Guess("wrong input", _with(name, lambda a: -a), _read_as(f"-{name}", name))
        for k in range(first.arrays[name].ndim):
            for shift in (1, -1):
                yield Guess("off by one", _with(name, lambda a, k=k, n=shift: np.roll(a, n, k)),
                            _read_as(f"roll({name}, {shift}, axis={k})", name))
                yield Guess("off by one", _with(name, lambda a, k=k, n=shift: _shifted(a, n, k)),
                            _read_as(f"{name}[i{-shift:+d}] along axis {k}", name))
            yield Guess("reversed axis", _with(name, lambda a, k=k: np.flip(a, k)),
                        _read_as(f"flip({name}, axis={k})", name))


def laws(samples: Sequence[Sample]) -> Iterator[Guess]:
    """The claim is right with a function of another input: its square, root, exponential."""
    first = samples[0]
    for name in first.subject.names:
        if name != first.tensor and np.asarray(first.arrays[name]).dtype.kind == "f":
            for law, change in _CHANGES.items():
                yield Guess("wrong input", _with(name, change), _read_as(law.format(name), name))


_CHANGES: dict[str, Callable[[Array], Array]] = {
    "{}**2": lambda a: a**2,
    "sqrt({})": np.sqrt,
    "1/{}": lambda a: 1.0 / a,
    "exp({})": np.exp,
    "log({})": np.log,
    "1 - {}": lambda a: 1.0 - a,
    "abs({})": np.abs,
    "2*{}": lambda a: 2.0 * a,
    "{}/2": lambda a: a / 2.0,
}


def _with(name: str, change: Callable[[Array], Array]) -> Part:
    return lambda s: s.again(**{name: np.asarray(change(np.asarray(s.arrays[name])))})


def _read_as(law: str, name: str) -> Callable[[Factor], str]:
    return lambda f: f"the gradient is {times(f, f'claimed with {law} for {name}')}"


def _is_square(a: Array) -> bool:
    return a.ndim >= 2 and a.shape[-1] == a.shape[-2]


def _sum(a: Array, b: Array | None) -> Array | None:
    return None if b is None or a.shape != b.shape else a + b
