"""Instances satisfy what is assumed of them, and sizes what the shapes require."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import KroneckerDelta
from verification_problems import reading, tensor

from mathdl.errors import AssumptionError, InputError
from mathdl.ir.assumptions import ASSUMPTIONS, closure
from mathdl.ir.build import define, out_ranges
from mathdl.ir.dim import dim_symbol
from mathdl.ir.index import out_index, slot
from mathdl.ir.tensor import Access, Requirement
from mathdl.verify import choose_dims, sample, satisfies


@pytest.mark.parametrize("shape", ["n n", "b n n", "2 b n n"])
@pytest.mark.parametrize("name", ASSUMPTIONS)
def test_every_assumption_is_satisfied(name: str, shape: str) -> None:
    for n in (1, 2, 5):
        x = tensor("x", shape, name)
        drawn = sample([x], {"n": n, "b": 3}, np.random.default_rng(n))["x"]
        assert drawn.shape == tuple({"n": n, "b": 3, "2": 2}[d] for d in shape.split())
        assert np.all(np.isfinite(drawn))
        assert all(satisfies(drawn, fact) for fact in closure([name]))
        assert drawn.dtype == (np.int64 if name == "integer" else np.float64)


@pytest.mark.parametrize("names", [
    "positive symmetric", "positive positive_definite", "positive invertible",
    "symmetric invertible", "lower_triangular invertible", "diagonal invertible",
    "diagonal positive_definite", "symmetric orthogonal", "orthogonal positive_definite",
    "small symmetric", "unit_interval symmetric", "nonnegative lower_triangular",
    "binary symmetric", "positive small", "lower_triangular orthogonal", "integer positive",
])
def test_combinations(names: str) -> None:
    facts = names.split()
    drawn = sample([tensor("x", "b n n", *facts)], {"b": 2, "n": 4}, np.random.default_rng(1))["x"]
    assert all(satisfies(drawn, fact) for fact in closure(facts))


def test_matrices_are_well_conditioned_and_general() -> None:
    for name in ("invertible", "positive_definite", "orthogonal"):
        a = sample([tensor("a", "n n", name)], {"n": 20}, np.random.default_rng(0))["a"]
        assert np.linalg.cond(a) < 10
    a = sample([tensor("a", "n n", "invertible")], {"n": 4}, np.random.default_rng(0))["a"]
    assert not np.allclose(a, a.T)


def test_a_contradiction_is_refused() -> None:
    with pytest.raises(AssumptionError, match="cannot draw x"):
        sample([tensor("x", "n n", "positive", "diagonal")], {"n": 3}, np.random.default_rng(0))
    with pytest.raises(InputError, match="no size"):
        sample([tensor("x", "n")], {}, np.random.default_rng(0))


def test_hints() -> None:
    rng = np.random.default_rng(0)

    def of(hint: str) -> np.ndarray:
        return sample([tensor("x", "n n", hint)], {"n": 30}, rng)["x"]

    assert np.abs(of("large")).mean() > 100
    assert np.abs(of("small")).mean() < 0.2
    assert isinstance(sample([tensor("a", "", "small")], {}, rng)["a"], np.ndarray)
    assert np.abs(of("tiny")).max() < 1e-6
    assert of("large_positive").min() > 5
    assert of("greater_than_one").min() > 1
    assert np.abs(of("minus_one_one")).max() < 1
    assert set(np.unique(of("sign_labels"))) == {-1.0, 1.0}
    assert of("probability_table").sum() == pytest.approx(1)
    assert np.all(of("adjacency").diagonal() == 0)


def test_indices_are_drawn_in_range() -> None:
    table, ids = tensor("E", "v d"), tensor("ids", "n", "integer")
    n, d = dim_symbol("n"), dim_symbol("d")
    rows = define(out_ranges((n, d)), slot(0) * 1,
                  [Access(table, (slot(1) + 1, out_index(1))), Access(ids, (out_index(0),))])
    for seed in range(20):
        drawn = sample([table, ids], {"n": 50, "v": 4, "d": 2}, np.random.default_rng(seed),
                       outputs=[rows])
        assert drawn["ids"].dtype == np.int64
        assert drawn["ids"].min() == 0
        assert drawn["ids"].max() == 2


def test_classes_compared_with_an_index_are_in_range() -> None:
    classes = tensor("y", "n", "integer")
    n, c = dim_symbol("n"), dim_symbol("c")
    one_hot = define(out_ranges((n, c)), KroneckerDelta(slot(0), out_index(1)),
                     [Access(classes, (out_index(0),))])
    drawn = sample([classes], {"n": 200, "c": 3}, np.random.default_rng(0), outputs=[one_hot])
    assert set(drawn["y"]) == {0, 1, 2}


def test_sizes_are_distinct_and_each_is_one_somewhere() -> None:
    out = reading([tensor("X", "n d"), tensor("w", "d k"), tensor("b", "k")])
    first, *others = chosen = choose_dims([out], count=5)
    assert len(set(first.values())) == 3
    assert min(first.values()) > 1
    assert len({tuple(c.items()) for c in chosen}) == 5
    assert {name for c in others for name, size in c.items() if size == 1} == {"n", "d", "k"}
    assert all(c["n"] == 9 for c in choose_dims([out], {"n": 9}, count=4))


def test_sizes_respect_shapes_and_requirements() -> None:
    n, k = dim_symbol("n"), dim_symbol("k")
    x = tensor("x", "n")
    window = define([(out_index(0), n - k + 1)], slot(0) * 2,
                    [Access(x, (out_index(0) + k - 1,))],
                    requires=[Requirement(k - 2, "the window has two taps")])
    for sizes in choose_dims([window], count=6):
        assert sizes["n"] >= sizes["k"] >= 2
    with pytest.raises(InputError, match="do not fit"):
        choose_dims([window], {"n": 2, "k": 3})
    with pytest.raises(InputError, match="two taps"):
        choose_dims([window], {"n": 2, "k": 1})


def test_no_symbols_need_no_sizes() -> None:
    assert choose_dims([tensor("x", "3")], count=2) == [{}, {}]
