"""Fixtures for all tests.  This file also makes ``oracle`` importable from the folders below."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded source of random numbers; there is no global seed."""
    return np.random.default_rng(20240)
