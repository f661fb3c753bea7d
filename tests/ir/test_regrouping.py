"""Reshapes leave alone the axes that both shapes have, and stay views under permuted axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sympy import Mod, floor

import mathdl as md
from mathdl.ir.index import out_indices, regrouped_axes, reshape_index

a, b, c, d, n = md.dims("a b c d n")
i, j, k, l, m = out_indices(5)


@pytest.mark.parametrize(("source", "target", "law"), [
    ((n, a * b, d), (n, a, b, d), (i, b * j + k, l)),
    ((n, a, b, d), (n, a * b, d), (i, floor(j / b), Mod(j, b), k)),
    ((a, 1, b), (a, b), (i, 0, j)),
    ((a, b), (1, a, 1, b), (j, l)),
    ((a * b, c * d), (a, b, c, d), (b * i + j, d * k + l)),
    ((a, b), (b, a), (floor((a * i + j) / b), Mod(a * i + j, b))),
])
def test_the_law(source: Any, target: Any, law: Any) -> None:
    assert reshape_index(source, target) == law


def test_values_of_all_reshapes_of_a_shape(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 6, 1, 4))
    for shape in ((2, 2, 3, 4), (12, 4), (2, 1, 24), (3, 4, 4), (2, 3, 8, 1), (48,), (2, 6, 2, 2)):
        got = md.compile(md.reshape(md.tensor("x", 2, 6, 1, 4), *shape))(x=x)
        np.testing.assert_array_equal(got, x.reshape(shape))


@pytest.mark.parametrize(("index", "shape", "pairs"), [
    ((j, b * i + k), (n, a * b), (((1,), (i, k)), ((0,), (j,)))),
    ((j, b * k + i), (n, a * b), None),  # the digits in the wrong order: others lengths
    ((floor(i / b), j, Mod(i, b)), (a, n, b), None),
    ((i, i), (a, a), None),
    ((i, j + 1), (a, n), None),
])
def test_which_axes_go_together(index: Any, shape: Any, pairs: Any) -> None:
    assert regrouped_axes(index, shape, {i: a, j: n, k: b}) == pairs


def test_a_position_over_axes_apart() -> None:
    found = regrouped_axes((floor(i / b), j, Mod(i, b)), (a, n, b), {i: a * b, j: n})
    assert found == (((0, 2), (i,)), ((1,), (j,)))


@pytest.mark.parametrize("split", [True, False])
def test_the_gradient_of_a_permuted_reshape_is_one(split: bool) -> None:
    """It neither sums over the parts nor gathers entries."""
    x = md.tensor("x", n, a * b, d) if split else md.tensor("x", a, n, b, d)
    y = (md.transpose(md.reshape(x, n, a, b, d), (1, 0, 2, 3)) if split
         else md.reshape(md.transpose(x, (1, 0, 2, 3)), n, a * b, d))
    derived = md.derive(md.sum(md.tensor("G", y.shape) * md.tanh(y)), "x")
    assert derived.verify()
    assert derived.proof.check(instances=1)
    assert "sum" not in derived.text()
    source = derived.compile("grad").source
    assert "arange" not in source.split("def run")[1]
