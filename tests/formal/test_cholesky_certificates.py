"""Cholesky factors: Coq accepts their gradients, and what is wrong is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import coq_reader
import mutants
import numpy as np
import pytest
from certified import derivation
from test_mutants import SYNTAX, refused
from test_reader import agrees

import mathdl as md
from mathdl.errors import UnsupportedError
from mathdl.primitives import registry
from mathdl.primitives.inverse import solution
from mathdl.primitives.matrices import lower_half, mT

coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")


@pytest.mark.parametrize("n", [1, 2, 4])
def test_the_definition_is_the_factor_of_the_symmetric_part(n: int) -> None:
    rng = np.random.default_rng(n)
    x, skew = rng.normal(size=(2, n, n))
    a = x @ x.T + np.eye(n)
    wanted = np.linalg.cholesky(a)
    for matrix in map(coq_reader.curried, (a, a + skew - skew.T)):
        factor = coq_reader.table(coq_reader.LIBRARY["cholesky"](n)(matrix), (n, n))
        pivots = coq_reader.table(coq_reader.LIBRARY["pivot"](matrix), (n,))
        np.testing.assert_allclose(factor, wanted, atol=1e-12)
        np.testing.assert_allclose(pivots, np.diag(wanted)**2, rtol=1e-12)


def test_the_hypothesis_fails_where_there_is_no_factor() -> None:
    reading = coq_reader.Reading(derivation("noise by Cholesky").certificate().source)
    about = reading.theorems[-1]
    values = {"n": 2, "S_": np.array([[1.0, 2.0], [2.0, 1.0]]), **dict.fromkeys(
        ("mu", "e", "y"), np.ones(2))}
    assert not coq_reader.holds(reading, about, values)
    assert coq_reader.holds(reading, about, values | {"S_": 3 * np.eye(2)})


@pytest.mark.parametrize("name", ["Cholesky factor", "Gaussian by Cholesky"])
def test_the_statement_is_the_derivation(name: str) -> None:
    agrees(derivation(name), str(derivation(name).certificate().statement), seed=1)


@coq
def test_coq_accepts() -> None:
    accepted = derivation("Cholesky factor").certificate().check()
    assert accepted, str(accepted)


@coq
@pytest.mark.parametrize("rule", ["sign", "factor", "dropped domain_1"])
def test_coq_refuses(rule: str, tmp_path: Any) -> None:
    certificate = derivation("noise by Cholesky").certificate()
    found = [*mutants.gradient_mutants(certificate.source),
             *mutants.weakened(certificate.source, certificate.statement)]
    message = refused(next(m for m in found if m.rule == rule), tmp_path)
    assert message
    assert not any(words in message for words in SYNTAX), message


def _pulled(l: Any, p: Any) -> Any:
    """``L^-T P L^-1``."""
    left = solution(mT(l), p, "upper")
    return mT(solution(mT(l), mT(left), "upper"))


@pytest.mark.parametrize("wrong", [
    lambda l, g, a: _pulled(l, mT(l) @ g),  # no triangle
    lambda l, g, a: _pulled(l, lower_half(mT(l) @ g)),  # of one triangle only
    lambda l, g, a: _pulled(l, lower_half(l @ g)) + mT(_pulled(l, lower_half(l @ g))),
])
def test_a_wrong_rule_has_no_certificate(monkeypatch: pytest.MonkeyPatch, wrong: Any) -> None:
    declared = registry.lookup_primitive("cholesky")
    monkeypatch.setitem(registry._REGISTRY, "cholesky", replace(declared, vjp=(wrong,)))
    expression = md.parse("a @ cholesky(S) @ b", {"a": "n", "b": "n", "S": "n n"})
    with pytest.raises(UnsupportedError, match="no proof was found of the pull-back"):
        _ = md.derive(expression, ["S"]).certificate().source


def test_stacks_are_refused_by_name() -> None:
    expression = md.parse("sum(cholesky(S))", {"S": "b n n"})
    with pytest.raises(UnsupportedError, match="cholesky of a stack"):
        _ = md.derive(expression, ["S"]).certificate().source
