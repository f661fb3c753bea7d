"""Entries of the catalogue are precise over all sizes of inputs, or it is listed why not."""

from __future__ import annotations

import zlib

import pytest
from catalogue import FAMILIES, LIMITS, bits_of, swept

from mathdl.catalogue import Entry, families

ENTRIES = list(swept())
ONE_OF = 6  # of the entries, by the hash of the name, are in the default suite
FEW = (-50.0, 0.0, 1e-20, 20.0)
SAMPLE = [e for e in ENTRIES if zlib.crc32(e.name.encode()) % ONE_OF == 0]


@pytest.mark.parametrize("entry", SAMPLE, ids=lambda entry: entry.name)
def test_an_entry_is_stable_at_moderate_sizes(entry: Entry) -> None:
    found = bits_of(entry, "float64", FEW)
    limit = LIMITS.get(entry.name)
    assert found is None or not [
        p for p in found.failures if limit is None or not limit.covers("float64", p.at)], str(found)


@pytest.mark.exhaustive
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_is_stable_or_has_a_reason(entry: Entry, dtype: str) -> None:
    found = bits_of(entry, dtype)
    limit = LIMITS.get(entry.name)
    if found is None:  # it has no real input of any size
        assert limit is None
        return
    assert not [p for p in found.failures if limit is None or not limit.covers(dtype, p.at)], (
        str(found))
    assert limit is None or getattr(limit, dtype) is None or found.failures, "a limit of nothing"


def test_every_limit_is_of_an_entry() -> None:
    assert set(LIMITS) <= {e.name for e in ENTRIES}
    assert set(FAMILIES) <= set(families())
    assert len(ENTRIES) > 60
    assert len(SAMPLE) > 5
