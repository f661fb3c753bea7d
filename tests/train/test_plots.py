"""The learning curve is a picture of the history."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mathdl.train.loop import Epoch
from mathdl.train.plots import learning_curve


def test_learning_curve_is_a_png(tmp_path: Path) -> None:
    history = [Epoch(k, 1 / k, 1.2 / k, 1 - 0.5 / k) for k in range(1, 21)]
    learning_curve(history, tmp_path / "curve.png", "a title")
    from matplotlib.image import imread

    picture = np.asarray(imread(tmp_path / "curve.png"))
    assert picture.shape[1] > picture.shape[0] > 300
    assert picture[..., :3].std() > 0.05  # something is drawn


def test_one_epoch_is_enough(tmp_path: Path) -> None:
    learning_curve([Epoch(1, 0.5, 0.6, 0.9)], tmp_path / "curve.png", "one")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
