"""What the catalogue says of distributions and optimizers besides their gradients."""

from __future__ import annotations

import pytest

from mathdl.book.facts import derived_facts
from mathdl.catalogue import Entry, entry_named, families
from mathdl.present.mathml import formula


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("gamma", {"mean": "alpha/beta", "variance": "alpha/beta**2",
                   "information of alpha,beta": "-1/beta",
                   "sample": "of normal and uniform noise, reparametrised by beta"}),
        ("poisson", {"mean": "rate", "entropy": "no closed form",
                     "sample": "of uniform noise"}),
        ("binomial", {"mean": "p*trials"}),
        ("newton", {"new theta": "theta - solve(H, g)"}),
        ("momentum", {"new theta": "theta - eta*(beta*v + g)", "new v": "beta*v + g"}),
        ("exact_line_search", {"alpha": "p @ (b - A @ x)/(p @ A @ p)"}),
    ],
)
def test_facts(name: str, facts: dict[str, str]) -> None:
    one = entry_named(name)
    found = dict(derived_facts(one, one.instance()))
    assert facts.items() <= found.items()


@pytest.mark.parametrize("one", [e for own in families().values() for e in own],
                         ids=lambda one: one.name)
def test_every_law_is_read_as_a_formula(one: Entry) -> None:
    assert "\\" not in formula(one.law)


@pytest.mark.parametrize("name", [one.name for one in families()["distributions"]])
def test_every_distribution_has_moments(name: str) -> None:
    one = entry_named(name)
    found = dict(derived_facts(one, one.instance()))
    assert {"mean", "variance", "entropy"} <= set(found)
    assert "no closed form" not in (found["mean"], found["variance"])
