"""Fixtures for all tests.  This file also makes ``oracle`` importable from the folders below."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Modules of all folders are imported by their bare names: two of one name would shadow."""
    names = Counter(p.name for p in Path(__file__).parent.rglob("*.py"))
    del names["conftest.py"]
    if twice := sorted(name for name, count in names.items() if count > 1):
        raise pytest.UsageError(f"several modules of the tests are named {', '.join(twice)}")


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded source of random numbers; there is no global seed."""
    return np.random.default_rng(20240)
