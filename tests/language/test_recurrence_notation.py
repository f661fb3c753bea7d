"""``md.recurrence`` against loops in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mathdl as md

n, T, k = md.dims("n T k")
t, i, j, p = md.indices("t i j p")
W, x, h0 = md.tensor("W", n, n), md.tensor("x", T, n), md.tensor("h0", n)
h, c, g, s = md.tensor("h", T, n), md.tensor("c", T, n), md.tensor("g", T, n), md.tensor("s", T)
a, E = md.tensor("a"), md.tensor("E", k, n)
ids = md.tensor("ids", T, assume="integer")


def arrays_of(rng: np.random.Generator, length: int = 4, size: int = 3) -> dict[str, Any]:
    return {"W": rng.normal(size=(size, size)), "x": rng.normal(size=(length, size)),
            "h0": rng.normal(size=size), "a": np.array(0.6), "E": rng.normal(size=(5, size)),
            "ids": rng.integers(0, 5, length)}


def value(tensor: Any, arrays: dict[str, Any]) -> Any:
    function = md.compile(tensor)
    names = str(function).partition("(")[2].rstrip(")>").replace(",", " ").split()
    return function(**{name: arrays[name] for name in names})


SIZES = [(4, 3), (1, 2), (3, 1), (1, 1)]


@pytest.mark.parametrize(("length", "size"), SIZES)
@pytest.mark.parametrize("start", [{h: h0}, {"h": h0}, {h: 0.5}, None])
def test_one_equation(start: Any, length: int, size: int, rng: np.random.Generator) -> None:
    arrays = arrays_of(rng, length, size)
    made = md.recurrence({h[t, i]: md.tanh(md.Sum(W[i, j]*h[t - 1, j], j) + x[t, i])}, start)
    assert made.shape == (T, n)
    given = None if start is None else next(iter(start.values()))
    state = arrays["h0"] if given is h0 else np.full(size, given or 0.0)
    expected = []
    for row in arrays["x"]:
        state = np.tanh(arrays["W"] @ state + row)
        expected.append(state)
    np.testing.assert_allclose(value(made, arrays), expected, rtol=1e-12)


@pytest.mark.parametrize(("length", "size"), SIZES)
def test_backwards(length: int, size: int, rng: np.random.Generator) -> None:
    """The start stands for ``h[T]``; a sequence of integers chooses rows."""
    arrays = arrays_of(rng, length, size)
    made = md.recurrence(
        {h[t, i]: md.sin(md.Sum(W[i, j]*h[t + 1, j], j))*E[ids[t], i]}, {h: h0})
    state, expected = arrays["h0"], [None]*length
    for at in reversed(range(length)):
        state = np.sin(arrays["W"] @ state)*arrays["E"][arrays["ids"][at]]
        expected[at] = state
    np.testing.assert_allclose(value(made, arrays), expected, rtol=1e-12)


def gated(order: list[int]) -> Any:
    equations = [
        (h[t, i], g[t, i]*md.tanh(c[t, i])),
        (c[t, i], c[t - 1, i]*(1 - g[t, i]) + g[t, i]*x[t, i]),
        (g[t, i], md.sigmoid(md.Sum(W[i, j]*h[t - 1, j], j) + x[t, i])),
    ]
    found = md.recurrence(dict(equations[k] for k in order), {c: h0, "h": 1})
    return dict(zip((("h", "c", "g")[k] for k in order), found, strict=True))


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_equations_in_any_order(order: list[int], rng: np.random.Generator) -> None:
    for length, size in SIZES:
        arrays = arrays_of(rng, length, size)
        found = gated(order)
        out, cell = np.ones(size), arrays["h0"]
        expected: dict[str, list[Any]] = {"h": [], "c": [], "g": []}
        for row in arrays["x"]:
            gate = 1/(1 + np.exp(-arrays["W"] @ out - row))
            cell = cell*(1 - gate) + gate*row
            out = gate*np.tanh(cell)
            for name, now in (("h", out), ("c", cell), ("g", gate)):
                expected[name].append(now)
        for name, tensor in found.items():
            np.testing.assert_allclose(value(tensor, arrays), expected[name], rtol=1e-12)


def test_other_times_and_time_itself(rng: np.random.Generator) -> None:
    """``x[t - 1]`` is zero before the start; a bare ``t`` is the number of the step."""
    arrays = arrays_of(rng)
    made = md.recurrence(
        {s[t]: a*s[t - 1] + t*md.Sum(x[t - 1, i], i) + md.Sum(x[t + 1, i]**2, i)/T}, {s: 1})
    state, expected, rows = 1.0, [], np.vstack([np.zeros(3), arrays["x"], np.zeros(3)])
    for at in range(4):
        state = 0.6*state + at*rows[at].sum() + (rows[at + 2]**2).sum()/4
        expected.append(state)
    np.testing.assert_allclose(value(made, arrays), expected, rtol=1e-12)


def test_sequences_in_another_order(rng: np.random.Generator) -> None:
    arrays = arrays_of(rng)
    made = md.recurrence({h[t, i]: h[t - 1, i]/2 + x[T - 1 - t, i]})
    state, expected = np.zeros(3), []
    for row in arrays["x"][::-1]:
        state = state/2 + row
        expected.append(state)
    np.testing.assert_allclose(value(made, arrays), expected, rtol=1e-12)


def test_it_is_the_scan() -> None:
    made = md.recurrence({h[t, i]: md.tanh(md.Sum(W[i, j]*h[t - 1, j], j) + x[t, i])}, {h: h0})
    _, states = md.scan(lambda q, row: (md.tanh(W @ q + row),)*2, h0, x)
    derived = [md.derive(md.sum(m**2), ["W", "x", "h0"]) for m in (made, states)]
    rng = np.random.default_rng(3)
    arrays = {name: arrays_of(rng)[name] for name in ("W", "x", "h0")}
    (one, slopes), (two, others) = (d.compile()(**arrays) for d in derived)
    np.testing.assert_allclose(one, two, rtol=1e-12)
    for name, slope in slopes.items():
        np.testing.assert_allclose(slope, others[name], rtol=1e-10, atol=1e-12)


ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: md.recurrence({}), md.NamingError, "needs an equation"),
    (lambda: md.recurrence({h[t, i]: h[t, i] + 1}), md.NamingError,
     "h: each needs itself at the same time; write t - 1"),
    (lambda: md.recurrence({h[t, i]: c[t, i], c[t, i]: h[t, i]}), md.NamingError, "h, c: each"),
    (lambda: md.recurrence({h[t, i]: h[t - 2, i]}), md.UnsupportedError, "not one step from t"),
    (lambda: md.recurrence({h[t, i]: h[t - 1, i] + h[t + 1, i]}), md.UnsupportedError, "not both"),
    (lambda: md.recurrence({h[t, i]: h[t - 1, i], c[t, i]: c[t + 1, i]}), md.UnsupportedError,
     "not both"),
    (lambda: md.recurrence({h[0, i]: x[0, i]}), md.NamingError, "is not the left side"),
    (lambda: md.recurrence({h[t, t]: x[t, i]}), md.NamingError, "twice"),
    (lambda: md.recurrence({W @ h0: x[t, i]}), md.NamingError, "is not the left side"),
    (lambda: md.recurrence({(W + 1)[t, i]: x[t, i]}), md.NamingError, "defined already"),
    (lambda: md.recurrence({h[t, i]: h[t - 1, i], s[p]: s[p - 1]}), md.NamingError,
     "time is called p and t"),
    (lambda: md.recurrence({h[t, i]: h[t - 1, i], W[t, i]: W[t - 1, i]}), md.ShapeError,
     "differ in length"),
    (lambda: md.recurrence({h[t, i]: h[t - 1, j]}), md.MathDLError, "j"),
    (lambda: md.recurrence({h[t, i]: md.Sum(x[t - p, i], p)*h[t - 1, i]}), md.UnsupportedError,
     "reads more than one time of x"),
    (lambda: md.recurrence({h[t, i]: h[t - 1, i]*W[t, t]}), md.UnsupportedError,
     "reads more than one time of W"),
    (lambda: md.recurrence({h[t, i]: x[t, i], h[t, j]: h[t - 1, j]}), md.NamingError,
     "h has two equations"),
    (lambda: md.recurrence({h[t, i]: h[t - 1, i]}, {"H": 1}), md.NamingError,
     "start is given for H, which has no equation; there are: h"),
    (lambda: md.recurrence({h[t, i]: h[t - 1, i]}, {x: 1}), md.NamingError, "start is given for x"),
    (lambda: md.recurrence({h[t, i]: x}), md.NamingError, r"x\[i, j\], in the right side of h"),
    (lambda: md.recurrence({h[t, i]: "x"}), md.NamingError, "no scalar .*, in the right side"),
    (lambda: md.recurrence({"h": h[t - 1, i]}), md.NamingError, "is not the left side"),
    (lambda: md.recurrence({h[t, i]: h[t - 1, i]}, {h: W}), md.ShapeError, "n"),
]


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors(case: int) -> None:
    make, error, message = ERRORS[case]
    with pytest.raises(error, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
