"""Definitions over indices and sequences in text, against NumPy loops; what is refused, and where.

Every text is also printed and read again: the numbers must be the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mathdl as md
from mathdl.errors import MathDLError, NamingError, ParseError, ShapeError, UnsupportedError
from mathdl.ir.tensor import Tensor
from mathdl.present import to_text

SHAPES = (
    "A: n d; B: d m; x: n; y: n; S: n n; c:; ids: n; W: k k; U: k k; X: T k; h0: k; s: T; at: T; "
    "G: T n k; E: n k"
)
ASSUME = {"ids": "integer", "at": "integer"}
SIZES = {"n": 4, "d": 3, "m": 2, "k": 3, "T": 5}
Arrays = dict[str, Any]


def arrays(sizes: dict[str, int] = SIZES) -> Arrays:
    rng = np.random.default_rng(8)
    found = {}
    for part in SHAPES.split(";"):
        name, axes = part.split(":")
        found[name.strip()] = rng.uniform(0.2, 1.2, [sizes[a] for a in axes.split()])
    for name in ASSUME:
        found[name] = rng.integers(0, sizes["n"], found[name].shape)
    return found


def numbers(tensor: Tensor, given: Arrays) -> Any:
    function = md.compile(tensor)
    return function(**{k: v for k, v in given.items() if k in function.inputs})


def check(text: str, law: Callable[[Arrays], Any], given: Arrays) -> None:
    tensor = md.parse(text, SHAPES, ASSUME)
    np.testing.assert_allclose(numbers(tensor, given), law(given), rtol=1e-12, atol=1e-12)
    printed = to_text(tensor)
    again = md.parse(printed, SHAPES, ASSUME)
    np.testing.assert_allclose(
        numbers(again, given), law(given), rtol=1e-12, atol=1e-12, err_msg=printed
    )


def padded(x: Any, k: int) -> float:
    return float(x[k]) if 0 <= k < len(x) else 0.0


# text and the same in NumPy
FORMULAS: dict[str, Callable[[Arrays], Any]] = {
    "M[i<n, j<m] = sum[k<d](A[i, k]*B[k, j]); M": lambda a: a["A"] @ a["B"],
    "M[j<m, i<n] = sum[k<d](A[i,k]*B[k,j]); M": lambda a: (a["A"] @ a["B"]).T,
    "sum[k<n](x[k]*y[k]) + prod[k<n](x[k]) + max[k<n](x[k]) - min[k<n](y[k])":
        lambda a: a["x"] @ a["y"] + a["x"].prod() + a["x"].max() - a["y"].min(),
    "M[i<n] = sum[k<d, l<n](A[l, k]*S[i, l]); M": lambda a: (a["S"] @ a["A"]).sum(1),
    "M[i<n] = x[i]*sum[k<d](A[i, k])/max[k<d](A[i, k]); M":
        lambda a: a["x"] * a["A"].sum(1) / a["A"].max(1),
    "M[i<n, k<d] = exp(A[i, k])/sum[l<d](exp(A[i, l])); M":
        lambda a: np.exp(a["A"]) / np.exp(a["A"]).sum(1, keepdims=True),
    "M[i<n] = x[i - 1]; M": lambda a: np.concatenate([[0], a["x"][:-1]]),
    "M[i<n + 2] = x[i - 1] + c; M": lambda a: np.pad(a["x"], 1) + a["c"],
    "M[i<n + 1] = x[i]; M": lambda a: np.pad(a["x"], (0, 1)),
    "M[t<T, i<n] = W @ G[t, i]; M": lambda a: a["G"] @ a["W"].T,
    "M[i<n, t<T] = W @ G[t, i] + x[i]*X[t]; M":
        lambda a: (a["G"] @ a["W"].T).transpose(1, 0, 2) + np.einsum("i,tk->itk", a["x"], a["X"]),
    "M[i<n, t<T] = outer(S[i], X[t]) + s[t]; M":
        lambda a: np.einsum("ij,tk->itjk", a["S"], a["X"]) + a["s"][:, None, None],
    "M[i<2*n] = x[floor(i/2)]*(mod(i, 2) == 1); M":
        lambda a: np.stack([0 * a["x"], a["x"]], 1).ravel(),
    "M[i<floor(n/2)] = x[2*i + 1]; M": lambda a: a["x"][1::2],
    "M[i<n, j<n] = x[i]*(i == j); M": lambda a: np.diag(a["x"]),
    "M[i<n, j<n] = S[i, j]*(i >= j); M": lambda a: np.tril(a["S"]),
    "M[i<n] = (i == 1)*x[i] + i*(x[i] > y[i]); M":
        lambda a: np.eye(4)[1] * a["x"] + np.arange(4) * (a["x"] > a["y"]),
    "M[i<n] = S[i, ids[i]]; M": lambda a: a["S"][np.arange(4), a["ids"]],
    "M[i<n] = x[ids[i]]*where(x[i] > 0.5, 1, c); M":
        lambda a: a["x"][a["ids"]] * np.where(a["x"] > 0.5, 1, a["c"]),
    "M[i<n] = x[-1]*x[n - 1 - i]; M": lambda a: a["x"][-1] * a["x"][::-1],
    "M[i<n] = A[i] @ B; M": lambda a: a["A"] @ a["B"],
    "M[i<n] = A[i, :]*x[i] + c; M": lambda a: a["A"] * a["x"][:, None] + a["c"],
    "M[j<d] = S @ A[:, j]; M": lambda a: (a["S"] @ a["A"]).T,
    "M[i<n] = outer(A[i], S[i])*i; M":
        lambda a: np.einsum("ij,ik,i->ijk", a["A"], a["S"], np.arange(4)),
    "M[i<n, j<d] = maximum(A[i, j], x[i]) - e; M":
        lambda a: np.maximum(a["A"], a["x"][:, None]) - np.e,
    "M[i<n] = S[i] @ (x*y[i]); M": lambda a: (a["S"] * a["y"][:, None]) @ a["x"],
    "M[i<n] = norm2(A[i])*concat([A[i], A[i]])[d]; M":
        lambda a: np.linalg.norm(a["A"], axis=1) * a["A"][:, 0],
    "f = c; b[i<n] = a[i]*2; a[i<n] = x[i] + f; b": lambda a: 2 * (a["x"] + a["c"]),
    "x2 = x; i = y; M[i<n] = x2[i]; M + i": lambda a: a["x"] + a["y"],
}


def steps(law: Callable[[Any, int], Any], start: Any, back: bool = False) -> Any:
    """``h[t]`` from ``h[t - 1]``, stacked."""
    found, state = {}, start
    for t in (range(5)[::-1] if back else range(5)):
        found[t] = state = law(state, t)
    return np.stack([found[t] for t in range(5)])


def rnn(a: Arrays) -> Any:
    return steps(lambda h, t: np.tanh(a["W"] @ h + a["X"][t]), a["h0"])


RNN = "h[-1] = h0; h[t<T] = tanh(W @ h[t - 1] + X[t]); "


def lstm(a: Arrays) -> Any:
    h, c, found = a["h0"], np.zeros(3), []
    for t in range(5):
        i = 1 / (1 + np.exp(-(a["U"] @ h)))
        c = i * c + a["X"][t]
        h = np.tanh(c)
        found.append(h)
    return np.stack(found)


def grid(a: Arrays) -> Any:
    """A state that is passed on along a row, then to the next row."""
    state, found = a["h0"], []
    for t in range(5):
        for i in range(4):
            state = np.tanh(a["W"] @ state + a["G"][t, i])
        found.append(state)
    return np.stack(found)


def both_ways(a: Arrays) -> Any:
    """``q[t, i]`` from its neighbours on two sides."""
    q = np.zeros((5, 4))
    for t in range(5):
        for i in range(4):
            left = q[t, i - 1] if i else a["s"][t]
            above = q[t - 1, i] if t else a["x"][i]
            q[t, i] = left * above + a["y"][i]
    return q


SEQUENCES: dict[str, Callable[[Arrays], Any]] = {
    RNN + "h": rnn,
    "h[t<T] = tanh(W @ h[t - 1] + X[t]); h[-1] = h0; h": rnn,
    RNN + "h[T - 1]": lambda a: rnn(a)[-1],
    RNN + "sum(h[0]) + sum(h[1:])": lambda a: rnn(a).sum(),
    RNN + "g[t<T] = h[t - 1]; g": lambda a: np.concatenate([a["h0"][None], rnn(a)[:-1]]),
    RNN + "g[t<T, j<k] = c*h[t - 1, j]*X[t, j]; g":
        lambda a: a["c"] * a["X"] * np.concatenate([a["h0"][None], rnn(a)[:-1]]),
    RNN + "M[i<T] = sum[j<k](h[i - 2, j])*s[i]; M":
        lambda a: a["s"] * np.concatenate([[0, a["h0"].sum()], rnn(a).sum(1)[:-2]]),
    "g = X @ W; h[-1] = zeros(k); h[t<T] = h[t - 1] + g[t]; h":
        lambda a: (a["X"] @ a["W"]).cumsum(0),
    "z[t<T] = W @ h[t - 1] + X[t]; h[t<T] = tanh(z[t]); h[-1] = h0; h": rnn,
    "h[-1] = h0; h[s<T] = tanh(z[s]); z[t<T] = W @ h[t - 1] + X[t]; z":
        lambda a: np.arctanh(rnn(a)),
    "h[-1] = h0; h[t<T, i<k] = tanh(sum[j<k](W[i, j]*h[t - 1, j]) + X[t, i]); h": rnn,
    "h[-1] = h0; h[t<T, i<k] = tanh(sum[j<k](W[i,j]*h[t - 1][j]) + X[t][i]); h": rnn,
    "h[-1] = h0; c1[-1] = zeros(k); i[t<T] = sigmoid(U @ h[t - 1]); "
    "c1[t<T] = i[t]*c1[t - 1] + X[t]; h[t<T] = tanh(c1[t]); h": lstm,
    "h[T] = h0; h[t<T] = tanh(W @ h[t + 1])*X[t]; h":
        lambda a: steps(lambda h, t: np.tanh(a["W"] @ h) * a["X"][t], a["h0"], back=True),
    "h[T] = h0; h[t<T] = h[t + 1]*X[t]; g[t<T, j<k] = h[t + 1, j] + t; g":
        lambda a: np.concatenate([
            np.cumprod(a["X"][::-1], 0)[::-1][1:] * a["h0"], a["h0"][None]
        ]) + np.arange(5)[:, None],
    "p[-1] = 1; p[t<T] = c*p[t - 1] + s[t]*t; p":
        lambda a: steps(lambda p, t: a["c"] * p + a["s"][t] * t, 1),
    "h[-1] = h0; h[t<T] = h[t - 1]*(t < 2) + s[T - 1 - t]*X[t - 1]; h":
        lambda a: steps(lambda h, t: h * (t < 2) + a["s"][4 - t] * (
            a["X"][t - 1] if t else 0), a["h0"]),
    "h[-1] = h0; h[t<T] = tanh(E[at[t]] + h[t - 1]); h":
        lambda a: steps(lambda h, t: np.tanh(a["E"][a["at"][t]] + h), a["h0"]),
    "h[-1] = h0; h[t<T, j<k] = tanh(E[at[t], j]*h[t - 1, j]); h":
        lambda a: steps(lambda h, t: np.tanh(a["E"][a["at"][t]] * h), a["h0"]),
    "h[-1] = h0; h[t<T, j<k] = h[t - 1, j - 1] + X[t, j - 1]; h":
        lambda a: steps(lambda h, t: np.concatenate([[0], h[:-1] + a["X"][t, :-1]]), a["h0"]),
    "h[-1] = h0; h[t<T] = logsumexp(W + h[t - 1][:, None], axis=0) + X[t]; h":
        lambda a: steps(lambda h, t: np.log(np.exp(a["W"] + h[:, None]).sum(0)) + a["X"][t],
                        a["h0"]),
    "v[-1] = zeros(k); w[-1] = h0; v[t<T] = c*v[t - 1] - W @ w[t - 1]; "
    "w[t<T] = w[t - 1] + v[t]*s[t]; w":
        lambda a: steps(lambda p, t: np.stack([
            a["c"] * p[0] - a["W"] @ p[1], p[1] + (a["c"] * p[0] - a["W"] @ p[1]) * a["s"][t]
        ]), np.stack([np.zeros(3), a["h0"]]))[:, 1],
    "old[-1] = ones(k); h[-1] = h0; old[t<T] = h[t - 1]; h[t<T] = h[t - 1] + s[t]*old[t - 1]; h":
        lambda a: steps(lambda p, t: np.stack([p[1], p[1] + a["s"][t] * p[0]]),
                        np.stack([np.ones(3), a["h0"]]))[:, 1],
    "r[-1] = h0; q[t<T, -1] = r[t - 1]; q[t<T, i<n] = tanh(W @ q[t, i - 1] + G[t, i]); "
    "r[t<T] = q[t, n - 1]; r": grid,
    "r[-1] = h0; q[t<T, -1] = r[t - 1]; q[t<T, i<n] = tanh(z[t, i]); "
    "z[t<T, i<n] = W @ q[t, i - 1] + G[t, i]; r[t<T] = q[t][n - 1]; q[:, n - 1]": grid,
    "q[t<T, -1] = s[t]; q[-1] = x; q[t<T, i<n] = q[t, i - 1]*q[t - 1, i] + y[i]; q": both_ways,
    "q[t<T, -1] = s[t]; q[t<T, i<n] = q[t, i - 1]*x[i]; M[t<T, i<n] = q[t, i - 1]; M":
        lambda a: np.outer(a["s"], np.cumprod(np.concatenate([[1], a["x"][:-1]]))),
    "q[t<T, -1] = s[t]; q[t<T, i<n] = q[t, i - 1]*x[i]; M[t<T, i<n] = q[t][i - 1]; M":
        lambda a: np.outer(a["s"], np.cumprod(np.concatenate([[1], a["x"][:-1]]))),
    "q[t<T, -1] = X[t]; q[t<T, i<n] = q[t, i - 1]*x[i]; M[t<T, i<n] = q[t][i - 1]; M":
        lambda a: a["X"][:, None] * np.cumprod(np.concatenate([[1], a["x"][:-1]]))[:, None],
    "z[t<T] = X[t] @ W; z": lambda a: a["X"] @ a["W"],
}
ALL = {**FORMULAS, **SEQUENCES}


@pytest.mark.parametrize("text", ALL)
def test_numbers(text: str) -> None:
    check(text, ALL[text], arrays())


def test_a_wrong_law_is_found() -> None:
    """The comparison itself: a lost start and a shift by one do not pass."""
    for wrong in (lambda a: steps(lambda h, t: np.tanh(a["W"] @ h + a["X"][t]), 0 * a["h0"]),
                  lambda a: np.concatenate([a["h0"][None], rnn(a)[:-1]])):
        with pytest.raises(AssertionError):
            check(RNN + "h", wrong, arrays())


@pytest.mark.parametrize("size", [1, 2])
def test_short_sequences(size: int) -> None:
    given = arrays({**SIZES, "T": size})
    full = arrays()
    given = {**given, **{k: v[:size] if k in ("X", "s") else v for k, v in full.items()}}
    tensor = md.parse(RNN + "h", SHAPES, ASSUME)
    np.testing.assert_allclose(numbers(tensor, given), rnn(full)[:size], rtol=1e-12)


def test_same_as_scan() -> None:
    """Text and :func:`mathdl.scan` make the same recurrence."""
    W, X, h0 = (md.parse(name, SHAPES) for name in ("W", "X", "h0"))
    _, states = md.scan(lambda h, x: (md.tanh(W @ h + x).named("h"),) * 2, h0, X)
    assert md.parse(RNN + "h", SHAPES) is states


def test_a_matrix_product_is_one() -> None:
    text = "M[i<n, j<m] = sum[k<d](A[i,k]*B[k,j]); M"
    assert md.parse(text, SHAPES) is md.parse("M = A @ B; M", SHAPES)


def test_names_of_what_is_defined_are_kept() -> None:
    text = RNN + "z[t<T] = h[t]*X[t]; sum(z)"
    assert to_text(md.parse(text, SHAPES)) == (
        "h[-1] = h0; h[t<T] = tanh(W @ h[t - 1] + X[t]); z = X*h; sum(z)"
    )


def test_derived() -> None:
    """What text defines is differentiated as any expression; by central differences."""
    loss = md.parse(RNN + "sum(h**2)", SHAPES)
    derivation = md.derive(loss, "W")
    given = {k: arrays()[k] for k in ("W", "X", "h0")}
    _, slope = derivation.compile()(**given)
    numeric = np.zeros((3, 3))
    for place in np.ndindex(3, 3):
        step = np.zeros((3, 3))
        step[place] = 1e-6
        up, down = ({**given, "W": given["W"] + sign * step} for sign in (1, -1))
        numeric[place] = ((rnn(up)**2).sum() - (rnn(down)**2).sum()) / 2e-6
    np.testing.assert_allclose(slope, numeric, rtol=1e-6, atol=1e-8)


# text, error, what the one-line message contains
REFUSED = [
    ("h[t<T] = W @ h[t - 1]; h", ParseError,
     r"column 14: 'h\[t - 1\]' has no start; write h\[-1\] = \.\.\."),
    ("h[t<T] = h[t + 1]*X[t]; h", ParseError, r"has no start; write h\[T\] = "),
    ("z[t<T] = W @ h[t - 1]; h[-1] = h0; h[t<T] = z[t - 1]; h", ParseError,
     r"column 45: 'z\[t - 1\]' has no start; write z\[-1\]"),
    ("h[-1] = h0; h", ParseError, r"column 1: 'h\[-1\]' is the start of no sequence"),
    ("h[-1] = h0; h[t<T] = W @ h[t - 2]; h", UnsupportedError,
     r"column 26: 'h\[t - 2\]' is neither at t nor at t - 1"),
    ("h[-1] = h0; h[t<T] = W @ h[t + 1]; h", UnsupportedError, "neither at t nor at t - 1"),
    ("h[-1] = h0; h[t<T] = W @ h[t]; h", ParseError, "needs itself at the same time; write t - 1"),
    ("h[-1] = h0; h[t<T] = W @ h; h", ParseError, "needs itself at the same time"),
    ("a[t<T] = b[t]; b[t<T] = a[t]; a", ParseError, "a, b: each needs itself"),
    ("h[-1] = h0; h[t<T] = g[t]; g[t<T] = h[t - 1] + h[x]; h", ParseError,
     "each needs itself at the same time"),
    ("q[t<T, -1] = h0; q[t<T, i<n] = W @ q[t, i - 1]; r[t<T] = q[i, 0]; r", NamingError,
     "unknown name 'i'"),
    ("h[-1] = g[0]; g[t<T] = h[t - 1]; h[t<T] = g[t]; g", ParseError,
     r"column 9: 'g\[0\]' needs itself"),
    ("h[-1] = x; h[t<T] = W @ h[t - 1]; h", ShapeError, "do not fit in @"),
    ("h[-1] = x; h[t<T] = sum(h[t - 1])*h0; h", ShapeError,
     r"column 1: 'h\[-1\]' has shape \(n,\), what follows in h has \(k,\)"),
    ("h[0] = h0; h[t<T] = W @ h[t - 1]; h", ParseError, "h starts at -1, or at T"),
    ("h[x] = h0; h[t<T] = W @ h[t - 1]; h", ParseError, "start of nothing"),
    ("h[-1] = h0; h[-1] = h0; h[t<T] = h[t - 1]; h", NamingError, "column 13: .* defined already"),
    ("h[-1] = h0; h[t<T] = h[t - 1]; h[t<T] = X[t]; h", NamingError, "defined already"),
    ("a[-1] = h0; b[T] = h0; b[t<T] = a[t] + b[t + 1]; a[t<T] = b[t] + a[t - 1]; a", ParseError,
     "different directions"),
    ("a[-1] = h0; a[t<T] = a[t - 1] + b[t]; b[t<n] = a[t - 1]; a", ShapeError,
     r"column 39: 'b\[t<n\]' is as long as n, 'a\[t<T\]' as T"),
    (RNN + "sum(h[-1])", ShapeError, "its start or its last entry; write T - 1 for the last"),
    ("h[t<T, t<T] = 1; h", ParseError, "an index is twice"),
    ("h[t<=T] = 1; h", ParseError, "column 3: 't<=T' is not an index with its range"),
    ("h[t<x] = 1; h", ParseError, "range of t in 't<x' is not a dim"),
    ("h[t<T/2] = 1; h", ShapeError, "positive integer"),
    ("h[t<0] = 1; h", ShapeError, "positive integer"),
    ("h[lambda: 1] = 1; h", ParseError, "lambda is not in the language"),
    ("M[i<n][j<d] = 1; M", ParseError, "one name on its left"),
    ("x[i<n] = 1; x", NamingError, "'x' is declared or defined already"),
    ("sum[i<n] = 1; sum", NamingError, "function of the language"),
    ("M[i<n] = A[i, i, i]; M", ShapeError, r"3 indices for the 2 axes .* at column 10"),
    ("M[i<n] = x[i][0]; M", ShapeError, r"column 10: 'x\[i\]' is a number"),
    ("M[i<n] = x[i/2]; M", ShapeError, "i/2, which is not always an integer"),
    ("M[i<n] = x[x[i]]; M", ShapeError, r"index x\[i\] in x\[x\[i\]\] is not assumed"),
    ("M[i<n] = x[i:]; M", UnsupportedError, "slice whose ends depend on an index"),
    ("M[i<n] = zeros(i); M", ShapeError, "zeros"),
    ("M[i<n] = q[i]; M", NamingError, "column 10: unknown name 'q'"),
    ("M[i<n] = x[j]; M", NamingError, "column 12: unknown name 'j'"),
    ("M[i<n] = x[i]/0; M", ParseError.__base__, "division by zero, in 'x.i./0' at column 10"),
    ("M[i<n] = x[mod(i, 0)]; M", MathDLError, "divides by zero"),
    ("M[i<n] = x[i**300]; M", UnsupportedError, "an index that is not a short sum"),
    ("sum[k<n](A[k])", UnsupportedError, "tensors are read entry by entry"),
    ("sum[k<n](x)", ShapeError, r"x of shape \(n,\) is not a scalar here"),
    ("sum[k](x[k])", ParseError, "'k' is not an index with its range"),
    ("sum[k<n, k<n](1)", ParseError, "an index is twice"),
    ("sum[k<n](x[k], 0)", ParseError, "takes one scalar"),
    ("mean[k<n](x[k])", ParseError, "cannot be called"),
    ("floor(x)", ShapeError, "not a scalar here"),
    ("mod(n)", ParseError, "mod takes 2 arguments"),
]


@pytest.mark.parametrize(
    ("text", "error", "message"), REFUSED, ids=[repr(r[0])[:40] for r in REFUSED]
)
def test_refuses(text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        md.parse(text, SHAPES, ASSUME)
    assert isinstance(caught.value, MathDLError)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert "_item" not in str(caught.value)
    assert "_state" not in str(caught.value)


def _many(count: int, form: str) -> str:
    return ";".join(form.format(k=k, n=k + 1) for k in range(count))


# Text that would take unbounded time, memory or stack if it were computed as written.
HOSTILE = {
    "power of an index": "M[i<n, j<n, k<n] = x[(i + j + k)**300]; M",
    "product of indices": "M[i<n] = x[" + "*".join(f"(i + {k})" for k in range(60)) + "]; M",
    "powers": "M[i<n] = ((2*x[i])**10000)**10000; M",
    "digits": "M[i<n] = " + "*".join(["(10**59*x[i])**100"] * 300) + "; M",
    "product": "prod[k<10**9](3)",
    "inner product": "M[i<n] = prod[k<10**9](3*x[i]); M",
    "terms": "M[i<n] = " + "+".join(f"x[i + {k}]" for k in range(400)) + "; M",
    "range": "M[i<(n + d + m + 1)**500] = 1; M",
    "indices": "M[" + ", ".join(f"i{k}<2" for k in range(40)) + "] = 1; M",
    "subscripts": "M[i<n] = x" + "[i]"*3000 + "; M",
    "circle": "a0[t<T] = a200[t];" + _many(200, "a{n}[t<T] = a{k}[t]") + "; a0",
}
LARGE = {
    "chain": _many(150, "a{n}[t<T] = a{k}[t]*a{k}[t]") + "; a0[t<T] = s[t]; a150",
    "states": _many(60, "a{n}[-1] = 1; a{n}[t<T] = a{k}[t - 1]")
              + "; a0[-1] = 1; a0[t<T] = a60[t]; a0",
    "sums": "sum[k<n](" * 50 + "x[0]" + ")" * 50,
    "digits": "M[i<n] = x[" + "mod(d*" * 20 + "i" + ", n)" * 20 + "]; M",
    "gathers": "M[i<n] = x" + "[ids" * 50 + "[i]" + "]" * 50 + "; M",
    "loops": "q[" + ", ".join(f"t{k}<T" for k in range(12)) + "] = q["
             + ", ".join(f"t{k}" for k in range(11)) + ", t11 - 1]*2; q["
             + ", ".join(f"t{k}<T" for k in range(11)) + ", -1] = 1; q",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_is_refused_quickly(kind: str) -> None:
    start = time.perf_counter()
    with pytest.raises(MathDLError) as caught:
        md.parse(HOSTILE[kind], SHAPES, ASSUME)
    assert time.perf_counter() - start < 2
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("kind", LARGE)
def test_large_text_is_read_quickly(kind: str) -> None:
    start = time.perf_counter()
    assert isinstance(md.parse(LARGE[kind], SHAPES, ASSUME), Tensor)
    assert time.perf_counter() - start < 3
