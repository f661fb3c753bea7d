"""The generated code of recurrences: what is outside the loop, buffers, types of numbers."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest
from recurrent_models import DIMS, MODELS, Names

import mathdl as md

SIZES = {**DIMS, "T": 4}


def derived(name: str) -> Any:
    model = MODELS[name]
    return md.derive(model.expr(Names(model.tensors())), list(model.shapes))


def step_bodies(source: str) -> list[str]:
    """The lines of each step function."""
    return re.findall(r"(?ms)^def _step\d+\(.*?(?=^def |\Z)", source)


def test_products_without_state_are_outside() -> None:
    """Of the eight products of an LSTM the four of the input are made for all times at once."""
    source = derived("lstm").compile("value").source
    bodies = step_bodies(source)
    assert len(bodies) == 1
    assert source.count("for t in range(T):") == 1
    inside = bodies[0]
    for gate in "ifog":
        assert not re.search(rf"\bW{gate}\b", inside)
        assert re.search(rf"\bW{gate}\b", source.replace(inside, ""))
        assert re.search(rf"\bU{gate}\b", inside)
    assert "X" not in re.findall(r"\w+", inside)


def test_weights_get_their_gradients_outside() -> None:
    """Back-propagation through time collects; the sums over time are single products."""
    source = derived("rnn").compile().source
    bodies = step_bodies(source)
    assert len(bodies) == 2
    loops = re.findall(r"for t in (range\(.*\)):", source)
    assert sorted(loops) == ["range(T - 1, -1, -1)", "range(T)"]
    for body in bodies:
        assert not re.search(r"\b(out_U|out_W|out_V|U|V)\b", body)


def test_equal_loops_are_one() -> None:
    n, T = md.dims("n T")
    W, x = md.tensor("W", n, n), md.tensor("x", T, n)
    made = [md.scan(lambda s, c: (md.tanh(W @ s + c),) * 2, md.zeros(n), x) for _ in range(2)]
    source = md.compile(md.sum(made[0][0]) + md.sum(made[1][1])).source
    assert source.count("for t in range(T):") == 1


@pytest.mark.parametrize("name", MODELS)
def test_single_precision_stays(name: str) -> None:
    model = MODELS[name]
    function = derived(name).compile()
    arrays = model.arrays(2, SIZES)
    value, slopes = function(**arrays)
    single = {k: np.asarray(v, np.float32) for k, v in arrays.items()}
    found, others = function(**single)
    assert np.asarray(found).dtype == np.float32
    np.testing.assert_allclose(found, value, rtol=2e-4)
    for wrt, slope in others.items():
        assert np.asarray(slope).dtype == np.float32, wrt
        scale = max(1.0, float(np.max(np.abs(slopes[wrt]))))
        np.testing.assert_allclose(slope, slopes[wrt], rtol=0, atol=1e-3 * scale)


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_left_of_a_call(name: str) -> None:
    """Calls with other numbers and other lengths in between change nothing, nor do layouts."""
    model = MODELS[name]
    function = derived(name).compile()
    arrays = model.arrays(4, SIZES)
    value, slopes = function(**arrays)
    kept = {k: np.array(v) for k, v in slopes.items()}
    for sizes in (SIZES, {**SIZES, "T": 2}, {**SIZES, "T": 1}):
        function(**{k: np.full_like(v, 0.9) for k, v in model.arrays(9, sizes).items()})
    for wrt, slope in slopes.items():  # what was returned is the caller's
        np.testing.assert_array_equal(slope, kept[wrt])
    spread = {k: np.repeat(v[..., None], 2, -1)[..., 0] if v.ndim else v
              for k, v in arrays.items()}
    turned = {k: np.array(v, order="F") for k, v in arrays.items()}
    backwards = {k: v[::-1].copy()[::-1] if v.ndim else v for k, v in arrays.items()}
    for given in (arrays, spread, turned, backwards):
        again, others = function(**given)
        np.testing.assert_allclose(again, value, rtol=1e-12)
        for wrt, slope in others.items():
            np.testing.assert_allclose(slope, kept[wrt], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["rnn", "nested", "delay line", "backwards"])
def test_results_in_given_arrays(name: str) -> None:
    model = MODELS[name]
    function = derived(name).compile()
    arrays = model.arrays(6, SIZES)
    _, slopes = function(**arrays)
    targets = {k: np.full(np.shape(v), np.nan) for k, v in slopes.items() if np.ndim(v)}
    _, found = function(**arrays, out=targets)
    for wrt, target in targets.items():
        assert found[wrt] is target
        np.testing.assert_array_equal(target, slopes[wrt])


def test_a_collected_sequence_in_a_given_array(rng: np.random.Generator) -> None:
    n, T = md.dims("n T")
    W, x = md.tensor("W", n, n), md.tensor("x", T, n)
    _, states = md.scan(lambda s, c: (md.tanh(W @ s + c),) * 2, md.zeros(n), x)
    function = md.compile(states)
    arrays = {"W": rng.normal(size=(3, 3)), "x": rng.normal(size=(4, 3))}
    expected = function(**arrays)
    wide = np.full((4, 6), np.nan)
    for target in (np.full((4, 3), np.nan), wide[:, ::2]):
        assert function(**arrays, out={"value": target}) is target
        np.testing.assert_array_equal(target, expected)
    np.testing.assert_array_equal(np.isnan(wide), [[False, True] * 3] * 4)


@pytest.mark.parametrize("name", ["lstm", "nested"])
def test_steps_are_planned_once(name: str) -> None:
    model = MODELS[name]
    function = derived(name).compile()
    arrays = model.arrays(1, SIZES)
    run = function.plan(**arrays)
    value, slopes = function(**arrays)
    for _ in range(2):
        targets = [np.full(np.shape(slope), np.nan) for slope in slopes.values()]
        again, *found = run(*(arrays[k] for k in function.inputs), *targets)
        np.testing.assert_array_equal(again, value)
        for one, target, slope in zip(found, targets, slopes.values(), strict=True):
            assert one is target
            np.testing.assert_array_equal(target, slope)


def test_derivations_are_pickled() -> None:
    derivation = derived("rnn")
    copy = pickle.loads(pickle.dumps(derivation))
    arrays = MODELS["rnn"].arrays(3, SIZES)
    (one, slopes), (two, others) = (d.compile()(**arrays) for d in (derivation, copy))
    assert one == two
    for wrt, slope in slopes.items():
        np.testing.assert_array_equal(others[wrt], slope)


def test_a_step_of_constants() -> None:
    """A loop of one step reads before its start an entry of what holds nothing but zeros."""
    m = md.dims("m")
    Z, a = md.tensor("Z", 1, m), md.tensor("a")
    _, states = md.scan(lambda s, c: (md.sin(s) * c, s), md.zeros(m), Z)
    assert md.compile(states[0, m - 2] + a)(Z=np.ones((1, 3)), a=2.0) == 2.0
