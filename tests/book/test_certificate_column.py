"""What Coq says of a derivation is shown in the status of the book, where it was asked."""

from __future__ import annotations

from dataclasses import replace

from mathdl.book import Outcome, load_book
from mathdl.book.checking import Form
from mathdl.book.page import checked
from mathdl.book.status import report


def test_the_column_and_the_reason() -> None:
    entries = load_book()[:2]
    form = Form("x", "a", "a", 1, 1, 1, 0.0)
    plain = {e.name: Outcome(e.name, forms=(form,), proof="3 steps") for e in entries}
    assert "certificate" not in report(entries, plain, 1.0, False)
    said = dict(zip((e.name for e in entries), ("accepted", "no certificate: no proof of a step"),
                    strict=True))
    outcomes = {n: replace(o, certificate=said[n]) for n, o in plain.items()}
    lines = report(entries, outcomes, 1.0, False).splitlines()
    column = lines[0].index("certificate")
    assert [x[column:column + 8].strip() for x in lines if x.startswith("ok")] == [
        "accepted", "none"]
    assert f"{entries[1].name}: no certificate: no proof of a step" in lines
    assert lines[-1].endswith("Coq accepts 1")
    assert "certificate: accepted" in checked(outcomes[entries[0].name])
