"""The digits data set, its split, and the changes made to images while training."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from mathdl.errors import MissingExtraError
from mathdl.extra import extra
from mathdl.train.data import load_digits, one_hot, shifted, stratified_split, with_noise


def test_split_holds_out_a_fifth_of_every_class() -> None:
    labels = np.repeat(np.arange(4), [10, 25, 40, 5])
    held_out = stratified_split(labels, 0.2, seed=3)
    assert [int(held_out[labels == c].sum()) for c in range(4)] == [2, 5, 8, 1]
    np.testing.assert_array_equal(held_out, stratified_split(labels, 0.2, seed=3))
    assert (held_out != stratified_split(labels, 0.2, seed=4)).any()


def test_digits_are_real_scaled_and_a_fifth_is_held_out() -> None:
    data = load_digits()
    assert len(data.train) + len(data.test) == 1797
    assert len(data.test) == pytest.approx(1797 / 5, abs=5)
    assert data.features == 64
    assert set(np.unique(data.test.labels)) == set(range(10))
    for samples in (data.train, data.test):
        assert (samples.inputs.min(), samples.inputs.max()) == (-1.0, 1.0)


def test_no_digit_is_both_learnt_from_and_held_out() -> None:
    data = load_digits()
    learnt = {row.tobytes() for row in data.train.inputs}
    shared = sum(row.tobytes() in learnt for row in data.test.inputs)
    assert shared == 0


def test_digits_are_the_same_every_time() -> None:
    np.testing.assert_array_equal(load_digits().test.inputs, load_digits().test.inputs)


def test_one_hot_has_a_single_one_in_the_column_of_the_label() -> None:
    rows = one_hot(np.array([2, 0]), 3)
    np.testing.assert_array_equal(rows, [[0, 0, 1], [1, 0, 0]])


def test_shift_moves_by_at_most_a_pixel() -> None:
    image = np.zeros((8, 8))
    image[4, 3] = 1.0
    moved = shifted(np.tile(image.ravel(), (500, 1)), 8, 1.0, 0.0, np.random.default_rng(0))
    at = {divmod(int(k), 8) for k in moved.argmax(axis=1)}
    assert at == {(r, c) for r in (3, 4, 5) for c in (2, 3, 4)}
    np.testing.assert_array_equal(moved.sum(axis=1), 1.0)


def test_shift_fills_with_the_background() -> None:
    moved = shifted(np.ones((200, 64)), 8, 1.0, -1.0, np.random.default_rng(0))
    assert set(np.unique(moved)) == {-1.0, 1.0}
    assert set((moved == -1).sum(axis=1)) == {0, 8, 15}


def test_shift_with_probability_zero_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    images = rng.random((5, 64))
    np.testing.assert_array_equal(shifted(images, 8, 0.0, -1.0, rng), images)


def test_noise_has_the_deviation_asked_for() -> None:
    noise = with_noise(np.zeros((300, 64)), 0.1, np.random.default_rng(0))
    assert noise.std() == pytest.approx(0.1, rel=0.05)
    assert noise.mean() == pytest.approx(0.0, abs=0.005)


def test_a_missing_package_names_the_extra() -> None:
    message = r'no_such_package.*pip install "mathdl\[train\]"'
    with pytest.raises(MissingExtraError, match=message):
        extra("no_such_package.part", "a test")


def test_an_import_error_inside_an_installed_package_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(name: str) -> None:
        raise ModuleNotFoundError("No module named 'other'", name="other")

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="other") as caught:
        extra("sklearn.datasets", "a test")
    assert not isinstance(caught.value, MissingExtraError)
