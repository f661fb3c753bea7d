"""Modules: what they declare, how it starts, and that they compute what the functions do."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest
from layer_values import agree, value
from sympy import sympify

import mathdl as md
from mathdl.catalogue import layers
from mathdl.catalogue.layers import module

L = layers
n, d, t = md.dims("n d t")
SIZES = {"n": 4, "d": 6, "t": 5, "h": 3}
IMAGE = md.tensor("X", n, 2, 6, 5)
ROWS, SEQUENCE = md.tensor("X", n, d), md.tensor("X", t, d)

#: A module, its input, the function, and its parameters with their shapes at these sizes.
MODULES: list[tuple[Any, Any, Any, dict[str, tuple[int, ...]]]] = [
    (L.Dense("h"), ROWS, L.dense, {"W": (6, 3), "b": (3,)}),
    (L.Dense(2, bias=False), ROWS, L.dense, {"W": (6, 2)}),
    (L.Embedding(9, "h"), md.tensor("X", n, assume="integer"), L.embedding, {"E": (9, 3)}),
    (L.Conv2d("h", (3, 2)), IMAGE, L.conv2d, {"K": (3, 2, 3, 2), "b": (3,)}),
    (L.Conv2d(4, 2, groups=2), IMAGE, lambda x, k, b: L.conv2d(x, k, b, groups=2),
     {"K": (4, 1, 2, 2), "b": (4,)}),
    (L.Conv1d("h", 2, padding=1, bias=False), md.tensor("X", n, d, t),
     lambda x, k: L.conv1d(x, k, padding=1), {"K": (3, 6, 2)}),
    (L.BatchNorm(), IMAGE, L.batch_norm, {"gamma": (2,), "beta": (2,)}),
    (L.LayerNorm(), ROWS, L.layer_norm, {"gamma": (6,), "beta": (6,)}),
    (L.RMSNorm(), ROWS, L.rms_norm, {"gamma": (6,)}),
    (L.GroupNorm(2), IMAGE, lambda x, g, b: L.group_norm(x, g, b, 2),
     {"gamma": (2,), "beta": (2,)}),
    (L.RNN("h"), SEQUENCE, L.rnn, {"W": (6, 3), "U": (3, 3), "b": (3,)}),
    (L.LSTM("h"), SEQUENCE, L.lstm, {"W": (4, 6, 3), "U": (4, 3, 3), "b": (4, 3)}),
    (L.GRU("h"), SEQUENCE, L.gru, {"W": (3, 6, 3), "U": (3, 3, 3), "b": (3, 3)}),
    (L.MultiHeadAttention(2, "h"), SEQUENCE, L.multi_head_attention,
     {"Wq": (2, 6, 3), "Wk": (2, 6, 3), "Wv": (2, 6, 3), "Wo": (2, 3, 6)}),
]
NAMES = [type(one[0]).__name__ for one in MODULES]


@pytest.mark.parametrize(("layer", "x", "function", "shapes"), MODULES, ids=NAMES)
def test_a_module_is_its_function_of_its_parameters(
    layer: Any, x: Any, function: Any, shapes: dict[str, tuple[int, ...]],
    rng: np.random.Generator,
) -> None:
    y = layer(x)
    assert y is function(x, *layer.parameters.values())
    first = layer.initial(SIZES, seed=1)
    assert {name: a.shape for name, a in first.items()} == shapes
    again = layer.initial(SIZES, seed=1)
    assert all(np.array_equal(first[name], again[name]) for name in shapes)
    inputs = rng.integers(0, 4, [SIZES.get(str(d), d) for d in x.shape])
    computed = md.compile(y)(X=inputs, **first)
    sizes = {md.dims(name): size for name, size in SIZES.items()}
    assert computed.shape == tuple(int(sympify(d).subs(sizes)) for d in y.shape)


def test_a_transformer_block(rng: np.random.Generator) -> None:
    block = L.TransformerBlock(2, "h", 7, causal=True)
    block(SEQUENCE)
    first = block.initial(SIZES)
    x = rng.normal(size=(5, 6))
    names = ["gamma_a", "beta_a", "Wq", "Wk", "Wv", "Wo", "gamma_c", "beta_c", "W_in", "b_in",
             "W_out", "b_out"]
    assert set(names) == set(first)
    wanted = value(lambda x, *p: L.transformer_block(x, *p, mask=L.causal_mask(5)),
                   x, *(first[name] for name in names))
    agree(md.compile(block(SEQUENCE))(X=x, **first), wanted)


def test_parameters_are_numbered_by_layer() -> None:
    model = L.Sequential(
        L.Conv2d("c", 3, md.relu), lambda x: md.max_pool(x, 2),
        lambda x: md.reshape(x, x.shape[0], -1),
        L.Residual(L.Sequential(L.LayerNorm(), L.Dense(2 * md.dims("c")))), md.tanh, L.Dense(3),
    )
    model(IMAGE)
    assert list(model.parameters) == ["K1", "b1", "gamma2", "beta2", "W3", "b3", "W4", "b4"]


def test_a_network_is_derived_and_verified() -> None:
    model = L.Sequential(L.Dense("h", md.tanh), L.Residual(L.Dense("h", md.tanh)), L.Dense("c"))
    Y = md.tensor("Y", "n c", assume="one_hot")
    loss = md.cross_entropy(model(ROWS), Y)
    derivation = md.derive(loss, list(model.parameters.values()))
    assert derivation.verify()
    assert list(derivation.derivatives) == ["W1", "b1", "W2", "b2", "W3", "b3"]


def test_shared_modules_have_one_set_of_parameters() -> None:
    layer = L.Dense("d", md.tanh)
    model = L.Sequential(layer, layer)
    y = model(ROWS)
    W, b = model.parameters.values()
    assert y is md.tanh(md.tanh(ROWS @ W + b) @ W + b)


class Twins(L.Module):
    """Two layers side by side."""

    def __init__(self, numbered: bool) -> None:
        self.left, self.right = L.Dense("h"), L.Dense("h")
        if numbered:
            self.number_parts()

    def __call__(self, x: Any) -> Any:
        return self.left(x) * self.right(x)


def test_modules_of_ones_own() -> None:
    twins = Twins(numbered=True)
    twins(ROWS)
    assert list(twins.parameters) == ["W1", "b1", "W2", "b2"]
    unnumbered = Twins(numbered=False)
    unnumbered(ROWS)
    with pytest.raises(md.NamingError, match="two parameters of Twins are called W"):
        _ = unnumbered.parameters


def test_what_is_refused() -> None:
    layer = L.Dense("h")
    with pytest.raises(md.InputError, match="call it first"):
        _ = layer.parameters
    layer(ROWS)
    with pytest.raises(md.ShapeError, match="from the first call"):
        layer(md.tensor("X", n, 9))
    with pytest.raises(md.InputError, match="the size of h is needed for W"):
        layer.initial({"d": 2})
    with pytest.raises(md.NamingError, match="before it became a part"):
        L.Sequential(layer)
    with pytest.raises(md.ShapeError):
        L.Conv2d(4, 2, groups=3)(IMAGE)


def test_the_example_of_the_module() -> None:
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


# -- first values ------------------------------------------------------------------------------


@pytest.mark.parametrize(("law", "variance"), [
    (L.lecun, 1 / 300), (L.he, 2 / 300), (L.glorot, 2 / 500),
])
def test_variances(law: Any, variance: float, rng: np.random.Generator) -> None:
    W = law(rng, (300, 200), 300, 200)
    assert np.mean(W**2) == pytest.approx(variance, rel=0.03)  # 60,000 entries: 0.6 % deviation


@pytest.mark.parametrize("shape", [(5, 5), (6, 3), (3, 6), (4, 5, 5), (1, 1)])
def test_orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    Q = L.orthogonal(rng, shape, 1, 1)
    assert Q.shape == shape
    short = Q if shape[-2] >= shape[-1] else np.swapaxes(Q, -1, -2)
    gram = np.swapaxes(short, -1, -2) @ short
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(min(shape[-2:])), gram.shape),
                               atol=1e-14)


def test_orthogonal_is_uniform(rng: np.random.Generator) -> None:
    """Each sign is as frequent: without the correction of QR the diagonal is negative."""
    corner = np.array([L.orthogonal(rng, (3, 3), 1, 1)[0, 0] for _ in range(2000)])
    assert abs(corner.mean()) < 4 * corner.std() / np.sqrt(len(corner))


@pytest.mark.parametrize(("law", "low", "high"), [(L.he, 0.5, 2.0), (L.glorot, 0.0, 0.01)])
def test_the_law_for_rectifiers_keeps_their_size(
    law: Any, low: float, high: float, rng: np.random.Generator
) -> None:
    """Ten wide layers: the mean square stays with He's law; with Glorot's it halves in each."""
    model = L.Sequential(*(L.Dense(400, md.relu, law=law) for _ in range(10)))
    y = model(md.tensor("X", 50, 400))
    out = md.compile(y)(X=rng.normal(size=(50, 400)), **model.initial())
    assert low < np.mean(out**2) < high


def test_forget_gates_start_open() -> None:
    layer = L.LSTM(2)
    layer(SEQUENCE)
    assert layer.initial(SIZES)["b"].tolist() == [[0, 0], [1, 1], [0, 0], [0, 0]]
