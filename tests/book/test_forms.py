"""The comparison with the textbook form can fail for every derivative of the book."""

from __future__ import annotations

import pytest

from mathdl.book import Entry, load_book
from mathdl.book.checking import compare, derivation_of, textbook_form


@pytest.mark.exhaustive
@pytest.mark.parametrize("entry", load_book(), ids=lambda e: e.name)
def test_a_sign_and_a_factor_are_seen(entry: Entry) -> None:
    derivation = derivation_of(entry)
    for key in entry.textbook:
        form = textbook_form(entry, derivation, key)
        for wrong in (-form, form * 1.000001):
            _, failures = compare(entry, derivation, key, wrong)
            assert len(failures) == 2, key  # the derivative, and its text read back
            assert all("from the textbook form by" in failure for failure in failures)
        assert compare(entry, derivation, key, form)[1] == ()
