"""Inverses and determinants: Coq accepts their gradients, and wrong ones have no certificate."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import pytest

import mathdl as md
from mathdl.errors import UnsupportedError
from mathdl.formal.certificate import Certificate
from mathdl.formal.emit import Emitted
from mathdl.primitives import registry
from mathdl.primitives.matrices import mT

CASES: dict[str, tuple[str, dict[str, str], dict[str, str], list[str]]] = {
    "inverse": ("a @ inv(X) @ b", {"a": "n", "X": "n n", "b": "n"}, {"X": "invertible"}, ["X"]),
    "system": ("v @ solve(A, b)", {"v": "n", "A": "n n", "b": "n"}, {"A": "invertible"},
               ["A", "b"]),
    "gaussian": ("-((x - m) @ inv(M) @ (x - m) + logdet(M))/2",
                 {"x": "d", "m": "d", "M": "d d"}, {"M": "positive_definite"}, ["M"]),
    "determinant": ("det(X)", {"X": "n n"}, {"X": "invertible"}, ["X"]),
    "determinant of an inverse": ("logdet(inv(X))", {"X": "n n"}, {"X": "invertible"}, ["X"]),
    "inverse of a transpose": ("sum(inv(X.T)*G)", {"X": "n n", "G": "n n"}, {"X": "invertible"},
                               ["X"]),
    "inverse of an inverse": ("sum(inv(inv(X))*G)", {"X": "n n", "G": "n n"},
                              {"X": "invertible"}, ["X"]),
}
coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")


def derivation(name: str, cases: Any) -> Any:
    text, shapes, assume, wrt = cases[name]
    return md.derive(md.parse(text, shapes, assume), wrt)



@coq
@pytest.mark.parametrize("name", ["system", "gaussian", "determinant of an inverse"])
def test_coq_accepts(name: str) -> None:
    accepted = derivation(name, CASES).certificate().check()
    assert accepted, str(accepted)


@coq
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", list(CASES))
def test_coq_accepts_every_case(name: str) -> None:
    accepted = derivation(name, CASES).certificate().check()
    assert accepted, str(accepted)


@coq
@pytest.mark.parametrize(("before", "after"), [
    ("det n (X) <> 0", "0 <= 0"),  # a singular matrix
    ("(inv n (X) i1 i0)", "(inv n (X) i0 i1)"),
    ("(det n (X)) * (inv n (X) i1 i0)", "(inv n (X) i1 i0)"),
])
def test_coq_refuses_other_statements(before: str, after: str) -> None:
    certificate = derivation("determinant", CASES).certificate()
    assert before in certificate.source
    source = certificate.source.replace(before, after)
    changed = Certificate(certificate.proof)
    changed.__dict__["_emitted"] = Emitted(source, certificate.statement)
    assert not changed.check()


@pytest.mark.parametrize(("primitive", "name", "wrong"), [
    ("inv", "inverse", lambda y, g, a, **p: mT(y) @ g @ mT(y)),
    ("inv", "inverse", lambda y, g, a, **p: -(y @ g @ y)),
    ("inv", "inverse", lambda y, g, a, **p: -(g @ mT(y))),
    ("det", "determinant", lambda d, g, a, **p: registry.lookup_primitive("logdet").vjp[0](
        d, g, a, **p)),
])
def test_a_wrong_rule_has_no_certificate(
    monkeypatch: pytest.MonkeyPatch, primitive: str, name: str, wrong: Any
) -> None:
    declared = registry.lookup_primitive(primitive)
    monkeypatch.setitem(registry._REGISTRY, primitive, replace(declared, vjp=(wrong,)))
    with pytest.raises(UnsupportedError, match="no proof was found"):
        _ = derivation(name, CASES).certificate().source


def test_stacks_of_matrices_are_refused_by_name() -> None:
    certificate = derivation("stack", {
        "stack": ("sum(inv(X))", {"X": "b n n"}, {"X": "invertible"}, ["X"])}).certificate()
    with pytest.raises(UnsupportedError, match="inv of a stack"):
        _ = certificate.source
