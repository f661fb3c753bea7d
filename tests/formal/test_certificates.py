"""Coq accepts certificates, with no assumption but those of its real numbers."""

from __future__ import annotations

import shutil

import pytest
from certified import CERTIFIED, SAMPLE, derivation

import mathdl as md

pytestmark = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")


@pytest.mark.parametrize("name", list(SAMPLE))
def test_coq_accepts(name: str) -> None:
    accepted = derivation(name).certificate().check()
    assert accepted, str(accepted)
    assert len(accepted.assumptions) >= 2
    assert accepted.foreign == ()


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [n for n in CERTIFIED if n not in SAMPLE])
def test_coq_accepts_the_whole_set(name: str) -> None:
    accepted = derivation(name).certificate().check()
    assert accepted, str(accepted)


def test_names_that_a_proof_could_use_itself() -> None:
    """Dims and tensors may have the names that mathematicians use."""
    loss = md.parse("-sum(Y*log_softmax(start@c))/N",
                    {"start": "N D", "c": "D moves", "Y": "N moves"}, {"Y": "one_hot"})
    accepted = md.derive(loss, ["start", "c"]).certificate().check()
    assert accepted, str(accepted)


def test_a_dim_with_a_name_of_coq_is_refused_by_name() -> None:
    certificate = md.derive(md.parse("sum(x**2)", {"x": "S"}), "x").certificate()
    with pytest.raises(md.UnsupportedError, match="a dim named S"):
        certificate.check()
