"""Every entry of the catalogue, found by itself: derived, verified, proved, printed, read back."""

from __future__ import annotations

import shutil

import pytest

import mathdl as md
from mathdl.catalogue import Entry, entries, entry, entry_named, families
from mathdl.ir.system import inputs_of
from mathdl.present.latex_document import PREAMBLE, document
from mathdl.present.latex_words import escaped
from mathdl.present.pdf import typeset

ALL = list(entries().values())


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_the_gradient(one: Entry) -> None:
    instance = one.instance()
    derivation = md.derive(instance.expr, list(instance.wrt))
    report = derivation.verify()
    assert report, str(report)
    checked = derivation.proof.check(instances=1)
    assert checked, str(checked)
    assert derivation.latex()


@pytest.mark.parametrize("one", [e for e in ALL if e.instance().smooth], ids=lambda one: one.name)
def test_products_with_the_hessian(one: Entry) -> None:
    """The derivatives of the first gradient along a direction, by all that it depends on."""
    instance = one.instance()
    if instance.expr.ndim:
        pytest.skip("its second derivative is no Hessian")
    name = instance.wrt[0]
    given = md.derive(instance.expr, name)
    variable = given.wrt[0]
    direction = md.tensor("direction_", variable.shape)
    along = md.sum(given[name] * direction)
    moving = [t for t in inputs_of([along]) if t.name in instance.wrt]
    if not moving:
        pytest.skip("it is affine: the gradient is constant")
    assert md.derive(along, moving).verify(seed=1)


def typeset_all(chosen: list[Entry]) -> str:
    """The log of setting the laws, theorems and proofs of entries as one document."""
    parts = []
    for one in chosen:
        instance = one.instance()
        proof = md.derive(instance.expr, list(instance.wrt)).proof
        parts.append(f"\\section*{{{escaped(one.name)}}}\\[{one.law}\\]\n{proof.latex()}")
    return typeset(document(PREAMBLE, *parts))[1]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no TeX")
@pytest.mark.parametrize("chosen", [
    pytest.param(ALL[::30], id="some"),
    pytest.param(ALL, id="all", marks=pytest.mark.exhaustive),
])
def test_laws_and_proofs_are_set_by_tex(chosen: list[Entry]) -> None:
    assert "Output written" in typeset_all(chosen)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no TeX")
def test_every_law_is_set_by_tex() -> None:
    laws = [f"\\[{one.law}\\]" for one in ALL]
    assert "Output written" in typeset(document(PREAMBLE, *laws))[1]
    with pytest.raises(md.TypesettingError):
        typeset(document(PREAMBLE, r"\[\frac{1}\]"))


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_it_is_documented(one: Entry) -> None:
    assert one.summary.endswith(".")
    assert len(one.reference) > 10
    assert one.law.strip()


def test_names_are_unique_and_near_ones_suggested() -> None:
    assert {e.name for group in families().values() for e in group} == set(entries())
    with pytest.raises(md.NamingError, match="squared_error"):
        entry_named("squared_eror")
    with pytest.raises(md.NamingError, match="two entries"):
        entry("losses", law="x", reference="none", example=ALL[0].example,
              name="squared_error")(lambda x: x)
