"""``md.scan`` and ``md.recurrence`` against loops in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import mathdl as md
from mathdl.ir.system import inputs_of

n, T, k = md.dims("n T k")
W, x, h = md.tensor("W", n, n), md.tensor("x", T, n), md.tensor("h", n)
ids = md.tensor("ids", T, assume="integer")

SIZES = [{"n": 3, "T": 4, "k": 5}, {"n": 2, "T": 1, "k": 3}, {"n": 1, "T": 3, "k": 1},
         {"n": 1, "T": 1, "k": 1}]


def arrays_of(rng: np.random.Generator, sizes: dict[str, int]) -> dict[str, Any]:
    n, T, k = sizes["n"], sizes["T"], sizes["k"]
    return {"W": rng.normal(size=(n, n)), "x": rng.normal(size=(T, n)), "h": rng.normal(size=n),
            "X": rng.normal(size=(T, k, n)), "E": rng.normal(size=(k, n)),
            "ids": rng.integers(0, k, T), "a": np.array(0.6), "s": rng.normal(size=T)}


def compiled(tensor: Any, arrays: dict[str, Any], sizes: dict[str, int]) -> Any:
    """The value, whichever of the arrays and sizes it is a function of."""
    function = md.compile(tensor)
    given = {str(t.name): arrays[str(t.name)] for t in inputs_of([tensor])}
    try:
        return function(**given)
    except TypeError as error:
        if "pass " not in str(error):
            raise
        return function(**given, T=sizes["T"])


def loop(
    step: Callable[[Any, Any], tuple[Any, Any]], state: Any, xs: Any, reverse: bool = False
) -> tuple[Any, Any]:
    made: list[Any] = [None] * len(xs)
    for t in reversed(range(len(xs))) if reverse else range(len(xs)):
        state, made[t] = step(state, xs[t])
    return state, made


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("reverse", [False, True])
def test_scan_is_a_loop(sizes: Any, reverse: bool, rng: np.random.Generator) -> None:
    arrays = arrays_of(rng, sizes)
    last, states = md.scan(lambda s, c: (md.tanh(W @ s + c), s * c), h, x, reverse=reverse)
    assert last.shape == (n,)
    assert states.shape == (T, n)
    expected = loop(lambda s, c: (np.tanh(arrays["W"] @ s + c), s * c), arrays["h"], arrays["x"],
                    reverse)
    np.testing.assert_allclose(compiled(last, arrays, sizes), expected[0], rtol=1e-12)
    np.testing.assert_allclose(compiled(states, arrays, sizes), expected[1], rtol=1e-12)


class Carry(NamedTuple):
    velocity: Any
    place: Any


def test_structures_are_kept(rng: np.random.Generator) -> None:
    """Carry, sequences and what is collected may be nested tuples, lists and dicts."""
    arrays = arrays_of(rng, SIZES[0])

    def step(carry: Any, at: Any) -> Any:
        moved = carry.place + carry.velocity * at["x"]
        assert at["none"] is None
        return Carry(carry.velocity / 2, moved), [moved, {"both": (at["i"] * 2, None)}]

    last, (places, rest) = md.scan(step, Carry(h, md.zeros(n)), {"x": x, "i": ids, "none": None})
    assert isinstance(last, Carry)
    assert list(rest) == ["both"]
    assert rest["both"][1] is None
    v, p, found = arrays["h"], np.zeros(3), []
    for row in arrays["x"]:
        p = p + v * row
        v = v / 2
        found.append(p)
    for tensor, expected in ((last.velocity, v), (last.place, p), (places, found),
                             (rest["both"][0], arrays["ids"] * 2)):
        np.testing.assert_allclose(compiled(tensor, arrays, SIZES[0]), expected, rtol=1e-12)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [1, 2, 5, "T", T, T + 1])
def test_length_without_sequences(length: Any, reverse: bool, rng: np.random.Generator) -> None:
    steps = {"T": 4, str(T + 1): 5}.get(str(length), length)

    def step(s: Any, nothing: Any) -> Any:
        assert nothing is None
        return s * 2, s

    last, powers = md.scan(step, 1, length=length, reverse=reverse)
    expected = 2.0 ** np.arange(steps)
    np.testing.assert_array_equal(compiled(powers, {}, {"T": 4}),
                                  expected[::-1] if reverse else expected)
    assert compiled(last, {}, {"T": 4}) == 2.0**steps


STEPS: dict[str, tuple[Any, Any, Any]] = {
    "independent of the carry": (lambda s, c: (W @ s, c**2), h, lambda a: loop(
        lambda s, c: (a["W"] @ s, c**2), a["h"], a["x"])),
    "the same at every time": (lambda s, c: (W @ s, h), h, lambda a: loop(
        lambda s, c: (a["W"] @ s, a["h"]), a["h"], a["x"])),
    "a carry that never changes": (lambda s, c: (s, s * c), h, lambda a: loop(
        lambda s, c: (s, s * c), a["h"], a["x"])),
    "a carry that forgets": (lambda s, c: (c * 2, s + c), h, lambda a: loop(
        lambda s, c: (c * 2, s + c), a["h"], a["x"])),
    "a number": (lambda s, c: (s * 0.5 + md.sum(c), s), 3, lambda a: loop(
        lambda s, c: (s * 0.5 + np.sum(c), s), 3.0, a["x"])),
    "integers as data": (lambda s, c: (md.tanh(s + c), s[::-1]), h, lambda a: loop(
        lambda s, c: (np.tanh(s + c), s[::-1]), a["h"], a["x"])),
    "zeros stay": (lambda s, c: (s * md.sum(c), s + c), md.zeros(n), lambda a: loop(
        lambda s, c: (s * 0, s + c), np.zeros(a["h"].shape), a["x"])),
    "a named quantity": (lambda s, c: ((W @ s).named("z") + c, md.sin(s).named("u")), h,
                         lambda a: loop(lambda s, c: (a["W"] @ s + c, np.sin(s)), a["h"], a["x"])),
}


@pytest.mark.parametrize("name", STEPS)
def test_steps(name: str, rng: np.random.Generator) -> None:
    step, start, law = STEPS[name]
    for sizes in SIZES:
        arrays = arrays_of(rng, sizes)
        last, collected = md.scan(step, start, x)
        expected = law(arrays)
        np.testing.assert_allclose(compiled(last, arrays, sizes), expected[0], atol=1e-12)
        np.testing.assert_allclose(compiled(collected, arrays, sizes), expected[1], atol=1e-12)


def test_parts_of_the_carry_change_places(rng: np.random.Generator) -> None:
    arrays = arrays_of(rng, SIZES[0])
    (p, q), pairs = md.scan(lambda s, c: ((s[1], s[0]), s[0] * c), (h, 2 * h), x[1:])
    one, two = arrays["h"], 2 * arrays["h"]
    np.testing.assert_allclose(compiled(p, arrays, SIZES[0]), two)  # three times
    np.testing.assert_allclose(compiled(q, arrays, SIZES[0]), one)
    np.testing.assert_allclose(compiled(pairs, arrays, SIZES[0]),
                               np.stack([one, two, one]) * arrays["x"][1:])


@pytest.mark.parametrize("sizes", SIZES)
def test_integers_are_indices(sizes: Any, rng: np.random.Generator) -> None:
    arrays = arrays_of(rng, sizes)
    E = md.tensor("E", k, n)
    _, made = md.scan(lambda s, i: (md.tanh(E[i] + s), i * s), h, ids)
    expected = loop(lambda s, i: (np.tanh(arrays["E"][i] + s), i * s), arrays["h"], arrays["ids"])
    np.testing.assert_allclose(compiled(made, arrays, sizes), expected[1], rtol=1e-12)


@pytest.mark.parametrize("sizes", SIZES)
def test_loops_within_loops(sizes: Any, rng: np.random.Generator) -> None:
    arrays = arrays_of(rng, sizes)
    last, made = md.scan(lambda s, rows: md.scan(
        lambda q, c: (md.sin(W @ q + c), q), s, rows, reverse=True), h, md.tensor("X", T, k, n))
    expected = loop(lambda s, rows: loop(
        lambda q, c: (np.sin(arrays["W"] @ q + c), q), s, rows, True), arrays["h"], arrays["X"])
    np.testing.assert_allclose(compiled(last, arrays, sizes), expected[0], rtol=1e-10)
    np.testing.assert_allclose(compiled(made, arrays, sizes), expected[1], rtol=1e-10)


@pytest.mark.parametrize("reverse", [False, True])
def test_vmap_of_a_loop(reverse: bool, rng: np.random.Generator) -> None:
    """Each entry of the stack is folded on its own; the start, the constant or the items vary."""
    stack, matrices = md.tensor("X", T, k, n), md.tensor("A", T, n, n)
    arrays = {**arrays_of(rng, SIZES[0]), "A": rng.normal(size=(4, 3, 3))}

    def fold(matrix: Any, start: Any, rows: Any) -> Any:
        return md.scan(lambda s, c: (md.tanh(matrix @ s + c),) * 2, start, rows, reverse=reverse)[1]

    def plain(matrix: Any, start: Any, rows: Any) -> Any:
        return loop(lambda s, c: (np.tanh(matrix @ s + c),) * 2, start, rows, reverse)[1]

    a = arrays
    for tensor, expected in (
        (md.vmap(lambda rows: fold(W, h, rows))(stack),
         [plain(a["W"], a["h"], rows) for rows in a["X"]]),
        (md.vmap(lambda s: fold(W, s, x))(x), [plain(a["W"], s, a["x"]) for s in a["x"]]),
        (md.vmap(lambda m: fold(m, h, x))(matrices),
         [plain(m, a["h"], a["x"]) for m in a["A"]]),
        (md.vmap(fold)(matrices, x, stack),
         [plain(*each) for each in zip(a["A"], a["x"], a["X"], strict=True)]),
    ):
        np.testing.assert_allclose(compiled(tensor, arrays, SIZES[0]), expected, rtol=1e-10)


def test_what_does_not_depend_on_the_state_is_no_loop() -> None:
    _, squares = md.scan(lambda s, c: (s, c**2), h, x)
    assert squares is x**2
    first, second = (md.scan(lambda s, c: (md.tanh(W @ s + c),) * 2, h, x)[1] for _ in range(2))
    assert first is second


ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: md.scan(lambda s, c: s, h, x), md.ShapeError, "returns two things"),
    (lambda: md.scan(lambda s, c: [s, c], h, x), md.ShapeError, "returns two things"),
    (lambda: md.scan(lambda s, c: ((s, s), c), h, x), md.ShapeError,
     r"a carry made as \(a tensor, a tensor\), the first is made as a tensor"),
    (lambda: md.scan(lambda s, c: ({"b": s["a"]}, c), {"a": h}, x), md.ShapeError,
     r"\{b: a tensor\}, the first is made as \{a: a tensor\}"),
    (lambda: md.scan(lambda s, c: (None, c), [h], x), md.ShapeError,
     r"made as None, the first is made as \[a tensor\]"),
    (lambda: md.scan(lambda s, c: ((s[0], W), c), (h, h), x), md.ShapeError,
     r"part 1 of the carry, of shape \(n,\), into shape \(n, n\)"),
    (lambda: md.scan(lambda s, c: (s + c, c), 0, x), md.ShapeError,
     r"part 0 of the carry, of shape \(\), into shape \(n,\)"),
    (lambda: md.scan(lambda s, c: (s, s), h), md.ShapeError, "neither xs nor length"),
    (lambda: md.scan(lambda s, c: (s, s), h, (x, W)), md.ShapeError,
     r"one length, found \(T, n\) and \(n, n\)"),
    (lambda: md.scan(lambda s, c: (s, s), h, x, length=n), md.ShapeError, "and length = n"),
    (lambda: md.scan(lambda s, c: (s, s), h, (x, 2)), md.ShapeError, "has no axes"),
    (lambda: md.scan(lambda s, c: (s, s), h, length=0), md.ShapeError, "positive integer"),
    (lambda: md.scan(lambda s, c: (s, s), h, length=1.5), md.ShapeError, "positive integer"),
    (lambda: md.scan(lambda s, c: (s, "y"), h, x), md.UnsupportedError, "cannot compute with str"),
    (lambda: md.scan(lambda s, c: (s, s), h, np.ones((2, 2))), md.UnsupportedError,
     "cannot compute with ndarray"),
    (lambda: md.scan(lambda s, c: (s, x[c]), h, md.tensor("f", T)), md.ShapeError,
     "not an integer index"),
]


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors(case: int) -> None:
    make, error, message = ERRORS[case]
    with pytest.raises(error, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def leaked() -> tuple[Any, Any, Any, Any]:
    """A state, an entry, what is made of a state in a step within a step, and an instance."""
    kept: list[Any] = []

    def inner(s: Any, c: Any) -> tuple[Any, Any]:
        kept.append(md.tanh(s * c))
        return s + c, None

    def outer(s: Any, c: Any) -> tuple[Any, Any]:
        kept.extend([s, c])
        return md.scan(inner, s, x)[0], None

    md.scan(outer, h, x)
    md.vmap(lambda one: kept.append(one) or one)(x)
    state, entry, product, instance = kept
    return state, entry, product, instance


USES = {
    "derive": lambda s: md.derive(md.sum(s * h), "h"),
    "derive by it": lambda s: md.derive(md.sum(h * h), next(iter(inputs_of([s])))),
    "compile": lambda s: md.compile(s * h),
    "jvp": lambda s: md.jvp(s * h, {"h": h}),
    "in another scan": lambda s: md.compile(md.scan(lambda r, c: (r * s, c), h, x)[0]),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("which", range(4))
def test_what_a_step_is_given_stays_in_it(use: str, which: int) -> None:
    with pytest.raises(md.NamingError, match="used outside of it") as caught:
        USES[use](leaked()[which])
    assert "\n" not in str(caught.value)


def test_derivatives_within_a_step(rng: np.random.Generator) -> None:
    """Gradient descent: what a step is given is a variable like any other while it runs."""
    def step(w: Any, c: Any) -> tuple[Any, Any]:
        return w - 0.1 * md.derive(md.sum((w * c - h) ** 4), w)[w], None

    arrays = arrays_of(rng, SIZES[0])
    expected, _ = loop(
        lambda w, c: (w - 0.4 * (w * c - arrays["h"]) ** 3 * c, None), arrays["h"], arrays["x"]
    )
    last, _ = md.scan(step, h, x)
    np.testing.assert_allclose(compiled(last, arrays, SIZES[0]), expected, rtol=1e-12)
    slope = md.derive(last, "h")["h"]
    assert compiled(slope, arrays, SIZES[0]).shape == (3, 3)
