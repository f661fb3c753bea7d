"""Coq accepts certificates, with no assumption but those of its reals, and refuses others."""

from __future__ import annotations

import shutil

import pytest
from certified import SAMPLE, derivation

pytestmark = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")


@pytest.mark.parametrize("name", list(SAMPLE))
def test_coq_accepts(name: str) -> None:
    accepted = derivation(name).certificate().check()
    assert accepted, str(accepted)
    assert len(accepted.assumptions) >= 2
    assert accepted.foreign == ()
