"""Printed text is read back and must compute the same numbers, entry by entry."""

from __future__ import annotations

import itertools
import subprocess
import sys
import zlib

import numpy as np
import pytest
from oracle import evaluate
from present_cases import EXPRESSIONS, MATRICES

import mathdl as md
from mathdl.ir.system import inputs_of
from mathdl.ir.tensor import Tensor
from mathdl.present import to_index, to_text

SIZES = {"n": 3, "d": 4, "c": 2, "m": 5, "h": 2, "k": 2}
def arrays(shapes: str, seed: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(zlib.crc32(seed.encode()))
    result = {}
    for part in shapes.split(";"):
        name, _, axes = part.partition(":")
        size = tuple(int(a) if a.isdigit() else SIZES[a] for a in axes.split())
        result[name.strip()] = rng.uniform(0.2, 1.2, size)
    return result


def same_numbers(tensor: Tensor, text: str, shapes: str, seed: str) -> None:
    again = md.parse(text, shapes)
    assert again.shape == tensor.shape, text
    values = arrays(shapes, seed)
    expected = evaluate(tensor, values, SIZES)
    np.testing.assert_allclose(
        evaluate(again, values, SIZES), expected, rtol=1e-10, atol=1e-12, err_msg=text
    )


@pytest.mark.parametrize(("expr", "printed"), EXPRESSIONS, ids=[e for e, _ in EXPRESSIONS])
def test_an_expression_is_read_back(expr: str, printed: str | None) -> None:
    tensor = md.parse(expr, MATRICES)
    text = to_text(tensor)
    if printed is not None:
        assert text == printed
    same_numbers(tensor, text, MATRICES, expr)


# Gradients through these are written in index notation.
WITHOUT = ("kron(S, T)", "_pool", "A[1:, ::2]")
WRT = [e for e, _ in EXPRESSIONS if not any(w in e for w in WITHOUT)]


@pytest.mark.parametrize("expr", WRT)
def test_a_gradient_is_read_back(expr: str) -> None:
    tensor = md.parse(expr, MATRICES)
    names = sorted({t.name for t in inputs_of([tensor])} & {"A", "S", "x", "z"})[:2]
    if not names:
        pytest.skip("no variable")
    letters = "".join("abcdef"[: tensor.ndim])
    loss = md.einsum(f"{letters},{letters}->", tensor, md.cos(tensor))
    derivation = md.derive(loss, wrt=names)
    for name in names:
        gradient = derivation[name]
        same_numbers(gradient, to_text(gradient, derivation.names), MATRICES, expr)


def _einsums() -> list[str]:
    """Every product of up to three of these, summed over every set of letters."""
    shapes = {"a": "i", "b": "j", "M": "ij", "N": "jk", "P": "ik", "Q": "ijk", "R": "ji"}
    found = []
    for count in (1, 2, 3):
        for picked in itertools.combinations(shapes, count):
            letters = sorted(set("".join(shapes[p] for p in picked)))
            for size in range(len(letters) + 1):
                for kept in itertools.permutations(letters, size):
                    terms = ",".join(shapes[p] for p in picked)
                    found.append(f'einsum("{terms}->{"".join(kept)}", {", ".join(picked)})')
    return found[:: 3]


def test_every_contraction_is_read_back() -> None:
    shapes = "a: n; b: d; M: n d; N: d c; P: n c; Q: n d c; R: d n"
    assert len(_einsums()) > 200
    for expr in _einsums():
        tensor = md.parse(expr, shapes)
        same_numbers(tensor, to_text(tensor), shapes, expr)


def test_gathers_are_read_back() -> None:
    n, d, m = md.dims("n d m")
    table, ids = md.tensor("E", n, d), md.tensor("ids", m, assume="integer")
    for tensor, shown in ((table[ids], "E[ids]"), (table.T[:, ids], "E.T[:, ids]")):
        assert to_text(tensor) in (shown, "E[ids].T")
    gradient = md.derive(md.sum(md.tanh(table[ids])), wrt="E")["E"]
    again = md.parse(
        to_text(gradient), {"E": (n, d), "ids": (m,)}, assume={"ids": "integer"}
    )
    values = arrays("E: n d; ids: m", "gather")
    values["ids"] = np.floor(values["ids"] * 2)
    np.testing.assert_allclose(
        evaluate(again, values, SIZES), evaluate(gradient, values, SIZES), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("shapes", "expr", "wrt"),
    [
        ("x: 2 3 5 6; k: 4 3 3 2", "sum(tanh(conv2d(x, k)))", "xk"),
        ("x: 2 3 5 6; k: 4 3 3 3", "sum(tanh(conv2d(x, k, padding=1)))", "xk"),
        ("x: 7 6; k: 3 2", "sum(tanh(conv2d(x, k)))", "xk"),
        ("x: 7 7; k: 3 3", "sum(tanh(conv2d(x, k, stride=2)))", "k"),
    ],
)
def test_convolutions_are_read_back(shapes: str, expr: str, wrt: str) -> None:
    derivation = md.derive(md.parse(expr, shapes), wrt=list(wrt))
    for name in wrt:
        text = to_text(derivation[name], derivation.names)
        assert "conv2d" in text
        same_numbers(derivation[name], text, shapes, expr)


def test_textbook_forms() -> None:
    shapes = "X: n d; W: d c; b: c; Y: n c; w: d; y: n"

    def gradient(expr: str, wrt: str, **options: object) -> str:
        derivation = md.derive(md.parse(expr, shapes, **options), wrt=wrt)
        return to_text(derivation[wrt], derivation.names)

    assert gradient("sum((X @ w - y)**2)/n", "w") == "2*X.T @ (X @ w - y)/n"
    assert gradient("logsumexp(X @ w)", "w") == "X.T @ softmax(X @ w)"
    shared = "P = softmax(X @ W + b); -sum(Y*log(P))/n"
    assert gradient(shared, "W", assume={"Y": "one_hot"}) in (
        "P = softmax(X @ W + b); X.T @ (P - Y)/n", "P = softmax(X @ W + b); X.T @ (P/n - Y/n)",
    )


def test_names_do_not_collide() -> None:
    n = md.dims("n")
    t1, x = md.tensor("t1", n), md.tensor("x", n)
    inner = md.exp(t1 + x + md.sin(x)*md.cos(x))
    text = to_text(inner / (1 + inner) + md.tanh(inner))
    assert text.startswith("t2 = ")
    labelled = md.tanh(x).named("x") + t1
    assert to_text(labelled) == "x_1 = tanh(x); x_1 + t1"


def test_what_has_no_matrix_form_is_in_index_notation() -> None:
    n = md.dims("n")
    x, y = md.tensor("x", n), md.tensor("y", n)
    i, j = md.indices("i j")
    tensor = md.equation("T", ((i, 0, n - 1),), md.Sum(x[i - j] * y[j], j))
    assert to_text(tensor) == "T[i<n] = sum[j<n](x[i - j]*y[j]); T"
    assert to_index(tensor.operands[0].tensor, "T") == "T[i] = sum_j x[i - j]*y[j]"


def test_reprs() -> None:
    n, d = md.dims("n d")
    x, w = md.tensor("X", n, d), md.tensor("w", d)
    assert repr(x) == "X: (n, d)"
    assert repr(md.tensor("s")) == "s: ()"
    assert repr(x @ w) == "X @ w"
    assert (x @ w)._repr_latex_() == r"$\displaystyle \mathbf{X} \mathbf{w}$"


def test_text_does_not_depend_on_the_hash_seed() -> None:
    program = (
        "import mathdl as md\n"
        "from mathdl.present import to_text\n"
        "loss = md.parse('sum(G*(softmax(Q @ K.T/sqrt(d)) @ V)) + sum(layer_norm(Q)*K)', "
        "'G: n c; Q: n d; K: n d; V: n c')\n"
        "D = md.derive(loss, wrt=['Q', 'K', 'V'])\n"
        "print([to_text(D[k], D.names) for k in 'QKV'], D.latex())\n"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("0", "1", "2", "3")
    }
    assert len(printed) == 1
